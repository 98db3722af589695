//! Payment gateways.
//!
//! Every call carries a key of ours: repeating a call with its key is harmless and gives the first answer. No call is
//! ever made while a transaction is open. A gateway that does not answer is [`Outcome::Unknown`]: never a success and
//! never a failure, until it is asked again.

use std::collections::BTreeMap;
use std::sync::Arc;

use kernel::{Money, PaymentId};

use super::Answer;

/// What the shop asks a gateway to collect.
#[derive(Debug, Clone)]
pub struct PaymentRequest {
    /// The payment; also the key of the call.
    pub payment: PaymentId,
    /// How much.
    pub amount: Money,
    /// What the buyer sees on the statement or page: the order's reference.
    pub reference: String,
    /// Where the gateway sends the buyer when done.
    pub return_url: String,
}

/// A gateway's word that the money is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The payment it is about, as the gateway has it.
    pub payment: PaymentId,
    /// The gateway's own name for it.
    pub gateway_ref: String,
    /// How much was authorised.
    pub amount: Money,
    /// The merchant account that holds it.
    pub account: String,
    /// Whether real money moves.
    pub live: bool,
}

/// Where a payment stands, by the gateway's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The amount is held for the shop.
    Approved(Approval),
    /// It will not happen. The reason is plain words for the buyer.
    Declined {
        /// Why, for the buyer to read.
        reason: String,
    },
    /// The buyer has to go to a page of the gateway's.
    NeedsAction {
        /// The page.
        url: String,
        /// The gateway's own name for the payment.
        gateway_ref: String,
    },
    /// The order stands, the money comes later by another way, such as a bank transfer.
    PaysLater {
        /// What the buyer writes on the transfer.
        gateway_ref: String,
    },
    /// The gateway has never heard of this payment.
    NotFound,
    /// No usable answer.
    Unknown {
        /// What happened instead, for the log.
        why: String,
    },
}

/// What became of moving money that was authorised or captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// Done.
    Done,
    /// The gateway says no.
    Refused {
        /// Why.
        reason: String,
    },
    /// No usable answer: ask again with the same key.
    Unknown {
        /// What happened instead, for the log.
        why: String,
    },
}

/// Capturing, voiding or refunding part of a payment.
#[derive(Debug, Clone)]
pub struct MoveRequest {
    /// The call's key: one effect, however often it is repeated.
    pub key: String,
    /// The gateway's own name for the payment.
    pub gateway_ref: String,
    /// How much.
    pub amount: Money,
}

/// Something a gateway told us unasked, checked to be from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The gateway's id of this event: each counts once.
    pub event_id: String,
    /// The payment it is about. What happened is not taken from the notice: the gateway is asked.
    pub payment: PaymentId,
}

/// Why a notice was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// Not signed by the gateway, or changed on the way.
    #[error("the signature does not fit")]
    BadSignature,
    /// Signed too long ago, or in the future.
    #[error("the notice is too old or too new")]
    BadTime,
    /// Signed, but not to be understood.
    #[error("the notice cannot be read")]
    Unreadable,
    /// This gateway sends none.
    #[error("this gateway sends no notices")]
    NotSupported,
}

/// A payment gateway.
pub trait Gateway: Send + Sync {
    /// Its word in settings, columns and addresses: `test`, `bank_transfer`.
    fn code(&self) -> &'static str;
    /// Whether real money moves. Pages of a gateway in test mode are plainly marked.
    fn is_live(&self) -> bool;
    /// The merchant account that approvals must name.
    fn account(&self) -> &str;
    /// Whether captured and refunded amounts really move by calls to it. For a bank transfer people move the money.
    fn moves_money(&self) -> bool;
    /// Begins collecting, or repeats the first answer.
    fn authorize<'a>(&'a self, request: &'a PaymentRequest) -> Answer<'a, Outcome>;
    /// Where the payment stands now.
    fn look_up<'a>(&'a self, payment: &'a PaymentId) -> Answer<'a, Outcome>;
    /// Ends a payment the buyer has not finished. [`Outcome::Approved`] if it was too late for that.
    fn cancel<'a>(&'a self, payment: &'a PaymentId) -> Answer<'a, Outcome>;
    /// Takes authorised money.
    fn capture<'a>(&'a self, request: &'a MoveRequest) -> Answer<'a, Moved>;
    /// Lets go of authorised money that was not captured.
    fn void<'a>(&'a self, request: &'a MoveRequest) -> Answer<'a, Moved>;
    /// Gives captured money back.
    fn refund<'a>(&'a self, request: &'a MoveRequest) -> Answer<'a, Moved>;
    /// Checks and reads a notice. `signature` is the gateway's signature header, `now` in epoch milliseconds.
    fn read_notice(
        &self,
        signature: &str,
        body: &[u8],
        now: kernel::Timestamp,
    ) -> Result<Notice, NoticeError>;
}

/// The gateways this shop knows, by code.
#[derive(Clone, Default)]
pub struct Gateways(BTreeMap<&'static str, Arc<dyn Gateway>>);

impl Gateways {
    /// With one more gateway.
    #[must_use]
    pub fn with(mut self, gateway: Arc<dyn Gateway>) -> Self {
        self.0.insert(gateway.code(), gateway);
        self
    }

    /// The gateway of that code.
    pub fn find(&self, code: &str) -> Option<&Arc<dyn Gateway>> {
        self.0.get(code)
    }

    /// All gateways, by code.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Gateway>> {
        self.0.values()
    }
}

impl std::fmt::Debug for Gateways {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

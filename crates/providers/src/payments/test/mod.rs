//! The test gateway: a payment company in miniature, with books of its own, for trying a shop out without money.
//!
//! # Invariants
//! - It plays another company: nothing of the shop reads its tables, and it reads nothing of the shop's.
//! - Every call can be repeated with its key, and gives the first answer.
//! - `0 <= refunded <= captured` and `captured + voided <= amount`, held by guarded writes and by the database.
//! - The buyer's choice is final. A decision is told to the shop by a signed notice, until the shop takes it.
//!
//! What the buyer can choose on its page covers what real gateways do: yes, no, a further check, an answer that comes late
//! and only by notice, and none at all. For the last one [`Gateway::look_up`] says [`Outcome::Unknown`] for as long as the
//! payment is open: an honest gateway cannot say more than its bank. [`Gateway::cancel`] still works at any time, because it
//! is the provider's own decision and needs no bank: so the shopper can pay another way, and the shop can end the payment
//! when its time is up. From then on the answer is [`Outcome::Declined`].

mod books;
#[cfg(feature = "testing")]
pub(crate) mod fuzzing;
mod notices;
mod page;
#[cfg(test)]
mod shop_tests;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use commerce::ports::Answer;
use commerce::ports::gateway::{
    Approval, Gateway, MoveRequest, Moved, Notice, NoticeError, Outcome, PaymentRequest,
};
use db::{Db, DbError};
use kernel::{Clock, Ids, PaymentId, Timestamp};

use books::{Entry, Move, NewEntry, NewMove, State};
use notices::Key;

pub use notices::{SignedNotice, TOLERANCE};
pub use page::{Choice, Decision, LATE, PageError, PageState, Stage};

/// Its word in settings, columns and addresses.
const CODE: &str = "test";
/// The one account it has.
const ACCOUNT: &str = "test-account";

/// The test gateway. Clones share its books.
#[derive(Debug, Clone)]
pub struct TestGateway {
    db: Db,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    key: Key,
    origin: Arc<str>,
}

impl TestGateway {
    /// The gateway with its books in `db`, signing its notices with `key`. Its page is at `{origin}/test-gateway/pay/…`.
    pub fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        key: [u8; 32],
        origin: &str,
    ) -> Self {
        Self {
            db,
            clock,
            ids,
            key: Key::new(key),
            origin: origin.trim_end_matches('/').into(),
        }
    }

    /// The same gateway and books, by another clock: for a history that is written afterwards.
    #[must_use]
    pub fn with_clock(&self, clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            ..self.clone()
        }
    }

    fn page_url(&self, gateway_ref: &str) -> String {
        format!("{}/test-gateway/pay/{gateway_ref}", self.origin)
    }

    async fn begin(&self, request: &PaymentRequest) -> Outcome {
        if request.amount.minor() <= 0 {
            return Outcome::Declined {
                reason: "There is nothing to pay".to_owned(),
            };
        }
        let now = self.clock.now();
        let new = NewEntry {
            gateway_ref: self.ids.secret().expose().to_owned(),
            payment: request.payment.clone(),
            account: ACCOUNT,
            reference: request.reference.clone(),
            amount: request.amount,
            return_url: request.return_url.clone(),
        };
        match self.db.write(move |tx| books::open(tx, now, &new)).await {
            // Neither a yes nor a no: the payment that has the key may be at either.
            Ok(entry) if entry.amount != request.amount => Outcome::Unknown {
                why: format!(
                    "{} was begun for {}, not {}",
                    entry.payment, entry.amount, request.amount
                ),
            },
            Ok(entry) => Outcome::NeedsAction {
                url: self.page_url(&entry.gateway_ref),
                gateway_ref: entry.gateway_ref,
            },
            Err(error) => no_answer(&error),
        }
    }

    /// What the provider says of a payment.
    fn standing(&self, now: Timestamp, entry: Entry) -> Outcome {
        let declined = |reason: &str| Outcome::Declined {
            reason: reason.to_owned(),
        };
        match entry.state_at(now) {
            State::Open | State::Step => Outcome::NeedsAction {
                url: self.page_url(&entry.gateway_ref),
                gateway_ref: entry.gateway_ref,
            },
            State::Late | State::Never => Outcome::Unknown {
                why: "the bank has not answered".to_owned(),
            },
            State::Approved if entry.is_let_go() => declined("The payment was let go of"),
            State::Approved => Outcome::Approved(Approval {
                payment: entry.payment,
                gateway_ref: entry.gateway_ref,
                amount: entry.amount,
                account: entry.account,
                live: false,
            }),
            State::Declined => declined("The bank declined the payment"),
            State::Canceled => declined("The payment was canceled"),
        }
    }

    fn answer(&self, now: Timestamp, found: Result<Option<Entry>, DbError>) -> Outcome {
        match found {
            Ok(Some(entry)) => self.standing(now, entry),
            Ok(None) => Outcome::NotFound,
            Err(error) => no_answer(&error),
        }
    }

    async fn move_money(&self, kind: Move, request: &MoveRequest) -> Moved {
        let now = self.clock.now();
        let new = NewMove {
            key: request.key.clone(),
            gateway_ref: request.gateway_ref.clone(),
            kind,
            amount: request.amount,
        };
        match self
            .db
            .write(move |tx| books::move_money(tx, now, &new))
            .await
        {
            Ok(Ok(())) => Moved::Done,
            Ok(Err(reason)) => Moved::Refused { reason },
            Err(error) => Moved::Unknown {
                why: error.to_string(),
            },
        }
    }
}

fn no_answer(error: &DbError) -> Outcome {
    Outcome::Unknown {
        why: error.to_string(),
    }
}

impl Gateway for TestGateway {
    fn code(&self) -> &'static str {
        CODE
    }

    fn is_live(&self) -> bool {
        false
    }

    fn account(&self) -> &'static str {
        ACCOUNT
    }

    fn moves_money(&self) -> bool {
        true
    }

    fn authorize<'a>(&'a self, request: &'a PaymentRequest) -> Answer<'a, Outcome> {
        Box::pin(self.begin(request))
    }

    fn look_up<'a>(&'a self, payment: &'a PaymentId) -> Answer<'a, Outcome> {
        Box::pin(async move {
            let (now, payment) = (self.clock.now(), payment.clone());
            self.answer(now, self.db.read(move |tx| books::find(tx, &payment)).await)
        })
    }

    fn cancel<'a>(&'a self, payment: &'a PaymentId) -> Answer<'a, Outcome> {
        Box::pin(async move {
            let (now, payment) = (self.clock.now(), payment.clone());
            let found = self.db.write(move |tx| {
                books::cancel(tx, now, &payment)?;
                books::find(tx, &payment)
            });
            self.answer(now, found.await)
        })
    }

    fn capture<'a>(&'a self, request: &'a MoveRequest) -> Answer<'a, Moved> {
        Box::pin(self.move_money(Move::Capture, request))
    }

    fn void<'a>(&'a self, request: &'a MoveRequest) -> Answer<'a, Moved> {
        Box::pin(self.move_money(Move::Void, request))
    }

    fn refund<'a>(&'a self, request: &'a MoveRequest) -> Answer<'a, Moved> {
        Box::pin(self.move_money(Move::Refund, request))
    }

    fn read_notice(
        &self,
        signature: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Notice, NoticeError> {
        notices::read(&self.key, (signature, body), now)
    }
}

//! Bank transfer: the order is placed at once, the buyer transfers the money, staff note that it arrived.
//!
//! No call leaves the shop: people move the money, both ways. So nothing is kept here either, and every answer follows from
//! the payment's id alone.

use commerce::ports::Answer;
use commerce::ports::gateway::{
    Gateway, MoveRequest, Moved, Notice, NoticeError, Outcome, PaymentRequest,
};
use kernel::{PaymentId, Timestamp};

use super::creditor_reference;

/// Its word in settings, columns and addresses.
const CODE: &str = "bank_transfer";

/// The gateway for bank transfers.
#[derive(Debug, Clone, Copy, Default)]
pub struct BankTransfer;

/// What the buyer writes on the transfer: a structured creditor reference of the payment.
fn reference(payment: &PaymentId) -> String {
    // The end of an id is its random part: twelve characters are enough to tell a lifetime's orders apart, and few enough
    // to type. In groups of four they print as RF18 5390 0754 7034.
    let id = payment.as_str();
    let end = id.get(id.len().saturating_sub(12)..).unwrap_or(id);
    creditor_reference(end).unwrap_or_else(|| id.to_owned())
}

fn pays_later(payment: &PaymentId) -> Outcome {
    Outcome::PaysLater {
        gateway_ref: reference(payment),
    }
}

impl Gateway for BankTransfer {
    fn code(&self) -> &'static str {
        CODE
    }

    fn is_live(&self) -> bool {
        true
    }

    fn account(&self) -> &'static str {
        CODE
    }

    fn moves_money(&self) -> bool {
        false
    }

    fn authorize<'a>(&'a self, request: &'a PaymentRequest) -> Answer<'a, Outcome> {
        Box::pin(async { pays_later(&request.payment) })
    }

    fn look_up<'a>(&'a self, payment: &'a PaymentId) -> Answer<'a, Outcome> {
        Box::pin(async { pays_later(payment) })
    }

    /// Always in time: before the order is placed nobody has been told where to transfer money to.
    fn cancel<'a>(&'a self, _payment: &'a PaymentId) -> Answer<'a, Outcome> {
        Box::pin(async {
            Outcome::Declined {
                reason: "The bank transfer was canceled".to_owned(),
            }
        })
    }

    /// Refused: money that arrived by transfer is taken already, in the moment staff note it.
    fn capture<'a>(&'a self, _request: &'a MoveRequest) -> Answer<'a, Moved> {
        refused("a bank transfer is captured by noting that it arrived")
    }

    /// Refused: nothing is ever held without being taken.
    fn void<'a>(&'a self, _request: &'a MoveRequest) -> Answer<'a, Moved> {
        refused("a bank transfer holds no money that could be let go of")
    }

    /// Done, as far as a machine can: a person has transferred the money back, or is about to, and the shop notes it.
    fn refund<'a>(&'a self, _request: &'a MoveRequest) -> Answer<'a, Moved> {
        Box::pin(async { Moved::Done })
    }

    fn read_notice(
        &self,
        _signature: &str,
        _body: &[u8],
        _now: Timestamp,
    ) -> Result<Notice, NoticeError> {
        Err(NoticeError::NotSupported)
    }
}

fn refused<'a>(reason: &str) -> Answer<'a, Moved> {
    let reason = reason.to_owned();
    Box::pin(async { Moved::Refused { reason } })
}

#[cfg(test)]
mod tests {
    use kernel::{Currency, RandomIds};

    use super::super::is_creditor_reference;
    use super::*;

    fn request(payment: &PaymentId) -> PaymentRequest {
        PaymentRequest {
            payment: payment.clone(),
            amount: Currency::EUR.minor(4_200),
            reference: "7ZK3M9QX".to_owned(),
            return_url: "https://shop.example/checkout/return".to_owned(),
        }
    }

    #[tokio::test]
    async fn the_buyer_gets_a_reference_that_banks_can_check_and_it_stays() {
        let payment = "pay_01k9zv5d3efh2j7m8n9pqrstvw".parse().unwrap();
        let first = BankTransfer.authorize(&request(&payment)).await;
        assert_eq!(
            first,
            Outcome::PaysLater {
                gateway_ref: "RF127M8N9PQRSTVW".to_owned()
            }
        );
        assert!(is_creditor_reference("RF127M8N9PQRSTVW"));
        assert_eq!(BankTransfer.authorize(&request(&payment)).await, first);
        assert_eq!(BankTransfer.look_up(&payment).await, first);
    }

    #[test]
    fn no_two_payments_share_a_reference() {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..1_000 {
            let reference = reference(&PaymentId::new(&RandomIds));
            assert!(is_creditor_reference(&reference), "{reference}");
            assert!(seen.insert(reference));
        }
    }

    #[tokio::test]
    async fn people_move_the_money_so_the_gateway_only_notes_refunds() {
        let request = MoveRequest {
            key: "k".to_owned(),
            gateway_ref: "RF6518K5".to_owned(),
            amount: Currency::EUR.minor(100),
        };
        assert!(!BankTransfer.moves_money());
        assert_eq!(BankTransfer.refund(&request).await, Moved::Done);
        assert!(matches!(
            BankTransfer.capture(&request).await,
            Moved::Refused { .. }
        ));
        assert!(matches!(
            BankTransfer.void(&request).await,
            Moved::Refused { .. }
        ));
        assert_eq!(
            BankTransfer.read_notice("", b"", Timestamp::from_millis(0)),
            Err(NoticeError::NotSupported)
        );
    }
}

//! The payments of an order, and the form that captures one.

use commerce::orders::PaymentStatus;
use commerce::payments::{Payment, SessionStatus};
use commerce::ports::gateway::Gateways;
use commerce::staff::{CapturePayments, Permission};
use kernel::Money;
use serde::Serialize;

use super::facts::Facts;
use super::happened::method;
use super::request_key;
use super::samples::euros;
use super::show::Seen;

/// A payment of the order.
#[derive(Debug, Clone, Serialize)]
pub(super) struct PaymentView {
    pub(super) method: String,
    pub(super) test: bool,
    pub(super) status: SessionStatus,
    pub(super) amount: Money,
    pub(super) authorized: Money,
    pub(super) captured: Money,
    pub(super) refunded: Option<Money>,
    pub(super) failure: Option<String>,
    pub(super) capture: Option<CaptureForm>,
}

/// Takes money that is held.
#[derive(Debug, Clone, Serialize)]
pub(super) struct CaptureForm {
    pub(super) key: String,
    pub(super) payment: String,
    pub(super) amount: String,
    pub(super) left: Money,
}

/// The payments that came to anything, each with its form where this person may take what it holds.
pub(super) fn payments(facts: &Facts, seen: &Seen<'_>) -> Vec<PaymentView> {
    let begun = facts.payments.iter().filter(|payment| was_begun(payment));
    begun.map(|payment| view(payment, seen)).collect()
}

fn view(payment: &Payment, seen: &Seen<'_>) -> PaymentView {
    let gateway = seen.gateways().find(&payment.gateway);
    let left = payment
        .authorized
        .checked_sub(payment.captured)
        .unwrap_or(payment.authorized);
    let moves = gateway.is_some_and(|gateway| gateway.moves_money());
    let can = seen.staff.holds(CapturePayments::NAME);
    let mine = seen.typed.fields.get("payment") == Some(payment.id.as_str());
    let usual = left.to_decimal();
    let capture = (moves && can && left.minor() > 0).then(|| CaptureForm {
        key: request_key(seen.admin),
        payment: payment.id.to_string(),
        amount: if mine {
            seen.typed.value("capture", ("amount", &usual))
        } else {
            usual
        },
        left,
    });
    PaymentView {
        method: method(&payment.gateway, seen.say),
        test: !payment.live && moves,
        status: payment.status,
        amount: payment.amount,
        authorized: payment.authorized,
        captured: payment.captured,
        refunded: (payment.refunded.minor() > 0).then_some(payment.refunded),
        failure: payment.failure.clone(),
        capture,
    }
}

/// Whether a payment came to anything: a method the buyer looked at and left is no news.
fn was_begun(payment: &Payment) -> bool {
    payment.authorized.minor() > 0
        || payment.captured.minor() > 0
        || !matches!(
            payment.status,
            SessionStatus::Created | SessionStatus::Expired
        )
}

/// Whether somebody may yet say that a transfer for it arrived.
pub(super) fn waits_for_transfer(facts: &Facts, gateways: &Gateways) -> bool {
    let by_hand = |payment: &&Payment| {
        gateways
            .find(&payment.gateway)
            .is_some_and(|gateway| !gateway.moves_money())
    };
    let awaited = facts.payments.iter().rfind(by_hand);
    let missing = facts.order.payment_status != PaymentStatus::Paid;
    missing
        && awaited.is_some_and(|payment| {
            matches!(
                payment.status,
                SessionStatus::Processing | SessionStatus::Captured | SessionStatus::Canceled
            )
        })
}

impl PaymentView {
    /// To be read only.
    pub(super) fn without_form(self) -> Self {
        Self {
            capture: None,
            ..self
        }
    }

    pub(super) fn sample() -> Self {
        Self {
            method: "Card".to_owned(),
            test: true,
            status: SessionStatus::Authorized,
            amount: euros(20_890),
            authorized: euros(20_890),
            captured: euros(10_000),
            refunded: Some(euros(6_800)),
            failure: Some("declined".to_owned()),
            capture: Some(CaptureForm {
                key: "KEY".to_owned(),
                payment: "pay_1".to_owned(),
                amount: "108.90".to_owned(),
                left: euros(10_890),
            }),
        }
    }
}

//! Taking, letting go of and giving back money: each a move in three steps.
//!
//! First the amount is set aside and the move written down, with a job that finishes it should we die; then the gateway is
//! asked, with no transaction open; then the move is settled. The move's key makes every step harmless to repeat.

use db::{DbError, Tx};
use jobs::NewJob;
use kernel::text::one_line;
use kernel::time::MINUTE;
use kernel::{Code, Coded, Money, OrderId, PaymentId, TextError};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{TimelineKind, refund, store};
use crate::audit::{self, Change};
use crate::error::Internal;
use crate::event::{Event, emit};
use crate::internal_from;
use crate::payments::{
    self, Begun, EventKind, EventStatus, NewMove, Payment, PaymentEvent, SessionStatus,
};
use crate::ports::gateway::{Gateway, MoveRequest, Moved};
use crate::shop::{Act, Shop};
use crate::staff::{Actor, Authorized, CapturePayments, RefundPayments};

/// The kind of job that finishes a move whose outcome is not known. Never changes once released.
pub(crate) const RESUME_MOVE: &str = "payments.resume_move";
/// The kind of job that returns an order's money. Never changes once released.
pub(crate) const RETURN_MONEY: &str = "payments.return_money";

/// The payload of [`RESUME_MOVE`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResumeMove {
    pub(crate) key: String,
}

/// The payload of [`RETURN_MONEY`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReturnMoneyOf {
    pub(crate) order_id: OrderId,
    /// One payment only; all of the order's if not said.
    pub(crate) payment_id: Option<PaymentId>,
}

/// What became of a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MoneyMoved {
    /// It happened, now or when it was asked for before.
    Done,
    /// The gateway refused; nothing moved.
    Refused {
        /// Why.
        reason: String,
    },
    /// The gateway has not answered. It will be asked again; nothing needs to be done.
    Pending,
}

/// Takes money that is held.
#[derive(Debug, Clone)]
pub struct CapturePayment {
    /// Of which payment.
    pub payment_id: PaymentId,
    /// How much; all that is left to take if not said.
    pub amount: Option<Money>,
    /// The same key twice is one capture.
    pub request_key: String,
}

/// Notes that a buyer's transfer arrived.
#[derive(Debug, Clone)]
pub struct ReceiveTransfer {
    /// For which order.
    pub order_id: OrderId,
    /// How much arrived.
    pub amount: Money,
    /// What the bank statement says about it; may be empty.
    pub reference: String,
    /// The same key twice is one transfer.
    pub request_key: String,
}

/// Why no money was taken.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// No such payment or order.
    #[error("there is no such payment")]
    NotFound,
    /// Less than that is held.
    #[error("only {left} can be captured")]
    TooMuch {
        /// What can be taken.
        left: Money,
    },
    /// Nothing is awaited by transfer.
    #[error("this order does not wait for a transfer")]
    NotAwaited,
    /// An amount of nothing or less.
    #[error("enter an amount above zero, in {0}")]
    BadAmount(kernel::Currency),
    /// The reference cannot be used.
    #[error("the reference: {0}")]
    BadReference(TextError),
    /// The gateway is not set up any more.
    #[error("the payment method {0} is not set up")]
    NoGateway(String),
    /// Not the caller's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}
internal_from!(CaptureError: DbError, kernel::MoneyError);

impl Coded for CaptureError {
    fn code(&self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::TooMuch { .. } => Code::TooMuch,
            Self::NotAwaited => Code::StaleState,
            Self::BadAmount(_) | Self::BadReference(_) => Code::Invalid,
            Self::NoGateway(_) => Code::GatewayUnavailable,
            Self::Internal(error) => error.code(),
        }
    }
}

/// Takes held money, all or part of it.
pub async fn capture_payment(
    shop: &Shop,
    by: Authorized<CapturePayments>,
    cmd: CapturePayment,
) -> Result<MoneyMoved, CaptureError> {
    let act = shop.act(by.actor());
    let key = format!("capture:{}:{}", cmd.payment_id, cmd.request_key);
    let (id, wanted, move_key) = (cmd.payment_id.clone(), cmd.amount, key.clone());
    let gateways = shop.gateways.clone();
    let begun = audit::change(shop, act.clone(), move |tx, act| {
        let payment = payments::lock(tx, act.now, &id)?.ok_or(CaptureError::NotFound)?;
        if gateways.find(&payment.gateway).is_none() {
            return Err(CaptureError::NoGateway(payment.gateway));
        }
        let left = payment.authorized.checked_sub(payment.captured)?;
        let amount = wanted.unwrap_or(left);
        if payments::find_event(tx, &move_key)?.is_none() {
            if wanted.is_none() && left.is_zero() {
                return Err(CaptureError::TooMuch { left });
            }
            if amount.minor() <= 0 || amount.currency() != left.currency() {
                return Err(CaptureError::BadAmount(left.currency()));
            }
        }
        let new = NewMove {
            payment: &payment,
            kind: EventKind::Capture,
            amount,
            key: &move_key,
            detail: "",
        };
        match begin(tx, act, &new)? {
            Begun::TooMuch => Err(CaptureError::TooMuch { left }),
            Begun::Before(_) => Ok((false, Change::none())),
            Begun::New => {
                let change = Change::new("payment.capture", "order", &payment.order_id)
                    .to(json!({ "payment": payment.id, "amount": amount }));
                Ok((true, change))
            }
        }
    })
    .await?;
    Ok(resume_move(shop, &heard_by(act, begun), &key).await?)
}

/// Notes that a transfer arrived: held and taken in one. Also one for an order called off meanwhile: the ledger tells
/// the truth first, and a person gives the money back.
pub async fn receive_transfer(
    shop: &Shop,
    by: Authorized<CapturePayments>,
    mut cmd: ReceiveTransfer,
) -> Result<(), CaptureError> {
    if !cmd.reference.trim().is_empty() {
        cmd.reference = one_line(&cmd.reference, 140).map_err(CaptureError::BadReference)?;
    }
    let gateways = shop.gateways.clone();
    audit::change(shop, shop.act(by.actor()), move |tx, act| {
        let order = store::lock(tx, act.now, &cmd.order_id)?.ok_or(CaptureError::NotFound)?;
        if cmd.amount.minor() <= 0 || cmd.amount.currency() != order.total.currency() {
            return Err(CaptureError::BadAmount(order.total.currency()));
        }
        let by_hand = |payment: &Payment| {
            gateways
                .find(&payment.gateway)
                .is_some_and(|gateway| !gateway.moves_money())
        };
        let awaited = payments::of_order(tx, &order.id)?
            .into_iter()
            .rfind(|payment| {
                by_hand(payment)
                    && matches!(
                        payment.status,
                        SessionStatus::Processing
                            | SessionStatus::Captured
                            | SessionStatus::Canceled
                    )
            });
        let payment = awaited.ok_or(CaptureError::NotAwaited)?;
        let key = format!("transfer:{}:{}", payment.id, cmd.request_key);
        if !payments::record_received(tx, act, &payment, (cmd.amount, &key))? {
            return Ok(((), Change::none()));
        }
        let detail = json!({ "amount": cmd.amount, "payment": payment.id, "reference": cmd.reference.trim() });
        let change = Change::new("payment.receive_transfer", "order", &order.id).to(detail.clone());
        store::add_to_timeline(tx, act, &order.id, (TimelineKind::PaymentCaptured, detail))?;
        emit(
            tx,
            act,
            &Event::PaymentCaptured {
                order_id: order.id.clone(),
                payment_id: payment.id.clone(),
            },
        )?;
        store::refresh_statuses(tx, act, &order.id)?;
        Ok(((), change))
    })
    .await
}

/// Begins a move and arms the job that finishes it.
pub(super) fn begin(tx: &mut Tx<'_>, act: &Act, new: &NewMove<'_>) -> Result<Begun, Internal> {
    let begun = payments::begin_move(tx, act, new)?;
    if begun == Begun::New {
        let job = NewJob::new(
            RESUME_MOVE,
            &ResumeMove {
                key: new.key.to_owned(),
            },
        )
        .at(act.now.plus(MINUTE));
        jobs::enqueue(tx, act.now, &job)?;
    }
    Ok(begun)
}

/// In whose act the gateway's answer is written down: that of whoever began the move. Whoever asks again for one that was
/// begun before only makes the shop ask again.
pub(super) fn heard_by(act: Act, begun: bool) -> Act {
    if begun { act } else { act.by(Actor::System) }
}

/// Asks the gateway for a move that was begun, and settles it. Harmless to repeat.
pub async fn resume_move(shop: &Shop, act: &Act, key: &str) -> Result<MoneyMoved, Internal> {
    let wanted = key.to_owned();
    let found = shop
        .db
        .read(move |tx| -> Result<_, Internal> {
            let Some(event) = payments::find_event(tx, &wanted)? else {
                return Ok(None);
            };
            let payment = payments::find(tx, &event.payment_id)?;
            Ok(payment.map(|payment| (event, payment)))
        })
        .await?;
    let Some((event, payment)) = found else {
        return Err(Internal::bug(format!("no move {key} was begun")));
    };
    match event.status {
        EventStatus::Succeeded => return Ok(MoneyMoved::Done),
        EventStatus::Failed => {
            return Ok(MoneyMoved::Refused {
                reason: "it was refused before".to_owned(),
            });
        }
        EventStatus::Pending => {}
    }
    let Some(gateway) = shop.gateways.find(&payment.gateway) else {
        return Ok(MoneyMoved::Pending);
    };
    let moved = ask(gateway.as_ref(), &payment, &event).await;
    let act = Act {
        now: shop.clock.now(),
        ..act.clone()
    };
    shop.db
        .write(move |tx| settle(tx, &act, &(&event, &payment), &moved))
        .await
}

async fn ask(gateway: &dyn Gateway, payment: &Payment, event: &PaymentEvent) -> Moved {
    let Some(gateway_ref) = payment.gateway_ref.clone() else {
        return Moved::Refused {
            reason: "the gateway has no payment to move".to_owned(),
        };
    };
    let request = MoveRequest {
        key: event.effect_key.clone(),
        gateway_ref,
        amount: event.amount,
    };
    match event.kind {
        EventKind::Capture => gateway.capture(&request).await,
        EventKind::Void => gateway.void(&request).await,
        EventKind::Refund => gateway.refund(&request).await,
        EventKind::Authorize => Moved::Refused {
            reason: "an authorisation is not a move".to_owned(),
        },
    }
}

fn settle(
    tx: &mut Tx<'_>,
    act: &Act,
    (event, payment): &(&PaymentEvent, &Payment),
    moved: &Moved,
) -> Result<MoneyMoved, Internal> {
    let (status, answer) = match moved {
        Moved::Done => (EventStatus::Succeeded, MoneyMoved::Done),
        Moved::Refused { reason } => (
            EventStatus::Failed,
            MoneyMoved::Refused {
                reason: reason.clone(),
            },
        ),
        Moved::Unknown { why } => {
            tracing::warn!(payment.id = %payment.id, why, "The gateway did not say whether {} happened; it will be asked again", event.effect_key);
            return Ok(MoneyMoved::Pending);
        }
    };
    // The order first: the lock order of everyone who touches both.
    store::lock(tx, act.now, &payment.order_id)?;
    if !payments::finish_move(tx, act, event, status)? {
        return Ok(answer);
    }
    let order = &payment.order_id;
    let happened = status == EventStatus::Succeeded;
    let detail = json!({ "amount": event.amount, "payment": payment.id, "refused": (!happened).then_some(&answer_reason(&answer)) });
    match (event.kind, happened) {
        (EventKind::Capture, true) => {
            store::add_to_timeline(tx, act, order, (TimelineKind::PaymentCaptured, detail))?;
            emit(
                tx,
                act,
                &Event::PaymentCaptured {
                    order_id: order.clone(),
                    payment_id: payment.id.clone(),
                },
            )?;
        }
        (EventKind::Void, true) => {
            store::add_to_timeline(tx, act, order, (TimelineKind::PaymentVoided, detail))?;
        }
        (EventKind::Capture | EventKind::Void, false) => {
            store::add_to_timeline(tx, act, order, (TimelineKind::PaymentNeedsReview, detail))?;
        }
        (EventKind::Refund, happened) => {
            refund::settle(tx, act, order, (&event.effect_key, happened, detail))?;
        }
        (EventKind::Authorize, _) => {}
    }
    store::refresh_statuses(tx, act, order)?;
    Ok(answer)
}

fn answer_reason(answer: &MoneyMoved) -> String {
    match answer {
        MoneyMoved::Refused { reason } => reason.clone(),
        MoneyMoved::Done | MoneyMoved::Pending => String::new(),
    }
}

/// Has all of an order's money returned soon.
pub(crate) fn enqueue_return(tx: &mut Tx<'_>, act: &Act, order: &OrderId) -> Result<(), DbError> {
    let payload = ReturnMoneyOf {
        order_id: order.clone(),
        payment_id: None,
    };
    jobs::enqueue(tx, act.now, &NewJob::new(RETURN_MONEY, &payload))?;
    Ok(())
}

/// Has the money of a payment nobody waits for any more returned soon.
pub(crate) fn enqueue_surplus(
    tx: &mut Tx<'_>,
    act: &Act,
    payment: &Payment,
) -> Result<(), DbError> {
    let payload = ReturnMoneyOf {
        order_id: payment.order_id.clone(),
        payment_id: Some(payment.id.clone()),
    };
    jobs::enqueue(tx, act.now, &NewJob::new(RETURN_MONEY, &payload))?;
    Ok(())
}

/// Lets go of what is held and gives back what was taken: of one payment, or of all of an order's.
///
/// Answers whether all of it is done; if not, a gateway has not answered and this is to be repeated.
pub async fn return_money(
    shop: &Shop,
    by: Authorized<RefundPayments>,
    (order, only): (OrderId, Option<PaymentId>),
) -> Result<bool, Internal> {
    let act = shop.act(by.actor());
    let asked_again = heard_by(act.clone(), false);
    // What is on its way settles first: nobody knows yet whether it is to be let go of or to be given back.
    let id = order.clone();
    let pending = shop
        .db
        .read(move |tx| payments::pending_moves(tx, &id).map_err(Internal::from))
        .await?;
    for key in pending {
        if resume_move(shop, &asked_again, &key).await? == MoneyMoved::Pending {
            return Ok(false);
        }
    }
    let gateways = shop.gateways.clone();
    let (keys, mut all) = audit::change(shop, act.clone(), move |tx, act| -> Result<_, Internal> {
        store::lock(tx, act.now, &order)?;
        let (mut keys, mut all) = (Vec::new(), true);
        for payment in payments::of_order(tx, &order)? {
            // People moved a transfer's money; people bring it back, by a refund of their own.
            let moves = gateways
                .find(&payment.gateway)
                .is_some_and(|gateway| gateway.moves_money());
            if moves && only.as_ref().is_none_or(|only| *only == payment.id) {
                all &= begin_return(tx, act, &payment.id, &mut keys)?;
            }
        }
        let begun: Vec<&String> = keys
            .iter()
            .filter(|(_, new)| *new)
            .map(|(key, _)| key)
            .collect();
        let change = if begun.is_empty() {
            Change::none()
        } else {
            Change::new("payment.return", "order", &order).to(json!({ "moves": begun }))
        };
        Ok(((keys, all), change))
    })
    .await?;
    for (key, new) in keys {
        let act = heard_by(act.clone(), new);
        all &= resume_move(shop, &act, &key).await? != MoneyMoved::Pending;
    }
    Ok(all)
}

/// Begins the moves that return all of one payment's money, and adds their keys, and whether they are new. False if a capture is under way, whose
/// outcome has to be waited for.
fn begin_return(
    tx: &mut Tx<'_>,
    act: &Act,
    id: &PaymentId,
    keys: &mut Vec<(String, bool)>,
) -> Result<bool, Internal> {
    let Some(payment) = payments::lock(tx, act.now, id)? else {
        return Ok(true);
    };
    let held = payment.authorized.checked_sub(payment.captured)?;
    let taken = payments::refundable(tx, &payment)?;
    for (kind, left) in [(EventKind::Void, held), (EventKind::Refund, taken)] {
        if left.minor() <= 0 {
            continue;
        }
        let key = format!("return_{kind}:{}:{}", payment.id, left.minor());
        let new = NewMove {
            payment: &payment,
            kind,
            amount: left,
            key: &key,
            detail: "returned",
        };
        match begin(tx, act, &new)? {
            Begun::New => keys.push((key, true)),
            Begun::Before(_) => keys.push((key, false)),
            Begun::TooMuch => {}
        }
    }
    Ok(taken == payment.captured.checked_sub(payment.refunded)?)
}

//! The other ways to an answer: the return from the gateway's page, a change of mind, the gateway's notice, the sweeper.

use db::Tx;
use kernel::time::MINUTE;
use kernel::{Code, Coded, OrderId, PaymentId, Secret, Timestamp};
use serde::{Deserialize, Serialize};

use super::settle::{settle_outcome, standing};
use super::{Placement, answer_for};
use crate::carts;
use crate::error::Internal;
use crate::internal_from;
use crate::inventory;
use crate::orders::{self, CancelOrder, OrderStatus, PaymentStatus, ReturnMoney};
use crate::payments::{self, Payment};
use crate::ports::gateway::{NoticeError, Outcome};
use crate::shop::{Act, Shop, Shopper};
use crate::staff::{Actor, Authorized};

/// The kind of job that asks a gateway about a payment. Never changes once released.
pub(crate) const RESUME: &str = "checkout.resume";
/// The kind of job that calls off what nobody paid. Never changes once released.
pub(crate) const CANCEL_UNPAID: &str = "checkout.cancel_unpaid";

/// The payload of [`RESUME`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resume {
    pub(crate) payment_id: PaymentId,
}

/// The payload of [`CANCEL_UNPAID`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelUnpaid {
    pub(crate) order_id: OrderId,
}

/// How long the buyer may take on the gateway's page: as long as the stock is held.
const PATIENCE: i64 = inventory::HOLD;
/// How long a gateway may not know a payment before we believe it never will.
const NEVER_HEARD_OF: i64 = MINUTE;

/// Where the visitor's payment stands, by the gateway's word: for the return from its page, and for "continue".
///
/// `None` if the visitor's cart has no payment under way and is no order.
pub async fn continue_payment(
    shop: &Shop,
    shopper: &Shopper,
) -> Result<Option<Placement>, Internal> {
    match latest_payment(shop, &shopper.visitor).await? {
        Found::Nothing => Ok(None),
        Found::Answer(placement) => Ok(Some(placement)),
        Found::Open(payment) => {
            let outcome = look_up(shop, &payment).await;
            settle_outcome(shop, &shop.act(Actor::Shopper), &payment, outcome, None)
                .await
                .map(Some)
        }
    }
}

/// Ends the visitor's payment, so that the cart can be changed or paid another way.
///
/// If the gateway says it was too late for that, the order is placed.
pub async fn cancel_payment(shop: &Shop, shopper: &Shopper) -> Result<Option<Placement>, Internal> {
    match latest_payment(shop, &shopper.visitor).await? {
        Found::Nothing => Ok(None),
        Found::Answer(placement) => Ok(Some(placement)),
        Found::Open(payment) => {
            let outcome = match shop.gateways.find(&payment.gateway) {
                Some(gateway) => gateway.cancel(&payment.id).await,
                None => Outcome::NotFound,
            };
            settle_outcome(shop, &shop.act(Actor::Shopper), &payment, outcome, None)
                .await
                .map(Some)
        }
    }
}

enum Found {
    Nothing,
    Answer(Placement),
    Open(Box<Payment>),
}

async fn latest_payment(shop: &Shop, visitor: &Secret) -> Result<Found, Internal> {
    let now = shop.clock.now();
    let visitor = visitor.clone();
    shop.db
        .read(move |tx| {
            let Some(cart) = carts::find_by_visitor(tx, now, &visitor)? else {
                return Ok(Found::Nothing);
            };
            let Some(order) = orders::find_by_cart(tx, &cart.id)? else {
                return Ok(Found::Nothing);
            };
            if order.status != OrderStatus::Draft {
                return Ok(Found::Answer(answer_for(&order)));
            }
            let Some(payment) = payments::of_order(tx, &order.id)?.pop() else {
                return Ok(Found::Nothing);
            };
            if payment.status.is_open() {
                return Ok(Found::Open(Box::new(payment)));
            }
            Ok(Found::Answer(standing(&payment, &order)))
        })
        .await
}

async fn look_up(shop: &Shop, payment: &Payment) -> Outcome {
    let outcome = match shop.gateways.find(&payment.gateway) {
        Some(gateway) => gateway.look_up(&payment.id).await,
        None => Outcome::Unknown {
            why: format!("no gateway {} is set up", payment.gateway),
        },
    };
    // Our own call may still be on its way to the gateway.
    if outcome == Outcome::NotFound && shop.clock.now().since(payment.created_at) < NEVER_HEARD_OF {
        return Outcome::Unknown {
            why: "the gateway does not know the payment yet".to_owned(),
        };
    }
    outcome
}

/// What the sweeper does next about a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweep {
    /// Nothing more: it is settled.
    Settled,
    /// Ask again then.
    AskAgain(Timestamp),
}

/// Asks the gateway about a payment nobody came back for, and settles what it says. Ends it when its time is up.
pub async fn resume_payment(shop: &Shop, id: &PaymentId) -> Result<Sweep, Internal> {
    let wanted = id.clone();
    let payment = shop
        .db
        .read(move |tx| payments::find(tx, &wanted).map_err(Internal::from))
        .await?;
    let Some(payment) = payment.filter(|payment| payment.status.is_open()) else {
        return Ok(Sweep::Settled);
    };
    let now = shop.clock.now();
    let mut outcome = look_up(shop, &payment).await;
    let overdue = now.since(payment.created_at) >= PATIENCE;
    if overdue
        && matches!(
            outcome,
            Outcome::NeedsAction { .. } | Outcome::Unknown { .. }
        )
        && let Some(gateway) = shop.gateways.find(&payment.gateway)
    {
        outcome = gateway.cancel(&payment.id).await;
    }
    // What a person will transfer is not asked for.
    let by_hand = matches!(outcome, Outcome::PaysLater { .. });
    settle_outcome(shop, &shop.act(Actor::System), &payment, outcome, None).await?;
    if by_hand {
        return Ok(Sweep::Settled);
    }
    let id = payment.id.clone();
    let after = shop
        .db
        .read(move |tx| payments::find(tx, &id).map_err(Internal::from))
        .await?;
    match after {
        // The longer nothing is known, the longer between two questions: from a minute up to an hour.
        Some(after) if after.status.is_open() => {
            let age = now.since(after.created_at).clamp(MINUTE, 60 * MINUTE);
            Ok(Sweep::AskAgain(now.plus(age)))
        }
        Some(_) | None => Ok(Sweep::Settled),
    }
}

/// Why a gateway's notice was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NoticeFailed {
    /// No such gateway.
    #[error("there is no such gateway")]
    NoGateway,
    /// Not from the gateway, or not to be understood.
    #[error(transparent)]
    Refused(#[from] NoticeError),
    /// The payment is not one of ours.
    #[error("the payment is not known here")]
    UnknownPayment,
    /// Not the sender's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}
internal_from!(NoticeFailed: db::DbError);

impl Coded for NoticeFailed {
    fn code(&self) -> Code {
        match self {
            Self::NoGateway | Self::UnknownPayment => Code::NotFound,
            Self::Refused(_) => Code::BadRequest,
            Self::Internal(error) => error.code(),
        }
    }
}

/// Takes a gateway's notice: checks that it is genuine, asks the gateway what is true, settles that.
///
/// The notice itself decides nothing. The same notice again does nothing new.
pub async fn receive_notice(
    shop: &Shop,
    gateway: &str,
    signature: &str,
    body: &[u8],
) -> Result<(), NoticeFailed> {
    let gateway = shop.gateways.find(gateway).ok_or(NoticeFailed::NoGateway)?;
    let notice = gateway.read_notice(signature, body, shop.clock.now())?;
    let (wanted, code) = (notice.payment.clone(), gateway.code());
    let payment = shop
        .db
        .read(move |tx| payments::find(tx, &wanted).map_err(Internal::from))
        .await?;
    let payment = payment
        .filter(|payment| payment.gateway == code)
        .ok_or(NoticeFailed::UnknownPayment)?;
    let outcome = look_up(shop, &payment).await;
    let act = shop.act(Actor::Gateway(code.to_owned()));
    settle_outcome(shop, &act, &payment, outcome, Some(notice.event_id)).await?;
    Ok(())
}

/// Calls off an order that nobody paid.
pub async fn cancel_unpaid(shop: &Shop, id: &OrderId) -> Result<(), Internal> {
    let wanted = id.clone();
    let order = shop
        .db
        .read(move |tx| orders::get(tx, &wanted).map_err(Internal::from))
        .await?;
    let unpaid = order.is_some_and(|order| {
        order.status == OrderStatus::Placed
            && matches!(
                order.payment_status,
                PaymentStatus::Pending | PaymentStatus::None
            )
            && !order.total.is_zero()
    });
    if !unpaid {
        return Ok(());
    }
    let cmd = CancelOrder {
        order_id: id.clone(),
        reason: "not paid in time".to_owned(),
        money: ReturnMoney::Yes,
    };
    match orders::cancel_order(shop, Authorized::system(), cmd).await {
        Ok(_)
        | Err(
            orders::CancelError::AlreadyShipped
            | orders::CancelError::NotPlaced(_)
            | orders::CancelError::NotFound,
        ) => Ok(()),
        Err(orders::CancelError::Internal(error)) => Err(error),
        Err(orders::CancelError::BadReason(error)) => Err(error.into()),
    }
}

/// Most rows a tidy-up changes at once.
const TIDY: u32 = 200;

/// Expires overdue reservations and forgets carts nobody came back to. Nothing depends on it being on time.
pub fn tidy(tx: &mut Tx<'_>, act: &Act) -> Result<usize, Internal> {
    let expired = inventory::expire_overdue(tx, act.now, TIDY)?;
    let forgotten = carts::forget_expired(tx, act.now, TIDY)?;
    Ok(expired.saturating_add(forgotten))
}

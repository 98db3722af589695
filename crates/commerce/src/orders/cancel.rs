//! Calling an order off.

use db::{DbError, Tx};
use kernel::text::one_line;
use kernel::{Code, Coded, OrderId, TextError};
use serde_json::json;

use super::{Order, OrderStatus, TimelineKind, money, store};
use crate::audit::{self, Change};
use crate::error::Internal;
use crate::event::{Event, emit};
use crate::internal_from;
use crate::inventory;
use crate::payments::{self, SessionStatus};
use crate::ports::gateway::Gateways;
use crate::shop::{Act, Shop};
use crate::staff::{Authorized, CancelOrders};

/// What happens to the money of an order that is called off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReturnMoney {
    /// Held money is let go, taken money is given back.
    Yes,
    /// It stays where it is: to be dealt with by hand.
    No,
}

/// Calls an order off. What was promised of the stock is free again at once.
#[derive(Debug, Clone)]
pub struct CancelOrder {
    /// Which order.
    pub order_id: OrderId,
    /// Why, for the timeline and the mail.
    pub reason: String,
    /// What happens to its money.
    pub money: ReturnMoney,
}

/// Why an order was not called off.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// No such order.
    #[error("there is no such order")]
    NotFound,
    /// Part of it has left: refund and take back instead.
    #[error("part of this order has left already; refund the rest instead")]
    AlreadyShipped,
    /// It is over already.
    #[error("this order is {0}; only a placed order can be canceled")]
    NotPlaced(OrderStatus),
    /// The reason cannot be used.
    #[error("the reason: {0}")]
    BadReason(TextError),
    /// Not the caller's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}
internal_from!(CancelError: DbError);

impl Coded for CancelError {
    fn code(&self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::AlreadyShipped | Self::NotPlaced(_) => Code::StaleState,
            Self::BadReason(_) => Code::Invalid,
            Self::Internal(error) => error.code(),
        }
    }
}

/// Calls a placed order off while nothing of it has left. Doing it twice is doing it once.
pub async fn cancel_order(
    shop: &Shop,
    by: Authorized<CancelOrders>,
    cmd: CancelOrder,
) -> Result<Order, CancelError> {
    let reason = one_line(&cmd.reason, 200).map_err(CancelError::BadReason)?;
    let gateways = shop.gateways.clone();
    audit::change(shop, shop.act(by.actor()), move |tx, act| {
        let order = store::lock(tx, act.now, &cmd.order_id)?.ok_or(CancelError::NotFound)?;
        match order.status {
            OrderStatus::Placed => {}
            OrderStatus::Canceled => return Ok((order, Change::none())),
            OrderStatus::Draft | OrderStatus::Completed => {
                return Err(CancelError::NotPlaced(order.status));
            }
        }
        if store::lines(tx, &order.id)?
            .iter()
            .any(|line| line.fulfilled > 0)
        {
            return Err(CancelError::AlreadyShipped);
        }
        if !store::set_status(
            tx,
            act.now,
            &order.id,
            (OrderStatus::Placed, OrderStatus::Canceled),
        )? {
            return Err(CancelError::NotPlaced(order.status));
        }
        store::note_canceled(tx, act.now, &order.id, &reason)?;
        stop_waiting(tx, act, &gateways, (&order.id, &reason))?;
        store::add_to_timeline(
            tx,
            act,
            &order.id,
            (TimelineKind::Canceled, json!({ "reason": reason })),
        )?;
        if cmd.money == ReturnMoney::Yes {
            money::enqueue_return(tx, act, &order.id)?;
        }
        emit(
            tx,
            act,
            &Event::OrderCanceled {
                order_id: order.id.clone(),
            },
        )?;
        inventory::release_allocation(tx, act, &order.id, &reason)?;
        store::refresh_statuses(tx, act, &order.id)?;
        let change = Change::new("order.cancel", "order", &order.id)
            .to(json!({ "reason": reason, "money_goes_back": cmd.money == ReturnMoney::Yes }));
        let canceled = store::get(tx, &order.id)?.ok_or(CancelError::NotFound)?;
        Ok((canceled, change))
    })
    .await
}

/// Nobody waits any more for money that a person would have sent. A gateway's open payment is the sweeper's to end.
fn stop_waiting(
    tx: &mut Tx<'_>,
    act: &Act,
    gateways: &Gateways,
    (order, reason): (&OrderId, &str),
) -> Result<(), DbError> {
    for payment in payments::of_order(tx, order)? {
        let by_hand = gateways
            .find(&payment.gateway)
            .is_some_and(|gateway| !gateway.moves_money());
        if by_hand && payment.status.is_open() {
            payments::fail(tx, act.now, &payment, (SessionStatus::Canceled, reason))?;
        }
    }
    Ok(())
}

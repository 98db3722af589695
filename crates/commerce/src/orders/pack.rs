//! Packing orders: what has yet to leave is in its parcel, and waits to be handed over.
//!
//! A packed order has nothing left to pick. It stops being packed when what has yet to leave changes: somebody takes it
//! apart, pieces that did not leave are refunded, the order is called off, or all of it has left.

use db::{DbError, Tx, params};
use kernel::{Code, Coded, OrderId};
use serde_json::{Value as Json, json};

use super::{OrderStatus, TimelineKind, store};
use crate::audit::{self, Change};
use crate::error::Internal;
use crate::internal_from;
use crate::shop::{Act, Shop};
use crate::staff::{Authorized, ShipOrders};

/// Marks an order as packed, or takes that back.
#[derive(Debug, Clone)]
pub struct PackOrder {
    /// Which order.
    pub order_id: OrderId,
    /// Whether what has yet to leave is in its parcel now.
    pub packed: bool,
}

/// Why an order was not marked.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// No such order.
    #[error("there is no such order")]
    NotFound,
    /// Only placed orders are packed.
    #[error("this order is {0}; only a placed order can be packed")]
    NotPlaced(OrderStatus),
    /// All of it has left, or was refunded.
    #[error("nothing of this order has yet to leave")]
    NothingLeft,
    /// Not the caller's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}
internal_from!(PackError: DbError);

impl Coded for PackError {
    fn code(&self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::NotPlaced(_) | Self::NothingLeft => Code::StaleState,
            Self::Internal(error) => error.code(),
        }
    }
}

/// Marks what has yet to leave as packed, or not. Answers whether that changed anything: doing it twice is doing it once.
pub async fn pack_order(
    shop: &Shop,
    by: Authorized<ShipOrders>,
    cmd: PackOrder,
) -> Result<bool, PackError> {
    audit::change(shop, shop.act(by.actor()), move |tx, act| {
        pack(tx, act, &cmd)
    })
    .await
}

fn pack(tx: &mut Tx<'_>, act: &Act, cmd: &PackOrder) -> Result<(bool, Change), PackError> {
    let order = store::lock(tx, act.now, &cmd.order_id)?.ok_or(PackError::NotFound)?;
    if order.packed_at.is_some() == cmd.packed {
        return Ok((false, Change::none()));
    }
    if cmd.packed {
        if order.status != OrderStatus::Placed {
            return Err(PackError::NotPlaced(order.status));
        }
        let lines = store::lines(tx, &order.id)?;
        if lines.iter().all(|line| line.to_ship() <= 0) {
            return Err(PackError::NothingLeft);
        }
    }
    tx.execute(
        "UPDATE orders SET packed_at = $1 WHERE id = $2",
        params![cmd.packed.then_some(act.now), order.id],
    )?;
    let (kind, action) = if cmd.packed {
        (TimelineKind::Packed, "order.pack")
    } else {
        (TimelineKind::Unpacked, "order.unpack")
    };
    store::add_to_timeline(tx, act, &order.id, (kind, Json::Null))?;
    store::refresh_statuses(tx, act, &order.id)?;
    let change = Change::new(action, "order", &order.id).to(json!({ "packed": cmd.packed }));
    Ok((true, change))
}

/// What is in the parcel is not what has yet to leave any more.
pub(super) fn take_apart(tx: &mut Tx<'_>, order: &OrderId) -> Result<(), DbError> {
    tx.execute(
        "UPDATE orders SET packed_at = NULL WHERE id = $1",
        params![order],
    )?;
    Ok(())
}

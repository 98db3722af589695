//! Sending parts of an order on their way.

use std::collections::BTreeMap;

use db::{DbError, Tx, params};
use kernel::text::one_line;
use kernel::{Code, Coded, FulfillmentId, OrderId, OrderLineId, Quantity, TextError};
use serde_json::json;

use super::{OrderLine, OrderStatus, TimelineKind, store};
use crate::audit::{self, Change};
use crate::error::Internal;
use crate::event::{Event, emit};
use crate::internal_from;
use crate::inventory::{self, NotShipped};
use crate::shop::{Act, Shop};
use crate::staff::{Authorized, ShipOrders};

/// Sends pieces of an order on their way, together.
#[derive(Debug, Clone)]
pub struct ShipOrder {
    /// The same key twice is one parcel: for second clicks and repeats.
    pub request_key: String,
    /// Which order.
    pub order_id: OrderId,
    /// Which lines, and how many pieces of each.
    pub lines: Vec<(OrderLineId, Quantity)>,
    /// Who carries it.
    pub carrier: Option<String>,
    /// The carrier's number.
    pub tracking_number: Option<String>,
    /// The carrier's page for it, https only.
    pub tracking_url: Option<String>,
}

/// Why nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum ShipError {
    /// No such order, or no such line in it.
    #[error("there is no such order or line")]
    NotFound,
    /// Only placed orders go out.
    #[error("this order is {0}; only a placed order can be shipped")]
    NotPlaced(OrderStatus),
    /// No pieces named.
    #[error("say which lines to ship, and how many pieces")]
    Nothing,
    /// More than have yet to leave.
    #[error("only {left} of {sku} have yet to be shipped")]
    TooMany {
        /// Of which line.
        sku: String,
        /// How many there are.
        left: i64,
    },
    /// Sold before they came in, and not in yet.
    #[error(
        "only {there} of {sku} are in the building; ship those, or enter the goods received first"
    )]
    NotThere {
        /// Of which line.
        sku: String,
        /// How many there are for this order.
        there: i64,
    },
    /// A text cannot be used.
    #[error("carrier or tracking number: {0}")]
    BadText(TextError),
    /// Not a web address.
    #[error("the tracking address must begin with https://")]
    BadAddress,
    /// Not the caller's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}
internal_from!(ShipError: DbError);

impl Coded for ShipError {
    fn code(&self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::NotPlaced(_) => Code::StaleState,
            Self::TooMany { .. } => Code::TooMuch,
            Self::NotThere { .. } => Code::OutOfStock,
            Self::Nothing | Self::BadText(_) | Self::BadAddress => Code::Invalid,
            Self::Internal(error) => error.code(),
        }
    }
}

/// Ships part or all of a placed order. The stock leaves the books in the same transaction.
pub async fn ship_order(
    shop: &Shop,
    by: Authorized<ShipOrders>,
    mut cmd: ShipOrder,
) -> Result<FulfillmentId, ShipError> {
    for text in [&mut cmd.carrier, &mut cmd.tracking_number]
        .into_iter()
        .flatten()
    {
        *text = one_line(text, 80).map_err(ShipError::BadText)?;
    }
    if cmd.tracking_url.as_ref().is_some_and(|url| {
        !url.starts_with("https://") || url.len() > 500 || url.contains(char::is_whitespace)
    }) {
        return Err(ShipError::BadAddress);
    }
    audit::change(shop, shop.act(by.actor()), move |tx, act| {
        ship(tx, act, &cmd)
    })
    .await
}

fn ship(tx: &mut Tx<'_>, act: &Act, cmd: &ShipOrder) -> Result<(FulfillmentId, Change), ShipError> {
    let order = store::lock(tx, act.now, &cmd.order_id)?.ok_or(ShipError::NotFound)?;
    let before: Option<(FulfillmentId,)> = tx.query_opt(
        "SELECT id FROM fulfillments WHERE request_key = $1 AND order_id = $2",
        params![cmd.request_key, order.id],
    )?;
    if let Some((id,)) = before {
        return Ok((id, Change::none()));
    }
    if order.status != OrderStatus::Placed {
        return Err(ShipError::NotPlaced(order.status));
    }
    let lines = store::lines(tx, &order.id)?;
    let parcel = parcel(&lines, &cmd.lines)?;
    let id = FulfillmentId::new(act.ids.as_ref());
    tx.execute(
        "INSERT INTO fulfillments
           (id, order_id, request_key, status, carrier, tracking_number, tracking_url, actor, created_at, changed_at, act_id)
         VALUES ($1, $2, $3, 'fulfilled', $4, $5, $6, $7, $8, $8, $9)",
        params![id, order.id, cmd.request_key, cmd.carrier, cmd.tracking_number, cmd.tracking_url, act.actor, act.now, act.id],
    )?;
    for (line, quantity) in &parcel {
        put_in(tx, &id, line, *quantity)?;
    }
    let pieces: i64 = parcel.iter().map(|(_, quantity)| quantity.as_i64()).sum();
    let detail = json!({ "fulfillment": id, "pieces": pieces, "carrier": cmd.carrier, "tracking_number": cmd.tracking_number });
    let change = Change::new("order.ship", "order", &order.id).to(detail.clone());
    store::add_to_timeline(tx, act, &order.id, (TimelineKind::Shipped, detail))?;
    emit(
        tx,
        act,
        &Event::OrderShipped {
            order_id: order.id.clone(),
            fulfillment_id: id.clone(),
        },
    )?;
    for (line, quantity) in &parcel {
        if !line.stock_tracked {
            continue;
        }
        match inventory::ship(tx, act, &order.id, &line.variant_id, *quantity)? {
            Ok(()) => {}
            Err(NotShipped::NotThere { left }) => {
                return Err(ShipError::NotThere {
                    sku: line.sku.to_string(),
                    there: left,
                });
            }
            Err(NotShipped::NotPromised) => {
                let what = format!(
                    "{quantity} of {} are not promised to {}",
                    line.sku, order.id
                );
                return Err(Internal::bug(what).into());
            }
        }
    }
    store::refresh_statuses(tx, act, &order.id)?;
    Ok((id, change))
}

/// Puts pieces of a line into the parcel, if so many are left to be sent.
fn put_in(
    tx: &mut Tx<'_>,
    parcel: &FulfillmentId,
    line: &OrderLine,
    quantity: Quantity,
) -> Result<(), ShipError> {
    let counted = tx.execute(
        "UPDATE order_lines SET fulfilled_quantity = fulfilled_quantity + $1 WHERE id = $2 AND quantity - fulfilled_quantity - canceled_quantity >= $1",
        params![quantity, line.id],
    )?;
    if counted != 1 {
        return Err(ShipError::TooMany {
            sku: line.sku.to_string(),
            left: line.to_ship(),
        });
    }
    tx.execute(
        "INSERT INTO fulfillment_lines (fulfillment_id, order_line_id, quantity) VALUES ($1, $2, $3)",
        params![parcel, line.id, quantity],
    )?;
    Ok(())
}

/// The lines of the parcel with their pieces, each line once, in a stable order.
fn parcel<'a>(
    lines: &'a [OrderLine],
    wanted: &[(OrderLineId, Quantity)],
) -> Result<Vec<(&'a OrderLine, Quantity)>, ShipError> {
    let mut summed: BTreeMap<&OrderLineId, u32> = BTreeMap::new();
    for (id, quantity) in wanted {
        let sum = summed.entry(id).or_default();
        *sum = sum.saturating_add(quantity.get());
    }
    if summed.is_empty() {
        return Err(ShipError::Nothing);
    }
    let mut parcel = Vec::with_capacity(summed.len());
    for (id, count) in summed {
        let line = lines
            .iter()
            .find(|line| line.id == *id)
            .ok_or(ShipError::NotFound)?;
        let too_many = || ShipError::TooMany {
            sku: line.sku.to_string(),
            left: line.to_ship(),
        };
        if i64::from(count) > line.to_ship() {
            return Err(too_many());
        }
        parcel.push((line, Quantity::new(count).map_err(|_error| too_many())?));
    }
    parcel.sort_by(|a, b| a.0.variant_id.cmp(&b.0.variant_id));
    Ok(parcel)
}

//! Giving money back, by the line and to the cent: from what was stored at placement, never from today's prices.

use std::collections::BTreeMap;

use db::{DbError, Tx, params};
use kernel::text::one_line;
use kernel::{Code, Coded, Money, OrderId, OrderLineId, Quantity, RefundId, TextError};
use pricing::{DeliveryToRefund, LineToRefund, refund_delivery, refund_line};
use serde_json::Value as Json;

use super::{MoneyMoved, Order, OrderLine, OrderStatus, TimelineKind, money, store};
use crate::error::Internal;
use crate::event::{Event, emit};
use crate::internal_from;
use crate::inventory;
use crate::payments::{self, Begun, EventKind, NewMove, Payment};
use crate::shop::{Act, Shop};
use crate::staff::{Authorized, RefundPayments};

/// Pieces of a line to be refunded.
#[derive(Debug, Clone)]
pub struct RefundLine {
    /// Which line.
    pub line_id: OrderLineId,
    /// How many pieces.
    pub quantity: Quantity,
    /// Whether pieces that were shipped go back on the shelf.
    pub restock: bool,
}

/// Gives money back.
#[derive(Debug, Clone)]
pub struct RefundOrder {
    /// The same key twice is one refund.
    pub request_key: String,
    /// Of which order.
    pub order_id: OrderId,
    /// For which pieces.
    pub lines: Vec<RefundLine>,
    /// How much of the delivery's price.
    pub delivery: Option<Money>,
    /// Why.
    pub reason: String,
}

/// Why nothing was given back.
#[derive(Debug, thiserror::Error)]
pub enum RefundError {
    /// No such order or line.
    #[error("there is no such order or line")]
    NotFound,
    /// Nothing was named.
    #[error("say which pieces, or how much of the delivery, to refund")]
    Nothing,
    /// The arithmetic refuses: too many pieces, too much delivery.
    #[error(transparent)]
    Sum(#[from] pricing::RefundError),
    /// Less than that was taken.
    #[error("only {left} was captured and not given back yet; {wanted} cannot be refunded")]
    TooMuch {
        /// What would have to be given back.
        wanted: Money,
        /// What can be.
        left: Money,
    },
    /// The reason cannot be used.
    #[error("the reason: {0}")]
    BadReason(TextError),
    /// Drafts have no money to give back.
    #[error("this order was never placed")]
    NotPlaced,
    /// Not the caller's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}
internal_from!(RefundError: DbError, kernel::MoneyError);

impl Coded for RefundError {
    fn code(&self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::Nothing | Self::BadReason(_) => Code::Invalid,
            Self::Sum(_) | Self::TooMuch { .. } => Code::TooMuch,
            Self::NotPlaced => Code::StaleState,
            Self::Internal(_) => Code::Internal,
        }
    }
}

/// Gives back what pieces and delivery cost. Refunding twice with one key is refunding once.
pub async fn refund_order(
    shop: &Shop,
    by: Authorized<RefundPayments>,
    cmd: RefundOrder,
) -> Result<(RefundId, MoneyMoved), RefundError> {
    let mut cmd = cmd;
    cmd.reason = one_line(&cmd.reason, 200).map_err(RefundError::BadReason)?;
    let act = shop.act(by.actor());
    let begun = act.clone();
    let id = shop.db.write(move |tx| begin(tx, &begun, &cmd)).await?;
    let moved = money::resume_move(shop, &act, &effect_key(&id)).await?;
    Ok((id, moved))
}

fn effect_key(id: &RefundId) -> String {
    format!("refund:{id}")
}

fn begin(tx: &mut Tx<'_>, act: &Act, cmd: &RefundOrder) -> Result<RefundId, RefundError> {
    let order = store::lock(tx, act.now, &cmd.order_id)?.ok_or(RefundError::NotFound)?;
    let before: Option<(RefundId,)> = tx.query_opt(
        "SELECT id FROM refunds WHERE request_key = $1 AND order_id = $2",
        params![cmd.request_key, order.id],
    )?;
    if let Some((id,)) = before {
        return Ok(id);
    }
    if order.status == OrderStatus::Draft {
        return Err(RefundError::NotPlaced);
    }
    let lines = store::lines(tx, &order.id)?;
    let (parts, amount) = sum_up(&order, &lines, cmd)?;
    let payment = payment_with(tx, act, &order, amount)?;
    let id = RefundId::new(act.ids.as_ref());
    let delivery = cmd.delivery.unwrap_or(order.total.currency().zero());
    tx.execute(
        "INSERT INTO refunds (id, order_id, payment_id, request_key, status, amount_minor, delivery_minor, currency, reason, actor, created_at)
         VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, $9, $10)",
        params![id, order.id, payment.id, cmd.request_key, amount.minor(), delivery.minor(), amount.currency(), cmd.reason, act.actor, act.now],
    )?;
    for part in &parts {
        count(tx, &id, part)?;
    }
    if !delivery.is_zero() {
        let counted = tx.execute(
            "UPDATE orders SET delivery_refunded_minor = delivery_refunded_minor + $1 WHERE id = $2 AND delivery_minor - delivery_refunded_minor >= $1",
            params![delivery.minor(), order.id],
        )?;
        if counted != 1 {
            return Err(pricing::RefundError::TooMuch {
                left: order.delivery.price.checked_sub(order.delivery.refunded)?,
            }
            .into());
        }
    }
    let new = NewMove {
        payment: &payment,
        kind: EventKind::Refund,
        amount,
        key: &effect_key(&id),
        detail: &cmd.reason,
    };
    if money::begin(tx, act, &new)? == Begun::TooMuch {
        return Err(RefundError::TooMuch {
            wanted: amount,
            left: payment.captured.checked_sub(payment.refunded)?,
        });
    }
    for part in parts.iter().filter(|part| part.restock) {
        inventory::restock(tx, act, &order.id, &part.line.variant_id, part.quantity)?;
    }
    Ok(id)
}

/// A line of a refund, with its sums.
struct Part<'a> {
    line: &'a OrderLine,
    quantity: Quantity,
    restock: bool,
    amount: Money,
    tax: Money,
}

fn sum_up<'a>(
    order: &Order,
    lines: &'a [OrderLine],
    cmd: &RefundOrder,
) -> Result<(Vec<Part<'a>>, Money), RefundError> {
    let mut wanted: BTreeMap<&OrderLineId, (u32, bool)> = BTreeMap::new();
    for part in &cmd.lines {
        let entry = wanted.entry(&part.line_id).or_default();
        *entry = (
            entry.0.saturating_add(part.quantity.get()),
            entry.1 || part.restock,
        );
    }
    let mut amount = order.total.currency().zero();
    let mut parts = Vec::with_capacity(wanted.len());
    for (id, (count, restock)) in wanted {
        let line = lines
            .iter()
            .find(|line| line.id == *id)
            .ok_or(RefundError::NotFound)?;
        let stored = LineToRefund {
            total: line.total,
            tax: line.tax,
            tax_included: line.tax_included,
            quantity: line.quantity,
            refunded_quantity: u32::try_from(line.refunded).unwrap_or(u32::MAX),
            refunded: line.refunded_amount,
            refunded_tax: line.refunded_tax,
        };
        let left = stored
            .quantity
            .get()
            .saturating_sub(stored.refunded_quantity);
        let quantity = Quantity::new(count).map_err(|_| pricing::RefundError::TooMany { left })?;
        let sum = refund_line(&stored, quantity)?;
        amount = amount.checked_add(sum.amount)?;
        parts.push(Part {
            line,
            quantity,
            restock: restock && line.stock_tracked,
            amount: sum.amount,
            tax: sum.tax,
        });
    }
    if let Some(price) = cmd.delivery.filter(|price| !price.is_zero()) {
        let stored = DeliveryToRefund {
            price: order.delivery.price,
            tax: order.delivery.tax,
            tax_included: order.prices_include_tax,
            refunded: order.delivery.refunded,
        };
        amount = amount.checked_add(refund_delivery(&stored, price)?.amount)?;
    }
    if amount.minor() <= 0 {
        return Err(RefundError::Nothing);
    }
    parts.sort_by(|a, b| a.line.variant_id.cmp(&b.line.variant_id));
    Ok((parts, amount))
}

/// The payment that still holds that much of the buyer's money.
fn payment_with(
    tx: &mut Tx<'_>,
    act: &Act,
    order: &Order,
    amount: Money,
) -> Result<Payment, RefundError> {
    let mut most = amount.currency().zero();
    for payment in payments::of_order(tx, &order.id)? {
        let Some(payment) = payments::lock(tx, act.now, &payment.id)? else {
            continue;
        };
        let left = payment.captured.checked_sub(payment.refunded)?;
        if left.minor() >= amount.minor() {
            return Ok(payment);
        }
        if left.minor() > most.minor() {
            most = left;
        }
    }
    Err(RefundError::TooMuch {
        wanted: amount,
        left: most,
    })
}

/// Writes a line of a refund down and counts it on the order's line.
fn count(tx: &mut Tx<'_>, id: &RefundId, part: &Part<'_>) -> Result<(), RefundError> {
    let counted = tx.execute(
        "UPDATE order_lines
            SET refunded_quantity = refunded_quantity + $1, refunded_minor = refunded_minor + $2, refunded_tax_minor = refunded_tax_minor + $3
          WHERE id = $4 AND quantity - refunded_quantity >= $1",
        params![part.quantity, part.amount.minor(), part.tax.minor(), part.line.id],
    )?;
    if counted != 1 {
        return Err(pricing::RefundError::TooMany { left: 0 }.into());
    }
    tx.execute(
        "INSERT INTO refund_lines (refund_id, order_line_id, quantity, amount_minor, tax_minor, restocked) VALUES ($1, $2, $3, $4, $5, $6)",
        params![id, part.line.id, part.quantity, part.amount.minor(), part.tax.minor(), part.restock],
    )?;
    Ok(())
}

/// What follows when the gateway has said yes or no to a refund.
///
/// Money returned because an order was called off has a ledger row but no refund of its own.
pub(super) fn settle(
    tx: &mut Tx<'_>,
    act: &Act,
    order: &OrderId,
    (key, happened, detail): (&str, bool, Json),
) -> Result<(), Internal> {
    let kind = if happened {
        TimelineKind::Refunded
    } else {
        TimelineKind::RefundFailed
    };
    store::add_to_timeline(tx, act, order, (kind, detail))?;
    let Some(id) = key
        .strip_prefix("refund:")
        .and_then(|id| id.parse::<RefundId>().ok())
    else {
        return Ok(());
    };
    tx.execute(
        "UPDATE refunds SET status = $1, settled_at = $2 WHERE id = $3 AND status = 'pending'",
        params![if happened { "succeeded" } else { "failed" }, act.now, id],
    )?;
    if happened {
        emit(
            tx,
            act,
            &Event::RefundSucceeded {
                order_id: order.clone(),
                refund_id: id,
            },
        )?;
        return Ok(());
    }
    // Nothing was given back: the pieces can be refunded again. Goods already back on the shelf stay there.
    let parts: Vec<(OrderLineId, i64, i64, i64)> = tx.query(
        "SELECT order_line_id, quantity, amount_minor, tax_minor FROM refund_lines WHERE refund_id = $1 ORDER BY order_line_id",
        params![id],
    )?;
    for (line, quantity, amount, tax) in parts {
        tx.execute(
            "UPDATE order_lines
                SET refunded_quantity = refunded_quantity - $1, refunded_minor = refunded_minor - $2, refunded_tax_minor = refunded_tax_minor - $3
              WHERE id = $4",
            params![quantity, amount, tax, line],
        )?;
    }
    tx.execute(
        "UPDATE orders
            SET delivery_refunded_minor = delivery_refunded_minor - (SELECT r.delivery_minor FROM refunds r WHERE r.id = $1)
          WHERE id = $2",
        params![id, order],
    )?;
    Ok(())
}

//! Giving money back, by the line and to the cent: from what was stored at placement, never from today's prices.

use std::collections::BTreeMap;

use db::{DbError, Tx, params};
use kernel::text::one_line;
use kernel::{
    ActId, Code, Coded, Money, OrderId, OrderLineId, Quantity, RefundId, TextError, VariantId,
};
use pricing::{DeliveryToRefund, LineToRefund, refund_delivery, refund_line};
use serde_json::{Value as Json, json};

use super::{MoneyMoved, Order, OrderLine, OrderStatus, TimelineKind, money, pack, store};
use crate::audit::{self, Change};
use crate::error::Internal;
use crate::event::{Event, emit};
use crate::internal_from;
use crate::inventory;
use crate::payments::{self, Begun, EventKind, NewMove, Payment};
use crate::shop::{Act, Shop};
use crate::staff::{Actor, Authorized, RefundPayments};

/// Pieces of a line to be refunded.
#[derive(Debug, Clone)]
pub struct RefundLine {
    /// Which line.
    pub line_id: OrderLineId,
    /// How many pieces.
    pub quantity: Quantity,
    /// Whether pieces that were shipped go back on the shelf. Pieces that never left need no word: they are refunded
    /// first, are not sent any more, and can be sold again as soon as the money is on its way.
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
            Self::Internal(error) => error.code(),
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
    let (id, begun) = audit::change(shop, act.clone(), move |tx, act| begin(tx, act, &cmd)).await?;
    let moved = money::resume_move(shop, &money::heard_by(act, begun), &effect_key(&id)).await?;
    Ok((id, moved))
}

/// What a refund would come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundPreview {
    /// What the buyer gets back in all.
    pub amount: Money,
    /// What of that is for the pieces of each line, taxes and all.
    pub lines: Vec<(OrderLineId, Quantity, Money)>,
}

/// What this refund would come to now, or why it would be refused. Nothing is written.
pub fn preview_refund(tx: &mut Tx<'_>, cmd: &RefundOrder) -> Result<RefundPreview, RefundError> {
    one_line(&cmd.reason, 200).map_err(RefundError::BadReason)?;
    let order = store::get(tx, &cmd.order_id)?.ok_or(RefundError::NotFound)?;
    if order.status == OrderStatus::Draft {
        return Err(RefundError::NotPlaced);
    }
    let lines = store::lines(tx, &order.id)?;
    let (parts, amount) = sum_up(&order, &lines, cmd)?;
    let left = left_to_refund(tx, &order)?;
    if amount.minor() > left.minor() {
        return Err(RefundError::TooMuch {
            wanted: amount,
            left,
        });
    }
    let lines = parts.iter();
    Ok(RefundPreview {
        amount,
        lines: lines
            .map(|part| (part.line.id.clone(), part.quantity, part.amount))
            .collect(),
    })
}

/// The most that one refund can give back: what the fullest of the order's payments still holds.
pub fn left_to_refund(tx: &mut Tx<'_>, order: &Order) -> Result<Money, DbError> {
    let mut most = order.total.currency().zero();
    for payment in payments::of_order(tx, &order.id)? {
        let left = payments::refundable(tx, &payment)?;
        if left.minor() > most.minor() {
            most = left;
        }
    }
    Ok(most)
}

fn effect_key(id: &RefundId) -> String {
    format!("refund:{id}")
}

/// Sets the money aside. Answers with the refund and whether it is this request that began it.
fn begin(
    tx: &mut Tx<'_>,
    act: &Act,
    cmd: &RefundOrder,
) -> Result<((RefundId, bool), Change), RefundError> {
    let order = store::lock(tx, act.now, &cmd.order_id)?.ok_or(RefundError::NotFound)?;
    let before: Option<(RefundId,)> = tx.query_opt(
        "SELECT id FROM refunds WHERE request_key = $1 AND order_id = $2",
        params![cmd.request_key, order.id],
    )?;
    if let Some((id,)) = before {
        return Ok(((id, false), Change::none()));
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
        "INSERT INTO refunds (id, order_id, payment_id, request_key, status, amount_minor, delivery_minor, currency, reason, actor, created_at, act_id)
         VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, $9, $10, $11)",
        params![id, order.id, payment.id, cmd.request_key, amount.minor(), delivery.minor(), amount.currency(), cmd.reason, act.actor, act.now, act.id],
    )?;
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
            left: payments::refundable(tx, &payment)?,
        });
    }
    for part in &parts {
        count(tx, act, (&order.id, &id), part)?;
    }
    if parts.iter().any(|part| part.canceled > 0) {
        pack::take_apart(tx, &order.id)?;
    }
    store::refresh_statuses(tx, act, &order.id)?;
    let change = Change::new("order.refund", "order", &order.id)
        .to(json!({ "refund": id, "amount": amount, "delivery": delivery, "reason": cmd.reason }));
    Ok(((id, true), change))
}

/// A line of a refund, with its sums.
struct Part<'a> {
    line: &'a OrderLine,
    quantity: Quantity,
    /// How many of these have not left, and never will now.
    canceled: i64,
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
        let quantity =
            Quantity::new(count).map_err(|_error| pricing::RefundError::TooMany { left })?;
        let sum = refund_line(&stored, quantity)?;
        amount = amount.checked_add(sum.amount)?;
        parts.push(Part {
            line,
            quantity,
            canceled: line.to_ship().min(quantity.as_i64()),
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
        let left = payments::refundable(tx, &payment)?;
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

/// Counts a line of a refund on the order's line, puts back on the shelf what comes back, and writes it all down.
fn count(
    tx: &mut Tx<'_>,
    act: &Act,
    (order, id): (&OrderId, &RefundId),
    part: &Part<'_>,
) -> Result<(), RefundError> {
    let counted = tx.execute(
        "UPDATE order_lines
            SET refunded_quantity = refunded_quantity + $1, refunded_minor = refunded_minor + $2, refunded_tax_minor = refunded_tax_minor + $3,
                canceled_quantity = canceled_quantity + $4
          WHERE id = $5 AND quantity - refunded_quantity >= $1 AND quantity - fulfilled_quantity - canceled_quantity >= $4",
        params![part.quantity, part.amount.minor(), part.tax.minor(), part.canceled, part.line.id],
    )?;
    if counted != 1 {
        return Err(pricing::RefundError::TooMany { left: 0 }.into());
    }
    let returned = u32::try_from(part.quantity.as_i64().saturating_sub(part.canceled)).ok();
    let restocked = match returned.and_then(|returned| Quantity::new(returned).ok()) {
        Some(returned) if part.restock => {
            inventory::restock(tx, act, order, &part.line.variant_id, returned)?
        }
        Some(_) | None => 0,
    };
    tx.execute(
        "INSERT INTO refund_lines (refund_id, order_line_id, quantity, canceled_quantity, restocked_quantity, amount_minor, tax_minor)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![id, part.line.id, part.quantity, part.canceled, restocked, part.amount.minor(), part.tax.minor()],
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
    let Some(id) = key
        .strip_prefix("refund:")
        .and_then(|id| id.parse::<RefundId>().ok())
    else {
        store::add_to_timeline(tx, act, order, (kind, detail))?;
        return Ok(());
    };
    let (by, asked_in): (Actor, Option<ActId>) = tx.query_one(
        "UPDATE refunds SET status = $1, settled_at = $2 WHERE id = $3 AND status = 'pending' RETURNING actor, act_id",
        params![if happened { "succeeded" } else { "failed" }, act.now, id],
    )?;
    // Whoever asked for it did it, even if a job heard the answer.
    let by = (&by, asked_in.as_ref());
    store::add_to_timeline_by(tx, act, by, order, (kind, detail))?;
    if happened {
        given_back(tx, act, order, &id)
    } else {
        not_given_back(tx, order, &id)
    }
}

/// The money is on its way: what had not left is free for others.
fn given_back(tx: &mut Tx<'_>, act: &Act, order: &OrderId, id: &RefundId) -> Result<(), Internal> {
    emit(
        tx,
        act,
        &Event::RefundSucceeded {
            order_id: order.clone(),
            refund_id: id.clone(),
        },
    )?;
    let kept: Vec<(VariantId, Quantity)> = tx.query(
        "SELECT l.variant_id, x.canceled_quantity
           FROM refund_lines x
           JOIN order_lines l ON l.id = x.order_line_id
          WHERE x.refund_id = $1 AND x.canceled_quantity > 0 AND l.stock_tracked = $2
          ORDER BY l.variant_id",
        params![id, true],
    )?;
    for (variant, quantity) in kept {
        inventory::release_pieces(tx, act, order, (&variant, quantity), "refunded")?;
    }
    Ok(())
}

/// Nothing was given back: the pieces are to be sent, or can be refunded again. Goods already back on the shelf stay
/// there.
fn not_given_back(tx: &mut Tx<'_>, order: &OrderId, id: &RefundId) -> Result<(), Internal> {
    let parts: Vec<(OrderLineId, i64, i64, i64, i64)> = tx.query(
        "SELECT order_line_id, quantity, canceled_quantity, amount_minor, tax_minor
           FROM refund_lines
          WHERE refund_id = $1
          ORDER BY order_line_id",
        params![id],
    )?;
    if parts.iter().any(|part| part.2 > 0) {
        pack::take_apart(tx, order)?;
    }
    for (line, quantity, canceled, amount, tax) in parts {
        tx.execute(
            "UPDATE order_lines
                SET refunded_quantity = refunded_quantity - $1, refunded_minor = refunded_minor - $2, refunded_tax_minor = refunded_tax_minor - $3,
                    canceled_quantity = canceled_quantity - $4
              WHERE id = $5",
            params![quantity, amount, tax, canceled, line],
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

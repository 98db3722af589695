//! The last step: what a gateway's answer does to payment, order, stock and cart.
//!
//! Runs any number of times for one payment, in any order, at once; it does each thing once.

use db::{Tx, params};
use kernel::{CartId, OrderId, PaymentId};
use serde_json::json;

use super::{Placement, answer_for};
use crate::carts;
use crate::error::Internal;
use crate::event::{Event, emit};
use crate::inventory::{self, Want};
use crate::orders::{self, Order, OrderStatus, TimelineKind, add_to_timeline, refresh_statuses};
use crate::payments::{self, Payment, SessionStatus};
use crate::ports::gateway::{Approval, Outcome};
use crate::shop::{Act, Shop};
use crate::staff::Actor;

/// What the shop knows of the gateway a payment runs through: what an approval must agree with.
struct Expected {
    account: String,
    live: bool,
}

/// Settles an outcome in a transaction of its own. `notice` is the gateway's event behind it, which counts once.
pub(super) async fn settle_outcome(
    shop: &Shop,
    act: &Act,
    payment: &Payment,
    outcome: Outcome,
    notice: Option<String>,
) -> Result<Placement, Internal> {
    let expected = shop
        .gateways
        .find(&payment.gateway)
        .map(|gateway| Expected {
            account: gateway.account().to_owned(),
            live: gateway.is_live(),
        });
    let act = Act {
        now: shop.clock.now(),
        ..act.clone()
    };
    let (id, gateway) = (payment.id.clone(), payment.gateway.clone());
    shop.db
        .write(move |tx| {
            if let Some(event_id) = &notice {
                payments::first_notice(tx, act.now, &gateway, (event_id, &id))?;
            }
            settle(tx, &act, expected.as_ref(), (&id, &outcome))
        })
        .await
}

fn settle(
    tx: &mut Tx<'_>,
    act: &Act,
    expected: Option<&Expected>,
    (id, outcome): (&PaymentId, &Outcome),
) -> Result<Placement, Internal> {
    // Cart, order, payment, stock, number: the lock order of everyone.
    let about: Option<(CartId, OrderId)> = tx.query_opt(
        "SELECT o.cart_id, o.id FROM orders o JOIN payments p ON p.order_id = o.id WHERE p.id = $1",
        params![id],
    )?;
    let Some((cart, order_id)) = about else {
        return Err(Internal::bug(format!("{id} pays no order")));
    };
    tx.execute(
        "UPDATE carts SET version = version + 1 WHERE id = $1",
        params![cart],
    )?;
    let order = orders::store::lock(tx, act.now, &order_id)?
        .ok_or_else(|| Internal::bug(format!("{order_id} is gone")))?;
    let payment =
        payments::lock(tx, act.now, id)?.ok_or_else(|| Internal::bug(format!("{id} is gone")))?;
    match outcome {
        Outcome::Approved(approval) => {
            approved(tx, act, expected, (&payment, &order, &cart, approval))
        }
        Outcome::Declined { reason } => ended(
            tx,
            act,
            (&payment, &order, &cart),
            (SessionStatus::Failed, reason),
        ),
        Outcome::NotFound => ended(
            tx,
            act,
            (&payment, &order, &cart),
            (
                SessionStatus::Expired,
                "The payment was not finished in time",
            ),
        ),
        Outcome::PaysLater { gateway_ref } => {
            if order.status != OrderStatus::Draft || !payment.status.is_open() {
                return Ok(standing(&payment, &order));
            }
            payments::note_action(tx, &payment, (gateway_ref, None))?;
            pays_later(tx, act, (&payment, &order, &cart))
        }
        Outcome::NeedsAction { url, gateway_ref } => {
            if order.status != OrderStatus::Draft || !payment.status.is_open() {
                return Ok(standing(&payment, &order));
            }
            payments::note_action(tx, &payment, (gateway_ref, Some(url)))?;
            payments::set_status(tx, act.now, &payment, SessionStatus::RequiresAction)?;
            Ok(Placement::GoTo { url: url.clone() })
        }
        Outcome::Unknown { why } => {
            tracing::warn!(payment.id = %payment.id, why, "Payment of {} still unknown; the gateway will be asked again", payment.order_id);
            Ok(standing(&payment, &order))
        }
    }
}

/// Where a payment has brought its order, as the shopper is told. An answer that came before counts, not the newest one.
pub(super) fn standing(payment: &Payment, order: &Order) -> Placement {
    if order.status != OrderStatus::Draft {
        return answer_for(order);
    }
    match payment.status {
        SessionStatus::Created
        | SessionStatus::RequiresAction
        | SessionStatus::Processing
        | SessionStatus::NeedsReview => Placement::Waiting,
        SessionStatus::Authorized | SessionStatus::Captured => Placement::SoldOutMeanwhile,
        SessionStatus::Failed | SessionStatus::Canceled | SessionStatus::Expired => {
            match &payment.failure {
                Some(reason) => Placement::Declined {
                    reason: reason.clone(),
                },
                // It came to money, and the money was let go of again.
                None => Placement::SoldOutMeanwhile,
            }
        }
    }
}

type At<'a> = (&'a Payment, &'a Order, &'a CartId);

fn approved(
    tx: &mut Tx<'_>,
    act: &Act,
    expected: Option<&Expected>,
    (payment, order, cart, approval): (&Payment, &Order, &CartId, &Approval),
) -> Result<Placement, Internal> {
    if matches!(
        payment.status,
        SessionStatus::Authorized | SessionStatus::Captured
    ) {
        return Ok(standing(payment, order));
    }
    if let Some(fault) = disagreement(payment, expected, approval) {
        return needs_review(tx, act, (payment, order), &fault);
    }
    // Held once is held once: a gateway may go on saying yes after the money was let go of.
    if !payment.status.can_become(SessionStatus::Authorized)
        || !payments::record_authorized(tx, act, payment, approval)?
    {
        return Ok(standing(payment, order));
    }
    let gateway = act.by(Actor::Gateway(payment.gateway.clone()));
    let detail = json!({ "amount": approval.amount, "payment": payment.id });
    add_to_timeline(
        tx,
        &gateway,
        &order.id,
        (TimelineKind::PaymentAuthorized, detail),
    )?;
    if order.status != OrderStatus::Draft || order.total != approval.amount {
        // Money came that nobody waits for any more: paid another way meanwhile, called off, or for another total.
        orders::enqueue_surplus(tx, act, payment)?;
        refresh_statuses(tx, act, &order.id)?;
        return Ok(if order.status == OrderStatus::Draft {
            Placement::SoldOutMeanwhile
        } else {
            answer_for(order)
        });
    }
    if secure_stock(tx, act, order)? {
        return place(tx, act, (order, cart), Some(&payment.id)).map(|order| answer_for(&order));
    }
    sold_out_meanwhile(tx, act, (payment, order, cart))
}

/// What an approval says otherwise than was asked, in words for staff; a genuine answer may still be the wrong one.
fn disagreement(
    payment: &Payment,
    expected: Option<&Expected>,
    approval: &Approval,
) -> Option<String> {
    let Some(expected) = expected else {
        return Some(format!("no gateway {} is set up", payment.gateway));
    };
    if approval.payment != payment.id {
        return Some(format!("the approval is for {}", approval.payment));
    }
    if approval.amount != payment.amount {
        return Some(format!(
            "{} was approved, {} was asked for",
            approval.amount, payment.amount
        ));
    }
    if approval.account != expected.account {
        return Some(format!(
            "approved for account {}, ours is {}",
            approval.account, expected.account
        ));
    }
    if approval.live != payment.live || approval.live != expected.live {
        return Some("test mode and real mode were mixed up".to_owned());
    }
    let other = payment
        .gateway_ref
        .as_ref()
        .filter(|known| **known != approval.gateway_ref)?;
    Some(format!(
        "the approval names {}, the payment was {other}",
        approval.gateway_ref
    ))
}

fn needs_review(
    tx: &mut Tx<'_>,
    act: &Act,
    (payment, order): (&Payment, &Order),
    fault: &str,
) -> Result<Placement, Internal> {
    tracing::error!(payment.id = %payment.id, fault, "The approval of {} does not fit; a person must look", payment.id);
    if payments::fail(tx, act.now, payment, (SessionStatus::NeedsReview, fault))? {
        let detail = json!({ "payment": payment.id, "fault": fault });
        add_to_timeline(
            tx,
            act,
            &order.id,
            (TimelineKind::PaymentNeedsReview, detail),
        )?;
        refresh_statuses(tx, act, &order.id)?;
    }
    Ok(Placement::Waiting)
}

/// Promises the order's stock: what is still held, and what expired anew if it is still there.
fn secure_stock(tx: &mut Tx<'_>, act: &Act, order: &Order) -> Result<bool, Internal> {
    let until = inventory::hold_until(act.now);
    let held = inventory::keep_reservations(tx, act.now, &order.id, until)?;
    let lines = orders::lines(tx, &order.id)?;
    let mut missing = Vec::new();
    for line in lines.iter().filter(|line| line.stock_tracked) {
        let short = line
            .quantity
            .as_i64()
            .saturating_sub(held.get(&line.variant_id).copied().unwrap_or(0));
        if let Some(quantity) = u32::try_from(short)
            .ok()
            .and_then(|short| kernel::Quantity::new(short).ok())
        {
            missing.push(Want {
                variant_id: line.variant_id.clone(),
                quantity,
            });
        }
    }
    if inventory::reserve(tx, act, &order.id, &missing, until)?.is_err() {
        return Ok(false);
    }
    let held = inventory::keep_reservations(tx, act.now, &order.id, until)?;
    for line in lines.iter().filter(|line| line.stock_tracked) {
        if held.get(&line.variant_id).copied().unwrap_or(0) < line.quantity.as_i64() {
            // Its stock is not counted any more: nothing can be held, and nothing needs to be.
            inventory::release_variant(tx, act.now, &order.id, &line.variant_id)?;
            orders::store::stop_counting(tx, &line.id)?;
        }
    }
    Ok(true)
}

/// Places a draft whose stock is held: a number, the promise of stock, the end of the cart, and the news of it.
pub(super) fn place(
    tx: &mut Tx<'_>,
    act: &Act,
    (order, cart): (&Order, &CartId),
    payment: Option<&PaymentId>,
) -> Result<Order, Internal> {
    inventory::commit_reservations(tx, act, &order.id)?;
    carts::complete(tx, act.now, cart)?;
    emit(
        tx,
        act,
        &Event::OrderPlaced {
            order_id: order.id.clone(),
            payment_id: payment.cloned(),
        },
    )?;
    orders::agreement::seal(tx, &order.id)?;
    let number = orders::store::place(tx, act.now, &order.id)?;
    let shopper = act.by(Actor::Shopper);
    add_to_timeline(
        tx,
        &shopper,
        &order.id,
        (
            TimelineKind::Placed,
            json!({ "number": number, "total": order.total }),
        ),
    )?;
    refresh_statuses(tx, act, &order.id)?;
    orders::get(tx, &order.id)?.ok_or_else(|| Internal::bug(format!("{} is gone", order.id)))
}

/// The order stands; the buyer sends the money by another way.
fn pays_later(
    tx: &mut Tx<'_>,
    act: &Act,
    (payment, order, cart): At<'_>,
) -> Result<Placement, Internal> {
    if !secure_stock(tx, act, order)? {
        let at = (payment, order, cart);
        return ended(tx, act, at, (SessionStatus::Canceled, "It is sold out"));
    }
    payments::set_status(tx, act.now, payment, SessionStatus::Processing)?;
    let order = place(tx, act, (order, cart), None)?;
    let days = i64::from(crate::settings::load(tx)?.selling.unpaid_days);
    let cancel = super::CancelUnpaid {
        order_id: order.id.clone(),
    };
    let at = act.now.plus(days.saturating_mul(kernel::time::DAY));
    jobs::enqueue(
        tx,
        act.now,
        &jobs::NewJob::new(super::CANCEL_UNPAID, &cancel).at(at),
    )?;
    Ok(answer_for(&order))
}

/// Paid, and the goods are gone: the order is called off and the money returns by itself.
fn sold_out_meanwhile(
    tx: &mut Tx<'_>,
    act: &Act,
    (payment, order, cart): At<'_>,
) -> Result<Placement, Internal> {
    inventory::release_reservations(tx, act.now, &order.id)?;
    carts::release_claim(tx, cart)?;
    orders::enqueue_surplus(tx, act, payment)?;
    refresh_statuses(tx, act, &order.id)?;
    Ok(Placement::SoldOutMeanwhile)
}

/// A payment that came to nothing: the stock is free, the cart moves again.
fn ended(
    tx: &mut Tx<'_>,
    act: &Act,
    (payment, order, cart): At<'_>,
    (status, reason): (SessionStatus, &str),
) -> Result<Placement, Internal> {
    if order.status != OrderStatus::Draft {
        // A transfer's gateway never declines; another one's late no does not undo what was agreed.
        payments::fail(tx, act.now, payment, (status, reason))?;
        refresh_statuses(tx, act, &order.id)?;
        return Ok(answer_for(order));
    }
    if payments::fail(tx, act.now, payment, (status, reason))? {
        let detail = json!({ "payment": payment.id, "reason": reason });
        add_to_timeline(tx, act, &order.id, (TimelineKind::PaymentFailed, detail))?;
        // Stock and claim belong to the newest payment of the draft; an older one has nothing to free.
        let newest = payments::of_order(tx, &order.id)?.pop();
        if newest.is_some_and(|newest| newest.id == payment.id) {
            inventory::release_reservations(tx, act.now, &order.id)?;
            carts::release_claim(tx, cart)?;
        }
        refresh_statuses(tx, act, &order.id)?;
    }
    let after = payments::find(tx, &payment.id)?
        .ok_or_else(|| Internal::bug(format!("{} is gone", payment.id)))?;
    Ok(standing(&after, order))
}

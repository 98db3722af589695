//! The last step: what a gateway's answer does to payment, order, stock and cart.
//!
//! Runs any number of times for one payment, in any order, at once; it does each thing once.

use db::{Tx, params};
use kernel::{CartId, PaymentId};
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
    // Cart, payment, order, stock, number: the lock order of checkout.
    let cart: Option<(CartId,)> = tx.query_opt(
        "SELECT o.cart_id FROM orders o JOIN payments p ON p.order_id = o.id WHERE p.id = $1",
        params![id],
    )?;
    let Some((cart,)) = cart else {
        return Err(Internal::bug(format!("{id} pays no order")));
    };
    tx.execute(
        "UPDATE carts SET version = version + 1 WHERE id = $1",
        params![cart],
    )?;
    let payment =
        payments::lock(tx, act.now, id)?.ok_or_else(|| Internal::bug(format!("{id} is gone")))?;
    let order = orders::store::lock(tx, act.now, &payment.order_id)?
        .ok_or_else(|| Internal::bug(format!("{} is gone", payment.order_id)))?;
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
            if payment.status == SessionStatus::Created {
                payments::note_action(tx, &payment, (gateway_ref, None))?;
                payments::set_status(tx, act.now, &payment, SessionStatus::Processing)?;
            }
            if order.status == OrderStatus::Draft {
                return pays_later(tx, act, (&order, &cart));
            }
            Ok(answer_for(&order))
        }
        Outcome::NeedsAction { url, gateway_ref } => {
            if order.status != OrderStatus::Draft {
                return Ok(answer_for(&order));
            }
            if payment.status.is_open() {
                payments::note_action(tx, &payment, (gateway_ref, Some(url)))?;
                payments::set_status(tx, act.now, &payment, SessionStatus::RequiresAction)?;
                return Ok(Placement::GoTo { url: url.clone() });
            }
            Ok(Placement::Declined {
                reason: payment.failure.unwrap_or_default(),
            })
        }
        Outcome::Unknown { why } => {
            tracing::warn!(payment.id = %payment.id, why, "Payment of {} still unknown; the gateway will be asked again", payment.order_id);
            if order.status == OrderStatus::Draft {
                Ok(Placement::Waiting)
            } else {
                Ok(answer_for(&order))
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
        return Ok(answer_for(order));
    }
    if let Some(fault) = disagreement(payment, expected, approval) {
        return needs_review(tx, act, (payment, order), &fault);
    }
    if !payment.status.can_become(SessionStatus::Authorized) {
        return Ok(Placement::Waiting);
    }
    payments::record_authorized(tx, act, payment, approval)?;
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
            Placement::Waiting
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
    let held = inventory::held_quantities(tx, &order.id)?;
    let mut missing = Vec::new();
    for line in orders::lines(tx, &order.id)?
        .iter()
        .filter(|line| line.stock_tracked)
    {
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
    Ok(inventory::reserve(tx, act, &order.id, &missing, inventory::hold_until(act.now))?.is_ok())
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

fn pays_later(
    tx: &mut Tx<'_>,
    act: &Act,
    (order, cart): (&Order, &CartId),
) -> Result<Placement, Internal> {
    if !secure_stock(tx, act, order)? {
        inventory::release_reservations(tx, act.now, &order.id)?;
        carts::release_claim(tx, cart)?;
        return Ok(Placement::SoldOutMeanwhile);
    }
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
        // A newer payment of the same draft may be under way: its stock and its claim are not ours to free.
        if !payments::of_order(tx, &order.id)?
            .iter()
            .any(|other| other.status.is_open())
        {
            inventory::release_reservations(tx, act.now, &order.id)?;
            carts::release_claim(tx, cart)?;
        }
        refresh_statuses(tx, act, &order.id)?;
    }
    let failure = payment.failure.clone().unwrap_or_else(|| reason.to_owned());
    Ok(Placement::Declined { reason: failure })
}

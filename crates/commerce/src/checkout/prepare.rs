//! The first step: quote, draft, write the payment down, hold the stock. One transaction, no outside world.

use db::Tx;
use jobs::NewJob;
use kernel::time::MINUTE;
use kernel::{OrderLineId, Rate, Secret};

use super::requirements::{Ready, payment_requirement, ready};
use super::{
    PlaceOrder, PlaceOrderError, Prepared, RESUME, Requirement, Resume, draft_reference,
    payment_methods, settle,
};
use crate::carts::{self, Cart, CartQuote, QuotedCart, quote_cart};
use crate::error::Internal;
use crate::inventory::{self, Shortage, Want};
use crate::orders::store::{Draft, write_draft};
use crate::orders::{self, Order, OrderDelivery, OrderLine, OrderStatus};
use crate::payments::{self, NewPayment, SessionStatus};
use crate::ports::gateway::Gateways;
use crate::settings::{self, Settings};
use crate::shop::Act;

/// How an order is paid that costs nothing.
const NOTHING_TO_PAY: &str = "none";

pub(super) fn prepare(
    tx: &mut Tx<'_>,
    act: &Act,
    gateways: &Gateways,
    (visitor, cmd): (&Secret, &PlaceOrder),
) -> Result<Prepared, PlaceOrderError> {
    let mut cart =
        carts::lock_by_visitor(tx, act.now, visitor)?.ok_or(PlaceOrderError::EmptyCart)?;
    if let Some(order) = orders::find_by_cart(tx, &cart.id)? {
        if order.status != OrderStatus::Draft {
            return Ok(Prepared::Already(Box::new(order)));
        }
        if cart.is_claimed(act.now)
            && let Some(joined) = join(tx, &order, cmd)?
        {
            return Ok(joined);
        }
        // What an earlier try still holds would be held twice.
        inventory::release_reservations(tx, act.now, &order.id)?;
        cart = carts::lock_by_visitor(tx, act.now, visitor)?.ok_or(PlaceOrderError::EmptyCart)?;
    }
    let settings = settings::load(tx)?;
    let quote = quote_cart(tx, &settings, act.now, &cart)?;
    if quote.item_count() == 0 {
        return Err(PlaceOrderError::EmptyCart);
    }
    let methods = payment_methods(&settings, gateways);
    let ready = check(&cart, &quote, (cmd, &methods))?;
    let order = draft(
        tx,
        act,
        (&cart, &quote, &ready),
        (&settings, &cmd.payment_method),
    )?;
    if quote.quote.total.is_zero() {
        hold(tx, act, &order, &quote)?;
        let order = settle::place(tx, act, (&order, &cart.id), None)?;
        return Ok(Prepared::Free(Box::new(order)));
    }
    let live = gateways
        .find(&cmd.payment_method)
        .is_some_and(|gateway| gateway.is_live());
    let new = NewPayment {
        order: &order.id,
        gateway: &cmd.payment_method,
        amount: quote.quote.total,
        live,
    };
    let payment = payments::insert(tx, act, &new)?;
    // Armed before the gateway hears of it: should we die now, the sweeper asks.
    let resume = Resume {
        payment_id: payment.id.clone(),
    };
    jobs::enqueue(
        tx,
        act.now,
        &NewJob::new(RESUME, &resume).at(act.now.plus(MINUTE)),
    )?;
    carts::claim(tx, &cart.id, inventory::hold_until(act.now))?;
    hold(tx, act, &order, &quote)?;
    Ok(Prepared::Pay {
        payment: Box::new(payment),
        reference: draft_reference(&order.id),
    })
}

/// A payment is under way, and the cart stands still for it: this call joins it. The gateway gives the same answer to
/// the same key.
///
/// Once the claim is over the cart may have changed. Then a new payment begins, and should the old one still come to
/// money, that goes back.
fn join(
    tx: &mut Tx<'_>,
    order: &Order,
    cmd: &PlaceOrder,
) -> Result<Option<Prepared>, PlaceOrderError> {
    let payments = payments::of_order(tx, &order.id)?;
    let Some(payment) = payments
        .into_iter()
        .rfind(|payment| payment.status.is_open() || payment.status == SessionStatus::NeedsReview)
    else {
        return Ok(None);
    };
    if payment.amount != cmd.total_seen {
        return Err(PlaceOrderError::TotalChanged {
            seen: cmd.total_seen,
            now: payment.amount,
        });
    }
    if payment.status == SessionStatus::NeedsReview {
        return Ok(Some(Prepared::Waiting));
    }
    Ok(Some(Prepared::Pay {
        payment: Box::new(payment),
        reference: draft_reference(&order.id),
    }))
}

fn check<'a>(
    cart: &Cart,
    quote: &'a CartQuote,
    (cmd, methods): (&PlaceOrder, &[&str]),
) -> Result<Ready<'a>, PlaceOrderError> {
    let payment = payment_requirement(Some(&cmd.payment_method), quote, methods);
    let ready = match (ready(cart, quote), payment) {
        (Ok(ready), None) => ready,
        (Ok(_), Some(missing)) => return Err(PlaceOrderError::Incomplete(vec![missing])),
        (Err(mut missing), payment) => {
            missing.extend(payment);
            return Err(PlaceOrderError::Incomplete(missing));
        }
    };
    let now = quote.quote.total;
    if now != cmd.total_seen {
        return Err(PlaceOrderError::TotalChanged {
            seen: cmd.total_seen,
            now,
        });
    }
    Ok(ready)
}

/// Writes the draft: every name, price and rate a copy.
fn draft(
    tx: &mut Tx<'_>,
    act: &Act,
    (cart, quote, ready): (&Cart, &CartQuote, &Ready<'_>),
    (settings, payment_method): (&Settings, &str),
) -> Result<Order, PlaceOrderError> {
    let lines = quote
        .lines
        .iter()
        .filter_map(|line| order_line(act, quote, line).transpose())
        .collect::<Result<Vec<_>, Internal>>()?;
    let quoted = quote
        .quote
        .delivery
        .as_ref()
        .ok_or(PlaceOrderError::Incomplete(vec![
            Requirement::ChooseDelivery,
        ]))?;
    let delivery = OrderDelivery {
        method_id: ready.offer.method.id.clone(),
        name: ready.offer.method.name.clone(),
        pickup: ready.offer.method.is_pickup(),
        promise: ready.offer.promise,
        price: quoted.price,
        tax: quoted.tax,
        refunded: quoted.price.currency().zero(),
    };
    let id = write_draft(
        tx,
        act,
        &Draft {
            cart: &cart.id,
            email: &ready.email,
            address: &ready.address,
            delivery: &delivery,
            delivery_taxes: &quoted.taxes,
            rounding: &pricing::RoundingPolicy::default(),
            prices_include_tax: settings.selling.prices_include_tax,
            subtotal: quote.quote.subtotal,
            tax_added: quote.quote.tax_added,
            tax_included: quote.quote.tax_included,
            total: quote.quote.total,
            payment_method: if quote.quote.total.is_zero() {
                NOTHING_TO_PAY
            } else {
                payment_method
            },
            lines: &lines,
        },
    )?;
    Ok(
        orders::get(tx, &id)?
            .ok_or_else(|| Internal::bug("the draft just written is not there"))?,
    )
}

fn order_line(
    act: &Act,
    quote: &CartQuote,
    line: &QuotedCart,
) -> Result<Option<OrderLine>, Internal> {
    let Some(quantity) = line.counts else {
        return Ok(None);
    };
    let quoted = quote
        .quote
        .lines
        .iter()
        .find(|quoted| quoted.key == line.line.id.as_str());
    let quoted = quoted
        .ok_or_else(|| Internal::bug(format!("line {} is missing in its quote", line.line.id)))?;
    let nothing = quoted.line_total.currency().zero();
    let held = &line.line;
    Ok(Some(OrderLine {
        id: OrderLineId::new(act.ids.as_ref()),
        variant_id: held.variant_id.clone(),
        product_slug: held.product_slug.clone(),
        sku: held.sku.clone(),
        title: held.title.clone(),
        variant_title: held.variant_title.clone(),
        options: held.options.clone(),
        media_id: held.media_id.clone(),
        unit_price: quoted.unit_price,
        quantity,
        total: quoted.line_total,
        tax_name: quoted.tax.name.clone(),
        tax_rate: Rate::basis_points(quoted.tax.rate.bps()),
        tax: quoted.tax.amount,
        tax_included: quoted.tax.included,
        weight_grams: held.weight_grams,
        stock_tracked: held.stock_tracked,
        fulfilled: 0,
        canceled: 0,
        refunded: 0,
        refunded_amount: nothing,
        refunded_tax: nothing,
    }))
}

/// Holds the stock: the hottest rows, so last.
fn hold(
    tx: &mut Tx<'_>,
    act: &Act,
    order: &Order,
    quote: &CartQuote,
) -> Result<(), PlaceOrderError> {
    let wants: Vec<Want> = quote
        .lines
        .iter()
        .filter_map(|line| {
            Some(Want {
                variant_id: line.line.variant_id.clone(),
                quantity: line.counts?,
            })
        })
        .collect();
    match inventory::reserve(tx, act, &order.id, &wants, inventory::hold_until(act.now))? {
        Ok(()) => Ok(()),
        Err(Shortage { variant_id, left }) => {
            let short = quote
                .lines
                .iter()
                .find(|line| line.line.variant_id == variant_id);
            Err(PlaceOrderError::OutOfStock {
                title: short
                    .map(|line| line.line.title.clone())
                    .unwrap_or_default(),
                left,
            })
        }
    }
}

//! `POST /checkout/complete`, `GET /checkout/return`, `POST /checkout/cancel-payment`: the end of the checkout.

use axum::extract::State;
use axum::response::Response;
use commerce::carts;
use commerce::checkout::{self, PlaceOrder, PlaceOrderError, Placement, Requirement};
use commerce::notifications::view::order_view;
use commerce::{Internal, orders};
use db::Tx;
use http::StatusCode;
use kernel::{Code, Money};
use serde::Deserialize;
use web::{Form, Problem, Query};

use super::view::changes;
use super::{Change, Loaded, Step, Told, draw, read};
use crate::frame::Base;
use crate::pages::order;
use crate::say::Say;
use crate::storefront::{Storefront, Visit};
use crate::views::{Fault, address_faults};

/// What the last form holds: how to pay, and the total that was on the page. It is compared, never charged.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PayForm {
    payment_method: Option<String>,
    total_seen_minor: String,
}

/// Places the order. Safe to press twice.
pub(crate) async fn complete(
    State(storefront): State<Storefront>,
    visit: Visit,
    Form(form): Form<PayForm>,
) -> Result<Response, Problem> {
    let Some(shopper) = visit.shopper() else {
        return web::see_other("/cart");
    };
    let minor: i64 = form.total_seen_minor.parse().map_err(|_not_a_number| {
        Problem::with_detail(Code::BadRequest, "total_seen_minor is a whole number")
    })?;
    let payment_method = form.payment_method.unwrap_or_default();
    let (shop, pressed) = (storefront.shop().clone(), payment_method.clone());
    let placed = web::run(async move {
        let (now, visitor) = (shop.clock.now(), shopper.visitor.clone());
        let cart = shop
            .db
            .read(move |tx| carts::find_by_visitor(tx, now, &visitor))
            .await;
        let cart = cart
            .map_err(Internal::from)?
            .ok_or(PlaceOrderError::EmptyCart)?;
        let command = PlaceOrder {
            total_seen: cart.currency.minor(minor),
            payment_method: pressed,
        };
        let total_seen = command.total_seen;
        Ok::<_, PlaceOrderError>((
            checkout::place_order(&shop, &shopper, command).await,
            total_seen,
        ))
    });
    let (outcome, seen) = match placed.await? {
        Ok((outcome, seen)) => (outcome, Some(seen)),
        Err(error) => (Err(error), None),
    };
    match outcome {
        Ok(placement) => answer(placement),
        Err(PlaceOrderError::EmptyCart) => web::see_other("/cart"),
        Err(PlaceOrderError::Internal(error)) => Err(error.into()),
        Err(refused) => refuse(&storefront, &visit, refused, (seen, payment_method)).await,
    }
}

/// Where a placement leads.
fn answer(placement: Placement) -> Result<Response, Problem> {
    match placement {
        Placement::Placed(order) => {
            web::see_other(&format!("/orders/{}?placed=1", order.link_token))
        }
        Placement::GoTo { url } => web::see_other(&url),
        Placement::Declined { .. } => web::see_other("/checkout?step=payment&declined=1"),
        Placement::SoldOutMeanwhile => web::see_other("/cart?sold_out=1"),
        Placement::Waiting => web::see_other("/checkout/return"),
    }
}

/// The checkout again, with the bag as it is now and what has to be looked at before paying.
async fn refuse(
    storefront: &Storefront,
    visit: &Visit,
    refused: PlaceOrderError,
    (seen, payment_method): (Option<Money>, String),
) -> Result<Response, Problem> {
    let (base, Some(loaded)) = read(storefront, visit).await? else {
        return web::see_other("/cart");
    };
    let say = storefront.words()?;
    let told = match refused {
        PlaceOrderError::TotalChanged { .. } => changed(changes(&loaded.quote, seen)),
        PlaceOrderError::OutOfStock { title, left } => {
            let mut changes = changes(&loaded.quote, seen);
            if !changes
                .iter()
                .any(|change| change.name.as_ref() == Some(&title))
            {
                changes.insert(0, short(title, left));
            }
            changed(changes)
        }
        PlaceOrderError::Incomplete(missing) => {
            incomplete(&loaded, &missing, &payment_method, &say)
        }
        PlaceOrderError::EmptyCart => return web::see_other("/cart"),
        PlaceOrderError::Internal(error) => return Err(error.into()),
    };
    draw(
        storefront,
        visit,
        (&base, &loaded),
        Told {
            payment_method: Some(payment_method),
            ..told
        },
    )
}

fn changed(changes: Vec<Change>) -> Told {
    Told {
        status: StatusCode::CONFLICT,
        changes,
        ..Told::of(Step::Payment)
    }
}

/// Somebody else was quicker. What they hold may be free again by now, so the bag itself does not tell it.
fn short(title: String, left: i64) -> Change {
    let (kind, left) = if left > 0 {
        ("stock", Some(left))
    } else {
        ("sold_out", None)
    };
    Change {
        kind,
        name: Some(title),
        was: None,
        now: None,
        left,
    }
}

fn incomplete(loaded: &Loaded, missing: &[Requirement], payment_method: &str, say: &Say) -> Told {
    let fault = |field, key| {
        vec![Fault {
            field,
            message: say.text(key),
        }]
    };
    let step = Step::first_missing(missing);
    let faults = match step {
        Step::Address => {
            let email = loaded.cart.form.email.clone().unwrap_or_default();
            address_faults(&email, &loaded.cart.address(), &loaded.countries, say).0
        }
        Step::Delivery => fault("delivery_method", "say.required.delivery_method"),
        Step::Payment if payment_method.is_empty() => {
            fault("payment_method", "say.required.payment_method")
        }
        Step::Payment => fault("payment_method", "say.invalid.payment_method"),
    };
    Told::refused(step, faults)
}

/// How the shopper comes to the address gateways send people back to.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Back {
    /// Set by our own link for going on with a payment.
    #[serde(default)]
    resume: String,
}

/// Asks the gateway where the payment stands, and shows that.
///
/// While nothing is decided, this very page says so, and asks again each time it is opened. Somebody who came back from the
/// gateway's page is not sent there again: that would be a circle. Whoever presses "go on" is.
pub(crate) async fn come_back(
    State(storefront): State<Storefront>,
    visit: Visit,
    Query(back): Query<Back>,
) -> Result<Response, Problem> {
    let Some(shopper) = visit.shopper() else {
        return web::see_other("/cart");
    };
    let shop = storefront.shop().clone();
    match web::run(async move { checkout::continue_payment(&shop, &shopper).await }).await?? {
        None => web::see_other("/cart"),
        Some(Placement::GoTo { url }) if !back.resume.is_empty() => web::see_other(&url),
        Some(Placement::GoTo { .. } | Placement::Waiting) => undecided(&storefront, &visit).await,
        Some(placement) => answer(placement),
    }
}

/// The order as far as it has come, with a link to go on.
async fn undecided(storefront: &Storefront, visit: &Visit) -> Result<Response, Problem> {
    let (visitor, origin) = (
        visit.visitor.session().cloned(),
        storefront.shop().origin.clone(),
    );
    let read = move |tx: &mut Tx<'_>, base: &Base| -> Result<_, Internal> {
        let Some(visitor) = &visitor else {
            return Ok(None);
        };
        let Some(cart) = carts::find_by_visitor(tx, base.now, visitor)? else {
            return Ok(None);
        };
        let Some(order) = orders::find_by_cart(tx, &cart.id)? else {
            return Ok(None);
        };
        let view = order_view(tx, base.settings(), &order, &origin)?;
        Ok(Some((orders::timeline(tx, &order.id)?, view)))
    };
    let (base, found) = storefront.read(visit, read).await?;
    let Some((timeline, mut view)) = found else {
        return web::see_other("/cart");
    };
    view.resume_url = Some(
        view.resume_url
            .unwrap_or_else(|| "/checkout/return".to_owned()),
    );
    order::draw(storefront, visit, &base, (view, &timeline))
}

/// Nothing but the button.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoFields {}

/// Stops a payment that is under way, so that the order can be changed. If it was too late for that, the order is placed.
pub(crate) async fn cancel_payment(
    State(storefront): State<Storefront>,
    visit: Visit,
    Form(NoFields {}): Form<NoFields>,
) -> Result<Response, Problem> {
    let Some(shopper) = visit.shopper() else {
        return web::see_other("/cart");
    };
    let shop = storefront.shop().clone();
    match web::run(async move { checkout::cancel_payment(&shop, &shopper).await }).await?? {
        // It was stopped, or there was none: the shopper asked for that, so nothing is said of it.
        None | Some(Placement::Declined { .. }) => web::see_other("/checkout"),
        Some(Placement::GoTo { .. }) => web::see_other("/checkout/return"),
        Some(placement) => answer(placement),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads_to(placement: Placement) -> String {
        let response = answer(placement).unwrap();
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        response.headers()["location"].to_str().unwrap().to_owned()
    }

    #[test]
    fn every_placement_leads_somewhere() {
        assert_eq!(
            leads_to(Placement::GoTo {
                url: "https://pay.example/1".to_owned()
            }),
            "https://pay.example/1"
        );
        assert_eq!(
            leads_to(Placement::Declined {
                reason: "no".to_owned()
            }),
            "/checkout?step=payment&declined=1"
        );
        assert_eq!(leads_to(Placement::SoldOutMeanwhile), "/cart?sold_out=1");
        assert_eq!(leads_to(Placement::Waiting), "/checkout/return");
    }

    #[test]
    fn what_somebody_else_holds_is_told_as_sold_or_scarce() {
        assert_eq!(short("Vase".to_owned(), 0).kind, "sold_out");
        assert_eq!(
            (
                short("Vase".to_owned(), 2).kind,
                short("Vase".to_owned(), 2).left
            ),
            ("stock", Some(2))
        );
    }
}

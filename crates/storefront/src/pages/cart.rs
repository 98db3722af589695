//! `GET /cart`, `POST /cart/lines`, `POST /cart/lines/{id}`: the bag.

mod context;
mod edit;

use axum::extract::State;
use axum::response::Response;
use commerce::Internal;
use commerce::carts::{self, CartQuote};
use commerce::catalog;
use db::Tx;
use http::StatusCode;
use kernel::{Money, Quantity, VariantId};
use serde::Deserialize;
use std::collections::HashMap;
use web::{Problem, Query};

use crate::frame::{Base, free_delivery_over};
use crate::say::Say;
use crate::storefront::{Storefront, Visit};
use crate::views::{self, FormError, Notice, PictureView, PromiseView};

pub(crate) use context::sample_quote;
pub use context::{CartPage, CartView, FreeDelivery, Removed};
#[cfg(feature = "testing")]
pub(crate) use edit::is_understood;
pub(crate) use edit::{add, change};

/// Places offered to somebody with an empty bag.
const PLACES: usize = 4;

/// What a redirect tells the bag's page about the change before it.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Told {
    /// The line something was put on.
    #[serde(default)]
    added: String,
    /// The line whose quantity was cut to what there is.
    #[serde(default)]
    reduced: String,
    /// The variant that was taken out.
    #[serde(default)]
    removed: String,
    /// How many there were.
    #[serde(default)]
    quantity: String,
    /// Set after a payment for goods that were gone.
    #[serde(default)]
    sold_out: String,
}

/// Why the bag is shown again after it was not changed.
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) error: FormError,
}

/// Shows the bag.
pub(crate) async fn show(
    State(storefront): State<Storefront>,
    visit: Visit,
    Query(told): Query<Told>,
) -> Result<Response, Problem> {
    draw(&storefront, &visit, told, None).await
}

struct Read {
    quote: Option<CartQuote>,
    pictures: HashMap<kernel::MediaId, PictureView>,
    removed: Option<(String, VariantId, Quantity)>,
}

/// Reads eight statements beside the frame's at most, however many lines there are.
pub(super) async fn draw(
    storefront: &Storefront,
    visit: &Visit,
    told: Told,
    refused: Option<Refused>,
) -> Result<Response, Problem> {
    let visitor = visit.visitor.session().cloned();
    let removed = told
        .removed
        .parse::<VariantId>()
        .ok()
        .zip(told.quantity.parse::<Quantity>().ok());
    let read = move |tx: &mut Tx<'_>, base: &Base| -> Result<_, Internal> {
        let cart = match &visitor {
            Some(visitor) => carts::find_by_visitor(tx, base.now, visitor)?
                .filter(|cart| cart.completed_at.is_none()),
            None => None,
        };
        let removed = match &removed {
            Some((variant, quantity)) => catalog::page::title_of_variant(tx, variant)?
                .map(|title| (title, variant.clone(), *quantity)),
            None => None,
        };
        let Some(cart) = cart.filter(|cart| !cart.lines.is_empty()) else {
            return Ok(Read {
                quote: None,
                pictures: HashMap::new(),
                removed,
            });
        };
        let pictures = views::pictures_of(tx, &cart)?;
        Ok(Read {
            quote: Some(carts::quote_cart(tx, base.settings(), base.now, &cart)?),
            pictures,
            removed,
        })
    };
    let (base, read) = storefront.read(visit, read).await?;
    let say = storefront.words()?;
    let status = refused
        .as_ref()
        .map_or(StatusCode::OK, |refused| refused.status);
    let sold_out = Notice {
        kind: "warning",
        text: say.text("say.sold_out_meanwhile"),
    };
    let page = CartPage {
        cart: view(&base, read, &told, &say),
        errors: refused.into_iter().map(|refused| refused.error).collect(),
        popular: base.places(PLACES),
    };
    let notice = Some(sold_out).filter(|_| !told.sold_out.is_empty());
    storefront
        .sheet(visit, &base)
        .private()
        .status(status)
        .notice(notice)
        .draw(&page)
}

fn view(base: &Base, read: Read, told: &Told, say: &Say) -> CartView {
    let removed = read.removed.map(|(name, variant, quantity)| Removed {
        name,
        variant: variant.to_string(),
        quantity: quantity.get(),
    });
    let Some(quote) = read.quote else {
        return CartView {
            removed,
            ..CartView::empty(base)
        };
    };
    let mut lines = views::lines(base, &quote, &read.pictures);
    let mut added = None;
    for line in &mut lines {
        if line.id == told.added {
            line.added = true;
            added = Some(line.name.clone());
        }
        if line.id == told.reduced && line.state == "ok" {
            line.state = "reduced";
            line.left = line.max_quantity;
        }
    }
    // What was put in last is looked for first.
    lines.sort_by_key(|line| !line.added);
    CartView {
        lines,
        can_check_out: quote.item_count() > 0,
        free_delivery: free_delivery(base, &quote),
        promise: promise(base, &quote, say),
        quote: views::quote(&quote, base.settings()),
        added,
        removed,
    }
}

/// How far it is to free delivery; of the ways to the door to where the bag goes.
fn free_delivery(base: &Base, quote: &CartQuote) -> Option<FreeDelivery> {
    let methods: Vec<_> = quote
        .offers
        .iter()
        .map(|offer| offer.method.clone())
        .collect();
    let over = free_delivery_over(&methods)
        .or_else(|| free_delivery_over(base.home_methods()).filter(|_| methods.is_empty()))?;
    free_delivery_from(over, quote.quote.subtotal)
}

fn free_delivery_from(over: Money, subtotal: Money) -> Option<FreeDelivery> {
    let missing = over.checked_sub(subtotal).ok()?;
    let missing = if missing.is_negative() {
        over.currency().zero()
    } else {
        missing
    };
    let percent = subtotal
        .minor()
        .saturating_mul(100)
        .checked_div(over.minor())
        .unwrap_or(100)
        .clamp(0, 100);
    Some(FreeDelivery {
        over,
        missing,
        percent,
    })
}

/// When the bag arrives by the chosen way, or else by the first to the door.
fn promise(base: &Base, quote: &CartQuote, say: &Say) -> Option<PromiseView> {
    let first = || quote.offers.iter().find(|offer| !offer.method.is_pickup());
    let offer = quote.chosen_offer().or_else(first)?;
    let country = if offer.method.is_pickup() {
        String::new()
    } else {
        say.country_in_a_sentence(quote.destination)
    };
    Some(views::promise(
        base.settings(),
        base.now,
        offer.promise?,
        country,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Currency;

    #[test]
    fn the_way_to_free_delivery_ends_at_the_threshold() {
        let euros = |minor| Currency::EUR.minor(minor);
        let told = |subtotal| {
            let free = free_delivery_from(euros(7_500), euros(subtotal)).unwrap();
            (free.missing.minor(), free.percent)
        };
        assert_eq!(told(0), (7_500, 0));
        assert_eq!(told(6_100), (1_400, 81));
        assert_eq!(told(7_499), (1, 99));
        assert_eq!(told(7_500), (0, 100));
        assert_eq!(told(90_000), (0, 100));
    }
}

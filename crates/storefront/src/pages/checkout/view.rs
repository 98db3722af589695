//! From a bag to what the checkout shows.

use commerce::carts::{CartQuote, DeliveryOffer, LineState};
use kernel::{Address, Money};
use pricing::DeliveryKind;

use super::context::{
    Change, CheckoutView, ContactView, MethodView, PaymentMethodView, SummaryView,
};
use super::{Loaded, Told};
use crate::frame::Base;
use crate::say::Say;
use crate::views::{self, Field};

/// The checkout as its page shows it.
pub(super) fn checkout(base: &Base, loaded: &Loaded, told: Told, say: &Say) -> CheckoutView {
    let form = &loaded.cart.form;
    let country = loaded.country(base.settings().selling.country);
    let typed = loaded.cart.address();
    let email = form.email.clone().unwrap_or_default();
    let declined = loaded
        .tried
        .as_ref()
        .and_then(|tried| tried.declined.clone());
    CheckoutView {
        step: told.step.word(),
        delivery_needed: true,
        contact: ContactView {
            fields: contact(&email, &typed.phone, &told),
        },
        country: views::country_field(&loaded.countries, country, &told.faults, say),
        address: ContactView {
            fields: views::address_fields(country, &typed, &told.faults, say),
        },
        summary: summary(base, loaded, email, say),
        methods: methods(base, &loaded.quote, say),
        payment_methods: payment_methods(loaded, told.payment_method.as_deref()),
        total_seen_minor: loaded.quote.quote.total.minor(),
        lines: counted_lines(base, loaded),
        quote: views::quote(&loaded.quote, base.settings()),
        changes: told.changes,
        declined: declined.filter(|_| told.declined),
        in_progress: loaded.cart.is_claimed(base.now),
    }
}

/// E-mail; and the phone number, where one was given. It is not asked for: most parcels need none.
fn contact(email: &str, phone: &str, told: &Told) -> Vec<Field> {
    let mut fields = vec![views::email_field(email, &told.faults)];
    if !phone.is_empty() {
        fields.push(views::phone_field(phone, &told.faults));
    }
    fields
}

fn summary(base: &Base, loaded: &Loaded, email: String, say: &Say) -> SummaryView {
    let address = loaded.cart.address().check().ok();
    SummaryView {
        email,
        address_lines: address
            .map(|address| address_lines(base, &address, say))
            .unwrap_or_default(),
        delivery: loaded
            .quote
            .chosen_offer()
            .map(|offer| delivery_line(offer, say)),
    }
}

/// The address as it stands on the parcel, with the country where it leaves the shop's own.
fn address_lines(base: &Base, address: &Address, say: &Say) -> Vec<String> {
    let mut lines = address.lines();
    if address.country != base.settings().selling.country {
        lines.push(say.country(address.country));
    }
    lines
}

fn delivery_line(offer: &DeliveryOffer, say: &Say) -> String {
    let price = if offer.price.is_zero() {
        say.text("price.free")
    } else {
        say.money(offer.price)
    };
    format!("{}, {price}", offer.method.name)
}

/// The ways to deliver; the cheapest to the door is chosen until another one is.
fn methods(base: &Base, quote: &CartQuote, say: &Say) -> Vec<MethodView> {
    let parcels = quote
        .offers
        .iter()
        .filter(|offer| !offer.method.is_pickup());
    let cheapest = parcels
        .min_by_key(|offer| offer.price.minor())
        .or(quote.offers.first());
    let chosen = quote
        .chosen_offer()
        .or(cheapest)
        .map(|offer| &offer.method.id);
    let country = say.country_in_a_sentence(quote.destination);
    let method = |offer: &DeliveryOffer| MethodView {
        id: offer.method.id.to_string(),
        name: offer.method.name.clone(),
        kind: match offer.method.rule.kind {
            DeliveryKind::Flat { .. } => "flat",
            DeliveryKind::ByWeight { .. } => "by_weight",
            DeliveryKind::Pickup => "pickup",
        },
        price: offer.price,
        promise: offer
            .promise
            .map(|days| views::promise(base.settings(), base.now, days, country.clone())),
        note: Some(offer.method.description.clone()).filter(|note| !note.is_empty()),
        chosen: Some(&offer.method.id) == chosen,
    };
    quote.offers.iter().map(method).collect()
}

/// The ways to pay: chosen is the one just pressed, the one tried before, the one kept, or the first.
fn payment_methods(loaded: &Loaded, pressed: Option<&str>) -> Vec<PaymentMethodView> {
    let tried = loaded.tried.as_ref().map(|tried| tried.method.as_str());
    let kept = loaded.cart.form.payment_method.as_deref();
    let offered = &loaded.payment_methods;
    let wanted = [pressed, tried, kept]
        .into_iter()
        .flatten()
        .find(|wanted| offered.iter().any(|id| id == wanted));
    let chosen = wanted.or_else(|| offered.first().copied());
    offered
        .iter()
        .map(|id| PaymentMethodView {
            id,
            chosen: chosen == Some(*id),
        })
        .collect()
}

/// Only what is really bought: the bag tells about the rest.
fn counted_lines(base: &Base, loaded: &Loaded) -> Vec<views::Line> {
    let lines = views::lines(base, &loaded.quote, &loaded.pictures);
    lines
        .into_iter()
        .filter(|line| !matches!(line.state, "sold_out" | "gone"))
        .collect()
}

/// What is not as the shopper last saw it, line by line, and in all.
pub(super) fn changes(quote: &CartQuote, seen: Option<Money>) -> Vec<Change> {
    let line = |quoted: &commerce::carts::QuotedCart| {
        let name = Some(quoted.line.title.clone());
        let nothing = Change {
            kind: "sold_out",
            name,
            was: None,
            now: None,
            left: None,
        };
        match quoted.state {
            LineState::Ok => None,
            LineState::PriceChanged => {
                let (was, now) = (Some(quoted.line.seen_price), Some(quoted.line.unit_price));
                Some(Change {
                    kind: "price",
                    was,
                    now,
                    ..nothing
                })
            }
            LineState::Reduced { left } => Some(Change {
                kind: "stock",
                left: Some(left),
                ..nothing
            }),
            LineState::SoldOut | LineState::Gone => Some(nothing),
        }
    };
    let mut changes: Vec<Change> = quote.lines.iter().filter_map(line).collect();
    let now = quote.quote.total;
    if let Some(was) = seen.filter(|seen| *seen != now) {
        changes.push(Change {
            kind: "total",
            name: None,
            was: Some(was),
            now: Some(now),
            left: None,
        });
    }
    changes
}

//! `GET /checkout?step=`, `POST /checkout`, `POST /checkout/complete`, `GET /checkout/return`,
//! `POST /checkout/cancel-payment`: from a bag to a paid order.
//!
//! One address in three steps; the open one is a form. What is typed is kept with the bag, faults included, so that Back,
//! another window and a declined payment lose nothing.

mod context;
pub(crate) mod form;
mod pay;
mod view;

use std::collections::HashMap;

use axum::extract::State;
use axum::response::Response;
use commerce::carts::{self, Cart, CartQuote};
use commerce::checkout::{self, Requirement};
use commerce::payments::{self, SessionStatus};
use commerce::ports::gateway::Gateways;
use commerce::{Internal, delivery, orders};
use db::Tx;
use http::StatusCode;
use kernel::{Country, MediaId};
use serde::Deserialize;
use web::{Problem, Query};

use crate::frame::Base;
use crate::storefront::{Storefront, Visit};
use crate::views::{self, Fault, Faults, PictureView};

pub use context::{
    Change, CheckoutPage, CheckoutView, ContactView, MethodView, PaymentMethodView, SummaryView,
};
pub(crate) use form::save;
pub(crate) use pay::{cancel_payment, come_back, complete};

/// A step of the checkout, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// Who and where to.
    Address,
    /// How it gets there.
    Delivery,
    /// How it is paid.
    Payment,
}

impl Step {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Delivery => "delivery",
            Self::Payment => "payment",
        }
    }

    /// The first step with something missing; the last if nothing is. A way to pay is chosen there and nowhere else.
    fn first_missing(missing: &[Requirement]) -> Self {
        let steps = missing.iter().map(|requirement| match requirement {
            Requirement::Email(_) | Requirement::Address(_) => Self::Address,
            Requirement::NothingCarriesThis(_) | Requirement::ChooseDelivery => Self::Delivery,
            Requirement::ChoosePayment => Self::Payment,
        });
        steps.min().unwrap_or(Self::Payment)
    }
}

/// What can be asked of the checkout.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    step: String,
    #[serde(default)]
    declined: String,
}

impl Asked {
    fn step(&self) -> Option<Step> {
        [Step::Address, Step::Delivery, Step::Payment]
            .into_iter()
            .find(|step| step.word() == self.step)
    }
}

/// A bag on its way to an order.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) cart: Cart,
    pub(crate) quote: CartQuote,
    pub(crate) countries: Vec<Country>,
    pub(crate) pictures: HashMap<MediaId, PictureView>,
    /// The ways to pay, by their gateways' codes.
    pub(crate) payment_methods: Vec<&'static str>,
    /// The way that was tried last, and why it came to nothing if it was declined.
    pub(crate) tried: Option<Tried>,
}

/// A payment of this bag that came to nothing.
#[derive(Debug, Clone)]
pub(crate) struct Tried {
    pub(crate) method: String,
    pub(crate) declined: Option<String>,
}

impl Loaded {
    /// Reads it: ten statements at most, however many lines there are. `None` if there is nothing to check out.
    fn read(
        tx: &mut Tx<'_>,
        base: &Base,
        visit: &Visit,
        gateways: &Gateways,
    ) -> Result<Option<Self>, Internal> {
        let Some(visitor) = visit.visitor.session() else {
            return Ok(None);
        };
        let cart = carts::find_by_visitor(tx, base.now, visitor)?
            .filter(|cart| cart.completed_at.is_none());
        let Some(cart) = cart.filter(|cart| !cart.lines.is_empty()) else {
            return Ok(None);
        };
        let quote = carts::quote_cart(tx, base.settings(), base.now, &cart)?;
        if quote.item_count() == 0 {
            return Ok(None);
        }
        let mut countries = delivery::countries(tx)?;
        let home = base.settings().selling.country;
        let can_be_fetched = base
            .home_methods()
            .iter()
            .any(commerce::delivery::DeliveryMethod::is_pickup);
        if !countries.contains(&home) && (can_be_fetched || countries.is_empty()) {
            countries.push(home);
        }
        Ok(Some(Self {
            pictures: views::pictures_of(tx, &cart)?,
            payment_methods: checkout::payment_methods(base.settings(), gateways),
            tried: tried(tx, &cart)?,
            cart,
            quote,
            countries,
        }))
    }

    /// The country the form is for: the one typed, or else the shop's own, or the first it delivers to.
    pub(crate) fn country(&self, home: Country) -> Country {
        let typed = self
            .cart
            .form
            .address
            .as_ref()
            .and_then(|address| Country::parse(&address.country).ok());
        let usual = if self.countries.contains(&home) {
            home
        } else {
            self.countries.first().copied().unwrap_or(home)
        };
        typed.unwrap_or(usual)
    }
}

fn tried(tx: &mut Tx<'_>, cart: &Cart) -> Result<Option<Tried>, Internal> {
    let Some(order) = orders::find_by_cart(tx, &cart.id)? else {
        return Ok(None);
    };
    let Some(last) = payments::of_order(tx, &order.id)?.pop() else {
        return Ok(None);
    };
    let declined = last
        .failure
        .filter(|_| last.status == SessionStatus::Failed);
    Ok(Some(Tried {
        method: last.gateway,
        declined,
    }))
}

/// Reads a bag on its way to an order.
pub(crate) async fn read(
    storefront: &Storefront,
    visit: &Visit,
) -> Result<(Base, Option<Loaded>), Problem> {
    let (own, gateways) = (visit.clone(), storefront.shop().gateways.clone());
    storefront
        .read(visit, move |tx, base| {
            Loaded::read(tx, base, &own, &gateways)
        })
        .await
}

/// Shows the checkout.
pub(crate) async fn show(
    State(storefront): State<Storefront>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let (base, loaded) = read(&storefront, &visit).await?;
    let Some(loaded) = loaded else {
        return web::see_other("/cart");
    };
    let missing = checkout::requirements(&loaded.cart, &loaded.quote, &loaded.payment_methods);
    let open = Step::first_missing(&missing);
    let step = asked.step().map_or(open, |asked| asked.min(open));
    let told = Told {
        declined: !asked.declined.is_empty() && step == Step::Payment,
        ..Told::of(step)
    };
    draw(&storefront, &visit, (&base, &loaded), told)
}

/// What the page says beside the form.
pub(crate) struct Told {
    pub(crate) step: Step,
    pub(crate) status: StatusCode,
    pub(crate) faults: Faults,
    pub(crate) changes: Vec<Change>,
    /// Whether the last payment was declined just now.
    pub(crate) declined: bool,
    /// The way to pay that was just chosen.
    pub(crate) payment_method: Option<String>,
}

impl Told {
    /// Nothing but the form.
    pub(crate) fn of(step: Step) -> Self {
        Self {
            step,
            status: StatusCode::OK,
            faults: Faults::default(),
            changes: Vec::new(),
            declined: false,
            payment_method: None,
        }
    }

    /// Refused, with what is wrong.
    pub(crate) fn refused(step: Step, faults: Vec<Fault>) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            faults: Faults(faults),
            ..Self::of(step)
        }
    }
}

/// Draws the checkout.
pub(crate) fn draw(
    storefront: &Storefront,
    visit: &Visit,
    (base, loaded): (&Base, &Loaded),
    told: Told,
) -> Result<Response, Problem> {
    let errors = told.faults.errors();
    let status = told.status;
    let checkout = view::checkout(base, loaded, told, &storefront.words()?);
    storefront
        .sheet(visit, base)
        .private()
        .status(status)
        .draw(&CheckoutPage { checkout, errors })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::TextError;

    #[test]
    fn the_first_gap_is_the_open_step() {
        let nl = Country::parse("NL").unwrap();
        let email = Requirement::Email(TextError::Empty);
        assert_eq!(
            Step::first_missing(&[
                Requirement::ChoosePayment,
                Requirement::ChooseDelivery,
                email
            ]),
            Step::Address
        );
        assert_eq!(
            Step::first_missing(&[
                Requirement::ChoosePayment,
                Requirement::NothingCarriesThis(nl)
            ]),
            Step::Delivery
        );
        assert_eq!(
            Step::first_missing(&[Requirement::ChoosePayment]),
            Step::Payment
        );
        assert_eq!(Step::first_missing(&[]), Step::Payment);
    }

    #[test]
    fn a_step_can_be_asked_for_by_its_word_only() {
        let asked = |step: &str| {
            Asked {
                step: step.to_owned(),
                declined: String::new(),
            }
            .step()
        };
        assert_eq!(asked("delivery"), Some(Step::Delivery));
        assert_eq!(asked("payment"), Some(Step::Payment));
        assert_eq!(asked("3"), None);
    }
}

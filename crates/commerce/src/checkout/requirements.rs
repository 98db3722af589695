//! What is still missing before an order can be placed: one list, for the form and for the completion alike.

use kernel::address::FieldError;
use kernel::{Address, Country, Email, TextError};

use crate::carts::{Cart, CartQuote, DeliveryOffer};
use crate::ports::gateway::Gateways;
use crate::settings::Settings;

/// Something that has to be put right first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// The e-mail address.
    Email(TextError),
    /// A field of the address.
    Address(FieldError),
    /// No way of delivery carries this cart there.
    NothingCarriesThis(Country),
    /// A way to deliver has to be chosen.
    ChooseDelivery,
    /// A way to pay has to be chosen.
    ChoosePayment,
}

/// A form with nothing missing.
pub(super) struct Ready<'a> {
    pub(super) email: Email,
    pub(super) address: Address,
    pub(super) offer: &'a DeliveryOffer,
}

/// The gateways' codes a shopper can choose from: what the merchant offers, as far as it is set up.
pub fn payment_methods(settings: &Settings, gateways: &Gateways) -> Vec<&'static str> {
    let offered = settings.selling.payment_methods.iter();
    let set_up = offered
        .filter_map(|code| gateways.find(code))
        .map(|gateway| gateway.code());
    // A transfer needs an account to go to.
    set_up
        .filter(|code| *code != "bank_transfer" || settings.selling.bank.is_some())
        .collect()
}

/// Everything that is missing, in the order of the form. Empty: the order can be placed.
pub fn requirements(cart: &Cart, quote: &CartQuote, methods: &[&str]) -> Vec<Requirement> {
    match ready(cart, quote) {
        Ok(_) => payment_requirement(cart.form.payment_method.as_deref(), quote, methods)
            .into_iter()
            .collect(),
        Err(mut missing) => {
            missing.extend(payment_requirement(
                cart.form.payment_method.as_deref(),
                quote,
                methods,
            ));
            missing
        }
    }
}

/// Whether a way to pay is missing. Nothing to pay needs none.
pub(super) fn payment_requirement(
    chosen: Option<&str>,
    quote: &CartQuote,
    methods: &[&str],
) -> Option<Requirement> {
    let needed = !quote.quote.total.is_zero();
    (needed && !chosen.is_some_and(|chosen| methods.contains(&chosen)))
        .then_some(Requirement::ChoosePayment)
}

/// The parsed form, or what is missing in it.
pub(super) fn ready<'a>(cart: &Cart, quote: &'a CartQuote) -> Result<Ready<'a>, Vec<Requirement>> {
    let mut missing = Vec::new();
    let email = Email::parse(cart.form.email.as_deref().unwrap_or_default());
    if let Err(error) = &email {
        missing.push(Requirement::Email(*error));
    }
    let address = cart.address().check();
    if let Err(errors) = &address {
        missing.extend(errors.iter().copied().map(Requirement::Address));
    }
    let offer = quote.chosen_offer();
    if offer.is_none() {
        missing.push(match &address {
            Ok(address) if quote.offers.is_empty() => {
                Requirement::NothingCarriesThis(address.country)
            }
            Ok(_) | Err(_) => Requirement::ChooseDelivery,
        });
    }
    match (email, address, offer) {
        (Ok(email), Ok(address), Some(offer)) if missing.is_empty() => Ok(Ready {
            email,
            address,
            offer,
        }),
        _ => Err(missing),
    }
}

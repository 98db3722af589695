//! What a bag costs.

use commerce::carts::{CartQuote, DeliveryOffer};
use commerce::settings::Settings;
use kernel::Money;

use super::{QuoteView, TaxView};

/// A quoted bag. Every amount is the quote's own.
pub(crate) fn quote(quoted: &CartQuote, settings: &Settings) -> QuoteView {
    let quote = &quoted.quote;
    let taxes_included = match quote.tax_lines.as_slice() {
        [] => settings.selling.prices_include_tax,
        lines => lines.iter().all(|line| line.included),
    };
    let taxes = quote.tax_lines.iter().filter(|line| !line.tax.is_zero());
    QuoteView {
        item_count: quoted.item_count().into(),
        subtotal: quote.subtotal,
        delivery: quote.delivery.as_ref().map(|delivery| delivery.price),
        delivery_name: quote
            .delivery
            .as_ref()
            .and(quoted.chosen_offer())
            .map(|offer| offer.method.name.clone()),
        delivery_from: if quote.delivery.is_none() {
            cheapest(&quoted.offers)
        } else {
            None
        },
        taxes: taxes
            .map(|line| TaxView::new(&line.name, line.rate, line.tax))
            .collect(),
        taxes_included,
        total: quote.total,
    }
}

/// The cheapest way to the door. Fetching it oneself is free, but no delivery; it counts only where there is nothing else.
fn cheapest(offers: &[DeliveryOffer]) -> Option<Money> {
    let parcels = || offers.iter().filter(|offer| !offer.method.is_pickup());
    let counted: Vec<&DeliveryOffer> = if parcels().next().is_some() {
        parcels().collect()
    } else {
        offers.iter().collect()
    };
    counted
        .into_iter()
        .map(|offer| offer.price)
        .min_by_key(|price| price.minor())
}

//! What a cart costs now, with the ways to deliver and pay it.

use db::Tx;
use kernel::{Country, DeliveryMethodId, Money, Quantity, Timestamp};
use pricing::{
    DeliveryInput, DeliveryTax, LineInput, Quote, QuoteError, QuoteInput, RoundingPolicy,
};

use super::{Cart, CartLine};
use crate::delivery::{self, DeliveryMethod};
use crate::error::Internal;
use crate::settings::Settings;
use crate::tax;

/// How a line stands against what the shopper last saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineState {
    /// As it was.
    Ok,
    /// The price is another than the one seen.
    PriceChanged,
    /// Fewer are there than wanted; so many count.
    Reduced {
        /// How many there are.
        left: i64,
    },
    /// None are there; it does not count.
    SoldOut,
    /// It is not sold any more; it does not count.
    Gone,
}

/// A line with what counts of it.
#[derive(Debug, Clone)]
pub struct QuotedCart {
    /// The line as it is in the cart.
    pub line: CartLine,
    /// How it stands.
    pub state: LineState,
    /// How many of it count; `None` if it does not.
    pub counts: Option<Quantity>,
    /// What those cost; zero if it does not count.
    pub total: Money,
}

/// A way to deliver, with its price for this cart.
#[derive(Debug, Clone)]
pub struct DeliveryOffer {
    /// The way.
    pub method: DeliveryMethod,
    /// What it costs.
    pub price: Money,
    /// When it arrives, if ordered now.
    pub promise: Option<(Timestamp, Timestamp)>,
}

/// A cart, quoted.
#[derive(Debug, Clone)]
pub struct CartQuote {
    /// Every line, counting or not.
    pub lines: Vec<QuotedCart>,
    /// What is owed for those that count, with the chosen delivery if one is chosen and possible.
    pub quote: Quote,
    /// The country it was quoted for.
    pub destination: Country,
    /// The ways to deliver there, in the merchant's order.
    pub offers: Vec<DeliveryOffer>,
    /// The one chosen, if it is possible.
    pub chosen: Option<DeliveryMethodId>,
}

impl CartQuote {
    /// The chosen way to deliver.
    pub fn chosen_offer(&self) -> Option<&DeliveryOffer> {
        self.offers
            .iter()
            .find(|offer| Some(&offer.method.id) == self.chosen.as_ref())
    }

    /// How many pieces count.
    pub fn item_count(&self) -> u32 {
        self.lines
            .iter()
            .filter_map(|line| line.counts)
            .fold(0, |sum, count| sum.saturating_add(count.get()))
    }
}

fn state_of(line: &CartLine) -> (LineState, Option<Quantity>) {
    if !line.for_sale {
        return (LineState::Gone, None);
    }
    let left = line.available.unwrap_or(i64::MAX);
    if left <= 0 {
        return (LineState::SoldOut, None);
    }
    if left < line.quantity.as_i64() {
        let counts = u32::try_from(left)
            .ok()
            .and_then(|left| Quantity::new(left).ok());
        return (LineState::Reduced { left }, counts);
    }
    let state = if line.unit_price == line.seen_price {
        LineState::Ok
    } else {
        LineState::PriceChanged
    };
    (state, Some(line.quantity))
}

/// What a cart costs now. Without a country in its form, as if delivered at home.
pub fn quote_cart(
    tx: &mut Tx<'_>,
    settings: &Settings,
    now: Timestamp,
    cart: &Cart,
) -> Result<CartQuote, Internal> {
    let selling = &settings.selling;
    let destination = cart
        .form
        .address
        .as_ref()
        .and_then(|address| Country::parse(&address.country).ok())
        .unwrap_or(selling.country);
    let methods = delivery::methods_for(tx, destination)?;
    let tax_rates = tax::rates_for(tx, selling.country, destination)?;

    let states: Vec<(LineState, Option<Quantity>)> = cart.lines.iter().map(state_of).collect();
    let lines: Vec<LineInput> = cart
        .lines
        .iter()
        .zip(&states)
        .filter_map(|(line, (_, counts))| line_input(line, *counts))
        .collect();
    let mut input = QuoteInput {
        currency: cart.currency,
        prices_include_tax: selling.prices_include_tax,
        rounding: RoundingPolicy::default(),
        home: selling.country,
        destination,
        cross_border: selling.cross_border,
        tax_rates,
        lines,
        delivery: None,
    };
    let goods = pricing::quote(&input).map_err(|error| cannot_quote(&error))?;
    let offers = offers(settings, now, (methods, &input, &goods));
    let chosen = cart
        .form
        .delivery_method_id
        .clone()
        .filter(|id| offers.iter().any(|offer| offer.method.id == *id));
    let quote = match offers
        .iter()
        .find(|offer| Some(&offer.method.id) == chosen.as_ref())
    {
        Some(offer) if !input.lines.is_empty() => {
            // What is fetched is taxed where it is fetched.
            if offer.method.is_pickup() {
                input.destination = selling.country;
            }
            input.delivery = Some(DeliveryInput {
                rule: offer.method.rule.clone(),
                tax: DeliveryTax::LikeGoods,
            });
            pricing::quote(&input).map_err(|error| cannot_quote(&error))?
        }
        Some(_) | None => goods,
    };
    let lines = quoted_lines(cart, states, &quote)?;
    Ok(CartQuote {
        lines,
        quote,
        destination,
        offers,
        chosen,
    })
}

fn cannot_quote(error: &QuoteError) -> Internal {
    Internal::bug(format!("the cart cannot be quoted: {error}"))
}

fn line_input(line: &CartLine, counts: Option<Quantity>) -> Option<LineInput> {
    Some(LineInput {
        key: line.id.to_string(),
        quantity: counts?,
        unit_price: line.unit_price,
        compare_at: line.compare_at,
        tax_class: line.tax_class.clone(),
        weight_grams: line.weight_grams,
    })
}

/// The ways that can carry this cart, with their prices.
fn offers(
    settings: &Settings,
    now: Timestamp,
    (methods, input, goods): (Vec<DeliveryMethod>, &QuoteInput, &Quote),
) -> Vec<DeliveryOffer> {
    let weight = input.lines.iter().fold(0_i64, |sum, line| {
        sum.saturating_add(line.weight_grams.saturating_mul(line.quantity.as_i64()))
    });
    methods
        .into_iter()
        .filter(|method| method.currency == input.currency)
        .filter_map(|method| {
            let (price, _reason) =
                pricing::delivery_price(&method.rule, goods.subtotal, weight).ok()?;
            let promise = delivery::promise(settings, &method, now);
            Some(DeliveryOffer {
                method,
                price,
                promise,
            })
        })
        .collect()
}

fn quoted_lines(
    cart: &Cart,
    states: Vec<(LineState, Option<Quantity>)>,
    quote: &Quote,
) -> Result<Vec<QuotedCart>, Internal> {
    let mut lines = Vec::with_capacity(cart.lines.len());
    for (line, (state, counts)) in cart.lines.iter().zip(states) {
        let quoted = quote
            .lines
            .iter()
            .find(|quoted| quoted.key == line.id.as_str());
        let total = quoted.map_or_else(|| cart.currency.zero(), |quoted| quoted.line_total);
        if quoted.is_none() && counts.is_some() {
            return Err(Internal::bug(format!(
                "line {} is missing in its quote",
                line.id
            )));
        }
        lines.push(QuotedCart {
            line: line.clone(),
            state,
            counts,
            total,
        });
    }
    Ok(lines)
}

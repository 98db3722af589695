//! Lines of a bag.

use std::collections::HashMap;

use commerce::Internal;
use commerce::carts::{Cart, CartQuote, LineState, QuotedCart};
use commerce::notifications::view;
use db::Tx;
use kernel::{MediaId, Money, Quantity};
use serde::Serialize;

use super::{OptionView, PictureView};
use crate::frame::{Base, product_url};

/// A line of a bag.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// Its id.
    pub id: String,
    /// The product's name.
    pub name: String,
    /// The product's page; none if it is not sold any more.
    pub url: Option<String>,
    /// Its picture.
    pub picture: Option<PictureView>,
    /// What was chosen.
    pub options: Vec<OptionView>,
    /// What one costs.
    pub unit_price: Money,
    /// What one cost before, if it is reduced.
    pub compare_at: Option<Money>,
    /// How many count; how many were wanted, if none do.
    pub quantity: u32,
    /// What those cost.
    pub total: Money,
    /// The most that can be wanted.
    pub max_quantity: Option<i64>,
    /// `ok`, `price_changed`, `reduced`, `sold_out` or `gone`.
    pub state: &'static str,
    /// What one cost when the shopper saw it last, if that was another price.
    pub was_unit_price: Option<Money>,
    /// How many there are, if that is few.
    pub left: Option<i64>,
    /// Whether it was put in just now.
    pub added: bool,
    /// Where its form goes.
    pub action_url: String,
}

/// The pictures of a bag's lines. One statement, none for an empty bag.
pub(crate) fn pictures_of(
    tx: &mut Tx<'_>,
    cart: &Cart,
) -> Result<HashMap<MediaId, PictureView>, Internal> {
    Ok(view::pictures(
        tx,
        cart.lines
            .iter()
            .filter_map(|line| line.media_id.clone())
            .collect(),
    )?)
}

/// The lines of a quoted bag.
pub(crate) fn lines(
    base: &Base,
    quoted: &CartQuote,
    pictures: &HashMap<MediaId, PictureView>,
) -> Vec<Line> {
    quoted
        .lines
        .iter()
        .map(|line| view_of(base, quoted, line, pictures))
        .collect()
}

fn view_of(
    base: &Base,
    quoted: &CartQuote,
    line: &QuotedCart,
    pictures: &HashMap<MediaId, PictureView>,
) -> Line {
    let held = &line.line;
    let priced = quoted
        .quote
        .lines
        .iter()
        .find(|priced| priced.key == held.id.as_str());
    let low_at = i64::from(base.settings().selling.low_stock_at);
    let (state, left) = match line.state {
        LineState::Ok => ("ok", held.available.filter(|left| *left <= low_at)),
        LineState::PriceChanged => ("price_changed", None),
        LineState::Reduced { left } => ("reduced", Some(left)),
        LineState::SoldOut => ("sold_out", None),
        LineState::Gone => ("gone", None),
    };
    let picture = held
        .media_id
        .as_ref()
        .and_then(|id| pictures.get(id))
        .cloned();
    Line {
        id: held.id.to_string(),
        name: held.title.clone(),
        url: held.for_sale.then(|| product_url(&held.product_slug)),
        picture: picture.map(|picture| PictureView {
            alt: held.title.clone(),
            ..picture
        }),
        options: held
            .options
            .iter()
            .map(|(name, value)| OptionView {
                name: name.clone(),
                value: value.clone(),
            })
            .collect(),
        unit_price: priced.map_or(held.unit_price, |priced| priced.unit_price),
        compare_at: priced.and_then(|priced| priced.compare_at),
        quantity: line.counts.unwrap_or(held.quantity).get(),
        total: line.total,
        max_quantity: held
            .available
            .map(|left| left.clamp(0, i64::from(Quantity::MAX))),
        state,
        was_unit_price: (state == "price_changed").then_some(held.seen_price),
        left,
        added: false,
        action_url: format!("/cart/lines/{}", held.id),
    }
}

/// Lines in every state.
pub(crate) fn samples() -> Vec<Line> {
    let euros = |cents| kernel::Currency::EUR.minor(cents);
    let ok = Line {
        id: "cli_01k00000000000000000000000".to_owned(),
        name: "Tarn vase".to_owned(),
        url: Some("/products/tarn-vase".to_owned()),
        picture: None,
        options: vec![OptionView {
            name: "Glaze".to_owned(),
            value: "Spruce".to_owned(),
        }],
        unit_price: euros(6_800),
        compare_at: None,
        quantity: 2,
        total: euros(13_600),
        max_quantity: None,
        state: "ok",
        was_unit_price: None,
        left: None,
        added: true,
        action_url: "/cart/lines/cli_01k00000000000000000000000".to_owned(),
    };
    let other = Line {
        added: false,
        max_quantity: Some(3),
        ..ok.clone()
    };
    vec![
        Line {
            left: Some(3),
            compare_at: Some(euros(7_600)),
            ..other.clone()
        },
        Line {
            state: "price_changed",
            was_unit_price: Some(euros(6_400)),
            ..other.clone()
        },
        Line {
            state: "reduced",
            left: Some(2),
            ..other.clone()
        },
        Line {
            state: "sold_out",
            total: euros(0),
            ..other.clone()
        },
        Line {
            state: "gone",
            url: None,
            options: Vec::new(),
            total: euros(0),
            ..other
        },
        ok,
    ]
}

//! A product as lists show it.

use commerce::catalog;
use kernel::time::DAY;
use kernel::{Money, Timestamp};
use serde::Serialize;

use super::{PictureView, product_picture};
use crate::frame::{Base, product_url};

/// How long a product is new.
const NEW_FOR: i64 = 30 * DAY;
/// How many colours a card shows; more are counted.
const SWATCHES: usize = 5;
/// The longest line below a name.
const NOTE: usize = 70;

/// A product in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Card {
    /// Its name.
    pub name: String,
    /// Its page.
    pub url: String,
    /// Its first picture.
    pub picture: Option<PictureView>,
    /// One quiet line.
    pub note: Option<String>,
    /// The cheapest variant's price.
    pub price: Money,
    /// Whether others cost more.
    pub price_varies: bool,
    /// What the cheapest variant cost before, if it is reduced.
    pub compare_at: Option<Money>,
    /// How much less that is.
    pub saving: Option<Money>,
    /// What a kilogram, litre or piece costs.
    pub unit_price: Option<UnitPrice>,
    /// `sold_out`, `save`, `low_stock` or `new`: the first that is true.
    pub badge: Option<&'static str>,
    /// How many there are, for `low_stock`.
    pub left: Option<i64>,
    /// The colours it comes in.
    pub swatches: Vec<Swatch>,
    /// How many more.
    pub swatches_more: usize,
}

/// A price by which packs are compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnitPrice {
    /// What one unit costs.
    pub price: Money,
    /// The unit.
    pub per: &'static str,
}

/// A colour with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Swatch {
    /// Its name.
    pub name: String,
    /// As `#rrggbb`.
    pub color: String,
}

impl From<catalog::UnitPrice> for UnitPrice {
    fn from(found: catalog::UnitPrice) -> Self {
        Self {
            price: found.price,
            per: found.per,
        }
    }
}

/// Products of a list. Where all of them are new, none is marked: it would tell nothing.
pub(crate) fn cards(base: &Base, found: &[catalog::Card]) -> Vec<Card> {
    let all_new = found.iter().all(|card| is_new(card, base.now));
    found
        .iter()
        .map(|card| view(card, base, is_new(card, base.now) && !all_new))
        .collect()
}

fn is_new(card: &catalog::Card, now: Timestamp) -> bool {
    card.published_at
        .is_some_and(|published| now.since(published) < NEW_FOR)
}

/// When the first of these products that is new ceases to be.
pub(crate) fn next_not_new<'a>(
    found: impl IntoIterator<Item = &'a catalog::Card>,
    now: Timestamp,
) -> Option<Timestamp> {
    let ends = found
        .into_iter()
        .filter(|card| is_new(card, now))
        .filter_map(|card| Some(card.published_at?.plus(NEW_FOR)));
    ends.min()
}

fn view(card: &catalog::Card, base: &Base, is_new: bool) -> Card {
    let low_at = base.low_at();
    let left = card.available.filter(|left| (1..=low_at).contains(left));
    let saving = card.saving();
    let badge = if card.is_sold_out() {
        Some("sold_out")
    } else if saving.is_some() {
        Some("save")
    } else if left.is_some() {
        Some("low_stock")
    } else if is_new {
        Some("new")
    } else {
        None
    };
    Card {
        name: card.title.clone(),
        url: product_url(&card.slug),
        picture: card
            .picture
            .as_ref()
            .map(|picture| product_picture(picture, &card.title)),
        note: note(&card.summary),
        price: card.price,
        price_varies: card.price_varies,
        compare_at: card.compare_at.filter(|_| saving.is_some()),
        saving,
        unit_price: card.unit_price.map(UnitPrice::from),
        badge,
        left,
        swatches: card
            .swatches
            .iter()
            .take(SWATCHES)
            .map(|swatch| Swatch {
                name: swatch.name.clone(),
                color: swatch.color.to_string(),
            })
            .collect(),
        swatches_more: card.swatches.len().saturating_sub(SWATCHES),
    }
}

/// The first sentence of a summary, if it is short enough for one line.
fn note(summary: &str) -> Option<String> {
    let first = summary
        .split_inclusive(". ")
        .next()?
        .trim()
        .trim_end_matches('.');
    (!first.is_empty() && first.chars().count() <= NOTE).then(|| first.to_owned())
}

/// Cards in every state.
pub(crate) fn samples() -> Vec<Card> {
    let euros = |cents| kernel::Currency::EUR.minor(cents);
    let plain = Card {
        name: "Tarn vase".to_owned(),
        url: "/products/tarn-vase".to_owned(),
        picture: None,
        note: None,
        price: euros(6_800),
        price_varies: false,
        compare_at: None,
        saving: None,
        unit_price: None,
        badge: None,
        left: None,
        swatches: Vec::new(),
        swatches_more: 0,
    };
    let swatch = Swatch {
        name: "Spruce".to_owned(),
        color: "#2f5d4e".to_owned(),
    };
    let ground = "#E2B49A".to_owned();
    let picture = PictureView::new(
        "0f",
        (1_200, 1_500),
        &[320, 800, 1_200],
        (ground, "A vase".to_owned()),
    );
    vec![
        Card {
            note: Some("Fig, cocoa, orange peel".to_owned()),
            picture: Some(picture),
            ..plain.clone()
        },
        Card {
            badge: Some("sold_out"),
            swatches: vec![swatch],
            swatches_more: 3,
            ..plain.clone()
        },
        Card {
            badge: Some("save"),
            compare_at: Some(euros(7_600)),
            saving: Some(euros(800)),
            ..plain.clone()
        },
        Card {
            badge: Some("low_stock"),
            left: Some(2),
            price_varies: true,
            ..plain.clone()
        },
        Card {
            badge: Some("new"),
            unit_price: Some(UnitPrice {
                price: euros(5_000),
                per: "kg",
            }),
            ..plain
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{Currency, ProductId, RandomIds, Slug};

    fn found() -> catalog::Card {
        catalog::Card {
            id: ProductId::new(&RandomIds),
            slug: Slug::parse("tarn-vase").unwrap(),
            title: "Tarn vase".to_owned(),
            summary: "Fig, cocoa, orange peel. Burns for forty hours.".to_owned(),
            picture: None,
            price: Currency::EUR.minor(6_800),
            price_varies: true,
            compare_at: None,
            unit_price: None,
            available: Some(40),
            only_variant: None,
            swatches: Vec::new(),
            published_at: None,
        }
    }

    fn card(found: catalog::Card) -> Card {
        let old = catalog::Card {
            published_at: None,
            ..found.clone()
        };
        cards(&Base::sample(), &[found, old]).remove(0)
    }

    #[test]
    fn a_card_has_the_badge_that_matters_most() {
        let now = Base::sample().now;
        let new = catalog::Card {
            published_at: Some(now.plus(-DAY)),
            ..found()
        };
        let low = catalog::Card {
            available: Some(5),
            ..new.clone()
        };
        let reduced = catalog::Card {
            compare_at: Some(Currency::EUR.minor(7_600)),
            ..low.clone()
        };
        let sold_out = catalog::Card {
            available: Some(0),
            ..reduced.clone()
        };
        let told = |found| {
            let card = card(found);
            (card.badge, card.left, card.saving.map(Money::minor))
        };
        assert_eq!(told(found()), (None, None, None));
        assert_eq!(told(new), (Some("new"), None, None));
        assert_eq!(told(low), (Some("low_stock"), Some(5), None));
        assert_eq!(told(reduced), (Some("save"), Some(5), Some(800)));
        assert_eq!(told(sold_out), (Some("sold_out"), None, Some(800)));
        assert_eq!(
            told(catalog::Card {
                available: Some(6),
                ..found()
            }),
            (None, None, None)
        );
        assert_eq!(
            told(catalog::Card {
                available: None,
                ..found()
            }),
            (None, None, None)
        );
    }

    #[test]
    fn where_everything_is_new_nothing_is_marked() {
        let base = Base::sample();
        let new = catalog::Card {
            published_at: Some(base.now.plus(-DAY)),
            ..found()
        };
        let old = catalog::Card {
            published_at: Some(base.now.plus(-NEW_FOR)),
            ..found()
        };
        let badges = |found: &[catalog::Card]| {
            cards(&base, found)
                .iter()
                .map(|card| card.badge)
                .collect::<Vec<_>>()
        };
        assert_eq!(badges(&[new.clone(), new.clone()]), [None, None]);
        assert_eq!(badges(&[new, old]), [Some("new"), None]);
    }

    #[test]
    fn the_first_to_be_no_longer_new_is_told() {
        let now = Base::sample().now;
        let published = |ago: i64| catalog::Card {
            published_at: Some(now.plus(-ago)),
            ..found()
        };
        let cards = [
            published(DAY),
            published(3 * DAY),
            published(NEW_FOR),
            found(),
        ];
        assert_eq!(next_not_new(&cards, now), Some(now.plus(NEW_FOR - 3 * DAY)));
        assert_eq!(next_not_new(&[found()], now), None);
    }

    #[test]
    fn a_price_that_was_lower_before_is_no_reduction() {
        let card = card(catalog::Card {
            compare_at: Some(Currency::EUR.minor(6_800)),
            ..found()
        });
        assert_eq!(
            (card.badge, card.compare_at, card.saving),
            (None, None, None)
        );
    }

    #[test]
    fn the_quiet_line_is_the_first_short_sentence() {
        assert_eq!(
            note("Fig, cocoa, orange peel. Burns long."),
            Some("Fig, cocoa, orange peel".to_owned())
        );
        assert_eq!(
            note("Holds 1.5 litres."),
            Some("Holds 1.5 litres".to_owned())
        );
        assert_eq!(note(""), None);
        assert_eq!(note(&"long ".repeat(30)), None);
    }

    #[test]
    fn five_colours_are_shown_and_the_others_counted() {
        let swatch = catalog::Swatch {
            name: "Spruce".to_owned(),
            color: catalog::Color::from_rgb(47, 93, 78),
        };
        let card = card(catalog::Card {
            swatches: vec![swatch; 8],
            ..found()
        });
        assert_eq!((card.swatches.len(), card.swatches_more), (5, 3));
    }
}

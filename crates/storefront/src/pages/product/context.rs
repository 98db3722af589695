//! What `pages/product.html` receives.

use kernel::Money;
use serde::Serialize;
use templates::Page;

use crate::views::{self, Card, Crumb, FormError, PictureView, PromiseView, UnitPrice, WithinView};

/// `pages/product.html`.
#[derive(Debug, Clone, Serialize)]
pub struct ProductPage {
    /// The product.
    pub product: ProductView,
    /// What is in the number field.
    pub quantity: u32,
    /// Why it was not put into the bag.
    pub errors: Vec<FormError>,
    /// What goes with it.
    pub related: Related,
    /// The product for machines: schema.org Product.
    pub json_ld: Option<serde_json::Value>,
}

/// A product with its chosen variant.
#[derive(Debug, Clone, Serialize)]
pub struct ProductView {
    /// Its name.
    pub name: String,
    /// Its place in the shop's addresses.
    pub slug: String,
    /// The page's address with this variant.
    pub url: String,
    /// Two sentences.
    pub summary: Option<String>,
    /// The description as HTML made by us.
    pub description_html: Option<String>,
    /// Short statements.
    pub facts: Vec<String>,
    /// The way down to it.
    pub breadcrumb: Vec<Crumb>,
    /// Its pictures.
    pub pictures: Vec<PictureView>,
    /// What can be chosen.
    pub options: Vec<OptionView>,
    /// What is chosen.
    pub variant: VariantView,
    /// What it costs.
    pub price: Money,
    /// What it cost before, if it is reduced.
    pub compare_at: Option<Money>,
    /// How much less that is.
    pub saving: Option<Money>,
    /// What a kilogram, litre or piece costs.
    pub unit_price: Option<UnitPrice>,
    /// How many there are.
    pub stock: Stock,
    /// The most that can be put into the bag.
    pub max_quantity: Option<i64>,
    /// When it arrives.
    pub promise: Option<PromiseView>,
    /// What it weighs with its packing.
    pub weight: Option<String>,
    /// How it can be delivered.
    pub delivery_methods: Vec<DeliveryMethodView>,
    /// Days in which it can be sent back.
    pub returns_days: Option<u32>,
}

/// An option.
#[derive(Debug, Clone, Serialize)]
pub struct OptionView {
    /// Its name.
    pub name: String,
    /// Its name in addresses.
    pub slug: String,
    /// The chosen value's name.
    pub chosen: Option<String>,
    /// The chosen value's name in addresses.
    pub chosen_slug: Option<String>,
    /// Its values.
    pub values: Vec<OptionValueView>,
}

/// A value of an option.
#[derive(Debug, Clone, Serialize)]
pub struct OptionValueView {
    /// Its name.
    pub name: String,
    /// Its name in addresses.
    pub slug: String,
    /// The page with it chosen.
    pub url: String,
    /// Its colour.
    pub swatch: Option<String>,
    /// `chosen`, `available`, `sold_out` or `other`.
    pub state: &'static str,
}

/// The chosen variant.
#[derive(Debug, Clone, Serialize)]
pub struct VariantView {
    /// Its id.
    pub id: String,
    /// Its article number.
    pub sku: Option<String>,
    /// Its values in words.
    pub name: String,
}

/// How many there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stock {
    /// `in_stock`, `low` or `sold_out`.
    pub state: &'static str,
    /// How many, for `low`.
    pub left: Option<i64>,
}

/// A way to deliver it.
#[derive(Debug, Clone, Serialize)]
pub struct DeliveryMethodView {
    /// Its name.
    pub name: String,
    /// What it costs for one piece.
    pub price: Option<Money>,
    /// Words instead of a price.
    pub price_note: Option<String>,
    /// The fewest working days.
    pub min_days: Option<i64>,
    /// The most.
    pub max_days: Option<i64>,
}

/// What goes with it.
#[derive(Debug, Clone, Serialize)]
pub struct Related {
    /// A title of its own.
    pub title: Option<String>,
    /// The products.
    pub cards: Vec<Card>,
}

impl Page for ProductPage {
    const TEMPLATE: &'static str = "pages/product.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let full = sample();
        let product = full.product.clone();
        let bare = ProductView {
            summary: None,
            description_html: None,
            facts: Vec::new(),
            pictures: Vec::new(),
            options: Vec::new(),
            compare_at: None,
            saving: None,
            stock: Stock {
                state: "sold_out",
                left: None,
            },
            promise: None,
            weight: None,
            delivery_methods: Vec::new(),
            returns_days: None,
            ..product.clone()
        };
        let error = FormError {
            field: Some("quantity".to_owned()),
            message: "Only 3 left".to_owned(),
        };
        let nothing = Related {
            title: None,
            cards: Vec::new(),
        };
        vec![
            ("full", full.clone()),
            (
                "refused",
                Self {
                    errors: vec![error],
                    quantity: 3,
                    ..full.clone()
                },
            ),
            (
                "in stock",
                Self {
                    product: ProductView {
                        stock: Stock {
                            state: "in_stock",
                            left: None,
                        },
                        max_quantity: None,
                        ..product
                    },
                    ..full.clone()
                },
            ),
            (
                "bare and sold out",
                Self {
                    product: bare,
                    related: nothing,
                    json_ld: None,
                    ..full
                },
            ),
        ]
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "every field of a sample is named once"
)]
fn sample() -> ProductPage {
    let euros = |cents| kernel::Currency::EUR.minor(cents);
    let day = kernel::Timestamp::from_millis(1_795_428_000_000);
    let value = |name: &str, state| OptionValueView {
        name: name.to_owned(),
        slug: name.to_lowercase(),
        url: format!("/products/tarn-vase?glaze={}", name.to_lowercase()),
        swatch: (state != "other").then(|| "#2f5d4e".to_owned()),
        state,
    };
    let cards = views::card_samples();
    let picture = cards.iter().find_map(|card| card.picture.clone());
    let method = |name: &str, price: Option<Money>, days: Option<i64>| DeliveryMethodView {
        name: name.to_owned(),
        price,
        price_note: price.is_none().then(|| "by weight".to_owned()),
        min_days: days.map(|days| days - 1),
        max_days: days,
    };
    ProductPage {
        product: ProductView {
            name: "Tarn vase".to_owned(),
            slug: "tarn-vase".to_owned(),
            url: "/products/tarn-vase?glaze=spruce".to_owned(),
            summary: Some("Thrown and dipped by hand.".to_owned()),
            description_html: Some("<p>Holds water.</p>".to_owned()),
            facts: vec!["24 cm tall".to_owned()],
            breadcrumb: vec![
                Crumb {
                    name: "Vases".to_owned(),
                    url: Some("/c/vases".to_owned()),
                },
                Crumb {
                    name: "Tarn vase".to_owned(),
                    url: None,
                },
            ],
            pictures: picture.into_iter().cycle().take(2).collect(),
            options: vec![OptionView {
                name: "Glaze".to_owned(),
                slug: "glaze".to_owned(),
                chosen: Some("Spruce".to_owned()),
                chosen_slug: Some("spruce".to_owned()),
                values: vec![
                    value("Spruce", "chosen"),
                    value("Ash", "available"),
                    value("Clay", "sold_out"),
                    value("Ink", "other"),
                ],
            }],
            variant: VariantView {
                id: "var_01k00000000000000000000000".to_owned(),
                sku: Some("TARN-S".to_owned()),
                name: "Spruce".to_owned(),
            },
            price: euros(6_800),
            compare_at: Some(euros(7_600)),
            saving: Some(euros(800)),
            unit_price: Some(UnitPrice {
                price: euros(5_000),
                per: "kg",
            }),
            stock: Stock {
                state: "low",
                left: Some(3),
            },
            max_quantity: Some(3),
            promise: Some(PromiseView {
                from: day,
                to: day,
                order_within: Some(WithinView {
                    hours: 3,
                    minutes: 12,
                }),
                country: "the Netherlands".to_owned(),
            }),
            weight: Some("1.2 kg".to_owned()),
            delivery_methods: vec![
                method("PostNL", Some(euros(495)), Some(2)),
                method("Freight", None, Some(1)),
                method("Pick up", Some(euros(0)), None),
            ],
            returns_days: Some(30),
        },
        quantity: 1,
        errors: Vec::new(),
        related: Related {
            title: Some("Goes with".to_owned()),
            cards,
        },
        json_ld: Some(serde_json::json!({ "@type": "Product" })),
    }
}

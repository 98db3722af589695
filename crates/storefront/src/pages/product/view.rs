//! From a product to what its page shows.

use commerce::catalog::{self, ProductPage as Found};
use commerce::delivery::DeliveryMethod;
use commerce::inventory;
use kernel::{Quantity, Slug};
use serde_json::{Value, json};

use super::choice::Chosen;
use super::context::{
    DeliveryMethodView, OptionValueView, OptionView, ProductPage, ProductView, Related, Stock,
    VariantView,
};
use crate::frame::{Base, category_url};
use crate::say::Say;
use crate::views::{self, Crumb, UnitPrice};

/// The page of a product with its chosen variant.
pub(super) fn page(
    (found, chosen): (&Found, &Chosen<'_>),
    base: &Base,
    (say, origin): (&Say, &str),
    related: &[catalog::Card],
) -> ProductPage {
    let product = product(found, chosen, base, say);
    let json_ld = json_ld(&product, chosen, origin);
    ProductPage {
        product,
        quantity: 1,
        errors: Vec::new(),
        related: Related {
            title: None,
            cards: views::cards(base, related),
        },
        json_ld: Some(json_ld),
    }
}

fn product(found: &Found, chosen: &Chosen<'_>, base: &Base, say: &Say) -> ProductView {
    let (product, on_sale) = (&found.product, chosen.on_sale());
    let variant = &on_sale.variant;
    let saving = variant.saving();
    let filled = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    ProductView {
        name: product.title.clone(),
        slug: product.slug.to_string(),
        url: chosen.url(),
        summary: filled(&product.summary),
        description_html: filled(&catalog::to_html(&product.description)),
        facts: product.facts.clone(),
        breadcrumb: breadcrumb(found),
        pictures: found
            .pictures
            .iter()
            .map(|picture| views::product_picture(picture, &product.title))
            .collect(),
        options: options(found, chosen),
        variant: VariantView {
            id: variant.id.to_string(),
            sku: Some(variant.sku.to_string()),
            name: variant.title.clone(),
        },
        price: variant.price,
        compare_at: variant.compare_at.filter(|_| saving.is_some()),
        saving,
        unit_price: variant.unit_price().map(UnitPrice::from),
        stock: stock(on_sale.available, base.low_at()),
        max_quantity: on_sale.available.map(most),
        promise: views::first_parcel(base.settings(), base.now, base.home_methods(), say),
        weight: weight(variant.weight_grams, say),
        delivery_methods: base
            .home_methods()
            .iter()
            .map(|method| delivery(method, variant))
            .collect(),
        returns_days: base.settings().selling.returns_days,
    }
}

fn breadcrumb(found: &Found) -> Vec<Crumb> {
    let crumb = |(name, slug): (&String, &Slug)| Crumb {
        name: name.clone(),
        url: Some(category_url(slug)),
    };
    let above = found
        .path
        .iter()
        .map(|category| crumb((&category.title, &category.slug)));
    above
        .chain(std::iter::once(Crumb {
            name: found.product.title.clone(),
            url: None,
        }))
        .collect()
}

fn options(found: &Found, chosen: &Chosen<'_>) -> Vec<OptionView> {
    let option = |(at, option): (usize, &catalog::ProductOption)| {
        let chosen_slug = chosen.value(at);
        let is_chosen = |value: &&catalog::OptionValue| Some(value.slug.as_str()) == chosen_slug;
        let value = |value: &catalog::OptionValue| {
            let (state, url) = chosen.state(at, value.slug.as_str())?;
            Some(OptionValueView {
                name: value.name.clone(),
                slug: value.slug.to_string(),
                url,
                swatch: value.swatch.as_ref().map(ToString::to_string),
                state: state.word(),
            })
        };
        OptionView {
            name: option.name.clone(),
            slug: option.slug.to_string(),
            chosen: option
                .values
                .iter()
                .find(is_chosen)
                .map(|value| value.name.clone()),
            chosen_slug: chosen_slug.map(str::to_owned),
            values: option.values.iter().filter_map(value).collect(),
        }
    };
    found.options.iter().enumerate().map(option).collect()
}

/// The most the number field takes. Where there are many, the bag says it when they are not enough after all.
fn most(left: i64) -> i64 {
    if left > inventory::SHOWN_UP_TO {
        i64::from(Quantity::MAX)
    } else {
        left.max(0)
    }
}

/// How many there are, told where it is few.
fn stock(available: Option<i64>, low_at: i64) -> Stock {
    match available {
        Some(left) if left <= 0 => Stock {
            state: "sold_out",
            left: None,
        },
        Some(left) if left <= low_at => Stock {
            state: "low",
            left: Some(left),
        },
        Some(_) | None => Stock {
            state: "in_stock",
            left: None,
        },
    }
}

/// Grams below a kilogram, above it kilograms with one decimal.
fn weight(grams: u32, say: &Say) -> Option<String> {
    let grams = i64::from(grams);
    match grams {
        0 => None,
        1..1_000 => Some(format!("{}\u{a0}g", say.number(grams))),
        _ => {
            let tenths = (grams + 50) / 100;
            let (whole, tenth) = (say.number(tenths / 10), tenths % 10);
            Some(if tenth == 0 {
                format!("{whole}\u{a0}kg")
            } else {
                format!("{whole}.{tenth}\u{a0}kg")
            })
        }
    }
}

/// What delivering one of these costs: an answer for this page, not an offer. The bag quotes anew.
fn delivery(method: &DeliveryMethod, variant: &catalog::Variant) -> DeliveryMethodView {
    let price = if method.currency == variant.price.currency() {
        pricing::delivery_price(&method.rule, variant.price, i64::from(variant.weight_grams)).ok()
    } else {
        None
    };
    DeliveryMethodView {
        name: method.name.clone(),
        price: price.map(|(price, _reason)| price),
        price_note: None,
        min_days: (!method.is_pickup()).then_some(method.min_days),
        max_days: (!method.is_pickup()).then_some(method.max_days),
    }
}

/// schema.org Product with the chosen variant's offer.
fn json_ld(product: &ProductView, chosen: &Chosen<'_>, origin: &str) -> Value {
    let on_sale = chosen.on_sale();
    let stock = if on_sale.can_be_bought() {
        "https://schema.org/InStock"
    } else {
        "https://schema.org/OutOfStock"
    };
    let images: Vec<String> = product
        .pictures
        .iter()
        .map(|picture| format!("{origin}{}", picture.large))
        .collect();
    json!({
        "@context": "https://schema.org",
        "@type": "Product",
        "name": product.name,
        "description": product.summary,
        "image": images,
        "sku": on_sale.variant.sku.as_str(),
        "gtin": on_sale.variant.barcode,
        "offers": {
            "@type": "Offer",
            "url": format!("{origin}{}", product.url),
            "price": product.price.to_decimal(),
            "priceCurrency": product.price.currency().code(),
            "availability": stock,
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::pages::product::choice::tests::vase;
    use crate::say::english;

    fn shown(options: &[(&str, &str)]) -> ProductPage {
        let found = vase();
        let options: BTreeMap<String, String> = options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let chosen = Chosen::of(&found, &options).unwrap();
        page(
            (&found, &chosen),
            &Base::sample(),
            (&english(), "https://shop.example"),
            &[],
        )
    }

    #[test]
    fn price_and_stock_are_those_of_the_chosen_variant() {
        let first = shown(&[]).product;
        assert_eq!(
            (first.variant.name.as_str(), first.stock),
            (
                "Spruce / 24 cm",
                Stock {
                    state: "low",
                    left: Some(3)
                }
            )
        );
        assert_eq!(
            (first.saving.map(kernel::Money::minor), first.max_quantity),
            (Some(800), Some(3))
        );
        let sold_out = shown(&[("height", "30-cm")]).product;
        assert_eq!(
            (sold_out.variant.name.as_str(), sold_out.stock.state),
            ("Spruce / 30 cm", "sold_out")
        );
        assert_eq!(
            shown(&[("glaze", "ash")]).product.stock,
            Stock {
                state: "in_stock",
                left: None
            }
        );
    }

    #[test]
    fn machines_read_the_same_price_and_stock() {
        let offer = shown(&[("height", "30-cm")]).json_ld.unwrap()["offers"].clone();
        assert_eq!(offer["price"], "68.00");
        assert_eq!(offer["availability"], "https://schema.org/OutOfStock");
        assert_eq!(
            offer["url"],
            "https://shop.example/products/tarn-vase?glaze=spruce&height=30-cm"
        );
    }

    #[test]
    fn weights_are_written_for_people() {
        let say = english();
        let written = |grams| weight(grams, &say).map(|text| text.replace('\u{a0}', " "));
        assert_eq!(written(0), None);
        assert_eq!(written(320), Some("320 g".to_owned()));
        assert_eq!(written(999), Some("999 g".to_owned()));
        assert_eq!(written(1_000), Some("1 kg".to_owned()));
        assert_eq!(written(1_240), Some("1.2 kg".to_owned()));
        assert_eq!(written(1_250), Some("1.3 kg".to_owned()));
    }
}

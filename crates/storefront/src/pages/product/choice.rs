//! Which variant is chosen by an address, and where the other choices lead.

use std::collections::BTreeMap;

use commerce::catalog::{OnSale, ProductOption, ProductPage};

use crate::frame::product_url;
use crate::views::escaped;

/// A product with one chosen variant.
pub(crate) struct Chosen<'a> {
    page: &'a ProductPage,
    on_sale: &'a OnSale,
    values: Vec<&'a str>,
}

/// How a value stands to what is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueState {
    /// It is chosen.
    Chosen,
    /// It can be had with everything else as chosen.
    Available,
    /// It can be chosen, but is sold out.
    SoldOut,
    /// Not with everything else as chosen: choosing it changes the rest.
    Other,
}

impl ValueState {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Chosen => "chosen",
            Self::Available => "available",
            Self::SoldOut => "sold_out",
            Self::Other => "other",
        }
    }
}

impl<'a> Chosen<'a> {
    /// The variant these options mean: exactly, or else the nearest; the first to be bought, if they mean nothing.
    pub(crate) fn of(page: &'a ProductPage, options: &BTreeMap<String, String>) -> Option<Self> {
        let asked: Vec<Option<&str>> = page
            .options
            .iter()
            .map(|option| asked_value(option, options))
            .collect();
        let on_sale = if asked.iter().all(Option::is_none) {
            page.first_choice()?
        } else {
            nearest(page, &asked, None)?
        };
        Some(Self {
            page,
            on_sale,
            values: on_sale.variant.value_slugs().collect(),
        })
    }

    /// The variant meant by exactly these options: each of the product's options, with a value it has.
    pub(crate) fn exactly(
        page: &'a ProductPage,
        options: &BTreeMap<String, String>,
    ) -> Option<Self> {
        if options.len() != page.options.len() {
            return None;
        }
        let values: Vec<&str> = page
            .options
            .iter()
            .map(|option| asked_value(option, options))
            .collect::<Option<_>>()?;
        let on_sale = page.variant_by_slugs(&values)?;
        Some(Self {
            page,
            on_sale,
            values,
        })
    }

    /// The chosen variant with its stock.
    pub(crate) fn on_sale(&self) -> &'a OnSale {
        self.on_sale
    }

    /// The slug of the value chosen of an option.
    pub(crate) fn value(&self, option: usize) -> Option<&'a str> {
        self.values.get(option).copied()
    }

    /// The page's address with this variant chosen.
    pub(crate) fn url(&self) -> String {
        url(self.page, self.on_sale)
    }

    /// How a value stands, and where choosing it leads; `None` if no variant has it.
    pub(crate) fn state(&self, option: usize, value: &str) -> Option<(ValueState, String)> {
        let wanted: Vec<Option<&str>> = (0..self.page.options.len())
            .map(|at| {
                if at == option {
                    Some(value)
                } else {
                    self.value(at)
                }
            })
            .collect();
        let found = nearest(self.page, &wanted, Some(option))?;
        let state = if self.value(option) == Some(value) {
            ValueState::Chosen
        } else if !found
            .variant
            .value_slugs()
            .map(Some)
            .eq(wanted.iter().copied())
        {
            ValueState::Other
        } else if found.can_be_bought() {
            ValueState::Available
        } else {
            ValueState::SoldOut
        };
        Some((state, url(self.page, found)))
    }
}

/// The value of an option that was asked for, if it is one.
fn asked_value<'a>(option: &'a ProductOption, asked: &BTreeMap<String, String>) -> Option<&'a str> {
    let asked = asked.get(option.slug.as_str())?;
    option
        .values
        .iter()
        .map(|value| value.slug.as_str())
        .find(|slug| slug == asked)
}

/// The variant with the most of these values; of several, one that can be bought, then the first. `must` is the option whose
/// value has to be right.
fn nearest<'a>(
    page: &'a ProductPage,
    wanted: &[Option<&str>],
    must: Option<usize>,
) -> Option<&'a OnSale> {
    let right = |on_sale: &OnSale, at: usize| {
        on_sale
            .variant
            .value_slugs()
            .nth(at)
            .is_some_and(|slug| wanted.get(at).copied().flatten() == Some(slug))
    };
    let fitting = page
        .variants
        .iter()
        .filter(|on_sale| must.is_none_or(|at| right(on_sale, at)));
    // The earlier of two equals: `max_by_key` would take the later.
    fitting.rev().max_by_key(|on_sale| {
        let agreeing = (0..wanted.len()).filter(|at| right(on_sale, *at)).count();
        (agreeing, on_sale.can_be_bought())
    })
}

fn url(page: &ProductPage, on_sale: &OnSale) -> String {
    let pairs = page.options.iter().zip(on_sale.variant.value_slugs());
    let pairs: Vec<String> = pairs
        .map(|(option, value)| format!("{}={}", escaped(option.slug.as_str()), escaped(value)))
        .collect();
    let path = product_url(&page.product.slug);
    if pairs.is_empty() {
        path
    } else {
        format!("{path}?{}", pairs.join("&"))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use commerce::catalog::{OptionValue, Product, ProductStatus, TaxClass, Variant};
    use kernel::{Currency, OptionId, OptionValueId, ProductId, RandomIds, Sku, Slug, VariantId};

    fn slug(text: &str) -> Slug {
        Slug::parse(text).unwrap()
    }

    fn option(name: &str, values: &[&str]) -> ProductOption {
        let value = |name: &&str| OptionValue {
            id: OptionValueId::new(&RandomIds),
            slug: Slug::from_title(name),
            name: (*name).to_owned(),
            swatch: None,
        };
        ProductOption {
            id: OptionId::new(&RandomIds),
            slug: Slug::from_title(name),
            name: name.to_owned(),
            values: values.iter().map(value).collect(),
        }
    }

    /// A vase in two glazes and two heights; ash in 30 cm is not made, spruce in 30 cm is sold out.
    pub(crate) fn vase() -> ProductPage {
        let id = ProductId::new(&RandomIds);
        let variant = |combination: &str, title: &str, available| OnSale {
            variant: Variant {
                id: VariantId::new(&RandomIds),
                product_id: id.clone(),
                combination: combination.to_owned(),
                title: title.to_owned(),
                sku: Sku::parse(&format!("V-{title}")).unwrap(),
                barcode: None,
                price: Currency::EUR.minor(6_800),
                compare_at: Some(Currency::EUR.minor(7_600)),
                weight_grams: 1_240,
                content: None,
                stock_tracked: true,
            },
            available,
        };
        ProductPage {
            product: Product {
                id: id.clone(),
                slug: slug("tarn-vase"),
                title: "Tarn vase".to_owned(),
                summary: "Thrown and dipped.".to_owned(),
                description: "Holds water.".to_owned(),
                facts: vec!["24 cm tall".to_owned()],
                status: ProductStatus::Active,
                tax_class: TaxClass::Standard,
                currency: Currency::EUR,
                min_price: Currency::EUR.minor(6_800),
                max_price: Currency::EUR.minor(6_800),
                version: 1,
                revision: 1,
                published_at: None,
                created_at: kernel::Timestamp::from_millis(0),
                changed_at: kernel::Timestamp::from_millis(0),
            },
            options: vec![
                option("Glaze", &["Spruce", "Ash"]),
                option("Height", &["24 cm", "30 cm"]),
            ],
            variants: vec![
                variant("spruce/24-cm", "Spruce / 24 cm", Some(3)),
                variant("spruce/30-cm", "Spruce / 30 cm", Some(0)),
                variant("ash/24-cm", "Ash / 24 cm", Some(40)),
            ],
            pictures: Vec::new(),
            path: Vec::new(),
        }
    }

    fn asked(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn chosen(pairs: &[(&str, &str)]) -> String {
        Chosen::of(&vase(), &asked(pairs))
            .unwrap()
            .on_sale()
            .variant
            .combination
            .clone()
    }

    #[test]
    fn without_a_choice_the_first_that_can_be_bought_is_shown() {
        assert_eq!(chosen(&[]), "spruce/24-cm");
        assert_eq!(
            chosen(&[("utm_source", "mail"), ("glaze", "plaid")]),
            "spruce/24-cm"
        );
        let mut page = vase();
        page.variants[0].available = Some(0);
        assert_eq!(
            Chosen::of(&page, &asked(&[]))
                .unwrap()
                .on_sale()
                .variant
                .combination,
            "ash/24-cm"
        );
    }

    #[test]
    fn the_address_chooses_exactly_or_the_nearest() {
        assert_eq!(
            chosen(&[("glaze", "ash"), ("height", "24-cm")]),
            "ash/24-cm"
        );
        assert_eq!(
            chosen(&[("glaze", "spruce"), ("height", "30-cm")]),
            "spruce/30-cm"
        );
        assert_eq!(chosen(&[("glaze", "ash")]), "ash/24-cm");
        assert_eq!(
            chosen(&[("glaze", "ash"), ("height", "30-cm")]),
            "ash/24-cm"
        );
    }

    #[test]
    fn a_form_chooses_exactly_or_not_at_all() {
        let page = vase();
        let exactly = |pairs: &[(&str, &str)]| {
            Chosen::exactly(&page, &asked(pairs))
                .map(|chosen| chosen.on_sale().variant.combination.clone())
        };
        assert_eq!(
            exactly(&[("glaze", "ash"), ("height", "24-cm")]),
            Some("ash/24-cm".to_owned())
        );
        assert_eq!(exactly(&[("glaze", "ash"), ("height", "30-cm")]), None);
        assert_eq!(exactly(&[("glaze", "ash")]), None);
        assert_eq!(
            exactly(&[("glaze", "ash"), ("height", "24-cm"), ("price", "1")]),
            None
        );
        assert_eq!(exactly(&[("glaze", "ash"), ("height", "25-cm")]), None);
    }

    #[test]
    fn every_value_says_how_it_stands_and_leads_somewhere() {
        let page = vase();
        let chosen = Chosen::of(&page, &asked(&[])).unwrap();
        let state = |option, value| {
            chosen
                .state(option, value)
                .map(|(state, url)| (state.word(), url))
        };
        let at = |query: &str| format!("/products/tarn-vase?{query}");
        assert_eq!(
            state(0, "spruce"),
            Some(("chosen", at("glaze=spruce&height=24-cm")))
        );
        assert_eq!(
            state(0, "ash"),
            Some(("available", at("glaze=ash&height=24-cm")))
        );
        assert_eq!(
            state(1, "30-cm"),
            Some(("sold_out", at("glaze=spruce&height=30-cm")))
        );
        let ash = Chosen::of(&page, &asked(&[("glaze", "ash")])).unwrap();
        let (state, url) = ash.state(1, "30-cm").unwrap();
        assert_eq!(
            (state, url),
            (ValueState::Other, at("glaze=spruce&height=30-cm"))
        );
        assert_eq!(ash.state(1, "90-cm"), None);
    }

    #[test]
    fn a_product_in_one_form_has_a_plain_address() {
        let mut page = vase();
        page.options.clear();
        page.variants.truncate(1);
        page.variants[0].variant.combination.clear();
        let chosen = Chosen::of(&page, &asked(&[("glaze", "ash")])).unwrap();
        assert_eq!(chosen.url(), "/products/tarn-vase");
        assert!(Chosen::exactly(&page, &asked(&[])).is_some());
        assert!(Chosen::exactly(&page, &asked(&[("glaze", "ash")])).is_none());
    }
}

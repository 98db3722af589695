//! The command a form means, or everything that keeps it from being one.

use std::collections::HashMap;

use commerce::catalog::workbench::{Places, SaveWork};
use commerce::catalog::{
    self, SaveOption, SavePicture, SaveProduct, SaveValue, SaveVariant, Target,
};
use kernel::{Currency, Money, Sku, Slug};

use super::form::{OptionForm, ProductForm, ValueForm, VariantForm};
use super::sentence;
use super::view::Read;
use crate::views::FormError;

/// The command a form means, or everything that keeps it from being one.
pub(super) fn command(form: &ProductForm, found: &Read) -> Result<SaveWork, Vec<FormError>> {
    let product = &found.work.opened.product;
    let mut wrong = Wrong(Vec::new());
    if form.title.trim().is_empty() {
        wrong.add("title", &"fill this in");
    }
    let slug = wrong.check("slug", slug(form));
    let tax_class = wrong.some("tax_class", form.tax_class());
    let status = wrong.some("status", form.status());
    let Matrix {
        options,
        variants,
        opening,
    } = if form.has_matrix {
        matrix(form, found, &mut wrong)
    } else {
        as_they_are(found)
    };
    let pictures = pictures(form, &mut wrong);
    match (slug, tax_class, status) {
        (Some(slug), Some(tax_class), Some(status)) if wrong.0.is_empty() => Ok(SaveWork {
            product: SaveProduct {
                target: Target::Existing {
                    id: product.id.clone(),
                    version: form.version,
                },
                slug,
                title: form.title.clone(),
                summary: form.summary.clone(),
                description: form.description.clone(),
                facts: facts(form),
                tax_class,
                currency: product.currency,
                options,
                variants,
                pictures,
            },
            places: places(form),
            status,
            opening,
        }),
        _ => Err(wrong.0),
    }
}

/// The address that was typed; left empty, one is made from the name.
fn slug(form: &ProductForm) -> Result<Slug, impl std::fmt::Display + use<>> {
    match form.slug.trim() {
        "" => Ok(Slug::from_title(&form.title)),
        typed => Slug::parse(typed),
    }
}

fn facts(form: &ProductForm) -> Vec<String> {
    let lines = form.facts.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

fn places(form: &ProductForm) -> Places {
    let categories = form.categories.iter().filter_map(|id| id.parse().ok());
    let collections = form.collections.iter().filter_map(|id| id.parse().ok());
    Places {
        categories: categories.collect(),
        collections: collections.collect(),
    }
}

fn pictures(form: &ProductForm, wrong: &mut Wrong) -> Vec<SavePicture> {
    let pictures = form.pictures.iter().enumerate();
    pictures
        .filter_map(|(place, picture)| {
            let media = wrong.check(&format!("pictures.{place}.alt"), picture.id.parse())?;
            Some(SavePicture {
                media,
                alt: picture.alt.clone(),
            })
        })
        .collect()
}

/// Options, the variants of their values, and what new ones have in stock to begin with.
struct Matrix {
    options: Vec<SaveOption>,
    variants: Vec<SaveVariant>,
    opening: Vec<(usize, i64)>,
}

fn matrix(form: &ProductForm, found: &Read, wrong: &mut Wrong) -> Matrix {
    let mut opening = Vec::new();
    let rows = form.variants.iter().enumerate();
    let variants: Vec<Option<SaveVariant>> = rows
        .map(|(place, row)| {
            if let Some(pieces) = wrong.pieces(&format!("variants.{place}.opening"), row) {
                opening.push((place, pieces));
            }
            wrong.variant((place, row), form, found)
        })
        .collect();
    Matrix {
        options: options(form, found),
        variants: variants.into_iter().flatten().collect(),
        opening,
    }
}

fn options(form: &ProductForm, found: &Read) -> Vec<SaveOption> {
    let known: HashMap<&str, &catalog::OptionValue> = found
        .work
        .opened
        .options
        .iter()
        .flat_map(|option| &option.values)
        .map(|value| (value.id.as_str(), value))
        .collect();
    let options = form.options.iter().map(|option| SaveOption {
        id: option.id.parse().ok(),
        slug: None,
        name: option.name.clone(),
        values: option
            .values
            .iter()
            .map(|value| {
                let same = known.get(value.key.as_str());
                SaveValue {
                    id: same.map(|same| same.id.clone()),
                    slug: None,
                    name: value.name.clone(),
                    swatch: same.and_then(|same| same.swatch.clone()),
                }
            })
            .collect(),
    });
    options.collect()
}

/// Options and variants of a product that has too many of them for this page: kept as they stand.
fn as_they_are(found: &Read) -> Matrix {
    let opened = &found.work.opened;
    let mut form = ProductForm::of(&found.work);
    form.options = opened
        .options
        .iter()
        .map(|option| OptionForm {
            id: option.id.to_string(),
            name: option.name.clone(),
            values: option
                .values
                .iter()
                .map(|value| ValueForm {
                    key: value.id.to_string(),
                    name: value.name.clone(),
                })
                .collect(),
            ..OptionForm::default()
        })
        .collect();
    let variants = opened.variants.iter().map(|variant| SaveVariant {
        id: Some(variant.id.clone()),
        values: variant
            .value_slugs()
            .zip(&opened.options)
            .filter_map(|(slug, option)| {
                let mut values = option.values.iter();
                let value = values.find(|value| value.slug.as_str() == slug)?;
                Some(value.name.clone())
            })
            .collect(),
        sku: variant.sku.clone(),
        barcode: variant.barcode.clone(),
        price: variant.price,
        compare_at: variant.compare_at,
        weight_grams: variant.weight_grams,
        content: variant.content,
        stock_tracked: variant.stock_tracked,
    });
    Matrix {
        options: options(&form, found),
        variants: variants.collect(),
        opening: Vec::new(),
    }
}

/// What is wrong so far.
struct Wrong(Vec<FormError>);

impl Wrong {
    fn add(&mut self, field: &str, error: &dyn std::fmt::Display) {
        self.0.push(FormError::at(field, sentence(error)));
    }

    fn check<T, E: std::fmt::Display>(&mut self, field: &str, read: Result<T, E>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(field, &error);
                None
            }
        }
    }

    fn some<T>(&mut self, field: &str, read: Option<T>) -> Option<T> {
        if read.is_none() {
            self.add(field, &"choose one of the list");
        }
        read
    }

    fn money(&mut self, field: &str, typed: &str, currency: Currency) -> Option<Money> {
        self.check(field, currency.from_decimal(typed))
    }

    /// A whole number; nothing typed is none.
    fn whole(&mut self, field: &str, typed: &str) -> Option<u32> {
        match typed.trim() {
            "" => Some(0),
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                let read = digits
                    .parse::<u32>()
                    .ok()
                    .filter(|number| *number <= 1_000_000);
                if read.is_none() {
                    self.add(field, &"enter a whole number of at most 1000000");
                }
                read
            }
            _ => {
                self.add(field, &"enter a whole number, such as 250");
                None
            }
        }
    }

    fn pieces(&mut self, field: &str, row: &VariantForm) -> Option<i64> {
        if !row.id.is_empty() {
            return None;
        }
        self.whole(field, &row.opening)
            .filter(|pieces| *pieces > 0)
            .map(i64::from)
    }

    fn variant(
        &mut self,
        (place, row): (usize, &VariantForm),
        form: &ProductForm,
        found: &Read,
    ) -> Option<SaveVariant> {
        let currency = found.work.opened.product.currency;
        let at = |field: &str| format!("variants.{place}.{field}");
        let same = found
            .work
            .opened
            .variants
            .iter()
            .find(|known| known.id.as_str() == row.id);
        let values = row.key.split('/').filter(|key| !key.is_empty());
        let values = values.zip(&form.options).filter_map(|(key, option)| {
            let value = option.values.iter().find(|value| value.key == key)?;
            Some(value.name.trim().to_owned())
        });
        let values = values.collect();
        let sku = self.check(&at("sku"), Sku::parse(&row.sku));
        let price = self.money(&at("price"), &row.price, currency);
        let compare_at = match row.compare_at.trim() {
            "" => None,
            typed => self.money(&at("compare_at"), typed, currency),
        };
        let weight_grams = self.whole(&at("weight"), &row.weight);
        Some(SaveVariant {
            id: same.map(|same| same.id.clone()),
            values,
            sku: sku?,
            barcode: Some(row.barcode.clone()).filter(|code| !code.trim().is_empty()),
            price: price?,
            compare_at,
            weight_grams: weight_grams?,
            content: same.and_then(|same| same.content),
            stock_tracked: row.counted,
        })
    }
}

//! `POST /admin/products/{id}`: what was typed is saved whole, or comes back as it was typed with what is in the way.

use std::collections::{BTreeMap, HashMap};

use axum::extract::{Path, State};
use axum::response::Response;
use commerce::catalog::workbench::{Places, SaveWork, save_work};
use commerce::catalog::{
    self, SaveOption, SavePicture, SaveProduct, SaveProductError, SaveValue, SaveVariant, Target,
};
use commerce::media::{self, UploadError};
use commerce::staff::{AdjustStock, EditProducts};
use http::StatusCode;
use kernel::{Currency, Money, Sku, Slug};
use templates::Say;
use web::{Fields, Problem, Upload};

use super::compare::differences;
use super::edit::{draw, id_of, read};
use super::form::{PictureForm, ProductForm, ROWS, VariantForm};
use super::view::{Read, State as Happened, Uploaded};
use super::{product_url, sentence};
use crate::admin::Admin;
use crate::desk::Desk;
use crate::told::Told;
use crate::views::FormError;

/// Saves the form, or only arranges its rows.
#[expect(
    clippy::too_many_lines,
    reason = "one story, told in the order in which it happens"
)]
pub(crate) async fn save(
    State(admin): State<Admin>,
    desk: Desk<EditProducts>,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let id = id_of(&id)?;
    let fields: BTreeMap<String, String> = fields
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let (base, found) = read(&admin, &desk.staff, &id).await?;
    let again = |form, happened, status| {
        draw(
            &admin,
            &desk.staff,
            (&base, &found),
            (form, happened, status),
        )
    };
    let say = admin.words()?;
    let mut form = ProductForm::read(&fields);
    let arranging = fields
        .get("intent")
        .is_some_and(|intent| intent == "arrange");
    let staged = form.arrange(arranging);
    let mut happened = Happened {
        staged,
        is_unsaved: true,
        ..Happened::default()
    };
    if form.variants.len() > ROWS {
        let text = say.with("products.too_many_rows", &[("most", ROWS.to_string())]);
        happened.errors.push(FormError::of_form(text));
        return again(form, happened, StatusCode::UNPROCESSABLE_ENTITY);
    }
    if arranging {
        return again(form, happened, StatusCode::OK);
    }
    if form.version != found.work.opened.product.version {
        return conflict(form, happened, &found, &say, again);
    }
    if form.lacks_rows() {
        happened.staged = form.arrange(true);
        let text = say.text("products.rows_first");
        happened.errors.push(FormError::at("variants", text));
        return again(form, happened, StatusCode::UNPROCESSABLE_ENTITY);
    }
    if !form.going(&found.work).is_empty() && !fields.contains_key("remove_variants") {
        let text = say.text("products.confirm_going");
        happened.errors.push(FormError::at("remove_variants", text));
        happened.needs_yes = true;
        return again(form, happened, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let work = match command(&form, &found) {
        Ok(work) => work,
        Err(errors) => {
            happened.errors = errors;
            return again(form, happened, StatusCode::UNPROCESSABLE_ENTITY);
        }
    };
    let (shop, by) = (admin.shop().clone(), desk.by.clone());
    let stock = desk.staff.may::<AdjustStock>().ok();
    match web::run(async move { save_work(&shop, by, stock, work).await }).await? {
        Ok(_) => desk
            .staff
            .done(&product_url(&id), &Told::new("products.told.saved")),
        // Somebody was quicker between reading and writing: read again, and show both.
        Err(SaveProductError::Stale { .. }) => {
            let (base, found) = read(&admin, &desk.staff, &id).await?;
            conflict(form, happened, &found, &say, |form, happened, status| {
                draw(
                    &admin,
                    &desk.staff,
                    (&base, &found),
                    (form, happened, status),
                )
            })
        }
        Err(SaveProductError::Internal(error)) => Err(error.into()),
        Err(error) => {
            happened.needs_yes = matches!(error, SaveProductError::InUse(_));
            happened.errors = told(&error, &form, &say);
            again(form, happened, StatusCode::UNPROCESSABLE_ENTITY)
        }
    }
}

/// Shows what somebody else saved beside what was typed. What was typed stays; saving again saves over it.
fn conflict(
    mut form: ProductForm,
    mut happened: Happened,
    found: &Read,
    say: &Say,
    again: impl FnOnce(ProductForm, Happened, StatusCode) -> Result<Response, Problem>,
) -> Result<Response, Problem> {
    let theirs = ProductForm::of(&found.work);
    happened.conflict = differences(&theirs, &form, &found.names(say), say);
    form.version = theirs.version;
    again(form, happened, StatusCode::CONFLICT)
}

/// Takes in pictures and shows them with the form as it was typed: they are part of the product once it is saved.
#[expect(
    clippy::too_many_lines,
    reason = "one story, told in the order in which it happens"
)]
pub(crate) async fn pictures(
    State(admin): State<Admin>,
    desk: Desk<EditProducts>,
    Path(id): Path<String>,
    mut upload: Upload,
) -> Result<Response, Problem> {
    let id = id_of(&id)?;
    let (base, found) = read(&admin, &desk.staff, &id).await?;
    let say = admin.words()?;
    let mut fields = BTreeMap::new();
    let mut uploaded = Uploaded::default();
    let mut new = Vec::new();
    while let Some(part) = upload.next().await? {
        let Some(name) = part.file_name else {
            fields.insert(part.name, String::from_utf8_lossy(&part.bytes).into_owned());
            continue;
        };
        // A file field nobody used is sent all the same, without a name.
        if name.is_empty() && part.bytes.is_empty() {
            continue;
        }
        let refused = |reason: String| {
            let name: String = name.chars().take(80).collect();
            say.with(
                "products.picture.refused",
                &[("name", name), ("reason", reason)],
            )
        };
        if part.too_large {
            let reason = media::BadPicture::TooLarge.to_string();
            uploaded.refused.push(refused(reason));
            continue;
        }
        let (shop, by) = (admin.shop().clone(), desk.by.clone());
        match web::run(async move { media::upload(&shop, by, part.bytes).await }).await? {
            Ok(picture) => {
                uploaded.kept = uploaded.kept.saturating_add(1);
                new.push(picture);
            }
            Err(UploadError::BadPicture(bad)) => uploaded.refused.push(refused(bad.to_string())),
            Err(UploadError::Internal(error)) => return Err(error.into()),
        }
    }
    let mut form = if fields.contains_key("version") {
        ProductForm::read(&fields)
    } else {
        ProductForm::of(&found.work)
    };
    form.arrange(false);
    for picture in new {
        let known = form
            .pictures
            .iter()
            .any(|one| one.id == picture.id.as_str());
        if !known {
            let place = form.pictures.len().saturating_add(1);
            form.pictures.push(PictureForm {
                id: picture.id.to_string(),
                alt: String::new(),
                place: place.to_string(),
                gone: false,
                shown: format!("{}/{}", picture.hash, picture.widths.at_least(320)),
            });
        }
    }
    let status = if uploaded.refused.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let happened = Happened {
        uploaded: Some(uploaded),
        is_unsaved: true,
        ..Happened::default()
    };
    draw(
        &admin,
        &desk.staff,
        (&base, &found),
        (form, happened, status),
    )
}

/// The command a form means, or everything that keeps it from being one.
#[expect(
    clippy::too_many_lines,
    reason = "one story, told in the order in which it happens"
)]
fn command(form: &ProductForm, found: &Read) -> Result<SaveWork, Vec<FormError>> {
    let product = &found.work.opened.product;
    let mut wrong = Wrong(Vec::new());
    let slug = if form.slug.trim().is_empty() {
        Ok(Slug::from_title(&form.title))
    } else {
        Slug::parse(form.slug.trim())
    };
    let slug = wrong.check("slug", slug);
    let tax_class = wrong.some("tax_class", form.tax_class());
    let status = wrong.some("status", form.status());
    let mut opening = Vec::new();
    let (options, variants) = if form.has_matrix {
        let options = options(form, found);
        let rows = form.variants.iter().enumerate();
        let variants: Vec<Option<SaveVariant>> = rows
            .map(|(place, row)| {
                if let Some(pieces) = wrong.pieces(&format!("variants.{place}.opening"), row) {
                    opening.push((place, pieces));
                }
                wrong.variant((place, row), form, found, product.currency)
            })
            .collect();
        (options, variants.into_iter().flatten().collect())
    } else {
        as_they_are(found)
    };
    let pictures = form
        .pictures
        .iter()
        .enumerate()
        .filter_map(|(place, picture)| {
            let media = wrong.check(&format!("pictures.{place}.alt"), picture.id.parse())?;
            Some(SavePicture {
                media,
                alt: picture.alt.clone(),
            })
        });
    let pictures: Vec<SavePicture> = pictures.collect();
    let facts = form
        .facts
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
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
                facts: facts.map(str::to_owned).collect(),
                tax_class,
                currency: product.currency,
                options,
                variants,
                pictures,
            },
            places: Places {
                categories: form
                    .categories
                    .iter()
                    .filter_map(|id| id.parse().ok())
                    .collect(),
                collections: form
                    .collections
                    .iter()
                    .filter_map(|id| id.parse().ok())
                    .collect(),
            },
            status,
            opening,
        }),
        _ => Err(wrong.0),
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
fn as_they_are(found: &Read) -> (Vec<SaveOption>, Vec<SaveVariant>) {
    let opened = &found.work.opened;
    let mut form = ProductForm::of(&found.work);
    form.options = opened
        .options
        .iter()
        .map(|option| super::form::OptionForm {
            id: option.id.to_string(),
            name: option.name.clone(),
            values: option
                .values
                .iter()
                .map(|value| super::form::ValueForm {
                    key: value.id.to_string(),
                    name: value.name.clone(),
                })
                .collect(),
            ..super::form::OptionForm::default()
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
    (options(&form, found), variants.collect())
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
        currency: Currency,
    ) -> Option<SaveVariant> {
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

/// What the catalogue refused, at the fields it is about.
fn told(error: &SaveProductError, form: &ProductForm, say: &Say) -> Vec<FormError> {
    match error {
        SaveProductError::Invalid(faults) => faults
            .iter()
            .map(|fault| FormError::at(field_of(&fault.field), sentence(&fault.problem)))
            .collect(),
        SaveProductError::SlugTaken(_) => vec![FormError::at("slug", sentence(error))],
        SaveProductError::SkuTaken(taken) => {
            let rows = form.variants.iter().enumerate();
            rows.filter(|(_, row)| taken.iter().any(|sku| sku.as_str() == row.sku.trim()))
                .map(|(place, _)| {
                    let field = format!("variants.{place}.sku");
                    FormError::at(field, say.text("products.sku_taken"))
                })
                .collect()
        }
        SaveProductError::InUse(uses) => uses
            .iter()
            .map(|one| {
                let name = if one.title.is_empty() {
                    one.sku.to_string()
                } else {
                    format!("{} ({})", one.title, one.sku)
                };
                FormError::at("variants", say.with("products.in_use", &[("name", name)]))
            })
            .collect(),
        SaveProductError::Stale { .. }
        | SaveProductError::NotFound
        | SaveProductError::Internal(_) => vec![FormError::of_form(sentence(error))],
    }
}

/// The field on the page that a fault of the catalogue is about.
fn field_of(fault: &str) -> String {
    let mut parts = fault.split('.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("facts"), ..) => "facts".to_owned(),
        (Some("options"), Some(option), Some("values"), Some(value)) => {
            format!("options.{option}.values.{value}.name")
        }
        (Some("options"), Some(option), Some("values"), None) => {
            format!("options.{option}.values")
        }
        (Some("options"), Some(option), ..) => format!("options.{option}.name"),
        (Some("variants"), Some(row), Some("values" | "id" | "content") | None, _) => {
            format!("variants.{row}.sku")
        }
        (Some("pictures"), Some(tile), ..) => format!("pictures.{tile}.alt"),
        _ => fault.to_owned(),
    }
}

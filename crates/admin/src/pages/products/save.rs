//! `POST /admin/products/{id}`: what was typed is saved whole, or comes back as it was typed with what is in the way.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use commerce::catalog::SaveProductError;
use commerce::catalog::workbench::{SaveWork, save_work};
use commerce::staff::{AdjustStock, EditProducts};
use http::StatusCode;
use templates::Say;
use web::{Fields, Problem};

use super::command::command;
use super::compare::differences;
use super::edit::{draw, id_of, read};
use super::faults::told;
use super::form::{ProductForm, ROWS};
use super::product_url;
use super::view::{Read, State as Happened};
use crate::admin::Admin;
use crate::desk::Desk;
use crate::told::Told;
use crate::views::FormError;

/// Saves the form, or only arranges its rows.
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
        let drawn = (form, happened, status);
        draw(&admin, &desk.staff, (&base, &found), drawn)
    };
    let say = admin.words()?;
    let mut form = ProductForm::read(&fields);
    let mut happened = Happened {
        is_unsaved: true,
        ..Happened::default()
    };
    let work = match check((&mut form, &mut happened), &fields, &found, &say) {
        Ok(work) => work,
        Err(InTheWay::Shown(status)) => return again(form, happened, status),
        Err(InTheWay::Stale) => return conflict(form, happened, &found, &say, again),
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
                let drawn = (form, happened, status);
                draw(&admin, &desk.staff, (&base, &found), drawn)
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

/// Why the form is not saved.
enum InTheWay {
    /// The page shows it again, and says why.
    Shown(StatusCode),
    /// Somebody else saved the product meanwhile.
    Stale,
}

/// Arranges the rows of the form; the command it means, unless something is to be said or asked first.
fn check(
    (form, happened): (&mut ProductForm, &mut Happened),
    fields: &BTreeMap<String, String>,
    found: &Read,
    say: &Say,
) -> Result<SaveWork, InTheWay> {
    let refused = Err(InTheWay::Shown(StatusCode::UNPROCESSABLE_ENTITY));
    let arranging = fields
        .get("intent")
        .is_some_and(|intent| intent == "arrange");
    happened.staged = form.arrange(arranging);
    if form.variants.len() > ROWS {
        let text = say.with("products.too_many_rows", &[("most", ROWS.to_string())]);
        happened.errors.push(FormError::of_form(text));
        return refused;
    }
    if arranging {
        return Err(InTheWay::Shown(StatusCode::OK));
    }
    if form.version != found.work.opened.product.version {
        return Err(InTheWay::Stale);
    }
    if form.lacks_rows() {
        happened.staged = form.arrange(true);
        let text = say.text("products.rows_first");
        happened.errors.push(FormError::at("variants", text));
        return refused;
    }
    if !form.going(&found.work).is_empty() && !fields.contains_key("remove_variants") {
        let text = say.text("products.confirm_going");
        happened.errors.push(FormError::at("remove_variants", text));
        happened.needs_yes = true;
        return refused;
    }
    command(form, found).or_else(|errors| {
        happened.errors = errors;
        refused
    })
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

//! `/admin/inventory/locations`: the places that hold stock.

use axum::extract::State;
use axum::response::Response;
use commerce::inventory::{self, AdjustStockError, Location};
use commerce::staff::{AdjustStock, Permission, ViewStock};
use serde::{Deserialize, Serialize};
use templates::Page;
use web::{Form, Problem};

use crate::admin::Admin;
use crate::desk::{Desk, Staffer};
use crate::frame::Section;
use crate::pages::products::sentence;
use crate::told::Told;
use crate::views::FormError;

/// `pages/locations.html`.
#[derive(Debug, Clone, Serialize)]
pub struct LocationsPage {
    /// Their names, the one stock is taken from first at the top.
    pub locations: Vec<String>,
    /// The name of a new one, as typed.
    pub name: String,
    /// What is wrong with it.
    pub errors: Vec<FormError>,
    /// Whether one can be added.
    pub can_adjust: bool,
}

/// What is typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Typed {
    name: String,
}

/// Shows the list.
pub(crate) async fn show(
    State(admin): State<Admin>,
    desk: Desk<ViewStock>,
) -> Result<Response, Problem> {
    draw(&admin, &desk.staff, String::new(), Vec::new()).await
}

/// Adds a place.
pub(crate) async fn add(
    State(admin): State<Admin>,
    desk: Desk<AdjustStock>,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    let (shop, by, name) = (admin.shop().clone(), desk.by.clone(), typed.name.clone());
    match web::run(async move { inventory::create_location(&shop, by, &name).await }).await? {
        Ok(Location { name, .. }) => {
            let told = Told::new("inventory.told.location").with("name", name);
            desk.staff.done("/admin/inventory/locations", &told)
        }
        Err(AdjustStockError::Internal(error)) => Err(error.into()),
        Err(AdjustStockError::BadReason(error)) => {
            let errors = vec![FormError::at("name", sentence(&error))];
            draw(&admin, &desk.staff, typed.name, errors).await
        }
        Err(error) => {
            let errors = vec![FormError::at("name", sentence(&error))];
            draw(&admin, &desk.staff, typed.name, errors).await
        }
    }
}

async fn draw(
    admin: &Admin,
    staff: &Staffer,
    name: String,
    errors: Vec<FormError>,
) -> Result<Response, Problem> {
    let (base, locations) = admin
        .read(staff, |tx, _base| Ok(inventory::locations(tx)?))
        .await?;
    let status = FormError::status(&errors);
    let page = LocationsPage {
        locations: locations.into_iter().map(|place| place.name).collect(),
        name,
        errors,
        can_adjust: staff.holds(AdjustStock::NAME),
    };
    admin
        .sheet(staff, &base)
        .section(Section::Inventory)
        .status(status)
        .draw(&page)
}

impl Page for LocationsPage {
    const TEMPLATE: &'static str = "pages/locations.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let some = Self {
            locations: vec!["Workshop".to_owned(), "Shop <front>".to_owned()],
            name: String::new(),
            errors: Vec::new(),
            can_adjust: true,
        };
        let refused = Self {
            locations: Vec::new(),
            errors: vec![FormError::at("name", "Fill this in.")],
            ..some.clone()
        };
        let reader = Self {
            can_adjust: false,
            ..refused.clone()
        };
        vec![("some", some), ("refused", refused), ("reader", reader)]
    }
}

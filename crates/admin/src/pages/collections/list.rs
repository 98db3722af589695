//! `GET /admin/collections`: all collections, and a new one.

use axum::extract::State;
use axum::response::Response;
use commerce::catalog::collections::{read_collections, save_collection};
use commerce::catalog::{SaveCollection, ShelfError};
use commerce::staff::{EditProducts, Permission, ViewProducts};
use kernel::Slug;
use serde::{Deserialize, Serialize};
use templates::Page;
use web::{Form, Problem};

use crate::admin::Admin;
use crate::desk::{Desk, Staffer};
use crate::frame::Section;
use crate::pages::categories::fault;
use crate::told::Told;
use crate::views::FormError;

/// `pages/collections.html`.
#[derive(Debug, Clone, Serialize)]
pub struct CollectionsPage {
    /// All collections, in their order.
    pub rows: Vec<Row>,
    /// The name of a new one, as typed.
    pub title: String,
    /// What is wrong with it.
    pub errors: Vec<FormError>,
    /// Whether collections can be changed.
    pub can_edit: bool,
}

/// A collection in the list.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its page.
    pub url: String,
    /// Its name.
    pub title: String,
    /// Products on sale in it.
    pub count: u32,
}

/// What is typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Typed {
    title: String,
}

/// Shows the list.
pub(crate) async fn show(
    State(admin): State<Admin>,
    desk: Desk<ViewProducts>,
) -> Result<Response, Problem> {
    draw(&admin, &desk.staff, String::new(), Vec::new()).await
}

/// Creates a collection behind the others.
pub(crate) async fn create(
    State(admin): State<Admin>,
    desk: Desk<EditProducts>,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    let (_, count) = admin
        .read(&desk.staff, |tx, _base| Ok(read_collections(tx)?.len()))
        .await?;
    let wanted = SaveCollection {
        id: None,
        slug: Slug::from_title(&typed.title),
        title: typed.title.clone(),
        intro: String::new(),
        position: u32::try_from(count).unwrap_or(u32::MAX),
        products: Vec::new(),
    };
    let (shop, by) = (admin.shop().clone(), desk.by.clone());
    match web::run(async move { save_collection(&shop, by, wanted).await }).await? {
        Ok(id) => {
            let told = Told::new("collections.told.created").with("name", typed.title.trim());
            desk.staff.done(&format!("/admin/collections/{id}"), &told)
        }
        Err(ShelfError::Internal(error)) => Err(error.into()),
        Err(error) => draw(&admin, &desk.staff, typed.title, vec![fault(&error)]).await,
    }
}

async fn draw(
    admin: &Admin,
    staff: &Staffer,
    title: String,
    errors: Vec<FormError>,
) -> Result<Response, Problem> {
    let (base, all) = admin.read(staff, |tx, _base| read_collections(tx)).await?;
    let status = FormError::status(&errors);
    let page = CollectionsPage {
        rows: all
            .into_iter()
            .map(|one| Row {
                url: format!("/admin/collections/{}", one.id),
                title: one.title,
                count: one.count,
            })
            .collect(),
        title,
        errors,
        can_edit: staff.holds(EditProducts::NAME),
    };
    admin
        .sheet(staff, &base)
        .section(Section::Products)
        .status(status)
        .draw(&page)
}

impl Page for CollectionsPage {
    const TEMPLATE: &'static str = "pages/collections.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let full = Self {
            rows: vec![Row {
                url: "/admin/collections/col_1".to_owned(),
                title: "For <winter>".to_owned(),
                count: 3,
            }],
            title: String::new(),
            errors: Vec::new(),
            can_edit: true,
        };
        let refused = Self {
            rows: Vec::new(),
            errors: vec![FormError::at("title", "Fill this in.")],
            ..full.clone()
        };
        let reader = Self {
            can_edit: false,
            errors: Vec::new(),
            ..refused.clone()
        };
        vec![("full", full), ("refused", refused), ("reader", reader)]
    }
}

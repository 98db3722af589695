//! `/admin/collections/{id}`: a collection's name and its products, in order.

use axum::extract::{Path, State};
use axum::response::Response;
use commerce::catalog::collections::{
    delete_collection, placed_in_collection, read_collections, save_collection,
};
use commerce::catalog::{Collection, SaveCollection, ShelfError};
use commerce::staff::{EditProducts, Permission, ViewProducts};
use http::StatusCode;
use kernel::{Code, CollectionId, ProductId, Slug};
use serde::Serialize;
use templates::Page;
use web::{Fields, Problem};

use crate::admin::Admin;
use crate::desk::{Desk, Staffer};
use crate::frame::{Base, Section};
use crate::pages::categories::fault;
use crate::pages::products::sentence;
use crate::told::Told;
use crate::views::FormError;
use crate::views::shelf::{OnShelf, offered, rearranged, shown};

/// `pages/collection.html`.
#[derive(Debug, Clone, Serialize)]
pub struct CollectionPage {
    /// Its address.
    pub url: String,
    /// Its name in the shop.
    pub name: String,
    /// Its page in the shop.
    pub shop_url: String,
    /// Its name, as typed.
    pub title: String,
    /// Its place in the shop's addresses, as typed.
    pub slug: String,
    /// What it gathers, as typed.
    pub intro: String,
    /// Its place among the collections, from 1, as typed.
    pub place: String,
    /// Its products, in order.
    pub products: Vec<OnShelf>,
    /// How many more it has than are shown.
    pub hidden: usize,
    /// What products are searched for.
    pub find: String,
    /// Those that were found.
    pub found: Vec<OnShelf>,
    /// What is wrong.
    pub errors: Vec<FormError>,
    /// Whether it can be changed.
    pub can_edit: bool,
}

struct Read {
    collection: Collection,
    place: usize,
    placed: Vec<ProductId>,
    products: Vec<OnShelf>,
    found: Vec<OnShelf>,
}

fn id_of(text: &str) -> Result<CollectionId, Problem> {
    text.parse()
        .map_err(|_not_an_id| Problem::new(Code::NotFound))
}

async fn read(
    admin: &Admin,
    staff: &Staffer,
    (id, find): (&CollectionId, &str),
) -> Result<(Base, Read), Problem> {
    let (id, find) = (id.clone(), find.to_owned());
    let (base, read) = admin
        .read(staff, move |tx, _base| {
            let all = read_collections(tx)?;
            let mut numbered = all.into_iter().zip(1_usize..);
            let Some((collection, place)) = numbered.find(|(one, _)| one.id == id) else {
                return Ok(None);
            };
            let placed = placed_in_collection(tx, &id)?;
            Ok(Some(Read {
                collection,
                place,
                products: shown(tx, &placed)?,
                found: offered(tx, &find, &placed)?,
                placed,
            }))
        })
        .await?;
    let read = read.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok((base, read))
}

/// Shows the collection.
pub(crate) async fn show(
    State(admin): State<Admin>,
    desk: Desk<ViewProducts>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = id_of(&id)?;
    draw(&admin, &desk.staff, &id, (&Fields::default(), Vec::new())).await
}

/// Saves the collection with its products, or only looks for products to add.
pub(crate) async fn save(
    State(admin): State<Admin>,
    desk: Desk<EditProducts>,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let id = id_of(&id)?;
    if fields.get("intent") == Some("find") {
        return draw(&admin, &desk.staff, &id, (&fields, Vec::new())).await;
    }
    let (_, found) = read(&admin, &desk.staff, (&id, "")).await?;
    let title = fields.get("title").unwrap_or_default();
    let slug = match fields.get("slug").map(str::trim).unwrap_or_default() {
        "" => Ok(Slug::from_title(title)),
        typed => Slug::parse(typed),
    };
    let slug = match slug {
        Ok(slug) => slug,
        Err(error) => {
            let errors = vec![FormError::at("slug", sentence(&error))];
            return draw(&admin, &desk.staff, &id, (&fields, errors)).await;
        }
    };
    let place: Option<u32> = fields
        .get("place")
        .and_then(|text| text.trim().parse().ok());
    let stands = u32::try_from(found.place).unwrap_or(u32::MAX);
    let wanted = SaveCollection {
        id: Some(id.clone()),
        slug,
        title: title.to_owned(),
        intro: fields
            .get("intro")
            .unwrap_or_default()
            .replace("\r\n", "\n"),
        position: place.unwrap_or(stands).saturating_sub(1),
        products: rearranged(&found.placed, &fields),
    };
    let (shop, by) = (admin.shop().clone(), desk.by.clone());
    match web::run(async move { save_collection(&shop, by, wanted).await }).await? {
        Ok(_) => desk.staff.done(
            &format!("/admin/collections/{id}"),
            &Told::new("collections.told.saved"),
        ),
        Err(ShelfError::Internal(error)) => Err(error.into()),
        Err(error) => {
            let errors = vec![fault(&error)];
            draw(&admin, &desk.staff, &id, (&fields, errors)).await
        }
    }
}

/// Deletes the collection; its products stay in the shop.
pub(crate) async fn delete(
    State(admin): State<Admin>,
    desk: Desk<EditProducts>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (shop, by, id) = (admin.shop().clone(), desk.by.clone(), id_of(&id)?);
    web::run(async move { delete_collection(&shop, by, id).await }).await??;
    desk.staff
        .done("/admin/collections", &Told::new("collections.told.deleted"))
}

async fn draw(
    admin: &Admin,
    staff: &Staffer,
    id: &CollectionId,
    (fields, errors): (&Fields, Vec<FormError>),
) -> Result<Response, Problem> {
    let find = fields.get("find").unwrap_or_default();
    let (base, read) = read(admin, staff, (id, find)).await?;
    let text = |name: &str, stands: &str| fields.get(name).unwrap_or(stands).to_owned();
    let status = if errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let page = CollectionPage {
        url: format!("/admin/collections/{id}"),
        name: read.collection.title.clone(),
        shop_url: format!(
            "{}/collections/{}",
            admin.shop().origin,
            read.collection.slug
        ),
        title: text("title", &read.collection.title),
        slug: text("slug", read.collection.slug.as_str()),
        intro: text("intro", &read.collection.intro),
        place: text("place", &read.place.to_string()),
        hidden: read.placed.len().saturating_sub(read.products.len()),
        products: read.products,
        find: find.to_owned(),
        found: read.found,
        errors,
        can_edit: staff.holds(EditProducts::NAME),
    };
    admin
        .sheet(staff, &base)
        .section(Section::Products)
        .status(status)
        .draw(&page)
}

impl Page for CollectionPage {
    const TEMPLATE: &'static str = "pages/collection.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let full = Self {
            url: "/admin/collections/col_1".to_owned(),
            name: "Winter".to_owned(),
            shop_url: "https://wrenfold.example/collections/winter".to_owned(),
            title: "Winter".to_owned(),
            slug: "winter".to_owned(),
            intro: "For <cold> days.".to_owned(),
            place: "1".to_owned(),
            products: vec![OnShelf::sample(1), OnShelf::sample(2)],
            hidden: 3,
            find: "vase".to_owned(),
            found: vec![OnShelf::sample(3)],
            errors: Vec::new(),
            can_edit: true,
        };
        let refused = Self {
            products: Vec::new(),
            found: Vec::new(),
            hidden: 0,
            errors: ["title", "slug", "intro"]
                .map(|field| FormError::at(field, "Mend this."))
                .into(),
            ..full.clone()
        };
        let reader = Self {
            can_edit: false,
            ..full.clone()
        };
        vec![("full", full), ("refused", refused), ("reader", reader)]
    }
}

//! `/admin/collections/{id}`: a collection's name and its products, in order.

use axum::extract::{Path, State};
use axum::response::Response;
use commerce::catalog::collections::{
    delete_collection, placed_in_collection, read_collections, save_collection,
};
use commerce::catalog::{Collection, SaveCollection, ShelfError};
use commerce::staff::{EditProducts, Permission, ViewProducts};
use kernel::{Code, CollectionId};
use serde::Serialize;
use templates::Page;
use web::{Fields, Problem};

use crate::admin::Admin;
use crate::desk::{Desk, Staffer};
use crate::frame::{Base, Section};
use crate::pages::categories::fault;
use crate::told::Told;
use crate::views::FormError;
use crate::views::shelf::{Placed, ShelfView, Standing, intro, rearranged, slug};

/// `pages/collection.html`.
#[derive(Debug, Clone, Serialize)]
pub struct CollectionPage {
    /// What it shares with categories.
    #[serde(flatten)]
    pub shelf: ShelfView,
    /// Its place among the collections, from 1, as typed.
    pub place: String,
}

struct Read {
    collection: Collection,
    place: usize,
    placed: Placed,
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
                placed: Placed::read(tx, placed, &find)?,
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
    let slug = match slug(&fields) {
        Ok(slug) => slug,
        Err(error) => return draw(&admin, &desk.staff, &id, (&fields, vec![error])).await,
    };
    let place: Option<u32> = fields
        .get("place")
        .and_then(|text| text.trim().parse().ok());
    let stands = u32::try_from(found.place).unwrap_or(u32::MAX);
    let wanted = SaveCollection {
        id: Some(id.clone()),
        slug,
        title: fields.get("title").unwrap_or_default().to_owned(),
        intro: intro(&fields),
        position: place.unwrap_or(stands).saturating_sub(1),
        products: rearranged(&found.placed.ids, &fields),
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
    let status = FormError::status(&errors);
    let collection = &read.collection;
    let standing = Standing {
        url: format!("/admin/collections/{id}"),
        shop_url: format!("{}/collections/{}", admin.shop().origin, collection.slug),
        title: &collection.title,
        slug: &collection.slug,
        intro: &collection.intro,
    };
    let place = fields.get("place").map(str::to_owned);
    let can_edit = staff.holds(EditProducts::NAME);
    let page = CollectionPage {
        shelf: ShelfView::of(standing, read.placed, (fields, errors), can_edit),
        place: place.unwrap_or_else(|| read.place.to_string()),
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
            shelf: ShelfView::sample(),
            place: "2".to_owned(),
        };
        let refused = Self {
            shelf: ShelfView::refused_sample(&["title", "slug", "intro"]),
            ..full.clone()
        };
        let reader = Self {
            shelf: ShelfView {
                can_edit: false,
                ..ShelfView::sample()
            },
            ..full.clone()
        };
        vec![("full", full), ("refused", refused), ("reader", reader)]
    }
}

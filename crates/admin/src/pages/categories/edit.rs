//! `/admin/categories/{id}`: a category's name, place and products.

use axum::extract::{Path, State};
use axum::response::Response;
use commerce::catalog::categories::{delete_category, placed_in_category, read_tree};
use commerce::catalog::{CategoryNode, SaveCategory, ShelfError, place_products, save_category};
use commerce::staff::{EditProducts, Permission, ViewProducts};
use http::StatusCode;
use kernel::{CategoryId, Code, ProductId, Slug};
use serde::Serialize;
use templates::Page;
use web::{Fields, Problem};

use super::tree::{fault, level_of, node, parents};
use crate::admin::Admin;
use crate::desk::{Desk, Staffer};
use crate::frame::{Base, Section};
use crate::pages::products::sentence;
use crate::told::Told;
use crate::views::shelf::{OnShelf, offered, rearranged, shown};
use crate::views::{Choice, FormError};

/// `pages/category.html`.
#[derive(Debug, Clone, Serialize)]
pub struct CategoryPage {
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
    /// What is found in it, as typed.
    pub intro: String,
    /// Where it can stand.
    pub parents: Vec<Choice>,
    /// Its products, in order.
    pub products: Vec<OnShelf>,
    /// How many more it has than are shown.
    pub hidden: usize,
    /// What products are searched for.
    pub find: String,
    /// Those that were found.
    pub found: Vec<OnShelf>,
    /// Whether categories stand below it.
    pub has_children: bool,
    /// What is wrong.
    pub errors: Vec<FormError>,
    /// Whether it can be changed.
    pub can_edit: bool,
}

struct Read {
    tree: Vec<CategoryNode>,
    placed: Vec<ProductId>,
    products: Vec<OnShelf>,
    found: Vec<OnShelf>,
}

fn id_of(text: &str) -> Result<CategoryId, Problem> {
    text.parse()
        .map_err(|_not_an_id| Problem::new(Code::NotFound))
}

async fn read(
    admin: &Admin,
    staff: &Staffer,
    (id, find): (&CategoryId, &str),
) -> Result<(Base, Read), Problem> {
    let (id, find) = (id.clone(), find.to_owned());
    admin
        .read(staff, move |tx, _base| {
            let placed = placed_in_category(tx, &id)?;
            Ok(Read {
                tree: read_tree(tx)?,
                products: shown(tx, &placed)?,
                found: offered(tx, &find, &placed)?,
                placed,
            })
        })
        .await
}

/// Shows the category.
pub(crate) async fn show(
    State(admin): State<Admin>,
    desk: Desk<ViewProducts>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = id_of(&id)?;
    draw(&admin, &desk.staff, &id, (&Fields::default(), Vec::new())).await
}

/// Saves the category with its products, or only looks for products to add.
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
    let here = node(&found.tree, &id).ok_or_else(|| Problem::new(Code::NotFound))?;
    let parent: Option<CategoryId> = fields.get("parent").and_then(|text| text.parse().ok());
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
    let level = if parent == here.category.parent_id {
        level_of(&found.tree, &id).unwrap_or_default()
    } else {
        &[]
    };
    let beside = match &parent {
        Some(parent) => node(&found.tree, parent).map_or(0, |node| node.children.len()),
        None => found.tree.len(),
    };
    let place = level.iter().position(|one| one.category.id == id);
    let wanted = SaveCategory {
        id: Some(id.clone()),
        slug,
        title: title.to_owned(),
        intro: fields
            .get("intro")
            .unwrap_or_default()
            .replace("\r\n", "\n"),
        parent,
        position: u32::try_from(place.unwrap_or(beside)).unwrap_or(u32::MAX),
    };
    let order = rearranged(&found.placed, &fields);
    let (shop, by, category) = (admin.shop().clone(), desk.by.clone(), id.clone());
    let is_moved = order != found.placed;
    let saved = web::run(async move {
        save_category(&shop, by.clone(), wanted).await?;
        if is_moved {
            place_products(&shop, by, category, order).await?;
        }
        Ok::<_, ShelfError>(())
    });
    match saved.await? {
        Ok(()) => desk.staff.done(
            &format!("/admin/categories/{id}"),
            &Told::new("categories.told.saved"),
        ),
        Err(ShelfError::Internal(error)) => Err(error.into()),
        Err(error) => {
            let errors = vec![fault(&error)];
            draw(&admin, &desk.staff, &id, (&fields, errors)).await
        }
    }
}

/// Deletes the category; its products stay in the shop.
pub(crate) async fn delete(
    State(admin): State<Admin>,
    desk: Desk<EditProducts>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = id_of(&id)?;
    let (shop, by, category) = (admin.shop().clone(), desk.by.clone(), id.clone());
    match web::run(async move { delete_category(&shop, by, category).await }).await? {
        Ok(()) => desk
            .staff
            .done("/admin/categories", &Told::new("categories.told.deleted")),
        Err(error @ ShelfError::HasChildren) => {
            let errors = vec![fault(&error)];
            draw(&admin, &desk.staff, &id, (&Fields::default(), errors)).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn draw(
    admin: &Admin,
    staff: &Staffer,
    id: &CategoryId,
    (fields, errors): (&Fields, Vec<FormError>),
) -> Result<Response, Problem> {
    let find = fields.get("find").unwrap_or_default();
    let (base, read) = read(admin, staff, (id, find)).await?;
    let here = node(&read.tree, id).ok_or_else(|| Problem::new(Code::NotFound))?;
    let category = &here.category;
    let say = admin.words()?;
    let text = |name: &str, stands: &str| fields.get(name).unwrap_or(stands).to_owned();
    let parent = match fields.get("parent") {
        Some(typed) => typed.parse().ok(),
        None => category.parent_id.clone(),
    };
    let status = if errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let page = CategoryPage {
        url: format!("/admin/categories/{id}"),
        name: category.title.clone(),
        shop_url: format!("{}/c/{}", admin.shop().origin, category.slug),
        title: text("title", &category.title),
        slug: text("slug", category.slug.as_str()),
        intro: text("intro", &category.intro),
        parents: parents(&read.tree, parent.as_ref(), Some(id), &say),
        hidden: read.placed.len().saturating_sub(read.products.len()),
        products: read.products,
        find: find.to_owned(),
        found: read.found,
        has_children: !here.children.is_empty(),
        errors,
        can_edit: staff.holds(EditProducts::NAME),
    };
    admin
        .sheet(staff, &base)
        .section(Section::Products)
        .status(status)
        .draw(&page)
}

impl Page for CategoryPage {
    const TEMPLATE: &'static str = "pages/category.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let full = Self {
            url: "/admin/categories/cat_1".to_owned(),
            name: "Vases".to_owned(),
            shop_url: "https://wrenfold.example/c/vases".to_owned(),
            title: "Vases".to_owned(),
            slug: "vases".to_owned(),
            intro: "For <flowers>.".to_owned(),
            parents: vec![Choice {
                value: String::new(),
                label: "At the top".to_owned(),
                chosen: true,
            }],
            products: vec![OnShelf::sample(1), OnShelf::sample(2)],
            hidden: 3,
            find: "vase".to_owned(),
            found: vec![OnShelf::sample(3)],
            has_children: false,
            errors: Vec::new(),
            can_edit: true,
        };
        let refused = Self {
            products: Vec::new(),
            found: Vec::new(),
            hidden: 0,
            has_children: true,
            errors: ["title", "slug", "parent", "intro"]
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

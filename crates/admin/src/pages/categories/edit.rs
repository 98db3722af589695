//! `/admin/categories/{id}`: a category's name, place and products.

use axum::extract::{Path, State};
use axum::response::Response;
use commerce::catalog::categories::{
    delete_category, placed_in_category, read_tree, save_category_with_products,
};
use commerce::catalog::{CategoryNode, SaveCategory, ShelfError};
use commerce::staff::{EditProducts, Permission, ViewProducts};
use kernel::{CategoryId, Code};
use serde::Serialize;
use templates::Page;
use web::{Fields, Problem};

use super::tree::{fault, level_of, node, parents};
use crate::admin::Admin;
use crate::desk::{Desk, Staffer};
use crate::frame::{Base, Section};
use crate::told::Told;
use crate::views::shelf::{Placed, ShelfView, Standing, intro, rearranged, slug};
use crate::views::{Choice, FormError};

/// `pages/category.html`.
#[derive(Debug, Clone, Serialize)]
pub struct CategoryPage {
    /// What it shares with collections.
    #[serde(flatten)]
    pub shelf: ShelfView,
    /// Where it can stand.
    pub parents: Vec<Choice>,
    /// Whether categories stand below it.
    pub has_children: bool,
}

struct Read {
    tree: Vec<CategoryNode>,
    placed: Placed,
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
                placed: Placed::read(tx, placed, &find)?,
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
    let slug = match slug(&fields) {
        Ok(slug) => slug,
        Err(error) => return draw(&admin, &desk.staff, &id, (&fields, vec![error])).await,
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
        title: fields.get("title").unwrap_or_default().to_owned(),
        intro: intro(&fields),
        parent,
        position: u32::try_from(place.unwrap_or(beside)).unwrap_or(u32::MAX),
    };
    let order = rearranged(&found.placed.ids, &fields);
    let (shop, by) = (admin.shop().clone(), desk.by.clone());
    let saved =
        web::run(async move { save_category_with_products(&shop, by, wanted, order).await });
    match saved.await? {
        Ok(_id) => desk.staff.done(
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
    let parent = match fields.get("parent") {
        Some(typed) => typed.parse().ok(),
        None => category.parent_id.clone(),
    };
    let status = FormError::status(&errors);
    let standing = Standing {
        url: format!("/admin/categories/{id}"),
        shop_url: format!("{}/c/{}", admin.shop().origin, category.slug),
        title: &category.title,
        slug: &category.slug,
        intro: &category.intro,
    };
    let can_edit = staff.holds(EditProducts::NAME);
    let page = CategoryPage {
        shelf: ShelfView::of(standing, read.placed, (fields, errors), can_edit),
        parents: parents(&read.tree, parent.as_ref(), Some(id), &say),
        has_children: !here.children.is_empty(),
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
            shelf: ShelfView::sample(),
            parents: vec![Choice {
                value: String::new(),
                label: "At the top".to_owned(),
                chosen: true,
            }],
            has_children: false,
        };
        let refused = Self {
            shelf: ShelfView::refused_sample(&["title", "slug", "parent", "intro"]),
            has_children: true,
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

//! `GET /admin/categories`: the tree, a new category, and the order of those beside each other.

use axum::extract::{Path, State};
use axum::response::Response;
use commerce::catalog::categories::{self, order_categories, read_tree, save_category};
use commerce::catalog::{CategoryNode, SaveCategory, ShelfError};
use commerce::staff::{EditProducts, Permission, ViewProducts};
use kernel::{CategoryId, Code, Slug};
use serde::{Deserialize, Serialize};
use templates::{Page, Say};
use web::{Form, Problem};

use crate::admin::Admin;
use crate::desk::{Desk, Staffer};
use crate::frame::Section;
use crate::pages::products::sentence;
use crate::told::Told;
use crate::views::{Choice, FormError};

/// `pages/categories.html`.
#[derive(Debug, Clone, Serialize)]
pub struct TreePage {
    /// All categories, each level in its order, deeper ones set further in.
    pub rows: Vec<Row>,
    /// Where a new one can stand.
    pub parents: Vec<Choice>,
    /// The name of a new one, as typed.
    pub title: String,
    /// What is wrong with it.
    pub errors: Vec<FormError>,
    /// Whether categories can be changed.
    pub can_edit: bool,
}

/// A category in the tree.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its page.
    pub url: String,
    /// Its name.
    pub title: String,
    /// How deep it stands.
    pub depth: usize,
    /// Products on sale in it and below.
    pub count: u32,
    /// Whether it is the first beside its neighbours.
    pub is_first: bool,
    /// Whether it is the last.
    pub is_last: bool,
}

/// What is typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Typed {
    title: String,
    parent: String,
}

/// Which way a category moves.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Way {
    to: String,
}

/// Shows the tree.
pub(crate) async fn show(
    State(admin): State<Admin>,
    desk: Desk<ViewProducts>,
) -> Result<Response, Problem> {
    draw(&admin, &desk.staff, &Typed::default(), Vec::new()).await
}

/// Creates a category behind its neighbours.
pub(crate) async fn create(
    State(admin): State<Admin>,
    desk: Desk<EditProducts>,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    let (_, tree) = admin.read(&desk.staff, |tx, _base| read_tree(tx)).await?;
    let parent: Option<CategoryId> = typed.parent.parse().ok();
    let beside = match &parent {
        None => tree.len(),
        Some(parent) => node(&tree, parent).map_or(0, |node| node.children.len()),
    };
    let wanted = SaveCategory {
        id: None,
        slug: Slug::from_title(&typed.title),
        title: typed.title.clone(),
        intro: String::new(),
        parent,
        position: u32::try_from(beside).unwrap_or(u32::MAX),
    };
    let (shop, by) = (admin.shop().clone(), desk.by.clone());
    match web::run(async move { save_category(&shop, by, wanted).await }).await? {
        Ok(id) => {
            let told = Told::new("categories.told.created").with("name", typed.title.trim());
            desk.staff.done(&format!("/admin/categories/{id}"), &told)
        }
        Err(ShelfError::Internal(error)) => Err(error.into()),
        Err(error) => {
            let errors = vec![fault(&error)];
            draw(&admin, &desk.staff, &typed, errors).await
        }
    }
}

/// Moves a category one place among its neighbours.
pub(crate) async fn shift(
    State(admin): State<Admin>,
    desk: Desk<EditProducts>,
    Path(id): Path<String>,
    Form(way): Form<Way>,
) -> Result<Response, Problem> {
    let id: CategoryId = id
        .parse()
        .map_err(|_not_an_id| Problem::new(Code::NotFound))?;
    let (_, tree) = admin.read(&desk.staff, |tx, _base| read_tree(tx)).await?;
    let level = level_of(&tree, &id).ok_or_else(|| Problem::new(Code::NotFound))?;
    let mut order: Vec<CategoryId> = level.iter().map(|one| one.category.id.clone()).collect();
    let from = order.iter().position(|one| *one == id).unwrap_or(0);
    let to = if way.to == "up" {
        from.saturating_sub(1)
    } else {
        from.saturating_add(1).min(order.len().saturating_sub(1))
    };
    if from != to {
        order.swap(from, to);
        let (shop, by) = (admin.shop().clone(), desk.by.clone());
        web::run(async move { order_categories(&shop, by, order).await }).await??;
    }
    desk.staff
        .done("/admin/categories", &Told::new("categories.told.moved"))
}

/// What a shelf refused, at the field it is about.
pub(crate) fn fault(error: &ShelfError) -> FormError {
    match error {
        ShelfError::Text { field, error } => FormError::at(*field, sentence(error)),
        ShelfError::SlugTaken(_) => FormError::at("slug", sentence(error)),
        ShelfError::BelowItself | ShelfError::TooDeep => FormError::at("parent", sentence(error)),
        ShelfError::NotFound(_)
        | ShelfError::TooMany
        | ShelfError::Twice(_)
        | ShelfError::HasChildren
        | ShelfError::Internal(_) => FormError::of_form(sentence(error)),
    }
}

/// The category of this id in the tree.
pub(super) fn node<'a>(tree: &'a [CategoryNode], id: &CategoryId) -> Option<&'a CategoryNode> {
    tree.iter().find_map(|one| {
        if one.category.id == *id {
            Some(one)
        } else {
            node(&one.children, id)
        }
    })
}

/// The categories among which this one stands.
pub(super) fn level_of<'a>(
    level: &'a [CategoryNode],
    id: &CategoryId,
) -> Option<&'a [CategoryNode]> {
    if level.iter().any(|one| one.category.id == *id) {
        return Some(level);
    }
    level.iter().find_map(|one| level_of(&one.children, id))
}

/// Where a category can stand: at the top, or below another that is not `without` or below it.
pub(super) fn parents(
    tree: &[CategoryNode],
    chosen: Option<&CategoryId>,
    without: Option<&CategoryId>,
    say: &Say,
) -> Vec<Choice> {
    fn add(
        level: &[CategoryNode],
        depth: usize,
        (chosen, without): (Option<&CategoryId>, Option<&CategoryId>),
        to: &mut Vec<Choice>,
    ) {
        let others = level
            .iter()
            .filter(|node| Some(&node.category.id) != without);
        for node in others {
            to.push(Choice {
                value: node.category.id.to_string(),
                label: format!("{}{}", "\u{2003}".repeat(depth), node.category.title),
                chosen: chosen == Some(&node.category.id),
            });
            add(
                &node.children,
                depth.saturating_add(1),
                (chosen, without),
                to,
            );
        }
    }
    let mut choices = vec![Choice {
        value: String::new(),
        label: say.text("categories.at_the_top"),
        chosen: chosen.is_none(),
    }];
    add(tree, 0, (chosen, without), &mut choices);
    choices
}

fn rows(level: &[CategoryNode], depth: usize, to: &mut Vec<Row>) {
    let last = level.len().saturating_sub(1);
    for (place, node) in level.iter().enumerate() {
        to.push(Row {
            url: format!("/admin/categories/{}", node.category.id),
            title: node.category.title.clone(),
            depth,
            count: node.count,
            is_first: place == 0,
            is_last: place == last,
        });
        rows(&node.children, depth.saturating_add(1), to);
    }
}

async fn draw(
    admin: &Admin,
    staff: &Staffer,
    typed: &Typed,
    errors: Vec<FormError>,
) -> Result<Response, Problem> {
    let (base, tree) = admin
        .read(staff, |tx, _base| categories::read_tree(tx))
        .await?;
    let say = admin.words()?;
    let mut all = Vec::new();
    rows(&tree, 0, &mut all);
    let status = FormError::status(&errors);
    let page = TreePage {
        rows: all,
        parents: parents(&tree, typed.parent.parse().ok().as_ref(), None, &say),
        title: typed.title.clone(),
        errors,
        can_edit: staff.holds(EditProducts::NAME),
    };
    admin
        .sheet(staff, &base)
        .section(Section::Products)
        .status(status)
        .draw(&page)
}

impl Page for TreePage {
    const TEMPLATE: &'static str = "pages/categories.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let row = |depth, is_first, is_last| Row {
            url: "/admin/categories/cat_1".to_owned(),
            title: "Vases <all>".to_owned(),
            depth,
            count: 3,
            is_first,
            is_last,
        };
        let full = Self {
            rows: vec![row(0, true, false), row(1, true, true), row(0, false, true)],
            parents: vec![Choice {
                value: String::new(),
                label: "At the top".to_owned(),
                chosen: true,
            }],
            title: String::new(),
            errors: Vec::new(),
            can_edit: true,
        };
        let refused = Self {
            rows: Vec::new(),
            errors: vec![
                FormError::at("title", "Fill this in."),
                FormError::at("slug", "Taken."),
            ],
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

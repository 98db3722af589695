//! A shelf: what the pages of categories and collections share. It has a name, an address, an introduction, and products in an
//! order people give them.

use std::collections::BTreeSet;

use commerce::catalog::{ProductRow, ProductStatus, find_products, product_rows};
use db::{DbError, Tx};
use kernel::{ProductId, Slug};
use serde::Serialize;
use web::Fields;

use super::FormError;
use crate::pages::products::{product_url, sentence};

/// Products of a shelf that are shown; those behind them stay where they are.
const SHOWN: usize = 500;
/// Products a search offers.
const OFFERED: usize = 20;

/// The part of a page that shows a shelf.
#[derive(Debug, Clone, Serialize)]
pub struct ShelfView {
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
    /// What is found on it, as typed.
    pub intro: String,
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

/// A shelf as it stands in the shop.
pub(crate) struct Standing<'a> {
    /// The address of its page here.
    pub(crate) url: String,
    /// The address of its page in the shop.
    pub(crate) shop_url: String,
    /// Its name.
    pub(crate) title: &'a str,
    /// Its place in the shop's addresses.
    pub(crate) slug: &'a Slug,
    /// What is found on it.
    pub(crate) intro: &'a str,
}

/// The products of a shelf, and those a search offers for it.
pub(crate) struct Placed {
    /// All of its products, in order.
    pub(crate) ids: Vec<ProductId>,
    shown: Vec<OnShelf>,
    find: String,
    found: Vec<OnShelf>,
}

impl Placed {
    /// Reads what is shown of these products, and what a search means that is not among them.
    pub(crate) fn read(tx: &mut Tx<'_>, ids: Vec<ProductId>, find: &str) -> Result<Self, DbError> {
        Ok(Self {
            shown: shown(tx, &ids)?,
            found: offered(tx, find, &ids)?,
            find: find.to_owned(),
            ids,
        })
    }
}

impl ShelfView {
    /// The shelf with what was typed, and what is wrong with it.
    pub(crate) fn of(
        standing: Standing<'_>,
        placed: Placed,
        (fields, errors): (&Fields, Vec<FormError>),
        can_edit: bool,
    ) -> Self {
        let text = |name: &str, stands: &str| fields.get(name).unwrap_or(stands).to_owned();
        Self {
            name: standing.title.to_owned(),
            title: text("title", standing.title),
            slug: text("slug", standing.slug.as_str()),
            intro: text("intro", standing.intro),
            url: standing.url,
            shop_url: standing.shop_url,
            hidden: placed.ids.len().saturating_sub(placed.shown.len()),
            products: placed.shown,
            find: placed.find,
            found: placed.found,
            errors,
            can_edit,
        }
    }

    /// One to try pages with.
    pub(crate) fn sample() -> Self {
        Self {
            url: "/admin/shelves/1".to_owned(),
            name: "Vases".to_owned(),
            shop_url: "https://wrenfold.example/shelves/vases".to_owned(),
            title: "Vases".to_owned(),
            slug: "vases".to_owned(),
            intro: "For <flowers>.".to_owned(),
            products: vec![OnShelf::sample(1), OnShelf::sample(2)],
            hidden: 3,
            find: "vase".to_owned(),
            found: vec![OnShelf::sample(3)],
            errors: Vec::new(),
            can_edit: true,
        }
    }

    /// The same, empty and with something wrong in each of these fields.
    pub(crate) fn refused_sample(fields: &[&str]) -> Self {
        let errors = fields.iter();
        Self {
            products: Vec::new(),
            found: Vec::new(),
            hidden: 0,
            errors: errors
                .map(|field| FormError::at(*field, "Mend this."))
                .collect(),
            ..Self::sample()
        }
    }
}

/// The address that was typed; left empty, one is made from the name.
pub(crate) fn slug(fields: &Fields) -> Result<Slug, FormError> {
    let typed = fields.get("slug").map(str::trim).unwrap_or_default();
    if typed.is_empty() {
        return Ok(Slug::from_title(fields.get("title").unwrap_or_default()));
    }
    Slug::parse(typed).map_err(|error| FormError::at("slug", sentence(&error)))
}

/// The introduction that was typed.
pub(crate) fn intro(fields: &Fields) -> String {
    let typed = fields.get("intro").unwrap_or_default();
    typed.replace("\r\n", "\n")
}

/// A product on a shelf, or one that could be put there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OnShelf {
    /// Its id.
    pub id: String,
    /// Its page.
    pub url: String,
    /// Its name.
    pub title: String,
    /// Whether it is sold.
    pub status: ProductStatus,
}

impl OnShelf {
    fn of(row: ProductRow) -> Self {
        Self {
            url: product_url(&row.id),
            id: row.id.to_string(),
            title: row.title,
            status: row.status,
        }
    }

    /// One to try pages with.
    pub(crate) fn sample(number: u32) -> Self {
        Self {
            id: format!("prod_{number}"),
            url: format!("/admin/products/prod_{number}"),
            title: format!("Vase <{number}>"),
            status: ProductStatus::Active,
        }
    }
}

/// These products, as far as they are shown.
fn shown(tx: &mut Tx<'_>, ids: &[ProductId]) -> Result<Vec<OnShelf>, DbError> {
    let ids: Vec<ProductId> = ids.iter().take(SHOWN).cloned().collect();
    let rows = product_rows(tx, &ids)?;
    Ok(rows.into_iter().map(OnShelf::of).collect())
}

/// The products a search means that do not stand there yet.
fn offered(tx: &mut Tx<'_>, typed: &str, there: &[ProductId]) -> Result<Vec<OnShelf>, DbError> {
    if typed.trim().is_empty() {
        return Ok(Vec::new());
    }
    let mut ids = find_products(tx, typed)?;
    ids.retain(|id| !there.contains(id));
    ids.truncate(OFFERED);
    let rows = product_rows(tx, &ids)?;
    Ok(rows.into_iter().map(OnShelf::of).collect())
}

/// What a form makes of a shelf: those that are to go go, the others stand by their numbers, the chosen ones come behind.
/// What somebody else put there meanwhile stays, at the end.
pub(crate) fn rearranged(there: &[ProductId], fields: &Fields) -> Vec<ProductId> {
    let gone: BTreeSet<&str> = fields.with_prefix("gone.").map(|(id, _)| id).collect();
    let mut placed: Vec<(u32, std::cmp::Ordering, ProductId)> = there
        .iter()
        .zip(1_u32..)
        .filter(|(id, _)| !gone.contains(id.as_str()))
        .map(|(id, stands)| {
            let typed = fields.get(&format!("place.{id}"));
            let stood: u32 = fields
                .get(&format!("was.{id}"))
                .and_then(|was| was.parse().ok())
                .unwrap_or(stands);
            let place = typed.and_then(|place| place.trim().parse().ok());
            let place: u32 = place.unwrap_or(if typed.is_some() { stood } else { u32::MAX });
            (place, place.cmp(&stood), id.clone())
        })
        .collect();
    placed.sort_by_key(|(place, moved, _)| (*place, *moved));
    let mut order: Vec<ProductId> = placed.into_iter().map(|(_, _, id)| id).collect();
    for (id, _) in fields.with_prefix("add.") {
        if let Ok(id) = id.parse::<ProductId>()
            && !order.contains(&id)
        {
            order.push(id);
        }
    }
    order
}

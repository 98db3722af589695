//! Products on a shelf, in an order people give them: what the pages of categories and collections share.

use std::collections::BTreeSet;

use commerce::catalog::{ProductRow, ProductStatus, find_products, product_rows};
use db::{DbError, Tx};
use kernel::ProductId;
use serde::Serialize;
use web::Fields;

use crate::pages::products::product_url;

/// Products of a shelf that are shown; those behind them stay where they are.
pub(crate) const SHOWN: usize = 500;
/// Products a search offers.
const OFFERED: usize = 20;

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
pub(crate) fn shown(tx: &mut Tx<'_>, ids: &[ProductId]) -> Result<Vec<OnShelf>, DbError> {
    let ids: Vec<ProductId> = ids.iter().take(SHOWN).cloned().collect();
    let rows = product_rows(tx, &ids)?;
    Ok(rows.into_iter().map(OnShelf::of).collect())
}

/// The products a search means that do not stand there yet.
pub(crate) fn offered(
    tx: &mut Tx<'_>,
    typed: &str,
    there: &[ProductId],
) -> Result<Vec<OnShelf>, DbError> {
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

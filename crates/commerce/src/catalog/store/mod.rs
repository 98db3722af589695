//! All SQL of the catalogue.

pub(crate) mod categories;
pub(crate) mod collections;
pub(crate) mod desk;
pub(crate) mod lists;
pub(crate) mod places;
pub(crate) mod products;

use db::{DbError, Tx, params};

use crate::catalog::CATALOG_CHANGED;

/// The next number of the catalogue's revision. Taken first in every change: its row lock lines the changes up, so that
/// revisions become visible in their order.
pub(crate) fn next_revision(tx: &mut Tx<'_>) -> Result<i64, DbError> {
    tx.signal(CATALOG_CHANGED);
    let (revision,) = tx.query_one::<(i64,)>(
        "UPDATE counters SET value = value + 1 WHERE name = 'catalog_revision' RETURNING value",
        params![],
    )?;
    Ok(revision)
}

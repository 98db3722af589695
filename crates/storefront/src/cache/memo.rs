//! What all pages have in common, kept as long as it is so.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use commerce::Internal;
use commerce::catalog::{self, CategoryNode, Collection};
use commerce::delivery::{self, DeliveryMethod};
use commerce::schema::{GOODS, SHELVES};
use commerce::settings::{self, Settings};
use db::Tx;

/// What the merchant has set.
#[derive(Debug, Default)]
pub(crate) struct House {
    /// The settings.
    pub(crate) settings: Settings,
    /// The ways to deliver in the shop's own country.
    pub(crate) home_methods: Vec<DeliveryMethod>,
}

/// Where things stand, and how many.
#[derive(Debug, Default)]
pub(crate) struct Shelves {
    /// All categories.
    pub(crate) tree: Vec<CategoryNode>,
    /// All collections.
    pub(crate) collections: Vec<Collection>,
    /// How many products are on sale.
    pub(crate) on_sale: u32,
}

/// Both, as they were last read. Counting a large shop's shelves takes long, and few changes change the counts.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    house: Mutex<Option<(i64, Arc<House>)>>,
    shelves: Mutex<Option<(i64, Arc<Shelves>)>>,
}

impl Memo {
    /// Both, as this transaction sees them: one statement where nothing has changed, three to five more where something has.
    pub(crate) fn read(&self, tx: &mut Tx<'_>) -> Result<(Arc<House>, Arc<Shelves>), Internal> {
        let changes = tx.changes()?;
        let house = known(&self.house, changes.of(GOODS), || {
            let settings = settings::load(tx)?;
            let home_methods = delivery::methods_for(tx, settings.selling.country)?;
            Ok(House {
                settings,
                home_methods,
            })
        })?;
        let shelves = known(&self.shelves, changes.of(SHELVES), || {
            Ok(Shelves {
                tree: catalog::categories::read_tree(tx)?,
                collections: catalog::collections::read_collections(tx)?,
                on_sale: catalog::listing::count_on_sale(tx)?,
            })
        })?;
        Ok((house, shelves))
    }
}

/// What was read when the count was this; else it is read. Who comes meanwhile waits for it instead of reading it too.
fn known<T>(
    memo: &Mutex<Option<(i64, Arc<T>)>>,
    count: i64,
    read: impl FnOnce() -> Result<T, Internal>,
) -> Result<Arc<T>, Internal> {
    let mut memo: MutexGuard<'_, _> = memo.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((at, known)) = &*memo
        && *at == count
    {
        return Ok(Arc::clone(known));
    }
    let found = Arc::new(read()?);
    // A transaction that began long ago may see less than is known by now.
    if memo.as_ref().is_none_or(|(at, _)| *at < count) {
        *memo = Some((count, Arc::clone(&found)));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_read_again_only_when_its_count_has_changed() {
        let memo = Mutex::default();
        let read = |count: i64, value: u8| *known(&memo, count, || Ok(value)).unwrap();
        assert_eq!(read(3, 1), 1);
        assert_eq!(read(3, 2), 1);
        assert_eq!(read(4, 3), 3);
        assert_eq!(read(3, 4), 4, "an old transaction sees what it sees");
        assert_eq!(read(4, 5), 3, "and leaves what is known");
    }
}

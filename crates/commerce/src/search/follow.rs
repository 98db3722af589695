//! Keeping the index up to date.

use std::time::Duration;

use db::DbError;

use super::store::{self, Place};
use crate::Shop;
use crate::catalog::CATALOG_CHANGED;
use crate::index::{Entry, IndexError, Reached, SearchIndex};

/// How often the catalogue is asked whether it has changed. A change in this process wakes the loop at once.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// How long to leave an index or database in peace that did not work.
const PAUSE: Duration = Duration::from_secs(5);

/// Why the index could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The index.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The process is stopping.
    #[error("the work was cut short: {0}")]
    CutShort(#[from] tokio::task::JoinError),
}

/// Keeps this node's index up to date until `shutdown` comes.
pub async fn follow(shop: Shop, shutdown: impl Future<Output = ()>) {
    let changed = shop.db.signal(CATALOG_CHANGED);
    let mut shutdown = std::pin::pin!(shutdown);
    let mut failing = false;
    loop {
        // Enlisted before looking, so that a change between looking and waiting still wakes us.
        let woken = changed.notified();
        let wait = match catch_up(&shop).await {
            Ok(()) => {
                if std::mem::take(&mut failing) {
                    tracing::info!("The search index is up to date again");
                }
                LOOK_EVERY
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::error!(
                        "The search index cannot be brought up to date, trying on: {error}"
                    );
                }
                PAUSE
            }
        };
        tokio::select! {
            () = &mut shutdown => return,
            () = woken, if !failing => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Brings the index up to date with the catalogue of this moment.
pub async fn catch_up(shop: &Shop) -> Result<(), FollowError> {
    let _feeder = shop.search.feeder().await;
    let to = shop.db.read(store::reached).await?;
    let from = match shop.search.reached() {
        Some(reached) if reached == to => return Ok(()),
        Some(reached) if reached.shop == to.shop && reached.revision < to.revision => {
            Some(reached.revision)
        }
        // Missing, damaged, of another shop, or from a future that a restored backup knows nothing of.
        Some(_) | None => None,
    };
    let mut place = Place {
        revision: from.unwrap_or(-1),
        product: String::new(),
    };
    let fresh = from.is_none();
    apart(
        &shop.search,
        move |index| if fresh { index.clear() } else { Ok(()) },
    )
    .await?;
    loop {
        let (after, until) = (place.clone(), to.revision);
        let Some((entries, next)) = shop
            .db
            .read(move |tx| store::changed(tx, &after, until))
            .await?
        else {
            break;
        };
        learn(&shop.search, entries).await?;
        place = next;
    }
    commit(&shop.search, to).await
}

async fn learn(index: &SearchIndex, entries: Vec<Entry>) -> Result<(), FollowError> {
    apart(index, move |index| {
        index.learn(&entries).inspect_err(|error| {
            tracing::warn!(
                "The search index did not take in {} products: {error}",
                entries.len()
            );
        })
    })
    .await
}

async fn commit(index: &SearchIndex, reached: Reached) -> Result<(), FollowError> {
    apart(index, move |index| index.commit(&reached)).await
}

/// Does what may wait for the disk on a thread of its own.
async fn apart(
    index: &SearchIndex,
    work: impl FnOnce(&SearchIndex) -> Result<(), IndexError> + Send + 'static,
) -> Result<(), FollowError> {
    let index = index.clone();
    Ok(tokio::task::spawn_blocking(move || work(&index)).await??)
}

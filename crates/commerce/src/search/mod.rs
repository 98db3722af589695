//! Finding products: the operation, and the loop that keeps this node's index up to date with the catalogue.
//!
//! **Invariants.** Only products on sale are found. The index follows the catalogue's revisions, so it can be behind for a
//! moment but never miss a change. If it cannot answer, the database does, more simply.

mod follow;
mod store;
#[cfg(test)]
mod tests;

use kernel::{Page, PageRequest};

pub use crate::index::{Order, Spelling};
pub use follow::{FollowError, catch_up, follow};

use crate::catalog::Card;
use crate::catalog::listing::cards_by_id;
use crate::index::{Found, Query};
use crate::{Internal, Shop};

/// What a shopper looks for.
#[derive(Debug, Clone)]
pub struct Search {
    /// As it was typed: any text at all.
    pub text: String,
    /// In which order.
    pub order: Order,
    /// Which page.
    pub page: PageRequest,
    /// What to do with words nobody knows.
    pub spelling: Spelling,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Results {
    /// The products.
    pub cards: Page<Card>,
    /// The query that was answered, if it is not the one that was typed.
    pub corrected: Option<String>,
    /// When nothing was found: each word of the query by itself, and how many products know it.
    pub words: Vec<(String, u32)>,
}

/// Looks for products. Never fails because of what was typed.
pub async fn search(shop: &Shop, search: Search) -> Result<Results, Internal> {
    let now = shop.clock.now();
    let page = search.page;
    let found = find(shop, search).await?;
    let (total, corrected, words) = (found.total, found.corrected, found.words);
    let ids = found.ids;
    let cards = shop.db.read(move |tx| cards_by_id(tx, now, &ids)).await?;
    Ok(Results {
        cards: Page::new(page, total, cards),
        corrected,
        words,
    })
}

async fn find(shop: &Shop, search: Search) -> Result<Found, Internal> {
    let query = Query {
        text: search.text,
        order: search.order,
        page: search.page,
        spelling: search.spelling,
    };
    let (index, asked) = (shop.search.clone(), query.clone());
    let answered = tokio::task::spawn_blocking(move || index.find(&asked)).await;
    match answered {
        Ok(Ok(found)) => return Ok(found),
        Ok(Err(error)) => {
            tracing::error!("The search index did not answer, the database does: {error}");
        }
        Err(error) => tracing::error!("The search was cut short, the database answers: {error}"),
    }
    Ok(shop
        .db
        .read(move |tx| store::find_plainly(tx, &query))
        .await?)
}

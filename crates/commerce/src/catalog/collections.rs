//! Collections: rows of products put together by hand.

use db::Tx;
use kernel::{CollectionId, ProductId, Slug};
use serde_json::json;

use super::categories::{ShelfError, check_products, texts};
use super::store::{self, collections as rows};
use super::told;
use crate::audit::{self, Change};
use crate::staff::{Authorized, EditProducts};
use crate::{Internal, Shop};

/// A row of products put together by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// Its id.
    pub id: CollectionId,
    /// Its place in the shop's addresses.
    pub slug: Slug,
    /// Its name.
    pub title: String,
    /// What it gathers, in a sentence or two; may be empty.
    pub intro: String,
    /// Products on sale in it.
    pub count: u32,
}

/// A collection as its editor wants it.
#[derive(Debug, Clone)]
pub struct SaveCollection {
    /// Which; nothing for a new one.
    pub id: Option<CollectionId>,
    /// Its place in the shop's addresses.
    pub slug: Slug,
    /// Its name.
    pub title: String,
    /// What it gathers; may be empty.
    pub intro: String,
    /// Its place among the collections: lower comes first.
    pub position: u32,
    /// The products in it, in this order.
    pub products: Vec<ProductId>,
}

/// All collections in the merchant's order. One statement.
pub async fn list_collections(shop: &Shop) -> Result<Vec<Collection>, Internal> {
    shop.db
        .read(|tx| rows::all(tx).map_err(Internal::from))
        .await
}

/// The collection at this address.
pub async fn find_collection(shop: &Shop, slug: Slug) -> Result<Option<Collection>, Internal> {
    shop.db
        .read(move |tx| rows::find_by_slug(tx, &slug).map_err(Internal::from))
        .await
}

/// Building block of [`list_collections`].
pub fn read_collections(tx: &mut Tx<'_>) -> Result<Vec<Collection>, Internal> {
    Ok(rows::all(tx)?)
}

/// The products in a collection, in order.
pub fn placed_in_collection(
    tx: &mut Tx<'_>,
    collection: &CollectionId,
) -> Result<Vec<ProductId>, Internal> {
    Ok(rows::placed(tx, collection)?)
}

/// Creates or changes a collection and puts exactly these products into it.
pub async fn save_collection(
    shop: &Shop,
    staff: Authorized<EditProducts>,
    collection: SaveCollection,
) -> Result<CollectionId, ShelfError> {
    audit::change(shop, shop.act(staff.actor()), move |tx, act| {
        store::next_revision(tx)?;
        let (title, intro) = texts(&collection.title, &collection.intro)?;
        let id = match &collection.id {
            Some(id) if rows::exists(tx, id)? => id.clone(),
            Some(_) => return Err(ShelfError::NotFound("collection")),
            None => CollectionId::new(&*act.ids),
        };
        if rows::find_by_slug(tx, &collection.slug)?.is_some_and(|other| other.id != id) {
            return Err(ShelfError::SlugTaken(collection.slug.clone()));
        }
        check_products(tx, &collection.products)?;
        let row = Collection {
            id: id.clone(),
            slug: collection.slug.clone(),
            title,
            intro,
            count: 0,
        };
        let before = told::collection(tx, &id)?;
        rows::put(tx, &row, collection.position, act.now)?;
        rows::replace_products(tx, &id, &collection.products)?;
        let after = told::collection(tx, &id)?;
        let change = Change::new("collection.save", "collection", &id)
            .between(before.unwrap_or_else(|| json!({})), after);
        Ok((id, change))
    })
    .await
}

/// Deletes a collection. The products in it stay in the shop.
pub async fn delete_collection(
    shop: &Shop,
    staff: Authorized<EditProducts>,
    collection: CollectionId,
) -> Result<(), ShelfError> {
    audit::change(shop, shop.act(staff.actor()), move |tx, _act| {
        store::next_revision(tx)?;
        let before = told::collection(tx, &collection)?;
        if !rows::delete(tx, &collection)? {
            return Err(ShelfError::NotFound("collection"));
        }
        let change = Change::new("collection.delete", "collection", &collection).from(before);
        Ok(((), change))
    })
    .await
}

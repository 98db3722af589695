//! The tree of categories, and what stands where in it.

use std::collections::HashMap;

use db::{DbError, Tx};
use kernel::text::one_line;
use kernel::{CategoryId, Code, Coded, ProductId, Slug, TextError};
use serde_json::json;

use super::limits;
use super::store::{self, categories as rows};
use super::told;
use crate::audit::{self, Change};
use crate::media::Picture;
use crate::staff::{Authorized, EditProducts};
use crate::{Act, Internal, Shop};

/// A shelf of the shop, possibly with shelves below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// Its id.
    pub id: CategoryId,
    /// The category above it, if there is one.
    pub parent_id: Option<CategoryId>,
    /// Its place in the shop's addresses.
    pub slug: Slug,
    /// Its name.
    pub title: String,
    /// What is found in it, in a sentence or two; may be empty.
    pub intro: String,
}

/// A category in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryNode {
    /// The category.
    pub category: Category,
    /// Products on sale in it and below it, each counted once.
    pub count: u32,
    /// The categories below it, in the merchant's order.
    pub children: Vec<CategoryNode>,
}

/// A category with its neighbourhood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryPage {
    /// The category.
    pub category: Category,
    /// Products on sale in it and below it, each counted once.
    pub count: u32,
    /// The way down to it from the top, without itself.
    pub path: Vec<Category>,
    /// The categories right below it, with their counts.
    pub children: Vec<CategoryNode>,
    /// The categories beside it.
    pub siblings: Vec<Category>,
}

/// Levels the tree can have.
pub const LEVELS: usize = 6;
/// Products one category can hold itself.
pub const PRODUCTS: usize = 10_000;

/// A category as its editor wants it.
#[derive(Debug, Clone)]
pub struct SaveCategory {
    /// Which; nothing for a new one.
    pub id: Option<CategoryId>,
    /// Its place in the shop's addresses.
    pub slug: Slug,
    /// Its name.
    pub title: String,
    /// What is found in it; may be empty.
    pub intro: String,
    /// The category above it; nothing at the top.
    pub parent: Option<CategoryId>,
    /// Its place among the categories beside it: lower comes first.
    pub position: u32,
}

/// Why a category or collection was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// There is no such category, collection or product.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The name or introduction.
    #[error("{field}: {error}")]
    Text {
        /// Which field.
        field: &'static str,
        /// What is wrong with it.
        error: TextError,
    },
    /// Another one has this address.
    #[error("the address {0} is taken; choose another")]
    SlugTaken(Slug),
    /// It would stand below itself.
    #[error("a category cannot be moved below itself; choose another place")]
    BelowItself,
    /// The tree would be too deep.
    #[error("categories can have at most {LEVELS} levels; choose a place nearer to the top")]
    TooDeep,
    /// More products than one shelf can hold.
    #[error("at most {PRODUCTS} products fit into one category or collection")]
    TooMany,
    /// The same product twice.
    #[error("a product can be placed only once; remove the second {0}")]
    Twice(ProductId),
    /// Other categories stand below it.
    #[error("move or delete the categories below it first")]
    HasChildren,
    /// Not the editor's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}

crate::internal_from!(ShelfError: DbError);

impl Coded for ShelfError {
    fn code(&self) -> Code {
        match self {
            Self::NotFound(_) => Code::NotFound,
            Self::SlugTaken(_) => Code::Taken,
            Self::Text { .. }
            | Self::BelowItself
            | Self::TooDeep
            | Self::TooMany
            | Self::Twice(_)
            | Self::HasChildren => Code::Invalid,
            Self::Internal(error) => error.code(),
        }
    }
}

/// All categories as a tree, each level in the merchant's order. One statement.
pub async fn category_tree(shop: &Shop) -> Result<Vec<CategoryNode>, Internal> {
    shop.db
        .read(|tx| Ok(tree(rows::all_with_counts(tx)?)))
        .await
}

/// The category at this address, with its neighbourhood. One statement.
pub async fn find_category(shop: &Shop, slug: Slug) -> Result<Option<CategoryPage>, Internal> {
    let all = shop
        .db
        .read(|tx| rows::all_with_counts(tx).map_err(Internal::from))
        .await?;
    Ok(category_page(&tree(all), &slug))
}

/// Building block of [`category_tree`].
pub fn read_tree(tx: &mut Tx<'_>) -> Result<Vec<CategoryNode>, Internal> {
    Ok(tree(rows::all_with_counts(tx)?))
}

/// The category at this address, looked up in a tree that was read before.
pub fn find_in_tree(tree: &[CategoryNode], slug: &Slug) -> Option<CategoryPage> {
    category_page(tree, slug)
}

/// A picture for each of these categories: that of the first product in it that has one. One statement.
pub fn pictures(
    tx: &mut Tx<'_>,
    categories: &[CategoryId],
) -> Result<HashMap<CategoryId, Picture>, Internal> {
    Ok(rows::pictures(tx, categories)?)
}

/// Creates or changes a category, also its place in the tree.
pub async fn save_category(
    shop: &Shop,
    staff: Authorized<EditProducts>,
    category: SaveCategory,
) -> Result<CategoryId, ShelfError> {
    audit::change(shop, shop.act(staff.actor()), move |tx, act| {
        let before = match &category.id {
            Some(id) => told::category(tx, id)?,
            None => None,
        };
        let id = save(tx, act, &category)?;
        let after = told::category(tx, &id)?;
        let change = Change::new("category.save", "category", &id)
            .between(before.unwrap_or_else(|| json!({})), after);
        Ok((id, change))
    })
    .await
}

/// Creates or changes a category and puts exactly these products into it, in this order: all of it or nothing.
pub async fn save_category_with_products(
    shop: &Shop,
    staff: Authorized<EditProducts>,
    category: SaveCategory,
    products: Vec<ProductId>,
) -> Result<CategoryId, ShelfError> {
    audit::change(shop, shop.act(staff.actor()), move |tx, act| {
        let before = match &category.id {
            Some(id) => told::category(tx, id)?,
            None => None,
        };
        let id = save(tx, act, &category)?;
        let placed = place(tx, act, (&id, &products))?;
        let mut after = told::category(tx, &id)?.unwrap_or_else(|| json!({}));
        let mut before = before.unwrap_or_else(|| json!({}));
        for (told, products) in [(&mut before, &placed), (&mut after, &products)] {
            if let Some(told) = told.as_object_mut() {
                told.insert("products".to_owned(), json!(products));
            }
        }
        let change = Change::new("category.save", "category", &id).between(before, after);
        Ok((id, change))
    })
    .await
}

/// Puts exactly these products into a category, in this order. They also stand in every category above it.
pub async fn place_products(
    shop: &Shop,
    staff: Authorized<EditProducts>,
    category: CategoryId,
    products: Vec<ProductId>,
) -> Result<(), ShelfError> {
    audit::change(shop, shop.act(staff.actor()), move |tx, act| {
        let before = place(tx, act, (&category, &products))?;
        let change = Change::new("category.place_products", "category", &category)
            .from(json!({ "products": before }))
            .to(json!({ "products": products }));
        Ok(((), change))
    })
    .await
}

/// Puts the categories beside each other into this order.
pub async fn order_categories(
    shop: &Shop,
    staff: Authorized<EditProducts>,
    order: Vec<CategoryId>,
) -> Result<(), ShelfError> {
    audit::change(shop, shop.act(staff.actor()), move |tx, act| {
        let revision = store::next_revision(tx)?;
        for id in &order {
            rows::stamp_products(tx, id, revision, act.now)?;
        }
        rows::put_in_order(tx, &order, act.now)?;
        rows::inherit(tx, revision)?;
        let change = match order.first() {
            Some(first) => {
                Change::new("category.order", "category", first).to(json!({ "order": order }))
            }
            None => Change::none(),
        };
        Ok(((), change))
    })
    .await
}

/// The products that were put into a category itself, in order.
pub fn placed_in_category(
    tx: &mut Tx<'_>,
    category: &CategoryId,
) -> Result<Vec<ProductId>, DbError> {
    rows::placed(tx, category)
}

/// Deletes a category that has none below it. The products in it stay in the shop.
pub async fn delete_category(
    shop: &Shop,
    staff: Authorized<EditProducts>,
    category: CategoryId,
) -> Result<(), ShelfError> {
    audit::change(shop, shop.act(staff.actor()), move |tx, act| {
        let revision = store::next_revision(tx)?;
        let before = told::category(tx, &category)?.ok_or(ShelfError::NotFound("category"))?;
        if rows::has_children(tx, &category)? {
            return Err(ShelfError::HasChildren);
        }
        rows::stamp_products(tx, &category, revision, act.now)?;
        rows::delete(tx, &category)?;
        rows::inherit(tx, revision)?;
        let change = Change::new("category.delete", "category", &category).from(before);
        Ok(((), change))
    })
    .await
}

/// Building block of [`place_products`]: answers with the products that stood there before.
fn place(
    tx: &mut Tx<'_>,
    act: &Act,
    (category, products): (&CategoryId, &[ProductId]),
) -> Result<Vec<ProductId>, ShelfError> {
    let revision = store::next_revision(tx)?;
    if rows::find(tx, category)?.is_none() {
        return Err(ShelfError::NotFound("category"));
    }
    check_products(tx, products)?;
    let before = rows::placed(tx, category)?;
    if before == products {
        return Ok(before);
    }
    rows::stamp_products(tx, category, revision, act.now)?;
    rows::replace_products(tx, category, products)?;
    rows::stamp_products(tx, category, revision, act.now)?;
    rows::inherit(tx, revision)?;
    Ok(before)
}

fn save(tx: &mut Tx<'_>, act: &Act, category: &SaveCategory) -> Result<CategoryId, ShelfError> {
    let revision = store::next_revision(tx)?;
    let (title, intro) = texts(&category.title, &category.intro)?;
    let id = match &category.id {
        Some(id) => {
            rows::find(tx, id)?
                .ok_or(ShelfError::NotFound("category"))?
                .id
        }
        None => CategoryId::new(&*act.ids),
    };
    if rows::id_by_slug(tx, &category.slug)?.is_some_and(|other| other != id) {
        return Err(ShelfError::SlugTaken(category.slug.clone()));
    }
    if let Some(parent) = &category.parent {
        let above = rows::with_ancestors(tx, parent)?;
        if above.is_empty() {
            return Err(ShelfError::NotFound("category to put it into"));
        }
        if above.contains(&id) {
            return Err(ShelfError::BelowItself);
        }
        if above.len().saturating_add(rows::levels_from(tx, &id)?) > LEVELS {
            return Err(ShelfError::TooDeep);
        }
    }
    let row = Category {
        id: id.clone(),
        parent_id: category.parent.clone(),
        slug: category.slug.clone(),
        title,
        intro,
    };
    rows::put(tx, &row, category.position, act.now)?;
    rows::stamp_products(tx, &id, revision, act.now)?;
    rows::inherit(tx, revision)?;
    Ok(id)
}

pub(super) fn texts(title: &str, intro: &str) -> Result<(String, String), ShelfError> {
    let title = one_line(title, limits::TITLE).map_err(|error| ShelfError::Text {
        field: "title",
        error,
    })?;
    let intro = intro.trim();
    if intro.chars().count() > limits::DESCRIPTION {
        return Err(ShelfError::Text {
            field: "intro",
            error: TextError::TooLong(limits::DESCRIPTION),
        });
    }
    if intro.chars().any(|c| c.is_control() && c != '\n') {
        return Err(ShelfError::Text {
            field: "intro",
            error: TextError::Unprintable,
        });
    }
    Ok((title, intro.to_owned()))
}

/// Whether these products exist, each is named once, and there are not too many.
pub(super) fn check_products(tx: &mut Tx<'_>, products: &[ProductId]) -> Result<(), ShelfError> {
    if products.len() > PRODUCTS {
        return Err(ShelfError::TooMany);
    }
    let mut seen = std::collections::HashSet::new();
    if let Some(twice) = products.iter().find(|product| !seen.insert(*product)) {
        return Err(ShelfError::Twice(twice.clone()));
    }
    let known = store::products::count_known(tx, products)?;
    if usize::try_from(known).ok() == Some(products.len()) {
        Ok(())
    } else {
        Err(ShelfError::NotFound("product"))
    }
}

/// Rows into a tree; they come sorted by place among their siblings.
fn tree(rows: Vec<(Category, u32)>) -> Vec<CategoryNode> {
    let mut below: HashMap<Option<CategoryId>, Vec<CategoryNode>> = HashMap::new();
    for (category, count) in rows {
        let node = CategoryNode {
            category,
            count,
            children: Vec::new(),
        };
        below
            .entry(node.category.parent_id.clone())
            .or_default()
            .push(node);
    }
    let top = below.remove(&None).unwrap_or_default();
    top.into_iter()
        .map(|node| with_children(node, &mut below))
        .collect()
}

fn with_children(
    mut node: CategoryNode,
    below: &mut HashMap<Option<CategoryId>, Vec<CategoryNode>>,
) -> CategoryNode {
    let children = below
        .remove(&Some(node.category.id.clone()))
        .unwrap_or_default();
    node.children = children
        .into_iter()
        .map(|child| with_children(child, below))
        .collect();
    node
}

fn category_page(level: &[CategoryNode], slug: &Slug) -> Option<CategoryPage> {
    for node in level {
        if node.category.slug == *slug {
            let others = level
                .iter()
                .filter(|other| other.category.id != node.category.id);
            return Some(CategoryPage {
                category: node.category.clone(),
                count: node.count,
                path: Vec::new(),
                children: node.children.clone(),
                siblings: others.map(|other| other.category.clone()).collect(),
            });
        }
        if let Some(mut found) = category_page(&node.children, slug) {
            found.path.insert(0, node.category.clone());
            return Some(found);
        }
    }
    None
}

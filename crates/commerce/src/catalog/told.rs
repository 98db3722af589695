//! Products, categories and collections as the audit trail tells them: field by field, so that a row shows what changed.

use db::{DbError, Tx};
use kernel::{CategoryId, CollectionId, ProductId};
use serde_json::{Map, Value as Json, json};

use super::{Category, Collection, Variant, store};

/// A product with its options, variants and pictures; nothing if there is none. Each variant is a field of its own.
pub(super) fn product(tx: &mut Tx<'_>, id: &ProductId) -> Result<Option<Json>, DbError> {
    let Some(product) = store::products::product_by_id(tx, id)? else {
        return Ok(None);
    };
    let options = store::products::options_of(tx, id)?;
    let pictures = store::products::pictures_of(tx, id)?;
    let mut told = Map::new();
    let fields = [
        ("slug", json!(product.slug)),
        ("title", json!(product.title)),
        ("summary", json!(product.summary)),
        ("description", json!(product.description)),
        ("facts", json!(product.facts)),
        ("status", json!(product.status)),
        ("tax_class", json!(product.tax_class)),
        ("currency", json!(product.currency)),
    ];
    told.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    for option in options {
        let names: Vec<String> = option.values.into_iter().map(|value| value.name).collect();
        told.insert(format!("option {}", option.name), json!(names));
    }
    for shown in store::products::variants_of(tx, id)? {
        told.insert(format!("variant {}", shown.sku.as_str()), variant(&shown));
    }
    let pictures: Vec<Json> = pictures
        .into_iter()
        .map(|picture| json!({ "id": picture.picture.id, "alt": picture.alt }))
        .collect();
    told.insert("pictures".to_owned(), Json::Array(pictures));
    Ok(Some(Json::Object(told)))
}

/// A product with where it stands besides.
pub(super) fn product_and_places(tx: &mut Tx<'_>, id: &ProductId) -> Result<Option<Json>, DbError> {
    let Some(Json::Object(mut told)) = product(tx, id)? else {
        return Ok(None);
    };
    let categories = store::places::categories_of(tx, id)?;
    let collections = store::places::collections_of(tx, id)?;
    told.insert("categories".to_owned(), json!(categories));
    told.insert("collections".to_owned(), json!(collections));
    Ok(Some(Json::Object(told)))
}

fn variant(variant: &Variant) -> Json {
    json!({
        "title": variant.title,
        "barcode": variant.barcode,
        "price": variant.price,
        "compare_at": variant.compare_at,
        "weight_grams": variant.weight_grams,
        "content": variant.content,
        "stock_tracked": variant.stock_tracked,
    })
}

/// A category; nothing if there is none.
pub(super) fn category(tx: &mut Tx<'_>, id: &CategoryId) -> Result<Option<Json>, DbError> {
    let found: Option<Category> = store::categories::find(tx, id)?;
    Ok(found.map(|category| {
        json!({
            "parent": category.parent_id,
            "slug": category.slug,
            "title": category.title,
            "intro": category.intro,
        })
    }))
}

/// A collection; nothing if there is none.
pub(super) fn collection(tx: &mut Tx<'_>, id: &CollectionId) -> Result<Option<Json>, DbError> {
    let Some(Collection {
        slug, title, intro, ..
    }) = store::collections::find(tx, id)?
    else {
        return Ok(None);
    };
    let products = store::collections::placed(tx, id)?;
    Ok(Some(
        json!({ "slug": slug, "title": title, "intro": intro, "products": products }),
    ))
}

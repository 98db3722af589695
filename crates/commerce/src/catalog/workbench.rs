//! The workbench: a product as the back office opens and saves it, with where it stands and the stock it begins with; its
//! copies; and the state of many products at once.

use std::collections::{HashMap, HashSet};

use db::{DbError, Tx};
use kernel::{CategoryId, CollectionId, Money, ProductId, Sku, Slug, VariantId};
use serde_json::{Map, Value as Json, json};

use super::edit::{self, Fault, OpenedProduct, Problem, SaveProductError, Saved};
use super::{
    ProductStatus, SaveOption, SavePicture, SaveProduct, SaveValue, SaveVariant, Target, TaxClass,
    store, told,
};
use crate::audit::{self, Change};
use crate::inventory::{self, AdjustStockError, MovementKind, StockRow};
use crate::staff::{AdjustStock, Authorized, EditProducts};
use crate::{Act, Internal, Shop};

/// Products whose state can be changed at once.
pub const AT_ONCE: usize = 100;

/// Where a product stands: what it was put into itself, not the categories above.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// Its categories.
    pub categories: Vec<CategoryId>,
    /// Its collections.
    pub collections: Vec<CollectionId>,
}

/// A product with all that is edited on its page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workpiece {
    /// The product with its parts.
    pub opened: OpenedProduct,
    /// Where it stands.
    pub places: Places,
    /// The stock of its variants.
    pub stock: HashMap<VariantId, StockRow>,
}

/// The product of this id, whatever its state. At most eight statements.
pub fn open(tx: &mut Tx<'_>, id: &ProductId) -> Result<Option<Workpiece>, DbError> {
    let Some(product) = store::products::product_by_id(tx, id)? else {
        return Ok(None);
    };
    let opened = edit::opened(tx, product)?;
    let variants: Vec<VariantId> = opened.variants.iter().map(|one| one.id.clone()).collect();
    Ok(Some(Workpiece {
        opened,
        places: Places {
            categories: store::places::categories_of(tx, id)?,
            collections: store::places::collections_of(tx, id)?,
        },
        stock: inventory::stock_rows(tx, &variants)?,
    }))
}

/// A product as its page wants it, all of it at once.
#[derive(Debug, Clone)]
pub struct SaveWork {
    /// The product with its parts.
    pub product: SaveProduct,
    /// Where it stands.
    pub places: Places,
    /// Whether it is sold.
    pub status: ProductStatus,
    /// Pieces that are there of a variant, by its place in the list.
    pub opening: Vec<(usize, i64)>,
}

/// Creates or changes a product, puts it where it stands, on the shelf or off it, and receives the stock it begins with:
/// all of it or nothing.
///
/// `stock` is the permission to receive that stock; without it, none is.
pub async fn save_work(
    shop: &Shop,
    staff: Authorized<EditProducts>,
    stock: Option<Authorized<AdjustStock>>,
    work: SaveWork,
) -> Result<Saved, SaveProductError> {
    let may_receive = stock.is_some();
    audit::change(shop, shop.act(staff.actor()), move |tx, act| {
        let before = match &work.product.target {
            Target::New => None,
            Target::Existing { id, .. } => told::product_and_places(tx, id)?,
        };
        let saved = edit::save(tx, act, &work.product)?;
        let saved = furnish(tx, act, &work, saved)?;
        let mut after = told::product_and_places(tx, &saved.id)?;
        if may_receive {
            let received = receive(tx, act, (&work, &saved))?;
            if let Some(Json::Object(after)) = &mut after {
                after.extend(received);
            }
        }
        let change = Change::new("product.save", "product", &saved.id);
        let change = match before {
            Some(before) => change.between(before, after),
            None => change.to(after),
        };
        Ok((saved, change))
    })
    .await
}

/// Puts a saved product where it stands and gives it its state.
fn furnish(
    tx: &mut Tx<'_>,
    act: &Act,
    work: &SaveWork,
    mut saved: Saved,
) -> Result<Saved, SaveProductError> {
    store::places::put_into_categories(tx, &saved.id, &work.places.categories)?;
    store::places::put_into_collections(tx, &saved.id, &work.places.collections)?;
    let product =
        store::products::product_by_id(tx, &saved.id)?.ok_or(SaveProductError::NotFound)?;
    store::categories::inherit(tx, product.revision)?;
    if product.status != work.status
        && store::products::update_status(tx, &product, work.status, product.revision, act.now)?
    {
        saved.version = saved.version.saturating_add(1);
    }
    Ok(saved)
}

/// Receives the stock a product begins with at the nearest location, and says what came in.
fn receive(
    tx: &mut Tx<'_>,
    act: &Act,
    (work, saved): (&SaveWork, &Saved),
) -> Result<Map<String, Json>, SaveProductError> {
    let mut received = Map::new();
    let fault = |place: usize, problem: Problem| {
        SaveProductError::Invalid(vec![Fault {
            field: format!("variants.{place}.opening"),
            problem,
        }])
    };
    let nearest = match work.opening.first() {
        None => return Ok(received),
        Some((place, _)) => inventory::locations(tx)?
            .into_iter()
            .next()
            .ok_or_else(|| fault(*place, Problem::NoPlace))?,
    };
    for (place, pieces) in &work.opening {
        let Some(variant) = saved.variants.get(*place) else {
            return Err(fault(*place, Problem::Foreign));
        };
        let cmd = inventory::AdjustStock {
            variant_id: variant.clone(),
            location_id: nearest.id.clone(),
            kind: MovementKind::Received,
            change: *pieces,
            reason: "Stock to begin with".to_owned(),
        };
        match inventory::adjust(tx, act, &cmd) {
            Ok((_, on_hand)) => {
                received.insert(format!("stock {variant}"), json!(on_hand));
            }
            Err(AdjustStockError::Internal(error)) => return Err(error.into()),
            Err(_) => return Err(fault(*place, Problem::BadPieces)),
        }
    }
    Ok(received)
}

/// Starts a product from its name and its price: a draft in one form only, with an address and an article number made from
/// the name.
pub async fn start_product(
    shop: &Shop,
    staff: Authorized<EditProducts>,
    (title, price): (String, Money),
) -> Result<Saved, SaveProductError> {
    audit::change(shop, shop.act(staff.actor()), move |tx, act| {
        let slug = free_slug(tx, &Slug::from_title(&title))?;
        let mut product = SaveProduct {
            target: Target::New,
            title: title.clone(),
            summary: String::new(),
            description: String::new(),
            facts: Vec::new(),
            tax_class: TaxClass::Standard,
            currency: price.currency(),
            options: Vec::new(),
            variants: vec![SaveVariant {
                id: None,
                values: Vec::new(),
                sku: sku(&slug.as_str().to_uppercase(), "")?,
                barcode: None,
                price,
                compare_at: None,
                weight_grams: 0,
                content: None,
                stock_tracked: true,
            }],
            pictures: Vec::new(),
            slug,
        };
        free_skus(tx, act, &mut product.variants)?;
        let saved = edit::save(tx, act, &product)?;
        let change = Change::new("product.save", "product", &saved.id)
            .to(told::product_and_places(tx, &saved.id)?);
        Ok((saved, change))
    })
    .await
}

/// Makes a draft like this product, standing where it stands, with an address and article numbers of its own and no stock.
pub async fn duplicate_product(
    shop: &Shop,
    staff: Authorized<EditProducts>,
    id: ProductId,
) -> Result<Saved, SaveProductError> {
    audit::change(shop, shop.act(staff.actor()), move |tx, act| {
        let work = open(tx, &id)?.ok_or(SaveProductError::NotFound)?;
        let wanted = format!("{}-copy", cut(work.opened.product.slug.as_str(), 100));
        let wanted = Slug::parse(&wanted).unwrap_or_else(|_long| Slug::from_title(&wanted));
        let slug = free_slug(tx, &wanted)?;
        let mut product = copy_of(&work.opened, slug)?;
        free_skus(tx, act, &mut product.variants)?;
        let saved = edit::save(tx, act, &product)?;
        let copy = SaveWork {
            product,
            places: work.places,
            status: ProductStatus::Draft,
            opening: Vec::new(),
        };
        let saved = furnish(tx, act, &copy, saved)?;
        let change = Change::new("product.duplicate", "product", &saved.id)
            .from(json!({ "copy_of": id }))
            .to(told::product_and_places(tx, &saved.id)?);
        Ok((saved, change))
    })
    .await
}

/// Gives products their states, whatever version they have: for actions on a list. Answers with the states of those that
/// had another one before, to be given back; those that are not there any more are passed over.
pub async fn set_statuses(
    shop: &Shop,
    staff: Authorized<EditProducts>,
    wanted: Vec<(ProductId, ProductStatus)>,
) -> Result<Vec<(ProductId, ProductStatus)>, SaveProductError> {
    audit::change(shop, shop.act(staff.actor()), move |tx, act| {
        let revision = store::next_revision(tx)?;
        let mut before = Vec::new();
        let (mut from, mut to) = (Map::new(), Map::new());
        for (id, status) in wanted.iter().take(AT_ONCE) {
            let Some(product) = store::products::product_by_id(tx, id)? else {
                continue;
            };
            if product.status == *status {
                continue;
            }
            if store::products::update_status(tx, &product, *status, revision, act.now)? {
                from.insert(id.to_string(), json!(product.status));
                to.insert(id.to_string(), json!(status));
                before.push((id.clone(), product.status));
            }
        }
        let change = match before.as_slice() {
            [] => Change::none(),
            [(one, _)] => Change::new("product.set_status", "product", one)
                .from(json!({ "status": from.values().next() }))
                .to(json!({ "status": to.values().next() })),
            _ => Change::new("product.set_status", "products", before.len())
                .from(Json::Object(from))
                .to(Json::Object(to)),
        };
        Ok((before, change))
    })
    .await
}

/// The product as a new one.
fn copy_of(opened: &OpenedProduct, slug: Slug) -> Result<SaveProduct, SaveProductError> {
    let OpenedProduct {
        product, options, ..
    } = opened;
    let options: Vec<SaveOption> = options
        .iter()
        .map(|option| SaveOption {
            id: None,
            slug: Some(option.slug.clone()),
            name: option.name.clone(),
            values: option
                .values
                .iter()
                .map(|value| SaveValue {
                    id: None,
                    slug: Some(value.slug.clone()),
                    name: value.name.clone(),
                    swatch: value.swatch.clone(),
                })
                .collect(),
        })
        .collect();
    let mut variants = Vec::with_capacity(opened.variants.len());
    for variant in &opened.variants {
        let slugs = variant.value_slugs().zip(&opened.options);
        let values = slugs.filter_map(|(slug, option)| {
            let value = option
                .values
                .iter()
                .find(|value| value.slug.as_str() == slug)?;
            Some(value.name.clone())
        });
        variants.push(SaveVariant {
            id: None,
            values: values.collect(),
            sku: sku(variant.sku.as_str(), "-COPY")?,
            barcode: None,
            price: variant.price,
            compare_at: variant.compare_at,
            weight_grams: variant.weight_grams,
            content: variant.content,
            stock_tracked: variant.stock_tracked,
        });
    }
    let pictures = opened.pictures.iter().map(|shown| SavePicture {
        media: shown.picture.id.clone(),
        alt: shown.alt.clone(),
    });
    Ok(SaveProduct {
        target: Target::New,
        slug,
        title: product.title.clone(),
        summary: product.summary.clone(),
        description: product.description.clone(),
        facts: product.facts.clone(),
        tax_class: product.tax_class,
        currency: product.currency,
        options,
        variants,
        pictures: pictures.collect(),
    })
}

/// This address, or else it with the first number behind it that is free.
fn free_slug(tx: &mut Tx<'_>, wanted: &Slug) -> Result<Slug, DbError> {
    let stem = cut(wanted.as_str(), 110);
    let taken: HashSet<String> = store::places::slugs_like(tx, stem)?
        .into_iter()
        .map(|slug| slug.to_string())
        .collect();
    let free = std::iter::once(stem.to_owned())
        .chain((2..=2_001).map(|number| format!("{stem}-{number}")))
        .find(|slug| !taken.contains(slug))
        .and_then(|slug| Slug::parse(&slug).ok());
    Ok(free.unwrap_or_else(|| wanted.clone()))
}

/// Gives those variants whose article number is taken, by others or among themselves, one with something random behind it.
fn free_skus(tx: &mut Tx<'_>, act: &Act, variants: &mut [SaveVariant]) -> Result<(), Internal> {
    let skus: Vec<Sku> = variants.iter().map(|one| one.sku.clone()).collect();
    let nobody = ProductId::new(&*act.ids);
    let mut taken: HashSet<Sku> = store::products::skus_of_others(tx, &nobody, &skus)?
        .into_iter()
        .collect();
    for variant in variants {
        if taken.contains(&variant.sku) {
            let random = VariantId::new(&*act.ids).as_str().to_uppercase();
            let start = random.len().saturating_sub(6);
            let tail = format!("-{}", random.get(start..).unwrap_or(&random));
            variant.sku = sku(variant.sku.as_str(), &tail)?;
        }
        taken.insert(variant.sku.clone());
    }
    Ok(())
}

/// An article number with this behind it, cut to what an article number can hold.
fn sku(stem: &str, tail: &str) -> Result<Sku, Internal> {
    let room = 64_usize.saturating_sub(tail.chars().count());
    let stem: String = stem.chars().take(room).collect();
    Sku::parse(&format!("{}{tail}", stem.trim_end()))
        .map_err(|error| Internal::bug(error.to_string()))
}

/// The beginning of an address that is at most this long.
fn cut(slug: &str, most: usize) -> &str {
    slug.get(..most.min(slug.len()))
        .unwrap_or(slug)
        .trim_end_matches('-')
}

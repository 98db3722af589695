//! The demo shop's goods: `demo/catalog.json` and its pictures, put into the shop by the shop's own operations.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use commerce::catalog::{
    self, Color, Content, ContentUnit, OpenedProduct, ProductStatus, SaveCategory, SaveCollection,
    SaveOption, SavePicture, SaveProduct, SaveValue, SaveVariant, Target, TaxClass,
};
use commerce::inventory::{self, AdjustStock, MovementKind, adjust_stock, create_location};
use commerce::media::{self, ReadyPicture};
use commerce::staff::Operator;
use commerce::{Shop, search};
use kernel::time::{DAY, ManualClock};
use kernel::{CategoryId, Currency, LocationId, ProductId, Sku, Slug, VariantId};
use serde::Deserialize;

use crate::Failure;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Goods {
    locations: Vec<String>,
    categories: Vec<CategoryGoods>,
    products: Vec<ProductGoods>,
    collections: Vec<CollectionGoods>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CategoryGoods {
    slug: Slug,
    title: String,
    intro: String,
    #[serde(default)]
    children: Vec<CategoryGoods>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CollectionGoods {
    slug: Slug,
    title: String,
    intro: String,
    products: Vec<Slug>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProductGoods {
    slug: Slug,
    title: String,
    categories: Vec<Slug>,
    published_days_ago: u32,
    tax: TaxClass,
    summary: String,
    description: String,
    facts: Vec<String>,
    options: Vec<OptionGoods>,
    variants: Vec<VariantGoods>,
    pictures: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OptionGoods {
    name: String,
    values: Vec<ValueGoods>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ValueGoods {
    name: String,
    swatch: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VariantGoods {
    values: Vec<String>,
    sku: Sku,
    barcode: String,
    /// In cents, with tax.
    price: i64,
    /// In cents, if it is reduced.
    was: Option<i64>,
    grams: u32,
    content: Option<ContentGoods>,
    /// Pieces at each location.
    stock: Vec<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContentGoods {
    amount: u32,
    unit: ContentUnit,
}

#[derive(Deserialize)]
struct PictureNote {
    file: String,
    alt: String,
    ground: String,
}

/// Brings the goods in, unless they are there. A run that was interrupted is taken up where it ended.
pub(super) async fn seed_catalog(shop: &Shop) -> Result<(), Failure> {
    let goods: Goods = serde_json::from_str(include_str!("../../../../demo/catalog.json"))?;
    let Some(last) = goods.collections.last() else {
        return Ok(());
    };
    if catalog::find_collection(shop, last.slug.clone())
        .await?
        .is_some()
    {
        return Ok(());
    }
    let pictures = hang_pictures(shop).await?;
    let locations = locations(shop, &goods.locations).await?;
    let mut products = HashMap::new();
    for product in &goods.products {
        let id = put_on_the_shelf(shop, product, &pictures, &locations).await?;
        products.insert(product.slug.clone(), id);
    }
    categories(shop, &goods, &products).await?;
    for (position, collection) in (0_u32..).zip(&goods.collections) {
        let known = catalog::find_collection(shop, collection.slug.clone()).await?;
        let wanted = SaveCollection {
            id: known.map(|known| known.id),
            slug: collection.slug.clone(),
            title: collection.title.clone(),
            intro: collection.intro.clone(),
            position,
            products: collection
                .products
                .iter()
                .filter_map(|slug| products.get(slug).cloned())
                .collect(),
        };
        catalog::save_collection(shop, operator().may(), wanted).await?;
    }
    Ok(search::catch_up(shop).await?)
}

fn operator() -> Operator {
    Operator::at_the_command_line()
}

/// Puts the pictures into the shop's store, by name.
async fn hang_pictures(shop: &Shop) -> Result<HashMap<String, SavePicture>, Failure> {
    let notes: Vec<PictureNote> =
        serde_json::from_str(include_str!("../../../../demo/pictures/manifest.json"))?;
    let mut hung: HashMap<String, SavePicture> = HashMap::new();
    for (name, files) in PICTURES {
        let file = format!("{name}.webp");
        let note = notes
            .iter()
            .find(|note| note.file == file)
            .ok_or("a demo picture is not in its manifest")?;
        let ready = ReadyPicture {
            files: files
                .iter()
                .map(|(width, bytes)| (*width, Bytes::from_static(bytes)))
                .collect(),
            ground: Color::parse(&note.ground).ok_or("a demo picture's ground is not a colour")?,
        };
        let media = media::install(shop, operator().may(), ready).await?.id;
        hung.insert(
            (*name).to_owned(),
            SavePicture {
                media,
                alt: note.alt.clone(),
            },
        );
    }
    Ok(hung)
}

async fn locations(shop: &Shop, names: &[String]) -> Result<Vec<LocationId>, Failure> {
    let known = shop.db.read(inventory::locations).await?;
    let mut ids = Vec::new();
    for name in names {
        ids.push(match known.iter().find(|location| location.name == *name) {
            Some(location) => location.id.clone(),
            None => create_location(shop, operator().may(), name).await?.id,
        });
    }
    Ok(ids)
}

/// Puts one product with its stock on sale, on the day it was first sold.
async fn put_on_the_shelf(
    shop: &Shop,
    goods: &ProductGoods,
    pictures: &HashMap<String, SavePicture>,
    locations: &[LocationId],
) -> Result<ProductId, Failure> {
    let day = shop
        .clock
        .now()
        .plus(i64::from(goods.published_days_ago).saturating_mul(-DAY));
    let shop = Shop {
        clock: Arc::new(ManualClock::at(day)),
        ..shop.clone()
    };
    if open(&shop, goods).await?.is_none() {
        catalog::save_product(&shop, operator().may(), command(goods, pictures)).await?;
    }
    let opened = open(&shop, goods)
        .await?
        .ok_or("a demo product was saved and cannot be found")?;
    for (variant, wanted) in opened.variants.iter().zip(&goods.variants) {
        bring_in(&shop, &variant.id, &wanted.stock, locations).await?;
    }
    let OpenedProduct { product, .. } = opened;
    if product.status == ProductStatus::Draft {
        let (id, active) = (product.id.clone(), ProductStatus::Active);
        catalog::set_status(&shop, operator().may(), id, product.version, active).await?;
    }
    Ok(product.id)
}

async fn open(shop: &Shop, goods: &ProductGoods) -> Result<Option<OpenedProduct>, Failure> {
    Ok(catalog::open_product(shop, operator().may(), goods.slug.clone()).await?)
}

fn command(goods: &ProductGoods, pictures: &HashMap<String, SavePicture>) -> SaveProduct {
    let value = |value: &ValueGoods| SaveValue {
        id: None,
        slug: None,
        name: value.name.clone(),
        swatch: value.swatch.as_deref().and_then(Color::parse),
    };
    let options = goods.options.iter().map(|option| SaveOption {
        id: None,
        slug: None,
        name: option.name.clone(),
        values: option.values.iter().map(value).collect(),
    });
    let variants = goods.variants.iter().map(|variant| SaveVariant {
        id: None,
        values: variant.values.clone(),
        sku: variant.sku.clone(),
        barcode: Some(variant.barcode.clone()),
        price: Currency::EUR.minor(variant.price),
        compare_at: variant.was.map(|cents| Currency::EUR.minor(cents)),
        weight_grams: variant.grams,
        content: variant.content.as_ref().map(|content| Content {
            amount: content.amount,
            unit: content.unit,
        }),
        stock_tracked: true,
    });
    SaveProduct {
        target: Target::New,
        slug: goods.slug.clone(),
        title: goods.title.clone(),
        summary: goods.summary.clone(),
        description: goods.description.clone(),
        facts: goods.facts.clone(),
        tax_class: goods.tax,
        currency: Currency::EUR,
        options: options.collect(),
        variants: variants.collect(),
        pictures: goods
            .pictures
            .iter()
            .filter_map(|name| pictures.get(name).cloned())
            .collect(),
    }
}

/// The first delivery of a variant, unless stock of it was counted before.
async fn bring_in(
    shop: &Shop,
    variant: &VariantId,
    stock: &[i64],
    locations: &[LocationId],
) -> Result<(), Failure> {
    let asked = variant.clone();
    if !shop
        .db
        .read(move |tx| inventory::movements(tx, &asked))
        .await?
        .is_empty()
    {
        return Ok(());
    }
    for (pieces, location) in stock
        .iter()
        .zip(locations)
        .filter(|(pieces, _)| **pieces > 0)
    {
        let received = AdjustStock {
            variant_id: variant.clone(),
            location_id: location.clone(),
            kind: MovementKind::Received,
            change: *pieces,
            reason: "First delivery".to_owned(),
        };
        adjust_stock(shop, operator().may(), received).await?;
    }
    Ok(())
}

async fn categories(
    shop: &Shop,
    goods: &Goods,
    products: &HashMap<Slug, ProductId>,
) -> Result<(), Failure> {
    for (position, top) in (0_u32..).zip(&goods.categories) {
        let id = category(shop, top, None, position).await?;
        fill(shop, goods, products, (top, id.clone())).await?;
        for (position, below) in (0_u32..).zip(&top.children) {
            let child = category(shop, below, Some(id.clone()), position).await?;
            fill(shop, goods, products, (below, child)).await?;
        }
    }
    Ok(())
}

async fn category(
    shop: &Shop,
    goods: &CategoryGoods,
    parent: Option<CategoryId>,
    position: u32,
) -> Result<CategoryId, Failure> {
    let known = catalog::find_category(shop, goods.slug.clone()).await?;
    let wanted = SaveCategory {
        id: known.map(|known| known.category.id),
        slug: goods.slug.clone(),
        title: goods.title.clone(),
        intro: goods.intro.clone(),
        parent,
        position,
    };
    Ok(catalog::save_category(shop, operator().may(), wanted).await?)
}

async fn fill(
    shop: &Shop,
    goods: &Goods,
    products: &HashMap<Slug, ProductId>,
    (category, id): (&CategoryGoods, CategoryId),
) -> Result<(), Failure> {
    let inside = goods
        .products
        .iter()
        .filter(|product| product.categories.contains(&category.slug));
    let inside: Vec<ProductId> = inside
        .filter_map(|product| products.get(&product.slug).cloned())
        .collect();
    Ok(catalog::place_products(shop, operator().may(), id, inside).await?)
}

/// A picture's name and its files by width.
type PictureFiles = (&'static str, [(u32, &'static [u8]); 5]);

macro_rules! pictures {
    ($($name:literal),+ $(,)?) => {
        /// The pictures. `demo/README.md` says how they were made.
        const PICTURES: &[PictureFiles] = &[$((
            $name,
            [
                (320, include_bytes!(concat!("../../../../demo/pictures/320/", $name, ".webp"))),
                (480, include_bytes!(concat!("../../../../demo/pictures/480/", $name, ".webp"))),
                (640, include_bytes!(concat!("../../../../demo/pictures/640/", $name, ".webp"))),
                (800, include_bytes!(concat!("../../../../demo/pictures/800/", $name, ".webp"))),
                (1_200, include_bytes!(concat!("../../../../demo/pictures/", $name, ".webp"))),
            ],
        )),+];
    };
}

pictures! {
    "brass-scoop-1",
    "butter-bell-1",
    "canal-at-six-1",
    "canal-at-six-2",
    "cedar-and-ink-candle-1",
    "dye-works-dripper-1",
    "dye-works-dripper-2",
    "eleven-rings-1",
    "ember-jar-candle-1",
    "ember-jar-candle-2",
    "filter-papers-100-1",
    "first-frost-filter-1",
    "half-apron-1",
    "hearthlight-espresso-1",
    "hearthlight-espresso-2",
    "heron-jug-1",
    "heron-jug-2",
    "kitchen-alphabet-1",
    "ledge-plate-1",
    "linen-tea-towels-1",
    "linen-tea-towels-2",
    "low-sun-1",
    "low-sun-2",
    "low-tide-decaf-1",
    "marigold-bowl-1",
    "marigold-bowl-2",
    "market-tote-1",
    "market-tote-2",
    "moss-planter-1",
    "oak-board-1",
    "oak-board-2",
    "oat-tumbler-1",
    "oat-tumbler-2",
    "orchard-grid-1",
    "riso-postcards-8-1",
    "salt-pig-1",
    "salt-pig-2",
    "seconds-box-1",
    "stub-candle-holder-1",
    "tarn-vase-1",
    "tarn-vase-2",
    "thumb-cups-1",
    "tide-platter-1",
    "tool-wall-1",
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use commerce::catalog::{Card, Listing, ProductPage, Scope, Shown, Sort};
    use commerce::schema::MIGRATIONS;
    use commerce::testing::TestShop;
    use db::testing::TestDatabase;
    use kernel::PageRequest;

    use super::*;

    fn goods() -> Goods {
        serde_json::from_str(include_str!("../../../../demo/catalog.json")).unwrap()
    }

    #[test]
    fn the_demo_goods_are_complete_and_point_nowhere_else() {
        let goods = goods();
        let mut shelves: HashSet<&Slug> = goods
            .categories
            .iter()
            .map(|category| &category.slug)
            .collect();
        shelves.extend(
            goods
                .categories
                .iter()
                .flat_map(|top| &top.children)
                .map(|below| &below.slug),
        );
        let mut pictures: HashSet<&str> = PICTURES.iter().map(|(name, _)| *name).collect();
        for product in &goods.products {
            assert!(
                !product.pictures.is_empty(),
                "{} has no picture",
                product.slug
            );
            for picture in &product.pictures {
                assert!(
                    pictures.remove(picture.as_str()),
                    "{picture} is not there, or used twice"
                );
            }
            assert!(
                product.categories.iter().all(|slug| shelves.contains(slug)),
                "{}",
                product.slug
            );
            assert!(
                product.summary.matches(". ").count() == 1 && product.summary.ends_with('.'),
                "{}",
                product.slug
            );
            assert!(
                !product.description.contains('!') && !product.summary.contains('!'),
                "{}",
                product.slug
            );
            assert!((2..=4).contains(&product.facts.len()), "{}", product.slug);
            let combinations: usize = product
                .options
                .iter()
                .map(|option| option.values.len())
                .product();
            assert_eq!(product.variants.len(), combinations, "{}", product.slug);
            assert!(
                product
                    .variants
                    .iter()
                    .all(|variant| variant.stock.len() == goods.locations.len())
            );
        }
        assert!(pictures.is_empty(), "no product shows {pictures:?}");
        let slugs: HashSet<&Slug> = goods.products.iter().map(|product| &product.slug).collect();
        assert!(
            goods
                .collections
                .iter()
                .flat_map(|collection| &collection.products)
                .all(|slug| slugs.contains(slug))
        );
    }

    #[test]
    fn the_demo_barcodes_are_for_internal_use_and_check_out() {
        let mut seen = HashSet::new();
        for variant in goods()
            .products
            .iter()
            .flat_map(|product| &product.variants)
        {
            let digits: Vec<u32> = variant
                .barcode
                .chars()
                .filter_map(|c| c.to_digit(10))
                .collect();
            assert_eq!((digits.len(), digits[0]), (13, 2), "{}", variant.sku);
            let sum: u32 = digits
                .iter()
                .zip([1, 3].into_iter().cycle())
                .map(|(digit, weight)| digit * weight)
                .sum();
            assert_eq!(sum % 10, 0, "{}", variant.sku);
            assert!(seen.insert(variant.barcode.clone()));
        }
    }

    async fn filled() -> (TestDatabase, Shop) {
        let database = TestDatabase::sqlite(MIGRATIONS).await;
        let shop = TestShop::on((*database).clone(), None).await.shop;
        seed_catalog(&shop).await.unwrap();
        (database, shop)
    }

    async fn newest(shop: &Shop) -> Vec<Card> {
        let page = PageRequest::new(1, 100);
        let listing = Listing {
            scope: Scope::All,
            sort: Sort::Newest,
            page,
        };
        catalog::list_cards(shop, listing).await.unwrap().items
    }

    async fn tarn(shop: &Shop) -> ProductPage {
        let slug = Slug::parse("tarn-vase").unwrap();
        match catalog::find_product_page(shop, slug).await.unwrap() {
            Some(Shown::Product(page)) => *page,
            other => panic!("the vase is on sale: {other:?}"),
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_demo_shop_shows_every_state_of_stock() {
        let (_database, shop) = filled().await;
        let cards = newest(&shop).await;
        assert_eq!(
            (cards.len(), cards[0].slug.as_str()),
            (31, "first-frost-filter")
        );
        let available = |slug: &str| {
            cards
                .iter()
                .find(|card| card.slug.as_str() == slug)
                .unwrap()
                .available
        };
        assert_eq!(
            (available("thumb-cups"), available("tide-platter")),
            (Some(3), Some(0))
        );
        let tarn = tarn(&shop).await;
        assert_eq!(
            tarn.variant_by_slugs(&["spruce", "24-cm"])
                .unwrap()
                .available,
            Some(7)
        );
        assert_eq!(
            tarn.variant_by_slugs(&["spruce", "32-cm"])
                .unwrap()
                .available,
            Some(0)
        );
        let path: Vec<&str> = tarn
            .path
            .iter()
            .map(|category| category.title.as_str())
            .collect();
        assert_eq!(
            (path, tarn.pictures.len()),
            (vec!["Ceramics", "Vases and jugs"], 2)
        );
        assert_eq!(commerce::verify::verify(&shop).await.unwrap(), []);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_second_start_of_the_demo_changes_nothing() {
        let (_database, shop) = filled().await;
        let tarn = tarn(&shop).await.product;
        let off = ProductStatus::Archived;
        catalog::set_status(&shop, operator().may(), tarn.id, tarn.version, off)
            .await
            .unwrap();
        search::catch_up(&shop).await.unwrap();
        let before = shop.search.reached();
        seed_catalog(&shop).await.unwrap();
        search::catch_up(&shop).await.unwrap();
        assert_eq!(shop.search.reached(), before);
        assert_eq!(
            newest(&shop).await.len(),
            30,
            "what was taken off the shelf stays off"
        );
    }
}

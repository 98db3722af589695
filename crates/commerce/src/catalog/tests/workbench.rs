//! The workbench of the back office.

use db::{Db, store_contract};
use kernel::{Currency, ProductId, Slug};

use super::{mug, shop, staff, vase};
use crate::Shop;
use crate::catalog::workbench::{
    self, Places, SaveWork, Workpiece, duplicate_product, save_work, set_statuses, start_product,
};
use crate::catalog::{
    Problem, ProductStatus, SaveCategory, SaveCollection, SaveProductError, Target, category_tree,
    list_collections, place_products, save_category, save_collection, save_product, set_status,
};
use crate::inventory::{AdjustStock, MovementKind, adjust_stock, create_location};
use crate::schema::MIGRATIONS;
use crate::staff::Operator;

async fn open(shop: &Shop, id: &ProductId) -> Workpiece {
    let id = id.clone();
    let found = shop.db.read(move |tx| workbench::open(tx, &id)).await;
    found.unwrap().unwrap()
}

async fn receive(shop: &Shop, variant: &kernel::VariantId, pieces: i64) {
    let may = Operator::at_the_command_line().may();
    let place = create_location(shop, may, "Workshop").await.unwrap();
    let cmd = AdjustStock {
        variant_id: variant.clone(),
        location_id: place.id,
        kind: MovementKind::Received,
        change: pieces,
        reason: "From the kiln".to_owned(),
    };
    let may = Operator::at_the_command_line().may();
    adjust_stock(shop, may, cmd).await.unwrap();
}

fn category(title: &str, parent: Option<kernel::CategoryId>) -> SaveCategory {
    SaveCategory {
        id: None,
        slug: Slug::from_title(title),
        title: title.to_owned(),
        intro: String::new(),
        parent,
        position: 0,
    }
}

fn collection(title: &str) -> SaveCollection {
    SaveCollection {
        id: None,
        slug: Slug::from_title(title),
        title: title.to_owned(),
        intro: String::new(),
        position: 0,
        products: Vec::new(),
    }
}

store_contract! {
    migrations = MIGRATIONS;

    async fn a_product_is_saved_with_its_places_its_state_and_the_stock_it_begins_with(db: &Db) {
        let shop = shop(db);
        create_location(&shop, Operator::at_the_command_line().may(), "Workshop").await.unwrap();
        let home = save_category(&shop, staff(), category("Home", None)).await.unwrap();
        let vases = save_category(&shop, staff(), category("Vases", Some(home.clone()))).await.unwrap();
        let gifts = save_collection(&shop, staff(), collection("Gifts")).await.unwrap();
        let work = SaveWork {
            product: vase(),
            places: Places { categories: vec![vases.clone()], collections: vec![gifts.clone()] },
            status: ProductStatus::Active,
            opening: vec![(0, 5), (2, 3)],
        };
        let saved = save_work(&shop, staff(), Some(Operator::at_the_command_line().may()), work.clone()).await.unwrap();

        let opened = open(&shop, &saved.id).await;
        assert_eq!(opened.opened.product.version, saved.version);
        assert_eq!(opened.opened.product.status, ProductStatus::Active);
        assert_eq!(opened.places, work.places);
        let left: Vec<i64> = saved.variants.iter().map(|id| opened.stock.get(id).map_or(0, |row| row.left)).collect();
        assert_eq!(left, [5, 0, 3, 0]);
        let tree = category_tree(&shop).await.unwrap();
        assert_eq!((tree[0].count, tree[0].children[0].count), (1, 1), "it also stands in the category above");
        assert_eq!(list_collections(&shop).await.unwrap()[0].count, 1);

        let mut elsewhere = SaveWork { places: Places { categories: vec![home], collections: vec![] }, opening: vec![], ..work };
        elsewhere.product.target = Target::Existing { id: saved.id.clone(), version: saved.version };
        save_work(&shop, staff(), None, elsewhere.clone()).await.unwrap();
        let tree = category_tree(&shop).await.unwrap();
        assert_eq!((tree[0].count, tree[0].children[0].count), (1, 0), "it left the category it was in");
        assert_eq!(list_collections(&shop).await.unwrap()[0].count, 0);
        let late = save_work(&shop, staff(), None, elsewhere).await.unwrap_err();
        assert!(matches!(late, SaveProductError::Stale { .. }), "{late}");
    }

    async fn a_product_keeps_its_place_in_a_category_when_it_is_saved_again(db: &Db) {
        let shop = shop(db);
        let home = save_category(&shop, staff(), category("Home", None)).await.unwrap();
        let first = save_product(&shop, staff(), mug("First mug", 900)).await.unwrap();
        let second = save_product(&shop, staff(), mug("Second mug", 900)).await.unwrap();
        place_products(&shop, staff(), home.clone(), vec![second.id.clone(), first.id.clone()]).await.unwrap();
        let work = SaveWork {
            product: crate::catalog::SaveProduct {
                target: Target::Existing { id: second.id.clone(), version: 1 },
                ..mug("Second mug", 950)
            },
            places: Places { categories: vec![home.clone()], collections: vec![] },
            status: ProductStatus::Draft,
            opening: vec![],
        };
        save_work(&shop, staff(), None, work).await.unwrap();
        let placed = shop.db.read(move |tx| crate::catalog::store::categories::placed(tx, &home)).await.unwrap();
        assert_eq!(placed, [second.id, first.id]);
    }

    async fn stock_to_begin_with_needs_a_place_and_a_sensible_number_or_nothing_is_written(db: &Db) {
        let shop = shop(db);
        let work = SaveWork { product: mug("Mug", 900), places: Places::default(), status: ProductStatus::Draft, opening: vec![(0, 5)] };
        let may = || Some(Operator::at_the_command_line().may());
        let refused = save_work(&shop, staff(), may(), work.clone()).await.unwrap_err();
        assert!(matches!(&refused, SaveProductError::Invalid(faults) if faults[0].problem == Problem::NoPlace), "{refused}");
        create_location(&shop, Operator::at_the_command_line().may(), "Workshop").await.unwrap();
        let absurd = SaveWork { opening: vec![(0, 2_000_000)], ..work.clone() };
        let refused = save_work(&shop, staff(), may(), absurd).await.unwrap_err();
        assert!(matches!(&refused, SaveProductError::Invalid(faults) if faults[0].field == "variants.0.opening"), "{refused}");
        let saved = save_work(&shop, staff(), None, work).await.unwrap();
        let row = open(&shop, &saved.id).await;
        assert_eq!(row.stock.get(&saved.variants[0]).map_or(0, |row| row.left), 0, "who may not touch stock receives none");
    }

    async fn a_product_starts_as_a_draft_with_an_address_and_a_number_of_its_own(db: &Db) {
        let shop = shop(db);
        let price = Currency::EUR.minor(1_250);
        let first = start_product(&shop, staff(), ("Tea bowl".to_owned(), price)).await.unwrap();
        let second = start_product(&shop, staff(), ("Tea bowl".to_owned(), price)).await.unwrap();
        let (first, second) = (open(&shop, &first.id).await.opened, open(&shop, &second.id).await.opened);
        assert_eq!((first.product.slug.as_str(), first.variants[0].sku.as_str()), ("tea-bowl", "TEA-BOWL"));
        assert_eq!((second.product.slug.as_str(), second.variants[0].sku.as_str()), ("tea-bowl-2", "TEA-BOWL-2"));
        assert_eq!((second.product.status, second.product.min_price), (ProductStatus::Draft, price));
        let nameless = start_product(&shop, staff(), ("  ".to_owned(), price)).await.unwrap_err();
        assert!(matches!(&nameless, SaveProductError::Invalid(faults) if faults[0].field == "title"), "{nameless}");
    }

    async fn a_copy_is_a_draft_with_everything_but_the_stock_and_what_must_be_its_own(db: &Db) {
        let shop = shop(db);
        let home = save_category(&shop, staff(), category("Home", None)).await.unwrap();
        let saved = save_product(&shop, staff(), vase()).await.unwrap();
        place_products(&shop, staff(), home.clone(), vec![saved.id.clone()]).await.unwrap();
        set_status(&shop, staff(), saved.id.clone(), 1, ProductStatus::Active).await.unwrap();
        receive(&shop, &saved.variants[0], 7).await;
        let copies = [
            duplicate_product(&shop, staff(), saved.id.clone()).await.unwrap(),
            duplicate_product(&shop, staff(), saved.id.clone()).await.unwrap(),
        ];
        let original = open(&shop, &saved.id).await;
        let copy = open(&shop, &copies[0].id).await;
        let again = open(&shop, &copies[1].id).await;
        assert_eq!(copy.opened.product.slug.as_str(), "tarn-vase-copy");
        assert_eq!(again.opened.product.slug.as_str(), "tarn-vase-copy-2");
        assert_eq!((copy.opened.product.status, copy.places.categories.as_slice()), (ProductStatus::Draft, &[home][..]));
        let told = |work: &Workpiece| -> Vec<(String, i64)> {
            work.opened.variants.iter().map(|one| (one.title.clone(), one.price.minor())).collect()
        };
        assert_eq!(told(&copy), told(&original));
        assert!(copy.stock.values().all(|row| row.left == 0));
        let mut numbers: Vec<&str> = [&original, &copy, &again]
            .iter()
            .flat_map(|work| work.opened.variants.iter().map(|one| one.sku.as_str()))
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 12, "no number twice: {numbers:?}");
    }

    async fn states_of_many_are_changed_at_once_and_given_back(db: &Db) {
        let shop = shop(db);
        let one = save_product(&shop, staff(), mug("One", 900)).await.unwrap().id;
        let two = save_product(&shop, staff(), mug("Two", 900)).await.unwrap().id;
        set_status(&shop, staff(), two.clone(), 1, ProductStatus::Active).await.unwrap();
        let gone = ProductId::new(&*shop.ids);
        let archive = |ids: &[&ProductId]| ids.iter().map(|id| ((*id).clone(), ProductStatus::Archived)).collect::<Vec<_>>();
        let before = set_statuses(&shop, staff(), archive(&[&one, &two, &gone])).await.unwrap();
        assert_eq!(before, [(one.clone(), ProductStatus::Draft), (two.clone(), ProductStatus::Active)]);
        assert_eq!(set_statuses(&shop, staff(), archive(&[&one, &two])).await.unwrap(), [], "the second click changes nothing");
        set_statuses(&shop, staff(), before).await.unwrap();
        assert_eq!(open(&shop, &one).await.opened.product.status, ProductStatus::Draft);
        assert_eq!(open(&shop, &two).await.opened.product.status, ProductStatus::Active);
    }
}

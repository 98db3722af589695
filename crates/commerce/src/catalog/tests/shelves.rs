//! Categories and collections.

use db::{Db, store_contract};
use kernel::{CategoryId, PageRequest, ProductId, Slug};

use super::{mug, shop, staff};
use crate::Shop;
use crate::catalog::categories::{
    SaveCategory, ShelfError, delete_category, place_products, save_category,
    save_category_with_products,
};
use crate::catalog::collections::{SaveCollection, delete_collection, save_collection};
use crate::catalog::{
    Listing, ProductStatus, Scope, Shown, Sort, category_tree, find_category, find_collection,
    find_product_page, list_cards, list_collections, save_product, set_status,
};
use crate::schema::MIGRATIONS;

async fn product(shop: &Shop, name: &str) -> ProductId {
    let saved = save_product(shop, staff(), mug(name, 1_000)).await.unwrap();
    set_status(shop, staff(), saved.id.clone(), 1, ProductStatus::Active)
        .await
        .unwrap();
    saved.id
}

fn category(name: &str, parent: Option<&CategoryId>, position: u32) -> SaveCategory {
    SaveCategory {
        id: None,
        slug: Slug::from_title(name),
        title: name.to_owned(),
        intro: String::new(),
        parent: parent.cloned(),
        position,
    }
}

async fn titles(shop: &Shop, scope: Scope) -> Vec<String> {
    let listing = Listing {
        scope,
        sort: Sort::Featured,
        page: PageRequest::new(1, 24),
    };
    list_cards(shop, listing)
        .await
        .unwrap()
        .items
        .into_iter()
        .map(|card| card.title)
        .collect()
}

async fn revision_of(shop: &Shop, slug: &str) -> i64 {
    match find_product_page(shop, Slug::parse(slug).unwrap())
        .await
        .unwrap()
    {
        Some(Shown::Product(page)) => page.product.revision,
        other => panic!("{other:?}"),
    }
}

store_contract! {
    migrations = MIGRATIONS;

    async fn a_product_stands_in_its_category_and_all_above_it(db: &Db) {
        let shop = shop(db);
        let ceramics = save_category(&shop, staff(), category("Ceramics", None, 1)).await.unwrap();
        let vases = save_category(&shop, staff(), category("Vases", Some(&ceramics), 2)).await.unwrap();
        let bowls = save_category(&shop, staff(), category("Bowls", Some(&ceramics), 1)).await.unwrap();
        let (tarn, reed, marigold) =
            (product(&shop, "Tarn").await, product(&shop, "Reed").await, product(&shop, "Marigold").await);
        place_products(&shop, staff(), vases.clone(), vec![tarn.clone(), reed.clone()]).await.unwrap();
        place_products(&shop, staff(), bowls.clone(), vec![marigold]).await.unwrap();

        assert_eq!(titles(&shop, Scope::Category(vases.clone())).await, ["Tarn", "Reed"]);
        assert_eq!(titles(&shop, Scope::Category(ceramics.clone())).await, ["Marigold", "Tarn", "Reed"]);
        place_products(&shop, staff(), ceramics.clone(), vec![reed.clone()]).await.unwrap();
        assert_eq!(titles(&shop, Scope::Category(ceramics.clone())).await, ["Reed", "Marigold", "Tarn"]);

        let tree = category_tree(&shop).await.unwrap();
        assert_eq!((tree.len(), tree[0].count), (1, 3));
        let below: Vec<_> = tree[0].children.iter().map(|node| (node.category.title.as_str(), node.count)).collect();
        assert_eq!(below, [("Bowls", 1), ("Vases", 2)]);
        let page = find_category(&shop, Slug::parse("vases").unwrap()).await.unwrap().unwrap();
        assert_eq!(page.path.iter().map(|above| above.title.as_str()).collect::<Vec<_>>(), ["Ceramics"]);
        assert_eq!(page.siblings.iter().map(|beside| beside.title.as_str()).collect::<Vec<_>>(), ["Bowls"]);
        let Some(Shown::Product(page)) = find_product_page(&shop, Slug::parse("tarn").unwrap()).await.unwrap() else {
            panic!()
        };
        assert_eq!(page.path.iter().map(|c| c.title.as_str()).collect::<Vec<_>>(), ["Ceramics", "Vases"]);

        place_products(&shop, staff(), vases.clone(), vec![reed]).await.unwrap();
        assert_eq!(titles(&shop, Scope::Category(ceramics.clone())).await, ["Reed", "Marigold"]);
        place_products(&shop, staff(), ceramics.clone(), vec![]).await.unwrap();
        assert_eq!(titles(&shop, Scope::Category(ceramics)).await, ["Marigold", "Reed"]);
        assert!(find_product_page(&shop, Slug::parse("tarn").unwrap()).await.unwrap().is_some());
    }

    async fn a_category_is_saved_with_its_products_or_not_at_all(db: &Db) {
        let shop = shop(db);
        let (tarn, reed) = (product(&shop, "Tarn").await, product(&shop, "Reed").await);
        let save = |category, products| save_category_with_products(&shop, staff(), category, products);
        let vases = save(category("Vases", None, 1), vec![tarn.clone()]).await.unwrap();
        assert_eq!(titles(&shop, Scope::Category(vases.clone())).await, ["Tarn"]);
        let renamed = SaveCategory { id: Some(vases.clone()), ..category("Tall vases", None, 1) };
        let twice = save(renamed.clone(), vec![reed.clone(), reed.clone()]).await;
        assert!(matches!(twice, Err(ShelfError::Twice(_))), "{twice:?}");
        let tree = category_tree(&shop).await.unwrap();
        assert_eq!((tree[0].category.title.as_str(), tree[0].count), ("Vases", 1), "nothing of it was written");
        assert_eq!(titles(&shop, Scope::Category(vases.clone())).await, ["Tarn"]);
        save(renamed, vec![reed, tarn]).await.unwrap();
        assert_eq!(category_tree(&shop).await.unwrap()[0].category.title, "Tall vases");
        assert_eq!(titles(&shop, Scope::Category(vases)).await, ["Reed", "Tarn"]);
    }

    async fn moving_a_category_takes_its_products_along(db: &Db) {
        let shop = shop(db);
        let home = save_category(&shop, staff(), category("Home", None, 1)).await.unwrap();
        let gifts = save_category(&shop, staff(), category("Gifts", None, 2)).await.unwrap();
        let candles = save_category(&shop, staff(), category("Candles", Some(&home), 1)).await.unwrap();
        let small = save_category(&shop, staff(), category("Small candles", Some(&candles), 1)).await.unwrap();
        let ember = product(&shop, "Ember").await;
        place_products(&shop, staff(), small.clone(), vec![ember]).await.unwrap();
        assert_eq!(titles(&shop, Scope::Category(home.clone())).await, ["Ember"]);
        let before = revision_of(&shop, "ember").await;

        let moved = SaveCategory { id: Some(candles.clone()), ..category("Candles", Some(&gifts), 1) };
        save_category(&shop, staff(), moved).await.unwrap();
        assert!(titles(&shop, Scope::Category(home.clone())).await.is_empty());
        assert_eq!(titles(&shop, Scope::Category(gifts.clone())).await, ["Ember"]);
        assert!(revision_of(&shop, "ember").await > before, "the index must hear of it");

        let below_itself = SaveCategory { id: Some(gifts.clone()), ..category("Gifts", Some(&small), 1) };
        let refused = save_category(&shop, staff(), below_itself).await.unwrap_err();
        assert!(matches!(refused, ShelfError::BelowItself), "{refused}");
        let refused = delete_category(&shop, staff(), candles).await.unwrap_err();
        assert!(matches!(refused, ShelfError::HasChildren), "{refused}");
        delete_category(&shop, staff(), small).await.unwrap();
        assert!(titles(&shop, Scope::Category(gifts)).await.is_empty());
    }

    async fn the_tree_of_categories_has_a_bottom(db: &Db) {
        let shop = shop(db);
        let mut parent = None;
        for level in 1..=6 {
            let next = category(&format!("Level {level}"), parent.as_ref(), 1);
            parent = Some(save_category(&shop, staff(), next).await.unwrap());
        }
        let refused = save_category(&shop, staff(), category("Level 7", parent.as_ref(), 1)).await.unwrap_err();
        assert!(matches!(refused, ShelfError::TooDeep), "{refused}");
        let twice = save_category(&shop, staff(), category("Level 1", None, 1)).await.unwrap_err();
        assert!(matches!(twice, ShelfError::SlugTaken(_)), "{twice}");
    }

    async fn a_collection_keeps_the_order_it_was_given(db: &Db) {
        let shop = shop(db);
        let (a, b, draft) = (product(&shop, "A").await, product(&shop, "B").await, mug("Draft", 1));
        let draft = save_product(&shop, staff(), draft).await.unwrap().id;
        let command = |products| SaveCollection {
            id: None,
            slug: Slug::parse("best").unwrap(),
            title: "Best sellers".to_owned(),
            intro: "What leaves first.".to_owned(),
            position: 1,
            products,
        };
        let id = save_collection(&shop, staff(), command(vec![b.clone(), draft, a.clone()])).await.unwrap();
        assert_eq!(titles(&shop, Scope::Collection(id.clone())).await, ["B", "A"]);
        let found = find_collection(&shop, Slug::parse("best").unwrap()).await.unwrap().unwrap();
        assert_eq!((found.id.clone(), found.count), (id.clone(), 2));

        let twice = SaveCollection { id: Some(id.clone()), ..command(vec![a.clone(), a.clone()]) };
        let refused = save_collection(&shop, staff(), twice).await.unwrap_err();
        assert!(matches!(refused, ShelfError::Twice(_)), "{refused}");
        let unknown = SaveCollection { id: Some(id.clone()), ..command(vec![ProductId::new(&*shop.ids)]) };
        let refused = save_collection(&shop, staff(), unknown).await.unwrap_err();
        assert!(matches!(refused, ShelfError::NotFound("product")), "{refused}");
        assert_eq!(list_collections(&shop).await.unwrap().len(), 1);
        delete_collection(&shop, staff(), id).await.unwrap();
        assert!(list_collections(&shop).await.unwrap().is_empty());
    }
}

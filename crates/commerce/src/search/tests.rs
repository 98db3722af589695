//! The index follows the catalogue.

use std::time::Duration;

use db::{Db, store_contract};
use kernel::PageRequest;

use super::{Order, Results, Search, Spelling, catch_up, follow, search, store};
use crate::Shop;
use crate::catalog::edit::{SaveProduct, Target};
use crate::catalog::tests::{mug, shop, staff, vase};
use crate::catalog::{
    ProductStatus, SaveCategory, Saved, place_products, save_category, save_product, set_status,
};
use crate::index::{Query, Reached, SearchIndex};
use crate::schema::MIGRATIONS;

async fn on_sale(shop: &Shop, product: SaveProduct) -> Saved {
    let mut saved = save_product(shop, staff(), product).await.unwrap();
    saved.version = set_status(
        shop,
        staff(),
        saved.id.clone(),
        saved.version,
        ProductStatus::Active,
    )
    .await
    .unwrap();
    saved
}

async fn find(shop: &Shop, text: &str) -> Results {
    let query = Search {
        text: text.to_owned(),
        order: Order::Relevance,
        page: PageRequest::new(1, 24),
        spelling: Spelling::Correct,
    };
    search(shop, query).await.unwrap()
}

async fn titles(shop: &Shop, text: &str) -> Vec<String> {
    find(shop, text)
        .await
        .cards
        .items
        .into_iter()
        .map(|card| card.title)
        .collect()
}

store_contract! {
    migrations = MIGRATIONS;

    async fn what_is_on_sale_is_found_by_name_value_number_and_category(db: &Db) {
        let shop = shop(db);
        let saved = on_sale(&shop, vase()).await;
        on_sale(&shop, mug("Daily mug", 2_200)).await;
        save_product(&shop, staff(), mug("Draft mug", 1)).await.unwrap();
        let vases = SaveCategory {
            id: None,
            slug: kernel::Slug::parse("vessels").unwrap(),
            title: "Vessels".to_owned(),
            intro: String::new(),
            parent: None,
            position: 1,
        };
        let vases = save_category(&shop, staff(), vases).await.unwrap();
        place_products(&shop, staff(), vases, vec![saved.id]).await.unwrap();
        catch_up(&shop).await.unwrap();
        for text in ["tarn", "ash 24cm", "TARN-Ash-24 cm", "vessel", "tarm vaes"] {
            assert_eq!(titles(&shop, text).await, ["Tarn vase"], "{text}");
        }
        assert_eq!(titles(&shop, "mug").await, ["Daily mug"]);
        assert_eq!(find(&shop, "tarm vaes").await.corrected.as_deref(), Some("tarn vase"));
        assert_eq!(find(&shop, "mug vase").await.words, [("mug".to_owned(), 1), ("vase".to_owned(), 1)]);
    }

    async fn a_change_is_found_after_catching_up_and_what_is_archived_is_not(db: &Db) {
        let shop = shop(db);
        let saved = on_sale(&shop, mug("Mug", 2_200)).await;
        catch_up(&shop).await.unwrap();
        let mut renamed = mug("Mug", 2_200);
        renamed.title = "Beaker".to_owned();
        renamed.target = Target::Existing { id: saved.id.clone(), version: saved.version };
        let saved = save_product(&shop, staff(), renamed).await.unwrap();
        catch_up(&shop).await.unwrap();
        assert_eq!(titles(&shop, "beaker").await, ["Beaker"]);
        set_status(&shop, staff(), saved.id, saved.version, ProductStatus::Archived).await.unwrap();
        catch_up(&shop).await.unwrap();
        assert!(titles(&shop, "beaker").await.is_empty());
    }

    async fn more_products_than_one_batch_are_all_found(db: &Db) {
        let shop = shop(db);
        let count = store::BATCH + 20;
        for number in 0..count {
            on_sale(&shop, mug(&format!("Mug {number}"), 1_000)).await;
        }
        catch_up(&shop).await.unwrap();
        assert_eq!(find(&shop, "mug").await.cards.total, count);
    }

    async fn an_index_of_another_shop_or_of_the_future_starts_anew(db: &Db) {
        let shop = shop(db);
        on_sale(&shop, mug("Mug", 2_200)).await;
        for wrong in [("", 1), ("prod_00000000000000000000000000", 1), ("", 9_999)] {
            let wrong = Reached { shop: wrong.0.to_owned(), revision: wrong.1 };
            shop.search.clear().unwrap();
            shop.search.commit(&wrong).unwrap();
            catch_up(&shop).await.unwrap();
            assert_eq!(titles(&shop, "mug").await, ["Mug"], "{wrong:?}");
        }
    }

    async fn the_database_answers_when_the_index_does_not(db: &Db) {
        let shop = shop(db);
        on_sale(&shop, vase()).await;
        on_sale(&shop, mug("Émile cup 100%", 2_200)).await;
        save_product(&shop, staff(), mug("Draft", 1)).await.unwrap();
        let plainly = async |text: &str| {
            let query = Query {
                text: text.to_owned(),
                order: Order::Newest,
                page: PageRequest::new(1, 24),
                spelling: Spelling::Correct,
            };
            db.read(move |tx| store::find_plainly(tx, &query)).await.unwrap().ids.len()
        };
        for (text, count) in
            [("vase", 1), ("emile", 1), ("TARN-ash", 1), ("draft", 0), ("%", 1), ("_", 0), ("\\", 0), ("", 0), ("a\0b", 0)]
        {
            assert_eq!(plainly(text).await, count, "{text}");
        }
    }

    async fn a_change_is_found_within_a_second_while_the_index_follows(db: &Db) {
        let shop = shop(db);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let following = tokio::spawn(follow(shop.clone(), async { drop(stopped.await) }));
        on_sale(&shop, mug("Mug", 2_200)).await;
        let found = async {
            while titles(&shop, "mug").await.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(1), found).await.expect("the mug is found within a second");
        // Another node learns of it from the database alone.
        let other = Shop { search: SearchIndex::in_memory().unwrap(), ..shop.clone() };
        catch_up(&other).await.unwrap();
        assert_eq!(titles(&other, "mug").await, ["Mug"]);
        drop(stop);
        following.await.unwrap();
    }
}

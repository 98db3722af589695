//! Lists of products.

use db::{Db, store_contract};
use kernel::{PageRequest, ProductId};

use super::{mug, shop, staff, stock, vase};
use crate::Shop;
use crate::catalog::edit::{SaveProduct, Target};
use crate::catalog::{Card, Content, ContentUnit, Listing, ProductStatus, Saved, Scope, Sort};
use crate::catalog::{list_cards, list_cards_by_id, save_product, set_status};
use crate::schema::MIGRATIONS;

async fn on_sale(shop: &Shop, product: SaveProduct, pieces: i64) -> Saved {
    let saved = save_product(shop, staff(), product).await.unwrap();
    set_status(
        shop,
        staff(),
        saved.id.clone(),
        saved.version,
        ProductStatus::Active,
    )
    .await
    .unwrap();
    stock(shop, saved.variants.last().unwrap(), pieces).await;
    saved
}

async fn titles(shop: &Shop, sort: Sort, page: PageRequest) -> Vec<String> {
    let page = list_cards(
        shop,
        Listing {
            scope: Scope::All,
            sort,
            page,
        },
    )
    .await
    .unwrap();
    page.items
        .into_iter()
        .map(|card: Card| card.title)
        .collect()
}

store_contract! {
    migrations = MIGRATIONS;

    async fn products_come_in_the_order_asked_for_and_sold_out_ones_last(db: &Db) {
        let shop = shop(db);
        on_sale(&shop, mug("Émile cup", 1_800), 3).await;
        on_sale(&shop, mug("Daily mug", 2_200), 3).await;
        on_sale(&shop, mug("fine bowl", 900), 0).await;
        on_sale(&shop, vase(), 1).await;
        save_product(&shop, staff(), mug("Draft", 1)).await.unwrap();
        let all = PageRequest::new(1, 24);
        assert_eq!(titles(&shop, Sort::Name, all).await, ["Daily mug", "Émile cup", "fine bowl", "Tarn vase"]);
        assert_eq!(titles(&shop, Sort::PriceUp, all).await, ["fine bowl", "Émile cup", "Daily mug", "Tarn vase"]);
        assert_eq!(titles(&shop, Sort::PriceDown, all).await, ["Tarn vase", "Daily mug", "Émile cup", "fine bowl"]);
        assert_eq!(titles(&shop, Sort::Newest, all).await, ["Tarn vase", "fine bowl", "Daily mug", "Émile cup"]);
        assert_eq!(titles(&shop, Sort::Featured, all).await, ["Tarn vase", "Daily mug", "Émile cup", "fine bowl"]);
    }

    async fn a_long_list_comes_in_pages(db: &Db) {
        let shop = shop(db);
        for number in 1..=5 {
            on_sale(&shop, mug(&format!("Mug {number}"), 1_000), 1).await;
        }
        assert_eq!(titles(&shop, Sort::Name, PageRequest::new(2, 2)).await, ["Mug 3", "Mug 4"]);
        let listing = |number| Listing { scope: Scope::All, sort: Sort::Name, page: PageRequest::new(number, 2) };
        let last = list_cards(&shop, listing(3)).await.unwrap();
        assert_eq!((last.total, last.pages(), last.items.len()), (5, 3, 1));
        let beyond = list_cards(&shop, listing(9)).await.unwrap();
        assert_eq!((beyond.total, beyond.items.len()), (5, 0));
    }

    async fn a_card_tells_prices_savings_colours_and_what_is_left(db: &Db) {
        let shop = shop(db);
        let mut coffee = mug("Coffee", 1_250);
        coffee.variants[0].content = Some(Content { amount: 250, unit: ContentUnit::Gram });
        coffee.variants[0].compare_at = Some(kernel::Currency::EUR.minor(1_500));
        let coffee = on_sale(&shop, coffee, 0).await;
        let vase = on_sale(&shop, vase(), 7).await;
        let mut service = mug("Lesson", 5_000);
        service.variants[0].stock_tracked = false;
        let lesson = on_sale(&shop, service, 0).await;

        let ids = vec![vase.id.clone(), ProductId::new(&kernel::RandomIds), coffee.id.clone(), lesson.id.clone()];
        let cards = list_cards_by_id(&shop, ids).await.unwrap();
        assert_eq!(cards.iter().map(|card| &card.id).collect::<Vec<_>>(), [&vase.id, &coffee.id, &lesson.id]);
        let [vase, coffee, lesson] = &cards[..] else { panic!() };
        assert_eq!((vase.price.minor(), vase.price_varies, vase.available), (4_400, true, Some(7)));
        assert_eq!(vase.swatches.iter().map(|swatch| swatch.name.as_str()).collect::<Vec<_>>(), ["Spruce", "Ash"]);
        assert_eq!(vase.only_variant, None);
        assert_eq!((coffee.price_varies, coffee.is_sold_out()), (false, true));
        assert_eq!(coffee.saving().unwrap().minor(), 250);
        let unit_price = coffee.unit_price.unwrap();
        assert_eq!((unit_price.price.minor(), unit_price.per), (5_000, "kg"));
        assert!(coffee.only_variant.is_some());
        assert_eq!((lesson.available, lesson.is_sold_out()), (None, false));
    }

    async fn archived_products_leave_every_list(db: &Db) {
        let shop = shop(db);
        let saved = on_sale(&shop, mug("Mug", 1_000), 1).await;
        set_status(&shop, staff(), saved.id.clone(), 2, ProductStatus::Archived).await.unwrap();
        assert!(titles(&shop, Sort::Newest, PageRequest::new(1, 24)).await.is_empty());
        assert!(list_cards_by_id(&shop, vec![saved.id.clone()]).await.unwrap().is_empty());
        let mut again = mug("Mug", 1_000);
        again.target = Target::Existing { id: saved.id, version: 3 };
        save_product(&shop, staff(), again).await.unwrap();
        assert!(titles(&shop, Sort::Newest, PageRequest::new(1, 24)).await.is_empty());
    }
}

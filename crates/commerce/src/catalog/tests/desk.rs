//! Products in the lists of staff.

use kernel::{LongPage, PageRequest, ProductId, Total, VariantId};

use super::vase;
use crate::catalog::{
    ProductFilter, ProductRow, ProductSort, ProductStatus, ProductStock, ProductView, SaveCategory,
    count_low_stock, list_products, place_products, save_category, save_product, set_status,
};
use crate::on_both;
use crate::testing::{TestShop, euros, operator};

const NONE: [&str; 0] = [];

fn all() -> ProductFilter {
    ProductFilter {
        view: ProductView::All,
        search: None,
        category: None,
        sort: ProductSort::Changed,
        page: PageRequest::new(1, 50),
        low_stock_at: 5,
    }
}

async fn listed(shop: &TestShop, filter: &ProductFilter) -> LongPage<ProductRow> {
    let filter = filter.clone();
    shop.read(move |tx| Ok(list_products(tx, &filter)?)).await
}

async fn titles(shop: &TestShop, filter: &ProductFilter) -> Vec<String> {
    let page = listed(shop, filter).await;
    assert_eq!(
        page.total,
        Total::Exactly(u32::try_from(page.items.len()).unwrap())
    );
    page.items.into_iter().map(|row| row.title).collect()
}

async fn product_of(shop: &TestShop, variant: &VariantId) -> (ProductId, i64) {
    let sql = format!(
        "SELECT p.id, p.version FROM products p JOIN variants v ON v.product_id = p.id WHERE v.id = '{variant}'"
    );
    shop.rows::<(ProductId, i64)>(&sql).await.remove(0)
}

async fn becomes(shop: &TestShop, variant: &VariantId, status: ProductStatus) {
    let (id, version) = product_of(shop, variant).await;
    set_status(&shop.shop, operator().may(), id, version, status)
        .await
        .unwrap();
}

/// A bowl of which there are 9, a cup of 3, a dish of none, an archived egg cup of 1.
async fn stocked(shop: &TestShop) -> [VariantId; 4] {
    let mut variants = Vec::new();
    for (title, price, stock) in [
        ("Bowl", 3_000, 9),
        ("Cup", 1_000, 3),
        ("Dish", 2_000, 0),
        ("Egg cup", 500, 1),
    ] {
        variants.push(shop.product(title, euros(price), stock).await);
        shop.clock.advance(1_000);
    }
    becomes(shop, &variants[3], ProductStatus::Archived).await;
    variants.try_into().unwrap()
}

on_both! {
    async fn products_are_listed_by_what_they_are_and_how_much_there_is(shop: &TestShop) {
        let [bowl, cup, ..] = stocked(shop).await;
        let view = async |view| titles(shop, &ProductFilter { view, ..all() }).await;
        assert_eq!(view(ProductView::All).await, ["Egg cup", "Dish", "Cup", "Bowl"]);
        assert_eq!(view(ProductView::Active).await, ["Dish", "Cup", "Bowl"]);
        assert_eq!(view(ProductView::Archived).await, ["Egg cup"]);
        assert_eq!(view(ProductView::Draft).await, NONE);
        assert_eq!(view(ProductView::LowStock).await, ["Dish", "Cup"]);
        assert_eq!(view(ProductView::OutOfStock).await, ["Dish"]);
        assert_eq!(shop.read(|tx| Ok(count_low_stock(tx, 5)?)).await, Total::Exactly(2));

        shop.ordered(&[(&bowl, 4)]).await;
        assert_eq!(view(ProductView::LowStock).await, ["Dish", "Cup", "Bowl"], "what is promised is not there any more");
        becomes(shop, &cup, ProductStatus::Draft).await;
        assert_eq!(view(ProductView::Draft).await, ["Cup"]);
    }

    async fn products_are_sorted_as_asked_and_come_in_pages(shop: &TestShop) {
        stocked(shop).await;
        let sorted = async |view, sort| titles(shop, &ProductFilter { view, sort, ..all() }).await;
        assert_eq!(sorted(ProductView::All, ProductSort::Title).await, ["Bowl", "Cup", "Dish", "Egg cup"]);
        assert_eq!(sorted(ProductView::All, ProductSort::Price).await, ["Egg cup", "Cup", "Dish", "Bowl"]);
        assert_eq!(sorted(ProductView::All, ProductSort::Stock).await, ["Dish", "Egg cup", "Cup", "Bowl"]);
        assert_eq!(sorted(ProductView::Active, ProductSort::Price).await, ["Cup", "Dish", "Bowl"]);
        assert_eq!(sorted(ProductView::Active, ProductSort::Stock).await, ["Dish", "Cup", "Bowl"]);
        assert_eq!(sorted(ProductView::LowStock, ProductSort::Title).await, ["Cup", "Dish"]);
        for sort in ProductSort::ALL {
            let whole = sorted(ProductView::All, *sort).await;
            let mut seen = Vec::new();
            for number in 1..=2 {
                let page = listed(shop, &ProductFilter { sort: *sort, page: PageRequest::new(number, 3), ..all() }).await;
                assert_eq!((page.has_next, page.total), (number == 1, Total::Exactly(4)), "{sort}");
                seen.extend(page.items.into_iter().map(|row| row.title));
            }
            assert_eq!(seen, whole, "{sort}");
        }
    }

    async fn products_are_found_by_title_number_and_barcode(shop: &TestShop) {
        stocked(shop).await;
        shop.tamper("UPDATE variants SET barcode = '4006381333931' WHERE sku = 'BOWL'").await;
        for (search, found) in [
            ("cup", vec!["Egg cup", "Cup"]),
            ("CU", vec!["Egg cup", "Cup"]),
            ("cup e", vec!["Egg cup"]),
            ("égg", vec!["Egg cup"]),
            ("egg-c", vec!["Egg cup"]),
            ("di", vec!["Dish"]),
            ("4006381333931", vec!["Bowl"]),
            ("400638", vec![]),
            ("teapot", vec![]),
        ] {
            let filter = ProductFilter { search: Some(search.to_owned()), ..all() };
            assert_eq!(titles(shop, &filter).await, found, "{search}");
        }
        let archived = ProductFilter { view: ProductView::Archived, search: Some("cup".to_owned()), ..all() };
        assert_eq!(titles(shop, &archived).await, ["Egg cup"]);
        let low = ProductFilter { view: ProductView::LowStock, search: Some("cup".to_owned()), ..all() };
        assert_eq!(titles(shop, &low).await, ["Cup"]);
    }

    async fn a_product_that_was_renamed_is_found_by_its_new_title_only(shop: &TestShop) {
        let mut vase = vase();
        let saved = save_product(&shop.shop, operator().may(), vase.clone()).await.unwrap();
        vase.title = "Moor jug".to_owned();
        vase.target = crate::catalog::Target::Existing { id: saved.id, version: saved.version };
        save_product(&shop.shop, operator().may(), vase).await.unwrap();
        for (search, found) in [("jug", 1), ("vase", 0)] {
            let search = ProductFilter { search: Some(search.to_owned()), ..all() };
            assert_eq!(listed(shop, &search).await.items.len(), found);
        }
    }

    async fn a_row_tells_what_the_list_shows(shop: &TestShop) {
        let saved = save_product(&shop.shop, operator().may(), vase()).await.unwrap();
        shop.receive(&saved.variants[0], 7).await;
        shop.receive(&saved.variants[1], 2).await;
        shop.tamper(&format!("UPDATE variants SET stock_tracked = FALSE WHERE id = '{}'", saved.variants[3])).await;
        let category = |title: &str, parent| SaveCategory {
            id: None,
            slug: kernel::Slug::from_title(title),
            title: title.to_owned(),
            intro: String::new(),
            parent,
            position: 1,
        };
        let home = save_category(&shop.shop, operator().may(), category("Home", None)).await.unwrap();
        let vases = save_category(&shop.shop, operator().may(), category("Vases", Some(home.clone()))).await.unwrap();
        place_products(&shop.shop, operator().may(), vases, vec![saved.id.clone()]).await.unwrap();
        shop.product("Bowl", euros(3_000), 9).await;

        let page = listed(shop, &ProductFilter { category: Some(home), ..all() }).await;
        assert_eq!(page.total, Total::Exactly(1), "those below a category are in it");
        let row = &page.items[0];
        assert_eq!((&row.id, row.title.as_str(), row.status), (&saved.id, "Tarn vase", ProductStatus::Draft));
        assert_eq!((row.variant_count, &row.categories), (4, &vec!["Vases".to_owned()]));
        assert_eq!(row.stock, Some(ProductStock { left: 9, least: 0, counted: 3 }));
        assert!(row.min_price.minor() <= row.max_price.minor());

        shop.tamper("UPDATE variants SET stock_tracked = FALSE").await;
        let page = listed(shop, &all()).await;
        assert!(page.items.iter().all(|row| row.stock.is_none()), "nothing is counted any more");
        let low = listed(shop, &ProductFilter { view: ProductView::LowStock, ..all() }).await;
        assert_eq!(low.total, Total::Exactly(0));
    }

    async fn a_search_among_the_scarce_looks_beyond_the_emptiest_shelves(shop: &TestShop) {
        let [_, cup, ..] = stocked(shop).await;
        // More empty shelves than are ever looked at.
        let more = crate::testing::large::Plan { products: 700, orders: 1, seed: 4, until: shop.shop.clock.now() };
        crate::testing::large::fill(&shop.shop.db, &more, |_| {}).await.unwrap();
        shop.tamper("UPDATE stock_levels SET allocated = on_hand WHERE variant_id LIKE 'var_01gen%'").await;
        let low = listed(shop, &ProductFilter { view: ProductView::LowStock, ..all() }).await;
        assert!(matches!(low.total, Total::MoreThan(_)), "{:?}", low.total);
        let found = ProductFilter { view: ProductView::LowStock, search: Some("cup".to_owned()), ..all() };
        assert_eq!(titles(shop, &found).await, ["Cup"]);
        let sorted = ProductFilter { sort: ProductSort::Stock, search: Some("cup".to_owned()), ..all() };
        assert_eq!(titles(shop, &sorted).await, ["Egg cup", "Cup"]);
        let (product, _) = product_of(shop, &cup).await;
        let shelf = SaveCategory { id: None, slug: kernel::Slug::from_title("Cups"), title: "Cups".to_owned(), intro: String::new(), parent: None, position: 1 };
        let cups = save_category(&shop.shop, operator().may(), shelf).await.unwrap();
        place_products(&shop.shop, operator().may(), cups.clone(), vec![product]).await.unwrap();
        let there = ProductFilter { view: ProductView::LowStock, category: Some(cups), ..all() };
        assert_eq!(titles(shop, &there).await, ["Cup"]);
    }

    async fn a_variant_without_any_stock_ever_can_still_be_removed(shop: &TestShop) {
        let mut wanted = vase();
        let saved = save_product(&shop.shop, operator().may(), wanted.clone()).await.unwrap();
        let shelves: Vec<(i64,)> = shop.rows("SELECT COUNT(*) FROM stock_levels").await;
        assert_eq!(shelves, [(4,)]);
        shop.receive(&saved.variants[0], 1).await;
        wanted.target = crate::catalog::Target::Existing { id: saved.id.clone(), version: saved.version };
        let last = wanted.variants.pop().unwrap();
        let again = save_product(&shop.shop, operator().may(), wanted.clone()).await.unwrap();
        assert_eq!(again.variants.len(), 3);
        wanted.target = crate::catalog::Target::Existing { id: saved.id, version: again.version };
        wanted.variants.remove(0);
        wanted.variants.push(last);
        let refused = save_product(&shop.shop, operator().may(), wanted).await;
        assert!(matches!(refused, Err(crate::catalog::SaveProductError::InUse(_))), "{refused:?}");
        shop.assert_clean().await;
    }

    async fn stock_in_two_places_is_low_only_together(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(2_000), 4).await;
        let cellar = shop.location("Cellar").await;
        shop.adjust((&vase, &cellar), 3).await.unwrap();
        let low = |at| ProductFilter { view: ProductView::LowStock, low_stock_at: at, ..all() };
        assert_eq!(titles(shop, &low(6)).await, NONE);
        assert_eq!(titles(shop, &low(7)).await, ["Tarn vase"]);
    }
}

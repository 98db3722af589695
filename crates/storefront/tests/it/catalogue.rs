//! Home, lists, products, search.

use commerce::catalog::categories::{SaveCategory, place_products, save_category};
use commerce::catalog::collections::{SaveCollection, save_collection};
use commerce::catalog::{self, ProductStatus, Shown};
use commerce::settings::{self, Settings};
use commerce::testing::{TestShop, euros, operator};
use http::Request;
use http::header::IF_NONE_MATCH;
use kernel::{CategoryId, ProductId, Slug};

use crate::browser::{Browser, open};

fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

async fn product_id(shop: &TestShop, title: &str) -> ProductId {
    match catalog::find_product_page(&shop.shop, Slug::from_title(title))
        .await
        .unwrap()
    {
        Some(Shown::Product(page)) => page.product.id,
        other => panic!("{title} is not on sale: {other:?}"),
    }
}

async fn shelf(
    shop: &TestShop,
    title: &str,
    parent: Option<CategoryId>,
    products: Vec<ProductId>,
) -> CategoryId {
    let new = SaveCategory {
        id: None,
        slug: Slug::from_title(title),
        title: title.to_owned(),
        intro: format!("All our {title}."),
        parent,
        position: 0,
    };
    let id = save_category(&shop.shop, operator().may(), new)
        .await
        .unwrap();
    place_products(&shop.shop, operator().may(), id.clone(), products)
        .await
        .unwrap();
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_that_sells_nothing_yet_says_so() {
    let shop = TestShop::sqlite().await;
    let mut browser = Browser::new(&open(&shop));
    let page = browser.get("/").await;
    page.says(200, &["We open soon", "Wrenfold is being set up"]);
    assert!(!page.body.contains("vitrine serve") && !page.body.contains("/var/lib/vitrine"));
    shop.product("Oat tumbler", euros(1_800), 3).await;
    browser
        .get("/")
        .await
        .says(200, &["In the shop", "Oat tumbler", "Only 3 left"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn home_shows_the_merchant_s_rows_and_shelves() {
    let shop = TestShop::sqlite().await;
    shop.product("Oat tumbler", euros(1_800), 30).await;
    shop.product("Fig candle", euros(2_400), 30).await;
    let (tumbler, candle) = (
        product_id(&shop, "Oat tumbler").await,
        product_id(&shop, "Fig candle").await,
    );
    shelf(&shop, "Candles", None, vec![candle.clone()]).await;
    shelf(&shop, "Sofas", None, vec![]).await;
    let collection = SaveCollection {
        id: None,
        slug: slug("slow-mornings"),
        title: "Slow mornings".to_owned(),
        intro: String::new(),
        position: 0,
        products: vec![tumbler, candle],
    };
    save_collection(&shop.shop, operator().may(), collection)
        .await
        .unwrap();
    let mut wanted = shop.shop.db.read(settings::load).await.unwrap();
    wanted.home.collection_slugs = vec!["slow-mornings".to_owned(), "no-such".to_owned()];
    wanted.home.headline = Some("Good things".to_owned());
    wanted.home.product_slug = Some("fig-candle".to_owned());
    settings::save(&shop.shop, operator().may(), Settings { ..wanted })
        .await
        .unwrap();

    let mut browser = Browser::new(&open(&shop));
    let home = browser.get("/").await;
    home.says(
        200,
        &[
            "Good things",
            "Slow mornings",
            "See all 2",
            "Shop by category",
            "Candles 1 product",
        ],
    );
    assert!(!home.words().contains("Sofas"));
    let list = browser
        .get("/collections/slow-mornings?sort=price_down")
        .await;
    list.says(200, &["2 products", "Fig candle", "Oat tumbler"]);
    assert!(list.words().find("Fig candle").unwrap() < list.words().find("Oat tumbler").unwrap());
    assert!(
        list.body
            .contains("<meta name=\"robots\" content=\"noindex\">")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_category_shows_what_is_in_it_and_below_it() {
    let shop = TestShop::sqlite().await;
    for number in 1..=26 {
        shop.product(&format!("Cup {number:02}"), euros(1_000 + number), 9)
            .await;
    }
    let mut ids = Vec::new();
    for number in 1..=26 {
        ids.push(product_id(&shop, &format!("Cup {number:02}")).await);
    }
    let table = shelf(&shop, "Tableware", None, vec![]).await;
    shelf(&shop, "Cups", Some(table), ids).await;
    let mut browser = Browser::new(&open(&shop));
    let page = browser.get("/c/tableware?sort=price_up").await;
    page.says(
        200,
        &[
            "26 products",
            "All our Tableware.",
            "Cups 26",
            "You are looking at 1 to 24 of 26",
        ],
    );
    assert!(page.body.contains("/c/tableware?sort=price_up&amp;page=2"));
    browser
        .get("/c/tableware?sort=price_up&page=2")
        .await
        .says(200, &["25 to 26 of 26", "Cup 26"]);
    browser.get("/c/cups").await.says(200, &["Tableware"]);
    for missing in [
        "/c/tableware?page=3",
        "/c/no-such",
        "/c/No_Such",
        "/collections/cups",
        "/c/%2e%2e",
    ] {
        browser
            .get(missing)
            .await
            .says(404, &["We cannot find that page", "Tableware"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_gone_says_so_and_leads_to_its_shelf() {
    let shop = TestShop::sqlite().await;
    shop.product("Oat tumbler", euros(1_800), 3).await;
    shop.product("Fig candle", euros(2_400), 3).await;
    let (gone, other) = (
        product_id(&shop, "Oat tumbler").await,
        product_id(&shop, "Fig candle").await,
    );
    shelf(&shop, "Cups", None, vec![gone.clone(), other]).await;
    catalog::set_status(
        &shop.shop,
        operator().may(),
        gone,
        2,
        ProductStatus::Archived,
    )
    .await
    .unwrap();
    let mut browser = Browser::new(&open(&shop));
    let page = browser.get("/products/oat-tumbler").await;
    page.says(410, &["We no longer sell this", "Cups"]);
    assert!(page.body.contains("href=\"/c/cups\""));
    browser
        .get("/products/never-was")
        .await
        .says(404, &["We cannot find that page"]);
    let form = [("product", "oat-tumbler"), ("quantity", "1")];
    browser
        .post("/cart/lines", &form)
        .await
        .says(410, &["We no longer sell this"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_did_not_change_is_not_sent_again() {
    let shop = TestShop::sqlite().await;
    let variant = shop.product("Oat tumbler", euros(1_800), 3).await;
    let app = open(&shop);
    let mut browser = Browser::new(&app);
    let first = browser.get("/products/oat-tumbler").await;
    assert_eq!(
        (first.header("cache-control"), first.header("vary")),
        ("public, no-cache", "cookie, accept-encoding")
    );
    let again = |tag: &str| {
        Request::get("/products/oat-tumbler")
            .header(IF_NONE_MATCH, tag)
            .body(axum::body::Body::empty())
            .unwrap()
    };
    let tag = first.header("etag").to_owned();
    assert_eq!(browser.send(again(&tag)).await.status.as_u16(), 304);
    shop.receive(&variant, 1).await;
    browser.send(again(&tag)).await.says(200, &["Only 4 left"]);
    let form = [
        ("product", "oat-tumbler"),
        ("variant", variant.as_str()),
        ("quantity", "1"),
    ];
    browser.post("/cart/lines", &form).await.leads_to();
    let own = browser.get("/products/oat-tumbler").await;
    assert_eq!(own.header("cache-control"), "private, no-cache");
    own.says(200, &["Bag, 1 item"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_finds_corrects_and_never_breaks() {
    let shop = TestShop::sqlite().await;
    shop.product("Oat tumbler", euros(1_800), 3).await;
    commerce::search::catch_up(&shop.shop).await.unwrap();
    let mut browser = Browser::new(&open(&shop));
    browser
        .get("/search")
        .await
        .says(200, &["What are you looking for?"]);
    browser
        .get("/search?q=tumbler")
        .await
        .says(200, &["Results for “tumbler”", "Oat tumbler", "1 product"]);
    browser
        .get("/search?q=tumblar")
        .await
        .says(200, &["We found nothing for “tumblar”", "Oat tumbler"]);
    browser
        .get("/search?q=tumblar&exact=1")
        .await
        .says(200, &["Nothing matches “tumblar”"]);
    let odd = [
        "%22",
        "a%20OR%20b%3A(",
        "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "*",
        "%F0%9F%90%99",
        "\\",
        "+",
        "%5B%5D~2%5E",
    ];
    for query in odd {
        let page = browser
            .get(&format!("/search?q={query}&sort=price_up&page=1"))
            .await;
        assert_eq!(page.status.as_u16(), 200, "{query}");
        assert!(!page.body.contains("<script>alert"), "{query}");
    }
    let long = "oat+".repeat(2_000);
    assert_eq!(
        browser
            .get(&format!("/search?q={long}"))
            .await
            .status
            .as_u16(),
        200
    );
}

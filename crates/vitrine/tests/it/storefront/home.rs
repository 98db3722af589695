//! `GET /`.

use axum::body::Body;
use commerce::accounts::{self, Role};
use http::Request;

use crate::harness::{App, DATA};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_shop_says_so_and_tells_its_owner_alone_how_to_fill_it() {
    let app = App::new().await;
    let mut visitor = app.browser();
    let page = visitor.get("/").await;
    page.says(200, &["We open soon"]);
    page.says_nothing_of(&[DATA, "vitrine", "--demo"]);
    let here = Request::get("/").header("host", "shop.example");
    let here = here.body(Body::empty()).unwrap();
    let page = visitor.send_from("127.0.0.1:5000", here).await;
    page.says(200, &[DATA, "--demo"]);
    assert_eq!(page.header("cache-control"), "no-store");
    // What a proxy on this machine passes on comes from elsewhere.
    let passed_on = Request::get("/")
        .header("host", "shop.example")
        .header("x-forwarded-for", "198.51.100.7")
        .body(Body::empty())
        .unwrap();
    let page = visitor.send_from("127.0.0.1:5000", passed_on).await;
    page.says(200, &["We open soon"]).says_nothing_of(&[DATA]);
    // Somebody behind a proxy that nobody named is not the owner, whatever they say.
    let claimed = Request::get("/")
        .header("host", "shop.example")
        .header("x-forwarded-for", "127.0.0.1")
        .body(Body::empty())
        .unwrap();
    visitor.send(claimed).await.says_nothing_of(&[DATA]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_nobody_owns_says_how_its_owner_claims_it_and_tells_no_secret() {
    let app = App::new().await;
    let link = accounts::claim_link(app.shop()).await.unwrap().unwrap();
    let mut visitor = app.browser();
    let page = visitor.get("/").await;
    page.says(
        200,
        &[
            "Is this your shop?",
            "printed on its console",
            "prints a new one",
        ],
    );
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(!page.text().contains(link.expose()));
    app.staff(Role::Owner).await;
    let page = visitor.get("/").await;
    page.says(200, &["We open soon"])
        .says_nothing_of(&["Is this your shop?", "console"]);
    let here = Request::get("/").header("host", "shop.example");
    let here = here.body(Body::empty()).unwrap();
    let page = visitor.send_from("127.0.0.1:5000", here).await;
    page.says(200, &["Is this your shop?", "Add products"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn home_shows_what_can_be_bought_and_nothing_else() {
    let app = App::new().await;
    let tumbler = app.sells("Oat tumbler", 1_800, 3).await;
    let gone = app.sells("Fig candle", 2_400, 5).await;
    app.drafts("Next year").await;
    app.archives(&gone.slug).await;
    app.shelf("Cups", None, std::slice::from_ref(&tumbler.slug))
        .await;
    app.shelf("Empty shelf", None, &[]).await;
    let page = app.browser().get("/").await;
    page.says(200, &["Oat tumbler", "Cups 1 product", "€18"]);
    page.says_nothing_of(&["Fig candle", "Next year", "Empty shelf 0"]);
    assert!(
        page.text()
            .contains("rel=\"canonical\" href=\"https://shop.example/\"")
    );
    let tag = page.header("etag").to_owned();
    let again = app
        .browser()
        .ask("GET", "/", &[("if-none-match", &tag)], Vec::new())
        .await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    app.test.receive(&tumbler.variant, 1).await;
    let changed = app
        .browser()
        .ask("GET", "/", &[("if-none-match", &tag)], Vec::new())
        .await;
    changed.says(200, &["Only 4 left"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_around_leaves_no_trace() {
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 3).await;
    app.shelf("Cups", None, std::slice::from_ref(&goods.slug))
        .await;
    app.collects("Slow mornings", std::slice::from_ref(&goods.slug))
        .await;
    commerce::search::catch_up(app.shop()).await.unwrap();
    let before = app.everything().await;
    let mut browser = app.browser();
    for path in [
        "/",
        "/c/cups",
        "/collections/slow-mornings",
        "/products/oat-tumbler",
        "/search?q=tumbler",
        "/cart",
        "/cart?added=x&removed=y&quantity=3",
        "/checkout",
        "/checkout/return",
        "/orders/x",
        "/robots.txt",
        "/healthz",
    ] {
        for method in ["GET", "HEAD", "GET"] {
            let answer = browser.ask(method, path, &[], Vec::new()).await;
            assert!(answer.status < 500, "{method} {path}");
        }
    }
    assert_eq!(browser.cookie, None);
    app.assert_unchanged_since(&before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_at_a_bag_an_order_and_a_payment_changes_none_of_them() {
    // Only the way back from the provider is a question to it, whose answer may be an order: `/checkout/return`.
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 9).await;
    let mut browser = app.browser();
    let order = browser.buys(&goods.path(), "1").await;
    let gateway = browser.goes_to_pay(&goods.path(), "2").await;
    app.test.run_jobs().await;
    let before = app.everything().await;
    for path in [
        "/",
        "/products/oat-tumbler",
        "/cart",
        "/cart?added=cli_01k00000000000000000000000&sold_out=1",
        "/checkout",
        "/checkout?step=address",
        "/checkout?step=payment&declined=1",
        &order,
        &format!("{order}?placed=1"),
        &gateway,
        "/no-such-page",
    ] {
        for method in ["GET", "HEAD", "GET"] {
            let answer = browser.ask(method, path, &[], Vec::new()).await;
            assert!(answer.status < 500, "{method} {path}");
            assert_eq!(answer.header("set-cookie"), "", "{method} {path}");
        }
    }
    app.assert_unchanged_since(&before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn home_reads_as_much_for_many_products_as_for_few() {
    let app = App::new().await;
    let mut slugs = vec![app.sells("Cup 0", 1_000, 9).await.slug];
    let count = async |slugs: &[kernel::Slug], name: &str| {
        app.shelf(name, None, slugs).await;
        app.collects(name, slugs).await;
        app.shows_on_home(name).await;
        let before = app.shop().db.stats().statements;
        app.browser().get("/").await.says(200, &["Cup 0"]);
        app.shop().db.stats().statements - before
    };
    let few = count(&slugs, "Cups").await;
    for number in 1..20 {
        slugs.push(app.sells(&format!("Cup {number}"), 1_000, 9).await.slug);
    }
    // Rows that are not full look for what is sold out, too.
    assert!(count(&slugs, "More cups").await <= few);
    assert!(few <= 21, "{few}");
}

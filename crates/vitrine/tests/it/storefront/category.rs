//! `GET /c/{slug}?sort=&page=`.

use crate::harness::App;

/// A shelf of thirty cups below another one.
async fn thirty_cups() -> App {
    let app = App::new().await;
    let mut slugs = Vec::new();
    for number in 1..=30 {
        let title = format!("Cup {number:02}");
        slugs.push(app.sells(&title, 1_000 + number, 9).await.slug);
    }
    let table = app.shelf("Tableware", None, &[]).await;
    app.shelf("Cups", Some(table), &slugs).await;
    app
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_category_is_sorted_and_turned_page_by_page() {
    let app = thirty_cups().await;
    let mut browser = app.browser();
    let first = browser.get("/c/tableware?sort=price_up").await;
    first.says(
        200,
        &["Tableware", "Cup 01", "Cup 24", "1 to 24 of 30", "Cups 30"],
    );
    first.says_nothing_of(&["Cup 25"]);
    let second = browser.get("/c/tableware?sort=price_up&page=2").await;
    second.says(200, &["Cup 25", "Cup 30", "25 to 30 of 30"]);
    let down = browser.get("/c/cups?sort=price_down").await;
    down.says(200, &["Cup 30", "Cup 07"])
        .says_nothing_of(&["Cup 06"]);
    let form = first.form("/c/tableware");
    let sorted = browser.submit(&form.with("sort", "name")).await;
    sorted.says(200, &["Cup 01"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_orders_and_pages_are_answered_with_sense() {
    let app = thirty_cups().await;
    let mut browser = app.browser();
    for query in [
        "sort=cheapest",
        "sort=price_up;DROP TABLE products",
        "sort=",
        "sort=price_up&sort=name",
        "page=",
        "page=0",
        "page=-1",
        "page=1e3",
        "page=one",
        "page=[2]",
        "page=18446744073709551616",
        "page=99999999999999999999999999",
        "cursor=x&limit=100000&include=drafts",
    ] {
        let page = browser
            .get(&format!("/c/cups?{}", query.replace(' ', "+")))
            .await;
        page.says(200, &["1 to 24 of 30"]);
    }
    for page in ["3", "4294967295", "100000"] {
        let missing = browser.get(&format!("/c/cups?page={page}")).await;
        missing.says(404, &["We cannot find that page", "Tableware"]);
    }
    for query in ["page=%ff", "sort=%00", "%"] {
        assert_eq!(
            browser.get(&format!("/c/cups?{query}")).await.status,
            400,
            "{query}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_category_that_is_not_there_leads_to_those_that_are() {
    let app = thirty_cups().await;
    let mut browser = app.browser();
    for odd in [
        "no-such",
        "Cups",
        "cups/",
        "cups/x",
        "..",
        "%2e%2e",
        "cups%00",
        "c%75ps ",
        "-",
        "%F0%9F%8D%B5",
    ] {
        let odd = odd.replace(' ', "%20");
        let status = browser.get(&format!("/c/{odd}")).await.status;
        assert!(matches!(status, 400 | 404), "{odd}: {status}");
    }
    browser
        .get("/c/no-such")
        .await
        .says(404, &["We cannot find that page", "Tableware"]);
    // A letter may be written as its code: that is the same address.
    browser.get("/c/c%75ps").await.says(200, &["Cups"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_shows_the_stock_of_the_moment_and_hides_what_is_gone() {
    let app = App::new().await;
    let tumbler = app.sells("Oat tumbler", 1_800, 2).await;
    let candle = app.sells("Fig candle", 2_400, 5).await;
    app.shelf("Gifts", None, &[tumbler.slug.clone(), candle.slug.clone()])
        .await;
    app.archives(&candle.slug).await;
    let mut browser = app.browser();
    let list = browser.get("/c/gifts").await;
    list.says(200, &["Oat tumbler", "Only 2 left"])
        .says_nothing_of(&["Fig candle"]);
    let shopper = app.test.ready_shopper(&[(&tumbler.variant, 2)]).await;
    app.test.place(&shopper).await.unwrap();
    browser.get("/c/gifts").await.says(200, &["Sold out"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_reads_as_much_for_thirty_products_as_for_one() {
    let app = App::new().await;
    let mut slugs = vec![app.sells("Cup 0", 1_000, 9).await.slug];
    let count = async |slugs: &[kernel::Slug], name: &str| {
        app.shelf(name, None, slugs).await;
        let path = format!("/c/{}", kernel::Slug::from_title(name));
        let before = app.shop().db.stats().statements;
        app.browser().get(&path).await.says(200, &["Cup 0"]);
        app.shop().db.stats().statements - before
    };
    let few = count(&slugs, "Cups").await;
    for number in 1..20 {
        slugs.push(app.sells(&format!("Cup {number}"), 1_000, 9).await.slug);
    }
    assert_eq!(count(&slugs, "More cups").await, few);
    // The frame's are seven of them, read anew after each change of the merchant's; two ask for the counts of changes.
    assert!(few <= 14, "{few}");
}

//! `GET /search?q=&sort=&page=`.

use crate::harness::App;
use crate::page::escaped;

async fn found_by_words() -> App {
    let app = App::new().await;
    app.sells("Oat tumbler", 1_800, 3).await;
    app.sells("Fig candle", 2_400, 3).await;
    app.drafts("Oat secret").await;
    commerce::search::catch_up(app.shop()).await.unwrap();
    app
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_search_field_finds_names_and_numbers_and_forgives_typing() {
    let app = found_by_words().await;
    let mut browser = app.browser();
    let home = browser.get("/").await;
    let form = home.form("/search");
    let found = browser.submit(&form.clone().with("q", "tumbler")).await;
    found.says(200, &["Results for “tumbler”", "Oat tumbler", "1 product"]);
    found.says_nothing_of(&["Fig candle"]);
    assert_eq!(found.value_of("q"), "tumbler");
    browser
        .submit(&form.clone().with("q", "OAT-TUMBLER"))
        .await
        .says(200, &["Oat tumbler"]);
    browser
        .submit(&form.clone().with("q", "candel"))
        .await
        .says(200, &["Fig candle"]);
    // What is not on sale is not found either.
    browser
        .submit(&form.clone().with("q", "secret"))
        .await
        .says_nothing_of(&["Oat secret"]);
    assert!(
        found
            .text()
            .contains("<meta name=\"robots\" content=\"noindex\">")
    );
    browser
        .submit(&form.with("q", "  "))
        .await
        .says(200, &["What are you looking for?"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_in_the_shop_changes_in_the_search() {
    let app = found_by_words().await;
    let goods = app.sells("Plum jug", 3_000, 1).await;
    commerce::search::catch_up(app.shop()).await.unwrap();
    let mut browser = app.browser();
    browser.get("/search?q=plum").await.says(200, &["Plum jug"]);
    app.archives(&goods.slug).await;
    commerce::search::catch_up(app.shop()).await.unwrap();
    browser
        .get("/search?q=plum&exact=1")
        .await
        .says_nothing_of(&["Plum jug"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_words_break_the_search() {
    let app = found_by_words().await;
    let mut browser = app.browser();
    let long = "oat ".repeat(3_000);
    let nested = "(".repeat(400);
    for odd in [
        "\"",
        "\"oat",
        "oat AND (tumbler OR",
        "title:oat",
        "*",
        "?",
        "oat~99",
        "[a TO z]",
        "oat^1e309",
        "\\",
        "-",
        "+-&&||!(){}[]^\"~*?:\\/",
        "' OR 1=1; DROP TABLE products; --",
        "%",
        "_",
        "<script>alert(1)</script>",
        "{{ 1234 * 7 }}{% include 'x' %}",
        "\u{202e}reblmut",
        "\u{0301}\u{0301}\u{0301}",
        "🐙",
        "oat\u{200b}tumbler",
        "ﬁg",
        "𝔬𝔞𝔱",
        "\n\r\t",
        "../../etc/passwd",
        long.as_str(),
        nested.as_str(),
    ] {
        for more in [
            "",
            "&sort=price_up",
            "&sort=nonsense&page=1&exact=1",
            "&page=-1",
        ] {
            let page = browser
                .get(&format!("/search?q={}{more}", escaped(odd)))
                .await;
            assert_eq!(page.status, 200, "{odd}{more}");
            assert!(
                !page.text().contains("<script>alert") && !page.words().contains("8638"),
                "{odd}"
            );
        }
    }
    for bad in ["q=%ff", "q=%c0%80", "q=%ed%a0%80", "q=%00", "q=%"] {
        assert_eq!(
            browser.get(&format!("/search?{bad}")).await.status,
            400,
            "{bad}"
        );
    }
    browser
        .get("/search?q=tumbler&page=2")
        .await
        .says(404, &["We cannot find that page"]);
    let fields: Vec<String> = (0..600).map(|number| format!("a{number}=1")).collect();
    assert_eq!(
        browser
            .get(&format!("/search?{}", fields.join("&")))
            .await
            .status,
        413
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_reads_as_much_for_many_results_as_for_one() {
    let app = App::new().await;
    let mut counts = Vec::new();
    for number in 0..12 {
        app.sells(&format!("Cup {number}"), 1_000, 9).await;
        commerce::search::catch_up(app.shop()).await.unwrap();
        let before = app.shop().db.stats().statements;
        app.browser()
            .get("/search?q=cup")
            .await
            .says(200, &["Results for “cup”"]);
        counts.push(app.shop().db.stats().statements - before);
    }
    assert_eq!(counts[0], counts[11], "{counts:?}");
}

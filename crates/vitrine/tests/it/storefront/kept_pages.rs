//! Pages kept ready: right on the very next request, on every node, and nobody else's.

use std::collections::HashSet;

use commerce::inventory::{self, AdjustStock, MovementKind};
use commerce::testing::operator;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, ETAG, VARY};
use kernel::time::{DAY, MINUTE};

use crate::browser::{Answer, Browser};
use crate::harness::{App, Goods};

/// Away from the turn of a minute, where a page is out of date at once.
async fn stocked(app: &App) -> Goods {
    app.test.clock.advance(1_500);
    let goods = app.sells("Oat tumbler", 1_800, 9).await;
    app.shelf("Cups", None, std::slice::from_ref(&goods.slug))
        .await;
    app.collects("Slow mornings", std::slice::from_ref(&goods.slug))
        .await;
    commerce::search::catch_up(app.shop()).await.unwrap();
    goods
}

const PAGES: &[&str] = &[
    "/",
    "/c/cups",
    "/c/cups?sort=newest",
    "/collections/slow-mornings",
    "/products/oat-tumbler",
    "/search?q=tumbler",
];

/// The statements an answer takes.
async fn statements(app: &App, browser: &mut Browser, path: &str) -> u64 {
    let before = app.shop().db.stats().statements;
    browser.get(path).await.says(200, &["Oat tumbler"]);
    app.shop().db.stats().statements - before
}

/// What a page looks like to somebody of whom nothing is known.
async fn seen(browser: &Browser, path: &str) -> Answer {
    let mut stranger = browser.clone();
    stranger.cookie = None;
    stranger.get(path).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_is_kept_costs_one_tiny_read() {
    for app in [Some(App::new().await), App::postgres().await] {
        let Some(app) = app else { continue };
        stocked(&app).await;
        for path in PAGES {
            let cold = statements(&app, &mut app.browser(), path).await;
            assert!(cold > 5, "{path}: {cold}");
            let mut kept = Vec::new();
            kept.push(statements(&app, &mut app.browser(), path).await);
            kept.push(statements(&app, &mut app.browser(), path).await);
            assert_eq!(kept, [1, 1], "{path}");
        }
        // What nobody asked about makes no other page of it.
        for path in [
            "/?utm_source=mail",
            "/c/cups?page=1&x=2",
            "/products/oat-tumbler?utm_x=1",
        ] {
            assert_eq!(
                statements(&app, &mut app.browser(), path).await,
                1,
                "{path}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_on_the_very_next_page() {
    let app = App::new().await;
    changes_show(&app, &app.browser(), &app.browser()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_at_one_node_is_on_the_very_next_page_of_the_other() {
    let Some(app) = App::postgres().await else {
        return;
    };
    let other = app.second_node().await;
    let (here, there) = (app.browser(), app.browser().at(&other));
    changes_show(&app, &here, &there).await;
}

/// Everything a merchant or a buyer changes, looked at by strangers at both doors right after.
async fn changes_show(app: &App, here: &Browser, there: &Browser) {
    let goods = stocked(app).await;
    let product = goods.path();
    let look = async |path: &str, wanted: &[&str], not: &[&str]| {
        for browser in [there, here] {
            let page = seen(browser, path).await;
            page.says(200, wanted).says_nothing_of(not);
        }
    };
    for path in PAGES {
        look(path, &["Oat tumbler", "€18"], &[]).await;
    }
    let mut before = "€18".to_owned();
    for cents in (1_950..2_500).step_by(100) {
        app.reprices(&goods, cents).await;
        let now = format!("€{}.50", cents / 100);
        for path in ["/", "/c/cups", "/collections/slow-mornings", &product] {
            look(path, &[now.as_str()], &[before.as_str()]).await;
        }
        before = now;
    }
    app.edits(&goods.slug, |save| save.title = "Barley tumbler".to_owned())
        .await;
    for path in ["/", "/c/cups", "/collections/slow-mornings", &product] {
        look(path, &["Barley tumbler"], &["Oat tumbler"]).await;
    }
    let mut settings = app.shop().db.read(commerce::settings::load).await.unwrap();
    settings.shop.announcement = Some("Closed on Friday".to_owned());
    commerce::settings::save(app.shop(), operator().may(), settings)
        .await
        .unwrap();
    for path in PAGES {
        look(path, &["Closed on Friday"], &[]).await;
    }
    app.collects("Late evenings", std::slice::from_ref(&goods.slug))
        .await;
    look("/c/cups", &["Late evenings"], &[]).await;
    // Somebody pays for eight of nine: one is left for all others.
    look(&product, &[], &["Only 1 left"]).await;
    let mut buyer = here.clone();
    buyer.buys(&product, "8").await;
    look(&product, &["Only 1 left"], &[]).await;
    // And comes to the till with the last.
    let mut other_buyer = there.clone();
    other_buyer.goes_to_pay(&product, "1").await;
    look(&product, &["Sold out"], &[]).await;
    look("/c/cups", &["Sold out"], &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_command_line_changes_shows_too() {
    let app = App::new().await;
    let goods = stocked(&app).await;
    seen(&app.browser(), &goods.path())
        .await
        .says(200, &["€18"]);
    // Another process has its own connection to the same file.
    let database = app.test.database.as_ref().unwrap();
    let db = db::Db::open(database.location(), &db::testing::options()).unwrap();
    let elsewhere = app.test.second_node(db);
    let open = commerce::catalog::open_product(&elsewhere, operator().may(), goods.slug.clone());
    let product = open.await.unwrap().unwrap().product;
    let (id, version) = (product.id, product.version);
    let to = commerce::catalog::ProductStatus::Archived;
    commerce::catalog::set_status(&elsewhere, operator().may(), id, version, to)
        .await
        .unwrap();
    assert_eq!(seen(&app.browser(), &goods.path()).await.status, 410);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_that_runs_out_gives_its_stock_back_on_the_page_without_any_write() {
    let app = App::new().await;
    let goods = stocked(&app).await;
    let mut waverer = app.browser();
    waverer.goes_to_pay(&goods.path(), "9").await;
    for _ in 0..2 {
        seen(&app.browser(), &goods.path())
            .await
            .says(200, &["Sold out"]);
    }
    app.test.clock.advance(inventory::HOLD);
    seen(&app.browser(), &goods.path())
        .await
        .says(200, &["In stock"])
        .says_nothing_of(&["Sold out"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_passes_with_time_passes_on_a_kept_page() {
    let app = App::new().await;
    let goods = stocked(&app).await;
    app.test.clock.advance(31 * DAY);
    let fig = app.sells("Fig candle", 2_400, 9).await;
    app.shelf("Everything", None, &[goods.slug.clone(), fig.slug])
        .await;
    app.test.clock.advance(MINUTE - 1_500);
    let is_new = |page: &Answer| page.text().contains("tag--new");
    assert!(is_new(&seen(&app.browser(), "/c/everything").await));
    assert!(statements(&app, &mut app.browser(), &goods.path()).await > 1);
    app.test.clock.advance(1);
    let mut browser = app.browser();
    assert!(
        statements(&app, &mut browser, &goods.path()).await > 1,
        "a minute is over"
    );
    assert_eq!(statements(&app, &mut browser, &goods.path()).await, 1);
    app.test.clock.advance(30 * DAY);
    assert!(!is_new(&seen(&app.browser(), "/c/everything").await));
}

/// What a page shows to somebody with so many pieces in the bag: nothing of others, and a token never seen before.
async fn own_page(
    visitor: &mut Browser,
    pieces: usize,
    path: &str,
    tokens: &mut HashSet<String>,
) -> Answer {
    let own = visitor.get(path).await;
    assert_eq!(own.header("cache-control"), "private, no-cache");
    let words = own.words();
    for (count, bag) in (1..).zip(["1 item", "2 items", "3 items"]) {
        assert_eq!(words.contains(bag), count == pieces, "{path}: {words}");
    }
    if path.starts_with("/products/") {
        let token = own.value_of("csrf");
        assert!(!token.is_empty());
        assert!(tokens.insert(token), "a token was shown twice");
    }
    own
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_ever_given_anothers_bag_or_token() {
    let app = App::new().await;
    let goods = stocked(&app).await;
    let mut visitors = Vec::new();
    for quantity in ["1", "2", "3"] {
        let mut visitor = app.browser();
        visitor.puts(&goods.path(), quantity).await;
        visitors.push(visitor);
    }
    let mut tokens = HashSet::new();
    let rounds = PAGES.iter().flat_map(|path| [path; 3]);
    for path in rounds {
        let public = seen(&app.browser(), path).await;
        for (visitor, pieces) in visitors.iter_mut().zip(1..) {
            let own = own_page(visitor, pieces, path, &mut tokens).await;
            assert_ne!(own.body, public.body, "{path}");
        }
        let again = seen(&app.browser(), path).await;
        assert_eq!(again.body, public.body, "{path}: strangers see the same");
        assert_eq!(again.header("set-cookie"), "");
        let html = again.text();
        assert!(tokens.iter().all(|token| !html.contains(token.as_str())));
    }
    assert_eq!(tokens.len(), 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn those_who_come_together_to_a_page_that_is_not_kept_have_it_drawn_once() {
    let app = App::new().await;
    let goods = stocked(&app).await;
    let alone = statements(&app, &mut app.browser(), &goods.path()).await;
    app.reprices(&goods, 2_000).await;
    let before = app.shop().db.stats().statements;
    let crowd = (0..60).map(|_| {
        let (mut browser, path) = (app.browser(), goods.path());
        tokio::spawn(async move { browser.get(&path).await.says(200, &["€20"]).body.clone() })
    });
    let mut pages = Vec::new();
    for one in crowd.collect::<Vec<_>>() {
        pages.push(one.await.unwrap());
    }
    assert!(pages.iter().all(|page| *page == pages[0]));
    let together = app.shop().db.stats().statements - before;
    // Each asks for the counts when it comes, and again when it has waited.
    assert!(together <= alone + 2 * 60, "{together} against {alone}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_page_is_compressed_tagged_and_not_sent_twice() {
    let app = App::new().await;
    stocked(&app).await;
    let rounds = PAGES
        .iter()
        .flat_map(|path| [("drawn", path), ("kept", path)]);
    for (round, path) in rounds {
        let mut visitor = app.browser();
        let plain = visitor.get(path).await;
        let gzip = [("accept-encoding", "br, gzip")];
        let small = visitor.ask("GET", path, &gzip, Vec::new()).await;
        let encoding = small.header(CONTENT_ENCODING.as_str());
        assert_eq!(encoding, "gzip", "{round} {path}");
        assert!(small.body.len() * 2 < plain.body.len());
        let (tag, small_tag) = (plain.header(ETAG.as_str()), small.header(ETAG.as_str()));
        assert!(tag.starts_with('"') && small_tag.ends_with("-gz\"") && tag != small_tag);
        for answer in [&plain, &small] {
            assert_eq!(answer.header(VARY.as_str()), "cookie, accept-encoding");
            assert_eq!(answer.header("cache-control"), "public, no-cache");
        }
        let head = visitor.ask("HEAD", path, &gzip, Vec::new()).await;
        assert_eq!((head.status, head.body.len()), (200, 0));
        let length = head.header(CONTENT_LENGTH.as_str());
        assert_eq!(length, small.body.len().to_string(), "{round} {path}");
        let known = [("accept-encoding", "gzip"), ("if-none-match", small_tag)];
        let again = visitor.ask("GET", path, &known, Vec::new()).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{round} {path}");
        assert_eq!(again.header(ETAG.as_str()), small_tag);
    }
    // After a change the old tag is worth nothing.
    let tag = app
        .browser()
        .get("/")
        .await
        .header(ETAG.as_str())
        .to_owned();
    app.sells("Fig candle", 2_400, 3).await;
    let known = [("if-none-match", tag.as_str())];
    let answer = app.browser().ask("GET", "/", &known, Vec::new()).await;
    answer.says(200, &["Fig candle"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sales_from_a_full_shelf_change_no_page() {
    for app in [Some(App::new().await), App::postgres().await] {
        let Some(app) = app else { continue };
        let goods = stocked(&app).await;
        let plenty = AdjustStock {
            variant_id: goods.variant.clone(),
            location_id: app.test.location.clone(),
            kind: MovementKind::Received,
            change: 5_000,
            reason: "A lorry came".to_owned(),
        };
        inventory::adjust_stock(app.shop(), operator().may(), plenty)
            .await
            .unwrap();
        let mut stranger = app.browser();
        for path in PAGES {
            stranger.get(path).await;
        }
        app.browser().buys(&goods.path(), "3").await;
        for path in PAGES {
            assert_eq!(statements(&app, &mut stranger, path).await, 1, "{path}");
        }
        // Down to the last hundred each sale is seen.
        app.browser().buys(&goods.path(), "4950").await;
        assert!(statements(&app, &mut stranger, &goods.path()).await > 1);
    }
}

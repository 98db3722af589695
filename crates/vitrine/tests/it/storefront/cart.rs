//! `GET /cart`, `POST /cart/lines`, `POST /cart/lines/{id}`.

use crate::browser::{Answer, Browser, HOME};
use crate::harness::{App, Goods};
use crate::page::Form;
use crate::storefront::{NO_QUANTITIES, TAMPERED};

/// Somebody with two of three tumblers in the bag.
async fn with_two() -> (App, Goods, Browser) {
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 3).await;
    let mut browser = app.browser();
    browser.puts(&goods.path(), "2").await.leads_to();
    (app, goods, browser)
}

async fn line_form(browser: &mut Browser) -> Form {
    browser.get("/cart").await.form_below("/cart/lines/cli_")
}

/// Sends a form with headers of one's own.
async fn send(browser: &mut Browser, form: &Form, headers: &[(&str, &str)]) -> Answer {
    let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
    all.extend(headers);
    let body = form.encoded().into_bytes();
    browser.ask("POST", &form.action, &all, body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bag_is_filled_changed_emptied_and_filled_again_by_its_own_forms() {
    let (app, goods, mut browser) = with_two().await;
    let bag = browser.get("/cart").await;
    bag.says(200, &["Oat tumbler", "€36.00", "Bag, 2 items"]);
    assert_eq!(bag.header("cache-control"), "no-store");
    let form = bag.form_below("/cart/lines/cli_");
    assert_eq!(form.value("quantity"), "2");
    assert!(!form.value("csrf").is_empty());
    let to = browser.submit(&form.with("quantity", "3")).await.leads_to();
    browser
        .get(&to)
        .await
        .says(200, &["€54.00", "Bag, 3 items"]);
    let form = line_form(&mut browser).await;
    let to = browser.submit(&form.press("remove", "1")).await.leads_to();
    let empty = browser.get(&to).await;
    empty.says(200, &["Removed Oat tumbler.", "Your bag is empty"]);
    let to = browser.submit(&empty.form("/cart/lines")).await.leads_to();
    browser
        .get(&to)
        .await
        .says(200, &["€54.00", "Bag, 3 items"]);
    // Nothing of this holds stock: that begins at the checkout.
    assert_eq!(app.test.available(&goods.variant).await, 3);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_token_no_form_of_the_bag_changes_anything() {
    let (app, goods, mut browser) = with_two().await;
    let line = line_form(&mut browser).await.with("quantity", "3");
    let product = browser.get(&goods.path()).await.form("/cart/lines");
    let before = app.everything().await;
    let other = {
        let mut other = app.browser();
        other.puts(&goods.path(), "1").await.leads_to();
        line_form(&mut other).await.value("csrf").to_owned()
    };
    let with_other = app.everything().await;
    for form in [line, product] {
        for wrong in ["x", "AAAAAAAAAAAAAAAAAAAAAAAAAA", other.as_str()] {
            let answer = browser.submit(&form.clone().with("csrf", wrong)).await;
            answer.says(403, &["Start page"]);
        }
        // A token left out is forgiven to a page of ours only, by the browser's own word; an origin alone is not enough.
        let bare = form.clone().without("csrf");
        assert_eq!(
            send(&mut browser, &bare, &[("origin", HOME)]).await.status,
            403
        );
        assert_eq!(send(&mut browser, &bare, &[]).await.status, 403);
    }
    app.assert_unchanged_since(&with_other).await;
    assert_ne!(before, with_other);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_other_site_can_change_a_bag() {
    let (app, goods, mut browser) = with_two().await;
    let line = line_form(&mut browser).await.with("quantity", "3");
    let product = browser.get(&goods.path()).await.form("/cart/lines");
    let before = app.everything().await;
    let strangers: &[&[(&str, &str)]] = &[
        &[
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://evil.example"),
        ],
        &[
            ("sec-fetch-site", "same-site"),
            ("origin", "https://blog.shop.example"),
        ],
        &[("sec-fetch-site", "cross-site"), ("origin", HOME)],
        &[("origin", "https://evil.example")],
        &[("origin", "http://shop.example")],
        &[("origin", "https://shop.example.evil.example")],
        &[("origin", "https://shop.example:8443")],
        &[("origin", "null")],
        &[("referer", "https://shop.example/cart")],
        &[("origin", HOME), ("origin", "https://evil.example")],
        &[],
    ];
    for headers in strangers {
        for form in [&line, &product] {
            let answer = send(&mut browser, form, headers).await;
            assert_eq!(answer.status, 403, "{headers:?}");
            let mut nobody = app.browser();
            let answer = send(&mut nobody, form, headers).await;
            assert_eq!(answer.status, 403, "{headers:?} without a session");
            assert_eq!(nobody.cookie, None);
        }
    }
    app.assert_unchanged_since(&before).await;
    // An older browser, which tells the origin only.
    let answer = send(&mut browser, &line, &[("origin", HOME)]).await;
    assert_eq!(answer.leads_to(), "/cart");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_quantity_is_refused_and_nothing_is_stored() {
    let (app, goods, mut browser) = with_two().await;
    let line = line_form(&mut browser).await;
    let product = browser.get(&goods.path()).await.form("/cart/lines");
    let before = app.everything().await;
    for bad in NO_QUANTITIES {
        for form in [&line, &product] {
            let answer = browser.submit(&form.clone().with("quantity", bad)).await;
            answer.says(422, &["Enter a quantity from 1 to 9,999", "Bag, 2 items"]);
        }
    }
    let none = product.clone().with("quantity", "0");
    browser
        .submit(&none)
        .await
        .says(422, &["Enter a quantity from 1 to 9,999"]);
    for twice in ["quantity=1&quantity=2", "variant=x&variant=y"] {
        let body = format!("{}&{twice}", product.clone().without("quantity").encoded());
        let answer = browser.post_raw("/cart/lines", body.into_bytes()).await;
        assert_eq!(answer.status, 400, "{twice}");
    }
    app.assert_unchanged_since(&before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_there_is_is_told_and_not_stored() {
    let (app, goods, mut browser) = with_two().await;
    let before = app.everything().await;
    let told = browser.puts(&goods.path(), "2").await;
    told.says(422, &["Only 1 more can be had", "Bag, 2 items"]);
    assert_eq!(told.form("/cart/lines").value("quantity"), "1");
    browser
        .puts(&goods.path(), "9999")
        .await
        .says(422, &["Only 1 more can be had"]);
    app.assert_unchanged_since(&before).await;
    // In the bag the number is cut to what there is, and said so.
    let form = line_form(&mut browser).await.with("quantity", "9999");
    let to = browser.submit(&form).await.leads_to();
    browser
        .get(&to)
        .await
        .says(200, &["Only 3 left. We changed your quantity.", "€54.00"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_that_no_form_has_change_nothing() {
    let (app, goods, mut browser) = with_two().await;
    let line = line_form(&mut browser).await;
    let product = browser.get(&goods.path()).await.form("/cart/lines");
    let before = app.everything().await;
    for field in TAMPERED {
        for form in [&line, &product] {
            let tampered = form.clone().with("quantity", "1").with(field, "1");
            let answer = browser.submit(&tampered).await;
            assert_eq!(answer.status, 400, "{field} in {}", form.action);
        }
    }
    app.assert_unchanged_since(&before).await;
    browser
        .get("/cart")
        .await
        .says(200, &["€36.00", "Subtotal €36.00"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_elses_line_is_out_of_reach() {
    let (app, goods, mut browser) = with_two().await;
    let line = line_form(&mut browser).await;
    let mut eve = app.browser();
    eve.puts(&goods.path(), "1").await.leads_to();
    let token = line_form(&mut eve).await.value("csrf").to_owned();
    let before = app.everything().await;
    let aimed = line.clone().with("csrf", &token);
    for form in [
        aimed.clone().with("quantity", "1"),
        aimed.clone().with("remove", "1"),
        aimed.with("quantity", "0"),
    ] {
        // The same answer as for a line of one's own that is gone: nobody learns which lines exist.
        assert_eq!(eve.submit(&form).await.leads_to(), "/cart");
        let gone = Form {
            action: "/cart/lines/cli_01k00000000000000000000000".to_owned(),
            ..form
        };
        let told = eve.submit(&gone).await;
        assert!(told.status == 404 || told.leads_to() == "/cart");
    }
    let nobody = line.clone().without("csrf").with("remove", "1");
    assert_eq!(app.browser().submit(&nobody).await.leads_to(), "/cart");
    app.assert_unchanged_since(&before).await;
    for odd in ["x", "..", "%2e%2e", "%00", "cli_", "1", "cli_%ff"] {
        let form = Form {
            action: format!("/cart/lines/{odd}"),
            ..nobody.clone()
        };
        let status = app.browser().submit(&form).await.status;
        assert!(matches!(status, 400 | 404), "{odd}: {status}");
    }
    browser.get("/cart").await.says(200, &["Bag, 2 items"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_for_sale_cannot_be_put_into_a_bag() {
    let app = App::new().await;
    let gone = app.sells("Fig candle", 2_400, 5).await;
    let out = app.sells("Oat tumbler", 1_800, 0).await;
    app.drafts("Next year").await;
    app.archives(&gone.slug).await;
    let before = app.everything().await;
    let mut browser = app.browser();
    let by_id = |variant: &str| Form::of("/cart/lines", &[("variant", variant), ("quantity", "1")]);
    browser
        .submit(&by_id(gone.variant.as_str()))
        .await
        .says(422, &["There is a problem"]);
    browser
        .submit(&by_id(out.variant.as_str()))
        .await
        .says(422, &["sold out"]);
    for odd in [
        "",
        "x",
        "var_01k00000000000000000000000",
        "' OR 1=1 --",
        "cli_1",
    ] {
        browser
            .submit(&by_id(odd))
            .await
            .says(422, &["There is a problem"]);
    }
    for slug in ["next-year", "no-such", "No Such", "../cart"] {
        let form = [("product", slug), ("quantity", "1")];
        assert_eq!(
            browser.post("/cart/lines", &form).await.status,
            404,
            "{slug}"
        );
    }
    let form = [("product", "fig-candle"), ("quantity", "1")];
    assert_eq!(browser.post("/cart/lines", &form).await.status, 410);
    assert_eq!(browser.post("/cart/lines", &[]).await.status, 422);
    assert_eq!(browser.cookie, None);
    app.assert_unchanged_since(&before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bag_tells_what_happened_to_its_things_meanwhile() {
    let (app, goods, mut browser) = with_two().await;
    let other = app.sells("Fig candle", 2_400, 5).await;
    browser.puts(&other.path(), "1").await.leads_to();
    app.reprices(&goods, 2_000).await;
    app.archives(&other.slug).await;
    let bag = browser.get("/cart").await;
    bag.says(
        200,
        &[
            "The price changed from €18 to €20",
            "We no longer sell this",
            "Subtotal €40.00",
            "Not counted",
        ],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bag_reads_as_much_for_many_lines_as_for_two() {
    let app = App::new().await;
    let mut browser = app.browser();
    let mut counts = Vec::new();
    for number in 0..12 {
        let goods = app.sells(&format!("Cup {number}"), 1_000, 9).await;
        browser.puts(&goods.path(), "1").await.leads_to();
        let before = app.shop().db.stats().statements;
        browser.get("/cart").await.says(200, &["Subtotal"]);
        counts.push(app.shop().db.stats().statements - before);
    }
    assert_eq!(counts[1], counts[11], "{counts:?}");
    assert!(counts[11] <= 15, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cookie_is_the_shops_own_and_no_scripts() {
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 9).await;
    let mut browser = app.browser();
    let set = browser
        .puts(&goods.path(), "1")
        .await
        .header("set-cookie")
        .to_owned();
    let (pair, rest) = set.split_once("; ").unwrap();
    assert!(pair.starts_with("__Host-cart="), "{set}");
    assert_eq!(
        rest,
        "Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax; Secure"
    );
    // A secret somebody else chose is not taken: who plants a cookie learns nothing later.
    let mut victim = app.browser();
    let planted = format!(
        "__Host-cart={}",
        "0".repeat(pair.len() - "__Host-cart=".len())
    );
    victim.cookie = Some(planted.clone());
    victim.puts(&goods.path(), "1").await.leads_to();
    assert_ne!(victim.cookie, Some(planted));
    assert_ne!(victim.cookie, browser.cookie);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bag_holds_a_hundred_different_things_and_says_so() {
    let app = App::new().await;
    let mut browser = app.browser();
    for number in 0..100 {
        let goods = app.sells(&format!("Cup {number}"), 1_000, 9).await;
        let form = [("variant", goods.variant.as_str()), ("quantity", "1")];
        browser.post("/cart/lines", &form).await.leads_to();
    }
    let goods = app.sells("One too many", 1_000, 9).await;
    let before = app.everything().await;
    browser
        .puts(&goods.path(), "1")
        .await
        .says(422, &["There is a problem", "Bag, 100 items"]);
    app.assert_unchanged_since(&before).await;
    // More of what is in it is no new thing.
    browser.puts("/products/cup-7", "2").await.leads_to();
    browser
        .get("/cart")
        .await
        .says(200, &["Bag, 102 items", "Subtotal €1,020.00"]);
    let page = browser.checks_out().await;
    let order = browser.pays(&page, "bank_transfer").await.leads_to();
    browser
        .get(&order)
        .await
        .says(200, &["€1,020.00", "Cup 99"]);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn htmx_is_answered_like_everybody_else() {
    let (app, _, mut browser) = with_two().await;
    let line = line_form(&mut browser).await;
    let htmx = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("sec-fetch-site", "same-origin"),
        ("hx-request", "true"),
    ];
    for (quantity, status) in [("3", 303), ("x", 422)] {
        let body = line
            .clone()
            .with("quantity", quantity)
            .encoded()
            .into_bytes();
        let answer = browser.ask("POST", &line.action, &htmx, body).await;
        assert_eq!(answer.status, status);
        assert!(status == 303 || answer.text().contains("id=\"bag\""));
    }
    let body = line.clone().with("csrf", "x").encoded().into_bytes();
    let before = app.everything().await;
    assert_eq!(
        browser.ask("POST", &line.action, &htmx, body).await.status,
        403
    );
    // The token may come in a header instead of the form.
    let mut with_header = htmx.to_vec();
    let token = line.value("csrf").to_owned();
    with_header.push(("x-csrf-token", "x"));
    let body = line.clone().encoded().into_bytes();
    assert_eq!(
        browser
            .ask("POST", &line.action, &with_header, body.clone())
            .await
            .status,
        403
    );
    app.assert_unchanged_since(&before).await;
    with_header.pop();
    with_header.push(("x-csrf-token", &token));
    let body = line.clone().without("csrf").encoded().into_bytes();
    assert_eq!(
        browser
            .ask("POST", &line.action, &with_header, body)
            .await
            .status,
        303
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_tabs_at_once_put_in_no_more_than_there_is() {
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 12).await;
    let other = app.sells("Fig candle", 2_400, 12).await;
    let mut browser = app.browser();
    browser.puts(&other.path(), "1").await.leads_to();
    let form = browser
        .get(&goods.path())
        .await
        .form("/cart/lines")
        .with("quantity", "1");
    let tabs = (0..20).map(|_| {
        let (mut tab, form) = (browser.clone(), form.clone());
        tokio::spawn(async move { tab.submit(&form).await.status })
    });
    let mut accepted = 0;
    for tab in tabs.collect::<Vec<_>>() {
        let status = tab.await.unwrap();
        assert!(matches!(status, 303 | 422), "{status}");
        accepted += i32::from(status == 303);
    }
    assert_eq!(accepted, 12);
    browser
        .get("/cart")
        .await
        .says(200, &["Bag, 13 items", "€216.00"]);
}

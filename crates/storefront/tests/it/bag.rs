//! The bag.

use commerce::testing::{TestShop, euros};

use crate::browser::{Browser, open};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_around_leaves_no_cookie_and_the_first_thing_in_the_bag_brings_one() {
    let shop = TestShop::sqlite().await;
    shop.product("Oat tumbler", euros(1_800), 5).await;
    let mut browser = Browser::new(&open(&shop));
    let product = browser.get("/products/oat-tumbler").await;
    product.says(200, &["Oat tumbler", "Add to bag, €18"]);
    browser.get("/cart").await.says(200, &["Your bag is empty"]);
    assert!(!browser.has_cookie());

    let variant = product.value_of("variant");
    let added = browser
        .post(
            "/cart/lines",
            &[
                ("product", "oat-tumbler"),
                ("variant", &variant),
                ("quantity", "2"),
            ],
        )
        .await;
    let to = added.leads_to().to_owned();
    assert!(to.starts_with("/cart?added=cli_"), "{to}");
    assert!(browser.has_cookie());
    let bag = browser.get(&to).await;
    bag.says(
        200,
        &[
            "Oat tumbler is in your bag.",
            "€36.00",
            "Bag, 2 items",
            "from €4.90",
            "€24 to go for free delivery",
        ],
    );
    assert_eq!(bag.header("cache-control"), "no-store");
    // Also where there is no page, the bag is still theirs.
    browser
        .get("/no-such-page")
        .await
        .says(404, &["We cannot find that page", "Bag, 2 items"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_there_is_is_refused_with_what_there_is() {
    let shop = TestShop::sqlite().await;
    let id = shop
        .product("Oat tumbler", euros(1_800), 3)
        .await
        .to_string();
    let mut browser = Browser::new(&open(&shop));
    let wanted = |quantity| {
        [
            ("product", "oat-tumbler"),
            ("variant", id.as_str()),
            ("quantity", quantity),
        ]
    };
    let refused = browser.post("/cart/lines", &wanted("9")).await;
    refused.says(
        422,
        &[
            "There is a problem",
            "Only 3 left. We set the quantity to that",
        ],
    );
    assert_eq!(refused.value_of("quantity"), "3");
    assert!(!browser.has_cookie());
    browser.post("/cart/lines", &wanted("2")).await.leads_to();
    let refused = browser.post("/cart/lines", &wanted("2")).await;
    refused.says(422, &["Only 1 more can be had"]);
    assert_eq!(refused.value_of("quantity"), "1");
    for bad in ["0", "-1", "two", "1e9", "", "0.5"] {
        browser
            .post("/cart/lines", &wanted(bad))
            .await
            .says(422, &["Enter a quantity from 1 to 9,999"]);
    }
    browser.get("/cart").await.says(200, &["Bag, 2 items"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_with_a_price_in_it_changes_nothing() {
    let shop = TestShop::sqlite().await;
    let id = shop
        .product("Oat tumbler", euros(1_800), 3)
        .await
        .to_string();
    let mut browser = Browser::new(&open(&shop));
    for extra in ["price", "unit_price", "total", "discount", "currency"] {
        let answer = browser
            .post(
                "/cart/lines",
                &[("variant", &id), ("quantity", "1"), (extra, "1")],
            )
            .await;
        assert_eq!(answer.status.as_u16(), 400, "{extra}");
    }
    assert!(!browser.has_cookie());
    let to = browser
        .post("/cart/lines", &[("variant", &id), ("quantity", "1")])
        .await
        .leads_to()
        .to_owned();
    let line = to.strip_prefix("/cart?added=").unwrap();
    let changed = browser
        .post(
            &format!("/cart/lines/{line}"),
            &[("quantity", "3"), ("price", "1")],
        )
        .await;
    assert_eq!(changed.status.as_u16(), 400);
    browser
        .get("/cart")
        .await
        .says(200, &["Bag, 1 item", "€18.00"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quantities_are_changed_cut_removed_and_put_back() {
    let shop = TestShop::sqlite().await;
    let id = shop
        .product("Oat tumbler", euros(1_800), 3)
        .await
        .to_string();
    let mut browser = Browser::new(&open(&shop));
    let to = browser
        .post("/cart/lines", &[("variant", &id), ("quantity", "1")])
        .await
        .leads_to()
        .to_owned();
    let line = format!("/cart/lines/{}", to.strip_prefix("/cart?added=").unwrap());

    assert_eq!(
        browser.post(&line, &[("quantity", "2")]).await.leads_to(),
        "/cart"
    );
    browser
        .get("/cart")
        .await
        .says(200, &["Bag, 2 items", "€36.00"]);
    let cut = browser
        .post(&line, &[("quantity", "50")])
        .await
        .leads_to()
        .to_owned();
    browser
        .get(&cut)
        .await
        .says(200, &["Only 3 left. We changed your quantity.", "€54.00"]);
    browser
        .post(&line, &[("quantity", "many")])
        .await
        .says(422, &["Enter a quantity from 1 to 9,999", "Bag, 3 items"]);

    let removed = browser
        .post(&line, &[("quantity", "3"), ("remove", "1")])
        .await
        .leads_to()
        .to_owned();
    assert_eq!(removed, format!("/cart?removed={id}&quantity=3"));
    let bag = browser.get(&removed).await;
    bag.says(200, &["Removed Oat tumbler.", "Undo", "Your bag is empty"]);
    let undone = browser
        .post(
            "/cart/lines",
            &[
                ("variant", &bag.value_of("variant")),
                ("quantity", &bag.value_of("quantity")),
            ],
        )
        .await;
    browser
        .get(undone.leads_to())
        .await
        .says(200, &["Bag, 3 items"]);
    // The line is gone; its form in another window leads to the bag as it is.
    assert_eq!(
        browser.post(&line, &[("quantity", "1")]).await.leads_to(),
        "/cart"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_changes_the_bag_of_somebody_else() {
    let shop = TestShop::sqlite().await;
    let id = shop
        .product("Oat tumbler", euros(1_800), 9)
        .await
        .to_string();
    let app = open(&shop);
    let (mut noor, mut eve) = (Browser::new(&app), Browser::new(&app));
    let to = noor
        .post("/cart/lines", &[("variant", &id), ("quantity", "2")])
        .await
        .leads_to()
        .to_owned();
    eve.post("/cart/lines", &[("variant", &id), ("quantity", "1")])
        .await
        .leads_to();
    let line = format!("/cart/lines/{}", to.strip_prefix("/cart?added=").unwrap());
    assert_eq!(
        eve.post(&line, &[("remove", "1")]).await.leads_to(),
        "/cart"
    );
    assert_eq!(
        eve.post(&line, &[("quantity", "7")]).await.leads_to(),
        "/cart"
    );
    noor.get("/cart").await.says(200, &["Bag, 2 items"]);
    assert_eq!(
        Browser::new(&app)
            .post(&line, &[("remove", "1")])
            .await
            .leads_to(),
        "/cart"
    );
    noor.get("/cart").await.says(200, &["Bag, 2 items"]);
}

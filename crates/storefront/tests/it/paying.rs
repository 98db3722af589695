//! Placing the order, and what can come between.

use axum::body::Body;
use commerce::catalog::edit::{SaveProduct, SaveVariant, Target};
use commerce::catalog::{self, Shown, TaxClass};
use commerce::orders::{CancelOrder, ReturnMoney, cancel_order, find_by_link};
use commerce::testing::{Answering, TestShop, euros, operator};
use http::Request;
use kernel::time::MINUTE;
use kernel::{Money, Secret, Slug, VariantId};

use crate::browser::{Answer, Browser, open};

struct Ready {
    shop: TestShop,
    browser: Browser,
    variant: VariantId,
}

/// Somebody at the last step with two tumblers in the bag, of which there are three.
async fn ready() -> Ready {
    let shop = TestShop::sqlite().await;
    let variant = shop.product("Oat tumbler", euros(1_800), 3).await;
    let mut browser = Browser::new(&open(&shop));
    browser
        .post(
            "/cart/lines",
            &[("variant", variant.as_str()), ("quantity", "2")],
        )
        .await
        .leads_to();
    shop.fill_in(&browser.shopper()).await;
    Ready {
        shop,
        browser,
        variant,
    }
}

impl Ready {
    async fn pay(&mut self) -> Answer {
        let page = self.browser.get("/checkout").await;
        let seen = page.value_of("total_seen_minor");
        self.pay_having_seen(&seen, "test").await
    }

    async fn pay_having_seen(&mut self, seen: &str, method: &str) -> Answer {
        self.browser
            .post(
                "/checkout/complete",
                &[("payment_method", method), ("total_seen_minor", seen)],
            )
            .await
    }
}

/// Gives the tumbler another price.
async fn reprice(shop: &TestShop, price: Money) {
    let found = catalog::find_product_page(&shop.shop, Slug::parse("oat-tumbler").unwrap())
        .await
        .unwrap();
    let Some(Shown::Product(page)) = found else {
        panic!("the tumbler is on sale")
    };
    let variant = &page.variants[0].variant;
    let changed = SaveProduct {
        target: Target::Existing {
            id: page.product.id.clone(),
            version: page.product.version,
        },
        slug: page.product.slug.clone(),
        title: page.product.title.clone(),
        summary: String::new(),
        description: String::new(),
        facts: Vec::new(),
        tax_class: TaxClass::Standard,
        currency: price.currency(),
        options: Vec::new(),
        variants: vec![SaveVariant {
            id: Some(variant.id.clone()),
            values: Vec::new(),
            sku: variant.sku.clone(),
            barcode: None,
            price,
            compare_at: None,
            weight_grams: 500,
            content: None,
            stock_tracked: true,
        }],
        pictures: Vec::new(),
    };
    catalog::save_product(&shop.shop, operator().may(), changed)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shopper_pays_and_sees_the_order() {
    let mut ready = ready().await;
    let to = ready.pay().await.leads_to().to_owned();
    assert!(
        to.starts_with("/orders/") && to.ends_with("?placed=1"),
        "{to}"
    );
    let order = ready.browser.get(&to).await;
    order.says(
        200,
        &[
            "Thank you, Noor.",
            "is in.",
            "noor@example.com",
            "2 pieces",
            "€40.90",
            "You placed the order",
            "1015 DK Amsterdam",
        ],
    );
    assert_eq!(order.header("cache-control"), "no-store");
    assert!(order.body.contains("noindex"));
    ready
        .browser
        .get("/cart")
        .await
        .says(200, &["Your bag is empty", "Bag, 0 items"]);
    assert_eq!(ready.browser.get("/checkout").await.leads_to(), "/cart");
    // A second press leads to the same order, and nothing is charged twice.
    assert_eq!(ready.pay_having_seen("4090", "test").await.leads_to(), to);
    assert_eq!(ready.shop.gateway.charges(), [4_090]);
    // Anybody with the link sees it; nobody without.
    let path = to.split('?').next().unwrap().to_owned();
    let mut other = Browser::new(&open(&ready.shop));
    other.get(&path).await.says(200, &["Order", "Placed"]);
    let wrong = path.replace(
        path.chars().last().unwrap(),
        if path.ends_with('0') { "1" } else { "0" },
    );
    let mut bodies = Vec::new();
    for missing in [
        wrong.as_str(),
        "/orders/x",
        "/orders/ord_01k00000000000000000000000",
        "/orders/00000000000000000000000000",
    ] {
        let answer = other.get(missing).await;
        answer.says(404, &["We cannot find that page"]);
        bodies.push(answer.words());
    }
    assert!(
        bodies.windows(2).all(|two| two[0] == two[1]),
        "every wrong link gets the same answer"
    );
    ready.shop.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_bag_after_an_order_has_a_new_cookie() {
    let mut ready = ready().await;
    ready.pay().await.leads_to();
    let before = ready.browser.shopper().visitor;
    ready
        .browser
        .post(
            "/cart/lines",
            &[("variant", ready.variant.as_str()), ("quantity", "1")],
        )
        .await
        .leads_to();
    assert_ne!(ready.browser.shopper().visitor, before);
    ready.browser.get("/cart").await.says(200, &["Bag, 1 item"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_price_is_told_before_anything_is_charged() {
    let mut ready = ready().await;
    let seen = ready
        .browser
        .get("/checkout")
        .await
        .value_of("total_seen_minor");
    reprice(&ready.shop, euros(2_000)).await;
    let stopped = ready.pay_having_seen(&seen, "test").await;
    stopped.says(
        409,
        &[
            "Something changed",
            "the price was €18 and is now €20",
            "The total was €40.90 and is now €44.90",
        ],
    );
    assert_eq!(stopped.value_of("total_seen_minor"), "4490");
    assert_eq!(ready.shop.gateway.charges(), [0_i64; 0]);
    ready.pay_having_seen("4490", "test").await.leads_to();
    assert_eq!(ready.shop.gateway.charges(), [4_490]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_total_made_up_by_somebody_is_never_charged() {
    let mut ready = ready().await;
    for wrong in ["0", "1", "-1", "4091", "9223372036854775807"] {
        ready
            .pay_having_seen(wrong, "test")
            .await
            .says(409, &["is now €40.90"]);
    }
    for bad in ["", "40.90", "1e3", "NaN"] {
        assert_eq!(
            ready.pay_having_seen(bad, "test").await.status.as_u16(),
            400,
            "{bad}"
        );
    }
    let extra = [
        ("payment_method", "test"),
        ("total_seen_minor", "4090"),
        ("total", "1"),
    ];
    assert_eq!(
        ready
            .browser
            .post("/checkout/complete", &extra)
            .await
            .status
            .as_u16(),
        400
    );
    ready
        .pay_having_seen("4090", "")
        .await
        .says(422, &["Choose how you want to pay"]);
    ready
        .pay_having_seen("4090", "gold")
        .await
        .says(422, &["That way to pay is not offered"]);
    assert_eq!(ready.shop.gateway.asked(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_somebody_else_was_quicker_the_bag_is_counted_anew() {
    let mut ready = ready().await;
    let seen = ready
        .browser
        .get("/checkout")
        .await
        .value_of("total_seen_minor");
    let quicker = ready.shop.ready_shopper(&[(&ready.variant, 2)]).await;
    ready.shop.place(&quicker).await.unwrap();
    let stopped = ready.pay_having_seen(&seen, "test").await;
    stopped.says(
        409,
        &[
            "Oat tumbler: only 1 left. We changed your quantity.",
            "is now €22.90",
        ],
    );
    let now = stopped.value_of("total_seen_minor");
    let last = ready.shop.ready_shopper(&[(&ready.variant, 1)]).await;
    ready.shop.place(&last).await.unwrap();
    assert_eq!(
        ready.pay_having_seen(&now, "test").await.leads_to(),
        "/cart"
    );
    ready.browser.get("/cart").await.says(
        200,
        &[
            "Sold out since you added it",
            "Nothing in your bag can be bought",
        ],
    );
    ready.shop.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declined_payment_keeps_everything_and_says_why() {
    let mut ready = ready().await;
    ready.shop.gateway.answers(Answering::Decline);
    let to = ready.pay().await.leads_to().to_owned();
    assert_eq!(to, "/checkout?step=payment&declined=1");
    let page = ready.browser.get(&to).await;
    page.says(
        200,
        &[
            "Nothing was charged",
            "Your bank declined this card",
            "Pay €40.90",
        ],
    );
    ready.shop.gateway.answers(Answering::Approve);
    let order = ready.pay().await.leads_to().to_owned();
    ready
        .browser
        .get(&order)
        .await
        .says(200, &["Thank you, Noor."]);
    assert_eq!(ready.shop.gateway.charges(), [4_090]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateway_s_page_leads_back_to_the_order() {
    let mut ready = ready().await;
    ready.shop.gateway.answers(Answering::Page);
    let to = ready.pay().await.leads_to().to_owned();
    assert!(to.contains("://"), "{to}");
    // In the bag and at the checkout the payment is told, with the ways on and out.
    ready.browser.get("/checkout").await.says(
        200,
        &[
            "being paid in another window",
            "Go on with that payment",
            "Stop it and change the order",
        ],
    );
    let add = [("variant", ready.variant.as_str()), ("quantity", "1")];
    ready
        .browser
        .post("/cart/lines", &add)
        .await
        .says(422, &["being paid in another window"]);
    // Back without a decision: told honestly, not sent in circles.
    ready.browser.get("/checkout/return").await.says(
        200,
        &["We do not know yet whether the payment went through."],
    );
    assert_eq!(
        ready
            .browser
            .get("/checkout/return?resume=1")
            .await
            .leads_to(),
        to
    );
    ready.shop.gateway.approve();
    let order = ready
        .browser
        .get("/checkout/return")
        .await
        .leads_to()
        .to_owned();
    ready.browser.get(&order).await.says(
        200,
        &["Thank you, Noor.", "Your payment of €40.90 was approved"],
    );
    ready.shop.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_under_way_can_be_stopped_to_change_the_order() {
    let mut ready = ready().await;
    ready.shop.gateway.answers(Answering::Page);
    ready.pay().await.leads_to();
    assert_eq!(ready.shop.available(&ready.variant).await, 1);
    assert_eq!(
        ready
            .browser
            .post("/checkout/cancel-payment", &[])
            .await
            .leads_to(),
        "/checkout"
    );
    assert_eq!(ready.shop.available(&ready.variant).await, 3);
    let page = ready.browser.get("/checkout").await;
    assert!(!page.words().contains("being paid in another window"));
    ready
        .browser
        .post(
            "/cart/lines",
            &[("variant", ready.variant.as_str()), ("quantity", "1")],
        )
        .await
        .leads_to();
    ready.shop.gateway.answers(Answering::Approve);
    ready.pay().await.leads_to();
    assert_eq!(ready.shop.gateway.charges(), [5_890]);
    ready.shop.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_does_not_answer_is_waited_for() {
    let mut ready = ready().await;
    ready.shop.gateway.answers(Answering::LoseAnswer);
    assert_eq!(ready.pay().await.leads_to(), "/checkout/return");
    ready.shop.gateway.answers(Answering::Silent);
    let waiting = ready.browser.get("/checkout/return").await;
    waiting.says(
        200,
        &[
            "We do not know yet whether the payment went through.",
            "not yet known",
        ],
    );
    assert_eq!(waiting.header("cache-control"), "no-store");
    ready.shop.gateway.answers(Answering::Approve);
    ready.shop.clock.advance(MINUTE);
    let order = ready
        .browser
        .get("/checkout/return")
        .await
        .leads_to()
        .to_owned();
    ready
        .browser
        .get(&order)
        .await
        .says(200, &["Thank you, Noor."]);
    assert_eq!(ready.shop.gateway.charges(), [4_090]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bank_transfer_is_explained_on_the_order() {
    let mut ready = ready().await;
    let to = ready
        .pay_having_seen("4090", "bank_transfer")
        .await
        .leads_to()
        .to_owned();
    ready.browser.get(&to).await.says(
        200,
        &[
            "Transfer €40.90",
            "NL02ABNA0123456789",
            "waiting for your transfer",
        ],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_order_says_so() {
    let mut ready = ready().await;
    let to = ready.pay().await.leads_to().to_owned();
    let path = to.split('?').next().unwrap().to_owned();
    let token = Secret::parse(path.strip_prefix("/orders/").unwrap()).unwrap();
    let order = ready
        .shop
        .shop
        .db
        .read(move |tx| find_by_link(tx, &token))
        .await
        .unwrap()
        .unwrap();
    let cancel = CancelOrder {
        order_id: order.id,
        reason: "the kiln broke".to_owned(),
        money: ReturnMoney::Yes,
    };
    cancel_order(&ready.shop.shop, operator().may(), cancel)
        .await
        .unwrap();
    let page = ready.browser.get(&path).await;
    page.says(
        200,
        &["This order was cancelled.", "The order was cancelled"],
    );
    assert!(!page.words().contains("kiln"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notices_are_taken_from_gateways_only() {
    let ready = ready().await;
    let mut gateway = Browser::new(&open(&ready.shop));
    let notice = |path: &str, signature: Option<&str>, body: Vec<u8>| {
        let mut request = Request::post(path).header("content-type", "application/json");
        if let Some(signature) = signature {
            request = request.header("x-signature", signature);
        }
        request.body(Body::from(body)).unwrap()
    };
    let told = async |gateway: &mut Browser, request| {
        let answer = gateway.send(request).await;
        assert_eq!(answer.header("content-type"), "application/problem+json");
        answer.status.as_u16()
    };
    assert_eq!(
        told(
            &mut gateway,
            notice("/webhooks/payments/test", None, b"{}".to_vec())
        )
        .await,
        400
    );
    assert_eq!(
        told(
            &mut gateway,
            notice("/webhooks/payments/test", Some("forged"), b"{}".to_vec())
        )
        .await,
        400
    );
    assert_eq!(
        told(
            &mut gateway,
            notice("/webhooks/payments/gold", Some("x"), b"{}".to_vec())
        )
        .await,
        404
    );
    assert_eq!(
        told(
            &mut gateway,
            notice("/webhooks/payments/test", Some("x"), vec![b' '; 65 * 1024])
        )
        .await,
        413
    );
}

//! What belongs to somebody else: every id in the database, tried at every address of the shop by a stranger.

use std::collections::BTreeSet;

use commerce::accounts::Role;

use crate::browser::Browser;
use crate::page::Form;

use super::crawl::Full;

/// What only the shopper may read.
const PRIVATE: &[&str] = &["Noor", "noor@example.com", "Prinsengracht", "1015"];

/// Where an address of the shop has a place for somebody's thing.
const PLACES: &[&str] = &[
    "/orders/{}",
    "/orders/{}?placed=1",
    "/cart/lines/{}",
    "/test-gateway/pay/{}",
    "/checkout/return?payment={}",
    "/checkout/return?resume=1&id={}",
    "/cart?cart={}",
    "/cart?token={}",
    "/checkout?order={}",
    "/media/{}/320.webp",
    "/webhooks/payments/{}",
];

/// Everything in the tables that looks like a name of one thing: ids, numbers, hashes. Not the secret of the order's page,
/// nor the gateway's address of a payment: whoever has those may look.
async fn names(full: &Full) -> BTreeSet<String> {
    let secrets: Vec<(String,)> = full
        .app
        .test
        .rows("SELECT link_token FROM orders ORDER BY id LIMIT 100")
        .await;
    let pages: Vec<(String,)> = full
        .app
        .test
        .rows("SELECT ref FROM test_gateway_payments ORDER BY ref LIMIT 100")
        .await;
    let secrets: BTreeSet<String> = secrets.into_iter().chain(pages).map(|row| row.0).collect();
    let mut names = BTreeSet::new();
    for (table, rows) in full.app.everything().await {
        let is_somebodys = ["cart", "order", "payment", "customer", "mail", "checkout"]
            .iter()
            .any(|start| table.contains(start));
        let words = rows
            .iter()
            .filter(|_| is_somebodys)
            .flat_map(|row| row.split('\''));
        let fits = words.filter(|word| {
            let plain = word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            plain && word.len() >= 16 && word.bytes().any(|b| b.is_ascii_digit())
        });
        names.extend(fits.map(str::to_owned));
    }
    names.extend(["1001", "1002", "1"].map(str::to_owned));
    names.retain(|name| !secrets.contains(name));
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_id_there_is_shows_or_changes_anything_of_somebody_elses() {
    let full = Full::shop().await;
    let names = names(&full).await;
    assert!(names.len() > 30, "{names:?}");
    let mut eve = full.app.browser();
    eve.puts("/products/oat-tumbler", "1").await.leads_to();
    let token = eve.get("/cart").await.form_below("/cart/lines/cli_");
    let token = token.value("csrf").to_owned();
    let before = full.app.everything().await;
    for name in &names {
        for place in PLACES {
            let path = place.replace("{}", name);
            let answer = eve.get(&path).await;
            answer.says_nothing_of(PRIVATE);
            let fine = matches!(answer.status, 200 | 303 | 400 | 404 | 405);
            assert!(fine, "{path}: {}", answer.status);
        }
        for (place, fields) in [
            ("/cart/lines/{}", "quantity=3"),
            ("/cart/lines/{}", "quantity=1&remove=1"),
            ("/test-gateway/pay/{}", "outcome=approve"),
            ("/test-gateway/pay/{}", "outcome=decline"),
        ] {
            let path = place.replace("{}", name);
            let body = format!("csrf={token}&{fields}").into_bytes();
            let answer = eve.post_raw(&path, body).await;
            assert!(answer.status < 500, "{path}: {}", answer.status);
            answer.says_nothing_of(PRIVATE);
        }
    }
    full.app.assert_unchanged_since(&before).await;
}

/// The stranger has the cookie that is kept in the database, the one of an id, and one that is nearly right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_in_the_database_is_a_cookie_that_opens_a_bag_or_the_back_office() {
    let mut full = Full::shop().await;
    full.owner.get("/admin").await.says(200, &[]);
    let mut words = BTreeSet::new();
    for rows in full.app.everything().await.values() {
        let found = rows.iter().flat_map(|row| row.split(['\'', ' ', '"']));
        words.extend(found.filter(|word| word.len() >= 20).map(str::to_owned));
    }
    let sessions: Vec<(String,)> = full
        .app
        .test
        .rows("SELECT token_hash FROM staff_sessions ORDER BY token_hash LIMIT 100")
        .await;
    assert!(sessions.iter().all(|(hash,)| words.contains(hash)));
    let plain = |word: &&String| word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    for word in words.iter().filter(plain) {
        for name in ["__Host-staff", "__Host-cart"] {
            let mut thief = full.app.browser();
            thief.cookie = Some(format!("{name}={word}"));
            let office = thief.get("/admin").await;
            assert_eq!(office.status, 303, "{name}={word}");
            thief.get("/cart").await.says_nothing_of(PRIVATE);
        }
    }
}

/// A shopper's own forms, sent by another shopper with that one's cookie and token.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_forms_of_one_shopper_do_nothing_in_the_hands_of_another() {
    let mut full = Full::shop().await;
    let mut all = Vec::new();
    for path in ["/cart", "/checkout?step=address", "/checkout?step=delivery"] {
        let page = full.shopper.get(path).await;
        all.extend(
            Form::all(&page.text())
                .into_iter()
                .filter(|form| form.method == "post"),
        );
    }
    assert!(all.len() >= 3, "{}", all.len());
    let mut eve: Browser = full.app.browser();
    eve.puts("/products/tarn-vase", "1").await.leads_to();
    let token = eve.get("/cart").await.form_below("/cart/lines/cli_");
    let token = token.value("csrf").to_owned();
    let before = full.shopper.get("/cart").await.words();
    let carts = "SELECT id FROM cart_lines ORDER BY id LIMIT 100";
    let lines: Vec<(String,)> = full.app.test.rows(carts).await;
    for form in &all {
        for button in form.buttons.iter().chain([&(String::new(), String::new())]) {
            let form = form.clone().with("csrf", &token).with(&button.0, &button.1);
            let answer = eve.submit(&form).await;
            answer.says_nothing_of(PRIVATE);
            assert!(answer.status < 500, "{}", form.action);
        }
    }
    assert_eq!(full.shopper.get("/cart").await.words(), before);
    let after: Vec<(String,)> = full.app.test.rows(carts).await;
    assert!(lines.iter().all(|line| after.contains(line)));
    // Nor does a member of staff who may not see customers read them in what they may see.
    let mut packer = full.app.staff(Role::Catalogue).await;
    for path in [
        "/admin/orders",
        "/admin/customers",
        "/admin/mails",
        "/admin/activity",
    ] {
        packer
            .get(path)
            .await
            .says(403, &[])
            .says_nothing_of(PRIVATE);
    }
    packer
        .get("/admin/jump?q=noor")
        .await
        .says_nothing_of(PRIVATE);
}

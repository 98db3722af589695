//! What an answer must not tell: who has an account, and an address that somebody else made up.

use axum::body::Body;
use commerce::accounts::{self, Invite, Password, Role};
use commerce::testing::operator;
use http::Request;

use crate::browser::{Answer, Browser};
use crate::harness::App;

const PASSWORD: &str = "three quiet herons at dawn";

/// A page without what is another one in each answer: its id, its token, what was typed.
fn bare(answer: &Answer, typed: &str) -> String {
    let text = answer.text().replace(answer.header("x-request-id"), "ID");
    let tokens = text.split("name=\"csrf\" value=\"");
    let mut parts = tokens.map(str::to_owned).collect::<Vec<_>>();
    for part in parts.iter_mut().skip(1) {
        if let Some((_, rest)) = part.split_once('"') {
            *part = rest.to_owned();
        }
    }
    parts.concat().replace(typed, "TYPED")
}

fn headers(answer: &Answer) -> Vec<(String, usize)> {
    let told = answer.headers.iter();
    let told = told.filter(|(name, _)| name.as_str() != "x-request-id");
    let mut told: Vec<(String, usize)> = told
        .map(|(name, value)| (name.to_string(), value.len()))
        .collect();
    told.sort();
    told
}

async fn try_to_sign_in(browser: &mut Browser, email: &str) -> Answer {
    let page = browser.get("/admin/sign-in").await;
    let form = page.form("/admin/sign-in").with("email", email);
    browser
        .submit(&form.with("password", "seven loud geese at noon"))
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_with_an_account_and_one_without_get_the_same_bytes() {
    let app = App::new().await;
    for (name, role) in [("aaaa", Role::Owner), ("bbbb", Role::Viewer)] {
        let who = Invite {
            name: "Ines Vermeer".to_owned(),
            email: format!("{name}@post.example"),
            role,
        };
        let password = Password::typed(PASSWORD);
        accounts::let_in_with_password(app.shop(), operator().may(), who, password)
            .await
            .unwrap();
    }
    // Somebody invited who has no password yet.
    app.staff(Role::Support).await;
    let addresses = [
        "aaaa@post.example",
        "bbbb@post.example",
        "cccc@post.example",
        "dddd@else.example",
        "support@shop.example",
        "nobody1@shop.example",
    ];
    let mut first: Option<(String, Vec<(String, usize)>)> = None;
    for email in addresses {
        let answer = try_to_sign_in(&mut app.browser(), email).await;
        assert_eq!(answer.status, 422);
        let mut told = (bare(&answer, email), headers(&answer));
        told.1
            .retain(|(name, _)| name != "content-length" && name != "etag");
        let first = first.get_or_insert_with(|| told.clone());
        assert_eq!(first.0, told.0, "{email}");
        assert_eq!(first.1, told.1, "{email}");
    }
}

/// Sends a form whose request says that the shop is at another address.
async fn submit_elsewhere(browser: &mut Browser, form: &crate::page::Form) -> Answer {
    let request = Request::post(&form.action)
        .header("host", "evil.example")
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "host=evil.example;proto=http")
        .header("x-forwarded-proto", "http")
        .header("x-host", "evil.example")
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("cookie", browser.cookie.clone().unwrap_or_default());
    let request = request.body(Body::from(form.encoded())).unwrap();
    browser.send(request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_link_in_a_mail_or_on_a_page_leads_where_a_request_says_the_shop_is() {
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 9).await;
    let mut owner = app.staff(Role::Owner).await;
    let invite = owner.get("/admin/staff").await.form("/admin/staff");
    let invite = invite
        .with("name", "Joris Maas")
        .with("email", "joris@post.example")
        .with("role", "viewer");
    let shown = submit_elsewhere(&mut owner, &invite).await;
    assert!(shown.status < 400, "{}", shown.words());

    let mut buyer = app.browser();
    buyer.puts(&goods.path(), "1").await.leads_to();
    let page = buyer.checks_out().await;
    let pay = page
        .form("/checkout/complete")
        .with("payment_method", "test");
    let to_gateway = submit_elsewhere(&mut buyer, &pay).await;
    let gateway = to_gateway.leads_to();
    let choice = buyer
        .get(&gateway)
        .await
        .form(&gateway)
        .press("outcome", "approve");
    let back = submit_elsewhere(&mut buyer, &choice).await;
    let order = buyer.get(&back.leads_to()).await;
    for answer in [&shown, &to_gateway, &back, &order] {
        let text = String::from_utf8_lossy(&answer.body);
        assert!(!text.contains("evil.example"), "{text}");
        let headers = answer.headers.values();
        let mut told = headers.map(|value| String::from_utf8_lossy(value.as_bytes()));
        assert!(!told.any(|value| value.contains("evil.example")));
    }
    app.test.run_jobs().await;
    let letters = app.test.mailbox.letters();
    let told: Vec<String> = letters.iter().map(|letter| format!("{letter:?}")).collect();
    assert!(!told.is_empty());
    for letter in told {
        assert!(!letter.contains("evil.example"), "{letter}");
        assert!(letter.contains("https://shop.example/"), "{letter}");
    }
}

//! The way into the back office: passwords, links, claiming a new shop, and the ways out.

use commerce::accounts::{self, Invite, Password, Role};
use commerce::staff::Operator;
use kernel::Email;

use crate::browser::Browser;
use crate::harness::App;

const PASSWORD: &str = "three quiet herons at dawn";

async fn ines(app: &App, role: Role) {
    let who = Invite {
        name: "Ines Vermeer".to_owned(),
        email: "ines@post.example".to_owned(),
        role,
    };
    let by = Operator::at_the_command_line().may();
    let password = Password::typed(PASSWORD);
    accounts::let_in_with_password(app.shop(), by, who, password)
        .await
        .unwrap();
}

async fn signs_in(browser: &mut Browser, password: &str, next: &str) -> crate::browser::Answer {
    let page = browser.get("/admin/sign-in").await;
    let form = page
        .form("/admin/sign-in")
        .with("email", "ines@post.example")
        .with("password", password)
        .with("next", next);
    browser.submit(&form).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_opens_the_door_and_leads_on_to_where_somebody_wanted_to_go() {
    let app = App::new().await;
    ines(&app, Role::Owner).await;
    let mut browser = app.browser();
    let to = browser.get("/admin/activity?who=operator").await.leads_to();
    assert_eq!(
        to,
        "/admin/sign-in?next=%2Fadmin%2Factivity%3Fwho%3Doperator"
    );
    let form = browser.get(&to).await.form("/admin/sign-in");
    let before = browser.cookie.clone();
    let form = form
        .with("email", " INES@post.example")
        .with("password", PASSWORD);
    assert_eq!(
        browser.submit(&form).await.leads_to(),
        "/admin/activity?who=operator"
    );
    assert_ne!(browser.cookie, before, "the session is a new one");
    browser
        .get("/admin/account")
        .await
        .says(200, &["Ines Vermeer"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_wrong_pair_is_one_answer_and_no_link_leads_out_of_the_office() {
    let app = App::new().await;
    ines(&app, Role::Owner).await;
    let mut browser = app.browser();
    let wrong = signs_in(&mut browser, "three quiet herons at dusk", "/admin").await;
    wrong.says(422, &["The e-mail address or the password is not right"]);
    let page = browser.get("/admin/sign-in").await;
    let form = page
        .form("/admin/sign-in")
        .with("email", "nobody@post.example")
        .with("password", PASSWORD);
    browser
        .submit(&form)
        .await
        .says(422, &["The e-mail address or the password is not right"]);
    for elsewhere in [
        "https://evil.example/admin",
        "//evil.example",
        "/cart",
        "/admin//evil.example",
    ] {
        let mut browser = app.browser();
        let to = signs_in(&mut browser, PASSWORD, elsewhere).await.leads_to();
        assert_eq!(to, "/admin", "{elsewhere}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_signs_in_once_and_only_when_the_button_is_pressed() {
    let app = App::new().await;
    ines(&app, Role::Owner).await;
    let by = Operator::at_the_command_line().may();
    let email = Email::parse("ines@post.example").unwrap();
    let token = accounts::sign_in_link(app.shop(), by, email).await.unwrap();
    let path = format!("/admin/link?token={}", token.expose());
    let mut browser = app.browser();
    for _ in 0..2 {
        browser
            .get(&path)
            .await
            .says(200, &["Sign in as Ines Vermeer"]);
    }
    let form = browser.get(&path).await.form("/admin/link");
    assert_eq!(browser.submit(&form).await.leads_to(), "/admin");
    browser
        .get("/admin/account")
        .await
        .says(200, &["Ines Vermeer"]);
    let mut late = app.browser();
    late.get(&path).await.says(410, &["used up"]);
    let mut late_form = form;
    late_form.fields.retain(|(name, _)| name != "csrf");
    let csrf = late.get("/admin/sign-in").await.value_of("csrf");
    late.submit(&late_form.with("csrf", &csrf))
        .await
        .says(410, &["used up"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_out_ends_the_session_and_signing_out_everywhere_ends_them_all() {
    let app = App::new().await;
    ines(&app, Role::Viewer).await;
    let mut here = app.browser();
    let mut there = app.browser();
    signs_in(&mut here, PASSWORD, "/admin").await;
    signs_in(&mut there, PASSWORD, "/admin").await;
    let copied = here.clone();
    let form = here.get("/admin/account").await.form("/admin/sign-out");
    assert_eq!(here.submit(&form).await.leads_to(), "/admin/sign-in?left=1");
    let mut stolen = copied;
    assert_eq!(stolen.get("/admin/account").await.status, 303);
    signs_in(&mut here, PASSWORD, "/admin").await;
    let page = there.get("/admin/account").await;
    there
        .submit(&page.form("/admin/account/sessions/end-all"))
        .await;
    assert_eq!(there.get("/admin/account").await.status, 303);
    assert_eq!(here.get("/admin/account").await.status, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_token_of_the_console_claims_a_shop_and_only_once() {
    let app = App::new().await;
    let mut stranger = app.browser();
    stranger
        .visit("/admin")
        .await
        .says(200, &["Nobody owns this shop yet"]);
    stranger
        .get("/admin/setup")
        .await
        .says(410, &["does not open the shop"]);
    let token = accounts::claim_link(app.shop()).await.unwrap().unwrap();
    let path = format!("/admin/setup?token={}", token.expose());
    let mut owner = app.browser();
    let form = owner.get(&path).await.form("/admin/setup");
    let form = form
        .with("shop_name", "Savi ja kahvi")
        .with("country", "FI")
        .with("name", "Aino")
        .with("email", "aino@post.example")
        .with("password", PASSWORD);
    let nameless = form.clone().with("shop_name", " ");
    owner
        .submit(&nameless)
        .await
        .says(422, &["Give your shop a name"]);
    let weak = form.clone().with("password", "short");
    owner
        .submit(&weak)
        .await
        .says(422, &["at least 12 characters"]);
    assert_eq!(owner.submit(&form).await.leads_to(), "/admin");
    owner.get("/admin/account").await.says(200, &["Aino"]);
    owner
        .get("/admin/settings/shop")
        .await
        .says(200, &["Savi ja kahvi"]);
    let mut late = app.browser();
    late.get(&path).await.says(410, &["has an owner"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_product_of_a_new_shop_is_saved_with_the_stock_it_begins_with() {
    let app = App::new().await;
    for sql in [
        "UPDATE delivery_methods SET location_id = NULL",
        "DELETE FROM stock_locations",
    ] {
        app.test.tamper(sql).await;
    }
    let token = accounts::claim_link(app.shop()).await.unwrap().unwrap();
    let path = format!("/admin/setup?token={}", token.expose());
    let mut owner = app.browser();
    let form = owner.get(&path).await.form("/admin/setup");
    let form = form
        .with("shop_name", "Savi ja kahvi")
        .with("country", "NL")
        .with("name", "Aino")
        .with("email", "aino@post.example")
        .with("password", PASSWORD);
    assert_eq!(owner.submit(&form).await.leads_to(), "/admin");
    owner
        .get("/admin/inventory/locations")
        .await
        .says(200, &["Stockroom"]);
    let page = owner.get("/admin/products/new").await;
    let form = page
        .form("/admin/products")
        .with("title", "Reed pitcher")
        .with("price", "68.00");
    let to = owner.submit(&form).await.leads_to();
    let path = to.split('?').next().unwrap();
    let page = owner.get(path).await;
    let form = page
        .form(path)
        .with("options.0.name", "Size")
        .with("options.0.values", "Small, Large")
        .press("intent", "arrange");
    let arranged = owner.submit(&form).await;
    let form = arranged.form(path).with("variants.1.opening", "5");
    owner.submit(&form.press("intent", "save")).await.leads_to();
    let on_hand = app.number("SELECT COALESCE(SUM(on_hand), 0) FROM stock_levels");
    assert_eq!(on_hand.await, 5);
}

//! Signing in with a code: of an authenticator app, or one of those kept on paper.

use commerce::accounts::{self, Invite, Password, Role};
use commerce::staff::Operator;
use data_encoding::BASE32_NOPAD;
use kernel::time::SECOND;
use totp_rs::Builder;

use crate::browser::{Answer, Browser};
use crate::harness::App;

const PASSWORD: &str = "three quiet herons at dawn";

/// The code an app shows at this moment.
fn shown(app: &App, secret: &str) -> String {
    let secret: String = secret.split_whitespace().collect();
    let authenticator = Builder::new()
        .with_secret(BASE32_NOPAD.decode(secret.as_bytes()).unwrap())
        .build()
        .unwrap();
    let now = app.shop().clock.now().millis() / 1_000;
    authenticator
        .generate(u64::try_from(now).unwrap())
        .to_string()
}

async fn gives_her_password(app: &App) -> (Browser, Answer) {
    let mut browser = app.browser();
    let page = browser.get("/admin/sign-in?next=/admin/orders").await;
    let form = page
        .form("/admin/sign-in")
        .with("email", "ines@post.example")
        .with("password", PASSWORD);
    let asked = browser.submit(&form).await;
    (browser, asked)
}

async fn gives(browser: &mut Browser, page: &Answer, code: &str) -> Answer {
    let form = page.form("/admin/sign-in/code").with("code", code);
    browser.submit(&form).await
}

/// Ines, who has turned the second factor on: with the app's secret and the page of her recovery codes.
async fn ines(app: &App) -> (Browser, String, Answer) {
    let who = Invite {
        name: "Ines Vermeer".to_owned(),
        email: "ines@post.example".to_owned(),
        role: Role::Owner,
    };
    let by = Operator::at_the_command_line().may();
    let password = Password::typed(PASSWORD);
    accounts::let_in_with_password(app.shop(), by, who, password)
        .await
        .unwrap();
    let (mut browser, entered) = gives_her_password(app).await;
    assert_eq!(entered.leads_to(), "/admin/orders");
    let page = browser.get("/admin/account/second-factor").await;
    let form = page.form("/admin/account/second-factor");
    let secret = form.value("secret").to_owned();
    let wrong = browser.submit(&form.clone().with("code", "000000x")).await;
    wrong.says(422, &["This code is not right"]);
    let form = form.with("code", &shown(app, &secret));
    let codes = browser.submit(&form).await;
    codes.says(200, &["Your recovery codes"]);
    (browser, secret, codes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_of_the_app_lets_in_once() {
    let app = App::new().await;
    let (_, secret, _) = ines(&app).await;
    app.test.clock.advance(30 * SECOND);
    let (mut browser, page) = gives_her_password(&app).await;
    page.says(200, &["Enter your code"]);
    assert_eq!(
        browser.get("/admin/orders").await.status,
        303,
        "half signed in is not signed in"
    );
    let code = shown(&app, &secret);
    let wrong = gives(&mut browser, &page, "12 34 5x").await;
    wrong.says(422, &["This code is not right"]);
    let entered = gives(&mut browser, &wrong, &code).await;
    assert_eq!(entered.leads_to(), "/admin/orders");
    assert_eq!(browser.get("/admin/orders").await.status, 200);
    // Whoever looked over her shoulder has the password and the same code.
    let (mut thief, page) = gives_her_password(&app).await;
    let refused = gives(&mut thief, &page, &code).await;
    refused.says(422, &["This code is not right, or was used before"]);
    assert_eq!(thief.get("/admin/orders").await.status, 303);
    app.test.clock.advance(30 * SECOND);
    let entered = gives(&mut thief, &refused, &shown(&app, &secret)).await;
    assert_eq!(entered.leads_to(), "/admin/orders", "a fresh one counts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recovery_code_lets_in_once_and_one_is_left_less() {
    let app = App::new().await;
    let (_, _, kept) = ines(&app).await;
    let text = kept.text();
    let main = text.split("<ul>").nth(1).unwrap();
    let codes: Vec<&str> = main
        .split("<code>")
        .skip(1)
        .map(|rest| rest.split('<').next().unwrap())
        .collect();
    assert_eq!(codes.len(), accounts::RECOVERY_CODES);
    let (mut browser, page) = gives_her_password(&app).await;
    let entered = gives(&mut browser, &page, codes[0]).await;
    assert_eq!(entered.leads_to(), "/admin/orders");
    let left = format!("{} recovery codes left", codes.len() - 1);
    browser.get("/admin/account").await.says(200, &[&left]);
    let (mut again, page) = gives_her_password(&app).await;
    let refused = gives(&mut again, &page, codes[0]).await;
    refused.says(422, &["This code is not right, or was used before"]);
    assert_eq!(
        gives(&mut again, &refused, codes[1]).await.leads_to(),
        "/admin/orders"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_factor_is_turned_off_with_the_password_alone() {
    let app = App::new().await;
    let (mut browser, _, _) = ines(&app).await;
    let form = browser.get("/admin/account").await;
    let form = form.form("/admin/account/second-factor/remove");
    let refused = browser
        .submit(&form.clone().with("password", "not hers at all"))
        .await;
    refused.says(422, &["The password is not right"]);
    let (_, asked) = gives_her_password(&app).await;
    asked.says(200, &["Enter your code"]);
    let form = form.with("password", PASSWORD);
    browser.submit(&form).await.leads_to();
    let (_, entered) = gives_her_password(&app).await;
    assert_eq!(entered.leads_to(), "/admin/orders");
}

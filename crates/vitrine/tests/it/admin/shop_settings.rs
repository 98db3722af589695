//! Taxes, the first page's texts, test mails, roles and the trail, over HTTP.

use commerce::accounts::Role;
use commerce::ports::mail::MailError;

use crate::harness::App;
use crate::page::{Form, addresses};

const TAXES: &str = "/admin/settings/taxes";
const RATES: &str = "/admin/settings/taxes/rates";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rates_are_added_changed_as_seen_and_removed() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Owner).await;
    let mut joris = app.staff(Role::Manager).await;
    let page = ines.get(TAXES).await;
    let add = Form::all(&page.text())
        .into_iter()
        .rfind(|form| form.action == RATES)
        .unwrap()
        .with("country", "SE")
        .with("class", "standard")
        .with("name", "Moms");
    let refused = ines.submit(&add.clone().with("percent", "a lot")).await;
    refused.says(422, &["Enter a rate from 0 to 100"]);
    let to = ines
        .submit(&add.clone().with("percent", "25,5 %"))
        .await
        .leads_to();
    ines.get(&to)
        .await
        .says(200, &["Sweden", "The tax rate is saved"]);
    let bps = "SELECT rate_bps FROM tax_rates WHERE country = 'SE'";
    assert_eq!(app.number(bps).await, 2_550);
    ines.submit(&add.with("percent", "12"))
        .await
        .says(409, &["has a rate for this class already"]);

    let of_sweden = |html: &str, action: &str| {
        Form::all(html)
            .into_iter()
            .find(|form| form.action == action && form.value("country") == "SE")
            .unwrap()
    };
    let page = ines.get(TAXES).await.text();
    let hers = of_sweden(&page, RATES)
        .with("name", "Moms")
        .with("percent", "25");
    let page = joris.get(TAXES).await.text();
    let his = of_sweden(&page, RATES)
        .with("name", "Moms")
        .with("percent", "6");
    let remove = of_sweden(&page, "/admin/settings/taxes/rates/remove");
    ines.submit(&hers).await.leads_to();
    joris
        .submit(&his)
        .await
        .says(409, &["Somebody else changed this rate meanwhile"]);
    joris
        .submit(&remove)
        .await
        .says(409, &["Somebody else changed this rate meanwhile"]);
    assert_eq!(app.number(bps).await, 2_500, "hers stands");
    let page = joris.get(TAXES).await.text();
    let remove = of_sweden(&page, "/admin/settings/taxes/rates/remove");
    joris.submit(&remove).await.leads_to();
    let left = app.number("SELECT COUNT(*) FROM tax_rates WHERE country = 'SE'");
    assert_eq!(left.await, 0);
    joris
        .get("/admin/activity")
        .await
        .says(200, &["Moms", "Ines Vermeer"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prices_without_tax_are_said_once_and_a_second_opinion_is_shown() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Owner).await;
    let mut joris = app.staff(Role::Manager).await;
    let hers = ines.get(TAXES).await.form(TAXES).without("include");
    let his = joris.get(TAXES).await.form(TAXES).with("country", "BE");
    ines.submit(&hers).await.leads_to();
    let settings = app.shop().db.read(commerce::settings::load).await.unwrap();
    assert!(!settings.selling.prices_include_tax);
    let page = joris.submit(&his).await;
    page.says(409, &["Country the shop is at home in", "Take theirs"]);
    let nowhere = ines.get(TAXES).await.form(TAXES).with("country", "??");
    ines.submit(&nowhere).await.says(422, &["Choose a country"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_first_page_says_is_written_and_read_by_shoppers() {
    let app = App::new().await;
    let vase = app.sells("Tarn vase", 6_800, 9).await;
    app.collects("Gifts", std::slice::from_ref(&vase.slug))
        .await;
    let mut ines = app.staff(Role::Owner).await;
    let path = "/admin/settings/home";
    let form = ines
        .get(path)
        .await
        .form(path)
        .with("headline", "Pots <of> the north")
        .with("text", "Thrown by hand.")
        .with("product_slug", "tarn-vase")
        .with("row_1", "gifts")
        .with("story_title", "Our kiln")
        .with("story_text", "It burns birch.");
    let nothing_of_it = form.clone().with("product_slug", "no-such-vase");
    let refused = ines.submit(&nothing_of_it).await;
    assert_eq!(refused.status, 422, "{}", refused.words());
    assert_eq!(refused.form(path).value("headline"), "Pots <of> the north");
    ines.submit(&form).await.leads_to();
    assert_eq!(
        ines.get(path).await.value_of("headline"),
        "Pots <of> the north"
    );
    let mut shopper = app.browser();
    shopper.get("/").await.says(
        200,
        &[
            "Pots <of> the north",
            "Thrown by hand.",
            "Gifts",
            "Our kiln",
            "It burns birch.",
        ],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_mail_goes_to_whoever_asks_and_says_what_the_server_said() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Owner).await;
    let path = "/admin/settings/mail";
    let form = ines.get(path).await.form(&format!("{path}/test"));
    let to = ines.submit(&form).await.leads_to();
    ines.get(&to)
        .await
        .says(200, &["took a test mail to owner@shop.example"]);
    let letter = app.test.mailbox.letters().pop().unwrap();
    assert_eq!(
        (letter.to.as_str(), letter.subject.as_str()),
        ("owner@shop.example", "A test mail from your shop")
    );
    let refusal = MailError::Never("550 we do not know you".to_owned());
    app.test.mailbox.refuse(Some(refusal));
    ines.submit(&form)
        .await
        .says(422, &["did not take it", "550 we do not know you"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_role_counts_at_once_and_the_last_owner_stays() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Owner).await;
    let mut joris = app.staff(Role::Viewer).await;
    assert_eq!(joris.get("/admin/settings/shop").await.status, 403);
    let id = app.text("SELECT id FROM staff WHERE email = 'viewer@shop.example'");
    let role = format!("/admin/staff/{}/role", id.await);
    let form = ines.get("/admin/staff").await.form(&role);
    let nonsense = form.clone().with("role", "emperor");
    assert_eq!(ines.submit(&nonsense).await.status, 400);
    let to = ines
        .submit(&form.clone().with("role", "manager"))
        .await
        .leads_to();
    ines.get(&to).await.says(200, &["The role is changed"]);
    // He signs in again, as what he is now.
    assert_eq!(joris.get("/admin/settings/shop").await.status, 303);
    let now = app.text("SELECT role FROM staff WHERE email = 'viewer@shop.example'");
    assert_eq!(now.await, "manager");
    let late = ines.submit(&form.with("role", "support")).await;
    late.says(409, &["Somebody else changed this account meanwhile"]);
    // Nobody takes their own role away, not even by hand.
    let own = app.text("SELECT id FROM staff WHERE email = 'owner@shop.example'");
    let token = ines.token().await;
    let fields = [
        ("csrf", token.as_str()),
        ("role", "viewer"),
        ("version", "1"),
    ];
    let path = format!("/admin/staff/{}/role", own.await);
    ines.post(&path, &fields)
        .await
        .says(403, &["Nobody changes their own role"]);
    ines.get("/admin/activity")
        .await
        .says(200, &["Changed a role", "manager"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trail_is_read_by_who_did_it_and_by_what_it_was_done_to() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Owner).await;
    let path = "/admin/settings/shop";
    for line in ["Pots of the north", "Cups of the south"] {
        let form = ines.get(path).await.form(path);
        let form = form.with("address", "Kade 1").with("tagline", line);
        ines.submit(&form).await.leads_to();
    }
    let all = ines.get("/admin/activity").await;
    all.says(200, &["Saved settings", "Invited somebody"]);
    let id = app.text("SELECT id FROM staff WHERE email = 'owner@shop.example'");
    let hers = format!("staff:{}", id.await);
    let form = all.form("/admin/activity");
    let found = ines.submit(&form.clone().with("who", &hers)).await;
    found
        .says(200, &["Saved settings", "Cups of the south"])
        .says_nothing_of(&["Invited somebody"]);
    let found = ines.submit(&form.with("who", "operator")).await;
    found
        .says(200, &["Invited somebody"])
        .says_nothing_of(&["Cups of the south"]);
    // What it is about leads to all that was done to it.
    let about = addresses(&all.text());
    let about = about
        .iter()
        .find(|address| address.contains("what=settings"))
        .unwrap();
    ines.get(about)
        .await
        .says(200, &["Pots of the north", "Cups of the south"])
        .says_nothing_of(&["Invited somebody"]);
    let none = ines.get("/admin/activity?what=settings%3Anone").await;
    none.says(200, &["Show everything"]);
    let older = ines.get("/admin/activity?before=1").await;
    older.says_nothing_of(&["Saved settings", "Invited somebody"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_trail_goes_on_where_the_page_before_ended() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Owner).await;
    let path = "/admin/account/name";
    for number in 0..52 {
        let form = ines.get("/admin/account").await.form(path);
        let name = format!("Ines the {number}th");
        ines.submit(&form.with("name", &name)).await.leads_to();
    }
    let first = ines.get("/admin/activity").await;
    let older = addresses(&first.text());
    let older = older
        .iter()
        .find(|address| address.contains("before="))
        .expect("it goes on");
    let second = ines.get(older).await;
    second.says(200, &["Invited somebody"]);
    first.says_nothing_of(&["Invited somebody"]);
}

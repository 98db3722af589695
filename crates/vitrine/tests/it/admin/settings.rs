//! Settings, staff, one's account and the trail, over HTTP.

use commerce::accounts::Role;
use commerce::ports::mail::MailError;

use crate::harness::App;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_save_the_shop_the_second_sees_both() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Owner).await;
    let mut joris = app.staff(Role::Manager).await;
    let path = "/admin/settings/shop";
    let hers = ines.get(path).await.form(path).with("address", "Kade 1");
    let his = joris.get(path).await.form(path).with("address", "Kade 1");
    let saved = ines
        .submit(&hers.with("tagline", "Pots of the north"))
        .await;
    let to = saved.leads_to();
    ines.get(&to).await.says(200, &["Saved"]);
    let late = joris
        .submit(&his.with("tagline", "Cups of the south"))
        .await;
    late.says(
        409,
        &["Pots of the north", "Cups of the south", "Take theirs"],
    );
    let again = late.form(path).with("address", "Kade 1");
    assert_eq!(joris.submit(&again).await.status, 303);
    ines.get(path).await;
    let trail = ines.get("/admin/activity?what=settings%3Ashop").await;
    trail.says(
        200,
        &["Saved settings", "shop.tagline", "Cups of the south"],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_cannot_be_comes_back_as_it_was_typed_with_what_to_do() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Owner).await;
    let path = "/admin/settings/payments";
    let form = ines.get(path).await.form(path);
    let wrong = form
        .with("bank_holder", "Wrenfold")
        .with("bank_iban", "NL92 ABNA 0417 1643 00")
        .with("unpaid_days", "soon");
    let page = ines.submit(&wrong).await;
    page.says(422, &["Enter a whole number"]);
    let better = page
        .form(path)
        .with("unpaid_days", "10")
        .with("capture", "by_hand");
    let page = ines.submit(&better).await;
    page.says(422, &["slip"]);
    let right = page
        .form(path)
        .with("bank_iban", "nl91abna0417164300")
        .with("capture", "by_hand");
    assert_eq!(ines.submit(&right).await.status, 303);
    let page = ines.get(path).await;
    assert_eq!(page.value_of("bank_iban"), "NL91 ABNA 0417 1643 00");
    assert_eq!(page.value_of("unpaid_days"), "10");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zone_and_a_way_to_deliver_are_made_changed_and_deleted() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Owner).await;
    let form = ines.get("/admin/settings/delivery/zones/new").await;
    let form = form.form("/admin/settings/delivery/zones");
    let form = form.with("name", "Nordic").with("country.SE", "on");
    let to = ines.submit(&form).await.leads_to();
    let page = ines.get(&to).await;
    page.says(200, &["Nordic", "Sweden"]);
    let taken = form.clone().with("name", "Again");
    ines.submit(&taken).await.says(409, &["in another zone"]);
    let id = page
        .text()
        .split("methods/new?zone=")
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .last()
        .unwrap();
    let form = ines
        .get(&format!("/admin/settings/delivery/methods/new?zone={id}"))
        .await;
    let form = form.form("/admin/settings/delivery/methods");
    let form = form
        .with("name", "Sled")
        .with("tiers", "")
        .with("kind", "flat")
        .with("zone", &id);
    ines.submit(&form.clone().with("price", "cheap"))
        .await
        .says(422, &["Enter an amount"]);
    let to = ines.submit(&form.with("price", "9,50")).await.leads_to();
    ines.get(&to).await.says(200, &["Sled", "€9.50"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zone_deleted_while_a_method_is_added_to_it_is_told_plainly() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Owner).await;
    let mut joris = app.staff(Role::Manager).await;
    let form = ines.get("/admin/settings/delivery/zones/new").await;
    let form = form.form("/admin/settings/delivery/zones");
    let form = form.with("name", "Nordic").with("country.SE", "on");
    ines.submit(&form).await.leads_to();
    let id = app.text("SELECT id FROM delivery_zones WHERE name = 'Nordic'");
    let id = id.await;
    let page = ines
        .get(&format!("/admin/settings/delivery/methods/new?zone={id}"))
        .await;
    let form = page
        .form("/admin/settings/delivery/methods")
        .with("name", "Sled")
        .with("kind", "flat")
        .with("price", "9.50")
        .with("zone", &id);
    let zone = format!("/admin/settings/delivery/zones/{id}");
    let delete = joris.get(&zone).await.form(&format!("{zone}/delete"));
    joris.submit(&delete).await.leads_to();
    let page = ines.submit(&form).await;
    page.says(409, &["This zone was deleted meanwhile"]);
    assert_eq!(page.value_of("name"), "Sled", "what was typed is there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_is_invited_with_a_link_that_is_shown_once_and_shut_out_again() {
    let app = App::new().await;
    let mut ines = app.staff(Role::Owner).await;
    let form = ines.get("/admin/staff").await.form("/admin/staff");
    let form = form
        .with("name", "Joris Bakker")
        .with("email", "joris@post.example")
        .with("role", "fulfilment");
    let page = ines.submit(&form).await;
    page.says(
        200,
        &[
            "Joris Bakker",
            "shown only now",
            "on its way to joris@post.example",
        ],
    );
    let text = page.text();
    let link = text
        .split("https://shop.example")
        .map(|rest| rest.split('"').next().unwrap())
        .find(|rest| rest.starts_with("/admin/invitation"))
        .unwrap()
        .to_owned();
    ines.submit(&form).await.says(409, &["works here already"]);
    let letters = app.test.mailbox.letters();
    assert_eq!(letters.len(), 1, "who is refused gets no mail");
    assert_eq!(letters[0].to, "joris@post.example");
    assert!(letters[0].text.contains(&link), "{}", letters[0].text);
    let kept = app.number("SELECT COUNT(*) FROM mails");
    assert_eq!(kept.await, 0, "the outbox is read by others as well");
    let mut joris = app.browser();
    let form = joris.get(&link).await.form("/admin/invitation").without("");
    let form = form.with("password", "three quiet herons at dawn");
    assert_eq!(joris.submit(&form).await.leads_to(), "/admin");
    joris
        .get("/admin/account")
        .await
        .says(200, &["Joris Bakker", "Fulfilment"]);
    assert_eq!(joris.get("/admin/settings").await.status, 403);
    let page = ines.get("/admin/staff").await;
    let id = page
        .text()
        .split("/admin/staff/stf")
        .nth(1)
        .map(|rest| format!("stf{}", rest.split('/').next().unwrap()))
        .unwrap();
    let reset = page.form(&format!("/admin/staff/{id}/link"));
    ines.submit(&reset).await.says(
        200,
        &["chooses a new password", "on its way to joris@post.example"],
    );
    let letter = app.test.mailbox.letters().pop().unwrap();
    assert_eq!(letter.to, "joris@post.example");
    assert!(letter.text.contains("/admin/invitation?token="));
    let busy = MailError::Later("451 come back later".to_owned());
    app.test.mailbox.refuse(Some(busy));
    ines.submit(&reset).await.says(
        200,
        &["was not mailed", "451 come back later", "shown only now"],
    );
    let standing = page.form(&format!("/admin/staff/{id}/standing"));
    assert_eq!(ines.submit(&standing).await.status, 303);
    assert_eq!(joris.get("/admin/account").await.status, 303);
}

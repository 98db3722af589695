//! Orders, worked through from the list to the parcel, and the money back.

use commerce::accounts::Role;
use commerce::orders::{self, Order};

use crate::browser::Browser;
use crate::harness::App;
use crate::page::Form;

/// Two vases for Noor, paid and captured.
async fn ordered(app: &App) -> Order {
    let vase = app.sells("Tarn vase", 6_800, 9).await;
    app.ordered(&vase, 2).await
}

async fn stands(app: &App, order: &Order) -> Order {
    let id = order.id.clone();
    let found = app.test.read(move |tx| Ok(orders::get(tx, &id)?)).await;
    found.unwrap()
}

async fn notes(staff: &mut Browser, path: &str) -> usize {
    let page = staff.get(path).await;
    page.words().matches("Wants it wrapped").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_shows_what_there_is_to_do_and_finds_orders() {
    let app = App::new().await;
    let mut owner = app.staff(Role::Owner).await;
    owner
        .get("/admin/orders")
        .await
        .says(200, &["Wait for your first order"]);
    ordered(&app).await;
    owner
        .get("/admin/orders?view=to_pack")
        .await
        .says(200, &["1001", "Noor de Wit", "Paid", "To pack", "€136.00"]);
    owner
        .get("/admin/orders?view=to_ship")
        .await
        .says(200, &["Nothing packed and waiting to be sent"]);
    owner
        .get("/admin/orders?q=%231001")
        .await
        .says(200, &["1 to 1 of 1"]);
    let nothing = owner.get("/admin/orders?view=to_pack&q=zebra").await;
    nothing.says(200, &["No orders match", "Clear search"]);
    assert!(nothing.text().contains("value=\"zebra\""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_are_packed_together_and_that_is_taken_back() {
    let app = App::new().await;
    let order = ordered(&app).await;
    let mut owner = app.staff(Role::Owner).await;
    let list = owner.get("/admin/orders?view=to_pack").await;
    let form = list.form("/admin/orders/packed").with("order.1001", "on");
    let to = owner.submit(&form).await.leads_to();
    assert!(to.starts_with("/admin/orders?view=to_pack&told="), "{to}");
    let said = owner.get(&to).await;
    said.says(200, &["1 order marked as packed", "Undo"]);
    assert!(stands(&app, &order).await.packed_at.is_some());
    let to = owner.submit(&form).await.leads_to();
    owner
        .get(&to)
        .await
        .says(200, &["0 orders marked as packed"]);
    let undo = said.form_below("/admin/orders/packed");
    assert_eq!(undo.value("packed"), "no");
    owner.submit(&undo).await.leads_to();
    assert_eq!(stands(&app, &order).await.packed_at, None);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parcel_leaves_once_however_often_the_button_is_pressed() {
    let app = App::new().await;
    let order = ordered(&app).await;
    let mut packer = app.staff(Role::Fulfilment).await;
    let page = packer.get("/admin/orders/1001").await;
    page.says(200, &["Order 1001", "Paid", "To pack", "Mark as packed"]);
    let form = page.form("/admin/orders/1001/ship");
    let bad = form
        .clone()
        .with("tracking_url", "http://carrier.example/1")
        .with("carrier", "PostNL");
    let refused = packer.submit(&bad).await;
    refused.says(422, &["Enter a web address that begins with https://"]);
    assert!(refused.text().contains("value=\"PostNL\""));
    let one = refused
        .form("/admin/orders/1001/ship")
        .with("tracking_url", "https://carrier.example/1");
    packer.submit(&one).await.leads_to();
    packer.submit(&one).await.leads_to();
    assert_eq!(
        stands(&app, &order).await.fulfillment_status.as_str(),
        "fulfilled"
    );
    let late = form.with("key", "another");
    packer
        .submit(&late)
        .await
        .says(409, &["This order is not open any more"]);
    packer.get("/admin/orders/1001").await.says(
        200,
        &[
            "Parcel 1",
            "PostNL",
            "Parcel sent with 2 pieces",
            "Ines Vermeer",
        ],
    );
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_goes_back_after_a_look_at_the_amount_and_only_once() {
    let app = App::new().await;
    let order = ordered(&app).await;
    let mut owner = app.staff(Role::Owner).await;
    let page = owner.get("/admin/orders/1001/refund").await;
    page.says(200, &["€136.00 is left to refund", "Look at the amount"]);
    let form = page.form("/admin/orders/1001/refund/preview");
    let pieces = form
        .fields
        .iter()
        .find(|(name, _)| name.starts_with("pieces."))
        .map(|(name, _)| name.clone())
        .unwrap();
    owner
        .submit(&form)
        .await
        .says(422, &["Say why, in a few words."]);
    let form = form.with("reason", "damaged <box>").with(&pieces, "1");
    let sure = owner.submit(&form).await;
    sure.says(200, &["Refund €68.00 to Noor de Wit?", "Refund €68.00"]);
    assert_eq!(stands(&app, &order).await.payment_status.as_str(), "paid");
    let button = sure.form("/admin/orders/1001/refund");
    owner.submit(&button).await.leads_to();
    owner.submit(&button).await.leads_to();
    assert_eq!(
        stands(&app, &order).await.payment_status.as_str(),
        "partially_refunded"
    );
    let page = owner.get("/admin/orders/1001").await;
    page.says(
        200,
        &["€68 given back", "damaged <box>", "Left to refund €68.00"],
    );
    let too_much = form.with(&pieces, "2").with("key", "another");
    owner
        .submit(&too_much)
        .await
        .says(422, &["Only 1 piece of an item is left to refund."]);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_called_off_with_a_reason_and_not_after_it_left() {
    let app = App::new().await;
    let order = ordered(&app).await;
    let mut support = app.staff(Role::Support).await;
    let page = support.get("/admin/orders/1001/cancel").await;
    page.says(200, &["Give €136.00 back", "Cancel order 1001"]);
    let form = page.form("/admin/orders/1001/cancel").with("money", "yes");
    support
        .submit(&form)
        .await
        .says(422, &["Say why, in a few words."]);
    let form = form.with("reason", "changed their mind");
    support.submit(&form).await.leads_to();
    support.submit(&form).await.leads_to();
    assert_eq!(stands(&app, &order).await.status.as_str(), "canceled");
    support
        .get("/admin/orders/1001/cancel")
        .await
        .says(200, &["cannot be cancelled any more"]);
    app.test.run_jobs().await;
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_is_kept_as_it_was_written_and_once() {
    let app = App::new().await;
    ordered(&app).await;
    let mut owner = app.staff(Role::Owner).await;
    let page = owner.get("/admin/orders/1001").await;
    let form = page.form("/admin/orders/1001/notes");
    owner
        .submit(&form.clone().with("text", "  "))
        .await
        .says(422, &["Write something first."]);
    let form = form.with("text", "<b>Wants it wrapped</b>");
    owner.submit(&form).await.leads_to();
    owner.submit(&form).await.leads_to();
    assert_eq!(notes(&mut owner, "/admin/orders/1001").await, 1);
    let page = owner.get("/admin/orders/1001").await;
    assert!(!page.text().contains("<b>Wants"), "markup stays text");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packing_slips_tell_what_goes_into_the_parcel_and_no_price() {
    let app = App::new().await;
    ordered(&app).await;
    let mut packer = app.staff(Role::Fulfilment).await;
    let slip = packer.get("/admin/orders/1001/packing-slip").await;
    slip.says(
        200,
        &[
            "Order 1001",
            "Tarn vase",
            "2 pieces in this parcel",
            "Noor de Wit",
        ],
    );
    assert!(!slip.words().contains('€'));
    let list = packer.get("/admin/orders").await;
    let form = list.form("/admin/orders/packed").with("order.1001", "on");
    let fields: Vec<(&str, &str)> = form
        .fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let to = packer.post("/admin/orders/packing-slips", &fields).await;
    assert_eq!(to.leads_to(), "/admin/orders/packing-slips?n=1001");
    packer
        .get("/admin/orders/packing-slips?n=1001,4711")
        .await
        .says(200, &["1 piece"].map(|_| "Packing slip for order 1001"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_is_not_placed_can_be_read_and_is_found_by_its_number_once_it_is() {
    let app = App::new().await;
    let vase = app.sells("Tarn vase", 6_800, 9).await;
    let mut noor = app.browser();
    let gateway = noor.goes_to_pay(&vase.path(), "2").await;
    let ids: Vec<(String,)> = app.test.rows("SELECT id FROM orders").await;
    let path = format!("/admin/orders/{}", ids[0].0);
    let mut owner = app.staff(Role::Owner).await;
    let page = owner.get(&path).await;
    page.says(200, &["Draft of Noor", "Tarn vase", "Not placed"]);
    page.says_nothing_of(&["Mark as packed", "Cancel order", "Add note", "Send parcel"]);
    let back = noor.chooses(&gateway, "approve").await;
    noor.get(&back).await.leads_to();
    assert_eq!(owner.get(&path).await.leads_to(), "/admin/orders/1001");
    let nobody = "/admin/orders/ord_00000000000000000000000000";
    assert_eq!(owner.get(nobody).await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_is_sent_again_from_the_timeline_by_whoever_may() {
    let app = App::new().await;
    ordered(&app).await;
    let mut owner = app.staff(Role::Owner).await;
    let page = owner.get("/admin/orders/1001").await;
    page.says(200, &["order confirmation", "Send again"]);
    let send = Form::all(&page.text())
        .into_iter()
        .find(|form| form.action.ends_with("/send"))
        .unwrap();
    let to = owner.submit(&send).await.leads_to();
    assert!(to.starts_with("/admin/orders/1001?told="), "{to}");
    assert!(to.ends_with("#timeline"), "{to}");
    let elsewhere = send.clone().with("order", "//evil.example");
    assert_eq!(owner.submit(&elsewhere).await.status, 404);
    let mut viewer = app.staff(Role::Viewer).await;
    let page = viewer.get("/admin/orders/1001").await;
    page.says_nothing_of(&["Send again"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_orders_are_not_found_and_nobody_sees_what_they_may_not_do() {
    let app = App::new().await;
    ordered(&app).await;
    let mut viewer = app.staff(Role::Viewer).await;
    let page = viewer.get("/admin/orders/1001").await;
    page.says(200, &["Order 1001"]);
    page.says_nothing_of(&["Mark as packed", "Cancel order", "Add note", "Send parcel"]);
    let mut owner = app.staff(Role::Owner).await;
    for path in ["9999", "1001x", "-1", "%2B1001", "99999999999999999999"] {
        let answer = owner.get(&format!("/admin/orders/{path}")).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    let answer = owner.get("/admin/orders/packing-slips?n=4711").await;
    assert_eq!(answer.status, 404);
}

//! Customers: found by name and address, with what they bought.

use commerce::accounts::Role;

use crate::harness::App;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_is_found_and_shows_what_they_bought() {
    let app = App::new().await;
    let mut owner = app.staff(Role::Owner).await;
    owner
        .get("/admin/customers")
        .await
        .says(200, &["Meet your first customer"]);
    let vase = app.sells("Tarn vase", 6_800, 9).await;
    app.ordered(&vase, 2).await;
    let list = owner.get("/admin/customers?q=noor").await;
    list.says(200, &["Noor de Wit", "noor@example.com", "€136.00"]);
    owner
        .get("/admin/customers?q=zebra")
        .await
        .says(200, &["No customers match"]);
    let page = crate::page::addresses(&list.text())
        .into_iter()
        .find(|address| address.starts_with("/admin/customers/"))
        .unwrap();
    let page = owner.get(&page).await;
    page.says(200, &["Noor de Wit", "1001", "Average order", "Addresses"]);
    assert!(page.text().contains("href=\"/admin/orders/1001\""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_nobody_knows_is_not_found() {
    let app = App::new().await;
    let mut owner = app.staff(Role::Owner).await;
    for id in ["cus_00000000000000000000000000", "ord_1", "x"] {
        let answer = owner.get(&format!("/admin/customers/{id}")).await;
        assert_eq!(answer.status, 404, "{id}");
    }
}

//! Search or jump: one field for all there is.

use commerce::accounts::Role;

use crate::harness::App;
use crate::page::addresses;

/// Where the results of a page lead, in order, within the part that shows them.
fn results(html: &str, below: &str) -> Vec<String> {
    addresses(html)
        .into_iter()
        .filter(|address| address.starts_with(below) && address.len() > below.len())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_palette_finds_opens() {
    let app = App::new().await;
    let vase = app.sells("Tarn vase", 6_800, 9).await;
    let order = app.ordered(&vase, 1).await;
    let number = order.number.unwrap();
    let mut owner = app.staff(Role::Owner).await;
    let part = owner.get("/admin/jump?part=1&q=tarn").await;
    assert!(!part.text().contains("<html"), "only the part is sent");
    let found = results(&part.text(), "/admin/products/");
    assert!(!found.is_empty(), "{}", part.words());
    owner.get(&found[0]).await.says(200, &["Tarn vase"]);
    let page = owner.get(&format!("/admin/jump?q={number}")).await;
    let to = format!("/admin/orders/{number}");
    assert!(addresses(&page.text()).contains(&to), "{}", page.words());
    owner.get(&to).await.says(200, &["Noor de Wit"]);
    let page = owner.get("/admin/jump?q=noor").await;
    let found = results(&page.text(), "/admin/customers/");
    assert!(!found.is_empty(), "{}", page.words());
    owner.get(&found[0]).await.says(200, &["noor@example.com"]);
    let page = owner.get("/admin/jump?q=taxes").await;
    assert!(
        results(&page.text(), "/admin/settings/").contains(&"/admin/settings/taxes".to_owned())
    );
    let nothing = owner.get("/admin/jump?q=kettle").await;
    assert!(results(&nothing.text(), "/admin/products/").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_finds_what_they_may_not_see() {
    let app = App::new().await;
    let vase = app.sells("Tarn vase", 6_800, 9).await;
    app.ordered(&vase, 1).await;
    let mut lou = app.staff(Role::Catalogue).await;
    let page = lou.get("/admin/jump?part=1&q=noor").await;
    page.says_nothing_of(&["noor@example.com", "1001"]);
    let page = lou.get("/admin/jump?part=1&q=tarn").await;
    assert!(!results(&page.text(), "/admin/products/").is_empty());
}

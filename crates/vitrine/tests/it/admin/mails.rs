//! Mails: read as they were written, and sent again.

use commerce::accounts::Role;

use crate::harness::App;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_is_read_apart_from_the_shop_and_sent_again() {
    let app = App::new().await;
    let mut owner = app.staff(Role::Owner).await;
    owner.get("/admin/mails").await.says(200, &["No mails yet"]);
    let vase = app.sells("Tarn vase", 6_800, 9).await;
    app.ordered(&vase, 1).await;
    let list = owner.get("/admin/mails?q=noor@").await;
    list.says(200, &["noor@example.com"]);
    let path = crate::page::addresses(&list.text())
        .into_iter()
        .find(|address| address.starts_with("/admin/mails/"))
        .unwrap();
    let page = owner.get(&path).await;
    page.says(200, &["Order 1001", "Tarn vase", "Send mail"]);
    let html = owner.get(&format!("{path}/html")).await;
    let policy = html.header("content-security-policy").to_owned();
    assert_eq!(html.status, 200);
    assert!(
        policy.starts_with("sandbox; default-src 'none';"),
        "{policy}"
    );
    assert!(!policy.contains("script-src"));
    assert_eq!(html.header("cache-control"), "no-store");
    let send = page.form(&format!("{path}/send"));
    for _click in 0..2 {
        owner.submit(&send).await.leads_to();
    }
    app.test.run_jobs().await;
    owner.get(&path).await.says(200, &["Sent"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_there_is_not_is_not_found() {
    let app = App::new().await;
    let mut owner = app.staff(Role::Owner).await;
    for path in ["mail_00000000000000000000000000", "x", "x/html"] {
        let answer = owner.get(&format!("/admin/mails/{path}")).await;
        assert_eq!(answer.status, 404, "{path}");
    }
}

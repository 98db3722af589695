//! `POST /webhooks/payments/{gateway}`.

use crate::browser::{Answer, Browser};
use crate::harness::App;
use kernel::time::MINUTE;
use providers::payments::SignedNotice;

/// An approved payment whose notice is on its way.
async fn with_notice() -> (App, SignedNotice) {
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 3).await;
    let mut browser = app.browser();
    let page = browser.goes_to_pay(&goods.path(), "1").await;
    browser.chooses(&page, "approve").await;
    let notice = app.gateway.due_notices().await.unwrap().pop().unwrap();
    (app, notice)
}

async fn tell(app: &App, gateway: &str, signature: &str, body: &[u8]) -> Answer {
    let headers = [
        ("x-signature", signature),
        ("content-type", "application/json"),
    ];
    let path = format!("/webhooks/payments/{gateway}");
    app.browser()
        .ask("POST", &path, &headers, body.to_vec())
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_genuine_notice_places_the_order_once_however_often_it_comes() {
    let (app, notice) = with_notice().await;
    assert_eq!(app.orders_placed().await, 0);
    for _ in 0..3 {
        let taken = tell(&app, "test", &notice.signature, &notice.body).await;
        assert_eq!((taken.status, taken.body.len()), (204, 0));
        assert_eq!(taken.header("set-cookie"), "");
    }
    assert_eq!(app.orders_placed().await, 1);
    assert_eq!(app.number("SELECT COUNT(*) FROM payments").await, 1);
    app.test.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_forgeries_change_no_row() {
    let (app, notice) = with_notice().await;
    let before = app.everything().await;
    let signature = notice.signature.as_str();
    let (time, code) = signature
        .strip_prefix("t=")
        .unwrap()
        .split_once(",v1=")
        .unwrap();
    let mut later = time.parse::<i64>().unwrap();
    later += 1;
    let mut forged: Vec<(String, Vec<u8>)> = [
        String::new(),
        "x".to_owned(),
        format!("t={time}"),
        format!("v1={code}"),
        format!("v1={code},t={time}"),
        format!("t={time},v1="),
        format!("t={time},v1={}", code.to_uppercase()),
        format!("t={time},v1={}", &code[2..]),
        format!("t={time},v1={code}00"),
        format!("t={time},v1={code},v1={code}"),
        format!("t={time}, v1={code}"),
        format!("t={later},v1={code}"),
        format!("t=-{time},v1={code}"),
        format!("t=+{time},v1={code}"),
        format!("t=0{time},v1={code}"),
        format!("t=99999999999999999999,v1={code}"),
        format!("t={time},v1={}", "0".repeat(64)),
        format!("t={time},v0={code}"),
        format!("sha256={code}"),
    ]
    .map(|signature| (signature, notice.body.clone()))
    .into();
    for at in [0, 5, 10, notice.body.len() / 2, notice.body.len() - 1] {
        let mut body = notice.body.clone();
        body[at] ^= 1;
        forged.push((signature.to_owned(), body));
    }
    for body in [&b""[..], b"{}", b"[]", b"null", &[0xff, 0xfe]] {
        forged.push((signature.to_owned(), body.to_vec()));
    }
    forged.push((signature.to_owned(), [&notice.body[..], b" "].concat()));
    assert!(forged.len() >= 30);
    for (signature, body) in &forged {
        let refused = tell(&app, "test", signature, body).await;
        assert_eq!(
            refused.status,
            400,
            "{signature} {}",
            String::from_utf8_lossy(body)
        );
        assert_eq!(refused.header("content-type"), "application/problem+json");
        let json: serde_json::Value = serde_json::from_slice(&refused.body).unwrap();
        assert_eq!(json["status"], 400);
    }
    app.assert_unchanged_since(&before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_out_of_time_out_of_place_or_out_of_measure_is_refused() {
    let (app, notice) = with_notice().await;
    let before = app.everything().await;
    for gateway in ["gold", "TEST", "..", "%00", "%ff"] {
        let refused = tell(&app, gateway, &notice.signature, &notice.body).await;
        assert!(
            matches!(refused.status, 400 | 404),
            "{gateway}: {}",
            refused.status
        );
    }
    // A genuine notice, told to the wrong gateway, which takes none.
    let refused = tell(&app, "bank_transfer", &notice.signature, &notice.body).await;
    assert!(matches!(refused.status, 400 | 404), "{}", refused.status);
    let long = vec![b' '; 11 * 1024 * 1024];
    assert_eq!(
        tell(&app, "test", &notice.signature, &long).await.status,
        413
    );
    app.test.clock.advance(6 * MINUTE);
    assert_eq!(
        tell(&app, "test", &notice.signature, &notice.body)
            .await
            .status,
        400
    );
    let unsigned = app
        .browser()
        .ask("POST", "/webhooks/payments/test", &[], notice.body)
        .await;
    assert_eq!(unsigned.status, 400);
    let read = app.browser().get("/webhooks/payments/test").await;
    assert_eq!((read.status, read.header("allow")), (405, "POST"));
    app.assert_unchanged_since(&before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_needs_no_session_and_gets_none() {
    let (app, notice) = with_notice().await;
    // Even with somebody's cookie and from another site: what counts is the signature.
    let mut somebody: Browser = app.browser();
    let goods = app.sells("Fig candle", 2_400, 3).await;
    somebody.puts(&goods.path(), "1").await.leads_to();
    let headers = [
        ("x-signature", notice.signature.as_str()),
        ("origin", "https://bank.example"),
        ("sec-fetch-site", "cross-site"),
    ];
    let taken = somebody
        .ask("POST", "/webhooks/payments/test", &headers, notice.body)
        .await;
    assert_eq!((taken.status, taken.header("set-cookie")), (204, ""));
    somebody.get("/cart").await.says(200, &["Fig candle"]);
}

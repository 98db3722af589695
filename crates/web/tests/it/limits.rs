use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use kernel::time::{ManualClock, SECOND};

use crate::kit::{FORM, OURS, ask, config, get_page, pages, post_form, request, site};

fn app_with(set: impl FnOnce(&mut web::Limits)) -> axum::Router {
    let mut config = config("https://shop.example");
    set(&mut config.limits);
    site(config).router(pages())
}

/// A form of exactly so many bytes.
fn form_of(bytes: usize) -> String {
    format!("a={}", "x".repeat(bytes - 2))
}

#[tokio::test]
async fn a_form_may_have_64_kilobytes_and_not_one_more() {
    let app = app_with(|_| {});
    assert_eq!(
        post_form(&app, "/fields", form_of(64 * 1024)).await.status,
        200
    );
    assert_eq!(
        post_form(&app, "/fields", form_of(64 * 1024 + 1))
            .await
            .status,
        413
    );
}

#[tokio::test]
async fn json_may_have_256_kilobytes() {
    let app = app_with(|_| {});
    let post = |bytes: usize| {
        ask(
            &app,
            request(
                "POST",
                "/json",
                &[OURS, ("content-type", "application/json")],
                vec![b'1'; bytes],
            ),
        )
    };
    assert_eq!(post(256 * 1024).await.text(), (256 * 1024).to_string());
    assert_eq!(post(256 * 1024 + 1).await.status, 413);
}

#[tokio::test]
async fn a_body_that_hides_its_size_is_cut_off_when_it_grows_too_large() {
    let app = app_with(|_| {});
    let taken = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let endless = stream::repeat_with(move || {
        counter.fetch_add(8_192, std::sync::atomic::Ordering::SeqCst);
        Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 8_192]))
    });
    let answer = ask(
        &app,
        request("POST", "/fields", &[OURS, FORM], Body::from_stream(endless)),
    )
    .await;
    assert_eq!(answer.status, 413);
    assert!(taken.load(std::sync::atomic::Ordering::SeqCst) <= 9 * 8_192);
}

#[tokio::test]
async fn a_form_may_have_500_fields_and_not_one_more() {
    let app = app_with(|_| {});
    let fields = |count: usize| {
        (0..count)
            .map(|n| format!("f{n}=1"))
            .collect::<Vec<_>>()
            .join("&")
    };
    assert_eq!(post_form(&app, "/fields", fields(500)).await.status, 200);
    assert_eq!(post_form(&app, "/fields", fields(501)).await.status, 413);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_pauses_for_15_seconds_is_given_up() {
    let app = app_with(|_| {});
    let began = tokio::time::Instant::now();
    let stalling = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"a=1&"))])
        .chain(stream::pending());
    let answer = ask(
        &app,
        request(
            "POST",
            "/fields",
            &[OURS, FORM],
            Body::from_stream(stalling),
        ),
    )
    .await;
    assert_eq!((answer.status, began.elapsed().as_secs()), (408, 15));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_is_given_up_when_the_requests_time_is_over() {
    let app = app_with(|_| {});
    let began = tokio::time::Instant::now();
    let trickle = stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        Some((Ok::<_, std::io::Error>(Bytes::from_static(b"x")), ()))
    });
    let answer = ask(
        &app,
        request("POST", "/fields", &[OURS, FORM], Body::from_stream(trickle)),
    )
    .await;
    assert_eq!((answer.status, began.elapsed().as_secs()), (503, 30));
}

#[tokio::test(start_paused = true)]
async fn a_page_that_never_comes_is_answered_after_30_seconds() {
    let app = app_with(|_| {});
    let began = tokio::time::Instant::now();
    let answer = get_page(&app, "/never").await;
    assert_eq!(
        (
            answer.status,
            answer.header("retry-after"),
            began.elapsed().as_secs()
        ),
        (503, "5", 30)
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_shop_turns_away_visitors_but_not_the_operator() {
    let app = app_with(|limits| limits.requests_at_once = 1);
    let waiting = tokio::spawn({
        let app = app.clone();
        async move { get_page(&app, "/never").await.status }
    });
    tokio::task::yield_now().await;
    let refused = get_page(&app, "/").await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "2"));
    assert_eq!(get_page(&app, "/healthz").await.status, 200);
    assert_eq!(get_page(&app, "/readyz").await.status, 200);
    assert_eq!(waiting.await.unwrap(), 503);
    assert_eq!(get_page(&app, "/").await.status, 200);
}

#[tokio::test]
async fn one_address_may_change_things_only_so_often() {
    let clock = ManualClock::default();
    let mut config = config("https://shop.example");
    config.clock = Arc::new(clock.clone());
    config.limits.changes_burst = 2;
    config.limits.changes_per_minute = 6;
    let app = site(config).router(pages());
    for expected in [303, 303, 429] {
        assert_eq!(
            post_form(&app, "/cart", "sku=tea&quantity=1").await.status,
            expected
        );
    }
    let refused = post_form(&app, "/cart", "sku=tea&quantity=1").await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "11"));
    assert_eq!(get_page(&app, "/").await.status, 200, "looking is free");
    clock.advance(10 * SECOND);
    assert_eq!(
        post_form(&app, "/cart", "sku=tea&quantity=1").await.status,
        303
    );
}

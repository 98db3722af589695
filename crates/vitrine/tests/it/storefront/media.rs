//! `GET /media/{hash}/{width}.webp`.

use crate::harness::App;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_is_sent_once_and_kept_for_ever() {
    let app = App::new().await;
    let path = app.picture().await;
    let mut browser = app.browser();
    let sent = browser.get(&path).await;
    assert_eq!(
        (sent.status, sent.header("content-type")),
        (200, "image/webp")
    );
    assert_eq!(
        sent.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(sent.header("x-content-type-options"), "nosniff");
    assert_eq!(&sent.body[8..12], b"WEBP");
    assert_eq!(browser.cookie, None);
    let tag = sent.header("etag").to_owned();
    for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let again = browser
            .ask("GET", &path, &[("if-none-match", &known)], Vec::new())
            .await;
        assert_eq!(
            (again.status, again.body.len(), again.header("etag")),
            (304, 0, tag.as_str())
        );
    }
    let head = browser.ask("HEAD", &path, &[], Vec::new()).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), sent.body.len().to_string());
    let changed = browser
        .ask("GET", &path, &[("if-none-match", "\"x\"")], Vec::new())
        .await;
    assert_eq!((changed.status, changed.body), (200, sent.body));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_trick_with_an_address_reads_another_file() {
    let app = App::new().await;
    let path = app.picture().await;
    let hash = path.split('/').nth(2).unwrap();
    let zeros = "0".repeat(64);
    let mut browser = app.browser();
    let tricks = [
        format!("/media/{hash}/480.webp"),
        format!("/media/{hash}/1600.webp"),
        format!("/media/{hash}/321.webp"),
        format!("/media/{hash}/0320.webp"),
        format!("/media/{hash}/+320.webp"),
        format!("/media/{hash}/320"),
        format!("/media/{hash}/320.png"),
        format!("/media/{hash}/320.webp/"),
        format!("/media/{hash}/320.webp%00.png"),
        format!("/media/{hash}/"),
        format!("/media/{hash}"),
        format!("/media/{}/320.webp", hash.to_uppercase()),
        format!("/media/{zeros}/320.webp"),
        format!("/media/../media/{hash}/320.webp"),
        format!("/media/%2e%2e/media/{hash}/320.webp"),
        format!("/media/..%2f{hash}/320.webp"),
        format!("/media/{hash}/..%2f{hash}%2f320.webp"),
        format!("/media/{hash}%2f320.webp"),
        format!("/media/./{hash}/320.webp"),
        format!("//media/{hash}/320.webp"),
        format!("/media//{hash}/320.webp"),
        format!("/media/{hash}/%252e%252e%252f320.webp"),
        "/media/../../etc/passwd".to_owned(),
        "/media/%2e%2e%2f%2e%2e%2fetc/passwd".to_owned(),
        "/media/..%5c..%5cshop.sqlite/320.webp".to_owned(),
        "/media/%ff/320.webp".to_owned(),
        "/media/%00/320.webp".to_owned(),
        "/media/C:%5c/320.webp".to_owned(),
    ];
    for trick in &tricks {
        let status = browser.get(trick).await.status;
        assert!(matches!(status, 400 | 404), "{trick}: {status}");
    }
    for method in ["POST", "PUT", "DELETE"] {
        let ours = [("sec-fetch-site", "same-origin")];
        let answer = browser.ask(method, &path, &ours, Vec::new()).await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, "GET,HEAD"),
            "{method}"
        );
    }
    assert_eq!(browser.get(&path).await.status, 200);
}

//! Forms of the back office that another site sends, with the cookie and the token of somebody who is signed in.

use commerce::accounts::Role;

use crate::admin::permissions::example;
use crate::browser::HOME;
use crate::harness::App;

const STRANGERS: &[&[(&str, &str)]] = &[
    &[("sec-fetch-site", "cross-site")],
    &[
        ("sec-fetch-site", "same-site"),
        ("origin", "https://blog.shop.example"),
    ],
    &[("sec-fetch-site", "cross-site"), ("origin", HOME)],
    &[("origin", "https://evil.example")],
    &[("origin", "http://shop.example")],
    &[("origin", "https://shop.example.evil.example")],
    &[("origin", "null")],
    &[("origin", HOME), ("origin", "https://evil.example")],
    &[],
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_in_the_back_office_changes_at_the_word_of_another_site_even_with_the_right_token()
{
    let app = App::new().await;
    let mut owner = app.staff(Role::Owner).await;
    let token = owner.token().await;
    let before = app.everything().await;
    let routes = admin::all_routes();
    let posts: Vec<_> = routes
        .iter()
        .filter(|route| route.method == "post")
        .collect();
    assert!(posts.len() > 40);
    for route in posts {
        let path = example(route);
        for stranger in STRANGERS {
            let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
            headers.extend(*stranger);
            let body = format!("csrf={token}").into_bytes();
            let answer = owner.ask("POST", &path, &headers, body).await;
            assert_eq!(answer.status, 403, "{} {stranger:?}", route.path);
        }
        // A form cannot be sent as something that browsers send without asking.
        for kind in [
            "text/plain",
            "multipart/form-data; boundary=x",
            "application/json",
        ] {
            let headers = [("content-type", kind), ("sec-fetch-site", "cross-site")];
            let answer = owner.ask("POST", &path, &headers, b"{}".to_vec()).await;
            assert!(matches!(answer.status, 403 | 415), "{} {kind}", route.path);
        }
    }
    app.assert_unchanged_since(&before).await;
    owner.get("/admin").await.says(200, &[]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_of_either_house_is_shown_inside_another_site() {
    let mut full = super::crawl::Full::shop().await;
    let (shop, office) = full.beginnings();
    let mut seen = super::crawl::pages(&mut full.shopper, &shop).await;
    seen.extend(super::crawl::pages(&mut full.owner, &office).await);
    assert!(seen.len() > 60, "{}", seen.len());
    for page in seen {
        let policy = page.answer.header("content-security-policy");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{}: {policy}",
            page.path
        );
        // A mail brings styles of its own, and is shown in a sandbox in which nothing runs.
        let is_mail = policy.starts_with("sandbox;") && policy.contains("default-src 'none'");
        let is_strict = is_mail || !policy.contains("unsafe-inline");
        assert!(is_strict, "{}: {policy}", page.path);
        let sniff = page.answer.header("x-content-type-options");
        assert_eq!(sniff, "nosniff", "{}", page.path);
    }
}

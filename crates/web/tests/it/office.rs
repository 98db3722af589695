//! The back office: a session of its own, larger forms, files.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use kernel::{Ids, RandomIds, Secret};
use web::{Fields, Problem, Upload, Visitor};

use crate::kit::{Answer, OURS, ask, config, request, site};

const STAFF: &str = "__Host-staff";

fn office(set: impl FnOnce(&mut web::Limits)) -> Router {
    let mut config = config("https://shop.example");
    set(&mut config.limits);
    let token = |visitor: Visitor| async move { visitor.csrf_token() };
    let count = |fields: Fields| async move { fields.iter().count().to_string() };
    let leave = |visitor: Visitor| async move { (visitor.without_session(), "bye") };
    let pages = Router::new()
        .route("/token", get(token))
        .route("/admin/token", get(token))
        .route("/administer", get(token))
        .route("/admin/fields", post(count))
        .route("/admin/sign-out", post(leave))
        .route("/admin/p/1/pictures", post(take));
    site(config).router(pages)
}

/// Says what it was sent.
async fn take(mut upload: Upload) -> Result<Response, Problem> {
    let mut said = Vec::new();
    while let Some(part) = upload.next().await? {
        let what = if part.too_large {
            "too large".to_owned()
        } else {
            part.bytes.len().to_string()
        };
        said.push(format!("{} {:?} {what}", part.name, part.file_name));
    }
    Ok((StatusCode::OK, said.join("\n")).into_response())
}

fn cookie(name: &str, session: &Secret) -> String {
    format!("{name}={}", session.expose())
}

async fn token_at(app: &Router, path: &str, cookie: &str) -> String {
    let asked = request("GET", path, &[("cookie", cookie)], Vec::new());
    ask(app, asked).await.text()
}

/// A form of these parts: name, file name, content.
fn multipart(parts: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        let file = file.map_or_else(String::new, |file| format!("; filename=\"{file}\""));
        body.extend_from_slice(
            format!("--leaf\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n")
                .as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--leaf--\r\n");
    body
}

async fn send(
    app: &Router,
    path: &str,
    (cookie, extra): (&str, &[(&str, &str)]),
    body: Vec<u8>,
) -> Answer {
    let mut headers = vec![
        OURS,
        ("content-type", "multipart/form-data; boundary=leaf"),
        ("cookie", cookie),
    ];
    headers.extend(extra);
    ask(app, request("POST", path, &headers, body)).await
}

#[tokio::test]
async fn a_shoppers_session_means_nothing_in_the_back_office_nor_the_other_way_round() {
    let app = office(|_| {});
    let session = RandomIds.secret();
    let (staff, cart) = (cookie(STAFF, &session), cookie("__Host-cart", &session));
    assert_ne!(token_at(&app, "/admin/token", &staff).await, "");
    assert_eq!(token_at(&app, "/admin/token", &cart).await, "");
    assert_eq!(token_at(&app, "/token", &staff).await, "");
    assert_eq!(token_at(&app, "/administer", &staff).await, "");
    assert_ne!(token_at(&app, "/administer", &cart).await, "");
}

#[tokio::test]
async fn no_form_of_the_back_office_is_older_than_its_session() {
    let app = office(|_| {});
    let staff = cookie(STAFF, &RandomIds.secret());
    let form = ("content-type", "application/x-www-form-urlencoded");
    let empty = request(
        "POST",
        "/admin/fields",
        &[OURS, form, ("cookie", &staff)],
        b"csrf=&a=1".to_vec(),
    );
    assert_eq!(ask(&app, empty).await.status, 403);
    let token = token_at(&app, "/admin/token", &staff).await;
    let body = format!("csrf={token}&a=1").into_bytes();
    let right = request(
        "POST",
        "/admin/fields",
        &[OURS, form, ("cookie", &staff)],
        body,
    );
    assert_eq!(ask(&app, right).await.text(), "1");
}

#[tokio::test]
async fn a_product_with_hundreds_of_variants_fits_into_one_form_of_the_back_office() {
    let app = office(|_| {});
    let staff = cookie(STAFF, &RandomIds.secret());
    let token = token_at(&app, "/admin/token", &staff).await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (count, status) in [(7_999, 200), (8_001, 413)] {
        let fields: String = (0..count)
            .flat_map(|field| ["&f".to_owned(), field.to_string(), "=".to_owned()])
            .collect();
        let body = format!("csrf={token}{fields}").into_bytes();
        let asked = request(
            "POST",
            "/admin/fields",
            &[OURS, form, ("cookie", &staff)],
            body,
        );
        assert_eq!(ask(&app, asked).await.status, status, "{count}");
    }
}

#[tokio::test]
async fn files_come_with_a_token_in_the_first_field_or_in_a_header() {
    let app = office(|_| {});
    let staff = cookie(STAFF, &RandomIds.secret());
    let token = token_at(&app, "/admin/token", &staff).await;
    let picture: (&str, Option<&str>, &[u8]) = ("picture", Some("../vase.jpg"), b"JPEG");
    let path = "/admin/p/1/pictures";
    let with_token = multipart(&[("csrf", None, token.as_bytes()), picture]);
    let sent = send(&app, path, (&staff, &[]), with_token.clone()).await;
    assert_eq!(sent.text(), "picture Some(\"../vase.jpg\") 4");
    let in_header = send(
        &app,
        path,
        (&staff, &[("x-csrf-token", &token)]),
        multipart(&[picture]),
    )
    .await;
    assert_eq!(in_header.text(), "picture Some(\"../vase.jpg\") 4");

    let other = cookie(STAFF, &RandomIds.secret());
    let late = multipart(&[picture, ("csrf", None, token.as_bytes())]);
    for (cookie, body) in [
        (&staff, multipart(&[picture])),
        (&staff, late),
        (&other, with_token.clone()),
    ] {
        assert_eq!(send(&app, path, (cookie, &[]), body).await.status, 403);
    }
}

#[tokio::test]
async fn one_file_too_large_does_not_spoil_the_others() {
    let app = office(|limits| {
        limits.file_bytes = 10;
        limits.files = 3;
    });
    let staff = cookie(STAFF, &RandomIds.secret());
    let token = token_at(&app, "/admin/token", &staff).await;
    let first = ("csrf", None, token.as_bytes());
    let (small, large): (&[u8], &[u8]) = (&[1; 10], &[2; 11]);
    let body = multipart(&[first, ("p", Some("a"), large), ("p", Some("b"), small)]);
    let sent = send(&app, "/admin/p/1/pictures", (&staff, &[]), body).await;
    assert_eq!(sent.text(), "p Some(\"a\") too large\np Some(\"b\") 10");
    let file = ("p", Some("c"), small);
    let many = multipart(&[first, file, file, file, file]);
    assert_eq!(
        send(&app, "/admin/p/1/pictures", (&staff, &[]), many)
            .await
            .status,
        413
    );
    let broken = multipart(&[first, file]);
    let broken = broken.get(..broken.len() - 12).unwrap().to_vec();
    assert_eq!(
        send(&app, "/admin/p/1/pictures", (&staff, &[]), broken)
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn signing_out_takes_the_cookie_away() {
    let app = office(|_| {});
    let staff = cookie(STAFF, &RandomIds.secret());
    let token = token_at(&app, "/admin/token", &staff).await;
    let headers = [
        OURS,
        ("cookie", staff.as_str()),
        ("x-csrf-token", token.as_str()),
    ];
    let left = ask(
        &app,
        request("POST", "/admin/sign-out", &headers, Vec::new()),
    )
    .await;
    assert!(
        left.header("set-cookie")
            .starts_with("__Host-staff=; Path=/; Max-Age=0;")
    );
}

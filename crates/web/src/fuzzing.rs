//! What must hold of any bytes a visitor sends: for fuzzing, and for the tests that replay what it found.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, COOKIE, HOST, IF_NONE_MATCH, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use kernel::Secret;
use tokio::runtime::{Builder, Runtime};

use crate::asked::Asked;
use crate::csrf::{self, Source};
use crate::form::Fields;
use crate::peer::{Household, Network, Peer, SocketPeer};
use crate::visitor::{House, session_in};
use crate::{
    Config, CsrfKey, Limits, Origin, PlainErrors, Site, Upload, compress, cookie, respond,
};

/// A function that panics on bytes that break a promise.
pub type Target = fn(&[u8]);

/// Every target with the name of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("conditional_headers", conditional_headers),
    ("cookies", cookies),
    ("form_body", form_body),
    ("forwarded_headers", forwarded_headers),
    ("form_origin", form_origin),
    ("form_token", form_token),
    ("multipart", multipart),
    ("networks", networks),
    ("origins", origins),
    ("query_string", query_string),
    ("sealed_text", sealed_text),
];

/// Fields of the forms tried here.
const MOST: usize = 20;
const KEY: CsrfKey = CsrfKey([7; 32]);

/// A form as a handler gets it, if it is one.
pub fn form(bytes: &[u8]) -> Option<Fields> {
    Fields::parse(bytes, Limits::default().form_fields).ok()
}

/// A query as a handler gets it, if it is one.
pub fn query(bytes: &[u8]) -> Option<Fields> {
    Fields::of_query(text(bytes)?, Limits::default().form_fields).ok()
}

fn secret() -> Secret {
    Secret::parse("00000000000000000000000000").expect("zeros are a secret's letters")
}

fn origin(text: &str) -> Origin {
    Origin::parse(text).expect("the tests' own origin is one")
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// Lines as values of headers; what no header can hold is left out, as a server leaves it out.
fn header_lines(bytes: &[u8]) -> impl Iterator<Item = HeaderValue> {
    bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| HeaderValue::from_bytes(line).ok())
}

/// A form says the same when it is written and read again, and is never more than was sent.
pub fn form_body(bytes: &[u8]) {
    let Ok(fields) = Fields::parse(bytes, MOST) else {
        return;
    };
    assert!(fields.iter().count() <= MOST);
    let read: usize = fields
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    assert!(read <= bytes.len(), "reading a form makes it longer");
    for (name, value) in fields.iter() {
        assert!(!name.contains('\0') && !value.contains('\0'));
        assert_eq!(fields.get(name), Some(value));
    }
    let pairs: Vec<(&str, &str)> = fields.iter().collect();
    let again = serde_urlencoded::to_string(pairs).expect("texts can be encoded");
    let read_again = Fields::parse(again.as_bytes(), MOST).ok();
    assert_eq!(read_again, Some(fields), "{again}");
}

/// A query says what a form of the same text says, wherever that is a form.
pub fn query_string(bytes: &[u8]) {
    let Some(query) = text(bytes) else { return };
    let (of_query, of_form) = (Fields::of_query(query, MOST), Fields::parse(bytes, MOST));
    match (of_query, of_form) {
        (Ok(of_query), Ok(of_form)) => assert_eq!(of_query, of_form),
        (Err(_), Ok(_)) => panic!("a form that is no query: {query}"),
        (Ok(of_query), Err(_)) => {
            // Only for a field that was sent twice, or empty pairs beyond the limit.
            assert!(of_query.iter().count() < query.split('&').count());
        }
        (Err(_), Err(_)) => {}
    }
}

/// However a form with files is put together, no more is read than was sent, and never too many parts.
pub fn multipart(bytes: &[u8]) {
    static SITE: LazyLock<Site> = LazyLock::new(|| {
        let mut config = Config::new(origin("https://shop.example"), KEY);
        config.limits = Limits {
            file_bytes: 64,
            files: 3,
            office_form_fields: 5,
            ..Limits::default()
        };
        Site::new(
            config,
            Arc::new(|| Box::pin(async { Ok(()) })),
            Arc::new(PlainErrors),
        )
    });
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().build().expect("a runtime starts");
    }
    let mut request = Request::new(Body::from(bytes.to_vec()));
    *request.method_mut() = Method::POST;
    let kind = HeaderValue::from_static("multipart/form-data; boundary=b");
    request.headers_mut().insert(CONTENT_TYPE, kind);
    let asked = Asked::of(&mut request, SITE.config());
    request.extensions_mut().insert(asked);
    request.extensions_mut().insert(SITE.clone());
    RUNTIME.with(|runtime| runtime.block_on(all_parts(request, bytes.len())));
}

async fn all_parts(request: Request, sent: usize) {
    let Ok(mut upload) = Upload::from_request(request, &()).await else {
        return;
    };
    let (mut read, mut files, mut fields) = (0, 0, 0);
    while let Ok(Some(part)) = upload.next().await {
        read += part.bytes.len() + part.name.len();
        if part.file_name.is_some() {
            files += 1;
            assert!(part.bytes.len() <= 64);
        } else {
            fields += 1;
        }
        assert!(!part.too_large || part.bytes.is_empty());
    }
    assert!(read <= sent && files <= 3 && fields <= 5);
}

/// A session comes out of a cookie header only if it stands there under its name, and as it is.
pub fn cookies(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for value in header_lines(bytes) {
        headers.append(COOKIE, value);
    }
    for (place, house, name) in [
        ("https://shop.example", House::Shop, "__Host-cart"),
        ("http://localhost", House::Office, "staff"),
    ] {
        let found = session_in(house, &headers, &origin(place));
        let Some(session) = found else { continue };
        let pair = format!("{name}={}", session.expose());
        let stands_there = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.contains(&pair));
        assert!(stands_there, "a session from nowhere");
        assert!(Secret::parse(session.expose()).is_ok());
        let set = cookie::set("cart", session.expose(), 1, &origin(place));
        assert!(set.is_some(), "a session that no cookie can carry");
    }
}

/// What is unsealed was sealed here: whatever opens is exactly what sealing its text makes.
pub fn sealed_text(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Some(opened) = csrf::unseal(&KEY, &secret(), text) {
        assert_eq!(
            csrf::seal(&KEY, &secret(), &opened),
            text,
            "two seals of one text"
        );
    }
    let sealed = csrf::seal(&KEY, &secret(), text);
    assert_eq!(
        csrf::unseal(&KEY, &secret(), &sealed).as_deref(),
        Some(text)
    );
    assert!(csrf::unseal(&CsrfKey([8; 32]), &secret(), &sealed).is_none());
    let cut = sealed.split_at_checked(sealed.len().saturating_sub(1));
    assert!(cut.is_none_or(|(cut, _)| csrf::unseal(&KEY, &secret(), cut).is_none()));
}

/// No text but a token of this session passes for one.
pub fn form_token(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let passes = |key: &CsrfKey| csrf::is_token_of(key, &secret(), text);
    assert!(
        !(passes(&KEY) && passes(&CsrfKey([8; 32]))),
        "a token under two keys"
    );
    let token = csrf::token(&KEY, &secret());
    assert!(csrf::is_token_of(&KEY, &secret(), &token));
    let longer = format!("{token}{text}");
    assert!(text.is_empty() || !csrf::is_token_of(&KEY, &secret(), &longer));
}

/// A form comes from a page of ours only if the browser says so, or its origin is the shop's or the host that was asked.
pub fn form_origin(bytes: &[u8]) {
    let names = [HeaderName::from_static("sec-fetch-site"), ORIGIN, HOST];
    let mut request = Request::new(Body::empty());
    let lines = bytes.split(|byte| *byte == b'\n');
    for (name, line) in names.iter().cycle().zip(lines) {
        if line.is_empty() {
            continue;
        }
        let Ok(value) = HeaderValue::from_bytes(line) else {
            return;
        };
        request.headers_mut().append(name, value);
    }
    let config = Config::new(origin("https://shop.example"), KEY);
    let asked = Asked::of(&mut request, &config);
    let Ok(source) = csrf::source(&asked, &config) else {
        return;
    };
    match (source, asked.header("sec-fetch-site")) {
        (Source::Ours, said) => assert!(matches!(said, Some("same-origin" | "none"))),
        (Source::OurOrigin, said) => {
            assert_eq!(said, None);
            let given = asked
                .header("origin")
                .unwrap_or_default()
                .to_ascii_lowercase();
            let host = asked
                .header("host")
                .unwrap_or_default()
                .to_ascii_lowercase();
            let of_host = host.trim_end_matches(":443");
            let ours = given == "https://shop.example";
            assert!(ours || (!of_host.is_empty() && given.starts_with("https://")));
            assert!(ours || given.contains(of_host), "{given} for {host}");
        }
    }
    let origins = asked.headers.get_all(ORIGIN).iter().count();
    assert!(
        origins < 2 || source == Source::Ours,
        "two origins, and one was believed"
    );
}

/// Forwarded headers change nothing unless a trusted proxy sent them, and then only to an address that stands there.
pub fn forwarded_headers(bytes: &[u8]) {
    let proxies: Vec<Network> = ["10.0.0.0/8", "::1"]
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect();
    let mut headers = HeaderMap::new();
    let names = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-for"];
    for (name, value) in names.iter().cycle().zip(header_lines(bytes)) {
        headers.append(*name, value);
    }
    for socket in [
        "10.1.2.3:9",
        "192.0.2.1:9",
        "[::1]:9",
        "[::ffff:10.0.0.1]:9",
    ] {
        let socket: SocketAddr = socket.parse().expect("an address");
        let peer = Peer::of(Some(SocketPeer(socket)), &headers, &proxies);
        let direct = socket.ip().to_canonical();
        assert_eq!(peer.address, peer.address.to_canonical());
        let is_proxy = proxies.iter().any(|network| network.contains(direct));
        if !is_proxy {
            assert_eq!((peer.address, peer.secure), (direct, None));
        }
        if peer.address != direct {
            let reported = headers
                .get_all("x-forwarded-for")
                .iter()
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(','))
                .filter_map(|hop| hop.trim().parse::<IpAddr>().ok())
                .any(|address| address.to_canonical() == peer.address);
            assert!(reported, "an address nobody reported");
        }
        assert!(!peer.on_this_machine || headers.get("x-forwarded-for").is_none());
        assert_eq!(
            Household::of(peer.address),
            Household::of(peer.address.to_canonical())
        );
    }
}

/// A network contains the address it is written with, and a smaller one less than a larger one.
pub fn networks(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let Ok(network) = text.parse::<Network>() else {
        return;
    };
    let address = text
        .split_once('/')
        .map_or(text, |(address, _)| address)
        .trim();
    let address: IpAddr = address.parse().expect("a network begins with an address");
    assert!(network.contains(address), "{text} does not contain itself");
    let alone: Network = address
        .to_string()
        .parse()
        .expect("an address is a network");
    assert!(alone.contains(address));
    let stranger = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 77));
    assert!(!alone.contains(stranger) || address.to_canonical() == stranger);
}

/// An origin reads back as itself and holds nothing but scheme, host and port.
pub fn origins(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let Ok(origin) = Origin::parse(text) else {
        return;
    };
    let written = origin.to_string();
    assert_eq!(Origin::parse(&written).as_ref(), Ok(&origin), "{written}");
    let authority = written
        .split_once("://")
        .map_or("", |(_, authority)| authority);
    assert!(!authority.is_empty() && !authority.contains(['/', '@', '?', '#', ' ']));
    assert!(HeaderValue::from_str(&written).is_ok());
    assert!(origin.is_at(authority));
}

/// A client is told that nothing changed only if it named the very tag, or any; and packed bytes go to who takes them.
pub fn conditional_headers(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for value in header_lines(bytes) {
        headers.append(IF_NONE_MATCH, value.clone());
        headers.append(ACCEPT_ENCODING, value);
    }
    let all: String = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect::<Vec<_>>()
        .join(",");
    let tag = respond::etag(bytes);
    assert!(!respond::has_already(&headers, &tag) || all.contains('*'));
    assert!(
        !compress::accepts_gzip(&headers)
            || all.contains('*')
            || all.to_ascii_lowercase().contains("gzip")
    );
    let named = HeaderValue::from_str(&format!("W/\"another\", {tag}"));
    headers.append(IF_NONE_MATCH, named.expect("a tag fits a header"));
    assert!(respond::has_already(&headers, &tag));
}

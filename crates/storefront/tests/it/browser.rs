//! A browser without a network: keeps the cookie, follows nothing by itself.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use commerce::testing::TestShop;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use storefront::Storefront;
use templates::{Settings, Templates};
use tower::ServiceExt;
use web::{Config, CsrfKey, Origin, Site};

/// A shopper's browser.
pub(crate) struct Browser {
    app: Router,
    cookie: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// Where a redirect leads.
    #[track_caller]
    pub(crate) fn leads_to(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        self.header(LOCATION.as_str())
    }

    /// A header that must be there.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .unwrap_or_else(|| panic!("no header {name}"))
            .to_str()
            .unwrap()
    }

    /// The words of the page, without its tags, white space folded.
    pub(crate) fn words(&self) -> String {
        let mut out = String::new();
        let mut inside = false;
        for c in self.body.chars() {
            match c {
                '<' => inside = true,
                '>' => {
                    inside = false;
                    out.push(' ');
                }
                c if !inside => out.push(c),
                _ => {}
            }
        }
        out.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Asserts a status and these words, in any order.
    #[track_caller]
    pub(crate) fn says(&self, status: u16, words: &[&str]) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.words());
        for word in words {
            assert!(
                self.words().contains(word),
                "{word:?} is missing in: {}",
                self.words()
            );
        }
        self
    }

    /// The value of the first input of this name.
    #[track_caller]
    pub(crate) fn value_of(&self, name: &str) -> String {
        let tag = self
            .tag_with(&format!("name=\"{name}\""))
            .unwrap_or_else(|| panic!("no field {name}"));
        attribute(tag, "value").unwrap_or_default()
    }

    /// The first tag that contains this.
    pub(crate) fn tag_with(&self, attribute: &str) -> Option<&str> {
        self.body
            .split('<')
            .map(|tag| tag.split('>').next().unwrap_or(tag))
            .find(|tag| tag.contains(attribute))
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    Some(rest.split('"').next()?.to_owned())
}

/// A way into this shop, for any number of browsers.
pub(crate) fn open(shop: &TestShop) -> Router {
    open_with(shop, |storefront| storefront)
}

/// The same, set up further.
pub(crate) fn open_with(shop: &TestShop, set_up: impl FnOnce(Storefront) -> Storefront) -> Router {
    static THEME: OnceLock<Templates> = OnceLock::new();
    let theme = THEME
        .get_or_init(|| Templates::load(Settings::strict()).unwrap())
        .clone();
    let storefront =
        set_up(Storefront::new(shop.shop.clone(), theme).with_data_at("/var/lib/vitrine"));
    let config = Config::new(Origin::parse(&shop.shop.origin).unwrap(), CsrfKey([7; 32]));
    let ready = Arc::new(
        || -> futures_util::future::BoxFuture<'static, Result<(), String>> {
            Box::pin(async { Ok(()) })
        },
    );
    let site = Site::new(config, ready, Arc::new(storefront.clone()));
    site.router(storefront::routes(&storefront))
}

impl Browser {
    /// Somebody who was never here.
    pub(crate) fn new(app: &Router) -> Self {
        Self {
            app: app.clone(),
            cookie: None,
        }
    }

    /// Whether the shop has given it a cookie.
    pub(crate) fn has_cookie(&self) -> bool {
        self.cookie.is_some()
    }

    /// The secret in the cookie.
    pub(crate) fn shopper(&self) -> commerce::Shopper {
        let (_, value) = self.cookie.as_deref().unwrap().split_once('=').unwrap();
        commerce::Shopper {
            visitor: kernel::Secret::parse(value).unwrap(),
        }
    }

    /// Comes with the cookie of another browser.
    pub(crate) fn like(other: &Self) -> Self {
        Self {
            app: other.app.clone(),
            cookie: other.cookie.clone(),
        }
    }

    /// Opens a page.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    /// Sends a form from a page of the shop.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let pairs: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
            .collect();
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .body(Body::from(pairs.join("&")))
            .unwrap();
        self.send(request).await
    }

    /// Sends any request.
    pub(crate) async fn send(&mut self, mut request: Request<Body>) -> Answer {
        if let Some(cookie) = &self.cookie {
            request
                .headers_mut()
                .insert(COOKIE, cookie.parse().unwrap());
        }
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        if let Some(set) = parts.headers.get(SET_COOKIE) {
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            self.cookie = Some(pair.to_owned());
        }
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

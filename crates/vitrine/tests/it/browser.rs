//! A browser without script: keeps its cookie, reads pages, sends the forms that are really on them.

use axum::Router;
use axum::body::Body;
use http::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, ORIGIN, SET_COOKIE};
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use tower::ServiceExt;
use web::SocketPeer;

use crate::page::{Form, words};

/// The shop's own address.
pub(crate) const HOME: &str = "https://shop.example";

/// A shopper's browser.
#[derive(Clone)]
pub(crate) struct Browser {
    router: Router,
    pub(crate) cookie: Option<String>,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Browser {
    pub(crate) fn new(router: &Router) -> Self {
        Self {
            router: router.clone(),
            cookie: None,
        }
    }

    /// The same browser, sent to another node.
    pub(crate) fn at(&self, node: &Router) -> Self {
        Self {
            router: node.clone(),
            ..self.clone()
        }
    }

    /// Opens a page.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, &[], Vec::new()).await
    }

    /// Opens a page and follows where it leads.
    pub(crate) async fn visit(&mut self, path: &str) -> Answer {
        let mut answer = self.get(path).await;
        for _ in 0..5 {
            if answer.status != 303 {
                return answer;
            }
            let to = answer.leads_to();
            answer = self.get(&to).await;
        }
        panic!("{path} leads in circles");
    }

    /// Sends a form that was on a page.
    pub(crate) async fn submit(&mut self, form: &Form) -> Answer {
        let body = form.encoded();
        if form.method == "get" {
            return self.get(&format!("{}?{body}", form.action)).await;
        }
        self.post_raw(&form.action, body.into_bytes()).await
    }

    /// Sends fields as a page of the shop would.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = Form::of(path, fields).encoded();
        self.post_raw(path, body.into_bytes()).await
    }

    /// Sends these bytes as a form of the shop.
    pub(crate) async fn post_raw(&mut self, path: &str, body: Vec<u8>) -> Answer {
        let headers = [
            (CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded"),
            (ORIGIN.as_str(), HOME),
            ("sec-fetch-site", "same-origin"),
        ];
        self.ask("POST", path, &headers, body).await
    }

    /// Sends any request.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "shop.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        let request = request.body(Body::from(body)).unwrap();
        self.send(request).await
    }

    /// Sends a request from another machine.
    pub(crate) async fn send(&mut self, request: Request<Body>) -> Answer {
        self.send_from("192.0.2.10:5000", request).await
    }

    /// Sends a request from this address.
    pub(crate) async fn send_from(&mut self, peer: &str, mut request: Request<Body>) -> Answer {
        let peer = SocketPeer(peer.parse().unwrap());
        request.extensions_mut().insert(peer);
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for set in parts.headers.get_all(SET_COOKIE) {
            self.keep(set.to_str().unwrap());
        }
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        }
    }

    /// The token that forms of the back office carry, from its account page.
    pub(crate) async fn token(&mut self) -> String {
        self.get("/admin/account").await.value_of("csrf")
    }

    /// Does with its cookies what the shop says.
    fn keep(&mut self, set: &str) {
        let pair = set.split(';').next().unwrap();
        let name = pair.split('=').next().unwrap();
        let others = self.cookie.iter().flat_map(|all| all.split("; "));
        let mut kept: Vec<&str> = others
            .filter(|other| other.split('=').next() != Some(name))
            .collect();
        if !set.contains("Max-Age=0") {
            kept.push(pair);
        }
        self.cookie = (!kept.is_empty()).then(|| kept.join("; "));
    }

    /// Puts a product into the bag from its page.
    pub(crate) async fn puts(&mut self, product: &str, quantity: &str) -> Answer {
        let page = self.get(product).await;
        let form = page.form("/cart/lines").with("quantity", quantity);
        self.submit(&form).await
    }

    /// Goes through the checkout's forms up to the last one.
    pub(crate) async fn checks_out(&mut self) -> Answer {
        let address = self.get("/checkout?step=address").await;
        let form = address.form("/checkout");
        let form = form
            .with("email", "noor@example.com")
            .with("name", "Noor de Wit")
            .with("line1", "Prinsengracht 1")
            .with("postal_code", "1015dk")
            .with("city", "Amsterdam");
        let to = self.submit(&form.press("step", "address")).await.leads_to();
        assert_eq!(to, "/checkout?step=delivery");
        let delivery = self.get(&to).await;
        let chosen = delivery.value_of("delivery_method");
        let form = delivery.form("/checkout").with("delivery_method", &chosen);
        let to = self
            .submit(&form.press("step", "delivery"))
            .await
            .leads_to();
        assert_eq!(to, "/checkout?step=payment");
        self.get(&to).await
    }

    /// Presses the pay button of the checkout's last form.
    pub(crate) async fn pays(&mut self, page: &Answer, method: &str) -> Answer {
        let form = page.form("/checkout/complete");
        self.submit(&form.with("payment_method", method)).await
    }

    /// Puts a product into the bag and goes on to the payment provider's page; gives its path.
    pub(crate) async fn goes_to_pay(&mut self, product: &str, quantity: &str) -> String {
        self.puts(product, quantity).await.leads_to();
        let page = self.checks_out().await;
        let to = self.pays(&page, "test").await.leads_to();
        assert!(to.starts_with("/test-gateway/pay/"), "{to}");
        to
    }

    /// Presses a button of the payment provider's page; gives where it leads.
    pub(crate) async fn chooses(&mut self, page: &str, outcome: &str) -> String {
        let shown = self.get(page).await;
        let form = shown.form(page).press("outcome", outcome);
        self.submit(&form).await.leads_to()
    }

    /// Buys something, all the way; gives the order's path without its greeting.
    pub(crate) async fn buys(&mut self, product: &str, quantity: &str) -> String {
        let page = self.goes_to_pay(product, quantity).await;
        let back = self.chooses(&page, "approve").await;
        let order = self.get(&back).await.leads_to();
        order.strip_suffix("?placed=1").unwrap().to_owned()
    }
}

impl Answer {
    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The words of the page, without its tags, white space folded.
    pub(crate) fn words(&self) -> String {
        words(&self.text())
    }

    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Where a redirect leads, as a path of the shop.
    #[track_caller]
    pub(crate) fn leads_to(&self) -> String {
        assert_eq!(self.status, 303, "{}", self.words());
        let to = self.header(LOCATION.as_str());
        to.strip_prefix(HOME).unwrap_or(to).to_owned()
    }

    /// Asserts a status and these words, in any order.
    #[track_caller]
    pub(crate) fn says(&self, status: u16, wanted: &[&str]) -> &Self {
        let words = self.words();
        assert_eq!(self.status, status, "{words}");
        for wanted in wanted {
            assert!(words.contains(wanted), "{wanted:?} is missing in: {words}");
        }
        self
    }

    /// Asserts that the page does not say this.
    #[track_caller]
    pub(crate) fn says_nothing_of(&self, unwanted: &[&str]) -> &Self {
        let words = self.words();
        for unwanted in unwanted {
            assert!(!words.contains(unwanted), "{unwanted:?} is in: {words}");
        }
        self
    }

    /// The first form on the page that is sent there.
    #[track_caller]
    pub(crate) fn form(&self, action: &str) -> Form {
        Form::all(&self.text())
            .into_iter()
            .find(|form| form.action == action)
            .unwrap_or_else(|| panic!("no form to {action} in: {}", self.words()))
    }

    /// The first form whose address starts like this.
    #[track_caller]
    pub(crate) fn form_below(&self, start: &str) -> Form {
        Form::all(&self.text())
            .into_iter()
            .find(|form| form.action.starts_with(start))
            .unwrap_or_else(|| panic!("no form below {start} in: {}", self.words()))
    }

    /// The value of the first control of this name.
    #[track_caller]
    pub(crate) fn value_of(&self, name: &str) -> String {
        crate::page::value_of(&self.text(), name)
            .unwrap_or_else(|| panic!("no field {name} in: {}", self.words()))
    }
}

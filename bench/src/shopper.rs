//! Somebody who buys: keeps their cookie, reads the pages, sends the forms that are really on them.

use std::io::Read;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;

use crate::client::{Connection, Seen, get, post};
use crate::notes::{Book, Outcome};
use crate::page::{Form, value_of};

/// A browser. One after the other, many people use it, each with an address and a bag of their own.
#[derive(Debug)]
pub(crate) struct Browser {
    connection: Connection,
    server: SocketAddr,
    /// Header lines that say who asks.
    identity: String,
    cookies: Vec<String>,
    /// How often to come back when the shop is busy, as long as it asks for.
    patience: u32,
}

/// An answer that was good.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page(Seen);

/// Why an errand ended before its end. It has been noted already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Left {
    /// What the shop said last; 0 for nothing.
    pub(crate) status: u16,
}

/// What a shopper is ready to send to place an order.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    identity: String,
    cookies: Vec<String>,
    form: Form,
}

/// Lets an errand end early: why it did has been noted.
pub(crate) fn noted<T>(_errand: Result<T, Left>) {}

impl Browser {
    pub(crate) fn new(server: SocketAddr) -> Self {
        Self {
            connection: Connection::to(server),
            server,
            identity: String::new(),
            cookies: Vec::new(),
            patience: 0,
        }
    }

    /// The same, coming back when the shop is busy.
    pub(crate) fn patient(self, patience: u32) -> Self {
        Self { patience, ..self }
    }

    /// Somebody new sits down, at an address of their own.
    pub(crate) fn newcomer(&mut self, number: u64) {
        let [.., a, b, c] = number.wrapping_add(1).to_be_bytes();
        self.identity = format!("x-forwarded-for: 10.{a}.{b}.{c}\r\n");
        self.cookies.clear();
    }

    /// Opens a page.
    pub(crate) async fn get(
        &mut self,
        book: &Book,
        (kind, since): (&'static str, Instant),
        path: &str,
        expected: &[u16],
    ) -> Result<Page, Left> {
        let request = get(self.server, path, &self.headers());
        self.ask(book, (kind, since), &request, expected).await
    }

    /// Sends a form.
    pub(crate) async fn submit(
        &mut self,
        book: &Book,
        (kind, since): (&'static str, Instant),
        form: &Form,
        expected: &[u16],
    ) -> Result<Page, Left> {
        let request = post(self.server, &form.action, &self.headers(), &form.encoded());
        self.ask(book, (kind, since), &request, expected).await
    }

    async fn ask(
        &mut self,
        book: &Book,
        (kind, since): (&'static str, Instant),
        request: &[u8],
        expected: &[u16],
    ) -> Result<Page, Left> {
        let mut left = self.patience;
        loop {
            let answered = self.connection.ask(request).await;
            let (status, outcome) = match &answered {
                Ok(seen) if expected.contains(&seen.status) => (seen.status, Outcome::Good),
                Ok(seen) if matches!(seen.status, 429 | 503) => (seen.status, Outcome::Busy),
                Ok(seen) => {
                    let what = format!("{kind}: status {}", seen.status);
                    (seen.status, Outcome::Bad(what))
                }
                Err(error) => (0, Outcome::Bad(format!("{kind}: {error}"))),
            };
            let comes_back = outcome == Outcome::Busy && left > 0;
            let is_good = outcome == Outcome::Good;
            book.note(kind, since, outcome);
            match answered {
                Ok(seen) if is_good => {
                    self.keep_cookies(seen);
                    return Ok(Page(seen));
                }
                Ok(seen) if comes_back => self.wait(seen).await,
                Ok(_) | Err(_) => return Err(Left { status }),
            }
            left = left.saturating_sub(1);
        }
    }

    /// As long as the shop asks for.
    async fn wait(&self, seen: Seen) {
        let after = self.connection.header(seen, "retry-after");
        let after = after.first().and_then(|text| text.parse().ok());
        tokio::time::sleep(Duration::from_secs(after.unwrap_or(1))).await;
    }

    fn headers(&self) -> String {
        if self.cookies.is_empty() {
            return self.identity.clone();
        }
        format!("{}cookie: {}\r\n", self.identity, self.cookies.join("; "))
    }

    fn keep_cookies(&mut self, seen: Seen) {
        for set in self.connection.header(seen, "set-cookie") {
            let pair = set.split(';').next().unwrap_or_default().to_owned();
            let name = pair.split('=').next().unwrap_or_default();
            let same = |kept: &String| kept.split('=').next() == Some(name);
            self.cookies.retain(|kept| !same(kept));
            self.cookies.push(pair);
        }
    }

    /// The last page's text.
    pub(crate) fn html(&self, page: Page) -> String {
        let body = self.connection.body(page.0);
        let packed = self.connection.header(page.0, "content-encoding");
        if packed.first().is_some_and(|coding| coding == "gzip") {
            let mut text = String::new();
            return match GzDecoder::new(body).read_to_string(&mut text) {
                Ok(_) => text,
                Err(_damaged) => String::new(),
            };
        }
        String::from_utf8_lossy(body).into_owned()
    }

    /// Where the last answer leads, as a path.
    pub(crate) fn leads_to(&self, page: Page) -> String {
        let to = self.connection.header(page.0, "location");
        let to = to.into_iter().next().unwrap_or_default();
        let home = format!("http://{}", self.server);
        to.strip_prefix(&home).unwrap_or(&to).to_owned()
    }

    /// A form of the last page. A page without it is noted as an error.
    pub(crate) fn form(
        &self,
        book: &Book,
        page: Page,
        (kind, action): (&'static str, &str),
    ) -> Result<(Form, String), Left> {
        let html = self.html(page);
        let Some(form) = Form::find(&html, action) else {
            let what = format!("{kind}: no form to {action}");
            book.note(kind, Instant::now(), Outcome::Bad(what));
            return Err(Left { status: 200 });
        };
        Ok((form, html))
    }

    /// What the shop answered.
    pub(crate) fn status(page: Page) -> u16 {
        page.0.status
    }

    /// Opens a product's page and puts one piece into the bag.
    pub(crate) async fn put(
        &mut self,
        book: &Book,
        due: Instant,
        product: &str,
    ) -> Result<(), Left> {
        let page = self.get(book, ("product", due), product, &[200]).await?;
        let (form, _) = self.form(book, page, ("product", "/cart/lines"))?;
        let form = form.with("quantity", "1");
        self.submit(book, ("add to bag", Instant::now()), &form, &[303])
            .await?;
        Ok(())
    }

    /// Goes through the checkout's forms; gives the last one, with this way to pay chosen. Nothing if the shop leads
    /// elsewhere on the way, as it does when the bag holds nothing any more that can be bought.
    pub(crate) async fn check_out(
        &mut self,
        book: &Book,
        method: &str,
    ) -> Result<Option<Form>, Left> {
        let typed = [
            ("email", "noor@example.com"),
            ("name", "Noor de Wit"),
            ("line1", "Prinsengracht 1"),
            ("postal_code", "1015dk"),
            ("city", "Amsterdam"),
        ];
        let Some((form, _)) = self.step(book, "address", "/checkout").await? else {
            return Ok(None);
        };
        let fill = |form: Form, (name, value): &(&str, &str)| form.with(name, value);
        let form = typed.iter().fold(form, fill).with("step", "address");
        self.submit(book, ("checkout step", Instant::now()), &form, &[303])
            .await?;
        let Some((form, html)) = self.step(book, "delivery", "/checkout").await? else {
            return Ok(None);
        };
        let chosen = value_of(&html, "delivery_method").unwrap_or_default();
        let form = form
            .with("delivery_method", &chosen)
            .with("step", "delivery");
        self.submit(book, ("checkout step", Instant::now()), &form, &[303])
            .await?;
        let last = self.step(book, "payment", "/checkout/complete").await?;
        Ok(last.map(|(form, _)| form.with("payment_method", method)))
    }

    /// Opens a step of the checkout; gives its form and the page. Nothing if the shop leads elsewhere.
    async fn step(
        &mut self,
        book: &Book,
        step: &str,
        action: &str,
    ) -> Result<Option<(Form, String)>, Left> {
        let path = format!("/checkout?step={step}");
        let kind = "checkout form";
        let page = self
            .get(book, (kind, Instant::now()), &path, &[200, 303])
            .await?;
        if Self::status(page) == 303 {
            return Ok(None);
        }
        self.form(book, page, (kind, action)).map(Some)
    }

    /// Pays on the test provider's page, and comes back to the order.
    pub(crate) async fn pay(&mut self, book: &Book, at: &str) -> Result<(), Left> {
        let page = self
            .get(book, ("payment page", Instant::now()), at, &[200])
            .await?;
        let (form, _) = self.form(book, page, ("payment page", at))?;
        let form = form.with("outcome", "approve");
        let page = self
            .submit(book, ("payment", Instant::now()), &form, &[303])
            .await?;
        let back = self.leads_to(page);
        let page = self
            .get(book, ("return", Instant::now()), &back, &[303])
            .await?;
        let order = self.leads_to(page);
        self.get(book, ("order page", Instant::now()), &order, &[200])
            .await?;
        Ok(())
    }

    /// Buys a product, all the way.
    pub(crate) async fn buy(
        &mut self,
        book: &Book,
        due: Instant,
        product: &str,
    ) -> Result<(), Left> {
        self.put(book, due, product).await?;
        let Some(form) = self.check_out(book, "test").await? else {
            let what = "the checkout leads elsewhere".to_owned();
            book.note("checkout form", due, Outcome::Bad(what));
            return Err(Left { status: 303 });
        };
        let page = self
            .submit(book, ("place order", Instant::now()), &form, &[303])
            .await?;
        let at = self.leads_to(page);
        self.pay(book, &at).await?;
        book.note("whole checkout", due, Outcome::Good);
        Ok(())
    }

    /// Who sits here now, with what they are about to send.
    pub(crate) fn ready(&self, form: Form) -> Ready {
        Ready {
            identity: self.identity.clone(),
            cookies: self.cookies.clone(),
            form,
        }
    }

    /// Lets somebody sit down who was made ready before; gives their form.
    pub(crate) fn take_over(&mut self, ready: Ready) -> Form {
        self.identity = ready.identity;
        self.cookies = ready.cookies;
        ready.form
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_an_address_and_a_bag_of_their_own() {
        let mut browser = Browser::new("127.0.0.1:1".parse().unwrap());
        browser.newcomer(0);
        assert_eq!(browser.headers(), "x-forwarded-for: 10.0.0.1\r\n");
        browser.cookies.push("session=a".to_owned());
        let form = Form::find("<form action=\"/x\"></form>", "/x").unwrap();
        let ready = browser.ready(form);
        browser.newcomer(65_535);
        assert_eq!(browser.headers(), "x-forwarded-for: 10.1.0.0\r\n");
        browser.take_over(ready);
        assert_eq!(
            browser.headers(),
            "x-forwarded-for: 10.0.0.1\r\ncookie: session=a\r\n"
        );
    }
}

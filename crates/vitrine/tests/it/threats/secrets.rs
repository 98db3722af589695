//! What must not be in a log, whatever it is told to write: secrets, and what people typed.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use commerce::accounts::{self, Invite, Password, Role};
use commerce::testing::operator;
use tracing_subscriber::fmt::MakeWriter;

use crate::browser::Browser;
use crate::harness::App;

const PASSWORD: &str = "seven grey herons sing at dawn";
/// Numbers that card companies publish for tests.
const CARDS: &[&str] = &["4111111111111111", "5555 5555 5555 4444", "378282246310005"];

/// A log that can be read, while it is.
#[derive(Clone, Default)]
struct Log {
    written: Arc<Mutex<Vec<u8>>>,
    is_read: Arc<AtomicBool>,
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.is_read.load(Ordering::Relaxed) {
            self.written.lock().unwrap().extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    /// Takes everything our own crates have to say, down to the last detail.
    fn of_everything(&self) -> impl Send + Sync + tracing::Subscriber {
        tracing_subscriber::fmt()
            .with_env_filter("trace")
            .with_ansi(false)
            .with_writer(self.clone())
            .finish()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().unwrap()).into_owned()
    }
}

/// Signs in with a wrong password and with the right one; gives the session.
async fn signs_in(app: &App) -> Browser {
    let who = Invite {
        name: "Canary Vermeer".to_owned(),
        email: "canary@post.example".to_owned(),
        role: Role::Owner,
    };
    let password = Password::typed(PASSWORD);
    accounts::let_in_with_password(app.shop(), operator().may(), who, password)
        .await
        .unwrap();
    let mut browser = app.browser();
    for typed in ["seven loud geese shout at noon", PASSWORD] {
        let page = browser.get("/admin/sign-in").await.form("/admin/sign-in");
        let form = page.with("email", "canary@post.example");
        browser.submit(&form.with("password", typed)).await;
    }
    browser
        .get("/admin/account")
        .await
        .says(200, &["Canary Vermeer"]);
    browser
}

/// Buys, with a card number in every field there is; gives the order's address.
async fn buys(browser: &mut Browser) -> String {
    browser.puts("/products/oat-tumbler", "1").await.leads_to();
    browser.checks_out().await;
    let address = browser
        .get("/checkout?step=address")
        .await
        .form("/checkout");
    let mut typed = address.press("step", "address");
    for (name, card) in ["name", "company", "line1"].iter().zip(CARDS) {
        typed = typed.with(name, &format!("canary {card}"));
    }
    browser.submit(&typed).await;
    for card in CARDS {
        let headers = [("user-agent", *card), ("referer", card), ("x-card", card)];
        let path = format!("/search?q={}", card.replace(' ', "+"));
        browser.ask("GET", &path, &headers, Vec::new()).await;
    }
    let page = browser.get("/checkout?step=payment").await;
    let gateway = browser.pays(&page, "test").await.leads_to();
    let back = browser.chooses(&gateway, "approve").await;
    browser.get(&back).await.leads_to()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_of_everything_holds_no_secret_and_nothing_anybody_typed() {
    let log = Log::default();
    // Of all threads, those of the database as well.
    tracing::subscriber::set_global_default(log.of_everything()).unwrap();
    log.is_read.store(true, Ordering::Relaxed);
    let app = App::new().await;
    app.sells("Oat tumbler", 1_800, 9).await;
    let mut owner = signs_in(&app).await;
    let mut buyer = app.browser();
    let order = buys(&mut buyer).await;
    let note = owner.get("/admin/orders/1001").await;
    let note = note.form("/admin/orders/1001/notes");
    let note = note.with("text", "canary: says the card is 4111111111111111");
    owner.submit(&note).await.leads_to();
    app.test.run_jobs().await;
    // What fails is told in more words: it must not tell these either.
    app.shop().db.close().await;
    buyer.get("/cart").await;
    buyer.get(&order).await;
    owner.get("/admin/orders/1001").await;
    log.is_read.store(false, Ordering::Relaxed);

    let text = log.text();
    assert!(
        text.contains("POST /checkout/complete 303"),
        "the log was written"
    );
    assert!(
        text.contains(" ERROR ") || text.contains(" WARN "),
        "and the fault was told"
    );
    let mut canaries = ["canary", "Prinsengracht", "herons sing", "geese shout"]
        .map(str::to_owned)
        .to_vec();
    canaries.extend(CARDS.iter().map(|card| (*card).to_owned()));
    canaries.extend(CARDS.iter().map(|card| card.replace(' ', "+")));
    let cookies = [&owner.cookie, &buyer.cookie].into_iter().flatten();
    let values = cookies.flat_map(|cookie| cookie.split("; "));
    canaries.extend(values.filter_map(|pair| Some(pair.split_once('=')?.1.to_owned())));
    let link = order.split(['/', '?']).nth(2).unwrap();
    canaries.push(link.to_owned());
    assert!(canaries.len() > 10);
    for canary in canaries {
        let told = text.lines().find(|line| line.contains(&canary));
        assert!(told.is_none(), "{canary} in: {told:?}");
    }
}

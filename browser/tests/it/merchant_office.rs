//! A merchant at work in the back office, as the journeys tell it.

use std::path::Path;
use std::time::Duration;

use fantoccini::Locator;
use fantoccini::elements::Element;

use crate::axe::assert_accessible;
use crate::harness::{Browser, Script, Shop};

/// How long something on a page may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A merchant, their shop and their window.
pub(crate) struct Office<'a> {
    pub(crate) shop: &'a Shop,
    pub(crate) browser: &'a Browser,
    pub(crate) script: Script,
}

/// A product to be, with one option of two values.
pub(crate) struct Ware<'a> {
    pub(crate) title: &'a str,
    pub(crate) option: &'a str,
    pub(crate) values: [&'a str; 2],
    pub(crate) prices: [&'a str; 2],
    pub(crate) stock: [&'a str; 2],
    /// What its picture shows.
    pub(crate) alt: &'a str,
}

impl Office<'_> {
    /// The page is one for everybody, and no wider than the window. Only a browser that runs script can tell.
    pub(crate) async fn check(&self, what: &str) {
        if self.script == Script::Off {
            return;
        }
        assert_accessible(self.browser, what).await;
        let wider = self
            .browser
            .ask("return document.documentElement.scrollWidth - innerWidth")
            .await;
        assert!(
            wider.as_i64().is_some_and(|wider| wider <= 0),
            "{what} scrolls sideways by {wider}"
        );
    }

    pub(crate) async fn visit(&self, path: &str) {
        self.browser.visit(&self.shop.url(path)).await;
    }

    /// Waits for what only a path through the page finds: by the words people read.
    pub(crate) async fn at(&self, path: &str) -> Element {
        let waiting = self.browser.client.wait().at_most(PATIENCE);
        match waiting.for_element(Locator::XPath(path)).await {
            Ok(element) => element,
            Err(error) => panic!("{path} is not on {}: {error}", self.browser.path().await),
        }
    }

    /// Presses what only a path finds.
    pub(crate) async fn press_at(&self, path: &str) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let element = self.at(path).await;
            let Err(error) = element.clone().click().await else {
                return;
            };
            assert!(
                tokio::time::Instant::now() < deadline,
                "{path} cannot be pressed on {}: {error}",
                self.browser.path().await
            );
            self.browser.uncover(&element).await;
        }
    }

    /// Types into what only a path finds.
    pub(crate) async fn fill_at(&self, path: &str, text: &str) {
        let field = self.at(path).await;
        field.clear().await.expect("the field can be emptied");
        field.send_keys(text).await.expect("the field takes text");
    }

    /// Chooses in a select, by value.
    pub(crate) async fn choose(&self, css: &str, value: &str) {
        let select = self.browser.find(css).await;
        select
            .select_by_value(value)
            .await
            .unwrap_or_else(|error| panic!("{css} has no {value}: {error}"));
    }

    /// What a cell of a table says: of the row whose head has these words.
    pub(crate) async fn cell(&self, row: &str, column: usize) -> String {
        let path = format!("//tr[th[contains(., '{row}')]]/td[{column}]");
        let text = self.at(&path).await.text().await.expect("it has a text");
        text.trim().to_owned()
    }

    /// Saves the form that is edited at leisure, and waits for the word that it was.
    pub(crate) async fn save(&self, told: &str) {
        let button = match self.script {
            Script::On => ".savebar .btn--action",
            Script::Off => "[data-save-button]",
        };
        self.browser.press(button).await;
        self.browser.find(".toast, .errors").await;
        let refused = self.browser.has(".errors").await;
        let why = if refused {
            self.browser.text(".errors").await
        } else {
            String::new()
        };
        assert!(!refused, "not saved: {why}");
        self.browser.wait_for_words("#toasts", told).await;
    }

    /// A zone with one country and one way to deliver there, at a price.
    pub(crate) async fn deliver_at(&self, price: &str) {
        self.visit("/admin/settings/delivery").await;
        self.check("delivery, with nothing set").await;
        self.browser
            .press("main a[href='/admin/settings/delivery/zones/new']")
            .await;
        self.browser.find("#countries").await;
        self.check("a new zone").await;
        self.browser.fill("#name", "At home").await;
        self.browser.press("input[name='country.NL']").await;
        self.browser.press(".savebar .btn--action").await;
        self.browser
            .press("main a[href*='/delivery/methods/new?zone=']")
            .await;
        self.browser.find("#min_days").await;
        self.check("a new way to deliver").await;
        for (field, text) in [
            ("name", "PostNL"),
            ("price", price),
            ("min_days", "1"),
            ("max_days", "2"),
        ] {
            self.browser.fill(&format!("#{field}"), text).await;
        }
        self.browser.press(".savebar .btn--action").await;
        self.browser.wait_for_words("main", "€4.90").await;
        self.check("delivery, with a zone").await;
        self.visit("/admin/settings/payments").await;
        self.browser.find("h1").await;
        self.check("payment methods").await;
    }

    /// Claims the shop with the link on its console.
    pub(crate) async fn claim(&self, name: &str) {
        let link = self.shop.claim_link();
        self.browser.visit(&link).await;
        self.check("set-up").await;
        for (field, text) in [
            ("shop_name", name),
            ("name", "Ines Vermeer"),
            ("email", "ines@example.com"),
            ("password", "sea glass and driftwood"),
        ] {
            self.browser.fill(&format!("#{field}"), text).await;
        }
        self.choose("#country", "NL").await;
        self.browser.press("main form button[type=submit]").await;
        self.browser.find("nav .rail__foot, nav.bar").await;
        assert_eq!(self.browser.path().await, "/admin");
        self.check("the first page of a new shop").await;
    }

    /// Enters the demo shop with the link on its console.
    pub(crate) async fn enter_demo(&self) {
        let link = self.shop.owner_link();
        self.browser.visit(&link).await;
        self.browser.press("main form button[type=submit]").await;
        self.browser.find("nav .rail__foot, nav.bar").await;
    }

    /// From nothing to a product on sale.
    pub(crate) async fn add_product(&self, ware: &Ware<'_>) {
        self.visit("/admin/products").await;
        self.check("no products yet").await;
        self.browser
            .press("main a[href='/admin/products/new']")
            .await;
        self.browser.find("#price").await;
        self.check("a new product").await;
        self.browser.fill("#title", ware.title).await;
        self.browser.fill("#price", ware.prices[0]).await;
        self.browser.press("main form .btn--action").await;
        self.browser.find("#product").await;
        self.check("a product's page").await;
        self.choose_between(ware).await;
        self.show(ware).await;
        self.choose("#status", "active").await;
        self.save("Saved the product").await;
        self.check("a product on sale").await;
        for place in 0..2 {
            let is = self.value(&format!("variants.{place}.price")).await;
            assert_eq!(is, ware.prices[place], "the price of a variant");
        }
        assert_eq!(self.value("pictures.0.alt").await, ware.alt);
        self.receive(ware).await;
    }

    /// What stands in a field.
    pub(crate) async fn value(&self, id: &str) -> String {
        let field = self.browser.find(&format!("[id='{id}']")).await;
        let value = field.prop("value").await.expect("a field can be asked");
        value.unwrap_or_default()
    }

    /// An option of two values, with a row for each.
    async fn choose_between(&self, ware: &Ware<'_>) {
        self.browser.press("#options details summary").await;
        self.browser
            .fill("[id='options.0.name']", ware.option)
            .await;
        let values = ware.values.join(", ");
        self.browser.fill("[id='options.0.values']", &values).await;
        self.browser.press("#options button[value=arrange]").await;
        self.browser.find("[id='variants.1.price']").await;
        self.check("a product's page with its rows").await;
        for place in 0..2 {
            let field = format!("[id='variants.{place}.price']");
            self.browser.fill(&field, ware.prices[place]).await;
        }
        self.browser
            .fill("[id='variants.1.opening']", ware.stock[1])
            .await;
    }

    /// A picture, with what it shows.
    async fn show(&self, ware: &Ware<'_>) {
        let picture =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/pictures/tarn-vase-1.webp");
        let picture = picture.canonicalize().expect("the picture is there");
        let files = self.browser.find("#files").await;
        files
            .send_keys(&picture.display().to_string())
            .await
            .expect("a file can be chosen");
        if self.script == Script::Off {
            // With script, choosing is enough.
            self.browser.press("[data-send-files]").await;
        }
        self.browser.find("[id='pictures.0.alt']").await;
        self.check("a product's page with a picture that came in")
            .await;
        assert_eq!(
            self.value("variants.1.opening").await,
            ware.stock[1],
            "a picture on its way takes nothing with it that was typed"
        );
        self.browser.fill("[id='pictures.0.alt']", ware.alt).await;
    }

    /// Stock of the variant that began as the whole product.
    async fn receive(&self, ware: &Ware<'_>) {
        self.press_at("(//a[starts-with(@href, '/admin/inventory/')])[1]")
            .await;
        self.browser.find("#change").await;
        self.check("a variant's stock").await;
        self.browser.fill("#change", ware.stock[0]).await;
        self.browser.fill("#reason", "First delivery").await;
        self.browser.press("main form .btn--action").await;
        self.browser.wait_for_words("main", "First delivery").await;
        self.check("a variant's stock and its movement").await;
    }

    /// Pieces on hand, promised and left, by variant.
    pub(crate) async fn assert_stock(&self, expected: &[(&str, [&str; 3])]) {
        self.visit("/admin/inventory?q=pitcher").await;
        self.check("inventory").await;
        for (variant, [on_hand, promised, left]) in expected {
            assert_eq!(self.cell(variant, 2).await, *on_hand, "{variant}: on hand");
            assert_eq!(
                self.cell(variant, 3).await,
                *promised,
                "{variant}: promised"
            );
            let said = self.cell(variant, 5).await;
            assert_eq!(
                said.split_whitespace().last(),
                Some(*left),
                "{variant}: left"
            );
        }
    }
}

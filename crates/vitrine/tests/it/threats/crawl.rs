//! Every page there is, found as a robot finds them: by following links. And every form on them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use commerce::accounts::Role;
use commerce::orders::{ShipOrder, lines, ship_order};
use commerce::testing::operator;

use crate::browser::{Answer, Browser, HOME};
use crate::harness::App;
use crate::page::{Form, addresses};

/// How many pages of one kind are looked at: the second may be shown otherwise than the first.
const OF_A_KIND: usize = 2;

/// A page with its address.
pub(super) struct Seen {
    pub(super) path: String,
    pub(super) answer: Answer,
}

/// A form, and the page it is on.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) page: String,
    pub(super) form: Form,
    /// The button it is sent with, if it has one with a name.
    pub(super) button: Option<(String, String)>,
}

impl Found {
    /// The same form as it is now, with what has become of its hidden fields.
    pub(super) async fn again(&self, browser: &mut Browser) -> Option<Form> {
        let page = browser.get(&self.page).await;
        let text = String::from_utf8(page.body).ok()?;
        let names = field_names(&self.form);
        let mut all = Form::all(&text).into_iter();
        let form =
            all.find(|form| form.action == self.form.action && field_names(form) == names)?;
        Some(match &self.button {
            Some((name, value)) => form.with(name, value),
            None => form,
        })
    }
}

fn field_names(form: &Form) -> BTreeSet<&str> {
    form.fields.iter().map(|(name, _)| name.as_str()).collect()
}

/// What an address is an example of: its path with numbers and ids left out, and the names in its query.
pub(super) fn kind(address: &str) -> String {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let part = |part: &str| {
        let is_id = part.bytes().filter(u8::is_ascii_digit).count() > 3 || part.len() > 25;
        if is_id {
            "{}".to_owned()
        } else {
            part.to_owned()
        }
    };
    let path: Vec<String> = path.split('/').map(part).collect();
    let names: BTreeSet<&str> = query
        .split('&')
        .filter_map(|pair| pair.split('=').next())
        .collect();
    let names: Vec<&str> = names.into_iter().collect();
    format!("{}?{}", path.join("/"), names.join("&"))
}

/// Follows every link of the shop from these pages on.
pub(super) async fn pages(browser: &mut Browser, from: &[String]) -> Vec<Seen> {
    let mut waiting: VecDeque<String> = from.iter().cloned().collect();
    let mut known: BTreeSet<String> = from.iter().cloned().collect();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut seen = Vec::new();
    while let Some(path) = waiting.pop_front() {
        let of_kind = kinds.entry(kind(&path)).or_default();
        *of_kind += 1;
        if *of_kind > OF_A_KIND {
            continue;
        }
        let answer = browser.get(&path).await;
        let is_page = answer.header("content-type").starts_with("text/html");
        if is_page {
            let links = addresses(&answer.text());
            let own = links.iter().filter_map(|link| {
                let link = link.strip_prefix(HOME).unwrap_or(link);
                let link = link.split('#').next().unwrap_or(link);
                let is_page = link.starts_with('/')
                    && !link.starts_with("//")
                    && !link.contains("/assets/")
                    && !link.starts_with("/media/");
                is_page.then(|| link.to_owned())
            });
            waiting.extend(own.filter(|link| known.insert(link.clone())));
        }
        if answer.status != 405 {
            seen.push(Seen { path, answer });
        }
    }
    seen
}

/// Every form of these pages that changes something, once, with each of its buttons.
pub(super) fn forms(pages: &[Seen]) -> Vec<Found> {
    let mut kinds = BTreeSet::new();
    let mut found: Vec<Found> = pages.iter().flat_map(forms_on).collect();
    found.retain(|found| {
        let names: Vec<&str> = field_names(&found.form).into_iter().collect();
        let button = found.button.as_ref().map(|(name, _)| name);
        kinds.insert(format!("{} {names:?} {button:?}", kind(&found.form.action)))
    });
    found
}

fn forms_on(page: &Seen) -> Vec<Found> {
    let text = String::from_utf8_lossy(&page.answer.body).into_owned();
    let mut found = Vec::new();
    for form in Form::all(&text).iter().filter(|form| form.method == "post") {
        let buttons = form.buttons.iter().take(4).cloned().map(Some);
        let none = form.buttons.is_empty().then_some(None);
        found.extend(buttons.chain(none).map(|button| Found {
            page: page.path.clone(),
            form: form.clone(),
            button,
        }));
    }
    found
}

/// A shop with some of everything: its owner with a second browser, and a shopper with an order, a bag and an address.
pub(super) struct Full {
    pub(super) app: App,
    pub(super) owner: Browser,
    pub(super) shopper: Browser,
    /// The shopper's order.
    pub(super) order: String,
}

impl Full {
    pub(super) async fn shop() -> Self {
        let app = App::new().await;
        let goods = app.sells("Oat tumbler", 1_800, 90).await;
        app.sells_a_vase().await;
        app.drafts("Moor bowl").await;
        app.shelf("Cups", None, std::slice::from_ref(&goods.slug))
            .await;
        app.collects("Gifts", std::slice::from_ref(&goods.slug))
            .await;
        app.shows_on_home("Gifts").await;
        app.can_be_fetched().await;
        let sent = app.ordered(&goods, 2).await;
        let of = sent.id.clone();
        let line = app.test.read(move |tx| Ok(lines(tx, &of)?)).await;
        let ship = ShipOrder {
            request_key: "first".to_owned(),
            order_id: sent.id,
            lines: vec![(line[0].id.clone(), kernel::Quantity::new(1).unwrap())],
            carrier: Some("PostNL".to_owned()),
            tracking_number: Some("3S123".to_owned()),
            tracking_url: Some("https://track.example/3S123".to_owned()),
        };
        ship_order(app.shop(), operator().may(), ship)
            .await
            .unwrap();
        let mut shopper = app.browser();
        let order = shopper.buys(&goods.path(), "1").await;
        shopper.puts(&goods.path(), "1").await.leads_to();
        shopper.checks_out().await;
        app.staff(Role::Fulfilment).await;
        let owner = app.staff(Role::Owner).await;
        app.test.run_jobs().await;
        commerce::search::catch_up(app.shop()).await.unwrap();
        Self {
            app,
            owner,
            shopper,
            order,
        }
    }

    /// Where a robot begins: what a shopper sees, and what the owner does.
    pub(super) fn beginnings(&self) -> (Vec<String>, Vec<String>) {
        let owned = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
        let mut shop: Vec<String> = owned(&[
            "/",
            "/cart",
            "/checkout",
            "/checkout?step=address",
            "/checkout?step=delivery",
            "/checkout?step=payment",
            "/search?q=tumbler",
            "/products/tarn-vase",
        ]);
        shop.push(self.order.clone());
        let office = owned(&[
            "/admin",
            "/admin/orders",
            "/admin/products",
            "/admin/inventory",
            "/admin/inventory/locations",
            "/admin/categories",
            "/admin/collections",
            "/admin/customers",
            "/admin/mails",
            "/admin/activity",
            "/admin/settings",
            "/admin/settings/delivery",
            "/admin/settings/delivery/zones/new",
            "/admin/settings/delivery/methods/new",
            "/admin/staff",
            "/admin/account",
            "/admin/account/second-factor",
            "/admin/jump?q=tumbler",
        ]);
        (shop, office)
    }
}

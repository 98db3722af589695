//! Search or jump: one field for orders, products, customers, pages and settings. As a page, and as the part of it that the
//! palette shows while somebody types.

mod places;

use axum::extract::State;
use axum::response::Response;
use commerce::Internal;
use commerce::jump::{Found, jump};
use commerce::lookup::Kind;
use commerce::staff::{Permission, ViewCustomers, ViewOrders, ViewProducts};
use db::Tx;
use serde::{Deserialize, Serialize};
use templates::{Page, Say};
use web::{Problem, Query};

use crate::admin::Admin;
use crate::desk::Staffer;
use crate::frame::{Base, Section};

crate::routes! {
    get "/admin/jump" (anyone) show;
}

/// Characters of a search that are read.
const MAX_QUERY: usize = 200;

/// `pages/jump.html`.
#[derive(Debug, Clone, Serialize)]
pub struct JumpPage {
    /// What was typed.
    pub query: String,
    /// What was found; without a search, where one can go.
    pub groups: Vec<GroupView>,
}

/// `pages/jump_part.html`: what was found, without the page around it.
#[derive(Debug, Clone, Serialize)]
pub struct JumpPart {
    /// As [`JumpPage::query`].
    pub query: String,
    /// As [`JumpPage::groups`].
    pub groups: Vec<GroupView>,
}

/// What was found of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupView {
    /// `jump.group.KEY` is its name: `orders`, `products`, `customers` or `places`.
    pub key: &'static str,
    /// What was found, the best first.
    pub items: Vec<ItemView>,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ItemView {
    /// Where it is.
    pub url: String,
    /// Its icon.
    pub icon: &'static str,
    /// Its name.
    pub title: String,
    /// What tells it from others; may be empty.
    pub note: String,
}

#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    part: String,
}

async fn show(
    State(admin): State<Admin>,
    staff: Staffer,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let query: String = asked.q.trim().chars().take(MAX_QUERY).collect();
    let kinds = kinds(&staff);
    let text = query.clone();
    let read = move |tx: &mut Tx<'_>, _: &Base| Ok::<_, Internal>(jump(tx, &text, &kinds)?);
    let (base, found) = admin.read(&staff, read).await?;
    let say = admin.words()?;
    let mut groups = groups(found, &say);
    let places = places::matching(&query, &staff, &say);
    if !places.is_empty() {
        groups.push(GroupView {
            key: "places",
            items: places,
        });
    }
    let sheet = admin
        .sheet(&staff, &base)
        .section(Section::None)
        .searched(&query);
    if asked.part.is_empty() {
        sheet.draw(&JumpPage { query, groups })
    } else {
        sheet.draw(&JumpPart { query, groups })
    }
}

/// What somebody may find: nobody finds what they may not see.
fn kinds(staff: &Staffer) -> Vec<Kind> {
    let kinds = [
        (Kind::Order, ViewOrders::NAME),
        (Kind::Product, ViewProducts::NAME),
        (Kind::Customer, ViewCustomers::NAME),
    ];
    let held = kinds
        .into_iter()
        .filter(|(_, permission)| staff.holds(permission));
    held.map(|(kind, _)| kind).collect()
}

fn groups(found: Found, say: &Say) -> Vec<GroupView> {
    let orders = found.orders.into_iter().filter_map(|row| {
        let number = row.number?;
        Some(ItemView {
            url: format!("/admin/orders/{number}"),
            icon: "shopping-bag",
            title: format!("#{number} {}", row.buyer),
            note: say.money(row.total),
        })
    });
    let products = found.products.into_iter().map(|row| ItemView {
        url: format!("/admin/products/{}", row.id),
        icon: "tag",
        title: row.title,
        note: say.text(&format!("jump.status.{}", row.status)),
    });
    let customers = found.customers.into_iter().map(|customer| ItemView {
        url: format!("/admin/customers/{}", customer.id),
        icon: "user",
        note: if customer.name.is_empty() {
            String::new()
        } else {
            customer.email.to_string()
        },
        title: if customer.name.is_empty() {
            customer.email.to_string()
        } else {
            customer.name
        },
    });
    let all: [(&'static str, Vec<ItemView>); 3] = [
        ("orders", orders.collect()),
        ("products", products.collect()),
        ("customers", customers.collect()),
    ];
    all.into_iter()
        .filter(|(_, items)| !items.is_empty())
        .map(|(key, items)| GroupView { key, items })
        .collect()
}

fn samples() -> Vec<(&'static str, String, Vec<GroupView>)> {
    let item = |url: &str, icon, title: &str, note: &str| ItemView {
        url: url.to_owned(),
        icon,
        title: title.to_owned(),
        note: note.to_owned(),
    };
    let groups = vec![
        GroupView {
            key: "orders",
            items: vec![item(
                "/admin/orders/1042",
                "shopping-bag",
                "#1042 Noor <Haddad>",
                "€104.00",
            )],
        },
        GroupView {
            key: "customers",
            items: vec![item("/admin/customers/c1", "user", "noor@example.com", "")],
        },
        GroupView {
            key: "places",
            items: vec![item(
                "/admin/settings",
                "settings",
                "Settings",
                "Name, taxes",
            )],
        },
    ];
    vec![
        ("found", "noor".to_owned(), groups.clone()),
        ("nothing found", "<xyzzy>".to_owned(), Vec::new()),
        ("nothing typed", String::new(), groups),
    ]
}

impl Page for JumpPage {
    const TEMPLATE: &'static str = "pages/jump.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let samples = samples().into_iter();
        samples
            .map(|(name, query, groups)| (name, Self { query, groups }))
            .collect()
    }
}

impl Page for JumpPart {
    const TEMPLATE: &'static str = "pages/jump_part.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let samples = samples().into_iter();
        samples
            .map(|(name, query, groups)| (name, Self { query, groups }))
            .collect()
    }
}

//! The frame every page gets: shop, navigation, who is signed in, what was just done.

use commerce::accounts::Role;
use commerce::orders::listing::{OrderView, count_orders};
use commerce::settings::{self, Settings};
use commerce::staff::{
    ManageStaff, Permission, ViewAudit, ViewCustomers, ViewMails, ViewOrders, ViewProducts,
    ViewSettings, ViewStock,
};
use commerce::{Internal, Shop, checkout};
use db::Tx;
use http::StatusCode;
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use templates::{Say, Voice};

use crate::desk::{Staffer, Visit};
use crate::told::{Told, ToldView};

/// The locale of the back office until staff can choose their own.
const LOCALE: &str = "en-GB";

/// A part of the back office, as the navigation shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// None of them.
    None,
    Home,
    Orders,
    Products,
    Inventory,
    Customers,
    Mails,
    Settings,
    Staff,
    Activity,
}

struct Entry {
    section: Section,
    key: &'static str,
    url: &'static str,
    icon: &'static str,
    needs: Option<&'static str>,
}

const fn entry(
    section: Section,
    (key, url, icon): (&'static str, &'static str, &'static str),
    needs: Option<&'static str>,
) -> Entry {
    Entry {
        section,
        key,
        url,
        icon,
        needs,
    }
}

const ENTRIES: &[Entry] = &[
    entry(Section::Home, ("home", "/admin", "house"), None),
    entry(
        Section::Orders,
        ("orders", "/admin/orders", "shopping-bag"),
        Some(ViewOrders::NAME),
    ),
    entry(
        Section::Products,
        ("products", "/admin/products", "tag"),
        Some(ViewProducts::NAME),
    ),
    entry(
        Section::Inventory,
        ("inventory", "/admin/inventory", "boxes"),
        Some(ViewStock::NAME),
    ),
    entry(
        Section::Customers,
        ("customers", "/admin/customers", "users"),
        Some(ViewCustomers::NAME),
    ),
    entry(
        Section::Mails,
        ("mails", "/admin/mails", "mail"),
        Some(ViewMails::NAME),
    ),
    entry(
        Section::Settings,
        ("settings", "/admin/settings", "settings"),
        Some(ViewSettings::NAME),
    ),
    entry(
        Section::Staff,
        ("staff", "/admin/staff", "shield"),
        Some(ManageStaff::NAME),
    ),
    entry(
        Section::Activity,
        ("activity", "/admin/activity", "history"),
        Some(ViewAudit::NAME),
    ),
];

/// What every page reads.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    /// The moment of the request.
    pub(crate) now: Timestamp,
    /// The merchant's settings.
    pub(crate) settings: Settings,
    /// Orders to pack, as the navigation shows them; `None` for whoever may not see orders.
    pub(crate) to_pack: Option<kernel::Total>,
}

impl Base {
    fn read_orders(tx: &mut Tx<'_>, role: Option<Role>) -> Result<Option<kernel::Total>, Internal> {
        if role.is_some_and(|role| role.holds(ViewOrders::NAME)) {
            Ok(Some(count_orders(tx, OrderView::ToPack)?))
        } else {
            Ok(None)
        }
    }

    /// Reads it: two statements.
    pub(crate) fn read(
        tx: &mut Tx<'_>,
        now: Timestamp,
        role: Option<Role>,
    ) -> Result<Self, Internal> {
        Ok(Self {
            now,
            settings: settings::load(tx)?,
            to_pack: Self::read_orders(tx, role)?,
        })
    }

    /// In which words and zone pages speak.
    pub(crate) fn voice(&self) -> Voice {
        Voice::new(LOCALE, &self.settings.shop.time_zone)
            .unwrap_or_else(|_unknown_zone| Voice::neutral())
    }
}

/// What every page receives.
#[derive(Debug, Clone, Serialize)]
pub struct Frame {
    /// The shop.
    pub shop: ShopView,
    /// Who is signed in, if anybody.
    pub me: Option<Me>,
    /// Where they can go.
    pub nav: Vec<NavView>,
    /// This page.
    pub page: PageView,
    /// What forms carry; empty for somebody without a session.
    pub csrf: String,
    /// What was just done.
    pub told: Option<ToldView>,
    /// What is in the search field.
    pub search_query: String,
}

/// The shop, for a page of its staff.
#[derive(Debug, Clone, Serialize)]
pub struct ShopView {
    /// Its name.
    pub name: String,
    /// Its public address.
    pub url: String,
    /// The currency of its prices.
    pub currency: &'static str,
    /// Whether a payment method on offer moves no money.
    pub test_mode: bool,
    /// The language pages are in.
    pub locale: &'static str,
}

/// Whoever is signed in.
#[derive(Debug, Clone, Serialize)]
pub struct Me {
    /// Their name.
    pub name: String,
    /// What they sign in with.
    pub email: String,
    /// What they are.
    pub role: Role,
}

/// A place to go.
#[derive(Debug, Clone, Serialize)]
pub struct NavView {
    /// Its key: `nav.KEY` is its text.
    pub key: &'static str,
    /// Its address.
    pub url: &'static str,
    /// Its icon.
    pub icon: &'static str,
    /// Whether this is where they are.
    pub current: bool,
    /// How much there is to do, if there is; `99+` at most.
    pub badge: Option<String>,
}

/// A page, for itself.
#[derive(Debug, Clone, Serialize)]
pub struct PageView {
    /// Its path.
    pub path: String,
    /// The status it is sent with.
    pub status: u16,
}

#[derive(Deserialize)]
struct Query {
    #[serde(default)]
    told: String,
}

impl Frame {
    pub(crate) fn of(
        base: &Base,
        staff: Option<&Staffer>,
        visit: &Visit,
        (section, status, search): (Section, StatusCode, &str),
        (say, shop): (&Say, &Shop),
    ) -> Self {
        let told = visit
            .asked
            .uri
            .query()
            .and_then(|query| serde_urlencoded::from_str::<Query>(query).ok())
            .and_then(|query| visit.visitor.unseal(&query.told))
            .and_then(|text| Told::parse(&text))
            .filter(|_| staff.is_some());
        Self {
            shop: ShopView::of(base, shop),
            me: staff.map(|staff| Me {
                name: staff.who.member().name.clone(),
                email: staff.who.member().email.to_string(),
                role: staff.who.member().role,
            }),
            nav: staff.map_or_else(Vec::new, |staff| nav(base, staff, section)),
            page: PageView {
                path: visit.asked.uri.path().to_owned(),
                status: status.as_u16(),
            },
            csrf: visit.visitor.csrf_token(),
            told: told.map(|told| told.view(say)),
            search_query: search.to_owned(),
        }
    }
}

impl ShopView {
    fn of(base: &Base, shop: &Shop) -> Self {
        let offered = checkout::payment_methods(&base.settings, &shop.gateways);
        Self {
            name: base.settings.shop.name.clone(),
            url: shop.origin.to_string(),
            currency: base.settings.selling.currency.code(),
            test_mode: offered
                .iter()
                .filter_map(|code| shop.gateways.find(code))
                .any(|gateway| !gateway.is_live()),
            locale: LOCALE,
        }
    }

    /// The shop when nothing of it can be read.
    pub(crate) fn unknown(origin: &str) -> Self {
        Self {
            name: "Vitrine".to_owned(),
            url: origin.to_owned(),
            currency: "EUR",
            test_mode: false,
            locale: LOCALE,
        }
    }
}

fn nav(base: &Base, staff: &Staffer, section: Section) -> Vec<NavView> {
    let entries = ENTRIES
        .iter()
        .filter(|entry| entry.needs.is_none_or(|needs| staff.holds(needs)));
    entries
        .map(|entry| NavView {
            key: entry.key,
            url: entry.url,
            icon: entry.icon,
            current: entry.section == section,
            badge: base
                .to_pack
                .filter(|_| entry.section == Section::Orders)
                .and_then(badge),
        })
        .collect()
}

fn badge(total: kernel::Total) -> Option<String> {
    match total.number() {
        0 => None,
        count @ 1..=99 => Some(count.to_string()),
        _ => Some("99+".to_owned()),
    }
}

impl Frame {
    /// An owner with something to do, who has just archived products.
    pub fn owner_sample() -> Self {
        let nav = ENTRIES.iter().map(|entry| NavView {
            key: entry.key,
            url: entry.url,
            icon: entry.icon,
            current: entry.section == Section::Orders,
            badge: (entry.section == Section::Orders).then(|| "6".to_owned()),
        });
        Self {
            shop: ShopView {
                name: "Wrenfold".to_owned(),
                url: "https://wrenfold.example".to_owned(),
                currency: "EUR",
                test_mode: true,
                locale: LOCALE,
            },
            me: Some(Me {
                name: "Ines Vermeer".to_owned(),
                email: "ines@example.com".to_owned(),
                role: Role::Owner,
            }),
            nav: nav.collect(),
            page: PageView {
                path: "/admin/orders".to_owned(),
                status: 200,
            },
            csrf: "TOKEN".to_owned(),
            told: Some(ToldView {
                text: "Archived 12 products".to_owned(),
                undo: Some(crate::told::Undo {
                    action: "/admin/products/status".to_owned(),
                    fields: vec![("status".to_owned(), "active".to_owned())],
                }),
            }),
            search_query: "<b>noor</b>".to_owned(),
        }
    }

    /// Nobody signed in, of whose shop hardly anything is known.
    pub fn nobody_sample() -> Self {
        Self {
            shop: ShopView::unknown("http://127.0.0.1:8080"),
            me: None,
            nav: Vec::new(),
            page: PageView {
                path: "/admin/sign-in".to_owned(),
                status: 200,
            },
            csrf: String::new(),
            told: None,
            search_query: String::new(),
        }
    }

    /// The frame of a page that must not ask the database.
    pub(crate) fn bare(origin: &str, path: &str, status: u16) -> Self {
        Self {
            shop: ShopView::unknown(origin),
            page: PageView {
                path: path.to_owned(),
                status,
            },
            ..Self::nobody_sample()
        }
    }
}

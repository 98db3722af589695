//! The frame every page gets: shop, navigation, bag count, form token.

use commerce::Internal;
use commerce::carts;
use std::sync::Arc;

use commerce::catalog::{CategoryNode, Collection};
use commerce::checkout;
use commerce::delivery::DeliveryMethod;
use commerce::inventory;
use commerce::ports::gateway::Gateways;
use commerce::settings::Settings;
use db::Tx;
use kernel::time::MINUTE;
use kernel::{Money, Secret, Slug, Timestamp};
use serde::Serialize;
use templates::Voice;

use crate::cache::{House, Memo, Shelves};
use crate::views::{Link, Notice};

/// The locale pages speak until a shop can choose its own.
pub(crate) const LOCALE: &str = "en-GB";

/// What every page receives.
#[derive(Debug, Clone, Serialize)]
pub struct Frame {
    /// The shop.
    pub shop: ShopView,
    /// This page.
    pub page: PageView,
    /// The top categories.
    pub nav: Vec<NavView>,
    /// Collections, for the footer.
    pub links: Vec<Link>,
    /// Pieces in the bag.
    pub cart_count: u32,
    /// What forms carry; empty for a visitor without a session.
    pub csrf: String,
    /// What is in the search field.
    pub search_query: String,
    /// Told once at the top of the page.
    pub notices: Vec<Notice>,
}

/// The shop, for a page.
#[derive(Debug, Clone, Serialize)]
pub struct ShopView {
    /// Its name.
    pub name: String,
    /// One line under the name.
    pub tagline: Option<String>,
    /// One sentence saying what is sold.
    pub intro: Option<String>,
    /// A line above every page.
    pub announcement: Option<String>,
    /// The locale of its pages.
    pub locale: &'static str,
    /// The direction its writing runs.
    pub dir: &'static str,
    /// `light` or `dark`, if the shop wants only one.
    pub scheme: Option<&'static str>,
    /// The currency of its prices.
    pub currency: &'static str,
    /// Whether its prices contain the tax.
    pub taxes_included: bool,
    /// Where to write to.
    pub email: Option<String>,
    /// Where to call.
    pub phone: Option<String>,
    /// Where it is.
    pub address_lines: Vec<String>,
    /// From how much on delivery at home is free.
    pub free_delivery_over: Option<Money>,
    /// Days in which things can be sent back.
    pub returns_days: Option<u32>,
    /// Its public address.
    pub origin: String,
    /// Whether a payment method on offer moves no money.
    pub test_mode: bool,
}

/// A page, for itself.
#[derive(Debug, Clone, Serialize)]
pub struct PageView {
    /// Its path.
    pub path: String,
    /// Its one true address, absolute.
    pub canonical: Option<String>,
    /// Where the web app manifest is.
    pub manifest_url: Option<&'static str>,
    /// Whether search engines should leave it out.
    pub noindex: bool,
    /// The status it is sent with.
    pub status: u16,
}

/// A category in the navigation.
#[derive(Debug, Clone, Serialize)]
pub struct NavView {
    /// Its name.
    pub name: String,
    /// Its page.
    pub url: String,
    /// Whether this is the page.
    pub current: bool,
    /// The categories below it.
    pub children: Vec<NavLink>,
}

/// A category below one in the navigation.
#[derive(Debug, Clone, Serialize)]
pub struct NavLink {
    /// Its name.
    pub name: String,
    /// Its page.
    pub url: String,
    /// Whether this is the page.
    pub current: bool,
}

/// What every page reads.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    /// The moment of the request.
    pub(crate) now: Timestamp,
    /// Until when what is shown is right if nothing changes but the time.
    pub(crate) until: Timestamp,
    house: Arc<House>,
    shelves: Arc<Shelves>,
    /// Pieces in the visitor's bag.
    pub(crate) cart_count: u32,
}

impl Base {
    /// Reads it: two statements, or some more where the merchant has changed something since the last time.
    pub(crate) fn read(
        tx: &mut Tx<'_>,
        now: Timestamp,
        session: Option<&Secret>,
        memo: &Memo,
    ) -> Result<Self, Internal> {
        let (house, shelves) = memo.read(tx)?;
        // A page for a visitor with a session is kept for nobody.
        let (cart_count, until) = match session {
            Some(session) => (carts::item_count(tx, session)?, now),
            None => (0, until(now, inventory::next_overdue(tx, now)?)),
        };
        Ok(Self {
            now,
            until,
            house,
            shelves,
            cart_count,
        })
    }

    /// The merchant's settings.
    pub(crate) fn settings(&self) -> &Settings {
        &self.house.settings
    }

    /// The ways to deliver in the shop's own country.
    pub(crate) fn home_methods(&self) -> &[DeliveryMethod] {
        &self.house.home_methods
    }

    /// All categories.
    pub(crate) fn tree(&self) -> &[CategoryNode] {
        &self.shelves.tree
    }

    /// All collections.
    pub(crate) fn collections(&self) -> &[Collection] {
        &self.shelves.collections
    }

    /// How many products are on sale.
    pub(crate) fn on_sale(&self) -> u32 {
        self.shelves.on_sale
    }

    /// From which figure down pages say how many are left. Above [`inventory::SHOWN_UP_TO`] no page tells one figure from
    /// another.
    pub(crate) fn low_at(&self) -> i64 {
        i64::from(self.settings().selling.low_stock_at).min(inventory::SHOWN_UP_TO)
    }

    /// In which words and zone the shop's pages speak.
    pub(crate) fn voice(&self) -> Voice {
        Voice::new(LOCALE, &self.settings().shop.time_zone)
            .unwrap_or_else(|_unknown_zone| Voice::neutral())
    }

    /// Where to go from a page that has nothing to show: collections, or else categories.
    pub(crate) fn places(&self, most: usize) -> Vec<Link> {
        let collections = self
            .collections()
            .iter()
            .filter(|one| one.count > 0)
            .map(|one| Link {
                name: one.title.clone(),
                url: collection_url(&one.slug),
            });
        let mut places: Vec<Link> = collections.take(most).collect();
        if places.is_empty() {
            places = self.shelves().map(category_link).take(most).collect();
        }
        places
    }

    /// The top categories with something in them.
    pub(crate) fn shelves(&self) -> impl Iterator<Item = &CategoryNode> {
        self.tree().iter().filter(|node| node.count > 0)
    }

    /// The shop as pages show it.
    pub(crate) fn shop(&self, origin: &str, gateways: &Gateways) -> ShopView {
        let Settings { shop, selling, .. } = self.settings();
        let offered = checkout::payment_methods(self.settings(), gateways);
        ShopView {
            name: shop.name.clone(),
            tagline: shop.tagline.clone(),
            intro: shop.intro.clone(),
            announcement: shop.announcement.clone(),
            locale: LOCALE,
            dir: "ltr",
            scheme: None,
            currency: selling.currency.code(),
            taxes_included: selling.prices_include_tax,
            email: shop.email.clone(),
            phone: None,
            address_lines: shop.address_lines.clone(),
            free_delivery_over: free_delivery_over(self.home_methods()),
            returns_days: selling.returns_days,
            origin: origin.to_owned(),
            test_mode: offered
                .iter()
                .filter_map(|code| gateways.find(code))
                .any(|gateway| !gateway.is_live()),
        }
    }

    /// The navigation of a page, which may be the page of a category.
    pub(crate) fn nav(&self, current: Option<&Slug>) -> Vec<NavView> {
        let is_current = |slug: &Slug| current == Some(slug);
        let child = |node: &CategoryNode| NavLink {
            name: node.category.title.clone(),
            url: category_url(&node.category.slug),
            current: is_current(&node.category.slug),
        };
        let entry = |node: &CategoryNode| NavView {
            name: node.category.title.clone(),
            url: category_url(&node.category.slug),
            current: is_current(&node.category.slug),
            children: node
                .children
                .iter()
                .filter(|child| child.count > 0)
                .map(child)
                .collect(),
        };
        self.shelves().map(entry).collect()
    }

    /// The links of the footer.
    pub(crate) fn links(&self) -> Vec<Link> {
        let filled = self.collections().iter().filter(|one| one.count > 0);
        filled
            .map(|one| Link {
                name: one.title.clone(),
                url: collection_url(&one.slug),
            })
            .take(6)
            .collect()
    }
}

#[cfg(test)]
impl Base {
    /// A shop with nothing in it, on an ordinary working morning.
    pub(crate) fn sample() -> Self {
        Self {
            now: Timestamp::from_millis(1_795_428_000_000),
            until: Timestamp::from_millis(1_795_428_000_000),
            house: Arc::default(),
            shelves: Arc::default(),
            cart_count: 0,
        }
    }
}

/// Until when what is shown now is right: minutes are counted down and days change with a minute, and the stock of a hold
/// that runs out can be bought again.
fn until(now: Timestamp, next_overdue: Option<Timestamp>) -> Timestamp {
    let since = now.millis().rem_euclid(MINUTE);
    // At the very beginning of a minute a count-down still tells the minute before.
    let next = if since == 0 { 1 } else { MINUTE - since };
    let minute = now.plus(next);
    next_overdue.map_or(minute, |overdue| overdue.min(minute))
}

/// From how much on some way of delivery to the door is free.
pub(crate) fn free_delivery_over(methods: &[DeliveryMethod]) -> Option<Money> {
    let thresholds = methods
        .iter()
        .filter(|method| !method.is_pickup())
        .filter_map(|method| method.rule.free_over);
    thresholds.min_by_key(|threshold| threshold.minor())
}

/// A category's page.
pub(crate) fn category_url(slug: &Slug) -> String {
    format!("/c/{slug}")
}

/// A collection's page.
pub(crate) fn collection_url(slug: &Slug) -> String {
    format!("/collections/{slug}")
}

/// A product's page.
pub(crate) fn product_url(slug: &Slug) -> String {
    format!("/products/{slug}")
}

/// A category as a link.
pub(crate) fn category_link(node: &CategoryNode) -> Link {
    Link {
        name: node.category.title.clone(),
        url: category_url(&node.category.slug),
    }
}

impl ShopView {
    /// The shop as far as it is known when nothing of it can be read.
    pub(crate) fn unknown(origin: &str) -> Self {
        let host = origin.split_once("://").map_or(origin, |(_, host)| host);
        Self {
            name: host.to_owned(),
            tagline: None,
            intro: None,
            announcement: None,
            locale: LOCALE,
            dir: "ltr",
            scheme: None,
            currency: "EUR",
            taxes_included: true,
            email: None,
            phone: None,
            address_lines: Vec::new(),
            free_delivery_over: None,
            returns_days: None,
            origin: origin.to_owned(),
            test_mode: false,
        }
    }
}

impl Frame {
    /// A shop with everything, seen by somebody with things in the bag.
    pub fn full_sample() -> Self {
        let euros = |cents| kernel::Currency::EUR.minor(cents);
        let child = NavLink {
            name: "Vases".to_owned(),
            url: "/c/vases".to_owned(),
            current: true,
        };
        Self {
            shop: ShopView {
                name: "Wrenfold".to_owned(),
                tagline: Some("Good things for slow mornings.".to_owned()),
                intro: Some("Stoneware, linen and candles from small workshops.".to_owned()),
                announcement: Some("Free delivery over €75".to_owned()),
                scheme: Some("light"),
                email: Some("hello@wrenfold.example".to_owned()),
                phone: Some("+31 20 123 4567".to_owned()),
                address_lines: vec!["Prinsengracht 1".to_owned(), "1015 DK Amsterdam".to_owned()],
                free_delivery_over: Some(euros(7_500)),
                returns_days: Some(30),
                test_mode: true,
                ..ShopView::unknown("https://shop.example")
            },
            page: PageView {
                path: "/c/vases".to_owned(),
                canonical: Some("https://shop.example/c/vases".to_owned()),
                manifest_url: Some("/manifest.webmanifest"),
                noindex: true,
                status: 200,
            },
            nav: vec![NavView {
                name: "Tableware".to_owned(),
                url: "/c/tableware".to_owned(),
                current: false,
                children: vec![child],
            }],
            links: vec![Link {
                name: "New arrivals".to_owned(),
                url: "/collections/new".to_owned(),
            }],
            cart_count: 3,
            csrf: "MFRGGZDF".to_owned(),
            search_query: "vase".to_owned(),
            notices: vec![Notice {
                kind: "warning",
                text: "Something to know.".to_owned(),
            }],
        }
    }

    /// A shop about which nothing is known, seen by somebody new.
    pub fn bare_sample() -> Self {
        Self {
            shop: ShopView {
                taxes_included: false,
                ..ShopView::unknown("http://localhost:8080")
            },
            page: PageView {
                path: "/".to_owned(),
                canonical: None,
                manifest_url: None,
                noindex: false,
                status: 200,
            },
            nav: Vec::new(),
            links: Vec::new(),
            cart_count: 0,
            csrf: String::new(),
            search_query: String::new(),
            notices: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{Currency, DeliveryMethodId, RandomIds};
    use pricing::{DeliveryKind, DeliveryRule};

    #[test]
    fn a_page_is_right_until_the_minute_or_a_hold_on_stock_ends() {
        let noon = Base::sample().now;
        let after = |millis: i64| noon.plus(millis);
        assert_eq!(until(after(1), None), after(MINUTE));
        assert_eq!(until(after(MINUTE - 1), None), after(MINUTE));
        assert_eq!(until(noon, None), after(1));
        assert_eq!(until(after(1), Some(after(500))), after(500));
        assert_eq!(until(after(1), Some(after(2 * MINUTE))), after(MINUTE));
    }

    #[test]
    fn free_delivery_is_promised_for_parcels_only() {
        let method = |kind, free_over: Option<i64>| DeliveryMethod {
            id: DeliveryMethodId::new(&RandomIds),
            name: "Post".to_owned(),
            description: String::new(),
            rule: DeliveryRule {
                kind,
                free_over: free_over.map(|minor| Currency::EUR.minor(minor)),
            },
            currency: Currency::EUR,
            location_id: None,
            min_days: 1,
            max_days: 2,
        };
        let flat = || DeliveryKind::Flat {
            price: Currency::EUR.minor(495),
        };
        assert_eq!(
            free_delivery_over(&[
                method(DeliveryKind::Pickup, Some(100)),
                method(flat(), None)
            ]),
            None
        );
        let methods = [
            method(flat(), Some(9_900)),
            method(flat(), Some(7_500)),
            method(DeliveryKind::Pickup, Some(1)),
        ];
        assert_eq!(
            free_delivery_over(&methods),
            Some(Currency::EUR.minor(7_500))
        );
    }
}

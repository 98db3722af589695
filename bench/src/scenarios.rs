//! What visitors of the shop do.

mod browse;
mod crowd;
mod shopping;

use std::net::SocketAddr;

use clap::ValueEnum;

use crate::BenchError;
use crate::drive::{Load, Measured};
use crate::figures::add;
use crate::load::Run;
use crate::machine::{Cores, Process};
use crate::server::Server;
use crate::shops::{self, Stage};

/// A scenario by its name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Many look at one page, which the server may remember: `--page`.
    BrowseWarm,
    /// Every request is for a product's page nobody has asked for since the server started.
    BrowseCold,
    /// Somebody looks for words, in several orders and on further pages.
    Search,
    /// Somebody new opens a product, puts a piece into their bag and looks at it.
    Cart,
    /// Somebody new buys a piece: through every form, over the test payment provider's page, to their order.
    Checkout,
    /// Only the request that places an order; bags and forms were filled before: `--buyers`.
    Place,
    /// The same, everybody buying the same variant.
    PlaceHot,
    /// An ordinary day: of a hundred visitors 80 look, 12 search, 6 fill a bag, 2 buy.
    Mix,
    /// `--buyers` want a hundred pieces within ten seconds; exactly a hundred must be sold.
    Drop,
    /// Shoppers buy at `--rate` while `--flood` wrong passwords a second come in at the back office.
    LoginFlood,
    /// Shoppers buy at `--rate` while `--flood` searches a second come in, more than the server can carry.
    Overload,
}

impl Scenario {
    /// Its name on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }

    /// The options of the command that are only about this scenario.
    pub(crate) fn options(self, run: &Run) -> String {
        let mut text = String::new();
        if self == Self::BrowseWarm {
            add(&mut text, format_args!(" --page {}", run.page.name()));
        }
        if matches!(self, Self::Place | Self::PlaceHot | Self::Drop) {
            add(&mut text, format_args!(" --buyers {}", run.buyers));
        }
        if matches!(self, Self::LoginFlood | Self::Overload) {
            add(&mut text, format_args!(" --flood {}", run.flood));
        }
        if let Some(url) = &run.postgres {
            add(&mut text, format_args!(" --postgres {url}"));
        }
        text
    }
}

/// A page of [`Scenario::BrowseWarm`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Page {
    /// The start page.
    Home,
    /// The first page of a collection.
    Collection,
    /// The first page of a category with a quarter of all products.
    Category,
    /// A product.
    Product,
}

impl Page {
    pub(crate) fn path(self) -> String {
        match self {
            Self::Home => "/".to_owned(),
            Self::Collection => shops::COLLECTION.to_owned(),
            Self::Category => "/c/shelf-1-1".to_owned(),
            Self::Product => shops::HOT.to_owned(),
        }
    }

    pub(crate) fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }
}

/// A shop that is open, and how it is to be visited.
pub(crate) struct Visit<'a> {
    pub(crate) server: &'a Server,
    pub(crate) stage: &'a Stage,
    pub(crate) cores: Cores,
    pub(crate) load: Load,
    /// How many come to place an order or for a drop.
    pub(crate) buyers: u64,
    /// Wrong passwords, or searches, a second.
    pub(crate) flood: u64,
}

impl Visit<'_> {
    fn address(&self) -> SocketAddr {
        self.server.address
    }

    fn process(&self) -> Process {
        self.server.process()
    }
}

/// Plays a scenario in an open shop.
pub(crate) fn play(
    scenario: Scenario,
    page: Page,
    visit: &Visit<'_>,
) -> Result<Measured, BenchError> {
    match scenario {
        Scenario::BrowseWarm => browse::warm(visit, &page.path()),
        Scenario::BrowseCold => browse::cold(visit),
        Scenario::Search => shopping::search(visit),
        Scenario::Cart => shopping::cart(visit),
        Scenario::Checkout => shopping::checkout(visit),
        Scenario::Place => shopping::place(visit, visit.buyers, shops::plenty()),
        Scenario::PlaceHot => {
            let hot = vec![shops::HOT.to_owned()];
            shopping::place(visit, visit.buyers, hot)
        }
        Scenario::Mix => shopping::mix(visit),
        Scenario::Drop => crowd::drop_day(visit, visit.buyers),
        Scenario::LoginFlood => crowd::login_flood(visit, visit.flood),
        Scenario::Overload => crowd::overload(visit, visit.flood),
    }
}

pub(crate) use browse::one_page;

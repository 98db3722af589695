//! What is promised.

use super::{Table, Thoroughness, load};
use crate::drive::Model;
use crate::figures::Figures;
use crate::load::Run;
use crate::scenarios::{Page, Scenario};

/// A promise, and the run that shows whether it is kept.
pub(super) struct Row {
    pub(super) what: String,
    pub(super) run: Run,
    pub(super) on_postgres: bool,
    /// The kind of request it is about; nothing for all of them.
    pub(super) kind: Option<&'static str>,
    /// Whether its limit is the database's own rate.
    pub(super) is_order: bool,
    pub(super) goal: &'static str,
    /// Whether it is kept; nothing where there is no goal.
    pub(super) reached: fn(&Figures, &Table) -> Option<bool>,
}

/// Everything that is measured, in order. What writes to the shop goes last on PostgreSQL, where all rows share one.
pub(super) fn rows(how: &Thoroughness) -> Vec<Row> {
    let mut rows = Vec::new();
    for on_postgres in [false, true] {
        rows.extend(warm_pages(how, on_postgres));
        rows.extend(cold_pages(how, on_postgres));
        rows.extend(searches(how, on_postgres));
        rows.extend(shopping(how, on_postgres));
        rows.extend(orders(how, on_postgres));
        rows.extend(bad_days(how, on_postgres));
    }
    rows
}

fn row(what: &str, scenario: Scenario, model: Model, how: &Thoroughness, on_postgres: bool) -> Row {
    Row {
        what: what.to_owned(),
        run: Run {
            scenario,
            page: Page::Product,
            products: how.products,
            postgres: on_postgres.then(|| "own".to_owned()),
            load: load(model, how.seconds),
            bare: true,
            buyers: how.buyers,
            flood: 0,
        },
        on_postgres,
        kind: None,
        is_order: false,
        goal: "",
        reached: |_, _| None,
    }
}

const MANY: Model = Model::Closed { connections: 64 };
const FEW: Model = Model::Closed { connections: 16 };

fn arrivals(per_second: u64) -> Model {
    Model::Open {
        per_second,
        connections: 256,
    }
}

fn warm_pages(how: &Thoroughness, on_postgres: bool) -> Vec<Row> {
    let pages: &[Page] = if on_postgres {
        &[Page::Product]
    } else {
        &[Page::Home, Page::Collection, Page::Product]
    };
    let each = |&page: &Page| {
        let what = format!("Warm page: {}", page.name());
        let mut row = row(&what, Scenario::BrowseWarm, MANY, how, on_postgres);
        row.run.page = page;
        row.goal = "half of the bare rate, p99 below 5 ms";
        row.reached = |figures, _| {
            Some(figures.of_bare()? >= 50 && figures.kind(None).percentiles().1 < 5_000)
        };
        row
    };
    pages.iter().map(each).collect()
}

fn cold_pages(how: &Thoroughness, on_postgres: bool) -> Vec<Row> {
    let sizes: Vec<u32> = if on_postgres {
        vec![how.products]
    } else {
        how.sizes.clone()
    };
    let each = |products: u32| {
        let what = "Product page nobody has asked for before";
        let mut row = row(what, Scenario::BrowseCold, FEW, how, on_postgres);
        row.run.products = products;
        if products == how.products {
            row.goal = "below 2 ms of CPU";
            row.reached = |figures, _| Some(figures.cpu_per_thousand() < 2_000_000);
        } else {
            row.goal = "at most twice the CPU of the row of 10,000";
            row.reached = |figures, table| {
                let usual = table.find("browse-cold", table.products, "SQLite")?;
                Some(figures.cpu_per_thousand() <= usual.cpu_per_thousand().saturating_mul(2))
            };
        }
        row
    };
    sizes.into_iter().map(each).collect()
}

fn searches(how: &Thoroughness, on_postgres: bool) -> Vec<Row> {
    let large = how.sizes.iter().copied().filter(|&size| size == 100_000);
    let sizes: Vec<u32> = std::iter::once(how.products)
        .chain(large.filter(|_| !on_postgres))
        .collect();
    let each = |products: u32| {
        let mut row = row("Search", Scenario::Search, arrivals(100), how, on_postgres);
        row.run.products = products;
        row.goal = "p99 below 10 ms at 100,000 products";
        row.reached = |figures, _| Some(figures.kind(None).percentiles().1 < 10_000);
        row
    };
    sizes.into_iter().map(each).collect()
}

fn shopping(how: &Thoroughness, on_postgres: bool) -> Vec<Row> {
    let cart = row(
        "Bag: product, put in, look",
        Scenario::Cart,
        FEW,
        how,
        on_postgres,
    );
    let mut checkout = row(
        "Whole guest checkout, every request",
        Scenario::Checkout,
        FEW,
        how,
        on_postgres,
    );
    let whole = row(
        "Whole guest checkout, from the product to the order",
        Scenario::Checkout,
        arrivals(10),
        how,
        on_postgres,
    );
    let mut mix = row(
        "Everyday mix",
        Scenario::Mix,
        arrivals(200),
        how,
        on_postgres,
    );
    mix.goal = "p99 below 150 ms, no errors";
    mix.reached = |figures, _| {
        let all = figures.kind(None);
        Some(all.percentiles().1 < 150_000 && all.wrong() == 0 && all.busy == 0)
    };
    checkout.goal = "no errors";
    checkout.reached = |figures, _| Some(figures.kind(None).wrong() == 0);
    let whole = Row {
        kind: Some("whole checkout"),
        ..whole
    };
    vec![cart, checkout, whole, mix]
}

fn orders(how: &Thoroughness, on_postgres: bool) -> Vec<Row> {
    let mut place = row(
        "Placing an order, 64 buyers",
        Scenario::Place,
        MANY,
        how,
        on_postgres,
    );
    place.is_order = true;
    let mut hot = row(
        "Placing an order, all of one variant",
        Scenario::PlaceHot,
        MANY,
        how,
        on_postgres,
    );
    hot.is_order = true;
    if on_postgres {
        place.goal = "500 per second";
        place.reached = |figures, _| Some(figures.per_second() >= 500);
        hot.goal = "200 per second";
        hot.reached = |figures, _| Some(figures.per_second() >= 200);
    } else {
        place.goal = "1,500 per second";
        place.reached = |figures, _| Some(figures.per_second() >= 1_500);
        hot.goal = "no errors";
        hot.reached = |figures, _| Some(figures.kind(None).wrong() == 0);
    }
    vec![place, hot]
}

fn bad_days(how: &Thoroughness, on_postgres: bool) -> Vec<Row> {
    let mut crowd = row(
        "Drop: 5,000 buyers in 10 s for 100 pieces; time until \"sold out\"",
        Scenario::Drop,
        Model::Open {
            per_second: 500,
            connections: 1_000,
        },
        how,
        on_postgres,
    );
    crowd.run.buyers = 5_000;
    crowd.kind = Some("sold out");
    crowd.goal = "exactly 100 sold, the books clean";
    // A drop that sells more or fewer ends with an error.
    crowd.reached = |figures, _| Some(figures.kind(Some("went wrong")).good() == 0);
    let mut quiet = row(
        "Buyers with nobody at the staff's door: placing the order",
        Scenario::LoginFlood,
        arrivals(20),
        how,
        on_postgres,
    );
    quiet.kind = Some("place order");
    let mut flood = row(
        "Buyers during 1,000 wrong passwords a second: placing the order",
        Scenario::LoginFlood,
        arrivals(20),
        how,
        on_postgres,
    );
    flood.run.flood = 1_000;
    flood.kind = Some("place order");
    flood.goal = "p99 at most 1.5 times that of the row before";
    flood.reached = |figures, table| {
        let quiet = table.find("login-flood 0/s", figures.products, figures.database)?;
        let p99 = |figures: &Figures| figures.kind(Some("place order")).percentiles().1;
        Some(p99(figures).saturating_mul(2) <= p99(quiet).saturating_mul(3))
    };
    vec![quiet, flood, crowd]
}

//! The first page: what there is to do, how the shop does, and what is missing before it can sell.

mod chart;
mod figures;
mod launch;

use axum::extract::State;
use axum::response::Response;
use commerce::figures::{Figures, ToDo};
use commerce::settings::Settings;
use commerce::staff::{
    EditProducts, Permission, ViewFigures, ViewMails, ViewOrders, ViewProducts, ViewSettings,
};
use commerce::{Internal, figures as sums};
use db::Tx;
use kernel::{Money, Timestamp, Total};
use serde::Serialize;
use templates::{Page, Say};
use web::Problem;

use crate::admin::Admin;
use crate::desk::Staffer;
use crate::frame::{Base, Section};
use crate::views::listing::address;

use chart::ChartView;
use figures::StatView;
use launch::StepView;

crate::routes! {
    get "/admin" (anyone) show;
}

/// `pages/home.html`.
#[derive(Debug, Clone, Serialize)]
pub struct HomePage {
    /// `morning`, `afternoon` or `evening`, by the shop's clock.
    pub greeting: &'static str,
    /// The first name of whoever is signed in.
    pub name: String,
    /// What there is to do, as far as they may see it.
    pub to_do: Vec<ToDoView>,
    /// How the shop does, for whoever may see that.
    pub figures: Option<FiguresView>,
    /// What is missing before the shop can sell; empty once nothing is, or for whoever cannot change it.
    pub launch: Vec<StepView>,
    /// Of these, how many are done.
    pub launch_done: usize,
    /// Whether they may add products: the page's first action.
    pub may_add: bool,
    /// Background jobs that were given up, for whoever looks after the shop.
    pub dead_jobs: u32,
}

/// Something to do.
#[derive(Debug, Clone, Serialize)]
pub struct ToDoView {
    /// `home.todo.KEY` is its sentence.
    pub key: &'static str,
    /// Its icon.
    pub icon: &'static str,
    /// Where it is done.
    pub url: &'static str,
    /// How many; at most [`Total::CAP`] are counted.
    pub count: u32,
    /// Of these, how many are due today.
    pub due: Option<u32>,
    /// Whether something failed.
    pub urgent: bool,
}

/// How the shop does.
#[derive(Debug, Clone, Serialize)]
pub struct FiguresView {
    /// The four figures on top.
    pub stats: Vec<StatView>,
    /// Sales of the last days.
    pub chart: ChartView,
    /// What sold best.
    pub top: Vec<TopView>,
    /// Whether nothing was sold in all these days.
    pub quiet: bool,
}

/// A product that sold well.
#[derive(Debug, Clone, Serialize)]
pub struct TopView {
    /// Its title.
    pub title: String,
    /// Its page, for whoever may see products.
    pub url: Option<String>,
    /// Pieces sold.
    pub pieces: i64,
    /// What they came to.
    pub amount: Money,
}

/// What the page reads.
struct Read {
    to_do: ToDo,
    figures: Option<Figures>,
    steps: Option<Vec<StepView>>,
}

async fn show(State(admin): State<Admin>, staff: Staffer) -> Result<Response, Problem> {
    let may_figures = staff.holds(ViewFigures::NAME);
    let runs_it = staff.holds(ViewSettings::NAME);
    let has_factor = staff.who.member().has_second_factor;
    let shop = admin.shop().clone();
    let read = move |tx: &mut Tx<'_>, base: &Base| -> Result<Read, Internal> {
        let settings = &base.settings;
        Ok(Read {
            to_do: sums::to_do(tx, base.now, settings)?,
            figures: may_figures
                .then(|| sums::figures(tx, base.now, settings))
                .transpose()?,
            steps: runs_it
                .then(|| launch::steps(tx, &shop, settings, has_factor))
                .transpose()?,
        })
    };
    let (base, read) = admin.read(&staff, read).await?;
    let page = HomePage::of(&read, &base, &staff, &admin.words()?);
    admin
        .sheet(&staff, &base)
        .section(Section::Home)
        .draw(&page)
}

impl HomePage {
    fn of(read: &Read, base: &Base, staff: &Staffer, say: &Say) -> Self {
        let steps = read.steps.clone().unwrap_or_default();
        let done = steps.iter().filter(|step| step.done).count();
        let may_see_products = staff.holds(ViewProducts::NAME);
        Self {
            greeting: greeting(base.now, &base.settings),
            name: first_name(&staff.who.member().name),
            to_do: to_do(&read.to_do, staff),
            figures: read.figures.as_ref().map(|figures| {
                FiguresView::of(figures, &base.settings.shop.zone(), may_see_products, say)
            }),
            launch: if done == steps.len() {
                Vec::new()
            } else {
                steps
            },
            launch_done: done,
            may_add: staff.holds(EditProducts::NAME),
            dead_jobs: if staff.holds(ViewSettings::NAME) {
                read.to_do.dead_jobs.number()
            } else {
                0
            },
        }
    }
}

/// How a person is greeted: by the name that comes first.
fn first_name(name: &str) -> String {
    name.split_whitespace().next().unwrap_or(name).to_owned()
}

fn greeting(now: Timestamp, settings: &Settings) -> &'static str {
    let hour = figures::civil(now, settings.shop.zone()).map_or(9, |at| at.hour());
    match hour {
        5..=11 => "morning",
        12..=17 => "afternoon",
        _ => "evening",
    }
}

fn to_do(counted: &ToDo, staff: &Staffer) -> Vec<ToDoView> {
    let item = |key, icon, url, total: Total| ToDoView {
        key,
        icon,
        url,
        count: total.number(),
        due: None,
        urgent: false,
    };
    let mut items = Vec::new();
    if staff.holds(ViewOrders::NAME) {
        items.push(ToDoView {
            due: Some(counted.due_today.number()).filter(|due| *due > 0),
            ..item(
                "to_pack",
                "package",
                "/admin/orders?view=to_pack",
                counted.to_pack,
            )
        });
        items.push(ToDoView {
            urgent: true,
            ..item(
                "to_review",
                "triangle-alert",
                "/admin/orders?view=to_review",
                counted.to_review,
            )
        });
        items.push(item(
            "to_pay",
            "landmark",
            "/admin/orders?view=to_pay",
            counted.to_pay,
        ));
    }
    if staff.holds(ViewProducts::NAME) {
        items.push(item(
            "low_stock",
            "boxes",
            "/admin/products?view=low_stock",
            counted.low_stock,
        ));
    }
    if staff.holds(ViewMails::NAME) {
        items.push(ToDoView {
            urgent: true,
            ..item(
                "failed_mails",
                "mail",
                "/admin/mails?status=failed",
                counted.failed_mails,
            )
        });
    }
    items.retain(|item| item.count > 0);
    items
}

impl FiguresView {
    fn of(figures: &Figures, zone: &jiff::tz::TimeZone, may_see_products: bool, say: &Say) -> Self {
        let top = figures.top.iter().map(|product| TopView {
            title: product.title.clone(),
            url: may_see_products.then(|| address("/admin/products", &[("q", &product.title)])),
            pieces: product.pieces,
            amount: product.amount,
        });
        let orders = |days: &[sums::Day]| days.iter().map(|day| day.sales.orders).sum::<u32>();
        Self {
            stats: figures::stats(figures, say),
            chart: ChartView::of(figures, zone, say),
            top: top.collect(),
            quiet: orders(&figures.days) == 0 && orders(&figures.days_before) == 0,
        }
    }
}

impl Page for HomePage {
    const TEMPLATE: &'static str = "pages/home.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let busy = Self::busy_sample();
        let new = Self {
            to_do: Vec::new(),
            figures: Some(FiguresView {
                stats: figures::samples_of_nothing(),
                chart: ChartView::sample(true),
                top: Vec::new(),
                quiet: true,
            }),
            launch: launch::samples(),
            launch_done: 2,
            ..busy.clone()
        };
        let packer = Self {
            figures: None,
            may_add: false,
            dead_jobs: 0,
            ..busy.clone()
        };
        vec![
            ("a busy shop", busy),
            ("a new shop", new),
            ("for who packs", packer),
        ]
    }
}

impl HomePage {
    fn busy_sample() -> Self {
        Self {
            greeting: "morning",
            name: "Ines".to_owned(),
            to_do: vec![
                ToDoView {
                    key: "to_pack",
                    icon: "package",
                    url: "/admin/orders?view=to_pack",
                    count: 6,
                    due: Some(2),
                    urgent: false,
                },
                ToDoView {
                    key: "failed_mails",
                    icon: "mail",
                    url: "/admin/mails?status=failed",
                    count: 1,
                    due: None,
                    urgent: true,
                },
            ],
            figures: Some(FiguresView {
                stats: figures::samples(),
                chart: ChartView::sample(false),
                top: vec![TopView {
                    title: "Tarn <vase>".to_owned(),
                    url: Some("/admin/products/tarn-vase".to_owned()),
                    pieces: 12,
                    amount: kernel::Currency::EUR.minor(57_600),
                }],
                quiet: false,
            }),
            launch: Vec::new(),
            launch_done: 0,
            may_add: true,
            dead_jobs: 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_greeted_by_the_first_of_their_names_and_by_the_clock_of_the_shop() {
        assert_eq!(first_name(" Ines  Vermeer"), "Ines");
        assert_eq!(first_name(""), "");
        let settings = Settings::default();
        // 2026-11-23 at 05:30, 11:30 and 20:00 UTC, an hour later in Amsterdam.
        for (millis, word) in [
            (1_795_411_800_000, "morning"),
            (1_795_433_400_000, "afternoon"),
            (1_795_464_000_000, "evening"),
        ] {
            assert_eq!(greeting(Timestamp::from_millis(millis), &settings), word);
        }
    }
}

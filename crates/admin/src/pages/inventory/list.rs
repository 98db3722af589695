//! `GET /admin/inventory`: every variant with its figures.

use axum::extract::State;
use axum::response::Response;
use commerce::inventory::{self, StockFilter, StockRow, StockView};
use commerce::staff::{AdjustStock, Permission, ViewStock};
use kernel::{LocationId, PageRequest};
use serde::{Deserialize, Serialize};
use templates::Page;
use web::{Problem, Query};

use crate::admin::Admin;
use crate::desk::Desk;
use crate::frame::Section;
use crate::views::listing::{address, pages, tabs};
use crate::views::{Choice, Pages, Tab};

/// Variants on a page.
const SIZE: u32 = 50;
const PATH: &str = "/admin/inventory";
const VIEWS: [StockView; 4] = [
    StockView::All,
    StockView::Low,
    StockView::Out,
    StockView::NotCounted,
];

/// `pages/inventory.html`.
#[derive(Debug, Clone, Serialize)]
pub struct LevelsPage {
    /// The views.
    pub tabs: Vec<Tab>,
    /// The view that is open.
    pub view: &'static str,
    /// What is searched for.
    pub search: String,
    /// The locations to look at, all of them first; empty where there is but one.
    pub locations: Vec<Choice>,
    /// Whether there is a place that holds stock.
    pub has_location: bool,
    /// The variants.
    pub rows: Vec<Row>,
    /// Where the list goes on.
    pub pages: Pages,
    /// Whether a search narrows the list down.
    pub is_narrowed: bool,
    /// Whether stock can be adjusted.
    pub can_adjust: bool,
}

/// A variant in the list.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its page.
    pub url: String,
    /// The product's name.
    pub product: String,
    /// Its own; empty without options.
    pub variant: String,
    /// Its article number.
    pub sku: String,
    /// Whether it is counted.
    pub counted: bool,
    /// In the building.
    pub on_hand: i64,
    /// Promised to orders.
    pub allocated: i64,
    /// Held for checkouts.
    pub reserved: i64,
    /// Neither promised nor held.
    pub left: i64,
    /// `out`, `low` or `fine`.
    pub stock: &'static str,
}

/// What the address asks for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    view: String,
    q: String,
    location: String,
    page: String,
}

impl Wanted {
    fn view(&self) -> StockView {
        self.view.parse().unwrap_or(StockView::All)
    }

    fn location(&self) -> Option<LocationId> {
        self.location.parse().ok()
    }

    fn url(&self, view: StockView, page: &str) -> String {
        let location = self.location();
        let view = Some(view).filter(|view| *view != StockView::All);
        let chosen = [
            ("view", view.map_or("", |view| view.as_str())),
            ("q", self.q.trim()),
            ("location", location.as_ref().map_or("", LocationId::as_str)),
            ("page", page),
        ];
        address(PATH, &chosen)
    }
}

/// Shows the list.
pub(crate) async fn show(
    State(admin): State<Admin>,
    desk: Desk<ViewStock>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let asked = wanted.clone();
    let (base, (rows, locations)) = admin
        .read(&desk.staff, move |tx, base| {
            let filter = StockFilter {
                view: asked.view(),
                search: Some(asked.q.clone()).filter(|typed| !typed.trim().is_empty()),
                location: asked.location(),
                page: PageRequest::new(asked.page.parse().unwrap_or(1), SIZE),
                low_stock_at: base.settings.selling.low_stock_at,
            };
            let rows = inventory::list_stock(tx, &filter)?;
            Ok((rows, inventory::locations(tx)?))
        })
        .await?;
    let say = admin.words()?;
    let low = i64::from(base.settings.selling.low_stock_at);
    let location = wanted.location();
    let everywhere = Choice {
        value: String::new(),
        label: say.text("inventory.everywhere"),
        chosen: location.is_none(),
    };
    let places = locations.iter().map(|place| Choice {
        value: place.id.to_string(),
        label: place.name.clone(),
        chosen: location.as_ref() == Some(&place.id),
    });
    let page = LevelsPage {
        tabs: tabs((&VIEWS, wanted.view()), (&say, "inventory.view"), |view| {
            wanted.url(view, "")
        }),
        view: wanted.view().as_str(),
        search: wanted.q.clone(),
        locations: if locations.len() > 1 {
            std::iter::once(everywhere).chain(places).collect()
        } else {
            Vec::new()
        },
        has_location: !locations.is_empty(),
        pages: pages(&rows, &say, |page| wanted.url(wanted.view(), page)),
        rows: rows.items.iter().map(|row| row_of(row, low)).collect(),
        is_narrowed: !wanted.q.trim().is_empty() || location.is_some(),
        can_adjust: desk.staff.holds(AdjustStock::NAME),
    };
    admin
        .sheet(&desk.staff, &base)
        .section(Section::Inventory)
        .draw(&page)
}

fn row_of(row: &StockRow, low: i64) -> Row {
    let sum = |figure: fn(&inventory::StockLevel) -> i64| {
        row.levels
            .iter()
            .map(figure)
            .fold(0_i64, i64::saturating_add)
    };
    Row {
        url: format!("{PATH}/{}", row.variant_id),
        product: row.product_title.clone(),
        variant: row.variant_title.clone(),
        sku: row.sku.to_string(),
        counted: row.stock_tracked,
        on_hand: sum(|level| level.on_hand),
        allocated: sum(|level| level.allocated),
        reserved: sum(|level| level.reserved),
        left: row.left,
        stock: stock_word(row.left, low),
    }
}

/// `out`, `low` or `fine`.
pub(super) fn stock_word(left: i64, low: i64) -> &'static str {
    if left <= 0 {
        "out"
    } else if left <= low {
        "low"
    } else {
        "fine"
    }
}

impl Page for LevelsPage {
    const TEMPLATE: &'static str = "pages/inventory.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let row = |stock, left, counted| Row {
            url: format!("{PATH}/var_1"),
            product: "Tarn vase".to_owned(),
            variant: "Spruce / <16 cm>".to_owned(),
            sku: "TARN-1".to_owned(),
            counted,
            on_hand: 12,
            allocated: 2,
            reserved: 1,
            left,
            stock,
        };
        let choice = Choice {
            value: "loc_1".to_owned(),
            label: "Workshop".to_owned(),
            chosen: true,
        };
        let full = Self {
            tabs: vec![Tab {
                label: "All".to_owned(),
                url: PATH.to_owned(),
                current: true,
                count: None,
            }],
            view: "all",
            search: "tarn".to_owned(),
            locations: vec![choice.clone(), choice],
            has_location: true,
            rows: vec![
                row("fine", 9, true),
                row("low", 2, true),
                row("out", 0, true),
                row("out", 0, false),
            ],
            pages: Pages {
                number: 1,
                previous_url: None,
                next_url: Some(format!("{PATH}?page=2")),
                total: "80".to_owned(),
                first: 1,
                last: 50,
            },
            is_narrowed: true,
            can_adjust: true,
        };
        let no_match = Self {
            rows: Vec::new(),
            locations: Vec::new(),
            ..full.clone()
        };
        let nothing = Self {
            is_narrowed: false,
            has_location: false,
            search: String::new(),
            ..no_match.clone()
        };
        let none_out = Self {
            view: "out",
            ..nothing.clone()
        };
        vec![
            ("full", full),
            ("no_match", no_match),
            ("nothing", nothing),
            ("none_out", none_out),
        ]
    }
}

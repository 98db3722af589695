//! `GET /admin/orders`: what there is to pack, to send, to have paid, and everything else, found and sorted.

use axum::extract::State;
use axum::response::Response;
use commerce::Internal;
use commerce::orders::listing::{
    OrderFilter, OrderRow, OrderSort, OrderView, count_orders, list_orders,
};
use commerce::orders::{OrderStatus, PackOrder, pack_order};
use commerce::staff::{Permission, ShipOrders, ViewOrders};
use kernel::time::DAY;
use kernel::{LongPage, Money, PageRequest, Timestamp, Total};
use serde::{Deserialize, Serialize};
use templates::{Page, Say};
use web::{Fields, Problem, Query};

use super::state::{StateView, goods, money};
use crate::admin::Admin;
use crate::desk::Desk;
use crate::frame::Section;
use crate::told::Told;
use crate::views::listing::{address, pages, tab_count};
use crate::views::{Choice, Pages, Tab};

const PATH: &str = "/admin/orders";
const PAGE_SIZE: u32 = 50;
/// Orders that are acted on at once: a page of the list.
const AT_ONCE: usize = 100;

/// The views with a number beside them: where somebody has to act.
const VIEWS: [OrderView; 7] = [
    OrderView::ToPack,
    OrderView::ToShip,
    OrderView::ToPay,
    OrderView::ToReview,
    OrderView::Shipped,
    OrderView::Canceled,
    OrderView::All,
];

/// `pages/orders.html`.
#[derive(Debug, Clone, Serialize)]
pub struct OrdersPage {
    view: OrderView,
    tabs: Vec<Tab>,
    query: String,
    sorts: Vec<Choice>,
    rows: Vec<RowView>,
    pages: Pages,
    /// Where the same view is without a search.
    clear_url: String,
    /// What is sent along by the forms of the list.
    back: Vec<(String, String)>,
    /// Whether there has never been an order.
    none_at_all: bool,
    may_pack: bool,
}

/// An order in the list.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RowView {
    reference: String,
    number: Option<i64>,
    url: String,
    placed_at: Timestamp,
    buyer: String,
    items: i64,
    money: StateView,
    goods: Option<StateView>,
    due: Option<Timestamp>,
    late: bool,
    total: Money,
}

/// What the address says.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    view: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    sort: String,
    #[serde(default)]
    page: String,
}

impl Asked {
    fn view(&self) -> OrderView {
        self.view.parse().unwrap_or(OrderView::All)
    }

    fn sort(&self) -> OrderSort {
        let usual = match self.view() {
            OrderView::ToPack | OrderView::ToShip => OrderSort::Due,
            OrderView::ToPay
            | OrderView::ToReview
            | OrderView::Shipped
            | OrderView::Canceled
            | OrderView::All => OrderSort::Newest,
        };
        self.sort.parse().unwrap_or(usual)
    }

    fn filter(&self) -> OrderFilter {
        OrderFilter {
            view: self.view(),
            search: Some(self.q.chars().take(200).collect()),
            sort: self.sort(),
            page: PageRequest::new(self.page.parse().unwrap_or(1), PAGE_SIZE),
        }
    }

    fn address(&self, view: &str, page: &str) -> String {
        let chosen = [
            ("view", view),
            ("q", self.q.trim()),
            ("sort", &self.sort),
            ("page", page),
        ];
        address(PATH, &chosen)
    }
}

pub(crate) async fn list(
    State(admin): State<Admin>,
    desk: Desk<ViewOrders>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let filter = asked.filter();
    let read = admin.read(&desk.staff, move |tx, _| {
        let mut counts = Vec::with_capacity(VIEWS.len());
        for view in VIEWS {
            counts.push((view, count_orders(tx, view)?));
        }
        Ok::<_, Internal>((list_orders(tx, &filter)?, counts))
    });
    let (base, (found, counts)) = read.await?;
    let say = admin.words()?;
    let page = orders_page(&asked, (found, &counts), &say, base.now);
    let page = OrdersPage {
        may_pack: desk.staff.holds(ShipOrders::NAME),
        ..page
    };
    admin
        .sheet(&desk.staff, &base)
        .section(Section::Orders)
        .draw(&page)
}

fn orders_page(
    asked: &Asked,
    (found, counts): (LongPage<OrderRow>, &[(OrderView, Total)]),
    say: &Say,
    now: Timestamp,
) -> OrdersPage {
    let (view, sort) = (asked.view(), asked.sort());
    let none_at_all = counts.iter().all(|(_, count)| count.is_none());
    let tabs = counts.iter().map(|(tab, count)| Tab {
        label: say.text(&format!("orders.view.{tab}")),
        url: address(
            PATH,
            &[(
                "view",
                if *tab == OrderView::All {
                    ""
                } else {
                    tab.as_str()
                },
            )],
        ),
        current: *tab == view,
        count: match tab {
            OrderView::Shipped | OrderView::Canceled | OrderView::All => None,
            OrderView::ToPack | OrderView::ToShip | OrderView::ToPay | OrderView::ToReview => {
                tab_count(*count, say)
            }
        },
    });
    let sorts = OrderSort::ALL.iter().map(|choice| Choice {
        value: choice.to_string(),
        label: say.text(&format!("orders.sort.{choice}")),
        chosen: *choice == sort,
    });
    OrdersPage {
        view,
        tabs: tabs.collect(),
        query: asked.q.clone(),
        sorts: sorts.collect(),
        pages: pages(&found, say, |page| asked.address(&asked.view, page)),
        rows: found
            .items
            .into_iter()
            .map(|row| row_view(row, say, now))
            .collect(),
        clear_url: address(PATH, &[("view", &asked.view), ("sort", &asked.sort)]),
        back: back(asked),
        none_at_all,
        may_pack: false,
    }
}

fn back(asked: &Asked) -> Vec<(String, String)> {
    let fields = [
        ("view", &asked.view),
        ("q", &asked.q),
        ("sort", &asked.sort),
        ("page", &asked.page),
    ];
    fields
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect()
}

fn row_view(row: OrderRow, say: &Say, now: Timestamp) -> RowView {
    let waits = matches!(row.status, OrderStatus::Placed)
        && row.fulfillment_status != commerce::orders::FulfillmentStatus::Fulfilled;
    RowView {
        reference: row
            .number
            .map_or_else(|| say.text("orders.draft"), |number| number.to_string()),
        url: row
            .number
            .map_or_else(|| format!("{PATH}/{}", row.id), super::path),
        number: row.number,
        placed_at: row.placed_at,
        buyer: row.buyer,
        items: row.item_count,
        money: money(row.status, row.payment_status),
        goods: goods(row.status, row.fulfillment_status, row.packed),
        late: waits && row.due.is_some_and(|due| due.plus(DAY) <= now),
        due: row.due.filter(|_| waits),
        total: row.total,
    }
}

/// The numbers that were ticked, and the list they were ticked in.
fn ticked(fields: &Fields) -> (Vec<i64>, Asked) {
    let numbers = fields
        .with_prefix("order.")
        .filter_map(|(number, _)| number.parse().ok())
        .take(AT_ONCE);
    let field = |name: &str| fields.get(name).unwrap_or_default().to_owned();
    let asked = Asked {
        view: field("view"),
        q: field("q"),
        sort: field("sort"),
        page: field("page"),
    };
    (numbers.collect(), asked)
}

/// Marks what was ticked as packed, or takes that back: one order after the other, each by itself.
pub(crate) async fn pack(
    State(admin): State<Admin>,
    desk: Desk<ShipOrders>,
    fields: Fields,
) -> Result<Response, Problem> {
    let (numbers, asked) = ticked(&fields);
    let packed = fields.get("packed") != Some("no");
    let to = asked.address(&asked.view, &asked.page);
    if numbers.is_empty() {
        return desk.staff.done(&to, &Told::new("orders.told.none_ticked"));
    }
    let ids = super::ids_of(&admin, &numbers).await?;
    let (shop, by) = (admin.shop().clone(), desk.by.clone());
    let marked = web::run(async move {
        let mut marked = Vec::new();
        for (number, order_id) in ids {
            let cmd = PackOrder { order_id, packed };
            match pack_order(&shop, by.clone(), cmd).await {
                Ok(true) => marked.push(number),
                Ok(false) => {}
                Err(commerce::orders::PackError::Internal(error)) => return Err(error),
                Err(error) => tracing::debug!(order = number, "Not marked as packed: {error}"),
            }
        }
        Ok(marked)
    });
    let marked = marked.await??;
    let count = i64::try_from(marked.len()).unwrap_or(i64::MAX);
    let left = i64::try_from(numbers.len())
        .unwrap_or(i64::MAX)
        .saturating_sub(count);
    let told = match (packed, left) {
        (true, 0) => Told::new("orders.told.packed").count(count),
        (true, _) => Told::new("orders.told.packed_some")
            .count(count)
            .with("left", left.to_string()),
        (false, _) => Told::new("orders.told.unpacked").count(count),
    };
    let told = if count > 0 {
        undo(told, &marked, (packed, &asked))
    } else {
        told
    };
    desk.staff.done(&to, &told)
}

fn undo(told: Told, marked: &[i64], (packed, asked): (bool, &Asked)) -> Told {
    let mut fields: Vec<(String, String)> = marked
        .iter()
        .map(|number| (format!("order.{number}"), "on".to_owned()))
        .collect();
    fields.push((
        "packed".to_owned(),
        if packed { "no" } else { "yes" }.to_owned(),
    ));
    fields.extend(back(asked));
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    told.undo("/admin/orders/packed", &fields)
}

/// Goes on to the packing slips of what was ticked.
pub(crate) async fn ask_for_slips(
    desk: Desk<ViewOrders>,
    fields: Fields,
) -> Result<Response, Problem> {
    let (numbers, asked) = ticked(&fields);
    if numbers.is_empty() {
        let to = asked.address(&asked.view, &asked.page);
        return desk.staff.done(&to, &Told::new("orders.told.none_ticked"));
    }
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    web::see_other(&format!("{PATH}/packing-slips?n={}", numbers.join(",")))
}

impl Page for OrdersPage {
    const TEMPLATE: &'static str = "pages/orders.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let full = Self {
            view: OrderView::ToPack,
            tabs: vec![Tab {
                label: "To pack".to_owned(),
                url: "/admin/orders?view=to_pack".to_owned(),
                current: true,
                count: Some("6".to_owned()),
            }],
            query: "<i>noor".to_owned(),
            sorts: vec![Choice {
                value: "due".to_owned(),
                label: "Due first".to_owned(),
                chosen: true,
            }],
            rows: vec![
                RowView::sample(Some(1_042)),
                RowView {
                    goods: None,
                    due: None,
                    late: false,
                    ..RowView::sample(None)
                },
            ],
            pages: Pages {
                number: 2,
                previous_url: Some(PATH.to_owned()),
                next_url: Some(format!("{PATH}?page=3")),
                total: "214".to_owned(),
                first: 51,
                last: 100,
            },
            clear_url: PATH.to_owned(),
            back: vec![("view".to_owned(), "to_pack".to_owned())],
            none_at_all: false,
            may_pack: true,
        };
        let nothing = Self {
            rows: Vec::new(),
            may_pack: false,
            back: Vec::new(),
            ..full.clone()
        };
        let done = Self {
            query: String::new(),
            ..nothing.clone()
        };
        let new = Self {
            none_at_all: true,
            ..done.clone()
        };
        vec![
            ("full", full),
            ("nothing found", nothing),
            ("nothing to do", done),
            ("a new shop", new),
        ]
    }
}

impl RowView {
    fn sample(number: Option<i64>) -> Self {
        Self {
            reference: number.map_or_else(|| "Draft".to_owned(), |number| number.to_string()),
            number,
            url: format!("{PATH}/ord_1"),
            placed_at: super::samples::at(),
            buyer: "Noor <b>de Wit</b>".to_owned(),
            items: 3,
            money: StateView::new("success", "money_paid"),
            goods: Some(StateView::new("warning", "to_pack")),
            due: Some(super::samples::at()),
            late: true,
            total: super::samples::euros(8_190),
        }
    }
}

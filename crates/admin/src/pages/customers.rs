//! Customers: whoever bought, found and sorted, and each with their orders, figures and addresses.

use axum::extract::{Path, State};
use axum::response::Response;
use commerce::Internal;
use commerce::customers::{
    self, Customer, CustomerFilter, CustomerSort, KnownAddress, list_customers,
};
use commerce::orders::listing::{OrderRow, orders_of};
use commerce::staff::{Permission, ViewCustomers, ViewOrders};
use kernel::{Code, CustomerId, LongPage, Money, PageRequest, Timestamp};
use serde::{Deserialize, Serialize};
use templates::{Page, Samples, Say};
use web::{Problem, Query};

use super::orders::{StateView, goods, money};
use crate::admin::Admin;
use crate::desk::Desk;
use crate::frame::Section;
use crate::views::listing::{address, pages};
use crate::views::{Choice, Pages};

const PATH: &str = "/admin/customers";
const PAGE_SIZE: u32 = 50;
/// Orders on a customer's page.
const ORDERS: u32 = 20;

crate::routes! {
    get "/admin/customers" (ViewCustomers) list;
    get "/admin/customers/{id}" (ViewCustomers) show;
}

/// The pages with their samples.
pub(crate) fn samples() -> Vec<Samples> {
    vec![
        Samples::of_page::<CustomersPage>(),
        Samples::of_page::<CustomerPage>(),
    ]
}

/// `pages/customers.html`.
#[derive(Debug, Clone, Serialize)]
pub struct CustomersPage {
    query: String,
    sorts: Vec<Choice>,
    rows: Vec<RowView>,
    pages: Pages,
    clear_url: String,
}

#[derive(Debug, Clone, Serialize)]
struct RowView {
    url: String,
    name: String,
    email: String,
    orders: i64,
    spent: Money,
    last_order_at: Timestamp,
}

/// `pages/customer.html`.
#[derive(Debug, Clone, Serialize)]
pub struct CustomerPage {
    name: String,
    email: String,
    orders: i64,
    spent: Money,
    average: Option<Money>,
    first_order_at: Timestamp,
    last_order_at: Timestamp,
    /// Their orders, where the person may see orders.
    placed: Vec<PlacedView>,
    pages: Pages,
    addresses: Vec<AddressView>,
}

#[derive(Debug, Clone, Serialize)]
struct PlacedView {
    number: i64,
    /// Nothing for whoever may not see orders.
    url: Option<String>,
    placed_at: Timestamp,
    money: StateView,
    goods: Option<StateView>,
    total: Money,
}

#[derive(Debug, Clone, Serialize)]
struct AddressView {
    lines: Vec<String>,
    country: String,
    phone: Option<String>,
    last_used_at: Timestamp,
}

/// What the address says.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    sort: String,
    #[serde(default)]
    page: String,
}

impl Asked {
    fn sort(&self) -> CustomerSort {
        self.sort.parse().unwrap_or(CustomerSort::LastOrder)
    }

    fn page(&self, size: u32) -> PageRequest {
        PageRequest::new(self.page.parse().unwrap_or(1), size)
    }
}

pub(crate) async fn list(
    State(admin): State<Admin>,
    desk: Desk<ViewCustomers>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let filter = CustomerFilter {
        search: Some(asked.q.chars().take(200).collect()),
        sort: asked.sort(),
        page: asked.page(PAGE_SIZE),
    };
    let read = admin.read(&desk.staff, move |tx, _| {
        Ok::<_, Internal>(list_customers(tx, &filter)?)
    });
    let (base, found) = read.await?;
    let page = customers_page(&asked, &found, &admin.words()?);
    admin
        .sheet(&desk.staff, &base)
        .section(Section::Customers)
        .draw(&page)
}

fn customers_page(asked: &Asked, found: &LongPage<Customer>, say: &Say) -> CustomersPage {
    let at = |page: &str| {
        let chosen = [("q", asked.q.trim()), ("sort", &asked.sort), ("page", page)];
        address(PATH, &chosen)
    };
    let sorts = CustomerSort::ALL.iter().map(|choice| Choice {
        value: choice.to_string(),
        label: say.text(&format!("customers.sort.{choice}")),
        chosen: *choice == asked.sort(),
    });
    CustomersPage {
        query: asked.q.clone(),
        sorts: sorts.collect(),
        pages: pages(found, say, at),
        clear_url: address(PATH, &[("sort", &asked.sort)]),
        rows: found.items.iter().map(row_view).collect(),
    }
}

/// What a customer is called: their name, or their address for a moment after an update.
fn called(customer: &Customer) -> String {
    if customer.name.is_empty() {
        customer.email.to_string()
    } else {
        customer.name.clone()
    }
}

fn row_view(customer: &Customer) -> RowView {
    RowView {
        url: format!("{PATH}/{}", customer.id),
        name: called(customer),
        email: customer.email.to_string(),
        orders: customer.order_count,
        spent: customer.spent,
        last_order_at: customer.last_order_at,
    }
}

pub(crate) async fn show(
    State(admin): State<Admin>,
    desk: Desk<ViewCustomers>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let not_found = || Problem::new(Code::NotFound);
    let id: CustomerId = id.parse().map_err(|_not_an_id| not_found())?;
    let wanted = asked.page(ORDERS);
    let at = id.clone();
    let read = admin.read(&desk.staff, move |tx, _| {
        let Some(customer) = customers::find(tx, &id)? else {
            return Ok(None);
        };
        let placed = orders_of(tx, &customer.email, wanted)?;
        let addresses = customers::addresses(tx, &customer.email)?;
        Ok::<_, Internal>(Some((customer, placed, addresses)))
    });
    let (base, found) = read.await?;
    let (customer, placed, addresses) = found.ok_or_else(not_found)?;
    let say = admin.words()?;
    let pages = pages(&placed, &say, |page| {
        address(&format!("{PATH}/{at}"), &[("page", page)])
    });
    let may = desk.staff.holds(ViewOrders::NAME);
    let page = CustomerPage {
        name: called(&customer),
        email: customer.email.to_string(),
        orders: customer.order_count,
        spent: customer.spent,
        average: customer.average(),
        first_order_at: customer.first_order_at,
        last_order_at: customer.last_order_at,
        placed: placed
            .items
            .iter()
            .filter_map(|row| placed_view(row, may))
            .collect(),
        pages,
        addresses: addresses
            .into_iter()
            .map(|known| address_view(known, &say))
            .collect(),
    };
    admin
        .sheet(&desk.staff, &base)
        .section(Section::Customers)
        .draw(&page)
}

fn placed_view(row: &OrderRow, may: bool) -> Option<PlacedView> {
    let number = row.number?;
    Some(PlacedView {
        number,
        url: may.then(|| format!("/admin/orders/{number}")),
        placed_at: row.placed_at,
        money: money(row.status, row.payment_status),
        goods: goods(row.status, row.fulfillment_status, row.packed),
        total: row.total,
    })
}

fn address_view(known: KnownAddress, say: &Say) -> AddressView {
    AddressView {
        lines: known.address.lines(),
        country: say.country(known.address.country),
        phone: known.address.phone,
        last_used_at: known.last_used_at,
    }
}

impl Page for CustomersPage {
    const TEMPLATE: &'static str = "pages/customers.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let full = Self {
            query: "<i>dam".to_owned(),
            sorts: vec![Choice {
                value: "spent".to_owned(),
                label: "Who spent most".to_owned(),
                chosen: true,
            }],
            rows: vec![RowView {
                url: format!("{PATH}/cus_1"),
                name: "Noor <b>de Wit</b>".to_owned(),
                email: "noor@example.com".to_owned(),
                orders: 3,
                spent: super::orders::samples::euros(40_000),
                last_order_at: super::orders::samples::at(),
            }],
            pages: Pages {
                number: 1,
                previous_url: None,
                next_url: Some(format!("{PATH}?page=2")),
                total: "more than 1,000".to_owned(),
                first: 1,
                last: 50,
            },
            clear_url: PATH.to_owned(),
        };
        let nothing = Self {
            rows: Vec::new(),
            ..full.clone()
        };
        let new = Self {
            query: String::new(),
            ..nothing.clone()
        };
        vec![
            ("full", full),
            ("nothing found", nothing),
            ("a new shop", new),
        ]
    }
}

impl Page for CustomerPage {
    const TEMPLATE: &'static str = "pages/customer.html";

    fn samples() -> Vec<(&'static str, Self)> {
        use super::orders::samples::{at, euros};
        let full = Self {
            name: "Noor <b>de Wit</b>".to_owned(),
            email: "noor@example.com".to_owned(),
            orders: 3,
            spent: euros(40_000),
            average: Some(euros(13_333)),
            first_order_at: at(),
            last_order_at: at(),
            placed: vec![PlacedView {
                number: 1_042,
                url: Some("/admin/orders/1042".to_owned()),
                placed_at: at(),
                money: money(
                    commerce::orders::OrderStatus::Placed,
                    commerce::orders::PaymentStatus::Paid,
                ),
                goods: goods(
                    commerce::orders::OrderStatus::Placed,
                    commerce::orders::FulfillmentStatus::Unfulfilled,
                    false,
                ),
                total: euros(8_190),
            }],
            pages: Pages {
                number: 1,
                previous_url: None,
                next_url: None,
                total: "3".to_owned(),
                first: 1,
                last: 3,
            },
            addresses: vec![AddressView {
                lines: vec!["Noor <b>de Wit</b>".to_owned()],
                country: "Netherlands".to_owned(),
                phone: Some("+31 6 1234".to_owned()),
                last_used_at: at(),
            }],
        };
        let off = Self {
            average: None,
            placed: vec![PlacedView {
                url: None,
                goods: None,
                ..full.placed.first().cloned().unwrap_or_else(|| PlacedView {
                    number: 1,
                    url: None,
                    placed_at: at(),
                    money: money(
                        commerce::orders::OrderStatus::Canceled,
                        commerce::orders::PaymentStatus::Voided,
                    ),
                    goods: None,
                    total: euros(1),
                })
            }],
            addresses: Vec::new(),
            ..full.clone()
        };
        vec![("full", full), ("all called off", off)]
    }
}

//! `GET /admin/orders/{number}/cancel`: calling an order off, after a look at what that does.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use commerce::orders::{self, CancelError, CancelOrder, Order, OrderStatus, ReturnMoney};
use commerce::staff::CancelOrders;
use commerce::{Internal, payments};
use http::StatusCode;
use kernel::Money;
use serde::{Deserialize, Serialize};
use templates::Page;
use web::{Form, Problem};

use super::act::{sentence, status_of};
use super::samples::euros;
use super::{id_of, not_found, number, path};
use crate::admin::Admin;
use crate::desk::{Desk, Staffer};
use crate::frame::Section;
use crate::told::Told;
use crate::views::FormError;

/// `pages/order_cancel.html`.
#[derive(Debug, Clone, Serialize)]
pub struct CancelPage {
    number: i64,
    buyer: String,
    total: Money,
    /// Whether it can be called off at all.
    possible: bool,
    /// What was taken and not given back.
    taken: Option<Money>,
    /// What is held.
    held: Option<Money>,
    reason: String,
    give_back: bool,
    errors: Vec<FormError>,
    /// What is wrong, by the id of the field it stands at.
    wrong: BTreeMap<String, String>,
}

/// What the form says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Typed {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    money: String,
}

pub(crate) async fn ask(
    State(admin): State<Admin>,
    desk: Desk<CancelOrders>,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let typed = Typed {
        reason: String::new(),
        money: "yes".to_owned(),
    };
    let number = number(&text)?;
    draw(&admin, &desk.staff, number, (StatusCode::OK, typed, None)).await
}

async fn draw(
    admin: &Admin,
    staff: &Staffer,
    number: i64,
    (status, typed, error): (StatusCode, Typed, Option<FormError>),
) -> Result<Response, Problem> {
    let read = admin.read(staff, move |tx, _| {
        let Some(order) = orders::find_by_number(tx, number)? else {
            return Ok(None);
        };
        let lines = orders::lines(tx, &order.id)?;
        let whole = lines.iter().all(|line| line.fulfilled == 0);
        let payments = payments::of_order(tx, &order.id)?;
        Ok::<_, Internal>(Some((order, payments, whole)))
    });
    let (base, found) = read.await?;
    let (order, payments, whole) = found.ok_or_else(not_found)?;
    let sum = |of: fn(&payments::Payment) -> i64| some(&order, payments.iter().map(of).sum());
    let page = CancelPage {
        number,
        buyer: order.address.name.clone(),
        total: order.total,
        possible: whole && order.status == OrderStatus::Placed,
        taken: sum(|p| p.captured.minor().saturating_sub(p.refunded.minor())),
        held: sum(|p| p.authorized.minor().saturating_sub(p.captured.minor())),
        reason: typed.reason,
        give_back: typed.money != "no",
        wrong: error
            .iter()
            .filter_map(|error| Some((error.field.clone()?, error.message.clone())))
            .collect(),
        errors: error.into_iter().collect(),
    };
    admin
        .sheet(staff, &base)
        .section(Section::Orders)
        .status(status)
        .draw(&page)
}

fn some(order: &Order, minor: i64) -> Option<Money> {
    (minor > 0).then(|| order.total.currency().minor(minor))
}

pub(crate) async fn cancel(
    State(admin): State<Admin>,
    desk: Desk<CancelOrders>,
    Path(text): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    let number = number(&text)?;
    let cmd = CancelOrder {
        order_id: id_of(&admin, number).await?,
        reason: typed.reason.clone(),
        money: if typed.money == "no" {
            ReturnMoney::No
        } else {
            ReturnMoney::Yes
        },
    };
    let (shop, by) = (admin.shop().clone(), desk.by.clone());
    let done = web::run(async move { orders::cancel_order(&shop, by, cmd).await }).await?;
    let say = admin.words()?;
    let (status, error) = match done {
        Ok(_) => {
            let told = Told::new("orders.told.cancelled").with("number", number.to_string());
            return desk.staff.done(&path(number), &told);
        }
        Err(CancelError::Internal(error)) => return Err(error.into()),
        Err(CancelError::NotFound) => return Err(not_found()),
        Err(error @ CancelError::BadReason(_)) if typed.reason.trim().is_empty() => (
            status_of(&error),
            FormError::at("cancel-reason", say.text("orders.wrong.reason")),
        ),
        Err(error @ CancelError::BadReason(_)) => (
            status_of(&error),
            FormError::at("cancel-reason", sentence(&error)),
        ),
        Err(error @ CancelError::AlreadyShipped) => (
            status_of(&error),
            FormError::of_form(say.text("orders.wrong.already_shipped")),
        ),
        Err(error @ CancelError::NotPlaced(_)) => (
            status_of(&error),
            FormError::of_form(say.text("orders.wrong.not_placed")),
        ),
    };
    draw(&admin, &desk.staff, number, (status, typed, Some(error))).await
}

impl Page for CancelPage {
    const TEMPLATE: &'static str = "pages/order_cancel.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let paid = Self {
            number: 1_042,
            buyer: "Noor <b>de Wit</b>".to_owned(),
            total: euros(8_190),
            possible: true,
            taken: Some(euros(8_190)),
            held: None,
            reason: String::new(),
            give_back: true,
            errors: Vec::new(),
            wrong: BTreeMap::new(),
        };
        let held = Self {
            taken: None,
            held: Some(euros(8_190)),
            ..paid.clone()
        };
        let refused = Self {
            reason: "<x>".to_owned(),
            errors: vec![FormError::at("cancel-reason", "Say why")],
            wrong: [("cancel-reason".to_owned(), "Say why".to_owned())].into(),
            ..paid.clone()
        };
        let unpaid = Self {
            taken: None,
            ..paid.clone()
        };
        let sent = Self {
            possible: false,
            ..paid.clone()
        };
        vec![
            ("paid", paid),
            ("held", held),
            ("unpaid", unpaid),
            ("refused", refused),
            ("sent already", sent),
        ]
    }
}

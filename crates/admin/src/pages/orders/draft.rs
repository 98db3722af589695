//! `GET /admin/orders/{id}`: an order that is not placed, as a rule because a payment of it needs a person's look. Read-only: it
//! is settled with the gateway and the customer. An order that was placed since is shown by its number.

use axum::response::Response;
use commerce::payments::SessionStatus;
use kernel::{OrderId, Timestamp};
use serde::Serialize;
use templates::Page;
use web::Problem;

use super::facts::Facts;
use super::forms::Typed;
use super::happened::{DayView, days};
use super::parts::{self, BuyerView, DeliveryView, LineView, SumsView};
use super::payments::{PaymentView, payments};
use super::samples::at;
use super::show::Seen;
use super::state::{StateView, money};
use super::{not_found, path};
use crate::admin::Admin;
use crate::desk::Staffer;
use crate::frame::Section;

/// `pages/order_draft.html`.
#[derive(Debug, Clone, Serialize)]
pub struct DraftPage {
    begun_at: Timestamp,
    /// Whether a payment does not fit; else the customer has only not finished.
    needs_review: bool,
    money: StateView,
    lines: Vec<LineView>,
    sums: SumsView,
    payments: Vec<PaymentView>,
    buyer: BuyerView,
    delivery: DeliveryView,
    days: Vec<DayView>,
}

/// Shows the draft, or leads on to the order it became.
pub(super) async fn show(admin: &Admin, staff: &Staffer, id: OrderId) -> Result<Response, Problem> {
    let read = admin.read(staff, move |tx, _| Facts::read_by_id(tx, &id));
    let (base, facts) = read.await?;
    let facts = facts.ok_or_else(not_found)?;
    if let Some(number) = facts.order.number {
        return web::see_other(&path(number));
    }
    let (say, typed) = (admin.words()?, Typed::default());
    let seen = Seen {
        admin,
        staff,
        say: &say,
        typed: &typed,
    };
    let page = DraftPage {
        begun_at: facts.order.created_at,
        needs_review: facts
            .payments
            .iter()
            .any(|payment| payment.status == SessionStatus::NeedsReview),
        money: money(facts.order.status, facts.order.payment_status),
        lines: parts::lines(&facts),
        sums: parts::sums(&facts),
        payments: payments(&facts, &seen)
            .into_iter()
            .map(PaymentView::without_form)
            .collect(),
        buyer: parts::buyer(&facts, staff),
        delivery: parts::delivery(&facts, &say),
        days: days(&facts, &say, (base.now, &base.settings.shop.time_zone)),
    };
    admin
        .sheet(staff, &base)
        .section(Section::Orders)
        .draw(&page)
}

impl Page for DraftPage {
    const TEMPLATE: &'static str = "pages/order_draft.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let full = Self {
            begun_at: at(),
            needs_review: true,
            money: StateView::new("plain", "draft"),
            lines: vec![LineView::sample()],
            sums: SumsView::sample(),
            payments: vec![PaymentView::sample().without_form()],
            buyer: BuyerView::sample(),
            delivery: DeliveryView::sample(),
            days: DayView::samples(),
        };
        let unpaid = Self {
            needs_review: false,
            payments: Vec::new(),
            days: Vec::new(),
            ..full.clone()
        };
        vec![("full", full), ("without payments", unpaid)]
    }
}

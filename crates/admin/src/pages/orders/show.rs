//! `GET /admin/orders/{number}`: an order, what happened to it, and what can be done with it now.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use commerce::orders::state::queue;
use commerce::orders::{OrderQueue, OrderStatus, PaymentStatus};
use commerce::ports::gateway::Gateways;
use commerce::staff::{
    CancelOrders, CapturePayments, NoteOrders, Permission, RefundPayments, SendMails, ShipOrders,
    ViewMails, ViewOrders,
};
use http::StatusCode;
use kernel::{Money, OrderId, Timestamp};
use serde::Serialize;
use templates::{Page, Say};
use web::Problem;

use super::facts::Facts;
use super::forms::{self, NoteForm, ShipForm, TransferForm, Typed};
use super::happened::{DayView, days};
use super::parts::{self, BuyerView, DeliveryView, LineView, ParcelView, RefundView, SumsView};
use super::payments::{PaymentView, payments, waits_for_transfer};
use super::samples::{at, euros};
use super::state::{StateView, goods, money};
use super::{draft, not_found, number};
use crate::admin::Admin;
use crate::desk::{Desk, Staffer};
use crate::frame::Section;
use crate::views::FormError;

/// `pages/order.html`.
#[derive(Debug, Clone, Serialize)]
pub struct OrderPage {
    number: i64,
    placed_at: Option<Timestamp>,
    money: StateView,
    goods: Option<StateView>,
    /// The next step: `pack`, `ship`, `capture`, `transfer` or `none`.
    next: &'static str,
    packed: bool,
    lines: Vec<LineView>,
    sums: SumsView,
    parcels: Vec<ParcelView>,
    payments: Vec<PaymentView>,
    refunds: Vec<RefundView>,
    /// What can still be given back, if anything can.
    left_to_refund: Option<Money>,
    cancel_reason: Option<String>,
    buyer: BuyerView,
    delivery: DeliveryView,
    days: Vec<DayView>,
    can: Can,
    ship: Option<ShipForm>,
    transfer: Option<TransferForm>,
    note: NoteForm,
    errors: Vec<FormError>,
    /// What is wrong, by the id of the field it stands at.
    wrong: BTreeMap<String, String>,
}

/// What this person may do with this order now.
#[derive(Debug, Clone, Copy, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is asked for by itself in the template"
)]
pub(super) struct Can {
    pack: bool,
    cancel: bool,
    refund: bool,
    note: bool,
    mails: bool,
    resend: bool,
}

/// An order by its number; by its id, where the number is not known or there is none yet.
pub(crate) async fn show(
    State(admin): State<Admin>,
    desk: Desk<ViewOrders>,
    Path(path): Path<String>,
) -> Result<Response, Problem> {
    if let Ok(id) = path.parse::<OrderId>() {
        return draft::show(&admin, &desk.staff, id).await;
    }
    let order = (StatusCode::OK, Typed::default());
    draw(&admin, &desk.staff, number(&path)?, order).await
}

/// Draws the order, with a form that was refused as it was typed.
pub(super) async fn draw(
    admin: &Admin,
    staff: &Staffer,
    number: i64,
    (status, typed): (StatusCode, Typed),
) -> Result<Response, Problem> {
    let read = admin.read(staff, move |tx, _| Facts::read(tx, number));
    let (base, facts) = read.await?;
    let facts = facts.ok_or_else(not_found)?;
    let say = admin.words()?;
    let zone = base.settings.shop.time_zone.clone();
    let seen = Seen {
        admin,
        staff,
        say: &say,
        typed: &typed,
    };
    let days = days(&facts, &say, (base.now, &zone));
    let page = OrderPage {
        days,
        ..seen.page(number, &facts)
    };
    let page = page.with_errors(typed.errors);
    admin
        .sheet(staff, &base)
        .section(Section::Orders)
        .status(status)
        .draw(&page)
}

/// Who looks at the order, and what they typed.
pub(super) struct Seen<'a> {
    pub(super) admin: &'a Admin,
    pub(super) staff: &'a Staffer,
    pub(super) say: &'a Say,
    pub(super) typed: &'a Typed,
}

impl Seen<'_> {
    fn page(&self, number: i64, facts: &Facts) -> OrderPage {
        let order = &facts.order;
        let may = |name: &str| self.staff.holds(name);
        let placed = order.status == OrderStatus::Placed;
        let untouched = facts.lines.iter().all(|line| line.fulfilled == 0);
        let refundable = facts.left_to_refund.minor() > 0;
        OrderPage {
            number,
            placed_at: order.placed_at,
            money: money(order.status, order.payment_status),
            goods: goods(
                order.status,
                order.fulfillment_status,
                order.packed_at.is_some(),
            ),
            next: self.next(facts),
            packed: order.packed_at.is_some(),
            lines: parts::lines(facts),
            sums: parts::sums(facts),
            parcels: parts::parcels(facts),
            payments: payments(facts, self),
            refunds: parts::refunds(facts),
            left_to_refund: refundable.then_some(facts.left_to_refund),
            cancel_reason: order.cancel_reason.clone(),
            buyer: parts::buyer(facts, self.staff),
            delivery: parts::delivery(facts, self.say),
            days: Vec::new(),
            can: Can {
                pack: placed && facts.to_ship() > 0 && may(ShipOrders::NAME),
                cancel: placed && untouched && may(CancelOrders::NAME),
                refund: refundable && may(RefundPayments::NAME),
                note: may(NoteOrders::NAME),
                mails: may(ViewMails::NAME),
                resend: may(SendMails::NAME),
            },
            ship: forms::ship_form(facts, self),
            transfer: forms::transfer_form(facts, self),
            note: forms::note_form(self),
            errors: Vec::new(),
            wrong: BTreeMap::new(),
        }
    }

    /// What is to be done next, as far as this person may.
    fn next(&self, facts: &Facts) -> &'static str {
        let order = &facts.order;
        let statuses = (order.payment_status, order.fulfillment_status);
        let packed = order.packed_at.is_some();
        let next = match queue(order.status, statuses, order.total.minor(), packed) {
            Some(OrderQueue::ToPack) => ("pack", ShipOrders::NAME),
            Some(OrderQueue::ToShip) => ("ship", ShipOrders::NAME),
            Some(OrderQueue::ToPay) if order.payment_status == PaymentStatus::Authorized => {
                ("capture", CapturePayments::NAME)
            }
            Some(OrderQueue::ToPay) if waits_for_transfer(facts, self.gateways()) => {
                ("transfer", CapturePayments::NAME)
            }
            _ => return "none",
        };
        if self.staff.holds(next.1) {
            next.0
        } else {
            "none"
        }
    }

    /// The ways to pay.
    pub(super) fn gateways(&self) -> &Gateways {
        &self.admin.shop().gateways
    }
}

impl OrderPage {
    fn with_errors(self, errors: Vec<FormError>) -> Self {
        let at = |error: &FormError| Some((error.field.clone()?, error.message.clone()));
        Self {
            wrong: errors.iter().filter_map(at).collect(),
            errors,
            ..self
        }
    }
}

impl Page for OrderPage {
    const TEMPLATE: &'static str = "pages/order.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let full = Self::sample();
        let refused = Self {
            ship: Some(ShipForm {
                tracking_url: "http://<x>".to_owned(),
                open: true,
                ..ShipForm::sample()
            }),
            ..full.clone()
        }
        .with_errors(vec![
            FormError::at("ship-tracking-url", "The address begins with https://"),
            FormError::of_form("Somebody else was faster"),
        ]);
        let over = Self {
            next: "none",
            packed: false,
            cancel_reason: Some("changed <their> mind".to_owned()),
            parcels: Vec::new(),
            payments: Vec::new(),
            refunds: Vec::new(),
            left_to_refund: None,
            can: Can {
                pack: false,
                cancel: false,
                refund: false,
                note: false,
                mails: false,
                resend: false,
            },
            ship: None,
            transfer: None,
            ..full.clone()
        };
        let steps = ["pack", "capture", "transfer"];
        let mut samples = vec![("full", full.clone()), ("refused", refused), ("over", over)];
        samples.extend(steps.map(|next| {
            let page = Self {
                next,
                ..full.clone()
            };
            (next, page)
        }));
        samples
    }
}

impl OrderPage {
    fn sample() -> Self {
        Self {
            number: 1_042,
            placed_at: Some(at()),
            money: StateView::new("success", "money_paid"),
            goods: Some(StateView::new("info", "packed")),
            next: "ship",
            packed: true,
            lines: vec![
                LineView::sample(),
                LineView {
                    picture: None,
                    ..LineView::sample()
                },
            ],
            sums: SumsView::sample(),
            parcels: ParcelView::samples(),
            payments: vec![PaymentView::sample()],
            refunds: vec![RefundView::sample()],
            left_to_refund: Some(euros(3_200)),
            cancel_reason: None,
            buyer: BuyerView::sample(),
            delivery: DeliveryView::sample(),
            days: DayView::samples(),
            can: Can {
                pack: true,
                cancel: true,
                refund: true,
                note: true,
                mails: true,
                resend: true,
            },
            ship: Some(ShipForm::sample()),
            transfer: Some(TransferForm::sample()),
            note: NoteForm::sample(),
            errors: Vec::new(),
            wrong: BTreeMap::new(),
        }
    }
}

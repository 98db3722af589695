//! `GET /admin/orders/{number}`: an order, what happened to it, and what can be done with it now.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use commerce::customers::Customer;
use commerce::orders::{OrderLine, OrderStatus, PartStatus, RefundStatus, state::queue};
use commerce::orders::{OrderQueue, PaymentStatus};
use commerce::payments::{Payment, SessionStatus};
use commerce::ports::gateway::Gateways;
use commerce::staff::{
    CancelOrders, CapturePayments, NoteOrders, Permission, RefundPayments, ShipOrders,
    ViewCustomers, ViewMails, ViewOrders,
};
use http::StatusCode;
use kernel::{FulfillmentId, Money, Timestamp};
use serde::Serialize;
use templates::{Page, Say};
use web::{Fields, Problem};

use super::facts::Facts;
use super::happened::{DayView, days, method};
use super::samples::{at, euros};
use super::state::{StateView, goods, money};
use super::{not_found, number, request_key};
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

/// A line of the order.
#[derive(Debug, Clone, Serialize)]
pub(super) struct LineView {
    title: String,
    detail: String,
    sku: String,
    url: String,
    quantity: i64,
    sent: i64,
    refunded: i64,
    unit_price: Money,
    total: Money,
}

#[derive(Debug, Clone, Serialize)]
struct SumsView {
    subtotal: Money,
    delivery: Money,
    tax_added: Option<Money>,
    tax_included: Option<Money>,
    total: Money,
    given_back: Option<Money>,
}

#[derive(Debug, Clone, Serialize)]
struct ParcelView {
    id: FulfillmentId,
    status: PartStatus,
    carrier: Option<String>,
    tracking_number: Option<String>,
    tracking_url: Option<String>,
    contents: Vec<(String, i64)>,
    at: Timestamp,
}

#[derive(Debug, Clone, Serialize)]
struct PaymentView {
    method: String,
    test: bool,
    status: SessionStatus,
    amount: Money,
    authorized: Money,
    captured: Money,
    refunded: Option<Money>,
    failure: Option<String>,
    capture: Option<CaptureForm>,
}

#[derive(Debug, Clone, Serialize)]
struct CaptureForm {
    key: String,
    payment: String,
    amount: String,
    left: Money,
}

#[derive(Debug, Clone, Serialize)]
struct RefundView {
    status: RefundStatus,
    amount: Money,
    reason: String,
    at: Timestamp,
}

#[derive(Debug, Clone, Serialize)]
struct BuyerView {
    name: String,
    email: String,
    url: Option<String>,
    orders: i64,
    spent: Option<Money>,
}

#[derive(Debug, Clone, Serialize)]
struct DeliveryView {
    name: String,
    pickup: bool,
    promise: Option<(Timestamp, Timestamp)>,
    address: Vec<String>,
    country: String,
    phone: Option<String>,
}

/// What this person may do with this order now.
#[derive(Debug, Clone, Copy, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is asked for by itself in the template"
)]
struct Can {
    pack: bool,
    cancel: bool,
    refund: bool,
    note: bool,
    mails: bool,
}

#[derive(Debug, Clone, Serialize)]
struct ShipForm {
    key: String,
    open: bool,
    lines: Vec<ShipLine>,
    carrier: String,
    tracking_number: String,
    tracking_url: String,
}

#[derive(Debug, Clone, Serialize)]
struct ShipLine {
    id: String,
    title: String,
    detail: String,
    sku: String,
    left: i64,
    value: String,
}

#[derive(Debug, Clone, Serialize)]
struct TransferForm {
    key: String,
    amount: String,
    reference: String,
    open: bool,
}

#[derive(Debug, Clone, Serialize)]
struct NoteForm {
    key: String,
    text: String,
}

/// A form of the page as it was sent and refused.
#[derive(Debug, Default)]
pub(super) struct Typed {
    /// Which form: `ship`, `capture`, `transfer`, `note`.
    pub(super) form: &'static str,
    pub(super) fields: Fields,
    pub(super) errors: Vec<FormError>,
}

impl Typed {
    /// What was typed into a field of this form; `usual` if it was not sent.
    fn value(&self, form: &str, (name, usual): (&str, &str)) -> String {
        let typed = self.fields.get(name).filter(|_| self.form == form);
        typed.unwrap_or(usual).to_owned()
    }
}

pub(crate) async fn show(
    State(admin): State<Admin>,
    desk: Desk<ViewOrders>,
    Path(path): Path<String>,
) -> Result<Response, Problem> {
    let number = number(&path)?;
    draw(
        &admin,
        &desk.staff,
        number,
        (StatusCode::OK, Typed::default()),
    )
    .await
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
    let desk = Seen {
        admin,
        staff,
        say: &say,
        typed: &typed,
    };
    let days = days(&facts, &say, (base.now, &zone));
    let page = OrderPage {
        days,
        ..desk.page(number, &facts)
    };
    let page = page.with_errors(typed.errors);
    admin
        .sheet(staff, &base)
        .section(Section::Orders)
        .status(status)
        .draw(&page)
}

/// Who looks at the order, and what they typed.
struct Seen<'a> {
    admin: &'a Admin,
    staff: &'a Staffer,
    say: &'a Say,
    typed: &'a Typed,
}

impl Seen<'_> {
    fn page(&self, number: i64, facts: &Facts) -> OrderPage {
        let order = &facts.order;
        let may = |name: &str| self.staff.holds(name);
        let placed = order.status == OrderStatus::Placed;
        let untouched = facts.lines.iter().all(|line| line.fulfilled == 0);
        let refundable = facts.left_to_refund.minor() > 0;
        let ship = self.ship_form(facts);
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
            lines: facts.lines.iter().map(line_view).collect(),
            sums: sums(facts),
            parcels: parcels(facts),
            payments: facts
                .payments
                .iter()
                .filter(|payment| was_begun(payment))
                .map(|payment| self.payment(payment))
                .collect(),
            refunds: refunds(facts),
            left_to_refund: refundable.then_some(facts.left_to_refund),
            cancel_reason: order.cancel_reason.clone(),
            buyer: self.buyer(facts),
            delivery: self.delivery(facts),
            days: Vec::new(),
            can: Can {
                pack: placed && facts.to_ship() > 0 && may(ShipOrders::NAME),
                cancel: placed && untouched && may(CancelOrders::NAME),
                refund: refundable && may(RefundPayments::NAME),
                note: may(NoteOrders::NAME),
                mails: may(ViewMails::NAME),
            },
            ship,
            transfer: self.transfer_form(facts),
            note: NoteForm {
                key: request_key(self.admin),
                text: self.typed.value("note", ("text", "")),
            },
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

    fn gateways(&self) -> &Gateways {
        &self.admin.shop().gateways
    }

    fn ship_form(&self, facts: &Facts) -> Option<ShipForm> {
        let may = self.staff.holds(ShipOrders::NAME);
        if !may || facts.order.status != OrderStatus::Placed || facts.to_ship() <= 0 {
            return None;
        }
        let typed = |name: &str| self.typed.value("ship", (name, ""));
        let lines = facts.lines.iter().filter(|line| line.to_ship() > 0);
        let lines = lines.map(|line| {
            let left = line.to_ship();
            let name = format!("pieces.{}", line.id);
            ShipLine {
                id: line.id.to_string(),
                title: line.title.clone(),
                detail: line.variant_title.clone(),
                sku: line.sku.to_string(),
                left,
                value: self.typed.value("ship", (&name, &left.to_string())),
            }
        });
        Some(ShipForm {
            key: request_key(self.admin),
            open: facts.order.packed_at.is_some() || self.typed.form == "ship",
            lines: lines.collect(),
            carrier: typed("carrier"),
            tracking_number: typed("tracking_number"),
            tracking_url: typed("tracking_url"),
        })
    }

    fn transfer_form(&self, facts: &Facts) -> Option<TransferForm> {
        if !self.staff.holds(CapturePayments::NAME) || !waits_for_transfer(facts, self.gateways()) {
            return None;
        }
        let arrived: i64 = facts.payments.iter().map(|p| p.captured.minor()).sum();
        let total = facts.order.total;
        let missing = total.minor().saturating_sub(arrived).max(0);
        let missing = total.currency().minor(missing).to_decimal();
        Some(TransferForm {
            key: request_key(self.admin),
            amount: self.typed.value("transfer", ("amount", &missing)),
            reference: self.typed.value("transfer", ("reference", "")),
            open: self.typed.form == "transfer",
        })
    }

    fn payment(&self, payment: &Payment) -> PaymentView {
        let gateway = self.gateways().find(&payment.gateway);
        let left = payment
            .authorized
            .checked_sub(payment.captured)
            .unwrap_or(payment.authorized);
        let moves = gateway.is_some_and(|gateway| gateway.moves_money());
        let can = self.staff.holds(CapturePayments::NAME);
        let mine = self.typed.fields.get("payment") == Some(payment.id.as_str());
        let usual = left.to_decimal();
        let capture = (moves && can && left.minor() > 0).then(|| CaptureForm {
            key: request_key(self.admin),
            payment: payment.id.to_string(),
            amount: if mine {
                self.typed.value("capture", ("amount", &usual))
            } else {
                usual
            },
            left,
        });
        PaymentView {
            method: method(&payment.gateway, self.say),
            test: !payment.live && moves,
            status: payment.status,
            amount: payment.amount,
            authorized: payment.authorized,
            captured: payment.captured,
            refunded: (payment.refunded.minor() > 0).then_some(payment.refunded),
            failure: payment.failure.clone(),
            capture,
        }
    }

    fn buyer(&self, facts: &Facts) -> BuyerView {
        let known = facts
            .customer
            .as_ref()
            .filter(|_| self.staff.holds(ViewCustomers::NAME));
        BuyerView {
            name: facts.order.address.name.clone(),
            email: facts.order.email.to_string(),
            url: known.map(|customer: &Customer| format!("/admin/customers/{}", customer.id)),
            orders: known.map_or(0, |customer| customer.order_count),
            spent: known.map(|customer| customer.spent),
        }
    }

    fn delivery(&self, facts: &Facts) -> DeliveryView {
        let (address, delivery) = (&facts.order.address, &facts.order.delivery);
        DeliveryView {
            name: delivery.name.clone(),
            pickup: delivery.pickup,
            promise: delivery.promise,
            address: address.lines(),
            country: self.say.country(address.country),
            phone: address.phone.clone(),
        }
    }
}

/// Whether it came to anything: a method the buyer looked at and left is no news.
fn was_begun(payment: &Payment) -> bool {
    payment.authorized.minor() > 0
        || payment.captured.minor() > 0
        || !matches!(
            payment.status,
            SessionStatus::Created | SessionStatus::Expired
        )
}

/// Whether somebody may yet say that a transfer for it arrived.
fn waits_for_transfer(facts: &Facts, gateways: &Gateways) -> bool {
    let by_hand = |payment: &&Payment| {
        gateways
            .find(&payment.gateway)
            .is_some_and(|gateway| !gateway.moves_money())
    };
    let awaited = facts.payments.iter().rfind(by_hand);
    let missing = facts.order.payment_status != PaymentStatus::Paid;
    missing
        && awaited.is_some_and(|payment| {
            matches!(
                payment.status,
                SessionStatus::Processing | SessionStatus::Captured | SessionStatus::Canceled
            )
        })
}

pub(super) fn line_view(line: &OrderLine) -> LineView {
    LineView {
        title: line.title.clone(),
        detail: line.variant_title.clone(),
        sku: line.sku.to_string(),
        url: format!("/products/{}", line.product_slug),
        quantity: line.quantity.as_i64(),
        sent: line.fulfilled,
        refunded: line.refunded,
        unit_price: line.unit_price,
        total: line.total,
    }
}

fn sums(facts: &Facts) -> SumsView {
    let order = &facts.order;
    let given_back: i64 = facts.payments.iter().map(|p| p.refunded.minor()).sum();
    let some = |money: Money| (money.minor() != 0).then_some(money);
    SumsView {
        subtotal: order.subtotal,
        delivery: order.delivery.price,
        tax_added: some(order.tax_added),
        tax_included: some(order.tax_included),
        total: order.total,
        given_back: some(order.total.currency().minor(given_back)),
    }
}

fn parcels(facts: &Facts) -> Vec<ParcelView> {
    let title = |id: &kernel::OrderLineId| {
        let line = facts.lines.iter().find(|line| line.id == *id);
        line.map(|line| line.title.clone()).unwrap_or_default()
    };
    let parcels = facts.parcels.iter().map(|parcel| ParcelView {
        id: parcel.id.clone(),
        status: parcel.status,
        carrier: parcel.carrier.clone(),
        tracking_number: parcel.tracking_number.clone(),
        tracking_url: parcel.tracking_url.clone(),
        contents: parcel
            .lines
            .iter()
            .map(|(id, pieces)| (title(id), *pieces))
            .collect(),
        at: parcel.created_at,
    });
    parcels.collect()
}

fn refunds(facts: &Facts) -> Vec<RefundView> {
    let refunds = facts.refunds.iter().map(|refund| RefundView {
        status: refund.status,
        amount: refund.amount,
        reason: refund.reason.clone(),
        at: refund.created_at,
    });
    refunds.collect()
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

impl ShipForm {
    fn sample() -> Self {
        Self {
            key: "KEY".to_owned(),
            open: false,
            lines: vec![ShipLine {
                id: "line_1".to_owned(),
                title: "Tarn <vase>".to_owned(),
                detail: "Spruce, 24 cm".to_owned(),
                sku: "TARN-24".to_owned(),
                left: 2,
                value: "2".to_owned(),
            }],
            carrier: String::new(),
            tracking_number: String::new(),
            tracking_url: String::new(),
        }
    }
}

impl OrderPage {
    #[expect(clippy::too_many_lines, reason = "a sample is one long list of values")]
    fn sample() -> Self {
        Self {
            number: 1_042,
            placed_at: Some(at()),
            money: StateView::new("success", "money_paid"),
            goods: Some(StateView::new("info", "packed")),
            next: "ship",
            packed: true,
            lines: vec![LineView {
                title: "Tarn <vase>".to_owned(),
                detail: "Spruce, 24 cm".to_owned(),
                sku: "TARN-24".to_owned(),
                url: "/products/tarn-vase".to_owned(),
                quantity: 3,
                sent: 1,
                refunded: 1,
                unit_price: euros(6_800),
                total: euros(20_400),
            }],
            sums: SumsView {
                subtotal: euros(20_400),
                delivery: euros(490),
                tax_added: Some(euros(100)),
                tax_included: Some(euros(3_626)),
                total: euros(20_890),
                given_back: Some(euros(6_800)),
            },
            parcels: ParcelView::samples(),
            payments: vec![PaymentView {
                method: "Card".to_owned(),
                test: true,
                status: SessionStatus::Authorized,
                amount: euros(20_890),
                authorized: euros(20_890),
                captured: euros(10_000),
                refunded: Some(euros(6_800)),
                failure: Some("declined".to_owned()),
                capture: Some(CaptureForm {
                    key: "KEY".to_owned(),
                    payment: "pay_1".to_owned(),
                    amount: "108.90".to_owned(),
                    left: euros(10_890),
                }),
            }],
            refunds: vec![RefundView {
                status: RefundStatus::Succeeded,
                amount: euros(6_800),
                reason: "damaged <box>".to_owned(),
                at: at(),
            }],
            left_to_refund: Some(euros(3_200)),
            cancel_reason: None,
            buyer: BuyerView {
                name: "Noor <b>de Wit</b>".to_owned(),
                email: "noor@example.com".to_owned(),
                url: Some("/admin/customers/cus_1".to_owned()),
                orders: 3,
                spent: Some(euros(40_000)),
            },
            delivery: DeliveryView {
                name: "Parcel".to_owned(),
                pickup: false,
                promise: Some((at(), at())),
                address: vec![
                    "Noor <b>de Wit</b>".to_owned(),
                    "Keizersgracht 1".to_owned(),
                ],
                country: "Netherlands".to_owned(),
                phone: Some("+31 6 1234".to_owned()),
            },
            days: DayView::samples(),
            can: Can {
                pack: true,
                cancel: true,
                refund: true,
                note: true,
                mails: true,
            },
            ship: Some(ShipForm::sample()),
            transfer: Some(TransferForm {
                key: "KEY".to_owned(),
                amount: "208.90".to_owned(),
                reference: String::new(),
                open: false,
            }),
            note: NoteForm {
                key: "KEY".to_owned(),
                text: String::new(),
            },
            errors: Vec::new(),
            wrong: BTreeMap::new(),
        }
    }
}

impl ParcelView {
    fn samples() -> Vec<Self> {
        let plain = Self {
            id: FulfillmentId::new(&kernel::RandomIds),
            status: PartStatus::Fulfilled,
            carrier: None,
            tracking_number: None,
            tracking_url: None,
            contents: vec![("Tarn <vase>".to_owned(), 1)],
            at: at(),
        };
        let tracked = Self {
            carrier: Some("PostNL".to_owned()),
            tracking_number: Some("3S<1>".to_owned()),
            tracking_url: Some("https://carrier.example/3S1".to_owned()),
            ..plain.clone()
        };
        vec![tracked, plain]
    }
}

//! What an order is made of, as its pages show it.

use std::collections::HashMap;

use commerce::customers::Customer;
use commerce::notifications::view::PictureView;
use commerce::orders::{OrderLine, PartStatus, RefundStatus};
use commerce::staff::{Permission, ViewCustomers};
use kernel::{FulfillmentId, MediaId, Money, OrderLineId, Timestamp};
use serde::Serialize;
use templates::Say;

use super::facts::Facts;
use super::samples::{at, euros};
use crate::desk::Staffer;

/// A line of the order.
#[derive(Debug, Clone, Serialize)]
pub(super) struct LineView {
    pub(super) picture: Option<PictureView>,
    pub(super) title: String,
    pub(super) detail: String,
    pub(super) sku: String,
    pub(super) url: String,
    pub(super) quantity: i64,
    pub(super) sent: i64,
    pub(super) refunded: i64,
    pub(super) unit_price: Money,
    pub(super) total: Money,
}

/// What it comes to.
#[derive(Debug, Clone, Serialize)]
pub(super) struct SumsView {
    pub(super) subtotal: Money,
    pub(super) delivery: Money,
    pub(super) tax_added: Option<Money>,
    pub(super) tax_included: Option<Money>,
    pub(super) total: Money,
    pub(super) given_back: Option<Money>,
}

/// What left together.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ParcelView {
    pub(super) id: FulfillmentId,
    pub(super) status: PartStatus,
    pub(super) carrier: Option<String>,
    pub(super) tracking_number: Option<String>,
    pub(super) tracking_url: Option<String>,
    pub(super) contents: Vec<(String, i64)>,
    pub(super) at: Timestamp,
}

/// Money that went back.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RefundView {
    pub(super) status: RefundStatus,
    pub(super) amount: Money,
    pub(super) reason: String,
    pub(super) at: Timestamp,
}

/// Who bought.
#[derive(Debug, Clone, Serialize)]
pub(super) struct BuyerView {
    pub(super) name: String,
    pub(super) email: String,
    pub(super) url: Option<String>,
    pub(super) orders: i64,
    pub(super) spent: Option<Money>,
}

/// How it goes, and where.
#[derive(Debug, Clone, Serialize)]
pub(super) struct DeliveryView {
    pub(super) name: String,
    pub(super) pickup: bool,
    pub(super) promise: Option<(Timestamp, Timestamp)>,
    pub(super) address: Vec<String>,
    pub(super) country: String,
    pub(super) phone: Option<String>,
}

/// The lines of an order with their pictures.
pub(super) fn lines(facts: &Facts) -> Vec<LineView> {
    let lines = facts.lines.iter();
    lines.map(|line| line_view(line, &facts.pictures)).collect()
}

fn line_view(line: &OrderLine, pictures: &HashMap<MediaId, PictureView>) -> LineView {
    let picture = line.media_id.as_ref().and_then(|id| pictures.get(id));
    LineView {
        picture: picture.cloned(),
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

/// What the order comes to, and what of it went back.
pub(super) fn sums(facts: &Facts) -> SumsView {
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

/// What has left.
pub(super) fn parcels(facts: &Facts) -> Vec<ParcelView> {
    let title = |id: &OrderLineId| {
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

/// What was given back.
pub(super) fn refunds(facts: &Facts) -> Vec<RefundView> {
    let refunds = facts.refunds.iter().map(|refund| RefundView {
        status: refund.status,
        amount: refund.amount,
        reason: refund.reason.clone(),
        at: refund.created_at,
    });
    refunds.collect()
}

/// Who bought; what is known of them only to whoever may see customers.
pub(super) fn buyer(facts: &Facts, staff: &Staffer) -> BuyerView {
    let known = facts
        .customer
        .as_ref()
        .filter(|_| staff.holds(ViewCustomers::NAME));
    BuyerView {
        name: facts.order.address.name.clone(),
        email: facts.order.email.to_string(),
        url: known.map(|customer: &Customer| format!("/admin/customers/{}", customer.id)),
        orders: known.map_or(0, |customer| customer.order_count),
        spent: known.map(|customer| customer.spent),
    }
}

/// How the order goes, and where.
pub(super) fn delivery(facts: &Facts, say: &Say) -> DeliveryView {
    let (address, delivery) = (&facts.order.address, &facts.order.delivery);
    DeliveryView {
        name: delivery.name.clone(),
        pickup: delivery.pickup,
        promise: delivery.promise,
        address: address.lines(),
        country: say.country(address.country),
        phone: address.phone.clone(),
    }
}

impl LineView {
    pub(super) fn sample() -> Self {
        Self {
            picture: Some(PictureView::new(
                "0123456789abcdef",
                (1_200, 1_500),
                &[320, 800],
                ("#E2B49A".to_owned(), "A <vase>".to_owned()),
            )),
            title: "Tarn <vase>".to_owned(),
            detail: "Spruce, 24 cm".to_owned(),
            sku: "TARN-24".to_owned(),
            url: "/products/tarn-vase".to_owned(),
            quantity: 3,
            sent: 1,
            refunded: 1,
            unit_price: euros(6_800),
            total: euros(20_400),
        }
    }
}

impl SumsView {
    pub(super) fn sample() -> Self {
        Self {
            subtotal: euros(20_400),
            delivery: euros(490),
            tax_added: Some(euros(100)),
            tax_included: Some(euros(3_626)),
            total: euros(20_890),
            given_back: Some(euros(6_800)),
        }
    }
}

impl ParcelView {
    pub(super) fn samples() -> Vec<Self> {
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

impl RefundView {
    pub(super) fn sample() -> Self {
        Self {
            status: RefundStatus::Succeeded,
            amount: euros(6_800),
            reason: "damaged <box>".to_owned(),
            at: at(),
        }
    }
}

impl BuyerView {
    pub(super) fn sample() -> Self {
        Self {
            name: "Noor <b>de Wit</b>".to_owned(),
            email: "noor@example.com".to_owned(),
            url: Some("/admin/customers/cus_1".to_owned()),
            orders: 3,
            spent: Some(euros(40_000)),
        }
    }
}

impl DeliveryView {
    pub(super) fn sample() -> Self {
        Self {
            name: "Parcel".to_owned(),
            pickup: false,
            promise: Some((at(), at())),
            address: vec![
                "Noor <b>de Wit</b>".to_owned(),
                "Keizersgracht 1".to_owned(),
            ],
            country: "Netherlands".to_owned(),
            phone: Some("+31 6 1234".to_owned()),
        }
    }
}

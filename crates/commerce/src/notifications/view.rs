//! An order as themes see it: the same for its mail and its page. Shapes: `themes/default/CONTEXTS.md`.

use std::collections::{BTreeMap, HashMap};

use db::{DbError, Tx, in_list};
use kernel::time::DAY;
use kernel::{MediaId, Money, Rate, Timestamp};
use pricing::TaxLine;
use serde::Serialize;

use crate::error::Internal;
use crate::inventory::with_ids;
use crate::orders::{
    self, Fulfillment, Order, OrderLine, OrderStatus, PaymentStatus, TimelineEntry,
};
use crate::payments::{self, Payment, SessionStatus, Sums};
use crate::settings::{BankAccount, Settings};

pub mod samples;

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PictureView {
    /// In words.
    pub alt: String,
    /// Of the original, in pixels.
    pub width: i64,
    /// Of the original, in pixels.
    pub height: i64,
    /// The colour painted before it arrives.
    pub ground: Option<String>,
    /// About 800 pixels wide.
    pub src: String,
    /// Every width there is.
    pub srcset: String,
    /// The largest there is.
    pub large: String,
}

/// The address of a picture at a width.
pub fn picture_url(content_hash: &str, width: i64) -> String {
    format!("/media/{content_hash}/{width}.webp")
}

impl PictureView {
    /// Puts the addresses of a picture together.
    pub fn new(
        content_hash: &str,
        (width, height): (i64, i64),
        widths: &[i64],
        (ground, alt): (String, String),
    ) -> Self {
        let near = widths
            .iter()
            .copied()
            .find(|candidate| *candidate >= 800)
            .or(widths.last().copied())
            .unwrap_or(width);
        let largest = widths.last().copied().unwrap_or(width);
        let srcset = widths
            .iter()
            .map(|width| format!("{} {width}w", picture_url(content_hash, *width)))
            .collect::<Vec<_>>()
            .join(", ");
        Self {
            alt,
            width,
            height,
            ground: Some(ground),
            src: picture_url(content_hash, near),
            srcset,
            large: picture_url(content_hash, largest),
        }
    }
}

/// An option of a line, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OptionView {
    /// What is chosen.
    pub name: String,
    /// How it is chosen.
    pub value: String,
}

/// A tax, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaxView {
    /// What it is called.
    pub name: String,
    /// How high it is, as `21%`.
    pub rate: String,
    /// How much it is.
    pub amount: Money,
}

impl TaxView {
    /// A tax for the buyer to read.
    pub fn new(name: &str, rate: Rate, amount: Money) -> Self {
        Self {
            name: name.to_owned(),
            rate: format!("{}%", rate.percent()),
            amount,
        }
    }
}

/// What is owed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuoteView {
    /// Pieces.
    pub item_count: i64,
    /// The goods.
    pub subtotal: Money,
    /// The delivery, once it is known.
    pub delivery: Option<Money>,
    /// The delivery's name.
    pub delivery_name: Option<String>,
    /// The cheapest delivery there could be, while it is not known.
    pub delivery_from: Option<Money>,
    /// The taxes.
    pub taxes: Vec<TaxView>,
    /// Whether the prices contain them.
    pub taxes_included: bool,
    /// All of it.
    pub total: Money,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrderLineView {
    /// Its id.
    pub id: String,
    /// The product's title.
    pub name: String,
    /// The product's page.
    pub url: Option<String>,
    /// Its picture.
    pub picture: Option<PictureView>,
    /// Its options.
    pub options: Vec<OptionView>,
    /// What one cost.
    pub unit_price: Money,
    /// How many.
    pub quantity: i64,
    /// What they cost.
    pub total: Money,
    /// Always `ok`: what was agreed does not change.
    pub state: &'static str,
}

/// Days something is promised for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PromiseView {
    /// The first.
    pub from: Timestamp,
    /// The last.
    pub to: Timestamp,
    /// Time left to order for this, if it is short.
    pub order_within: Option<WithinView>,
    /// Where to, in words.
    pub country: String,
}

/// A span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WithinView {
    /// Whole hours.
    pub hours: i64,
    /// And minutes.
    pub minutes: i64,
}

/// How an order goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MethodView {
    /// Its name.
    pub name: String,
    /// `flat` or `pickup`: all an order still knows.
    pub kind: &'static str,
}

/// A step of an order's way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepView {
    /// Which.
    pub key: &'static str,
    /// `done`, `current` or `todo`.
    pub state: &'static str,
    /// When it was done.
    pub at: Option<Timestamp>,
}

/// How to pay by transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TransferView {
    /// How much.
    pub amount: Money,
    /// To whom.
    pub account_name: String,
    /// To which account.
    pub iban: String,
    /// At which bank.
    pub bic: Option<String>,
    /// What to write on it.
    pub reference: String,
    /// Until when.
    pub due_at: Option<Timestamp>,
}

/// A parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParcelView {
    /// Who carries it.
    pub carrier: Option<String>,
    /// Its number there.
    pub tracking_number: Option<String>,
    /// Its page there.
    pub tracking_url: Option<String>,
    /// When it left.
    pub shipped_at: Timestamp,
    /// What is in it.
    pub lines: Vec<ParcelLineView>,
}

/// Something in a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParcelLineView {
    /// What.
    pub name: String,
    /// How many.
    pub quantity: i64,
}

/// Something that happened, for the buyer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HappenedView {
    /// When.
    pub at: Timestamp,
    /// What, as the key of a text.
    pub text: String,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrderView {
    /// The number people use.
    pub number: String,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Whether the buyer comes straight from placing it.
    pub fresh: bool,
    /// To greet by.
    pub first_name: Option<String>,
    /// Where mails go.
    pub email: String,
    /// Where the agreement stands.
    pub state: &'static str,
    /// Where the money stands.
    pub payment: &'static str,
    /// How it is paid.
    pub payment_name: String,
    /// Where the goods stand.
    pub delivery: &'static str,
    /// How they go.
    pub delivery_method: Option<MethodView>,
    /// When they arrive.
    pub promise: Option<PromiseView>,
    /// Where they go; for a pick-up, where the shop is.
    pub address_lines: Vec<String>,
    /// The code of the country they go to, if it is not the shop's own.
    pub country: Option<String>,
    /// What was bought.
    pub lines: Vec<OrderLineView>,
    /// What is owed.
    pub quote: QuoteView,
    /// What was given back.
    pub refunded: Option<Money>,
    /// Its way.
    pub steps: Vec<StepView>,
    /// How to pay by transfer.
    pub transfer: Option<TransferView>,
    /// What left.
    pub parcels: Vec<ParcelView>,
    /// What happened.
    pub timeline: Vec<HappenedView>,
    /// Back to the checkout, after a declined payment.
    pub retry_url: Option<String>,
    /// Back to the gateway's page, while it waits.
    pub resume_url: Option<String>,
    /// Its page, absolute.
    pub status_url: String,
}

/// Everything an order's page and mail show, read in one go. A constant number of statements.
pub fn order_view(
    tx: &mut Tx<'_>,
    settings: &Settings,
    order: &Order,
    origin: &str,
) -> Result<OrderView, Internal> {
    let lines = orders::lines(tx, &order.id)?;
    let delivery_taxes = orders::store::delivery_taxes(tx, &order.id)?;
    let pictures = pictures(
        tx,
        lines
            .iter()
            .filter_map(|line| line.media_id.clone())
            .collect(),
    )?;
    let payments = payments::of_order(tx, &order.id)?;
    let sums = payments::settled_sums(tx, &order.id)?;
    let fulfillments = orders::fulfillments(tx, &order.id)?;
    let timeline = orders::timeline(tx, &order.id)?;

    let payment = payment_word(order, &payments);
    let delivery = delivery_word(order);
    let shipped_at = fulfillments.last().map(|part| part.created_at);
    Ok(OrderView {
        number: order.reference(),
        placed_at: order.placed_at.unwrap_or(order.created_at),
        fresh: false,
        first_name: order
            .address
            .name
            .split_whitespace()
            .next()
            .map(str::to_owned),
        email: order.email.to_string(),
        state: state_word(order.status),
        payment,
        payment_name: order.payment_method.clone(),
        delivery,
        delivery_method: Some(MethodView {
            name: order.delivery.name.clone(),
            kind: if order.delivery.pickup {
                "pickup"
            } else {
                "flat"
            },
        }),
        promise: order.delivery.promise.map(promise_view),
        address_lines: if order.delivery.pickup {
            settings.shop.address_lines.clone()
        } else {
            order.address.lines()
        },
        country: (!order.delivery.pickup && order.address.country != settings.selling.country)
            .then(|| order.address.country.to_string()),
        quote: quote_view(order, &lines, &delivery_taxes)?,
        refunded: (sums.refunded > 0).then(|| order.total.currency().minor(sums.refunded)),
        steps: steps(order, payment, shipped_at),
        transfer: transfer(settings, order, &sums, &payments),
        parcels: fulfillments
            .into_iter()
            .map(|part| parcel_view(part, &lines))
            .collect(),
        timeline: timeline.iter().rev().map(happened_view).collect(),
        retry_url: (payment == "declined").then(|| "/checkout".to_owned()),
        resume_url: payments
            .iter()
            .rev()
            .find(|payment| payment.status.is_open())
            .and_then(|payment| payment.action_url.clone()),
        lines: lines
            .iter()
            .map(|line| line_view(line, &pictures))
            .collect(),
        status_url: format!("{origin}/orders/{}", order.link_token),
    })
}

fn state_word(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::Draft => "draft",
        OrderStatus::Placed => "placed",
        OrderStatus::Completed => "completed",
        OrderStatus::Canceled => "cancelled",
    }
}

fn promise_view((from, to): (Timestamp, Timestamp)) -> PromiseView {
    PromiseView {
        from,
        to,
        order_within: None,
        country: String::new(),
    }
}

fn happened_view(entry: &TimelineEntry) -> HappenedView {
    HappenedView {
        at: entry.at,
        text: entry.kind.as_str().to_owned(),
    }
}

fn parcel_view(part: Fulfillment, lines: &[OrderLine]) -> ParcelView {
    let name_of = |id: &kernel::OrderLineId| {
        let line = lines.iter().find(|line| line.id == *id);
        line.map(|line| line.title.clone()).unwrap_or_default()
    };
    ParcelView {
        carrier: part.carrier,
        tracking_number: part.tracking_number,
        tracking_url: part.tracking_url,
        shipped_at: part.created_at,
        lines: part
            .lines
            .iter()
            .map(|(line, quantity)| ParcelLineView {
                name: name_of(line),
                quantity: *quantity,
            })
            .collect(),
    }
}

fn payment_word(order: &Order, payments: &[Payment]) -> &'static str {
    if order.status == OrderStatus::Draft {
        return draft_payment_word(payments);
    }
    match order.payment_status {
        PaymentStatus::Paid | PaymentStatus::Overpaid => "paid",
        PaymentStatus::Authorized => "authorised",
        PaymentStatus::PartiallyPaid | PaymentStatus::Pending => "awaiting_transfer",
        PaymentStatus::PartiallyRefunded => "part_refunded",
        PaymentStatus::Refunded => "refunded",
        PaymentStatus::None if order.total.is_zero() => "paid",
        PaymentStatus::Voided | PaymentStatus::None => "voided",
    }
}

/// Before an order is placed only the latest try counts: an earlier one that was declined says nothing about it.
fn draft_payment_word(payments: &[Payment]) -> &'static str {
    match payments.last().map(|payment| payment.status) {
        Some(SessionStatus::Failed | SessionStatus::Canceled | SessionStatus::Expired) => {
            "declined"
        }
        Some(SessionStatus::Authorized | SessionStatus::Captured) => "voided",
        Some(
            SessionStatus::Created
            | SessionStatus::RequiresAction
            | SessionStatus::Processing
            | SessionStatus::NeedsReview,
        )
        | None => "unknown",
    }
}

fn delivery_word(order: &Order) -> &'static str {
    match (order.fulfillment_status, order.delivery.pickup) {
        (orders::FulfillmentStatus::Unfulfilled | orders::FulfillmentStatus::Canceled, _) => {
            "unfulfilled"
        }
        (orders::FulfillmentStatus::Partial, _) => "part_shipped",
        (orders::FulfillmentStatus::Fulfilled, true) => "picked_up",
        (orders::FulfillmentStatus::Fulfilled, false) => "shipped",
    }
}

/// The taxes of goods and delivery together, one line for each name and rate, the highest first.
fn quote_view(
    order: &Order,
    lines: &[OrderLine],
    delivery_taxes: &[TaxLine],
) -> Result<QuoteView, Internal> {
    let mut taxes: BTreeMap<(std::cmp::Reverse<Rate>, String), Money> = BTreeMap::new();
    let goods = lines
        .iter()
        .map(|line| (line.tax_rate, &line.tax_name, line.tax));
    let delivery = delivery_taxes
        .iter()
        .map(|tax| (tax.rate, &tax.name, tax.tax));
    for (rate, name, amount) in goods
        .chain(delivery)
        .filter(|(_, _, amount)| !amount.is_zero())
    {
        let sum = taxes
            .entry((std::cmp::Reverse(rate), name.clone()))
            .or_insert_with(|| amount.currency().zero());
        *sum = sum.checked_add(amount)?;
    }
    Ok(QuoteView {
        item_count: lines
            .iter()
            .map(|line| line.quantity.as_i64())
            .fold(0, i64::saturating_add),
        subtotal: order.subtotal,
        delivery: Some(order.delivery.price),
        delivery_name: Some(order.delivery.name.clone()),
        delivery_from: None,
        taxes: taxes
            .into_iter()
            .map(|((rate, name), amount)| TaxView::new(&name, rate.0, amount))
            .collect(),
        taxes_included: order.prices_include_tax,
        total: order.total,
    })
}

fn steps(order: &Order, payment: &str, shipped_at: Option<Timestamp>) -> Vec<StepView> {
    let step = |key, done: bool, at: Option<Timestamp>| StepView {
        key,
        state: if done { "done" } else { "todo" },
        at: at.filter(|_| done),
    };
    let mut steps = vec![step("placed", order.placed_at.is_some(), order.placed_at)];
    if order.status == OrderStatus::Canceled {
        steps.push(step("cancelled", true, order.canceled_at));
        return steps;
    }
    steps.push(step(
        "paid",
        matches!(
            payment,
            "paid" | "authorised" | "part_refunded" | "refunded"
        ),
        None,
    ));
    let left = order.fulfillment_status == orders::FulfillmentStatus::Fulfilled;
    steps.push(step("packing", shipped_at.is_some(), None));
    steps.push(step(
        if order.delivery.pickup {
            "picked_up"
        } else {
            "shipped"
        },
        left,
        shipped_at,
    ));
    if let Some(current) = steps.iter_mut().find(|step| step.state == "todo") {
        current.state = "current";
    }
    steps
}

fn transfer(
    settings: &Settings,
    order: &Order,
    sums: &Sums,
    payments: &[Payment],
) -> Option<TransferView> {
    let awaited = payments.iter().rev().find(|payment| {
        payment.gateway == "bank_transfer" && payment.status == SessionStatus::Processing
    })?;
    if order.status != OrderStatus::Placed {
        return None;
    }
    let BankAccount { holder, iban, bic } = settings.selling.bank.clone()?;
    let days = i64::from(settings.selling.unpaid_days).saturating_mul(DAY);
    Some(TransferView {
        amount: order
            .total
            .currency()
            .minor(order.total.minor().saturating_sub(sums.captured)),
        account_name: holder,
        iban,
        bic,
        reference: awaited
            .gateway_ref
            .clone()
            .unwrap_or_else(|| order.reference()),
        due_at: order.placed_at.map(|at| at.plus(days)),
    })
}

fn line_view(line: &OrderLine, pictures: &HashMap<MediaId, PictureView>) -> OrderLineView {
    OrderLineView {
        id: line.id.to_string(),
        name: line.title.clone(),
        url: Some(format!("/products/{}", line.product_slug)),
        picture: line
            .media_id
            .as_ref()
            .and_then(|id| pictures.get(id))
            .cloned()
            .map(|picture| PictureView {
                alt: line.title.clone(),
                ..picture
            }),
        options: line
            .options
            .iter()
            .map(|(name, value)| OptionView {
                name: name.clone(),
                value: value.clone(),
            })
            .collect(),
        unit_price: line.unit_price,
        quantity: line.quantity.as_i64(),
        total: line.total,
        state: "ok",
    }
}

/// The pictures of these ids, described by nothing: whoever shows one knows what it shows. One statement.
pub fn pictures(
    tx: &mut Tx<'_>,
    mut ids: Vec<MediaId>,
) -> Result<HashMap<MediaId, PictureView>, DbError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    ids.sort();
    ids.dedup();
    let sql = format!(
        "SELECT id, content_hash, width, height, widths, ground FROM media WHERE id IN ({})",
        in_list(1, ids.len())
    );
    let rows: Vec<(MediaId, String, i64, i64, String, String)> =
        tx.query(&sql, &with_ids(&[], &ids))?;
    Ok(rows
        .into_iter()
        .map(|(id, hash, width, height, widths, ground)| {
            let widths: Vec<i64> = serde_json::from_str(&widths).unwrap_or_default();
            (
                id,
                PictureView::new(&hash, (width, height), &widths, (ground, String::new())),
            )
        })
        .collect())
}

//! Orders: copies of what was agreed, and what happened since.
//!
//! # Invariants
//! - A cart becomes at most one order. An order has a number from the moment it is placed, and no two have the same.
//! - What was agreed is a copy: nothing edited in the catalogue changes an order.
//! - `payment_status` and `fulfillment_status` are what [`state`] derives from the facts, written by one function.
//! - Every change is in the timeline, with who and when, in the same transaction.

pub(crate) mod agreement;
mod cancel;
mod fulfill;
pub mod listing;
mod money;
mod note;
mod pack;
mod refund;
pub mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

use kernel::{
    Address, DeliveryMethodId, Email, FulfillmentId, MediaId, Money, OrderId, OrderLineId,
    Quantity, Rate, RefundId, Sku, Slug, TimelineId, Timestamp, VariantId,
};

use crate::staff::Actor;

pub use cancel::{CancelError, CancelOrder, ReturnMoney, cancel_order};
pub use fulfill::{ShipError, ShipOrder, ship_order};
pub use listing::{
    OrderFilter, OrderRow, OrderSort, OrderView, count_orders, find_orders, list_orders, orders_of,
};
pub use money::{
    CaptureError, CapturePayment, MoneyMoved, ReceiveTransfer, capture_payment, receive_transfer,
    resume_move, return_money,
};
pub(crate) use money::{RESUME_MOVE, RETURN_MONEY, ResumeMove, ReturnMoneyOf, enqueue_surplus};
pub use note::{AddNote, NOTE_LONGEST, NoteError, add_note};
pub use pack::{PackError, PackOrder, pack_order};
pub use refund::{
    RefundError, RefundLine, RefundOrder, RefundPreview, left_to_refund, preview_refund,
    refund_order,
};
pub use state::{FulfillmentStatus, OrderQueue, OrderStatus, PaymentStatus};
pub(crate) use store::{add_to_timeline, refresh_statuses};
pub use store::{
    find_by_cart, find_by_link, find_by_number, fulfillments, get, ids_of_numbers, lines, list,
    refunds, timeline, with_lines,
};

/// An order as it was agreed, with where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// The number people use; none while it is a draft.
    pub number: Option<i64>,
    /// The unguessable part of its status page's address.
    pub link_token: String,
    /// Where the agreement stands.
    pub status: OrderStatus,
    /// Where the money stands.
    pub payment_status: PaymentStatus,
    /// Where the goods stand.
    pub fulfillment_status: FulfillmentStatus,
    /// Whom to write to.
    pub email: Email,
    /// Where it goes.
    pub address: Address,
    /// How it goes.
    pub delivery: OrderDelivery,
    /// Whether its prices contain the tax.
    pub prices_include_tax: bool,
    /// The lines together.
    pub subtotal: Money,
    /// Tax on top of the prices.
    pub tax_added: Money,
    /// Tax within the prices.
    pub tax_included: Money,
    /// What the buyer owes in all.
    pub total: Money,
    /// The gateway's code of the chosen way to pay; `none` if it costs nothing.
    pub payment_method: String,
    /// Why it was called off.
    pub cancel_reason: Option<String>,
    /// When checkout drafted it.
    pub created_at: Timestamp,
    /// When it was agreed.
    pub placed_at: Option<Timestamp>,
    /// When it was called off.
    pub canceled_at: Option<Timestamp>,
    /// Since when all that has yet to leave is in its parcel.
    pub packed_at: Option<Timestamp>,
}

impl Order {
    /// The number as people see it; the id's tail while there is none.
    pub fn reference(&self) -> String {
        self.number.map_or_else(
            || {
                self.id
                    .as_str()
                    .chars()
                    .rev()
                    .take(8)
                    .collect::<Vec<_>>()
                    .into_iter()
                    .rev()
                    .collect()
            },
            |n| n.to_string(),
        )
    }
}

/// How an order goes to its buyer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderDelivery {
    /// The method it was chosen from.
    pub method_id: DeliveryMethodId,
    /// Its name then.
    pub name: String,
    /// Whether the buyer comes and gets it.
    pub pickup: bool,
    /// The days promised, first and last.
    pub promise: Option<(Timestamp, Timestamp)>,
    /// What it costs.
    pub price: Money,
    /// The tax on or in it.
    pub tax: Money,
    /// What of it was given back.
    pub refunded: Money,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLine {
    /// Its id.
    pub id: OrderLineId,
    /// What was bought.
    pub variant_id: VariantId,
    /// For a link to the product, as long as it exists.
    pub product_slug: Slug,
    /// Its number then.
    pub sku: Sku,
    /// The product's title then.
    pub title: String,
    /// The variant's title then.
    pub variant_title: String,
    /// Its options then: names and values.
    pub options: Vec<(String, String)>,
    /// Its picture then.
    pub media_id: Option<MediaId>,
    /// What one cost.
    pub unit_price: Money,
    /// How many.
    pub quantity: Quantity,
    /// What they cost together.
    pub total: Money,
    /// What the tax was called.
    pub tax_name: String,
    /// How high it was.
    pub tax_rate: Rate,
    /// How much it was.
    pub tax: Money,
    /// Whether it is within the price.
    pub tax_included: bool,
    /// What one weighs.
    pub weight_grams: i64,
    /// Whether its stock was counted.
    pub stock_tracked: bool,
    /// How many left.
    pub fulfilled: i64,
    /// How many were refunded before they left: they never will.
    pub canceled: i64,
    /// How many were refunded.
    pub refunded: i64,
    /// What the buyer got back for them, tax and all.
    pub refunded_amount: Money,
    /// The tax in that.
    pub refunded_tax: Money,
}

impl OrderLine {
    /// How many have yet to leave.
    pub fn to_ship(&self) -> i64 {
        self.quantity
            .as_i64()
            .saturating_sub(self.fulfilled)
            .saturating_sub(self.canceled)
    }
}

kernel::words! {
    /// What a line of an order's timeline tells.
    pub enum TimelineKind {
        /// The order was agreed.
        Placed = "placed",
        /// The gateway holds the money.
        PaymentAuthorized = "payment_authorized",
        /// The money was taken.
        PaymentCaptured = "payment_captured",
        /// A payment did not come about.
        PaymentFailed = "payment_failed",
        /// A payment needs a person's look.
        PaymentNeedsReview = "payment_needs_review",
        /// Held money was let go.
        PaymentVoided = "payment_voided",
        /// Money was given back.
        Refunded = "refunded",
        /// Giving money back did not work.
        RefundFailed = "refund_failed",
        /// What has yet to leave is in its parcel.
        Packed = "packed",
        /// It was taken out of its parcel again.
        Unpacked = "unpacked",
        /// A part left.
        Shipped = "shipped",
        /// Everything is paid and delivered.
        Completed = "completed",
        /// The order was called off.
        Canceled = "canceled",
        /// A mail was written.
        MailWritten = "mail_written",
        /// Somebody of the staff wrote something down for the others.
        Note = "note",
    }
}

/// A line of an order's timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineEntry {
    /// Its id.
    pub id: TimelineId,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub kind: TimelineKind,
    /// What belongs to it, as JSON.
    pub detail: serde_json::Value,
}

kernel::words! {
    /// Where a refund stands.
    pub enum RefundStatus {
        /// The gateway was asked.
        Pending = "pending",
        /// The money is on its way back.
        Succeeded = "succeeded",
        /// It did not work; nothing was given back.
        Failed = "failed",
    }
}

/// Money given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Its id.
    pub id: RefundId,
    /// Of which order.
    pub order_id: OrderId,
    /// Where it stands.
    pub status: RefundStatus,
    /// How much.
    pub amount: Money,
    /// What of that is for the delivery.
    pub delivery: Money,
    /// Why.
    pub reason: String,
    /// Who.
    pub actor: Actor,
    /// When.
    pub created_at: Timestamp,
}

kernel::words! {
    /// Where a part of an order stands.
    pub enum PartStatus {
        /// In the parcel.
        Packed = "packed",
        /// Gone.
        Fulfilled = "fulfilled",
        /// Arrived.
        Delivered = "delivered",
        /// Not sent after all.
        Canceled = "canceled",
    }
}

/// A part of an order that left together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fulfillment {
    /// Its id.
    pub id: FulfillmentId,
    /// Where it stands.
    pub status: PartStatus,
    /// Who carries it.
    pub carrier: Option<String>,
    /// The carrier's number.
    pub tracking_number: Option<String>,
    /// The carrier's page.
    pub tracking_url: Option<String>,
    /// What is in it: lines and pieces.
    pub lines: Vec<(OrderLineId, i64)>,
    /// When it left.
    pub created_at: Timestamp,
}

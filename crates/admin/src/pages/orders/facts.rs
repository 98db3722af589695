//! What is read of an order, all of it in one transaction.

use std::collections::{BTreeSet, HashMap};

use commerce::Internal;
use commerce::accounts;
use commerce::customers::{self, Customer};
use commerce::notifications::view::{self, PictureView};
use commerce::orders::{
    self, Fulfillment, Order, OrderLine, Refund, TimelineEntry, left_to_refund,
};
use commerce::payments::{self, Payment};
use db::Tx;
use kernel::{MediaId, Money, OrderId, StaffId};

/// An order with everything that belongs to it.
pub(super) struct Facts {
    pub(super) order: Order,
    pub(super) lines: Vec<OrderLine>,
    pub(super) pictures: HashMap<MediaId, PictureView>,
    pub(super) parcels: Vec<Fulfillment>,
    pub(super) payments: Vec<Payment>,
    pub(super) refunds: Vec<Refund>,
    pub(super) timeline: Vec<TimelineEntry>,
    pub(super) left_to_refund: Money,
    pub(super) customer: Option<Customer>,
    pub(super) names: HashMap<StaffId, String>,
}

impl Facts {
    /// Reads the order of that number.
    pub(super) fn read(tx: &mut Tx<'_>, number: i64) -> Result<Option<Self>, Internal> {
        let order = orders::find_by_number(tx, number)?;
        order.map(|order| Self::of(tx, order)).transpose()
    }

    /// Reads the order of that id, placed or not.
    pub(super) fn read_by_id(tx: &mut Tx<'_>, id: &OrderId) -> Result<Option<Self>, Internal> {
        let order = orders::get(tx, id)?;
        order.map(|order| Self::of(tx, order)).transpose()
    }

    fn of(tx: &mut Tx<'_>, order: Order) -> Result<Self, Internal> {
        let lines = orders::lines(tx, &order.id)?;
        let shown = lines.iter().filter_map(|line| line.media_id.clone());
        let pictures = view::pictures(tx, shown.collect())?;
        let timeline = orders::timeline(tx, &order.id)?;
        let staff: BTreeSet<StaffId> = timeline
            .iter()
            .filter_map(|entry| entry.actor.member().cloned())
            .collect();
        let staff: Vec<StaffId> = staff.into_iter().collect();
        Ok(Self {
            lines,
            pictures,
            parcels: orders::fulfillments(tx, &order.id)?,
            payments: payments::of_order(tx, &order.id)?,
            refunds: orders::refunds(tx, &order.id)?,
            left_to_refund: left_to_refund(tx, &order)?,
            customer: customers::find_by_email(tx, &order.email)?,
            names: accounts::names(tx, &staff)?,
            timeline,
            order,
        })
    }

    /// Pieces that have yet to leave.
    pub(super) fn to_ship(&self) -> i64 {
        self.lines.iter().map(OrderLine::to_ship).sum()
    }
}

//! Orders in lists: what staff work through, and what they look for.
//!
//! Every list is read off an index in its order: how long it is does not matter to its first pages. A search or the orders
//! of payments under review come as ids first, at most [`lookup::MOST`] of them, and are sorted then.

use std::collections::HashMap;

use db::{DbError, FromRow, Row, Tx, Value, in_list, params};
use kernel::stored::ToValue;
use kernel::{Address, Currency, Email, LongPage, Money, OrderId, PageRequest, Timestamp, Total};

use super::store::json;
use super::{FulfillmentStatus, OrderQueue, OrderStatus, PaymentStatus};
use crate::inventory::with_ids;
use crate::lookup::{self, Kind, end_of};
use crate::payments::SessionStatus;

kernel::words! {
    /// Which orders a list is of.
    pub enum OrderView {
        /// Every placed order.
        All = "all",
        /// See [`OrderQueue::ToPack`].
        ToPack = "to_pack",
        /// See [`OrderQueue::ToShip`].
        ToShip = "to_ship",
        /// See [`OrderQueue::ToPay`].
        ToPay = "to_pay",
        /// A payment of theirs does not fit and needs a person's look. Drafts are among them.
        ToReview = "to_review",
        /// See [`OrderQueue::Shipped`].
        Shipped = "shipped",
        /// See [`OrderQueue::Canceled`].
        Canceled = "canceled",
    }
}

impl OrderView {
    const fn queue(self) -> Option<OrderQueue> {
        match self {
            Self::All | Self::ToReview => None,
            Self::ToPack => Some(OrderQueue::ToPack),
            Self::ToShip => Some(OrderQueue::ToShip),
            Self::ToPay => Some(OrderQueue::ToPay),
            Self::Shipped => Some(OrderQueue::Shipped),
            Self::Canceled => Some(OrderQueue::Canceled),
        }
    }
}

kernel::words! {
    /// In which order orders are listed.
    pub enum OrderSort {
        /// The latest first.
        Newest = "newest",
        /// The first in line first.
        Oldest = "oldest",
        /// What was promised earliest first; what was promised for no day comes last.
        Due = "due",
        /// The largest first.
        Total = "total",
    }
}

impl OrderSort {
    /// The column and its direction; the id comes after it, in the same direction.
    const fn key(self) -> (&'static str, &'static str) {
        match self {
            Self::Newest => ("placed_at", "DESC"),
            Self::Oldest => ("placed_at", "ASC"),
            Self::Due => ("delivery_to_at", "ASC NULLS LAST"),
            Self::Total => ("total_minor", "DESC"),
        }
    }

    /// What follows ORDER BY, where the key and the id are called this.
    fn order(self, key: &str, id: &str) -> String {
        let (_, direction) = self.key();
        let id_direction = direction.split(' ').next().unwrap_or(direction);
        format!("{key} {direction}, {id} {id_direction}")
    }
}

/// Which orders, in which order, and which page of them.
#[derive(Debug, Clone)]
pub struct OrderFilter {
    /// Which list.
    pub view: OrderView,
    /// A number with or without `#`, the beginning of an e-mail address, or beginnings of words of a name.
    pub search: Option<String>,
    /// In which order.
    pub sort: OrderSort,
    /// Which page.
    pub page: PageRequest,
}

/// An order as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRow {
    /// Its id.
    pub id: OrderId,
    /// Its number; none while it is a draft.
    pub number: Option<i64>,
    /// When it was placed; of a draft, when it was begun.
    pub placed_at: Timestamp,
    /// The name in its address.
    pub buyer: String,
    /// Whom to write to.
    pub email: Email,
    /// Pieces in it.
    pub item_count: i64,
    /// Where the agreement stands.
    pub status: OrderStatus,
    /// Where the money stands.
    pub payment_status: PaymentStatus,
    /// Where the goods stand.
    pub fulfillment_status: FulfillmentStatus,
    /// What is to be done with it next; nothing with a draft.
    pub queue: Option<OrderQueue>,
    /// Whether all that has yet to leave is in its parcel.
    pub packed: bool,
    /// What the buyer owes in all.
    pub total: Money,
    /// How it goes.
    pub delivery_name: String,
    /// Whether the buyer comes and gets it.
    pub pickup: bool,
    /// The last of the days promised.
    pub due: Option<Timestamp>,
    /// The gateway's code of the chosen way to pay.
    pub payment_method: String,
}

const ROW: &str = "o.id, o.number, o.status, o.payment_status, o.fulfillment_status, o.queue, o.currency, o.email, o.address,
       o.delivery_name, o.delivery_pickup, o.delivery_to_at, o.total_minor, o.payment_method, o.packed_at, COALESCE(o.placed_at, o.created_at) AS placed_at";

impl FromRow for OrderRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let currency: Currency = row.get("currency")?;
        let address: String = row.get("address")?;
        Ok(Self {
            id: row.get("id")?,
            number: row.get("number")?,
            placed_at: row.get("placed_at")?,
            buyer: json::<Address>(&address, "an address")?.name,
            email: row.get("email")?,
            item_count: 0,
            status: row.get("status")?,
            payment_status: row.get("payment_status")?,
            fulfillment_status: row.get("fulfillment_status")?,
            queue: row.get("queue")?,
            packed: row.get::<Option<Timestamp>>("packed_at")?.is_some(),
            total: currency.minor(row.get("total_minor")?),
            delivery_name: row.get("delivery_name")?,
            pickup: row.get("delivery_pickup")?,
            due: row.get("delivery_to_at")?,
            payment_method: row.get("payment_method")?,
        })
    }
}

/// One page of a list of orders. Three statements, and at most three more for a search.
pub fn list_orders(tx: &mut Tx<'_>, filter: &OrderFilter) -> Result<LongPage<OrderRow>, DbError> {
    let search = filter.search.as_deref().unwrap_or_default().trim();
    match (search.is_empty(), filter.view) {
        (true, OrderView::ToReview) => {
            let ids = under_review(tx)?;
            among(tx, filter, &ids)
        }
        (true, _) => walk(tx, filter),
        (false, OrderView::ToReview) => {
            let reviewed = under_review(tx)?;
            let mut ids = find_orders(tx, search)?;
            ids.retain(|id| reviewed.contains(id));
            among(tx, filter, &ids)
        }
        (false, _) => {
            let ids = find_orders(tx, search)?;
            among(tx, filter, &ids)
        }
    }
}

/// The orders placed under this address, the latest first. Three statements.
pub fn orders_of(
    tx: &mut Tx<'_>,
    email: &Email,
    page: PageRequest,
) -> Result<LongPage<OrderRow>, DbError> {
    let email = email.folded();
    let ids = "SELECT id, placed_at AS key FROM orders
                WHERE email_folded = $1 AND placed_at IS NOT NULL ORDER BY placed_at DESC, id DESC";
    let one_more = page.size().saturating_add(1);
    let rows = rows_of(
        tx,
        &format!("{ids} LIMIT $2 OFFSET $3"),
        "page.key DESC, page.id DESC",
        params![email, one_more, page.offset()],
    )?;
    let counted = count(
        tx,
        &format!("{ids} LIMIT $2"),
        params![email, Total::CAP.saturating_add(1)],
    )?;
    Ok(LongPage::new(page, counted, rows))
}

/// How many orders a view has, counted no further than [`Total::CAP`]: for badges.
pub fn count_orders(tx: &mut Tx<'_>, view: OrderView) -> Result<Total, DbError> {
    let most = Total::CAP.saturating_add(1);
    match (view, view.queue()) {
        (OrderView::ToReview, _) => {
            let ids = under_review(tx)?;
            Ok(Total::capped(u32::try_from(ids.len()).unwrap_or(u32::MAX)))
        }
        (_, Some(queue)) => count(
            tx,
            "SELECT id FROM orders WHERE queue = $1 ORDER BY placed_at, id LIMIT $2",
            params![queue, most],
        ),
        (_, None) => count(
            tx,
            "SELECT id FROM orders WHERE placed_at IS NOT NULL ORDER BY placed_at, id LIMIT $1",
            params![most],
        ),
    }
}

/// How many orders that can be packed, or are packed, were promised for a day before that moment.
pub fn count_due(tx: &mut Tx<'_>, before: Timestamp) -> Result<Total, DbError> {
    count(
        tx,
        "SELECT id FROM (SELECT id FROM orders WHERE queue = $1 AND delivery_to_at < $3 ORDER BY delivery_to_at, id LIMIT $4) AS to_pack
         UNION ALL
         SELECT id FROM (SELECT id FROM orders WHERE queue = $2 AND delivery_to_at < $3 ORDER BY delivery_to_at, id LIMIT $4) AS to_ship",
        params![OrderQueue::ToPack, OrderQueue::ToShip, before, Total::CAP.saturating_add(1)],
    )
}

/// The ids of the orders a search means; see [`OrderFilter::search`]. At most [`lookup::MOST`] and one more.
///
/// One statement for a number; two for anything else.
pub fn find_orders(tx: &mut Tx<'_>, search: &str) -> Result<Vec<OrderId>, DbError> {
    let search = search.trim();
    let digits = search.strip_prefix('#').unwrap_or(search).trim();
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let Ok(number) = digits.parse::<i64>() else {
            return Ok(Vec::new());
        };
        let found: Vec<(OrderId,)> =
            tx.query("SELECT id FROM orders WHERE number = $1", params![number])?;
        return Ok(found.into_iter().map(|(id,)| id).collect());
    }
    let start = search.to_lowercase();
    let most = lookup::MOST.saturating_add(1);
    let by_email: Vec<(OrderId,)> = tx.query(
        "SELECT id
           FROM orders
          WHERE email_folded >= $1 AND email_folded < $2 AND placed_at IS NOT NULL
          ORDER BY email_folded, placed_at
          LIMIT $3",
        params![start, end_of(&start), most],
    )?;
    let by_name: Vec<OrderId> = lookup::find(tx, Kind::Order, search)?;
    let mut found = lookup::each_once(by_email.into_iter().map(|(id,)| id).chain(by_name));
    found.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    Ok(found)
}

/// The orders of payments that need a person's look, the latest change first.
fn under_review(tx: &mut Tx<'_>) -> Result<Vec<OrderId>, DbError> {
    let found: Vec<(OrderId,)> = tx.query(
        "SELECT order_id FROM payments WHERE status = $1 ORDER BY changed_at DESC, id DESC LIMIT $2",
        params![SessionStatus::NeedsReview, lookup::MOST.saturating_add(1)],
    )?;
    Ok(lookup::each_once(found.into_iter().map(|(id,)| id)))
}

/// A page read off the index of its view and sort.
fn walk(tx: &mut Tx<'_>, filter: &OrderFilter) -> Result<LongPage<OrderRow>, DbError> {
    let (page, sort) = (filter.page, filter.sort);
    let (column, _) = sort.key();
    let order = sort.order(column, "id");
    let mut parameters = params![page.size().saturating_add(1), page.offset()].to_vec();
    let ids = match (filter.view.queue(), sort) {
        (Some(queue), _) => {
            parameters.push(queue.to_value());
            format!("SELECT id, {column} AS key FROM orders WHERE queue = $3 ORDER BY {order}")
        }
        (None, OrderSort::Newest | OrderSort::Oldest) => {
            format!(
                "SELECT id, {column} AS key FROM orders WHERE placed_at IS NOT NULL ORDER BY {order}"
            )
        }
        (None, OrderSort::Due | OrderSort::Total) => {
            let reach = page.offset().saturating_add(page.size());
            parameters.push(reach.saturating_add(1).to_value());
            merged(sort)
        }
    };
    let rows = rows_of(
        tx,
        &format!("{ids} LIMIT $1 OFFSET $2"),
        &sort.order("page.key", "page.id"),
        &parameters,
    )?;
    Ok(LongPage::new(page, count_orders(tx, filter.view)?, rows))
}

/// The ids of all placed orders by a key that there is no index over all of them for, but one for each queue: the first
/// `$3` of each are merged.
fn merged(sort: OrderSort) -> String {
    let (column, _) = sort.key();
    let order = sort.order(column, "id");
    let queues: Vec<String> = OrderQueue::ALL
        .iter()
        .map(|queue| {
            format!(
                "SELECT id, key FROM (SELECT id, {column} AS key FROM orders WHERE queue = '{queue}' ORDER BY {order} LIMIT $3) AS {queue}"
            )
        })
        .collect();
    format!(
        "SELECT id, key FROM ({}) AS merged ORDER BY {}",
        queues.join(" UNION ALL "),
        sort.order("key", "id")
    )
}

/// A page of those of these orders that are in the view, sorted.
fn among(
    tx: &mut Tx<'_>,
    filter: &OrderFilter,
    ids: &[OrderId],
) -> Result<LongPage<OrderRow>, DbError> {
    let (page, sort) = (filter.page, filter.sort);
    let (column, _) = sort.key();
    let column = match column {
        "placed_at" => "COALESCE(placed_at, created_at)",
        other => other,
    };
    // The ids lead: of a queue there are too many to look through.
    let found = format!(
        "SELECT id, {column} AS key FROM orders WHERE COALESCE(queue, '') = COALESCE($1, queue, '') AND id IN ({})",
        in_list(2, ids.len())
    );
    let mut parameters = with_ids(params![filter.view.queue()], ids);
    let total = count(tx, &found, &parameters)?;
    let limit = parameters.len().saturating_add(1);
    let offset = limit.saturating_add(1);
    parameters.push(page.size().saturating_add(1).to_value());
    parameters.push(page.offset().to_value());
    let order = sort.order("key", "id");
    let rows = rows_of(
        tx,
        &format!(
            "SELECT id, key FROM ({found}) AS found ORDER BY {order} LIMIT ${limit} OFFSET ${offset}"
        ),
        &sort.order("page.key", "page.id"),
        &parameters,
    )?;
    Ok(LongPage::new(page, total, rows))
}

/// The rows of a page of ids, in its order, with the pieces in them. Two statements.
fn rows_of(
    tx: &mut Tx<'_>,
    page: &str,
    order: &str,
    parameters: &[Value],
) -> Result<Vec<OrderRow>, DbError> {
    let mut rows: Vec<OrderRow> = tx.query(
        &format!(
            "WITH page AS ({page}) SELECT {ROW} FROM page JOIN orders o ON o.id = page.id ORDER BY {order}"
        ),
        parameters,
    )?;
    let ids: Vec<OrderId> = rows.iter().map(|row| row.id.clone()).collect();
    let counts: Vec<(OrderId, i64)> = tx.query(
        &format!(
            "SELECT order_id, CAST(SUM(quantity) AS BIGINT) FROM order_lines WHERE order_id IN ({}) GROUP BY order_id",
            in_list(1, ids.len())
        ),
        &with_ids(&[], &ids),
    )?;
    let counts: HashMap<OrderId, i64> = counts.into_iter().collect();
    for row in &mut rows {
        row.item_count = counts.get(&row.id).copied().unwrap_or(0);
    }
    Ok(rows)
}

fn count(tx: &mut Tx<'_>, ids: &str, parameters: &[Value]) -> Result<Total, DbError> {
    let (counted,): (u32,) = tx.query_one(
        &format!("SELECT COUNT(*) FROM ({ids}) AS counted"),
        parameters,
    )?;
    Ok(Total::capped(counted))
}

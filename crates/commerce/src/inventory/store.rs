//! All SQL of the stock figures.

use std::collections::HashMap;

use db::{DbError, FromRow, Row, Tx, in_list, params};
use kernel::stored::{ToValue, Value};
use kernel::{
    LocationId, OrderId, ProductId, ReservationId, StockMovementId, Timestamp, VariantId,
};

use super::{Location, MovementKind, ReservationStatus, SHOWN_UP_TO, StockLevel};
use crate::schema::STOCK;
use crate::shop::Act;

impl FromRow for StockLevel {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            variant_id: row.get("variant_id")?,
            location_id: row.get("location_id")?,
            on_hand: row.get("on_hand")?,
            allocated: row.get("allocated")?,
            reserved: row.get("reserved")?,
            backorder_limit: row.get("backorder_limit")?,
        })
    }
}

impl FromRow for Location {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            position: row.get("position")?,
        })
    }
}

/// Parameters of `rest` followed by the ids of a list.
pub(crate) fn with_ids<T: ToValue>(rest: &[Value], ids: &[T]) -> Vec<Value> {
    rest.iter()
        .cloned()
        .chain(ids.iter().map(ToValue::to_value))
        .collect()
}

/// What can be bought of each variant at this moment: `None` for variants whose stock is not counted or not limited.
///
/// Overdue reservations do not count, whether or not anybody has cleaned them up. One statement, however many variants.
pub fn available(
    tx: &mut Tx<'_>,
    now: Timestamp,
    variants: &[VariantId],
) -> Result<HashMap<VariantId, Option<i64>>, DbError> {
    if variants.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!(
        "SELECT v.id,
                v.stock_tracked,
                (SELECT COUNT(*) FROM stock_levels s WHERE s.variant_id = v.id AND s.backorder_limit IS NULL),
                CAST(COALESCE((SELECT SUM(s.on_hand - s.allocated - s.reserved + COALESCE(s.backorder_limit, 0))
                                 FROM stock_levels s WHERE s.variant_id = v.id), 0)
                   + COALESCE((SELECT SUM(r.quantity) FROM reservations r
                                WHERE r.variant_id = v.id AND r.status = 'active' AND r.expires_at <= $1), 0) AS BIGINT)
           FROM variants v
          WHERE v.id IN ({})",
        in_list(2, variants.len())
    );
    let rows: Vec<(VariantId, bool, i64, i64)> =
        tx.query(&sql, &with_ids(params![now], variants))?;
    Ok(rows
        .into_iter()
        .map(|(id, tracked, unlimited, left)| {
            (id, (tracked && unlimited == 0).then_some(left.max(0)))
        })
        .collect())
}

/// Which of these variants have their stock counted.
pub(super) fn tracked(
    tx: &mut Tx<'_>,
    variants: &[VariantId],
) -> Result<HashMap<VariantId, bool>, DbError> {
    let sql = format!(
        "SELECT id, stock_tracked FROM variants WHERE id IN ({})",
        in_list(1, variants.len())
    );
    let rows: Vec<(VariantId, bool)> = tx.query(&sql, &with_ids(&[], variants))?;
    Ok(rows.into_iter().collect())
}

/// The levels of these variants, nearest location first.
pub(super) fn levels(tx: &mut Tx<'_>, variants: &[VariantId]) -> Result<Vec<StockLevel>, DbError> {
    let sql = format!(
        "SELECT s.variant_id, s.location_id, s.on_hand, s.allocated, s.reserved, s.backorder_limit
           FROM stock_levels s
           JOIN stock_locations l ON l.id = s.location_id
          WHERE s.variant_id IN ({})
          ORDER BY s.variant_id, l.position",
        in_list(1, variants.len())
    );
    tx.query(&sql, &with_ids(&[], variants))
}

/// Makes sure the level exists, so that guarded updates have a row to guard.
pub(super) fn ensure_level(
    tx: &mut Tx<'_>,
    now: Timestamp,
    variant: &VariantId,
    location: &LocationId,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO stock_levels (variant_id, location_id, on_hand, allocated, reserved, backorder_limit, changed_at)
         VALUES ($1, $2, 0, 0, 0, 0, $3)
         ON CONFLICT (variant_id, location_id) DO NOTHING",
        params![variant, location, now],
    )?;
    Ok(())
}

/// Makes sure that every counted variant, of this product or of all, has a shelf: one that never had any stock is out of
/// stock, and is to be found among those that are. Without a location there is nothing to put up yet.
pub(crate) fn ensure_shelves(
    tx: &mut Tx<'_>,
    now: Timestamp,
    product: Option<&ProductId>,
) -> Result<(), DbError> {
    let (which, parameters) = match product {
        Some(product) => ("AND v.product_id = $2", params![now, product].to_vec()),
        None => ("", params![now].to_vec()),
    };
    tx.execute(
        &format!(
            "INSERT INTO stock_levels (variant_id, location_id, on_hand, allocated, reserved, backorder_limit, changed_at)
             SELECT v.id, l.id, 0, 0, 0, 0, CAST($1 AS BIGINT)
               FROM variants v
               JOIN stock_locations l ON l.position = (SELECT MIN(f.position) FROM stock_locations f)
              WHERE v.stock_tracked {which}
                AND NOT EXISTS (SELECT 1 FROM stock_levels s WHERE s.variant_id = v.id)
             ON CONFLICT (variant_id, location_id) DO NOTHING"
        ),
        &parameters,
    )?;
    Ok(())
}

/// Takes `quantity` out of what can be promised, if it is there. The one guard against overselling.
pub(super) fn take(
    tx: &mut Tx<'_>,
    now: Timestamp,
    variant: &VariantId,
    location: &LocationId,
    quantity: i64,
) -> Result<bool, DbError> {
    let left: Option<Left> = tx.uncounted(|tx| {
        tx.query_opt(
            "UPDATE stock_levels
                SET reserved = reserved + $1, changed_at = $2
              WHERE variant_id = $3 AND location_id = $4
                AND (backorder_limit IS NULL OR on_hand - allocated - reserved + backorder_limit >= $1)
          RETURNING on_hand - allocated - reserved + backorder_limit",
            params![quantity, now, variant, location],
        )
    })?;
    if let Some(left) = &left {
        count_if_shown(tx, left, quantity.saturating_neg());
    }
    Ok(left.is_some())
}

/// What can be promised of a level after a change; nothing where there is no limit.
type Left = (Option<i64>,);

/// Counts a change of stock that some page may show. What a variant has in all is never less than what one of its levels
/// has: as long as that one stays above what pages tell apart, before and after, they all stay the same. Of a level without
/// a limit they show no figure.
fn count_if_shown(tx: &mut Tx<'_>, (left,): &Left, change: i64) {
    let lowest = left.map(|left| left.min(left.saturating_sub(change)));
    if lowest.is_some_and(|lowest| lowest <= SHOWN_UP_TO) {
        tx.count_change(STOCK);
    }
}

/// Changes the figures of one level. The database refuses what must not be.
pub(super) fn change_level(
    tx: &mut Tx<'_>,
    now: Timestamp,
    variant: &VariantId,
    location: &LocationId,
    change: &Change,
) -> Result<(), DbError> {
    // A figure that is not there cannot be explained by anything: better to undo all of it.
    let left: Left = tx.uncounted(|tx| {
        tx.query_one(
            "UPDATE stock_levels
                SET on_hand = on_hand + $1, allocated = allocated + $2, reserved = reserved + $3, changed_at = $4
              WHERE variant_id = $5 AND location_id = $6
          RETURNING on_hand - allocated - reserved + backorder_limit",
            params![change.on_hand, change.allocated, change.reserved, now, variant, location],
        )
    })?;
    let sum = change
        .on_hand
        .saturating_sub(change.allocated)
        .saturating_sub(change.reserved);
    count_if_shown(tx, &left, sum);
    Ok(())
}

/// What is on hand of a variant at each location, locked until the transaction ends.
pub(super) fn lock_levels(
    tx: &mut Tx<'_>,
    now: Timestamp,
    variant: &VariantId,
) -> Result<HashMap<LocationId, i64>, DbError> {
    let rows: Vec<(LocationId, i64)> = tx.uncounted(|tx| {
        tx.query(
            "UPDATE stock_levels SET changed_at = $1 WHERE variant_id = $2 RETURNING location_id, on_hand",
            params![now, variant],
        )
    })?;
    Ok(rows.into_iter().collect())
}

/// By how much the figures of a level change.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Change {
    pub(super) on_hand: i64,
    pub(super) allocated: i64,
    pub(super) reserved: i64,
}

/// A row of the ledger to be.
pub(super) struct NewMovement<'a> {
    pub(super) variant: &'a VariantId,
    pub(super) location: &'a LocationId,
    pub(super) kind: MovementKind,
    pub(super) change: Change,
    pub(super) order: Option<&'a OrderId>,
    pub(super) reason: &'a str,
}

/// Writes the movement and the figures it explains.
pub(super) fn record(
    tx: &mut Tx<'_>,
    act: &Act,
    movement: &NewMovement<'_>,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO stock_movements
           (id, variant_id, location_id, kind, on_hand_change, allocated_change, order_id, actor, reason, at, act_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        params![
            StockMovementId::new(act.ids.as_ref()),
            movement.variant,
            movement.location,
            movement.kind,
            movement.change.on_hand,
            movement.change.allocated,
            movement.order,
            act.actor,
            movement.reason,
            act.now,
            act.id
        ],
    )?;
    change_level(
        tx,
        act.now,
        movement.variant,
        movement.location,
        &movement.change,
    )
}

/// A reservation as far as ending it needs to know.
pub(super) struct Held {
    pub(super) id: ReservationId,
    pub(super) variant_id: VariantId,
    pub(super) location_id: LocationId,
    pub(super) quantity: i64,
}

impl FromRow for Held {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            variant_id: row.get("variant_id")?,
            location_id: row.get("location_id")?,
            quantity: row.get("quantity")?,
        })
    }
}

/// The active reservations of an order, in variant order.
pub(super) fn held_by(tx: &mut Tx<'_>, order: &OrderId) -> Result<Vec<Held>, DbError> {
    tx.query(
        "SELECT id, variant_id, location_id, quantity
           FROM reservations
          WHERE order_id = $1 AND status = 'active'
          ORDER BY variant_id, location_id, id",
        params![order],
    )
}

/// Lets what an order holds be held until then; what that is, reservation by reservation.
///
/// What is overdue could be bought by others until now: that it is held again shows. Holding the rest for longer does not.
pub(super) fn prolong(
    tx: &mut Tx<'_>,
    now: Timestamp,
    order: &OrderId,
    until: Timestamp,
) -> Result<Vec<(VariantId, i64)>, DbError> {
    let mut held: Vec<(VariantId, i64)> = tx.uncounted(|tx| {
        tx.query(
            "UPDATE reservations SET expires_at = $1
              WHERE order_id = $2 AND status = 'active' AND expires_at > $3
          RETURNING variant_id, quantity",
            params![until, order, now],
        )
    })?;
    let overdue: Vec<(VariantId, i64)> = tx.query(
        "UPDATE reservations SET expires_at = $1
          WHERE order_id = $2 AND status = 'active' AND expires_at <= $3
      RETURNING variant_id, quantity",
        params![until, order, now],
    )?;
    held.extend(overdue);
    Ok(held)
}

/// Ends a reservation if nobody else has: true for the one who did.
pub(super) fn end(
    tx: &mut Tx<'_>,
    now: Timestamp,
    id: &ReservationId,
    status: ReservationStatus,
) -> Result<bool, DbError> {
    // The level it was taken from changes with it, and counts if that shows.
    let ended = tx.uncounted(|tx| {
        tx.execute(
            "UPDATE reservations SET status = $1, ended_at = $2 WHERE id = $3 AND status = 'active'",
            params![status, now, id],
        )
    })?;
    Ok(ended == 1)
}

/// Holds stock already taken by [`take`] for an order.
pub(super) fn insert_reservation(
    tx: &mut Tx<'_>,
    act: &Act,
    held: &NewReservation<'_>,
) -> Result<(), DbError> {
    // `take` has counted it if it shows.
    tx.uncounted(|tx| {
        tx.execute(
            "INSERT INTO reservations (id, order_id, variant_id, location_id, quantity, status, expires_at, created_at, ended_at)
             VALUES ($1, $2, $3, $4, $5, 'active', $6, $7, NULL)",
            params![ReservationId::new(act.ids.as_ref()), held.order, held.variant, held.location, held.quantity, held.expires_at, act.now],
        )
    })?;
    Ok(())
}

/// A reservation to be.
pub(super) struct NewReservation<'a> {
    pub(super) order: &'a OrderId,
    pub(super) variant: &'a VariantId,
    pub(super) location: &'a LocationId,
    pub(super) quantity: i64,
    pub(super) expires_at: Timestamp,
}

/// Expires what is overdue of these variants and frees its stock. Ids first, then stock: the lock order of everyone.
pub(super) fn expire_overdue_of(
    tx: &mut Tx<'_>,
    now: Timestamp,
    variants: &[VariantId],
) -> Result<(), DbError> {
    let sql = format!(
        "SELECT id, variant_id, location_id, quantity
           FROM reservations
          WHERE variant_id IN ({}) AND status = 'active' AND expires_at <= $1
          ORDER BY variant_id, location_id, id",
        in_list(2, variants.len())
    );
    let overdue: Vec<Held> = tx.query(&sql, &with_ids(params![now], variants))?;
    free(tx, now, &overdue, ReservationStatus::Expired)
}

/// Expires at most `limit` overdue reservations of any variant, for the books to look tidy; says how many.
pub fn expire_overdue(tx: &mut Tx<'_>, now: Timestamp, limit: u32) -> Result<usize, DbError> {
    let mut overdue: Vec<Held> = tx.query(
        "SELECT id, variant_id, location_id, quantity
           FROM reservations
          WHERE status = 'active' AND expires_at <= $1
          ORDER BY expires_at, id
          LIMIT $2",
        params![now, limit],
    )?;
    overdue.sort_by(|a, b| {
        (&a.variant_id, &a.location_id, &a.id).cmp(&(&b.variant_id, &b.location_id, &b.id))
    });
    free(tx, now, &overdue, ReservationStatus::Expired)?;
    Ok(overdue.len())
}

/// When the next hold on stock runs out, if there is one.
pub fn next_overdue(tx: &mut Tx<'_>, now: Timestamp) -> Result<Option<Timestamp>, DbError> {
    let found: Option<(Timestamp,)> = tx.query_opt(
        "SELECT expires_at
           FROM reservations
          WHERE status = 'active' AND expires_at > $1
          ORDER BY expires_at
          LIMIT 1",
        params![now],
    )?;
    Ok(found.map(|(at,)| at))
}

/// Ends these reservations and gives their stock back.
pub(super) fn free(
    tx: &mut Tx<'_>,
    now: Timestamp,
    held: &[Held],
    status: ReservationStatus,
) -> Result<(), DbError> {
    let mut freed = Vec::with_capacity(held.len());
    for reservation in held {
        if end(tx, now, &reservation.id, status)? {
            freed.push(reservation);
        }
    }
    for reservation in freed {
        let change = Change {
            reserved: reservation.quantity.saturating_neg(),
            ..Change::default()
        };
        change_level(
            tx,
            now,
            &reservation.variant_id,
            &reservation.location_id,
            &change,
        )?;
    }
    Ok(())
}

/// What is still allocated to an order, per variant and location, from the ledger.
pub(super) fn allocated_to(
    tx: &mut Tx<'_>,
    order: &OrderId,
) -> Result<Vec<(VariantId, LocationId, i64)>, DbError> {
    tx.query(
        "SELECT variant_id, location_id, CAST(SUM(allocated_change) AS BIGINT)
           FROM stock_movements
          WHERE order_id = $1
          GROUP BY variant_id, location_id
         HAVING SUM(allocated_change) > 0
          ORDER BY variant_id, location_id",
        params![order],
    )
}

/// How many of the order's pieces of a variant left each location and did not come back.
pub(super) fn still_out(
    tx: &mut Tx<'_>,
    order: &OrderId,
    variant: &VariantId,
) -> Result<Vec<(LocationId, i64)>, DbError> {
    tx.query(
        "SELECT location_id, CAST(-SUM(on_hand_change) AS BIGINT)
           FROM stock_movements
          WHERE order_id = $1 AND variant_id = $2 AND kind IN ('shipped', 'returned')
          GROUP BY location_id
         HAVING SUM(on_hand_change) < 0
          ORDER BY location_id",
        params![order, variant],
    )
}

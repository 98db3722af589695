//! Stock on its way from the shelf to a buyer: held, promised, shipped, or back again.

use std::collections::BTreeMap;

use db::{DbError, Tx};
use kernel::{LocationId, OrderId, Quantity, Timestamp, VariantId};

use super::store::{self, Change, NewMovement, NewReservation};
use super::{MovementKind, ReservationStatus, Want};
use crate::shop::Act;

/// There is less than wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// Of which variant.
    pub variant_id: VariantId,
    /// How many there are.
    pub left: i64,
}

/// How often a reservation looks again after another buyer was quicker at one location.
const LOOKS: usize = 4;

/// Holds stock for an order until `expires_at`: all of it, or nothing and the first shortage.
///
/// Several wants of one variant are summed first, so that two lines cannot each pass a check that both fail. Variants whose
/// stock is not counted need nothing. The stock rows are the hottest of the shop: call this last in the transaction. On a
/// shortage the caller must roll back.
pub fn reserve(
    tx: &mut Tx<'_>,
    act: &Act,
    order: &OrderId,
    wants: &[Want],
    expires_at: Timestamp,
) -> Result<Result<(), Shortage>, DbError> {
    let mut summed: BTreeMap<VariantId, i64> = BTreeMap::new();
    for want in wants {
        let sum = summed.entry(want.variant_id.clone()).or_default();
        *sum = sum.saturating_add(want.quantity.as_i64());
    }
    let ids: Vec<VariantId> = summed.keys().cloned().collect();
    if ids.is_empty() {
        return Ok(Ok(()));
    }
    let tracked = store::tracked(tx, &ids)?;
    store::expire_overdue_of(tx, act.now, &ids)?;
    for (variant, quantity) in summed {
        if !tracked.get(&variant).copied().unwrap_or(true) {
            continue;
        }
        if let Err(shortage) = reserve_one(tx, act, order, (&variant, quantity), expires_at)? {
            return Ok(Err(shortage));
        }
    }
    Ok(Ok(()))
}

fn reserve_one(
    tx: &mut Tx<'_>,
    act: &Act,
    order: &OrderId,
    (variant, mut wanted): (&VariantId, i64),
    expires_at: Timestamp,
) -> Result<Result<(), Shortage>, DbError> {
    for _ in 0..LOOKS {
        let levels = store::levels(tx, std::slice::from_ref(variant))?;
        let room = |level: &super::StockLevel| level.available().unwrap_or(i64::MAX).max(0);
        // One parcel is better than two: the first location that has all of it, else from each what it has.
        let whole = levels.iter().find(|level| room(level) >= wanted);
        let plan: Vec<(&LocationId, i64)> = match whole {
            Some(level) => vec![(&level.location_id, wanted)],
            None => levels
                .iter()
                .map(|level| (&level.location_id, room(level)))
                .filter(|(_, room)| *room > 0)
                .collect(),
        };
        if whole.is_none()
            && plan
                .iter()
                .fold(0_i64, |sum, (_, room)| sum.saturating_add(*room))
                < wanted
        {
            let left = levels.iter().map(room).fold(0_i64, i64::saturating_add);
            return Ok(Err(Shortage {
                variant_id: variant.clone(),
                left,
            }));
        }
        for (location, room) in plan {
            let quantity = room.min(wanted);
            if quantity > 0 && store::take(tx, act.now, variant, location, quantity)? {
                let held = NewReservation {
                    order,
                    variant,
                    location,
                    quantity,
                    expires_at,
                };
                store::insert_reservation(tx, act, &held)?;
                wanted = wanted.saturating_sub(quantity);
            }
        }
        if wanted == 0 {
            return Ok(Ok(()));
        }
    }
    Ok(Err(Shortage {
        variant_id: variant.clone(),
        left: 0,
    }))
}

/// Prolongs what an order still holds, overdue or not, and says how many of each variant that is.
///
/// From here to the end of the transaction nobody can expire it: the rows are locked, and not overdue any more.
pub fn keep_reservations(
    tx: &mut Tx<'_>,
    now: Timestamp,
    order: &OrderId,
    until: Timestamp,
) -> Result<BTreeMap<VariantId, i64>, DbError> {
    let mut kept: BTreeMap<VariantId, i64> = BTreeMap::new();
    for (variant, quantity) in store::prolong(tx, now, order, until)? {
        let sum = kept.entry(variant).or_default();
        *sum = sum.saturating_add(quantity);
    }
    Ok(kept)
}

/// Gives back what an order holds.
pub fn release_reservations(
    tx: &mut Tx<'_>,
    now: Timestamp,
    order: &OrderId,
) -> Result<(), DbError> {
    let held = store::held_by(tx, order)?;
    store::free(tx, now, &held, ReservationStatus::Released)
}

/// Gives back what an order holds of one variant.
pub fn release_variant(
    tx: &mut Tx<'_>,
    now: Timestamp,
    order: &OrderId,
    variant: &VariantId,
) -> Result<(), DbError> {
    let mut held = store::held_by(tx, order)?;
    held.retain(|reservation| reservation.variant_id == *variant);
    store::free(tx, now, &held, ReservationStatus::Released)
}

/// Turns what an order holds into a promise. Says how many of each variant that were.
pub fn commit_reservations(
    tx: &mut Tx<'_>,
    act: &Act,
    order: &OrderId,
) -> Result<BTreeMap<VariantId, i64>, DbError> {
    let held = store::held_by(tx, order)?;
    let mut won = Vec::with_capacity(held.len());
    for reservation in held {
        if store::end(tx, act.now, &reservation.id, ReservationStatus::Committed)? {
            won.push(reservation);
        }
    }
    let mut committed: BTreeMap<VariantId, i64> = BTreeMap::new();
    for reservation in won {
        let change = Change {
            on_hand: 0,
            allocated: reservation.quantity,
            reserved: reservation.quantity.saturating_neg(),
        };
        store::record(
            tx,
            act,
            &NewMovement {
                variant: &reservation.variant_id,
                location: &reservation.location_id,
                kind: MovementKind::Allocated,
                change,
                order: Some(order),
                reason: "order placed",
            },
        )?;
        let sum = committed.entry(reservation.variant_id).or_default();
        *sum = sum.saturating_add(reservation.quantity);
    }
    Ok(committed)
}

/// Takes back whatever is still promised to an order.
pub fn release_allocation(
    tx: &mut Tx<'_>,
    act: &Act,
    order: &OrderId,
    reason: &str,
) -> Result<(), DbError> {
    for (variant, location, quantity) in store::allocated_to(tx, order)? {
        let change = Change {
            allocated: quantity.saturating_neg(),
            ..Change::default()
        };
        let movement = NewMovement {
            variant: &variant,
            location: &location,
            kind: MovementKind::Released,
            change,
            order: Some(order),
            reason,
        };
        store::record(tx, act, &movement)?;
    }
    Ok(())
}

/// Takes back the promise of so many pieces of one variant, or of as many as are promised.
pub fn release_pieces(
    tx: &mut Tx<'_>,
    act: &Act,
    order: &OrderId,
    (variant, quantity): (&VariantId, Quantity),
    reason: &str,
) -> Result<(), DbError> {
    let mut wanted = quantity.as_i64();
    for (promised, location, count) in store::allocated_to(tx, order)? {
        let freed = count.min(wanted);
        if promised != *variant || freed == 0 {
            continue;
        }
        let change = Change {
            allocated: freed.saturating_neg(),
            ..Change::default()
        };
        let movement = NewMovement {
            variant,
            location: &location,
            kind: MovementKind::Released,
            change,
            order: Some(order),
            reason,
        };
        store::record(tx, act, &movement)?;
        wanted = wanted.saturating_sub(freed);
    }
    Ok(())
}

/// Why promised pieces cannot leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotShipped {
    /// Fewer are promised to the order.
    NotPromised,
    /// They were sold before they came in, and have not come in yet.
    NotThere {
        /// How many could leave.
        left: i64,
    },
}

/// Lets promised pieces leave the building, from wherever they are. All of them, or the caller must roll back.
pub fn ship(
    tx: &mut Tx<'_>,
    act: &Act,
    order: &OrderId,
    variant: &VariantId,
    quantity: Quantity,
) -> Result<Result<(), NotShipped>, DbError> {
    let wanted = quantity.as_i64();
    let there = store::lock_levels(tx, act.now, variant)?;
    let (mut promised_in_all, mut left) = (0_i64, wanted);
    for (promised, location, count) in store::allocated_to(tx, order)? {
        if promised != *variant {
            continue;
        }
        promised_in_all = promised_in_all.saturating_add(count);
        let leaving = count
            .min(left)
            .min(there.get(&location).copied().unwrap_or(0));
        if leaving == 0 {
            continue;
        }
        let back = leaving.saturating_neg();
        let change = Change {
            on_hand: back,
            allocated: back,
            reserved: 0,
        };
        let movement = NewMovement {
            variant,
            location: &location,
            kind: MovementKind::Shipped,
            change,
            order: Some(order),
            reason: "shipped",
        };
        store::record(tx, act, &movement)?;
        left = left.saturating_sub(leaving);
    }
    Ok(if left == 0 {
        Ok(())
    } else if promised_in_all < wanted {
        Err(NotShipped::NotPromised)
    } else {
        Err(NotShipped::NotThere {
            left: wanted.saturating_sub(left),
        })
    })
}

/// Puts pieces that were shipped back on the shelves they came from. Answers how many those were: never more than the
/// order shipped and did not bring back yet.
pub fn restock(
    tx: &mut Tx<'_>,
    act: &Act,
    order: &OrderId,
    variant: &VariantId,
    quantity: Quantity,
) -> Result<i64, DbError> {
    let mut wanted = quantity.as_i64();
    for (location, out) in store::still_out(tx, order, variant)? {
        let back = out.min(wanted);
        if back == 0 {
            continue;
        }
        let change = Change {
            on_hand: back,
            ..Change::default()
        };
        let movement = NewMovement {
            variant,
            location: &location,
            kind: MovementKind::Returned,
            change,
            order: Some(order),
            reason: "returned",
        };
        store::record(tx, act, &movement)?;
        wanted = wanted.saturating_sub(back);
    }
    Ok(quantity.as_i64().saturating_sub(wanted))
}

//! Stock: what is there, what is promised to orders, what is held for a checkout.
//!
//! # Invariants
//! - Only this module writes a stock figure, and never without the movement or reservation that explains it.
//! - `on_hand` and `allocated` are the sums of `stock_movements`, `reserved` the sum of active reservations, per variant and
//!   location.
//! - `on_hand - allocated - reserved` is never below minus the back-order limit. The database refuses it as well.
//! - A reservation ends exactly once: committed, released or expired. Being late needs no clean-up run: whoever wants the
//!   stock expires what is overdue first.

mod adjust;
pub mod levels;
mod reserve;
mod store;
#[cfg(test)]
mod tests;

use kernel::{LocationId, Quantity, Timestamp, VariantId};

pub use adjust::{
    AdjustStock, AdjustStockError, StockMovement, adjust_stock, create_location, locations,
    movements,
};
pub(crate) use adjust::{add_location, adjust};
pub use levels::{
    MovementCursor, Movements, StockFilter, StockRow, StockView, list_stock, movements_before,
    stock_of, stock_rows,
};
pub use reserve::{
    NotShipped, Shortage, commit_reservations, keep_reservations, release_allocation,
    release_pieces, release_reservations, release_variant, reserve, restock, ship,
};
pub use store::{available, expire_overdue, next_overdue};
pub(crate) use store::{ensure_shelves, with_ids};

kernel::words! {
    /// Why a stock figure changed.
    pub enum MovementKind {
        /// Goods came in.
        Received = "received",
        /// Promised to an order.
        Allocated = "allocated",
        /// The promise was taken back.
        Released = "released",
        /// Left the building.
        Shipped = "shipped",
        /// Came back and can be sold again.
        Returned = "returned",
        /// Counted, found, broken, lost: corrected by a person.
        Adjusted = "adjusted",
    }
}

kernel::words! {
    /// The life of a reservation.
    pub enum ReservationStatus {
        /// Holds stock.
        Active = "active",
        /// Became an allocation of a placed order.
        Committed = "committed",
        /// Given back before its time was up.
        Released = "released",
        /// Its time was up.
        Expired = "expired",
    }
}

/// A place that holds stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Its id.
    pub id: LocationId,
    /// Its name, as staff call it.
    pub name: String,
    /// Stock is taken from the lowest position first.
    pub position: i64,
}

/// The figures of one variant at one location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockLevel {
    /// The variant.
    pub variant_id: VariantId,
    /// The location.
    pub location_id: LocationId,
    /// Pieces in the building.
    pub on_hand: i64,
    /// Pieces promised to placed orders.
    pub allocated: i64,
    /// Pieces held for checkouts under way, overdue ones included until somebody wants them.
    pub reserved: i64,
    /// How far below nothing it may be sold; `None` is unlimited.
    pub backorder_limit: Option<i64>,
}

impl StockLevel {
    /// What can be promised now; `None` is unlimited.
    pub fn available(&self) -> Option<i64> {
        let limit = self.backorder_limit?;
        Some(
            self.on_hand
                .saturating_sub(self.allocated)
                .saturating_sub(self.reserved)
                .saturating_add(limit),
        )
    }
}

/// So many of a variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// The variant.
    pub variant_id: VariantId,
    /// How many.
    pub quantity: Quantity,
}

/// The highest figure of stock that pages tell from a higher one. Sales above it change no page.
pub const SHOWN_UP_TO: i64 = 100;

/// How long a checkout holds its stock.
pub const HOLD: i64 = 30 * kernel::time::MINUTE;

/// Until when stock reserved at `now` is held.
pub fn hold_until(now: Timestamp) -> Timestamp {
    now.plus(HOLD)
}

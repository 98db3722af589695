//! Stock changed by people, and the ledger they read.

use db::{DbError, FromRow, Row, Tx, params};
use kernel::text::one_line;
use kernel::{Code, Coded, LocationId, OrderId, TextError, Timestamp, VariantId};
use serde_json::json;

use super::store::{self, Change, NewMovement};
use super::{Location, MovementKind};
use crate::audit;
use crate::error::Internal;
use crate::internal_from;
use crate::shop::{Act, Shop};
use crate::staff::{Actor, AdjustStock as MayAdjustStock, Authorized};

/// Brings a stock figure up or down, with the reason.
#[derive(Debug, Clone)]
pub struct AdjustStock {
    /// Of which variant.
    pub variant_id: VariantId,
    /// At which location.
    pub location_id: LocationId,
    /// Received goods, or a correction.
    pub kind: MovementKind,
    /// By how many pieces, up or down.
    pub change: i64,
    /// Why, in the words of the one who does it.
    pub reason: String,
}

/// Why stock was not adjusted.
#[derive(Debug, thiserror::Error)]
pub enum AdjustStockError {
    /// More is promised or held than would be left.
    #[error(
        "{promised} pieces are promised to orders or held for checkouts; the stock cannot go below that"
    )]
    Promised {
        /// Pieces promised or held.
        promised: i64,
    },
    /// No such variant or location.
    #[error("there is no such variant or location")]
    NotFound,
    /// Only what people do to stock can be entered by hand.
    #[error("goods are received or returned, or the count is adjusted; {0} follows from orders")]
    BadKind(MovementKind),
    /// The change is nothing, or absurd.
    #[error("change the stock by 1 to 1,000,000 pieces, up or down")]
    BadChange,
    /// The reason cannot be used.
    #[error("the reason: {0}")]
    BadReason(TextError),
    /// Not the caller's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}
internal_from!(AdjustStockError: DbError);

impl Coded for AdjustStockError {
    fn code(&self) -> Code {
        match self {
            Self::Promised { .. } => Code::OutOfStock,
            Self::NotFound => Code::NotFound,
            Self::BadKind(_) | Self::BadChange | Self::BadReason(_) => Code::Invalid,
            Self::Internal(error) => error.code(),
        }
    }
}

/// Changes a stock figure by hand. Answers with what is on hand afterwards.
pub async fn adjust_stock(
    shop: &Shop,
    by: Authorized<MayAdjustStock>,
    cmd: AdjustStock,
) -> Result<i64, AdjustStockError> {
    audit::change(shop, shop.act(by.actor()), move |tx, act| {
        let (before, after) = adjust(tx, act, &cmd)?;
        let change = audit::Change::new("stock.adjust", "variant", &cmd.variant_id)
            .from(json!({ "location": cmd.location_id, "on_hand": before }))
            .to(json!({
                "location": cmd.location_id,
                "on_hand": after,
                "kind": cmd.kind,
                "reason": cmd.reason.trim(),
            }));
        Ok((after, change))
    })
    .await
}

/// Building block of [`adjust_stock`]: answers with what was on hand before and is afterwards.
pub(crate) fn adjust(
    tx: &mut Tx<'_>,
    act: &Act,
    cmd: &AdjustStock,
) -> Result<(i64, i64), AdjustStockError> {
    if cmd.change == 0 || cmd.change.unsigned_abs() > 1_000_000 {
        return Err(AdjustStockError::BadChange);
    }
    match cmd.kind {
        MovementKind::Received | MovementKind::Returned | MovementKind::Adjusted => {}
        MovementKind::Allocated | MovementKind::Released | MovementKind::Shipped => {
            return Err(AdjustStockError::BadKind(cmd.kind));
        }
    }
    let reason = one_line(&cmd.reason, 200).map_err(AdjustStockError::BadReason)?;
    let known: Option<(i64,)> = tx.query_opt(
        "SELECT 1 FROM variants v, stock_locations l WHERE v.id = $1 AND l.id = $2",
        params![cmd.variant_id, cmd.location_id],
    )?;
    if known.is_none() {
        return Err(AdjustStockError::NotFound);
    }
    store::ensure_level(tx, act.now, &cmd.variant_id, &cmd.location_id)?;
    store::expire_overdue_of(tx, act.now, std::slice::from_ref(&cmd.variant_id))?;
    // Locks the row, so that what is checked is what is changed.
    let (on_hand, promised): (i64, i64) = tx.query_one(
        "UPDATE stock_levels SET changed_at = $1 WHERE variant_id = $2 AND location_id = $3
         RETURNING on_hand, allocated + reserved - COALESCE(backorder_limit, allocated + reserved)",
        params![act.now, cmd.variant_id, cmd.location_id],
    )?;
    let after = on_hand.saturating_add(cmd.change);
    if after < promised.max(0) {
        return Err(AdjustStockError::Promised { promised });
    }
    let movement = NewMovement {
        variant: &cmd.variant_id,
        location: &cmd.location_id,
        kind: cmd.kind,
        change: Change {
            on_hand: cmd.change,
            ..Change::default()
        },
        order: None,
        reason: &reason,
    };
    store::record(tx, act, &movement)?;
    Ok((on_hand, after))
}

/// Adds a place that holds stock, behind those there are.
pub async fn create_location(
    shop: &Shop,
    by: Authorized<MayAdjustStock>,
    name: &str,
) -> Result<Location, AdjustStockError> {
    let name = name.to_owned();
    audit::change(shop, shop.act(by.actor()), move |tx, act| {
        let location = add_location(tx, act, &name)?;
        let change = audit::Change::new("location.create", "location", &location.id)
            .to(json!({ "name": location.name }));
        Ok((location, change))
    })
    .await
}

/// Building block of [`create_location`]: adds the place, and a shelf in it for every variant there is.
pub(crate) fn add_location(
    tx: &mut Tx<'_>,
    act: &Act,
    name: &str,
) -> Result<Location, AdjustStockError> {
    let name = one_line(name, 80).map_err(AdjustStockError::BadReason)?;
    let (position,): (i64,) = tx.query_one(
        "SELECT COALESCE(MAX(position), 0) + 1 FROM stock_locations",
        params![],
    )?;
    let location = Location {
        id: LocationId::new(act.ids.as_ref()),
        name,
        position,
    };
    tx.execute(
        "INSERT INTO stock_locations (id, name, position, created_at) VALUES ($1, $2, $3, $4)",
        params![location.id, location.name, location.position, act.now],
    )?;
    store::ensure_shelves(tx, act.now, None)?;
    Ok(location)
}

/// The places that hold stock, nearest first.
pub fn locations(tx: &mut Tx<'_>) -> Result<Vec<Location>, DbError> {
    tx.query(
        "SELECT id, name, position FROM stock_locations ORDER BY position LIMIT 200",
        params![],
    )
}

/// A line of the stock ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockMovement {
    /// What happened.
    pub kind: MovementKind,
    /// Where.
    pub location_id: LocationId,
    /// By how much the stock in the building changed.
    pub on_hand_change: i64,
    /// By how much the stock promised to orders changed.
    pub allocated_change: i64,
    /// For which order, if for one.
    pub order_id: Option<OrderId>,
    /// Who.
    pub actor: Actor,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl FromRow for StockMovement {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            kind: row.get("kind")?,
            location_id: row.get("location_id")?,
            on_hand_change: row.get("on_hand_change")?,
            allocated_change: row.get("allocated_change")?,
            order_id: row.get("order_id")?,
            actor: row.get("actor")?,
            reason: row.get("reason")?,
            at: row.get("at")?,
        })
    }
}

/// Why a variant's stock is what it is: its latest movements, newest first, at most 200.
pub fn movements(tx: &mut Tx<'_>, variant: &VariantId) -> Result<Vec<StockMovement>, DbError> {
    tx.query(
        "SELECT kind, location_id, on_hand_change, allocated_change, order_id, actor, reason, at
           FROM stock_movements
          WHERE variant_id = $1
          ORDER BY at DESC, id DESC
          LIMIT 200",
        params![variant],
    )
}

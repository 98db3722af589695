//! The forms on an order's page: sending a parcel, marking a transfer as received, writing a note.

use commerce::orders::OrderStatus;
use commerce::staff::{CapturePayments, Permission, ShipOrders};
use serde::Serialize;
use web::Fields;

use super::facts::Facts;
use super::payments::waits_for_transfer;
use super::request_key;
use super::show::Seen;
use crate::views::FormError;

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
    pub(super) fn value(&self, form: &str, (name, usual): (&str, &str)) -> String {
        let typed = self.fields.get(name).filter(|_| self.form == form);
        typed.unwrap_or(usual).to_owned()
    }
}

/// Sends pieces on their way.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ShipForm {
    pub(super) key: String,
    pub(super) open: bool,
    pub(super) lines: Vec<ShipLine>,
    pub(super) carrier: String,
    pub(super) tracking_number: String,
    pub(super) tracking_url: String,
}

/// Pieces of a line that have yet to leave.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ShipLine {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) detail: String,
    pub(super) sku: String,
    pub(super) left: i64,
    pub(super) value: String,
}

/// Says that a transfer arrived.
#[derive(Debug, Clone, Serialize)]
pub(super) struct TransferForm {
    pub(super) key: String,
    pub(super) amount: String,
    pub(super) reference: String,
    pub(super) open: bool,
}

/// Writes something down for colleagues.
#[derive(Debug, Clone, Serialize)]
pub(super) struct NoteForm {
    pub(super) key: String,
    pub(super) text: String,
}

/// The form that ships, while there is something to ship and this person may.
pub(super) fn ship_form(facts: &Facts, seen: &Seen<'_>) -> Option<ShipForm> {
    let may = seen.staff.holds(ShipOrders::NAME);
    if !may || facts.order.status != OrderStatus::Placed || facts.to_ship() <= 0 {
        return None;
    }
    let typed = |name: &str| seen.typed.value("ship", (name, ""));
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
            value: seen.typed.value("ship", (&name, &left.to_string())),
        }
    });
    Some(ShipForm {
        key: request_key(seen.admin),
        open: facts.order.packed_at.is_some() || seen.typed.form == "ship",
        lines: lines.collect(),
        carrier: typed("carrier"),
        tracking_number: typed("tracking_number"),
        tracking_url: typed("tracking_url"),
    })
}

/// The form of a transfer, while one is waited for and this person may.
pub(super) fn transfer_form(facts: &Facts, seen: &Seen<'_>) -> Option<TransferForm> {
    if !seen.staff.holds(CapturePayments::NAME) || !waits_for_transfer(facts, seen.gateways()) {
        return None;
    }
    let arrived: i64 = facts.payments.iter().map(|p| p.captured.minor()).sum();
    let total = facts.order.total;
    let missing = total.minor().saturating_sub(arrived).max(0);
    let missing = total.currency().minor(missing).to_decimal();
    Some(TransferForm {
        key: request_key(seen.admin),
        amount: seen.typed.value("transfer", ("amount", &missing)),
        reference: seen.typed.value("transfer", ("reference", "")),
        open: seen.typed.form == "transfer",
    })
}

/// The form of a note.
pub(super) fn note_form(seen: &Seen<'_>) -> NoteForm {
    NoteForm {
        key: request_key(seen.admin),
        text: seen.typed.value("note", ("text", "")),
    }
}

impl ShipForm {
    pub(super) fn sample() -> Self {
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

impl TransferForm {
    pub(super) fn sample() -> Self {
        Self {
            key: "KEY".to_owned(),
            amount: "208.90".to_owned(),
            reference: String::new(),
            open: false,
        }
    }
}

impl NoteForm {
    pub(super) fn sample() -> Self {
        Self {
            key: "KEY".to_owned(),
            text: String::new(),
        }
    }
}

//! The provider's books: all SQL of the test gateway. It plays another company, so nothing of the shop is joined here.

use db::{DbError, FromRow, Row, Tx, params};
use kernel::{Currency, Money, PaymentId, Timestamp};

kernel::words! {
    /// Where a payment stands at the provider.
    pub(super) enum State {
        /// The buyer has not chosen.
        Open = "open",
        /// The buyer is at the bank's further check.
        Step = "step",
        /// The buyer chose that the answer comes late.
        Late = "late",
        /// The buyer chose that there is no answer.
        Never = "never",
        /// The money is held.
        Approved = "approved",
        /// The bank said no.
        Declined = "declined",
        /// The shop ended it before the buyer chose.
        Canceled = "canceled",
    }
}

kernel::words! {
    /// What a shop can have done with held money.
    pub(super) enum Move {
        /// Take it.
        Capture = "capture",
        /// Let go of it.
        Void = "void",
        /// Give it back.
        Refund = "refund",
    }
}

/// A payment as the provider has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) gateway_ref: String,
    pub(super) payment: PaymentId,
    pub(super) account: String,
    pub(super) reference: String,
    pub(super) amount: Money,
    state: State,
    late_answer_at: Option<Timestamp>,
    pub(super) return_url: String,
    voided: i64,
}

impl Entry {
    /// Where it stands at this moment: a late answer comes by itself when its time does.
    pub(super) fn state_at(&self, now: Timestamp) -> State {
        match (self.state, self.late_answer_at) {
            (State::Late, Some(at)) if at <= now => State::Approved,
            (state, _) => state,
        }
    }

    /// Whether the buyer chose the late answer, come or not.
    pub(super) fn answers_late(&self) -> bool {
        self.late_answer_at.is_some() && self.state != State::Canceled
    }

    /// Whether all of it was let go of: the approval holds nothing any more.
    pub(super) fn is_let_go(&self) -> bool {
        self.voided == self.amount.minor()
    }
}

impl FromRow for Entry {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let currency: Currency = row.get("currency")?;
        Ok(Self {
            gateway_ref: row.get("ref")?,
            payment: row.get("idempotency_key")?,
            account: row.get("account")?,
            reference: row.get("reference")?,
            amount: currency.minor(row.get("amount_minor")?),
            state: row.get("state")?,
            late_answer_at: row.get("late_answer_at")?,
            return_url: row.get("return_url")?,
            voided: row.get("voided_minor")?,
        })
    }
}

/// A payment to be.
#[derive(Debug, Clone)]
pub(super) struct NewEntry {
    pub(super) gateway_ref: String,
    pub(super) payment: PaymentId,
    pub(super) account: &'static str,
    pub(super) reference: String,
    pub(super) amount: Money,
    pub(super) return_url: String,
}

/// Opens a payment, or finds the one opened with this key before.
pub(super) fn open(tx: &mut Tx<'_>, now: Timestamp, new: &NewEntry) -> Result<Entry, DbError> {
    tx.execute(
        "INSERT INTO test_gateway_payments
           (ref, idempotency_key, account, reference, currency, amount_minor, state, return_url,
            captured_minor, voided_minor, refunded_minor, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'open', $7, 0, 0, 0, $8)
         ON CONFLICT (idempotency_key) DO NOTHING",
        params![
            new.gateway_ref,
            new.payment,
            new.account,
            new.reference,
            new.amount.currency(),
            new.amount.minor(),
            new.return_url,
            now
        ],
    )?;
    find(tx, &new.payment)?.ok_or(DbError::NoRow)
}

/// The payment opened with this key.
pub(super) fn find(tx: &mut Tx<'_>, payment: &PaymentId) -> Result<Option<Entry>, DbError> {
    tx.query_opt(
        "SELECT ref, idempotency_key, account, reference, currency, amount_minor, state, late_answer_at, return_url, voided_minor
           FROM test_gateway_payments
          WHERE idempotency_key = $1",
        params![payment],
    )
}

/// The payment of that page.
pub(super) fn find_by_ref(tx: &mut Tx<'_>, gateway_ref: &str) -> Result<Option<Entry>, DbError> {
    tx.query_opt(
        "SELECT ref, idempotency_key, account, reference, currency, amount_minor, state, late_answer_at, return_url, voided_minor
           FROM test_gateway_payments
          WHERE ref = $1",
        params![gateway_ref],
    )
}

/// Moves a payment the buyer has not decided to `to`; false if it was decided before.
pub(super) fn decide(
    tx: &mut Tx<'_>,
    gateway_ref: &str,
    (to, late_answer_at): (State, Option<Timestamp>),
) -> Result<bool, DbError> {
    let moved = tx.execute(
        "UPDATE test_gateway_payments SET state = $1, late_answer_at = $2 WHERE ref = $3 AND state IN ('open', 'step')",
        params![to, late_answer_at, gateway_ref],
    )?;
    Ok(moved == 1)
}

/// Ends a payment that is not decided, and withdraws what was to be said about it.
pub(super) fn cancel(tx: &mut Tx<'_>, now: Timestamp, payment: &PaymentId) -> Result<(), DbError> {
    let ended: Option<(String,)> = tx.query_opt(
        "UPDATE test_gateway_payments
            SET state = 'canceled'
          WHERE idempotency_key = $1
            AND (state IN ('open', 'step', 'never') OR (state = 'late' AND late_answer_at > $2))
         RETURNING ref",
        params![payment, now],
    )?;
    if let Some((gateway_ref,)) = ended {
        tx.execute(
            "DELETE FROM test_gateway_notices WHERE ref = $1 AND delivered_at IS NULL",
            params![gateway_ref],
        )?;
    }
    Ok(())
}

/// Money a shop wants moved.
#[derive(Debug, Clone)]
pub(super) struct NewMove {
    pub(super) key: String,
    pub(super) gateway_ref: String,
    pub(super) kind: Move,
    pub(super) amount: Money,
}

/// Moves money once: the same key again gives the first answer. The error is why nothing moved, in words.
pub(super) fn move_money(
    tx: &mut Tx<'_>,
    now: Timestamp,
    new: &NewMove,
) -> Result<Result<(), String>, DbError> {
    // The payment first: two calls with one key wait for each other here.
    if tx.execute(
        "UPDATE test_gateway_payments
            SET state = CASE WHEN state = 'late' AND late_answer_at <= $1 THEN 'approved' ELSE state END
          WHERE ref = $2",
        params![now, new.gateway_ref],
    )? == 0
    {
        return Ok(Err("there is no such payment".to_owned()));
    }
    let before: Option<(String, Move, i64, Option<String>)> = tx.query_opt(
        "SELECT ref, kind, amount_minor, refusal FROM test_gateway_operations WHERE idempotency_key = $1",
        params![new.key],
    )?;
    if let Some((gateway_ref, kind, minor, refusal)) = before {
        let same =
            gateway_ref == new.gateway_ref && kind == new.kind && minor == new.amount.minor();
        return Ok(match refusal {
            _ if !same => Err("the key was used for something else".to_owned()),
            Some(refusal) => Err(refusal),
            None => Ok(()),
        });
    }
    let refusal = guarded(tx, new)?.err();
    tx.execute(
        "INSERT INTO test_gateway_operations (idempotency_key, ref, kind, amount_minor, refusal, at) VALUES ($1, $2, $3, $4, $5, $6)",
        params![new.key, new.gateway_ref, new.kind, new.amount.minor(), refusal, now],
    )?;
    Ok(refusal.map_or(Ok(()), Err))
}

/// Takes the amount from what is there by one guarded write.
fn guarded(tx: &mut Tx<'_>, new: &NewMove) -> Result<Result<(), String>, DbError> {
    if new.amount.minor() <= 0 {
        return Ok(Err("the amount must be above zero".to_owned()));
    }
    let (sql, refusal) = match new.kind {
        Move::Capture => (
            "UPDATE test_gateway_payments SET captured_minor = captured_minor + $1
              WHERE ref = $2 AND currency = $3 AND state = 'approved' AND amount_minor - captured_minor - voided_minor >= $1",
            "less than that is held",
        ),
        Move::Void => (
            "UPDATE test_gateway_payments SET voided_minor = voided_minor + $1
              WHERE ref = $2 AND currency = $3 AND state = 'approved' AND amount_minor - captured_minor - voided_minor >= $1",
            "less than that is held",
        ),
        Move::Refund => (
            "UPDATE test_gateway_payments SET refunded_minor = refunded_minor + $1
              WHERE ref = $2 AND currency = $3 AND captured_minor - refunded_minor >= $1",
            "less than that was captured",
        ),
    };
    let moved = tx.execute(
        sql,
        params![new.amount.minor(), new.gateway_ref, new.amount.currency()],
    )?;
    Ok(if moved == 1 {
        Ok(())
    } else {
        Err(refusal.to_owned())
    })
}

/// Something to tell the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DueNotice {
    pub(super) event_id: String,
    pub(super) kind: String,
    pub(super) payment: PaymentId,
}

impl FromRow for DueNotice {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            event_id: row.get("event_id")?,
            kind: row.get("kind")?,
            payment: row.get("idempotency_key")?,
        })
    }
}

/// Notes that the shop is to be told, once, from `due_at` on.
pub(super) fn add_notice(
    tx: &mut Tx<'_>,
    gateway_ref: &str,
    (event_id, state): (&str, State),
    due_at: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO test_gateway_notices (event_id, ref, kind, due_at, attempts) VALUES ($1, $2, $3, $4, 0)",
        params![event_id, gateway_ref, format!("payment.{state}"), due_at],
    )?;
    Ok(())
}

/// Most notices taken at once.
pub(super) const BATCH: u32 = 20;
/// Most times a notice is tried; with the growing pauses between them that is about a day.
pub(super) const ATTEMPTS: u32 = 20;

/// Whether any notice is due.
pub(super) fn any_due(tx: &mut Tx<'_>, now: Timestamp) -> Result<bool, DbError> {
    let (due,): (i64,) = tx.query_one(
        "SELECT COUNT(*) FROM test_gateway_notices WHERE delivered_at IS NULL AND due_at <= $1 AND attempts < $2",
        params![now, ATTEMPTS],
    )?;
    Ok(due > 0)
}

/// Takes the due notices. Each is due again after a pause, longer each time, unless it is marked delivered.
pub(super) fn take_due(tx: &mut Tx<'_>, now: Timestamp) -> Result<Vec<DueNotice>, DbError> {
    let mut taken: Vec<DueNotice> = tx.query(
        "UPDATE test_gateway_notices
            SET attempts = attempts + 1, due_at = $1 + 30000 * (attempts + 1) * (attempts + 1)
          WHERE event_id IN (SELECT event_id
                               FROM test_gateway_notices
                              WHERE delivered_at IS NULL AND due_at <= $1 AND attempts < $2
                              ORDER BY due_at, event_id
                              LIMIT $3)
            AND delivered_at IS NULL AND due_at <= $1
         RETURNING event_id, kind,
                   (SELECT p.idempotency_key FROM test_gateway_payments p WHERE p.ref = test_gateway_notices.ref) AS idempotency_key",
        params![now, ATTEMPTS, BATCH],
    )?;
    taken.sort_by(|a, b| a.event_id.cmp(&b.event_id));
    Ok(taken)
}

/// The shop took it: it is not sent again.
pub(super) fn mark_delivered(
    tx: &mut Tx<'_>,
    now: Timestamp,
    event_id: &str,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE test_gateway_notices SET delivered_at = $1 WHERE event_id = $2 AND delivered_at IS NULL",
        params![now, event_id],
    )?;
    Ok(())
}

//! All SQL of the ledger.

use db::{DbError, FromRow, Row, Tx, params};
use kernel::{Currency, Money, OrderId, PaymentEventId, PaymentId, Timestamp};

use super::{EventKind, EventStatus, Payment, PaymentEvent, SessionStatus, Sums};
use crate::ports::gateway::Approval;
use crate::shop::Act;

impl FromRow for Payment {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let currency: Currency = row.get("currency")?;
        Ok(Self {
            id: row.get("id")?,
            order_id: row.get("order_id")?,
            gateway: row.get("gateway")?,
            status: row.get("status")?,
            amount: currency.minor(row.get("amount_minor")?),
            authorized: currency.minor(row.get("authorized_minor")?),
            captured: currency.minor(row.get("captured_minor")?),
            refunded: currency.minor(row.get("refunded_minor")?),
            gateway_ref: row.get("gateway_ref")?,
            action_url: row.get("action_url")?,
            failure: row.get("failure")?,
            live: row.get("live")?,
            created_at: row.get("created_at")?,
        })
    }
}

impl FromRow for PaymentEvent {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let currency: Currency = row.get("currency")?;
        Ok(Self {
            id: row.get("id")?,
            payment_id: row.get("payment_id")?,
            kind: row.get("kind")?,
            status: row.get("status")?,
            amount: currency.minor(row.get("amount_minor")?),
            effect_key: row.get("effect_key")?,
            detail: row.get("detail")?,
            at: row.get("at")?,
        })
    }
}

/// A payment to be.
pub(crate) struct NewPayment<'a> {
    pub(crate) order: &'a OrderId,
    pub(crate) gateway: &'a str,
    pub(crate) amount: Money,
    pub(crate) live: bool,
}

/// Writes a payment down before any gateway hears of it.
pub(crate) fn insert(tx: &mut Tx<'_>, act: &Act, new: &NewPayment<'_>) -> Result<Payment, DbError> {
    tx.query_one(
        "INSERT INTO payments
           (id, order_id, gateway, status, currency, amount_minor, authorized_minor, captured_minor, refunded_minor, live, created_at, changed_at)
         VALUES ($1, $2, $3, 'created', $4, $5, 0, 0, 0, $6, $7, $7)
         RETURNING id, order_id, gateway, status, currency, amount_minor, authorized_minor, captured_minor, refunded_minor,
                   gateway_ref, action_url, failure, live, created_at",
        params![PaymentId::new(act.ids.as_ref()), new.order, new.gateway, new.amount.currency(), new.amount.minor(), new.live, act.now],
    )
}

/// The payment, locked until the transaction ends.
pub(crate) fn lock(
    tx: &mut Tx<'_>,
    now: Timestamp,
    id: &PaymentId,
) -> Result<Option<Payment>, DbError> {
    tx.query_opt(
        "UPDATE payments SET changed_at = $1 WHERE id = $2
         RETURNING id, order_id, gateway, status, currency, amount_minor, authorized_minor, captured_minor, refunded_minor,
                   gateway_ref, action_url, failure, live, created_at",
        params![now, id],
    )
}

/// The payment as it is.
pub fn find(tx: &mut Tx<'_>, id: &PaymentId) -> Result<Option<Payment>, DbError> {
    tx.query_opt(
        "SELECT id, order_id, gateway, status, currency, amount_minor, authorized_minor, captured_minor, refunded_minor,
                gateway_ref, action_url, failure, live, created_at
           FROM payments
          WHERE id = $1",
        params![id],
    )
}

/// The payments of an order, oldest first.
pub fn of_order(tx: &mut Tx<'_>, order: &OrderId) -> Result<Vec<Payment>, DbError> {
    tx.query(
        "SELECT id, order_id, gateway, status, currency, amount_minor, authorized_minor, captured_minor, refunded_minor,
                gateway_ref, action_url, failure, live, created_at
           FROM payments
          WHERE order_id = $1
          ORDER BY created_at, id
          LIMIT 200",
        params![order],
    )
}

/// The facts of a payment, oldest first.
pub fn events_of(tx: &mut Tx<'_>, payment: &PaymentId) -> Result<Vec<PaymentEvent>, DbError> {
    tx.query(
        "SELECT id, payment_id, kind, status, currency, amount_minor, effect_key, detail, at
           FROM payment_events
          WHERE payment_id = $1
          ORDER BY at, id
          LIMIT 500",
        params![payment],
    )
}

/// The fact with that key.
pub fn find_event(tx: &mut Tx<'_>, effect_key: &str) -> Result<Option<PaymentEvent>, DbError> {
    tx.query_opt(
        "SELECT id, payment_id, kind, status, currency, amount_minor, effect_key, detail, at FROM payment_events WHERE effect_key = $1",
        params![effect_key],
    )
}

/// The keys of an order's moves that no gateway has answered for, oldest first.
pub(crate) fn pending_moves(tx: &mut Tx<'_>, order: &OrderId) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = tx.query(
        "SELECT e.effect_key
           FROM payment_events e
           JOIN payments p ON p.id = e.payment_id
          WHERE p.order_id = $1 AND e.status = 'pending'
          ORDER BY e.at, e.id
          LIMIT 200",
        params![order],
    )?;
    Ok(rows.into_iter().map(|(key,)| key).collect())
}

/// What can be given back of a payment: what was surely taken, less what was given back or is being given back.
pub(crate) fn refundable(tx: &mut Tx<'_>, payment: &Payment) -> Result<Money, DbError> {
    let (left,): (i64,) = tx.query_one(
        "SELECT CAST(p.captured_minor - p.refunded_minor
                   - COALESCE((SELECT SUM(e.amount_minor) FROM payment_events e
                                WHERE e.payment_id = p.id AND e.kind = 'capture' AND e.status = 'pending'), 0) AS BIGINT)
           FROM payments p
          WHERE p.id = $1",
        params![payment.id],
    )?;
    Ok(payment.amount.currency().minor(left.max(0)))
}

/// What really happened to an order's money.
pub fn settled_sums(tx: &mut Tx<'_>, order: &OrderId) -> Result<Sums, DbError> {
    let (authorized, captured, voided, refunded): (i64, i64, i64, i64) = tx.query_one(
        "SELECT CAST(COALESCE(SUM(CASE WHEN e.kind = 'authorize' THEN e.amount_minor ELSE 0 END), 0) AS BIGINT),
                CAST(COALESCE(SUM(CASE WHEN e.kind = 'capture' THEN e.amount_minor ELSE 0 END), 0) AS BIGINT),
                CAST(COALESCE(SUM(CASE WHEN e.kind = 'void' THEN e.amount_minor ELSE 0 END), 0) AS BIGINT),
                CAST(COALESCE(SUM(CASE WHEN e.kind = 'refund' THEN e.amount_minor ELSE 0 END), 0) AS BIGINT)
           FROM payment_events e
           JOIN payments p ON p.id = e.payment_id
          WHERE p.order_id = $1 AND e.status = 'succeeded'",
        params![order],
    )?;
    let (open,): (i64,) = tx.query_one(
        "SELECT COUNT(*) FROM payments WHERE order_id = $1 AND status IN ('created', 'requires_action', 'processing')",
        params![order],
    )?;
    Ok(Sums {
        authorized,
        captured,
        voided,
        refunded,
        open,
    })
}

/// Moves a payment from one status to the next; false if it was not where it was thought to be.
pub(crate) fn set_status(
    tx: &mut Tx<'_>,
    now: Timestamp,
    payment: &Payment,
    to: SessionStatus,
) -> Result<bool, DbError> {
    if !payment.status.can_become(to) {
        return Ok(false);
    }
    let changed = tx.execute(
        "UPDATE payments SET status = $1, changed_at = $2 WHERE id = $3 AND status = $4",
        params![to, now, payment.id, payment.status],
    )?;
    Ok(changed == 1)
}

/// Ends a payment without money, with the reason in the buyer's words.
pub(crate) fn fail(
    tx: &mut Tx<'_>,
    now: Timestamp,
    payment: &Payment,
    (to, reason): (SessionStatus, &str),
) -> Result<bool, DbError> {
    if !set_status(tx, now, payment, to)? {
        return Ok(false);
    }
    tx.execute(
        "UPDATE payments SET failure = $1, action_url = NULL WHERE id = $2",
        params![reason, payment.id],
    )?;
    Ok(true)
}

/// Keeps where the buyer has to go, or what the gateway calls the payment.
pub(crate) fn note_action(
    tx: &mut Tx<'_>,
    payment: &Payment,
    (gateway_ref, url): (&str, Option<&str>),
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE payments SET gateway_ref = $1, action_url = $2 WHERE id = $3",
        params![gateway_ref, url, payment.id],
    )?;
    Ok(())
}

/// The gateway holds the money: the fact, the balance and the status. False if that was known already.
pub(crate) fn record_authorized(
    tx: &mut Tx<'_>,
    act: &Act,
    payment: &Payment,
    approval: &Approval,
) -> Result<bool, DbError> {
    let fact = NewFact {
        payment,
        kind: EventKind::Authorize,
        status: EventStatus::Succeeded,
        amount: approval.amount,
        key: &format!("authorize:{}", payment.id),
        detail: &approval.gateway_ref,
    };
    if !insert_fact(tx, act, &fact)? {
        return Ok(false);
    }
    tx.execute(
        "UPDATE payments
            SET authorized_minor = authorized_minor + $1, gateway_ref = $2, action_url = NULL, failure = NULL, status = 'authorized', changed_at = $3
          WHERE id = $4",
        params![approval.amount.minor(), approval.gateway_ref, act.now, payment.id],
    )?;
    Ok(true)
}

/// Money that people moved arrived: it is held and taken at once. False if that was known already.
pub(crate) fn record_received(
    tx: &mut Tx<'_>,
    act: &Act,
    payment: &Payment,
    (amount, key): (Money, &str),
) -> Result<bool, DbError> {
    let held = format!("authorize:{key}");
    let taken = format!("capture:{key}");
    let mut fact = NewFact {
        payment,
        kind: EventKind::Authorize,
        status: EventStatus::Succeeded,
        amount,
        key: &held,
        detail: "transfer received",
    };
    if !insert_fact(tx, act, &fact)? {
        return Ok(false);
    }
    fact.kind = EventKind::Capture;
    fact.key = &taken;
    insert_fact(tx, act, &fact)?;
    tx.execute(
        "UPDATE payments
            SET authorized_minor = authorized_minor + $1, captured_minor = captured_minor + $1, changed_at = $2,
                status = CASE WHEN captured_minor + $1 >= amount_minor THEN 'captured' ELSE status END
          WHERE id = $3",
        params![amount.minor(), act.now, payment.id],
    )?;
    Ok(true)
}

struct NewFact<'a> {
    payment: &'a Payment,
    kind: EventKind,
    status: EventStatus,
    amount: Money,
    key: &'a str,
    detail: &'a str,
}

/// Writes a fact unless its key is there already.
fn insert_fact(tx: &mut Tx<'_>, act: &Act, fact: &NewFact<'_>) -> Result<bool, DbError> {
    let settled_at = (fact.status != EventStatus::Pending).then_some(act.now);
    let inserted = tx.execute(
        "INSERT INTO payment_events (id, payment_id, kind, status, currency, amount_minor, effect_key, detail, at, settled_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (effect_key) DO NOTHING",
        params![
            PaymentEventId::new(act.ids.as_ref()),
            fact.payment.id,
            fact.kind,
            fact.status,
            fact.amount.currency(),
            fact.amount.minor(),
            fact.key,
            fact.detail,
            act.now,
            settled_at
        ],
    )?;
    Ok(inserted == 1)
}

/// Money to be taken, let go of or given back.
pub(crate) struct NewMove<'a> {
    pub(crate) payment: &'a Payment,
    pub(crate) kind: EventKind,
    pub(crate) amount: Money,
    pub(crate) key: &'a str,
    pub(crate) detail: &'a str,
}

/// What came of beginning a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begun {
    /// The amount is set aside; now ask the gateway.
    New,
    /// The same was begun before, and stands so.
    Before(EventStatus),
    /// There is not that much.
    TooMuch,
}

/// Sets the amount aside in the balance by one guarded write, and writes the move down as pending.
pub(crate) fn begin_move(tx: &mut Tx<'_>, act: &Act, new: &NewMove<'_>) -> Result<Begun, DbError> {
    if let Some(event) = find_event(tx, new.key)? {
        return Ok(Begun::Before(event.status));
    }
    let guarded = match new.kind {
        EventKind::Capture => {
            "UPDATE payments SET captured_minor = captured_minor + $1, changed_at = $2
              WHERE id = $3 AND currency = $4 AND authorized_minor - captured_minor >= $1"
        }
        EventKind::Void => {
            "UPDATE payments SET authorized_minor = authorized_minor - $1, changed_at = $2
              WHERE id = $3 AND currency = $4 AND authorized_minor - captured_minor >= $1"
        }
        // Money whose capture is still open cannot be given back: the capture may yet fail.
        EventKind::Refund => {
            "UPDATE payments SET refunded_minor = refunded_minor + $1, changed_at = $2
              WHERE id = $3 AND currency = $4
                AND captured_minor - refunded_minor
                  - CAST(COALESCE((SELECT SUM(e.amount_minor) FROM payment_events e
                                    WHERE e.payment_id = payments.id AND e.kind = 'capture' AND e.status = 'pending'), 0) AS BIGINT) >= $1"
        }
        EventKind::Authorize => return Ok(Begun::TooMuch),
    };
    let set_aside = tx.execute(
        guarded,
        params![
            new.amount.minor(),
            act.now,
            new.payment.id,
            new.amount.currency()
        ],
    )?;
    if set_aside != 1 {
        return Ok(Begun::TooMuch);
    }
    let fact = NewFact {
        payment: new.payment,
        kind: new.kind,
        status: EventStatus::Pending,
        amount: new.amount,
        key: new.key,
        detail: new.detail,
    };
    insert_fact(tx, act, &fact)?;
    Ok(Begun::New)
}

/// Settles a move once: as it went, the amount set aside stays or goes back. False if it was settled before.
pub(crate) fn finish_move(
    tx: &mut Tx<'_>,
    act: &Act,
    event: &PaymentEvent,
    status: EventStatus,
) -> Result<bool, DbError> {
    let settled = tx.execute(
        "UPDATE payment_events SET status = $1, settled_at = $2 WHERE effect_key = $3 AND status = 'pending'",
        params![status, act.now, event.effect_key],
    )?;
    if settled != 1 {
        return Ok(false);
    }
    let succeeded = status == EventStatus::Succeeded;
    let then = match (event.kind, succeeded) {
        (EventKind::Capture, false) => "UPDATE payments SET captured_minor = captured_minor - $1, changed_at = $2 WHERE id = $3",
        (EventKind::Void, false) => "UPDATE payments SET authorized_minor = authorized_minor + $1, changed_at = $2 WHERE id = $3",
        (EventKind::Refund, false) => "UPDATE payments SET refunded_minor = refunded_minor - $1, changed_at = $2 WHERE id = $3",
        (EventKind::Capture, true) => {
            "UPDATE payments
                SET status = CASE WHEN captured_minor > 0 AND $1 > 0 THEN 'captured' ELSE status END, changed_at = $2
              WHERE id = $3"
        }
        (EventKind::Void, true) => {
            "UPDATE payments
                SET status = CASE WHEN authorized_minor = 0 AND $1 > 0 THEN 'canceled' ELSE status END, changed_at = $2
              WHERE id = $3"
        }
        (EventKind::Refund | EventKind::Authorize, true) | (EventKind::Authorize, false) => return Ok(true),
    };
    tx.execute(
        then,
        params![event.amount.minor(), act.now, event.payment_id],
    )?;
    Ok(true)
}

/// Whether this notice of a gateway's is the first of its id.
pub(crate) fn first_notice(
    tx: &mut Tx<'_>,
    now: Timestamp,
    gateway: &str,
    (event_id, payment): (&str, &PaymentId),
) -> Result<bool, DbError> {
    let inserted = tx.execute(
        "INSERT INTO gateway_events (gateway, event_id, payment_id, received_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (gateway, event_id) DO NOTHING",
        params![gateway, event_id, payment, now],
    )?;
    Ok(inserted == 1)
}

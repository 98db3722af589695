//! The table of jobs: building blocks over an open transaction.

use data_encoding::HEXLOWER;
use db::{DbError, FromRow, Row, Tx, Value, in_list, params};
use kernel::id::{Ids, RandomIds};
use kernel::time::Timestamp;
use serde::Serialize;

use crate::TOPIC;
use crate::runner::Done;

/// A job to be put into the queue.
#[derive(Debug)]
pub struct NewJob {
    kind: &'static str,
    payload: Result<String, serde_json::Error>,
    run_at: Option<Timestamp>,
    dedupe_key: Option<String>,
}

impl NewJob {
    /// A job that is due at once. The kind, such as `notifications.order_confirmation`, never changes once released; the
    /// payload says what it is about, in ids and versions.
    pub fn new(kind: &'static str, payload: &impl Serialize) -> Self {
        Self {
            kind,
            payload: serde_json::to_string(payload),
            run_at: None,
            dedupe_key: None,
        }
    }

    /// The same, but not before `run_at`.
    #[must_use]
    pub fn at(self, run_at: Timestamp) -> Self {
        Self {
            run_at: Some(run_at),
            ..self
        }
    }

    /// The same, but not a second time: while a job with this key waits for its first start, another is not added.
    #[must_use]
    pub fn once(self, dedupe_key: impl Into<String>) -> Self {
        Self {
            dedupe_key: Some(dedupe_key.into()),
            ..self
        }
    }
}

/// What [`enqueue`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// The job is in the queue.
    Added,
    /// One with the same key was waiting already; it now runs at the earlier of the two times.
    AlreadyWaiting,
}

/// The right to work on a job for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub id: String,
    /// Higher than that of every earlier lease of the job.
    pub fence: i64,
}

/// Why a lease could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// It ran out and the job belongs to somebody else now, or is done.
    #[error("the lease on job {0} was lost")]
    Lost(String),
    /// The database said no.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Puts a job into the queue, if the transaction commits.
pub fn enqueue(tx: &mut Tx<'_>, now: Timestamp, job: &NewJob) -> Result<Enqueued, DbError> {
    let payload = job.payload.as_ref().map_err(|error| DbError::WrongType {
        detail: format!(
            "the payload of a job {} cannot be written as JSON: {error}",
            job.kind
        ),
    })?;
    let id = HEXLOWER.encode(&RandomIds.next());
    let run_at = job.run_at.unwrap_or(now);
    let (kept,): (String,) = tx.query_one(
        "INSERT INTO jobs (id, kind, payload, dedupe_key, state, run_at, lease_until, fence, attempts, created_at)
         VALUES ($1, $2, $3, $4, 'ready', $5, 0, 0, 0, $6)
         ON CONFLICT (dedupe_key) DO UPDATE
            SET run_at = CASE WHEN excluded.run_at < jobs.run_at THEN excluded.run_at ELSE jobs.run_at END
         RETURNING id",
        params![&id, job.kind, payload, &job.dedupe_key, run_at, now],
    )?;
    if run_at <= now {
        tx.signal(TOPIC);
    }
    Ok(if kept == id {
        Enqueued::Added
    } else {
        Enqueued::AlreadyWaiting
    })
}

/// Takes the job off the queue: together with its effect, in the transaction that has that effect.
///
/// Fails when the lease was lost; the transaction must then be given up, since another node does the work.
pub fn complete(tx: &mut Tx<'_>, lease: &Lease) -> Result<Done, LeaseError> {
    let sql = "DELETE FROM jobs WHERE id = $1 AND fence = $2 AND state = 'ready'";
    held(lease, tx.execute(sql, params![&lease.id, lease.fence])?)?;
    Ok(Done::Completed)
}

/// How full the queue is, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Due, and waiting for somebody to take them.
    pub ready: i64,
    /// Waiting for their time.
    pub scheduled: i64,
    /// Being worked on.
    pub running: i64,
    /// Given up; a person has to look at them.
    pub dead: i64,
    /// For how many milliseconds the longest-waiting ready job has been due; 0 when none is.
    pub oldest_age: i64,
}

impl FromRow for Stats {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            ready: row.get("ready")?,
            scheduled: row.get("scheduled")?,
            running: row.get("running")?,
            dead: row.get("dead")?,
            oldest_age: row.get("oldest_age")?,
        })
    }
}

/// Counts the queue.
pub fn stats(tx: &mut Tx<'_>, now: Timestamp) -> Result<Stats, DbError> {
    tx.query_one(
        "SELECT COUNT(CASE WHEN state = 'ready' AND lease_until <= $1 AND run_at <= $1 THEN 1 END) AS ready,
                COUNT(CASE WHEN state = 'ready' AND lease_until <= $1 AND run_at > $1 THEN 1 END) AS scheduled,
                COUNT(CASE WHEN state = 'ready' AND lease_until > $1 THEN 1 END) AS running,
                COUNT(CASE WHEN state = 'dead' THEN 1 END) AS dead,
                COALESCE(MAX(CASE WHEN state = 'ready' AND lease_until <= $1 AND run_at <= $1 THEN $1 - run_at END), 0)
                    AS oldest_age
           FROM jobs",
        params![now],
    )
}

/// A job that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadJob {
    /// Its id, for [`revive`] and [`delete_dead`].
    pub id: String,
    /// What it was.
    pub kind: String,
    /// What it was about, as JSON.
    pub payload: String,
    /// How often it was started.
    pub attempts: u32,
    /// Why it failed the last time.
    pub last_error: String,
}

impl FromRow for DeadJob {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            kind: row.get("kind")?,
            payload: row.get("payload")?,
            attempts: row.get("attempts")?,
            last_error: row.get("last_error")?,
        })
    }
}

/// The first `limit` jobs that were given up.
pub fn dead_jobs(tx: &mut Tx<'_>, limit: u32) -> Result<Vec<DeadJob>, DbError> {
    tx.query(
        "SELECT id, kind, payload, attempts, COALESCE(last_error, '') AS last_error
           FROM jobs WHERE state = 'dead' ORDER BY run_at, id LIMIT $1",
        params![limit],
    )
}

/// How many jobs were given up, counted no further than `most`.
pub fn count_dead(tx: &mut Tx<'_>, most: u32) -> Result<u32, DbError> {
    let (count,) = tx.query_one::<(u32,)>(
        "SELECT COUNT(*) FROM (SELECT id FROM jobs WHERE state = 'dead' ORDER BY run_at, id LIMIT $1) AS counted",
        params![most],
    )?;
    Ok(count)
}

/// Gives a dead job all its attempts again, from now on. Says whether there was such a job.
pub fn revive(tx: &mut Tx<'_>, now: Timestamp, id: &str) -> Result<bool, DbError> {
    tx.signal(TOPIC);
    let sql = "UPDATE jobs SET state = 'ready', run_at = $1, attempts = 0 WHERE id = $2 AND state = 'dead'";
    Ok(tx.execute(sql, params![now, id])? == 1)
}

/// Removes a dead job for good. Says whether there was such a job.
pub fn delete_dead(tx: &mut Tx<'_>, id: &str) -> Result<bool, DbError> {
    Ok(tx.execute(
        "DELETE FROM jobs WHERE id = $1 AND state = 'dead'",
        params![id],
    )? == 1)
}

/// A job that was taken.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) lease: Lease,
    pub(crate) kind: String,
    pub(crate) payload: String,
    pub(crate) attempt: u32,
}

impl FromRow for Taken {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            lease: Lease {
                id: row.get("id")?,
                fence: row.get("fence")?,
            },
            kind: row.get("kind")?,
            payload: row.get("payload")?,
            attempt: row.get("attempts")?,
        })
    }
}

/// What there is to do now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Agenda {
    /// A job of one of the kinds could be taken.
    pub(crate) is_any_due: bool,
    /// These recurring jobs are to be put into the queue.
    pub(crate) ticks: Vec<(&'static str, i64)>,
}

/// Looks at the queue without taking anything.
pub(crate) fn agenda(
    tx: &mut Tx<'_>,
    now: Timestamp,
    kinds: &[&str],
    schedules: &[(&'static str, i64)],
) -> Result<Agenda, DbError> {
    let sql = format!(
        "SELECT id FROM jobs
          WHERE state = 'ready' AND run_at <= $1 AND lease_until <= $1 AND kind IN ({})
          ORDER BY run_at, id LIMIT 1",
        in_list(2, kinds.len()),
    );
    let is_any_due = tx
        .query_opt::<(String,)>(&sql, &with_kinds(params![now], kinds))?
        .is_some();
    let mut ticks = Vec::new();
    if !schedules.is_empty() {
        let planned: Vec<(String, Timestamp)> = tx.query(
            "SELECT kind, next_at FROM job_schedules ORDER BY kind LIMIT 1000",
            params![],
        )?;
        for &(kind, every) in schedules {
            let plan = planned.iter().find(|(planned, _)| planned == kind);
            if plan.is_none_or(|(_, next)| *next <= now || *next > next_tick(now, every)) {
                ticks.push((kind, every));
            }
        }
    }
    Ok(Agenda { is_any_due, ticks })
}

/// The kinds of due jobs that are not among `kinds`, at most a hundred.
pub(crate) fn unknown_kinds(
    tx: &mut Tx<'_>,
    now: Timestamp,
    kinds: &[&str],
) -> Result<Vec<String>, DbError> {
    let sql = format!(
        "SELECT DISTINCT kind FROM jobs
          WHERE state = 'ready' AND run_at <= $1 AND kind NOT IN ('', {})
          ORDER BY kind LIMIT 100",
        if kinds.is_empty() {
            "''".to_owned()
        } else {
            in_list(2, kinds.len())
        },
    );
    let rows: Vec<(String,)> = tx.query(&sql, &with_kinds(params![now], kinds))?;
    Ok(rows.into_iter().map(|(kind,)| kind).collect())
}

/// Takes the job of one of these kinds that has been due longest, until `lease_until`.
///
/// `None` means that there was none, or that another node took it a moment ago: look again.
pub(crate) fn take(
    tx: &mut Tx<'_>,
    now: Timestamp,
    lease_until: Timestamp,
    kinds: &[&str],
) -> Result<Option<Taken>, DbError> {
    let sql = format!(
        "UPDATE jobs SET lease_until = $1, attempts = attempts + 1, fence = fence + 1, dedupe_key = NULL
          WHERE id = (SELECT id FROM jobs
                       WHERE state = 'ready' AND run_at <= $2 AND lease_until <= $2 AND kind IN ({})
                       ORDER BY run_at, id LIMIT 1)
            AND state = 'ready' AND run_at <= $2 AND lease_until <= $2
         RETURNING id, kind, payload, attempts, fence",
        in_list(3, kinds.len()),
    );
    tx.query_opt(&sql, &with_kinds(params![lease_until, now], kinds))
}

/// Keeps the job for longer.
pub(crate) fn renew(tx: &mut Tx<'_>, lease: &Lease, until: Timestamp) -> Result<(), LeaseError> {
    let sql = "UPDATE jobs SET lease_until = $1 WHERE id = $2 AND fence = $3 AND state = 'ready'";
    held(
        lease,
        tx.execute(sql, params![until, &lease.id, lease.fence])?,
    )
}

/// Gives the job back, to be taken again at `run_at`.
pub(crate) fn give_back(
    tx: &mut Tx<'_>,
    lease: &Lease,
    run_at: Timestamp,
    reason: &str,
) -> Result<(), LeaseError> {
    let sql = "UPDATE jobs SET run_at = $1, lease_until = 0, last_error = $2
                WHERE id = $3 AND fence = $4 AND state = 'ready'";
    held(
        lease,
        tx.execute(
            sql,
            params![run_at, shortened(reason), &lease.id, lease.fence],
        )?,
    )
}

/// Gives the job up.
pub(crate) fn bury(tx: &mut Tx<'_>, lease: &Lease, reason: &str) -> Result<(), LeaseError> {
    let sql = "UPDATE jobs SET state = 'dead', lease_until = 0, last_error = $1
                WHERE id = $2 AND fence = $3 AND state = 'ready'";
    held(
        lease,
        tx.execute(sql, params![shortened(reason), &lease.id, lease.fence])?,
    )
}

/// Puts the recurring job into the queue if its time has come: once, however many nodes ask.
pub(crate) fn tick(
    tx: &mut Tx<'_>,
    now: Timestamp,
    kind: &'static str,
    every: i64,
) -> Result<(), DbError> {
    let next = next_tick(now, every);
    let sql =
        "INSERT INTO job_schedules (kind, next_at) VALUES ($1, $2) ON CONFLICT (kind) DO NOTHING";
    tx.execute(sql, params![kind, next])?;
    let moved = tx.execute(
        "UPDATE job_schedules SET next_at = $1 WHERE kind = $2 AND (next_at <= $3 OR next_at > $1)",
        params![next, kind, now],
    )?;
    if moved == 1 {
        enqueue(
            tx,
            now,
            &NewJob::new(kind, &()).once(format!("schedule:{kind}")),
        )?;
    }
    Ok(())
}

/// The end of the current interval, counted from the epoch: the same on every node, whenever it was started.
const fn next_tick(now: Timestamp, every: i64) -> Timestamp {
    Timestamp::from_millis(
        now.millis()
            .div_euclid(every)
            .saturating_add(1)
            .saturating_mul(every),
    )
}

fn with_kinds(first: &[Value], kinds: &[&str]) -> Vec<Value> {
    first
        .iter()
        .cloned()
        .chain(kinds.iter().map(|kind| Value::Text((*kind).to_owned())))
        .collect()
}

fn held(lease: &Lease, changed: u64) -> Result<(), LeaseError> {
    if changed == 1 {
        Ok(())
    } else {
        Err(LeaseError::Lost(lease.id.clone()))
    }
}

/// At most 500 characters, without the zero byte that no database takes.
fn shortened(reason: &str) -> String {
    reason.chars().filter(|c| *c != '\0').take(500).collect()
}

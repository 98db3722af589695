//! A durable queue in the shop's own database: enqueue in a transaction, lease, retry, schedule.
//!
//! A job is put into the queue by the transaction that makes it necessary, so it exists exactly if that transaction was
//! committed. It runs **at least once**: a node that dies loses its lease, and another node runs the job again. What a
//! handler does in the database can still happen exactly once, by taking the job off the queue in the same transaction:
//!
//! ```
//! # use db::{Db, DbError, params};
//! # use jobs::{Done, JobContext, JobError};
//! # use serde::Deserialize;
//! #[derive(Deserialize)]
//! struct Restock { sku: String, count: i64 }
//!
//! async fn restock(db: Db, restock: Restock, job: JobContext) -> Result<Done, JobError> {
//!     db.write(move |tx| {
//!         let sql = "UPDATE stock SET on_hand = on_hand + $1 WHERE sku = $2";
//!         tx.execute(sql, params![restock.count, &restock.sku])?;
//!         Ok(jobs::complete(tx, &job.lease)?)
//!     })
//!     .await
//! }
//! ```
//!
//! What a handler does in the world outside carries a key made from the job's payload, so that doing it twice is harmless.
//!
//! **Invariants.** A lease has a fence number; it rises with every lease, and only the holder of the newest can complete,
//! renew or fail the job. A job leaves the table by success alone: one that cannot succeed stays there as dead. A kind
//! that this process does not know is left for one that does.
//!
//! Deliberately not here: anything about shops; priorities; results. A payload holds ids and versions, never personal data
//! or secrets.

mod queue;
mod runner;

pub use queue::{
    DeadJob, Enqueued, Lease, LeaseError, NewJob, Stats, complete, count_dead, dead_jobs,
    delete_dead, enqueue, revive, stats,
};
pub use runner::{Done, Drained, JobContext, JobError, Runner, RunnerOptions};

/// The topic that wakes runners in this process when a job that is due was committed (see [`db::Db::signal`]).
pub const TOPIC: &str = "jobs";

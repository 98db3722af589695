//! What a database has done so far, and who waits for what.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Figures of one [`crate::Db`] since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Reading transactions that ran.
    pub reads: u64,
    /// Writes that ended with a COMMIT, those of a batch counted one by one.
    pub writes: u64,
    /// COMMITs; on SQLite several writes may share one.
    pub commits: u64,
    /// Transactions run again after a conflict.
    pub retries: u64,
    /// Statements that transactions ran, whatever became of them.
    pub statements: u64,
    /// Reads waiting in line now.
    pub reads_waiting: usize,
    /// Writes waiting in line now.
    pub writes_waiting: usize,
}

#[derive(Default)]
pub(crate) struct Counters {
    reads: AtomicU64,
    writes: AtomicU64,
    commits: AtomicU64,
    retries: AtomicU64,
    statements: AtomicU64,
}

impl Counters {
    pub(crate) fn count_read(&self) {
        self.reads.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_commit(&self, writes: usize) {
        self.writes
            .fetch_add(u64::try_from(writes).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_statements(&self, statements: u64) {
        self.statements.fetch_add(statements, Ordering::Relaxed);
    }

    pub(crate) fn stats(&self, reads_waiting: usize, writes_waiting: usize) -> Stats {
        Stats {
            reads: self.reads.load(Ordering::Relaxed),
            writes: self.writes.load(Ordering::Relaxed),
            commits: self.commits.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            statements: self.statements.load(Ordering::Relaxed),
            reads_waiting,
            writes_waiting,
        }
    }
}

/// Who is woken by which committed transaction.
#[derive(Default)]
pub(crate) struct Topics(Mutex<HashMap<&'static str, Arc<Notify>>>);

impl Topics {
    pub(crate) fn get(&self, topic: &'static str) -> Arc<Notify> {
        Arc::clone(
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(topic)
                .or_default(),
        )
    }

    pub(crate) fn wake(&self, topics: &[&'static str]) {
        for topic in topics {
            let notify = self.get(topic);
            notify.notify_waiters();
            notify.notify_one(); // one that is not waiting at this moment finds it when it next does
        }
    }
}

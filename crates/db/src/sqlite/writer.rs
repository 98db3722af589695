//! The one thread that writes: it takes the writes that are waiting, runs each in its own SAVEPOINT, COMMITs once, and
//! only then answers.
//!
//! A write that fails or panics is rolled back to its SAVEPOINT and does not touch its neighbours. Where what one write
//! did brings the whole transaction down (a full disk, a deferred constraint found broken at COMMIT), everything is
//! rolled back and each write runs again in a transaction of its own, so that only the culprit is refused.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::statement;
use super::{control, roll_back};
use crate::changes::{self, Touched};
use crate::tx::{self, Ending};
use crate::work::{Verdict, Work};
use crate::{DbError, Options, Shared, ToValue};

pub(super) fn run(connection: Connection, shared: &Shared, options: &Options) {
    let (most_writes, longest) = if options.group_commit {
        (options.batch_writes.max(1), options.batch_time)
    } else {
        (1, Duration::ZERO)
    };
    let mut writer = Writer {
        connection,
        shared,
        most_writes,
        longest,
        poison: None,
    };
    while let Some(first) = shared.writes.next() {
        writer.write_together(first);
    }
    writer.close();
}

struct Writer<'a> {
    connection: Connection,
    shared: &'a Shared,
    most_writes: usize,
    longest: Duration,
    poison: Option<String>,
}

/// A write that ran and waits for the COMMIT.
struct Ran {
    work: Box<dyn Work>,
    ending: Ending,
    ended: Result<(), DbError>,
}

impl Ran {
    fn settle(self, shared: &Shared) {
        if self.ended.is_ok() {
            shared.topics.wake(&self.ending.signals);
        }
        self.work.settle(self.ended);
    }
}

impl Writer<'_> {
    /// Writes the log back into the database file, so that a copy of that file alone is the shop.
    fn close(self) {
        if self.poison.is_none()
            && let Err(error) =
                self.connection
                    .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        {
            tracing::warn!("The log was not written back, which the next start does: {error}");
        }
        if let Err((_, error)) = self.connection.close() {
            tracing::warn!(
                "The database did not close cleanly, which the next start repairs: {error}"
            );
        }
    }

    fn write_together(&mut self, first: Box<dyn Work>) {
        if let Err(error) = self.begin() {
            return first.settle(Err(error));
        }
        let started = Instant::now();
        let mut batch = Vec::new();
        let mut next = Some(first);
        while let Some(work) = next.take() {
            batch.push(self.write_one(work));
            if self.poison.is_some() {
                return self.give_up(batch);
            }
            if self.connection.is_autocommit() {
                return self.write_apart(batch); // SQLite rolled back everything by itself
            }
            if batch.len() < self.most_writes && started.elapsed() < self.longest {
                next = self.shared.writes.next_waiting();
            }
        }
        match self.commit(&batch) {
            Ok(()) => batch.into_iter().for_each(|ran| ran.settle(self.shared)),
            Err(DbError::UnknownCommit(reason)) => {
                for ran in batch {
                    ran.work.settle(Err(DbError::UnknownCommit(reason.clone())));
                }
            }
            Err(_) if batch.len() > 1 => self.write_apart(batch),
            Err(error) => batch
                .into_iter()
                .for_each(|ran| ran.work.settle(Err(error.clone()))),
        }
    }

    /// Runs each write again, in a transaction of its own.
    fn write_apart(&mut self, batch: Vec<Ran>) {
        if let [_only] = batch.as_slice() {
            return batch
                .into_iter()
                .for_each(|ran| ran.work.settle(lost(ran.ended)));
        }
        for Ran { work, .. } in batch {
            if let Err(error) = self.begin() {
                work.settle(Err(error));
                continue;
            }
            let ran = self.write_one(work);
            if self.poison.is_some() || self.connection.is_autocommit() {
                roll_back(&self.connection);
                ran.work.settle(lost(ran.ended));
                continue;
            }
            match self.commit(std::slice::from_ref(&ran)) {
                Ok(()) => ran.settle(self.shared),
                Err(error) => ran.work.settle(Err(error)),
            }
        }
    }

    /// The disk failed before COMMIT: nothing of this batch was written.
    fn give_up(&self, batch: Vec<Ran>) {
        roll_back(&self.connection);
        for ran in batch {
            ran.work.settle(Err(self.poisoned()));
        }
    }

    fn begin(&mut self) -> Result<(), DbError> {
        if self.poison.is_some() {
            return Err(self.poisoned());
        }
        control(&self.connection, "BEGIN IMMEDIATE").inspect_err(|error| self.beware(error))
    }

    /// Runs one write inside its SAVEPOINT.
    fn write_one(&mut self, mut work: Box<dyn Work>) -> Ran {
        let (ending, ended) = match control(&self.connection, "SAVEPOINT one_write") {
            Ok(()) => match work.run(tx::Connection::Sqlite(&self.connection)) {
                Verdict::Commit(ending) => (ending, self.release()),
                Verdict::Refused => (Ending::default(), self.take_back()),
                Verdict::Failed(error) | Verdict::Retry(error) => {
                    self.beware(&error);
                    (Ending::default(), self.take_back().and(Err(error)))
                }
            },
            Err(error) => (Ending::default(), Err(error)),
        };
        if let Err(error) = &ended {
            self.beware(error);
        }
        Ran {
            work,
            ending,
            ended,
        }
    }

    fn release(&self) -> Result<(), DbError> {
        control(&self.connection, "RELEASE one_write")
    }

    fn take_back(&self) -> Result<(), DbError> {
        if self.connection.is_autocommit() {
            return Ok(()); // already rolled back, with everything else; the caller looks
        }
        control(&self.connection, "ROLLBACK TO one_write").and_then(|()| self.release())
    }

    /// COMMITs what ran. On an error nothing is left open, and either nothing was written or it is unknown.
    fn commit(&mut self, batch: &[Ran]) -> Result<(), DbError> {
        let result = self
            .count_changes(batch)
            .and_then(|()| control(&self.connection, "COMMIT"));
        if let Err(error) = result {
            self.beware(&error);
            roll_back(&self.connection);
            return Err(match &self.poison {
                Some(reason) => DbError::UnknownCommit(reason.clone()),
                None => error,
            });
        }
        self.shared.counters.count_commit(batch.len());
        Ok(())
    }

    /// Counts what the batch changed, once for all its writes: they become visible together.
    fn count_changes(&self, batch: &[Ran]) -> Result<(), DbError> {
        let Some(watched) = self.shared.watched.get() else {
            return Ok(());
        };
        let mut touched = Touched::default();
        for ran in batch.iter().filter(|ran| ran.ended.is_ok()) {
            touched.add(ran.ending.touched);
        }
        for area in touched.areas(watched) {
            let lane = 0_i64; // there is one writer
            let values = [area.to_value(), lane.to_value()];
            statement::execute(&self.connection, changes::COUNT, &values)?;
        }
        Ok(())
    }

    /// Writes no more once the disk has failed: after a failed sync nobody knows what is on it.
    fn beware(&mut self, error: &DbError) {
        if let DbError::Unavailable(reason) | DbError::Poisoned(reason) = error
            && self.poison.is_none()
        {
            tracing::error!(
                "The disk failed under the database; nothing more is written until a restart: {reason}"
            );
            self.poison = Some(reason.clone());
        }
    }

    fn poisoned(&self) -> DbError {
        DbError::Poisoned(self.poison.clone().unwrap_or_default())
    }
}

/// What a write is told whose whole transaction SQLite rolled back.
fn lost(ended: Result<(), DbError>) -> Result<(), DbError> {
    ended.and(Err(DbError::Full))
}

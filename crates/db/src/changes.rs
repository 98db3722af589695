//! Counts of committed changes, by area: what a cache compares to know whether what it keeps still holds.
//!
//! **Invariants.** A transaction that changed a row of a watched table raises the count of the table's area, and its
//! COMMIT makes both visible at once. Counts never go down. [`crate::Db::changes`] answers with counts that were read after
//! it was asked: what was committed before, on any node or by any process of this release, is in them.
//!
//! The tables are recognised by the text of each statement, so that no writer can forget to count.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::DbError;

/// Most areas there can be.
pub const AREAS: usize = 4;
/// Lanes a count is spread over on PostgreSQL, so that writers do not wait for each other.
pub(crate) const LANES: u64 = 64;

/// The counts of all areas.
pub(crate) const READ: &str =
    "SELECT area, CAST(SUM(count) AS BIGINT) FROM change_counts GROUP BY area ORDER BY area";
/// One more change of an area.
pub(crate) const COUNT: &str = "INSERT INTO change_counts (area, lane, count) VALUES ($1, $2, 1)
     ON CONFLICT (area, lane) DO UPDATE SET count = change_counts.count + 1";

/// Which tables are watched, and under which area their changes are counted.
#[derive(Debug, Clone, Copy)]
pub struct Watched {
    /// The areas' names, at most [`AREAS`]. Plain words: they stand in statements as they are.
    pub areas: &'static [&'static str],
    /// Tables with the place of their area in `areas`.
    pub tables: &'static [(&'static str, usize)],
}

/// How often each area has changed, in the order of [`Watched::areas`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Changes([i64; AREAS]);

impl Changes {
    /// Of one area; 0 for one that is not watched.
    pub fn of(&self, area: usize) -> i64 {
        self.0.get(area).copied().unwrap_or(0)
    }

    /// Whether everything counted in `other` is counted here too.
    pub fn covers(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(own, other)| own >= other)
    }

    pub(crate) fn of_rows(watched: &Watched, rows: Vec<(String, i64)>) -> Self {
        let mut changes = Self::default();
        for (area, count) in rows {
            let place = watched.areas.iter().position(|name| *name == area);
            if let Some(slot) = place.and_then(|place| changes.0.get_mut(place)) {
                *slot = count;
            }
        }
        changes
    }
}

/// The areas a transaction has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Touched([bool; AREAS]);

impl Touched {
    pub(crate) const NOTHING: Self = Self([false; AREAS]);

    /// Notes what a statement that changed something wrote to.
    pub(crate) fn note(&mut self, watched: &Watched, sql: &str) {
        for table in written_tables(sql) {
            let found = watched.tables.iter().find(|(name, _)| *name == table);
            if let Some(slot) = found.and_then(|(_, area)| self.0.get_mut(*area)) {
                *slot = true;
            }
        }
    }

    pub(crate) fn note_area(&mut self, area: usize) {
        if let Some(slot) = self.0.get_mut(area) {
            *slot = true;
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (own, other) in self.0.iter_mut().zip(other.0) {
            *own |= other;
        }
    }

    /// The names of the areas, always in the same order: rows are locked in it.
    pub(crate) fn areas(self, watched: &Watched) -> impl Iterator<Item = &'static str> {
        let names = watched.areas.iter().copied();
        names
            .zip(self.0)
            .filter_map(|(name, is)| is.then_some(name))
    }
}

/// The tables a statement writes to: what follows `INSERT INTO`, `UPDATE` and `DELETE FROM`.
fn written_tables(sql: &str) -> impl Iterator<Item = &str> {
    let is = |word: &str, other: &str| word.eq_ignore_ascii_case(other);
    let first = sql.split_ascii_whitespace().next().unwrap_or_default();
    // A plain reading statement is not looked through. One that begins with WITH may end in a writing one.
    let text = if is(first, "SELECT") { "" } else { sql };
    let mut words = text
        .split(|c: char| c.is_ascii_whitespace() || matches!(c, '(' | ')' | ','))
        .filter(|word| !word.is_empty());
    let mut before = "";
    std::iter::from_fn(move || {
        loop {
            let word = words.next()?;
            let comes = is(word, "UPDATE")
                || is(before, "INSERT") && is(word, "INTO")
                || is(before, "DELETE") && is(word, "FROM");
            before = word;
            if comes {
                let table = words.next()?;
                before = table;
                return Some(table);
            }
        }
    })
}

/// Those who wait to be told the counts. Everybody who is waiting when a reading begins is answered by that one reading.
pub(crate) struct Board {
    line: Mutex<Line>,
    arrival: Condvar,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<oneshot::Sender<Result<Changes, DbError>>>,
    closed: bool,
}

impl Board {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            line: Mutex::default(),
            arrival: Condvar::new(),
        })
    }

    /// The counts, read after this was called.
    pub(crate) async fn ask(&self) -> Result<Changes, DbError> {
        let (answer, answered) = oneshot::channel();
        {
            let mut line = self.line();
            if line.closed {
                return Err(DbError::Closed);
            }
            line.waiting.push_back(answer);
        }
        self.arrival.notify_one();
        answered.await.unwrap_or(Err(DbError::Closed))
    }

    /// Answers until it is closed.
    pub(crate) fn serve(&self, mut read: impl FnMut() -> Result<Changes, DbError>) {
        while let Some(waiting) = self.next() {
            let counts = read();
            for answer in waiting {
                drop(answer.send(counts.clone())); // who went away needs no answer
            }
        }
        self.line().waiting.clear();
    }

    fn next(&self) -> Option<VecDeque<oneshot::Sender<Result<Changes, DbError>>>> {
        let mut line = self.line();
        while line.waiting.is_empty() && !line.closed {
            line = self
                .arrival
                .wait(line)
                .unwrap_or_else(PoisonError::into_inner);
        }
        (!line.closed).then(|| std::mem::take(&mut line.waiting))
    }

    pub(crate) fn close(&self) {
        let mut line = self.line();
        line.closed = true;
        line.waiting.clear();
        drop(line);
        self.arrival.notify_all();
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(sql: &str) -> Vec<&str> {
        written_tables(sql).collect()
    }

    #[test]
    fn the_tables_a_statement_writes_to_are_recognised() {
        assert_eq!(tables("UPDATE stock SET a = 1"), ["stock"]);
        assert_eq!(tables("INSERT INTO goods(id) VALUES ($1)"), ["goods"]);
        assert_eq!(
            tables("\n  delete from goods WHERE id IN (SELECT id FROM stock)"),
            ["goods"]
        );
        assert_eq!(
            tables(
                "INSERT INTO goods (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET id = excluded.id"
            ),
            ["goods", "SET"]
        );
        assert_eq!(
            tables("WITH gone AS (DELETE FROM a RETURNING id) INSERT INTO b SELECT id FROM gone"),
            ["a", "b"]
        );
        assert!(tables("SELECT id FROM stock").is_empty());
        assert!(tables("WITH page AS (SELECT 1) SELECT * FROM page").is_empty());
    }

    #[test]
    fn counts_cover_others_only_in_every_area() {
        let counts = |a, b| Changes([a, b, 0, 0]);
        assert!(counts(2, 2).covers(&counts(2, 1)));
        assert!(!counts(3, 1).covers(&counts(2, 2)));
    }
}

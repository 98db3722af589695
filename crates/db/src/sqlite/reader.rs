//! A thread that reads. Its transactions see one moment of the database from beginning to end.

use rusqlite::Connection;

use super::{control, roll_back};
use crate::work::{Verdict, Work};
use crate::{DbError, Shared, tx};

pub(super) fn run(connection: &Connection, shared: &Shared) {
    while let Some(mut work) = shared.reads.next() {
        if work.is_abandoned() {
            continue;
        }
        shared.counters.count_read();
        let ended = read(connection, work.as_mut());
        roll_back(connection);
        work.settle(ended);
    }
}

fn read(connection: &Connection, work: &mut dyn Work) -> Result<(), DbError> {
    control(connection, "BEGIN")?;
    match work.run(tx::Connection::Sqlite(connection)) {
        Verdict::Commit(_) | Verdict::Refused => Ok(()),
        Verdict::Failed(error) | Verdict::Retry(error) => Err(error),
    }
}

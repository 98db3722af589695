//! A copy of the database of one moment, taken while others write.
//!
//! The source is read inside one transaction from beginning to end, so the copy never starts anew however much is written
//! meanwhile, and nobody waits for it. What is written meanwhile stays in the `-wal` file until the copy is done.

use std::fs::{File, OpenOptions};
use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::connect_reader;
use crate::snapshot::{Progress, SnapshotError};

/// Pages copied between two words about progress.
const STEP: i32 = 256;

/// Copies the database at `from` into the new file `to`. A copy that does not come about leaves no file.
pub(crate) fn take(
    from: &Path,
    to: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), SnapshotError> {
    create(to)?;
    let taken = copy(from, to, progress)
        .and_then(|()| check(to))
        .and_then(|()| settle(to));
    taken.inspect_err(|_| {
        if let Err(error) = std::fs::remove_file(to) {
            tracing::warn!("{} is left over, unfinished: {error}", to.display());
        }
    })
}

/// Makes the file, for its owner alone; one that is there already is not touched.
fn create(to: &Path) -> Result<(), SnapshotError> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(to)
        .map(drop)
        .map_err(|error| SnapshotError::cannot_write(to, &error))
}

fn copy(from: &Path, to: &Path, progress: &mut dyn FnMut(Progress)) -> Result<(), SnapshotError> {
    let source = connect_reader(from).map_err(|error| SnapshotError::Failed(error.to_string()))?;
    let mut target = target(to)?;
    // The first read fixes the moment.
    source.execute_batch("BEGIN; SELECT COUNT(*) FROM sqlite_schema;")?;
    {
        let backup = Backup::new(&source, &mut target)?;
        loop {
            let step = backup.step(STEP)?;
            let seen = backup.progress();
            let total = u64::try_from(seen.pagecount).unwrap_or_default();
            let left = u64::try_from(seen.remaining).unwrap_or_default();
            progress(Progress {
                done: total.saturating_sub(left),
                total,
            });
            if step == StepResult::Done {
                break;
            }
            if step != StepResult::More {
                return Err(SnapshotError::Failed(
                    "another program uses the copy".to_owned(),
                ));
            }
        }
    }
    source.execute_batch("ROLLBACK")?;
    // One file, without a `-wal` beside it. The shop turns it back when it opens the file.
    target.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    target.close().map_err(|(_, error)| error.into())
}

fn target(to: &Path) -> Result<Connection, SnapshotError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(to, flags)?)
}

fn check(copy: &Path) -> Result<(), SnapshotError> {
    let connection = target(copy)?;
    let found = faults(&connection)?;
    if found.is_empty() {
        Ok(())
    } else {
        Err(SnapshotError::Damaged(found.join("; ")))
    }
}

/// What SQLite finds wrong with a file: nothing, for a sound one.
fn faults(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("PRAGMA integrity_check(10)")?;
    let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut faults: Vec<String> = lines.collect::<Result<_, _>>()?;
    faults.retain(|line| line != "ok");
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = statement.query([])?;
    if let Some(row) = rows.next()? {
        let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
        faults.push(format!(
            "a row of {table} refers to a row of {parent} that is not there"
        ));
    }
    Ok(faults)
}

/// Looks for damage in the database at `path`.
pub(crate) fn examine(path: &Path) -> Result<Vec<String>, SnapshotError> {
    let connection =
        connect_reader(path).map_err(|error| SnapshotError::Failed(error.to_string()))?;
    match faults(&connection) {
        Ok(faults) => Ok(faults),
        Err(error) => Ok(vec![error.to_string()]),
    }
}

/// Brings the file and its name to the disk.
fn settle(to: &Path) -> Result<(), SnapshotError> {
    let synced = File::open(to).and_then(|file| file.sync_all());
    synced.map_err(|error| SnapshotError::cannot_write(to, &error))?;
    #[cfg(unix)]
    if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| SnapshotError::cannot_write(to, &error))?;
    }
    Ok(())
}

impl From<rusqlite::Error> for SnapshotError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

//! SQLite: one thread that writes, several that read.
//!
//! **Invariants.** One connection writes, and it alone checkpoints. Every write transaction is `BEGIN IMMEDIATE` in WAL
//! mode with `synchronous=FULL`, and is answered only after its COMMIT returned.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::work::OnDuty;
use crate::{DbError, Options, Shared};

mod errors;
mod reader;
pub(crate) mod snapshot;
pub(crate) mod statement;
pub(crate) mod values;
mod writer;

/// Older releases can damage a WAL database when two connections write and checkpoint at once.
const OLDEST_VERSION: i32 = 3_051_003;

/// Opens the file and starts its threads.
pub(crate) fn open(
    path: &Path,
    options: &Options,
    shared: &Arc<Shared>,
) -> Result<Vec<JoinHandle<()>>, DbError> {
    check_version(rusqlite::version_number(), rusqlite::version())?;
    let cannot_open = |error: &dyn std::fmt::Display| {
        DbError::Open(format!(
            "cannot open the database {}: {error}. Does its folder exist, and may this user write there?",
            path.display()
        ))
    };
    create_private(path).map_err(|error| cannot_open(&error))?;
    let write = connect_writer(path, options).map_err(|error| cannot_open(&error))?;

    let mut readers = Vec::new();
    for _ in 0..options.readers.max(1) {
        readers.push(connect_reader(path).map_err(|error| cannot_open(&error))?);
    }

    let mut threads = Vec::new();
    for (number, connection) in (1_u32..).zip(readers) {
        let shared = Arc::clone(shared);
        threads.push(start(format!("db-read-{number}"), move || {
            let _guard = OnDuty(&shared.reads);
            reader::run(&connection, &shared);
        })?);
    }
    let shared = Arc::clone(shared);
    let options = options.clone();
    threads.push(start("db-write".to_owned(), move || {
        let _guard = OnDuty(&shared.writes);
        writer::run(write, &shared, &options);
    })?);
    Ok(threads)
}

fn start(name: String, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, DbError> {
    let thread = std::thread::Builder::new().name(name).spawn(body);
    thread.map_err(|error| DbError::Open(format!("cannot start a database thread: {error}")))
}

fn check_version(number: i32, name: &str) -> Result<(), DbError> {
    if number < OLDEST_VERSION {
        return Err(DbError::Open(format!(
            "this build contains SQLite {name}, which can damage databases; build it with SQLite 3.51.3 or newer"
        )));
    }
    Ok(())
}

/// Makes sure that a new file can be read by its owner alone: it will hold customers' data. SQLite gives the WAL and the
/// shared memory file the same permissions.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(crate::limits::LOCK_TIME)?;
    connection.set_prepared_statement_cache_capacity(crate::limits::STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // "x" is a column, never a text, as on PostgreSQL.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    connection.execute_batch(
        "PRAGMA foreign_keys = ON; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;",
    )?;
    Ok(connection)
}

fn connect_writer(path: &Path, options: &Options) -> Result<Connection, DbError> {
    let open = || -> rusqlite::Result<(Connection, String)> {
        let connection = connect(path)?;
        let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        connection.execute_batch(
            // Checkpoints at 8,000 pages (32 MB): at SQLite's usual 1,000 a busy writer spends a fifth of its time on them.
            "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
             PRAGMA wal_autocheckpoint = 8000; PRAGMA journal_size_limit = 67108864;",
        )?;
        Ok((connection, mode))
    };
    let (connection, mode) =
        open().map_err(|error| errors::from_sqlite(&error, "opening the database"))?;
    if mode != "wal" {
        return Err(DbError::Open(format!(
            "its file system does not support write-ahead logging (journal mode stayed {mode}); use a local disk"
        )));
    }
    if let Some(pages) = options.sqlite_page_limit {
        let limit = connection
            .pragma_update_and_check(None, "max_page_count", pages, |row| row.get::<_, i64>(0));
        limit.map_err(|error| errors::from_sqlite(&error, "limiting the database"))?;
    }
    Ok(connection)
}

pub(crate) fn connect_reader(path: &Path) -> Result<Connection, DbError> {
    let open = || -> rusqlite::Result<Connection> {
        let connection = connect(path)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.execute_batch("PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0;")?;
        Ok(connection)
    };
    open().map_err(|error| errors::from_sqlite(&error, "opening the database"))
}

/// Runs a `BEGIN`, `COMMIT` and the like.
fn control(connection: &Connection, sql: &'static str) -> Result<(), DbError> {
    let run = || connection.prepare_cached(sql)?.raw_execute();
    run()
        .map(drop)
        .map_err(|error| errors::from_sqlite(&error, sql))
}

/// Ends whatever transaction is still open; there may be none, when SQLite has rolled back by itself.
fn roll_back(connection: &Connection) {
    if !connection.is_autocommit()
        && let Err(error) = control(connection, "ROLLBACK")
    {
        tracing::error!("A rollback failed: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_that_can_damage_databases_is_refused() {
        assert!(check_version(3_051_002, "3.51.2").is_err());
        assert_eq!(check_version(3_051_003, "3.51.3"), Ok(()));
        assert_eq!(
            check_version(rusqlite::version_number(), rusqlite::version()),
            Ok(())
        );
    }
}

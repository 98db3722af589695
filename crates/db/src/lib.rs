//! Transactions as closures on SQLite and PostgreSQL, group commit, migrations and the test databases.
//!
//! ```no_run
//! # async fn example() -> Result<(), db::DbError> {
//! use db::{Db, Location, Options, params};
//!
//! let db = Db::open(&Location::parse("shop.sqlite"), &Options::default())?;
//! let left: i64 = db
//!     .write(|tx| {
//!         let (left,) = tx.query_one(
//!             "UPDATE stock SET on_hand = on_hand - $1 WHERE sku = $2 AND on_hand >= $1 RETURNING on_hand",
//!             params![2_i64, "tea"],
//!         )?;
//!         Ok::<_, db::DbError>(left)
//!     })
//!     .await?;
//! # Ok(()) }
//! ```
//!
//! **Invariants.** A transaction is a closure on a thread of this crate: no caller can abandon it half way, and nothing
//! can be awaited inside it. It is answered only after its COMMIT. One SQL text runs on both databases; a statement that
//! fails ends the transaction on both; text is ordered by its bytes on both.
//!
//! Deliberately not here: an ORM, a query builder, a choice of isolation levels.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

mod changes;
mod counters;
mod error;
pub mod limits;
mod migrate;
mod postgres;
mod row;
mod snapshot;
mod sqlite;
#[cfg(feature = "testing")]
pub mod testing;
mod tx;
mod work;

pub use changes::{AREAS, Changes, Watched};
pub use counters::Stats;
pub use error::DbError;
pub use kernel::stored::{FromValue, StoredError, ToValue, Value};
pub use migrate::{Migration, MigrationReport};
pub use row::{FromRow, Row, in_list};
pub use snapshot::{Progress, SnapshotError};
pub use tx::Tx;

use counters::{Counters, Topics};
use work::{Queue, Task};

/// Which database is behind a [`Db`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, in this process.
    Sqlite,
    /// PostgreSQL, or a server that speaks its protocol.
    Postgres,
}

/// Where the database is.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A SQLite file. It is made if it does not exist; its folder is not.
    Sqlite(PathBuf),
    /// A PostgreSQL URL, `postgres://user:password@host:5432/name`.
    ///
    /// A server on another machine is reached through TLS with its certificate and name checked, against the public
    /// authorities or those in `?sslrootcert=/path/to/ca.pem`. `?sslmode=disable` gives that up.
    Postgres(String),
}

impl Location {
    /// A `postgres://` or `postgresql://` URL, or else the path of a SQLite file.
    pub fn parse(text: &str) -> Self {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Self::Postgres(text.to_owned())
        } else {
            Self::Sqlite(PathBuf::from(text.strip_prefix("sqlite:").unwrap_or(text)))
        }
    }
}

impl fmt::Debug for Location {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "Sqlite({})", path.display()),
            Self::Postgres(_) => f.write_str("Postgres(…)"),
        }
    }
}

/// How the database is used. The default suits a shop; see [`limits`] for the numbers.
#[derive(Debug, Clone)]
pub struct Options {
    /// SQLite: whether writes that wait together share one COMMIT.
    pub group_commit: bool,
    /// SQLite: most writes in one COMMIT.
    pub batch_writes: usize,
    /// SQLite: how long a COMMIT may be put off to take further waiting writes along.
    pub batch_time: Duration,
    /// SQLite: most pages of 4 KiB the file may have, if it is to be limited.
    pub sqlite_page_limit: Option<u32>,
    /// Threads that read, each with its connection.
    pub readers: usize,
    /// PostgreSQL: threads that write, each with its connection. SQLite always has one.
    pub writers: usize,
    /// Most writes, and most reads, that may wait in line.
    pub queue: usize,
    /// How long each may wait in line.
    pub queue_wait: Duration,
    /// PostgreSQL: how often a transaction is tried before [`DbError::Conflict`].
    pub attempts: u32,
    /// PostgreSQL: how long one statement may run.
    pub statement_time: Duration,
    /// PostgreSQL: how long a statement may wait for a lock.
    pub lock_time: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            group_commit: true,
            batch_writes: limits::BATCH_WRITES,
            batch_time: limits::BATCH_TIME,
            sqlite_page_limit: None,
            readers: limits::READERS,
            writers: limits::WRITERS,
            queue: limits::QUEUE,
            queue_wait: limits::QUEUE_WAIT,
            attempts: limits::ATTEMPTS,
            statement_time: limits::STATEMENT_TIME,
            lock_time: limits::LOCK_TIME,
        }
    }
}

/// The database. Clones share it; it closes when the last one is dropped, after the work that was already accepted.
#[derive(Clone)]
pub struct Db {
    handle: Arc<Handle>,
}

struct Handle {
    engine: Engine,
    location: Location,
    options: Options,
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    counts: Mutex<Option<CountReader>>,
}

/// How the counts of changes are read, once somebody asks for them.
#[derive(Clone)]
enum CountReader {
    /// Read where it is asked: a few pages of shared memory, less work than waking another thread.
    Sqlite(Arc<Mutex<rusqlite::Connection>>),
    Postgres(Arc<changes::Board>),
}

/// What the callers and the database threads share.
struct Shared {
    reads: Queue,
    writes: Queue,
    counters: Counters,
    topics: Topics,
    watched: OnceLock<Watched>,
}

impl Db {
    /// Opens the database and starts its threads. The first connection is made before this returns.
    pub fn open(location: &Location, options: &Options) -> Result<Self, DbError> {
        let queue = || Queue::new(options.queue, options.queue_wait);
        let shared = Arc::new(Shared {
            reads: queue(),
            writes: queue(),
            counters: Counters::default(),
            topics: Topics::default(),
            watched: OnceLock::new(),
        });
        let opened = match location {
            Location::Sqlite(path) => {
                sqlite::open(path, options, &shared).map(|threads| (Engine::Sqlite, threads))
            }
            Location::Postgres(url) => {
                postgres::open(url, options, &shared).map(|threads| (Engine::Postgres, threads))
            }
        };
        let (engine, threads) = opened.inspect_err(|_| shared.close())?;
        Ok(Self {
            handle: Arc::new(Handle {
                engine,
                location: location.clone(),
                options: options.clone(),
                shared,
                threads: Mutex::new(threads),
                counts: Mutex::default(),
            }),
        })
    }

    /// Which database this is.
    pub fn engine(&self) -> Engine {
        self.handle.engine
    }

    /// Runs a transaction that only reads, and sees one moment of the database from beginning to end.
    ///
    /// The closure may run more than once; it owns what it uses and changes nothing outside.
    pub async fn read<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        submit(&self.handle.shared, Line::Reads, closure).await
    }

    /// Runs a transaction that writes: the closure's `Ok` commits, its `Err` (or a panic) rolls back.
    ///
    /// The closure may run more than once, after a conflict with others; it is deterministic in what it owns, and changes
    /// nothing outside. Dropping the future does not undo a write that was already in line.
    pub async fn write<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        submit(&self.handle.shared, Line::Writes, closure).await
    }

    /// Brings the tables up to date: runs each migration that has not run yet, in order, each in its own transaction.
    ///
    /// Refuses a list that contradicts what has run: a changed migration, a missing one, a database of a newer release.
    /// Several processes may migrate at once; each migration runs once.
    pub async fn migrate(&self, migrations: &[Migration]) -> Result<MigrationReport, DbError> {
        migrate::run(self, migrations).await
    }

    /// The version of the newest migration that has run; 0 for an empty database.
    pub async fn schema_version(&self) -> Result<u32, DbError> {
        migrate::version(self).await
    }

    /// Wakes its waiters whenever a transaction that called [`Tx::signal`] with this topic has committed in this process.
    pub fn signal(&self, topic: &'static str) -> Arc<Notify> {
        self.handle.shared.topics.get(topic)
    }

    /// From now on counts the changes of these tables (see [`Changes`]). What is watched is decided once.
    pub fn watch(&self, watched: Watched) {
        self.handle.shared.watched.get_or_init(|| watched);
    }

    /// How often each watched area has changed, as of a moment after this was called: a change whose write was answered
    /// before, by any process, is in it. One statement outside of any transaction; on PostgreSQL all who ask meanwhile
    /// share one.
    pub async fn changes(&self) -> Result<Changes, DbError> {
        let shared = &self.handle.shared;
        let Some(watched) = shared.watched.get() else {
            return Ok(Changes::default());
        };
        match self.count_reader()? {
            CountReader::Sqlite(connection) => {
                let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                shared.counters.count_statements(1);
                let rows = sqlite::statement::query(&connection, changes::READ, &[])?;
                Ok(Changes::of_rows(watched, rows))
            }
            CountReader::Postgres(board) => board.ask().await,
        }
    }

    fn count_reader(&self) -> Result<CountReader, DbError> {
        let handle = &*self.handle;
        let mut reader = handle.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if handle.shared.reads.is_closed() {
            return Err(DbError::Closed);
        }
        if let Some(reader) = &*reader {
            return Ok(reader.clone());
        }
        let made = match &handle.location {
            Location::Sqlite(path) => {
                CountReader::Sqlite(Arc::new(Mutex::new(sqlite::connect_reader(path)?)))
            }
            Location::Postgres(url) => {
                let board = changes::Board::new();
                let thread = postgres::count_on(url, &handle.options, &handle.shared, &board)?;
                let mut threads = handle
                    .threads
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                threads.push(thread);
                CountReader::Postgres(board)
            }
        };
        *reader = Some(made.clone());
        Ok(made)
    }

    /// Figures for the operator.
    pub fn stats(&self) -> Stats {
        let Shared {
            reads,
            writes,
            counters,
            ..
        } = &*self.handle.shared;
        counters.stats(reads.len(), writes.len())
    }

    /// Takes no more work, waits for what was accepted, and closes. For a graceful stop.
    pub async fn close(&self) {
        self.handle.close();
        let threads = std::mem::take(
            &mut *self
                .handle
                .threads
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        let joined = tokio::task::spawn_blocking(move || {
            threads
                .into_iter()
                .filter_map(|thread| thread.join().err())
                .count()
        });
        if !matches!(joined.await, Ok(0)) {
            tracing::error!("A database thread had died before the database was closed");
        }
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Db({:?})", self.handle.engine)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

impl Handle {
    fn close(&self) {
        self.shared.close();
        let reader = self
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(CountReader::Postgres(board)) = reader {
            board.close();
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Reads,
    Writes,
}

impl Shared {
    fn close(&self) {
        self.reads.close();
        self.writes.close();
    }
}

async fn submit<T, E, F>(shared: &Arc<Shared>, line: Line, mut closure: F) -> Result<T, E>
where
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    let (answer, answered) = oneshot::channel();
    let counted = {
        let shared = Arc::clone(shared);
        move |tx: &mut Tx<'_>| {
            tx.watch(shared.watched.get().copied(), line == Line::Writes);
            let result = closure(tx);
            shared.counters.count_statements(tx.statements());
            result
        }
    };
    let queue = match line {
        Line::Reads => &shared.reads,
        Line::Writes => &shared.writes,
    };
    queue.push(Box::new(Task::new(counted, answer)))?;
    match answered.await {
        Ok(result) => result,
        Err(_) => Err(DbError::Closed.into()),
    }
}

//! Every limit of this crate, in one place.

use std::time::Duration;

/// Writes, and reads, that may wait in line; one more is answered [`crate::DbError::Busy`] at once.
pub const QUEUE: usize = 1_024;
/// How long a piece of work may wait in line before it is answered [`crate::DbError::Busy`] without being started.
pub const QUEUE_WAIT: Duration = Duration::from_secs(10);
/// Most writes that share one COMMIT on SQLite.
pub const BATCH_WRITES: usize = 128;
/// How long a COMMIT on SQLite may be put off to take further writes along.
pub const BATCH_TIME: Duration = Duration::from_millis(5);
/// How often a transaction runs before a conflict with others is reported.
pub const ATTEMPTS: u32 = 8;
/// Half the pause before a transaction runs again after a conflict; doubled each time.
pub const RETRY_PAUSE: Duration = Duration::from_millis(4);
/// Threads and connections for reading.
pub const READERS: usize = 8;
/// Threads and connections for writing on PostgreSQL. More make a contended row slower, not faster.
pub const WRITERS: usize = 8;
/// Prepared statements kept per connection.
pub const STATEMENTS: usize = 512;
/// How long one statement may run on PostgreSQL.
pub const STATEMENT_TIME: Duration = Duration::from_secs(10);
/// How long a statement may wait for a lock on PostgreSQL, or a transaction for another process on SQLite.
pub const LOCK_TIME: Duration = Duration::from_secs(2);
/// How long a transaction may sit idle between statements on PostgreSQL.
pub const IDLE_TIME: Duration = Duration::from_secs(5);
/// How long connecting to PostgreSQL may take.
pub const CONNECT_TIME: Duration = Duration::from_secs(5);
/// The longest pause before trying again to reach a PostgreSQL server that is away.
pub const RECONNECT_PAUSE: Duration = Duration::from_secs(2);

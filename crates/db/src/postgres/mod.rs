//! PostgreSQL: threads that write and threads that read, each with its own connection.
//!
//! **Invariants.** A connection is used by its own thread alone and never on a thread of the async runtime. It is inside a
//! transaction only while its thread runs one; whatever does not end in a clean COMMIT or ROLLBACK closes it. A lost
//! COMMIT is reported as unknown, never as done or not done.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use kernel::stored::Value;
use postgres::types::ToSql;
use postgres::{Client, Statement};

use crate::row::{Row, Source};
use crate::work::OnDuty;
use crate::{DbError, FromRow, Options, Shared, changes, limits};

mod connect;
mod counts;
mod errors;
pub(crate) mod values;
mod worker;

#[cfg(feature = "testing")]
pub(crate) use connect::Target;
pub(crate) use counts::count_on;

/// Starts the threads, and waits until the first of them has connected.
pub(crate) fn open(
    url: &str,
    options: &Options,
    shared: &Arc<Shared>,
) -> Result<Vec<JoinHandle<()>>, DbError> {
    let target = Arc::new(connect::Target::parse(url, options)?);
    let (connected, first) = mpsc::channel();
    let mut threads = Vec::new();
    // Writers of one process count in lanes of their own; those of two processes seldom share one.
    let base = RandomState::new().build_hasher().finish();
    let kinds = [
        (worker::Kind::Write, options.writers.max(1)),
        (worker::Kind::Read, options.readers.max(1)),
    ];
    for (kind, count) in kinds {
        for number in (1_u64..).take(count) {
            let (target, shared, options) =
                (Arc::clone(&target), Arc::clone(shared), options.clone());
            let connected = if threads.is_empty() {
                Some(connected.clone())
            } else {
                None
            };
            let lane = (base.wrapping_add(number)) % changes::LANES;
            let body = move || {
                let queue = kind.queue(&shared);
                let _guard = OnDuty(queue);
                worker::Worker::new((&target, &shared, &options), kind, lane).run(connected);
            };
            let thread = std::thread::Builder::new()
                .name(format!("db-{kind}-{number}"))
                .spawn(body);
            threads.push(thread.map_err(|error| {
                DbError::Open(format!("cannot start a database thread: {error}"))
            })?);
        }
    }
    match first.recv() {
        Ok(Ok(())) => Ok(threads),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(DbError::Open(
            "a database thread died while it connected".to_owned(),
        )),
    }
}

/// A connection and the statements prepared on it.
pub(crate) struct Session {
    client: Client,
    statements: HashMap<String, Statement>,
}

impl Session {
    fn new(client: Client) -> Self {
        Self {
            client,
            statements: HashMap::new(),
        }
    }

    pub(crate) fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, DbError> {
        let statement = self.prepare(sql, params)?;
        let params = values::params(params);
        let result = self.client.execute(&statement, &values::borrow(&params));
        result.map_err(|error| self.failed(&error, sql))
    }

    pub(crate) fn query<T: FromRow>(
        &mut self,
        sql: &str,
        params: &[Value],
    ) -> Result<Vec<T>, DbError> {
        let statement = self.prepare(sql, params)?;
        let params = values::params(params);
        let borrowed: Vec<&(dyn ToSql + Sync)> = values::borrow(&params);
        let rows = self
            .client
            .query(&statement, &borrowed)
            .map_err(|error| self.failed(&error, sql))?;
        rows.iter()
            .map(|row| T::from_row(&Row(Source::Postgres(row))))
            .collect()
    }

    /// Runs statements without parameters, and drops what they answer.
    pub(crate) fn batch(&mut self, sql: &str) -> Result<(), DbError> {
        self.client
            .batch_execute(sql)
            .map_err(|error| self.failed(&error, sql))
    }

    fn prepare(&mut self, sql: &str, params: &[Value]) -> Result<Statement, DbError> {
        let statement = if let Some(statement) = self.statements.get(sql) {
            statement.clone()
        } else {
            let statement = self
                .client
                .prepare(sql)
                .map_err(|error| self.failed(&error, sql))?;
            if self.statements.len() >= limits::STATEMENTS {
                self.statements.clear();
            }
            self.statements.insert(sql.to_owned(), statement.clone());
            statement
        };
        let (expected, given) = (statement.params().len(), params.len());
        if expected == given {
            Ok(statement)
        } else {
            Err(DbError::Parameters { expected, given })
        }
    }

    /// Translates an error. Plans made before a migration of another node are forgotten, and the transaction runs again.
    fn failed(&mut self, error: &postgres::Error, sql: &str) -> DbError {
        if errors::is_stale_plan(error) {
            self.statements.clear();
        }
        errors::from_postgres(error, sql)
    }

    fn is_broken(&self) -> bool {
        self.client.is_closed()
    }
}

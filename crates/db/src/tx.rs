//! A transaction as its closure sees it.

use kernel::stored::Value;

use crate::row::check_params;
use crate::{DbError, Engine, FromRow, postgres, sqlite};

/// An open transaction. It ends when its closure returns: `Ok` commits, `Err` rolls back.
///
/// **A statement that fails ends the transaction**, on both databases: turn its error into your own and return it. Going
/// on, or returning `Ok`, gives [`DbError::Aborted`]. Where a clash is an expected outcome and not the end, write it as
/// `ON CONFLICT … DO NOTHING` or as a guarded `UPDATE`, and look at the number of rows.
pub struct Tx<'a> {
    connection: Connection<'a>,
    failure: Option<DbError>,
    signals: Vec<&'static str>,
    statements: u64,
    #[cfg(feature = "testing")]
    recorded: Option<Vec<(String, Vec<Value>)>>,
}

pub(crate) enum Connection<'a> {
    Sqlite(&'a rusqlite::Connection),
    Postgres(&'a mut postgres::Session),
}

impl<'a> Tx<'a> {
    pub(crate) const fn new(connection: Connection<'a>) -> Self {
        Self {
            connection,
            failure: None,
            signals: Vec::new(),
            statements: 0,
            #[cfg(feature = "testing")]
            recorded: None,
        }
    }

    /// Runs a statement and says how many rows it inserted, changed or deleted.
    pub fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, DbError> {
        self.check(sql, params)?;
        let result = match &mut self.connection {
            Connection::Sqlite(connection) => sqlite::statement::execute(connection, sql, params),
            Connection::Postgres(session) => session.execute(sql, params),
        };
        self.remember(result)
    }

    /// Runs a statement and reads every row it returns.
    pub fn query<T: FromRow>(&mut self, sql: &str, params: &[Value]) -> Result<Vec<T>, DbError> {
        self.check(sql, params)?;
        let result = match &mut self.connection {
            Connection::Sqlite(connection) => sqlite::statement::query(connection, sql, params),
            Connection::Postgres(session) => session.query(sql, params),
        };
        self.remember(result)
    }

    /// Runs a statement that returns one row or none. More than one is an error.
    pub fn query_opt<T: FromRow>(
        &mut self,
        sql: &str,
        params: &[Value],
    ) -> Result<Option<T>, DbError> {
        let mut rows = self.query(sql, params)?;
        match (rows.pop(), rows.is_empty()) {
            (row, true) => Ok(row),
            (_, false) => Err(DbError::TooManyRows),
        }
    }

    /// Runs a statement that returns exactly one row. None, or more than one, is an error.
    pub fn query_one<T: FromRow>(&mut self, sql: &str, params: &[Value]) -> Result<T, DbError> {
        self.query_opt(sql, params)?.ok_or(DbError::NoRow)
    }

    /// Which database this is. SQL that differs hides in `db` or in `search`, with a test for each.
    pub const fn engine(&self) -> Engine {
        match self.connection {
            Connection::Sqlite(_) => Engine::Sqlite,
            Connection::Postgres(_) => Engine::Postgres,
        }
    }

    /// Wakes whoever waits for `topic` in this process, if and when this transaction commits (see [`crate::Db::signal`]).
    pub fn signal(&mut self, topic: &'static str) {
        if !self.signals.contains(&topic) {
            self.signals.push(topic);
        }
    }

    /// Runs a text of several statements without parameters: migrations.
    pub(crate) fn batch(&mut self, sql: &str) -> Result<(), DbError> {
        self.check(sql, &[])?;
        let result = match &mut self.connection {
            Connection::Sqlite(connection) => sqlite::statement::batch(connection, sql),
            Connection::Postgres(session) => session.batch(sql),
        };
        self.remember(result)
    }

    /// How many statements it has run so far.
    pub(crate) const fn statements(&self) -> u64 {
        self.statements
    }

    /// How the transaction went: what ended it, if a statement did, and whom to wake once it is committed.
    pub(crate) fn into_parts(self) -> (Option<DbError>, Vec<&'static str>) {
        (self.failure, self.signals)
    }

    /// From now on remembers the statements it runs, for tests that look at how they are answered.
    #[cfg(feature = "testing")]
    pub fn record(&mut self) {
        self.recorded = Some(Vec::new());
    }

    /// The statements run since [`Self::record`], with their parameters; nothing is remembered any more.
    #[cfg(feature = "testing")]
    pub fn recorded(&mut self) -> Vec<(String, Vec<Value>)> {
        self.recorded.take().unwrap_or_default()
    }

    #[cfg_attr(
        not(feature = "testing"),
        expect(unused_variables, reason = "the text is remembered for tests only")
    )]
    fn check(&mut self, sql: &str, params: &[Value]) -> Result<(), DbError> {
        self.statements = self.statements.saturating_add(1);
        #[cfg(feature = "testing")]
        if let Some(recorded) = &mut self.recorded {
            recorded.push((sql.to_owned(), params.to_vec()));
        }
        match &self.failure {
            // A conflict keeps its own name, so that a closure which looks at it still sees one.
            Some(failure) if failure.is_retryable() => Err(failure.clone()),
            Some(failure) => Err(DbError::Aborted(failure.to_string())),
            None => check_params(params),
        }
    }

    fn remember<T>(&mut self, result: Result<T, DbError>) -> Result<T, DbError> {
        if let Err(error) = &result {
            self.failure = Some(error.clone());
        }
        result
    }
}

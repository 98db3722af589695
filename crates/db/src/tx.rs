//! A transaction as its closure sees it.

use kernel::stored::Value;

use crate::changes::{self, Touched};
use crate::row::check_params;
use crate::{Changes, DbError, Engine, FromRow, Watched, postgres, sqlite};

/// An open transaction. It ends when its closure returns: `Ok` commits, `Err` rolls back.
///
/// **A statement that fails ends the transaction**, on both databases: turn its error into your own and return it. Going
/// on, or returning `Ok`, gives [`DbError::Aborted`]. Where a clash is an expected outcome and not the end, write it as
/// `ON CONFLICT … DO NOTHING` or as a guarded `UPDATE`, and look at the number of rows.
pub struct Tx<'a> {
    connection: Connection<'a>,
    failure: Option<DbError>,
    signals: Vec<&'static str>,
    watched: Option<Watched>,
    counts: bool,
    touched: Touched,
    statements: u64,
    #[cfg(feature = "testing")]
    recorded: Option<Vec<(String, Vec<Value>)>>,
}

pub(crate) enum Connection<'a> {
    Sqlite(&'a rusqlite::Connection),
    Postgres(&'a mut postgres::Session),
}

/// What goes with a COMMIT.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    /// Whom to wake after it.
    pub(crate) signals: Vec<&'static str>,
    /// Which areas to count a change of before it.
    pub(crate) touched: Touched,
}

impl<'a> Tx<'a> {
    pub(crate) const fn new(connection: Connection<'a>) -> Self {
        Self {
            connection,
            failure: None,
            signals: Vec::new(),
            watched: None,
            counts: false,
            touched: Touched::NOTHING,
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
        self.count(sql, matches!(result, Ok(1..)));
        self.remember(result)
    }

    /// Runs a statement and reads every row it returns.
    pub fn query<T: FromRow>(&mut self, sql: &str, params: &[Value]) -> Result<Vec<T>, DbError> {
        self.check(sql, params)?;
        let result = match &mut self.connection {
            Connection::Sqlite(connection) => sqlite::statement::query(connection, sql, params),
            Connection::Postgres(session) => session.query(sql, params),
        };
        self.count(sql, result.as_ref().is_ok_and(|rows| !rows.is_empty()));
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

    /// How often each watched area has changed, as this transaction sees it: it goes with everything else it reads.
    pub fn changes(&mut self) -> Result<Changes, DbError> {
        let Some(watched) = self.watched else {
            return Ok(Changes::default());
        };
        let rows = self.query(changes::READ, &[])?;
        Ok(Changes::of_rows(&watched, rows))
    }

    /// Runs statements whose changes no page shows, and counts none of them. Whoever uses it decides what is worth a
    /// count, and counts it with [`Tx::count_change`]: a change that shows and is not counted stays unseen.
    pub fn uncounted<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        let counts = std::mem::replace(&mut self.counts, false);
        let result = run(self);
        self.counts = counts;
        result
    }

    /// Counts a change of an area, whatever the statements of this transaction say.
    pub fn count_change(&mut self, area: usize) {
        self.touched.note_area(area);
    }

    /// Knows from now on what is watched, and counts what this transaction changes of it if it writes.
    pub(crate) const fn watch(&mut self, watched: Option<Watched>, counts: bool) {
        self.watched = watched;
        self.counts = counts;
    }

    fn count(&mut self, sql: &str, did_something: bool) {
        if let (true, true, Some(watched)) = (self.counts, did_something, &self.watched) {
            self.touched.note(watched, sql);
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

    /// How the transaction went: what ended it, if a statement did, and what goes with its COMMIT.
    pub(crate) fn into_parts(self) -> (Option<DbError>, Ending) {
        let ending = Ending {
            signals: self.signals,
            touched: self.touched,
        };
        (self.failure, ending)
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

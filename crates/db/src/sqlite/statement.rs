//! Statements on an open SQLite transaction.

use kernel::stored::Value;
use rusqlite::{CachedStatement, Connection};

use super::errors::from_sqlite;
use super::values::Param;
use crate::row::{Row, Source};
use crate::{DbError, FromRow};

pub(crate) fn execute(
    connection: &Connection,
    sql: &str,
    params: &[Value],
) -> Result<u64, DbError> {
    let mut statement = prepare(connection, sql, params)?;
    let before = connection.total_changes();
    let mut rows = statement.raw_query();
    // RETURNING is allowed here too, as on PostgreSQL.
    while rows
        .next()
        .map_err(|error| from_sqlite(&error, sql))?
        .is_some()
    {}
    // `changes` speaks of the last INSERT, UPDATE or DELETE, which need not be this statement.
    Ok(if connection.total_changes() == before {
        0
    } else {
        connection.changes()
    })
}

pub(crate) fn query<T: FromRow>(
    connection: &Connection,
    sql: &str,
    params: &[Value],
) -> Result<Vec<T>, DbError> {
    let mut statement = prepare(connection, sql, params)?;
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(|error| from_sqlite(&error, sql))? {
        found.push(T::from_row(&Row(Source::Sqlite(row)))?);
    }
    Ok(found)
}

pub(crate) fn batch(connection: &Connection, sql: &str) -> Result<(), DbError> {
    connection
        .execute_batch(sql)
        .map_err(|error| from_sqlite(&error, sql))
}

/// Prepares and binds. SQLite numbers `$n` by first appearance, so each is bound by its name.
fn prepare<'c>(
    connection: &'c Connection,
    sql: &str,
    params: &[Value],
) -> Result<CachedStatement<'c>, DbError> {
    let mut statement = connection
        .prepare_cached(sql)
        .map_err(|error| from_sqlite(&error, sql))?;
    let expected = statement.parameter_count();
    let mismatch = || DbError::Parameters {
        expected,
        given: params.len(),
    };
    if expected != params.len() {
        return Err(mismatch());
    }
    for index in 1..=expected {
        let name = statement
            .parameter_name(index)
            .and_then(|name| name.strip_prefix('$'));
        let number = name.and_then(|digits| digits.parse::<usize>().ok());
        let value = number
            .and_then(|number| params.get(number.checked_sub(1)?))
            .ok_or_else(mismatch)?;
        statement
            .raw_bind_parameter(index, Param(value))
            .map_err(|error| from_sqlite(&error, sql))?;
    }
    Ok(statement)
}

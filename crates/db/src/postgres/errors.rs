//! PostgreSQL's errors in the words of [`DbError`].

use std::error::Error as _;

use postgres::Error;
use postgres::error::DbError as ServerError;

use super::values::Mismatch;
use crate::DbError;

pub(super) fn from_postgres(error: &Error, sql: &str) -> DbError {
    if let Some(server) = error.as_db_error() {
        return from_server(server, sql);
    }
    if let Some(mismatch) = error
        .source()
        .and_then(|source| source.downcast_ref::<Mismatch>())
    {
        return DbError::WrongType {
            detail: mismatch.to_string(),
        };
    }
    let message = with_source(error);
    let is_local = error.source().is_some_and(|source| {
        let io = source.downcast_ref::<std::io::Error>();
        io.is_some_and(|io| io.kind() == std::io::ErrorKind::InvalidInput)
    });
    if is_local {
        DbError::statement(message, sql)
    } else {
        DbError::Unavailable(message)
    }
}

fn from_server(error: &ServerError, sql: &str) -> DbError {
    match error.code().code() {
        "23505" => DbError::UniqueViolation {
            constraint: unique_columns(error),
        },
        "23503" | "23001" => DbError::ForeignKey,
        "23514" => DbError::CheckViolation {
            constraint: error.constraint().unwrap_or("without a name").to_owned(),
        },
        "23502" => DbError::NotNull {
            column: format!(
                "{}.{}",
                error.table().unwrap_or("?"),
                error.column().unwrap_or("?")
            ),
        },
        "22003" | "22P02" | "22P03" | "22021" | "42804" => DbError::WrongType {
            detail: error.message().to_owned(),
        },
        "25006" => DbError::ReadOnly,
        "40001" | "40P01" => DbError::Conflict,
        "55P03" | "57014" => DbError::TimedOut,
        "53100" => DbError::Full,
        "25P03" | "57P01" | "57P02" | "57P03" | "57P05" | "53300" => {
            DbError::Unavailable(error.message().to_owned())
        }
        code if code.starts_with("08") => DbError::Unavailable(error.message().to_owned()),
        _ if is_stale_plan_message(error) => DbError::Conflict,
        _ => DbError::statement(error.message(), sql),
    }
}

/// `table.a, table.b`, from a detail such as `Key (a, b)=(1, 2) already exists.` in any language; the index's name when
/// it is over an expression.
fn unique_columns(error: &ServerError) -> String {
    let index = error.constraint().unwrap_or("without a name");
    let columns = error.detail().and_then(|detail| {
        let (_, after) = detail.split_once('(')?;
        let (columns, _) = after.split_once(")=(")?;
        Some(columns)
    });
    let (Some(columns), Some(table)) = (columns, error.table()) else {
        return index.to_owned();
    };
    if columns.contains(['(', ':', ' '])
        && columns
            .split(", ")
            .any(|column| column.contains(['(', ':', ' ']))
    {
        return index.to_owned();
    }
    columns
        .split(", ")
        .map(|column| format!("{table}.{}", column.trim_matches('"')))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Whether a COMMIT that failed this way certainly wrote nothing. Anything else leaves it open.
pub(super) fn surely_rolled_back(error: &Error) -> bool {
    error.as_db_error().is_some_and(|server| {
        let code = server.code().code();
        code != "40003"
            && (code.starts_with("23") || code.starts_with("40") || code.starts_with("25P02"))
    })
}

pub(super) fn is_stale_plan(error: &Error) -> bool {
    error.as_db_error().is_some_and(is_stale_plan_message)
}

/// A prepared statement outlived a change of the tables: a cached plan whose columns changed.
fn is_stale_plan_message(error: &ServerError) -> bool {
    error.code().code() == "0A000" && error.routine() == Some("RevalidateCachedQuery")
}

/// The error with what caused it.
pub(super) fn with_source(error: &Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

//! SQLite's errors in the words of [`DbError`].

use rusqlite::{Error, ErrorCode, ffi};

use crate::DbError;

pub(super) fn from_sqlite(error: &Error, sql: &str) -> DbError {
    let (code, message) = if let Error::SqliteFailure(code, message) = error {
        (code, message.clone().unwrap_or_else(|| code.to_string()))
    } else if let Error::SqlInputError {
        error: code, msg, ..
    } = error
    {
        (code, msg.clone())
    } else {
        return DbError::statement(error.to_string(), sql);
    };
    let after_colon = || {
        message
            .split_once(": ")
            .map_or(message.as_str(), |(_, named)| named)
            .to_owned()
    };
    match code.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => {
            let columns = after_colon();
            let index = columns
                .strip_prefix("index '")
                .and_then(|rest| rest.strip_suffix('\''));
            DbError::UniqueViolation {
                constraint: index.map_or(columns.clone(), str::to_owned),
            }
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => DbError::ForeignKey,
        ffi::SQLITE_CONSTRAINT_CHECK => DbError::CheckViolation {
            constraint: after_colon(),
        },
        ffi::SQLITE_CONSTRAINT_NOTNULL => DbError::NotNull {
            column: after_colon(),
        },
        ffi::SQLITE_CONSTRAINT_DATATYPE => DbError::WrongType { detail: message },
        _ => by_kind(code.code, message, sql),
    }
}

fn by_kind(kind: ErrorCode, message: String, sql: &str) -> DbError {
    if kind == ErrorCode::DatabaseBusy || kind == ErrorCode::DatabaseLocked {
        DbError::Busy
    } else if kind == ErrorCode::DiskFull {
        DbError::Full
    } else if kind == ErrorCode::ReadOnly {
        DbError::ReadOnly
    } else if kind == ErrorCode::SystemIoFailure {
        DbError::Unavailable(message)
    } else if kind == ErrorCode::DatabaseCorrupt || kind == ErrorCode::NotADatabase {
        DbError::Poisoned(message)
    } else {
        DbError::statement(message, sql)
    }
}

//! Values in and out of SQLite.

use kernel::stored::Value;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};

use crate::DbError;

/// A parameter, borrowed.
pub(super) struct Param<'a>(pub(super) &'a Value);

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Bool(truth) => ValueRef::Integer(i64::from(*truth)),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// Where the row has the column called `name`.
pub(crate) fn column(row: &rusqlite::Row<'_>, name: &str) -> Option<usize> {
    row.as_ref().column_index(name).ok()
}

/// The value at `index`; `name` is for the error.
pub(crate) fn read(row: &rusqlite::Row<'_>, index: usize, name: &str) -> Result<Value, DbError> {
    let value = row
        .get_ref(index)
        .map_err(|_out_of_range| DbError::NoColumn(name.to_owned()))?;
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Int(number)),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(error) => Err(DbError::WrongType {
                detail: format!("column {name} is not UTF-8: {error}"),
            }),
        },
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_vec())),
        ValueRef::Real(_) => Err(DbError::WrongType {
            detail: format!(
                "column {name} is a fraction, which no column of ours is; CAST it to BIGINT"
            ),
        }),
    }
}

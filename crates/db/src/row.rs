//! Rows into values and structs, values into parameters.

use kernel::stored::{FromValue, Value};

use crate::DbError;
use crate::{postgres, sqlite};

/// One row of an answer. Columns are read by name, or by place.
#[derive(Clone, Copy)]
pub struct Row<'a>(pub(crate) Source<'a>);

#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a ::postgres::Row),
}

impl Row<'_> {
    /// The value in `column`.
    pub fn get<T: FromValue>(&self, column: &str) -> Result<T, DbError> {
        let index = match self.0 {
            Source::Sqlite(row) => sqlite::values::column(row, column),
            Source::Postgres(row) => postgres::values::column(row, column),
        };
        let index = index.ok_or_else(|| DbError::NoColumn(column.to_owned()))?;
        self.read(index, column)
    }

    /// The value in the column at `index`, counted from 0.
    pub fn at<T: FromValue>(&self, index: usize) -> Result<T, DbError> {
        self.read(index, &(index.saturating_add(1)).to_string())
    }

    fn read<T: FromValue>(&self, index: usize, name: &str) -> Result<T, DbError> {
        let value = match self.0 {
            Source::Sqlite(row) => sqlite::values::read(row, index, name)?,
            Source::Postgres(row) => postgres::values::read(row, index, name)?,
        };
        T::from_value(value).map_err(|mut error| {
            error.found = format!("{} in column {name}", error.found);
            DbError::Stored(error)
        })
    }
}

/// What can be read from a row: a domain struct, or a tuple of values by place.
pub trait FromRow: Sized {
    /// Reads the row.
    fn from_row(row: &Row<'_>) -> Result<Self, DbError>;
}

macro_rules! tuples {
    ($(($($name:ident $index:literal),+))+) => {$(
        impl<$($name: FromValue),+> FromRow for ($($name,)+) {
            fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
                Ok(($(row.at::<$name>($index)?,)+))
            }
        }
    )+};
}

tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
}

/// The parameters of a statement, `$1` first: `params![&order.id, now, Some(note)]`.
#[macro_export]
macro_rules! params {
    () => {
        <&[$crate::Value]>::default()
    };
    ($($value:expr),+ $(,)?) => {
        &[$($crate::ToValue::to_value(&$value)),+]
    };
}

/// The inside of an `IN (…)` for `count` values, the first of them being parameter `first`: `in_list(3, 2)` is `$3, $4`.
///
/// Nothing is IN an empty list, which neither database can write as `IN ()`: `count` 0 gives `NULL`, which equals nothing.
pub fn in_list(first: usize, count: usize) -> String {
    if count == 0 {
        return "NULL".to_owned();
    }
    (first..first.saturating_add(count))
        .map(|number| format!("${number}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Refuses what only one of the two databases could store.
pub(crate) fn check_params(params: &[Value]) -> Result<(), DbError> {
    let has_nul = |value: &Value| matches!(value, Value::Text(text) if text.contains('\0'));
    match params.iter().position(has_nul) {
        Some(index) => Err(DbError::WrongType {
            detail: format!(
                "the text for ${} has a zero byte in it",
                index.saturating_add(1)
            ),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_in_list_counts_on_from_its_first_parameter() {
        assert_eq!(in_list(3, 2), "$3, $4");
        assert_eq!(in_list(1, 1), "$1");
        assert_eq!(in_list(1, 0), "NULL");
    }
}

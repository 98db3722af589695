//! Values in and out of PostgreSQL.

use std::fmt;

use kernel::stored::Value;
use postgres::types::private::BytesMut;
use postgres::types::{FromSql, IsNull, ToSql, Type};

use crate::DbError;

/// A parameter, sent as the type the server inferred for it.
pub(super) struct Param<'a>(&'a Value);

pub(super) fn params(values: &[Value]) -> Vec<Param<'_>> {
    values.iter().map(Param).collect()
}

pub(super) fn borrow<'a>(params: &'a [Param<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    params
        .iter()
        .map::<&(dyn ToSql + Sync), _>(|param| param)
        .collect()
}

impl fmt::Debug for Param<'_> {
    /// The driver writes its parameters into its debug log; they are customers' data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A parameter of a kind that its place does not take.
#[derive(Debug)]
pub(super) struct Mismatch {
    given: &'static str,
    wanted: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was given where {} belongs", self.given, self.wanted)
    }
}

impl std::error::Error for Mismatch {}

type Encoded = Result<IsNull, Box<dyn std::error::Error + Sync + Send>>;

impl ToSql for Param<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Encoded {
        let mismatch = |given| {
            Err(Mismatch {
                given,
                wanted: ty.name().to_owned(),
            }
            .into())
        };
        match self.0 {
            Value::Null => Ok(IsNull::Yes),
            Value::Text(text) if <&str as ToSql>::accepts(ty) => text.to_sql(ty, out),
            Value::Text(_) => mismatch("a text"),
            Value::Int(number) => int_to_sql(*number, ty, out),
            Value::Bool(truth) if *ty == Type::BOOL => truth.to_sql(ty, out),
            Value::Bool(_) => mismatch("a truth value"),
            Value::Bytes(bytes) if *ty == Type::BYTEA => bytes.to_sql(ty, out),
            Value::Bytes(_) => mismatch("bytes"),
        }
    }

    fn accepts(_: &Type) -> bool {
        true // checked value by value above
    }

    postgres::types::to_sql_checked!();
}

fn int_to_sql(number: i64, ty: &Type, out: &mut BytesMut) -> Encoded {
    if *ty == Type::INT8 {
        number.to_sql(ty, out)
    } else if *ty == Type::INT4 {
        i32::try_from(number)?.to_sql(ty, out)
    } else if *ty == Type::INT2 {
        i16::try_from(number)?.to_sql(ty, out)
    } else {
        Err(Mismatch {
            given: "a whole number",
            wanted: ty.name().to_owned(),
        }
        .into())
    }
}

/// Where the row has the column called `name`.
pub(crate) fn column(row: &postgres::Row, name: &str) -> Option<usize> {
    row.columns()
        .iter()
        .position(|column| column.name() == name)
}

/// The value at `index`; `name` is for the error.
pub(crate) fn read(row: &postgres::Row, index: usize, name: &str) -> Result<Value, DbError> {
    let no_column = || DbError::NoColumn(name.to_owned());
    if index >= row.len() {
        return Err(no_column());
    }
    let Read(value) = row.try_get(index).map_err(|error| DbError::WrongType {
        detail: format!("column {name}: {}", super::errors::with_source(&error)),
    })?;
    Ok(value)
}

struct Read(Value);

impl<'a> FromSql<'a> for Read {
    fn from_sql(
        ty: &Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(if *ty == Type::INT8 {
            Value::Int(i64::from_sql(ty, raw)?)
        } else if *ty == Type::INT4 {
            Value::Int(i32::from_sql(ty, raw)?.into())
        } else if *ty == Type::INT2 {
            Value::Int(i16::from_sql(ty, raw)?.into())
        } else if *ty == Type::BOOL {
            Value::Bool(bool::from_sql(ty, raw)?)
        } else if *ty == Type::BYTEA {
            Value::Bytes(Vec::from_sql(ty, raw)?)
        } else if <&str as FromSql>::accepts(ty) {
            Value::Text(String::from_sql(ty, raw)?)
        } else {
            return Err(format!(
                "{} is not among the types of our columns; CAST it to BIGINT or TEXT",
                ty.name()
            )
            .into());
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(Value::Null))
    }

    fn accepts(_: &Type) -> bool {
        true // checked type by type above
    }
}

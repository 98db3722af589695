//! Who changed what: one row for everything a person does, written by the one way in which they can write.
//!
//! An operation that a person may call does its writing through [`change`], which asks it what it changed and adds the row
//! in the same transaction. What the shop, a shopper or a gateway does is told by the areas' own histories instead.
//!
//! # Invariants
//! - An act of staff or of the operator that wrote something has exactly one row; what it wrote elsewhere carries its id.
//! - Rows are numbered without gaps in the order of their commits, and each holds a hash over itself and the one before.
//! - No password, secret or hash of one is ever in a row.

mod chain;
#[cfg(test)]
mod tests;

use std::fmt;

use db::{DbError, FromRow, Row, Tx, params};
use kernel::stored::{StoredError, ToValue, Value as Stored};
use kernel::{ActId, Timestamp};
use serde::Serialize;
use serde_json::Value as Json;

use crate::shop::{Act, Shop};
use crate::staff::Actor;

pub(crate) use chain::broken_links;

/// What an act changed, for its row.
#[derive(Debug, Clone, PartialEq)]
pub struct Change(Option<Told>);

#[derive(Debug, Clone, PartialEq)]
struct Told {
    action: &'static str,
    subject: String,
    before: Option<Json>,
    after: Option<Json>,
}

impl Change {
    /// Nothing was written: the same request came again, or there was nothing to do.
    pub fn none() -> Self {
        Self(None)
    }

    /// `action` was done to the thing of that kind and id: `("product.save", "product", &product.id)`.
    pub fn new(action: &'static str, kind: &str, id: impl fmt::Display) -> Self {
        Self(Some(Told {
            action,
            subject: format!("{kind}:{id}"),
            before: None,
            after: None,
        }))
    }

    /// What it was.
    #[must_use]
    pub fn from(mut self, before: impl Serialize) -> Self {
        if let Some(told) = &mut self.0 {
            told.before = Some(json(before));
        }
        self
    }

    /// What it is now.
    #[must_use]
    pub fn to(mut self, after: impl Serialize) -> Self {
        if let Some(told) = &mut self.0 {
            told.after = Some(json(after));
        }
        self
    }

    /// What it was and is now, of two objects only the fields that differ.
    #[must_use]
    pub fn between(self, before: impl Serialize, after: impl Serialize) -> Self {
        let (before, after) = differing(json(before), json(after));
        self.from(before).to(after)
    }
}

/// The value as JSON. Ours all can be; should one not, the row says so instead of being left out.
fn json(value: impl Serialize) -> Json {
    serde_json::to_value(value)
        .unwrap_or_else(|error| Json::String(format!("cannot be shown: {error}")))
}

/// Two objects without what is the same in both.
fn differing(before: Json, after: Json) -> (Json, Json) {
    match (before, after) {
        (Json::Object(mut before), Json::Object(mut after)) => {
            let same: Vec<String> = before
                .iter()
                .filter(|(key, value)| after.get(*key) == Some(*value))
                .map(|(key, _)| key.clone())
                .collect();
            for key in &same {
                before.remove(key);
                after.remove(key);
            }
            (Json::Object(before), Json::Object(after))
        }
        other => other,
    }
}

/// Writes as `act` does, and notes in the same transaction what it changed.
///
/// This is the only way for an operation to write on behalf of a person. The closure answers with what the caller wants
/// to know and with the change; what it wrote carries `act.id`.
pub async fn change<T, E, F>(shop: &Shop, act: Act, mut doing: F) -> Result<T, E>
where
    F: FnMut(&mut Tx<'_>, &Act) -> Result<(T, Change), E> + Send + 'static,
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    shop.db
        .write(move |tx| {
            let (answer, change) = doing(tx, &act)?;
            // Last, because everybody who writes waits for the row with the number.
            chain::append(tx, &act, &change)?;
            Ok(answer)
        })
        .await
}

/// Something that a person did.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its number: without gaps, in the order in which things were done.
    pub sequence: i64,
    /// What was done as a whole: the rows it wrote carry this id.
    pub id: ActId,
    /// When.
    pub at: Timestamp,
    /// Who: a member of staff or the operator.
    pub actor: Actor,
    /// What was done, such as `product.save`.
    pub action: String,
    /// To what, such as `product:prod_01k…`.
    pub subject: String,
    /// What was changed.
    pub before: Option<Json>,
    /// What it became.
    pub after: Option<Json>,
}

impl FromRow for Entry {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let read = |column| -> Result<Option<Json>, DbError> {
            let Some(text) = row.get::<Option<String>>(column)? else {
                return Ok(None);
            };
            let parsed = serde_json::from_str(&text);
            let parsed =
                parsed.map_err(|_error| StoredError::new("JSON", &Stored::Text(text.clone())))?;
            Ok(Some(parsed))
        };
        Ok(Self {
            sequence: row.get("sequence")?,
            id: row.get("id")?,
            at: row.get("at")?,
            actor: row.get("actor")?,
            action: row.get("action")?,
            subject: row.get("subject")?,
            before: read("before")?,
            after: read("after")?,
        })
    }
}

/// Which rows of the trail. Everything if nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// What this one did.
    pub actor: Option<Actor>,
    /// What was done to this: `product:prod_01k…`.
    pub subject: Option<String>,
    /// Only this being done: `product.save`.
    pub action: Option<String>,
    /// Only what was done before the row of this number: the last one of the page before.
    pub before: Option<i64>,
}

/// What was done, newest first, at most `limit` rows and never more than 200.
pub fn list(tx: &mut Tx<'_>, filter: &Filter, limit: u32) -> Result<Vec<Entry>, DbError> {
    let mut values = Vec::new();
    let mut conditions = Vec::new();
    let wanted = [
        ("actor =", filter.actor.to_value()),
        ("subject =", filter.subject.to_value()),
        ("action =", filter.action.to_value()),
        ("sequence <", filter.before.to_value()),
    ];
    for (comparison, value) in wanted {
        if value != Stored::Null {
            values.push(value);
            conditions.push(format!("{comparison} ${}", values.len()));
        }
    }
    let all = if conditions.is_empty() {
        String::new()
    } else {
        format!("WHERE {}", conditions.join(" AND "))
    };
    values.push(Stored::Int(i64::from(limit.min(200))));
    tx.query(
        &format!(
            "SELECT sequence, id, at, actor, action, subject, before, after
               FROM audit
               {all}
              ORDER BY sequence DESC
              LIMIT ${}",
            values.len()
        ),
        &values,
    )
}

/// The row of this act, if a person did it.
pub fn find(tx: &mut Tx<'_>, act: &ActId) -> Result<Option<Entry>, DbError> {
    tx.query_opt(
        "SELECT sequence, id, at, actor, action, subject, before, after FROM audit WHERE id = $1",
        params![act],
    )
}

//! The rows as a chain: each holds a hash over itself and the one before it, so that none can be changed, left out, moved
//! or put in between without all the later ones telling.

use data_encoding::HEXLOWER;
use db::{DbError, FromRow, Row, Tx, params};
use kernel::{ActId, Timestamp};
use sha2::{Digest, Sha256};

use super::Change;
use crate::shop::Act;
use crate::staff::Actor;

/// What the first row has for the hash of the one before.
const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Rows looked at in one statement.
const BATCH: u32 = 500;

/// Adds the act's row, if a person did it and it changed something.
pub(super) fn append(tx: &mut Tx<'_>, act: &Act, change: &Change) -> Result<(), DbError> {
    let (Some(told), true) = (&change.0, is_a_person(&act.actor)) else {
        return Ok(());
    };
    let (sequence,): (i64,) = tx.query_one(
        "UPDATE counters SET value = value + 1 WHERE name = 'audit' RETURNING value",
        params![],
    )?;
    let last: Option<(String,)> = tx.query_opt(
        "SELECT hash FROM audit WHERE sequence = $1",
        params![sequence.saturating_sub(1)],
    )?;
    let link = Link {
        sequence,
        id: act.id.clone(),
        at: act.now,
        actor: act.actor.to_string(),
        action: told.action.to_owned(),
        subject: told.subject.clone(),
        before: told.before.as_ref().map(ToString::to_string),
        after: told.after.as_ref().map(ToString::to_string),
        previous_hash: last.map_or_else(|| NOTHING.to_owned(), |(hash,)| hash),
    };
    tx.execute(
        "INSERT INTO audit (sequence, id, at, actor, action, subject, before, after, previous_hash, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        params![link.sequence, link.id, link.at, link.actor, link.action, link.subject, link.before, link.after, link.previous_hash, link.hash()],
    )?;
    Ok(())
}

/// What people do has a row; what the shop, a shopper or a gateway does is in the areas' own histories.
fn is_a_person(actor: &Actor) -> bool {
    match actor {
        Actor::Staff(_) | Actor::Operator => true,
        Actor::Shopper | Actor::System | Actor::Gateway(_) => false,
    }
}

/// A row as its hash sees it.
struct Link {
    sequence: i64,
    id: ActId,
    at: Timestamp,
    actor: String,
    action: String,
    subject: String,
    before: Option<String>,
    after: Option<String>,
    previous_hash: String,
}

impl Link {
    /// SHA-256 over the hash before and every field, each with its length so that none can lend letters to the next.
    fn hash(&self) -> String {
        let mut sum = Sha256::new();
        let numbers = (self.sequence.to_string(), self.at.millis().to_string());
        let fields = [
            Some(self.previous_hash.as_str()),
            Some(&numbers.0),
            Some(self.id.as_str()),
            Some(&numbers.1),
            Some(&self.actor),
            Some(&self.action),
            Some(&self.subject),
            self.before.as_deref(),
            self.after.as_deref(),
        ];
        for field in fields {
            match field {
                Some(text) => {
                    sum.update(format!("{}:", text.len()));
                    sum.update(text);
                }
                None => sum.update("-"),
            }
        }
        HEXLOWER.encode(&sum.finalize())
    }
}

/// A row with the hash that is stored for it.
struct Stored {
    link: Link,
    hash: String,
}

impl FromRow for Stored {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            link: Link {
                sequence: row.get("sequence")?,
                id: row.get("id")?,
                at: row.get("at")?,
                actor: row.get("actor")?,
                action: row.get("action")?,
                subject: row.get("subject")?,
                before: row.get("before")?,
                after: row.get("after")?,
                previous_hash: row.get("previous_hash")?,
            },
            hash: row.get("hash")?,
        })
    }
}

/// How far the chain was followed: the number and the hash of the last row seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Followed {
    sequence: i64,
    hash: String,
}

/// Follows the chain over the next rows. Answers with what is wrong with them, and from where to go on unless all is seen.
///
/// Once a link is broken, following goes on from the row as it is stored: the first fault named is the first there is.
pub(crate) fn broken_links(
    tx: &mut Tx<'_>,
    from: Option<Followed>,
) -> Result<(Vec<String>, Option<Followed>), DbError> {
    let mut last = from.unwrap_or_else(|| Followed {
        sequence: 0,
        hash: NOTHING.to_owned(),
    });
    let rows: Vec<Stored> = tx.query(
        &format!(
            "SELECT sequence, id, at, actor, action, subject, before, after, previous_hash, hash
               FROM audit
              WHERE sequence > $1
              ORDER BY sequence
              LIMIT {BATCH}"
        ),
        params![last.sequence],
    )?;
    let mut faults = Vec::new();
    if rows.is_empty() {
        let (counted,): (i64,) =
            tx.query_one("SELECT value FROM counters WHERE name = 'audit'", params![])?;
        if counted != last.sequence {
            faults.push(format!(
                "the last row is number {}, but {counted} were written",
                last.sequence
            ));
        }
        return Ok((faults, None));
    }
    for Stored { link, hash } in rows {
        let number = link.sequence;
        if number != last.sequence.saturating_add(1) {
            faults.push(format!(
                "row {number} follows row {}; what stood between is gone",
                last.sequence
            ));
        }
        if link.previous_hash != last.hash {
            faults.push(format!(
                "row {number} was not written after row {}",
                last.sequence
            ));
        }
        if link.hash() != hash {
            faults.push(format!("row {number} is not what was written"));
        }
        last = Followed {
            sequence: number,
            hash,
        };
    }
    Ok((faults, Some(last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_cannot_lend_letters_to_the_next() {
        let link = |action: &str, subject: &str| Link {
            sequence: 1,
            id: ActId::new(&kernel::RandomIds),
            at: Timestamp::from_millis(0),
            actor: "operator".to_owned(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            before: None,
            after: None,
            previous_hash: NOTHING.to_owned(),
        };
        let one = link("ab", "c");
        let other = Link {
            id: one.id.clone(),
            ..link("a", "bc")
        };
        assert_ne!(one.hash(), other.hash());
    }
}

//! A large shop out of nothing: thousands of products and orders as they would be after two years of business.
//!
//! The rows are made by the database itself, a few statements for some thousands of things, so that a large shop takes
//! seconds. They are the same for the same plan, and the judge (`verify`) finds nothing wrong with them. What they are not
//! is safe: links are guessable and pictures missing. For measuring and testing only.

mod catalog;
mod orders;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod tests;
mod text;

use db::{Db, DbError, Tx, params};
use kernel::Timestamp;
use kernel::time::DAY;

use crate::error::Internal;

/// How large the shop is to be.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How many products, three at least; two thirds of them come in three sizes.
    pub products: u32,
    /// How many orders.
    pub orders: u32,
    /// Another number makes other ids, prices and stock.
    pub seed: u32,
    /// The moment just after the latest order; the first was placed two years before.
    pub until: Timestamp,
}

/// Things made in one write.
const CHUNK: u32 = 5_000;
/// How long the shop has been there.
const AGE: i64 = 730 * DAY;

/// Fills an empty, migrated shop, or adds to one. Not twice with one seed: the ids would be the same.
///
/// `progress` hears what has just been made.
pub async fn fill(db: &Db, plan: &Plan, mut progress: impl FnMut(&str)) -> Result<(), Internal> {
    if plan.products < 3 {
        return Err(Internal::bug("a large shop has three products at least"));
    }
    let make = Make::new(plan);
    write(db, &make, catalog::shelves).await?;
    for (first, last) in chunks(plan.products) {
        let make = make.of(first, last);
        write(db, &make, catalog::products).await?;
    }
    progress("products");
    let numbers = write(db, &make, orders::numbers).await?;
    for (first, last) in chunks(plan.orders) {
        let mut make = make.of(first, last);
        make.numbers_from = numbers;
        write(db, &make, orders::orders).await?;
        for statement in orders::STATEMENTS {
            let run =
                |tx: &mut Tx<'_>, make: &Make| tx.execute(&statement(make), params![]).map(drop);
            write(db, &make, run).await?;
        }
        orders::seal(db, &make).await?;
        progress(&format!("{last} orders"));
    }
    for statement in [
        orders::stock,
        orders::levels,
        orders::customers,
        orders::customer_words,
    ] {
        write(db, &make, statement).await?;
    }
    progress("stock and customers");
    analyse(db).await?;
    progress("statistics");
    Ok(())
}

/// The first and last numbers of each chunk, counted from 1.
fn chunks(count: u32) -> Vec<(u32, u32)> {
    (0..count.div_ceil(CHUNK))
        .map(|chunk| {
            let before = chunk.saturating_mul(CHUNK);
            (
                before.saturating_add(1),
                before.saturating_add(CHUNK).min(count),
            )
        })
        .collect()
}

async fn write<T, F>(db: &Db, make: &Make, statement: F) -> Result<T, DbError>
where
    F: Fn(&mut Tx<'_>, &Make) -> Result<T, DbError> + Send + 'static,
    T: Send + 'static,
{
    let make = make.clone();
    db.write(move |tx| statement(tx, &make)).await
}

/// Has the database look at what is in the tables now: its plans depend on it.
async fn analyse(db: &Db) -> Result<(), DbError> {
    db.write(|tx| tx.execute("ANALYZE", params![]).map(drop))
        .await
}

/// What every statement is made from.
#[derive(Debug, Clone)]
pub(super) struct Make {
    pub(super) plan: Plan,
    /// The things made now, the first and the last, counted from 1.
    pub(super) first: u32,
    pub(super) last: u32,
    /// The order number given last before.
    pub(super) numbers_from: i64,
}

impl Make {
    fn new(plan: &Plan) -> Self {
        Self {
            plan: plan.clone(),
            first: 1,
            last: 1,
            numbers_from: 0,
        }
    }

    fn of(&self, first: u32, last: u32) -> Self {
        Self {
            first,
            last,
            ..self.clone()
        }
    }

    /// How many people buy.
    fn buyers(&self) -> u32 {
        self.plan.orders.div_ceil(4).max(1)
    }

    /// The moment the shop opened.
    fn opening(&self) -> i64 {
        self.plan.until.millis().saturating_sub(AGE)
    }

    /// An id of this kind with this number, as SQL: 26 digits and letters, as every id has.
    fn id(&self, prefix: &str, number: &str) -> String {
        let seed = self.plan.seed % 100_000_000;
        format!(
            "'{prefix}_01gen{seed:08}' || SUBSTR(CAST(1000000000000 + ({number}) AS TEXT), 2) || '0'"
        )
    }

    /// A number below `below` that looks as if thrown, the same for the same number and salt, as SQL.
    fn dice(&self, number: &str, salt: u32, below: u32) -> String {
        let seed = self.plan.seed % 10_007;
        format!(
            "((((({number}) % 1000003) * 7919 + {salt} * 104729 + {seed} * 31) % 1000003) * 48271 % 2147483647 % {below})"
        )
    }
}

//! The judge of everything: recomputes every invariant from the stored facts and names each breach with the rows involved.
//!
//! Read-only. One statement or a batched walk for each invariant; runs beside a selling shop.

mod desk;
mod people;
mod rules;
mod shelves;
#[cfg(test)]
mod tests;
mod walk;

use db::{DbError, Engine, Tx, params};
use kernel::OrderId;

use crate::audit;
use crate::error::Internal;
use crate::shop::Shop;

use rules::{RULES, Rule};

/// Most breaches shown for one invariant: more are the same fault again.
const SHOWN: u32 = 20;

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Which invariant.
    pub invariant: &'static str,
    /// Which rows, and what is wrong with them.
    pub what: String,
}

impl std::fmt::Display for Breach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}

/// Recomputes every invariant. An empty answer is a clean shop.
pub async fn verify(shop: &Shop) -> Result<Vec<Breach>, Internal> {
    let mut breaches = Vec::new();
    for rule in every_rule() {
        breaches.extend(shop.db.read(move |tx| judge(tx, rule)).await?);
    }
    breaches.extend(shop.db.read(files_are_whole).await?);
    breaches.extend(audit_trail(shop).await?);
    let mut after: Option<OrderId> = None;
    loop {
        let from = after.clone();
        let (found, last) = shop
            .db
            .read(move |tx| walk::next(tx, from.as_ref()))
            .await?;
        breaches.extend(found);
        after = last;
        if after.is_none() {
            return Ok(breaches);
        }
    }
}

/// Follows the audit trail from its first row to its last.
async fn audit_trail(shop: &Shop) -> Result<Vec<Breach>, Internal> {
    let mut breaches = Vec::new();
    let mut followed = None;
    loop {
        let from = followed.clone();
        let (faults, last) = shop
            .db
            .read(move |tx| audit::broken_links(tx, from.clone()))
            .await?;
        let room = usize::try_from(SHOWN).unwrap_or(usize::MAX);
        let room = room.saturating_sub(breaches.len());
        breaches.extend(faults.into_iter().take(room).map(|what| Breach {
            invariant: "the audit trail is whole",
            what,
        }));
        followed = last;
        if followed.is_none() {
            return Ok(breaches);
        }
    }
}

/// Every invariant that one statement can judge.
fn every_rule() -> impl Iterator<Item = &'static Rule> {
    let people = people::ACTS.iter().chain(people::RULES);
    RULES
        .iter()
        .chain(shelves::RULES)
        .chain(desk::RULES)
        .chain(people)
}

/// How many invariants are judged.
pub fn rules() -> usize {
    every_rule().count().saturating_add(6)
}

/// Judges within one transaction, as far as it is about rows: for judging what is then taken back.
#[cfg(test)]
fn judge_rows(tx: &mut Tx<'_>) -> Result<Vec<Breach>, DbError> {
    let (mut breaches, _) = walk::next(tx, None)?;
    for rule in every_rule() {
        breaches.extend(judge(tx, rule)?);
    }
    Ok(breaches)
}

fn judge(tx: &mut Tx<'_>, rule: &Rule) -> Result<Vec<Breach>, DbError> {
    let rows: Vec<(String, i64, i64)> =
        tx.query(&format!("{} LIMIT {SHOWN}", rule.sql), params![])?;
    Ok(rows
        .into_iter()
        .map(|(id, stored, expected)| Breach {
            invariant: rule.invariant,
            what: format!(
                "{id}: {}: {stored} is stored, {expected} is right",
                rule.fault
            ),
        })
        .collect())
}

/// Whether the database file itself is whole. PostgreSQL looks after its own pages.
fn files_are_whole(tx: &mut Tx<'_>) -> Result<Vec<Breach>, DbError> {
    if tx.engine() != Engine::Sqlite {
        return Ok(Vec::new());
    }
    let faults: Vec<(String,)> = tx.query(
        "SELECT integrity_check FROM pragma_integrity_check LIMIT 20",
        params![],
    )?;
    let orphans: Vec<(String,)> = tx.query(
        "SELECT \"table\" FROM pragma_foreign_key_check LIMIT 20",
        params![],
    )?;
    let damaged = faults
        .into_iter()
        .filter(|(fault,)| fault != "ok")
        .map(|(fault,)| fault);
    let orphaned = orphans
        .into_iter()
        .map(|(table,)| format!("a row of {table} points at nothing"));
    Ok(damaged
        .chain(orphaned)
        .map(|what| Breach {
            invariant: "the database file is whole",
            what,
        })
        .collect())
}

//! Finding things by their words: an order or a customer by the name of a person, a product by its title.
//!
//! # Invariants
//! - The words of a thing are written in the transaction that writes the thing; what was there before words were kept is
//!   split by a job.
//! - A search is a range of an index for each word that is asked for, and it stops at [`MOST`]: what was found then is the
//!   best of it, whole words before beginnings, the newest first.

mod backfill;

use db::{DbError, Tx, Value, in_list, params};
use kernel::stored::ToValue;
use kernel::{ProductId, Timestamp};

use crate::fold::fold;

pub(crate) use backfill::backfill;

/// Most things a search finds: what finds more is better asked more narrowly.
pub const MOST: u32 = kernel::Total::CAP;

/// Most words kept of one thing.
const WORDS_KEPT: usize = 24;
/// Most words of a search that count.
const WORDS_ASKED: usize = 5;
/// Most letters of a word that count.
const LETTERS: usize = 40;
/// Rows written by one statement: both databases limit its parameters.
const ROWS_AT_ONCE: usize = 1_000;

kernel::words! {
    /// What can be found by its words.
    pub enum Kind {
        /// An order, by whom it goes to.
        Order = "order",
        /// A product, by its title.
        Product = "product",
        /// A customer, by their name.
        Customer = "customer",
    }
}

/// Something that is to be found by its words.
pub(crate) struct Subject<'a> {
    pub(crate) kind: Kind,
    /// Its id.
    pub(crate) id: &'a str,
    /// Of those that are found alike, the newest comes first.
    pub(crate) at: Timestamp,
    /// What it is called.
    pub(crate) text: &'a str,
}

/// The words of a text: folded, each once, at most so many.
pub(crate) fn words_of(text: &str, most: usize) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in fold(text).split(|c: char| !c.is_alphanumeric()) {
        let word: String = word.chars().take(LETTERS).collect();
        if !word.is_empty() && !words.contains(&word) {
            words.push(word);
        }
        if words.len() == most {
            break;
        }
    }
    words
}

/// What every text beginning with `start` is less than, byte by byte.
pub(crate) fn end_of(start: &str) -> String {
    format!("{start}\u{10ffff}")
}

/// Adds the words of these things to those kept. One statement, but for a great many.
pub(crate) fn add(tx: &mut Tx<'_>, subjects: &[Subject<'_>]) -> Result<(), DbError> {
    let rows: Vec<[Value; 4]> = subjects
        .iter()
        .flat_map(|subject| {
            words_of(subject.text, WORDS_KEPT).into_iter().map(|word| {
                [
                    subject.id.to_value(),
                    word.to_value(),
                    subject.kind.to_value(),
                    subject.at.to_value(),
                ]
            })
        })
        .collect();
    for some in rows.chunks(ROWS_AT_ONCE) {
        let values: Vec<String> = (0..some.len())
            .map(|row| format!("({})", in_list(row.saturating_mul(4).saturating_add(1), 4)))
            .collect();
        let parameters: Vec<Value> = some.iter().flatten().cloned().collect();
        tx.execute(
            &format!(
                "INSERT INTO desk_words (subject_id, word, kind, at) VALUES {} ON CONFLICT (subject_id, word) DO NOTHING",
                values.join(", ")
            ),
            &parameters,
        )?;
    }
    Ok(())
}

/// Keeps the words of a product's title, and no longer those of its title before. Two statements.
pub(crate) fn keep_title(
    tx: &mut Tx<'_>,
    (id, title): (&ProductId, &str),
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute("DELETE FROM desk_words WHERE subject_id = $1", params![id])?;
    let subject = Subject {
        kind: Kind::Product,
        id: id.as_str(),
        at: now,
        text: title,
    };
    add(tx, &[subject])
}

/// The ids of what has all these words, or words that begin with them: whole words first, then the newest. At most
/// [`MOST`] and one more, by which the caller can tell that there are more. One statement, or none where no word is asked
/// for.
pub(crate) fn find<T>(tx: &mut Tx<'_>, kind: Kind, text: &str) -> Result<Vec<T>, DbError>
where
    T: kernel::stored::FromValue + PartialEq + std::hash::Hash + Eq + Clone,
{
    let mut words = words_of(text, WORDS_ASKED);
    // The longest word leads: it is the one that fewest have.
    words.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
    let Some((lead, others)) = words.split_first() else {
        return Ok(Vec::new());
    };
    let limit = MOST.saturating_add(1);
    let mut parameters = params![kind, lead, end_of(lead), limit].to_vec();
    let mut conditions = Vec::with_capacity(others.len());
    for word in others {
        let first = parameters.len().saturating_add(1);
        let second = first.saturating_add(1);
        conditions.push(format!(
            "AND EXISTS (SELECT 1 FROM desk_words o
                          WHERE o.subject_id = w.subject_id AND o.kind = $1 AND o.word >= ${first} AND o.word < ${second})"
        ));
        parameters.push(word.to_value());
        parameters.push(end_of(word).to_value());
    }
    let others = conditions.join(" ");
    let rows: Vec<(T,)> = tx.query(
        &format!(
            "SELECT w.subject_id
               FROM desk_words w
              WHERE w.kind = $1 AND w.word >= $2 AND w.word < $3 {others}
              ORDER BY w.word, w.at DESC, w.subject_id
              LIMIT $4"
        ),
        &parameters,
    )?;
    Ok(each_once(rows.into_iter().map(|(id,)| id)))
}

/// The same in the same order, without repetitions.
pub(crate) fn each_once<T: Eq + std::hash::Hash + Clone>(
    ids: impl IntoIterator<Item = T>,
) -> Vec<T> {
    let mut seen = std::collections::HashSet::new();
    ids.into_iter()
        .filter(|id| seen.insert(id.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_split_into_words_that_compare() {
        assert_eq!(
            words_of("  Café d'Été, the café ", 10),
            ["cafe", "d", "ete", "the"]
        );
        assert_eq!(words_of("one two three", 2), ["one", "two"]);
        assert_eq!(words_of("—!?", 5), Vec::<String>::new());
    }

    #[test]
    fn all_that_begins_alike_lies_before_its_end() {
        assert!("anna" >= "an" && "anna" < end_of("an").as_str());
        assert!("anö" < end_of("an").as_str());
        assert!("ao" > end_of("an").as_str());
    }
}

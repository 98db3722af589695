//! From words to products.

use std::cmp::Reverse;

use tantivy::collector::{Count, TopDocs};
use tantivy::query::{
    BooleanQuery, BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, FuzzyTermQuery,
    Query as Clause, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption, Value};
use tantivy::{DocAddress, Searcher, TantivyDocument, TantivyError, Term};

use super::fields::{Fields, MAX_PRICE, MIN_PRICE, PUBLISHED};
use super::words::{self, Word};
use super::{Found, Order, Query, Spelling};

/// How much a match counts for, by where it is. A code is certain; the beginning of a word is a guess.
const CODE: f32 = 1_000.0;
const TITLE: f32 = 5.0;
const VARIANT: f32 = 2.5;
const CATEGORY: f32 = 2.0;
const TEXT: f32 = 1.0;
const BEGINNING: f32 = 0.5;

/// Letters a word needs for one mistake in it to be forgiven, and for two.
const ONE_MISTAKE: usize = 4;
const TWO_MISTAKES: usize = 8;

type Result<T> = std::result::Result<T, TantivyError>;

pub(super) fn find(searcher: &Searcher, fields: &Fields, query: &Query) -> Result<Found> {
    let asked = words::of_query(&query.text);
    let code = words::code(&query.text);
    if asked.is_empty() && code.is_empty() {
        return Ok(Found::default());
    }
    let search = Search { searcher, fields };
    let (ids, total) = search.page(&search.clause(&asked, &code), query)?;
    if total > 0 {
        return Ok(Found {
            ids,
            total,
            ..Found::default()
        });
    }
    if query.spelling == Spelling::Correct
        && let Some(better) = search.corrected(&asked)?
    {
        let (ids, total) = search.page(&search.clause(&better, ""), query)?;
        if total > 0 {
            let corrected = better
                .iter()
                .map(|word| word.plain.as_str())
                .collect::<Vec<_>>()
                .join(" ");
            return Ok(Found {
                ids,
                total,
                corrected: Some(corrected),
                words: Vec::new(),
            });
        }
    }
    let counted = asked.into_iter().map(|word| {
        let count = searcher.search(&search.of_word(&word, Place::Inside), &Count)?;
        Ok((word.plain, u32::try_from(count).unwrap_or(u32::MAX)))
    });
    Ok(Found {
        words: counted.collect::<Result<_>>()?,
        ..Found::default()
    })
}

struct Search<'a> {
    searcher: &'a Searcher,
    fields: &'a Fields,
}

/// Where a word stands in a query: the last one may still be unfinished.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Inside,
    Last,
}

/// How a word of a query is known to the shop.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Some product has this very word.
    AsTyped,
    /// Some product has another form of it.
    ByStem,
    /// No product has it.
    Not,
}

impl Search<'_> {
    /// All the words, or the whole query as a code.
    fn clause(&self, words: &[Word], code: &str) -> Box<dyn Clause> {
        let last = words.len().saturating_sub(1);
        let all = words.iter().enumerate();
        let all = all.map(|(index, word)| {
            self.of_word(
                word,
                if index == last {
                    Place::Last
                } else {
                    Place::Inside
                },
            )
        });
        let mut ways: Vec<Box<dyn Clause>> = Vec::new();
        if !words.is_empty() {
            ways.push(Box::new(BooleanQuery::intersection(all.collect())));
        }
        if !code.is_empty() {
            ways.push(Box::new(ConstScoreQuery::new(
                term(self.fields.codes, code),
                CODE,
            )));
        }
        Box::new(DisjunctionMaxQuery::new(ways))
    }

    fn of_word(&self, word: &Word, place: Place) -> Box<dyn Clause> {
        let Fields {
            codes,
            names,
            title,
            variants,
            categories,
            text,
            ..
        } = *self.fields;
        let boosted = |field: Field, boost: f32| -> Box<dyn Clause> {
            Box::new(BoostQuery::new(term(field, &word.stem), boost))
        };
        let mut ways: Vec<Box<dyn Clause>> = vec![
            boosted(title, TITLE),
            boosted(variants, VARIANT),
            boosted(categories, CATEGORY),
            boosted(text, TEXT),
            Box::new(ConstScoreQuery::new(term(codes, &word.plain), CODE)),
        ];
        if place == Place::Last && word.plain.chars().count() >= 2 {
            let beginning =
                FuzzyTermQuery::new_prefix(Term::from_field_text(names, &word.plain), 0, true);
            ways.push(Box::new(ConstScoreQuery::new(
                Box::new(beginning),
                BEGINNING,
            )));
        }
        // A word in title and text is a better match than in the title alone, but not by the sum of both.
        Box::new(DisjunctionMaxQuery::with_tie_breaker(ways, 0.2))
    }

    fn page(&self, clause: &dyn Clause, query: &Query) -> Result<(Vec<kernel::ProductId>, u32)> {
        let limit = usize::try_from(query.page.size()).unwrap_or(1);
        let offset = usize::try_from(query.page.offset()).unwrap_or(usize::MAX);
        let top = || TopDocs::with_limit(limit).and_offset(offset);
        let by = |field: &'static str, order| top().order_by_fast_field::<i64>(field, order);
        let (count, hits): (usize, Vec<DocAddress>) = match query.order {
            Order::Relevance => addresses(
                self.searcher
                    .search(clause, &(Count, top().order_by_score()))?,
            ),
            Order::Newest => addresses(
                self.searcher
                    .search(clause, &(Count, by(PUBLISHED, tantivy::Order::Desc)))?,
            ),
            Order::PriceUp => addresses(
                self.searcher
                    .search(clause, &(Count, by(MIN_PRICE, tantivy::Order::Asc)))?,
            ),
            Order::PriceDown => addresses(
                self.searcher
                    .search(clause, &(Count, by(MAX_PRICE, tantivy::Order::Desc)))?,
            ),
        };
        let mut ids = Vec::with_capacity(hits.len());
        for hit in hits {
            let document: TantivyDocument = self.searcher.doc(hit)?;
            let id = document
                .get_first(self.fields.id)
                .and_then(|value| value.as_str().map(str::to_owned));
            ids.extend(id.and_then(|id| id.parse().ok()));
        }
        Ok((ids, u32::try_from(count).unwrap_or(u32::MAX)))
    }

    /// The query with every word nobody knows replaced by the nearest one somebody does; nothing if none could be.
    fn corrected(&self, asked: &[Word]) -> Result<Option<Vec<Word>>> {
        let mut better = Vec::with_capacity(asked.len());
        for word in asked {
            better.push(match self.is_known(word)? {
                Known::AsTyped => None,
                // `nikee` has the stem of `nike`: it finds the same, and is shown as somebody spells it.
                Known::ByStem => self
                    .nearest(&word.plain)?
                    .filter(|near| words::word(near.clone()).stem == word.stem),
                Known::Not => self.nearest(&word.plain)?,
            });
        }
        if better.iter().all(Option::is_none) {
            return Ok(None);
        }
        let mended = better
            .into_iter()
            .zip(asked)
            .map(|(better, word)| better.map_or_else(|| word.clone(), words::word));
        Ok(Some(mended.collect()))
    }

    fn is_known(&self, word: &Word) -> Result<Known> {
        let Fields {
            words,
            title,
            variants,
            categories,
            text,
            codes,
            ..
        } = *self.fields;
        let plain = [words, codes].map(|field| Term::from_field_text(field, &word.plain));
        let stems = [title, variants, categories, text]
            .map(|field| Term::from_field_text(field, &word.stem));
        if self.some_product_has(&plain)? {
            return Ok(Known::AsTyped);
        }
        if self.some_product_has(&stems)? {
            return Ok(Known::ByStem);
        }
        Ok(Known::Not)
    }

    fn some_product_has(&self, terms: &[Term]) -> Result<bool> {
        for term in terms {
            if self.searcher.doc_freq(term)? > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The known word that takes fewest mistakes to get to; of several, one with the same first letter, then the commonest.
    fn nearest(&self, word: &str) -> Result<Option<String>> {
        let letters = word.chars().count();
        if letters < ONE_MISTAKE || word.chars().any(|c| c.is_ascii_digit()) {
            return Ok(None);
        }
        let mistakes = if letters >= TWO_MISTAKES { 2 } else { 1 };
        let similar = FuzzyTermQuery::new(
            Term::from_field_text(self.fields.words, word),
            mistakes,
            true,
        );
        let mut ranked: Vec<(usize, bool, Reverse<u32>, String)> = Vec::new();
        for segment in self.searcher.segment_readers() {
            let index = segment.inverted_index(self.fields.words)?;
            let mut stream = index.terms().search(similar.automaton()?).into_stream()?;
            while stream.advance() {
                ranked.extend(rank(word, stream.key(), stream.value().doc_freq));
            }
        }
        Ok(ranked.into_iter().min().map(|(.., word)| word))
    }
}

/// How good a correction of `word` a known word is: the smallest is the best.
fn rank(word: &str, known: &[u8], products: u32) -> Option<(usize, bool, Reverse<u32>, String)> {
    let known = std::str::from_utf8(known).ok()?;
    let other_beginning = known.chars().next() != word.chars().next();
    Some((
        words::distance(word, known),
        other_beginning,
        Reverse(products),
        known.to_owned(),
    ))
}

fn term(field: Field, text: &str) -> Box<dyn Clause> {
    Box::new(TermQuery::new(
        Term::from_field_text(field, text),
        IndexRecordOption::WithFreqs,
    ))
}

fn addresses<Key>((count, hits): (usize, Vec<(Key, DocAddress)>)) -> (usize, Vec<DocAddress>) {
    (
        count,
        hits.into_iter().map(|(_, address)| address).collect(),
    )
}

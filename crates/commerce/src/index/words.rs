//! Texts into words: the same way for what is indexed and for what is looked for.

use std::collections::HashSet;

use tantivy::tokenizer::{
    AsciiFoldingFilter, Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer,
    TextAnalyzer, TokenStream, TokenizerManager,
};

use super::limits;
use crate::fold::fold;

/// The tokenizer that leaves words as they are.
pub(super) const PLAIN: &str = "vitrine_plain";
/// The tokenizer that cuts words down to their stems.
pub(super) const STEMMED: &str = "vitrine_english";

pub(super) fn register(tokenizers: &TokenizerManager) {
    tokenizers.register(PLAIN, plain());
    tokenizers.register(STEMMED, stemmed());
}

fn plain() -> TextAnalyzer {
    TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(limits::WORD))
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter)
        .build()
}

fn stemmed() -> TextAnalyzer {
    TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(limits::WORD))
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter)
        .filter(Stemmer::new(Language::English))
        .build()
}

fn tokens(mut analyzer: TextAnalyzer, text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    analyzer
        .token_stream(text)
        .process(&mut |token| tokens.push(token.text.clone()));
    tokens
}

/// A number and the unit written against it become two words: `24cm` and `24 cm` are the same to a shopper.
pub(crate) fn spaced(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len());
    let mut after_digit = false;
    for c in text.chars() {
        if after_digit && c.is_alphabetic() {
            spaced.push(' ');
        }
        after_digit = c.is_ascii_digit();
        spaced.push(c);
    }
    spaced
}

/// An article number or barcode as it is compared: in one spelling, without spaces.
pub(crate) fn code(text: &str) -> String {
    fold(text).replace(' ', "")
}

/// Words that say nothing about a product. They are looked for only when there is nothing else.
const FILLING: &[&str] = &[
    "a", "an", "and", "by", "for", "from", "i", "in", "is", "it", "me", "my", "of", "on", "or",
    "the", "to", "with",
];

/// A word of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// As it is written, folded.
    pub(crate) plain: String,
    /// Its stem.
    pub(crate) stem: String,
}

/// The words of a query, each once, in order.
pub(crate) fn of_query(text: &str) -> Vec<Word> {
    let text: String = text.chars().take(limits::QUERY).collect();
    let all = tokens(plain(), &spaced(&text));
    let filling = |word: &String| FILLING.contains(&word.as_str());
    let only_filling = all.iter().all(filling);
    let mut seen = HashSet::new();
    all.into_iter()
        .filter(|word| only_filling || !filling(word))
        .filter(|word| seen.insert(word.clone()))
        .take(limits::WORDS)
        .map(word)
        .collect()
}

/// A word by itself.
pub(super) fn word(plain: String) -> Word {
    let stem = tokens(stemmed(), &plain)
        .into_iter()
        .next()
        .unwrap_or_else(|| plain.clone());
    Word { plain, stem }
}

/// How many letters must be changed, added, left out or swapped with their neighbour to get from one word to another.
pub(crate) fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut two_rows_ago: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i.saturating_add(1)];
        for (j, b) in to.iter().enumerate() {
            let at = |row: &[usize], place: usize| row.get(place).copied().unwrap_or(usize::MAX);
            let next = j.saturating_add(1);
            let changed = at(&previous, j).saturating_add(usize::from(a != b));
            let added = at(&row, j).saturating_add(1);
            let left_out = at(&previous, next).saturating_add(1);
            let mut best = changed.min(added).min(left_out);
            let swapped = i > 0
                && j > 0
                && from.get(i.saturating_sub(1)) == Some(b)
                && to.get(j.saturating_sub(1)) == Some(a);
            if swapped {
                best = best.min(at(&two_rows_ago, j.saturating_sub(1)).saturating_add(1));
            }
            row.push(best);
        }
        two_rows_ago = std::mem::replace(&mut previous, row);
    }
    previous.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_become_plain_words_and_filling_is_left_out() {
        let words: Vec<String> = of_query("A Café cup, 24cm, for THE café")
            .into_iter()
            .map(|word| word.plain)
            .collect();
        assert_eq!(words, ["cafe", "cup", "24", "cm"]);
        let words: Vec<String> = of_query("the").into_iter().map(|word| word.plain).collect();
        assert_eq!(words, ["the"]);
        assert_eq!(of_query("tumblers")[0].stem, of_query("tumbler")[0].stem);
    }

    #[test]
    fn paper_sizes_stay_one_word() {
        assert_eq!(spaced("A4 print, 250g or 1kg"), "A4 print, 250 g or 1 kg");
        assert_eq!(code(" Tarn SPR-24 "), "tarnspr-24");
    }

    #[test]
    fn a_slip_of_the_finger_counts_once() {
        for (from, to, expected) in [
            ("vase", "vase", 0),
            ("vsae", "vase", 1),
            ("nikee", "nike", 1),
            ("shos", "shoes", 1),
            ("abc", "", 3),
            ("tumblr", "tumblers", 2),
        ] {
            assert_eq!(distance(from, to), expected, "{from} {to}");
            assert_eq!(distance(to, from), expected, "{to} {from}");
        }
    }
}

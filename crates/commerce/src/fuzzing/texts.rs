//! Searches and long texts.

use std::sync::LazyLock;

use kernel::{PageRequest, ProductId, RandomIds};

use super::text;
use crate::catalog::to_html;
use crate::fold::fold;
use crate::index::{
    Entry, IndexedProduct, Order, Query, Reached, SearchIndex, Spelling, limits, words,
};
use crate::lookup;

/// A shop of a few products to search in.
static INDEX: LazyLock<SearchIndex> = LazyLock::new(|| {
    let index = SearchIndex::in_memory().expect("an index fits into memory");
    let titles = [
        "Tarn vase, dipped",
        "Crème brûlée dishes",
        "Nike shoes",
        "24 cm pan",
    ];
    let entries: Vec<Entry> = titles
        .iter()
        .map(|title| {
            Entry::Put(Box::new(IndexedProduct {
                id: ProductId::new(&RandomIds),
                title: (*title).to_owned(),
                variants: vec!["Spruce / 24 cm".to_owned()],
                codes: vec![title.to_uppercase().replace(' ', "-")],
                categories: vec!["Ceramics".to_owned()],
                text: "Thrown in speckled stoneware.".to_owned(),
                min_price_minor: 1_000,
                max_price_minor: 2_000,
                published_at: None,
            }))
        })
        .collect();
    index.learn(&entries).expect("an index takes products");
    let reached = Reached {
        shop: "shop".to_owned(),
        revision: 1,
    };
    index.commit(&reached).expect("an index keeps products");
    index
});

/// A query is read as few short words.
pub fn query_words(bytes: &[u8]) {
    let Some(typed) = text(bytes) else { return };
    let words = words::of_query(typed);
    assert!(words.len() <= limits::WORDS);
    assert!(
        words
            .iter()
            .all(|word| !word.plain.is_empty() && !word.plain.contains(' '))
    );
    for word in &words {
        assert_eq!(
            words::distance(&word.plain, &word.stem),
            words::distance(&word.stem, &word.plain)
        );
        assert_eq!(words::distance(&word.plain, &word.plain), 0);
    }
    let spaced = words::spaced(typed);
    assert!(spaced.len() >= typed.len() && spaced.len() <= typed.len().saturating_mul(2));
    assert!(!words::code(typed).contains(' '));
}

/// Any query is answered, with no more words than are read, and its correction answers itself.
pub fn search(bytes: &[u8]) {
    query_words(bytes);
    let Some(typed) = text(bytes) else { return };
    let query = |text: &str, spelling| Query {
        text: text.to_owned(),
        order: Order::Relevance,
        page: PageRequest::new(1, 2),
        spelling,
    };
    let found = INDEX
        .find(&query(typed, Spelling::Correct))
        .expect("any query can be answered");
    assert!(found.ids.len() <= 2 && found.total <= 4);
    assert!(found.words.len() <= limits::WORDS);
    if let Some(corrected) = &found.corrected {
        let again = INDEX.find(&query(corrected, Spelling::AsTyped));
        // Typed by itself, it may be a code as well, and words that say nothing are left out.
        assert!(again.expect("a correction is a query").total >= found.total);
    }
}

/// The words of a thing are folded, short, few and never empty; folding what is folded changes nothing.
pub fn word_lists(bytes: &[u8]) {
    let Some(typed) = text(bytes) else { return };
    let words = lookup::words_of(typed, 5);
    assert!(words.len() <= 5);
    for word in &words {
        assert!(!word.is_empty() && word.chars().count() <= 40);
        assert!(word.chars().all(char::is_alphanumeric));
        assert!(lookup::end_of(word).as_bytes() > word.as_bytes());
    }
    let folded = fold(typed);
    assert!(!folded.starts_with(' ') && !folded.contains("  ") && !folded.contains('\n'));
}

/// Whatever a merchant types, the only markup that comes out is ours, and every tag is closed where it must be.
pub fn descriptions(bytes: &[u8]) {
    const OURS: &[&str] = &[
        "<p>", "</p>", "<br>", "<h3>", "</h3>", "<ul>", "</ul>", "<li>", "</li>",
    ];
    let Some(typed) = text(bytes) else { return };
    let html = to_html(typed);
    let mut rest = html.as_str();
    let mut open: Vec<&str> = Vec::new();
    while let Some(at) = rest.find(['<', '>', '"', '\'']) {
        let tag = rest.get(at..).unwrap_or_default();
        let ours = OURS.iter().find(|ours| tag.starts_with(**ours));
        let ours = ours.expect("only our own markup comes out");
        match ours.strip_prefix("</") {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if *ours == "<br>" => assert_eq!(open.last(), Some(&"p>")),
            None => open.push(ours.trim_start_matches('<')),
        }
        rest = tag.get(ours.len()..).unwrap_or_default();
    }
    assert!(open.is_empty(), "a tag stays open");
    assert!(html.len() <= typed.len().saturating_mul(12).saturating_add(16));
}

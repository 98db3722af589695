//! The product's form, as anybody could send it.

use std::collections::{BTreeMap, BTreeSet};

use super::form::{PictureForm, ProductForm, ROWS};

/// A product's form has as many rows as a page can hold, each combination once, and arranging it again changes nothing.
pub fn product_form(bytes: &[u8]) {
    let Some(fields) = web::fuzzing::form(bytes) else {
        return;
    };
    let fields: BTreeMap<String, String> = fields
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let typed = ProductForm::read(&fields);
    assert!(typed.variants.len() + typed.options.len() + typed.pictures.len() <= fields.len());
    assert!(
        typed
            .pictures
            .iter()
            .filter_map(PictureForm::src)
            .all(|src| src.starts_with('/'))
    );
    // Keys are ids or words of the page's own making; with others nothing is promised but that nothing breaks.
    let keys: Vec<&str> = typed
        .options
        .iter()
        .flat_map(|option| &option.values)
        .map(|value| value.key.as_str())
        .collect();
    let distinct: BTreeSet<&str> = keys.iter().copied().collect();
    let plain = |key: &&str| !key.is_empty() && !key.contains('/');
    let is_ours = distinct.len() == keys.len() && keys.iter().all(plain);
    let mut arranged = typed.clone();
    arranged.arrange(false);
    let mut again = arranged.clone();
    assert_eq!(again.arrange(false), 0);
    assert!(!is_ours || again == arranged, "arranged twice, it changes");
    let mut full = typed;
    let before = full.variants.len();
    full.arrange(true);
    assert!(full.variants.len() <= before.max(ROWS) + 1);
    let keys: BTreeSet<&str> = full.variants.iter().map(|row| row.key.as_str()).collect();
    assert!(
        !full.has_matrix || !is_ours || keys.len() == full.variants.len(),
        "a combination twice"
    );
}

//! Forms and queries of the pages.

use web::fuzzing::{form, query};

use super::{cart, checkout, listing};

/// What is put into the bag has no field the shop does not know.
pub fn bag_form(bytes: &[u8]) {
    let Some(fields) = form(bytes) else { return };
    let known = |name: &str| ["product", "variant", "quantity"].contains(&name);
    let all_known = fields
        .iter()
        .all(|(name, _)| known(name) || name.starts_with("option."));
    assert!(all_known || !cart::is_understood(&fields));
}

/// What is kept of a step is what was typed: short enough, and never a field the form has not.
pub fn checkout_form(bytes: &[u8]) {
    let Some(fields) = form(bytes) else { return };
    checkout::form::try_form(&fields);
}

/// A list has a page and an order, whatever was asked.
pub fn list_query(bytes: &[u8]) {
    let Some(fields) = query(bytes) else { return };
    let Ok(asked) = fields.read::<listing::Asked>() else {
        return;
    };
    let page = asked.page();
    assert!(page.number() >= 1 && page.size() > 0);
    assert!(["featured", "name"].contains(&asked.sort(&["featured", "name"])));
    if let Ok(slug) = listing::parse(&asked.sort) {
        assert_eq!(slug.as_str(), asked.sort);
    }
}

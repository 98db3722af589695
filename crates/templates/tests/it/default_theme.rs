use std::fs;
use std::path::{Path, PathBuf};

use templates::theme::Theme;
use templates::words::Words;

/// Keys that Rust code puts together at run time, so that no literal of them can be found. Everything else Rust asks for
/// must be written out somewhere in `crates/`.
const BUILT_IN_RUST: &[&str] = &["country.*", "field.*", "say.*", "timeline.*"];

/// The same for the back office.
const BUILT_IN_THE_BACK_OFFICE: &[&str] = &[
    "activity.action.*",
    "activity.subject.*",
    "country.*",
    "customers.sort.*",
    "home.than.*",
    "home.weekday.*",
    "inventory.kind.*",
    "inventory.view.*",
    "jump.place.*",
    "jump.status.*",
    "mails.kind.*",
    "mails.view.*",
    "orders.method.*",
    "orders.sort.*",
    "orders.view.*",
    "settings.payments.method.*",
    "staff.may.*",
    "products.field.*",
    "products.sort.*",
    "products.state.*",
    "products.tax.*",
    "products.told.*",
    "products.view.*",
];

fn keeps_the_rules(theme: &Theme) {
    let faults = templates::lint(theme).unwrap();
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn the_default_theme_keeps_the_rules() {
    keeps_the_rules(&Theme::built_in());
}

#[test]
fn the_back_office_keeps_the_rules() {
    keeps_the_rules(&Theme::back_office());
}

#[test]
fn every_text_of_the_shop_is_there_and_used() {
    texts_are_there_and_used(&Theme::built_in(), BUILT_IN_RUST);
}

#[test]
fn every_text_of_the_back_office_is_there_and_used() {
    texts_are_there_and_used(&Theme::back_office(), BUILT_IN_THE_BACK_OFFICE);
}

fn texts_are_there_and_used(theme: &Theme, built_in_rust: &[&str]) {
    let words = Words::load(theme).unwrap();
    let mut made: Vec<String> = built_in_rust
        .iter()
        .map(|pattern| (*pattern).to_owned())
        .collect();
    for file in rust_sources() {
        let text = fs::read_to_string(file).unwrap();
        made.extend(
            text.split('"')
                .filter(|literal| looks_like_a_key(literal))
                .map(str::to_owned),
        );
    }
    for words in words.values() {
        let faults = templates::lint_words(theme, words, &made).unwrap();
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "{}", lines.join("\n"));
    }
}

fn looks_like_a_key(literal: &str) -> bool {
    literal.contains('.')
        && literal
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_'))
}

fn rust_sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("..")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("tests") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

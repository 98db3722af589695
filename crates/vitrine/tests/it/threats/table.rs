//! The table of threats names tests. It is only worth something if every one of them exists.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// How many threats and bugs of other platforms the table has, by the letter of their rows.
const ROWS: &[(&str, usize)] = &[("T", 47), ("B", 38)];

/// What a row says that has no test.
const NOT_YET: &str = "not built yet";

/// Macros that make tests of the functions in them.
const MACROS: &[&str] = &["on_both!", "store_contract!", "proptest!"];

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap().to_owned()
}

/// `crates/commerce/src/checkout/tests/races.rs` as `commerce::checkout::races`.
fn module(file: &Path) -> String {
    let parts = file.components().map(Component::as_os_str);
    let parts = parts.map(|part| part.to_str().unwrap());
    let passed = ["crates", "src", "tests", "it", "mod", "lib", "main"];
    let names = parts.map(|part| part.strip_suffix(".rs").unwrap_or(part));
    let names: Vec<&str> = names.filter(|name| !passed.contains(name)).collect();
    names.join("::")
}

/// The names of the tests in a source file.
fn tests_in(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut in_macro: Option<usize> = None;
    let mut marked = false;
    for line in text.lines() {
        let bare = line.trim_start();
        let depth = line.len() - bare.len();
        if in_macro == Some(depth) && bare.starts_with('}') {
            in_macro = None;
        } else if MACROS.iter().any(|name| bare.starts_with(name)) {
            in_macro = Some(depth);
        }
        let name = bare.strip_prefix("async ").unwrap_or(bare);
        if bare.starts_with("#[test]") || bare.starts_with("#[tokio::test") {
            marked = true;
        } else if let Some(rest) = name.strip_prefix("fn ") {
            let is_made = in_macro.is_some_and(|outer| depth == outer + 4 && name != bare);
            if marked || is_made {
                found.extend(rest.split(['(', '<']).next());
            }
            marked = false;
        } else if !bare.starts_with('#') {
            marked = false;
        }
    }
    found
}

/// Every test there is, as `crate::module::name`, without the folders `src` and `tests/it`.
fn all_tests() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut waiting = ["crates", "browser", "bench"]
        .map(|folder| root().join(folder))
        .to_vec();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).unwrap();
            waiting.extend(entries.map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let module = module(path.strip_prefix(root()).unwrap());
            let names = tests_in(&text).into_iter();
            all.extend(names.map(|name| format!("{module}::{name}")));
        }
    }
    all
}

/// Everything in backquotes that is written like a test: `crate::module::name`.
fn named(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2).filter(|quoted| {
        let letters = quoted
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':');
        letters && quoted.contains("::")
    })
}

#[test]
fn every_threat_has_a_row_and_every_test_it_names_exists() {
    let text = std::fs::read_to_string(root().join("docs/SECURITY.md")).unwrap();
    let tests = all_tests();
    assert!(tests.len() > 600, "only {} tests were found", tests.len());
    let mut wrong = Vec::new();
    let unknown = named(&text).filter(|name| !tests.contains(*name));
    wrong.extend(unknown.map(|name| format!("there is no test {name}")));
    for (letter, count) in ROWS {
        for number in 1..=*count {
            let start = format!("| {letter}-{number:02} |");
            let row = text.lines().find(|line| line.starts_with(&start));
            let last = row.and_then(|row| row.trim_end_matches(" |").rsplit(" | ").next());
            match last {
                None => wrong.push(format!("no row begins with {start}")),
                Some(cell) if cell.contains(NOT_YET) || named(cell).next().is_some() => {}
                Some(cell) => wrong.push(format!("{start} names no test: {cell}")),
            }
        }
    }
    assert!(wrong.is_empty(), "docs/SECURITY.md: {wrong:#?}");
}

#[test]
fn a_function_is_a_test_if_it_is_marked_or_made_one() {
    let text = "#[test]\n#[cfg(unix)]\nfn plain() {}\n\nfn helper() {}\n\n#[tokio::test(flavor = \"x\")]\nasync fn waits() {}\n\
                on_both! {\n    async fn on_each(shop: &S) {\n        fn inner() {}\n    }\n}\nasync fn after() {}\n";
    assert_eq!(tests_in(text), ["plain", "waits", "on_each"]);
    let file = Path::new("crates/commerce/src/checkout/tests/mod.rs");
    assert_eq!(module(file), "commerce::checkout");
}

//! The house rules a machine can check: which module may use which.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The modules in reading order: each may use those above it, never those below.
const READING_ORDER: &[&str] = &[
    "error",
    "fold",
    "lookup",
    "index",
    "ports",
    "staff",
    "shop",
    "schema",
    "event",
    "audit",
    "keys",
    "settings",
    "accounts",
    "media",
    "inventory",
    "catalog",
    "search",
    "tax",
    "delivery",
    "carts",
    "payments",
    "customers",
    "orders",
    "notifications",
    "checkout",
    "reactions",
    "jobs",
    "verify",
    "testing",
];

/// What the crate's root passes on, and from where.
const PASSED_ON: &[(&str, &str)] = &[
    ("Internal", "error"),
    ("internal_from", "error"),
    ("MIGRATIONS", "schema"),
    ("Act", "shop"),
    ("Shop", "shop"),
    ("Shopper", "shop"),
    ("Actor", "staff"),
    ("on_both", "testing"),
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files_in(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            files_in(&path, found);
        } else if Path::new(&name).extension().is_some_and(|end| end == "rs") && name != "tests.rs"
        {
            found.push(path);
        }
    }
}

/// The file's code without comments, and without its tests, which may use anything.
fn code_of(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn first_word(text: &str) -> &str {
    let text = text.trim_start();
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    &text[..end]
}

/// The names that follow `crate::` in this code: one, or those of a list in braces.
fn names_after_crate(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            names.insert(first_word(rest).to_owned());
            continue;
        };
        let (mut depth, mut item) = (1, String::new());
        for c in list.chars() {
            depth += i32::from(c == '{') - i32::from(c == '}');
            if depth == 0 || (depth == 1 && c == ',') {
                names.insert(first_word(&item).to_owned());
                item.clear();
            } else {
                item.push(c);
            }
            if depth == 0 {
                break;
            }
        }
    }
    names.remove("");
    names
}

fn place_of(module: &str) -> Option<usize> {
    READING_ORDER.iter().position(|name| *name == module)
}

#[test]
fn every_module_stands_in_the_reading_order() {
    let declared: BTreeSet<String> = code_of(&source().join("lib.rs"))
        .lines()
        .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod "))
        .map(|rest| first_word(rest).to_owned())
        .filter(|name| name != "structure" && name != "model")
        .collect();
    let ordered: BTreeSet<String> = READING_ORDER.iter().map(ToString::to_string).collect();
    assert_eq!(declared, ordered);
}

#[test]
fn a_module_uses_only_those_above_it() {
    let mut files = Vec::new();
    files_in(&source(), &mut files);
    assert!(files.len() > 40, "the files were found");
    let (mut wrong, mut count) = (Vec::new(), 0);
    for path in files {
        let inside = path.strip_prefix(source()).unwrap();
        let first = inside.components().next().unwrap().as_os_str();
        let module = first.to_string_lossy().trim_end_matches(".rs").to_owned();
        if ["lib", "structure", "model"].contains(&module.as_str()) {
            continue;
        }
        let here = place_of(&module).unwrap_or_else(|| panic!("{module} has no place"));
        for name in names_after_crate(&code_of(&path)) {
            let passed_on = PASSED_ON.iter().find(|(word, _)| *word == name);
            let used = passed_on.map_or(name.as_str(), |(_, module)| module);
            let there =
                place_of(used).unwrap_or_else(|| panic!("{}: crate::{name}?", inside.display()));
            count += 1;
            if there > here {
                wrong.push(format!(
                    "{} uses {used}, which stands below it",
                    inside.display()
                ));
            }
        }
    }
    assert!(count > 100, "the uses were found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

//! The house rules a machine can check: which crate uses which, and nothing left half done.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Our crates from the top down. Each may use those on the lines below it; neighbours on one line never see each other.
const FLOORS: &[&[&str]] = &[
    &["vitrine", "browser", "bench"],
    &["storefront", "admin", "providers"],
    &["web"],
    &["commerce"],
    &["pricing", "templates", "jobs"],
    &["db"],
    &["kernel"],
];

/// Names of other people's crates that only these of ours may use.
const KEPT: &[(&[&str], &[&str])] = &[
    (
        &[
            "rusqlite",
            "postgres",
            "tokio-postgres",
            "tokio-postgres-rustls",
            "libsqlite3-sys",
        ],
        &["db"],
    ),
    (
        &["lettre", "reqwest", "ureq", "url"],
        &["providers", "browser"],
    ),
    (
        &["axum", "tower", "tower-http"],
        &["web", "storefront", "admin", "vitrine"],
    ),
    (
        &["hyper", "hyper-util"],
        &["web", "vitrine", "browser", "bench"],
    ),
    (&["minijinja", "rust-embed"], &["templates"]),
    (
        &["tantivy", "image", "webp", "fast_image_resize"],
        &["commerce"],
    ),
    (&["clap", "toml"], &["vitrine", "bench"]),
];

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap().to_owned()
}

/// What each crate's manifest asks for: in earnest, and for its tests.
fn manifests() -> BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> {
    let mut all = BTreeMap::new();
    let crates = std::fs::read_dir(root().join("crates")).unwrap();
    let mut folders: Vec<PathBuf> = crates.map(|folder| folder.unwrap().path()).collect();
    folders.extend([root().join("browser"), root().join("bench")]);
    for folder in folders {
        let text = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        let names = |table: &str| -> BTreeSet<String> {
            let found = manifest.get(table).and_then(toml::Value::as_table);
            found
                .into_iter()
                .flat_map(|table| table.keys().cloned())
                .collect()
        };
        let name = manifest["package"]["name"].as_str().unwrap().to_owned();
        let folder_name = folder.file_name().unwrap().to_str().unwrap();
        assert_eq!(name, folder_name, "a crate is named as its folder");
        let mut real = names("dependencies");
        real.extend(names("build-dependencies"));
        all.insert(name, (real, names("dev-dependencies")));
    }
    all
}

fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&name))
}

#[test]
fn crates_use_only_what_lies_below_them() {
    let manifests = manifests();
    for (name, (uses, _)) in &manifests {
        let own = floor(name)
            .unwrap_or_else(|| panic!("{name} has no floor: say in FLOORS who may use it"));
        for used in uses.iter().filter(|used| manifests.contains_key(*used)) {
            assert!(
                floor(used) > Some(own),
                "{name} uses {used}, which does not lie below it"
            );
        }
    }
    let uses = |name: &str, used: &str| manifests[name].0.contains(used);
    assert!(!uses("admin", "storefront") && !uses("admin", "providers"));
    assert!(!uses("storefront", "providers") && !uses("providers", "web"));
    assert!(
        !uses("templates", "db") && !uses("pricing", "db"),
        "a price needs no database"
    );
}

#[test]
fn other_peoples_crates_stay_where_they_belong() {
    for (name, (uses, in_tests)) in &manifests() {
        for (kept, owners) in KEPT {
            if owners.contains(&name.as_str()) {
                continue;
            }
            for foreign in *kept {
                assert!(
                    !uses.contains(*foreign),
                    "{name} uses {foreign}, which is for {owners:?}"
                );
                assert!(
                    !in_tests.contains(*foreign),
                    "the tests of {name} use {foreign}, which is for {owners:?}"
                );
            }
        }
    }
}

#[test]
fn nothing_is_left_half_done() {
    let marks = ["TO", "FIX", "XX", "HA"]
        .iter()
        .zip(["DO", "ME", "X", "CK:"]);
    let marks: Vec<String> = marks.map(|(start, end)| format!("{start}{end}")).collect();
    let mut left = Vec::new();
    let mut read = 0;
    let folders = [
        "crates",
        "browser",
        "bench",
        "migrations",
        "themes",
        "locales",
        "docs",
        "tools",
    ];
    let mut waiting: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(
                std::fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
            continue;
        }
        let ours = path
            .extension()
            .and_then(|end| end.to_str())
            .is_some_and(|end| {
                ["rs", "sql", "html", "css", "json", "md", "toml", "sh", "py"].contains(&end)
            });
        let Some(text) = ours.then(|| std::fs::read_to_string(&path).ok()).flatten() else {
            continue;
        };
        read += 1;
        for (number, line) in text.lines().enumerate() {
            let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == ':' || c == '_'));
            let marked = words
                .map(|word| word.trim_end_matches(':'))
                .any(|word| marks.iter().any(|mark| mark.trim_end_matches(':') == word));
            if marked {
                left.push(format!(
                    "{}:{}: {}",
                    path.display(),
                    number + 1,
                    line.trim()
                ));
            }
        }
    }
    assert!(read > 200, "only {read} files were read");
    assert!(left.is_empty(), "{}", left.join("\n"));
}

#[test]
fn no_crate_of_ours_can_use_unsafe_code() {
    let text = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let workspace: toml::Table = text.parse().unwrap();
    let unsafe_code = &workspace["workspace"]["lints"]["rust"]["unsafe_code"];
    assert_eq!(unsafe_code.as_str(), Some("forbid"));
    let crates = std::fs::read_dir(root().join("crates")).unwrap();
    let mut folders: Vec<PathBuf> = crates.map(|folder| folder.unwrap().path()).collect();
    folders.extend([root().join("browser"), root().join("bench")]);
    assert!(folders.len() > 10, "the crates were found");
    for folder in folders {
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        let lints = manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace"));
        let keeps_them = lints.and_then(toml::Value::as_bool) == Some(true);
        assert!(
            keeps_them,
            "{} does not keep the house's lints",
            folder.display()
        );
    }
}

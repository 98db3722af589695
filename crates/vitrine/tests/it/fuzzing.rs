//! What fuzzing found stays found: every target is given every file of its corpus.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| {
        panic!("{} is missing: {error}", folder.display());
    });
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn whatever_was_found_once_is_taken_calmly_for_ever() {
    let mut broken = Vec::new();
    for (name, target) in vitrine::fuzzing::targets() {
        let corpus = folder().join("corpus").join(name);
        let files = names_in(&corpus);
        assert!(!files.is_empty(), "{name} has an empty corpus");
        for file in files {
            let bytes = std::fs::read(corpus.join(&file)).unwrap();
            let began = Instant::now();
            if std::panic::catch_unwind(|| target(&bytes)).is_err() {
                broken.push(format!("{name}/{file}"));
            }
            // A debug build on a busy machine; what hangs takes far longer.
            assert!(
                began.elapsed() < Duration::from_mins(1),
                "{name}/{file} takes for ever"
            );
        }
    }
    assert!(broken.is_empty(), "broken by {broken:#?}");
}

#[test]
fn every_target_can_be_fuzzed_and_has_a_corpus_and_nothing_else_lies_there() {
    let known: BTreeSet<String> = vitrine::fuzzing::targets()
        .into_iter()
        .map(|(name, _)| name.to_owned())
        .collect();
    assert_eq!(
        known.len(),
        vitrine::fuzzing::targets().len(),
        "a name twice"
    );
    assert_eq!(names_in(&folder().join("corpus")), known);
    let sources: BTreeSet<String> = known.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names_in(&folder().join("fuzz_targets")), sources);
    let manifest: toml::Table = std::fs::read_to_string(folder().join("Cargo.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let bins: BTreeSet<String> = manifest["bin"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bin| bin["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(bins, known);
    for name in &known {
        let source = folder().join("fuzz_targets").join(format!("{name}.rs"));
        let line = format!("fuzz::run(\"{name}\", bytes)");
        assert!(
            std::fs::read_to_string(source).unwrap().contains(&line),
            "{name} runs another target"
        );
    }
}

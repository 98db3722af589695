//! The tool as it is called.

#![cfg(test)] // so that the lints know every function here for a test

use std::process::{Command, Output};

use serde_json::json;

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(arguments)
        .output()
        .unwrap()
}

fn figures(cpu: u64) -> String {
    json!({ "runs": [{
        "scenario": "search", "database": "SQLite", "products": 1_000, "model_name": "100 arrivals/s",
        "all": { "per_second": 100, "p50_us": 900, "p99_us": 2_000, "errors": 0 },
        "cpu_us_per_1000": cpu,
    }]})
    .to_string()
}

#[test]
fn a_comparison_fails_only_if_asked_to_and_worse_than_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, cpu| {
        let path = folder.path().join(name);
        std::fs::write(&path, figures(cpu)).unwrap();
        path.display().to_string()
    };
    let (before, after) = (file("before.json", 1_000), file("after.json", 1_300));
    let compared = bench(&["compare", &before, &after]);
    assert!(compared.status.success());
    let said = String::from_utf8(compared.stdout).unwrap();
    assert!(said.contains("+30 %"), "{said}");
    let failed = bench(&["compare", &before, &after, "--fail-over", "20"]);
    assert!(!failed.status.success());
    let said = String::from_utf8(failed.stderr).unwrap();
    assert!(said.contains("was 1000 and is 1300"), "{said}");
    let allowed = bench(&["compare", &before, &after, "--fail-over", "30"]);
    assert!(allowed.status.success());
}

#[test]
fn a_load_without_a_server_says_how_to_build_one() {
    let said = bench(&["load", "--scenario", "mix", "--server", "/nowhere/vitrine"]);
    assert!(!said.status.success());
    let words = String::from_utf8(said.stderr).unwrap();
    assert!(
        words.contains("cargo build --release -p vitrine"),
        "{words}"
    );
}

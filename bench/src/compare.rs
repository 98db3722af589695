//! `bench compare`: what has become faster or slower from one file of figures to another.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::BenchError;
use crate::figures::add;

/// A figure and where it is in a run.
struct Figure {
    name: &'static str,
    at: &'static str,
    better: Better,
    /// Whether it travels between machines and busy days well enough to fail a build.
    is_steady: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Better {
    More,
    Less,
}

const FIGURES: &[Figure] = &[
    noisy("answers/s", "/all/per_second", Better::More),
    noisy("p50 us", "/all/p50_us", Better::Less),
    noisy("p99 us", "/all/p99_us", Better::Less),
    steady("errors", "/all/errors", Better::Less),
    steady("CPU us/1,000", "/cpu_us_per_1000", Better::Less),
    steady("peak KiB", "/memory_peak_kib", Better::Less),
    steady("% of bare", "/bare/rate_percent_of_bare", Better::More),
];

const fn noisy(name: &'static str, at: &'static str, better: Better) -> Figure {
    Figure {
        name,
        at,
        better,
        is_steady: false,
    }
}

const fn steady(name: &'static str, at: &'static str, better: Better) -> Figure {
    Figure {
        is_steady: true,
        ..noisy(name, at, better)
    }
}

/// What came of a comparison.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Compared {
    /// A table for the terminal.
    pub(crate) table: String,
    /// Steady figures that are worse by more than allowed, in words.
    pub(crate) worse: Vec<String>,
}

/// Reads both files and compares them.
pub(crate) fn files(before: &Path, after: &Path, allowed: u64) -> Result<Compared, BenchError> {
    compare(&read(before)?, &read(after)?, allowed)
}

fn read(path: &Path) -> Result<Value, BenchError> {
    let name = path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|error| BenchError::File(name.clone(), error))?;
    serde_json::from_str(&text)
        .map_err(|error| BenchError::Unexpected(format!("{name} is no file of figures: {error}")))
}

/// Compares the runs that are in both, figure by figure. `allowed` is how much worse, in per cent, is still the same.
fn compare(before: &Value, after: &Value, allowed: u64) -> Result<Compared, BenchError> {
    let (before, after) = (runs(before), runs(after));
    let mut compared = Compared {
        table: String::new(),
        worse: Vec::new(),
    };
    let mut together = 0_u32;
    for (name, new) in &after {
        let Some(old) = before.get(name) else {
            add(
                &mut compared.table,
                format_args!("{name}: only in the second\n"),
            );
            continue;
        };
        together += 1;
        add(&mut compared.table, format_args!("{name}\n"));
        for figure in FIGURES {
            let (Some(was), Some(is)) = (number(old, figure), number(new, figure)) else {
                continue;
            };
            let change = change(was, is);
            let line = format_args!("  {:<14} {was:>12} {is:>12} {change:>+6} %\n", figure.name);
            add(&mut compared.table, line);
            if figure.is_steady && worse_by(figure, was, is) > allowed {
                let words = format!("{name}: {} was {was} and is {is}", figure.name);
                compared.worse.push(words);
            }
        }
    }
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        add(
            &mut compared.table,
            format_args!("{name}: only in the first\n"),
        );
    }
    if together == 0 {
        return Err(BenchError::Unexpected(
            "the two files have no run in common; compare files made with the same options"
                .to_owned(),
        ));
    }
    Ok(compared)
}

/// The runs of a file by what they measured.
fn runs(file: &Value) -> BTreeMap<String, &Value> {
    let runs = file.get("runs").and_then(Value::as_array);
    let named = |run: &'_ Value| -> Option<String> {
        let text = |key: &str| Some(run.get(key)?.as_str()?.to_owned());
        Some(format!(
            "{}, {} products, {}, {}",
            text("scenario")?,
            run.get("products")?.as_u64()?,
            text("database")?,
            text("model_name")?
        ))
    };
    runs.into_iter()
        .flatten()
        .filter_map(|run| Some((named(run)?, run)))
        .collect()
}

fn number(run: &Value, figure: &Figure) -> Option<i64> {
    run.pointer(figure.at)?.as_i64()
}

/// The change in per cent.
fn change(was: i64, is: i64) -> i64 {
    let difference = is.saturating_sub(was).saturating_mul(100);
    difference
        .checked_div(was)
        .unwrap_or(if is == 0 { 0 } else { 100 })
}

/// How much worse it is, in per cent; 0 if it is not.
fn worse_by(figure: &Figure, was: i64, is: i64) -> u64 {
    let change = change(was, is);
    let worse = if figure.better == Better::More {
        change.saturating_neg()
    } else {
        change
    };
    u64::try_from(worse).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn file(cpu: u64, rate: u64, errors: u64) -> Value {
        json!({ "runs": [{
            "scenario": "mix", "database": "SQLite", "products": 10_000, "model_name": "64 connections",
            "all": { "per_second": rate, "p50_us": 1, "p99_us": 2, "errors": errors },
            "cpu_us_per_1000": cpu, "memory_peak_kib": 100,
        }]})
    }

    #[test]
    fn steady_figures_that_are_worse_are_named_and_noisy_ones_are_not() {
        let worse = compare(&file(1_000, 500, 0), &file(1_111, 300, 0), 10).unwrap();
        assert_eq!(worse.worse.len(), 1);
        assert!(worse.worse[0].contains("CPU us/1,000 was 1000 and is 1111"));
        assert!(worse.table.contains("-40 %"), "{}", worse.table);
        let same = compare(&file(1_000, 500, 0), &file(1_100, 500, 0), 10).unwrap();
        assert_eq!(same.worse, Vec::<String>::new());
    }

    #[test]
    fn what_is_better_is_never_worse_and_a_first_error_is() {
        let better = compare(&file(1_000, 500, 5), &file(10, 5_000, 0), 0).unwrap();
        assert_eq!(better.worse, Vec::<String>::new());
        let errors = compare(&file(1_000, 500, 0), &file(1_000, 500, 1), 10).unwrap();
        assert!(errors.worse[0].contains("errors"));
    }

    #[test]
    fn files_with_nothing_in_common_cannot_be_compared() {
        compare(&file(1, 1, 0), &json!({ "runs": [] }), 10).unwrap_err();
    }
}

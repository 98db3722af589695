//! The figures, for people and for programs.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

/// What was measured.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) seconds: u64,
    pub(crate) cases: Vec<Case>,
}

/// One database with a number of writers.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) writers: usize,
    pub(crate) per_second: u64,
    pub(crate) median: Duration,
    pub(crate) slow: Duration,
    /// Writes that shared a COMMIT, times ten.
    pub(crate) per_commit_tenths: u64,
    /// How long the disk took for a sync right before.
    pub(crate) sync: Duration,
}

impl Case {
    /// Writes in the time of one sync, times a hundred: below 100 the disk has more to give, above it writes share syncs.
    fn per_sync_hundredths(&self) -> u64 {
        u64::try_from(self.sync.as_micros())
            .unwrap_or(u64::MAX)
            .saturating_mul(self.per_second)
            / 10_000
    }
}

impl Report {
    /// A table for the terminal.
    pub(crate) fn table(&self) -> String {
        let mut table = format!(
            "Durable writes of ten statements, {} s each. The disk: median fdatasync of a 4 KiB append.\n\n\
             {:<28} {:>7} {:>9} {:>10} {:>10} {:>11} {:>10} {:>11}\n",
            self.seconds,
            "",
            "writers",
            "writes/s",
            "median ms",
            "99 % ms",
            "per commit",
            "disk ms",
            "per sync"
        );
        for case in &self.cases {
            let line = writeln!(
                table,
                "{:<28} {:>7} {:>9} {:>10} {:>10} {:>11} {:>10} {:>11}",
                case.name,
                case.writers,
                case.per_second,
                milliseconds(case.median),
                milliseconds(case.slow),
                format!(
                    "{}.{}",
                    case.per_commit_tenths / 10,
                    case.per_commit_tenths % 10
                ),
                milliseconds(case.sync),
                format!(
                    "{}.{:02}",
                    case.per_sync_hundredths() / 100,
                    case.per_sync_hundredths() % 100
                ),
            );
            debug_assert!(line.is_ok(), "text takes any line");
        }
        table
    }

    /// The same as JSON, times in microseconds.
    pub(crate) fn json(&self) -> Value {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let case = |case: &Case| {
            json!({
                "database": case.name,
                "writers": case.writers,
                "writes_per_second": case.per_second,
                "median_us": micros(case.median),
                "p99_us": micros(case.slow),
                "writes_per_commit_tenths": case.per_commit_tenths,
                "disk_sync_us": micros(case.sync),
                "writes_per_sync_hundredths": case.per_sync_hundredths(),
            })
        };
        json!({ "what": "durable ten-statement writes", "seconds": self.seconds, "cases": self.cases.iter().map(case).collect::<Vec<_>>() })
    }
}

fn milliseconds(time: Duration) -> String {
    format!(
        "{}.{:02}",
        time.as_millis(),
        time.subsec_micros() % 1_000 / 10
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_the_writes_compare_with_the_disk() {
        let case = Case {
            name: "SQLite, group commit".to_owned(),
            writers: 16,
            per_second: 4_000,
            median: Duration::from_micros(3_456),
            slow: Duration::from_micros(12_004),
            per_commit_tenths: 158,
            sync: Duration::from_micros(3_500),
        };
        let report = Report {
            seconds: 5,
            cases: vec![case],
        };
        let table = report.table();
        let words: Vec<_> = table.lines().last().unwrap().split_whitespace().collect();
        assert_eq!(
            words,
            [
                "SQLite,", "group", "commit", "16", "4000", "3.45", "12.00", "15.8", "3.50",
                "14.00"
            ]
        );
        assert_eq!(
            report.json()["cases"][0]["writes_per_sync_hundredths"],
            1_400
        );
    }
}

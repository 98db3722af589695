//! What a run came to, for people and for programs.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use crate::drive::Measured;
use crate::load::Run;
use crate::notes::{Tally, per_second};

/// Kinds that are a whole errand, of which every request is noted by itself.
pub(crate) const SUMS: &[&str] = &[
    "whole visit",
    "whole checkout",
    "bought",
    "sold out",
    "gave up",
    "went wrong",
];

/// One run's figures.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    pub(crate) name: String,
    pub(crate) database: &'static str,
    pub(crate) products: u32,
    pub(crate) model: String,
    model_json: Value,
    pub(crate) measured: Measured,
    pub(crate) bare: Option<Bare>,
    /// From the start of the process to its first answer.
    pub(crate) start: Duration,
    /// Memory right after the start, in KiB.
    pub(crate) memory_at_start: u64,
    all: Tally,
}

/// What the bare server did with the same bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bare {
    pub(crate) per_second: u64,
    /// Microseconds on a core for a thousand requests.
    pub(crate) cpu_per_thousand: u64,
    pub(crate) p99: u64,
    /// Bytes of the answer, head and body.
    pub(crate) bytes: usize,
}

impl Bare {
    pub(crate) fn of(measured: &Measured, bytes: usize) -> Self {
        let all = measured.notes.all(SUMS);
        Self {
            per_second: per_second(all.good(), measured.notes.micros()),
            cpu_per_thousand: per_thousand(measured.server_cpu, all.good()),
            p99: all.percentiles().1,
            bytes,
        }
    }
}

impl Figures {
    pub(crate) fn of(
        run: &Run,
        measured: &Measured,
        bare: Option<Bare>,
        (start, memory_at_start, database): (Duration, u64, &'static str),
    ) -> Self {
        Self {
            name: run.name(),
            database,
            products: run.products,
            model: run.load.model.name(),
            model_json: run.load.model.json(),
            all: measured.notes.all(SUMS),
            measured: measured.clone(),
            bare,
            start,
            memory_at_start,
        }
    }

    /// Good answers per second.
    pub(crate) fn per_second(&self) -> u64 {
        per_second(self.all.good(), self.measured.notes.micros())
    }

    /// Microseconds on a core that the server took for a thousand answers.
    pub(crate) fn cpu_per_thousand(&self) -> u64 {
        let answers = self.all.good() + self.all.busy + self.all.wrong();
        per_thousand(self.measured.server_cpu, answers)
    }

    /// The answers of one kind, or of all; none if nobody asked for that.
    pub(crate) fn kind(&self, kind: Option<&str>) -> Tally {
        match kind {
            None => self.all.clone(),
            Some(kind) => {
                let found = self.measured.notes.kinds.get(kind);
                found.cloned().unwrap_or_default()
            }
        }
    }

    /// How much of the time the load's core was busy, in per cent: near 100, the load was the limit.
    pub(crate) fn load_busy(&self) -> u64 {
        percent(
            u64::try_from(self.measured.load_cpu.as_micros()).unwrap_or(u64::MAX),
            self.measured.notes.micros(),
        )
    }

    /// Of the bare server's rate, in per cent; where the load was the limit, of what its time on a core allows.
    pub(crate) fn of_bare(&self) -> Option<u64> {
        let bare = self.bare?;
        Some(percent(self.per_second(), bare.per_second))
    }

    /// The bare server's time on a core for an answer, of ours, in per cent.
    pub(crate) fn cpu_of_bare(&self) -> Option<u64> {
        let bare = self.bare?;
        Some(percent(bare.cpu_per_thousand, self.cpu_per_thousand()))
    }

    /// A block for the terminal.
    pub(crate) fn in_words(&self) -> String {
        let mut text = format!(
            "\n{}, {} products, {}, {}\n",
            self.name, self.products, self.database, self.model
        );
        let (p50, p99, p999) = self.all.percentiles();
        let micros = self.measured.notes.micros();
        let mut line = |what: &str, value: String| {
            let written = writeln!(text, "  {what:<28} {value:>12}");
            debug_assert!(written.is_ok(), "text takes any line");
        };
        line("answers per second", self.per_second().to_string());
        line("p50 ms", millis(p50));
        line("p99 ms", millis(p99));
        line("p99.9 ms", millis(p999));
        line("errors", self.all.wrong().to_string());
        line("busy (503, 429)", self.all.busy.to_string());
        line(
            "CPU s per 1,000 requests",
            thousandths(self.cpu_per_thousand() / 1_000),
        );
        line("most memory MiB", tenths_of_mebibytes(self.measured.peak));
        line(
            "memory at start MiB",
            tenths_of_mebibytes(self.memory_at_start),
        );
        line("start ms", self.start.as_millis().to_string());
        line("load's core busy %", self.load_busy().to_string());
        if let Some(bare) = self.bare {
            line("bytes of the page", bare.bytes.to_string());
            line("bare server per second", bare.per_second.to_string());
            line("bare server p99 ms", millis(bare.p99));
            line(
                "bare CPU s per 1,000",
                thousandths(bare.cpu_per_thousand / 1_000),
            );
            line(
                "of the bare rate %",
                self.of_bare().unwrap_or(0).to_string(),
            );
            line(
                "bare CPU of our CPU %",
                self.cpu_of_bare().unwrap_or(0).to_string(),
            );
        }
        for (what, count) in &self.all.bad {
            line(&format!("error: {what}"), count.to_string());
        }
        if self.measured.notes.kinds.len() > 1 {
            text.push_str(&self.kinds(micros));
        }
        text
    }

    fn kinds(&self, micros: u64) -> String {
        let mut text = format!(
            "  {:<20} {:>9} {:>9} {:>9} {:>9} {:>7} {:>7}\n",
            "", "per s", "p50 ms", "p99 ms", "p99.9 ms", "errors", "busy"
        );
        for (kind, tally) in &self.measured.notes.kinds {
            let (p50, p99, p999) = tally.percentiles();
            let written = writeln!(
                text,
                "  {kind:<20} {:>9} {:>9} {:>9} {:>9} {:>7} {:>7}",
                per_second(tally.good(), micros),
                millis(p50),
                millis(p99),
                millis(p999),
                tally.wrong(),
                tally.busy
            );
            debug_assert!(written.is_ok(), "text takes any line");
        }
        text
    }

    /// As JSON.
    pub(crate) fn json(&self) -> Value {
        let micros = self.measured.notes.micros();
        let kinds: serde_json::Map<String, Value> = self
            .measured
            .notes
            .kinds
            .iter()
            .map(|(kind, tally)| ((*kind).to_owned(), tally.json(micros)))
            .collect();
        let mut value = json!({
            "scenario": self.name,
            "database": self.database,
            "products": self.products,
            "model": self.model_json,
            "model_name": self.model,
            "seconds_milli": micros / 1_000,
            "all": self.all.json(micros),
            "cpu_us_per_1000": self.cpu_per_thousand(),
            "memory_peak_kib": self.measured.peak,
            "memory_at_start_kib": self.memory_at_start,
            "start_ms": u64::try_from(self.start.as_millis()).unwrap_or(u64::MAX),
            "load_busy_percent": self.load_busy(),
            "kinds": kinds,
        });
        if let Some(bare) = self.bare
            && let Some(object) = value.as_object_mut()
        {
            let bare = json!({
                "per_second": bare.per_second,
                "p99_us": bare.p99,
                "cpu_us_per_1000": bare.cpu_per_thousand,
                "bytes": bare.bytes,
                "rate_percent_of_bare": self.of_bare(),
                "bare_cpu_percent_of_ours": self.cpu_of_bare(),
            });
            object.insert("bare".to_owned(), bare);
        }
        value
    }
}

/// Adds words to a text.
pub(crate) fn add(to: &mut String, words: std::fmt::Arguments<'_>) {
    let written = to.write_fmt(words);
    debug_assert!(written.is_ok(), "text takes any words");
}

/// Microseconds on a core for a thousand of these.
fn per_thousand(cpu: Duration, count: u64) -> u64 {
    let micros = cpu.as_micros().saturating_mul(1_000);
    let each = micros.checked_div(u128::from(count)).unwrap_or(0);
    u64::try_from(each).unwrap_or(u64::MAX)
}

/// A part of a whole, in per cent.
pub(crate) fn percent(part: u64, whole: u64) -> u64 {
    part.saturating_mul(100).checked_div(whole).unwrap_or(0)
}

/// Microseconds as milliseconds with two places.
pub(crate) fn millis(micros: u64) -> String {
    format!("{}.{:02}", micros / 1_000, micros % 1_000 / 10)
}

/// Thousandths as a number with three places.
pub(crate) fn thousandths(count: u64) -> String {
    format!("{}.{:03}", count / 1_000, count % 1_000)
}

/// KiB as MiB with one place.
pub(crate) fn tenths_of_mebibytes(kibibytes: u64) -> String {
    let tenths = kibibytes.saturating_mul(10) / 1_024;
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_with_their_places() {
        assert_eq!(millis(4_056), "4.05");
        assert_eq!(thousandths(12), "0.012");
        assert_eq!(tenths_of_mebibytes(1_536), "1.5");
        assert_eq!(percent(1, 0), 0);
        assert_eq!(percent(3, 4), 75);
    }

    #[test]
    fn cpu_is_shared_out_among_a_thousand_answers() {
        assert_eq!(per_thousand(Duration::from_secs(2), 4_000), 500_000);
        assert_eq!(per_thousand(Duration::from_secs(2), 0), 0);
    }
}

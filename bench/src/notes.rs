//! What the visitors saw, noted while they are there: how long each answer took, and what went wrong.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// The longest time that is told apart: a minute, in microseconds.
const LONGEST: u64 = 60_000_000;

/// How an answer was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// As it should be.
    Good,
    /// The shop said that it is busy or that somebody asks too much: 503 or 429.
    Busy,
    /// Anything else.
    Bad(String),
}

/// The book that all visitors of one run write into. They are on one thread.
#[derive(Debug, Clone)]
pub(crate) struct Book(Rc<RefCell<Notes>>);

impl Book {
    /// Notes what begins from this moment on; what was before is to warm up.
    pub(crate) fn from(from: Instant) -> Self {
        Self(Rc::new(RefCell::new(Notes {
            from,
            last: from,
            kinds: BTreeMap::new(),
        })))
    }

    /// Notes an answer of this kind that was due, or asked for, at `since`.
    pub(crate) fn note(&self, kind: &'static str, since: Instant, outcome: Outcome) {
        let now = Instant::now();
        let mut notes = self.0.borrow_mut();
        if since < notes.from {
            return;
        }
        notes.last = now;
        let tally = notes.kinds.entry(kind).or_default();
        match outcome {
            Outcome::Good => {
                let took = now.saturating_duration_since(since);
                let micros = u64::try_from(took.as_micros()).unwrap_or(LONGEST);
                tally.times.saturating_record(micros.clamp(1, LONGEST));
            }
            Outcome::Busy => tally.busy = tally.busy.saturating_add(1),
            Outcome::Bad(what) => {
                let count = tally.bad.entry(what).or_insert(0);
                *count = count.saturating_add(1);
            }
        }
    }

    /// What has been noted.
    pub(crate) fn close(&self) -> Notes {
        self.0.borrow().clone()
    }
}

/// The notes of a run.
#[derive(Debug, Clone)]
pub(crate) struct Notes {
    from: Instant,
    /// When the last answer came.
    pub(crate) last: Instant,
    /// By what was asked for.
    pub(crate) kinds: BTreeMap<&'static str, Tally>,
}

impl Notes {
    /// How long it took from the first to the last answer, in microseconds.
    pub(crate) fn micros(&self) -> u64 {
        let took = self.last.saturating_duration_since(self.from);
        u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1)
    }

    /// Everything but the kinds that are sums of others.
    pub(crate) fn all(&self, but: &[&str]) -> Tally {
        let mut all = Tally::default();
        for (kind, tally) in &self.kinds {
            if !but.contains(kind) {
                all.add(tally);
            }
        }
        all
    }
}

/// Answers of one kind.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    /// How long good answers took, in microseconds.
    pub(crate) times: Histogram<u64>,
    /// How often the shop was busy.
    pub(crate) busy: u64,
    /// What went wrong, and how often.
    pub(crate) bad: BTreeMap<String, u64>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            times: Histogram::new_with_bounds(1, LONGEST, 3)
                .expect("a histogram of a minute to three digits can be made"),
            busy: 0,
            bad: BTreeMap::new(),
        }
    }
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.times
            .add(&other.times)
            .expect("histograms of one kind can be added");
        self.busy = self.busy.saturating_add(other.busy);
        for (what, count) in &other.bad {
            let sum = self.bad.entry(what.clone()).or_insert(0);
            *sum = sum.saturating_add(*count);
        }
    }

    /// Good answers.
    pub(crate) fn good(&self) -> u64 {
        self.times.len()
    }

    /// Answers that were neither good nor a word that the shop is busy.
    pub(crate) fn wrong(&self) -> u64 {
        self.bad.values().sum()
    }

    /// The times that half, 99 and 99.9 of a hundred good answers did not exceed, in microseconds.
    pub(crate) fn percentiles(&self) -> (u64, u64, u64) {
        let at = |quantile| self.times.value_at_quantile(quantile);
        (at(0.5), at(0.99), at(0.999))
    }

    /// As JSON.
    pub(crate) fn json(&self, micros: u64) -> Value {
        let (p50, p99, p999) = self.percentiles();
        json!({
            "answers": self.good(),
            "per_second": per_second(self.good(), micros),
            "p50_us": p50,
            "p99_us": p99,
            "p999_us": p999,
            "busy": self.busy,
            "errors": self.wrong(),
            "what_went_wrong": self.bad,
        })
    }
}

/// So many in so many microseconds, per second.
pub(crate) fn per_second(count: u64, micros: u64) -> u64 {
    let per_second = u128::from(count)
        .saturating_mul(1_000_000)
        .checked_div(u128::from(micros))
        .unwrap_or(0);
    u64::try_from(per_second).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn percentiles_are_of_good_answers_and_warming_up_does_not_count() {
        let now = Instant::now();
        let from = now.checked_sub(Duration::from_secs(2)).unwrap();
        let book = Book::from(from);
        for milliseconds in 1..=100 {
            let since = now
                .checked_sub(Duration::from_millis(milliseconds))
                .unwrap();
            book.note("page", since, Outcome::Good);
        }
        let early = from.checked_sub(Duration::from_millis(1)).unwrap();
        book.note("page", early, Outcome::Good);
        book.note("page", now, Outcome::Busy);
        book.note("search", now, Outcome::Bad("status 500".to_owned()));
        let notes = book.close();
        let page = &notes.kinds["page"];
        assert_eq!((page.good(), page.busy, page.wrong()), (100, 1, 0));
        let (p50, p99, p999) = page.percentiles();
        assert!((50_000..70_000).contains(&p50), "{p50}");
        assert!(p99 >= 99_000 && p999 >= p99, "{p99} {p999}");
        let all = notes.all(&["search"]);
        assert_eq!((all.good(), all.wrong()), (100, 0));
        assert_eq!(notes.all(&[]).wrong(), 1);
    }

    #[test]
    fn a_rate_is_counted_in_whole_answers() {
        assert_eq!(per_second(1_000, 2_000_000), 500);
        assert_eq!(per_second(3, 0), 0);
        assert_eq!(per_second(u64::MAX, 1), u64::MAX);
    }
}

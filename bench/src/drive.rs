//! Sends visitors to the shop, in two ways.
//!
//! *Closed*: a number of connections, each asking again as soon as it has its answer. It finds out how much the server can
//! do, but a server that stalls is asked less while it stalls, so its slow moments hardly show.
//!
//! *Open*: visitors arrive at a fixed rate, whether the ones before them were answered or not. What an answer took is
//! counted from the moment its visitor was due: whoever had to wait for a connection, waited for the shop.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::{LocalSet, yield_now};

use crate::BenchError;
use crate::machine::{Process, on_core};
use crate::notes::{Book, Notes};

/// How many come, and how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) model: Model,
    /// Before anything is noted.
    pub(crate) warm: Duration,
    /// While things are noted.
    pub(crate) time: Duration,
}

/// Who decides when the next one comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Model {
    /// The answer to the one before.
    Closed { connections: usize },
    /// The clock. The connections are as many as can be busy at once.
    Open { per_second: u64, connections: usize },
}

impl Model {
    pub(crate) fn connections(self) -> usize {
        match self {
            Self::Closed { connections } | Self::Open { connections, .. } => connections.max(1),
        }
    }

    /// In words that tell one run from another.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Closed { connections } => format!("{connections} connections"),
            Self::Open { per_second, .. } => format!("{per_second} arrivals/s"),
        }
    }

    pub(crate) fn json(self) -> Value {
        match self {
            Self::Closed { connections } => json!({ "closed_connections": connections }),
            Self::Open {
                per_second,
                connections,
            } => json!({ "open_per_second": per_second, "most_connections": connections }),
        }
    }
}

/// When the visitors of an open run are due.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    start: Instant,
    per_second: u64,
    /// How many there are.
    pub(crate) count: u64,
}

impl Schedule {
    pub(crate) fn new(start: Instant, per_second: u64, time: Duration) -> Self {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let per_second = per_second.max(1);
        Self {
            start,
            per_second,
            count: (millis.saturating_mul(per_second) / 1_000).max(1),
        }
    }

    /// The moment of this visitor, counted from 0.
    pub(crate) fn due(&self, number: u64) -> Instant {
        let nanos = u128::from(number).saturating_mul(1_000_000_000) / u128::from(self.per_second);
        let after = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.start.checked_add(after).unwrap_or(self.start)
    }
}

/// One visitor's turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    /// Which one it is, counted from 0.
    pub(crate) number: u64,
    /// When it was due.
    pub(crate) due: Instant,
}

/// Somebody at one connection, doing one visitor's errand after the other.
pub(crate) trait Worker: 'static {
    /// Does an errand and notes what it saw. `false` if nothing is left to do.
    async fn go(&mut self, turn: Turn, book: &Book) -> bool;
}

/// What a run came to.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub(crate) notes: Notes,
    /// Time on a core the server took.
    pub(crate) server_cpu: Duration,
    /// The most memory it held, in KiB.
    pub(crate) peak: u64,
    /// Time on a core the load took.
    pub(crate) load_cpu: Duration,
}

/// Drives workers against a server from a core of their own.
pub(crate) fn drive<W: Worker>(
    core: usize,
    load: Load,
    server: Process,
    make: impl Fn(usize) -> W + Send,
) -> Result<Measured, BenchError> {
    on_load_core(core, async move || {
        let start = Instant::now();
        let book = Book::from(after(start, load.warm));
        let tasks = begin(load, start, &book, make);
        watch(tasks, (start, load), server, &book).await
    })
}

/// The same with others beside them, who write into the same book.
pub(crate) fn drive_beside<W: Worker, V: Worker>(
    (core, server): (usize, Process),
    (load, make): (Load, impl Fn(usize) -> W + Send),
    (beside, make_other): (Load, impl Fn(usize) -> V + Send),
) -> Result<Measured, BenchError> {
    on_load_core(core, async move || {
        let start = Instant::now();
        let book = Book::from(after(start, load.warm));
        let mut tasks = begin(load, start, &book, make);
        tasks.extend(begin(beside, start, &book, make_other));
        watch(tasks, (start, load), server, &book).await
    })
}

fn on_load_core(
    core: usize,
    work: impl AsyncFnOnce() -> Result<Measured, BenchError> + Send,
) -> Result<Measured, BenchError> {
    on_core(core, || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| BenchError::File("the load's runtime".to_owned(), error))?;
        LocalSet::new().block_on(&runtime, work())
    })
}

fn after(start: Instant, time: Duration) -> Instant {
    start.checked_add(time).unwrap_or(start)
}

fn begin<W: Worker>(load: Load, start: Instant, book: &Book, make: impl Fn(usize) -> W) -> Tasks {
    let workers = (0..load.model.connections()).map(make).collect();
    match load.model {
        Model::Closed { .. } => closed(workers, after(start, load.warm), load.time, book),
        Model::Open { per_second, .. } => {
            let whole = load.warm.saturating_add(load.time);
            open(workers, Schedule::new(start, per_second, whole), book)
        }
    }
}

/// Waits until everybody is done, and looks at what it cost the server from the moment things are noted.
async fn watch(
    tasks: Tasks,
    (start, load): (Instant, Load),
    server: Process,
    book: &Book,
) -> Result<Measured, BenchError> {
    tokio::time::sleep_until(after(start, load.warm).into()).await;
    server.forget_peak()?;
    let (server_before, load_before) = (server.cpu()?, Process::own().cpu()?);
    for task in tasks {
        task.await.map_err(|_died| {
            BenchError::Unexpected("a visitor of the load ended early".to_owned())
        })?;
    }
    Ok(Measured {
        server_cpu: server.cpu()?.saturating_sub(server_before),
        load_cpu: Process::own().cpu()?.saturating_sub(load_before),
        peak: server.peak()?,
        notes: book.close(),
    })
}

type Tasks = Vec<tokio::task::JoinHandle<()>>;

fn closed<W: Worker>(workers: Vec<W>, from: Instant, time: Duration, book: &Book) -> Tasks {
    let until = after(from, time);
    let next = Rc::new(Cell::new(0));
    let each = |mut worker: W| {
        let (book, next) = (book.clone(), Rc::clone(&next));
        tokio::task::spawn_local(async move {
            let turn = || {
                let due = Instant::now();
                let number = next.get();
                next.set(number + 1);
                (due < until).then_some(Turn { number, due })
            };
            while let Some(turn) = turn()
                && worker.go(turn, &book).await
            {}
        })
    };
    workers.into_iter().map(each).collect()
}

fn open<W: Worker>(workers: Vec<W>, schedule: Schedule, book: &Book) -> Tasks {
    let line = Rc::new(Line {
        gate: Semaphore::new(0),
        next: Cell::new(0),
        schedule,
    });
    let connections = workers.len();
    let each = |mut worker: W| {
        let (book, line) = (book.clone(), Rc::clone(&line));
        tokio::task::spawn_local(async move {
            while let Some(turn) = line.next().await
                && worker.go(turn, &book).await
            {}
        })
    };
    let mut tasks: Tasks = workers.into_iter().map(each).collect();
    tasks.push(tokio::task::spawn_local(async move {
        for number in 0..schedule.count {
            wait_until(schedule.due(number)).await;
            line.gate.add_permits(1);
        }
        // One more for each, to learn that nobody comes any more.
        line.gate.add_permits(connections);
    }));
    tasks
}

/// Those who have arrived and wait for a connection.
struct Line {
    /// A permit for each.
    gate: Semaphore,
    next: Cell<u64>,
    schedule: Schedule,
}

impl Line {
    /// The next one in the line, as soon as there is one; nothing when all have been.
    async fn next(&self) -> Option<Turn> {
        // The gate is never closed.
        self.gate.acquire().await.ok()?.forget();
        let number = self.next.get();
        if number >= self.schedule.count {
            return None;
        }
        self.next.set(number + 1);
        Some(Turn {
            number,
            due: self.schedule.due(number),
        })
    }
}

/// Timers go off up to two milliseconds late; the last stretch is waited for by looking at the clock.
async fn wait_until(due: Instant) {
    const LATE: Duration = Duration::from_millis(2);
    let now = Instant::now();
    if let Some(early) = due.checked_sub(LATE)
        && early > now
    {
        tokio::time::sleep_until(early.into()).await;
    }
    while Instant::now() < due {
        yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notes::Outcome;

    #[test]
    fn visitors_are_due_evenly_and_as_many_as_the_time_holds() {
        let start = Instant::now();
        let schedule = Schedule::new(start, 3, Duration::from_secs(2));
        assert_eq!(schedule.count, 6);
        let millis = |number| (schedule.due(number) - start).as_millis();
        assert_eq!((millis(0), millis(1), millis(3)), (0, 333, 1_000));
        // No drift: the millionth is where it belongs.
        let fast = Schedule::new(start, 7_000, Duration::from_secs(1_000));
        assert_eq!((fast.due(7_000_000) - start).as_millis(), 1_000_000);
    }

    struct Slow;

    impl Worker for Slow {
        async fn go(&mut self, turn: Turn, book: &Book) -> bool {
            tokio::time::sleep(Duration::from_millis(40)).await;
            book.note("slow", turn.due, Outcome::Good);
            true
        }
    }

    fn count_and_slowest(model: Model) -> (u64, u64) {
        let load = Load {
            model,
            warm: Duration::ZERO,
            time: Duration::from_millis(200),
        };
        let measured = drive(0, load, Process::own(), |_| Slow).unwrap();
        let tally = measured.notes.kinds["slow"].clone();
        (tally.good(), tally.times.max())
    }

    #[test]
    fn a_slow_server_hides_in_a_closed_run_and_not_in_an_open_one() {
        let (count, _) = count_and_slowest(Model::Closed { connections: 1 });
        assert!((1..=5).contains(&count), "{count}");
        // Twenty come in the time that five can be answered in: the last one waits for all the others.
        let (count, worst) = count_and_slowest(Model::Open {
            per_second: 100,
            connections: 1,
        });
        assert_eq!(count, 20);
        assert!(worst > 500_000, "{worst}");
    }
}

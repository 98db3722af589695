//! A transaction waiting for a database thread, with its types erased; and the queue it waits in.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::DbError;
use crate::tx::{Connection, Ending, Tx};

/// What a thread needs to know of a transaction: how to run it, and how to tell the caller what became of it.
pub(crate) trait Work: Send {
    /// Runs the closure once. May be called again after a rollback.
    fn run(&mut self, connection: Connection<'_>) -> Verdict;
    /// Answers the caller: with the closure's own result, or, where that was `Ok` and the transaction still came to
    /// nothing, with the error.
    fn settle(self: Box<Self>, ended: Result<(), DbError>);
    /// Whether nobody waits for the answer any more.
    fn is_abandoned(&self) -> bool;
}

/// What a run asks for.
pub(crate) enum Verdict {
    /// COMMIT, with what goes with it.
    Commit(Ending),
    /// ROLLBACK: the closure said no and knows why.
    Refused,
    /// ROLLBACK: the transaction failed.
    Failed(DbError),
    /// ROLLBACK and run again: others were in the way.
    Retry(DbError),
}

pub(crate) struct Task<T, E, F> {
    closure: F,
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Task<T, E, F> {
    pub(crate) const fn new(closure: F, answer: oneshot::Sender<Result<T, E>>) -> Self {
        Self {
            closure,
            result: None,
            answer,
        }
    }
}

impl<T, E, F> Work for Task<T, E, F>
where
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<DbError> + Send,
{
    fn run(&mut self, connection: Connection<'_>) -> Verdict {
        self.result = None;
        let mut tx = Tx::new(connection);
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.closure)(&mut tx)));
        let (failure, ending) = tx.into_parts();
        let result = match outcome {
            Ok(result) => result,
            Err(panic) => return Verdict::Failed(DbError::Panicked(panic_message(panic.as_ref()))),
        };
        let said_yes = result.is_ok();
        self.result = Some(result);
        match failure {
            Some(failure) if failure.is_retryable() => Verdict::Retry(failure),
            Some(failure @ (DbError::Poisoned(_) | DbError::Full | DbError::Busy)) => {
                Verdict::Failed(failure)
            }
            Some(failure) if said_yes => Verdict::Failed(DbError::Aborted(failure.to_string())),
            None if said_yes => Verdict::Commit(ending),
            Some(_) | None => Verdict::Refused,
        }
    }

    fn settle(self: Box<Self>, ended: Result<(), DbError>) {
        let Self { result, answer, .. } = *self;
        let result = match (result, ended) {
            (Some(result), Ok(())) => Some(result),
            (Some(Err(own)), Err(_)) => Some(Err(own)),
            (_, Err(error)) => catch_unwind(AssertUnwindSafe(|| Err(E::from(error)))).ok(),
            (None, Ok(())) => None,
        };
        if let Some(result) = result {
            drop(answer.send(result)); // a caller that went away needs no answer
        }
    }

    fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("with something that is not text").to_owned()
}

/// A bounded line of work, first come first served.
pub(crate) struct Queue {
    line: Mutex<Line>,
    arrival: Condvar,
    limit: usize,
    longest_wait: Duration,
}

struct Line {
    waiting: VecDeque<(Instant, Box<dyn Work>)>,
    closed: bool,
}

impl Queue {
    pub(crate) fn new(limit: usize, longest_wait: Duration) -> Self {
        let line = Mutex::new(Line {
            waiting: VecDeque::new(),
            closed: false,
        });
        Self {
            line,
            arrival: Condvar::new(),
            limit,
            longest_wait,
        }
    }

    /// Joins the line, unless it is full or closed.
    pub(crate) fn push(&self, work: Box<dyn Work>) -> Result<(), DbError> {
        let mut line = self.line();
        if line.closed {
            return Err(DbError::Closed);
        }
        if line.waiting.len() >= self.limit {
            return Err(DbError::Busy);
        }
        line.waiting.push_back((Instant::now(), work));
        drop(line);
        self.arrival.notify_one();
        Ok(())
    }

    /// Waits for the next piece of work. `None` once the queue is closed and empty.
    pub(crate) fn next(&self) -> Option<Box<dyn Work>> {
        loop {
            let mut line = self.line();
            while line.waiting.is_empty() && !line.closed {
                line = self
                    .arrival
                    .wait(line)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            let (since, work) = line.waiting.pop_front()?;
            drop(line);
            if let Some(work) = self.in_time(since, work) {
                return Some(work);
            }
        }
    }

    /// The next piece of work, if one is waiting.
    pub(crate) fn next_waiting(&self) -> Option<Box<dyn Work>> {
        loop {
            let (since, work) = self.line().waiting.pop_front()?;
            if let Some(work) = self.in_time(since, work) {
                return Some(work);
            }
        }
    }

    /// Takes no more work; what waits is still done.
    pub(crate) fn close(&self) {
        self.line().closed = true;
        self.arrival.notify_all();
    }

    /// Whether it takes no more work.
    pub(crate) fn is_closed(&self) -> bool {
        self.line().closed
    }

    /// How many are waiting.
    pub(crate) fn len(&self) -> usize {
        self.line().waiting.len()
    }

    /// Closes the line and sends everybody in it away.
    fn abandon(&self) {
        self.close();
        let waiting = std::mem::take(&mut self.line().waiting);
        for (_, work) in waiting {
            work.settle(Err(DbError::Closed));
        }
    }

    fn in_time(&self, since: Instant, work: Box<dyn Work>) -> Option<Box<dyn Work>> {
        if since.elapsed() < self.longest_wait {
            return Some(work);
        }
        work.settle(Err(DbError::Busy));
        None
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held by a database thread: should the thread ever die of a bug, nobody waits for it in vain.
pub(crate) struct OnDuty<'a>(pub(crate) &'a Queue);

impl Drop for OnDuty<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("A database thread died; no more work is taken");
            self.0.abandon();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waited_too_long_is_sent_away_unserved() {
        let queue = Queue::new(10, Duration::ZERO);
        let (answer, mut answered) = oneshot::channel::<Result<(), DbError>>();
        queue
            .push(Box::new(Task::new(
                |_: &mut Tx<'_>| panic!("this is never run"),
                answer,
            )))
            .unwrap();
        assert!(queue.next_waiting().is_none());
        assert_eq!(answered.try_recv(), Ok(Err(DbError::Busy)));
    }

    #[test]
    fn when_a_database_thread_dies_nobody_waits_in_vain() {
        let queue = Queue::new(10, Duration::from_mins(1));
        let (answer, mut answered) = oneshot::channel::<Result<(), DbError>>();
        queue
            .push(Box::new(Task::new(|_: &mut Tx<'_>| Ok(()), answer)))
            .unwrap();
        let died = catch_unwind(AssertUnwindSafe(|| {
            let _guard = OnDuty(&queue);
            panic!("a bug in the thread");
        }));
        assert!(died.is_err());
        assert_eq!(answered.try_recv(), Ok(Err(DbError::Closed)));
        let (answer, _) = oneshot::channel::<Result<(), DbError>>();
        assert_eq!(
            queue.push(Box::new(Task::new(|_: &mut Tx<'_>| Ok(()), answer))),
            Err(DbError::Closed)
        );
    }
}

//! A thread with a connection: takes work, runs it in a transaction, answers.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::connect::Target;
use super::{Session, errors};
use crate::tx::{self, Ending};
use crate::work::{Queue, Verdict, Work};
use crate::{DbError, Options, Shared, ToValue, changes, limits};

/// Which queue a thread serves. Reads have threads of their own, so that writes waiting for each other's locks do not
/// keep shoppers from looking.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
}

impl Kind {
    pub(super) fn queue(self, shared: &Shared) -> &Queue {
        match self {
            Self::Read => &shared.reads,
            Self::Write => &shared.writes,
        }
    }

    const fn begin(self) -> &'static str {
        match self {
            Self::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Self::Write => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
        })
    }
}

pub(super) struct Worker<'a> {
    target: &'a Target,
    shared: &'a Shared,
    options: &'a Options,
    kind: Kind,
    session: Option<Session>,
    /// Where it counts changes.
    lane: i64,
    /// How long to leave an unreachable server alone, doubled by each failure.
    pause: Duration,
}

/// What became of one attempt.
enum Attempt {
    Done(Vec<&'static str>),
    Ended(Result<(), DbError>),
    Again(DbError),
}

impl<'a> Worker<'a> {
    pub(super) fn new(
        (target, shared, options): (&'a Target, &'a Shared, &'a Options),
        kind: Kind,
        lane: u64,
    ) -> Self {
        Self {
            target,
            shared,
            options,
            kind,
            session: None,
            lane: i64::try_from(lane).unwrap_or(0),
            pause: Duration::ZERO,
        }
    }

    /// Serves the queue until it is closed. The first thread connects at once and says how that went.
    pub(super) fn run(mut self, connected: Option<mpsc::Sender<Result<(), DbError>>>) {
        if let Some(connected) = connected {
            let result = self.session().map(drop);
            let failed = result.is_err();
            if connected.send(result).is_err() || failed {
                return;
            }
        }
        while let Some(work) = self.kind.queue(self.shared).next() {
            if self.kind == Kind::Read && work.is_abandoned() {
                continue;
            }
            self.serve(work);
            if self.session.is_none() && self.pause > Duration::ZERO {
                thread::sleep(jitter(self.pause));
            }
        }
    }

    fn serve(&mut self, mut work: Box<dyn Work>) {
        let mut attempt = 1;
        loop {
            let error = match self.attempt(work.as_mut()) {
                Attempt::Done(signals) => {
                    self.shared.topics.wake(&signals);
                    return work.settle(Ok(()));
                }
                Attempt::Ended(result) => return work.settle(result),
                Attempt::Again(error) => error,
            };
            if attempt >= self.options.attempts || self.pause > Duration::ZERO {
                return work.settle(Err(error));
            }
            self.shared.counters.count_retry();
            // A little at first, then longer: whom we collided with must get through first.
            thread::sleep(jitter(limits::RETRY_PAUSE * 2_u32.saturating_pow(attempt)));
            attempt += 1;
        }
    }

    fn attempt(&mut self, work: &mut dyn Work) -> Attempt {
        let kind = self.kind;
        let session = match self.session() {
            Ok(session) => session,
            Err(error) => return Attempt::Again(error),
        };
        if let Err(error) = session.batch(kind.begin()) {
            self.session = None; // most likely the server restarted since the last transaction
            return Attempt::Again(error);
        }
        let verdict = work.run(tx::Connection::Postgres(session));
        match verdict {
            Verdict::Commit(ending) => match self.count_changes(&ending) {
                Ok(()) => self.commit(ending.signals),
                Err(error) if error.is_retryable() => self.roll_back(Attempt::Again(error)),
                Err(error) => self.roll_back(Attempt::Ended(Err(error))),
            },
            Verdict::Refused => self.roll_back(Attempt::Ended(Ok(()))),
            Verdict::Failed(error) => self.roll_back(Attempt::Ended(Err(error))),
            Verdict::Retry(error) => self.roll_back(Attempt::Again(error)),
        }
    }

    /// Counts what the transaction changed, as its last statements: nobody waits for a row of the counts and holds others.
    fn count_changes(&mut self, ending: &Ending) -> Result<(), DbError> {
        let (Some(watched), Some(session)) = (self.shared.watched.get(), &mut self.session) else {
            return Ok(());
        };
        for area in ending.touched.areas(watched) {
            session.execute(changes::COUNT, &[area.to_value(), self.lane.to_value()])?;
        }
        Ok(())
    }

    fn commit(&mut self, signals: Vec<&'static str>) -> Attempt {
        let Some(session) = &mut self.session else {
            return Attempt::Ended(Err(DbError::Closed));
        };
        let Err(error) = session.client.batch_execute("COMMIT") else {
            match self.kind {
                Kind::Read => self.shared.counters.count_read(),
                Kind::Write => self.shared.counters.count_commit(1),
            }
            return Attempt::Done(signals);
        };
        if errors::surely_rolled_back(&error) {
            let error = errors::from_postgres(&error, "COMMIT");
            let again = error.is_retryable();
            return self.roll_back(if again {
                Attempt::Again(error)
            } else {
                Attempt::Ended(Err(error))
            });
        }
        self.session = None;
        Attempt::Ended(Err(match self.kind {
            Kind::Read => DbError::Unavailable(errors::with_source(&error)),
            Kind::Write => DbError::UnknownCommit(errors::with_source(&error)),
        }))
    }

    /// Leaves the transaction. A connection on which that fails is closed, which ends it too.
    fn roll_back(&mut self, then: Attempt) -> Attempt {
        if let Some(session) = &mut self.session
            && (session.is_broken() || session.batch("ROLLBACK").is_err())
        {
            self.session = None;
        }
        then
    }

    /// The connection, made anew if there is none.
    fn session(&mut self) -> Result<&mut Session, DbError> {
        if self.session.as_ref().is_some_and(Session::is_broken) {
            self.session = None;
        }
        if self.session.is_none() {
            match self.target.connect() {
                Ok(client) => {
                    self.session = Some(Session::new(client));
                    self.pause = Duration::ZERO;
                }
                Err(error) => {
                    self.pause =
                        (self.pause * 2).clamp(Duration::from_millis(50), limits::RECONNECT_PAUSE);
                    return Err(error);
                }
            }
        }
        self.session.as_mut().ok_or(DbError::Closed)
    }
}

/// Between half and all of `pause`, so that those who collided do not collide again in step.
fn jitter(pause: Duration) -> Duration {
    let noise = RandomState::new().build_hasher().finish() % 64;
    pause / 2 + (pause / 128) * u32::try_from(noise).unwrap_or(0)
}

//! Taking jobs and running their handlers.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use db::{Db, DbError};
use kernel::time::{Clock, MINUTE, SECOND};
use serde::de::DeserializeOwned;
use tokio::task::{Id, JoinError, JoinSet};

use crate::TOPIC;
use crate::queue::{self, Lease, LeaseError, Taken};

/// How a handler ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// The runner takes the job off the queue.
    Finished,
    /// The handler did so itself, in the transaction of its effect: what [`crate::complete`] returns.
    Completed,
}

/// How a handler ended badly. The reasons are kept for people: no personal data, no secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// It may go better later: the job runs again after a pause, until its attempts are used up.
    #[error("{0}")]
    Retry(String),
    /// It will never go better: the job is dead at once.
    #[error("{0}")]
    Fail(String),
    /// The job belongs to somebody else by now.
    #[error("the lease on job {0} was lost")]
    LeaseLost(String),
}

impl From<DbError> for JobError {
    fn from(error: DbError) -> Self {
        Self::Retry(error.to_string())
    }
}

impl From<LeaseError> for JobError {
    fn from(error: LeaseError) -> Self {
        match error {
            LeaseError::Lost(id) => Self::LeaseLost(id),
            LeaseError::Database(error) => error.into(),
        }
    }
}

/// What a handler knows of the job besides its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobContext {
    /// 1 when it runs for the first time.
    pub attempt: u32,
    /// Whether it is given up if it fails this time too.
    pub is_last_attempt: bool,
    /// For [`crate::complete`].
    pub lease: Lease,
}

/// How a runner works. The default suits a shop.
#[derive(Debug, Clone, Copy)]
pub struct RunnerOptions {
    /// Most jobs at once.
    pub concurrency: usize,
    /// How long a job is ours without a sign of life, in milliseconds. It is renewed while the handler runs.
    pub lease: i64,
    /// How often a job is started before it is dead.
    pub attempts: u32,
    /// How often the table is looked at, when nothing wakes us earlier.
    pub poll: Duration,
    /// How long running jobs may go on after the runner was told to stop.
    pub grace: Duration,
}

impl Default for RunnerOptions {
    fn default() -> Self {
        Self {
            concurrency: 8,
            lease: 30 * SECOND,
            attempts: 12,
            poll: Duration::from_millis(250),
            grace: Duration::from_secs(20),
        }
    }
}

/// What [`Runner::run_due`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drained {
    /// Jobs that ended well.
    pub done: u32,
    /// Jobs that failed and will run again.
    pub retried: u32,
    /// Jobs that failed for good.
    pub dead: u32,
}

impl Drained {
    fn count(&mut self, left: Left) {
        match left {
            Left::Done => self.done += 1,
            Left::Retried => self.retried += 1,
            Left::Dead => self.dead += 1,
            Left::Lost => {}
        }
    }
}

type Outcome = Result<Done, JobError>;
type Handler =
    Arc<dyn Fn(&str, JobContext) -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send + Sync>;

/// Takes jobs of the kinds it has handlers for, and runs them.
pub struct Runner {
    work: Arc<Work>,
}

struct Work {
    db: Db,
    clock: Arc<dyn Clock>,
    options: RunnerOptions,
    handlers: BTreeMap<&'static str, Handler>,
    schedules: Vec<(&'static str, i64)>,
}

/// How a job was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Done,
    Retried,
    Dead,
    Lost,
}

/// More jobs than this in one [`Runner::run_due`] are a job that keeps putting itself back.
const DRAIN_LIMIT: u32 = 10_000;

impl Runner {
    /// A runner without handlers.
    pub fn new(db: Db, clock: Arc<dyn Clock>, options: RunnerOptions) -> Self {
        let work = Work {
            db,
            clock,
            options,
            handlers: BTreeMap::new(),
            schedules: Vec::new(),
        };
        Self {
            work: Arc::new(work),
        }
    }

    /// Has jobs of this kind run by `handler`. A payload that is no `P` is dead at once.
    ///
    /// # Panics
    /// When the kind already has a handler, or the runner has already been started: mistakes made at start-up.
    #[must_use]
    pub fn handle<P, F, R>(mut self, kind: &'static str, handler: F) -> Self
    where
        P: DeserializeOwned,
        F: Fn(P, JobContext) -> R + Send + Sync + 'static,
        R: Future<Output = Outcome> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |payload, job| match serde_json::from_str(payload) {
            Ok(payload) => Box::pin(handler(payload, job)),
            Err(error) => {
                let reason = format!("the payload cannot be read: {error}");
                Box::pin(std::future::ready(Err(JobError::Fail(reason))))
            }
        });
        let earlier = self.unstarted().handlers.insert(kind, handler);
        assert!(earlier.is_none(), "two handlers for jobs of kind {kind}");
        self
    }

    /// Puts a job of this kind, with the payload `null`, into the queue once every so many milliseconds, on whichever
    /// node is first.
    ///
    /// # Panics
    /// When the interval is not positive, or the runner has already been started.
    #[must_use]
    pub fn every(mut self, interval: i64, kind: &'static str) -> Self {
        assert!(interval > 0, "a job cannot recur every {interval} ms");
        self.unstarted().schedules.push((kind, interval));
        self
    }

    /// Runs everything that is due, one after the other in order of time, and what becomes due by it; then returns.
    /// With a clock that stands still, this is deterministic.
    pub async fn run_due(&self) -> Result<Drained, DbError> {
        let mut drained = Drained::default();
        for _ in 0..DRAIN_LIMIT {
            if !self.work.is_any_due().await? {
                return Ok(drained);
            }
            for job in self.work.take(1).await? {
                drained.count(self.work.run(job).await?);
            }
        }
        Err(DbError::Statement {
            message: format!(
                "{DRAIN_LIMIT} jobs ran and more are due: one of them puts itself back at once"
            ),
            sql: "jobs".to_owned(),
        })
    }

    /// Runs jobs until `shutdown` is ready; then takes no more, and waits for those that run, for a while. What has not
    /// ended by then is given back to the queue.
    pub async fn run_forever(&self, shutdown: impl Future<Output = ()>) {
        let mut shutdown = std::pin::pin!(shutdown);
        let woken = self.work.db.signal(TOPIC);
        let mut running = Running::default();
        let mut trouble = false;
        loop {
            match self.start_due(&mut running).await {
                Ok(()) => trouble = false,
                Err(DbError::Closed) => break,
                Err(error) if trouble => {
                    tracing::debug!("The job queue still cannot be read: {error}");
                }
                Err(error) => {
                    tracing::warn!("The job queue cannot be read; trying again: {error}");
                    trouble = true;
                }
            }
            tokio::select! {
                () = &mut shutdown => break,
                () = woken.notified() => {}
                () = tokio::time::sleep(self.work.options.poll) => {}
                () = running.one_ends() => {}
            }
        }
        self.stop(running).await;
    }

    /// The kinds of due jobs that this runner has no handler for, for the operator: they wait for a release that has.
    pub async fn unknown_kinds(&self) -> Result<Vec<String>, DbError> {
        let (now, kinds) = (self.work.clock.now(), self.work.kinds());
        self.work
            .db
            .read(move |tx| queue::unknown_kinds(tx, now, &kinds))
            .await
    }

    /// Takes as many jobs as there is room for, and starts them.
    async fn start_due(&self, running: &mut Running) -> Result<(), DbError> {
        loop {
            let room = self
                .work
                .options
                .concurrency
                .saturating_sub(running.tasks.len());
            if room == 0 || !self.work.is_any_due().await? {
                return Ok(());
            }
            for job in self.work.take(room).await? {
                running.start(Arc::clone(&self.work), job);
            }
        }
    }

    async fn stop(&self, mut running: Running) {
        let all_end = async {
            while !running.tasks.is_empty() {
                running.one_ends().await;
            }
        };
        if tokio::time::timeout(self.work.options.grace, all_end)
            .await
            .is_ok()
        {
            return;
        }
        running.tasks.shutdown().await;
        tracing::warn!(
            "{} jobs did not end in time and go back into the queue",
            running.leases.len()
        );
        let now = self.work.clock.now();
        for lease in running.leases.into_values() {
            let given_back = lease.clone();
            let result = self.work.db.write(move |tx| {
                queue::give_back(tx, &given_back, now, "the server stopped while it ran")
            });
            if let Err(error) = result.await {
                tracing::warn!(
                    "Job {} goes back only when its lease ends: {error}",
                    lease.id
                );
            }
        }
    }

    /// Before the start nobody shares the work yet.
    fn unstarted(&mut self) -> &mut Work {
        Arc::get_mut(&mut self.work).expect("handlers are added before the runner is started")
    }
}

/// The jobs that run now.
#[derive(Default)]
struct Running {
    tasks: JoinSet<Result<Left, DbError>>,
    leases: HashMap<Id, Lease>,
}

impl Running {
    fn start(&mut self, work: Arc<Work>, job: Taken) {
        let lease = job.lease.clone();
        let task = self.tasks.spawn(async move { work.run(job).await });
        self.leases.insert(task.id(), lease);
    }

    /// Waits until a job ends; for ever when none runs.
    async fn one_ends(&mut self) {
        let task = match self.tasks.join_next_with_id().await {
            Some(Ok((task, Ok(_)))) => task,
            Some(Ok((task, Err(error)))) => {
                tracing::warn!("How a job ended could not be noted, so it will run again: {error}");
                task
            }
            Some(Err(error)) => {
                tracing::error!("A bug in the job runner: {error}");
                error.id()
            }
            None => std::future::pending().await,
        };
        self.leases.remove(&task);
    }
}

impl Work {
    fn kinds(&self) -> Vec<&'static str> {
        self.handlers.keys().copied().collect()
    }

    /// Whether there is something to take; recurring jobs whose time has come are put into the queue first.
    async fn is_any_due(&self) -> Result<bool, DbError> {
        let (now, kinds, schedules) = (self.clock.now(), self.kinds(), self.schedules.clone());
        let agenda = self
            .db
            .read(move |tx| queue::agenda(tx, now, &kinds, &schedules))
            .await?;
        let ticked = !agenda.ticks.is_empty();
        for (kind, every) in agenda.ticks {
            self.db
                .write(move |tx| queue::tick(tx, now, kind, every))
                .await?;
        }
        Ok(agenda.is_any_due || ticked)
    }

    /// Takes up to `most` jobs. None may mean that another node was faster.
    async fn take(&self, most: usize) -> Result<Vec<Taken>, DbError> {
        let (now, kinds) = (self.clock.now(), self.kinds());
        let until = now.plus(self.options.lease);
        let take = move |tx: &mut db::Tx<'_>| {
            let mut taken = Vec::new();
            while taken.len() < most
                && let Some(job) = queue::take(tx, now, until, &kinds)?
            {
                taken.push(job);
            }
            Ok(taken)
        };
        self.db.write(take).await
    }

    /// Runs a job and leaves it as it deserves.
    async fn run(&self, job: Taken) -> Result<Left, DbError> {
        let outcome = if job.attempt > self.options.attempts {
            // Its last attempt never ended: it took the whole process with it, or more time than a lease.
            Err(JobError::Fail(
                "its attempts are used up, and the last one never ended".to_owned(),
            ))
        } else {
            self.outcome(&job).await
        };
        let left = match outcome {
            Ok(Done::Completed) => Left::Done,
            Ok(Done::Finished) => {
                let lease = job.lease.clone();
                let completed = self.db.write(move |tx| queue::complete(tx, &lease)).await;
                if still_ours(completed)? {
                    Left::Done
                } else {
                    Left::Lost
                }
            }
            Err(JobError::LeaseLost(_)) => Left::Lost,
            Err(JobError::Retry(reason)) if job.attempt < self.options.attempts => {
                self.retry(&job, &reason).await?
            }
            Err(JobError::Retry(reason) | JobError::Fail(reason)) => {
                self.bury(&job, &reason).await?
            }
        };
        if left == Left::Lost {
            tracing::warn!(job.id = %job.lease.id, "Job {} ({}) was taken over by somebody else", job.lease.id, job.kind);
        }
        Ok(left)
    }

    /// Runs the handler in a task of its own, and renews the lease meanwhile. A panic is a failure like others.
    async fn outcome(&self, job: &Taken) -> Outcome {
        let Some(handler) = self.handlers.get(job.kind.as_str()) else {
            return Err(JobError::Retry(format!(
                "there is no handler for {}",
                job.kind
            )));
        };
        let context = JobContext {
            attempt: job.attempt,
            is_last_attempt: job.attempt >= self.options.attempts,
            lease: job.lease.clone(),
        };
        let (handler, payload) = (Arc::clone(handler), job.payload.clone());
        let mut task = JoinSet::new(); // aborts the handler when this future is dropped
        task.spawn(async move { handler(&payload, context).await });
        loop {
            tokio::select! {
                ended = task.join_next() => match ended {
                    Some(Ok(outcome)) => return outcome,
                    Some(Err(error)) => return Err(JobError::Retry(panic_message(error))),
                    None => return Err(JobError::Retry("the handler vanished".to_owned())),
                },
                () = tokio::time::sleep(self.renewal_pause()) => self.renew(&job.lease).await?,
            }
        }
    }

    /// A third of the lease, so that two renewals may fail.
    fn renewal_pause(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.options.lease).unwrap_or(1)) / 3
    }

    /// Renews the lease; an error means that it is lost. A database that is away is no loss yet.
    async fn renew(&self, lease: &Lease) -> Result<(), JobError> {
        let (renewed, until) = (lease.clone(), self.clock.now().plus(self.options.lease));
        match self
            .db
            .write(move |tx| queue::renew(tx, &renewed, until))
            .await
        {
            Ok(()) => Ok(()),
            Err(LeaseError::Lost(id)) => Err(JobError::LeaseLost(id)),
            Err(LeaseError::Database(error)) => {
                tracing::warn!(
                    "The lease on job {} could not be renewed: {error}",
                    lease.id
                );
                Ok(())
            }
        }
    }

    async fn retry(&self, job: &Taken, reason: &str) -> Result<Left, DbError> {
        let run_at = self
            .clock
            .now()
            .plus(pause_after(job.attempt, &job.lease.id));
        tracing::warn!(job.id = %job.lease.id, "Job {} ({}) failed and runs again at {run_at}: {reason}", job.lease.id, job.kind);
        let (lease, reason) = (job.lease.clone(), reason.to_owned());
        let given_back = self
            .db
            .write(move |tx| queue::give_back(tx, &lease, run_at, &reason))
            .await;
        Ok(if still_ours(given_back)? {
            Left::Retried
        } else {
            Left::Lost
        })
    }

    async fn bury(&self, job: &Taken, reason: &str) -> Result<Left, DbError> {
        tracing::error!(job.id = %job.lease.id, "Job {} ({}) is given up: {reason}", job.lease.id, job.kind);
        let (lease, reason) = (job.lease.clone(), reason.to_owned());
        let buried = self
            .db
            .write(move |tx| queue::bury(tx, &lease, &reason))
            .await;
        Ok(if still_ours(buried)? {
            Left::Dead
        } else {
            Left::Lost
        })
    }
}

fn still_ours<T>(result: Result<T, LeaseError>) -> Result<bool, DbError> {
    match result {
        Ok(_) => Ok(true),
        Err(LeaseError::Lost(_)) => Ok(false),
        Err(LeaseError::Database(error)) => Err(error),
    }
}

fn panic_message(error: JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else {
        return "the handler was stopped".to_owned();
    };
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!(
        "the handler panicked: {}",
        text.unwrap_or("with something that is not text")
    )
}

/// How long a job rests after its `attempt`th failure: 15 s, 1 min, 4 min … up to 6 h, and up to a fifth longer by its
/// id, so that jobs which failed together do not all come back together.
fn pause_after(attempt: u32, id: &str) -> i64 {
    let pause = (15 * SECOND)
        .saturating_mul(4_i64.saturating_pow(attempt.saturating_sub(1)))
        .min(360 * MINUTE);
    let spread = id.bytes().fold(0_i64, |sum, byte| {
        (sum.wrapping_mul(31)).wrapping_add(i64::from(byte))
    });
    pause + pause / 500 * spread.rem_euclid(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_six_hours_and_spread_by_a_fifth() {
        for (attempt, shortest) in [
            (1, 15),
            (2, 60),
            (3, 240),
            (4, 960),
            (5, 3_840),
            (6, 15_360),
            (7, 21_600),
            (40, 21_600),
        ] {
            for id in ["0192f0c4a8d17b", "another", "third"] {
                let pause = pause_after(attempt, id);
                assert!(
                    (shortest * SECOND..=shortest * SECOND * 6 / 5).contains(&pause),
                    "{attempt}: {pause}"
                );
            }
        }
        assert_ne!(pause_after(7, "one"), pause_after(7, "two"));
    }
}

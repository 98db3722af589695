//! What the queue promises, on both databases.

#![cfg(test)] // so that the lints know every function here for a test

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use db::{Db, DbError, Migration, params, store_contract};
use jobs::{
    Done, Drained, Enqueued, JobContext, JobError, LeaseError, NewJob, Runner, RunnerOptions,
    Stats, complete, dead_jobs, delete_dead, enqueue, revive, stats,
};
use kernel::time::{Clock, HOUR, MINUTE, ManualClock, SECOND, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, oneshot};

const MIGRATIONS: &[Migration] = &[
    Migration::common(
        1,
        "jobs",
        include_str!("../../../../migrations/0001_jobs.sql"),
    ),
    Migration::common(2, "effects", "CREATE TABLE effects (name TEXT NOT NULL);"),
];

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Brew {
    tea: String,
}

fn brew(tea: &str) -> NewJob {
    NewJob::new(
        "brew",
        &Brew {
            tea: tea.to_owned(),
        },
    )
}

async fn add(db: &Db, clock: &ManualClock, job: NewJob) -> Enqueued {
    let now = clock.now();
    db.write::<_, DbError, _>(move |tx| enqueue(tx, now, &job))
        .await
        .unwrap()
}

async fn counts(db: &Db, clock: &ManualClock) -> Stats {
    let now = clock.now();
    db.read::<_, DbError, _>(move |tx| stats(tx, now))
        .await
        .unwrap()
}

/// A queue in which nothing is or waits.
const EMPTY: Stats = Stats {
    ready: 0,
    scheduled: 0,
    running: 0,
    dead: 0,
    oldest_age: 0,
};

fn runner(db: &Db, clock: &ManualClock) -> Runner {
    Runner::new(
        db.clone(),
        Arc::new(clock.clone()),
        RunnerOptions::default(),
    )
}

/// What the handlers did, in order.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn note(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// A runner that brews what it is told, and notes it.
fn brewer(db: &Db, clock: &ManualClock, diary: &Diary) -> Runner {
    let diary = diary.clone();
    runner(db, clock).handle("brew", move |brew: Brew, job: JobContext| {
        diary.note(format!("{} {}", brew.tea, job.attempt));
        std::future::ready(Ok(Done::Finished))
    })
}

/// A runner whose every job ends like this.
fn ending(
    db: &Db,
    clock: &ManualClock,
    end: impl Fn() -> Result<Done, JobError> + Send + Sync + 'static,
) -> Runner {
    runner(db, clock).handle("brew", move |_: Brew, _| std::future::ready(end()))
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "it is compared with what `run_due` returns"
)]
const fn drained(done: u32, retried: u32, dead: u32) -> Result<Drained, DbError> {
    Ok(Drained {
        done,
        retried,
        dead,
    })
}

store_contract! {
    migrations = MIGRATIONS;

    async fn jobs_run_once_in_order_of_their_time_and_not_before_it(db: &Db) {
        let (clock, diary) = (ManualClock::default(), Diary::default());
        let runner = brewer(db, &clock, &diary);
        add(db, &clock, brew("later").at(clock.now().plus(MINUTE))).await;
        add(db, &clock, brew("first")).await;
        add(db, &clock, brew("second")).await;
        add(db, &clock, brew("overdue").at(clock.now().plus(-MINUTE))).await;
        assert_eq!(counts(db, &clock).await, Stats { ready: 3, scheduled: 1, oldest_age: MINUTE, ..EMPTY });
        assert_eq!(runner.run_due().await, drained(3, 0, 0));
        assert_eq!(diary.lines(), ["overdue 1", "first 1", "second 1"]);
        assert_eq!(runner.run_due().await, drained(0, 0, 0));
        clock.advance(MINUTE);
        assert_eq!(runner.run_due().await, drained(1, 0, 0));
        assert_eq!(diary.lines().last().map(String::as_str), Some("later 1"));
        assert_eq!(counts(db, &clock).await, EMPTY);
    }

    async fn a_job_exists_only_if_its_transaction_was_committed(db: &Db) {
        let clock = ManualClock::default();
        let now = clock.now();
        let result = db.write::<(), DbError, _>(move |tx| { enqueue(tx, now, &brew("never"))?; Err(DbError::NoRow) }).await;
        assert_eq!(result, Err(DbError::NoRow));
        assert_eq!(counts(db, &clock).await, EMPTY);
    }

    async fn a_job_that_makes_another_has_it_run_too(db: &Db) {
        let (clock, diary) = (ManualClock::default(), Diary::default());
        let (own, notes, time) = (db.clone(), diary.clone(), clock.clone());
        let runner = brewer(db, &clock, &diary).handle("kettle", move |(), job: JobContext| {
            let (own, notes, now) = (own.clone(), notes.clone(), time.now());
            async move {
                notes.note("kettle");
                own.write(move |tx| { enqueue(tx, now, &brew("from the kettle"))?; Ok(complete(tx, &job.lease)?) }).await
            }
        });
        add(db, &clock, NewJob::new("kettle", &())).await;
        assert_eq!(runner.run_due().await, drained(2, 0, 0));
        assert_eq!(diary.lines(), ["kettle", "from the kettle 1"]);
    }

    async fn while_a_job_waits_another_with_its_key_is_not_added(db: &Db) {
        let (clock, diary) = (ManualClock::default(), Diary::default());
        let later = clock.now().plus(HOUR);
        assert_eq!(add(db, &clock, brew("one").once("pot").at(later)).await, Enqueued::Added);
        assert_eq!(add(db, &clock, brew("two").once("pot").at(clock.now().plus(MINUTE))).await, Enqueued::AlreadyWaiting);
        assert_eq!(add(db, &clock, brew("other").once("another pot").at(later)).await, Enqueued::Added);
        clock.advance(MINUTE); // the earlier of the two times
        assert_eq!(brewer(db, &clock, &diary).run_due().await, drained(1, 0, 0));
        assert_eq!(diary.lines(), ["one 1"]);
        assert_eq!(add(db, &clock, brew("three").once("pot")).await, Enqueued::Added);
    }

    async fn a_job_that_has_started_does_not_swallow_the_next_with_its_key(db: &Db) {
        let clock = ManualClock::default();
        let (own, time) = (db.clone(), clock.clone());
        let again = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&again);
        let runner = runner(db, &clock).handle("brew", move |brew: Brew, _| {
            let (own, time, seen) = (own.clone(), time.clone(), Arc::clone(&seen));
            async move {
                if brew.tea == "first" {
                    let added = add(&own, &time, NewJob::new("brew", &Brew { tea: "second".to_owned() }).once("pot")).await;
                    *seen.lock().unwrap() = Some(added);
                }
                Ok(Done::Finished)
            }
        });
        add(db, &clock, brew("first").once("pot")).await;
        assert_eq!(runner.run_due().await, drained(2, 0, 0));
        assert_eq!(*again.lock().unwrap(), Some(Enqueued::Added));
    }

    async fn a_job_that_fails_rests_longer_each_time_and_is_dead_in_the_end(db: &Db) {
        let clock = ManualClock::default();
        let options = RunnerOptions { attempts: 3, ..RunnerOptions::default() };
        let attempts = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&attempts);
        let runner = Runner::new(db.clone(), Arc::new(clock.clone()), options).handle("brew", move |_: Brew, job| {
            seen.lock().unwrap().push((job.attempt, job.is_last_attempt, job.lease.fence));
            std::future::ready(Err(JobError::Retry("the kettle is cold".to_owned())))
        });
        add(db, &clock, brew("cold")).await;
        assert_eq!(runner.run_due().await, drained(0, 1, 0));
        assert_eq!(counts(db, &clock).await, Stats { scheduled: 1, ..EMPTY });
        clock.advance(14 * SECOND);
        assert_eq!(runner.run_due().await, drained(0, 0, 0));
        clock.advance(4 * SECOND);
        assert_eq!(runner.run_due().await, drained(0, 1, 0));
        clock.advance(72 * SECOND);
        assert_eq!(runner.run_due().await, drained(0, 0, 1));
        assert_eq!(counts(db, &clock).await, Stats { dead: 1, ..EMPTY });
        assert_eq!(*attempts.lock().unwrap(), [(1, false, 1), (2, false, 2), (3, true, 3)]);
        clock.advance(1_000 * HOUR);
        assert_eq!(runner.run_due().await, drained(0, 0, 0));
    }

    async fn a_dead_job_says_why_and_can_be_revived_or_removed(db: &Db) {
        let (clock, diary) = (ManualClock::default(), Diary::default());
        add(db, &clock, brew("a")).await;
        add(db, &clock, brew("b")).await;
        let failing = ending(db, &clock, || Err(JobError::Fail("there is no such tea".to_owned())));
        assert_eq!(failing.run_due().await, drained(0, 0, 2));
        let dead = db.read::<_, DbError, _>(|tx| dead_jobs(tx, 10)).await.unwrap();
        let seen: Vec<_> = dead.iter().map(|job| (job.payload.as_str(), job.attempts, job.last_error.as_str())).collect();
        assert_eq!(seen, [(r#"{"tea":"a"}"#, 1, "there is no such tea"), (r#"{"tea":"b"}"#, 1, "there is no such tea")]);
        let (now, first, second) = (clock.now(), dead[0].id.clone(), dead[1].id.clone());
        let both = db.write::<_, DbError, _>(move |tx| {
            Ok((revive(tx, now, &first)?, delete_dead(tx, &second)?, delete_dead(tx, &first)?, revive(tx, now, &second)?))
        });
        assert_eq!(both.await, Ok((true, true, false, false)));
        assert_eq!(brewer(db, &clock, &diary).run_due().await, drained(1, 0, 0));
        assert_eq!(diary.lines(), ["a 1"]);
        assert_eq!(counts(db, &clock).await, EMPTY);
    }

    async fn a_handler_that_panics_is_a_failure_like_others(db: &Db) {
        let clock = ManualClock::default();
        add(db, &clock, brew("hot")).await;
        let options = RunnerOptions { attempts: 1, ..RunnerOptions::default() };
        let runner = Runner::new(db.clone(), Arc::new(clock.clone()), options)
            .handle("brew", |brew: Brew, _| async move { if brew.tea == "hot" { panic!("burnt") } else { Ok(Done::Finished) } });
        assert_eq!(runner.run_due().await, drained(0, 0, 1));
        let dead = db.read::<_, DbError, _>(|tx| dead_jobs(tx, 10)).await.unwrap();
        assert_eq!(dead[0].last_error, "the handler panicked: burnt");
    }

    async fn a_payload_that_cannot_be_read_is_dead_at_once(db: &Db) {
        let (clock, diary) = (ManualClock::default(), Diary::default());
        add(db, &clock, NewJob::new("brew", &["not", "a", "brew"])).await;
        assert_eq!(brewer(db, &clock, &diary).run_due().await, drained(0, 0, 1));
        let dead = db.read::<_, DbError, _>(|tx| dead_jobs(tx, 10)).await.unwrap();
        assert!(dead[0].last_error.starts_with("the payload cannot be read"), "{}", dead[0].last_error);
        assert_eq!(diary.lines(), Vec::<String>::new());
    }

    async fn a_kind_nobody_here_knows_waits_for_somebody_who_does(db: &Db) {
        let (clock, diary) = (ManualClock::default(), Diary::default());
        add(db, &clock, brew("patient")).await;
        let old_release = runner(db, &clock).handle("steep", |(), _| std::future::ready(Ok(Done::Finished)));
        assert_eq!(old_release.run_due().await, drained(0, 0, 0));
        assert_eq!(old_release.unknown_kinds().await, Ok(vec!["brew".to_owned()]));
        assert_eq!(runner(db, &clock).unknown_kinds().await, Ok(vec!["brew".to_owned()]));
        let new_release = brewer(db, &clock, &diary);
        assert_eq!(new_release.unknown_kinds().await, Ok(vec![]));
        assert_eq!(new_release.run_due().await, drained(1, 0, 0));
        assert_eq!(diary.lines(), ["patient 1"]);
    }

    async fn two_runners_at_once_run_each_job_once(db: &Db) {
        let (clock, diary) = (ManualClock::default(), Diary::default());
        for number in 0..40 {
            add(db, &clock, brew(&format!("tea {number:02}"))).await;
        }
        let (one, two) = (brewer(db, &clock, &diary), brewer(db, &clock, &diary));
        let (one, two) = tokio::join!(one.run_due(), two.run_due());
        assert_eq!(one.unwrap().done + two.unwrap().done, 40);
        let mut lines = diary.lines();
        lines.sort();
        assert_eq!(lines, (0..40).map(|number| format!("tea {number:02} 1")).collect::<Vec<_>>());
    }

    async fn a_holder_that_is_too_slow_cannot_complete_what_another_works_on(db: &Db) {
        let (clock, diary) = (ManualClock::default(), Diary::default());
        add(db, &clock, brew("slow")).await;
        let (started, taken_over, refused) = (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));

        let (own, notes) = (db.clone(), diary.clone());
        let (start, wait, end) = (Arc::clone(&started), Arc::clone(&taken_over), Arc::clone(&refused));
        let slow = runner(db, &clock).handle("brew", move |_: Brew, job: JobContext| {
            let (own, notes) = (own.clone(), notes.clone());
            let (start, wait, end) = (Arc::clone(&start), Arc::clone(&wait), Arc::clone(&end));
            async move {
                start.notify_one();
                wait.notified().await;
                let effect = own.write::<Done, JobError, _>(move |tx| {
                    tx.execute("INSERT INTO effects (name) VALUES ('slow')", params![])?;
                    Ok(complete(tx, &job.lease)?)
                });
                let result = effect.await;
                notes.note(format!("slow: {result:?}"));
                end.notify_one();
                result
            }
        });
        let (taken, wait) = (Arc::clone(&taken_over), Arc::clone(&refused));
        let fast = runner(db, &clock).handle("brew", move |_: Brew, _| {
            let (taken, wait) = (Arc::clone(&taken), Arc::clone(&wait));
            async move {
                taken.notify_one();
                wait.notified().await;
                Ok(Done::Finished)
            }
        });
        let fast = async {
            started.notified().await;
            assert_eq!(fast.run_due().await, drained(0, 0, 0)); // the lease holds
            assert_eq!(counts(db, &clock).await, Stats { running: 1, ..EMPTY });
            clock.advance(30 * SECOND);
            fast.run_due().await
        };
        assert_eq!(tokio::join!(slow.run_due(), fast), (drained(0, 0, 0), drained(1, 0, 0)));
        let lines = diary.lines();
        assert!(matches!(&lines[..], [line] if line.starts_with("slow: Err(LeaseLost(")), "{lines:?}");
        let effects = db.read::<(i64,), DbError, _>(|tx| tx.query_one("SELECT COUNT(*) FROM effects", params![])).await;
        assert_eq!(effects, Ok((0,)), "the slow holder's effect went with its completion");
        assert_eq!(counts(db, &clock).await, EMPTY);
    }

    async fn a_completed_job_cannot_be_completed_again(db: &Db) {
        let clock = ManualClock::default();
        add(db, &clock, brew("once")).await;
        let own = db.clone();
        let runner = runner(db, &clock).handle("brew", move |_: Brew, job: JobContext| {
            let own = own.clone();
            async move {
                let lease = job.lease.clone();
                let first = own.write(move |tx| complete(tx, &lease)).await;
                let lease = job.lease.clone();
                let second = own.write(move |tx| complete(tx, &lease)).await;
                assert_eq!((first.clone(), second), (Ok(Done::Completed), Err(LeaseError::Lost(job.lease.id))));
                Ok(first?)
            }
        });
        assert_eq!(runner.run_due().await, drained(1, 0, 0));
        assert_eq!(counts(db, &clock).await, EMPTY);
    }

    async fn a_job_that_takes_the_process_with_it_each_time_is_dead_in_the_end(db: &Db) {
        let clock = ManualClock::default();
        add(db, &clock, brew("poison")).await;
        let options = RunnerOptions { attempts: 2, ..RunnerOptions::default() };
        for _ in 0..2 {
            let started = Arc::new(Notify::new());
            let start = Arc::clone(&started);
            let runner = Runner::new(db.clone(), Arc::new(clock.clone()), options).handle("brew", move |_: Brew, _| {
                start.notify_one();
                std::future::pending()
            });
            tokio::select! {
                ended = runner.run_due() => panic!("it never ends: {ended:?}"),
                () = started.notified() => {} // the process dies: the runner is dropped in the middle
            }
            assert_eq!(counts(db, &clock).await, Stats { running: 1, ..EMPTY });
            clock.advance(30 * SECOND);
        }
        let runner = Runner::new(db.clone(), Arc::new(clock.clone()), options)
            .handle("brew", |_: Brew, _| std::future::ready(Ok(Done::Finished)));
        assert_eq!(runner.run_due().await, drained(0, 0, 1));
        let dead = db.read::<_, DbError, _>(|tx| dead_jobs(tx, 10)).await.unwrap();
        assert!(dead[0].last_error.contains("never ended"), "{}", dead[0].last_error);
    }

    async fn a_recurring_job_runs_once_an_interval_however_many_nodes_there_are(db: &Db) {
        let (clock, runs) = (ManualClock::at(Timestamp::from_millis(10 * HOUR + 5 * MINUTE)), Arc::new(AtomicU32::new(0)));
        let node = || {
            let runs = Arc::clone(&runs);
            runner(db, &clock).every(HOUR, "sweep").handle("sweep", move |(), _| {
                runs.fetch_add(1, Ordering::SeqCst);
                std::future::ready(Ok(Done::Finished))
            })
        };
        let (one, two) = (node(), node());
        for (step, expected) in [(0, 0), (54 * MINUTE, 0), (MINUTE, 1), (MINUTE, 1), (58 * MINUTE, 1), (MINUTE, 2), (5 * HOUR, 3)] {
            clock.advance(step);
            let (first, second) = tokio::join!(one.run_due(), two.run_due());
            first.unwrap();
            second.unwrap();
            assert_eq!(runs.load(Ordering::SeqCst), expected, "at {}", clock.now());
        }
    }

    async fn a_payload_beyond_its_limit_is_refused(db: &Db) {
        let clock = ManualClock::default();
        let now = clock.now();
        let text = |length: usize| NewJob::new("brew", &"x".repeat(length - 2)); // with its quotes
        add(db, &clock, text(65_536)).await;
        let refused = db.write::<_, DbError, _>(move |tx| enqueue(tx, now, &text(65_537))).await;
        assert_eq!(refused, Err(DbError::CheckViolation { constraint: "jobs_payload_is_small".to_owned() }));
    }

    async fn a_running_runner_is_woken_by_a_commit_and_stops_when_told(db: &Db) {
        let clock = ManualClock::default();
        let options = RunnerOptions { poll: Duration::from_hours(1), ..RunnerOptions::default() };
        let (brewed, mut has_brewed) = tokio::sync::mpsc::unbounded_channel();
        let runner = Runner::new(db.clone(), Arc::new(clock.clone()), options).handle("brew", move |brew: Brew, _| {
            brewed.send(brew.tea).unwrap();
            std::future::ready(Ok(Done::Finished))
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(async move { runner.run_forever(async { stopped.await.unwrap() }).await });
        for tea in ["one", "two", "three"] {
            add(db, &clock, brew(tea)).await;
            assert_eq!(has_brewed.recv().await.as_deref(), Some(tea));
        }
        stop.send(()).unwrap();
        running.await.unwrap();
        assert_eq!(counts(db, &clock).await, EMPTY);
    }

    async fn no_more_jobs_run_at_once_than_allowed(db: &Db) {
        let clock = ManualClock::default();
        let options = RunnerOptions { concurrency: 3, ..RunnerOptions::default() };
        let (now_running, most, all) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
        let (count, peak, last) = (Arc::clone(&now_running), Arc::clone(&most), Arc::clone(&all));
        let ended = Arc::new(AtomicU32::new(0));
        let end = Arc::clone(&ended);
        let gate = Arc::new(tokio::sync::Barrier::new(3));
        let runner = Runner::new(db.clone(), Arc::new(clock.clone()), options).handle("brew", move |_: Brew, _| {
            let (count, peak, last, end, gate) =
                (Arc::clone(&count), Arc::clone(&peak), Arc::clone(&last), Arc::clone(&end), Arc::clone(&gate));
            async move {
                peak.fetch_max(count.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                gate.wait().await; // three really run at once, or nothing moves
                count.fetch_sub(1, Ordering::SeqCst);
                if end.fetch_add(1, Ordering::SeqCst) + 1 == 12 {
                    last.notify_one();
                }
                Ok(Done::Finished)
            }
        });
        for number in 0..12 {
            add(db, &clock, brew(&number.to_string())).await;
        }
        runner.run_forever(all.notified()).await;
        assert_eq!((ended.load(Ordering::SeqCst), most.load(Ordering::SeqCst)), (12, 3));
        assert_eq!(counts(db, &clock).await, EMPTY);
    }

    async fn a_job_that_does_not_end_when_the_server_stops_goes_back_into_the_queue(db: &Db) {
        let (clock, diary) = (ManualClock::default(), Diary::default());
        let options = RunnerOptions { grace: Duration::from_millis(20), ..RunnerOptions::default() };
        let (started, has_started) = oneshot::channel();
        let started = Mutex::new(Some(started));
        let runner = Runner::new(db.clone(), Arc::new(clock.clone()), options).handle("brew", move |_: Brew, _| {
            started.lock().unwrap().take().unwrap().send(()).unwrap();
            std::future::pending()
        });
        add(db, &clock, brew("endless")).await;
        runner.run_forever(async { has_started.await.unwrap() }).await;
        assert_eq!(counts(db, &clock).await, Stats { ready: 1, ..EMPTY });
        assert_eq!(brewer(db, &clock, &diary).run_due().await, drained(1, 0, 0));
        assert_eq!(diary.lines(), ["endless 2"]);
    }

    async fn a_handler_whose_job_was_taken_over_is_stopped(db: &Db) {
        let clock = ManualClock::default();
        let options = RunnerOptions { lease: 30, ..RunnerOptions::default() };
        let own = db.clone();
        let runner = Runner::new(db.clone(), Arc::new(clock.clone()), options).handle("brew", move |_: Brew, _| {
            let own = own.clone();
            async move {
                // Another node takes the job over; this one knows nothing of it and goes on for ever.
                own.write::<_, DbError, _>(|tx| tx.execute("UPDATE jobs SET fence = fence + 1", params![])).await?;
                std::future::pending().await
            }
        });
        add(db, &clock, brew("taken")).await;
        let stopped = tokio::time::timeout(Duration::from_mins(1), runner.run_due()).await;
        assert_eq!(stopped, Ok(drained(0, 0, 0)));
        assert_eq!(counts(db, &clock).await, Stats { running: 1, ..EMPTY });
    }

    async fn a_job_that_works_longer_than_its_lease_keeps_it(db: &Db) {
        let clock = ManualClock::default();
        let options = RunnerOptions { lease: 90, ..RunnerOptions::default() };
        let (db_of_job, time) = (db.clone(), clock.clone());
        let runner = Runner::new(db.clone(), Arc::new(clock.clone()), options).handle("brew", move |_: Brew, job: JobContext| {
            let (own, time) = (db_of_job.clone(), time.clone());
            async move {
                // The shop's time goes on past the lease; then wait until the renewal is in the table.
                time.advance(89);
                let until = "SELECT lease_until FROM jobs WHERE id = $1";
                loop {
                    let id = job.lease.id.clone();
                    let (until,): (Timestamp,) = own.read::<_, DbError, _>(move |tx| tx.query_one(until, params![&id])).await?;
                    if until == time.now().plus(90) {
                        return Ok(Done::Finished);
                    }
                    tokio::task::yield_now().await;
                }
            }
        });
        add(db, &clock, brew("long")).await;
        assert_eq!(runner.run_due().await, drained(1, 0, 0));
    }
}

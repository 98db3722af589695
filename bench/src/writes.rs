//! Durable writes per second: SQLite with and without group commit, and PostgreSQL.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use db::{Db, DbError, Location, Options};
use tokio::task::JoinSet;

use crate::report::{Case, Report};
use crate::{BenchError, disk, workload};

/// What to measure.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) folder: PathBuf,
    pub(crate) postgres: Option<String>,
    pub(crate) connections: usize,
    pub(crate) writers: Vec<usize>,
    pub(crate) time: Duration,
}

/// Measures everything in the plan, one after the other.
pub(crate) async fn measure(plan: &Plan) -> Result<Report, BenchError> {
    let trouble = |error| BenchError::File(plan.folder.display().to_string(), error);
    std::fs::create_dir_all(&plan.folder).map_err(trouble)?;
    let mut report = Report {
        seconds: plan.time.as_secs(),
        cases: Vec::new(),
    };
    for group_commit in [true, false] {
        for &writers in &plan.writers {
            let folder = tempfile::tempdir_in(&plan.folder).map_err(trouble)?;
            let location = Location::Sqlite(folder.path().join("bench.sqlite"));
            let options = Options {
                group_commit,
                ..Options::default()
            };
            let name = if group_commit {
                "SQLite, group commit"
            } else {
                "SQLite, one by one"
            };
            report
                .cases
                .push(measure_one(plan, name, &location, &options, writers).await?);
        }
    }
    if let Some(url) = &plan.postgres {
        for &writers in &plan.writers {
            let options = Options {
                writers: plan.connections,
                ..Options::default()
            };
            let name = format!("PostgreSQL, {} connections", plan.connections);
            let location = Location::Postgres(url.clone());
            report
                .cases
                .push(measure_one(plan, &name, &location, &options, writers).await?);
        }
    }
    Ok(report)
}

async fn measure_one(
    plan: &Plan,
    name: &str,
    location: &Location,
    options: &Options,
    writers: usize,
) -> Result<Case, BenchError> {
    let sync = sync_time(&plan.folder).await?;
    let db = Db::open(location, options)?;
    workload::prepare(&db).await?;
    let before = db.stats();
    let run = run(&db, writers, plan.time).await?;
    let after = db.stats();
    workload::check(&db, run.acknowledged).await?;
    if let Location::Postgres(_) = location {
        db.write(workload::clear).await?;
    }
    db.close().await;
    let mut times = run.times;
    let milliseconds = u64::try_from(run.measured.as_millis()).unwrap_or(1).max(1);
    let count = u64::try_from(times.len()).unwrap_or(u64::MAX);
    Ok(Case {
        name: name.to_owned(),
        writers,
        per_second: count.saturating_mul(1_000) / milliseconds,
        median: disk::percentile(&mut times, 50),
        slow: disk::percentile(&mut times, 99),
        per_commit_tenths: tenths(after.writes - before.writes, after.commits - before.commits),
        sync,
    })
}

/// The disk is measured right before each case, since other work on the machine changes it from minute to minute.
async fn sync_time(folder: &Path) -> Result<Duration, BenchError> {
    let folder = folder.to_owned();
    let measured = tokio::task::spawn_blocking(move || disk::sync_time(&folder)).await;
    measured.unwrap_or_else(|died| {
        Err(BenchError::File(
            "measuring the disk".to_owned(),
            died.into(),
        ))
    })
}

struct Run {
    /// How long each write took that ended in the measured time.
    times: Vec<Duration>,
    measured: Duration,
    acknowledged: u64,
}

const WARMING: u8 = 0;
const MEASURING: u8 = 1;
const STOPPING: u8 = 2;

async fn run(db: &Db, writers: usize, time: Duration) -> Result<Run, BenchError> {
    let phase = Arc::new(AtomicU8::new(WARMING));
    let acknowledged = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for writer in 0..writers {
        tasks.spawn(write_on(
            db.clone(),
            writer,
            Arc::clone(&phase),
            Arc::clone(&acknowledged),
        ));
    }
    tokio::time::sleep(time / 4).await;
    phase.store(MEASURING, Ordering::SeqCst);
    let start = Instant::now();
    tokio::time::sleep(time).await;
    phase.store(STOPPING, Ordering::SeqCst);
    let measured = start.elapsed();
    let mut times = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        let ended = ended.map_err(|died| BenchError::File("a writer".to_owned(), died.into()))?;
        times.extend(ended?);
    }
    Ok(Run {
        times,
        measured,
        acknowledged: acknowledged.load(Ordering::SeqCst),
    })
}

/// One writer: the next order as soon as the last one is acknowledged.
async fn write_on(
    db: Db,
    writer: usize,
    phase: Arc<AtomicU8>,
    acknowledged: Arc<AtomicU64>,
) -> Result<Vec<Duration>, DbError> {
    let mut times = Vec::new();
    for count in 0.. {
        let start = Instant::now();
        if phase.load(Ordering::SeqCst) == STOPPING {
            break;
        }
        db.write::<_, DbError, _>(move |tx| workload::place_order(tx, writer, count))
            .await?;
        acknowledged.fetch_add(1, Ordering::SeqCst);
        if phase.load(Ordering::SeqCst) == MEASURING {
            times.push(start.elapsed());
        }
    }
    Ok(times)
}

fn tenths(part: u64, whole: u64) -> u64 {
    part.saturating_mul(10).checked_div(whole).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_acknowledged_order_is_counted_and_stored() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(
            &Location::Sqlite(folder.path().join("bench.sqlite")),
            &Options::default(),
        )
        .unwrap();
        workload::prepare(&db).await.unwrap();
        let run = run(&db, 4, Duration::from_millis(40)).await.unwrap();
        assert!(!run.times.is_empty());
        assert!(run.acknowledged >= u64::try_from(run.times.len()).unwrap());
        workload::check(&db, run.acknowledged).await.unwrap();
        let lost = workload::check(&db, run.acknowledged + 1)
            .await
            .unwrap_err();
        assert!(matches!(lost, BenchError::Lost { .. }));
    }
}

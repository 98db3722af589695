//! SQLite: writes that wait together share one COMMIT, and nothing else.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use db::testing::{TestDatabase, options};
use db::{Db, DbError, Migration, Options, Tx, params};
use futures_util::FutureExt;
use futures_util::future::join_all;

use crate::{MIGRATIONS, add, shelf};

/// A database whose batches are limited by nothing but what is waiting.
async fn patient() -> TestDatabase {
    let options = Options {
        batch_time: Duration::from_hours(1),
        ..options()
    };
    TestDatabase::sqlite_with(MIGRATIONS, &options).await
}

/// Holds the writer until all of `writes` are in line behind it; returns their results and how many COMMITs there were.
async fn in_line<T>(db: &Db, writes: impl Future<Output = T>) -> (T, u64) {
    let commits = db.stats().commits;
    let (hold, holding) = mpsc::channel::<()>();
    let mut door = Box::pin(db.write::<(), DbError, _>(move |_| {
        holding.recv().unwrap_err(); // until the other end is dropped
        Ok(())
    }));
    assert!(door.as_mut().now_or_never().is_none());
    let mut all = Box::pin(writes); // polling it puts each of them in line
    assert!(all.as_mut().now_or_never().is_none());
    drop(hold);
    let results = all.await;
    door.await.unwrap();
    (results, db.stats().commits - commits)
}

/// The results of `writes`, which were one batch.
async fn in_one_batch<T>(db: &Db, writes: Vec<impl Future<Output = T>>) -> Vec<T> {
    let (results, commits) = in_line(db, join_all(writes)).await;
    assert_eq!(commits, 1, "all of them were one COMMIT");
    results
}

fn insert(tx: &mut Tx<'_>, id: &str) -> Result<(), DbError> {
    tx.execute("INSERT INTO teas (id, on_hand) VALUES ($1, 1)", params![id])
        .map(drop)
}

/// Inserts `id`, then does as told.
async fn write(
    db: Db,
    id: &'static str,
    then: fn(&mut Tx<'_>) -> Result<(), DbError>,
) -> Result<(), DbError> {
    db.write(move |tx| insert(tx, id).and_then(|()| then(tx)))
        .await
}

#[tokio::test]
async fn a_write_that_fails_or_panics_does_not_touch_its_neighbours_in_the_batch() {
    let db = patient().await;
    add(&db, "taken", 1).await.unwrap();
    let db_of = || Db::clone(&db);
    let results = in_one_batch(
        &db,
        vec![
            write(db_of(), "first", |_| Ok(())),
            write(db_of(), "refused", |_| Err(DbError::NoRow)),
            write(db_of(), "second", |_| Ok(())),
            write(db_of(), "panicking", |_| panic!("a bug")),
            write(db_of(), "clashing", |tx| insert(tx, "taken")),
            write(db_of(), "third", |_| Ok(())),
        ],
    )
    .await;
    let taken = DbError::UniqueViolation {
        constraint: "teas.id".to_owned(),
    };
    assert_eq!(
        results,
        [
            Ok(()),
            Err(DbError::NoRow),
            Ok(()),
            Err(DbError::Panicked("a bug".to_owned())),
            Err(taken),
            Ok(())
        ]
    );
    assert_eq!(shelf(&db).await, ["first", "second", "taken", "third"]);
}

#[tokio::test]
async fn the_writes_of_a_batch_see_each_other_in_order() {
    let db = patient().await;
    add(&db, "pot", 3).await.unwrap();
    let pour = |tx: &mut Tx<'_>| -> Result<Option<(i64,)>, DbError> {
        tx.query_opt(
            "UPDATE teas SET on_hand = on_hand - 1 WHERE on_hand >= 1 RETURNING on_hand",
            params![],
        )
    };
    let results = in_one_batch(&db, (0..5).map(|_| db.write(pour)).collect()).await;
    assert_eq!(
        results,
        [
            Ok(Some((2,))),
            Ok(Some((1,))),
            Ok(Some((0,))),
            Ok(None),
            Ok(None)
        ]
    );
}

#[tokio::test]
async fn a_constraint_that_breaks_only_at_commit_fails_the_write_that_broke_it_and_no_other() {
    const WITH_PROMISES: &[Migration] = &[Migration::common(
        1,
        "promises",
        "CREATE TABLE teas (id TEXT NOT NULL PRIMARY KEY, on_hand BIGINT NOT NULL);
         CREATE TABLE promises (tea_id TEXT NOT NULL REFERENCES teas (id) DEFERRABLE INITIALLY DEFERRED);",
    )];
    let options = Options {
        batch_time: Duration::from_hours(1),
        ..options()
    };
    let db = TestDatabase::sqlite_with(WITH_PROMISES, &options).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let promise = |tea: &'static str| {
        let runs = Arc::clone(&runs);
        db.write::<_, DbError, _>(move |tx| {
            runs.fetch_add(1, Ordering::SeqCst);
            tx.execute("INSERT INTO promises (tea_id) VALUES ($1)", params![tea])
        })
    };
    add(&db, "real", 1).await.unwrap();
    let (results, _) = in_line(
        &db,
        join_all([promise("real"), promise("imaginary"), promise("real")]),
    )
    .await;
    assert_eq!(results, [Ok(1), Err(DbError::ForeignKey), Ok(1)]);
    assert_eq!(
        runs.load(Ordering::SeqCst),
        6,
        "together first, then each by itself"
    );
    let kept: Result<(i64,), DbError> = db
        .read(|tx| tx.query_one("SELECT COUNT(*) FROM promises", params![]))
        .await;
    assert_eq!(kept, Ok((2,)));
}

#[tokio::test]
async fn a_write_that_fills_the_disk_is_refused_while_small_ones_beside_it_are_kept() {
    let options = Options {
        batch_time: Duration::from_hours(1),
        sqlite_page_limit: Some(64),
        ..options()
    };
    let db = TestDatabase::sqlite_with(MIGRATIONS, &options).await;
    let small = |id: &'static str| write(Db::clone(&db), id, |_| Ok(()));
    let large = write(Db::clone(&db), "large", |tx| {
        tx.execute(
            "UPDATE teas SET picture = $1 WHERE id = 'large'",
            params![vec![0_u8; 1_000_000]],
        )
        .map(drop)
    });
    let (results, _) = in_line(&db, join_all([small("before"), large, small("after")])).await;
    assert_eq!(results, [Ok(()), Err(DbError::Full), Ok(())]);
    assert_eq!(shelf(&db).await, ["after", "before"]);
}

#[tokio::test]
async fn without_group_commit_every_write_has_its_own() {
    let options = Options {
        group_commit: false,
        ..options()
    };
    let db = TestDatabase::sqlite_with(MIGRATIONS, &options).await;
    let before = db.stats();
    let writes = ["a", "b", "c"].map(|id| write(Db::clone(&db), id, |_| Ok(())));
    assert_eq!(join_all(writes).await, [Ok(()), Ok(()), Ok(())]);
    assert_eq!(db.stats().commits, before.commits + 3);
}

#[tokio::test]
async fn a_batch_takes_no_more_than_its_limit() {
    let options = Options {
        batch_time: Duration::from_hours(1),
        batch_writes: 4,
        ..options()
    };
    let db = TestDatabase::sqlite_with(MIGRATIONS, &options).await;
    let writes = ["a", "b", "c", "d", "e"].map(|id| write(Db::clone(&db), id, |_| Ok(())));
    let (results, commits) = in_line(&db, join_all(writes)).await;
    assert_eq!(results, vec![Ok(()); 5]);
    assert_eq!(
        commits, 2,
        "the one that held the others and three of them, then two"
    );
}

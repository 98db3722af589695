//! Transactions: what commits, what does not, and who is told.

use std::sync::mpsc;

use db::testing::{TestDatabase, options};
use db::{Db, DbError, Options, Tx, params, store_contract};
use futures_util::FutureExt;

use crate::{MIGRATIONS, add, on_hand, shelf};

/// An area's own error, which has forgotten the database's.
#[derive(Debug, PartialEq)]
enum ShopError {
    SoldOut,
    Database,
}

impl From<DbError> for ShopError {
    fn from(_: DbError) -> Self {
        Self::Database
    }
}

fn insert(tx: &mut Tx<'_>, id: &str) -> Result<u64, DbError> {
    tx.execute("INSERT INTO teas (id, on_hand) VALUES ($1, 1)", params![id])
}

store_contract! {
    migrations = MIGRATIONS;

    async fn what_was_written_is_there_for_the_next_reader(db: &Db) {
        for number in 0_i64..20 {
            let read: Result<(i64,), DbError> = async {
                db.write::<_, DbError, _>(move |tx| {
                    let sql = "INSERT INTO teas (id, on_hand) VALUES ('a', $1) ON CONFLICT (id) DO UPDATE SET on_hand = excluded.on_hand";
                    tx.execute(sql, params![number])
                })
                .await?;
                db.read(|tx| tx.query_one("SELECT on_hand FROM teas WHERE id = 'a'", params![])).await
            }
            .await;
            assert_eq!(read, Ok((number,)));
        }
    }

    async fn a_closure_that_says_no_leaves_nothing_behind(db: &Db) {
        let result = db.write(|tx| { insert(tx, "a")?; insert(tx, "b")?; Err::<(), _>(ShopError::SoldOut) }).await;
        assert_eq!(result, Err(ShopError::SoldOut));
        assert_eq!(shelf(db).await, Vec::<String>::new());
    }

    async fn every_statement_is_counted(db: &Db) {
        let before = db.stats().statements;
        db.write::<_, DbError, _>(|tx| { insert(tx, "a")?; insert(tx, "b") }).await.unwrap();
        assert_eq!(db.stats().statements - before, 2);
        shelf(db).await;
        assert_eq!(db.stats().statements - before, 3);
    }

    async fn a_closure_that_panics_leaves_nothing_behind_and_the_shop_goes_on(db: &Db) {
        let result = db.write::<(), DbError, _>(|tx| { insert(tx, "a")?; panic!("a bug in the {}", "shop") }).await;
        assert_eq!(result, Err(DbError::Panicked("a bug in the shop".to_owned())));
        let reading = db.read::<(), DbError, _>(|_| panic!("another")).await;
        assert_eq!(reading, Err(DbError::Panicked("another".to_owned())));
        assert_eq!(shelf(db).await, Vec::<String>::new());
        add(db, "b", 1).await.unwrap();
        assert_eq!(shelf(db).await, ["b"]);
    }

    async fn after_a_failed_statement_nothing_can_be_committed(db: &Db) {
        add(db, "a", 1).await.unwrap();
        let ignored = db.write::<(), DbError, _>(|tx| { insert(tx, "b")?; assert!(insert(tx, "a").is_err()); Ok(()) }).await;
        assert_eq!(ignored, Err(DbError::Aborted("there is already a row with this teas.id".to_owned())));
        let carried_on = db.write(|tx| { assert!(insert(tx, "a").is_err()); insert(tx, "c") }).await;
        assert_eq!(carried_on, Err(DbError::Aborted("there is already a row with this teas.id".to_owned())));
        assert_eq!(shelf(db).await, ["a"]);
    }

    async fn a_reader_cannot_write(db: &Db) {
        let result = db.read(|tx| insert(tx, "a")).await;
        assert_eq!(result, Err(DbError::ReadOnly));
        assert_eq!(shelf(db).await, Vec::<String>::new());
    }

    async fn a_reader_sees_one_moment_from_beginning_to_end(db: &Db) {
        add(db, "a", 1).await.unwrap();
        let (first_look, looked) = mpsc::channel();
        let (wrote, go_on) = mpsc::channel::<()>();
        let reading = db.read::<_, DbError, _>(move |tx| {
            let count = "SELECT COUNT(*) FROM teas";
            let before: (i64,) = tx.query_one(count, params![])?;
            first_look.send(()).unwrap();
            go_on.recv().unwrap();
            let after: (i64,) = tx.query_one(count, params![])?;
            Ok((before.0, after.0))
        });
        let writing = async {
            tokio::task::spawn_blocking(move || looked.recv().unwrap()).await.unwrap();
            add(db, "b", 1).await.unwrap();
            wrote.send(()).unwrap();
        };
        let (seen, ()) = tokio::join!(reading, writing);
        assert_eq!(seen, Ok((1, 1)));
        assert_eq!(shelf(db).await, ["a", "b"]);
    }

    async fn a_caller_that_hangs_up_changes_nothing_about_its_write(db: &Db) {
        let (started, starts) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let mut write = Box::pin(db.write::<_, DbError, _>(move |tx| {
            insert(tx, "a")?;
            tx.signal("hung up");
            started.send(()).unwrap();
            released.recv().unwrap();
            insert(tx, "b")
        }));
        assert!(write.as_mut().now_or_never().is_none());
        tokio::task::spawn_blocking(move || starts.recv().unwrap()).await.unwrap();
        drop(write);
        release.send(()).unwrap();
        db.signal("hung up").notified().await;
        assert_eq!(shelf(db).await, ["a", "b"]);
    }

    async fn a_closed_database_finishes_what_it_accepted_and_takes_no_more(db: &Db) {
        let before = db.stats().writes;
        let mut accepted: Vec<_> = (0_i64..50)
            .map(|number| Box::pin(db.write::<_, DbError, _>(move |tx| insert(tx, &format!("tea {number}")))))
            .collect();
        for write in &mut accepted {
            assert!(write.as_mut().now_or_never().is_none());
        }
        db.close().await;
        for write in accepted {
            assert_eq!(write.await, Ok(1));
        }
        assert_eq!(db.stats().writes, before + 50);
        assert_eq!(add(db, "late", 1).await, Err(DbError::Closed));
        assert_eq!(db.read(|tx| insert(tx, "late")).await, Err(DbError::Closed));
    }

    async fn whoever_waits_for_a_topic_is_woken_by_a_commit_and_not_by_a_rollback(db: &Db) {
        let signal = db.signal("kettle");
        let refused = db.write(|tx| { tx.signal("kettle"); Err::<(), _>(ShopError::SoldOut) }).await;
        assert_eq!(refused, Err(ShopError::SoldOut));
        assert!(signal.notified().now_or_never().is_none());
        db.write::<_, DbError, _>(|tx| { tx.signal("another topic"); Ok(()) }).await.unwrap();
        assert!(signal.notified().now_or_never().is_none());
        db.write::<_, DbError, _>(|tx| { tx.signal("kettle"); insert(tx, "a") }).await.unwrap();
        assert!(signal.notified().now_or_never().is_some());
    }

    async fn sixteen_shoppers_buying_at_once_never_sell_one_tea_twice(db: &Db) {
        add(db, "last ten", 10).await.unwrap();
        let shoppers: Vec<_> = (0..16).map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                db.write(|tx| {
                    let sql = "UPDATE teas SET on_hand = on_hand - 1 WHERE id = $1 AND on_hand >= 1";
                    if tx.execute(sql, params!["last ten"])? == 1 { Ok(()) } else { Err(ShopError::SoldOut) }
                }).await
            })
        }).collect();
        let mut bought = 0;
        for shopper in shoppers {
            match shopper.await.unwrap() {
                Ok(()) => bought += 1,
                Err(error) => assert_eq!(error, ShopError::SoldOut),
            }
        }
        assert_eq!((bought, on_hand(db, "last ten").await), (10, 0));
    }
}

/// Holds a thread of the database inside a closure until it is let go.
fn held(hold: &mpsc::Sender<mpsc::Sender<()>>) {
    let (release, released) = mpsc::channel();
    hold.send(release).unwrap();
    released.recv().unwrap();
}

async fn a_full_line_sends_the_next_one_away(db: &Db) {
    let (hold, holding) = mpsc::channel();
    let mut first = Box::pin(db.write::<_, DbError, _>(move |tx| {
        held(&hold);
        insert(tx, "first")
    }));
    assert!(first.as_mut().now_or_never().is_none());
    let release = tokio::task::spawn_blocking(move || holding.recv().unwrap())
        .await
        .unwrap();
    let mut waiting: Vec<_> = ["second", "third"]
        .map(|id| Box::pin(add(db, id, 1)))
        .into_iter()
        .collect();
    for write in &mut waiting {
        assert!(write.as_mut().now_or_never().is_none());
    }
    assert_eq!(db.stats().writes_waiting, 2);
    assert_eq!(add(db, "too many", 1).await, Err(DbError::Busy));
    release.send(()).unwrap();
    assert_eq!(first.await, Ok(1));
    for write in waiting {
        assert_eq!(write.await, Ok(()));
    }
    assert_eq!(shelf(db).await, ["first", "second", "third"]);
}

/// One thread writes and two may wait.
fn a_short_line() -> Options {
    Options {
        queue: 2,
        writers: 1,
        group_commit: false,
        ..options()
    }
}

#[tokio::test]
async fn on_sqlite_a_full_line_sends_the_next_one_away() {
    let db = TestDatabase::sqlite_with(MIGRATIONS, &a_short_line()).await;
    a_full_line_sends_the_next_one_away(&db).await;
}

#[tokio::test]
async fn on_postgres_a_full_line_sends_the_next_one_away() {
    if let Some(db) = TestDatabase::postgres_with(MIGRATIONS, &a_short_line()).await {
        a_full_line_sends_the_next_one_away(&db).await;
    }
}

#[tokio::test]
async fn a_closed_sqlite_shop_is_one_file_that_only_its_owner_reads() {
    use std::os::unix::fs::PermissionsExt;

    let db = TestDatabase::sqlite(MIGRATIONS).await;
    add(&db, "a", 1).await.unwrap();
    let db::Location::Sqlite(path) = db.location() else {
        panic!("it is SQLite")
    };
    let log = path.with_extension("sqlite-wal");
    assert!(log.metadata().unwrap().len() > 0);
    db.close().await;
    assert_eq!(log.metadata().map_or(0, |log| log.len()), 0);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

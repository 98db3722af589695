//! PostgreSQL: transactions that collide with others run again, whatever the area made of the error.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};

use db::testing::{TestDatabase, options};
use db::{Db, DbError, Options, Tx, params};

use crate::{MIGRATIONS, add, on_hand};

/// An error that no longer knows what the database said.
#[derive(Debug, PartialEq)]
struct Opaque;

impl From<DbError> for Opaque {
    fn from(_: DbError) -> Self {
        Self
    }
}

/// Lets two closures meet once; later runs pass.
#[derive(Clone)]
struct Meeting {
    barrier: Arc<Barrier>,
    runs: Arc<AtomicU32>,
}

impl Meeting {
    fn new() -> Self {
        Self {
            barrier: Arc::new(Barrier::new(2)),
            runs: Arc::default(),
        }
    }

    fn enter(&self) {
        if self.runs.fetch_add(1, Ordering::SeqCst) < 2 {
            self.barrier.wait();
        }
    }
}

fn take_one(tx: &mut Tx<'_>, id: &str) -> Result<(), Opaque> {
    tx.execute(
        "UPDATE teas SET on_hand = on_hand - 1 WHERE id = $1",
        params![id],
    )?;
    Ok(())
}

#[tokio::test]
async fn two_transactions_in_each_others_way_both_get_done() {
    let Some(db) = TestDatabase::postgres(MIGRATIONS).await else {
        return;
    };
    add(&db, "green", 10).await.unwrap();
    add(&db, "black", 10).await.unwrap();
    let meeting = Meeting::new();
    let both = |first: &'static str, second: &'static str| {
        let meeting = meeting.clone();
        db.write(move |tx| {
            take_one(tx, first)?;
            meeting.enter(); // now each holds what the other wants next
            take_one(tx, second)
        })
    };
    let results = tokio::join!(both("green", "black"), both("black", "green"));
    assert_eq!(results, (Ok(()), Ok(())));
    assert_eq!(
        (on_hand(&db, "green").await, on_hand(&db, "black").await),
        (8, 8)
    );
    let retries = db.stats().retries;
    assert!(retries >= 1, "one of them had to give way");
    assert_eq!(u64::from(meeting.runs.load(Ordering::SeqCst)), 2 + retries);
}

/// Reads a number and writes it back reduced by one, as nobody should; only a stricter isolation makes that safe.
async fn careless(db: &Db, meeting: &Meeting) -> Result<(), Opaque> {
    let meeting = meeting.clone();
    db.write(move |tx| {
        tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", params![])?;
        let (on_hand,): (i64,) =
            tx.query_one("SELECT on_hand FROM teas WHERE id = 'green'", params![])?;
        meeting.enter();
        tx.execute(
            "UPDATE teas SET on_hand = $1 WHERE id = 'green'",
            params![on_hand - 1],
        )?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_transaction_that_would_undo_anothers_work_runs_again() {
    let Some(db) = TestDatabase::postgres(MIGRATIONS).await else {
        return;
    };
    add(&db, "green", 10).await.unwrap();
    let meeting = Meeting::new();
    assert_eq!(
        tokio::join!(careless(&db, &meeting), careless(&db, &meeting)),
        (Ok(()), Ok(()))
    );
    assert_eq!(on_hand(&db, "green").await, 8);
    assert_eq!(db.stats().retries, 1);
}

#[tokio::test]
async fn when_the_attempts_are_used_up_the_conflict_is_reported_and_nothing_written() {
    let Some(db) = TestDatabase::postgres_with(
        MIGRATIONS,
        &Options {
            attempts: 1,
            ..options()
        },
    )
    .await
    else {
        return;
    };
    add(&db, "green", 10).await.unwrap();
    let meeting = Meeting::new();
    let careless = || {
        let meeting = meeting.clone();
        db.write::<_, DbError, _>(move |tx| {
            tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", params![])?;
            tx.query_one::<(i64,)>("SELECT on_hand FROM teas WHERE id = 'green'", params![])?;
            meeting.enter();
            tx.execute(
                "UPDATE teas SET on_hand = on_hand - 1 WHERE id = 'green'",
                params![],
            )
        })
    };
    let results = tokio::join!(careless(), careless());
    assert!(
        matches!(
            results,
            (Ok(1), Err(DbError::Conflict)) | (Err(DbError::Conflict), Ok(1))
        ),
        "{results:?}"
    );
    assert_eq!(on_hand(&db, "green").await, 9);
}

#[tokio::test]
async fn a_connection_the_server_closed_is_replaced_without_anybody_noticing() {
    let options = Options {
        readers: 1,
        writers: 1,
        ..options()
    };
    let Some(db) = TestDatabase::postgres_with(MIGRATIONS, &options).await else {
        return;
    };
    let other = Db::open(db.location(), &options).unwrap();
    add(&db, "green", 1).await.unwrap();
    assert_eq!(on_hand(&db, "green").await, 1);
    let killed = other.read::<Vec<(bool,)>, DbError, _>(|tx| {
        let sql = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
                      AND backend_start < (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())";
        tx.query(sql, params![])
    });
    assert!(killed.await.unwrap().len() >= 2);
    add(&db, "black", 1).await.unwrap();
    assert_eq!(on_hand(&db, "black").await, 1);
}

#[tokio::test]
async fn a_connection_lost_inside_a_transaction_leaves_nothing_behind_and_the_write_is_done_once() {
    let Some(db) = TestDatabase::postgres(MIGRATIONS).await else {
        return;
    };
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let written = db.write::<_, DbError, _>(move |tx| {
        tx.execute(
            "INSERT INTO teas (id, on_hand) VALUES ('green', 1)",
            params![],
        )?;
        if counted.fetch_add(1, Ordering::SeqCst) == 0 {
            tx.query::<(bool,)>(
                "SELECT pg_terminate_backend(pg_backend_pid(), 0)",
                params![],
            )?;
        }
        Ok(())
    });
    assert_eq!(written.await, Ok(()));
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    assert_eq!(on_hand(&db, "green").await, 1);
}

#[tokio::test]
async fn a_commit_that_is_never_answered_is_reported_as_unknown() {
    let Some(db) = TestDatabase::postgres(MIGRATIONS).await else {
        return;
    };
    // A trigger of the test's own that closes the connection while COMMIT is under way.
    let sql = "CREATE FUNCTION vanish() RETURNS trigger LANGUAGE plpgsql AS
                 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); RETURN NULL; END'";
    let trigger =
        "CREATE CONSTRAINT TRIGGER vanish AFTER INSERT ON teas DEFERRABLE INITIALLY DEFERRED
                     FOR EACH ROW EXECUTE FUNCTION vanish()";
    db.write::<_, DbError, _>(move |tx| {
        tx.execute(sql, params![])?;
        tx.execute(trigger, params![])
    })
    .await
    .unwrap();
    let result = add(&db, "green", 1).await;
    assert!(
        matches!(result, Err(DbError::UnknownCommit(_))),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_statement_that_waits_too_long_for_a_lock_is_given_up() {
    let options = Options {
        lock_time: std::time::Duration::from_millis(50),
        ..options()
    };
    let Some(db) = TestDatabase::postgres_with(MIGRATIONS, &options).await else {
        return;
    };
    add(&db, "green", 10).await.unwrap();
    let meeting = Meeting::new();
    let (done, waits) = std::sync::mpsc::channel::<()>();
    let holder = {
        let meeting = meeting.clone();
        db.write(move |tx| {
            take_one(tx, "green")?;
            meeting.enter();
            waits.recv().unwrap();
            Ok::<_, Opaque>(())
        })
    };
    let waiter = async {
        let result = db.write::<_, DbError, _>(move |tx| {
            meeting.enter();
            tx.execute("UPDATE teas SET on_hand = 0 WHERE id = 'green'", params![])
        });
        let result = result.await;
        done.send(()).unwrap();
        result
    };
    assert_eq!(
        tokio::join!(holder, waiter),
        (Ok(()), Err(DbError::TimedOut))
    );
    assert_eq!(on_hand(&db, "green").await, 9);
}

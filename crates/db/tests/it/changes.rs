//! Counts of committed changes.

use db::testing::{TestDatabase, options};
use db::{Changes, Db, DbError, Migration, Options, Watched, params};

const MIGRATIONS: &[Migration] = &[
    Migration::common(
        1,
        "teas",
        "CREATE TABLE teas (id TEXT PRIMARY KEY, on_hand BIGINT NOT NULL);
         CREATE TABLE notes (id TEXT PRIMARY KEY);",
    ),
    Migration::common(
        12,
        "change_counts",
        include_str!("../../../../migrations/0012_change_counts.sql"),
    ),
];
const WATCHED: Watched = Watched {
    areas: &["shelf", "till"],
    tables: &[("teas", 0), ("coins", 1)],
};

async fn both(test: impl AsyncFn(&TestDatabase)) {
    let sqlite = TestDatabase::sqlite(MIGRATIONS).await;
    sqlite.watch(WATCHED);
    test(&sqlite).await;
    if let Some(postgres) = TestDatabase::postgres(MIGRATIONS).await {
        postgres.watch(WATCHED);
        test(&postgres).await;
    }
}

async fn run(db: &Db, sql: &'static str) -> Result<u64, DbError> {
    db.write(move |tx| tx.execute(sql, params![])).await
}

async fn shelf(db: &Db) -> i64 {
    db.changes().await.unwrap().of(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_a_watched_table_is_counted_when_it_is_committed() {
    both(async |db| {
        assert_eq!(db.changes().await, Ok(Changes::default()));
        run(db, "INSERT INTO teas (id, on_hand) VALUES ('green', 1)")
            .await
            .unwrap();
        assert_eq!(shelf(db).await, 1);
        let returned: Vec<(i64,)> = db
            .write(|tx| {
                tx.query(
                    "UPDATE teas SET on_hand = on_hand + 1 WHERE id = 'green' RETURNING on_hand",
                    params![],
                )
            })
            .await
            .map_err(|error: DbError| error)
            .unwrap();
        assert_eq!((returned, shelf(db).await), (vec![(2,)], 2));
        assert_eq!(
            db.changes().await.unwrap().of(1),
            0,
            "the till was not touched"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_nothing_is_not_counted() {
    both(async |db| {
        run(db, "UPDATE teas SET on_hand = 1 WHERE id = 'nowhere'")
            .await
            .unwrap();
        run(db, "INSERT INTO notes (id) VALUES ('unwatched')")
            .await
            .unwrap();
        let refused = db.write::<(), DbError, _>(|tx| {
            tx.execute(
                "INSERT INTO teas (id, on_hand) VALUES ('red', 1)",
                params![],
            )?;
            Err(DbError::NoRow)
        });
        assert_eq!(refused.await, Err(DbError::NoRow));
        assert_eq!(db.changes().await, Ok(Changes::default()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_was_answered_is_in_the_next_count_on_every_node() {
    both(async |db| {
        let other = Db::open(db.location(), &options()).unwrap();
        other.watch(WATCHED);
        run(db, "INSERT INTO teas (id, on_hand) VALUES ('green', 0)")
            .await
            .unwrap();
        for round in 1..=50_usize {
            let nodes = [&**db, &other];
            let (writes, reads) = (nodes[round % 2], nodes[(round + 1) % 2]);
            let before = shelf(reads).await;
            run(writes, "UPDATE teas SET on_hand = on_hand + 1")
                .await
                .unwrap();
            assert!(shelf(reads).await > before, "round {round}");
        }
        other.close().await;
    })
    .await;
}

async fn counts_one(db: Db) {
    let before = shelf(&db).await;
    run(&db, "UPDATE teas SET on_hand = on_hand + 1")
        .await
        .unwrap();
    assert!(shelf(&db).await > before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_at_once_lose_no_count_that_matters() {
    both(async |db| {
        run(db, "INSERT INTO teas (id, on_hand) VALUES ('green', 0)")
            .await
            .unwrap();
        let mut writers = Vec::new();
        for _ in 0..40 {
            let db: Db = (**db).clone();
            writers.push(tokio::spawn(counts_one(db)));
        }
        for writer in writers {
            writer.await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn on_postgresql_the_counts_come_back_with_the_server() {
    let options = Options {
        readers: 1,
        writers: 1,
        ..options()
    };
    let Some(db) = TestDatabase::postgres_with(MIGRATIONS, &options).await else {
        return;
    };
    db.watch(WATCHED);
    run(&db, "INSERT INTO teas (id, on_hand) VALUES ('green', 0)")
        .await
        .unwrap();
    assert_eq!(shelf(&db).await, 1);
    let other = Db::open(db.location(), &options).unwrap();
    let killed = other.read::<Vec<(bool,)>, DbError, _>(|tx| {
        tx.query(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
              WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
            params![],
        )
    });
    assert!(killed.await.unwrap().len() >= 2);
    assert_eq!(shelf(&db).await, 1);
}

#[tokio::test]
async fn a_closed_database_has_no_counts() {
    both(async |db| {
        assert_eq!(shelf(db).await, 0);
        db.close().await;
        assert_eq!(db.changes().await, Err(DbError::Closed));
    })
    .await;
}

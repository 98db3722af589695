//! Migrations: each once, in order, never another than before.

use db::testing::TestDatabase;
use db::{Db, DbError, Migration, Options, params, store_contract};

use crate::MIGRATIONS;

const FIRST: Migration = MIGRATIONS[0];
const SECOND: Migration = Migration::common(
    2,
    "pots",
    "CREATE TABLE pots (id TEXT NOT NULL PRIMARY KEY, full_of TEXT, hot BOOLEAN);",
);
const THIRD: Migration = Migration::pair(
    3,
    "engine",
    "CREATE TABLE engine (name TEXT) STRICT; INSERT INTO engine (name) VALUES ('sqlite');",
    "CREATE TABLE engine (name TEXT); INSERT INTO engine (name) VALUES ('postgres');",
);
const BROKEN: Migration = Migration::common(
    2,
    "broken",
    "CREATE TABLE half (id TEXT); CREATE TABLE teas (id TEXT);",
);

async fn tables(db: &Db) -> i64 {
    let sql = match db.engine() {
        db::Engine::Sqlite => "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table'",
        db::Engine::Postgres => "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'",
    };
    db.read::<(i64,), DbError, _>(move |tx| tx.query_one(sql, params![]))
        .await
        .unwrap()
        .0
}

fn refusal(result: Result<db::MigrationReport, DbError>) -> String {
    match result {
        Err(DbError::Migration(sentence)) => sentence,
        other => panic!("not refused: {other:?}"),
    }
}

store_contract! {
    migrations = &[FIRST];

    async fn what_has_run_does_not_run_again_and_what_is_new_does(db: &Db) {
        assert_eq!(db.schema_version().await, Ok(1));
        let report = db.migrate(&[FIRST, SECOND, THIRD]).await.unwrap();
        assert_eq!((report.from, report.to, report.applied), (1, 3, vec!["pots", "engine"]));
        let report = db.migrate(&[FIRST, SECOND, THIRD]).await.unwrap();
        assert_eq!((report.from, report.to, report.applied), (3, 3, vec![]));
        let engine = db.read::<(String,), DbError, _>(|tx| tx.query_one("SELECT name FROM engine", params![])).await.unwrap().0;
        assert_eq!(engine, format!("{:?}", db.engine()).to_lowercase());
    }

    async fn a_migration_that_fails_leaves_nothing_half_done(db: &Db) {
        let before = tables(db).await;
        let sentence = refusal(db.migrate(&[FIRST, BROKEN]).await);
        assert!(sentence.contains("0002_broken") && sentence.contains("teas"), "{sentence}");
        assert_eq!((db.schema_version().await, tables(db).await), (Ok(1), before));
    }

    async fn a_released_migration_that_was_changed_is_refused(db: &Db) {
        let changed = Migration::common(1, "teas", "CREATE TABLE coffees (id TEXT);");
        let sentence = refusal(db.migrate(&[changed, SECOND]).await);
        assert!(sentence.contains("0001_teas") && sentence.contains("new migration"), "{sentence}");
        assert_eq!(db.schema_version().await, Ok(1));
    }

    async fn a_database_of_a_newer_release_is_refused(db: &Db) {
        db.migrate(&[FIRST, SECOND]).await.unwrap();
        let sentence = refusal(db.migrate(&[FIRST]).await);
        assert!(sentence.contains("0002_pots") && sentence.contains("newer release"), "{sentence}");
    }

    async fn a_migration_that_comes_too_late_or_out_of_order_is_refused(db: &Db) {
        let late = Migration::common(2, "late", "CREATE TABLE late (id TEXT);");
        db.migrate(&[FIRST, THIRD]).await.unwrap();
        let sentence = refusal(db.migrate(&[FIRST, late, THIRD]).await);
        assert!(sentence.contains("0002_late") && sentence.contains("higher number"), "{sentence}");
        let sentence = refusal(db.migrate(&[FIRST, THIRD, late]).await);
        assert!(sentence.contains("0002_late") && sentence.contains("higher number"), "{sentence}");
    }

    async fn a_truth_value_is_true_or_false_and_nothing_else(db: &Db) {
        db.migrate(&[FIRST, SECOND]).await.unwrap();
        let insert = |value: db::Value| db.write::<_, DbError, _>(move |tx| {
            tx.execute("INSERT INTO pots (id, hot) VALUES ('a', $1) ON CONFLICT (id) DO UPDATE SET hot = excluded.hot", params![value])
        });
        assert_eq!(insert(db::Value::Bool(true)).await, Ok(1));
        assert_eq!(insert(db::Value::Null).await, Ok(1));
        let error = insert(db::Value::Int(2)).await.unwrap_err();
        assert!(matches!(error, DbError::CheckViolation { .. } | DbError::WrongType { .. }), "{error:?}");
    }

    async fn a_key_cannot_be_null(db: &Db) {
        db.migrate(&[FIRST, SECOND]).await.unwrap();
        let insert = db.write::<_, DbError, _>(|tx| tx.execute("INSERT INTO pots (id) VALUES ($1)", params![None::<String>]));
        assert_eq!(insert.await, Err(DbError::NotNull { column: "pots.id".to_owned() }));
    }
}

async fn two_nodes_migrating_at_once_do_it_once(database: &TestDatabase) {
    let other = Db::open(database.location(), &Options::default()).unwrap();
    let list = [FIRST, SECOND, THIRD];
    let (one, two) = tokio::join!(database.migrate(&list), other.migrate(&list));
    let mut applied = [one.unwrap().applied, two.unwrap().applied].concat();
    applied.sort_unstable();
    assert_eq!(applied, ["engine", "pots"]);
}

#[tokio::test]
async fn on_sqlite_two_nodes_migrating_at_once_do_it_once() {
    two_nodes_migrating_at_once_do_it_once(&TestDatabase::sqlite(&[FIRST]).await).await;
}

#[tokio::test]
async fn on_postgres_two_nodes_migrating_at_once_do_it_once() {
    if let Some(db) = TestDatabase::postgres(&[FIRST]).await {
        two_nodes_migrating_at_once_do_it_once(&db).await;
    }
}

#[tokio::test]
async fn on_postgres_statements_prepared_before_a_migration_still_work_after_it() {
    let Some(db) = TestDatabase::postgres(&[FIRST]).await else {
        return;
    };
    let wide = |db: Db| async move {
        db.read::<Vec<(String,)>, DbError, _>(|tx| tx.query("SELECT * FROM teas", params![]))
            .await
    };
    crate::add(&db, "green", 1).await.unwrap();
    for _ in 0..4 {
        wide(Db::clone(&db)).await.unwrap();
    }
    let other = Db::open(db.location(), &Options::default()).unwrap();
    let column = Migration::common(2, "column", "ALTER TABLE teas ADD COLUMN steep BIGINT;");
    other.migrate(&[FIRST, column]).await.unwrap();
    for _ in 0..4 {
        assert_eq!(wide(Db::clone(&db)).await, Ok(vec![("green".to_owned(),)]));
    }
}

#[tokio::test]
async fn sqlite_tables_refuse_a_value_of_another_type_even_from_elsewhere() {
    let db = TestDatabase::sqlite(&[FIRST]).await;
    let strict = db.read::<Vec<(String, i64)>, DbError, _>(|tx| {
        tx.query("SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite%' ORDER BY name", params![])
    });
    let strict = strict.await.unwrap();
    assert_eq!(
        strict,
        ["chests", "schema_migrations", "teas"].map(|name| (name.to_owned(), 1))
    );
    let error = db.write::<_, DbError, _>(|tx| {
        tx.execute(
            "INSERT INTO teas (id, on_hand) VALUES ('a', 'many')",
            params![],
        )
    });
    assert!(matches!(error.await, Err(DbError::WrongType { .. })));
}

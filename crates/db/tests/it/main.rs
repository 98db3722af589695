//! What the two databases promise, told with a small tea shop.

#![cfg(test)] // so that the lints know every function here for a test

use db::{Db, DbError, Migration, params};

mod changes;
mod conflicts;
mod crashes;
mod encryption;
mod group_commit;
mod migrations;
mod snapshots;
mod statements;
mod transactions;

/// Teas, and the chests they are in.
pub(crate) const MIGRATIONS: &[Migration] = &[Migration::common(
    1,
    "teas",
    "CREATE TABLE teas (
        id TEXT NOT NULL PRIMARY KEY,
        on_hand BIGINT NOT NULL CONSTRAINT teas_on_hand_is_not_negative CHECK (on_hand >= 0),
        name TEXT UNIQUE,
        organic BOOLEAN,
        picture BYTEA
    );
    CREATE TABLE chests (
        tea_id TEXT NOT NULL REFERENCES teas (id),
        position BIGINT NOT NULL,
        label TEXT,
        UNIQUE (tea_id, position)
    );
    CREATE UNIQUE INDEX chests_label_folded ON chests (LOWER(label));",
)];

/// Puts a tea on the shelf.
pub(crate) async fn add(db: &Db, id: &'static str, on_hand: i64) -> Result<(), DbError> {
    db.write(move |tx| {
        tx.execute(
            "INSERT INTO teas (id, on_hand) VALUES ($1, $2)",
            params![id, on_hand],
        )
        .map(drop)
    })
    .await
}

/// The ids on the shelf, in order.
pub(crate) async fn shelf(db: &Db) -> Vec<String> {
    let rows: Result<Vec<(String,)>, DbError> = db
        .read(|tx| tx.query("SELECT id FROM teas ORDER BY id", params![]))
        .await;
    rows.unwrap().into_iter().map(|(id,)| id).collect()
}

/// How many of a tea are on hand.
pub(crate) async fn on_hand(db: &Db, id: &'static str) -> i64 {
    let row: Result<(i64,), DbError> = db
        .read(move |tx| tx.query_one("SELECT on_hand FROM teas WHERE id = $1", params![id]))
        .await;
    row.unwrap().0
}

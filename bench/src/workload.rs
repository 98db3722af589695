//! The write that is measured: shaped like an order, ten statements.

use db::{Db, DbError, Tx, params};

use crate::BenchError;

/// Products the orders are spread over.
const PRODUCTS: u64 = 2_000;

const TABLES: [&str; 6] = [
    "CREATE TABLE bench_requests (key TEXT PRIMARY KEY, answer TEXT NOT NULL)",
    "CREATE TABLE bench_orders (id TEXT PRIMARY KEY, number BIGINT NOT NULL, total_minor BIGINT NOT NULL, state TEXT NOT NULL)",
    "CREATE TABLE bench_lines (order_id TEXT NOT NULL REFERENCES bench_orders (id), product BIGINT NOT NULL,
        quantity BIGINT NOT NULL, PRIMARY KEY (order_id, product))",
    "CREATE TABLE bench_stock (product BIGINT PRIMARY KEY, on_hand BIGINT NOT NULL CHECK (on_hand >= 0))",
    "CREATE TABLE bench_ledger (id TEXT PRIMARY KEY, order_id TEXT NOT NULL, account TEXT NOT NULL, amount_minor BIGINT NOT NULL)",
    "CREATE TABLE bench_outbox (id TEXT PRIMARY KEY, kind TEXT NOT NULL, payload TEXT NOT NULL)",
];

/// Makes the tables anew, and fills the shelves.
pub(crate) async fn prepare(db: &Db) -> Result<(), DbError> {
    db.write(|tx| {
        clear(tx)?;
        for table in TABLES {
            tx.execute(table, params![])?;
        }
        for product in 0..PRODUCTS {
            let sql = "INSERT INTO bench_stock (product, on_hand) VALUES ($1, 1000000000)";
            tx.execute(sql, params![number(product)])?;
        }
        Ok(())
    })
    .await
}

/// Removes the tables.
pub(crate) fn clear(tx: &mut Tx<'_>) -> Result<(), DbError> {
    for table in ["lines", "orders", "requests", "stock", "ledger", "outbox"] {
        tx.execute(&format!("DROP TABLE IF EXISTS bench_{table}"), params![])?;
    }
    Ok(())
}

/// Places order `count` of `writer`.
pub(crate) fn place_order(tx: &mut Tx<'_>, writer: usize, count: u64) -> Result<(), DbError> {
    let id = format!("ord_{writer:04}_{count:012}");
    // A step that is no divisor of anything spreads the orders; the two rows are locked in order.
    let seed = count
        .wrapping_mul(7_919)
        .wrapping_add(u64::try_from(writer).unwrap_or(0).wrapping_mul(104_729));
    let (one, other) = (
        seed % PRODUCTS,
        (seed / PRODUCTS).wrapping_add(1 + seed) % PRODUCTS,
    );
    let (first, second) = if one == other {
        (0, 1)
    } else {
        (one.min(other), one.max(other))
    };

    tx.execute(
        "INSERT INTO bench_requests (key, answer) VALUES ($1, $2)",
        params![&id, "303 /orders"],
    )?;
    tx.execute(
        "INSERT INTO bench_orders (id, number, total_minor, state) VALUES ($1, $2, $3, $4)",
        params![&id, number(count), 4_990_i64, "placed"],
    )?;
    for product in [first, second] {
        let sql = "INSERT INTO bench_lines (order_id, product, quantity) VALUES ($1, $2, $3)";
        tx.execute(sql, params![&id, number(product), 1_i64])?;
    }
    for (account, amount) in [("receivable", 4_990_i64), ("sales", -4_990)] {
        tx.execute(
            "INSERT INTO bench_ledger (id, order_id, account, amount_minor) VALUES ($1, $2, $3, $4)",
            params![format!("{id}_{account}"), &id, account, amount],
        )?;
    }
    tx.execute(
        "INSERT INTO bench_outbox (id, kind, payload) VALUES ($1, $2, $3)",
        params![&id, "orders.placed", format!("{{\"order\":\"{id}\"}}")],
    )?;
    tx.execute(
        "UPDATE bench_orders SET state = $1 WHERE id = $2 AND state = $3",
        params!["confirmed", &id, "placed"],
    )?;
    for product in [first, second] {
        let sql =
            "UPDATE bench_stock SET on_hand = on_hand - $1 WHERE product = $2 AND on_hand >= $1";
        if tx.execute(sql, params![1_i64, number(product)])? != 1 {
            return Err(DbError::NoRow);
        }
    }
    Ok(())
}

/// Fails unless exactly the acknowledged orders are there.
pub(crate) async fn check(db: &Db, acknowledged: u64) -> Result<(), BenchError> {
    let (stored,): (i64,) = db
        .read::<_, DbError, _>(|tx| tx.query_one("SELECT COUNT(*) FROM bench_orders", params![]))
        .await?;
    if u64::try_from(stored) == Ok(acknowledged) {
        Ok(())
    } else {
        Err(BenchError::Lost {
            acknowledged,
            stored,
        })
    }
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

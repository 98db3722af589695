//! Words, and names of customers, for what was there before either was kept. A job does it after the update, in short
//! writes; doing a part twice does no harm.

use db::{DbError, Tx, Value, in_list, params};
use kernel::CustomerId;
use kernel::stored::{StoredError, ToValue};
use kernel::{Address, OrderId, ProductId, Timestamp};

use super::{Kind, Subject, add};
use crate::fold::fold;

/// Things split into words in one write.
const BATCH: u32 = 200;

/// Splits the next things into words; false when nothing is left.
pub(crate) fn backfill(tx: &mut Tx<'_>) -> Result<bool, DbError> {
    let next: Option<(Kind, String)> = tx.query_opt(
        "SELECT kind, after_id FROM desk_backfill ORDER BY kind LIMIT 1",
        params![],
    )?;
    let Some((kind, after)) = next else {
        return Ok(false);
    };
    let last = match kind {
        Kind::Order => orders(tx, &after)?,
        Kind::Product => products(tx, &after)?,
        Kind::Customer => customers(tx, &after)?,
    };
    match last {
        Some(last) => tx.execute(
            "UPDATE desk_backfill SET after_id = $1 WHERE kind = $2",
            params![last, kind],
        )?,
        None => tx.execute("DELETE FROM desk_backfill WHERE kind = $1", params![kind])?,
    };
    Ok(true)
}

fn write(tx: &mut Tx<'_>, kind: Kind, rows: &[(String, String, Timestamp)]) -> Result<(), DbError> {
    let subjects: Vec<Subject<'_>> = rows
        .iter()
        .map(|(id, text, at)| Subject {
            kind,
            id,
            at: *at,
            text,
        })
        .collect();
    add(tx, &subjects)
}

/// The name in an address that was frozen in an order.
fn name_in(document: &str) -> Result<String, DbError> {
    // The text holds a name and an address: it does not belong into an error.
    let address: Address = serde_json::from_str(document).map_err(|_error| {
        DbError::from(StoredError {
            wanted: "an address",
            found: "JSON of another shape".to_owned(),
        })
    })?;
    Ok(address.name)
}

fn orders(tx: &mut Tx<'_>, after: &str) -> Result<Option<String>, DbError> {
    let rows: Vec<(OrderId, String, Timestamp)> = tx.query(
        "SELECT id, address, placed_at FROM orders WHERE id > $1 AND placed_at IS NOT NULL ORDER BY id LIMIT $2",
        params![after, BATCH],
    )?;
    let mut named = Vec::with_capacity(rows.len());
    for (id, address, at) in rows {
        named.push((id.to_string(), name_in(&address)?, at));
    }
    write(tx, Kind::Order, &named)?;
    Ok(named.pop().map(|(id, _, _)| id))
}

fn products(tx: &mut Tx<'_>, after: &str) -> Result<Option<String>, DbError> {
    let rows: Vec<(ProductId, String, Timestamp)> = tx.query(
        "SELECT id, title, created_at FROM products WHERE id > $1 ORDER BY id LIMIT $2",
        params![after, BATCH],
    )?;
    let mut named: Vec<(String, String, Timestamp)> = rows
        .into_iter()
        .map(|(id, title, at)| (id.to_string(), title, at))
        .collect();
    write(tx, Kind::Product, &named)?;
    Ok(named.pop().map(|(id, _, _)| id))
}

/// Who has no name yet gets that of the latest order.
fn customers(tx: &mut Tx<'_>, after: &str) -> Result<Option<String>, DbError> {
    let rows: Vec<(CustomerId, Timestamp, Option<String>)> = tx.query(
        "SELECT c.id, c.first_order_at,
                (SELECT o.address FROM orders o
                  WHERE o.email_folded = c.email_folded AND o.placed_at IS NOT NULL
                  ORDER BY o.placed_at DESC, o.id DESC LIMIT 1)
           FROM customers c
          WHERE c.id > $1
          ORDER BY c.id
          LIMIT $2",
        params![after, BATCH],
    )?;
    let mut named = Vec::with_capacity(rows.len());
    for (id, at, address) in rows {
        let name = match address {
            Some(address) => name_in(&address)?,
            None => String::new(),
        };
        named.push((id.to_string(), name, at));
    }
    write_names(tx, &named)?;
    write(tx, Kind::Customer, &named)?;
    Ok(named.pop().map(|(id, _, _)| id))
}

fn write_names(tx: &mut Tx<'_>, named: &[(String, String, Timestamp)]) -> Result<(), DbError> {
    if named.is_empty() {
        return Ok(());
    }
    let mut parameters: Vec<Value> = Vec::new();
    for (id, name, _) in named {
        parameters.extend([id.to_value(), name.to_value(), fold(name).to_value()]);
    }
    let place = |row: usize, part: usize| row.saturating_mul(3).saturating_add(part);
    let cases = |part: usize| -> String {
        (0..named.len())
            .map(|row| format!("WHEN ${} THEN ${}", place(row, 1), place(row, part)))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let first = parameters.len().saturating_add(1);
    parameters.extend(named.iter().map(|(id, _, _)| id.to_value()));
    tx.execute(
        &format!(
            "UPDATE customers SET name = CASE id {} END, name_folded = CASE id {} END WHERE name = '' AND id IN ({})",
            cases(2),
            cases(3),
            in_list(first, named.len())
        ),
        &parameters,
    )?;
    Ok(())
}

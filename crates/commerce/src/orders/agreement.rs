//! The fingerprint of what was agreed: texts, money, address and promise as they were copied at placement.
//!
//! It is taken when the order is placed and never again, so that a copy that changed later shows (`vitrine verify`).

use std::collections::BTreeMap;

use db::{DbError, FromRow, Row, Tx, Value, in_list, params};
use kernel::OrderId;
use sha2::{Digest, Sha256};

use crate::inventory::with_ids;

/// What an order's own row adds to its fingerprint, after its id.
const ORDER: [&str; 17] = [
    "currency",
    "email",
    "address",
    "delivery_method_id",
    "delivery_name",
    "delivery_pickup",
    "delivery_from_at",
    "delivery_to_at",
    "delivery_minor",
    "delivery_tax_minor",
    "delivery_tax",
    "prices_include_tax",
    "rounding",
    "subtotal_minor",
    "tax_added_minor",
    "tax_included_minor",
    "total_minor",
];

/// What each line adds, after its order's id.
const LINE: [&str; 16] = [
    "position",
    "variant_id",
    "product_slug",
    "sku",
    "title",
    "variant_title",
    "options",
    "media_id",
    "unit_price_minor",
    "quantity",
    "total_minor",
    "tax_name",
    "tax_rate_bps",
    "tax_minor",
    "tax_included",
    "weight_grams",
];

/// An order's id and all values of a row about it.
struct Values(OrderId, Vec<Value>);

impl FromRow for Values {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let mut values = Vec::with_capacity(ORDER.len());
        let width: usize = usize::try_from(row.get::<i64>("width")?).unwrap_or(0);
        for index in 2..width.saturating_add(2) {
            values.push(row.at(index)?);
        }
        Ok(Self(row.get("order_id")?, values))
    }
}

/// The fingerprints of these orders, in hexadecimal. Two statements.
pub(crate) fn fingerprints(
    tx: &mut Tx<'_>,
    ids: &[OrderId],
) -> Result<BTreeMap<OrderId, String>, DbError> {
    let list = in_list(1, ids.len());
    let orders = format!(
        "SELECT id AS order_id, CAST({} AS BIGINT) AS width, {} FROM orders WHERE id IN ({list}) ORDER BY id",
        ORDER.len(),
        ORDER.join(", ")
    );
    let lines = format!(
        "SELECT order_id, CAST({} AS BIGINT) AS width, {} FROM order_lines WHERE order_id IN ({list}) ORDER BY order_id, position",
        LINE.len(),
        LINE.join(", ")
    );
    let mut hashes: BTreeMap<OrderId, Sha256> = BTreeMap::new();
    for sql in [orders, lines] {
        let rows: Vec<Values> = tx.query(&sql, &with_ids(&[], ids))?;
        for Values(order, values) in rows {
            let hash = hashes.entry(order).or_default();
            for value in &values {
                add(hash, value);
            }
        }
    }
    let written = hashes.into_iter().map(|(order, hash)| {
        let hex = data_encoding::HEXLOWER.encode(&hash.finalize());
        (order, hex)
    });
    Ok(written.collect())
}

/// One value, with its length before it, so that no two rows of values look alike.
fn add(hash: &mut Sha256, value: &Value) {
    let text = match value {
        Value::Null => "-".to_owned(),
        Value::Text(text) => format!("t{}:{text}", text.len()),
        Value::Int(number) => format!("i{number};"),
        // SQLite hands truth back as a number.
        Value::Bool(truth) => format!("i{};", u8::from(*truth)),
        Value::Bytes(bytes) => {
            format!("b{}:{}", bytes.len(), data_encoding::HEXLOWER.encode(bytes))
        }
    };
    hash.update(text.as_bytes());
}

/// Takes the fingerprint of an order that is being placed.
pub(crate) fn seal(tx: &mut Tx<'_>, id: &OrderId) -> Result<(), DbError> {
    let hash = fingerprints(tx, std::slice::from_ref(id))?.remove(id);
    tx.execute(
        "UPDATE orders SET agreed_hash = $1 WHERE id = $2",
        params![hash, id],
    )?;
    Ok(())
}

/// The orders among these whose copies are not what was agreed any more.
pub(crate) fn changed(tx: &mut Tx<'_>, ids: &[OrderId]) -> Result<Vec<OrderId>, DbError> {
    let sealed: Vec<(OrderId, Option<String>)> = tx.query(
        &format!(
            "SELECT id, agreed_hash FROM orders WHERE placed_at IS NOT NULL AND id IN ({}) ORDER BY id",
            in_list(1, ids.len())
        ),
        &with_ids(&[], ids),
    )?;
    let now = fingerprints(tx, ids)?;
    let differs = |(id, hash): &(OrderId, Option<String>)| now.get(id) != hash.as_ref();
    Ok(sealed
        .into_iter()
        .filter(differs)
        .map(|(id, _)| id)
        .collect())
}

#[cfg(test)]
mod tests {
    use crate::on_both;
    use crate::testing::euros;
    use crate::verify::verify;

    on_both! {
        async fn what_was_agreed_cannot_be_changed_unseen(shop: &TestShop) {
            let vase = shop.product("Tarn vase", euros(6_800), 3).await;
            shop.ordered(&[(&vase, 1)]).await;
            shop.reprice(&vase, 9_900).await;
            shop.tamper("UPDATE products SET title = 'Another vase'").await;
            shop.assert_clean().await;

            shop.tamper("UPDATE order_lines SET title = 'Another vase'").await;
            let breaches = verify(&shop.shop).await.unwrap();
            let named: Vec<&str> = breaches.iter().map(|breach| breach.invariant).collect();
            assert_eq!(named, ["what was agreed never changes"]);
        }
    }
}

//! All SQL of carts.

use std::collections::HashMap;

use db::{DbError, FromRow, Row, Tx, in_list, params};
use kernel::address::AddressInput;
use kernel::{CartId, CartLineId, Currency, Money, Quantity, Secret, Timestamp, VariantId};
use pricing::TaxClass;

use super::{Cart, CartLine, CheckoutForm, KEPT_FOR};
use crate::inventory;
use crate::shop::Act;

/// The hash a visitor's secret is stored and looked up by.
pub(super) fn visitor_hash(visitor: &Secret) -> String {
    use sha2::{Digest, Sha256};
    data_encoding::HEXLOWER.encode(&Sha256::digest(visitor.expose().as_bytes()))
}

struct CartRow(Cart);

impl FromRow for CartRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let address: Option<String> = row.get("address")?;
        Ok(Self(Cart {
            id: row.get("id")?,
            currency: row.get("currency")?,
            form: CheckoutForm {
                email: row.get("email")?,
                // A form in a shape of the past is an empty form: the shopper types it again.
                address: address.and_then(|json| serde_json::from_str::<AddressInput>(&json).ok()),
                delivery_method_id: row.get("delivery_method_id")?,
                payment_method: row.get("payment_method")?,
            },
            claimed_until: row.get("claimed_until")?,
            completed_at: row.get("completed_at")?,
            lines: Vec::new(),
        }))
    }
}

impl FromRow for CartLine {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let currency: Currency = row.get("currency")?;
        let class: String = row.get("tax_class")?;
        let status: String = row.get("status")?;
        Ok(Self {
            id: row.get("id")?,
            variant_id: row.get("variant_id")?,
            product_id: row.get("product_id")?,
            product_slug: row.get("slug")?,
            title: row.get("title")?,
            variant_title: row.get("variant_title")?,
            options: Vec::new(),
            sku: row.get("sku")?,
            media_id: row.get("media_id")?,
            quantity: row.get("quantity")?,
            unit_price: currency.minor(row.get("price_minor")?),
            compare_at: row
                .get::<Option<i64>>("compare_at_minor")?
                .map(|minor| currency.minor(minor)),
            seen_price: currency.minor(row.get("seen_price_minor")?),
            for_sale: status == "active",
            stock_tracked: row.get("stock_tracked")?,
            available: None,
            tax_class: TaxClass::new(class),
            weight_grams: row.get("weight_grams")?,
        })
    }
}

/// The visitor's cart with live prices and stock; `None` for a visitor without one. Four statements, however many lines.
pub fn find_by_visitor(
    tx: &mut Tx<'_>,
    now: Timestamp,
    visitor: &Secret,
) -> Result<Option<Cart>, DbError> {
    let row: Option<CartRow> = tx.query_opt(
        "SELECT id, currency, email, address, delivery_method_id, payment_method, claimed_until, completed_at
           FROM carts
          WHERE token_hash = $1",
        params![visitor_hash(visitor)],
    )?;
    let Some(CartRow(cart)) = row else {
        return Ok(None);
    };
    with_lines(tx, now, cart).map(Some)
}

/// The visitor's cart, locked until the transaction ends.
pub(crate) fn lock_by_visitor(
    tx: &mut Tx<'_>,
    now: Timestamp,
    visitor: &Secret,
) -> Result<Option<Cart>, DbError> {
    let row: Option<CartRow> = tx.query_opt(
        "UPDATE carts SET version = version + 1 WHERE token_hash = $1
         RETURNING id, currency, email, address, delivery_method_id, payment_method, claimed_until, completed_at",
        params![visitor_hash(visitor)],
    )?;
    let Some(CartRow(cart)) = row else {
        return Ok(None);
    };
    with_lines(tx, now, cart).map(Some)
}

fn with_lines(tx: &mut Tx<'_>, now: Timestamp, mut cart: Cart) -> Result<Cart, DbError> {
    cart.lines = tx.query(
        "SELECT l.id, l.variant_id, l.quantity, l.seen_price_minor, v.product_id, v.title AS variant_title, v.sku, v.currency,
                v.price_minor, v.compare_at_minor, v.stock_tracked, v.weight_grams, p.slug, p.title, p.status, p.tax_class,
                (SELECT m.media_id FROM product_media m WHERE m.product_id = p.id ORDER BY m.position LIMIT 1) AS media_id
           FROM cart_lines l
           JOIN variants v ON v.id = l.variant_id
           JOIN products p ON p.id = v.product_id
          WHERE l.cart_id = $1
          ORDER BY l.added_at, l.id",
        params![cart.id],
    )?;
    let variants: Vec<VariantId> = cart
        .lines
        .iter()
        .map(|line| line.variant_id.clone())
        .collect();
    let mut available = inventory::available(tx, now, &variants)?;
    if cart.is_claimed(now) {
        // What is held for this very cart is not gone for its shopper.
        for (variant, held) in held_for(tx, now, &cart.id)? {
            if let Some(Some(left)) = available.get_mut(&variant) {
                *left = left.saturating_add(held);
            }
        }
    }
    let mut options = options_of(tx, &variants)?;
    for line in &mut cart.lines {
        line.available = available.get(&line.variant_id).copied().flatten();
        line.options = options.remove(&line.variant_id).unwrap_or_default();
    }
    Ok(cart)
}

/// How many of each variant are held for the payment of a cart.
fn held_for(
    tx: &mut Tx<'_>,
    now: Timestamp,
    cart: &CartId,
) -> Result<Vec<(VariantId, i64)>, DbError> {
    tx.query(
        "SELECT r.variant_id, CAST(SUM(r.quantity) AS BIGINT)
           FROM reservations r
           JOIN orders o ON o.id = r.order_id
          WHERE o.cart_id = $1 AND r.status = 'active' AND r.expires_at > $2
          GROUP BY r.variant_id
          ORDER BY r.variant_id",
        params![cart, now],
    )
}

type Options = Vec<(String, String)>;

/// The option names and values of these variants, in the products' order. One statement.
fn options_of(
    tx: &mut Tx<'_>,
    variants: &[VariantId],
) -> Result<HashMap<VariantId, Options>, DbError> {
    let mut options: HashMap<VariantId, Options> = HashMap::new();
    if variants.is_empty() {
        return Ok(options);
    }
    let rows: Vec<(VariantId, String, String)> = tx.query(
        &format!(
            "SELECT x.variant_id, o.name, v.name
               FROM variant_option_values x
               JOIN product_options o ON o.id = x.option_id
               JOIN product_option_values v ON v.id = x.value_id
              WHERE x.variant_id IN ({})
              ORDER BY x.variant_id, o.position",
            in_list(1, variants.len())
        ),
        &inventory::with_ids(&[], variants),
    )?;
    for (variant, name, value) in rows {
        options.entry(variant).or_default().push((name, value));
    }
    Ok(options)
}

/// How many pieces the visitor's cart holds: for the header of every page.
pub fn item_count(tx: &mut Tx<'_>, visitor: &Secret) -> Result<u32, DbError> {
    let (count,): (i64,) = tx.query_one(
        "SELECT CAST(COALESCE(SUM(l.quantity), 0) AS BIGINT)
           FROM carts c
           JOIN cart_lines l ON l.cart_id = c.id
          WHERE c.token_hash = $1 AND c.completed_at IS NULL",
        params![visitor_hash(visitor)],
    )?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// A new cart for a new visitor.
pub(super) fn insert(
    tx: &mut Tx<'_>,
    act: &Act,
    visitor: &Secret,
    currency: Currency,
) -> Result<CartId, DbError> {
    let id = CartId::new(act.ids.as_ref());
    tx.execute(
        "INSERT INTO carts (id, token_hash, currency, version, claimed_until, created_at, changed_at, expires_at)
         VALUES ($1, $2, $3, 1, 0, $4, $4, $5)",
        params![id, visitor_hash(visitor), currency, act.now, act.now.plus(KEPT_FOR)],
    )?;
    Ok(id)
}

/// Puts pieces into the cart, onto the line of their variant if there is one.
pub(super) fn put(
    tx: &mut Tx<'_>,
    act: &Act,
    cart: &CartId,
    variant: &VariantId,
    (quantity, price): (Quantity, Money),
) -> Result<CartLineId, DbError> {
    touch(tx, act.now, cart)?;
    let (id,): (CartLineId,) = tx.query_one(
        "INSERT INTO cart_lines (id, cart_id, variant_id, quantity, seen_price_minor, added_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (cart_id, variant_id) DO UPDATE SET quantity = excluded.quantity, seen_price_minor = excluded.seen_price_minor
         RETURNING id",
        params![CartLineId::new(act.ids.as_ref()), cart, variant, quantity, price.minor(), act.now],
    )?;
    Ok(id)
}

/// Takes a line out.
pub(super) fn delete_line(
    tx: &mut Tx<'_>,
    now: Timestamp,
    cart: &CartId,
    line: &CartLineId,
) -> Result<bool, DbError> {
    touch(tx, now, cart)?;
    let deleted = tx.execute(
        "DELETE FROM cart_lines WHERE cart_id = $1 AND id = $2",
        params![cart, line],
    )?;
    Ok(deleted == 1)
}

fn touch(tx: &mut Tx<'_>, now: Timestamp, cart: &CartId) -> Result<(), DbError> {
    tx.execute(
        "UPDATE carts SET changed_at = $1, expires_at = $2 WHERE id = $3",
        params![now, now.plus(KEPT_FOR), cart],
    )?;
    Ok(())
}

/// Keeps what the checkout form holds, as typed.
pub(super) fn save_form(
    tx: &mut Tx<'_>,
    now: Timestamp,
    cart: &CartId,
    form: &CheckoutForm,
) -> Result<(), DbError> {
    let address = form
        .address
        .as_ref()
        .and_then(|address| serde_json::to_string(address).ok());
    tx.execute(
        "UPDATE carts
            SET email = $1, address = $2, delivery_method_id = $3, payment_method = $4, changed_at = $5, expires_at = $6
          WHERE id = $7",
        params![form.email, address, form.delivery_method_id, form.payment_method, now, now.plus(KEPT_FOR), cart],
    )?;
    Ok(())
}

/// The shopper has now seen today's prices of everything in the cart.
pub(crate) fn remember_prices(tx: &mut Tx<'_>, cart: &CartId) -> Result<(), DbError> {
    tx.execute(
        "UPDATE cart_lines
            SET seen_price_minor = (SELECT v.price_minor FROM variants v WHERE v.id = cart_lines.variant_id)
          WHERE cart_id = $1",
        params![cart],
    )?;
    Ok(())
}

/// Makes the cart stand still until a payment is over.
pub(crate) fn claim(tx: &mut Tx<'_>, cart: &CartId, until: Timestamp) -> Result<(), DbError> {
    tx.execute(
        "UPDATE carts SET claimed_until = $1 WHERE id = $2",
        params![until, cart],
    )?;
    Ok(())
}

/// Lets the cart move again.
pub(crate) fn release_claim(tx: &mut Tx<'_>, cart: &CartId) -> Result<(), DbError> {
    tx.execute(
        "UPDATE carts SET claimed_until = 0 WHERE id = $1",
        params![cart],
    )?;
    Ok(())
}

/// The cart became an order.
pub(crate) fn complete(tx: &mut Tx<'_>, now: Timestamp, cart: &CartId) -> Result<(), DbError> {
    tx.execute("UPDATE carts SET completed_at = $1, claimed_until = 0 WHERE id = $2 AND completed_at IS NULL", params![now, cart])?;
    Ok(())
}

/// Forgets at most `limit` carts that nobody came back to and that began no order; says how many.
pub(crate) fn forget_expired(
    tx: &mut Tx<'_>,
    now: Timestamp,
    limit: u32,
) -> Result<usize, DbError> {
    let expired: Vec<(CartId,)> = tx.query(
        "SELECT c.id
           FROM carts c
          WHERE c.expires_at <= $1 AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.cart_id = c.id)
          ORDER BY c.expires_at, c.id
          LIMIT $2",
        params![now, limit],
    )?;
    let mut forgotten = 0;
    for (id,) in &expired {
        // Locks the cart first: its visitor may have come back this moment.
        let still = tx.execute(
            "UPDATE carts SET version = version + 1
              WHERE id = $1 AND expires_at <= $2 AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.cart_id = carts.id)",
            params![id, now],
        )?;
        if still == 1 {
            tx.execute("DELETE FROM cart_lines WHERE cart_id = $1", params![id])?;
            tx.execute("DELETE FROM carts WHERE id = $1", params![id])?;
            forgotten += 1;
        }
    }
    Ok(forgotten)
}

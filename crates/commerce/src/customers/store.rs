//! Customers as rows, and the one writer of their figures.

use db::{DbError, FromRow, Row, Tx, params};
use kernel::CustomerId;
use kernel::stored::StoredError;
use kernel::{Address, Currency, Email, OrderId, Timestamp};

use super::{Customer, KnownAddress};
use crate::fold::fold;
use crate::lookup::{self, Kind, Subject};
use crate::shop::Act;

/// The columns a [`Customer`] is read from.
pub(super) const CUSTOMER: &str =
    "id, email, name, order_count, currency, spent_minor, first_order_at, last_order_at";

impl FromRow for Customer {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let currency: Currency = row.get("currency")?;
        Ok(Self {
            id: row.get("id")?,
            email: row.get("email")?,
            name: row.get("name")?,
            order_count: row.get("order_count")?,
            spent: currency.minor(row.get("spent_minor")?),
            first_order_at: row.get("first_order_at")?,
            last_order_at: row.get("last_order_at")?,
        })
    }
}

/// The customer of that id.
pub fn find(tx: &mut Tx<'_>, id: &CustomerId) -> Result<Option<Customer>, DbError> {
    tx.query_opt(
        &format!("SELECT {CUSTOMER} FROM customers WHERE id = $1"),
        params![id],
    )
}

/// Who orders under this address.
pub fn find_by_email(tx: &mut Tx<'_>, email: &Email) -> Result<Option<Customer>, DbError> {
    tx.query_opt(
        &format!("SELECT {CUSTOMER} FROM customers WHERE email_folded = $1"),
        params![email.folded()],
    )
}

/// Orders looked through for addresses.
const ORDERS_READ: u32 = 200;

/// Where a customer had things sent to, the latest first, each address once; from their latest orders. One statement.
pub fn addresses(tx: &mut Tx<'_>, email: &Email) -> Result<Vec<KnownAddress>, DbError> {
    let rows: Vec<(String, Timestamp)> = tx.query(
        "SELECT address, placed_at
           FROM orders
          WHERE email_folded = $1 AND placed_at IS NOT NULL
          ORDER BY placed_at DESC
          LIMIT $2",
        params![email.folded(), ORDERS_READ],
    )?;
    let mut known: Vec<KnownAddress> = Vec::new();
    for (document, last_used_at) in rows {
        let address = read_address(&document)?;
        if !known.iter().any(|other| other.address == address) {
            known.push(KnownAddress {
                address,
                last_used_at,
            });
        }
    }
    Ok(known)
}

/// Reads the address that was frozen in an order.
fn read_address(document: &str) -> Result<Address, DbError> {
    // The text holds a name and an address: it does not belong into an error.
    serde_json::from_str(document).map_err(|_error| {
        DbError::from(StoredError {
            wanted: "an address",
            found: "JSON of another shape".to_owned(),
        })
    })
}

/// An order, as far as its buyer's figures and the words it is found by go.
pub(crate) struct Bought<'a> {
    pub(crate) order: &'a OrderId,
    pub(crate) email: &'a Email,
    pub(crate) name: &'a str,
    pub(crate) at: Timestamp,
    pub(crate) currency: Currency,
}

/// Keeps the buyer's figures when what an order counts for changes: from nothing to its total when it is placed, to less
/// when something is given back, to nothing when it is called off.
///
/// An order counts from its placing on, so the first time it counts is the time to get to know its buyer.
pub(crate) fn follow(
    tx: &mut Tx<'_>,
    act: &Act,
    bought: &Bought<'_>,
    (before, after): (Option<i64>, Option<i64>),
) -> Result<(), DbError> {
    match (before, after) {
        (None, None) => Ok(()),
        (None, Some(net)) => meet(tx, act, bought, net),
        (Some(_), _) if before == after => Ok(()),
        (Some(old), _) => {
            let change = after.unwrap_or(0).saturating_sub(old);
            let gone = i64::from(after.is_none());
            tx.execute(
                "UPDATE customers
                    SET order_count = order_count - $1,
                        spent_minor = spent_minor + CASE WHEN currency = $2 THEN $3 ELSE 0 END
                  WHERE email_folded = $4",
                params![gone, bought.currency, change, bought.email.folded()],
            )?;
            Ok(())
        }
    }
}

/// Counts a newly placed order on its buyer, new or known, and keeps the words both are found by. Two statements.
fn meet(tx: &mut Tx<'_>, act: &Act, bought: &Bought<'_>, net: i64) -> Result<(), DbError> {
    let (id, since): (CustomerId, Timestamp) = tx.query_one(
        "INSERT INTO customers
           (id, email, email_folded, name, name_folded, order_count, currency, spent_minor, first_order_at, last_order_at)
         VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $8)
         ON CONFLICT (email_folded) DO UPDATE
           SET email = excluded.email, name = excluded.name, name_folded = excluded.name_folded,
               order_count = customers.order_count + 1,
               spent_minor = customers.spent_minor + CASE WHEN customers.currency = excluded.currency THEN excluded.spent_minor ELSE 0 END,
               first_order_at = CASE WHEN customers.first_order_at < excluded.first_order_at
                                     THEN customers.first_order_at ELSE excluded.first_order_at END,
               last_order_at = CASE WHEN customers.last_order_at > excluded.last_order_at
                                    THEN customers.last_order_at ELSE excluded.last_order_at END
         RETURNING id, first_order_at",
        params![
            CustomerId::new(act.ids.as_ref()),
            bought.email,
            bought.email.folded(),
            bought.name,
            fold(bought.name),
            bought.currency,
            net,
            bought.at
        ],
    )?;
    let subject = |kind, id, at| Subject {
        kind,
        id,
        at,
        text: bought.name,
    };
    lookup::add(
        tx,
        &[
            subject(Kind::Order, bought.order.as_str(), bought.at),
            subject(Kind::Customer, id.as_str(), since),
        ],
    )
}

//! Customers in lists.

use db::{DbError, Tx, in_list, params};
use kernel::{CustomerId, LongPage, PageRequest, Total};

use super::Customer;
use super::store::CUSTOMER;
use crate::inventory::with_ids;
use crate::lookup::{self, Kind, end_of};

kernel::words! {
    /// In which order customers are listed.
    pub enum CustomerSort {
        /// Who ordered last comes first.
        LastOrder = "last_order",
        /// Who spent most comes first.
        Spent = "spent",
        /// By name.
        Name = "name",
    }
}

impl CustomerSort {
    const fn order(self) -> &'static str {
        match self {
            Self::LastOrder => "last_order_at DESC, id DESC",
            Self::Spent => "spent_minor DESC, id DESC",
            Self::Name => "name_folded, id",
        }
    }
}

/// Which customers, in which order, and which page of them.
#[derive(Debug, Clone)]
pub struct CustomerFilter {
    /// The beginning of an e-mail address, or beginnings of words of the name.
    pub search: Option<String>,
    /// In which order.
    pub sort: CustomerSort,
    /// Which page.
    pub page: PageRequest,
}

/// One page of the customers. Two statements, and two more for a search.
pub fn list_customers(
    tx: &mut Tx<'_>,
    filter: &CustomerFilter,
) -> Result<LongPage<Customer>, DbError> {
    let search = filter.search.as_deref().unwrap_or_default().trim();
    if search.is_empty() {
        return all(tx, filter);
    }
    let ids = find_customers(tx, search)?;
    among(tx, filter, &ids)
}

fn all(tx: &mut Tx<'_>, filter: &CustomerFilter) -> Result<LongPage<Customer>, DbError> {
    let (order, page) = (filter.sort.order(), filter.page);
    let items = tx.query(
        &format!("SELECT {CUSTOMER} FROM customers ORDER BY {order} LIMIT $1 OFFSET $2"),
        params![page.size().saturating_add(1), page.offset()],
    )?;
    let (counted,): (u32,) = tx.query_one(
        &format!(
            "SELECT COUNT(*) FROM (SELECT id FROM customers ORDER BY {order} LIMIT $1) AS counted"
        ),
        params![Total::CAP.saturating_add(1)],
    )?;
    Ok(LongPage::new(page, Total::capped(counted), items))
}

fn among(
    tx: &mut Tx<'_>,
    filter: &CustomerFilter,
    ids: &[CustomerId],
) -> Result<LongPage<Customer>, DbError> {
    let total = Total::capped(u32::try_from(ids.len()).unwrap_or(u32::MAX));
    let page = filter.page;
    let items = tx.query(
        &format!(
            "SELECT {CUSTOMER} FROM customers WHERE id IN ({}) ORDER BY {} LIMIT $1 OFFSET $2",
            in_list(3, ids.len()),
            filter.sort.order()
        ),
        &with_ids(params![page.size().saturating_add(1), page.offset()], ids),
    )?;
    Ok(LongPage::new(page, total, items))
}

/// The ids of the customers a search means: the beginning of an address, or beginnings of all words of a name. At most
/// [`lookup::MOST`] and one more. Two statements.
pub fn find_customers(tx: &mut Tx<'_>, search: &str) -> Result<Vec<CustomerId>, DbError> {
    let start = search.trim().to_lowercase();
    let most = lookup::MOST.saturating_add(1);
    let by_email: Vec<(CustomerId,)> = tx.query(
        "SELECT id FROM customers WHERE email_folded >= $1 AND email_folded < $2 ORDER BY email_folded LIMIT $3",
        params![start, end_of(&start), most],
    )?;
    let by_name: Vec<CustomerId> = lookup::find(tx, Kind::Customer, search)?;
    let mut found = lookup::each_once(by_email.into_iter().map(|(id,)| id).chain(by_name));
    found.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    Ok(found)
}

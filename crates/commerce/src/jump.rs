//! One search over orders, products and customers, for whoever knows what they want and not where it is.

use db::{DbError, Tx};
use kernel::PageRequest;

use crate::catalog::{ProductRow, find_products, product_rows};
use crate::customers::{Customer, CustomerFilter, CustomerSort, list_customers};
use crate::lookup::Kind;
use crate::orders::{OrderFilter, OrderRow, OrderSort, OrderView, list_orders};

/// Most of each kind that is found.
pub const EACH: u32 = 5;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Orders, the latest first.
    pub orders: Vec<OrderRow>,
    /// Products, whole words before beginnings.
    pub products: Vec<ProductRow>,
    /// Customers, who ordered last first.
    pub customers: Vec<Customer>,
}

impl Found {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.orders.is_empty() && self.products.is_empty() && self.customers.is_empty()
    }
}

/// At most [`EACH`] of each of these kinds that the text can mean: what is not asked for is not looked at, so that nobody
/// finds what they may not see. Nothing where nothing is typed.
pub fn jump(tx: &mut Tx<'_>, text: &str, kinds: &[Kind]) -> Result<Found, DbError> {
    let text = text.trim();
    let mut found = Found::default();
    if text.is_empty() {
        return Ok(found);
    }
    let page = PageRequest::new(1, EACH);
    let search = Some(text.to_owned());
    if kinds.contains(&Kind::Order) {
        let filter = OrderFilter {
            view: OrderView::All,
            search: search.clone(),
            sort: OrderSort::Newest,
            page,
        };
        found.orders = list_orders(tx, &filter)?.items;
    }
    if kinds.contains(&Kind::Product) {
        let mut ids = find_products(tx, text)?;
        ids.truncate(usize::try_from(EACH).unwrap_or(usize::MAX));
        found.products = product_rows(tx, &ids)?;
    }
    if kinds.contains(&Kind::Customer) {
        let filter = CustomerFilter {
            search,
            sort: CustomerSort::LastOrder,
            page,
        };
        found.customers = list_customers(tx, &filter)?.items;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::on_both;
    use crate::testing::{TestShop, euros};

    async fn found(shop: &TestShop, text: &str) -> (Vec<i64>, Vec<String>, Vec<String>) {
        let text = text.to_owned();
        let found = shop.read(move |tx| Ok(jump(tx, &text, Kind::ALL)?)).await;
        assert_eq!(found.is_empty(), found == Found::default());
        (
            found.orders.iter().filter_map(|row| row.number).collect(),
            found.products.into_iter().map(|row| row.title).collect(),
            found.customers.into_iter().map(|row| row.name).collect(),
        )
    }

    fn texts(of: &[&str]) -> Vec<String> {
        of.iter().map(ToString::to_string).collect()
    }

    on_both! {
        async fn one_search_finds_orders_products_and_customers(shop: &TestShop) {
            let rose = shop.product("Rose bowl", euros(2_000), 50).await;
            for number in 1..=6 {
                shop.product(&format!("Rose vase {number}"), euros(900), 1).await;
            }
            shop.ordered_by(("Rose Tyler", "rt@example.com"), "test", &[(&rose, 1)]).await;
            shop.ordered_by(("Jan Dam", "jan@example.com"), "test", &[(&rose, 1)]).await;
            let (orders, products, customers) = found(shop, " rose ").await;
            assert_eq!((orders, products.len(), customers), (vec![1001], 5, texts(&["Rose Tyler"])));
            assert_eq!(found(shop, "#1002").await, (vec![1002], texts(&[]), texts(&[])));
            assert_eq!(found(shop, "jan@").await, (vec![1002], texts(&[]), texts(&["Jan Dam"])));
            assert_eq!(found(shop, "rose-b").await, (vec![], texts(&["Rose bowl"]), texts(&[])));
            assert_eq!(found(shop, "  ").await, (vec![], texts(&[]), texts(&[])));
            assert_eq!(found(shop, "1").await, (vec![], texts(&["Rose vase 1"]), texts(&[])));
        }

        async fn nobody_finds_what_they_did_not_ask_for(shop: &TestShop) {
            let rose = shop.product("Rose bowl", euros(2_000), 50).await;
            shop.ordered_by(("Rose Tyler", "rose@example.com"), "test", &[(&rose, 1)]).await;
            let found = shop.read(|tx| Ok(jump(tx, "rose", &[Kind::Product])?)).await;
            assert_eq!((found.orders.len(), found.products.len(), found.customers.len()), (0, 1, 0));
        }
    }
}

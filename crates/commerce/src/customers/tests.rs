//! Customers on both databases.

use kernel::time::HOUR;
use kernel::{Email, PageRequest, Total};

use super::{
    Customer, CustomerFilter, CustomerSort, addresses, find, find_by_email, list_customers,
};
use crate::on_both;
use crate::testing::{TestShop, euros};

const NONE: [&str; 0] = [];

async fn known(shop: &TestShop, email: &str) -> Customer {
    let email = Email::parse(email).unwrap();
    let found = shop
        .read(move |tx| Ok(find_by_email(tx, &email)?))
        .await
        .expect("they bought something");
    let id = found.id.clone();
    assert_eq!(
        shop.read(move |tx| Ok(find(tx, &id)?)).await.as_ref(),
        Some(&found)
    );
    found
}

async fn names(shop: &TestShop, search: &str, sort: CustomerSort) -> Vec<String> {
    let filter = CustomerFilter {
        search: Some(search.to_owned()),
        sort,
        page: PageRequest::new(1, 10),
    };
    let page = shop.read(move |tx| Ok(list_customers(tx, &filter)?)).await;
    assert_eq!(
        page.total,
        Total::Exactly(u32::try_from(page.items.len()).unwrap())
    );
    page.items.into_iter().map(|row| row.name).collect()
}

/// A customer's address, name, folded name, orders, what they spent, first and latest order.
type Figures = (Email, String, String, i64, i64, i64, i64);

/// Zoë buys twice, Anne dearly, Jan last.
async fn bought(shop: &TestShop) {
    let vase = shop.product("Tarn vase", euros(2_000), 50).await;
    for (name, email, pieces) in [
        ("Zoë van Dam", "zoe@example.com", 1),
        ("Anne Dámaso", "anne@example.org", 5),
        ("Zoë Dam", "Zoe@Example.com", 2),
        ("Jan Dam", "jan@example.com", 1),
    ] {
        shop.ordered_by((name, email), "test", &[(&vase, pieces)])
            .await;
        shop.clock.advance(HOUR);
    }
}

on_both! {
    async fn a_customer_is_whoever_bought_with_what_they_spent(shop: &TestShop) {
        let start = shop.shop.clock.now();
        bought(shop).await;
        let zoe = known(shop, "ZOE@example.com").await;
        assert_eq!(zoe, Customer {
            id: zoe.id.clone(),
            email: Email::parse("Zoe@Example.com").unwrap(),
            name: "Zoë Dam".to_owned(),
            order_count: 2,
            spent: euros(2_000 + 490 + 4_000 + 490),
            first_order_at: start,
            last_order_at: start.plus(2 * HOUR),
        });
        assert_eq!(zoe.average(), Some(euros(3_490)));
        assert_eq!(shop.rows::<(i64,)>("SELECT COUNT(*) FROM customers").await, [(3,)]);
        shop.assert_clean().await;
    }

    async fn what_is_refunded_or_called_off_was_not_spent(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(2_000), 50).await;
        let first = shop.ordered(&[(&vase, 2)]).await.id;
        let second = shop.ordered(&[(&vase, 1)]).await.id;
        shop.run_jobs().await;
        let figures = async || {
            let noor = known(shop, "noor@example.com").await;
            (noor.order_count, noor.spent.minor())
        };
        assert_eq!(figures().await, (2, 4_490 + 2_490));
        shop.refund(&first, &[(0, 1)], "one back").await.unwrap();
        assert_eq!(figures().await, (2, 2_490 + 2_490));
        shop.cancel(&second).await.unwrap();
        assert_eq!(figures().await, (1, 2_490));
        shop.run_jobs().await;
        assert_eq!(figures().await, (1, 2_490), "money that went back for a called-off order counts no second time");
        shop.cancel(&first).await.unwrap();
        shop.run_jobs().await;
        let noor = known(shop, "noor@example.com").await;
        assert_eq!((noor.order_count, noor.spent, noor.average()), (0, euros(0), None));
        shop.assert_clean().await;
    }

    async fn a_refund_that_failed_changes_nothing(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(2_000), 50).await;
        shop.gateway.answers(crate::testing::Answering::RefuseMoves);
        let order = shop.ordered(&[(&vase, 2)]).await.id;
        shop.tamper("UPDATE payments SET captured_minor = authorized_minor, status = 'captured'").await;
        let before = known(shop, "noor@example.com").await;
        let moved = shop.refund(&order, &[(0, 1)], "one back").await.unwrap();
        assert!(matches!(moved, crate::orders::MoneyMoved::Refused { .. }), "{moved:?}");
        assert_eq!(known(shop, "noor@example.com").await, before);
    }

    async fn customers_are_found_and_sorted(shop: &TestShop) {
        bought(shop).await;
        assert_eq!(names(shop, "", CustomerSort::LastOrder).await, ["Jan Dam", "Zoë Dam", "Anne Dámaso"]);
        assert_eq!(names(shop, "", CustomerSort::Spent).await, ["Anne Dámaso", "Zoë Dam", "Jan Dam"]);
        assert_eq!(names(shop, "", CustomerSort::Name).await, ["Anne Dámaso", "Jan Dam", "Zoë Dam"]);
        assert_eq!(names(shop, "dam", CustomerSort::Name).await, ["Anne Dámaso", "Jan Dam", "Zoë Dam"]);
        assert_eq!(names(shop, "dam zo", CustomerSort::Name).await, ["Zoë Dam"]);
        assert_eq!(names(shop, "van", CustomerSort::Name).await, ["Zoë Dam"], "by a name of before, too");
        assert_eq!(names(shop, "ANNE@ex", CustomerSort::Name).await, ["Anne Dámaso"]);
        assert_eq!(names(shop, "example.com", CustomerSort::Name).await, NONE);
    }

    async fn an_address_used_twice_is_listed_once(shop: &TestShop) {
        bought(shop).await;
        let email = Email::parse("zoe@example.com").unwrap();
        let known = shop.read(move |tx| Ok(addresses(tx, &email)?)).await;
        let names: Vec<&str> = known.iter().map(|known| known.address.name.as_str()).collect();
        assert_eq!(names, ["Zoë Dam", "Zoë van Dam"]);
        let noor = shop.product("Cup", euros(500), 9).await;
        shop.ordered(&[(&noor, 1)]).await;
        shop.ordered(&[(&noor, 1)]).await;
        let email = Email::parse("noor@example.com").unwrap();
        assert_eq!(shop.read(move |tx| Ok(addresses(tx, &email)?)).await.len(), 1);
    }

    async fn what_was_there_before_gets_its_names_and_words_from_a_job(shop: &TestShop) {
        bought(shop).await;
        let words = "SELECT subject_id, word FROM desk_words ORDER BY subject_id, word";
        let before: Vec<(String, String)> = shop.rows(words).await;
        shop.tamper("DELETE FROM desk_words").await;
        shop.tamper("UPDATE customers SET name = '', name_folded = ''").await;
        for kind in ["order", "product", "customer"] {
            shop.tamper(&format!("INSERT INTO desk_backfill (kind, after_id) VALUES ('{kind}', '')")).await;
        }
        assert_eq!(names(shop, "dam", CustomerSort::Name).await, NONE);
        shop.tamper(
            "INSERT INTO jobs (id, kind, payload, dedupe_key, state, run_at, lease_until, fence, attempts, created_at)
             VALUES ('desk-words', 'desk.words', 'null', 'desk.words', 'ready', 0, 0, 0, 0, 0)",
        ).await;
        shop.run_jobs().await;
        let mut after: Vec<(String, String)> = shop.rows(words).await;
        // A name of before is known from the orders of then, not from the customer.
        let zoe = known(shop, "zoe@example.com").await;
        after.push((zoe.id.to_string(), "van".to_owned()));
        after.sort();
        assert_eq!(after, before);
        assert_eq!(names(shop, "dam", CustomerSort::Name).await, ["Anne Dámaso", "Jan Dam", "Zoë Dam"]);
        assert_eq!(shop.rows::<(i64,)>("SELECT COUNT(*) FROM desk_backfill").await, [(0,)]);
        assert_eq!(shop.dead_jobs().await.len(), 0);
        shop.assert_clean().await;
    }

    async fn a_shop_of_the_release_before_gets_its_customers_and_lists(shop: &TestShop) {
        bought(shop).await;
        let vase = shop.product("Moor vase", euros(2_000), 50).await;
        let order = shop.ordered(&[(&vase, 3)]).await.id;
        let off = shop.ordered(&[(&vase, 1)]).await.id;
        shop.ordered_by(("Noor de Wit", "noor@example.com"), "bank_transfer", &[(&vase, 1)]).await;
        shop.run_jobs().await;
        shop.ship(&order, &[(0, 2)], "parcel").await.unwrap();
        shop.refund(&order, &[(0, 2)], "back").await.unwrap();
        shop.cancel(&off).await.unwrap();
        shop.run_jobs().await;
        shop.ready_shopper(&[(&vase, 1)]).await;
        let all = "SELECT email, name, name_folded, order_count, spent_minor, first_order_at, last_order_at FROM customers ORDER BY email";
        let before: Vec<Figures> = shop.rows(all).await;
        let lists = "SELECT id, queue, net_minor FROM orders ORDER BY id";
        let stood: Vec<(String, Option<String>, Option<i64>)> = shop.rows(lists).await;
        let mails: Vec<(String, String)> = shop.rows("SELECT id, recipient_folded FROM mails ORDER BY id").await;
        for sql in [
            "DELETE FROM customers",
            "DELETE FROM desk_words",
            "UPDATE orders SET queue = NULL, net_minor = NULL",
            "UPDATE mails SET recipient_folded = ''",
        ] {
            shop.tamper(sql).await;
        }
        for sql in moves_of_the_migration() {
            shop.tamper(&sql).await;
        }
        assert_eq!(shop.rows::<(String, Option<String>, Option<i64>)>(lists).await, stood);
        assert_eq!(shop.rows::<(String, String)>("SELECT id, recipient_folded FROM mails ORDER BY id").await, mails);
        shop.run_jobs().await;
        assert_eq!(shop.rows::<Figures>(all).await, before);
        assert_eq!(names(shop, "dam", CustomerSort::Name).await, ["Anne Dámaso", "Jan Dam", "Zoë Dam"]);
        let ids: Vec<(kernel::CustomerId,)> = shop.rows("SELECT id FROM customers ORDER BY id").await;
        assert_eq!(ids.len(), 4, "their ids are ids");
        assert_eq!(shop.dead_jobs().await.len(), 0);
        shop.assert_clean().await;
    }

    async fn two_first_orders_at_once_make_one_customer(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(2_000), 50).await;
        let mut placed = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (node, shopper) = (shop.shop.clone(), shop.ready_shopper(&[(&vase, 1)]).await);
            let total_seen = shop.total(&shopper).await;
            let cmd = crate::checkout::PlaceOrder { total_seen, payment_method: "test".to_owned() };
            placed.spawn(async move { crate::checkout::place_order(&node, &shopper, cmd).await.is_ok() });
        }
        assert!(placed.join_all().await.into_iter().all(|placed| placed));
        assert_eq!(known(shop, "noor@example.com").await.order_count, 8);
        assert_eq!(shop.rows::<(i64,)>("SELECT COUNT(*) FROM customers").await, [(1,)]);
        shop.assert_clean().await;
    }
}

/// The statements of the migration that move rows, without those that change tables and indexes.
fn moves_of_the_migration() -> Vec<String> {
    let text = include_str!("../../../../migrations/0009_desk.sql");
    let code: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("--"))
        .collect();
    let moves: Vec<String> = code
        .join("\n")
        .split(';')
        .map(|statement| statement.trim().to_owned())
        .filter(|statement| statement.starts_with("UPDATE") || statement.starts_with("INSERT"))
        .collect();
    assert_eq!(moves.len(), 8, "the statements were found");
    moves
}

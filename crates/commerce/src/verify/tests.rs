//! The judge, judged: it must name every corruption, and say nothing of a healthy shop.

use kernel::time::MINUTE;

use super::{Breach, rules, verify};
use crate::on_both;
use crate::orders::ReceiveTransfer;
use crate::settings::CapturePolicy;
use crate::testing::{Answering, TestShop, euros, operator};

/// What is wrong with the rows, and the words by which the judge must name it.
struct Defect {
    what: &'static str,
    sql: &'static str,
    named: &'static str,
}

const DEFECTS: &[Defect] = &[
    Defect {
        what: "a cent of tax moved",
        sql: "UPDATE order_lines SET tax_minor = tax_minor + 1 WHERE id = (SELECT MIN(id) FROM order_lines)",
        named: "the taxes within the prices",
    },
    Defect {
        what: "taxes within changed",
        sql: "UPDATE orders SET tax_included_minor = tax_included_minor - 1 WHERE number = 1001",
        named: "the taxes within the prices",
    },
    Defect {
        what: "taxes on top invented",
        sql: "UPDATE orders SET tax_added_minor = 5, total_minor = total_minor + 5 WHERE number = 1001",
        named: "the taxes on top",
    },
    Defect {
        what: "a subtotal changed with its total",
        sql: "UPDATE orders SET subtotal_minor = subtotal_minor - 100, total_minor = total_minor - 100 WHERE number = 1001",
        named: "do not add up to the subtotal",
    },
    Defect {
        what: "a dearer delivery after payment",
        sql: "UPDATE orders SET delivery_minor = delivery_minor + 100, total_minor = total_minor + 100 WHERE number = 1001",
        named: "asks for another amount",
    },
    Defect {
        what: "another amount asked for",
        sql: "UPDATE payments SET amount_minor = amount_minor + 1 WHERE order_id = (SELECT id FROM orders WHERE number = 1001)",
        named: "asks for another amount",
    },
    Defect {
        what: "more held than the ledger tells",
        sql: "UPDATE payments SET authorized_minor = authorized_minor + 1 WHERE order_id = (SELECT id FROM orders WHERE number = 1001)",
        named: "the authorised balance",
    },
    Defect {
        what: "less taken than the ledger tells",
        sql: "UPDATE payments SET captured_minor = captured_minor - 1 WHERE order_id = (SELECT id FROM orders WHERE number = 1001)",
        named: "the captured balance",
    },
    Defect {
        what: "more given back than the ledger tells",
        sql: "UPDATE payments SET refunded_minor = refunded_minor + 1 WHERE order_id = (SELECT id FROM orders WHERE number = 1001)",
        named: "the refunded balance",
    },
    Defect {
        what: "a fact's amount changed",
        sql: "UPDATE payment_events SET amount_minor = amount_minor - 1 WHERE kind = 'capture' AND payment_id = (SELECT id FROM payments WHERE order_id = (SELECT id FROM orders WHERE number = 1001))",
        named: "the captured balance",
    },
    Defect {
        what: "a fact deleted",
        sql: "DELETE FROM payment_events WHERE kind = 'refund'",
        named: "a refund has one event",
    },
    Defect {
        what: "a fact unsettled",
        sql: "UPDATE payment_events SET status = 'pending' WHERE kind = 'capture'",
        named: "the time a fact of a payment was settled",
    },
    Defect {
        what: "a fact in another currency",
        sql: "UPDATE payment_events SET currency = 'SEK' WHERE kind = 'capture'",
        named: "facts of a payment in another currency",
    },
    Defect {
        what: "a payment in another currency",
        sql: "UPDATE payments SET currency = 'SEK' WHERE order_id = (SELECT id FROM orders WHERE number = 1001)",
        named: "payments of an order in another currency",
    },
    Defect {
        what: "a refund in another currency",
        sql: "UPDATE refunds SET currency = 'SEK'",
        named: "refunds of an order in another currency",
    },
    Defect {
        what: "a payment's status wound back",
        sql: "UPDATE payments SET status = 'failed' WHERE status = 'captured'",
        named: "money held by a payment that is to have none",
    },
    Defect {
        what: "a payment that claims to be captured",
        sql: "UPDATE payments SET status = 'captured' WHERE status = 'authorized'",
        named: "facts behind a payment",
    },
    Defect {
        what: "a captured payment called authorised",
        sql: "UPDATE payments SET status = 'authorized' WHERE status = 'captured'",
        named: "captures of a payment that is only authorised",
    },
    Defect {
        what: "an order placed on nothing",
        sql: "UPDATE payments SET order_id = (SELECT id FROM orders WHERE number = 1002) WHERE order_id = (SELECT id FROM orders WHERE number = 1001)",
        named: "payments behind a placed order",
    },
    Defect {
        what: "one piece more refunded",
        sql: "UPDATE order_lines SET refunded_quantity = refunded_quantity + 1 WHERE refunded_quantity > 0 AND refunded_quantity < quantity",
        named: "pieces refunded on a line",
    },
    Defect {
        what: "a cent more refunded",
        sql: "UPDATE order_lines SET refunded_minor = refunded_minor + 1 WHERE refunded_quantity > 0",
        named: "money refunded on a line",
    },
    Defect {
        what: "a cent more of tax refunded",
        sql: "UPDATE order_lines SET refunded_tax_minor = refunded_tax_minor + 1 WHERE refunded_quantity > 0",
        named: "tax refunded on a line",
    },
    Defect {
        what: "a piece that will not leave after all",
        sql: "UPDATE order_lines SET canceled_quantity = 0 WHERE canceled_quantity > 0",
        named: "refunded before they left",
    },
    Defect {
        what: "a cent of delivery refunded",
        sql: "UPDATE orders SET delivery_refunded_minor = delivery_refunded_minor + 1 WHERE delivery_minor > delivery_refunded_minor",
        named: "delivery refunded on an order",
    },
    Defect {
        what: "a refund's amount changed",
        sql: "UPDATE refunds SET amount_minor = amount_minor + 1",
        named: "the refund's amount against its event",
    },
    Defect {
        what: "a refund's amount is not its parts",
        sql: "UPDATE refunds SET amount_minor = amount_minor + 1",
        named: "the amount of a refund against its lines",
    },
    Defect {
        what: "a refund that failed and did not",
        sql: "UPDATE refunds SET status = 'failed'",
        named: "pieces refunded on a line",
    },
    Defect {
        what: "a refund open for ever",
        sql: "UPDATE refunds SET status = 'pending'",
        named: "the time a refund was settled",
    },
    Defect {
        what: "a placed order's cart still open",
        sql: "UPDATE carts SET completed_at = NULL WHERE completed_at IS NOT NULL",
        named: "a placed order whose cart is open",
    },
    Defect {
        what: "a cart completed into nothing",
        sql: "UPDATE carts SET completed_at = 1 WHERE completed_at IS NULL",
        named: "a completed cart without a placed order",
    },
    Defect {
        what: "an order without a number",
        sql: "UPDATE orders SET number = NULL WHERE number = 1001",
        named: "the number against the counter",
    },
    Defect {
        what: "a number given twice soon",
        sql: "UPDATE counters SET value = value - 1 WHERE name = 'order_number'",
        named: "the number against the counter",
    },
    Defect {
        what: "a draft with a number",
        sql: "UPDATE orders SET number = 900 WHERE id = (SELECT MIN(id) FROM orders WHERE status = 'draft')",
        named: "the number against the counter",
    },
    Defect {
        what: "a piece from nowhere",
        sql: "UPDATE stock_levels SET on_hand = on_hand + 1",
        named: "on hand",
    },
    Defect {
        what: "a promise to nobody",
        sql: "UPDATE stock_levels SET allocated = allocated + 1 WHERE on_hand - allocated - reserved > 0",
        named: "allocated",
    },
    Defect {
        what: "a hold by nobody",
        sql: "UPDATE stock_levels SET reserved = reserved + 1 WHERE on_hand - allocated - reserved > 0",
        named: "reserved against the active reservations",
    },
    Defect {
        what: "a movement deleted",
        sql: "DELETE FROM stock_movements WHERE kind = 'received'",
        named: "on hand",
    },
    Defect {
        what: "a movement of another order",
        sql: "UPDATE stock_movements SET order_id = (SELECT id FROM orders WHERE number = 1002) WHERE kind = 'allocated' AND order_id = (SELECT id FROM orders WHERE number = 1001)",
        named: "pieces promised to an order's line",
    },
    Defect {
        what: "a movement for an order that never was",
        sql: "UPDATE stock_movements SET order_id = 'ord_nobody' WHERE kind = 'allocated'",
        named: "pieces moved for an order that has no such line",
    },
    Defect {
        what: "stock that lost its figures",
        sql: "DELETE FROM stock_levels",
        named: "movements of stock that has no figures",
    },
    Defect {
        what: "a hold that lost its figures",
        sql: "DELETE FROM stock_levels",
        named: "reservations of stock that has no figures",
    },
    Defect {
        what: "a hold of a placed order",
        sql: "UPDATE reservations SET status = 'active', ended_at = NULL WHERE status = 'committed'",
        named: "active reservations of an order that is not a draft",
    },
    Defect {
        what: "a hold of no order",
        sql: "UPDATE reservations SET order_id = 'ord_nobody' WHERE status = 'active'",
        named: "active reservations of an order that does not exist",
    },
    Defect {
        what: "a hold of more than is wanted",
        sql: "UPDATE reservations SET quantity = quantity + 1 WHERE status = 'active'",
        named: "pieces held for a draft",
    },
    Defect {
        what: "a hold that ended and has no end",
        sql: "UPDATE reservations SET ended_at = NULL",
        named: "the time a reservation ended",
    },
    Defect {
        what: "one piece more in a parcel",
        sql: "UPDATE fulfillment_lines SET quantity = quantity + 1",
        named: "pieces that left on a line against its parcels",
    },
    Defect {
        what: "one piece less sent",
        sql: "UPDATE order_lines SET fulfilled_quantity = fulfilled_quantity - 1 WHERE fulfilled_quantity > 0",
        named: "pieces that left for a line against pieces sent",
    },
    Defect {
        what: "pieces back that nobody sent back",
        sql: "UPDATE refund_lines SET restocked_quantity = 0 WHERE restocked_quantity > 0",
        named: "pieces back on the shelf",
    },
    Defect {
        what: "a payment status of hope",
        sql: "UPDATE orders SET payment_status = 'paid'",
        named: "payment status",
    },
    Defect {
        what: "a fulfilment status of hope",
        sql: "UPDATE orders SET fulfillment_status = 'fulfilled'",
        named: "fulfilment status",
    },
    Defect {
        what: "an order that is packed and not in the list of those",
        sql: "UPDATE orders SET packed_at = 1 WHERE number = 1001",
        named: "list: to_pack is stored, to_ship is right",
    },
    Defect {
        what: "an order that is packed and has nothing to pack",
        sql: "UPDATE orders SET packed_at = 1 WHERE status IN ('completed', 'canceled')",
        named: "packing: packed is stored",
    },
    Defect {
        what: "an order in the wrong list",
        sql: "UPDATE orders SET queue = 'shipped' WHERE number = 1001",
        named: "list: shipped is stored, to_pack is right",
    },
    Defect {
        what: "an order in no list",
        sql: "UPDATE orders SET queue = NULL WHERE number = 1001",
        named: "list: none is stored, to_pack is right",
    },
    Defect {
        what: "a sale that was better than it was",
        sql: "UPDATE orders SET net_minor = net_minor + 1 WHERE number = 1001",
        named: "what an order counts for",
    },
    Defect {
        what: "an order that counts though it was called off",
        sql: "UPDATE orders SET net_minor = 0 WHERE status = 'canceled'",
        named: "what an order counts for",
    },
    Defect {
        what: "a customer who bought once more",
        sql: "UPDATE customers SET order_count = order_count + 1",
        named: "the orders of a customer",
    },
    Defect {
        what: "a customer who spent a cent more",
        sql: "UPDATE customers SET spent_minor = spent_minor + 1",
        named: "what a customer spent",
    },
    Defect {
        what: "a customer since yesterday",
        sql: "UPDATE customers SET first_order_at = first_order_at - 1",
        named: "the time of a customer's first order",
    },
    Defect {
        what: "a customer who was here lately",
        sql: "UPDATE customers SET last_order_at = last_order_at + 1",
        named: "the time of a customer's latest order",
    },
    Defect {
        what: "a buyer nobody knows",
        sql: "DELETE FROM customers",
        named: "customers behind a placed order",
    },
    Defect {
        what: "words of nothing",
        sql: "UPDATE desk_words SET subject_id = 'ord_nothing' WHERE subject_id = (SELECT MIN(subject_id) FROM desk_words WHERE kind = 'order')",
        named: "orders, products or customers behind a word",
    },
    Defect {
        what: "an order that is over and is not",
        sql: "UPDATE orders SET status = 'completed' WHERE number = 1001",
        named: "pieces to send of a completed order",
    },
    Defect {
        what: "an order that is done and is not over",
        sql: "UPDATE orders SET status = 'placed' WHERE status = 'completed'",
        named: "status: placed is stored, completed is right",
    },
    Defect {
        what: "an order called off at no time",
        sql: "UPDATE orders SET canceled_at = NULL WHERE status = 'canceled'",
        named: "the time an order was placed or called off",
    },
    Defect {
        what: "a placing nobody told of",
        sql: "DELETE FROM order_timeline WHERE kind = 'placed'",
        named: "the entries of an order's placing",
    },
    Defect {
        what: "a capture nobody told of",
        sql: "DELETE FROM order_timeline WHERE kind = 'payment_captured'",
        named: "the entries of money held",
    },
    Defect {
        what: "a parcel nobody told of",
        sql: "DELETE FROM order_timeline WHERE kind = 'shipped'",
        named: "the entries of parcels",
    },
    Defect {
        what: "a mail sent at no time",
        sql: "UPDATE mails SET sent_at = NULL",
        named: "the time a mail was sent",
    },
    Defect {
        what: "an address that cannot be read",
        sql: "UPDATE orders SET address = '{' WHERE number = 1001",
        named: "the address is no JSON",
    },
    Defect {
        what: "a rounding policy nobody knows",
        sql: "UPDATE orders SET rounding = '\"up\"' WHERE number = 1001",
        named: "the rounding policy",
    },
    Defect {
        what: "options that cannot be read",
        sql: "UPDATE order_lines SET options = 'x'",
        named: "the options of a line",
    },
];

/// Orders in every state, with money and goods on their way.
pub(super) async fn populated(shop: &TestShop) {
    let vase = shop.product("Tarn vase", euros(2_000), 50).await;
    let bowl = shop.product("Moor bowl", euros(3_300), 50).await;
    // 1001: partly sent, partly refunded before and after it left, with part of its delivery.
    let order = shop.ordered(&[(&vase, 2), (&bowl, 3)]).await.id;
    let whole = shop.ordered(&[(&vase, 1)]).await.id;
    let off = shop.ordered(&[(&bowl, 1)]).await.id;
    shop.run_jobs().await;
    shop.ship(&order, &[(0, 1)], "parcel").await.unwrap();
    shop.refund(&order, &[(1, 1)], "before it left")
        .await
        .unwrap();
    shop.ship(&order, &[(1, 1)], "another parcel")
        .await
        .unwrap();
    // 1002: sent, refunded in part with its delivery. 1003: called off.
    shop.ship(&whole, &[(0, 1)], "all of it").await.unwrap();
    let back = shop
        .refund_of(&whole, (&[(0, 1)], true), Some(euros(100)), "back")
        .await;
    crate::orders::refund_order(&shop.shop, operator().may(), back)
        .await
        .unwrap();
    shop.cancel(&off).await.unwrap();
    shop.run_jobs().await;
    // 1004: by transfer, paid in part. 1005: held and not taken.
    let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
    shop.place_by(&shopper, "bank_transfer").await.unwrap();
    let transfer: Vec<(kernel::OrderId,)> =
        shop.rows("SELECT id FROM orders WHERE number = 1004").await;
    let cmd = ReceiveTransfer {
        reference: String::new(),
        order_id: transfer[0].0.clone(),
        amount: euros(1_000),
        request_key: "part".to_owned(),
    };
    crate::orders::receive_transfer(&shop.shop, operator().may(), cmd)
        .await
        .unwrap();
    shop.set(|settings| settings.selling.capture = CapturePolicy::ByHand)
        .await;
    shop.ordered(&[(&vase, 1)]).await;
    shop.run_jobs().await;
    // A draft on the gateway's page, one declined, and a cart nobody paid.
    shop.gateway.answers(Answering::Page);
    let shopper = shop.ready_shopper(&[(&bowl, 2)]).await;
    shop.place(&shopper).await.unwrap();
    shop.gateway.answers(Answering::Decline);
    let shopper = shop.ready_shopper(&[(&bowl, 1)]).await;
    shop.place(&shopper).await.unwrap();
    shop.ready_shopper(&[(&vase, 1)]).await;
    shop.clock.advance(MINUTE);
}

/// Damages the rows in a transaction that is taken back, and judges them inside of it.
pub(super) async fn judged_with(shop: &TestShop, sql: &'static str) -> (u64, Vec<Breach>) {
    #[derive(Debug)]
    enum TakenBack {
        Judged(u64, Vec<Breach>),
        Database(db::DbError),
    }
    impl From<db::DbError> for TakenBack {
        fn from(error: db::DbError) -> Self {
            Self::Database(error)
        }
    }
    let judged = shop.shop.db.write(move |tx| -> Result<(), TakenBack> {
        let changed = tx.execute(sql, db::params![])?;
        Err(TakenBack::Judged(changed, super::judge_rows(tx)?))
    });
    match judged.await {
        Err(TakenBack::Judged(changed, breaches)) => (changed, breaches),
        Err(TakenBack::Database(error)) => panic!("{error} in {sql}"),
        Ok(()) => unreachable!("it is always taken back"),
    }
}

on_both! {
    async fn the_judge_names_every_corruption_and_nothing_else(shop: &TestShop) {
        populated(shop).await;
        shop.assert_clean().await;
        for Defect { what, sql, named } in DEFECTS {
            let (changed, breaches) = judged_with(shop, sql).await;
            assert!(changed > 0, "{what}: nothing was corrupted");
            assert!(breaches.iter().any(|breach| breach.to_string().contains(named)), "{what} is not named by {named:?}: {breaches:#?}");
        }
        shop.assert_clean().await;
    }
}

#[test]
fn there_are_more_defects_than_forty_and_many_rules() {
    assert!(
        DEFECTS.len() > 40 && rules() > 40,
        "{} and {}",
        DEFECTS.len(),
        rules()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_rule_about_money_goods_and_stock_is_broken_by_a_defect() {
    let shop = TestShop::sqlite().await;
    populated(&shop).await;
    let mut named = Vec::new();
    for defect in DEFECTS {
        named.extend(
            judged_with(&shop, defect.sql)
                .await
                .1
                .into_iter()
                .map(|breach| breach.to_string()),
        );
    }
    // What the database itself refuses, whoever tries: there the judge is the second lock on the door.
    let refused = [
        "unit price times quantity",
        "subtotal, delivery and taxes on top",
        "captured against authorised",
        "refunded against captured",
        "orders of one cart",
        "what is available against the back-order limit",
    ];
    let silent: Vec<&str> = super::rules::RULES
        .iter()
        .chain(super::desk::RULES)
        .map(|rule| rule.fault)
        .filter(|fault| !refused.iter().any(|words| fault.contains(words)))
        .filter(|fault| !named.iter().any(|line| line.contains(fault)))
        .collect();
    assert!(
        silent.is_empty(),
        "no defect wakes these rules: {silent:#?}"
    );
    assert_eq!(verify(&shop.shop).await.unwrap(), []);
}

//! Many at once.

use db::Engine;
use kernel::VariantId;

use super::super::{PlaceOrder, PlaceOrderError, Placement, place_order};
use crate::on_both;
use crate::shop::{Shop, Shopper};
use crate::testing::{Answering, TestShop, euros};

/// One click at this node, as a task of its own: it really runs beside the others.
fn click(
    node: &Shop,
    shopper: &Shopper,
    cents: i64,
) -> tokio::task::JoinHandle<Result<Placement, PlaceOrderError>> {
    let (node, shopper) = (node.clone(), shopper.clone());
    let cmd = PlaceOrder {
        total_seen: euros(cents),
        payment_method: "test".to_owned(),
    };
    tokio::spawn(async move { place_order(&node, &shopper, cmd).await })
}

/// Fifty clicks at these nodes in turn: one order, one charge, fifty equal answers.
async fn fifty_clicks(shop: &TestShop, nodes: &[Shop]) {
    let vase = shop.product("Tarn vase", euros(6_800), 50).await;
    let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
    let clicks: Vec<_> = (0..50)
        .map(|number| click(&nodes[number % nodes.len()], &shopper, 6_800))
        .collect();
    let mut answers = Vec::new();
    for click in clicks {
        answers.push(click.await.unwrap().unwrap());
    }
    assert!(
        matches!(answers[0], Placement::Placed(_)),
        "{:?}",
        answers[0]
    );
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(
        (shop.orders_placed().await, shop.gateway.charges()),
        (1, vec![6_800])
    );
    assert_eq!(shop.figures(&vase).await, (50, 1, 0));
    shop.run_jobs().await;
    assert_eq!(shop.mailbox.subjects().len(), 1);
    shop.assert_clean().await;
}

/// Two hundred shoppers at these nodes want one of fifty pieces: fifty get one, and nobody else pays.
async fn a_rush(shop: &TestShop, nodes: &[Shop]) {
    let vase = shop.product("Tarn vase", euros(6_800), 50).await;
    let mut shoppers = Vec::new();
    for _ in 0..200 {
        shoppers.push(shop.ready_shopper(&[(&vase, 1)]).await);
    }
    let clicks: Vec<_> = shoppers
        .iter()
        .enumerate()
        .map(|(number, shopper)| click(&nodes[number % nodes.len()], shopper, 6_800))
        .collect();
    let (mut placed, mut too_late) = (0, 0);
    for click in clicks {
        match click.await.unwrap() {
            Ok(Placement::Placed(_)) => placed += 1,
            Err(PlaceOrderError::OutOfStock { left: 0, .. } | PlaceOrderError::EmptyCart) => {
                too_late += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((placed, too_late), (50, 150));
    assert_all_sold(shop, &vase).await;
}

async fn assert_all_sold(shop: &TestShop, vase: &VariantId) {
    assert_eq!(
        (shop.orders_placed().await, shop.gateway.charges().len()),
        (50, 50)
    );
    assert_eq!(
        (shop.figures(vase).await, shop.available(vase).await),
        ((50, 50, 0), 0)
    );
    let numbers: Vec<(i64, i64, i64)> = shop
        .rows("SELECT MIN(number), MAX(number), COUNT(DISTINCT number) FROM orders")
        .await;
    assert_eq!(numbers, [(1_001, 1_050, 50)]);
    shop.assert_clean().await;
}

on_both! {
    async fn fifty_clicks_at_once_are_one_order_one_charge_and_fifty_equal_answers(shop: &TestShop) {
        fifty_clicks(shop, std::slice::from_ref(&shop.shop)).await;
    }

    async fn two_hundred_shoppers_at_once_buy_exactly_the_fifty_there_are(shop: &TestShop) {
        a_rush(shop, std::slice::from_ref(&shop.shop)).await;
    }

    async fn shoppers_who_want_the_same_things_in_any_order_do_not_lock_each_other_out(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 30).await;
        let bowl = shop.product("Moor bowl", euros(3_200), 30).await;
        let mug = shop.product("Fen mug", euros(1_900), 30).await;
        let mut shoppers = Vec::new();
        for number in 0..30 {
            let mut wanted = [(&vase, 1), (&bowl, 1), (&mug, 1)];
            wanted.rotate_left(number % 3);
            shoppers.push(shop.ready_shopper(&wanted).await);
        }
        let clicks: Vec<_> = shoppers.iter().map(|shopper| click(&shop.shop, shopper, 11_900)).collect();
        for click in clicks {
            assert!(matches!(click.await.unwrap(), Ok(Placement::Placed(_))));
        }
        for variant in [&vase, &bowl, &mug] {
            assert_eq!(shop.figures(variant).await, (30, 30, 0));
        }
        shop.assert_clean().await;
    }

    async fn an_approval_races_others_for_the_stock_its_hold_has_lost(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 1).await;
        for _ in 0..5 {
            let slow = shop.ready_shopper(&[(&vase, 1)]).await;
            let quick = shop.ready_shopper(&[(&vase, 1)]).await;
            shop.gateway.answers(Answering::Page);
            shop.place(&slow).await.unwrap();
            shop.clock.advance(31 * kernel::time::MINUTE);
            shop.gateway.approve();
            shop.gateway.answers(Answering::Approve);
            let click = click(&shop.shop, &quick, 6_800);
            let (late, quick) = tokio::join!(shop.comes_back(&slow), click);
            let sold = usize::from(matches!(late, Some(Placement::Placed(_)))) + usize::from(matches!(quick.unwrap(), Ok(Placement::Placed(_))));
            assert_eq!((sold, shop.figures(&vase).await.1), (1, 1), "the one piece has one buyer");
            shop.run_jobs().await;
            assert_eq!(shop.gateway.charges().len(), 1);
            shop.assert_clean().await;
            let orders: Vec<(kernel::OrderId,)> = shop.rows("SELECT id FROM orders WHERE status = 'placed'").await;
            shop.cancel(&orders[0].0).await.unwrap();
            shop.run_jobs().await;
        }
    }
}

/// Two nodes: two programs with their own connections to one database.
async fn at_two_nodes() -> Option<(TestShop, Vec<Shop>)> {
    let shop = TestShop::postgres().await?;
    assert_eq!(shop.shop.db.engine(), Engine::Postgres);
    let nodes = vec![shop.shop.clone(), shop.second_node(shop.open_again())];
    Some((shop, nodes))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_clicks_at_two_nodes_are_one_order() {
    if let Some((shop, nodes)) = at_two_nodes().await {
        fifty_clicks(&shop, &nodes).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_shoppers_at_two_nodes_buy_exactly_the_fifty_there_are() {
    if let Some((shop, nodes)) = at_two_nodes().await {
        a_rush(&shop, &nodes).await;
    }
}

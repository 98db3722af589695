//! Checkout, on both databases.

use crate::on_both;
use crate::testing::{Answering, TestShop, euros};

use super::Placement;

on_both! {
    async fn a_paid_cart_becomes_one_order_and_its_stock_is_promised(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let shopper = shop.ready_shopper(&[(&vase, 2)]).await;
        let Placement::Placed(order) = shop.place(&shopper).await.unwrap() else { panic!("it is placed") };
        assert_eq!(order.number, Some(1_001));
        assert_eq!(order.total, euros(13_600));
        assert_eq!(shop.available(&vase).await, 1);
        assert_eq!(shop.gateway.charges(), [13_600]);
        shop.assert_clean().await;
    }

    async fn a_second_click_on_place_order_returns_the_same_order(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        let total = shop.total(&shopper).await;
        let first = shop.place_having_seen(&shopper, total).await.unwrap();
        let again = shop.place_having_seen(&shopper, total).await.unwrap();
        assert_eq!(first, again);
        assert_eq!(shop.gateway.charges().len(), 1);
        shop.assert_clean().await;
    }

    async fn a_declined_payment_charges_nothing_and_frees_the_stock(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 1).await;
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        shop.gateway.answers(Answering::Decline);
        assert!(matches!(shop.place(&shopper).await.unwrap(), Placement::Declined { .. }));
        assert_eq!(shop.available(&vase).await, 1);
        shop.gateway.answers(Answering::Approve);
        assert!(matches!(shop.place(&shopper).await.unwrap(), Placement::Placed(_)));
        assert_eq!(shop.gateway.charges(), [7_290 - 490]);
        shop.assert_clean().await;
    }

    async fn a_placed_order_is_confirmed_once_and_its_money_taken(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        shop.place(&shopper).await.unwrap();
        assert_eq!(shop.run_jobs().await.dead, 0);
        shop.let_pass(2 * kernel::time::HOUR).await;
        assert_eq!(shop.mailbox.subjects(), ["Your order 1001 at Wrenfold"]);
        assert_eq!(shop.gateway.moved(), (6_800, 0));
        assert_eq!(shop.dead_jobs().await, []);
        shop.assert_clean().await;
    }
}

//! Bank transfers: the order stands, the money comes later or never.

use kernel::time::DAY;

use super::super::{Placement, Sweep, cancel_unpaid, resume_payment};
use crate::on_both;
use crate::orders::{
    CaptureError, FulfillmentStatus, MoneyMoved, Order, OrderStatus, PaymentStatus,
    ReceiveTransfer, receive_transfer,
};
use crate::payments::SessionStatus;
use crate::staff::Actor;
use crate::testing::{TestShop, euros, operator};

async fn by_transfer(shop: &TestShop, count: u32) -> (kernel::VariantId, Order) {
    let vase = shop.product("Tarn vase", euros(6_800), 5).await;
    let shopper = shop.ready_shopper(&[(&vase, count)]).await;
    let Placement::Placed(order) = shop.place_by(&shopper, "bank_transfer").await.unwrap() else {
        panic!("it is placed")
    };
    (vase, *order)
}

async fn receive(
    shop: &TestShop,
    order: &Order,
    cents: i64,
    key: &str,
) -> Result<(), CaptureError> {
    let cmd = ReceiveTransfer {
        reference: String::new(),
        order_id: order.id.clone(),
        amount: euros(cents),
        request_key: key.to_owned(),
    };
    receive_transfer(&shop.shop, operator().may(), cmd).await
}

async fn payment_status(shop: &TestShop, order: &Order) -> PaymentStatus {
    shop.order(&order.id).await.payment_status
}

on_both! {
    async fn an_order_by_transfer_stands_unpaid_with_its_stock_promised(shop: &TestShop) {
        let (vase, order) = by_transfer(shop, 2).await;
        assert_eq!((order.number, order.payment_status), (Some(1_001), PaymentStatus::Pending));
        assert_eq!(shop.figures(&vase).await, (5, 2, 0));
        shop.run_jobs().await;
        assert_eq!((shop.mailbox.subjects().len(), shop.gateway.asked()), (1, 0));
        let payment = &shop.payments(&order.id).await[0];
        assert_eq!((payment.status, payment.gateway_ref.clone()), (SessionStatus::Processing, Some(format!("RF-{}", payment.id))));
        assert_eq!(resume_payment(&shop.shop, &payment.id).await.unwrap(), Sweep::Settled);
        shop.assert_clean().await;
    }

    async fn a_transfer_that_arrives_pays_the_order_once(shop: &TestShop) {
        let (_, order) = by_transfer(shop, 1).await;
        receive(shop, &order, 6_800, "statement 12").await.unwrap();
        receive(shop, &order, 6_800, "statement 12").await.unwrap();
        assert_eq!(payment_status(shop, &order).await, PaymentStatus::Paid);
        let payment = &shop.payments(&order.id).await[0];
        assert_eq!((payment.status, payment.authorized, payment.captured), (SessionStatus::Captured, euros(6_800), euros(6_800)));
        assert_eq!(shop.timeline(&order.id).await.last().unwrap().actor, Actor::Operator);
        shop.let_pass(20 * DAY).await;
        assert_eq!(shop.order(&order.id).await.status, OrderStatus::Placed);
        shop.assert_clean().await;
    }

    async fn a_transfer_in_parts_is_told_part_by_part(shop: &TestShop) {
        let (_, order) = by_transfer(shop, 1).await;
        receive(shop, &order, 1_800, "one").await.unwrap();
        assert_eq!(payment_status(shop, &order).await, PaymentStatus::PartiallyPaid);
        shop.let_pass(20 * DAY).await;
        assert_eq!(shop.order(&order.id).await.status, OrderStatus::Placed, "somebody who has paid a part is not called off by a machine");
        receive(shop, &order, 5_000, "two").await.unwrap();
        assert_eq!(payment_status(shop, &order).await, PaymentStatus::Paid);
        receive(shop, &order, 100, "three").await.unwrap();
        assert_eq!(payment_status(shop, &order).await, PaymentStatus::Overpaid);
        for nonsense in [0, -1] {
            assert!(matches!(receive(shop, &order, nonsense, "x").await, Err(CaptureError::BadAmount(_))));
        }
        shop.assert_clean().await;
    }

    async fn nobody_who_pays_by_card_is_awaited_by_transfer(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 5).await;
        let order = shop.ordered(&[(&vase, 1)]).await;
        assert!(matches!(receive(shop, &order, 6_800, "x").await, Err(CaptureError::NotAwaited)));
        shop.assert_clean().await;
    }

    async fn what_nobody_pays_is_called_off_in_time_and_its_stock_is_free(shop: &TestShop) {
        let (vase, order) = by_transfer(shop, 2).await;
        shop.run_jobs().await;
        shop.clock.advance(14 * DAY - 1);
        shop.run_jobs().await;
        assert_eq!(shop.order(&order.id).await.status, OrderStatus::Placed);
        shop.clock.advance(1);
        shop.run_jobs().await;
        let canceled = shop.order(&order.id).await;
        assert_eq!((canceled.status, canceled.payment_status, canceled.fulfillment_status), (OrderStatus::Canceled, PaymentStatus::None, FulfillmentStatus::Canceled));
        assert_eq!(canceled.cancel_reason.as_deref(), Some("not paid in time"));
        assert_eq!((shop.figures(&vase).await, shop.payments(&order.id).await[0].status), ((5, 0, 0), SessionStatus::Canceled));
        assert_eq!(shop.timeline(&order.id).await.last().unwrap().actor, Actor::System);
        cancel_unpaid(&shop.shop, &order.id).await.unwrap();
        assert_eq!(shop.dead_jobs().await, []);
        shop.assert_clean().await;
    }

    async fn the_merchant_says_how_long_a_transfer_is_awaited(shop: &TestShop) {
        shop.set(|settings| settings.selling.unpaid_days = 3).await;
        let (_, order) = by_transfer(shop, 1).await;
        shop.clock.advance(3 * DAY);
        shop.run_jobs().await;
        assert_eq!(shop.order(&order.id).await.status, OrderStatus::Canceled);
    }

    async fn a_transfer_for_an_order_called_off_is_in_the_books_and_can_be_given_back(shop: &TestShop) {
        let (_, order) = by_transfer(shop, 1).await;
        shop.cancel(&order.id).await.unwrap();
        shop.run_jobs().await;
        receive(shop, &order, 6_800, "late").await.unwrap();
        assert_eq!((payment_status(shop, &order).await, shop.order(&order.id).await.status), (PaymentStatus::Paid, OrderStatus::Canceled));
        assert_eq!(shop.refund(&order.id, &[(0, 1)], "back").await.unwrap(), MoneyMoved::Done);
        assert_eq!(payment_status(shop, &order).await, PaymentStatus::Refunded);
        shop.assert_clean().await;
    }
}

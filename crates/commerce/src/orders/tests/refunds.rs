//! Money given back, by the line and to the cent.

use kernel::time::{HOUR, MINUTE};

use super::super::{
    FulfillmentStatus, MoneyMoved, Order, OrderStatus, PaymentStatus, RefundError, RefundStatus,
    ShipError, TimelineKind, refund_order,
};
use crate::on_both;
use crate::staff::Actor;
use crate::testing::{Answering, TestShop, euros, operator};

/// A paid order of so many vases at this price, not sent yet.
async fn bought(shop: &TestShop, cents: i64, count: u32) -> (kernel::VariantId, Order) {
    let vase = shop.product("Tarn vase", euros(cents), 20).await;
    let order = shop.ordered(&[(&vase, count)]).await;
    shop.run_jobs().await;
    (vase, order)
}

async fn refund_delivery(
    shop: &TestShop,
    order: &Order,
    cents: i64,
    key: &str,
) -> Result<MoneyMoved, RefundError> {
    let cmd = shop
        .refund_of(&order.id, (&[], false), Some(euros(cents)), key)
        .await;
    let (_, moved) = refund_order(&shop.shop, operator().may(), cmd).await?;
    Ok(moved)
}

/// Everything one piece after the other, and what came back each time.
async fn one_by_one(shop: &TestShop, order: &Order, count: u32) -> Vec<i64> {
    let mut given = Vec::new();
    for number in 0..count {
        let before = shop.gateway.moved().1;
        shop.refund(&order.id, &[(0, 1)], &format!("piece {number}"))
            .await
            .unwrap();
        given.push(shop.gateway.moved().1 - before);
    }
    given
}

on_both! {
    async fn pieces_given_back_one_by_one_are_the_line_to_the_cent_with_tax_included(shop: &TestShop) {
        let (_, order) = bought(shop, 3_333, 3).await;
        assert_eq!(one_by_one(shop, &order, 3).await, [3_333, 3_333, 3_333]);
        let line = &shop.lines(&order.id).await[0];
        assert_eq!((line.refunded, line.refunded_amount, line.refunded_tax), (3, line.total, line.tax));
        assert!(matches!(shop.refund(&order.id, &[(0, 1)], "more").await, Err(RefundError::Sum(pricing::RefundError::TooMany { left: 0 }))));
        assert_eq!(shop.order(&order.id).await.payment_status, PaymentStatus::Refunded);
        shop.assert_clean().await;
    }

    async fn pieces_given_back_one_by_one_are_the_line_to_the_cent_with_tax_on_top(shop: &TestShop) {
        shop.set(|settings| settings.selling.prices_include_tax = false).await;
        let (_, order) = bought(shop, 333, 7).await;
        // 23.31 and 21 % on it: 4.90, which no seven equal cents make; delivery 4.90 and 1.03.
        assert_eq!((order.subtotal, order.total), (euros(2_331), euros(3_414)));
        let given = one_by_one(shop, &order, 7).await;
        assert_eq!((given.iter().sum::<i64>(), given.iter().max(), given.iter().min()), (2_821, Some(&403), Some(&403)));
        assert_eq!(refund_delivery(shop, &order, 490, "delivery").await.unwrap(), MoneyMoved::Done);
        assert_eq!(shop.gateway.moved(), (3_414, 3_414), "all of it and not a cent above");
        assert_eq!(shop.order(&order.id).await.payment_status, PaymentStatus::Refunded);
        shop.assert_clean().await;
    }

    async fn the_delivery_goes_back_in_parts_and_no_further(shop: &TestShop) {
        let (_, order) = bought(shop, 2_000, 1).await;
        assert_eq!(refund_delivery(shop, &order, 200, "one").await.unwrap(), MoneyMoved::Done);
        assert!(matches!(refund_delivery(shop, &order, 291, "two").await, Err(RefundError::Sum(pricing::RefundError::TooMuch { left })) if left == euros(290)));
        assert!(refund_delivery(shop, &order, -5, "three").await.is_err());
        assert!(matches!(refund_delivery(shop, &order, 0, "four").await, Err(RefundError::Nothing)));
        assert_eq!(refund_delivery(shop, &order, 290, "five").await.unwrap(), MoneyMoved::Done);
        assert_eq!((shop.gateway.moved().1, shop.order(&order.id).await.delivery.refunded), (490, euros(490)));
        assert_eq!(shop.order(&order.id).await.payment_status, PaymentStatus::PartiallyRefunded);
        shop.assert_clean().await;
    }

    async fn a_refund_asked_for_twice_is_one_refund(shop: &TestShop) {
        let (_, order) = bought(shop, 6_800, 3).await;
        let cmd = shop.refund_of(&order.id, (&[(0, 1)], false), None, "click").await;
        let first = refund_order(&shop.shop, operator().may(), cmd.clone()).await.unwrap();
        assert_eq!(refund_order(&shop.shop, operator().may(), cmd).await.unwrap(), first);
        assert_eq!((shop.gateway.moved().1, shop.refunds(&order.id).await.len()), (6_800, 1));
        shop.assert_clean().await;
    }

    async fn more_than_was_bought_or_paid_does_not_go_back(shop: &TestShop) {
        let (_, order) = bought(shop, 6_800, 2).await;
        assert!(matches!(shop.refund(&order.id, &[(0, 3)], "a").await, Err(RefundError::Sum(pricing::RefundError::TooMany { left: 2 }))));
        assert!(matches!(shop.refund(&order.id, &[(0, 1), (0, 2)], "b").await, Err(RefundError::Sum(pricing::RefundError::TooMany { left: 2 }))), "one line said twice");
        assert!(matches!(shop.refund(&order.id, &[], "c").await, Err(RefundError::Nothing)));
        assert_eq!(shop.gateway.moved(), (13_600, 0));
        shop.set(|settings| settings.selling.capture = crate::settings::CapturePolicy::ByHand).await;
        let vase = shop.product("Held vase", euros(6_800), 3).await;
        let unpaid = shop.ordered(&[(&vase, 2)]).await;
        assert!(matches!(shop.refund(&unpaid.id, &[(0, 1)], "d").await, Err(RefundError::TooMuch { left, .. }) if left.is_zero()));
        shop.capture_part(&unpaid.id, Some(euros(5_000)), "part").await.unwrap();
        assert!(matches!(shop.refund(&unpaid.id, &[(0, 1)], "e").await, Err(RefundError::TooMuch { left, wanted }) if (left, wanted) == (euros(5_000), euros(6_800))));
        shop.assert_clean().await;
    }

    async fn twenty_full_refunds_at_once_are_one(shop: &TestShop) {
        let (vase, order) = bought(shop, 6_800, 2).await;
        let mut tries = Vec::new();
        for number in 0..20 {
            let cmd = shop.refund_of(&order.id, (&[(0, 2)], false), None, &format!("try {number}")).await;
            let node = shop.shop.clone();
            tries.push(tokio::spawn(async move { refund_order(&node, operator().may(), cmd).await }));
        }
        let mut done = 0;
        for attempt in tries {
            match attempt.await.unwrap() {
                Ok((_, MoneyMoved::Done)) => done += 1,
                Err(RefundError::Sum(pricing::RefundError::TooMany { left: 0 })) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((done, shop.gateway.moved()), (1, (13_600, 13_600)));
        assert_eq!(shop.figures(&vase).await, (20, 0, 0));
        shop.assert_clean().await;
    }

    async fn a_refund_the_gateway_refuses_gives_everything_back_to_the_books(shop: &TestShop) {
        let (vase, order) = bought(shop, 6_800, 3).await;
        shop.ship(&order.id, &[(0, 1)], "parcel").await.unwrap();
        let before = (shop.lines(&order.id).await, shop.figures(&vase).await, shop.order(&order.id).await.delivery);
        shop.gateway.answers(Answering::RefuseMoves);
        assert!(matches!(shop.refund(&order.id, &[(0, 2)], "refused").await.unwrap(), MoneyMoved::Refused { .. }));
        assert_eq!((shop.lines(&order.id).await, shop.figures(&vase).await, shop.order(&order.id).await.delivery), before);
        assert_eq!(shop.refunds(&order.id).await[0].status, RefundStatus::Failed);
        assert_eq!(shop.timeline(&order.id).await.last().unwrap().kind, TimelineKind::RefundFailed);
        shop.assert_clean().await;
        shop.gateway.answers(Answering::Approve);
        shop.ship(&order.id, &[(0, 2)], "the rest").await.unwrap();
        assert_eq!(shop.refund(&order.id, &[(0, 3)], "again").await.unwrap(), MoneyMoved::Done);
        assert_eq!(shop.gateway.moved(), (20_400, 20_400));
        shop.assert_clean().await;
    }

    async fn pieces_refunded_before_they_left_never_leave_and_can_be_sold_again(shop: &TestShop) {
        let (vase, order) = bought(shop, 6_800, 3).await;
        shop.refund(&order.id, &[(0, 2)], "two").await.unwrap();
        assert_eq!(shop.figures(&vase).await, (20, 1, 0));
        let line = &shop.lines(&order.id).await[0];
        assert_eq!((line.canceled, line.to_ship()), (2, 1));
        assert!(matches!(shop.ship(&order.id, &[(0, 2)], "too many").await, Err(ShipError::TooMany { left: 1, .. })));
        shop.ship(&order.id, &[(0, 1)], "the rest").await.unwrap();
        let order = shop.order(&order.id).await;
        assert_eq!((order.status, order.fulfillment_status, order.payment_status), (OrderStatus::Completed, FulfillmentStatus::Fulfilled, PaymentStatus::PartiallyRefunded));
        assert_eq!(shop.figures(&vase).await, (19, 0, 0));
        shop.refund_returned(&order.id, &[(0, 1)], "the last").await.unwrap();
        assert_eq!(shop.figures(&vase).await, (20, 0, 0));
        shop.assert_clean().await;
    }

    async fn an_order_refunded_before_anything_left_is_over(shop: &TestShop) {
        let (vase, order) = bought(shop, 6_800, 2).await;
        shop.refund_returned(&order.id, &[(0, 2)], "all").await.unwrap();
        let order = shop.order(&order.id).await;
        assert_eq!((order.status, order.fulfillment_status, order.payment_status), (OrderStatus::Completed, FulfillmentStatus::Canceled, PaymentStatus::Refunded));
        assert_eq!(shop.figures(&vase).await, (20, 0, 0), "what never left is not put on the shelf once more");
        shop.assert_clean().await;
    }

    async fn the_pieces_that_have_not_left_are_refunded_first_and_the_others_come_back_if_they_come_back(shop: &TestShop) {
        let (vase, order) = bought(shop, 6_800, 4).await;
        shop.ship(&order.id, &[(0, 3)], "three").await.unwrap();
        shop.refund_returned(&order.id, &[(0, 3)], "three back").await.unwrap();
        let line = &shop.lines(&order.id).await[0];
        assert_eq!((line.canceled, line.to_ship(), line.refunded), (1, 0, 3));
        assert_eq!(shop.figures(&vase).await, (19, 0, 0), "two came back, one never left, one is out");
        shop.refund(&order.id, &[(0, 1)], "broken on the way").await.unwrap();
        assert_eq!(shop.figures(&vase).await, (19, 0, 0));
        assert_eq!(shop.order(&order.id).await.payment_status, PaymentStatus::Refunded);
        shop.assert_clean().await;
    }

    async fn while_a_refund_is_unknown_its_pieces_neither_leave_nor_are_sold_to_others(shop: &TestShop) {
        let (vase, order) = bought(shop, 6_800, 2).await;
        shop.gateway.answers(Answering::LoseAnswer);
        assert_eq!(shop.refund(&order.id, &[(0, 2)], "lost").await.unwrap(), MoneyMoved::Pending);
        assert_eq!((shop.figures(&vase).await, shop.order(&order.id).await.status), ((20, 2, 0), OrderStatus::Placed));
        assert!(matches!(shop.ship(&order.id, &[(0, 1)], "parcel").await, Err(ShipError::TooMany { left: 0, .. })));
        assert!(shop.refund(&order.id, &[(0, 1)], "again").await.is_err());
        shop.assert_clean().await;
        shop.gateway.answers(Answering::Approve);
        shop.let_pass(10 * MINUTE).await;
        assert_eq!((shop.figures(&vase).await, shop.order(&order.id).await.status), ((20, 0, 0), OrderStatus::Completed));
        assert_eq!((shop.gateway.moved().1, shop.refunds(&order.id).await[0].status), (13_600, RefundStatus::Succeeded));
        let told = shop.timeline(&order.id).await;
        let refunded = told.iter().find(|entry| entry.kind == TimelineKind::Refunded).unwrap();
        assert_eq!(refunded.actor, Actor::Operator, "who asked for it did it, though a job heard the answer");
        shop.assert_clean().await;
    }

    async fn pieces_of_a_refund_that_fails_late_are_sent_after_all(shop: &TestShop) {
        let (vase, order) = bought(shop, 6_800, 2).await;
        shop.gateway.answers(Answering::SilentMoves);
        shop.refund(&order.id, &[(0, 2)], "late").await.unwrap();
        shop.assert_clean().await;
        shop.gateway.answers(Answering::RefuseMoves);
        shop.let_pass(HOUR).await;
        let order = shop.order(&order.id).await;
        assert_eq!((order.status, order.fulfillment_status), (OrderStatus::Placed, FulfillmentStatus::Unfulfilled));
        shop.ship(&order.id, &[(0, 2)], "parcel").await.unwrap();
        assert_eq!((shop.figures(&vase).await, shop.order(&order.id).await.status), ((18, 0, 0), OrderStatus::Completed));
        shop.assert_clean().await;
    }

    async fn goods_come_back_once_though_their_refund_needed_two_tries(shop: &TestShop) {
        let (vase, order) = bought(shop, 6_800, 1).await;
        shop.ship(&order.id, &[(0, 1)], "parcel").await.unwrap();
        shop.gateway.answers(Answering::RefuseMoves);
        shop.refund_returned(&order.id, &[(0, 1)], "refused").await.unwrap();
        assert_eq!(shop.figures(&vase).await, (20, 0, 0), "the goods are back whatever the bank says");
        shop.gateway.answers(Answering::Approve);
        shop.refund_returned(&order.id, &[(0, 1)], "again").await.unwrap();
        assert_eq!(shop.figures(&vase).await, (20, 0, 0));
        shop.assert_clean().await;
    }

    async fn an_order_refunded_in_part_and_then_called_off_gives_back_the_rest(shop: &TestShop) {
        let (vase, order) = bought(shop, 6_800, 3).await;
        shop.refund(&order.id, &[(0, 1)], "one").await.unwrap();
        shop.cancel(&order.id).await.unwrap();
        shop.run_jobs().await;
        assert_eq!((shop.gateway.moved(), shop.figures(&vase).await), ((20_400, 20_400), (20, 0, 0)));
        assert_eq!(shop.order(&order.id).await.payment_status, PaymentStatus::Refunded);
        shop.assert_clean().await;
    }

    async fn several_lines_and_the_delivery_go_back_together(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(1_000), 9).await;
        let bowl = shop.product("Moor bowl", euros(2_000), 9).await;
        let order = shop.ordered(&[(&vase, 2), (&bowl, 1)]).await;
        shop.run_jobs().await;
        let cmd = shop.refund_of(&order.id, (&[(1, 1), (0, 1)], false), Some(euros(490)), "all").await;
        let (id, moved) = refund_order(&shop.shop, operator().may(), cmd).await.unwrap();
        let refund = &shop.refunds(&order.id).await[0];
        assert_eq!((moved, &refund.id, refund.amount, refund.delivery), (MoneyMoved::Done, &id, euros(3_490), euros(490)));
        assert_eq!((refund.status, refund.reason.as_str(), &refund.actor), (RefundStatus::Succeeded, "the buyer asked", &Actor::Operator));
        assert_eq!((shop.figures(&vase).await, shop.figures(&bowl).await), ((9, 1, 0), (9, 0, 0)));
        shop.assert_clean().await;
    }
}

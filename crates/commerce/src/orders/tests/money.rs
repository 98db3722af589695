//! Money held, taken, let go of.

use kernel::time::{HOUR, MINUTE};
use kernel::{Currency, PaymentId, RandomIds};

use super::super::{
    CaptureError, CapturePayment, MoneyMoved, PaymentStatus, TimelineKind, capture_payment,
    resume_move, return_money,
};
use crate::on_both;
use crate::orders::OrderStatus;
use crate::payments::{EventKind, EventStatus, SessionStatus, events_of, find_event, settled_sums};
use crate::settings::CapturePolicy;
use crate::staff::Actor;
use crate::testing::{Answering, TestShop, euros, operator};

/// A placed order of 68 euros whose money is held and not taken.
async fn held(shop: &TestShop) -> (kernel::VariantId, crate::orders::Order) {
    shop.set(|settings| settings.selling.capture = CapturePolicy::ByHand)
        .await;
    let vase = shop.product("Tarn vase", euros(6_800), 9).await;
    let order = shop.ordered(&[(&vase, 1)]).await;
    shop.run_jobs().await;
    (vase, order)
}

async fn paid(shop: &TestShop, order: &crate::orders::Order) -> PaymentStatus {
    shop.order(&order.id).await.payment_status
}

on_both! {
    async fn held_money_is_taken_in_parts_and_never_more_than_is_held(shop: &TestShop) {
        let (_, order) = held(shop).await;
        assert_eq!(paid(shop, &order).await, PaymentStatus::Authorized);
        assert_eq!(shop.capture_part(&order.id, Some(euros(3_000)), "one").await.unwrap(), MoneyMoved::Done);
        assert_eq!(paid(shop, &order).await, PaymentStatus::PartiallyPaid);
        assert!(matches!(shop.capture_part(&order.id, Some(euros(3_801)), "two").await, Err(CaptureError::TooMuch { left }) if left == euros(3_800)));
        assert_eq!(shop.capture_part(&order.id, None, "rest").await.unwrap(), MoneyMoved::Done);
        assert_eq!((paid(shop, &order).await, shop.gateway.moved()), (PaymentStatus::Paid, (6_800, 0)));
        assert!(matches!(shop.capture_part(&order.id, None, "more").await, Err(CaptureError::TooMuch { left }) if left.is_zero()));
        let (payment, id) = (shop.payments(&order.id).await[0].id.clone(), order.id.clone());
        let (facts, sums) = shop.read(move |tx| Ok((events_of(tx, &payment)?, settled_sums(tx, &id)?))).await;
        let facts: Vec<_> = facts.iter().map(|fact| (fact.kind, fact.status, fact.amount)).collect();
        assert_eq!(facts, [
            (EventKind::Authorize, EventStatus::Succeeded, euros(6_800)),
            (EventKind::Capture, EventStatus::Succeeded, euros(3_000)),
            (EventKind::Capture, EventStatus::Succeeded, euros(3_800)),
        ]);
        assert_eq!((sums.authorized, sums.captured, sums.voided, sums.refunded, sums.open), (6_800, 6_800, 0, 0, 0));
        shop.assert_clean().await;
    }

    async fn taking_money_twice_with_one_key_takes_it_once(shop: &TestShop) {
        let (_, order) = held(shop).await;
        for _ in 0..3 {
            assert_eq!(shop.capture_part(&order.id, Some(euros(1_000)), "click").await.unwrap(), MoneyMoved::Done);
        }
        assert_eq!(shop.gateway.moved(), (1_000, 0));
        shop.assert_clean().await;
    }

    async fn amounts_that_are_no_amounts_are_refused(shop: &TestShop) {
        let (_, order) = held(shop).await;
        let yen = Currency::parse("JPY").unwrap();
        for amount in [euros(0), euros(-1), euros(i64::MIN), yen.minor(100)] {
            assert!(matches!(shop.capture_part(&order.id, Some(amount), "x").await, Err(CaptureError::BadAmount(Currency::EUR))), "{amount}");
        }
        assert!(matches!(shop.capture_part(&order.id, Some(euros(i64::MAX)), "x").await, Err(CaptureError::TooMuch { .. })));
        let cmd = CapturePayment { payment_id: PaymentId::new(&RandomIds), amount: None, request_key: "x".to_owned() };
        assert!(matches!(capture_payment(&shop.shop, operator().may(), cmd).await, Err(CaptureError::NotFound)));
        assert_eq!(shop.gateway.moved(), (0, 0));
        shop.assert_clean().await;
    }

    async fn twenty_captures_at_once_take_what_is_there_and_no_more(shop: &TestShop) {
        let (_, order) = held(shop).await;
        let payment_id = shop.payments(&order.id).await[0].id.clone();
        let tries: Vec<_> = (0..20).map(|number| {
            let (node, payment_id) = (shop.shop.clone(), payment_id.clone());
            let cmd = CapturePayment { payment_id, amount: Some(euros(1_000)), request_key: format!("try {number}") };
            tokio::spawn(async move { capture_payment(&node, operator().may(), cmd).await })
        }).collect();
        let mut taken = 0;
        for attempt in tries {
            taken += i64::from(matches!(attempt.await.unwrap(), Ok(MoneyMoved::Done)));
        }
        assert_eq!((taken, shop.gateway.moved()), (6, (6_000, 0)));
        shop.assert_clean().await;
    }

    async fn a_gateway_that_is_gone_takes_nothing_and_leaves_nothing_begun(shop: &TestShop) {
        let (_, order) = held(shop).await;
        let payment_id = shop.payments(&order.id).await[0].id.clone();
        let mut bare = shop.shop.clone();
        bare.gateways = crate::ports::gateway::Gateways::default();
        let cmd = CapturePayment { payment_id, amount: None, request_key: "x".to_owned() };
        assert!(matches!(capture_payment(&bare, operator().may(), cmd).await, Err(CaptureError::NoGateway(code)) if code == "test"));
        assert_eq!(shop.rows::<(i64,)>("SELECT COUNT(*) FROM payment_events WHERE status = 'pending'").await, [(0,)]);
        shop.assert_clean().await;
    }

    async fn a_refused_capture_leaves_the_money_held_and_asks_for_a_person(shop: &TestShop) {
        let (_, order) = held(shop).await;
        shop.gateway.answers(Answering::RefuseMoves);
        let refused = MoneyMoved::Refused { reason: "not today".to_owned() };
        assert_eq!(shop.capture(&order.id).await.unwrap(), refused);
        assert_eq!(paid(shop, &order).await, PaymentStatus::Authorized);
        assert_eq!(shop.timeline(&order.id).await.last().unwrap().kind, TimelineKind::PaymentNeedsReview);
        assert!(matches!(shop.capture(&order.id).await.unwrap(), MoneyMoved::Refused { .. }), "the same request has the same answer");
        shop.gateway.answers(Answering::Approve);
        assert_eq!(shop.capture_part(&order.id, None, "again").await.unwrap(), MoneyMoved::Done);
        assert_eq!(shop.gateway.moved(), (6_800, 0));
        shop.assert_clean().await;
    }

    async fn a_capture_whose_answer_was_lost_is_finished_by_itself_once(shop: &TestShop) {
        let (_, order) = held(shop).await;
        shop.gateway.answers(Answering::LoseAnswer);
        assert_eq!(shop.capture(&order.id).await.unwrap(), MoneyMoved::Pending);
        assert_eq!((paid(shop, &order).await, shop.gateway.moved()), (PaymentStatus::Authorized, (6_800, 0)), "unknown is not paid");
        shop.assert_clean().await;
        shop.gateway.answers(Answering::Approve);
        shop.let_pass(5 * MINUTE).await;
        assert_eq!((paid(shop, &order).await, shop.gateway.moved()), (PaymentStatus::Paid, (6_800, 0)));
        shop.assert_clean().await;
    }

    async fn a_gateway_silent_for_days_is_asked_for_as_long_as_it_takes(shop: &TestShop) {
        let (_, order) = held(shop).await;
        shop.gateway.answers(Answering::SilentMoves);
        assert_eq!(shop.capture(&order.id).await.unwrap(), MoneyMoved::Pending);
        shop.let_pass(90 * HOUR).await;
        assert_eq!((shop.dead_jobs().await, shop.gateway.moved()), (vec![], (0, 0)));
        assert_eq!(paid(shop, &order).await, PaymentStatus::Authorized);
        shop.gateway.answers(Answering::Approve);
        shop.let_pass(2 * HOUR).await;
        assert_eq!(paid(shop, &order).await, PaymentStatus::Paid);
        shop.assert_clean().await;
    }

    async fn an_order_called_off_while_its_capture_is_unknown_gets_its_money_back_once_it_is_known(shop: &TestShop) {
        let (_, order) = held(shop).await;
        shop.gateway.answers(Answering::LoseAnswer);
        shop.capture(&order.id).await.unwrap();
        shop.gateway.answers(Answering::SilentMoves);
        shop.cancel(&order.id).await.unwrap();
        shop.let_pass(20 * MINUTE).await;
        assert_eq!(shop.gateway.moved(), (6_800, 0), "what may not have been taken is not given back");
        assert_eq!(shop.rows::<(i64,)>("SELECT COUNT(*) FROM payment_events WHERE kind = 'refund'").await, [(0,)]);
        shop.gateway.answers(Answering::Approve);
        shop.let_pass(HOUR).await;
        assert_eq!((shop.gateway.moved(), paid(shop, &order).await), ((6_800, 6_800), PaymentStatus::Refunded));
        shop.assert_clean().await;
    }

    async fn an_order_called_off_whose_capture_then_fails_has_its_money_let_go_of(shop: &TestShop) {
        let (_, order) = held(shop).await;
        shop.gateway.answers(Answering::SilentMoves);
        shop.capture(&order.id).await.unwrap();
        shop.cancel(&order.id).await.unwrap();
        shop.run_jobs().await;
        shop.gateway.answers(Answering::RefuseMoves);
        let key: Vec<(String,)> = shop.rows("SELECT effect_key FROM payment_events WHERE kind = 'capture'").await;
        let act = shop.shop.act(Actor::System);
        assert!(matches!(resume_move(&shop.shop, &act, &key[0].0).await.unwrap(), MoneyMoved::Refused { .. }));
        shop.gateway.answers(Answering::Approve);
        shop.let_pass(HOUR).await;
        assert_eq!((paid(shop, &order).await, shop.gateway.charges()), (PaymentStatus::Voided, vec![]));
        shop.assert_clean().await;
    }

    async fn returning_money_twice_returns_it_once(shop: &TestShop) {
        let (_, order) = held(shop).await;
        shop.capture_part(&order.id, Some(euros(2_000)), "part").await.unwrap();
        for _ in 0..3 {
            assert!(return_money(&shop.shop, operator().may(), (order.id.clone(), None)).await.unwrap());
        }
        assert_eq!((shop.gateway.moved(), shop.gateway.charges()), ((2_000, 2_000), vec![]));
        let payment = &shop.payments(&order.id).await[0];
        assert_eq!((payment.authorized, payment.captured, payment.refunded), (euros(2_000), euros(2_000), euros(2_000)));
        assert_eq!(paid(shop, &order).await, PaymentStatus::Refunded);
        shop.assert_clean().await;
    }

    async fn money_that_cannot_be_returned_now_is_returned_later(shop: &TestShop) {
        let (_, order) = held(shop).await;
        shop.cancel(&order.id).await.unwrap();
        shop.gateway.answers(Answering::SilentMoves);
        assert!(!return_money(&shop.shop, operator().may(), (order.id.clone(), None)).await.unwrap());
        shop.assert_clean().await;
        shop.let_pass(3 * HOUR).await;
        assert_eq!((paid(shop, &order).await, shop.order(&order.id).await.status), (PaymentStatus::Authorized, OrderStatus::Canceled));
        shop.gateway.answers(Answering::Approve);
        shop.let_pass(3 * HOUR).await;
        assert_eq!((paid(shop, &order).await, shop.gateway.charges()), (PaymentStatus::Voided, vec![]));
        assert_eq!(shop.payments(&order.id).await[0].status, SessionStatus::Canceled);
        shop.assert_clean().await;
    }

    async fn a_move_nobody_began_is_a_fault_and_moves_nothing(shop: &TestShop) {
        let act = shop.shop.act(Actor::System);
        assert!(resume_move(&shop.shop, &act, "capture:nothing").await.is_err());
        assert!(shop.read(|tx| Ok(find_event(tx, "capture:nothing")?)).await.is_none());
        assert_eq!(shop.gateway.asked(), 0);
    }
}

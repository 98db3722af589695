//! What a gateway answers, and when, and how often.

use kernel::PaymentId;
use kernel::time::{HOUR, MINUTE};

use super::super::{
    NoticeFailed, Placement, Sweep, cancel_payment, receive_notice, resume_payment,
};
use crate::carts::{LineState, remove_line, set_quantity};
use crate::checkout::PlaceOrderError;
use crate::on_both;
use crate::orders::{OrderStatus, PaymentStatus, TimelineKind};
use crate::payments::SessionStatus;
use crate::ports::gateway::NoticeError;
use crate::shop::Shopper;
use crate::testing::{Answering, TestShop, euros, pieces};

/// A shopper sent to the gateway's page for one vase, and the payment.
async fn on_the_page(shop: &TestShop, stock: i64) -> (kernel::VariantId, Shopper, PaymentId) {
    let vase = shop.product("Tarn vase", euros(6_800), stock).await;
    let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
    shop.gateway.answers(Answering::Page);
    let placement = shop.place(&shopper).await.unwrap();
    let payment = shop.last_payment().await;
    let url = format!("https://pay.example/{payment}");
    assert_eq!(placement, Placement::GoTo { url });
    (vase, shopper, payment)
}

async fn sweep(shop: &TestShop, payment: &PaymentId) -> Sweep {
    resume_payment(&shop.shop, payment).await.unwrap()
}

async fn status_of(shop: &TestShop, payment: &PaymentId) -> SessionStatus {
    let id = payment.clone();
    let found = shop
        .read(move |tx| Ok(crate::payments::find(tx, &id)?))
        .await;
    found.unwrap().status
}

/// The ways an answer comes in.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Return,
    Notice,
    SameNoticeAgain,
    Sweeper,
    SecondClick,
}

async fn come_in(shop: &TestShop, way: Way, (shopper, payment): (&Shopper, &PaymentId)) {
    match way {
        Way::Return => {
            let placement = shop.comes_back(shopper).await.unwrap();
            assert!(matches!(placement, Placement::Placed(_)), "{placement:?}");
        }
        Way::Notice | Way::SameNoticeAgain => shop.notice("evt-1", payment).await.unwrap(),
        Way::Sweeper => assert_eq!(sweep(shop, payment).await, Sweep::Settled),
        Way::SecondClick => {
            let placement = shop.place_having_seen(shopper, euros(6_800)).await.unwrap();
            assert!(matches!(placement, Placement::Placed(_)), "{placement:?}");
        }
    }
}

/// Every order of these things.
fn permutations(things: &[Way]) -> Vec<Vec<Way>> {
    if things.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (place, first) in things.iter().enumerate() {
        let mut rest = things.to_vec();
        rest.remove(place);
        for tail in permutations(&rest) {
            all.push(std::iter::once(*first).chain(tail).collect());
        }
    }
    all
}

async fn assert_one_of_everything(shop: &TestShop, placed: i64) {
    shop.run_jobs().await;
    assert_eq!(shop.orders_placed().await, placed);
    assert_eq!(
        shop.gateway.charges().len(),
        usize::try_from(placed).unwrap()
    );
    let count = usize::try_from(placed).unwrap();
    assert_eq!(shop.mailbox.subjects().len(), count);
    assert_eq!(shop.gateway.moved().0, 6_800 * placed);
    let confirmed: Vec<(i64,)> = shop.rows("SELECT COUNT(*) FROM mails").await;
    assert_eq!(confirmed, [(placed,)]);
    shop.assert_clean().await;
}

on_both! {
    async fn a_declined_payment_charges_nothing_and_frees_the_stock(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 1).await;
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        shop.gateway.answers(Answering::Decline);
        let declined = shop.place(&shopper).await.unwrap();
        assert_eq!(declined, Placement::Declined { reason: "Your bank declined this card".to_owned() });
        assert_eq!(shop.comes_back(&shopper).await, Some(declined));
        assert_eq!((shop.available(&vase).await, shop.gateway.charges()), (1, vec![]));
        let line = shop.cart(&shopper).await.unwrap().lines[0].id.clone();
        set_quantity(&shop.shop, &shopper, line, pieces(1)).await.unwrap();
        shop.gateway.answers(Answering::Approve);
        shop.placed(&shopper).await;
        assert_eq!(shop.gateway.charges(), [6_800]);
        assert_eq!(shop.figures(&vase).await, (1, 1, 0));
        shop.assert_clean().await;
    }

    async fn a_declined_card_can_be_followed_by_another_way_to_pay(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 1).await;
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        shop.gateway.answers(Answering::Decline);
        shop.place(&shopper).await.unwrap();
        let Placement::Placed(order) = shop.place_by(&shopper, "bank_transfer").await.unwrap() else { panic!("it is placed") };
        assert_eq!((order.payment_method.as_str(), order.payment_status), ("bank_transfer", PaymentStatus::Pending));
        let statuses: Vec<_> = shop.payments(&order.id).await.iter().map(|payment| payment.status).collect();
        assert_eq!(statuses, [SessionStatus::Failed, SessionStatus::Processing]);
        let told: Vec<_> = shop.timeline(&order.id).await.iter().map(|entry| entry.kind).collect();
        assert_eq!(told, [TimelineKind::PaymentFailed, TimelineKind::Placed]);
        shop.assert_clean().await;
    }

    async fn the_return_from_the_page_places_the_order(shop: &TestShop) {
        let (vase, shopper, payment) = on_the_page(shop, 1).await;
        assert_eq!(shop.figures(&vase).await, (1, 0, 1));
        let Some(Placement::GoTo { .. }) = shop.comes_back(&shopper).await else { panic!("nothing is decided yet") };
        shop.gateway.approve();
        come_in(shop, Way::Return, (&shopper, &payment)).await;
        assert_eq!(shop.figures(&vase).await, (1, 1, 0));
        assert_one_of_everything(shop, 1).await;
    }

    async fn the_notice_alone_places_the_order_and_counts_once(shop: &TestShop) {
        let (_, shopper, payment) = on_the_page(shop, 1).await;
        shop.gateway.approve();
        for _ in 0..3 {
            shop.notice("evt-1", &payment).await.unwrap();
        }
        assert_eq!(shop.rows::<(i64,)>("SELECT COUNT(*) FROM gateway_events").await, [(1,)]);
        come_in(shop, Way::Return, (&shopper, &payment)).await;
        assert_one_of_everything(shop, 1).await;
    }

    async fn a_page_nobody_came_back_from_is_found_by_the_sweeper(shop: &TestShop) {
        let (_, _, payment) = on_the_page(shop, 1).await;
        shop.let_pass(3 * MINUTE).await;
        assert_eq!(status_of(shop, &payment).await, SessionStatus::RequiresAction);
        shop.gateway.approve();
        shop.let_pass(10 * MINUTE).await;
        assert_eq!(status_of(shop, &payment).await, SessionStatus::Captured);
        assert_one_of_everything(shop, 1).await;
    }

    async fn answers_in_any_order_make_one_order_one_charge_and_one_mail(shop: &TestShop) {
        let ways = [Way::Return, Way::Notice, Way::SameNoticeAgain, Way::Sweeper, Way::SecondClick];
        let vase = shop.product("Tarn vase", euros(6_800), 500).await;
        shop.gateway.answers(Answering::Page);
        let mut placed = 0;
        for order_of_ways in permutations(&ways).into_iter().step_by(5) {
            let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
            shop.place(&shopper).await.unwrap();
            let payment = shop.last_payment().await;
            shop.gateway.approve();
            for way in order_of_ways {
                come_in(shop, way, (&shopper, &payment)).await;
                if way == Way::Return {
                    shop.run_jobs().await;
                }
            }
            placed += 1;
        }
        assert_eq!(placed, 24);
        assert_one_of_everything(shop, placed).await;
    }

    async fn answers_all_at_once_make_one_order_one_charge_and_one_mail(shop: &TestShop) {
        let (_, shopper, payment) = on_the_page(shop, 1).await;
        shop.gateway.approve();
        tokio::join!(
            come_in(shop, Way::Return, (&shopper, &payment)),
            come_in(shop, Way::Notice, (&shopper, &payment)),
            come_in(shop, Way::Sweeper, (&shopper, &payment)),
            come_in(shop, Way::SecondClick, (&shopper, &payment)),
            come_in(shop, Way::SameNoticeAgain, (&shopper, &payment)),
            come_in(shop, Way::Return, (&shopper, &payment)),
        );
        assert_one_of_everything(shop, 1).await;
    }

    async fn an_answer_lost_on_the_way_is_found_by_the_sweeper(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 1).await;
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        shop.gateway.answers(Answering::LoseAnswer);
        assert_eq!(shop.place(&shopper).await.unwrap(), Placement::Waiting);
        assert_eq!((shop.orders_placed().await, shop.gateway.charges()), (0, vec![6_800]), "charged, and the shop does not know");
        shop.gateway.answers(Answering::Approve);
        shop.let_pass(2 * MINUTE).await;
        assert_one_of_everything(shop, 1).await;
    }

    async fn a_gateway_that_never_heard_of_a_payment_has_its_minute(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 1).await;
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        shop.gateway.answers(Answering::Silent);
        assert_eq!(shop.place(&shopper).await.unwrap(), Placement::Waiting);
        shop.gateway.answers(Answering::Approve);
        shop.clock.advance(MINUTE - 1);
        assert_eq!(shop.comes_back(&shopper).await, Some(Placement::Waiting), "our own call may still be on its way");
        shop.clock.advance(1);
        shop.run_jobs().await;
        assert!(matches!(shop.comes_back(&shopper).await, Some(Placement::Declined { .. })));
        assert_eq!((shop.available(&vase).await, shop.gateway.charges()), (1, vec![]));
        shop.placed(&shopper).await;
        assert_one_of_everything(shop, 1).await;
    }

    async fn a_silent_gateway_is_neither_a_success_nor_a_failure(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 1).await;
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        shop.gateway.answers(Answering::Silent);
        assert_eq!(shop.place(&shopper).await.unwrap(), Placement::Waiting);
        let payment = shop.last_payment().await;
        for _ in 0..5 {
            assert_eq!(shop.place_having_seen(&shopper, euros(6_800)).await.unwrap(), Placement::Waiting);
            assert_eq!(shop.comes_back(&shopper).await, Some(Placement::Waiting));
            shop.notice("evt", &payment).await.unwrap();
            shop.let_pass(5 * MINUTE).await;
            assert_eq!(status_of(shop, &payment).await, SessionStatus::Created);
        }
        assert_eq!(shop.rows::<(i64,)>("SELECT COUNT(*) FROM payments").await, [(1,)], "it is not begun twice");
        shop.let_pass(40 * HOUR).await;
        assert_eq!((status_of(shop, &payment).await, shop.orders_placed().await), (SessionStatus::Created, 0));
        assert_eq!(shop.available(&vase).await, 1, "others may buy after half an hour");
        assert_eq!(shop.dead_jobs().await, [], "it is asked for as long as it takes");
        shop.assert_clean().await;
    }

    async fn a_payment_from_before_the_cart_changed_is_not_joined(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let bowl = shop.product("Moor bowl", euros(9_900), 3).await;
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        shop.gateway.answers(Answering::Silent);
        shop.place(&shopper).await.unwrap();
        let old = shop.last_payment().await;
        shop.let_pass(31 * MINUTE).await;
        let line = shop.cart(&shopper).await.unwrap().lines[0].id.clone();
        let cmd = crate::carts::AddToCart { variant_id: bowl.clone(), quantity: pieces(1) };
        crate::carts::add_to_cart(&shop.shop, Some(shopper.visitor.clone()), cmd).await.unwrap();
        remove_line(&shop.shop, &shopper, line).await.unwrap();
        shop.gateway.answers(Answering::Approve);
        let order = shop.placed(&shopper).await;
        assert_eq!((order.total, shop.lines(&order.id).await[0].title.as_str()), (euros(9_900), "Moor bowl"));
        assert_eq!((shop.figures(&vase).await, shop.figures(&bowl).await), ((3, 0, 0), (3, 1, 0)));
        assert_eq!(shop.gateway.charges(), [9_900]);
        shop.let_pass(3 * HOUR).await;
        assert_eq!(status_of(shop, &old).await, SessionStatus::Expired);
        shop.assert_clean().await;
    }

    async fn during_a_payment_another_total_is_refused_and_the_same_one_joins_it(shop: &TestShop) {
        let (_, shopper, _) = on_the_page(shop, 1).await;
        assert!(matches!(shop.place_having_seen(&shopper, euros(1)).await, Err(PlaceOrderError::TotalChanged { now, .. }) if now == euros(6_800)));
        assert!(matches!(shop.place_having_seen(&shopper, euros(6_800)).await.unwrap(), Placement::GoTo { .. }));
        assert_eq!(shop.gateway.payments().len(), 1);
    }

    async fn an_approval_that_does_not_fit_releases_nothing_and_asks_for_a_person(shop: &TestShop) {
        for (number, wrong) in [Answering::WrongAmount, Answering::WrongAccount, Answering::WrongPayment, Answering::WrongMode].into_iter().enumerate() {
            let vase = shop.product(&format!("Vase {number}"), euros(6_800), 1).await;
            let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
            shop.gateway.answers(wrong);
            assert_eq!(shop.place(&shopper).await.unwrap(), Placement::Waiting, "{wrong:?}");
            let payment = shop.last_payment().await;
            assert_eq!(status_of(shop, &payment).await, SessionStatus::NeedsReview, "{wrong:?}");
            for _ in 0..2 {
                shop.notice("evt", &payment).await.unwrap();
                assert_eq!(shop.comes_back(&shopper).await, Some(Placement::Waiting), "no word for staff reaches the shopper");
                assert_eq!(shop.place_having_seen(&shopper, euros(6_800)).await.unwrap(), Placement::Waiting, "and nothing is paid twice");
            }
            let alerts: Vec<(i64,)> = shop.rows("SELECT COUNT(*) FROM order_timeline WHERE kind = 'payment_needs_review'").await;
            assert_eq!(alerts, [(i64::try_from(number).unwrap() + 1,)], "one alert for each");
            assert_eq!((shop.orders_placed().await, shop.figures(&vase).await), (0, (1, 0, 1)));
        }
        shop.run_jobs().await;
        assert_eq!(shop.gateway.moved(), (0, 0));
        assert!(shop.mailbox.subjects().is_empty());
        shop.let_pass(HOUR).await;
        assert_eq!(shop.orders_placed().await, 0);
        shop.assert_clean().await;
    }

    async fn an_approval_under_another_name_than_before_asks_for_a_person(shop: &TestShop) {
        let (_, shopper, payment) = on_the_page(shop, 1).await;
        shop.gateway.approve();
        shop.gateway.answers(Answering::WrongReference);
        assert_eq!(shop.comes_back(&shopper).await, Some(Placement::Waiting));
        assert_eq!(status_of(shop, &payment).await, SessionStatus::NeedsReview);
        shop.gateway.answers(Answering::Approve);
        shop.notice("evt", &payment).await.unwrap();
        assert_eq!(status_of(shop, &payment).await, SessionStatus::Authorized, "a right answer later heals it");
        assert_eq!(shop.orders_placed().await, 1);
        shop.assert_clean().await;
    }

    async fn a_shopper_who_tries_again_after_a_review_holds_the_stock_once(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        shop.gateway.answers(Answering::WrongAmount);
        shop.place(&shopper).await.unwrap();
        shop.let_pass(31 * MINUTE).await;
        shop.gateway.answers(Answering::Approve);
        shop.placed(&shopper).await;
        assert_eq!(shop.figures(&vase).await, (3, 1, 0));
        shop.assert_clean().await;
    }

    async fn money_that_comes_when_the_goods_are_gone_returns_by_itself(shop: &TestShop) {
        let (vase, slow, payment) = on_the_page(shop, 1).await;
        shop.clock.advance(31 * MINUTE);
        shop.gateway.answers(Answering::Approve);
        shop.ordered(&[(&vase, 1)]).await;
        shop.gateway.approve();
        assert_eq!(shop.comes_back(&slow).await, Some(Placement::SoldOutMeanwhile));
        for _ in 0..2 {
            shop.notice("evt", &payment).await.unwrap();
            assert_eq!(shop.comes_back(&slow).await, Some(Placement::SoldOutMeanwhile), "however often it is asked");
            shop.run_jobs().await;
        }
        assert_eq!(status_of(shop, &payment).await, SessionStatus::Canceled);
        assert_eq!(shop.gateway.charges(), [6_800], "only the one who got the goods");
        assert_eq!((shop.orders_placed().await, shop.figures(&vase).await), (1, (1, 1, 0)));
        let quote = shop.quote(&slow).await;
        assert_eq!(quote.lines[0].state, LineState::SoldOut, "the cart moves again");
        shop.assert_clean().await;
    }

    async fn a_gateway_that_says_yes_after_its_money_was_let_go_of_places_nothing(shop: &TestShop) {
        let (vase, slow, payment) = on_the_page(shop, 1).await;
        shop.clock.advance(31 * MINUTE);
        shop.gateway.answers(Answering::Approve);
        let quick = shop.ordered(&[(&vase, 1)]).await;
        shop.gateway.approve();
        shop.comes_back(&slow).await;
        shop.run_jobs().await;
        shop.cancel(&quick.id).await.unwrap();
        shop.run_jobs().await;
        assert_eq!((shop.available(&vase).await, shop.gateway.charges()), (1, vec![]));
        shop.notice("late", &payment).await.unwrap();
        assert_eq!(shop.orders_placed().await, 1, "the goods are there again, the money is not");
        assert_eq!(shop.available(&vase).await, 1);
        shop.assert_clean().await;
    }

    async fn an_approval_after_the_hold_ran_out_still_gets_goods_that_are_there(shop: &TestShop) {
        let (vase, shopper, _) = on_the_page(shop, 2).await;
        shop.clock.advance(50 * MINUTE);
        shop.gateway.answers(Answering::Approve);
        shop.ordered(&[(&vase, 1)]).await;
        shop.gateway.approve();
        assert!(matches!(shop.comes_back(&shopper).await, Some(Placement::Placed(_))));
        assert_eq!(shop.figures(&vase).await, (2, 2, 0));
        shop.assert_clean().await;
    }

    async fn what_is_not_counted_any_more_is_not_missing_when_the_money_comes_late(shop: &TestShop) {
        let (vase, shopper, _) = on_the_page(shop, 1).await;
        shop.clock.advance(31 * MINUTE);
        shop.gateway.answers(Answering::Approve);
        shop.ordered(&[(&vase, 1)]).await;
        shop.tamper("UPDATE variants SET stock_tracked = (1 = 0)").await;
        shop.gateway.approve();
        let Some(Placement::Placed(order)) = shop.comes_back(&shopper).await else { panic!("it is placed") };
        shop.ship(&order.id, &[(0, 1)], "parcel").await.unwrap();
        assert_eq!(shop.figures(&vase).await, (1, 1, 0));
        shop.assert_clean().await;
    }

    async fn a_page_left_alone_is_closed_after_half_an_hour(shop: &TestShop) {
        let (vase, shopper, payment) = on_the_page(shop, 1).await;
        shop.let_pass(2 * HOUR).await;
        assert_eq!(status_of(shop, &payment).await, SessionStatus::Failed);
        assert_eq!(shop.available(&vase).await, 1);
        shop.gateway.approve();
        assert_eq!(shop.gateway.charges(), Vec::<i64>::new(), "the page at the gateway is closed as well");
        assert!(matches!(shop.comes_back(&shopper).await, Some(Placement::Declined { .. })));
        shop.assert_clean().await;
    }

    async fn a_shopper_can_give_a_payment_up_and_change_the_cart(shop: &TestShop) {
        let (vase, shopper, payment) = on_the_page(shop, 3).await;
        assert!(matches!(cancel_payment(&shop.shop, &shopper).await.unwrap(), Some(Placement::Declined { .. })));
        assert_eq!((status_of(shop, &payment).await, shop.available(&vase).await), (SessionStatus::Failed, 3));
        let line = shop.cart(&shopper).await.unwrap().lines[0].id.clone();
        set_quantity(&shop.shop, &shopper, line, pieces(2)).await.unwrap();
        shop.gateway.answers(Answering::Approve);
        let order = shop.placed(&shopper).await;
        assert_eq!((order.total, shop.gateway.charges()), (euros(13_600), vec![13_600]));
        assert_eq!(shop.figures(&vase).await, (3, 2, 0));
        shop.assert_clean().await;
    }

    async fn giving_up_a_payment_that_was_approved_is_too_late(shop: &TestShop) {
        let (_, shopper, _) = on_the_page(shop, 1).await;
        shop.gateway.approve();
        assert!(matches!(cancel_payment(&shop.shop, &shopper).await.unwrap(), Some(Placement::Placed(_))));
        assert!(matches!(cancel_payment(&shop.shop, &shopper).await.unwrap(), Some(Placement::Placed(_))));
        assert_one_of_everything(shop, 1).await;
    }

    async fn money_of_an_old_payment_goes_back_when_a_newer_one_paid_the_order(shop: &TestShop) {
        let (vase, shopper, old) = on_the_page(shop, 5).await;
        cancel_payment(&shop.shop, &shopper).await.unwrap();
        shop.gateway.answers(Answering::Approve);
        let order = shop.placed(&shopper).await;
        shop.run_jobs().await;
        shop.gateway.approve_after_all(&old);
        shop.notice("late", &old).await.unwrap();
        assert_eq!(shop.gateway.charges(), [6_800, 6_800]);
        shop.run_jobs().await;
        assert_eq!(shop.gateway.charges(), [6_800], "the surplus went back");
        assert_eq!(status_of(shop, &old).await, SessionStatus::Canceled);
        let order = shop.order(&order.id).await;
        assert_eq!((order.status, order.payment_status), (OrderStatus::Placed, PaymentStatus::Paid));
        assert_eq!(shop.figures(&vase).await, (5, 1, 0));
        assert_one_of_everything(shop, 1).await;
    }

    async fn an_old_approval_for_another_amount_neither_places_nor_stays(shop: &TestShop) {
        let (vase, shopper, old) = on_the_page(shop, 5).await;
        cancel_payment(&shop.shop, &shopper).await.unwrap();
        let line = shop.cart(&shopper).await.unwrap().lines[0].id.clone();
        set_quantity(&shop.shop, &shopper, line, pieces(3)).await.unwrap();
        assert!(matches!(shop.place(&shopper).await.unwrap(), Placement::GoTo { .. }));
        let new = shop.last_payment().await;
        shop.gateway.approve_after_all(&old);
        shop.notice("late", &old).await.unwrap();
        assert_eq!((shop.orders_placed().await, shop.figures(&vase).await), (0, (5, 0, 3)), "the newer one is still under way");
        shop.run_jobs().await;
        assert_eq!(shop.gateway.charges(), Vec::<i64>::new());
        shop.gateway.approve_after_all(&new);
        assert!(matches!(shop.comes_back(&shopper).await, Some(Placement::Placed(_))));
        assert_eq!(shop.gateway.charges(), [20_400]);
        shop.assert_clean().await;
    }

    async fn an_old_payment_that_ends_frees_nothing_of_a_newer_one(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 1).await;
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        shop.gateway.answers(Answering::Silent);
        shop.place(&shopper).await.unwrap();
        let old = shop.last_payment().await;
        shop.clock.advance(31 * MINUTE);
        shop.gateway.answers(Answering::Page);
        shop.place(&shopper).await.unwrap();
        assert_eq!(sweep(shop, &old).await, Sweep::Settled);
        assert_eq!(shop.figures(&vase).await, (1, 0, 1), "the hold is the newer one's");
        shop.gateway.approve();
        assert!(matches!(shop.comes_back(&shopper).await, Some(Placement::Placed(_))));
        shop.assert_clean().await;
    }

    async fn a_newer_payment_that_is_declined_frees_the_cart_though_an_old_one_is_unknown(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 1).await;
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        shop.gateway.answers(Answering::Silent);
        shop.place(&shopper).await.unwrap();
        shop.clock.advance(31 * MINUTE);
        shop.gateway.answers(Answering::Decline);
        assert!(matches!(shop.place(&shopper).await.unwrap(), Placement::Declined { .. }));
        assert_eq!(shop.available(&vase).await, 1);
        let line = shop.cart(&shopper).await.unwrap().lines[0].id.clone();
        remove_line(&shop.shop, &shopper, line).await.unwrap();
        shop.assert_clean().await;
    }

    async fn a_late_no_does_not_undo_what_was_agreed(shop: &TestShop) {
        let (_, shopper, old) = on_the_page(shop, 2).await;
        shop.clock.advance(31 * MINUTE);
        shop.gateway.answers(Answering::Approve);
        shop.placed(&shopper).await;
        shop.gateway.decline();
        shop.notice("no", &old).await.unwrap();
        assert_eq!((shop.orders_placed().await, status_of(shop, &old).await), (1, SessionStatus::Failed));
        shop.assert_clean().await;
    }

    async fn a_forged_or_foreign_notice_changes_nothing(shop: &TestShop) {
        let (_, _, payment) = on_the_page(shop, 1).await;
        shop.gateway.approve();
        let body = format!("evt {payment}");
        let deliver = |gateway: &'static str, signature: &'static str, body: Vec<u8>| {
            let node = shop.shop.clone();
            async move { receive_notice(&node, gateway, signature, &body).await }
        };
        assert!(matches!(deliver("test", "forged", body.clone().into_bytes()).await, Err(NoticeFailed::Refused(NoticeError::BadSignature))));
        assert!(matches!(deliver("test", "genuine", vec![0xff, 0xfe]).await, Err(NoticeFailed::Refused(NoticeError::Unreadable))));
        assert!(matches!(deliver("shells", "genuine", body.clone().into_bytes()).await, Err(NoticeFailed::NoGateway)));
        assert!(matches!(deliver("bank_transfer", "genuine", body.into_bytes()).await, Err(NoticeFailed::Refused(NoticeError::NotSupported))));
        let unknown = format!("evt {}", PaymentId::new(&kernel::RandomIds));
        assert!(matches!(deliver("test", "genuine", unknown.into_bytes()).await, Err(NoticeFailed::UnknownPayment)));
        shop.tamper("UPDATE payments SET gateway = 'bank_transfer'").await;
        assert!(matches!(shop.notice("evt", &payment).await, Err(NoticeFailed::UnknownPayment)), "another gateway's payment");
        shop.tamper("UPDATE payments SET gateway = 'test'").await;
        assert_eq!((status_of(shop, &payment).await, shop.orders_placed().await), (SessionStatus::RequiresAction, 0));
        assert_eq!(shop.rows::<(i64,)>("SELECT COUNT(*) FROM gateway_events").await, [(0,)]);
    }

    async fn a_visitor_without_a_payment_hears_nothing(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 1).await;
        let nobody = Shopper { visitor: kernel::Ids::secret(&kernel::RandomIds) };
        assert_eq!(shop.comes_back(&nobody).await, None);
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        assert_eq!(shop.comes_back(&shopper).await, None);
        assert_eq!(cancel_payment(&shop.shop, &shopper).await.unwrap(), None);
    }
}

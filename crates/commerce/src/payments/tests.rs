//! The life of a payment and its ledger, without a gateway.

use kernel::{Money, OrderId};

use super::{
    Begun, EventKind, EventStatus, NewMove, NewPayment, Payment, SessionStatus, Sums, begin_move,
    events_of, fail, find, find_event, finish_move, first_notice, insert, lock, note_action,
    of_order, pending_moves, record_authorized, record_received, refundable, set_status,
    settled_sums,
};
use crate::on_both;
use crate::ports::gateway::Approval;
use crate::shop::Act;
use crate::staff::Actor;
use crate::testing::{TestShop, euros};

#[test]
fn the_life_of_a_payment_is_one_table() {
    use SessionStatus::{
        Authorized, Canceled, Captured, Created, Expired, Failed, NeedsReview, Processing,
        RequiresAction,
    };
    let open = [Created, RequiresAction, Processing];
    for from in SessionStatus::ALL {
        for to in SessionStatus::ALL {
            let expected = match from {
                Created | RequiresAction | Processing => *to != Created,
                Failed | Canceled | Expired => [Authorized, Captured, NeedsReview].contains(to),
                NeedsReview => [Authorized, Canceled].contains(to),
                Authorized => [Captured, Canceled].contains(to),
                Captured => false,
            };
            assert_eq!(from.can_become(*to), expected, "{from} to {to}");
        }
        assert_eq!(from.is_open(), open.contains(from), "{from}");
    }
}

/// A payment of 100 euros for a draft, with the gateway never asked.
async fn a_payment(shop: &TestShop) -> Payment {
    let vase = shop.product("Tarn vase", euros(10_000), 3).await;
    let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
    shop.gateway.answers(crate::testing::Answering::Silent);
    shop.place(&shopper).await.unwrap();
    let id = shop.last_payment().await;
    shop.read(move |tx| Ok(find(tx, &id)?)).await.unwrap()
}

async fn within<T, F>(shop: &TestShop, mut blocks: F) -> T
where
    F: FnMut(&mut db::Tx<'_>, &Act) -> Result<T, db::DbError> + Send + 'static,
    T: Send + 'static,
{
    let act = shop.shop.act(Actor::System);
    let done = shop.shop.db.write(move |tx| blocks(tx, &act));
    done.await.expect("the database takes it")
}

async fn again(shop: &TestShop, payment: &Payment) -> Payment {
    let id = payment.id.clone();
    shop.read(move |tx| Ok(find(tx, &id)?)).await.unwrap()
}

async fn hold(shop: &TestShop, payment: &Payment, cents: i64) -> bool {
    let payment = payment.clone();
    let approval = Approval {
        payment: payment.id.clone(),
        gateway_ref: "ref".to_owned(),
        amount: euros(cents),
        account: "fake-account".to_owned(),
        live: false,
    };
    within(shop, move |tx, act| {
        record_authorized(tx, act, &payment, &approval)
    })
    .await
}

async fn begin(
    shop: &TestShop,
    payment: &Payment,
    kind: EventKind,
    amount: Money,
    key: &'static str,
) -> Begun {
    let payment = payment.clone();
    within(shop, move |tx, act| {
        begin_move(
            tx,
            act,
            &NewMove {
                payment: &payment,
                kind,
                amount,
                key,
                detail: "",
            },
        )
    })
    .await
}

async fn finish(shop: &TestShop, key: &'static str, status: EventStatus) -> bool {
    within(shop, move |tx, act| {
        let event = find_event(tx, key)?.expect("it was begun");
        finish_move(tx, act, &event, status)
    })
    .await
}

/// What is held, taken and given back.
async fn balance(shop: &TestShop, payment: &Payment) -> (i64, i64, i64) {
    let now = again(shop, payment).await;
    (
        now.authorized.minor(),
        now.captured.minor(),
        now.refunded.minor(),
    )
}

on_both! {
    async fn a_payment_reads_back_as_it_was_written(shop: &TestShop) {
        let payment = a_payment(shop).await;
        let order = payment.order_id.clone();
        let written = within(shop, move |tx, act| insert(tx, act, &NewPayment { order: &order, gateway: "other", amount: euros(5), live: true })).await;
        assert_eq!((written.status, written.amount, written.live, written.gateway.as_str()), (SessionStatus::Created, euros(5), true, "other"));
        assert_eq!(again(shop, &written).await, written);
        let (now, id) = (shop.shop.clock.now(), written.id.clone());
        assert_eq!(within(shop, move |tx, _| lock(tx, now, &id)).await, Some(written.clone()));
        let order = payment.order_id.clone();
        assert_eq!(shop.read(move |tx| Ok(of_order(tx, &order)?)).await, [payment, written]);
    }

    async fn money_is_held_once_however_often_it_is_said(shop: &TestShop) {
        let payment = a_payment(shop).await;
        assert!(hold(shop, &payment, 10_000).await);
        assert!(!hold(shop, &payment, 10_000).await);
        assert_eq!(balance(shop, &payment).await, (10_000, 0, 0));
        let now = again(shop, &payment).await;
        assert_eq!((now.status, now.gateway_ref.as_deref()), (SessionStatus::Authorized, Some("ref")));
    }

    async fn no_move_takes_more_than_there_is_and_a_failed_one_gives_it_back(shop: &TestShop) {
        let payment = a_payment(shop).await;
        assert_eq!(begin(shop, &payment, EventKind::Capture, euros(1), "early").await, Begun::TooMuch);
        hold(shop, &payment, 10_000).await;
        assert_eq!(begin(shop, &payment, EventKind::Authorize, euros(1), "no move").await, Begun::TooMuch);
        assert_eq!(begin(shop, &payment, EventKind::Capture, euros(6_000), "capture").await, Begun::New);
        assert_eq!(begin(shop, &payment, EventKind::Capture, euros(6_000), "capture").await, Begun::Before(EventStatus::Pending));
        assert_eq!(begin(shop, &payment, EventKind::Void, euros(4_001), "void").await, Begun::TooMuch);
        assert_eq!(begin(shop, &payment, EventKind::Void, euros(4_000), "void").await, Begun::New);
        assert_eq!(balance(shop, &payment).await, (6_000, 6_000, 0));
        assert_eq!(begin(shop, &payment, EventKind::Refund, euros(1), "too early").await, Begun::TooMuch, "the capture may yet fail");
        let order = payment.order_id.clone();
        assert_eq!(shop.read(move |tx| Ok(pending_moves(tx, &order)?)).await, ["capture", "void"]);
        assert!(finish(shop, "void", EventStatus::Failed).await);
        assert!(!finish(shop, "void", EventStatus::Succeeded).await, "a move settles once");
        assert!(finish(shop, "capture", EventStatus::Succeeded).await);
        assert_eq!((balance(shop, &payment).await, again(shop, &payment).await.status), ((10_000, 6_000, 0), SessionStatus::Captured));
        let id = payment.clone();
        assert_eq!(shop.read(move |tx| Ok(refundable(tx, &id)?)).await, euros(6_000));
        assert_eq!(begin(shop, &payment, EventKind::Refund, euros(6_001), "too much").await, Begun::TooMuch);
        assert_eq!(begin(shop, &payment, EventKind::Refund, kernel::Currency::parse("SEK").unwrap().minor(1), "crowns").await, Begun::TooMuch);
        assert_eq!(begin(shop, &payment, EventKind::Refund, euros(6_000), "refund").await, Begun::New);
        assert!(finish(shop, "refund", EventStatus::Failed).await);
        assert_eq!(balance(shop, &payment).await, (10_000, 6_000, 0));
        let (id, order) = (payment.id.clone(), payment.order_id.clone());
        let (facts, sums) = shop.read(move |tx| Ok((events_of(tx, &id)?, settled_sums(tx, &order)?))).await;
        assert_eq!(facts.len(), 4);
        assert_eq!((sums.authorized, sums.captured, sums.voided, sums.refunded, sums.open), (10_000, 6_000, 0, 0, 0));
    }

    async fn all_that_is_held_let_go_of_is_the_end_of_a_payment(shop: &TestShop) {
        let payment = a_payment(shop).await;
        hold(shop, &payment, 10_000).await;
        begin(shop, &payment, EventKind::Void, euros(10_000), "void").await;
        finish(shop, "void", EventStatus::Succeeded).await;
        let now = again(shop, &payment).await;
        assert_eq!((now.status, now.authorized), (SessionStatus::Canceled, euros(0)));
    }

    async fn a_transfer_is_held_and_taken_in_one_and_counts_once(shop: &TestShop) {
        let payment = a_payment(shop).await;
        let receive = |cents, key: &'static str| { let payment = payment.clone(); within(shop, move |tx, act| record_received(tx, act, &payment, (euros(cents), key))) };
        assert!(receive(4_000, "one").await);
        assert!(!receive(4_000, "one").await);
        assert_eq!((balance(shop, &payment).await, again(shop, &payment).await.status), ((4_000, 4_000, 0), SessionStatus::Created));
        assert!(receive(6_000, "two").await);
        assert_eq!(again(shop, &payment).await.status, SessionStatus::Captured);
    }

    async fn a_status_moves_only_from_where_it_was_thought_to_be(shop: &TestShop) {
        let payment = a_payment(shop).await;
        let stale = payment.clone();
        let note = payment.clone();
        within(shop, move |tx, _| note_action(tx, &note, ("ref", Some("https://pay.example")))).await;
        let (now, first) = (shop.shop.clock.now(), payment.clone());
        assert!(within(shop, move |tx, _| set_status(tx, now, &first, SessionStatus::RequiresAction)).await);
        assert!(!within(shop, move |tx, _| set_status(tx, now, &stale, SessionStatus::Processing)).await);
        let acting = again(shop, &payment).await;
        assert_eq!((acting.status, acting.action_url.as_deref()), (SessionStatus::RequiresAction, Some("https://pay.example")));
        let failing = acting.clone();
        assert!(within(shop, move |tx, _| fail(tx, now, &failing, (SessionStatus::Failed, "declined"))).await);
        let failed = again(shop, &payment).await;
        assert_eq!((failed.status, failed.failure.as_deref(), failed.action_url), (SessionStatus::Failed, Some("declined"), None));
        assert!(!within(shop, move |tx, _| fail(tx, now, &acting, (SessionStatus::Expired, "late"))).await);
    }

    async fn a_notice_is_the_first_of_its_name_once_for_each_gateway(shop: &TestShop) {
        let payment = a_payment(shop).await;
        let now = shop.shop.clock.now();
        let first = |gateway: &'static str| { let id = payment.id.clone(); within(shop, move |tx, _| first_notice(tx, now, gateway, ("evt", &id))) };
        assert!(first("test").await);
        assert!(!first("test").await);
        assert!(first("other").await);
    }

    async fn an_order_without_payments_has_no_sums(shop: &TestShop) {
        let nothing = OrderId::new(&kernel::RandomIds);
        let sums = shop.read(move |tx| Ok(settled_sums(tx, &nothing)?)).await;
        assert_eq!(sums, Sums::default());
    }
}

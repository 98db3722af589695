//! The test gateway and a shop, together: whatever way the answer takes, the books of both agree.

use std::sync::Arc;

use commerce::checkout::{
    NoticeFailed, Placement, Sweep, cancel_payment, continue_payment, receive_notice,
    resume_payment,
};
use commerce::orders::OrderStatus;
use commerce::payments::{Payment, SessionStatus};
use commerce::ports::gateway::Gateways;
use commerce::shop::{Shop, Shopper};
use commerce::testing::{TestShop, euros};
use db::{params, store_contract};
use kernel::PaymentId;
use kernel::time::{ManualClock, SECOND};

use super::{Choice, LATE, SignedNotice, TestGateway};
use crate::payments::{Call, Fault, FaultyGateway};

/// A shop whose gateway is the test gateway, behind a line that can be bad.
struct Town {
    shop: Shop,
    test: TestShop,
    clock: ManualClock,
    provider: TestGateway,
    line: FaultyGateway,
}

impl Town {
    async fn build(db: &db::Db) -> Self {
        let mut test = TestShop::on(db.clone(), None).await;
        let (clock, ids) = (Arc::clone(&test.shop.clock), Arc::clone(&test.shop.ids));
        let provider = TestGateway::new(db.clone(), clock, ids, [7; 32], "https://shop.example");
        let line = FaultyGateway::new(Arc::new(provider.clone()));
        test.shop.gateways = Gateways::default().with(Arc::new(line.clone()));
        Self {
            shop: test.shop.clone(),
            clock: test.clock.clone(),
            test,
            provider,
            line,
        }
    }

    /// A shopper with one teapot for €40.00 and €4.90 of postage, standing on the provider's page.
    async fn shopper_on_the_page(&self) -> (Shopper, String) {
        let teapot = self
            .test
            .product(
                &format!("Teapot {}", self.shop.clock.now()),
                euros(4_000),
                5,
            )
            .await;
        self.clock.advance(1);
        let shopper = self.test.ready_shopper(&[(&teapot, 1)]).await;
        let placed = self.test.place(&shopper).await.unwrap();
        let Placement::GoTo { url } = placed else {
            panic!("{placed:?} instead of the provider's page")
        };
        (shopper, ref_of(&url))
    }

    async fn payment(&self, gateway_ref: &str) -> Payment {
        let wanted = gateway_ref.to_owned();
        let found = self.shop.db.read(move |tx| {
            let (id,): (PaymentId,) = tx.query_one(
                "SELECT idempotency_key FROM test_gateway_payments WHERE ref = $1",
                params![wanted],
            )?;
            commerce::payments::find(tx, &id)
        });
        let found: Result<_, db::DbError> = found.await;
        found.unwrap().expect("the shop knows the payment")
    }

    async fn order_status(&self, payment: &Payment) -> OrderStatus {
        let id = payment.order_id.clone();
        let order = self
            .shop
            .db
            .read(move |tx| commerce::orders::get(tx, &id))
            .await
            .map_err(|error: db::DbError| error);
        order.unwrap().expect("the payment pays an order").status
    }

    async fn notices(&self) -> Vec<SignedNotice> {
        self.provider.due_notices().await.unwrap()
    }

    async fn hear(&self, notice: &SignedNotice) -> Result<(), NoticeFailed> {
        receive_notice(&self.shop, "test", &notice.signature, &notice.body).await
    }
}

fn ref_of(url: &str) -> String {
    let gateway_ref = url.strip_prefix("https://shop.example/test-gateway/pay/");
    gateway_ref.expect("the page is the provider's").to_owned()
}

store_contract! {
    migrations = commerce::MIGRATIONS;

    async fn a_buyer_who_says_yes_and_comes_back_has_an_order(db: &db::Db) {
        let town = Town::build(db).await;
        let (shopper, gateway_ref) = town.shopper_on_the_page().await;
        let page = town.provider.page(&gateway_ref).await.unwrap();
        assert_eq!(page.amount, euros(4_490));
        town.provider.choose(&gateway_ref, Choice::Approve).await.unwrap();
        let placed = continue_payment(&town.shop, &shopper).await.unwrap();
        assert!(matches!(placed, Some(Placement::Placed(_))), "{placed:?}");
        assert_eq!(town.payment(&gateway_ref).await.authorized, euros(4_490));
        // The notice comes all the same, and is no second payment.
        assert_eq!(town.provider.deliver_due_notices(&town.shop).await.unwrap(), 1);
        assert_eq!(town.provider.deliver_due_notices(&town.shop).await.unwrap(), 0);
        assert_eq!(town.payment(&gateway_ref).await.authorized, euros(4_490));
        town.test.assert_clean().await;
    }

    async fn a_buyer_who_says_yes_and_never_comes_back_has_an_order_by_the_notice(db: &db::Db) {
        let town = Town::build(db).await;
        let (_, gateway_ref) = town.shopper_on_the_page().await;
        town.provider.choose(&gateway_ref, Choice::Approve).await.unwrap();
        assert_eq!(town.provider.deliver_due_notices(&town.shop).await.unwrap(), 1);
        let payment = town.payment(&gateway_ref).await;
        assert_eq!(payment.status, SessionStatus::Authorized);
        assert_eq!(town.order_status(&payment).await, OrderStatus::Placed);
        town.test.assert_clean().await;
    }

    async fn a_late_answer_finds_its_order(db: &db::Db) {
        let town = Town::build(db).await;
        let (shopper, gateway_ref) = town.shopper_on_the_page().await;
        town.provider.choose(&gateway_ref, Choice::AnswerLate).await.unwrap();
        assert_eq!(continue_payment(&town.shop, &shopper).await.unwrap(), Some(Placement::Waiting));
        assert_eq!(town.provider.deliver_due_notices(&town.shop).await.unwrap(), 0);
        town.clock.advance(LATE);
        assert_eq!(town.provider.deliver_due_notices(&town.shop).await.unwrap(), 1);
        let placed = continue_payment(&town.shop, &shopper).await.unwrap();
        assert!(matches!(placed, Some(Placement::Placed(_))), "{placed:?}");
        town.test.assert_clean().await;
    }

    async fn a_no_leaves_the_bag_as_it_was_to_be_paid_again(db: &db::Db) {
        let town = Town::build(db).await;
        let (shopper, gateway_ref) = town.shopper_on_the_page().await;
        town.provider.choose(&gateway_ref, Choice::Decline).await.unwrap();
        let declined = continue_payment(&town.shop, &shopper).await.unwrap();
        assert!(matches!(declined, Some(Placement::Declined { .. })), "{declined:?}");
        assert_eq!(town.provider.deliver_due_notices(&town.shop).await.unwrap(), 1);
        let Placement::GoTo { url } = town.test.place(&shopper).await.unwrap() else { panic!("no page") };
        assert_ne!(ref_of(&url), gateway_ref);
        town.provider.choose(&ref_of(&url), Choice::Approve).await.unwrap();
        let placed = continue_payment(&town.shop, &shopper).await.unwrap();
        assert!(matches!(placed, Some(Placement::Placed(_))), "{placed:?}");
        town.test.assert_clean().await;
    }

    async fn a_bank_that_never_answers_does_not_keep_the_shopper(db: &db::Db) {
        let town = Town::build(db).await;
        let (shopper, gateway_ref) = town.shopper_on_the_page().await;
        town.provider.choose(&gateway_ref, Choice::NeverAnswer).await.unwrap();
        assert_eq!(continue_payment(&town.shop, &shopper).await.unwrap(), Some(Placement::Waiting));
        let ended = cancel_payment(&town.shop, &shopper).await.unwrap();
        assert!(matches!(ended, Some(Placement::Declined { .. })), "{ended:?}");
        assert!(matches!(town.test.place(&shopper).await.unwrap(), Placement::GoTo { .. }));
        town.test.assert_clean().await;
    }

    async fn a_bank_that_never_answers_does_not_keep_the_goods(db: &db::Db) {
        let town = Town::build(db).await;
        let (_, gateway_ref) = town.shopper_on_the_page().await;
        town.provider.choose(&gateway_ref, Choice::NeverAnswer).await.unwrap();
        let payment = town.payment(&gateway_ref).await;
        let Sweep::AskAgain(_) = resume_payment(&town.shop, &payment.id).await.unwrap() else { panic!("given up at once") };
        assert_eq!(town.payment(&gateway_ref).await.status, SessionStatus::RequiresAction);
        town.clock.advance(3_600 * SECOND);
        assert_eq!(resume_payment(&town.shop, &payment.id).await.unwrap(), Sweep::Settled);
        assert_eq!(town.payment(&gateway_ref).await.status, SessionStatus::Failed);
        town.test.assert_clean().await;
    }

    async fn a_forged_notice_changes_nothing(db: &db::Db) {
        let town = Town::build(db).await;
        let (_, gateway_ref) = town.shopper_on_the_page().await;
        town.provider.choose(&gateway_ref, Choice::Approve).await.unwrap();
        let notice = town.notices().await.pop().unwrap();
        let before = town.payment(&gateway_ref).await;
        for at in 0..notice.body.len().min(30) {
            let mut forged = notice.clone();
            forged.body[at] ^= 1;
            assert!(matches!(town.hear(&forged).await, Err(NoticeFailed::Refused(_))));
        }
        town.clock.advance(400 * SECOND);
        assert!(matches!(town.hear(&notice).await, Err(NoticeFailed::Refused(_))));
        assert_eq!(town.payment(&gateway_ref).await, before);
        assert_eq!(town.line.count(Call::LookUp), 0);
    }

    async fn a_notice_the_shop_could_not_take_comes_again(db: &db::Db) {
        let town = Town::build(db).await;
        let (_, gateway_ref) = town.shopper_on_the_page().await;
        town.provider.choose(&gateway_ref, Choice::Approve).await.unwrap();
        let away = Shop { gateways: Gateways::default(), ..town.shop.clone() };
        assert_eq!(town.provider.deliver_due_notices(&away).await.unwrap(), 0);
        assert_eq!(town.payment(&gateway_ref).await.status, SessionStatus::RequiresAction);
        town.clock.advance(30 * SECOND);
        assert_eq!(town.provider.deliver_due_notices(&town.shop).await.unwrap(), 1);
        assert_eq!(town.payment(&gateway_ref).await.status, SessionStatus::Authorized);
    }

    async fn an_approval_that_does_not_fit_releases_no_goods(db: &db::Db) {
        let town = Town::build(db).await;
        let lies: [Fault; 5] = [
            Fault::Misstates(|approval| approval.amount = euros(4_489)),
            Fault::Misstates(|approval| approval.account = "somebody-else".to_owned()),
            Fault::Misstates(|approval| approval.payment = PaymentId::new(&kernel::RandomIds)),
            Fault::Misstates(|approval| approval.live = true),
            Fault::Misstates(|approval| approval.gateway_ref.push('0')),
        ];
        for lie in lies {
            let (_, gateway_ref) = town.shopper_on_the_page().await;
            town.provider.choose(&gateway_ref, Choice::Approve).await.unwrap();
            town.line.next(Call::LookUp, lie.clone());
            assert_eq!(town.provider.deliver_due_notices(&town.shop).await.unwrap(), 1);
            let payment = town.payment(&gateway_ref).await;
            assert_eq!(payment.status, SessionStatus::NeedsReview, "{lie:?}");
            assert_eq!(town.order_status(&payment).await, OrderStatus::Draft, "{lie:?}");
        }
        town.test.assert_clean().await;
    }

    async fn notices_many_times_in_any_order_and_forged_end_as_they_would_once(db: &db::Db) {
        let town = Town::build(db).await;
        let mut paid = Vec::new();
        for number in 0..12_usize {
            let (shopper, gateway_ref) = town.shopper_on_the_page().await;
            let choice = if number % 3 == 2 { Choice::Decline } else { Choice::Approve };
            town.provider.choose(&gateway_ref, choice).await.unwrap();
            paid.push((shopper, gateway_ref, choice));
        }
        let notices = town.notices().await;
        assert_eq!(notices.len(), 12);
        // Each up to five times, a fifth of all forged, in an order that has nothing to do with the first, with the
        // buyers coming back in between.
        for step in 0..60_usize {
            let notice = &notices[step * 7 % 12];
            if step % 5 == 4 {
                let forged = SignedNotice { signature: notices[(step + 1) * 7 % 12].signature.clone(), ..notice.clone() };
                assert!(matches!(town.hear(&forged).await, Err(NoticeFailed::Refused(_))));
            } else {
                let (shopper, ..) = &paid[step * 5 % 12];
                let (heard, back) = tokio::join!(town.hear(notice), continue_payment(&town.shop, shopper));
                heard.unwrap();
                back.unwrap();
            }
        }
        for (_, gateway_ref, choice) in &paid {
            let payment = town.payment(gateway_ref).await;
            let approved = *choice == Choice::Approve;
            let (status, order) = if approved { (SessionStatus::Authorized, OrderStatus::Placed) } else { (SessionStatus::Failed, OrderStatus::Draft) };
            assert_eq!((payment.status, town.order_status(&payment).await), (status, order));
            assert_eq!(payment.authorized, euros(if approved { 4_490 } else { 0 }));
        }
        town.test.assert_clean().await;
    }
}

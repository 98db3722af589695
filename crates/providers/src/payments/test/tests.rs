//! The contract of every gateway, and what the test gateway's page and notices do beyond it.

use std::sync::Arc;

use commerce::MIGRATIONS;
use commerce::ports::gateway::{Gateway, MoveRequest, Moved, Outcome, PaymentRequest};
use db::{Db, params, store_contract};
use kernel::time::{ManualClock, SECOND};
use kernel::{Clock, Ids, RandomIds, Timestamp};
use tokio::sync::Semaphore;

use super::{Choice, Decision, LATE, PageError, SignedNotice, Stage, TestGateway};
use crate::payments::contract::{Counterpart, approved, eur, gateway_contract, moving, request};
use crate::payments::{Call, Fault, FaultyGateway};

struct Provider {
    gateway: TestGateway,
    clock: ManualClock,
}

impl Provider {
    async fn begin(&self) -> (PaymentRequest, String) {
        let request = request();
        let begun = self.gateway.authorize(&request).await;
        (request, ref_of(&begun))
    }

    async fn notices(&self) -> Vec<SignedNotice> {
        self.gateway.due_notices().await.unwrap()
    }
}

impl Counterpart for Provider {
    fn start(db: &Db) -> Self {
        let clock = ManualClock::default();
        let gateway = TestGateway::new(
            db.clone(),
            Arc::new(clock.clone()),
            Arc::new(RandomIds),
            [7; 32],
            "https://shop.example/",
        );
        Self { gateway, clock }
    }

    fn gateway(&self) -> &dyn Gateway {
        &self.gateway
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn approve(&self, begun: &Outcome) {
        self.gateway
            .choose(&ref_of(begun), Choice::Approve)
            .await
            .unwrap();
    }

    async fn decline(&self, begun: &Outcome) {
        self.gateway
            .choose(&ref_of(begun), Choice::Decline)
            .await
            .unwrap();
    }

    async fn stall(&self, begun: &Outcome) {
        self.gateway
            .choose(&ref_of(begun), Choice::NeverAnswer)
            .await
            .unwrap();
    }

    async fn notice(&self) -> (String, Vec<u8>) {
        let notice = self.notices().await.pop().expect("a decision is told");
        (notice.signature, notice.body)
    }
}

fn ref_of(begun: &Outcome) -> String {
    let Outcome::NeedsAction { gateway_ref, .. } = begun else {
        panic!("{begun:?} needs no action")
    };
    gateway_ref.clone()
}

gateway_contract!(Provider);

store_contract! {
    migrations = MIGRATIONS;

    async fn the_page_is_at_an_address_nobody_can_guess_and_shows_what_is_paid(db: &Db) {
        let provider = Provider::start(db);
        let request = request();
        let Outcome::NeedsAction { url, gateway_ref } = provider.gateway.authorize(&request).await else { panic!("no page") };
        assert_eq!(url, format!("https://shop.example/test-gateway/pay/{gateway_ref}"));
        assert!(kernel::Secret::parse(&gateway_ref).is_ok());
        let page = provider.gateway.page(&gateway_ref).await.unwrap();
        assert_eq!((page.amount, page.reference.as_str()), (eur(4_200), "7ZK3M9QX"));
        assert_eq!((page.stage, page.decision), (Stage::Start, None));
        assert_eq!(page.return_url, "https://shop.example/checkout/return");
        let stranger = RandomIds.secret();
        for wrong in ["", "x", "' OR 1=1 --", request.payment.as_str(), stranger.expose()] {
            assert!(matches!(provider.gateway.page(wrong).await, Err(PageError::NotFound)), "{wrong}");
            assert!(matches!(provider.gateway.choose(wrong, Choice::Approve).await, Err(PageError::NotFound)), "{wrong}");
        }
    }

    async fn a_second_click_shows_what_the_first_one_decided(db: &Db) {
        let provider = Provider::start(db);
        for (first, decision) in [
            (Choice::Approve, Decision::Approved),
            (Choice::Decline, Decision::Declined),
            (Choice::AnswerLate, Decision::Late),
            (Choice::NeverAnswer, Decision::Never),
        ] {
            let (payment, gateway_ref) = provider.begin().await;
            let decided = provider.gateway.choose(&gateway_ref, first).await.unwrap();
            assert_eq!((decided.stage, decided.decision), (Stage::Done, Some(decision)));
            let said = provider.gateway.look_up(&payment.payment).await;
            for again in Choice::ALL {
                assert_eq!(provider.gateway.choose(&gateway_ref, *again).await.unwrap(), decided, "{again} after {first}");
            }
            assert_eq!(provider.gateway.page(&gateway_ref).await.unwrap(), decided);
            assert_eq!(provider.gateway.look_up(&payment.payment).await, said);
        }
        // One notice for each payment that was decided at once, however often somebody clicked.
        assert_eq!(provider.notices().await.len(), 2);
    }

    async fn at_the_further_check_the_bank_can_still_say_yes_or_no(db: &Db) {
        let provider = Provider::start(db);
        for (choice, decision) in [(Choice::Approve, Decision::Approved), (Choice::Decline, Decision::Declined)] {
            let (payment, gateway_ref) = provider.begin().await;
            let step = provider.gateway.choose(&gateway_ref, Choice::FurtherStep).await.unwrap();
            assert_eq!((step.stage, step.decision), (Stage::FurtherStep, None));
            assert!(matches!(provider.gateway.look_up(&payment.payment).await, Outcome::NeedsAction { .. }));
            assert_eq!(provider.notices().await, []);
            let done = provider.gateway.choose(&gateway_ref, choice).await.unwrap();
            assert_eq!(done.decision, Some(decision));
            assert_eq!(provider.notices().await.len(), 1);
        }
    }

    async fn a_late_answer_comes_by_itself_after_ten_seconds_with_a_notice(db: &Db) {
        let provider = Provider::start(db);
        let (payment, gateway_ref) = provider.begin().await;
        provider.gateway.choose(&gateway_ref, Choice::AnswerLate).await.unwrap();
        provider.clock.advance(LATE - 1);
        assert!(matches!(provider.gateway.look_up(&payment.payment).await, Outcome::Unknown { .. }));
        assert!(matches!(provider.gateway.capture(&moving(&gateway_ref, eur(1))).await, Moved::Refused { .. }));
        assert_eq!(provider.notices().await, []);
        provider.clock.advance(1);
        assert!(matches!(provider.gateway.look_up(&payment.payment).await, Outcome::Approved(_)));
        assert_eq!(provider.notices().await.len(), 1);
        assert!(matches!(provider.gateway.cancel(&payment.payment).await, Outcome::Approved(_)));
        assert_eq!(provider.gateway.capture(&moving(&gateway_ref, eur(4_200))).await, Moved::Done);
        assert_eq!(provider.gateway.page(&gateway_ref).await.unwrap().decision, Some(Decision::Late));
    }

    async fn a_late_answer_called_off_in_time_never_comes(db: &Db) {
        let provider = Provider::start(db);
        let (payment, gateway_ref) = provider.begin().await;
        provider.gateway.choose(&gateway_ref, Choice::AnswerLate).await.unwrap();
        let ended = provider.gateway.cancel(&payment.payment).await;
        assert!(matches!(ended, Outcome::Declined { .. }));
        provider.clock.advance(LATE + SECOND);
        assert_eq!(provider.gateway.look_up(&payment.payment).await, ended);
        assert_eq!(provider.notices().await, []);
        assert_eq!(provider.gateway.page(&gateway_ref).await.unwrap().decision, Some(Decision::Canceled));
    }

    async fn a_notice_comes_again_under_the_same_event_until_it_is_taken(db: &Db) {
        let provider = Provider::start(db);
        approved(&provider).await;
        let first = provider.notices().await;
        assert_eq!(first.len(), 1);
        assert_eq!(provider.notices().await, []);
        provider.clock.advance(30 * SECOND);
        let second = provider.notices().await;
        assert_eq!((&second[0].event_id, &second[0].body), (&first[0].event_id, &first[0].body));
        assert_ne!(second[0].signature, first[0].signature);
        provider.clock.advance(30 * SECOND);
        assert_eq!(provider.notices().await, []);
        provider.clock.advance(90 * SECOND);
        assert_eq!(provider.notices().await.len(), 1);
        provider.gateway.mark_delivered(&first[0].event_id).await.unwrap();
        provider.clock.advance(3_600 * SECOND);
        assert_eq!(provider.notices().await, []);
    }

    async fn a_notice_nobody_takes_is_given_up_after_twenty_tries(db: &Db) {
        let provider = Provider::start(db);
        approved(&provider).await;
        let mut sent = 0;
        for _ in 0..30 {
            sent += provider.notices().await.len();
            provider.clock.advance(24 * 3_600 * SECOND);
        }
        assert_eq!(sent, 20);
    }

    async fn two_servers_never_take_the_same_notice_at_once(db: &Db) {
        let provider = Provider::start(db);
        for _ in 0..8 {
            approved(&provider).await;
        }
        let (a, b, c) = tokio::join!(provider.notices(), provider.notices(), provider.notices());
        let mut events: Vec<_> = a.into_iter().chain(b).chain(c).map(|notice| notice.event_id).collect();
        events.sort();
        events.dedup();
        assert_eq!(events.len(), 8);
        assert_eq!(provider.notices().await, []);
    }

    async fn the_buyers_yes_and_the_shops_cancel_at_once_end_in_one_of_the_two(db: &Db) {
        let provider = Provider::start(db);
        for _ in 0..10 {
            let (payment, gateway_ref) = provider.begin().await;
            let (page, canceled) = tokio::join!(
                provider.gateway.choose(&gateway_ref, Choice::Approve),
                provider.gateway.cancel(&payment.payment)
            );
            let after = provider.gateway.look_up(&payment.payment).await;
            assert_eq!(after, canceled);
            let approved = matches!(after, Outcome::Approved(_));
            let decision = if approved { Decision::Approved } else { Decision::Canceled };
            assert_eq!(page.unwrap().decision, Some(decision));
        }
    }

    async fn captures_at_once_take_no_more_than_was_held(db: &Db) {
        let provider = Provider::start(db);
        let (_, approval) = approved(&provider).await;
        let requests: Vec<_> = (0..10).map(|_| moving(&approval.gateway_ref, eur(1_000))).collect();
        let moved = all_at_once(&provider.gateway, &requests).await;
        assert_eq!(moved.iter().filter(|moved| **moved == Moved::Done).count(), 4);
        assert_eq!(books(db, &approval.gateway_ref).await, (4_000, 0, 0));
    }

    async fn one_capture_asked_ten_times_at_once_is_one_capture(db: &Db) {
        let provider = Provider::start(db);
        let (_, approval) = approved(&provider).await;
        let requests = vec![moving(&approval.gateway_ref, eur(1_000)); 10];
        let moved = all_at_once(&provider.gateway, &requests).await;
        assert_eq!(moved, vec![Moved::Done; 10]);
        assert_eq!(books(db, &approval.gateway_ref).await, (1_000, 0, 0));
    }

    async fn nothing_to_pay_opens_no_payment(db: &Db) {
        let provider = Provider::start(db);
        let nothing = PaymentRequest { amount: eur(0), ..request() };
        assert!(matches!(provider.gateway.authorize(&nothing).await, Outcome::Declined { .. }));
        assert_eq!(provider.gateway.look_up(&nothing.payment).await, Outcome::NotFound);
    }

    async fn another_shops_key_signs_nothing_here(db: &Db) {
        let provider = Provider::start(db);
        let stranger = TestGateway::new(db.clone(), Arc::new(provider.clock.clone()), Arc::new(RandomIds), [8; 32], "https://other.example");
        approved(&provider).await;
        let (signature, body) = provider.notice().await;
        assert!(provider.gateway.read_notice(&signature, &body, provider.now()).is_ok());
        assert!(stranger.read_notice(&signature, &body, provider.now()).is_err());
        assert!(format!("{stranger:?}").contains("key: Key(…)"), "{stranger:?}");
    }

    async fn behind_a_bad_line_the_books_say_what_happened(db: &Db) {
        let provider = Provider::start(db);
        let faulty = FaultyGateway::new(Arc::new(provider.gateway.clone()));
        let request = request();
        faulty.next(Call::Authorize, Fault::RequestLost);
        faulty.next(Call::Authorize, Fault::AnswerLost);
        assert!(matches!(faulty.authorize(&request).await, Outcome::Unknown { .. }));
        assert_eq!(faulty.look_up(&request.payment).await, Outcome::NotFound);
        assert!(matches!(faulty.authorize(&request).await, Outcome::Unknown { .. }));
        let begun = faulty.look_up(&request.payment).await;
        assert_eq!(faulty.authorize(&request).await, begun);
        provider.approve(&begun).await;

        faulty.next(Call::LookUp, Fault::Misstates(|approval| approval.amount = eur(1)));
        assert!(matches!(faulty.look_up(&request.payment).await, Outcome::Approved(approval) if approval.amount == eur(1)));
        let capture = moving(&ref_of(&begun), eur(4_200));
        faulty.next_goes_well(Call::Refund);
        faulty.next(Call::Capture, Fault::AnswerLost);
        assert!(matches!(faulty.capture(&capture).await, Moved::Unknown { .. }));
        assert_eq!(faulty.capture(&capture).await, Moved::Done);
        assert_eq!(books(db, &capture.gateway_ref).await, (4_200, 0, 0));
        assert_eq!((faulty.count(Call::Authorize), faulty.count(Call::LookUp), faulty.count(Call::Capture)), (3, 3, 2));
    }

    async fn an_answer_can_be_held_back_until_the_test_lets_it_go(db: &Db) {
        let provider = Provider::start(db);
        let faulty = FaultyGateway::new(Arc::new(provider.gateway.clone()));
        let gate = Arc::new(Semaphore::new(0));
        faulty.next(Call::Authorize, Fault::Held(Arc::clone(&gate)));
        let (line, asked) = (faulty.clone(), request());
        let waiting = { let asked = asked.clone(); tokio::spawn(async move { line.authorize(&asked).await }) };
        while provider.gateway.look_up(&asked.payment).await == Outcome::NotFound {
            tokio::task::yield_now().await;
        }
        assert!(!waiting.is_finished());
        gate.add_permits(1);
        assert_eq!(waiting.await.unwrap(), provider.gateway.look_up(&asked.payment).await);
    }
}

async fn all_at_once(gateway: &TestGateway, requests: &[MoveRequest]) -> Vec<Moved> {
    let tasks: Vec<_> = requests
        .iter()
        .cloned()
        .map(|request| {
            let gateway = gateway.clone();
            tokio::spawn(async move { gateway.capture(&request).await })
        })
        .collect();
    let mut moved = Vec::new();
    for task in tasks {
        moved.push(task.await.unwrap());
    }
    moved
}

/// Captured, voided and refunded, as the provider has it.
async fn books(db: &Db, gateway_ref: &str) -> (i64, i64, i64) {
    let gateway_ref = gateway_ref.to_owned();
    db.read(move |tx| {
        tx.query_one(
            "SELECT captured_minor, voided_minor, refunded_minor FROM test_gateway_payments WHERE ref = $1",
            params![gateway_ref],
        )
    })
    .await
    .map_err(|error: db::DbError| error)
    .unwrap()
}

//! The process dies between two steps of the checkout, at each pair of them in turn.
//!
//! Each test plays two parts: it starts this test binary again as a child process, which is told by an environment
//! variable to be the shop that dies. The child does the real thing on a real database up to the moment, says so, and
//! stands still until it is killed. Then its shop is opened again.

use std::sync::Arc;

use commerce::checkout::{Placement, continue_payment};
use commerce::ports::gateway::Gateways;
use commerce::testing::{FakeGateway, Mailbox, TestShop, euros};
use commerce::{Shop, Shopper};
use db::Location;
use db::testing::TestDatabase;
use kernel::time::{HOUR, MINUTE, ManualClock, SECOND};
use kernel::{Clock, Money, VariantId};
use providers::payments::{Choice, TestGateway};

use super::accident::{Accident, Moment, ORIGIN, have, kill_at, provider, reference};
use super::{books, database_in, folder, open};

const STOCK: i64 = 5;

kernel::words! {
    /// Who sets things right afterwards. The shop's jobs always run, in time.
    enum Help {
        /// The gateway's notices get through.
        Notices = "notices",
        /// They do not; nobody comes back.
        JobsAlone = "jobs_alone",
        /// The buyer reloads the page first, and finishes what can be finished. No notices.
        Buyer = "buyer",
    }
}

/// Whether there is an order in the end.
fn is_paid(moment: Moment, help: Help) -> bool {
    match moment.at_once().or(moment.chosen()) {
        Some(Choice::Approve | Choice::AnswerLate) => true,
        Some(Choice::Decline | Choice::NeverAnswer | Choice::FurtherStep) => false,
        // The buyer presses the button again and says yes.
        None => help == Help::Buyer,
    }
}

/// The shop after the accident.
struct Reopened {
    test: TestShop,
    provider: TestGateway,
    shopper: Shopper,
    teapot: VariantId,
    total: Money,
    story: String,
}

impl Reopened {
    /// Time passes: jobs run when they are due, and notices arrive if they get through.
    async fn let_pass(&self, millis: i64, notices: bool) {
        let until = self.test.shop.clock.now().plus(millis);
        let mut step = SECOND;
        while self.test.shop.clock.now() < until {
            if notices {
                self.provider
                    .deliver_due_notices(&self.test.shop)
                    .await
                    .unwrap();
            }
            self.test.run_jobs().await;
            self.test.clock.advance(step);
            step = step.saturating_mul(3).saturating_div(2).min(10 * MINUTE);
        }
        self.test.run_jobs().await;
    }

    async fn come_back(&self) -> Option<Placement> {
        continue_payment(&self.test.shop, &self.shopper)
            .await
            .unwrap()
    }

    /// The buyer presses the button, and says yes where that is asked.
    async fn press_again(&self) -> Placement {
        let placed = self.test.place_having_seen(&self.shopper, self.total).await;
        let placed = placed.unwrap_or_else(|error| panic!("{}: {error}", self.story));
        if matches!(placed, Placement::GoTo { .. }) {
            self.provider
                .choose(&reference(&placed), Choice::Approve)
                .await
                .unwrap();
            return self.come_back().await.expect("there is a payment");
        }
        placed
    }

    /// There are so many orders, each paid once, mailed once; the rest of the stock is free; all books agree.
    async fn assert_sold(&self, count: i64) {
        let story = &self.story;
        let orders: Vec<(String, i64)> = self
            .test
            .rows("SELECT status, total_minor FROM orders WHERE placed_at IS NOT NULL")
            .await;
        let expected =
            vec![("placed".to_owned(), self.total.minor()); usize::try_from(count).unwrap()];
        assert_eq!(orders, expected, "{story}: orders");
        assert_eq!(
            self.test.figures(&self.teapot).await,
            (STOCK, count, 0),
            "{story}: stock on hand, promised, held"
        );
        let money: Vec<(i64, i64)> = self
            .test
            .rows(
                "SELECT CAST(COALESCE(SUM(amount_minor - voided_minor), 0) AS BIGINT), CAST(COALESCE(SUM(captured_minor), 0) AS BIGINT)
                   FROM test_gateway_payments WHERE state = 'approved'",
            )
            .await;
        let paid = count * self.total.minor();
        assert_eq!(
            money,
            [(paid, paid)],
            "{story}: what the gateway held, and what of it the shop took"
        );
        let mails: Vec<(String,)> = self.test.rows("SELECT kind FROM mails").await;
        assert_eq!(i64::try_from(mails.len()).unwrap(), count, "{story}: mails");
        assert_eq!(
            i64::try_from(self.test.mailbox.letters().len()).unwrap(),
            count,
            "{story}: letters"
        );
        assert!(
            self.test.dead_jobs().await.is_empty(),
            "{story}: jobs given up"
        );
        books::assert_agree(&self.test).await;
        self.test.assert_clean().await;
    }
}

/// Opens the dead shop again, with the gateway's line mended.
async fn reopen(
    opened: TestShop,
    accident: &Accident,
    (teapot, help): (VariantId, Help),
) -> Reopened {
    let moment = accident.moment;
    let db = open(&accident.location).await;
    let swept = matches!(moment, Moment::SweptUnsettled | Moment::SweptAway);
    let passed = if swept { 2 * HOUR } else { SECOND };
    let clock = ManualClock::at(accident.now.plus(passed));
    let provider = provider(&db, &clock);
    let mailbox = Mailbox::default();
    let shop = Shop {
        db,
        clock: Arc::new(clock.clone()),
        gateways: Gateways::default().with(Arc::new(provider.clone())),
        mailer: Arc::new(mailbox.clone()),
        origin: ORIGIN.into(),
        ..opened.shop.clone()
    };
    let test = TestShop {
        shop,
        clock,
        gateway: FakeGateway::default(),
        mailbox,
        ..opened
    };
    Reopened {
        test,
        provider,
        shopper: accident.shopper(),
        teapot,
        total: accident.total,
        story: format!("{moment}, then {help}"),
    }
}

/// One accident from beginning to end.
async fn survive(test: &str, location: &Location, (moment, help): (Moment, Help)) {
    let opened = TestShop::on(open(location).await, None).await;
    let teapot = opened.product("Teapot", euros(4_000), STOCK).await;
    let shopper = opened.ready_shopper(&[(&teapot, 1)]).await;
    let total = opened.total(&shopper).await;
    let visitor = shopper.visitor.expose().to_owned();
    let accident = Accident {
        moment,
        now: opened.clock.now(),
        visitor,
        total,
        location: location.clone(),
    };
    opened.shop.db.close().await;

    let (own, told) = (test.to_owned(), accident.clone());
    tokio::task::spawn_blocking(move || kill_at(&own, &told))
        .await
        .unwrap();

    let after = reopen(opened, &accident, (teapot, help)).await;
    if help == Help::Buyer {
        let unpaid = !is_paid(moment, Help::JobsAlone);
        let came = after.come_back().await;
        if unpaid && moment.chosen().is_none() && moment.at_once().is_none() {
            assert!(
                matches!(came, Some(Placement::GoTo { .. } | Placement::Waiting)),
                "{}: {came:?}",
                after.story
            );
            let placed = after.press_again().await;
            assert!(
                matches!(placed, Placement::Placed(_)),
                "{}: {placed:?}",
                after.story
            );
        }
    }
    after.let_pass(4 * HOUR, help == Help::Notices).await;
    let paid = is_paid(moment, help);
    after.assert_sold(i64::from(paid)).await;
    // The bag can be paid if it was not, and is not paid twice if it was.
    let placed = after.press_again().await;
    assert!(
        matches!(placed, Placement::Placed(_)),
        "{}: {placed:?}",
        after.story
    );
    after.let_pass(4 * HOUR, true).await;
    after.assert_sold(1).await;
    after.test.shop.db.close().await;
}

fn accidents() -> impl Iterator<Item = (Moment, Help)> {
    let helps = |moment: &Moment| {
        Help::ALL.iter().map({
            let moment = *moment;
            move |help| (moment, *help)
        })
    };
    Moment::ALL.iter().flat_map(helps)
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_a_shop_killed_between_any_two_steps_loses_and_doubles_nothing() {
    if let Some(accident) = Accident::read() {
        return have(accident).await;
    }
    for accident in accidents() {
        let folder = folder();
        let (_, location) = database_in(&folder);
        let test = "on_sqlite_a_shop_killed_between_any_two_steps_loses_and_doubles_nothing";
        survive(test, &location, accident).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_a_shop_killed_between_any_two_steps_loses_and_doubles_nothing() {
    if let Some(accident) = Accident::read() {
        return have(accident).await;
    }
    for accident in accidents() {
        let Some(database) = TestDatabase::postgres(commerce::MIGRATIONS).await else {
            return;
        };
        let test = "on_postgres_a_shop_killed_between_any_two_steps_loses_and_doubles_nothing";
        survive(test, &database.location().clone(), accident).await;
    }
}

//! The process dies between two steps of the checkout, at each pair of them in turn.
//!
//! Each test plays two parts: it starts this test binary again as a child process, which is told by an environment
//! variable to be the shop that dies. The child does the real thing on a real database up to the moment, says so, and
//! stands still until it is killed. Then its shop is opened again.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

use commerce::checkout::{PlaceOrder, Placement, continue_payment, place_order, receive_notice};
use commerce::ports::Answer;
use commerce::ports::gateway::{
    Gateway, Gateways, MoveRequest, Moved, Notice, NoticeError, Outcome, PaymentRequest,
};
use commerce::ports::mail::{Letter, MailError, Mailer};
use commerce::testing::{FakeGateway, Mailbox, TestShop, euros};
use commerce::{Shop, Shopper};
use db::testing::TestDatabase;
use db::{Db, Location};
use kernel::time::{HOUR, MINUTE, ManualClock, SECOND};
use kernel::{Clock, Money, PaymentId, Secret, Timestamp, VariantId};
use providers::payments::{Choice, TestGateway};
use templates::Templates;

use super::{books, database_in, folder, open};

/// Tells the child which accident it has, and where.
const ACCIDENT: &str = "VITRINE_TEST_ACCIDENT";
/// What the child says when it stands still.
const HERE: &str = "the moment has come";
const ORIGIN: &str = "https://shop.example";
const STOCK: i64 = 5;

kernel::words! {
    /// When the process dies.
    enum Moment {
        /// The order is written down, the gateway not asked.
        BeforeAsking = "before_asking",
        /// The gateway has begun the payment, the shop does not know.
        Begun = "begun",
        /// The shop knows where the buyer has to go, and has not said so.
        BeforeRedirect = "before_redirect",
        /// The buyer said yes on the gateway's page and did not come back yet.
        SaidYes = "said_yes",
        /// The buyer said no there.
        SaidNo = "said_no",
        /// The bank will say yes later.
        SaidLater = "said_later",
        /// Back in the shop; the gateway is about to be asked.
        Returning = "returning",
        /// The gateway's yes has arrived; nothing is settled.
        ReturnedUnsettled = "returned_unsettled",
        /// The gateway's no has arrived; nothing is settled.
        RefusedUnsettled = "refused_unsettled",
        /// The order is placed; the buyer was not told.
        ReturnedSettled = "returned_settled",
        /// The gateway's notice is in; the gateway is about to be asked what is true.
        NoticeHeard = "notice_heard",
        /// Its yes has arrived; nothing is settled.
        NoticeUnsettled = "notice_unsettled",
        /// The order is placed; the gateway was not told that its notice is taken.
        NoticeSettled = "notice_settled",
        /// A gateway without a page said yes; nothing is settled.
        ApprovedAtOnce = "approved_at_once",
        /// And it is settled; the buyer was not told.
        PlacedAtOnce = "placed_at_once",
        /// A gateway without a page said no; nothing is settled.
        DeclinedAtOnce = "declined_at_once",
        /// The sweeper has heard yes; nothing is settled.
        SweptUnsettled = "swept_unsettled",
        /// The sweeper has called an overdue payment off at the gateway; nothing is settled.
        SweptAway = "swept_away",
        /// The order is placed; its mail is about to leave.
        MailLeaving = "mail_leaving",
        /// The order is placed; the gateway is about to be asked for the money.
        Capturing = "capturing",
        /// The gateway has taken the money; the shop does not know.
        Captured = "captured",
    }
}

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

kernel::words! {
    /// Where on the line to the gateway the process dies.
    enum Point {
        /// Before a payment is asked for.
        BeforeAuthorize = "before_authorize",
        /// After.
        AfterAuthorize = "after_authorize",
        /// Before the gateway is asked what became of one.
        BeforeLookUp = "before_look_up",
        /// After.
        AfterLookUp = "after_look_up",
        /// After one was called off.
        AfterCancel = "after_cancel",
        /// Before money is taken.
        BeforeCapture = "before_capture",
        /// After.
        AfterCapture = "after_capture",
    }
}

impl Moment {
    fn point(self) -> Option<Point> {
        match self {
            Self::BeforeAsking => Some(Point::BeforeAuthorize),
            Self::Begun | Self::ApprovedAtOnce | Self::DeclinedAtOnce => {
                Some(Point::AfterAuthorize)
            }
            Self::Returning | Self::NoticeHeard => Some(Point::BeforeLookUp),
            Self::ReturnedUnsettled
            | Self::RefusedUnsettled
            | Self::NoticeUnsettled
            | Self::SweptUnsettled => Some(Point::AfterLookUp),
            Self::SweptAway => Some(Point::AfterCancel),
            Self::Capturing => Some(Point::BeforeCapture),
            Self::Captured => Some(Point::AfterCapture),
            Self::BeforeRedirect
            | Self::SaidYes
            | Self::SaidNo
            | Self::SaidLater
            | Self::ReturnedSettled
            | Self::NoticeSettled
            | Self::PlacedAtOnce
            | Self::MailLeaving => None,
        }
    }

    /// What a gateway without a page of its own answers at once.
    fn at_once(self) -> Option<Choice> {
        match self {
            Self::ApprovedAtOnce | Self::PlacedAtOnce => Some(Choice::Approve),
            Self::DeclinedAtOnce => Some(Choice::Decline),
            _ => None,
        }
    }

    /// What the buyer chose on the page before the moment.
    fn chosen(self) -> Option<Choice> {
        match self {
            Self::BeforeAsking
            | Self::Begun
            | Self::BeforeRedirect
            | Self::ApprovedAtOnce
            | Self::PlacedAtOnce
            | Self::DeclinedAtOnce => None,
            Self::SaidNo | Self::RefusedUnsettled => Some(Choice::Decline),
            Self::SaidLater => Some(Choice::AnswerLate),
            Self::SweptAway => Some(Choice::NeverAnswer),
            Self::SaidYes
            | Self::Returning
            | Self::ReturnedUnsettled
            | Self::ReturnedSettled
            | Self::NoticeHeard
            | Self::NoticeUnsettled
            | Self::NoticeSettled
            | Self::SweptUnsettled
            | Self::MailLeaving
            | Self::Capturing
            | Self::Captured => Some(Choice::Approve),
        }
    }

    /// Whether there is an order in the end.
    fn is_paid(self, help: Help) -> bool {
        match self.at_once().or(self.chosen()) {
            Some(Choice::Approve | Choice::AnswerLate) => true,
            Some(Choice::Decline | Choice::NeverAnswer | Choice::FurtherStep) => false,
            // The buyer presses the button again and says yes.
            None => help == Help::Buyer,
        }
    }
}

/// Says that the moment has come, and stands still until the parent kills.
async fn die() {
    let line = format!("\n{HERE}\n");
    std::io::stdout()
        .lock()
        .write_all(line.as_bytes())
        .expect("the parent listens");
    std::future::pending().await
}

/// The test gateway, behind a line on which the shop dies.
#[derive(Debug, Clone)]
struct Line {
    inner: TestGateway,
    point: Option<Point>,
    at_once: Option<Choice>,
}

impl Line {
    async fn pass(&self, point: Point) {
        if self.point == Some(point) {
            die().await;
        }
    }
}

impl Gateway for Line {
    fn code(&self) -> &'static str {
        self.inner.code()
    }

    fn is_live(&self) -> bool {
        self.inner.is_live()
    }

    fn account(&self) -> &str {
        self.inner.account()
    }

    fn moves_money(&self) -> bool {
        self.inner.moves_money()
    }

    fn authorize<'a>(&'a self, request: &'a PaymentRequest) -> Answer<'a, Outcome> {
        Box::pin(async move {
            self.pass(Point::BeforeAuthorize).await;
            let mut outcome = self.inner.authorize(request).await;
            if let (Some(choice), Outcome::NeedsAction { gateway_ref, .. }) =
                (self.at_once, &outcome)
            {
                self.inner
                    .choose(gateway_ref, choice)
                    .await
                    .expect("the payment is there");
                outcome = self.inner.look_up(&request.payment).await;
            }
            self.pass(Point::AfterAuthorize).await;
            outcome
        })
    }

    fn look_up<'a>(&'a self, payment: &'a PaymentId) -> Answer<'a, Outcome> {
        Box::pin(async move {
            self.pass(Point::BeforeLookUp).await;
            let outcome = self.inner.look_up(payment).await;
            self.pass(Point::AfterLookUp).await;
            outcome
        })
    }

    fn cancel<'a>(&'a self, payment: &'a PaymentId) -> Answer<'a, Outcome> {
        Box::pin(async move {
            let outcome = self.inner.cancel(payment).await;
            self.pass(Point::AfterCancel).await;
            outcome
        })
    }

    fn capture<'a>(&'a self, request: &'a MoveRequest) -> Answer<'a, Moved> {
        Box::pin(async move {
            self.pass(Point::BeforeCapture).await;
            let moved = self.inner.capture(request).await;
            self.pass(Point::AfterCapture).await;
            moved
        })
    }

    fn void<'a>(&'a self, request: &'a MoveRequest) -> Answer<'a, Moved> {
        self.inner.void(request)
    }

    fn refund<'a>(&'a self, request: &'a MoveRequest) -> Answer<'a, Moved> {
        self.inner.refund(request)
    }

    fn read_notice(
        &self,
        signature: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Notice, NoticeError> {
        self.inner.read_notice(signature, body, now)
    }
}

/// A mail server that is never reached alive.
#[derive(Debug)]
struct DeadLetters;

impl Mailer for DeadLetters {
    fn is_configured(&self) -> bool {
        true
    }

    fn send<'a>(&'a self, _letter: &'a Letter) -> Answer<'a, Result<(), MailError>> {
        Box::pin(async {
            die().await;
            Ok(())
        })
    }
}

/// What the child has to know.
#[derive(Debug, Clone)]
struct Accident {
    moment: Moment,
    now: Timestamp,
    visitor: String,
    total: Money,
    location: Location,
}

impl Accident {
    fn written(&self) -> String {
        let place = match &self.location {
            Location::Sqlite(file) => file.display().to_string(),
            Location::Postgres(url) => url.clone(),
        };
        format!(
            "{} {} {} {} {place}",
            self.moment,
            self.now.millis(),
            self.visitor,
            self.total.minor()
        )
    }

    /// What the parent has written, in the child.
    fn read() -> Option<Self> {
        let text = std::env::var(ACCIDENT).ok()?;
        let mut words = text.splitn(5, ' ');
        let mut word = || words.next().expect("five words");
        Some(Self {
            moment: word().parse().unwrap(),
            now: Timestamp::from_millis(word().parse().unwrap()),
            visitor: word().to_owned(),
            total: euros(word().parse().unwrap()),
            location: Location::parse(word()),
        })
    }

    fn order(&self) -> PlaceOrder {
        PlaceOrder {
            total_seen: self.total,
            payment_method: "test".to_owned(),
        }
    }

    fn shopper(&self) -> Shopper {
        Shopper {
            visitor: Secret::parse(&self.visitor).unwrap(),
        }
    }
}

fn theme() -> &'static Templates {
    static THEME: OnceLock<Templates> = OnceLock::new();
    THEME.get_or_init(|| Templates::load(templates::Settings::strict()).unwrap())
}

/// The gateway with its books in the shop's database.
fn provider(db: &Db, clock: &ManualClock) -> TestGateway {
    TestGateway::new(
        db.clone(),
        Arc::new(clock.clone()),
        Arc::new(kernel::RandomIds),
        [7; 32],
        ORIGIN,
    )
}

/// The reference in the address of the gateway's page.
fn reference(placed: &Placement) -> String {
    let Placement::GoTo { url } = placed else {
        panic!("{placed:?} instead of the gateway's page")
    };
    url.rsplit('/')
        .next()
        .expect("it has a last part")
        .to_owned()
}

/// The child's part: the checkout up to the moment.
async fn have(accident: Accident) {
    let moment = accident.moment;
    let clock = ManualClock::at(accident.now);
    let db = open(&accident.location).await;
    let provider = provider(&db, &clock);
    let line = Line {
        inner: provider.clone(),
        point: moment.point(),
        at_once: moment.at_once(),
    };
    let shop = Shop {
        db,
        clock: Arc::new(clock.clone()),
        ids: Arc::new(kernel::RandomIds),
        media: Arc::new(object_store::memory::InMemory::new()),
        search: commerce::index::SearchIndex::in_memory().unwrap(),
        gateways: Gateways::default().with(Arc::new(line)),
        mailer: Arc::new(DeadLetters),
        origin: ORIGIN.into(),
    };
    let shopper = accident.shopper();
    let placed = place_order(&shop, &shopper, accident.order())
        .await
        .unwrap();
    let Some(choice) = moment.chosen() else {
        return die().await;
    };
    provider.choose(&reference(&placed), choice).await.unwrap();
    match moment {
        Moment::NoticeHeard | Moment::NoticeUnsettled | Moment::NoticeSettled => {
            for notice in provider.due_notices().await.unwrap() {
                receive_notice(&shop, "test", &notice.signature, &notice.body)
                    .await
                    .unwrap();
            }
        }
        Moment::SweptUnsettled | Moment::SweptAway => {
            clock.advance(2 * HOUR);
            commerce::jobs::runner(&shop, theme())
                .run_due()
                .await
                .unwrap();
        }
        Moment::Returning
        | Moment::ReturnedUnsettled
        | Moment::RefusedUnsettled
        | Moment::ReturnedSettled => {
            continue_payment(&shop, &shopper).await.unwrap();
        }
        Moment::MailLeaving | Moment::Capturing | Moment::Captured => {
            continue_payment(&shop, &shopper).await.unwrap();
            commerce::jobs::runner(&shop, theme())
                .run_due()
                .await
                .unwrap();
        }
        _ => {}
    }
    die().await;
}

/// Plays the accident in a process of its own, and kills it when the moment has come.
fn kill_at(test: &str, accident: &Accident) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            &format!("processes::kill_checkout::{test}"),
            "--exact",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(ACCIDENT, accident.written())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let came = lines.any(|line| line == HERE);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        came,
        "{}: the process ended before the moment came",
        accident.moment
    );
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

    let db = open(location).await;
    let swept = matches!(moment, Moment::SweptUnsettled | Moment::SweptAway);
    let clock = ManualClock::at(accident.now.plus(if swept { 2 * HOUR } else { SECOND }));
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
    let after = Reopened {
        test,
        provider,
        shopper,
        teapot,
        total,
        story: format!("{moment}, then {help}"),
    };
    if help == Help::Buyer {
        let unpaid = !moment.is_paid(Help::JobsAlone);
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
    let paid = moment.is_paid(help);
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

//! A process that has an accident: the child of `kill_checkout`, up to the moment it is killed.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

use commerce::checkout::{PlaceOrder, Placement, continue_payment, place_order, receive_notice};
use commerce::ports::Answer;
use commerce::ports::gateway::{
    Gateway, Gateways, MoveRequest, Moved, Notice, NoticeError, Outcome, PaymentRequest,
};
use commerce::ports::mail::{Letter, MailError, Mailer};
use commerce::testing::euros;
use commerce::{Shop, Shopper};
use db::{Db, Location};
use kernel::time::{HOUR, ManualClock};
use kernel::{Money, PaymentId, Secret, Timestamp};
use providers::payments::{Choice, TestGateway};
use templates::Templates;

use super::open;

/// Tells the child which accident it has, and where.
const ACCIDENT: &str = "VITRINE_TEST_ACCIDENT";
/// What the child says when it stands still.
const HERE: &str = "the moment has come";
/// Where the shop says it is.
pub(super) const ORIGIN: &str = "https://shop.example";

kernel::words! {
    /// When the process dies.
    pub(super) enum Moment {
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
    pub(super) fn at_once(self) -> Option<Choice> {
        if matches!(self, Self::ApprovedAtOnce | Self::PlacedAtOnce) {
            return Some(Choice::Approve);
        }
        (self == Self::DeclinedAtOnce).then_some(Choice::Decline)
    }

    /// What the buyer chose on the page before the moment.
    pub(super) fn chosen(self) -> Option<Choice> {
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
}

/// Says that the moment has come, and stands still until the parent kills.
async fn die() {
    let line = format!("\n{HERE}\n");
    std::io::stdout()
        .lock()
        .write_all(line.as_bytes())
        .expect("the parent listens");
    std::future::pending::<()>().await;
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
pub(super) struct Accident {
    pub(super) moment: Moment,
    pub(super) now: Timestamp,
    pub(super) visitor: String,
    pub(super) total: Money,
    pub(super) location: Location,
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
    pub(super) fn read() -> Option<Self> {
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

    pub(super) fn shopper(&self) -> Shopper {
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
pub(super) fn provider(db: &Db, clock: &ManualClock) -> TestGateway {
    TestGateway::new(
        db.clone(),
        Arc::new(clock.clone()),
        Arc::new(kernel::RandomIds),
        [7; 32],
        ORIGIN,
    )
}

/// The reference in the address of the gateway's page.
pub(super) fn reference(placed: &Placement) -> String {
    let Placement::GoTo { url } = placed else {
        panic!("{placed:?} instead of the gateway's page")
    };
    url.rsplit('/')
        .next()
        .expect("it has a last part")
        .to_owned()
}

/// The child's part: the checkout up to the moment.
pub(super) async fn have(accident: Accident) {
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
        door: commerce::staff::Door::default(),
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
    if matches!(
        moment,
        Moment::NoticeHeard | Moment::NoticeUnsettled | Moment::NoticeSettled
    ) {
        for notice in provider.due_notices().await.unwrap() {
            let heard = receive_notice(&shop, "test", &notice.signature, &notice.body).await;
            heard.unwrap();
        }
    } else if !matches!(
        moment,
        Moment::SaidYes
            | Moment::SaidNo
            | Moment::SaidLater
            | Moment::SweptUnsettled
            | Moment::SweptAway
    ) {
        continue_payment(&shop, &shopper).await.unwrap();
    }
    if matches!(moment, Moment::SweptUnsettled | Moment::SweptAway) {
        clock.advance(2 * HOUR);
    }
    if matches!(
        moment,
        Moment::SweptUnsettled
            | Moment::SweptAway
            | Moment::MailLeaving
            | Moment::Capturing
            | Moment::Captured
    ) {
        let jobs = commerce::jobs::runner(&shop, theme());
        jobs.run_due().await.unwrap();
    }
    die().await;
}

/// Plays the accident in a process of its own, and kills it when the moment has come.
pub(super) fn kill_at(test: &str, accident: &Accident) {
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

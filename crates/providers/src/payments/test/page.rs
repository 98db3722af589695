//! The provider's own page, where a real one would ask for a card: the buyer chooses what the bank says.

use db::{DbError, Tx};
use kernel::time::SECOND;
use kernel::{Code, Coded, Money, Secret, Timestamp};

use super::TestGateway;
use super::books::{self, Entry, State};

/// How long a late answer takes.
pub const LATE: i64 = 10 * SECOND;

kernel::words! {
    /// What the buyer can choose. The words are the values of the form's buttons.
    pub enum Choice {
        /// The bank says yes.
        Approve = "approve",
        /// The bank says no.
        Decline = "decline",
        /// The bank wants to check once more; then it can say yes or no.
        FurtherStep = "further_step",
        /// The bank says yes, ten seconds later, by a notice.
        AnswerLate = "late",
        /// The bank never says anything.
        NeverAnswer = "never",
    }
}

kernel::words! {
    /// How far the buyer is.
    pub enum Stage {
        /// Nothing was chosen.
        Start = "start",
        /// At the bank's further check.
        FurtherStep = "further_step",
        /// Decided, for good.
        Done = "done",
    }
}

kernel::words! {
    /// What was decided.
    pub enum Decision {
        /// The bank said yes.
        Approved = "approved",
        /// The bank said no.
        Declined = "declined",
        /// The answer comes, or came, late.
        Late = "late",
        /// There is no answer.
        Never = "never",
        /// The shop called the payment off before the buyer chose.
        Canceled = "canceled",
    }
}

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageState {
    /// How much is to be paid.
    pub amount: Money,
    /// The merchant's account at the provider.
    pub merchant: String,
    /// The shop's word for the order.
    pub reference: String,
    /// How far the buyer is.
    pub stage: Stage,
    /// What was decided, once something was.
    pub decision: Option<Decision>,
    /// The way back to the shop.
    pub return_url: String,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// No payment has this address.
    #[error("there is no such payment")]
    NotFound,
    /// The books cannot be read.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl Coded for PageError {
    fn code(&self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::Database(error) if error.is_temporary() => Code::Busy,
            Self::Database(_) => Code::Internal,
        }
    }
}

impl TestGateway {
    /// The page at `/test-gateway/pay/{gateway_ref}`.
    pub async fn page(&self, gateway_ref: &str) -> Result<PageState, PageError> {
        let gateway_ref = parse(gateway_ref)?;
        let now = self.clock.now();
        self.db.read(move |tx| show(tx, now, &gateway_ref)).await
    }

    /// What the buyer's click did. A decision is final: a second click, of whatever button, shows the first one's.
    pub async fn choose(&self, gateway_ref: &str, choice: Choice) -> Result<PageState, PageError> {
        let gateway_ref = parse(gateway_ref)?;
        let now = self.clock.now();
        let event_id = format!("evt_{}", self.ids.secret().expose());
        self.db
            .write(move |tx| {
                decide(tx, now, &gateway_ref, (choice, &event_id))?;
                show(tx, now, &gateway_ref)
            })
            .await
    }
}

/// Writes the choice down, and what the shop is to be told of it, unless something was decided before.
fn decide(
    tx: &mut Tx<'_>,
    now: Timestamp,
    gateway_ref: &str,
    (choice, event_id): (Choice, &str),
) -> Result<(), DbError> {
    let late = now.plus(LATE);
    let (to, late_answer_at, told) = match choice {
        Choice::Approve => (State::Approved, None, Some((State::Approved, now))),
        Choice::Decline => (State::Declined, None, Some((State::Declined, now))),
        Choice::FurtherStep => (State::Step, None, None),
        Choice::AnswerLate => (State::Late, Some(late), Some((State::Approved, late))),
        Choice::NeverAnswer => (State::Never, None, None),
    };
    let first = books::decide(tx, gateway_ref, (to, late_answer_at))?;
    if let Some((state, due_at)) = told.filter(|_| first) {
        books::add_notice(tx, gateway_ref, (event_id, state), due_at)?;
    }
    Ok(())
}

/// An address we made, or none at all.
fn parse(gateway_ref: &str) -> Result<String, PageError> {
    let secret = Secret::parse(gateway_ref).map_err(|_not_ours| PageError::NotFound)?;
    Ok(secret.expose().to_owned())
}

fn show(tx: &mut Tx<'_>, now: Timestamp, gateway_ref: &str) -> Result<PageState, PageError> {
    let entry = books::find_by_ref(tx, gateway_ref)?.ok_or(PageError::NotFound)?;
    let (stage, decision) = progress(&entry, now);
    Ok(PageState {
        amount: entry.amount,
        merchant: entry.account,
        reference: entry.reference,
        stage,
        decision,
        return_url: entry.return_url,
    })
}

fn progress(entry: &Entry, now: Timestamp) -> (Stage, Option<Decision>) {
    let decision = match entry.state_at(now) {
        State::Open => return (Stage::Start, None),
        State::Step => return (Stage::FurtherStep, None),
        State::Approved if entry.answers_late() => Decision::Late,
        State::Approved => Decision::Approved,
        State::Declined => Decision::Declined,
        State::Late => Decision::Late,
        State::Never => Decision::Never,
        State::Canceled => Decision::Canceled,
    };
    (Stage::Done, Some(decision))
}

//! A gateway behind a bad line, for tests: any real one, with faults by script.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use commerce::ports::Answer;
use commerce::ports::gateway::{
    Approval, Gateway, MoveRequest, Moved, Notice, NoticeError, Outcome, PaymentRequest,
};
use kernel::{PaymentId, Timestamp};
use tokio::sync::Semaphore;

kernel::words! {
    /// What can be asked of a gateway.
    pub enum Call {
        /// [`Gateway::authorize`].
        Authorize = "authorize",
        /// [`Gateway::look_up`].
        LookUp = "look_up",
        /// [`Gateway::cancel`].
        Cancel = "cancel",
        /// [`Gateway::capture`].
        Capture = "capture",
        /// [`Gateway::void`].
        Void = "void",
        /// [`Gateway::refund`].
        Refund = "refund",
    }
}

/// What goes wrong with one call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The call never arrives; the shop knows nothing.
    RequestLost,
    /// The call is carried out and its answer lost; the shop knows nothing.
    AnswerLost,
    /// The call is carried out, and answered after this long.
    Slow(Duration),
    /// The call is carried out, and answered once the test adds a permit.
    Held(Arc<Semaphore>),
    /// The gateway says no, without doing anything.
    Refuses(String),
    /// The gateway says it has never heard of the payment.
    NeverHeardOf,
    /// An approval, if that is the answer, says something else than is in the books.
    Misstates(fn(&mut Approval)),
}

/// Any gateway, with a fault wherever the script has one. Clones share the script.
#[derive(Clone)]
pub struct FaultyGateway {
    inner: Arc<dyn Gateway>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    script: BTreeMap<Call, VecDeque<Option<Fault>>>,
    calls: Vec<Call>,
}

impl FaultyGateway {
    /// `inner`, faultless so far.
    pub fn new(inner: Arc<dyn Gateway>) -> Self {
        Self {
            inner,
            state: Arc::default(),
        }
    }

    /// The next call of this kind that has no fault yet gets this one.
    pub fn next(&self, call: Call, fault: Fault) {
        self.state()
            .script
            .entry(call)
            .or_default()
            .push_back(Some(fault));
    }

    /// The next call of this kind goes well, whatever comes after.
    pub fn next_goes_well(&self, call: Call) {
        self.state().script.entry(call).or_default().push_back(None);
    }

    /// How often this was asked.
    pub fn count(&self, call: Call) -> usize {
        self.state()
            .calls
            .iter()
            .filter(|made| **made == call)
            .count()
    }

    /// Everything that was asked, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the call and takes its fault, if the script has one.
    fn arrive(&self, call: Call) -> Option<Fault> {
        let mut state = self.state();
        state.calls.push(call);
        state
            .script
            .get_mut(&call)
            .and_then(VecDeque::pop_front)
            .flatten()
    }

    async fn outcome(&self, call: Call, answer: impl Future<Output = Outcome>) -> Outcome {
        match self.arrive(call) {
            None => answer.await,
            Some(Fault::RequestLost) => Outcome::Unknown {
                why: "the request was lost".to_owned(),
            },
            Some(Fault::Refuses(reason)) => Outcome::Declined { reason },
            Some(Fault::NeverHeardOf) => Outcome::NotFound,
            Some(Fault::AnswerLost) => {
                let lost = answer.await;
                Outcome::Unknown {
                    why: format!("the answer was lost: {lost:?}"),
                }
            }
            Some(Fault::Slow(time)) => after(sleep(time), answer).await,
            Some(Fault::Held(permits)) => after(permit(&permits), answer).await,
            Some(Fault::Misstates(change)) => {
                let mut answered = answer.await;
                if let Outcome::Approved(approval) = &mut answered {
                    change(approval);
                }
                answered
            }
        }
    }

    async fn moved(&self, call: Call, answer: impl Future<Output = Moved>) -> Moved {
        match self.arrive(call) {
            // There is nothing to misstate in a yes or a no.
            None | Some(Fault::Misstates(_)) => answer.await,
            Some(Fault::RequestLost) => Moved::Unknown {
                why: "the request was lost".to_owned(),
            },
            Some(Fault::Refuses(reason)) => Moved::Refused { reason },
            Some(Fault::NeverHeardOf) => Moved::Refused {
                reason: "there is no such payment".to_owned(),
            },
            Some(Fault::AnswerLost) => {
                let lost = answer.await;
                Moved::Unknown {
                    why: format!("the answer was lost: {lost:?}"),
                }
            }
            Some(Fault::Slow(time)) => after(sleep(time), answer).await,
            Some(Fault::Held(permits)) => after(permit(&permits), answer).await,
        }
    }
}

/// The answer, kept back until `wait` is over.
async fn after<T>(wait: impl Future<Output = ()>, answer: impl Future<Output = T>) -> T {
    let answer = answer.await;
    wait.await;
    answer
}

async fn sleep(time: Duration) {
    tokio::time::sleep(time).await;
}

async fn permit(permits: &Semaphore) {
    permits
        .acquire()
        .await
        .expect("nobody closes the semaphore")
        .forget();
}

impl fmt::Debug for FaultyGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyGateway")
            .field("inner", &self.inner.code())
            .field("state", &self.state())
            .finish()
    }
}

impl Gateway for FaultyGateway {
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
        Box::pin(self.outcome(Call::Authorize, self.inner.authorize(request)))
    }

    fn look_up<'a>(&'a self, payment: &'a PaymentId) -> Answer<'a, Outcome> {
        Box::pin(self.outcome(Call::LookUp, self.inner.look_up(payment)))
    }

    fn cancel<'a>(&'a self, payment: &'a PaymentId) -> Answer<'a, Outcome> {
        Box::pin(self.outcome(Call::Cancel, self.inner.cancel(payment)))
    }

    fn capture<'a>(&'a self, request: &'a MoveRequest) -> Answer<'a, Moved> {
        Box::pin(self.moved(Call::Capture, self.inner.capture(request)))
    }

    fn void<'a>(&'a self, request: &'a MoveRequest) -> Answer<'a, Moved> {
        Box::pin(self.moved(Call::Void, self.inner.void(request)))
    }

    fn refund<'a>(&'a self, request: &'a MoveRequest) -> Answer<'a, Moved> {
        Box::pin(self.moved(Call::Refund, self.inner.refund(request)))
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

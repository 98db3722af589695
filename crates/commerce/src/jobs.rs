//! The one list of jobs: what each kind does, and what recurs. What a job does is in its area; here is only how its
//! outcome is told to the queue.
//!
//! # Invariants
//! - Every handler is harmless to repeat: a node may die between an effect and the end of its job.
//! - What waits for a gateway never runs out of attempts: it puts itself back, later each time, until there is an answer.

use ::jobs::{Done, JobContext, JobError, Lease, NewJob, Runner, RunnerOptions};
use kernel::Timestamp;
use kernel::time::MINUTE;
use templates::Templates;

use crate::checkout::{self, CANCEL_UNPAID, CancelUnpaid, RESUME, Resume, Sweep};
use crate::error::Internal;
use crate::event::{Event, REACT};
use crate::lookup;
use crate::notifications::order_confirmation::{self, OrderConfirmation};
use crate::notifications::order_news::{self, OrderNews};
use crate::notifications::{self, SEND_MAIL, SendError, SendMail};
use crate::orders::{self, MoneyMoved, RESUME_MOVE, RETURN_MONEY, ResumeMove, ReturnMoneyOf};
use crate::payments;
use crate::reactions;
use crate::shop::Shop;
use crate::staff::{Actor, Authorized};

/// The kind of job that tidies up. Never changes once released.
const TIDY: &str = "checkout.tidy";
/// How often it does.
const TIDY_EVERY: i64 = 5 * MINUTE;
/// How long until a gateway that said nothing is asked again whether money can go back.
const ASK_AGAIN: i64 = 10 * MINUTE;

/// The kind of job that splits what was there before into words. Never changes once released.
const WORDS: &str = "desk.words";

type Outcome = Result<Done, JobError>;

/// A runner for all jobs of this shop.
pub fn runner(shop: &Shop, templates: &Templates) -> Runner {
    let for_news = templates.clone();
    let templates = templates.clone();
    let write_confirmation = move |shop: Shop, about: OrderConfirmation, _job| {
        let templates = templates.clone();
        async move {
            order_confirmation::write(&shop, &templates, about.order_id).await?;
            Ok(Done::Finished)
        }
    };
    let write_news = move |shop: Shop, about: OrderNews, _job| {
        let templates = for_news.clone();
        async move {
            order_news::write(&shop, &templates, about).await?;
            Ok(Done::Finished)
        }
    };
    Runner::new(
        shop.db.clone(),
        shop.clock.clone(),
        RunnerOptions::default(),
    )
    .handle(REACT, with(shop, react))
    .handle(RESUME, with(shop, resume_payment))
    .handle(CANCEL_UNPAID, with(shop, cancel_unpaid))
    .handle(RESUME_MOVE, with(shop, resume_move))
    .handle(RETURN_MONEY, with(shop, return_money))
    .handle(order_confirmation::KIND, with(shop, write_confirmation))
    .handle(order_news::KIND, with(shop, write_news))
    .handle(SEND_MAIL, with(shop, send_mail))
    .handle(TIDY, with(shop, tidy))
    .handle(WORDS, with(shop, words))
    .every(TIDY_EVERY, TIDY)
}

/// A handler that is given the shop, the payload and the job.
fn with<P, F, R>(shop: &Shop, run: F) -> impl Fn(P, JobContext) -> R + Send + Sync + 'static
where
    F: Fn(Shop, P, JobContext) -> R + Send + Sync + 'static,
{
    let shop = shop.clone();
    move |payload, job| run(shop.clone(), payload, job)
}

/// A fault of ours may be gone after a pause.
impl From<Internal> for JobError {
    fn from(error: Internal) -> Self {
        Self::Retry(error.to_string())
    }
}

/// Ends this job and puts its like into the queue for later: both or neither.
async fn again(shop: &Shop, lease: Lease, job: NewJob, at: Timestamp) -> Outcome {
    let (now, job) = (shop.clock.now(), job.at(at));
    shop.db
        .write(move |tx| -> Outcome {
            ::jobs::enqueue(tx, now, &job)?;
            Ok(::jobs::complete(tx, &lease)?)
        })
        .await
}

async fn react(shop: Shop, event: Event, _job: JobContext) -> Outcome {
    reactions::react(&shop, event).await?;
    Ok(Done::Finished)
}

/// A payment nobody knows about yet is asked about again: that is no failure of this job.
async fn resume_payment(shop: Shop, about: Resume, job: JobContext) -> Outcome {
    match checkout::resume_payment(&shop, &about.payment_id).await? {
        Sweep::Settled => Ok(Done::Finished),
        Sweep::AskAgain(at) => again(&shop, job.lease, NewJob::new(RESUME, &about), at).await,
    }
}

async fn cancel_unpaid(shop: Shop, about: CancelUnpaid, _job: JobContext) -> Outcome {
    checkout::cancel_unpaid(&shop, &about.order_id).await?;
    Ok(Done::Finished)
}

/// As [`resume_payment`]; the longer a gateway has not answered, the longer between two questions.
async fn resume_move(shop: Shop, about: ResumeMove, job: JobContext) -> Outcome {
    let act = shop.act(Actor::System);
    if orders::resume_move(&shop, &act, &about.key).await? != MoneyMoved::Pending {
        return Ok(Done::Finished);
    }
    let key = about.key.clone();
    let begun = shop
        .db
        .read(move |tx| payments::find_event(tx, &key).map_err(JobError::from))
        .await?;
    let age = begun.map_or(0, |event| act.now.since(event.at));
    let at = act.now.plus(age.clamp(MINUTE, 60 * MINUTE));
    again(&shop, job.lease, NewJob::new(RESUME_MOVE, &about), at).await
}

/// What is on its way settles first; until then it is not known what there is to return.
async fn return_money(shop: Shop, about: ReturnMoneyOf, job: JobContext) -> Outcome {
    let once_more = NewJob::new(RETURN_MONEY, &about);
    let of = (about.order_id, about.payment_id);
    if orders::return_money(&shop, Authorized::system(), of).await? {
        return Ok(Done::Finished);
    }
    let at = shop.clock.now().plus(ASK_AGAIN);
    again(&shop, job.lease, once_more, at).await
}

async fn send_mail(shop: Shop, about: SendMail, job: JobContext) -> Outcome {
    match notifications::send_mail(&shop, &about.mail_id).await {
        Ok(()) => Ok(Done::Finished),
        Err(SendError::Later(why)) if job.is_last_attempt => {
            notifications::give_up(&shop, &about.mail_id).await?;
            Err(JobError::Fail(why))
        }
        Err(SendError::Later(why)) => Err(JobError::Retry(why)),
        Err(SendError::Never(why)) => Err(JobError::Fail(why)),
        Err(SendError::Internal(error)) => Err(error.into()),
    }
}

async fn tidy(shop: Shop, (): (), _job: JobContext) -> Outcome {
    loop {
        let act = shop.act(Actor::System);
        let changed = shop
            .db
            .write(move |tx| -> Result<usize, JobError> { Ok(checkout::tidy(tx, &act)?) });
        if changed.await? == 0 {
            return Ok(Done::Finished);
        }
    }
}

/// Put into the queue by the migration that made the words; one short write after the other.
async fn words(shop: Shop, (): (), _job: JobContext) -> Outcome {
    loop {
        let more = shop
            .db
            .write(|tx| -> Result<bool, JobError> { Ok(lookup::backfill(tx)?) });
        if !more.await? {
            return Ok(Done::Finished);
        }
    }
}

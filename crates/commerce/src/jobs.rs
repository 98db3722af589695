//! Every job and schedule of the shop, in one list. What a job does is in its area; here is only how its outcome is told to
//! the queue.

use ::jobs::{Done, JobError, NewJob, Runner, RunnerOptions};
use kernel::time::MINUTE;
use templates::Templates;

use crate::checkout::{self, CANCEL_UNPAID, CancelUnpaid, RESUME, Resume, Sweep};
use crate::error::Internal;
use crate::event::{Event, REACT};
use crate::notifications::order_confirmation::{self, OrderConfirmation};
use crate::notifications::{SEND_MAIL, SendError, SendMail, send_mail};
use crate::orders::{self, MoneyMoved, RESUME_MOVE, RETURN_MONEY, ResumeMove, ReturnMoneyOf};
use crate::reactions;
use crate::shop::Shop;
use crate::staff::{Actor, Authorized};

/// The kind of job that tidies up. Never changes once released.
const TIDY: &str = "checkout.tidy";
/// How often it does.
const TIDY_EVERY: i64 = 5 * MINUTE;

type Outcome = Result<Done, JobError>;

/// A runner for all jobs of this shop.
pub fn runner(shop: &Shop, templates: &Templates) -> Runner {
    let at = |shop: &Shop| shop.clone();
    let (reacting, resuming, cancelling) = (at(shop), at(shop), at(shop));
    let (moving, returning, writing, sending, tidying) =
        (at(shop), at(shop), at(shop), at(shop), at(shop));
    let templates = templates.clone();
    Runner::new(
        shop.db.clone(),
        shop.clock.clone(),
        RunnerOptions::default(),
    )
    .handle(REACT, move |event: Event, _| {
        let shop = reacting.clone();
        async move { done(reactions::react(&shop, event).await) }
    })
    .handle(RESUME, move |job: Resume, _| {
        let shop = resuming.clone();
        async move { resume_payment(&shop, job).await }
    })
    .handle(CANCEL_UNPAID, move |job: CancelUnpaid, _| {
        let shop = cancelling.clone();
        async move { done(checkout::cancel_unpaid(&shop, &job.order_id).await) }
    })
    .handle(RESUME_MOVE, move |job: ResumeMove, _| {
        let shop = moving.clone();
        async move { resume_move(&shop, job).await }
    })
    .handle(RETURN_MONEY, move |job: ReturnMoneyOf, _| {
        let shop = returning.clone();
        async move { return_money(&shop, job).await }
    })
    .handle(
        order_confirmation::KIND,
        move |job: OrderConfirmation, _| {
            let (shop, templates) = (writing.clone(), templates.clone());
            async move { done(order_confirmation::write(&shop, &templates, &job.order_id).await) }
        },
    )
    .handle(SEND_MAIL, move |job: SendMail, _| {
        let shop = sending.clone();
        async move { sent(send_mail(&shop, &job.mail_id).await) }
    })
    .handle(TIDY, move |(), _| {
        let shop = tidying.clone();
        async move { tidy(&shop).await }
    })
    .every(TIDY_EVERY, TIDY)
}

/// A fault of ours may be gone after a pause.
fn done(outcome: Result<(), Internal>) -> Outcome {
    outcome.map(|()| Done::Finished).map_err(retry)
}

fn retry(error: Internal) -> JobError {
    JobError::Retry(error.to_string())
}

fn sent(outcome: Result<(), SendError>) -> Outcome {
    match outcome {
        Ok(()) => Ok(Done::Finished),
        Err(SendError::Later(why)) => Err(JobError::Retry(why)),
        Err(SendError::Never(why)) => Err(JobError::Fail(why)),
        Err(SendError::Internal(error)) => Err(retry(error)),
    }
}

/// A payment nobody knows about yet is asked about again by a job of its own: that is no failure of this one.
async fn resume_payment(shop: &Shop, job: Resume) -> Outcome {
    match checkout::resume_payment(shop, &job.payment_id)
        .await
        .map_err(retry)?
    {
        Sweep::Settled => {}
        Sweep::AskAgain(at) => {
            let now = shop.clock.now();
            shop.db
                .write(move |tx| ::jobs::enqueue(tx, now, &NewJob::new(RESUME, &job).at(at)))
                .await?;
        }
    }
    Ok(Done::Finished)
}

/// As [`resume_payment`]: a gateway that does not answer is asked for as long as it takes.
async fn resume_move(shop: &Shop, job: ResumeMove) -> Outcome {
    let act = shop.act(Actor::System);
    if orders::resume_move(shop, &act, &job.key)
        .await
        .map_err(retry)?
        == MoneyMoved::Pending
    {
        let (now, again) = (act.now, act.now.plus(5 * MINUTE));
        shop.db
            .write(move |tx| ::jobs::enqueue(tx, now, &NewJob::new(RESUME_MOVE, &job).at(again)))
            .await?;
    }
    Ok(Done::Finished)
}

/// What a gateway has not confirmed is finished by the moves' own jobs.
async fn return_money(shop: &Shop, job: ReturnMoneyOf) -> Outcome {
    orders::return_money(shop, Authorized::system(), (job.order_id, job.payment_id))
        .await
        .map_err(retry)?;
    Ok(Done::Finished)
}

async fn tidy(shop: &Shop) -> Outcome {
    let act = shop.act(Actor::System);
    shop.db
        .write(move |tx| checkout::tidy(tx, &act))
        .await
        .map_err(retry)?;
    Ok(Done::Finished)
}

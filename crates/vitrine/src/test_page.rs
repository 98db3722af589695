//! Connects the test gateway's own page with the gateway behind it.

use futures_util::future::BoxFuture;
use kernel::Coded;
use providers::payments::{self, PageError, PageState, TestGateway};
use storefront::{Choice, HostedTestPage, TestPayment, TestResult, TestStage};
use web::Problem;

/// The test gateway, as its page sees it.
#[derive(Debug, Clone)]
pub(crate) struct TestPage(pub(crate) TestGateway);

impl HostedTestPage for TestPage {
    fn page<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Result<TestPayment, Problem>> {
        Box::pin(async move {
            self.0
                .page(reference)
                .await
                .map(shown)
                .map_err(|error| problem(&error))
        })
    }

    fn choose<'a>(
        &'a self,
        reference: &'a str,
        choice: Choice,
    ) -> BoxFuture<'a, Result<TestPayment, Problem>> {
        let choice = match choice {
            Choice::Approve => payments::Choice::Approve,
            Choice::Decline => payments::Choice::Decline,
            Choice::FurtherStep => payments::Choice::FurtherStep,
            Choice::Late => payments::Choice::AnswerLate,
            Choice::Never => payments::Choice::NeverAnswer,
        };
        Box::pin(async move {
            self.0
                .choose(reference, choice)
                .await
                .map(shown)
                .map_err(|error| problem(&error))
        })
    }
}

fn problem(error: &PageError) -> Problem {
    match error {
        PageError::NotFound => Problem::new(error.code()),
        PageError::Database(_) => Problem::internal(error),
    }
}

fn shown(state: PageState) -> TestPayment {
    TestPayment {
        amount: state.amount,
        order_number: None,
        reference: state.reference,
        stage: match state.stage {
            payments::Stage::Start => TestStage::Start,
            payments::Stage::FurtherStep => TestStage::FurtherStep,
            payments::Stage::Done => TestStage::Done,
        },
        result: state.decision.map(|decision| match decision {
            payments::Decision::Approved => TestResult::Approved,
            payments::Decision::Declined => TestResult::Declined,
            payments::Decision::Late => TestResult::Late,
            payments::Decision::Never => TestResult::Never,
            payments::Decision::Canceled => TestResult::Canceled,
        }),
        return_url: Some(state.return_url),
    }
}

//! The page of the test payment provider, which plays another company's: mounted only where that provider is on.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use futures_util::future::BoxFuture;
use kernel::Money;
use serde::{Deserialize, Serialize};
use templates::Page;
use web::{Form, Problem};

use crate::storefront::{Storefront, Visit};

/// The address of a payment's page, as the provider hands it out.
const PATH: &str = "/test-gateway/pay";

/// The test payment provider, as far as its page needs it. The binary connects the two.
pub trait HostedTestPage: Send + Sync {
    /// What the page of a payment shows. 404 if there is no such payment.
    fn page<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Result<TestPayment, Problem>>;

    /// Does what the buyer has chosen, and tells what the page shows then. The first choice stands.
    fn choose<'a>(
        &'a self,
        reference: &'a str,
        choice: Choice,
    ) -> BoxFuture<'a, Result<TestPayment, Problem>>;
}

kernel::words! {
    /// What the buyer can choose: the values of the form's buttons.
    pub enum Choice {
        /// The bank says yes.
        Approve = "approve",
        /// The bank says no.
        Decline = "decline",
        /// The bank wants to check once more.
        FurtherStep = "further_step",
        /// The bank answers later, by a notice.
        Late = "late",
        /// The bank never answers.
        Never = "never",
    }
}

kernel::words! {
    /// How far a test payment is.
    pub enum TestStage {
        /// Nothing was chosen yet.
        Start = "start",
        /// At the bank's further check.
        FurtherStep = "further_step",
        /// Decided.
        Done = "done",
    }
}

kernel::words! {
    /// What was decided.
    pub enum TestResult {
        /// Yes.
        Approved = "approved",
        /// No.
        Declined = "declined",
        /// The answer comes later.
        Late = "late",
        /// There is no answer.
        Never = "never",
        /// The shop called the payment off.
        Canceled = "canceled",
    }
}

/// A payment on the provider's page.
#[derive(Debug, Clone)]
pub struct TestPayment {
    /// How much.
    pub amount: Money,
    /// The order's number, if it has one yet.
    pub order_number: Option<String>,
    /// The shop's word for it.
    pub reference: String,
    /// How far it is.
    pub stage: TestStage,
    /// What was decided.
    pub result: Option<TestResult>,
    /// Back to the shop.
    pub return_url: Option<String>,
}

/// `pages/test_gateway.html`.
#[derive(Debug, Clone, Serialize)]
pub struct TestGatewayPage {
    /// The payment.
    pub gateway: TestGatewayView,
}

/// A payment as the page shows it.
#[derive(Debug, Clone, Serialize)]
pub struct TestGatewayView {
    /// Where the form goes.
    pub action: String,
    /// What the form carries.
    pub csrf: Option<String>,
    /// How much.
    pub amount: Money,
    /// To whom.
    pub merchant: String,
    /// The order's number.
    pub order_number: Option<String>,
    /// The shop's word for it.
    pub reference: String,
    /// `start`, `further_step` or `done`.
    pub stage: &'static str,
    /// What was decided.
    pub result: Option<&'static str>,
    /// Back to the shop.
    pub return_url: Option<String>,
}

/// The page's route; none where the provider is off.
pub(crate) fn routes(is_on: bool) -> Router<Storefront> {
    let router = Router::new();
    if is_on {
        router.route(&format!("{PATH}/{{reference}}"), get(show).post(choose))
    } else {
        router
    }
}

fn provider(storefront: &Storefront) -> Result<&dyn HostedTestPage, Problem> {
    storefront
        .test_page()
        .map(|page| &**page)
        .ok_or_else(|| Problem::new(kernel::Code::NotFound))
}

async fn show(
    State(storefront): State<Storefront>,
    visit: Visit,
    Path(reference): Path<String>,
) -> Result<Response, Problem> {
    let payment = provider(&storefront)?.page(&reference).await?;
    let (base, ()) = storefront.read(&visit, |_, _| Ok(())).await?;
    let gateway = TestGatewayView {
        action: format!("{PATH}/{reference}"),
        csrf: Some(visit.visitor.csrf_token()).filter(|token| !token.is_empty()),
        amount: payment.amount,
        merchant: base.settings().shop.name.clone(),
        order_number: payment.order_number,
        reference: payment.reference,
        stage: payment.stage.as_str(),
        result: payment.result.map(TestResult::as_str),
        return_url: payment.return_url,
    };
    storefront
        .sheet(&visit, &base)
        .private()
        .draw(&TestGatewayPage { gateway })
}

/// The button that was pressed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pressed {
    outcome: String,
}

async fn choose(
    State(storefront): State<Storefront>,
    Path(reference): Path<String>,
    Form(pressed): Form<Pressed>,
) -> Result<Response, Problem> {
    let choice: Choice = pressed.outcome.parse().map_err(|_unknown| {
        Problem::with_detail(kernel::Code::BadRequest, "press one of the buttons")
    })?;
    let (own, chosen) = (storefront.clone(), reference.clone());
    let payment = web::run(async move { provider(&own)?.choose(&chosen, choice).await }).await??;
    let decided = matches!(
        payment.result,
        Some(TestResult::Approved | TestResult::Declined)
    );
    match payment.return_url.filter(|_| decided) {
        Some(back) => web::see_other(&back),
        // A late or missing answer is told on the page: nobody would know otherwise what to wait for.
        None => web::see_other(&format!("{PATH}/{reference}")),
    }
}

impl Page for TestGatewayPage {
    const TEMPLATE: &'static str = "pages/test_gateway.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let start = TestGatewayView {
            action: format!("{PATH}/0123456789"),
            csrf: Some("MFRGGZDF".to_owned()),
            amount: kernel::Currency::EUR.minor(14_095),
            merchant: "Wrenfold".to_owned(),
            order_number: None,
            reference: "K00000".to_owned(),
            stage: "start",
            result: None,
            return_url: None,
        };
        let page = |gateway| Self { gateway };
        let mut samples = vec![
            ("start", page(start.clone())),
            (
                "further step",
                page(TestGatewayView {
                    stage: "further_step",
                    csrf: None,
                    ..start.clone()
                }),
            ),
        ];
        samples.extend(TestResult::ALL.iter().map(|result| {
            let done = TestGatewayView {
                stage: "done",
                result: Some(result.as_str()),
                return_url: Some("/checkout/return".to_owned()),
                order_number: Some("1042".to_owned()),
                ..start.clone()
            };
            (result.as_str(), page(done))
        }));
        samples
    }
}

//! The page of the test payment provider.

use std::sync::{Arc, Mutex};

use commerce::testing::{TestShop, euros};
use futures_util::future::BoxFuture;
use kernel::Code;
use storefront::{Choice, HostedTestPage, TestPayment, TestResult, TestStage};
use web::Problem;

use crate::browser::{Browser, open, open_with};

/// A provider with one payment, `ref1`, that keeps what was chosen.
#[derive(Default)]
struct Provider(Mutex<Option<Choice>>);

impl Provider {
    fn payment(&self, reference: &str) -> Result<TestPayment, Problem> {
        if reference != "ref1" {
            return Err(Problem::new(Code::NotFound));
        }
        let (stage, result) = match *self.0.lock().unwrap() {
            None => (TestStage::Start, None),
            Some(Choice::FurtherStep) => (TestStage::FurtherStep, None),
            Some(Choice::Approve) => (TestStage::Done, Some(TestResult::Approved)),
            Some(Choice::Decline) => (TestStage::Done, Some(TestResult::Declined)),
            Some(Choice::Late) => (TestStage::Done, Some(TestResult::Late)),
            Some(Choice::Never) => (TestStage::Done, Some(TestResult::Never)),
        };
        Ok(TestPayment {
            amount: euros(4_090),
            order_number: None,
            reference: "K7".to_owned(),
            stage,
            result,
            return_url: Some("https://shop.example/checkout/return".to_owned()),
        })
    }
}

impl HostedTestPage for Provider {
    fn page<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Result<TestPayment, Problem>> {
        Box::pin(async move { self.payment(reference) })
    }

    fn choose<'a>(
        &'a self,
        reference: &'a str,
        choice: Choice,
    ) -> BoxFuture<'a, Result<TestPayment, Problem>> {
        Box::pin(async move {
            *self.0.lock().unwrap() = Some(choice);
            self.payment(reference)
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_buyer_chooses_what_the_bank_says() {
    let shop = TestShop::sqlite().await;
    let app = open_with(&shop, |storefront| {
        storefront.with_test_page(Arc::new(Provider::default()))
    });
    let mut browser = Browser::new(&app);
    let page = "/test-gateway/pay/ref1";
    browser.get(page).await.says(
        200,
        &["TEST MODE: no money moves", "€40.90", "Wrenfold", "K7"],
    );
    assert_eq!(
        browser
            .post(page, &[("outcome", "further_step")])
            .await
            .leads_to(),
        page
    );
    browser
        .get(page)
        .await
        .says(200, &["The bank asks once more"]);
    assert_eq!(
        browser.post(page, &[("outcome", "late")]).await.leads_to(),
        page
    );
    browser
        .get(page)
        .await
        .says(200, &["The answer will come later", "Back to Wrenfold"]);
    let back = "https://shop.example/checkout/return";
    for decided in ["approve", "decline"] {
        let answer = browser.post(page, &[("outcome", decided)]).await;
        assert_eq!(answer.leads_to(), back);
    }
    for bad in [("outcome", "steal"), ("amount", "1")] {
        assert_eq!(browser.post(page, &[bad]).await.status.as_u16(), 400);
    }
    let other = browser.get("/test-gateway/pay/ref2").await;
    assert_eq!(other.status.as_u16(), 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_provider_there_is_no_such_page() {
    let shop = TestShop::sqlite().await;
    let mut browser = Browser::new(&open(&shop));
    browser
        .get("/test-gateway/pay/ref1")
        .await
        .says(404, &["We cannot find that page"]);
}

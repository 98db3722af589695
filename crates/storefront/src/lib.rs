//! The pages a shopper sees.
//!
//! A handler reads a form or a query, calls one operation of `commerce` (or reads in one transaction), and draws one page.
//! What the templates receive is written in `themes/default/CONTEXTS.md`; the structs of [`pages`] are that contract in types.
//!
//! Invariants:
//! - a page reads in one transaction, with a number of statements that does not depend on how much there is;
//! - prices and totals come from `commerce` as they are: nothing here adds or changes an amount that is owed;
//! - no form has a field for a price, and a form with a field it does not know changes nothing;
//! - bag, checkout and orders are kept by no cache; what is kept for everybody is in `cache`.
//!
//! Not here: rules of the shop, SQL, how a payment gateway works, sessions and headers (crate `web`).

mod cache;
mod errors;
mod frame;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod pages;
mod say;
mod storefront;
mod test_gateway;
pub mod views;
mod webhooks;

use axum::Router;
use templates::{Frames, Samples};

pub use cache::DEFAULT_BYTES as DEFAULT_PAGE_CACHE;
pub use frame::{Frame, PageView, ShopView};
pub use storefront::Storefront;
pub use test_gateway::{
    Choice, HostedTestPage, TestGatewayPage, TestGatewayView, TestPayment, TestResult, TestStage,
};

/// All pages and files of the storefront.
pub fn routes(storefront: &Storefront) -> Router {
    pages::routes()
        .merge(webhooks::routes())
        .merge(test_gateway::routes(storefront.has_test_page()))
        .with_state(storefront.clone())
        .merge(web::assets::routes(storefront.templates().clone()))
}

/// Every page with its samples: for tests and for `theme check`.
pub fn samples() -> Vec<Samples> {
    let mut samples = pages::samples();
    samples.push(Samples::of_page::<test_gateway::TestGatewayPage>());
    samples.push(Samples::of_page::<web::ErrorPage>());
    samples
}

/// The frames every page is tried in: a shop with everything, and one about which hardly anything is known.
pub fn frames() -> Frames {
    Frames::new()
        .with("full", &Frame::full_sample())
        .with("bare", &Frame::bare_sample())
}

#[cfg(test)]
mod tests {
    use templates::{Settings, Templates};

    #[test]
    fn every_page_can_be_drawn_from_its_samples() {
        let templates = Templates::load(Settings::strict()).unwrap();
        let faults = templates
            .check(&super::samples(), &super::frames())
            .unwrap();
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "{}", lines.join("\n"));
    }
}

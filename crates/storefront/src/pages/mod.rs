//! The pages, one file each: where it is, what it reads, what its template receives.

pub mod cart;
pub mod checkout;
pub mod empty_shop;
mod files;
#[cfg(feature = "testing")]
pub(crate) mod fuzzing;
pub mod home;
pub mod listing;
mod media;
pub mod order;
pub mod product;
pub mod search;

use axum::Router;
use axum::routing::{get, post};
use templates::Samples;

use crate::storefront::Storefront;

/// All pages.
pub(crate) fn routes() -> Router<Storefront> {
    Router::new()
        .route("/", get(home::show))
        .route("/c/{slug}", get(listing::category))
        .route("/collections/{slug}", get(listing::collection))
        .route("/products/{slug}", get(product::show))
        .route("/search", get(search::show))
        .route("/cart", get(cart::show))
        .route("/cart/lines", post(cart::add))
        .route("/cart/lines/{id}", post(cart::change))
        .route("/checkout", get(checkout::show).post(checkout::save))
        .route("/checkout/complete", post(checkout::complete))
        .route("/checkout/return", get(checkout::come_back))
        .route("/checkout/cancel-payment", post(checkout::cancel_payment))
        .route("/orders/{token}", get(order::show))
        .route("/media/{hash}/{file}", get(media::show))
        .route("/robots.txt", get(files::robots))
        .route("/favicon.ico", get(files::favicon))
        .route(crate::storefront::MANIFEST, get(files::manifest))
}

/// Every page with its samples.
pub(crate) fn samples() -> Vec<Samples> {
    vec![
        Samples::of_page::<home::HomePage>(),
        Samples::of_page::<empty_shop::EmptyShopPage>(),
        Samples::of_page::<listing::CategoryPage>(),
        Samples::of_page::<product::ProductPage>(),
        Samples::of_page::<search::SearchPage>(),
        Samples::of_page::<cart::CartPage>(),
        Samples::of_page::<checkout::CheckoutPage>(),
        Samples::of_page::<order::OrderPage>(),
        Samples::of_page::<files::Manifest>(),
    ]
}

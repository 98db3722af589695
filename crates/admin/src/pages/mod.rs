//! The pages, one file or folder each: where it is, what it needs, what it reads, what its template receives.

pub mod account;
pub mod activity;
pub mod categories;
pub mod collections;
pub mod customers;
pub mod home;
pub mod inventory;
pub mod invitation;
pub mod jump;
pub mod link;
pub mod mails;
pub mod orders;
pub mod products;
pub mod settings;
pub mod setup;
pub mod sign_in;
pub mod staff;

use axum::Router;
use templates::Samples;

use crate::admin::Admin;
use crate::routes::Route;

macro_rules! pages {
    ($($page:ident),+ $(,)?) => {
        /// Every route with what it needs.
        pub(crate) fn all() -> Vec<Route> {
            [$($page::ROUTES),+].concat()
        }

        /// All pages.
        pub(crate) fn router() -> Router<Admin> {
            Router::new()$(.merge($page::routes()))+
        }
    };
}

pages! {
    account,
    activity,
    categories,
    collections,
    customers,
    home,
    inventory,
    invitation,
    jump,
    link,
    mails,
    orders,
    products,
    settings,
    setup,
    sign_in,
    staff,
}

/// Every page with its samples.
pub(crate) fn samples() -> Vec<Samples> {
    let at_the_door = vec![
        Samples::of_page::<invitation::InvitationPage>(),
        Samples::of_page::<link::LinkPage>(),
        Samples::of_page::<setup::SetupPage>(),
        Samples::of_page::<sign_in::CodePage>(),
        Samples::of_page::<sign_in::SignInPage>(),
    ];
    let pages = [
        at_the_door,
        categories::samples(),
        collections::samples(),
        customers::samples(),
        inventory::samples(),
        mails::samples(),
        orders::samples(),
        products::samples(),
    ];
    pages.into_iter().flatten().collect()
}

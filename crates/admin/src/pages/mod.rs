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
    let ours = vec![
        Samples::of_page::<account::AccountPage>(),
        Samples::of_page::<account::RecoveryCodesPage>(),
        Samples::of_page::<account::SecondFactorPage>(),
        Samples::of_page::<activity::ActivityPage>(),
        Samples::of_page::<home::HomePage>(),
        Samples::of_page::<invitation::InvitationPage>(),
        Samples::of_page::<jump::JumpPage>(),
        Samples::of_page::<jump::JumpPart>(),
        Samples::of_page::<link::LinkPage>(),
        Samples::of_page::<setup::SetupPage>(),
        Samples::of_page::<sign_in::CodePage>(),
        Samples::of_page::<sign_in::SignInPage>(),
        Samples::of_page::<staff::StaffLinkPage>(),
        Samples::of_page::<staff::StaffPage>(),
    ];
    let pages = [
        ours,
        categories::samples(),
        collections::samples(),
        customers::samples(),
        inventory::samples(),
        mails::samples(),
        orders::samples(),
        products::samples(),
        settings::samples(),
    ];
    pages.into_iter().flatten().collect()
}

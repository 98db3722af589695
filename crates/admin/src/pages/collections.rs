//! `/admin/collections`: rows of products put together by hand.

mod edit;
mod list;

use templates::Samples;

pub use edit::CollectionPage;
pub use list::CollectionsPage;

crate::routes! {
    get "/admin/collections" (ViewProducts) list::show;
    post "/admin/collections" (EditProducts) list::create;
    get "/admin/collections/{id}" (ViewProducts) edit::show;
    post "/admin/collections/{id}" (EditProducts) edit::save;
    post "/admin/collections/{id}/delete" (EditProducts) edit::delete;
}

/// The pages with their samples.
pub(crate) fn samples() -> Vec<Samples> {
    vec![
        Samples::of_page::<CollectionsPage>(),
        Samples::of_page::<CollectionPage>(),
    ]
}

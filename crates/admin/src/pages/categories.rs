//! `/admin/categories`: the tree of categories, and each category with its products.

mod edit;
mod tree;

use templates::Samples;

pub use edit::CategoryPage;
pub use tree::TreePage;
pub(crate) use tree::fault;

crate::routes! {
    get "/admin/categories" (ViewProducts) tree::show;
    post "/admin/categories" (EditProducts) tree::create;
    get "/admin/categories/{id}" (ViewProducts) edit::show;
    post "/admin/categories/{id}" (EditProducts) edit::save;
    post "/admin/categories/{id}/move" (EditProducts) tree::shift;
    post "/admin/categories/{id}/delete" (EditProducts) edit::delete;
}

/// The pages with their samples.
pub(crate) fn samples() -> Vec<Samples> {
    vec![
        Samples::of_page::<TreePage>(),
        Samples::of_page::<CategoryPage>(),
    ]
}

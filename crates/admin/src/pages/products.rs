//! `/admin/products`: the list, starting a product, and the page it is edited on.

mod command;
mod compare;
mod edit;
mod faults;
mod form;
#[cfg(feature = "testing")]
pub mod fuzzing;
mod list;
mod new;
mod pictures;
mod ready;
mod save;
mod view;

use commerce::catalog::ProductPicture;
use commerce::notifications::view::picture_url;
use serde::Serialize;
use templates::Samples;

pub use edit::EditPage;
pub use list::ListPage;
pub use new::NewPage;

crate::routes! {
    get "/admin/products" (ViewProducts) list::show;
    post "/admin/products" (EditProducts) new::start;
    post "/admin/products/status" (EditProducts) list::set_status;
    get "/admin/products/new" (EditProducts) new::show;
    get "/admin/products/{id}" (ViewProducts) edit::show;
    post "/admin/products/{id}" (EditProducts) save::save;
    post "/admin/products/{id}/pictures" (EditProducts) pictures::take;
    post "/admin/products/{id}/duplicate" (EditProducts) edit::duplicate;
}

/// The pages with their samples.
pub(crate) fn samples() -> Vec<Samples> {
    vec![
        Samples::of_page::<ListPage>(),
        Samples::of_page::<NewPage>(),
        Samples::of_page::<EditPage>(),
    ]
}

/// A small picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Thumb {
    /// Its address.
    pub src: String,
    /// What it shows; empty where the words beside it say as much.
    pub alt: String,
}

impl Thumb {
    /// A product's picture, about so wide.
    pub(crate) fn of(picture: &ProductPicture, width: u32) -> Self {
        let width = picture.picture.widths.at_least(width);
        Self {
            src: picture_url(picture.picture.hash.as_str(), i64::from(width)),
            alt: String::new(),
        }
    }
}

/// The address of a product's page.
pub(crate) fn product_url(id: &kernel::ProductId) -> String {
    format!("/admin/products/{id}")
}

/// A sentence of an error: it begins with a capital letter and ends with a full stop.
pub(crate) fn sentence(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    let stop = if text.ends_with('.') { "" } else { "." };
    format!("{}{}{stop}", first.unwrap_or_default(), letters.as_str())
}

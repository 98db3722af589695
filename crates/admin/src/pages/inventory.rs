//! `/admin/inventory`: how much there is of every variant, the movements behind each figure, and correcting it.

mod list;
mod locations;
mod variant;

use templates::Samples;

pub use list::LevelsPage;
pub use locations::LocationsPage;
pub use variant::VariantPage;

crate::routes! {
    get "/admin/inventory" (ViewStock) list::show;
    get "/admin/inventory/locations" (ViewStock) locations::show;
    post "/admin/inventory/locations" (AdjustStock) locations::add;
    get "/admin/inventory/{variant}" (ViewStock) variant::show;
    post "/admin/inventory/{variant}" (AdjustStock) variant::adjust;
}

/// The pages with their samples.
pub(crate) fn samples() -> Vec<Samples> {
    vec![
        Samples::of_page::<LevelsPage>(),
        Samples::of_page::<VariantPage>(),
        Samples::of_page::<LocationsPage>(),
    ]
}

//! The pages staff run the shop with.
//!
//! A page is a handler, a typed context with samples and a template in `themes/admin/pages`. Its routes stand in its own
//! module with what each of them needs; a handler gets its permission as a value ([`desk::Desk`]), which is the only way to
//! the operations of crate `commerce`.
//!
//! Invariants:
//! - what is not listed as public is for staff who are signed in, and whose role holds what the route names;
//! - nothing here is kept by a cache, and no merchant's theme reaches these pages;
//! - every form works without script, and a refused one comes back as it was typed.
//!
//! Not here: rules of the shop, SQL, sessions and headers (crates `commerce` and `web`).

mod admin;
mod desk;
mod errors;
mod frame;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod pages;
mod routes;
mod told;
pub mod views;

use axum::Router;
use templates::{Frames, Samples};

pub use admin::Admin;
pub use frame::Frame;
pub use routes::{Needs, Route};

/// All pages and files of the back office.
pub fn routes(admin: &Admin) -> Router {
    pages::router()
        .with_state(admin.clone())
        .merge(web::assets::office_routes(admin.templates().clone()))
}

/// Every route with what it needs, for the table of permissions.
pub fn all_routes() -> Vec<Route> {
    pages::all()
}

/// Every page with its samples: for tests.
pub fn samples() -> Vec<Samples> {
    let mut samples = pages::samples();
    samples.push(Samples::of_page::<web::ErrorPage>());
    samples
}

/// The frames every page is tried in.
pub fn frames() -> Frames {
    Frames::new()
        .with("owner", &Frame::owner_sample())
        .with("nobody", &Frame::nobody_sample())
}

#[cfg(test)]
mod tests {
    use templates::{Settings, Templates};

    #[test]
    fn every_page_can_be_drawn_from_its_samples() {
        let templates = Templates::back_office(Settings::strict()).unwrap();
        let faults = templates
            .check(&super::samples(), &super::frames())
            .unwrap();
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "{}", lines.join("\n"));
    }
}

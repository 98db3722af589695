//! `/admin/settings/shop`: who the shop is.

use axum::extract::State;
use axum::response::Response;
use commerce::settings::{NewSection, Settings, ShopSettings, Versions, load_versioned};
use commerce::staff::{EditSettings, ViewSettings};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use templates::Page;
use web::{Form, Problem};

use super::{Difference, SectionForm, optional, save_as_seen};
use crate::admin::Admin;
use crate::desk::{Desk, Staffer};
use crate::frame::Section;
use crate::told::Told;
use crate::views::{Choice, FormError};

const HERE: &str = "/admin/settings/shop";

/// `pages/settings/shop.html`.
#[derive(Debug, Clone, Serialize)]
pub struct ShopPage {
    /// What is wrong with what was sent.
    pub errors: Vec<FormError>,
    /// What somebody else has changed meanwhile.
    pub conflict: Vec<Difference>,
    /// The fields.
    pub form: ShopForm,
    /// Time zones to choose from.
    pub zones: Vec<Choice>,
}

/// The fields, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShopForm {
    /// The version somebody saw.
    pub version: i64,
    /// The shop's name.
    pub name: String,
    /// One line under the name.
    pub tagline: String,
    /// One sentence saying what is sold.
    pub intro: String,
    /// A line above every page.
    pub announcement: String,
    /// Where buyers write to.
    pub email: String,
    /// Where it is, line by line.
    pub address: String,
    /// The zone of its days.
    pub time_zone: String,
}

impl SectionForm for ShopForm {
    const LABELS: &'static str = "settings.shop";

    fn now(settings: &Settings, versions: &Versions) -> Self {
        Self::of(&settings.shop, versions.shop)
    }

    fn seen(&mut self) -> &mut i64 {
        &mut self.version
    }
}

impl ShopForm {
    fn of(shop: &ShopSettings, version: i64) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Self {
            version,
            name: shop.name.clone(),
            tagline: text(&shop.tagline),
            intro: text(&shop.intro),
            announcement: text(&shop.announcement),
            email: text(&shop.email),
            address: shop.address_lines.join("\n"),
            time_zone: shop.time_zone.clone(),
        }
    }

    fn settings(&self) -> ShopSettings {
        ShopSettings {
            name: self.name.clone(),
            tagline: optional(&self.tagline),
            intro: optional(&self.intro),
            announcement: optional(&self.announcement),
            email: optional(&self.email),
            address_lines: self.address.lines().filter_map(optional).collect(),
            time_zone: self.time_zone.clone(),
        }
    }
}

impl Page for ShopPage {
    const TEMPLATE: &'static str = "pages/settings/shop.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let form = ShopForm {
            version: 3,
            name: "Wrenfold <b>".to_owned(),
            tagline: "Pots of the north".to_owned(),
            email: "hello@wrenfold.example".to_owned(),
            address: "Kade 12\n1011 AB Amsterdam".to_owned(),
            time_zone: "Europe/Amsterdam".to_owned(),
            ..ShopForm::default()
        };
        let ordinary = Self {
            errors: Vec::new(),
            conflict: Vec::new(),
            zones: zones(&form.time_zone),
            form,
        };
        let refused = Self {
            errors: vec![FormError::at("name", "Fill this in.")],
            ..ordinary.clone()
        };
        let conflict = Self {
            conflict: vec![Difference {
                label: "Tagline".to_owned(),
                mine: "Pots of the north".to_owned(),
                theirs: "<b>Cups".to_owned(),
            }],
            ..ordinary.clone()
        };
        vec![
            ("ordinary", ordinary),
            ("refused", refused),
            ("conflict", conflict),
        ]
    }
}

/// `GET /admin/settings/shop`.
pub(super) async fn show(
    State(admin): State<Admin>,
    desk: Desk<ViewSettings>,
) -> Result<Response, Problem> {
    let read = admin.read(&desk.staff, |tx, _base| Ok(load_versioned(tx)?));
    let (_base, (settings, versions)) = read.await?;
    let form = ShopForm::now(&settings, &versions);
    draw(&admin, &desk.staff, StatusCode::OK, page(form)).await
}

/// `POST /admin/settings/shop`.
pub(super) async fn save(
    State(admin): State<Admin>,
    desk: Desk<EditSettings>,
    Form(form): Form<ShopForm>,
) -> Result<Response, Problem> {
    let section = NewSection::Shop(form.settings());
    let Some(refused) = save_as_seen(&admin, desk.by, (section, form)).await? else {
        return desk.staff.done(HERE, &Told::new("settings.told.saved"));
    };
    let status = refused.status;
    let page = ShopPage {
        errors: refused.errors,
        conflict: refused.conflict,
        ..page(refused.form)
    };
    draw(&admin, &desk.staff, status, page).await
}

fn page(form: ShopForm) -> ShopPage {
    ShopPage {
        errors: Vec::new(),
        conflict: Vec::new(),
        zones: zones(&form.time_zone),
        form,
    }
}

async fn draw(
    admin: &Admin,
    staff: &Staffer,
    status: StatusCode,
    page: ShopPage,
) -> Result<Response, Problem> {
    let (base, ()) = admin.read(staff, |_tx, _base| Ok(())).await?;
    admin
        .sheet(staff, &base)
        .section(Section::Settings)
        .status(status)
        .draw(&page)
}

/// Every zone this machine knows that has a place in its name, and the present one.
fn zones(chosen: &str) -> Vec<Choice> {
    let mut names: Vec<String> = jiff::tz::db()
        .available()
        .map(|name| name.as_str().to_owned())
        .filter(|name| name.contains('/') && !name.starts_with("Etc/") && !name.starts_with("US/"))
        .collect();
    names.push("UTC".to_owned());
    names.push(chosen.to_owned());
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .map(|name| Choice {
            chosen: name == chosen,
            label: name.replace('_', " "),
            value: name,
        })
        .collect()
}

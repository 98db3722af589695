//! `/admin/settings/delivery/zones/…`: a zone and its countries.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::response::Response;
use commerce::delivery::desk::{change_zone, delete_zone, zones};
use commerce::delivery::{CreateZone, create_zone};
use commerce::staff::EditSettings;
use http::StatusCode;
use kernel::{Code, Coded, Country, DeliveryZoneId};
use serde::Serialize;
use templates::Page;
use web::{Fields, Problem};

use super::delivery::{HERE, refused, told};
use crate::admin::Admin;
use crate::desk::{Desk, Staffer};
use crate::frame::Section;
use crate::pages::sign_in::status_of;
use crate::told::Told;
use crate::views::FormError;

/// `pages/settings/zone.html`.
#[derive(Debug, Clone, Serialize)]
pub struct ZonePage {
    /// What is wrong with what was sent.
    pub errors: Vec<FormError>,
    /// Its id; none for a new one.
    pub id: Option<String>,
    /// What somebody saw of it.
    pub seen: String,
    /// Its name.
    pub name: String,
    /// Every country.
    pub countries: Vec<CountryView>,
}

/// A country to tick.
#[derive(Debug, Clone, Serialize)]
pub struct CountryView {
    /// Its code.
    pub code: &'static str,
    /// Its name.
    pub name: String,
    /// Whether it belongs to the zone.
    pub chosen: bool,
    /// The other zone it belongs to.
    pub taken_by: Option<String>,
}

impl Page for ZonePage {
    const TEMPLATE: &'static str = "pages/settings/zone.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let country = |code, chosen, taken_by: Option<&str>| CountryView {
            code,
            name: format!("Land {code}"),
            chosen,
            taken_by: taken_by.map(str::to_owned),
        };
        let new = Self {
            errors: Vec::new(),
            id: None,
            seen: String::new(),
            name: String::new(),
            countries: vec![
                country("NL", false, Some("<b>Near")),
                country("SE", true, None),
            ],
        };
        let refused = Self {
            errors: vec![
                FormError::at("name", "Give it a name."),
                FormError::at("countries", "Taken."),
            ],
            id: Some("zone_1".to_owned()),
            ..new.clone()
        };
        vec![("new", new), ("refused", refused)]
    }
}

struct Typed {
    id: Option<DeliveryZoneId>,
    seen: String,
    name: String,
    countries: BTreeSet<Country>,
}

impl Typed {
    fn read(id: Option<DeliveryZoneId>, fields: &Fields) -> Self {
        Self {
            id,
            seen: fields.get("seen").unwrap_or_default().to_owned(),
            name: fields.get("name").unwrap_or_default().to_owned(),
            countries: fields
                .with_prefix("country.")
                .filter_map(|(code, _)| Country::parse(code).ok())
                .collect(),
        }
    }

    fn zone(&self) -> CreateZone {
        CreateZone {
            name: self.name.clone(),
            countries: self.countries.iter().copied().collect(),
        }
    }
}

/// `GET /admin/settings/delivery/zones/new`.
pub(super) async fn new(
    State(admin): State<Admin>,
    desk: Desk<EditSettings>,
) -> Result<Response, Problem> {
    let typed = Typed::read(None, &Fields::default());
    draw(&admin, &desk.staff, StatusCode::OK, (typed, Vec::new())).await
}

/// `POST /admin/settings/delivery/zones`.
pub(super) async fn create(
    State(admin): State<Admin>,
    desk: Desk<EditSettings>,
    fields: Fields,
) -> Result<Response, Problem> {
    let typed = Typed::read(None, &fields);
    let (shop, by, cmd) = (admin.shop().clone(), desk.by, typed.zone());
    match web::run(async move { create_zone(&shop, by, cmd).await }).await? {
        Ok(_) => desk.staff.done(
            HERE,
            &Told::new("settings.told.zone_saved").with("name", typed.name),
        ),
        Err(error) => {
            let status = status_of(error.code());
            let errors = vec![refused(&admin.words()?, error)?];
            draw(&admin, &desk.staff, status, (typed, errors)).await
        }
    }
}

/// `GET /admin/settings/delivery/zones/{id}`.
pub(super) async fn edit(
    State(admin): State<Admin>,
    desk: Desk<EditSettings>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = parse(&id)?;
    let wanted = id.clone();
    let read = admin.read(&desk.staff, move |tx, _base| {
        Ok(zones(tx)?.into_iter().find(|zone| zone.id == wanted))
    });
    let (_base, zone) = read.await?;
    let zone = zone.ok_or_else(|| Problem::new(Code::NotFound))?;
    let typed = Typed {
        seen: zone.seen(),
        id: Some(id),
        name: zone.name,
        countries: zone.countries.into_iter().collect(),
    };
    draw(&admin, &desk.staff, StatusCode::OK, (typed, Vec::new())).await
}

/// `POST /admin/settings/delivery/zones/{id}`.
pub(super) async fn change(
    State(admin): State<Admin>,
    desk: Desk<EditSettings>,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let id = parse(&id)?;
    let typed = Typed::read(Some(id.clone()), &fields);
    let (shop, by, cmd) = (admin.shop().clone(), desk.by, typed.zone());
    let which = (id, typed.seen.clone());
    match web::run(async move { change_zone(&shop, by, which, cmd).await }).await? {
        Ok(()) => desk.staff.done(
            HERE,
            &Told::new("settings.told.zone_saved").with("name", typed.name),
        ),
        Err(error) => {
            let status = status_of(error.code());
            let errors = vec![told(&admin.words()?, error)?];
            draw(&admin, &desk.staff, status, (typed, errors)).await
        }
    }
}

/// `POST /admin/settings/delivery/zones/{id}/delete`.
pub(super) async fn delete(
    State(admin): State<Admin>,
    desk: Desk<EditSettings>,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let id = parse(&id)?;
    let typed = Typed::read(Some(id.clone()), &fields);
    let which = (id, typed.seen.clone());
    let (shop, by) = (admin.shop().clone(), desk.by);
    match web::run(async move { delete_zone(&shop, by, which).await }).await? {
        Ok(()) => desk
            .staff
            .done(HERE, &Told::new("settings.told.zone_deleted")),
        Err(error) => {
            let status = status_of(error.code());
            let errors = vec![told(&admin.words()?, error)?];
            draw(&admin, &desk.staff, status, (typed, errors)).await
        }
    }
}

fn parse(id: &str) -> Result<DeliveryZoneId, Problem> {
    id.parse().map_err(|_no_id| Problem::new(Code::NotFound))
}

async fn draw(
    admin: &Admin,
    staff: &Staffer,
    status: StatusCode,
    (typed, errors): (Typed, Vec<FormError>),
) -> Result<Response, Problem> {
    let (base, zones) = admin.read(staff, |tx, _base| Ok(zones(tx)?)).await?;
    let say = admin.words()?;
    // After a conflict the next save is against what is there now.
    let now = zones
        .iter()
        .find(|zone| Some(&zone.id) == typed.id.as_ref());
    let country = |country: Country| CountryView {
        code: country.code(),
        name: say.country(country),
        chosen: typed.countries.contains(&country),
        taken_by: zones
            .iter()
            .find(|zone| Some(&zone.id) != typed.id.as_ref() && zone.countries.contains(&country))
            .map(|zone| zone.name.clone()),
    };
    let mut countries: Vec<CountryView> = Country::all().map(country).collect();
    countries.sort_by(|a, b| a.name.cmp(&b.name));
    let page = ZonePage {
        errors,
        seen: now
            .map(commerce::delivery::desk::Zone::seen)
            .unwrap_or_default(),
        id: typed.id.map(|id| id.to_string()),
        name: typed.name,
        countries,
    };
    admin
        .sheet(staff, &base)
        .section(Section::Settings)
        .status(status)
        .draw(&page)
}

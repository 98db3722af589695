//! `/admin/settings/delivery`: zones with their countries, and the ways to deliver to each.

use axum::extract::State;
use axum::response::Response;
use commerce::delivery::CreateDeliveryError;
use commerce::delivery::desk::{self, ChangeDeliveryError, MethodAtDesk, Zone};
use commerce::staff::ViewSettings;
use kernel::Money;
use pricing::DeliveryKind;
use serde::Serialize;
use templates::{Page, Say};
use web::Problem;

use crate::admin::Admin;
use crate::desk::Desk;
use crate::frame::Section;
use crate::views::FormError;

pub(super) const HERE: &str = "/admin/settings/delivery";

/// `pages/settings/delivery.html`.
#[derive(Debug, Clone, Serialize)]
pub struct DeliveryPage {
    /// The zones.
    pub zones: Vec<ZoneView>,
    /// Ways of no zone: pick-up.
    pub everywhere: Vec<MethodView>,
}

/// A zone.
#[derive(Debug, Clone, Serialize)]
pub struct ZoneView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its countries, in words.
    pub countries: String,
    /// Its ways.
    pub methods: Vec<MethodView>,
}

/// A way to deliver.
#[derive(Debug, Clone, Serialize)]
pub struct MethodView {
    /// Its page.
    pub url: String,
    /// Its name.
    pub name: String,
    /// `flat`, `by_weight` or `pickup`.
    pub kind: &'static str,
    /// What it costs, at least.
    pub price: Option<Money>,
    /// From how much on it is free.
    pub free_over: Option<Money>,
    /// Working days.
    pub days: (i64, i64),
    /// Whether buyers can choose it.
    pub active: bool,
}

impl Page for DeliveryPage {
    const TEMPLATE: &'static str = "pages/settings/delivery.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let method = |kind, active| MethodView {
            url: "/admin/settings/delivery/methods/dm_1".to_owned(),
            name: "Post <b>".to_owned(),
            kind,
            price: Some(kernel::Currency::EUR.minor(490)),
            free_over: Some(kernel::Currency::EUR.minor(6_000)),
            days: (1, 2),
            active,
        };
        let filled = Self {
            zones: vec![ZoneView {
                id: "zone_1".to_owned(),
                name: "Near <i>".to_owned(),
                countries: "Belgium, Netherlands".to_owned(),
                methods: vec![method("flat", true), method("by_weight", false)],
            }],
            everywhere: vec![method("pickup", true)],
        };
        let bare = Self {
            zones: Vec::new(),
            everywhere: Vec::new(),
        };
        vec![("filled", filled), ("nothing yet", bare)]
    }
}

/// `GET /admin/settings/delivery`.
pub(super) async fn show(
    State(admin): State<Admin>,
    desk: Desk<ViewSettings>,
) -> Result<Response, Problem> {
    let read = admin.read(&desk.staff, |tx, _base| {
        Ok((desk::zones(tx)?, desk::methods(tx)?))
    });
    let (base, (zones, methods)) = read.await?;
    let say = admin.words()?;
    let of = |zone: Option<&Zone>| -> Vec<MethodView> {
        methods
            .iter()
            .filter(|one| one.zone_id.as_ref() == zone.map(|zone| &zone.id))
            .map(method_view)
            .collect()
    };
    let zone = |zone: &Zone| ZoneView {
        id: zone.id.to_string(),
        name: zone.name.clone(),
        countries: country_names(&say, zone),
        methods: of(Some(zone)),
    };
    let page = DeliveryPage {
        zones: zones.iter().map(zone).collect(),
        everywhere: of(None),
    };
    admin
        .sheet(&desk.staff, &base)
        .section(Section::Settings)
        .draw(&page)
}

fn country_names(say: &Say, zone: &Zone) -> String {
    let mut names: Vec<String> = zone.countries.iter().map(|one| say.country(*one)).collect();
    names.sort_unstable();
    names.join(", ")
}

fn method_view(one: &MethodAtDesk) -> MethodView {
    let (kind, price) = match &one.method.rule.kind {
        DeliveryKind::Flat { price } => ("flat", Some(*price)),
        DeliveryKind::ByWeight { tiers } => (
            "by_weight",
            tiers
                .iter()
                .map(|tier| tier.price)
                .min_by_key(|price| price.minor()),
        ),
        DeliveryKind::Pickup => ("pickup", None),
    };
    MethodView {
        url: format!("{HERE}/methods/{}", one.method.id),
        name: one.method.name.clone(),
        kind,
        price,
        free_over: one.method.rule.free_over,
        days: (one.method.min_days, one.method.max_days),
        active: one.active,
    }
}

/// What the page says about a zone or method that was not saved.
pub(super) fn told(say: &Say, error: ChangeDeliveryError) -> Result<FormError, Problem> {
    Ok(match error {
        ChangeDeliveryError::NotFound => return Err(Problem::new(kernel::Code::NotFound)),
        ChangeDeliveryError::Stale => FormError::of_form(say.text("settings.delivery.stale")),
        ChangeDeliveryError::HasMethods => {
            FormError::of_form(say.text("settings.delivery.has_methods"))
        }
        ChangeDeliveryError::Refused(error) => refused(say, error)?,
        ChangeDeliveryError::Internal(error) => return Err(error.into()),
    })
}

/// What the page says about a zone or method that cannot be.
pub(super) fn refused(say: &Say, error: CreateDeliveryError) -> Result<FormError, Problem> {
    Ok(match error {
        CreateDeliveryError::CountryTaken => {
            FormError::at("countries", say.text("settings.delivery.country_taken"))
        }
        CreateDeliveryError::ZoneGone => {
            FormError::at("zone", say.text("settings.delivery.zone_gone"))
        }
        CreateDeliveryError::PlaceGone => {
            FormError::at("place", say.text("settings.delivery.place_gone"))
        }
        CreateDeliveryError::BadName(_) => {
            FormError::at("name", say.text("settings.delivery.bad_name"))
        }
        CreateDeliveryError::OtherCurrency(_) | CreateDeliveryError::BadRule(_) => {
            FormError::at("price", say.text("settings.delivery.bad_rule"))
        }
        CreateDeliveryError::BadDays => {
            FormError::at("min_days", say.text("settings.delivery.bad_days"))
        }
        CreateDeliveryError::Internal(error) => return Err(error.into()),
    })
}

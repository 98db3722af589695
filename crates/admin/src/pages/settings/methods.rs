//! `/admin/settings/delivery/methods/…`: a way to deliver.

use axum::extract::{Path, State};
use axum::response::Response;
use commerce::delivery::desk::{
    MethodAtDesk, change_method, delete_method, methods, offer_method, zones,
};
use commerce::delivery::{CreateMethod, create_method};
use commerce::inventory;
use commerce::staff::EditSettings;
use http::StatusCode;
use kernel::{Code, Coded, Currency, DeliveryMethodId, Money};
use pricing::{DeliveryKind, DeliveryRule, WeightTier};
use serde::{Deserialize, Serialize};
use templates::{Page, Say};
use web::{Form, Problem, Query};

use super::delivery::{HERE, refused, told};
use crate::admin::Admin;
use crate::desk::{Desk, Staffer};
use crate::frame::Section;
use crate::pages::sign_in::status_of;
use crate::told::Told;
use crate::views::{Choice, FormError};

/// `pages/settings/method.html`.
#[derive(Debug, Clone, Serialize)]
pub struct MethodPage {
    /// What is wrong with what was sent.
    pub errors: Vec<FormError>,
    /// Its id; none for a new one.
    pub id: Option<String>,
    /// Whether buyers can choose it.
    pub active: bool,
    /// The fields.
    pub form: MethodForm,
    /// Zones to choose from.
    pub zones: Vec<Choice>,
    /// Places to pick up at.
    pub places: Vec<Choice>,
}

/// The fields, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodForm {
    /// What somebody saw of it.
    #[serde(default)]
    pub seen: String,
    /// What the buyer reads.
    pub name: String,
    /// One more line.
    pub description: String,
    /// `flat`, `by_weight` or `pickup`.
    pub kind: String,
    /// The zone's id.
    #[serde(default)]
    pub zone: String,
    /// The place's id.
    #[serde(default)]
    pub place: String,
    /// The price, in the shop's currency.
    pub price: String,
    /// Prices by weight: a line each, `2000 6.90`.
    pub tiers: String,
    /// From how much on it is free.
    pub free_over: String,
    /// The fewest working days.
    pub min_days: String,
    /// The most.
    pub max_days: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    zone: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seen {
    seen: String,
    #[serde(default)]
    active: String,
}

impl MethodForm {
    fn of(one: &MethodAtDesk) -> Self {
        let method = &one.method;
        let (kind, price, tiers) = match &method.rule.kind {
            DeliveryKind::Flat { price } => ("flat", price.to_decimal(), String::new()),
            DeliveryKind::ByWeight { tiers } => {
                let line =
                    |tier: &WeightTier| format!("{} {}", tier.up_to_grams, tier.price.to_decimal());
                let lines: Vec<String> = tiers.iter().map(line).collect();
                ("by_weight", String::new(), lines.join("\n"))
            }
            DeliveryKind::Pickup => ("pickup", String::new(), String::new()),
        };
        Self {
            seen: one.seen(),
            name: method.name.clone(),
            description: method.description.clone(),
            kind: kind.to_owned(),
            zone: one
                .zone_id
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            place: method
                .location_id
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            price,
            tiers,
            free_over: method
                .rule
                .free_over
                .map(Money::to_decimal)
                .unwrap_or_default(),
            min_days: method.min_days.to_string(),
            max_days: method.max_days.to_string(),
        }
    }

    /// The method to be, or everything that is wrong with it.
    fn method(&self, currency: Currency, say: &Say) -> Result<CreateMethod, Vec<FormError>> {
        let mut errors = Vec::new();
        let mut wrong = |id: &str, key: &str| errors.push(FormError::at(id, say.text(key)));
        let kind = self.kind(currency, &mut wrong);
        let free_over = match self.free_over.trim() {
            "" => None,
            typed => currency
                .from_decimal(typed)
                .map_err(|_no_amount| wrong("free_over", "settings.delivery.bad_amount"))
                .ok(),
        };
        let mut days = |id: &str, typed: &str| {
            typed.trim().parse::<i64>().unwrap_or_else(|_no_number| {
                wrong(id, "settings.wrong.number");
                0
            })
        };
        let days = (
            days("min_days", &self.min_days),
            days("max_days", &self.max_days),
        );
        let pickup = self.kind == "pickup";
        let zone_id = if pickup { None } else { self.zone.parse().ok() };
        let location_id = if pickup {
            self.place.parse().ok()
        } else {
            None
        };
        if !pickup && zone_id.is_none() {
            wrong("zone", "settings.delivery.choose_zone");
        }
        if pickup && location_id.is_none() {
            wrong("place", "settings.delivery.choose_place");
        }
        match kind {
            Some(kind) if errors.is_empty() => Ok(CreateMethod {
                zone_id,
                location_id,
                name: self.name.clone(),
                description: self.description.trim().to_owned(),
                rule: DeliveryRule { kind, free_over },
                days,
            }),
            _ => Err(errors),
        }
    }

    fn kind(&self, currency: Currency, wrong: &mut impl FnMut(&str, &str)) -> Option<DeliveryKind> {
        match self.kind.as_str() {
            "pickup" => Some(DeliveryKind::Pickup),
            "by_weight" => {
                let tier = |line: &str| -> Option<WeightTier> {
                    let (grams, price) = line.trim().split_once(char::is_whitespace)?;
                    Some(WeightTier {
                        up_to_grams: grams.parse().ok()?,
                        price: currency.from_decimal(price).ok()?,
                    })
                };
                let lines = self.tiers.lines().filter(|line| !line.trim().is_empty());
                let tiers: Option<Vec<WeightTier>> = lines.map(tier).collect();
                if tiers.is_none() {
                    wrong("tiers", "settings.delivery.bad_tiers");
                }
                tiers.map(|tiers| DeliveryKind::ByWeight { tiers })
            }
            _ => match currency.from_decimal(&self.price) {
                Ok(price) => Some(DeliveryKind::Flat { price }),
                Err(_no_amount) => {
                    wrong("price", "settings.delivery.bad_amount");
                    None
                }
            },
        }
    }
}

impl Page for MethodPage {
    const TEMPLATE: &'static str = "pages/settings/method.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let new = Self {
            errors: Vec::new(),
            id: None,
            active: true,
            form: MethodForm {
                kind: "flat".to_owned(),
                ..MethodForm::default()
            },
            zones: vec![Choice {
                value: "zone_1".to_owned(),
                label: "<Near>".to_owned(),
                chosen: true,
            }],
            places: Vec::new(),
        };
        let refused = Self {
            errors: vec![FormError::at("price", "Enter an amount.")],
            id: Some("dm_1".to_owned()),
            ..new.clone()
        };
        let resting = Self {
            active: false,
            errors: Vec::new(),
            ..refused.clone()
        };
        vec![("new", new), ("refused", refused), ("resting", resting)]
    }
}

/// `GET /admin/settings/delivery/methods/new`.
pub(super) async fn new(
    State(admin): State<Admin>,
    desk: Desk<EditSettings>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let form = MethodForm {
        kind: if wanted.zone.is_empty() {
            "pickup"
        } else {
            "flat"
        }
        .to_owned(),
        zone: wanted.zone,
        min_days: "1".to_owned(),
        max_days: "2".to_owned(),
        ..MethodForm::default()
    };
    draw(
        &admin,
        &desk.staff,
        StatusCode::OK,
        (None, form, Vec::new()),
    )
    .await
}

/// `POST /admin/settings/delivery/methods`.
pub(super) async fn create(
    State(admin): State<Admin>,
    desk: Desk<EditSettings>,
    Form(form): Form<MethodForm>,
) -> Result<Response, Problem> {
    let say = admin.words()?;
    let (base, ()) = admin.read(&desk.staff, |_tx, _base| Ok(())).await?;
    let (status, errors) = match form.method(base.settings.selling.currency, &say) {
        Err(errors) => (StatusCode::UNPROCESSABLE_ENTITY, errors),
        Ok(cmd) => {
            let (shop, by) = (admin.shop().clone(), desk.by);
            match web::run(async move { create_method(&shop, by, cmd).await }).await? {
                Ok(_) => return saved(&desk.staff, form),
                Err(error) => (status_of(error.code()), vec![refused(&say, error)?]),
            }
        }
    };
    draw(&admin, &desk.staff, status, (None, form, errors)).await
}

/// `GET /admin/settings/delivery/methods/{id}`.
pub(super) async fn edit(
    State(admin): State<Admin>,
    desk: Desk<EditSettings>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = parse(&id)?;
    let wanted = id.clone();
    let read = admin.read(&desk.staff, move |tx, _base| {
        Ok(methods(tx)?.into_iter().find(|one| one.method.id == wanted))
    });
    let (_base, found) = read.await?;
    let found = found.ok_or_else(|| Problem::new(Code::NotFound))?;
    let parts = (Some(id), MethodForm::of(&found), Vec::new());
    draw(&admin, &desk.staff, StatusCode::OK, parts).await
}

/// `POST /admin/settings/delivery/methods/{id}`.
pub(super) async fn change(
    State(admin): State<Admin>,
    desk: Desk<EditSettings>,
    Path(id): Path<String>,
    Form(form): Form<MethodForm>,
) -> Result<Response, Problem> {
    let id = parse(&id)?;
    let say = admin.words()?;
    let (base, ()) = admin.read(&desk.staff, |_tx, _base| Ok(())).await?;
    let (status, errors) = match form.method(base.settings.selling.currency, &say) {
        Err(errors) => (StatusCode::UNPROCESSABLE_ENTITY, errors),
        Ok(cmd) => {
            let (shop, by) = (admin.shop().clone(), desk.by);
            let which = (id.clone(), form.seen.clone());
            match web::run(async move { change_method(&shop, by, which, cmd).await }).await? {
                Ok(()) => return saved(&desk.staff, form),
                Err(error) => (status_of(error.code()), vec![told(&say, error)?]),
            }
        }
    };
    draw(&admin, &desk.staff, status, (Some(id), form, errors)).await
}

/// `POST /admin/settings/delivery/methods/{id}/offer`.
pub(super) async fn offer(
    State(admin): State<Admin>,
    desk: Desk<EditSettings>,
    Path(id): Path<String>,
    Form(seen): Form<Seen>,
) -> Result<Response, Problem> {
    let id = parse(&id)?;
    let active = seen.active == "yes";
    let (shop, by, which) = (admin.shop().clone(), desk.by, (id, seen.seen));
    match web::run(async move { offer_method(&shop, by, which, active).await }).await? {
        Ok(()) => desk.staff.done(
            HERE,
            &Told::new(if active {
                "settings.told.method_offered"
            } else {
                "settings.told.method_rests"
            }),
        ),
        Err(error) => {
            let error = told(&admin.words()?, error)?;
            Err(Problem::with_detail(Code::StaleState, error.message))
        }
    }
}

/// `POST /admin/settings/delivery/methods/{id}/delete`.
pub(super) async fn delete(
    State(admin): State<Admin>,
    desk: Desk<EditSettings>,
    Path(id): Path<String>,
    Form(seen): Form<Seen>,
) -> Result<Response, Problem> {
    let id = parse(&id)?;
    let (shop, by, which) = (admin.shop().clone(), desk.by, (id, seen.seen));
    match web::run(async move { delete_method(&shop, by, which).await }).await? {
        Ok(()) => desk
            .staff
            .done(HERE, &Told::new("settings.told.method_deleted")),
        Err(error) => {
            let error = told(&admin.words()?, error)?;
            Err(Problem::with_detail(Code::StaleState, error.message))
        }
    }
}

fn saved(staff: &Staffer, form: MethodForm) -> Result<Response, Problem> {
    let told = Told::new("settings.told.method_saved").with("name", form.name);
    staff.done(HERE, &told)
}

fn parse(id: &str) -> Result<DeliveryMethodId, Problem> {
    id.parse().map_err(|_no_id| Problem::new(Code::NotFound))
}

async fn draw(
    admin: &Admin,
    staff: &Staffer,
    status: StatusCode,
    (id, form, errors): (Option<DeliveryMethodId>, MethodForm, Vec<FormError>),
) -> Result<Response, Problem> {
    let read = admin.read(staff, |tx, _base| {
        Ok((zones(tx)?, methods(tx)?, inventory::locations(tx)?))
    });
    let (base, (zones, methods, locations)) = read.await?;
    let now = methods
        .iter()
        .find(|one| Some(&one.method.id) == id.as_ref());
    let choice = |value: String, label: &str, chosen: &str| Choice {
        chosen: value == chosen,
        label: label.to_owned(),
        value,
    };
    let page = MethodPage {
        errors,
        active: now.is_none_or(|one| one.active),
        zones: zones
            .iter()
            .map(|zone| choice(zone.id.to_string(), &zone.name, &form.zone))
            .collect(),
        places: locations
            .iter()
            .map(|place| choice(place.id.to_string(), &place.name, &form.place))
            .collect(),
        // After a conflict the next save is against what is there now.
        form: MethodForm {
            seen: now.map(MethodAtDesk::seen).unwrap_or_default(),
            ..form
        },
        id: id.map(|id| id.to_string()),
    };
    admin
        .sheet(staff, &base)
        .section(Section::Settings)
        .status(status)
        .draw(&page)
}

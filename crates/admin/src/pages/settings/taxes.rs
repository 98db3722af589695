//! `/admin/settings/taxes`: what prices contain, and the rates by country and class.

use axum::extract::State;
use axum::response::Response;
use commerce::settings::{NewSection, SellingSettings, Settings, Versions, load_versioned};
use commerce::staff::{EditSettings, ViewSettings};
use commerce::tax::{self, SetTaxRate, TaxError};
use http::StatusCode;
use kernel::{Country, Rate};
use pricing::{CrossBorder, TaxClass};
use serde::{Deserialize, Serialize};
use templates::{Page, Say};
use web::{Form, Problem};

use super::{Difference, SectionForm, save_as_seen};
use crate::admin::Admin;
use crate::desk::{Desk, Staffer};
use crate::frame::Section;
use crate::pages::setup::countries;
use crate::told::Told;
use crate::views::{Choice, FormError};

const HERE: &str = "/admin/settings/taxes";

/// `pages/settings/taxes.html`.
#[derive(Debug, Clone, Serialize)]
pub struct TaxesPage {
    /// What is wrong with what was sent.
    pub errors: Vec<FormError>,
    /// What somebody else has changed meanwhile.
    pub conflict: Vec<Difference>,
    /// What prices contain.
    pub form: TaxesForm,
    /// Where the shop can be at home.
    pub homes: Vec<Choice>,
    /// The rates.
    pub rates: Vec<RateView>,
    /// A rate to be.
    pub rate: RateForm,
    /// Its country.
    pub countries: Vec<Choice>,
}

/// A rate.
#[derive(Debug, Clone, Serialize)]
pub struct RateView {
    /// Its country's code.
    pub country: String,
    /// Its country's name.
    pub country_name: String,
    /// Its class.
    pub class: String,
    /// What the buyer reads.
    pub name: String,
    /// Per cent.
    pub percent: String,
    /// The rate somebody saw, in hundredths of a per cent.
    pub seen: i64,
}

/// What prices contain, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxesForm {
    /// The version somebody saw.
    pub version: i64,
    /// Where the shop is at home.
    pub country: String,
    /// `on` if prices contain the tax.
    #[serde(default)]
    pub include: String,
    /// `gross_fixed` or `net_fixed`.
    pub cross_border: String,
}

/// A rate, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateForm {
    /// Its country's code.
    pub country: String,
    /// Its class.
    pub class: String,
    /// What the buyer reads.
    pub name: String,
    /// Per cent.
    pub percent: String,
    /// The rate somebody saw, in hundredths of a per cent; empty for a new one.
    #[serde(default)]
    pub seen: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Removed {
    country: String,
    class: String,
    seen: i64,
}

impl SectionForm for TaxesForm {
    const LABELS: &'static str = "settings.taxes";

    fn now(settings: &Settings, versions: &Versions) -> Self {
        Self::of(&settings.selling, versions.selling)
    }

    fn seen(&mut self) -> &mut i64 {
        &mut self.version
    }
}

impl TaxesForm {
    fn of(selling: &SellingSettings, version: i64) -> Self {
        Self {
            version,
            country: selling.country.code().to_owned(),
            include: if selling.prices_include_tax { "on" } else { "" }.to_owned(),
            cross_border: selling.cross_border.to_string(),
        }
    }
}

impl Page for TaxesPage {
    const TEMPLATE: &'static str = "pages/settings/taxes.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let choice = Choice {
            value: "NL".to_owned(),
            label: "Netherlands".to_owned(),
            chosen: true,
        };
        let ordinary = Self {
            errors: Vec::new(),
            conflict: Vec::new(),
            form: TaxesForm::of(&SellingSettings::default(), 1),
            homes: vec![choice.clone()],
            rates: vec![RateView {
                country: "NL".to_owned(),
                country_name: "Netherlands".to_owned(),
                class: "<b>standard".to_owned(),
                name: "VAT".to_owned(),
                percent: "21".to_owned(),
                seen: 2_100,
            }],
            rate: RateForm::default(),
            countries: vec![choice],
        };
        let empty = Self {
            rates: Vec::new(),
            errors: vec![FormError::at("rate_percent", "Enter a rate from 0 to 100.")],
            conflict: vec![Difference {
                label: "Country".to_owned(),
                mine: "NL".to_owned(),
                theirs: "BE".to_owned(),
            }],
            ..ordinary.clone()
        };
        vec![("ordinary", ordinary), ("refused", empty)]
    }
}

type Parts = (Option<TaxesForm>, RateForm, Vec<FormError>, Vec<Difference>);

/// `GET /admin/settings/taxes`.
pub(super) async fn show(
    State(admin): State<Admin>,
    desk: Desk<ViewSettings>,
) -> Result<Response, Problem> {
    let parts = (None, RateForm::default(), Vec::new(), Vec::new());
    draw(&admin, &desk.staff, StatusCode::OK, parts).await
}

/// `POST /admin/settings/taxes`.
pub(super) async fn save(
    State(admin): State<Admin>,
    desk: Desk<EditSettings>,
    Form(form): Form<TaxesForm>,
) -> Result<Response, Problem> {
    let say = admin.words()?;
    let rate = RateForm::default();
    let Ok(country) = Country::parse(&form.country) else {
        let error = FormError::at("country", say.text("setup.error.country"));
        let parts = (Some(form), rate, vec![error], Vec::new());
        return draw(&admin, &desk.staff, StatusCode::UNPROCESSABLE_ENTITY, parts).await;
    };
    let read = admin.read(&desk.staff, |tx, _base| Ok(load_versioned(tx)?));
    let (_base, (settings, _versions)) = read.await?;
    let section = NewSection::Selling(SellingSettings {
        country,
        prices_include_tax: form.include == "on",
        cross_border: if form.cross_border == CrossBorder::NetFixed.as_str() {
            CrossBorder::NetFixed
        } else {
            CrossBorder::GrossFixed
        },
        ..settings.selling
    });
    let Some(refused) = save_as_seen(&admin, desk.by, (section, form)).await? else {
        return desk.staff.done(HERE, &Told::new("settings.told.saved"));
    };
    let parts = (Some(refused.form), rate, refused.errors, refused.conflict);
    draw(&admin, &desk.staff, refused.status, parts).await
}

/// `POST /admin/settings/taxes/rates`.
pub(super) async fn set_rate(
    State(admin): State<Admin>,
    desk: Desk<EditSettings>,
    Form(form): Form<RateForm>,
) -> Result<Response, Problem> {
    let say = admin.words()?;
    let seen = form.seen.parse::<i64>().map(Rate::basis_points);
    let result = match (Country::parse(&form.country), basis_points(&form.percent)) {
        (Ok(country), Some(bps)) => {
            let cmd = SetTaxRate {
                country,
                class: TaxClass::new(form.class.trim()),
                name: form.name.clone(),
                rate: Rate::basis_points(bps),
            };
            let (shop, by, seen) = (admin.shop().clone(), desk.by, seen.ok());
            web::run(async move { tax::save_rate(&shop, by, seen, cmd).await }).await?
        }
        (Err(_), _) => Err(TaxError::Stale),
        (Ok(_), None) => Err(TaxError::BadRate),
    };
    match result {
        Ok(()) => desk
            .staff
            .done(HERE, &Told::new("settings.told.rate_saved")),
        Err(error) => {
            let status = super::super::sign_in::status_of(kernel::Coded::code(&error));
            let parts = (None, form, vec![rate_told(&say, error)?], Vec::new());
            draw(&admin, &desk.staff, status, parts).await
        }
    }
}

/// `POST /admin/settings/taxes/rates/remove`.
pub(super) async fn remove(
    State(admin): State<Admin>,
    desk: Desk<EditSettings>,
    Form(form): Form<Removed>,
) -> Result<Response, Problem> {
    let say = admin.words()?;
    let result = match Country::parse(&form.country) {
        Ok(country) => {
            let which = (country, TaxClass::new(form.class));
            let (shop, by, seen) = (admin.shop().clone(), desk.by, Rate::basis_points(form.seen));
            web::run(async move { tax::remove_rate(&shop, by, which, seen).await }).await?
        }
        Err(_no_country) => Err(TaxError::Stale),
    };
    match result {
        Ok(()) => desk
            .staff
            .done(HERE, &Told::new("settings.told.rate_removed")),
        Err(error) => {
            let error = vec![rate_told(&say, error)?];
            let parts = (None, RateForm::default(), error, Vec::new());
            draw(&admin, &desk.staff, StatusCode::CONFLICT, parts).await
        }
    }
}

/// `21`, `5.5` or `5,5` per cent in hundredths.
fn basis_points(percent: &str) -> Option<i64> {
    let text = percent
        .trim()
        .trim_end_matches('%')
        .trim()
        .replace(',', ".");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty()
        || whole.len() > 3
        || fraction.len() > 2
        || !digits(whole)
        || !digits(fraction)
    {
        return None;
    }
    format!("{whole}{fraction:0<2}").parse().ok()
}

/// A percentage that is read is one the shop can have, and reads back as it is shown.
#[cfg(feature = "testing")]
pub fn percentages(bytes: &[u8]) {
    let Ok(typed) = std::str::from_utf8(bytes) else {
        return;
    };
    let Some(points) = basis_points(typed) else {
        return;
    };
    assert!((0..=99_999).contains(&points));
    let rate = Rate::basis_points(points);
    assert_eq!(basis_points(&percent(rate)), Some(points));
    assert_eq!(basis_points(&rate.percent()), Some(points));
}

fn percent(rate: Rate) -> String {
    let (whole, rest) = (rate.bps().div_euclid(100), rate.bps().rem_euclid(100));
    let text = format!("{whole}.{rest:02}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn rate_told(say: &Say, error: TaxError) -> Result<FormError, Problem> {
    Ok(match error {
        TaxError::Stale => FormError::of_form(say.text("settings.taxes.stale")),
        TaxError::Taken => FormError::at("rate_class", say.text("settings.taxes.taken")),
        TaxError::BadName(_) => FormError::at("rate_name", say.text("settings.wrong.empty")),
        TaxError::BadClass(_) => FormError::at("rate_class", say.text("settings.wrong.empty")),
        TaxError::BadRate => FormError::at("rate_percent", say.text("settings.taxes.bad_rate")),
        TaxError::Internal(error) => return Err(error.into()),
    })
}

async fn draw(
    admin: &Admin,
    staff: &Staffer,
    status: StatusCode,
    (form, rate, errors, conflict): Parts,
) -> Result<Response, Problem> {
    let read = admin.read(staff, |tx, _base| {
        Ok((load_versioned(tx)?, tax::list_rates(tx)?))
    });
    let (base, ((settings, versions), rates)) = read.await?;
    let say = admin.words()?;
    let form = form.unwrap_or_else(|| TaxesForm::now(&settings, &versions));
    let chosen = if rate.country.is_empty() {
        form.country.clone()
    } else {
        rate.country.clone()
    };
    let view = |rate: &SetTaxRate| RateView {
        country: rate.country.code().to_owned(),
        country_name: say.country(rate.country),
        class: rate.class.to_string(),
        name: rate.name.clone(),
        percent: percent(rate.rate),
        seen: rate.rate.bps(),
    };
    let page = TaxesPage {
        errors,
        conflict,
        homes: countries(&say, &form.country),
        rates: rates.iter().map(view).collect(),
        countries: countries(&say, &chosen),
        form,
        rate,
    };
    admin
        .sheet(staff, &base)
        .section(Section::Settings)
        .status(status)
        .draw(&page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_people_write_them_and_shown_as_short_as_they_are() {
        for (typed, bps, shown) in [
            ("21", 2_100, "21"),
            (" 5,5 % ", 550, "5.5"),
            ("13.25", 1_325, "13.25"),
            ("0", 0, "0"),
        ] {
            assert_eq!(basis_points(typed), Some(bps), "{typed}");
            assert_eq!(percent(Rate::basis_points(bps)), shown);
        }
        for bad in ["", "-1", "1.234", "one", "1e2", "10000"] {
            assert_eq!(basis_points(bad), None, "{bad}");
        }
    }
}

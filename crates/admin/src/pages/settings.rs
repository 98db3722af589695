//! `/admin/settings`: what the merchant decides, by job. Each page saves one section as somebody saw it; whoever comes
//! second sees both.

pub mod delivery;
pub mod home;
pub mod mail;
pub mod methods;
pub mod payments;
pub mod shop;
pub mod taxes;
pub mod zones;

use axum::extract::State;
use axum::response::Response;
use commerce::settings::{
    Field, NewSection, SaveSectionError, Settings, Versions, Wrong, save_section,
};
use commerce::staff::{Authorized, EditSettings, ViewSettings};
use http::StatusCode;
use kernel::TextError;
use serde::Serialize;
use serde_json::Value as Json;
use templates::{Page, Samples, Say};
use web::Problem;

use crate::admin::Admin;
use crate::desk::Desk;
use crate::frame::Section;
use crate::views::FormError;

crate::routes! {
    get "/admin/settings" (ViewSettings) index;
    get "/admin/settings/shop" (ViewSettings) shop::show;
    post "/admin/settings/shop" (EditSettings) shop::save;
    get "/admin/settings/home" (ViewSettings) home::show;
    post "/admin/settings/home" (EditSettings) home::save;
    get "/admin/settings/payments" (ViewSettings) payments::show;
    post "/admin/settings/payments" (EditSettings) payments::save;
    get "/admin/settings/taxes" (ViewSettings) taxes::show;
    post "/admin/settings/taxes" (EditSettings) taxes::save;
    post "/admin/settings/taxes/rates" (EditSettings) taxes::set_rate;
    post "/admin/settings/taxes/rates/remove" (EditSettings) taxes::remove;
    get "/admin/settings/delivery" (ViewSettings) delivery::show;
    get "/admin/settings/delivery/zones/new" (EditSettings) zones::new;
    post "/admin/settings/delivery/zones" (EditSettings) zones::create;
    get "/admin/settings/delivery/zones/{id}" (EditSettings) zones::edit;
    post "/admin/settings/delivery/zones/{id}" (EditSettings) zones::change;
    post "/admin/settings/delivery/zones/{id}/delete" (EditSettings) zones::delete;
    get "/admin/settings/delivery/methods/new" (EditSettings) methods::new;
    post "/admin/settings/delivery/methods" (EditSettings) methods::create;
    get "/admin/settings/delivery/methods/{id}" (EditSettings) methods::edit;
    post "/admin/settings/delivery/methods/{id}" (EditSettings) methods::change;
    post "/admin/settings/delivery/methods/{id}/offer" (EditSettings) methods::offer;
    post "/admin/settings/delivery/methods/{id}/delete" (EditSettings) methods::delete;
    get "/admin/settings/mail" (ViewSettings) mail::show;
    post "/admin/settings/mail/test" (EditSettings) mail::test;
}

/// Every page with its samples.
pub(crate) fn samples() -> Vec<Samples> {
    vec![
        Samples::of_page::<SettingsPage>(),
        Samples::of_page::<shop::ShopPage>(),
        Samples::of_page::<home::HomeTextsPage>(),
        Samples::of_page::<payments::PaymentsPage>(),
        Samples::of_page::<taxes::TaxesPage>(),
        Samples::of_page::<delivery::DeliveryPage>(),
        Samples::of_page::<zones::ZonePage>(),
        Samples::of_page::<methods::MethodPage>(),
        Samples::of_page::<mail::MailPage>(),
    ]
}

/// `pages/settings/index.html`.
#[derive(Debug, Clone, Serialize)]
pub struct SettingsPage {
    /// The jobs, each a page.
    pub jobs: Vec<Job>,
}

/// A job with its page.
#[derive(Debug, Clone, Serialize)]
pub struct Job {
    /// Its key: `settings.KEY.title` is its name.
    pub key: &'static str,
    /// Its icon.
    pub icon: &'static str,
    /// Its page.
    pub url: &'static str,
}

const JOBS: &[Job] = &[
    job("shop", "store", "/admin/settings/shop"),
    job("home", "image", "/admin/settings/home"),
    job("payments", "credit-card", "/admin/settings/payments"),
    job("delivery", "truck", "/admin/settings/delivery"),
    job("taxes", "percent", "/admin/settings/taxes"),
    job("mail", "mail", "/admin/settings/mail"),
];

const fn job(key: &'static str, icon: &'static str, url: &'static str) -> Job {
    Job { key, icon, url }
}

impl Page for SettingsPage {
    const TEMPLATE: &'static str = "pages/settings/index.html";

    fn samples() -> Vec<(&'static str, Self)> {
        vec![(
            "all",
            Self {
                jobs: JOBS.to_vec(),
            },
        )]
    }
}

/// `GET /admin/settings`.
async fn index(State(admin): State<Admin>, desk: Desk<ViewSettings>) -> Result<Response, Problem> {
    let (base, ()) = admin.read(&desk.staff, |_tx, _base| Ok(())).await?;
    let page = SettingsPage {
        jobs: JOBS.to_vec(),
    };
    admin
        .sheet(&desk.staff, &base)
        .section(Section::Settings)
        .draw(&page)
}

/// A field that two people have changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What the field is called.
    pub label: String,
    /// What was just sent.
    pub mine: String,
    /// What is there now.
    pub theirs: String,
}

/// The fields in which two forms differ. `labels` is the beginning of their texts' keys.
fn differences(
    say: &Say,
    labels: &str,
    mine: &impl Serialize,
    theirs: &impl Serialize,
) -> Result<Vec<Difference>, Problem> {
    let read = |form: Json| match form {
        Json::Object(fields) => fields,
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
            serde_json::Map::new()
        }
    };
    let mine = serde_json::to_value(mine).map_err(|error| Problem::internal(&error))?;
    let theirs = serde_json::to_value(theirs).map_err(|error| Problem::internal(&error))?;
    let (mine, theirs) = (read(mine), read(theirs));
    // A browser ends lines in its own way.
    let text = |value: Option<&Json>| match value {
        Some(Json::String(text)) => text.replace("\r\n", "\n"),
        Some(Json::Bool(yes)) => say.text(if *yes { "settings.yes" } else { "settings.no" }),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let differing = mine
        .iter()
        .filter(|(name, value)| *name != "version" && text(theirs.get(*name)) != text(Some(value)));
    Ok(differing
        .map(|(name, value)| Difference {
            label: say.text(&format!("{labels}.{name}")),
            mine: text(Some(value)),
            theirs: text(theirs.get(name)),
        })
        .collect())
}

/// The form of a section.
trait SectionForm: Serialize {
    /// The beginning of the keys of its fields' names.
    const LABELS: &'static str;

    /// The section as it stands.
    fn now(settings: &Settings, versions: &Versions) -> Self;

    /// The version somebody saw.
    fn seen(&mut self) -> &mut i64;
}

/// A form that was not saved, and why.
struct Refused<F> {
    status: StatusCode,
    form: F,
    /// Fields that cannot be as they are.
    errors: Vec<FormError>,
    /// What somebody else saved meanwhile.
    conflict: Vec<Difference>,
}

/// Saves a section as it was seen; nothing comes back once it is saved. After a conflict the form saves over what is there now.
async fn save_as_seen<F: SectionForm>(
    admin: &Admin,
    by: Authorized<EditSettings>,
    (section, mut form): (NewSection, F),
) -> Result<Option<Refused<F>>, Problem> {
    let (shop, seen) = (admin.shop().clone(), *form.seen());
    let saved = web::run(async move { save_section(&shop, by, section, seen).await }).await?;
    let say = admin.words()?;
    let errors = match saved {
        Ok(_) => return Ok(None),
        Err(SaveSectionError::Stale(now)) => {
            let mut theirs = F::now(&now.0, &now.1);
            let conflict = differences(&say, F::LABELS, &form, &theirs)?;
            *form.seen() = *theirs.seen();
            return Ok(Some(Refused {
                status: StatusCode::CONFLICT,
                form,
                errors: Vec::new(),
                conflict,
            }));
        }
        Err(SaveSectionError::Invalid(faults)) => faults
            .iter()
            .map(|(field, wrong)| FormError::at(id_of(*field), told(&say, *field, wrong)))
            .collect(),
        Err(SaveSectionError::CurrencyInUse(currency)) => vec![FormError::at(
            "currency",
            say.with(
                "settings.wrong.currency",
                &[("currency", currency.code().to_owned())],
            ),
        )],
        Err(SaveSectionError::Internal(error)) => return Err(error.into()),
    };
    Ok(Some(Refused {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        form,
        errors,
        conflict: Vec::new(),
    }))
}

/// The id of a field on its page.
fn id_of(field: Field) -> &'static str {
    match field {
        Field::Name => "name",
        Field::Tagline => "tagline",
        Field::Intro => "intro",
        Field::Announcement => "announcement",
        Field::Email => "email",
        Field::Address => "address",
        Field::TimeZone => "time_zone",
        Field::PaymentMethods => "methods",
        Field::UnpaidDays => "unpaid_days",
        Field::ReturnsDays => "returns_days",
        Field::LowStock => "low_stock_at",
        Field::DispatchHour => "dispatch_until_hour",
        Field::BankHolder => "bank_holder",
        Field::BankIban => "bank_iban",
        Field::BankBic => "bank_bic",
        Field::Headline => "headline",
        Field::HomeText => "text",
        Field::StoryTitle => "story_title",
        Field::StoryText => "story_text",
        Field::Collections => "collections",
    }
}

/// What is wrong with a field, and what to do.
fn told(say: &Say, field: Field, wrong: &Wrong) -> String {
    let number = |number: usize| number.to_string();
    match wrong {
        Wrong::Text(_) if field == Field::Email => say.text("settings.wrong.email"),
        Wrong::Text(TextError::Empty) => say.text("settings.wrong.empty"),
        Wrong::Text(TextError::TooLong(most)) => {
            say.with("settings.wrong.too_long", &[("most", number(*most))])
        }
        Wrong::Text(_) => say.text("settings.wrong.text"),
        Wrong::TimeZone => say.text("settings.wrong.time_zone"),
        Wrong::Range(least, most) => say.with(
            "settings.wrong.range",
            &[("least", least.to_string()), ("most", most.to_string())],
        ),
        Wrong::Iban(commerce::settings::IbanError::Shape) => say.text("settings.wrong.iban"),
        Wrong::Iban(commerce::settings::IbanError::Checksum) => {
            say.text("settings.wrong.iban_slip")
        }
        Wrong::Bic => say.text("settings.wrong.bic"),
        Wrong::Method(code) => say.with("settings.wrong.method", &[("code", code.clone())]),
        Wrong::NoAccount => say.text("settings.wrong.no_account"),
        Wrong::TooMany(most) => say.with("settings.wrong.too_many", &[("most", number(*most))]),
    }
}

/// Text that may be left out.
fn optional(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

//! `/admin/settings/payments`: how the shop sells and gets its money.

use axum::extract::State;
use axum::response::Response;
use commerce::ports::gateway::Gateways;
use commerce::settings::{
    BankAccount, CapturePolicy, NewSection, SellingSettings, Settings, Versions, load_versioned,
};
use commerce::staff::{EditSettings, ViewSettings};
use http::StatusCode;
use serde::Serialize;
use templates::{Page, Say};
use web::{Fields, Problem};

use super::{Difference, SectionForm, optional, save_as_seen};
use crate::admin::Admin;
use crate::desk::{Desk, Staffer};
use crate::frame::Section;
use crate::told::Told;
use crate::views::{Choice, FormError};

const HERE: &str = "/admin/settings/payments";

/// `pages/settings/payments.html`.
#[derive(Debug, Clone, Serialize)]
pub struct PaymentsPage {
    /// What is wrong with what was sent.
    pub errors: Vec<FormError>,
    /// What somebody else has changed meanwhile.
    pub conflict: Vec<Difference>,
    /// The fields.
    pub form: PaymentsForm,
    /// The ways to pay there are.
    pub methods: Vec<MethodView>,
}

/// A way to pay.
#[derive(Debug, Clone, Serialize)]
pub struct MethodView {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Whether it moves real money.
    pub live: bool,
    /// Whether it is offered but cannot be chosen yet, because no account is filled in.
    pub waits: bool,
    /// Its places: not offered, first, second.
    pub places: Vec<Choice>,
}

/// The fields, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PaymentsForm {
    /// The version somebody saw.
    pub version: i64,
    /// The codes offered, in order.
    pub methods: String,
    /// `at_placement` or `by_hand`.
    pub capture: String,
    /// Days until an unpaid order is cancelled.
    pub unpaid_days: String,
    /// Days in which goods can be sent back.
    pub returns_days: String,
    /// From which figure down pages say how many are left.
    pub low_stock_at: String,
    /// The hour until which orders leave the same day.
    pub dispatch_until_hour: String,
    /// The account's holder.
    pub bank_holder: String,
    /// The account.
    pub bank_iban: String,
    /// Its bank.
    pub bank_bic: String,
}

impl SectionForm for PaymentsForm {
    const LABELS: &'static str = "settings.payments";

    fn now(settings: &Settings, versions: &Versions) -> Self {
        Self::of(&settings.selling, versions.selling)
    }

    fn seen(&mut self) -> &mut i64 {
        &mut self.version
    }
}

impl PaymentsForm {
    fn of(selling: &SellingSettings, version: i64) -> Self {
        let bank = selling.bank.clone();
        let part = |read: fn(&BankAccount) -> String| bank.as_ref().map(read).unwrap_or_default();
        Self {
            version,
            methods: selling.payment_methods.join(", "),
            capture: match selling.capture {
                CapturePolicy::AtPlacement => "at_placement",
                CapturePolicy::ByHand => "by_hand",
            }
            .to_owned(),
            unpaid_days: selling.unpaid_days.to_string(),
            returns_days: selling
                .returns_days
                .map(|days| days.to_string())
                .unwrap_or_default(),
            low_stock_at: selling.low_stock_at.to_string(),
            dispatch_until_hour: selling.dispatch_until_hour.to_string(),
            bank_holder: part(|bank| bank.holder.clone()),
            bank_iban: part(|bank| bank.iban.clone()),
            bank_bic: part(|bank| bank.bic.clone().unwrap_or_default()),
        }
    }

    fn read(fields: &Fields) -> Self {
        let text = |name: &str| fields.get(name).unwrap_or_default().trim().to_owned();
        let mut places: Vec<(&str, &str)> = fields
            .with_prefix("method.")
            .filter(|(_, place)| !place.is_empty())
            .collect();
        places.sort_by(|a, b| a.1.cmp(b.1));
        let codes: Vec<&str> = places.into_iter().map(|(code, _)| code).collect();
        Self {
            // A version that is none is nobody's: the page comes back with the present one.
            version: text("version").parse().unwrap_or(-1),
            methods: codes.join(", "),
            capture: text("capture"),
            unpaid_days: text("unpaid_days"),
            returns_days: text("returns_days"),
            low_stock_at: text("low_stock_at"),
            dispatch_until_hour: text("dispatch_until_hour"),
            bank_holder: text("bank_holder"),
            bank_iban: text("bank_iban"),
            bank_bic: text("bank_bic"),
        }
    }

    fn codes(&self) -> Vec<String> {
        self.methods.split(',').filter_map(optional).collect()
    }

    /// The settings with what was typed, or the fields that are no numbers.
    fn settings(
        &self,
        before: &SellingSettings,
        say: &Say,
    ) -> Result<SellingSettings, Vec<FormError>> {
        let mut errors = Vec::new();
        let mut number = |id: &'static str, text: &str| -> u32 {
            text.parse().unwrap_or_else(|_no_number| {
                errors.push(FormError::at(id, say.text("settings.wrong.number")));
                0
            })
        };
        let unpaid_days = number("unpaid_days", &self.unpaid_days);
        let low_stock_at = number("low_stock_at", &self.low_stock_at);
        let hour = number("dispatch_until_hour", &self.dispatch_until_hour);
        let returns_days = optional(&self.returns_days).map(|days| number("returns_days", &days));
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(SellingSettings {
            payment_methods: self.codes(),
            capture: if self.capture == "by_hand" {
                CapturePolicy::ByHand
            } else {
                CapturePolicy::AtPlacement
            },
            unpaid_days,
            returns_days,
            low_stock_at,
            dispatch_until_hour: i8::try_from(hour).unwrap_or(i8::MAX),
            bank: Some(BankAccount {
                holder: self.bank_holder.clone(),
                iban: self.bank_iban.clone(),
                bic: optional(&self.bank_bic),
            }),
            ..before.clone()
        })
    }
}

impl Page for PaymentsPage {
    const TEMPLATE: &'static str = "pages/settings/payments.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let form = PaymentsForm::of(&SellingSettings::default(), 4);
        let method = |code: &str, live, waits| MethodView {
            code: code.to_owned(),
            name: format!("<{code}>"),
            live,
            waits,
            places: vec![Choice {
                value: "1".to_owned(),
                label: "First".to_owned(),
                chosen: true,
            }],
        };
        let ordinary = Self {
            errors: Vec::new(),
            conflict: Vec::new(),
            methods: vec![
                method("test", false, false),
                method("bank_transfer", true, true),
            ],
            form,
        };
        let refused = Self {
            errors: vec![
                FormError::at("bank_iban", "This IBAN has a slip in it."),
                FormError::at("unpaid_days", "Enter a whole number."),
            ],
            ..ordinary.clone()
        };
        let conflict = Self {
            conflict: vec![Difference {
                label: "IBAN".to_owned(),
                mine: "NL91".to_owned(),
                theirs: "<b>".to_owned(),
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

/// `GET /admin/settings/payments`.
pub(super) async fn show(
    State(admin): State<Admin>,
    desk: Desk<ViewSettings>,
) -> Result<Response, Problem> {
    let read = admin.read(&desk.staff, |tx, _base| Ok(load_versioned(tx)?));
    let (_base, (settings, versions)) = read.await?;
    let form = PaymentsForm::now(&settings, &versions);
    draw(
        &admin,
        &desk.staff,
        StatusCode::OK,
        (form, Vec::new(), Vec::new()),
    )
    .await
}

/// `POST /admin/settings/payments`.
pub(super) async fn save(
    State(admin): State<Admin>,
    desk: Desk<EditSettings>,
    fields: Fields,
) -> Result<Response, Problem> {
    let say = admin.words()?;
    let form = PaymentsForm::read(&fields);
    let read = admin.read(&desk.staff, |tx, _base| Ok(load_versioned(tx)?));
    let (_base, (settings, _versions)) = read.await?;
    let wanted = match form.settings(&settings.selling, &say) {
        Ok(wanted) => wanted,
        Err(errors) => {
            let parts = (form, errors, Vec::new());
            return draw(&admin, &desk.staff, StatusCode::UNPROCESSABLE_ENTITY, parts).await;
        }
    };
    let section = NewSection::Selling(wanted);
    let Some(refused) = save_as_seen(&admin, desk.by, (section, form)).await? else {
        return desk.staff.done(HERE, &Told::new("settings.told.saved"));
    };
    let parts = (refused.form, refused.errors, refused.conflict);
    draw(&admin, &desk.staff, refused.status, parts).await
}

async fn draw(
    admin: &Admin,
    staff: &Staffer,
    status: StatusCode,
    (form, errors, conflict): (PaymentsForm, Vec<FormError>, Vec<Difference>),
) -> Result<Response, Problem> {
    let (base, ()) = admin.read(staff, |_tx, _base| Ok(())).await?;
    let page = PaymentsPage {
        errors,
        conflict,
        methods: methods(&admin.words()?, &admin.shop().gateways, &form),
        form,
    };
    admin
        .sheet(staff, &base)
        .section(Section::Settings)
        .status(status)
        .draw(&page)
}

fn methods(say: &Say, gateways: &Gateways, form: &PaymentsForm) -> Vec<MethodView> {
    let codes = form.codes();
    let count = gateways.iter().count();
    let method = |code: &str, live: bool| {
        let place = codes.iter().position(|one| one == code);
        let places = (0..=count).map(|number| Choice {
            value: if number == 0 {
                String::new()
            } else {
                number.to_string()
            },
            label: if number == 0 {
                say.text("settings.payments.not_offered")
            } else {
                say.with("settings.payments.place", &[("n", number.to_string())])
            },
            chosen: place.map_or(number == 0, |place| place.checked_add(1) == Some(number)),
        });
        MethodView {
            name: say
                .find(&format!("settings.payments.method.{code}"))
                .unwrap_or_else(|| code.to_owned()),
            live,
            waits: code == "bank_transfer" && place.is_some() && form.bank_iban.is_empty(),
            places: places.collect(),
            code: code.to_owned(),
        }
    };
    gateways
        .iter()
        .map(|gateway| method(gateway.code(), gateway.is_live()))
        .collect()
}

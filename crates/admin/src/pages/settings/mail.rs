//! `/admin/settings/mail`: whether mails leave, as whom, and a trial of it.

use axum::extract::State;
use axum::response::Response;
use commerce::notifications::{Mailed, send_trial};
use commerce::staff::{EditSettings, ViewSettings};
use http::StatusCode;
use serde::Serialize;
use templates::Page;
use web::Problem;

use crate::admin::Admin;
use crate::desk::{Desk, Staffer};
use crate::frame::Section;
use crate::told::Told;
use crate::views::FormError;

const HERE: &str = "/admin/settings/mail";

/// `pages/settings/mail.html`.
#[derive(Debug, Clone, Serialize)]
pub struct MailPage {
    /// Why the trial did not leave.
    pub errors: Vec<FormError>,
    /// Whether there is a mail server.
    pub configured: bool,
    /// The name mails come from.
    pub from_name: String,
    /// Where answers go.
    pub reply_to: Option<String>,
    /// Where a trial goes: to whoever asks.
    pub mine: String,
}

impl Page for MailPage {
    const TEMPLATE: &'static str = "pages/settings/mail.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let none = Self {
            errors: Vec::new(),
            configured: false,
            from_name: "<b>Wrenfold".to_owned(),
            reply_to: None,
            mine: "ines@example.com".to_owned(),
        };
        let ready = Self {
            configured: true,
            reply_to: Some("hello@wrenfold.example".to_owned()),
            ..none.clone()
        };
        let failed = Self {
            errors: vec![FormError::of_form("The mail server did not take it: <no>")],
            ..ready.clone()
        };
        vec![
            ("no mail server", none),
            ("ready", ready),
            ("not taken", failed),
        ]
    }
}

/// `GET /admin/settings/mail`.
pub(super) async fn show(
    State(admin): State<Admin>,
    desk: Desk<ViewSettings>,
) -> Result<Response, Problem> {
    draw(&admin, &desk.staff, StatusCode::OK, Vec::new()).await
}

/// `POST /admin/settings/mail/test`.
pub(super) async fn test(
    State(admin): State<Admin>,
    desk: Desk<EditSettings>,
) -> Result<Response, Problem> {
    let say = admin.words()?;
    let (shop, to) = (admin.shop().clone(), desk.staff.who.member().email.clone());
    let (subject, text) = (
        say.text("settings.mail.trial_subject"),
        say.text("settings.mail.trial_text"),
    );
    let (by, mine) = (desk.by, to.to_string());
    let mailed = web::run(async move { send_trial(&shop, by, &to, (subject, text)).await });
    let error = match mailed.await?? {
        Mailed::Sent => {
            let told = Told::new("settings.told.trial_sent").with("email", mine);
            return desk.staff.done(HERE, &told);
        }
        Mailed::NoMailServer => say.text("settings.mail.none"),
        Mailed::NotTaken(why) => say.with("settings.mail.not_taken", &[("why", why)]),
    };
    let errors = vec![FormError::of_form(error)];
    draw(
        &admin,
        &desk.staff,
        StatusCode::UNPROCESSABLE_ENTITY,
        errors,
    )
    .await
}

async fn draw(
    admin: &Admin,
    staff: &Staffer,
    status: StatusCode,
    errors: Vec<FormError>,
) -> Result<Response, Problem> {
    let (base, ()) = admin.read(staff, |_tx, _base| Ok(())).await?;
    let page = MailPage {
        errors,
        configured: admin.shop().mailer.is_configured(),
        from_name: base.settings.shop.name.clone(),
        reply_to: base.settings.shop.email.clone(),
        mine: staff.who.member().email.to_string(),
    };
    admin
        .sheet(staff, &base)
        .section(Section::Settings)
        .status(status)
        .draw(&page)
}

//! The link with which a colleague chooses a password, by mail.
//!
//! It goes to the mail server directly and never into the outbox: whoever holds such a link is that colleague, and the
//! outbox is read by people who are not. Whoever asked for the link has it on their page as well, so nothing is lost
//! should the mail not arrive.

use kernel::{MailId, Secret};
use serde::Serialize;
use templates::{Templates, Voice};

use super::MailFrame;
use crate::accounts::{INVITATION_GOOD_FOR, StaffMember};
use crate::error::Internal;
use crate::ports::mail::{Letter, MailError};
use crate::settings;
use crate::shop::Shop;

kernel::words! {
    /// What the link is for.
    pub enum StaffLinkKind {
        /// To choose a first password.
        Invitation = "invitation",
        /// To choose another one.
        Password = "password",
    }
}

/// What became of the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mailed {
    /// The mail server took it.
    Sent,
    /// There is none.
    NoMailServer,
    /// The mail server did not take it; this is what it said.
    NotTaken(String),
}

/// What the mail's templates receive.
#[derive(Debug, Clone, Serialize)]
pub struct StaffLinkMail {
    /// The link and whom it is for.
    pub link: StaffLinkView,
}

/// A link for a colleague.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StaffLinkView {
    /// `invitation` or `password`.
    pub kind: StaffLinkKind,
    /// What colleagues call them.
    pub name: String,
    /// Where it leads.
    pub url: String,
    /// For how many days it counts.
    pub days: i64,
}

impl templates::Mail for StaffLinkMail {
    const NAME: &'static str = "staff_link";

    fn samples() -> Vec<(&'static str, Self)> {
        let sample = |kind| {
            let link = StaffLinkView {
                kind,
                name: "Joris Bakker".to_owned(),
                url: "https://shop.example/admin/invitation?token=0123456789abcdefghjkmnpqrs"
                    .to_owned(),
                days: 7,
            };
            Self { link }
        };
        StaffLinkKind::ALL
            .iter()
            .map(|kind| (kind.as_str(), sample(*kind)))
            .collect()
    }
}

/// The address at which an invitation's token is used.
pub fn invitation_url(origin: &str, token: &Secret) -> String {
    format!("{origin}/admin/invitation?token={}", token.expose())
}

/// Mails a colleague the link that was made for them. Nothing is kept of it.
pub async fn mail_staff_link(
    shop: &Shop,
    templates: &Templates,
    to: &StaffMember,
    (kind, token): (StaffLinkKind, &Secret),
) -> Result<Mailed, Internal> {
    if !shop.mailer.is_configured() {
        return Ok(Mailed::NoMailServer);
    }
    let settings = shop.db.read(settings::load).await?;
    let zone = Voice::new("en-GB", &settings.shop.time_zone);
    let voice = zone.unwrap_or_else(|_unknown| Voice::neutral());
    let link = StaffLinkView {
        kind,
        name: to.name.clone(),
        url: invitation_url(&shop.origin, token),
        days: INVITATION_GOOD_FOR.div_euclid(kernel::time::DAY),
    };
    let frame = MailFrame::new(&settings, &shop.origin);
    let text = templates.render_mail(&voice, &frame, &StaffLinkMail { link })?;
    let letter = Letter {
        id: MailId::new(shop.ids.as_ref()).to_string(),
        from_name: settings.shop.name,
        reply_to: settings.shop.email,
        to: to.email.to_string(),
        subject: text.subject,
        html: text.html,
        text: text.text,
    };
    Ok(match shop.mailer.send(&letter).await {
        Ok(()) => Mailed::Sent,
        Err(MailError::Later(why) | MailError::Never(why)) => {
            tracing::warn!(staff.id = %to.id, "The link for {} was not mailed: {why}", to.id);
            Mailed::NotTaken(why)
        }
    })
}

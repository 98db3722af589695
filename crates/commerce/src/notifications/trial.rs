//! A mail that says only that mails arrive, to whoever wants to know.
//!
//! It goes to the mail server while they wait, so that they read what the server says and not what we hope.

use kernel::{Email, MailId};

use super::Mailed;
use crate::error::Internal;
use crate::ports::mail::{Letter, MailError};
use crate::settings;
use crate::shop::Shop;
use crate::staff::{Authorized, EditSettings};

/// Sends subject and text to that address. Nothing is kept of it.
pub async fn send_trial(
    shop: &Shop,
    _by: Authorized<EditSettings>,
    to: &Email,
    (subject, text): (String, String),
) -> Result<Mailed, Internal> {
    if !shop.mailer.is_configured() {
        return Ok(Mailed::NoMailServer);
    }
    let settings = shop.db.read(settings::load).await?;
    let escaped = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let letter = Letter {
        id: MailId::new(shop.ids.as_ref()).to_string(),
        from_name: settings.shop.name,
        reply_to: settings.shop.email,
        to: to.to_string(),
        subject,
        html: format!("<!doctype html><html lang=\"en\"><body><p>{escaped}</p></body></html>"),
        text,
    };
    Ok(match shop.mailer.send(&letter).await {
        Ok(()) => Mailed::Sent,
        Err(MailError::Later(why) | MailError::Never(why)) => Mailed::NotTaken(why),
    })
}

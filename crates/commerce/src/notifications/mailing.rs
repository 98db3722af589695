//! How a mail about an order comes into the outbox: everything it tells is read in one go, rendered, and kept once.

use db::Tx;
use kernel::OrderId;
use serde::Serialize;
use templates::{Mail, Templates, Voice};

use super::view::{OrderView, order_view};
use super::{NewMail, write_mail};
use crate::error::Internal;
use crate::orders::{self, Order};
use crate::settings::{self, Settings};
use crate::shop::Shop;
use crate::staff::Actor;

/// What every mail knows of the shop.
#[derive(Debug, Clone, Serialize)]
pub struct MailFrame {
    /// The shop.
    pub shop: MailShop,
}

/// The shop, for a mail.
#[derive(Debug, Clone, Serialize)]
pub struct MailShop {
    /// Its name.
    pub name: String,
    /// Where to write to.
    pub email: Option<String>,
    /// Where it is.
    pub address_lines: Vec<String>,
    /// Its public address.
    pub origin: String,
    /// The locale of the mail.
    pub locale: String,
    /// The direction its writing runs.
    pub dir: String,
}

impl MailFrame {
    /// What a mail of this shop knows of it.
    pub fn new(settings: &Settings, origin: &str) -> Self {
        Self {
            shop: MailShop {
                name: settings.shop.name.clone(),
                email: settings.shop.email.clone(),
                address_lines: settings.shop.address_lines.clone(),
                origin: origin.to_owned(),
                locale: "en-GB".to_owned(),
                dir: "ltr".to_owned(),
            },
        }
    }
}

/// Which mail it is.
pub(super) struct Mailing {
    /// Its kind, for the outbox.
    pub(super) kind: &'static str,
    /// One fact, one mail.
    pub(super) effect_key: String,
}

/// Writes a mail about an order into the outbox, once. `tell` says what it tells, within the one reading.
pub(super) async fn write<M, F>(
    shop: &Shop,
    templates: &Templates,
    (order, mailing): (OrderId, Mailing),
    mut tell: F,
) -> Result<(), Internal>
where
    M: Mail + Send + 'static,
    F: FnMut(&mut Tx<'_>, &Order, OrderView) -> Result<M, Internal> + Send + 'static,
{
    let origin = shop.origin.clone();
    let (order, settings, mail) = shop
        .db
        .read(move |tx| {
            let found = orders::get(tx, &order)?;
            let found = found.ok_or_else(|| Internal::bug(format!("{order} is gone")))?;
            let settings = settings::load(tx)?;
            let mut view = order_view(tx, &settings, &found, &origin)?;
            let pictures = view
                .lines
                .iter_mut()
                .filter_map(|line| line.picture.as_mut());
            for picture in pictures {
                picture.src = format!("{origin}{}", picture.src);
            }
            let mail = tell(tx, &found, view)?;
            Ok::<_, Internal>((found, settings, mail))
        })
        .await?;
    let zone = Voice::new("en-GB", &settings.shop.time_zone);
    let voice = zone.unwrap_or_else(|_unknown| Voice::neutral());
    let frame = MailFrame::new(&settings, &shop.origin);
    let text = templates.render_mail(&voice, &frame, &mail)?;
    let act = shop.act(Actor::System);
    let send = shop.mailer.is_configured();
    shop.db
        .write(move |tx| {
            let new = NewMail {
                kind: mailing.kind,
                effect_key: mailing.effect_key.clone(),
                order: Some(&order.id),
                recipient: &order.email,
                text: &text,
                send,
            };
            write_mail(tx, &act, &new)?;
            Ok(())
        })
        .await
}

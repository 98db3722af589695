//! "Your order is confirmed."

use jobs::NewJob;
use kernel::OrderId;
use serde::{Deserialize, Serialize};
use templates::{Templates, Voice};

use super::view::{OrderView, order_view};
use super::{NewMail, write_mail};
use crate::error::Internal;
use crate::orders::{self, Order};
use crate::settings::{self, Settings};
use crate::shop::Shop;
use crate::staff::Actor;

/// The kind of job that writes this mail. Never changes once released.
pub(crate) const KIND: &str = "notifications.order_confirmation";

/// The payload of the job.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderConfirmation {
    pub(crate) order_id: OrderId,
}

impl OrderConfirmation {
    /// The job that writes the mail of this order.
    pub(crate) fn job(order_id: &OrderId) -> NewJob {
        NewJob::new(
            KIND,
            &Self {
                order_id: order_id.clone(),
            },
        )
    }
}

/// What the mail's templates receive.
#[derive(Debug, Clone, Serialize)]
pub struct ConfirmationMail {
    /// The order.
    pub order: OrderView,
}

impl templates::Mail for ConfirmationMail {
    const NAME: &'static str = "order_confirmation";

    fn samples() -> Vec<(&'static str, Self)> {
        super::view::samples::orders()
            .into_iter()
            .map(|(name, order)| (name, Self { order }))
            .collect()
    }
}

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

/// Writes the confirmation of an order into the outbox, once.
pub(crate) async fn write(
    shop: &Shop,
    templates: &Templates,
    order: &OrderId,
) -> Result<(), Internal> {
    let (id, origin) = (order.clone(), shop.origin.clone());
    let found = shop
        .db
        .read(move |tx| -> Result<_, Internal> {
            let Some(order) = orders::get(tx, &id)? else {
                return Ok(None);
            };
            let settings = settings::load(tx)?;
            let view = order_view(tx, &settings, &order, &origin)?;
            Ok(Some((order, settings, view)))
        })
        .await?;
    let Some((order, settings, mut view)) = found else {
        return Err(Internal::bug(format!("{order} is gone")));
    };
    for picture in view
        .lines
        .iter_mut()
        .filter_map(|line| line.picture.as_mut())
    {
        picture.src = format!("{}{}", shop.origin, picture.src);
    }
    let voice = Voice::new("en-GB", &settings.shop.time_zone).unwrap_or_else(|_| Voice::neutral());
    let frame = MailFrame::new(&settings, &shop.origin);
    let text = templates.render_mail(&voice, &frame, &ConfirmationMail { order: view })?;
    keep(shop, order, text).await
}

async fn keep(shop: &Shop, order: Order, text: templates::MailText) -> Result<(), Internal> {
    let act = shop.act(Actor::System);
    let send = shop.mailer.is_configured();
    shop.db
        .write(move |tx| {
            let effect_key = format!("order_confirmation:{}", order.id);
            let new = NewMail {
                kind: "order_confirmation",
                effect_key,
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

//! "Your order is confirmed."

use jobs::NewJob;
use kernel::OrderId;
use serde::{Deserialize, Serialize};
use templates::Templates;

use super::mailing::{self, Mailing};
use super::view::OrderView;
use crate::error::Internal;
use crate::shop::Shop;

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

/// Writes the confirmation of an order into the outbox, once.
pub(crate) async fn write(
    shop: &Shop,
    templates: &Templates,
    order: OrderId,
) -> Result<(), Internal> {
    let mailing = Mailing {
        kind: "order_confirmation",
        effect_key: format!("order_confirmation:{order}"),
    };
    mailing::write(shop, templates, (order, mailing), |_tx, _order, order| {
        Ok(ConfirmationMail { order })
    })
    .await
}

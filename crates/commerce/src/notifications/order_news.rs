//! "It is on its way", "Your money is on its way back", "Your order was cancelled".

use db::Tx;
use jobs::NewJob;
use kernel::{FulfillmentId, Money, OrderId, RefundId};
use serde::{Deserialize, Serialize};
use templates::Templates;

use super::mailing::{self, Mailing};
use super::view::{OrderView, ParcelView};
use crate::error::Internal;
use crate::orders::{self, Order};
use crate::shop::Shop;

/// The kind of job that writes these mails. Never changes once released.
pub(crate) const KIND: &str = "notifications.order_news";

/// The payload of the job: what happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "news", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum OrderNews {
    Shipped {
        order_id: OrderId,
        fulfillment_id: FulfillmentId,
    },
    Refunded {
        order_id: OrderId,
        refund_id: RefundId,
    },
    Cancelled {
        order_id: OrderId,
    },
}

impl OrderNews {
    /// The job that writes the mail.
    pub(crate) fn job(&self) -> NewJob {
        NewJob::new(KIND, self)
    }

    /// The order it is about.
    pub(crate) fn order_id(&self) -> &OrderId {
        match self {
            Self::Shipped { order_id, .. }
            | Self::Refunded { order_id, .. }
            | Self::Cancelled { order_id } => order_id,
        }
    }

    /// One fact, one mail.
    fn effect_key(&self) -> String {
        match self {
            Self::Shipped { fulfillment_id, .. } => format!("order_shipped:{fulfillment_id}"),
            Self::Refunded { refund_id, .. } => format!("order_refunded:{refund_id}"),
            Self::Cancelled { order_id } => format!("order_cancelled:{order_id}"),
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Shipped { .. } => "order_shipped",
            Self::Refunded { .. } => "order_refunded",
            Self::Cancelled { .. } => "order_cancelled",
        }
    }
}

/// What the mail's templates receive.
#[derive(Debug, Clone, Serialize)]
pub struct NewsMail {
    /// The order.
    pub order: OrderView,
    /// What happened to it.
    pub news: NewsView,
}

/// What happened, for the buyer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewsView {
    /// `shipped`, `refunded` or `cancelled`.
    pub kind: &'static str,
    /// How much went back.
    pub amount: Option<Money>,
    /// Why, in the merchant's words.
    pub reason: Option<String>,
    /// What left.
    pub parcel: Option<ParcelView>,
}

impl NewsView {
    const fn of(kind: &'static str) -> Self {
        Self {
            kind,
            amount: None,
            reason: None,
            parcel: None,
        }
    }
}

impl templates::Mail for NewsMail {
    const NAME: &'static str = "order_news";

    fn samples() -> Vec<(&'static str, Self)> {
        let orders = super::view::samples::orders().into_iter();
        let mails = orders.map(|(name, order)| {
            let parcel = order.parcels.first().cloned();
            let news = match order.state {
                "cancelled" => NewsView {
                    reason: Some("Ordered twice".to_owned()),
                    ..NewsView::of("cancelled")
                },
                _ if parcel.is_some() => NewsView {
                    parcel,
                    ..NewsView::of("shipped")
                },
                _ => NewsView {
                    amount: Some(order.quote.total),
                    ..NewsView::of("refunded")
                },
            };
            (name, Self { order, news })
        });
        mails.collect()
    }
}

/// Writes the mail about what happened into the outbox, once.
pub(crate) async fn write(
    shop: &Shop,
    templates: &Templates,
    about: OrderNews,
) -> Result<(), Internal> {
    let mailing = Mailing {
        kind: about.kind(),
        effect_key: about.effect_key(),
    };
    let order_id = about.order_id().clone();
    mailing::write(
        shop,
        templates,
        (order_id, mailing),
        move |tx, order, view| {
            let news = news(tx, &about, order, &view)?;
            Ok(NewsMail { order: view, news })
        },
    )
    .await
}

fn news(
    tx: &mut Tx<'_>,
    about: &OrderNews,
    order: &Order,
    view: &OrderView,
) -> Result<NewsView, Internal> {
    Ok(match about {
        OrderNews::Shipped { fulfillment_id, .. } => {
            let parts = orders::fulfillments(tx, &order.id)?;
            let place = parts.iter().position(|part| part.id == *fulfillment_id);
            NewsView {
                parcel: place.and_then(|place| view.parcels.get(place)).cloned(),
                ..NewsView::of("shipped")
            }
        }
        OrderNews::Refunded { refund_id, .. } => {
            let refunds = orders::refunds(tx, &order.id)?;
            let refund = refunds.into_iter().find(|refund| refund.id == *refund_id);
            let (amount, reason) = refund.map(|refund| (refund.amount, refund.reason)).unzip();
            NewsView {
                amount,
                reason,
                ..NewsView::of("refunded")
            }
        }
        OrderNews::Cancelled { .. } => NewsView {
            reason: order.cancel_reason.clone(),
            ..NewsView::of("cancelled")
        },
    })
}

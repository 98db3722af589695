//! What follows from each event: one match. Everything here is done at least once, so everything here is harmless twice.

use db::Tx;
use kernel::PaymentId;

use crate::error::Internal;
use crate::event::Event;
use crate::notifications::order_confirmation::OrderConfirmation;
use crate::notifications::order_news::OrderNews;
use crate::orders::{self, CaptureError, CapturePayment, OrderStatus, capture_payment};
use crate::settings::{self, CapturePolicy};
use crate::shop::{Act, Shop};
use crate::staff::{Actor, Authorized};

/// Does what follows from an event.
pub(crate) async fn react(shop: &Shop, event: Event) -> Result<(), Internal> {
    match event {
        Event::OrderPlaced {
            order_id,
            payment_id,
        } => {
            let act = shop.act(Actor::System);
            let id = order_id.clone();
            let policy = shop
                .db
                .write(move |tx: &mut Tx<'_>| -> Result<_, Internal> {
                    enqueue_confirmation(tx, &act, &id)?;
                    // Nothing is taken for an order called off meanwhile.
                    let called_off = orders::get(tx, &id)?
                        .is_none_or(|order| order.status == OrderStatus::Canceled);
                    Ok((!called_off).then_some(settings::load(tx)?.selling.capture))
                })
                .await?;
            match (policy, payment_id) {
                (Some(CapturePolicy::AtPlacement), Some(payment)) => capture(shop, payment).await,
                (Some(CapturePolicy::AtPlacement | CapturePolicy::ByHand) | None, _) => Ok(()),
            }
        }
        Event::OrderCanceled { order_id } => tell(shop, OrderNews::Cancelled { order_id }).await,
        Event::RefundSucceeded {
            order_id,
            refund_id,
        } => {
            let news = OrderNews::Refunded {
                order_id,
                refund_id,
            };
            tell(shop, news).await
        }
        Event::OrderShipped {
            order_id,
            fulfillment_id,
        } => {
            let news = OrderNews::Shipped {
                order_id,
                fulfillment_id,
            };
            tell(shop, news).await
        }
        // The order's page shows it; the buyer has known since the confirmation.
        Event::PaymentCaptured { .. } => Ok(()),
    }
}

/// Has the buyer told. Who fetched something needs no mail about it.
async fn tell(shop: &Shop, news: OrderNews) -> Result<(), Internal> {
    let now = shop.clock.now();
    shop.db
        .write(move |tx| {
            let order = orders::get(tx, news.order_id())?;
            let handed_over = matches!(news, OrderNews::Shipped { .. })
                && order.is_some_and(|order| order.delivery.pickup);
            if !handed_over {
                jobs::enqueue(tx, now, &news.job())?;
            }
            Ok(())
        })
        .await
}

/// Takes the held money of a placed order, if nobody did or let go of it meanwhile.
async fn capture(shop: &Shop, payment_id: PaymentId) -> Result<(), Internal> {
    let cmd = CapturePayment {
        payment_id,
        amount: None,
        request_key: "placement".to_owned(),
    };
    match capture_payment(shop, Authorized::system(), cmd).await {
        Ok(_) | Err(CaptureError::TooMuch { .. }) => Ok(()),
        Err(CaptureError::Internal(error)) => Err(error),
        Err(
            error @ (CaptureError::NotFound
            | CaptureError::NotAwaited
            | CaptureError::BadAmount(_)
            | CaptureError::BadReference(_)
            | CaptureError::NoGateway(_)),
        ) => Err(Internal::bug(error.to_string())),
    }
}

fn enqueue_confirmation(
    tx: &mut Tx<'_>,
    act: &Act,
    order: &kernel::OrderId,
) -> Result<(), db::DbError> {
    jobs::enqueue(tx, act.now, &OrderConfirmation::job(order))?;
    Ok(())
}

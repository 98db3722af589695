//! What follows from each event: one match. Everything here is done at least once, so everything here is harmless twice.

use db::Tx;

use crate::error::Internal;
use crate::event::Event;
use crate::notifications::order_confirmation::OrderConfirmation;
use crate::orders::{CapturePayment, capture_payment};
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
                    Ok(settings::load(tx)?.selling.capture)
                })
                .await?;
            if let (CapturePolicy::AtPlacement, Some(payment_id)) = (policy, payment_id) {
                let cmd = CapturePayment {
                    payment_id,
                    amount: None,
                    request_key: "placement".to_owned(),
                };
                capture_payment(shop, Authorized::system(), cmd)
                    .await
                    .map_err(|error| Internal::bug(error.to_string()))?;
            }
            Ok(())
        }
        // Mails for these come with the back office; their timeline entries are written with the facts themselves.
        Event::OrderCanceled { .. }
        | Event::PaymentCaptured { .. }
        | Event::RefundSucceeded { .. }
        | Event::OrderShipped { .. } => Ok(()),
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

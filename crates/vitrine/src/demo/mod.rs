//! The demo shop Wrenfold: its settings, its catalogue, and sixty days of its orders.

mod catalog;
mod furnish;
mod orders;
mod owner;
mod people;

use commerce::Shop;
use kernel::PageRequest;
use providers::payments::TestGateway;
use templates::Templates;

use crate::Failure;
use crate::console::say;

pub(crate) use furnish::furnish;
pub(crate) use owner::{OWNER_NAME, owner_link};

/// Writes the history of an opened demo shop, unless it has one. The shop sells meanwhile.
pub(crate) async fn write_history(
    shop: &Shop,
    templates: &Templates,
    gateway: &TestGateway,
    closed: impl Future<Output = ()>,
) {
    tokio::select! {
        () = closed => {}
        written = history(shop, templates, gateway) => match written {
            Ok(0) => {}
            Ok(count) => say(format_args!("The demo shop has its history now: {count} orders of the last 60 days.")),
            Err(error) => tracing::error!("The demo shop's orders could not be written: {error}"),
        },
    }
}

async fn history(
    shop: &Shop,
    templates: &Templates,
    gateway: &TestGateway,
) -> Result<u32, Failure> {
    let orders = shop
        .db
        .read(|tx| commerce::orders::list(tx, PageRequest::new(1, 1)))
        .await?;
    if orders.total > 0 {
        return Ok(0);
    }
    orders::write(
        shop,
        |past| gateway.with_clock(std::sync::Arc::clone(&past.clock)),
        |evening| async move {
            commerce::jobs::runner(&evening, templates)
                .run_due()
                .await?;
            Ok(())
        },
    )
    .await
}

//! Looking at pages, without a session, as most visitors do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Visit;
use crate::BenchError;
use crate::client::{Connection, get};
use crate::drive::{Load, Measured, Turn, Worker, drive};
use crate::machine::{Cores, Process};
use crate::notes::{Book, Outcome};
use crate::shops;

/// Always the same page.
pub(super) fn warm(visit: &Visit<'_>, path: &str) -> Result<Measured, BenchError> {
    one_page(
        (visit.address(), visit.process()),
        visit.cores,
        visit.load,
        path,
    )
}

/// One page of any server, again and again.
pub(crate) fn one_page(
    (address, process): (SocketAddr, Process),
    cores: Cores,
    load: Load,
    path: &str,
) -> Result<Measured, BenchError> {
    let pages = Arc::new(Pages {
        requests: vec![get(address, path, "")],
        next: AtomicUsize::new(0),
        again: true,
    });
    drive(cores.load, load, process, |_| Looker::new(address, &pages))
}

/// Every product's page once. The server was just started: it has looked at nothing, so whatever it remembers of a page
/// serves nobody else. What all pages share (templates, the shop's frame) it may well remember. Ends early when every
/// product has been looked at.
pub(super) fn cold(visit: &Visit<'_>) -> Result<Measured, BenchError> {
    let paths = scattered(visit.stage.products);
    let pages = Arc::new(Pages {
        requests: paths.map(|path| get(visit.address(), &path, "")).collect(),
        next: AtomicUsize::new(0),
        again: false,
    });
    drive(visit.cores.load, visit.load, visit.process(), |_| {
        Looker::new(visit.address(), &pages)
    })
}

/// The pages of products in an order that jumps all over the catalogue, a hundred thousand at most: more are not looked at
/// in the time of a run.
fn scattered(products: u32) -> impl Iterator<Item = String> {
    /// Divides no catalogue, so that every number is met once.
    const STEP: u64 = 611_953;
    let count = u64::from(products.max(1));
    (0..count)
        .map(move |place| (place * STEP) % count + 1)
        .filter_map(|number| shops::product(u32::try_from(number).ok()?))
        .take(100_000)
}

struct Pages {
    requests: Vec<Vec<u8>>,
    next: AtomicUsize,
    again: bool,
}

struct Looker {
    connection: Connection,
    pages: Arc<Pages>,
}

impl Looker {
    fn new(address: SocketAddr, pages: &Arc<Pages>) -> Self {
        Self {
            connection: Connection::to(address),
            pages: Arc::clone(pages),
        }
    }
}

impl Worker for Looker {
    async fn go(&mut self, turn: Turn, book: &Book) -> bool {
        let pages = &self.pages;
        let mut next = pages.next.fetch_add(1, Ordering::Relaxed);
        if pages.again {
            next %= pages.requests.len().max(1);
        }
        let Some(request) = pages.requests.get(next) else {
            return false;
        };
        let outcome = match self.connection.ask(request).await {
            Ok(seen) => judge(seen.status, 200),
            Err(error) => Outcome::Bad(error.to_string()),
        };
        book.note("page", turn.due, outcome);
        true
    }
}

/// An answer is good if it is what was to be expected.
pub(super) fn judge(status: u16, expected: u16) -> Outcome {
    match status {
        status if status == expected => Outcome::Good,
        429 | 503 => Outcome::Busy,
        status => Outcome::Bad(format!("status {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_product_on_sale_is_looked_at_once() {
        for products in [1_000_u32, 10_000] {
            let paths: Vec<String> = scattered(products).collect();
            let different: BTreeSet<&String> = paths.iter().collect();
            assert_eq!(different.len(), paths.len());
            let on_sale = (1..=products).filter(|number| shops::product(*number).is_some());
            assert_eq!(paths.len(), on_sale.count());
        }
    }

    #[test]
    fn a_busy_shop_is_not_an_error_and_everything_else_unexpected_is() {
        assert_eq!(judge(200, 200), Outcome::Good);
        assert_eq!(judge(503, 200), Outcome::Busy);
        assert_eq!(judge(429, 303), Outcome::Busy);
        assert_eq!(judge(200, 303), Outcome::Bad("status 200".to_owned()));
    }
}

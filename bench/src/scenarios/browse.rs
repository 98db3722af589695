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
    use crate::drive::Model;
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

    /// The whole way of a run but for the shop: server, connections, both models, notes.
    #[test]
    fn a_page_is_asked_for_over_real_connections_and_every_answer_is_noted() {
        const ANSWER: &[u8] =
            b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<p>Good morning</p>";
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            crate::block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                crate::bare::repeat(listener, ANSWER).await
            })
        });
        let cores = Cores { server: 0, load: 0 };
        let run = |model, path| {
            let load = Load {
                model,
                warm: std::time::Duration::ZERO,
                time: std::time::Duration::from_millis(100),
            };
            let server = (address, Process::own());
            let notes = one_page(server, cores, load, path).unwrap().notes;
            notes.all(&[])
        };
        let open = Model::Open {
            per_second: 200,
            connections: 3,
        };
        let all = run(open, "/");
        assert_eq!((all.good(), all.wrong(), all.busy), (20, 0, 0));
        let all = run(Model::Closed { connections: 2 }, "/");
        assert!(all.good() > 0 && all.wrong() == 0);
    }

    #[test]
    fn a_busy_shop_is_not_an_error_and_everything_else_unexpected_is() {
        assert_eq!(judge(200, 200), Outcome::Good);
        assert_eq!(judge(503, 200), Outcome::Busy);
        assert_eq!(judge(429, 303), Outcome::Busy);
        assert_eq!(judge(200, 303), Outcome::Bad("status 200".to_owned()));
    }
}

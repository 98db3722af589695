//! Searching, filling a bag, buying, and the everyday mix of it all.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Visit;
use crate::BenchError;
use crate::client::{Connection, get};
use crate::drive::{Load, Measured, Model, Turn, Worker, drive};
use crate::notes::{Book, Outcome};
use crate::page::escape;
use crate::scenarios::browse::judge;
use crate::shopper::{Browser, Left, Ready, noted};
use crate::shops;

const KINDS: [&str; 6] = ["tarn", "quiet", "heath", "email", "walnut", "linen"];
const THINGS: [&str; 8] = [
    "vase", "bowl", "mug", "plate", "jug", "lamp", "teapot", "basket",
];

/// What is typed into the search field: two words, one word, the beginning of one, one that is spelt wrongly; then other
/// orders and further pages.
fn queries() -> Vec<String> {
    let mut queries = Vec::new();
    for (place, thing) in THINGS.iter().enumerate() {
        let wrong: String = thing.chars().rev().take(2).collect();
        let more = [
            (format!("{thing}{wrong}"), ""),
            (format!("{thing} {}", 100 + place), ""),
            (thing.chars().take(3).collect(), ""),
            ((*thing).to_owned(), ""),
            ((*thing).to_owned(), "&sort=price_up"),
            // There are two pages of each thing even in the smallest shop.
            ((*thing).to_owned(), "&page=2"),
        ];
        queries.extend(KINDS.map(|kind| (format!("{kind} {thing}"), "")));
        queries.extend(more);
    }
    let path = |(query, more): &(String, &str)| {
        let mut path = "/search?q=".to_owned();
        escape(&mut path, query);
        path.push_str(more);
        path
    };
    queries.iter().map(path).collect()
}

pub(super) struct Searcher {
    connection: Connection,
    requests: Arc<Vec<Vec<u8>>>,
}

impl Worker for Searcher {
    async fn go(&mut self, turn: Turn, book: &Book) -> bool {
        let Some(request) = pick(&self.requests, turn.number) else {
            return false;
        };
        let outcome = match self.connection.ask(request).await {
            Ok(seen) => judge(seen.status, 200),
            Err(error) => Outcome::Bad(error.to_string()),
        };
        book.note("search", turn.due, outcome);
        true
    }
}

/// One of these for each number, in a scattered order.
fn pick<T>(from: &[T], number: u64) -> Option<&T> {
    let count = u64::try_from(from.len()).unwrap_or(1).max(1);
    let scattered = number.wrapping_mul(7_919).wrapping_add(number / count);
    from.get(usize::try_from(scattered % count).unwrap_or(0))
}

pub(super) fn search(visit: &Visit<'_>) -> Result<Measured, BenchError> {
    let searchers = searchers(visit.address());
    drive(visit.cores.load, visit.load, visit.process(), searchers)
}

/// Those who search, one for each connection.
pub(super) fn searchers(address: SocketAddr) -> impl Fn(usize) -> Searcher + Send {
    let requests = queries()
        .iter()
        .map(|path| get(address, path, ""))
        .collect();
    let requests = Arc::new(requests);
    move |_| Searcher {
        connection: Connection::to(address),
        requests: Arc::clone(&requests),
    }
}

/// What a shopper comes for.
#[derive(Debug, Clone, Copy)]
enum Errand {
    /// Puts something in, looks at the bag.
    Bag,
    /// Buys.
    Buy,
    /// What people do on an ordinary day.
    Everyday,
}

struct Person {
    browser: Browser,
    errand: Errand,
    products: Arc<Vec<String>>,
    everything: Arc<Vec<String>>,
    queries: Arc<Vec<String>>,
}

impl Worker for Person {
    async fn go(&mut self, turn: Turn, book: &Book) -> bool {
        self.browser.newcomer(turn.number);
        match self.errand {
            Errand::Bag => noted(self.fill_a_bag(turn, book).await),
            Errand::Buy => noted(self.buy(turn, book).await),
            Errand::Everyday => self.ordinary(turn, book).await,
        }
        true
    }
}

impl Person {
    async fn fill_a_bag(&mut self, turn: Turn, book: &Book) -> Result<(), Left> {
        let product = pick(&self.products, turn.number)
            .cloned()
            .unwrap_or_default();
        self.browser.put(book, turn.due, &product).await?;
        self.browser
            .get(book, ("bag", Instant::now()), "/cart", &[200])
            .await?;
        book.note("whole visit", turn.due, Outcome::Good);
        Ok(())
    }

    async fn buy(&mut self, turn: Turn, book: &Book) -> Result<(), Left> {
        let product = pick(&self.products, turn.number)
            .cloned()
            .unwrap_or_default();
        self.browser.buy(book, turn.due, &product).await
    }

    /// Of a hundred visitors 80 look at pages, 12 search, 6 fill a bag and 2 buy.
    async fn ordinary(&mut self, turn: Turn, book: &Book) {
        let share = turn.number.wrapping_mul(37) % 100;
        let errand = match share {
            0..80 => {
                let path = self.page(turn.number, share);
                noted(
                    self.browser
                        .get(book, ("page", turn.due), &path, &[200])
                        .await,
                );
                return;
            }
            80..92 => {
                let path = pick(&self.queries, turn.number)
                    .cloned()
                    .unwrap_or_default();
                noted(
                    self.browser
                        .get(book, ("search", turn.due), &path, &[200])
                        .await,
                );
                return;
            }
            92..98 => self.fill_a_bag(turn, book).await,
            _ => self.buy(turn, book).await,
        };
        noted(errand);
    }

    /// The start page, a collection, a shelf, or a product: half of the looks are at few products, the others at any.
    fn page(&self, number: u64, share: u64) -> String {
        let product = |from: &[String]| pick(from, number).cloned().unwrap_or_default();
        match share {
            0..10 => "/".to_owned(),
            10..20 => shops::COLLECTION.to_owned(),
            20..35 => format!("/c/shelf-1-{}", number % 40 + 1),
            35..58 => product(&self.products),
            _ => product(&self.everything),
        }
    }
}

fn people(visit: &Visit<'_>, errand: Errand) -> Result<Measured, BenchError> {
    let products = Arc::new(shops::plenty());
    let everything: Vec<String> = (1..=visit.stage.products)
        .filter_map(shops::product)
        .take(100_000)
        .collect();
    let (everything, queries) = (Arc::new(everything), Arc::new(queries()));
    let address = visit.address();
    drive(visit.cores.load, visit.load, visit.process(), |_| Person {
        browser: Browser::new(address),
        errand,
        products: Arc::clone(&products),
        everything: Arc::clone(&everything),
        queries: Arc::clone(&queries),
    })
}

pub(super) fn cart(visit: &Visit<'_>) -> Result<Measured, BenchError> {
    people(visit, Errand::Bag)
}

pub(super) fn checkout(visit: &Visit<'_>) -> Result<Measured, BenchError> {
    people(visit, Errand::Buy)
}

pub(super) fn mix(visit: &Visit<'_>) -> Result<Measured, BenchError> {
    people(visit, Errand::Everyday)
}

type Queue = Arc<Mutex<Vec<Ready>>>;

/// Goes as far as the last form, and waits there.
struct Queuer {
    browser: Browser,
    products: Arc<Vec<String>>,
    queue: Queue,
    wanted: u64,
}

impl Worker for Queuer {
    async fn go(&mut self, turn: Turn, book: &Book) -> bool {
        if turn.number >= self.wanted {
            return false;
        }
        self.browser.newcomer(turn.number);
        let product = pick(&self.products, turn.number)
            .cloned()
            .unwrap_or_default();
        if self.browser.put(book, turn.due, &product).await.is_ok()
            && let Ok(Some(form)) = self.browser.check_out(book, "bank_transfer").await
        {
            let ready = self.browser.ready(form);
            lock(&self.queue).push(ready);
        }
        true
    }
}

fn lock(queue: &Mutex<Vec<Ready>>) -> std::sync::MutexGuard<'_, Vec<Ready>> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Presses the button for those who wait.
struct Placer {
    browser: Browser,
    queue: Queue,
}

impl Worker for Placer {
    async fn go(&mut self, turn: Turn, book: &Book) -> bool {
        let Some(ready) = lock(&self.queue).pop() else {
            return false;
        };
        let form = self.browser.take_over(ready);
        let submit = self
            .browser
            .submit(book, ("place order", turn.due), &form, &[303]);
        noted(submit.await);
        true
    }
}

/// Only the request that places an order, with as many buyers at once as there are connections: their bags were filled and
/// their forms filled in before. They pay by bank transfer, so that this one request makes the whole order. Ends when all
/// of them have ordered.
pub(super) fn place(
    visit: &Visit<'_>,
    buyers: u64,
    products: Vec<String>,
) -> Result<Measured, BenchError> {
    let queue = Queue::default();
    let (address, products) = (visit.address(), Arc::new(products));
    let load = Load {
        model: Model::Closed { connections: 16 },
        warm: Duration::ZERO,
        time: Duration::from_mins(30),
    };
    let before = drive(visit.cores.load, load, visit.process(), |_| Queuer {
        browser: Browser::new(address),
        products: Arc::clone(&products),
        queue: Arc::clone(&queue),
        wanted: buyers,
    })?;
    let came = u64::try_from(lock(&queue).len()).unwrap_or(0);
    if came < buyers {
        let why = before.notes.all(&[]).bad;
        return Err(BenchError::Unexpected(format!(
            "{came} of {buyers} buyers came as far as the last form: {why:?}"
        )));
    }
    let load = Load {
        model: visit.load.model,
        warm: Duration::ZERO,
        ..load
    };
    drive(visit.cores.load, load, visit.process(), |_| Placer {
        browser: Browser::new(address),
        queue: Arc::clone(&queue),
    })
}

/// Where somebody else opens pages of any kind: used beside a flood.
pub(super) fn buyer(address: SocketAddr) -> impl Worker {
    Person {
        browser: Browser::new(address),
        errand: Errand::Buy,
        products: Arc::new(shops::plenty()),
        everything: Arc::default(),
        queries: Arc::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn everything_on_a_list_is_picked_in_time() {
        let list: Vec<u32> = (0..64).collect();
        let picked: BTreeSet<u32> = (0..640)
            .filter_map(|number| pick(&list, number))
            .copied()
            .collect();
        assert_eq!(picked.len(), 64);
        assert_eq!(pick::<u32>(&[], 1), None);
    }

    #[test]
    fn an_ordinary_day_has_everybody_in_it() {
        let shares: BTreeSet<u64> = (0..100_u64).map(|number| number * 37 % 100).collect();
        assert_eq!(shares.len(), 100);
        assert!(queries().iter().all(|path| path.starts_with("/search?q=")));
    }
}

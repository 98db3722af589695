//! The shop as a process: killed, doubled, started and stopped.

mod accident;
mod admin;
mod backup;
mod books;
mod crowds;
mod database_away;
mod disk_full;
mod kill_checkout;
mod kill_migrations;
mod server;
mod start_and_stop;
mod storm;
mod two_nodes;
mod visitor;

use std::path::PathBuf;
use std::sync::Arc;

use commerce::Shop;
use commerce::keys::{Purpose, server_key};
use commerce::ports::gateway::Gateways;
use commerce::testing::TestShop;
use db::{Db, Location};
use kernel::time::{HOUR, MINUTE, ManualClock};
use kernel::{Clock, SystemClock};
use providers::payments::TestGateway;
use tempfile::TempDir;

/// A folder on a real disk, gone at the end of the test.
fn folder() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder can be made")
}

/// Where the binary keeps the database of a data folder.
fn database_in(folder: &TempDir) -> (PathBuf, Location) {
    let file = folder.path().join("shop.sqlite");
    (file.clone(), Location::Sqlite(file))
}

/// How often something random is done: so often, or as often as `VITRINE_TEST_ROUNDS` says for a long night.
fn rounds(usual: u32) -> u32 {
    let told = std::env::var("VITRINE_TEST_ROUNDS").ok();
    told.map_or(usual, |text| text.parse().expect("a number of rounds"))
}

/// Opens a database, and brings it up to date.
async fn open(location: &Location) -> Db {
    let db = Db::open(location, &db::testing::options()).expect("the database opens");
    db.migrate(commerce::MIGRATIONS)
        .await
        .expect("it can be brought up to date");
    db
}

/// Sets a shop up that lives at the time of the machine, as one that is served does.
async fn set_up(location: &Location) -> TestShop {
    let mut test = TestShop::on(open(location).await, None).await;
    test.shop.clock = Arc::new(SystemClock);
    test
}

/// The shop that was served, some hours later: what a killed process had in hand is taken up again and finished.
async fn hours_later(test: TestShop, db: Db) -> TestShop {
    let clock = ManualClock::at(SystemClock.now().plus(MINUTE));
    let mut shop = Shop {
        db,
        clock: Arc::new(clock.clone()),
        ..test.shop.clone()
    };
    let key = server_key(&shop, Purpose::TestGateway)
        .await
        .expect("the shop has its keys");
    let (own, ids) = (Arc::clone(&shop.clock), Arc::clone(&shop.ids));
    let gateway = TestGateway::new(shop.db.clone(), own, ids, key, &shop.origin);
    shop.gateways = Gateways::default().with(Arc::new(gateway));
    let test = TestShop {
        shop,
        clock,
        ..test
    };
    test.let_pass(3 * HOUR).await;
    assert!(test.dead_jobs().await.is_empty(), "jobs given up");
    test
}

/// Does what blocks, beside the runtime.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work)
        .await
        .expect("it goes well")
}

/// Every placed order has its one mail.
async fn assert_each_order_is_confirmed_once(test: &TestShop) {
    let wrong: Vec<(String, i64)> = test
        .rows(
            "SELECT o.id, COUNT(m.id) FROM orders o LEFT JOIN mails m ON m.order_id = o.id
              WHERE o.placed_at IS NOT NULL GROUP BY o.id HAVING COUNT(m.id) <> 1",
        )
        .await;
    assert_eq!(wrong, [], "orders and how many mails they have");
}

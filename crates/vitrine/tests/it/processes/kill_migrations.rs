//! The process dies while it makes its tables, and is started again.

use std::thread::sleep;
use std::time::Duration;

use commerce::testing::Dice;
use db::Location;
use db::testing::TestDatabase;

use super::server::{Server, Starting, run_in, words};
use super::{apart, folder, rounds};

/// Starts a shop in an empty place and kills it at some moment, again and again, until it is open once.
fn die_while_opening(seed: u64, options: &[&str]) {
    let mut dice = Dice::new(seed);
    let folder = folder();
    for _ in 0..12 {
        let starting = Starting::begin(folder.path(), options);
        sleep(Duration::from_millis(u64::from(dice.up_to(90))));
        starting.kill();
    }
    let server = Server::start(folder.path(), options);
    assert!(server.stop().success());
    let words_of = [&["verify"], options].concat();
    let verdict = run_in(folder.path(), &words_of);
    assert!(verdict.status.success(), "{}", words(&verdict));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_a_shop_killed_while_it_makes_its_tables_opens_the_next_time() {
    for round in 0..rounds(3) {
        apart(move || die_while_opening(u64::from(round), &[])).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_a_shop_killed_while_it_makes_its_tables_opens_the_next_time() {
    for round in 0..rounds(3) {
        let Some(database) = TestDatabase::postgres(&[]).await else {
            return;
        };
        let Location::Postgres(url) = database.location().clone() else {
            panic!("it is PostgreSQL")
        };
        apart(move || die_while_opening(u64::from(round), &["--database", &url])).await;
    }
}

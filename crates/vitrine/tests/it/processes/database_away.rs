//! PostgreSQL is restarted, or cuts every line, in the middle of a rush.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use commerce::testing::euros;
use db::{Location, params};
use kernel::VariantId;
use tempfile::TempDir;

use super::server::{Server, run_in, words};
use super::visitor::{Bought, Door, Visitor};
use super::{
    apart, assert_each_order_is_confirmed_once, books, folder, hours_later, open, rounds, set_up,
};

const BUYERS: u32 = 12;
const PURCHASES: u32 = 5;

/// A PostgreSQL server of our own, that may be treated badly.
struct Cluster {
    // Sockets have short paths; and the server's own user has to reach it.
    folder: TempDir,
    url: String,
}

fn tool(words: &[&str], folder: &std::path::Path) -> Option<Output> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let tool = root.ancestors().nth(2)?.join("tools/postgres.sh");
    let (what, settings) = words.split_first()?;
    let mut command = Command::new("sh");
    command.arg(tool).arg(what).arg(folder).args(settings);
    command.output().ok()
}

impl Cluster {
    /// `None`, with a visible line, where there is no PostgreSQL to start.
    fn start() -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("vpg").tempdir().ok()?;
        let started = tool(&["start", "fsync=off"], folder.path())?;
        if !started.status.success() {
            let is_wanted = std::env::var("VITRINE_REQUIRE_POSTGRES").is_ok();
            assert!(!is_wanted, "{}", words(&started));
            println!(
                "skipped: no PostgreSQL server can be started: {}",
                words(&started)
            );
            return None;
        }
        let url = String::from_utf8(started.stdout).ok()?.trim().to_owned();
        Some(Self { folder, url })
    }

    /// Ends it as a crash would, and starts it again.
    fn restart(&self) {
        let done = tool(&["restart"], self.folder.path()).expect("the tool runs");
        assert!(done.status.success(), "{}", words(&done));
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(tool(&["stop"], self.folder.path()));
    }
}

fn buy_on(number: u32, doors: &[Door; 2], vase: &VariantId, report: &Sender<Bought>) {
    for purchase in 0..PURCHASES {
        let mut visitor =
            Visitor::new(number * PURCHASES + purchase, &[&doors[0], &doors[1]]).patient();
        assert!(visitor.takes(vase, 1));
        visitor.fills_in().expect("the form is taken");
        report.send(visitor.pays()).expect("somebody counts");
    }
}

/// Everybody buys, and in between the database goes away so many times, each time in another way.
fn rush(cluster: &Cluster, doors: &[Door; 2], vase: &VariantId) -> Vec<Bought> {
    let (report, orders) = channel();
    for number in 0..BUYERS {
        let (doors, vase, report) = (doors.clone(), vase.clone(), report.clone());
        thread::spawn(move || buy_on(number, &doors, &vase, &report));
    }
    drop(report);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut told = Vec::new();
    for accident in 0..rounds(6) {
        told.extend(orders.iter().take(7));
        if accident % 2 == 0 {
            cluster.restart();
        } else {
            runtime.block_on(cut_every_line(&cluster.url));
        }
    }
    told.extend(orders.iter());
    told
}

/// Ends every other connection to the database, whatever it is doing.
async fn cut_every_line(url: &str) {
    let location = Location::parse(url);
    let db = db::Db::open(&location, &db::testing::options()).expect("it opens");
    let cut = db.read::<Vec<(bool,)>, db::DbError, _>(|tx| {
        tx.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE pid <> pg_backend_pid() AND application_name <> $1 AND usename IS NOT NULL",
            params!["nobody"],
        )
    });
    assert!(!cut.await.expect("it is there").is_empty());
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_in_a_rush_loses_and_doubles_no_order() {
    let Some(cluster) = apart(Cluster::start).await else {
        return;
    };
    let location = Location::parse(&cluster.url);
    let test = set_up(&location).await;
    let vase = test.product("Storm vase", euros(2_500), 500).await;
    test.shop.db.close().await;
    let folders = [folder(), folder()];
    let serve = |node: usize| Server::start(folders[node].path(), &["--database", &cluster.url]);
    let nodes = [serve(0), serve(1)];
    let doors = [Door::at(nodes[0].address), Door::at(nodes[1].address)];
    let wanted = vase.clone();
    let (cluster, told) = apart(move || {
        let told = rush(&cluster, &doors, &wanted);
        (cluster, told)
    })
    .await;
    let mut paths: Vec<String> = told
        .into_iter()
        .map(|bought| match bought {
            Bought::Order { path, .. } => path.replace("/orders/", ""),
            Bought::No(why) => panic!("somebody was turned away: {why}"),
        })
        .collect();
    paths.sort();
    assert_eq!(paths.len(), usize::try_from(BUYERS * PURCHASES).unwrap());
    for node in nodes {
        assert!(node.stop().success());
    }
    let test = hours_later(test, open(&location).await).await;
    let placed: Vec<(String,)> = test
        .rows("SELECT link_token FROM orders WHERE placed_at IS NOT NULL ORDER BY link_token")
        .await;
    let placed: Vec<String> = placed.into_iter().map(|(token,)| token).collect();
    assert_eq!(placed, paths, "every order that was told of, and no other");
    assert_each_order_is_confirmed_once(&test).await;
    books::assert_agree(&test).await;
    test.shop.db.close().await;
    let verdict = run_in(folders[0].path(), &["verify", "--database", &cluster.url]);
    assert!(verdict.status.success(), "{}", words(&verdict));
}

//! Two processes on one PostgreSQL database are one shop.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use commerce::testing::{TestShop, euros};
use db::Location;
use db::testing::TestDatabase;
use kernel::VariantId;
use tempfile::TempDir;

use super::server::{Server, run_in, words};
use super::visitor::{Bought, Door, Visitor};
use super::{
    apart, assert_each_order_is_confirmed_once, books, folder, hours_later, open, rounds, set_up,
};

const STOCK: u32 = 50;
const SHOPPERS: u32 = 200;

/// A database with a shop in it, that two processes serve, each from a folder of its own.
struct Town {
    test: TestShop,
    url: String,
    database: TestDatabase,
    folders: [TempDir; 2],
}

impl Town {
    /// `None`, with a visible line, where there is no PostgreSQL.
    async fn build() -> Option<Self> {
        let database = TestDatabase::postgres(commerce::MIGRATIONS).await?;
        let Location::Postgres(url) = database.location().clone() else {
            panic!("it is PostgreSQL")
        };
        let test = set_up(database.location()).await;
        Some(Self {
            test,
            url,
            database,
            folders: [folder(), folder()],
        })
    }

    fn serve(&self, node: usize) -> Server {
        Server::start(self.folders[node].path(), &["--database", &self.url])
    }

    /// Some hours later the books balance, for the binary and for the company that takes the money.
    async fn close(self) {
        self.test.shop.db.close().await;
        let test = hours_later(self.test, open(self.database.location()).await).await;
        assert_each_order_is_confirmed_once(&test).await;
        books::assert_agree(&test).await;
        let data = self.folders[0].path();
        let verdict = run_in(data, &["verify", "--database", &self.url]);
        assert!(verdict.status.success(), "{}", words(&verdict));
        test.shop.db.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_shoppers_at_two_nodes_get_fifty_vases_between_them() {
    let Some(town) = Town::build().await else {
        return;
    };
    let vase = town
        .test
        .product("Last vase", euros(2_500), i64::from(STOCK))
        .await;
    let nodes = [town.serve(0), town.serve(1)];
    let doors = [Door::at(nodes[0].address), Door::at(nodes[1].address)];
    let wanted = vase.clone();
    let bought = apart(move || rush(&doors, &wanted)).await;
    let orders = bought
        .iter()
        .filter(|bought| matches!(bought, Bought::Order { .. }))
        .count();
    assert_eq!(orders, 50, "{bought:#?}");
    for node in nodes {
        assert!(node.stop().success());
    }
    assert_eq!(town.test.orders_placed().await, 50);
    assert_eq!(town.test.figures(&vase).await, (50, 50, 0));
    town.close().await;
}

/// Everybody takes a vase, and then all press at once, half of them at each node.
fn rush(doors: &[Door; 2], vase: &VariantId) -> Vec<Bought> {
    let together = Arc::new(Barrier::new(usize::try_from(SHOPPERS).unwrap()));
    let shopper = |number: u32| {
        let door = &doors[usize::try_from(number % 2).unwrap()];
        let (mut visitor, vase, together) = (
            Visitor::new(number, &[door]),
            vase.clone(),
            Arc::clone(&together),
        );
        thread::spawn(move || {
            let ready = visitor.takes(&vase, 1) && visitor.fills_in().is_some();
            together.wait();
            if ready {
                visitor.pays()
            } else {
                Bought::No("not even into the bag".to_owned())
            }
        })
    };
    let shoppers: Vec<_> = (0..SHOPPERS).map(shopper).collect();
    shoppers
        .into_iter()
        .map(|shopper| shopper.join().expect("nobody is turned away rudely"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_begins_at_one_node_goes_on_at_the_other() {
    let Some(town) = Town::build().await else {
        return;
    };
    let jug = town.test.product("Heron jug", euros(5_400), 3).await;
    let nodes = [town.serve(0), town.serve(1)];
    let doors = [Door::at(nodes[0].address), Door::at(nodes[1].address)];
    apart(move || {
        let mut visitor = Visitor::new(1, &[&doors[0]]);
        assert!(visitor.takes(&jug, 1));
        visitor.goes_to(&doors[1]);
        assert!(visitor.get("/cart").body.contains("Heron jug"));
        visitor.fills_in().expect("the form is taken");
        visitor.goes_to(&doors[0]);
        let Bought::Order { path, .. } = visitor.pays() else {
            panic!("it is for sale")
        };
        visitor.goes_to(&doors[1]);
        assert!(visitor.get(&path).body.contains("Heron jug"));
    })
    .await;
    drop(nodes);
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_on_both_nodes_pages_at_once_and_found_in_both_searches_within_a_second() {
    let Some(town) = Town::build().await else {
        return;
    };
    let jug = town.test.product("Heron jug", euros(5_400), 3).await;
    let nodes = [town.serve(0), town.serve(1)];
    let doors = [Door::at(nodes[0].address), Door::at(nodes[1].address)];
    let pages = |path: &'static str| {
        let doors = doors.clone();
        apart(move || doors.map(|door| Visitor::new(1, &[&door]).get(path)))
    };
    for page in pages("/products/heron-jug").await {
        assert!(
            page.body.contains("54.00") || page.body.contains("€54"),
            "{}",
            page.body
        );
    }
    town.test.reprice(&jug, 4_321).await;
    for page in pages("/products/heron-jug").await {
        assert!(page.body.contains("43.21"), "{}", page.body);
    }
    // A busy machine may be late once; a shop that only looks now and then would be late each time.
    let mut quickest = Duration::MAX;
    for (title, path) in [
        ("Quillwort lamp", "/search?q=quillwort"),
        ("Zephyr bell", "/search?q=zephyr"),
        ("Yarrow mug", "/search?q=yarrow"),
    ] {
        town.test.product(title, euros(1_000), 1).await;
        let changed = Instant::now();
        while !pages(path)
            .await
            .iter()
            .all(|page| page.body.contains(title))
        {
            assert!(
                changed.elapsed() < Duration::from_secs(30),
                "{title} is never found"
            );
        }
        quickest = quickest.min(changed.elapsed());
    }
    assert!(quickest < Duration::from_secs(1), "{quickest:?}");
    drop(nodes);
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_may_be_started_in_one_folder_and_search_each_for_itself() {
    let Some(town) = Town::build().await else {
        return;
    };
    town.test.product("Quillwort lamp", euros(1_000), 1).await;
    let nodes = [town.serve(0), town.serve(0)];
    for node in &nodes {
        let door = Door::at(node.address);
        let find = move || Visitor::new(1, &[&door]).get("/search?q=quillwort");
        let began = Instant::now();
        while !apart(find.clone()).await.body.contains("Quillwort lamp") {
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "it is never found"
            );
        }
    }
    for node in nodes {
        assert!(node.stop().success());
    }
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_one_node_dies_the_other_goes_on_and_nothing_is_lost() {
    let Some(town) = Town::build().await else {
        return;
    };
    let vase = town.test.product("Storm vase", euros(2_500), 500).await;
    let nodes = [town.serve(0), town.serve(1)];
    let doors = [Door::at(nodes[0].address), Door::at(nodes[1].address)];
    let [first, second] = nodes;
    let told = apart(move || buy_while_one_dies(&doors, first, &vase)).await;
    assert_eq!(told.len(), 60);
    let mut paths: Vec<_> = told
        .into_iter()
        .map(|bought| match bought {
            Bought::Order { path, .. } => path.replace("/orders/", ""),
            Bought::No(why) => panic!("somebody was turned away: {why}"),
        })
        .collect();
    paths.sort();
    let placed: Vec<(String,)> = town
        .test
        .rows("SELECT link_token FROM orders WHERE placed_at IS NOT NULL ORDER BY link_token")
        .await;
    assert_eq!(
        placed.into_iter().map(|(token,)| token).collect::<Vec<_>>(),
        paths
    );
    assert!(second.stop().success());
    town.close().await;
}

/// Twenty buyers, each with three purchases, half of them at each node. Whose node dies goes on at the other.
fn buy_while_one_dies(doors: &[Door; 2], dying: Server, vase: &VariantId) -> Vec<Bought> {
    let (report, orders) = channel();
    for number in 0..20_u32 {
        let half = usize::try_from(number % 2).unwrap();
        let doors = [doors[half].clone(), doors[1 - half].clone()];
        let (vase, report) = (vase.clone(), report.clone());
        thread::spawn(move || buy_three(number, &doors, &vase, &report));
    }
    drop(report);
    let mut told: Vec<Bought> = orders.iter().take(15).collect();
    dying.kill();
    told.extend(orders.iter());
    told
}

fn buy_three(number: u32, doors: &[Door; 2], vase: &VariantId, report: &Sender<Bought>) {
    for purchase in 0..3 {
        let mut visitor = Visitor::new(number * 3 + purchase, &[&doors[0], &doors[1]]);
        assert!(visitor.takes(vase, 1));
        visitor.fills_in().expect("the form is taken");
        report.send(visitor.pays()).expect("somebody counts");
    }
}

/// Kills one node after the other and starts it again, while buyers go on at whichever answers.
fn buy_while_nodes_die_in_turn(town: &Town, vase: &VariantId) -> Vec<Bought> {
    let mut nodes = [town.serve(0), town.serve(1)].map(Some);
    let doors = [0, 1].map(|node| Door::at(nodes[node].as_ref().expect("it runs").address));
    let (report, orders) = channel();
    for number in 0..24_u32 {
        let half = usize::try_from(number % 2).unwrap();
        let doors = [doors[half].clone(), doors[1 - half].clone()];
        let (vase, report) = (vase.clone(), report.clone());
        thread::spawn(move || buy_three(number, &doors, &vase, &report));
    }
    drop(report);
    let mut told = Vec::new();
    for death in 0..rounds(6) {
        told.extend(orders.iter().take(8));
        let node = usize::try_from(death % 2).unwrap();
        nodes[node].take().expect("it runs").kill();
        let again = town.serve(node);
        doors[node].moves_to(again.address);
        nodes[node] = Some(again);
    }
    told.extend(orders.iter());
    for node in nodes.into_iter().flatten() {
        assert!(node.stop().success());
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_die_in_turn_and_come_back_lose_and_double_nothing() {
    let Some(town) = Town::build().await else {
        return;
    };
    let vase = town.test.product("Storm vase", euros(2_500), 500).await;
    let (town, told) = apart(move || {
        let told = buy_while_nodes_die_in_turn(&town, &vase);
        (town, told)
    })
    .await;
    assert_eq!(told.len(), 72);
    let is_order = |bought: &&Bought| matches!(bought, Bought::Order { .. });
    assert_eq!(told.iter().filter(is_order).count(), 72, "{told:#?}");
    assert_eq!(town.test.orders_placed().await, 72);
    town.close().await;
}

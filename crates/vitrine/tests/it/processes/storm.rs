//! Many buyers at a shop that is killed again and again.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use commerce::testing::{Dice, TestShop, euros};
use db::params;
use kernel::VariantId;

use super::server::{Server, run_in, words};
use super::visitor::{Bought, Door, Visitor};
use super::{
    assert_each_order_is_confirmed_once, books, database_in, folder, hours_later, open, set_up,
};

const BUYERS: u32 = 20;
const PURCHASES: u32 = 12;
const MURDERS: u32 = 40;
const STOCK: i64 = 1_000;

/// What a buyer was told: the order's page, and the total seen before.
type Told = (String, i64);

/// Something a buyer has done.
enum Step {
    Something,
    Bought(Told),
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_killed_in_the_middle_of_a_rush_keeps_every_order_it_told_of_and_doubles_none() {
    let folder = folder();
    let (_, location) = database_in(&folder);
    let test = set_up(&location).await;
    let vase = test.product("Storm vase", euros(2_500), STOCK).await;
    test.shop.db.close().await;

    let path = folder.path().to_owned();
    let wanted = vase.clone();
    let told = tokio::task::spawn_blocking(move || rush(&path, &wanted))
        .await
        .unwrap();
    assert_eq!(
        told.len(),
        usize::try_from(BUYERS * PURCHASES).unwrap(),
        "everybody gets through in the end"
    );

    let verdict = run_in(folder.path(), &["verify"]);
    assert!(verdict.status.success(), "{}", words(&verdict));
    let test = hours_later(test, open(&location).await).await;
    examine(&test, told, &vase).await;
    test.assert_clean().await;
    test.shop.db.close().await;
}

/// Twenty buyers, each with some purchases, while the server dies at moments that are drawn by lot, and comes back.
fn rush(data: &Path, vase: &VariantId) -> Vec<Told> {
    let mut dice = Dice::new(0x5707);
    let mut server = Server::start(data, &[]);
    let door = Door::at(server.address);
    let (report, steps) = channel();
    let buyers: Vec<_> = (0..BUYERS)
        .map(|number| {
            let (door, vase, report) = (door.clone(), vase.clone(), report.clone());
            thread::spawn(move || buy_on(number, &door, &vase, &report))
        })
        .collect();
    drop(report);
    let mut told = Vec::new();
    for _ in 0..MURDERS {
        let moment = 3 + u64::from(dice.up_to(15));
        assert!(
            wait(&steps, moment, &mut told),
            "the rush was over before the last murder: make it longer"
        );
        server.kill();
        server = Server::start(data, &[]);
        door.moves_to(server.address);
    }
    while wait(&steps, u64::MAX, &mut told) {}
    for buyer in buyers {
        buyer.join().expect("nobody gives up");
    }
    assert!(server.stop().success());
    told
}

/// Waits until so many steps were done; `false` when everybody has gone.
fn wait(steps: &Receiver<Step>, count: u64, told: &mut Vec<Told>) -> bool {
    for _ in 0..count {
        match steps.recv() {
            Ok(Step::Something) => {}
            Ok(Step::Bought(order)) => told.push(order),
            Err(_) => return false,
        }
    }
    true
}

fn buy_on(number: u32, door: &Door, vase: &VariantId, report: &Sender<Step>) {
    for purchase in 0..PURCHASES {
        let mut visitor = Visitor::new(number * PURCHASES + purchase, &[door]);
        let done = |step| report.send(step).expect("somebody counts");
        assert!(visitor.takes(vase, 1 + purchase % 2));
        done(Step::Something);
        visitor.fills_in().expect("the form is taken");
        done(Step::Something);
        match visitor.pays() {
            Bought::Order { path, total_minor } => done(Step::Bought((path, total_minor))),
            Bought::No(why) => panic!("buyer {number} was turned away: {why}"),
        }
    }
}

/// Every order that was told of is there with its amount, each one once, and the stock is right to the piece.
async fn examine(test: &TestShop, told: Vec<Told>, vase: &VariantId) {
    let orders: Vec<(String, i64, String)> = test
        .read(|tx| {
            let sql = "SELECT link_token, total_minor, status FROM orders WHERE placed_at IS NOT NULL ORDER BY link_token";
            Ok(tx.query(sql, params![])?)
        })
        .await;
    let mut told: Vec<_> = told
        .into_iter()
        .map(|(path, total)| (path.replace("/orders/", ""), total, "placed".to_owned()))
        .collect();
    told.sort();
    assert_eq!(orders, told);
    let sold: Vec<(i64,)> = test
        .rows("SELECT CAST(COALESCE(SUM(l.quantity), 0) AS BIGINT) FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE o.placed_at IS NOT NULL")
        .await;
    let (on_hand, allocated, _) = test.figures(vase).await;
    assert_eq!((on_hand, allocated), (STOCK, sold[0].0));
    assert_each_order_is_confirmed_once(test).await;
    books::assert_agree(test).await;
}

//! More visitors than there are places for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::browser::Browser;
use crate::harness::App;

/// Places of the shop; half of them are for those who look around.
const PLACES: usize = 16;
const LOOKERS: usize = 80;
const BUYERS: usize = 10;

/// What became of those who looked around.
#[derive(Default)]
struct Tally {
    closed: AtomicBool,
    served: AtomicU32,
    turned_away: AtomicU32,
}

/// Searches again and again until the shop closes.
async fn look_around(mut browser: Browser, tally: Arc<Tally>) {
    while !tally.closed.load(Ordering::Relaxed) {
        let answer = browser.get("/search?q=tumbler").await;
        let count = match (answer.status, answer.header("retry-after")) {
            (200, _) => &tally.served,
            (503, "2") => &tally.turned_away,
            other => panic!("{other:?}: {}", answer.words()),
        };
        count.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
    }
}

/// From the bag to the order, without ever being turned away.
async fn buy(mut browser: Browser) -> String {
    let last = browser.checks_out().await;
    let gateway = browser.pays(&last, "test").await.leads_to();
    let back = browser.chooses(&gateway, "approve").await;
    let order = browser.get(&back).await.leads_to();
    browser.get(&order).await.says(200, &["Oat tumbler"]);
    order
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_full_shop_everybody_who_is_about_to_pay_gets_through() {
    let app = App::with_places(PLACES).await;
    let goods = app.sells("Oat tumbler", 1_800, 90).await;
    commerce::search::catch_up(app.shop()).await.unwrap();
    let mut buyers = Vec::new();
    for _ in 0..BUYERS {
        let mut browser = app.browser();
        browser.puts(&goods.path(), "1").await.leads_to();
        buyers.push(browser);
    }
    let tally = Arc::new(Tally::default());
    let look = |_| tokio::spawn(look_around(app.browser(), Arc::clone(&tally)));
    let lookers: Vec<_> = (0..LOOKERS).map(look).collect();
    let buying: Vec<_> = buyers
        .into_iter()
        .map(|buyer| tokio::spawn(buy(buyer)))
        .collect();
    for buyer in buying {
        assert!(buyer.await.unwrap().starts_with("/orders/"));
    }
    tally.closed.store(true, Ordering::Relaxed);
    for looker in lookers {
        looker.await.unwrap();
    }
    let counts = [&tally.served, &tally.turned_away].map(|count| count.load(Ordering::Relaxed));
    assert!(
        counts[0] > 20 && counts[1] > 20,
        "served, turned away: {counts:?}"
    );
    assert_eq!(app.orders_placed().await, i64::try_from(BUYERS).unwrap());
    app.test.run_jobs().await;
    app.test.assert_clean().await;
}

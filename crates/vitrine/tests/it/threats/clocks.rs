//! The machine's clock jumps, between any two steps of a purchase.

use kernel::time::{HOUR, MINUTE};

use crate::harness::{App, Goods};

const DAY: i64 = 24 * HOUR;

/// Back by an hour, as when a wrong clock is set right; forward by a little, a day, to 2038 and past 2100.
const JUMPS: &[i64] = &[-HOUR, 20 * MINUTE, DAY, 13 * 365 * DAY, 75 * 365 * DAY];
const STEPS: u32 = 6;

/// Buys while the clock jumps before one of the steps. Says the order's address, if there is one in the end.
async fn buy(app: &App, goods: &Goods, (jump, before): (i64, u32)) -> Option<String> {
    let tick = |step| {
        if step == before {
            app.test.clock.advance(jump);
        }
    };
    let mut browser = app.browser();
    tick(0);
    browser.puts(&goods.path(), "1").await.leads_to();
    tick(1);
    let page = browser.checks_out().await;
    tick(2);
    let pressed = browser.pays(&page, "test").await;
    let gateway = pressed.leads_to();
    tick(3);
    let shown = browser.get(&gateway).await;
    if shown.status != 200 {
        return None;
    }
    let choice = shown.form(&gateway).press("outcome", "approve");
    let back = browser.submit(&choice).await;
    assert!(back.status < 500, "{}", back.words());
    tick(4);
    let to = browser.get("/checkout/return").await;
    assert!(to.status < 500, "{}", to.words());
    tick(5);
    let to = to.leads_to();
    let order = browser.get(&to).await;
    assert!(order.status < 500, "{}", order.words());
    to.starts_with("/orders/").then_some(to)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_between_any_two_steps_neither_doubles_nor_loses_nor_holds_for_ever() {
    let app = App::new().await;
    let goods = app.sells("Oat tumbler", 1_800, 100).await;
    let mut orders = 0;
    for jump in JUMPS {
        for step in 0..STEPS {
            let bought = buy(&app, &goods, (*jump, step)).await;
            orders += i64::from(bought.is_some());
            app.test.run_jobs().await;
        }
    }
    app.test.let_pass(4 * HOUR).await;
    let all = i64::try_from(JUMPS.len()).unwrap() * i64::from(STEPS);
    assert!(orders > all / 2, "only {orders} of {all} bought");
    assert_eq!(app.orders_placed().await, orders);
    let numbers = app.number("SELECT COUNT(DISTINCT number) FROM orders WHERE number IS NOT NULL");
    assert_eq!(numbers.await, orders);
    assert_eq!(app.test.figures(&goods.variant).await, (100, orders, 0));
    app.test.assert_clean().await;
}

//! The figures of the first page, on both databases.

use jiff::civil::date;
use kernel::time::{DAY, HOUR, MINUTE};
use kernel::{Timestamp, Total};

use super::{Calendar, DAYS, Figures, Sales, ToDo, figures, to_do};
use crate::on_both;
use crate::settings;
use crate::testing::{TestShop, euros};

async fn figures_of(shop: &TestShop) -> Figures {
    let now = shop.shop.clock.now();
    shop.read(move |tx| {
        let settings = settings::load(tx)?;
        figures(tx, now, &settings)
    })
    .await
}

async fn to_do_in(shop: &TestShop) -> ToDo {
    let now = shop.shop.clock.now();
    shop.read(move |tx| {
        let settings = settings::load(tx)?;
        to_do(tx, now, &settings)
    })
    .await
}

fn sold(cents: i64, orders: u32) -> Sales {
    Sales {
        amount: euros(cents),
        orders,
    }
}

#[test]
fn days_are_as_long_as_the_clock_on_the_wall_makes_them() {
    let zone = jiff::tz::TimeZone::get("Europe/Amsterdam").unwrap();
    let at = |text: &str| {
        let now: jiff::Timestamp = text.parse().unwrap();
        Calendar::at(Timestamp::from_millis(now.as_millisecond()), &zone).unwrap()
    };
    let hours = |(from, to): (Timestamp, Timestamp)| to.since(from) / HOUR;
    let spring = at("2026-03-30T10:00:00Z");
    assert_eq!(hours(spring.span(date(2026, 3, 29)).unwrap()), 23);
    assert_eq!(hours(spring.span(date(2026, 3, 30)).unwrap()), 24);
    let autumn = at("2026-10-26T10:00:00Z");
    assert_eq!(hours(autumn.span(date(2026, 10, 25)).unwrap()), 25);
    // At noon in summer time, the week before reaches to noon in winter time.
    let (from, to) = spring.week_before().unwrap();
    assert_eq!(
        (from.to_string(), to.to_string()),
        (
            "2026-03-22T23:00:00Z".to_owned(),
            "2026-03-23T11:00:00Z".to_owned()
        )
    );
    assert_eq!(spring.date(0).unwrap(), date(2026, 3, 30));
    assert_eq!(spring.date(30).unwrap(), date(2026, 2, 28));
}

on_both! {
    async fn sales_are_counted_by_the_days_of_the_shop(shop: &TestShop) {
        // 23 November 2026, 10:00 UTC, 11:00 in Amsterdam.
        let vase = shop.product("Tarn vase", euros(2_000), 500).await;
        let start = shop.shop.clock.now();
        let order = async |at: i64, pieces: u32| {
            shop.clock.advance(start.plus(at).since(shop.shop.clock.now()));
            shop.ordered(&[(&vase, pieces)]).await.id
        };
        order(-27 * DAY, 1).await; // the first day there is
        order(-14 * DAY, 2).await; // the last day before
        order(-7 * DAY - 11 * HOUR - MINUTE, 1).await; // the evening before that Monday
        order(-7 * DAY - HOUR, 2).await; // that Monday, before eleven
        order(-7 * DAY + HOUR, 1).await; // and after
        let today = order(-11 * HOUR, 1).await; // midnight in Amsterdam, 23:00 the day before in London
        let back = order(0, 2).await;
        let off = order(0, 5).await;
        let figures = figures_of(shop).await;
        assert_eq!(figures.today, sold(2_490 + 4_490 + 10_000, 3));
        assert_eq!(figures.today.average(), Some(euros(5_660)));
        assert_eq!(figures.week_before, sold(4_490, 1));
        let last: Vec<_> = figures.days.iter().filter(|day| day.sales.orders > 0).map(|day| (day.date, day.sales)).collect();
        assert_eq!(last, [
            (date(2026, 11, 15), sold(2_490, 1)),
            (date(2026, 11, 16), sold(4_490 + 2_490, 2)),
            (date(2026, 11, 23), figures.today),
        ]);
        assert_eq!((figures.days.len(), figures.days_before.len()), (DAYS, DAYS));
        assert_eq!(figures.days_before[0].sales, sold(2_490, 1));
        assert_eq!(figures.days_before[0].date, date(2026, 10, 27));
        assert_eq!(figures.days_before[13].sales, sold(4_490, 1));

        shop.run_jobs().await;
        shop.refund(&back, &[(0, 1)], "one back").await.unwrap();
        shop.cancel(&off).await.unwrap();
        shop.run_jobs().await;
        assert_eq!(figures_of(shop).await.today, sold(2_490 + 2_490, 2), "less what was given back, without what was called off");
        shop.tamper(&format!("UPDATE orders SET currency = 'SEK' WHERE id = '{today}'")).await;
        assert_eq!(figures_of(shop).await.today, sold(2_490, 1), "only what was sold in the shop's currency");
    }

    async fn a_new_shop_sold_nothing_every_day(shop: &TestShop) {
        let figures = figures_of(shop).await;
        assert!(figures.days.iter().chain(&figures.days_before).all(|day| day.sales == sold(0, 0)));
        assert_eq!((figures.today, figures.week_before, figures.top.len()), (sold(0, 0), sold(0, 0), 0));
        assert_eq!(figures.today.average(), None);
    }

    async fn the_best_sold_products_are_those_that_brought_most(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(2_000), 500).await;
        let bowl = shop.product("Moor bowl", euros(500), 500).await;
        let cup = shop.product("Cup", euros(100), 500).await;
        let old = shop.product("Old jug", euros(90_000), 500).await;
        shop.clock.advance(-31 * DAY);
        shop.ordered(&[(&old, 1)]).await;
        shop.clock.advance(31 * DAY);
        shop.ordered(&[(&vase, 1), (&bowl, 5)]).await;
        let order = shop.ordered(&[(&vase, 1), (&bowl, 5), (&cup, 1)]).await.id;
        shop.run_jobs().await;
        shop.refund(&order, &[(0, 1), (2, 1)], "back").await.unwrap();
        let top = figures_of(shop).await.top;
        let told: Vec<_> = top.iter().map(|product| (product.title.as_str(), product.pieces, product.amount)).collect();
        assert_eq!(told, [("Moor bowl", 10, euros(5_000)), ("Tarn vase", 1, euros(2_000))]);
        shop.tamper("UPDATE products SET title = 'Heath bowl' WHERE slug = 'moor-bowl'").await;
        assert_eq!(figures_of(shop).await.top[0].title, "Heath bowl");
    }

    async fn what_is_to_be_done_is_counted(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(2_000), 9).await;
        shop.ordered_by(("Noor de Wit", "noor@example.com"), "bank_transfer", &[(&vase, 1)]).await;
        shop.ordered(&[(&vase, 4)]).await;
        let none = Total::Exactly(0);
        let one = Total::Exactly(1);
        let expected = ToDo { to_pack: one, due_today: none, to_pay: one, to_review: none, low_stock: one, failed_mails: none, dead_jobs: none };
        assert_eq!(to_do_in(shop).await, expected);
        shop.run_jobs().await;
        shop.tamper("UPDATE mails SET status = 'dead', sent_at = NULL").await;
        shop.tamper("UPDATE jobs SET state = 'dead'").await;
        shop.tamper("UPDATE payments SET status = 'needs_review' WHERE status = 'processing'").await;
        shop.clock.advance(3 * DAY);
        let later = to_do_in(shop).await;
        let mails: Vec<(i64,)> = shop.rows("SELECT COUNT(*) FROM mails").await;
        let jobs: Vec<(i64,)> = shop.rows("SELECT COUNT(*) FROM jobs").await;
        assert!(mails[0].0 > 0 && jobs[0].0 > 0);
        let exactly = |rows: Vec<(i64,)>| Total::Exactly(u32::try_from(rows[0].0).unwrap());
        let (failed_mails, dead_jobs) = (exactly(mails), exactly(jobs));
        assert_eq!(later, ToDo { due_today: one, to_review: one, failed_mails, dead_jobs, ..expected });
    }
}

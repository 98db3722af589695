//! The large shop, made small, must stand before the judge.

use super::{Plan, fill};
use crate::on_both;
use crate::testing::{TestShop, euros};

fn plan(shop: &TestShop, seed: u32) -> Plan {
    Plan {
        products: 60,
        orders: 400,
        seed,
        until: shop.shop.clock.now(),
    }
}

on_both! {
    async fn a_shop_out_of_nothing_keeps_its_books_like_any_other(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(2_000), 50).await;
        shop.ordered(&[(&vase, 1)]).await;
        fill(&shop.shop.db, &plan(shop, 7), |_| {}).await.unwrap();
        shop.assert_clean().await;
        let made: Vec<(String, i64)> = shop
            .rows("SELECT queue, COUNT(*) FROM orders WHERE queue IS NOT NULL GROUP BY queue ORDER BY queue")
            .await;
        let of = |queue: &str| made.iter().find(|row| row.0 == queue).map_or(0, |row| row.1);
        assert_eq!(made.iter().map(|row| row.1).sum::<i64>(), 401);
        assert!(of("to_pack") > 5 && of("to_pay") > 1 && of("canceled") > 10 && of("shipped") > 300, "{made:?}");

        fill(&shop.shop.db, &plan(shop, 8), |_| {}).await.unwrap();
        let order = shop.ordered(&[(&vase, 2)]).await;
        assert_eq!(order.number, Some(1802));
        shop.run_jobs().await;
        shop.assert_clean().await;
    }

    async fn the_same_plan_makes_the_same_shop(shop: &TestShop) {
        let other = TestShop::sqlite().await;
        let mut seen = Vec::new();
        for shop in [shop, &other] {
            fill(&shop.shop.db, &plan(shop, 3), |_| {}).await.unwrap();
            let rows: Vec<(String, i64, i64, String)> = shop
                .rows("SELECT id, total_minor, placed_at, agreed_hash FROM orders ORDER BY id LIMIT 500")
                .await;
            let stock: Vec<(String, i64)> = shop.rows("SELECT variant_id, on_hand FROM stock_levels ORDER BY variant_id, location_id LIMIT 500").await;
            seen.push((rows, stock));
        }
        assert_eq!(seen[0].0.len(), 400);
        assert_eq!(seen[0], seen[1]);
    }
}

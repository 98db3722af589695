//! Stock in lists, on both databases.

use kernel::{LocationId, LongPage, PageRequest, Total};

use super::{
    MovementCursor, StockFilter, StockRow, StockView, list_stock, movements_before, stock_of,
};
use crate::inventory::MovementKind;
use crate::on_both;
use crate::testing::{TestShop, euros};

fn all() -> StockFilter {
    StockFilter {
        view: StockView::All,
        search: None,
        location: None,
        page: PageRequest::new(1, 50),
        low_stock_at: 5,
    }
}

async fn listed(shop: &TestShop, filter: &StockFilter) -> LongPage<StockRow> {
    let filter = filter.clone();
    shop.read(move |tx| Ok(list_stock(tx, &filter)?)).await
}

/// Article numbers with what is left of them.
async fn left(shop: &TestShop, filter: &StockFilter) -> Vec<(String, i64)> {
    let page = listed(shop, filter).await;
    assert_eq!(
        page.total,
        Total::Exactly(u32::try_from(page.items.len()).unwrap())
    );
    page.items
        .iter()
        .map(|row| (row.sku.as_str().to_owned(), row.left))
        .collect()
}

fn skus(of: &[(&str, i64)]) -> Vec<(String, i64)> {
    of.iter()
        .map(|(sku, left)| ((*sku).to_owned(), *left))
        .collect()
}

on_both! {
    async fn stock_is_listed_by_number_and_by_scarcity(shop: &TestShop) {
        let cup = shop.product("Cup", euros(900), 6).await;
        let bowl = shop.product("Bowl", euros(900), 9).await;
        let dish = shop.product("Dish", euros(900), 1).await;
        let print = shop.product("Print", euros(900), 0).await;
        shop.tamper(&format!("UPDATE variants SET stock_tracked = FALSE WHERE id = '{print}'")).await;
        shop.ordered(&[(&cup, 2), (&dish, 1)]).await;
        let view = async |view| left(shop, &StockFilter { view, ..all() }).await;
        assert_eq!(view(StockView::All).await, skus(&[("BOWL", 9), ("CUP", 4), ("DISH", 0), ("PRINT", 0)]));
        assert_eq!(view(StockView::Low).await, skus(&[("DISH", 0), ("CUP", 4)]));
        assert_eq!(view(StockView::Out).await, skus(&[("DISH", 0)]));
        assert_eq!(view(StockView::NotCounted).await, skus(&[("PRINT", 0)]));

        let found = async |view, text: &str| left(shop, &StockFilter { view, search: Some(text.to_owned()), ..all() }).await;
        assert_eq!(found(StockView::All, "bo").await, skus(&[("BOWL", 9)]));
        assert_eq!(found(StockView::Low, "bo").await, skus(&[]));
        assert_eq!(found(StockView::Low, "CU").await, skus(&[("CUP", 4)]));
        assert_eq!(found(StockView::NotCounted, "p").await, skus(&[("PRINT", 0)]));

        let pages = StockFilter { page: PageRequest::new(2, 3), ..all() };
        let page = listed(shop, &pages).await;
        assert_eq!((page.items.len(), page.has_next, page.total), (1, false, Total::Exactly(4)));
        assert!(listed(shop, &StockFilter { page: PageRequest::new(1, 3), ..all() }).await.has_next);
        let row = shop.read(move |tx| Ok(stock_of(tx, &bowl)?)).await.unwrap();
        assert_eq!((row.product_title.as_str(), row.variant_title.as_str(), row.stock_tracked), ("Bowl", "", true));
    }

    async fn the_figures_stand_at_their_locations(shop: &TestShop) {
        let cup = shop.product("Cup", euros(900), 6).await;
        let cellar: LocationId = shop.location("Cellar").await;
        shop.adjust((&cup, &cellar), 2).await.unwrap();
        shop.ordered(&[(&cup, 1)]).await;
        let page = listed(shop, &all()).await;
        let levels: Vec<_> = page.items[0].levels.iter()
            .map(|level| (&level.location_id, level.on_hand, level.allocated, level.reserved, level.backorder_limit, level.left()))
            .collect();
        assert_eq!(levels, [(&shop.location, 6, 1, 0, Some(0), 5), (&cellar, 2, 0, 0, Some(0), 2)]);
        assert_eq!(page.items[0].left, 7);
        let there = StockFilter { location: Some(cellar.clone()), view: StockView::Low, ..all() };
        assert_eq!(left(shop, &there).await, skus(&[("CUP", 2)]));
        let anywhere = StockFilter { view: StockView::Low, ..all() };
        assert_eq!(left(shop, &anywhere).await, skus(&[]));
        let only = StockFilter { location: Some(cellar), ..all() };
        assert_eq!(listed(shop, &only).await.items[0].levels.len(), 1);
    }

    async fn movements_are_read_page_by_page_without_gaps(shop: &TestShop) {
        let cup = shop.product("Cup", euros(900), 6).await;
        for number in 1..=5 {
            shop.adjust((&cup, &shop.location), number).await.unwrap();
            shop.clock.advance(i64::from(number % 2 == 0));
        }
        let (mut changes, mut pages, mut before): (Vec<i64>, _, Option<MovementCursor>) = (Vec::new(), 0, None);
        loop {
            let (cup, from) = (cup.clone(), before.clone());
            let some = shop.read(move |tx| Ok(movements_before(tx, &cup, from.as_ref(), 2)?)).await;
            changes.extend(some.items.iter().map(|movement| movement.on_hand_change));
            pages += 1;
            let Some(next) = some.next else { break };
            assert_eq!(next.to_string().parse::<MovementCursor>(), Ok(next.clone()));
            before = Some(next);
        }
        assert_eq!((changes, pages), (vec![5, 4, 3, 2, 1, 6], 3));
        for wrong in ["", "1", "x.mov_1", "1.ord_2"] {
            assert!(wrong.parse::<MovementCursor>().is_err(), "{wrong}");
        }
        let first = shop.read(move |tx| Ok(movements_before(tx, &cup, None, 1)?)).await;
        assert_eq!(first.items[0].kind, MovementKind::Adjusted);
    }
}

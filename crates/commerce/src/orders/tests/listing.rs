//! Orders in lists.

use kernel::time::{DAY, HOUR};
use kernel::{Email, LongPage, PageRequest, Total};

use crate::on_both;
use crate::orders::listing::count_due;
use crate::orders::{
    FulfillmentStatus, OrderFilter, OrderQueue, OrderRow, OrderSort, OrderStatus, OrderView,
    PaymentStatus, count_orders, list_orders, orders_of,
};
use crate::testing::{TestShop, euros};

const NONE: [i64; 0] = [];

fn all() -> OrderFilter {
    OrderFilter {
        view: OrderView::All,
        search: None,
        sort: OrderSort::Newest,
        page: PageRequest::new(1, 50),
    }
}

async fn listed(shop: &TestShop, filter: &OrderFilter) -> LongPage<OrderRow> {
    let filter = filter.clone();
    shop.read(move |tx| Ok(list_orders(tx, &filter)?)).await
}

/// The numbers in a list, and what it says of its length.
async fn numbers(shop: &TestShop, filter: &OrderFilter) -> (Vec<i64>, Total) {
    let page = listed(shop, filter).await;
    let numbers = page.items.iter().filter_map(|row| row.number).collect();
    (numbers, page.total)
}

async fn in_view(shop: &TestShop, view: OrderView) -> Vec<i64> {
    let (numbers, total) = numbers(shop, &OrderFilter { view, ..all() }).await;
    let counted = shop.read(move |tx| Ok(count_orders(tx, view)?)).await;
    assert_eq!(counted, total, "{view}");
    assert_eq!(total, Total::Exactly(u32::try_from(numbers.len()).unwrap()));
    numbers
}

async fn searched(shop: &TestShop, search: &str) -> Vec<i64> {
    let search = Some(search.to_owned());
    numbers(shop, &OrderFilter { search, ..all() }).await.0
}

on_both! {
    async fn an_order_stands_in_the_list_of_its_next_step(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(2_000), 50).await;
        let noor = ("Noor de Wit", "noor@example.com");
        shop.set(|settings| settings.selling.capture = crate::settings::CapturePolicy::ByHand).await;
        let shipped = shop.ordered_by(noor, "test", &[(&vase, 2)]).await; // 1001
        shop.ordered_by(noor, "bank_transfer", &[(&vase, 1)]).await; // 1002
        let parted = shop.ordered_by(noor, "test", &[(&vase, 3)]).await; // 1003
        let off = shop.ordered_by(noor, "test", &[(&vase, 1)]).await; // 1004
        let back = shop.ordered_by(noor, "test", &[(&vase, 1)]).await; // 1005
        shop.ready_shopper(&[(&vase, 1)]).await; // a cart is no order
        assert_eq!(in_view(shop, OrderView::ToPack).await, [1005, 1004, 1003, 1001]);
        assert_eq!(in_view(shop, OrderView::ToPay).await, [1002]);

        shop.ship(&shipped.id, &[(0, 2)], "parcel").await.unwrap();
        assert_eq!(in_view(shop, OrderView::ToPay).await, [1002, 1001], "sent, and its money only held");
        shop.capture(&shipped.id).await.unwrap();
        shop.ship(&parted.id, &[(0, 1)], "parcel").await.unwrap();
        shop.cancel(&off.id).await.unwrap();
        shop.capture(&back.id).await.unwrap();
        shop.refund(&back.id, &[(0, 1)], "back").await.unwrap();
        shop.run_jobs().await;
        assert_eq!(in_view(shop, OrderView::All).await, [1005, 1004, 1003, 1002, 1001]);
        assert_eq!(in_view(shop, OrderView::ToPack).await, [1003]);
        assert_eq!(in_view(shop, OrderView::ToPay).await, [1002]);
        assert_eq!(in_view(shop, OrderView::Shipped).await, [1001]);
        assert_eq!(in_view(shop, OrderView::Canceled).await, [1005, 1004], "called off, and all of it refunded");
        assert_eq!(in_view(shop, OrderView::ToReview).await, NONE);
        shop.assert_clean().await;
    }

    async fn a_row_tells_what_the_list_shows(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(2_000), 50).await;
        let bowl = shop.product("Moor bowl", euros(3_300), 50).await;
        let order = shop.ordered_by(("Zoë van Dam", "Zoe@Example.com"), "test", &[(&vase, 2), (&bowl, 3)]).await;
        let page = listed(shop, &all()).await;
        assert_eq!(page.items, [OrderRow {
            id: order.id,
            number: Some(1001),
            placed_at: order.placed_at.unwrap(),
            buyer: "Zoë van Dam".to_owned(),
            email: Email::parse("Zoe@Example.com").unwrap(),
            item_count: 5,
            status: OrderStatus::Placed,
            payment_status: PaymentStatus::Authorized,
            fulfillment_status: FulfillmentStatus::Unfulfilled,
            queue: Some(OrderQueue::ToPack),
            packed: false,
            total: euros(13_900),
            delivery_name: "Post".to_owned(),
            pickup: false,
            due: order.delivery.promise.map(|(_, to)| to),
            payment_method: "test".to_owned(),
        }]);
    }

    async fn a_payment_that_does_not_fit_is_listed_for_review_with_its_draft(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(2_000), 50).await;
        let order = shop.ordered(&[(&vase, 1)]).await;
        assert_eq!(in_view(shop, OrderView::ToReview).await, NONE);
        shop.tamper("UPDATE payments SET status = 'needs_review'").await;
        assert_eq!(in_view(shop, OrderView::ToReview).await, [1001]);
        shop.tamper("UPDATE orders SET status = 'draft', number = NULL, placed_at = NULL, queue = NULL, net_minor = NULL").await;
        let reviewed = listed(shop, &OrderFilter { view: OrderView::ToReview, ..all() }).await;
        let rows: Vec<_> = reviewed.items.iter().map(|row| (&row.id, row.number, row.queue, row.placed_at)).collect();
        assert_eq!(rows, [(&order.id, None, None, order.created_at)]);
        assert_eq!(in_view(shop, OrderView::All).await, NONE);
    }

    async fn orders_are_found_by_number_address_and_name(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(2_000), 50).await;
        for (name, email) in [
            ("Zoë van Dam", "zoe@example.com"),
            ("Anne-Marie Dámaso", "Anne@Example.org"),
            ("Jan Dam", "jan@shop.example"),
            ("Zoë Dam", "zoe@example.com"),
        ] {
            shop.ordered_by((name, email), "test", &[(&vase, 1)]).await;
            shop.clock.advance(HOUR);
        }
        for (search, found) in [
            ("1002", vec![1002]),
            ("#1003", vec![1003]),
            (" # 1003 ", vec![1003]),
            ("1", vec![]),
            ("99999999999999999999", vec![]),
            ("ZOE@example", vec![1004, 1001]),
            ("anne@example.org", vec![1002]),
            ("dam", vec![1004, 1003, 1002, 1001]),
            ("DAMA", vec![1002]),
            ("zoe dam", vec![1004, 1001]),
            ("dam zo", vec![1004, 1001]),
            ("marie", vec![1002]),
            ("jan zoe", vec![]),
            ("ja", vec![1003]),
            ("%", vec![]),
            ("'; DROP TABLE orders", vec![]),
        ] {
            assert_eq!(searched(shop, search).await, found, "{search}");
        }
        let first = shop.rows::<(kernel::OrderId,)>("SELECT id FROM orders WHERE number = 1001").await;
        shop.cancel(&first[0].0).await.unwrap();
        let both = OrderFilter { view: OrderView::Canceled, search: Some("zoe".to_owned()), ..all() };
        assert_eq!(numbers(shop, &both).await, (vec![1001], Total::Exactly(1)));
        shop.assert_clean().await;
    }

    async fn a_draft_is_not_found(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(2_000), 50).await;
        shop.gateway.answers(crate::testing::Answering::Page);
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        shop.place(&shopper).await.unwrap();
        assert_eq!(shop.rows::<(i64,)>("SELECT COUNT(*) FROM orders").await, [(1,)]);
        assert_eq!(searched(shop, "noor").await, NONE);
        assert_eq!(in_view(shop, OrderView::All).await, NONE);
    }

    async fn lists_are_sorted_as_asked_and_come_in_pages(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(2_000), 50).await;
        let noor = ("Noor de Wit", "noor@example.com");
        for (pieces, method) in [(2, "test"), (3, "bank_transfer"), (1, "test"), (5, "test")] {
            shop.ordered_by(noor, method, &[(&vase, pieces)]).await;
            shop.clock.advance(DAY);
        }
        shop.tamper("UPDATE orders SET delivery_to_at = NULL WHERE number = 1001").await;
        shop.tamper("UPDATE orders SET delivery_to_at = 5 WHERE number = 1004").await;
        let sorted = async |view, sort| numbers(shop, &OrderFilter { view, sort, ..all() }).await.0;
        assert_eq!(sorted(OrderView::All, OrderSort::Newest).await, [1004, 1003, 1002, 1001]);
        assert_eq!(sorted(OrderView::All, OrderSort::Oldest).await, [1001, 1002, 1003, 1004]);
        assert_eq!(sorted(OrderView::All, OrderSort::Due).await, [1004, 1002, 1003, 1001]);
        assert_eq!(sorted(OrderView::All, OrderSort::Total).await, [1004, 1002, 1001, 1003]);
        assert_eq!(sorted(OrderView::ToPack, OrderSort::Due).await, [1004, 1003, 1001]);
        assert_eq!(sorted(OrderView::ToPack, OrderSort::Total).await, [1004, 1001, 1003]);
        assert_eq!(sorted(OrderView::ToPack, OrderSort::Oldest).await, [1001, 1003, 1004]);

        for (sort, view) in [(OrderSort::Total, OrderView::All), (OrderSort::Newest, OrderView::ToPack)] {
            let whole = sorted(view, sort).await;
            let mut seen = Vec::new();
            for number in 1..=2 {
                let page = listed(shop, &OrderFilter { view, sort, page: PageRequest::new(number, 2), ..all() }).await;
                assert_eq!(page.has_next, whole.len() > 2 && number == 1);
                assert_eq!(page.total, Total::Exactly(u32::try_from(whole.len()).unwrap()));
                seen.extend(page.items.iter().filter_map(|row| row.number));
            }
            assert_eq!(seen, whole);
        }
        let beyond = listed(shop, &OrderFilter { page: PageRequest::new(9, 50), ..all() }).await;
        assert_eq!((beyond.items.len(), beyond.total), (0, Total::Exactly(4)));
        let due = shop.read(|tx| Ok(count_due(tx, kernel::Timestamp::from_millis(6))?)).await;
        assert_eq!(due, Total::Exactly(1));
    }

    async fn the_orders_of_a_buyer_are_those_of_their_address(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(2_000), 50).await;
        shop.ordered_by(("Noor de Wit", "noor@example.com"), "test", &[(&vase, 1)]).await;
        shop.ordered_by(("Jan Dam", "jan@example.com"), "test", &[(&vase, 1)]).await;
        shop.clock.advance(HOUR);
        shop.ordered_by(("N. de Wit", "NOOR@example.com"), "test", &[(&vase, 1)]).await;
        let page = shop
            .read(|tx| Ok(orders_of(tx, &Email::parse("Noor@example.com").unwrap(), PageRequest::new(1, 10))?))
            .await;
        let numbers: Vec<_> = page.items.iter().filter_map(|row| row.number).collect();
        assert_eq!((numbers, page.total, page.has_next), (vec![1003, 1001], Total::Exactly(2), false));
    }
}

//! What happens to an order after it was placed, on both databases.

mod goods;
mod listing;
mod money;
mod packing;
mod refunds;

use kernel::{PageRequest, Secret};

use super::{
    CancelError, CancelOrder, FulfillmentStatus, MoneyMoved, Order, OrderStatus, PaymentStatus,
    RefundError, ReturnMoney, ShipError, TimelineKind, cancel_order, find_by_cart, find_by_link,
    find_by_number, list,
};
use crate::on_both;
use crate::staff::Actor;
use crate::testing::{Answering, euros};

on_both! {
    async fn an_order_is_found_by_its_number_its_link_and_its_cart(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 9).await;
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        let order = shop.placed(&shopper).await;
        let cart = shop.cart(&shopper).await.unwrap().id;
        let (number, link) = (order.number.unwrap(), Secret::parse(&order.link_token).unwrap());
        let found = shop.read(move |tx| Ok([find_by_number(tx, number)?, find_by_link(tx, &link)?, find_by_cart(tx, &cart)?])).await;
        assert_eq!(found, [Some(order.clone()), Some(order.clone()), Some(order)]);
        assert_eq!(shop.read(|tx| Ok(find_by_number(tx, 999)?)).await, None);
    }

    async fn a_draft_has_neither_page_nor_number_and_is_in_no_list(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 9).await;
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        shop.gateway.answers(Answering::Page);
        shop.place(&shopper).await.unwrap();
        let tokens: Vec<(String,)> = shop.rows("SELECT link_token FROM orders").await;
        let link = Secret::parse(&tokens[0].0).unwrap();
        assert_eq!(shop.read(move |tx| Ok(find_by_link(tx, &link)?)).await, None);
        let cart = shop.cart(&shopper).await.unwrap().id;
        let draft = shop.read(move |tx| Ok(find_by_cart(tx, &cart)?)).await.unwrap();
        assert_eq!((draft.number, draft.placed_at, draft.status), (None, None, OrderStatus::Draft));
        assert_eq!(draft.reference().len(), 8);
        let listed = shop.read(|tx| Ok(list(tx, PageRequest::new(1, 50))?)).await;
        assert_eq!((listed.total, listed.items.len()), (0, 0));
        assert!(matches!(shop.cancel(&draft.id).await, Err(CancelError::NotPlaced(OrderStatus::Draft))));
        assert!(matches!(shop.refund(&draft.id, &[(0, 1)], "x").await, Err(RefundError::NotPlaced)));
        assert!(matches!(shop.ship(&draft.id, &[(0, 1)], "x").await, Err(ShipError::NotPlaced(OrderStatus::Draft))));
        shop.assert_clean().await;
    }

    async fn orders_are_listed_newest_first_page_by_page(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 9).await;
        for _ in 0..5 {
            shop.ordered(&[(&vase, 1)]).await;
            shop.clock.advance(1);
        }
        let page = |number| shop.read(move |tx| Ok(list(tx, PageRequest::new(number, 2))?));
        let numbers = |page: &kernel::Page<Order>| page.items.iter().filter_map(|order| order.number).collect::<Vec<_>>();
        let (first, last) = (page(1).await, page(3).await);
        assert_eq!((numbers(&first), first.total), (vec![1_005, 1_004], 5));
        assert_eq!(numbers(&last), [1_001]);
    }

    async fn a_canceled_order_frees_its_stock_and_lets_go_of_money_that_was_held(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let order = shop.ordered(&[(&vase, 2)]).await;
        let canceled = shop.cancel(&order.id).await.unwrap();
        assert_eq!((canceled.status, canceled.fulfillment_status), (OrderStatus::Canceled, FulfillmentStatus::Canceled));
        assert_eq!((canceled.canceled_at, canceled.cancel_reason.as_deref()), (Some(shop.shop.clock.now()), Some("changed their mind")));
        assert_eq!(shop.figures(&vase).await, (3, 0, 0));
        shop.run_jobs().await;
        assert_eq!(shop.order(&order.id).await.payment_status, PaymentStatus::Voided);
        assert_eq!((shop.gateway.charges(), shop.gateway.moved()), (vec![], (0, 0)), "voided, not captured and refunded");
        let told = shop.timeline(&order.id).await.into_iter().map(|entry| (entry.kind, entry.actor));
        let told: Vec<_> = told.filter(|(kind, _)| *kind != TimelineKind::MailWritten).collect();
        assert_eq!(told, [
            (TimelineKind::PaymentAuthorized, Actor::Gateway("test".to_owned())),
            (TimelineKind::Placed, Actor::Shopper),
            (TimelineKind::Canceled, Actor::Operator),
            (TimelineKind::PaymentVoided, Actor::System),
        ]);
        shop.assert_clean().await;
    }

    async fn a_canceled_order_gives_back_money_that_was_taken(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let order = shop.ordered(&[(&vase, 1)]).await;
        shop.run_jobs().await;
        assert_eq!(shop.gateway.moved(), (6_800, 0));
        shop.cancel(&order.id).await.unwrap();
        shop.run_jobs().await;
        assert_eq!(shop.gateway.moved(), (6_800, 6_800));
        assert_eq!(shop.order(&order.id).await.payment_status, PaymentStatus::Refunded);
        shop.assert_clean().await;
    }

    async fn canceling_twice_is_canceling_once(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let order = shop.ordered(&[(&vase, 1)]).await;
        shop.run_jobs().await;
        let first = shop.cancel(&order.id).await.unwrap();
        shop.clock.advance(5);
        assert_eq!(shop.cancel(&order.id).await.unwrap(), first);
        shop.run_jobs().await;
        shop.cancel(&order.id).await.unwrap();
        shop.run_jobs().await;
        assert_eq!((shop.gateway.moved(), shop.figures(&vase).await), ((6_800, 6_800), (3, 0, 0)));
        let cancelations = shop.timeline(&order.id).await.iter().filter(|entry| entry.kind == TimelineKind::Canceled).count();
        assert_eq!(cancelations, 1);
        shop.assert_clean().await;
    }

    async fn money_may_stay_where_it_is_when_an_order_is_called_off(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let order = shop.ordered(&[(&vase, 1)]).await;
        shop.run_jobs().await;
        let cmd = CancelOrder { order_id: order.id.clone(), reason: "fraud".to_owned(), money: ReturnMoney::No };
        cancel_order(&shop.shop, crate::testing::operator().may(), cmd).await.unwrap();
        shop.run_jobs().await;
        assert_eq!((shop.gateway.moved(), shop.order(&order.id).await.payment_status), ((6_800, 0), PaymentStatus::Paid));
        assert_eq!(shop.refund(&order.id, &[(0, 1)], "later").await.unwrap(), MoneyMoved::Done);
        assert_eq!(shop.figures(&vase).await, (3, 0, 0));
        shop.assert_clean().await;
    }

    async fn what_has_left_in_part_cannot_be_called_off(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let order = shop.ordered(&[(&vase, 2)]).await;
        shop.ship(&order.id, &[(0, 1)], "parcel").await.unwrap();
        assert!(matches!(shop.cancel(&order.id).await, Err(CancelError::AlreadyShipped)));
        assert_eq!(shop.figures(&vase).await, (2, 1, 0));
        shop.run_jobs().await;
        shop.ship(&order.id, &[(0, 1)], "second parcel").await.unwrap();
        assert!(matches!(shop.cancel(&order.id).await, Err(CancelError::NotPlaced(OrderStatus::Completed))));
        let cmd = CancelOrder { order_id: order.id, reason: " \n ".to_owned(), money: ReturnMoney::Yes };
        assert!(matches!(cancel_order(&shop.shop, crate::testing::operator().may(), cmd).await, Err(CancelError::BadReason(_))));
        shop.assert_clean().await;
    }

    async fn an_order_called_off_before_its_money_was_taken_is_not_charged(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let order = shop.ordered(&[(&vase, 1)]).await;
        shop.cancel(&order.id).await.unwrap();
        // The jobs of placing it run only now, beside those of calling it off.
        shop.let_pass(3 * kernel::time::HOUR).await;
        assert_eq!(shop.gateway.moved(), (0, 0));
        assert_eq!(shop.dead_jobs().await, []);
        shop.assert_clean().await;
    }

    async fn shipping_and_canceling_at_once_is_one_of_the_two(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 30).await;
        for _ in 0..6 {
            let order = shop.ordered(&[(&vase, 1)]).await;
            let (shipped, canceled) = tokio::join!(shop.ship(&order.id, &[(0, 1)], "parcel"), shop.cancel(&order.id));
            assert_ne!(shipped.is_ok(), canceled.is_ok());
        }
        shop.run_jobs().await;
        assert_eq!(shop.figures(&vase).await.1, 0);
        shop.assert_clean().await;
    }
}

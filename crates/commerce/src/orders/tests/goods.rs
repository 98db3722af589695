//! Parcels.

use kernel::RandomIds;

use super::super::{
    FulfillmentStatus, OrderStatus, PartStatus, PaymentStatus, ShipError, ShipOrder, TimelineKind,
    fulfillments, ship_order,
};
use crate::on_both;
use crate::settings::CapturePolicy;
use crate::testing::{euros, operator, pieces};

on_both! {
    async fn an_order_leaves_in_parts_and_is_complete_when_all_of_it_has(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 5).await;
        let bowl = shop.product("Moor bowl", euros(3_200), 5).await;
        let order = shop.ordered(&[(&vase, 2), (&bowl, 1)]).await;
        shop.run_jobs().await;
        let first = shop.ship(&order.id, &[(0, 1)], "one").await.unwrap();
        let now = shop.order(&order.id).await;
        assert_eq!((now.status, now.fulfillment_status), (OrderStatus::Placed, FulfillmentStatus::Partial));
        shop.clock.advance(1);
        let second = shop.ship(&order.id, &[(1, 1), (0, 1)], "two").await.unwrap();
        let now = shop.order(&order.id).await;
        assert_eq!((now.status, now.fulfillment_status, now.payment_status), (OrderStatus::Completed, FulfillmentStatus::Fulfilled, PaymentStatus::Paid));
        assert_eq!((shop.figures(&vase).await, shop.figures(&bowl).await), ((3, 0, 0), (4, 0, 0)));
        let id = order.id.clone();
        let parcels = shop.read(move |tx| Ok(fulfillments(tx, &id)?)).await;
        assert_eq!(parcels.iter().map(|parcel| (&parcel.id, parcel.status, parcel.lines.len())).collect::<Vec<_>>(), [(&first, PartStatus::Fulfilled, 1), (&second, PartStatus::Fulfilled, 2)]);
        let told: Vec<_> = shop.timeline(&order.id).await.into_iter().map(|entry| entry.kind).collect();
        assert_eq!(told.iter().filter(|kind| **kind == TimelineKind::Shipped).count(), 2);
        assert_eq!(told.last(), Some(&TimelineKind::Completed));
        shop.assert_clean().await;
    }

    async fn more_than_was_ordered_cannot_leave(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 9).await;
        let order = shop.ordered(&[(&vase, 2)]).await;
        assert!(matches!(shop.ship(&order.id, &[(0, 3)], "a").await, Err(ShipError::TooMany { left: 2, .. })));
        assert!(matches!(shop.ship(&order.id, &[(0, 1), (0, 2)], "b").await, Err(ShipError::TooMany { left: 2, .. })), "the same line twice");
        shop.ship(&order.id, &[(0, 1)], "c").await.unwrap();
        assert!(matches!(shop.ship(&order.id, &[(0, 2)], "d").await, Err(ShipError::TooMany { left: 1, .. })));
        assert!(matches!(shop.ship(&order.id, &[], "e").await, Err(ShipError::Nothing)));
        assert_eq!(shop.figures(&vase).await, (8, 1, 0));
        shop.assert_clean().await;
    }

    async fn a_parcel_asked_for_twice_is_one_parcel(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 9).await;
        let order = shop.ordered(&[(&vase, 3)]).await;
        let other = shop.ordered(&[(&vase, 1)]).await;
        let once = shop.ship(&order.id, &[(0, 1)], "click").await.unwrap();
        assert_eq!(shop.ship(&order.id, &[(0, 1)], "click").await.unwrap(), once);
        assert_ne!(shop.ship(&other.id, &[(0, 1)], "click").await.unwrap(), once, "another order's key is another key");
        assert_eq!(shop.figures(&vase).await, (7, 2, 0));
        shop.assert_clean().await;
    }

    async fn the_same_pieces_shipped_by_two_people_at_once_leave_once(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 9).await;
        let order = shop.ordered(&[(&vase, 1)]).await;
        let (one, other) = tokio::join!(shop.ship(&order.id, &[(0, 1)], "one"), shop.ship(&order.id, &[(0, 1)], "other"));
        assert_ne!(one.is_ok(), other.is_ok());
        assert_eq!(shop.figures(&vase).await, (8, 0, 0));
        shop.assert_clean().await;
    }

    async fn what_is_sent_before_it_is_paid_is_complete_only_when_it_is_paid(shop: &TestShop) {
        shop.set(|settings| settings.selling.capture = CapturePolicy::ByHand).await;
        let vase = shop.product("Tarn vase", euros(6_800), 9).await;
        let order = shop.ordered(&[(&vase, 1)]).await;
        shop.run_jobs().await;
        shop.ship(&order.id, &[(0, 1)], "parcel").await.unwrap();
        assert_eq!((shop.order(&order.id).await.status, shop.gateway.moved()), (OrderStatus::Placed, (0, 0)));
        shop.capture(&order.id).await.unwrap();
        assert_eq!(shop.order(&order.id).await.status, OrderStatus::Completed);
        shop.assert_clean().await;
    }

    async fn goods_sold_before_they_came_in_leave_when_they_are_there(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 1).await;
        shop.tamper("UPDATE stock_levels SET backorder_limit = 5").await;
        let order = shop.ordered(&[(&vase, 3)]).await;
        assert!(matches!(shop.ship(&order.id, &[(0, 2)], "early").await, Err(ShipError::NotThere { there: 1, .. })));
        shop.ship(&order.id, &[(0, 1)], "what is there").await.unwrap();
        shop.receive(&vase, 2).await;
        shop.ship(&order.id, &[(0, 2)], "early").await.unwrap();
        assert_eq!(shop.figures(&vase).await, (0, 0, 0));
        shop.assert_clean().await;
    }

    async fn a_parcel_with_a_doubtful_link_or_text_does_not_leave(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 9).await;
        let order = shop.ordered(&[(&vase, 1)]).await;
        let line = shop.lines(&order.id).await[0].id.clone();
        let good = ShipOrder {
            request_key: "parcel".to_owned(),
            order_id: order.id.clone(),
            lines: vec![(line, pieces(1))],
            carrier: Some("  Post  NL ".to_owned()),
            tracking_number: Some("3S123".to_owned()),
            tracking_url: Some("https://track.example/3S123".to_owned()),
        };
        let ship = |cmd| ship_order(&shop.shop, operator().may(), cmd);
        for url in ["http://track.example", "javascript:alert(1)", "https://a b", &format!("https://{}", "x".repeat(500))] {
            assert!(matches!(ship(ShipOrder { tracking_url: Some(url.to_owned()), ..good.clone() }).await, Err(ShipError::BadAddress)), "{url}");
        }
        assert!(matches!(ship(ShipOrder { carrier: Some("x".repeat(81)), ..good.clone() }).await, Err(ShipError::BadText(_))));
        let foreign = kernel::OrderLineId::new(&RandomIds);
        assert!(matches!(ship(ShipOrder { lines: vec![(foreign, pieces(1))], ..good.clone() }).await, Err(ShipError::NotFound)));
        assert!(matches!(ship(ShipOrder { order_id: kernel::OrderId::new(&RandomIds), ..good.clone() }).await, Err(ShipError::NotFound)));
        ship(good).await.unwrap();
        let parcels = shop.read(move |tx| Ok(fulfillments(tx, &order.id)?)).await;
        assert_eq!(parcels[0].carrier.as_deref(), Some("Post NL"));
        shop.assert_clean().await;
    }

    async fn what_nobody_counts_leaves_without_a_word_to_the_ledger(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 1).await;
        shop.tamper("UPDATE variants SET stock_tracked = (1 = 0)").await;
        let order = shop.ordered(&[(&vase, 4)]).await;
        shop.run_jobs().await;
        shop.ship(&order.id, &[(0, 4)], "parcel").await.unwrap();
        shop.refund_returned(&order.id, &[(0, 2)], "refund").await.unwrap();
        assert_eq!(shop.figures(&vase).await, (1, 0, 0));
        shop.assert_clean().await;
    }
}

//! Packing, notes, and what a refund would come to.

use kernel::{OrderId, PageRequest, Quantity};

use super::super::{
    AddNote, NOTE_LONGEST, NoteError, OrderFilter, OrderQueue, OrderSort, OrderStatus, OrderView,
    PackError, PackOrder, RefundError, RefundLine, RefundOrder, RefundPreview, TimelineKind,
    add_note, left_to_refund, lines, list_orders, pack_order, preview_refund,
};
use crate::on_both;
use crate::staff::Actor;
use crate::testing::{Answering, TestShop, euros, operator, pieces};

async fn pack(shop: &TestShop, order: &OrderId, packed: bool) -> Result<bool, PackError> {
    let cmd = PackOrder {
        order_id: order.clone(),
        packed,
    };
    pack_order(&shop.shop, operator().may(), cmd).await
}

async fn note(
    shop: &TestShop,
    order: &OrderId,
    (key, text): (&str, &str),
) -> Result<(), NoteError> {
    let cmd = AddNote {
        request_key: key.to_owned(),
        order_id: order.clone(),
        text: text.to_owned(),
    };
    add_note(&shop.shop, operator().may(), cmd).await
}

async fn queue(shop: &TestShop, number: i64) -> (Option<OrderQueue>, bool) {
    let filter = OrderFilter {
        view: OrderView::All,
        search: Some(number.to_string()),
        sort: OrderSort::Newest,
        page: PageRequest::new(1, 10),
    };
    let page = shop.read(move |tx| Ok(list_orders(tx, &filter)?)).await;
    let row = page.items.first().expect("it is in the list");
    (row.queue, row.packed)
}

async fn kinds(shop: &TestShop, order: &OrderId) -> Vec<TimelineKind> {
    let told = shop.timeline(order).await.into_iter();
    told.map(|entry| entry.kind).collect()
}

async fn audited(shop: &TestShop) -> i64 {
    let rows: Vec<(i64,)> = shop.rows("SELECT COUNT(*) FROM audit").await;
    rows[0].0
}

async fn preview(
    shop: &TestShop,
    order: &OrderId,
    (parts, delivery): (&[(usize, u32)], i64),
) -> Result<RefundPreview, RefundError> {
    let id = order.clone();
    let all = shop.read(move |tx| Ok(lines(tx, &id)?)).await;
    let parts = parts.iter().map(|(index, count)| RefundLine {
        line_id: all[*index].id.clone(),
        quantity: pieces(*count),
        restock: false,
    });
    let cmd = RefundOrder {
        request_key: "preview".to_owned(),
        order_id: order.clone(),
        lines: parts.collect(),
        delivery: Some(euros(delivery)),
        reason: "damaged".to_owned(),
    };
    shop.read(move |tx| Ok(preview_refund(tx, &cmd))).await
}

on_both! {
    async fn a_packed_order_waits_to_be_sent_and_can_be_taken_apart_again(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 9).await;
        let order = shop.ordered(&[(&vase, 2)]).await;
        shop.run_jobs().await;
        let before = audited(shop).await;
        assert!(pack(shop, &order.id, true).await.unwrap());
        assert!(!pack(shop, &order.id, true).await.unwrap(), "it was packed before");
        assert_eq!(queue(shop, 1_001).await, (Some(OrderQueue::ToShip), true));
        assert_eq!(audited(shop).await, before + 1);
        shop.assert_clean().await;
        assert!(pack(shop, &order.id, false).await.unwrap());
        assert!(!pack(shop, &order.id, false).await.unwrap());
        assert_eq!(queue(shop, 1_001).await, (Some(OrderQueue::ToPack), false));
        let told = kinds(shop, &order.id).await;
        assert_eq!(told[told.len() - 2..], [TimelineKind::Packed, TimelineKind::Unpacked]);
        shop.assert_clean().await;
    }

    async fn a_packed_order_stays_packed_until_all_of_it_has_left(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 9).await;
        let order = shop.ordered(&[(&vase, 2)]).await;
        shop.run_jobs().await;
        pack(shop, &order.id, true).await.unwrap();
        shop.ship(&order.id, &[(0, 1)], "one").await.unwrap();
        assert_eq!(queue(shop, 1_001).await, (Some(OrderQueue::ToShip), true));
        shop.ship(&order.id, &[(0, 1)], "two").await.unwrap();
        assert_eq!(queue(shop, 1_001).await, (Some(OrderQueue::Shipped), false));
        assert!(matches!(pack(shop, &order.id, true).await, Err(PackError::NotPlaced(OrderStatus::Completed))));
        shop.assert_clean().await;
    }

    async fn a_parcel_whose_pieces_are_refunded_has_to_be_packed_anew(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 9).await;
        let order = shop.ordered(&[(&vase, 2)]).await;
        shop.run_jobs().await;
        pack(shop, &order.id, true).await.unwrap();
        shop.refund(&order.id, &[(0, 1)], "one").await.unwrap();
        assert_eq!(queue(shop, 1_001).await, (Some(OrderQueue::ToPack), false));
        pack(shop, &order.id, true).await.unwrap();
        shop.gateway.answers(Answering::RefuseMoves);
        shop.refund(&order.id, &[(0, 1)], "two").await.unwrap();
        assert_eq!(queue(shop, 1_001).await, (Some(OrderQueue::ToPack), false));
        shop.assert_clean().await;
    }

    async fn what_was_called_off_is_not_packed(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 9).await;
        let order = shop.ordered(&[(&vase, 2)]).await;
        pack(shop, &order.id, true).await.unwrap();
        shop.cancel(&order.id).await.unwrap();
        assert_eq!(queue(shop, 1_001).await, (Some(OrderQueue::Canceled), false));
        assert!(matches!(pack(shop, &order.id, true).await, Err(PackError::NotPlaced(OrderStatus::Canceled))));
        let nobody: OrderId = OrderId::new(&kernel::RandomIds);
        assert!(matches!(pack(shop, &nobody, true).await, Err(PackError::NotFound)));
        shop.run_jobs().await;
        shop.assert_clean().await;
    }

    async fn an_order_with_nothing_left_to_send_is_not_packed(shop: &TestShop) {
        shop.set(|settings| settings.selling.capture = crate::settings::CapturePolicy::ByHand).await;
        let vase = shop.product("Tarn vase", euros(6_800), 9).await;
        let order = shop.ordered(&[(&vase, 1)]).await;
        shop.run_jobs().await;
        shop.ship(&order.id, &[(0, 1)], "all").await.unwrap();
        assert!(matches!(pack(shop, &order.id, true).await, Err(PackError::NothingLeft)));
    }

    async fn a_note_is_in_the_timeline_once_as_it_was_written(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 9).await;
        let order = shop.ordered(&[(&vase, 1)]).await;
        let before = audited(shop).await;
        note(shop, &order.id, ("one", "  Called <b>Noor</b>.\r\nWants it gift-wrapped. ")).await.unwrap();
        note(shop, &order.id, ("one", "Called <b>Noor</b>.")).await.unwrap();
        note(shop, &order.id, ("two", "Wrapped.")).await.unwrap();
        let told = shop.timeline(&order.id).await;
        let notes: Vec<_> = told.iter().filter(|entry| entry.kind == TimelineKind::Note).collect();
        assert_eq!(notes.len(), 2);
        assert_eq!(notes[0].detail["text"], "Called <b>Noor</b>.\nWants it gift-wrapped.");
        assert_eq!(notes[0].actor, Actor::Operator);
        assert_eq!(audited(shop).await, before + 2);
        shop.assert_clean().await;
    }

    async fn a_note_that_says_nothing_or_too_much_is_refused(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 9).await;
        let order = shop.ordered(&[(&vase, 1)]).await;
        assert!(matches!(note(shop, &order.id, ("a", " \r\n ")).await, Err(NoteError::Empty)));
        let long = "é".repeat(NOTE_LONGEST);
        note(shop, &order.id, ("b", &long)).await.unwrap();
        assert!(matches!(note(shop, &order.id, ("c", &format!("{long}é"))).await, Err(NoteError::TooLong)));
        assert!(matches!(note(shop, &order.id, ("d", "a\u{0}b")).await, Err(NoteError::Unprintable)));
        let nobody: OrderId = OrderId::new(&kernel::RandomIds);
        assert!(matches!(note(shop, &nobody, ("e", "x")).await, Err(NoteError::NotFound)));
    }

    async fn what_a_refund_will_come_to_is_known_before(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(1_111), 9).await;
        let order = shop.ordered(&[(&vase, 3)]).await;
        assert!(matches!(preview(shop, &order.id, (&[(0, 1)], 0)).await, Err(RefundError::TooMuch { .. })), "nothing is captured yet");
        shop.run_jobs().await;
        let left = async || {
            let order = order.clone();
            shop.read(move |tx| Ok(left_to_refund(tx, &order)?)).await
        };
        assert_eq!(left().await, order.total);
        let seen = preview(shop, &order.id, (&[(0, 2)], 100)).await.unwrap();
        assert_eq!(seen.amount, euros(2_322));
        let parts: Vec<_> = seen.lines.iter().map(|(_, count, amount)| (*count, *amount)).collect();
        assert_eq!(parts, [(Quantity::new(2).unwrap(), euros(2_222))]);
        assert_eq!(left().await, order.total, "a look changes nothing");
        assert!(matches!(preview(shop, &order.id, (&[], 0)).await, Err(RefundError::Nothing)));
        assert!(matches!(preview(shop, &order.id, (&[(0, 4)], 0)).await, Err(RefundError::Sum(_))));
        assert!(matches!(preview(shop, &order.id, (&[], 99_999)).await, Err(RefundError::Sum(_))));
        shop.refund(&order.id, &[(0, 2)], "two").await.unwrap();
        assert_eq!(left().await, order.total.checked_sub(euros(2_222)).unwrap());
        shop.assert_clean().await;
    }
}

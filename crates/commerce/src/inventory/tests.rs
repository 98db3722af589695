//! Stock, on both databases.

use std::collections::BTreeMap;

use kernel::time::MINUTE;
use kernel::{LocationId, OrderId, RandomIds, Timestamp, VariantId};

use super::{
    AdjustStock, AdjustStockError, MovementKind, NotShipped, Shortage, Want, adjust_stock,
    available, commit_reservations, expire_overdue, hold_until, keep_reservations, locations,
    movements, release_allocation, release_pieces, release_reservations, reserve, restock, ship,
};
use crate::on_both;
use crate::shop::Act;
use crate::staff::Actor;
use crate::testing::{TestShop, euros, operator, pieces};
use crate::verify::verify;

fn an_order() -> OrderId {
    OrderId::new(&RandomIds)
}

fn want(variant: &VariantId, count: u32) -> Want {
    Want {
        variant_id: variant.clone(),
        quantity: pieces(count),
    }
}

fn act(shop: &TestShop) -> Act {
    shop.shop.act(Actor::System)
}

/// Holds all of it, or nothing: as checkout does it.
async fn hold(shop: &TestShop, order: &OrderId, wants: &[Want]) -> Result<(), Shortage> {
    #[derive(Debug)]
    enum Failed {
        Short(Shortage),
        Database(db::DbError),
    }
    impl From<db::DbError> for Failed {
        fn from(error: db::DbError) -> Self {
            Self::Database(error)
        }
    }
    let (act, order, wants) = (act(shop), order.clone(), wants.to_vec());
    let held = shop.shop.db.write(move |tx| -> Result<(), Failed> {
        reserve(tx, &act, &order, &wants, hold_until(act.now))?.map_err(Failed::Short)
    });
    match held.await {
        Ok(()) => Ok(()),
        Err(Failed::Short(shortage)) => Err(shortage),
        Err(Failed::Database(error)) => panic!("{error}"),
    }
}

/// Runs building blocks in one transaction.
async fn within<T, F>(shop: &TestShop, mut blocks: F) -> T
where
    F: FnMut(&mut db::Tx<'_>, &Act) -> Result<T, db::DbError> + Send + 'static,
    T: Send + 'static,
{
    let act = act(shop);
    let done = shop.shop.db.write(move |tx| blocks(tx, &act));
    done.await.expect("the database takes it")
}

async fn promise(shop: &TestShop, order: &OrderId) -> BTreeMap<VariantId, i64> {
    let order = order.clone();
    within(shop, move |tx, act| commit_reservations(tx, act, &order)).await
}

/// As settling does it: makes sure of what is held, and promises it.
async fn keep_and_promise(shop: &TestShop, order: &OrderId) -> BTreeMap<VariantId, i64> {
    let order = order.clone();
    let blocks = move |tx: &mut db::Tx<'_>, act: &Act| {
        keep_reservations(tx, act.now, &order, hold_until(act.now))?;
        commit_reservations(tx, act, &order)
    };
    within(shop, blocks).await
}

async fn send(
    shop: &TestShop,
    order: &OrderId,
    variant: &VariantId,
    count: u32,
) -> Result<(), NotShipped> {
    let (order, variant) = (order.clone(), variant.clone());
    let sent = shop.shop.db.write({
        let act = act(shop);
        move |tx| -> Result<(), Sent> {
            ship(tx, &act, &order, &variant, pieces(count))?.map_err(Sent::Not)
        }
    });
    match sent.await {
        Ok(()) => Ok(()),
        Err(Sent::Not(why)) => Err(why),
        Err(Sent::Database(error)) => panic!("{error}"),
    }
}

#[derive(Debug)]
enum Sent {
    Not(NotShipped),
    Database(db::DbError),
}

impl From<db::DbError> for Sent {
    fn from(error: db::DbError) -> Self {
        Self::Database(error)
    }
}

/// The stock's own invariants: these tests promise stock to orders that have no rows.
async fn assert_figures(shop: &TestShop) {
    let breaches = verify(&shop.shop).await.expect("the books can be read");
    let wrong: Vec<_> = breaches
        .iter()
        .filter(|breach| {
            breach.invariant == "stock figures are the sums of the ledger"
                || breach.invariant == "never sold more than there is"
                || breach.invariant == "a state has its time"
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

on_both! {
    async fn what_is_held_cannot_be_held_twice_and_comes_back_when_it_is_let_go(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let (one, other) = (an_order(), an_order());
        hold(shop, &one, &[want(&vase, 2)]).await.unwrap();
        assert_eq!(shop.available(&vase).await, 1);
        assert_eq!(hold(shop, &other, &[want(&vase, 2)]).await, Err(Shortage { variant_id: vase.clone(), left: 1 }));
        within(shop, { let one = one.clone(); move |tx, act| release_reservations(tx, act.now, &one) }).await;
        assert_eq!(shop.available(&vase).await, 3);
        hold(shop, &other, &[want(&vase, 2)]).await.unwrap();
        assert_eq!(shop.figures(&vase).await, (3, 0, 2));
        assert_figures(shop).await;
    }

    async fn reserving_more_than_is_on_hand_changes_nothing(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let bowl = shop.product("Moor bowl", euros(3_200), 1).await;
        let order = an_order();
        let short = hold(shop, &order, &[want(&vase, 3), want(&bowl, 2)]).await.unwrap_err();
        assert_eq!(short, Shortage { variant_id: bowl.clone(), left: 1 });
        assert_eq!((shop.figures(&vase).await, shop.figures(&bowl).await), ((3, 0, 0), (1, 0, 0)));
        let held: Vec<(i64,)> = shop.rows("SELECT COUNT(*) FROM reservations").await;
        assert_eq!(held, [(0,)]);
    }

    async fn two_wishes_for_one_variant_cannot_each_pass_a_check_that_both_fail(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let short = hold(shop, &an_order(), &[want(&vase, 2), want(&vase, 2)]).await.unwrap_err();
        assert_eq!(short.left, 3);
        hold(shop, &an_order(), &[want(&vase, 2), want(&vase, 1)]).await.unwrap();
        assert_eq!(shop.available(&vase).await, 0);
    }

    async fn an_expired_hold_is_free_without_any_clean_up(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 1).await;
        let (slow, quick) = (an_order(), an_order());
        hold(shop, &slow, &[want(&vase, 1)]).await.unwrap();
        shop.clock.advance(30 * MINUTE - 1);
        assert_eq!(shop.available(&vase).await, 0);
        assert!(hold(shop, &quick, &[want(&vase, 1)]).await.is_err());
        shop.clock.advance(1);
        assert_eq!(shop.available(&vase).await, 1);
        hold(shop, &quick, &[want(&vase, 1)]).await.unwrap();
        assert_eq!(promise(shop, &slow).await, BTreeMap::new(), "it was expired by the one who wanted it");
        assert_eq!(promise(shop, &quick).await, BTreeMap::from([(vase.clone(), 1)]));
        assert_eq!(shop.figures(&vase).await, (1, 1, 0));
        let ends: Vec<(String,)> = shop.rows("SELECT status FROM reservations ORDER BY id").await;
        assert_eq!(ends, [("expired".to_owned(),), ("committed".to_owned(),)]);
        assert_figures(shop).await;
    }

    async fn a_hold_that_was_prolonged_is_nobody_elses(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 2).await;
        let order = an_order();
        hold(shop, &order, &[want(&vase, 2)]).await.unwrap();
        shop.clock.advance(40 * MINUTE);
        assert_eq!(shop.available(&vase).await, 2, "it is overdue");
        let kept = within(shop, { let order = order.clone(); move |tx, act| keep_reservations(tx, act.now, &order, hold_until(act.now)) }).await;
        assert_eq!(kept, BTreeMap::from([(vase.clone(), 2)]));
        assert_eq!(shop.available(&vase).await, 0);
        assert!(hold(shop, &an_order(), &[want(&vase, 1)]).await.is_err());
    }

    async fn tidying_expires_what_is_overdue_and_nothing_else(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 9).await;
        for _ in 0..3 {
            hold(shop, &an_order(), &[want(&vase, 1)]).await.unwrap();
        }
        shop.clock.advance(20 * MINUTE);
        hold(shop, &an_order(), &[want(&vase, 1)]).await.unwrap();
        shop.clock.advance(10 * MINUTE);
        let expire = |limit| within(shop, move |tx, act| expire_overdue(tx, act.now, limit));
        assert_eq!(expire(2).await, 2);
        assert_eq!(shop.figures(&vase).await, (9, 0, 2));
        assert_eq!(shop.available(&vase).await, 8, "one of the two is overdue");
        assert_eq!(expire(200).await, 1);
        assert_eq!(expire(200).await, 0);
        assert_eq!(shop.figures(&vase).await, (9, 0, 1));
        assert_figures(shop).await;
    }

    async fn what_one_place_has_not_comes_from_several_and_the_first_that_has_all_wins(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 2).await;
        let barn = shop.location("Barn").await;
        let loft = shop.location("Loft").await;
        shop.adjust((&vase, &barn), 3).await.unwrap();
        shop.adjust((&vase, &loft), 5).await.unwrap();
        assert_eq!(shop.available(&vase).await, 10);
        let reserved = || async { shop.levels(&vase).await.iter().map(|level| level.reserved).collect::<Vec<_>>() };
        let one_parcel = an_order();
        hold(shop, &one_parcel, &[want(&vase, 4)]).await.unwrap();
        assert_eq!(reserved().await, [0, 0, 4], "one parcel is better than two");
        let split = an_order();
        hold(shop, &split, &[want(&vase, 6)]).await.unwrap();
        assert_eq!(reserved().await, [2, 3, 5]);
        assert_eq!(hold(shop, &an_order(), &[want(&vase, 1)]).await.unwrap_err().left, 0);
        promise(shop, &split).await;
        send(shop, &split, &vase, 6).await.unwrap();
        promise(shop, &one_parcel).await;
        send(shop, &one_parcel, &vase, 4).await.unwrap();
        assert_eq!(shop.figures(&vase).await, (0, 0, 0));
        let back = within(shop, { let (split, vase) = (split.clone(), vase.clone()); move |tx, act| restock(tx, act, &split, &vase, pieces(6)) }).await;
        assert_eq!(back, 6);
        let on_hand: Vec<i64> = shop.levels(&vase).await.iter().map(|level| level.on_hand).collect();
        assert_eq!(on_hand, [2, 3, 1], "each piece goes back to where it came from");
        assert_figures(shop).await;
    }

    async fn what_nobody_counts_is_never_short(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 0).await;
        shop.tamper("UPDATE variants SET stock_tracked = (1 = 0)").await;
        let order = an_order();
        hold(shop, &order, &[want(&vase, 9_999)]).await.unwrap();
        assert_eq!(promise(shop, &order).await, BTreeMap::new());
        let (now, id) = (shop.shop.clock.now(), vase.clone());
        let left = shop.read(move |tx| Ok(available(tx, now, std::slice::from_ref(&id))?)).await;
        assert_eq!(left.get(&vase), Some(&None));
    }

    async fn a_back_order_limit_is_the_end_of_it_and_no_limit_is_none(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 2).await;
        shop.tamper("UPDATE stock_levels SET backorder_limit = 3").await;
        assert_eq!(shop.available(&vase).await, 5);
        let order = an_order();
        hold(shop, &order, &[want(&vase, 5)]).await.unwrap();
        assert_eq!(hold(shop, &an_order(), &[want(&vase, 1)]).await.unwrap_err().left, 0);
        promise(shop, &order).await;
        assert_eq!(shop.figures(&vase).await, (2, 5, 0));
        assert_eq!(send(shop, &order, &vase, 3).await, Err(NotShipped::NotThere { left: 2 }));
        assert_eq!(shop.figures(&vase).await, (2, 5, 0), "nothing moved");
        send(shop, &order, &vase, 2).await.unwrap();
        shop.receive(&vase, 3).await;
        send(shop, &order, &vase, 3).await.unwrap();
        assert_eq!(shop.figures(&vase).await, (0, 0, 0));
        shop.tamper("UPDATE stock_levels SET backorder_limit = NULL").await;
        hold(shop, &an_order(), &[want(&vase, 9_999)]).await.unwrap();
        assert_figures(shop).await;
    }

    async fn promised_goods_leave_once_and_only_for_their_order(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 5).await;
        let (order, other) = (an_order(), an_order());
        hold(shop, &order, &[want(&vase, 3)]).await.unwrap();
        assert_eq!(send(shop, &order, &vase, 1).await, Err(NotShipped::NotPromised), "held is not promised");
        assert_eq!(promise(shop, &order).await, BTreeMap::from([(vase.clone(), 3)]));
        assert_eq!(promise(shop, &order).await, BTreeMap::new(), "once");
        assert_eq!(send(shop, &other, &vase, 1).await, Err(NotShipped::NotPromised));
        send(shop, &order, &vase, 2).await.unwrap();
        assert_eq!(send(shop, &order, &vase, 2).await, Err(NotShipped::NotPromised));
        assert_eq!(shop.figures(&vase).await, (3, 1, 0));
        within(shop, { let (order, vase) = (order.clone(), vase.clone()); move |tx, act| release_pieces(tx, act, &order, (&vase, pieces(7)), "refunded") }).await;
        assert_eq!(shop.figures(&vase).await, (3, 0, 0), "no more than is promised is released");
        within(shop, { let order = order.clone(); move |tx, act| release_allocation(tx, act, &order, "canceled") }).await;
        assert_eq!(shop.figures(&vase).await, (3, 0, 0), "and nothing twice");
        assert_figures(shop).await;
    }

    async fn no_more_comes_back_than_went_out(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 5).await;
        let order = an_order();
        hold(shop, &order, &[want(&vase, 3)]).await.unwrap();
        promise(shop, &order).await;
        let back = |count| within(shop, { let (order, vase) = (order.clone(), vase.clone()); move |tx, act| restock(tx, act, &order, &vase, pieces(count)) });
        assert_eq!(back(1).await, 0, "nothing has left yet");
        send(shop, &order, &vase, 2).await.unwrap();
        assert_eq!(back(1).await, 1);
        assert_eq!(back(3).await, 1);
        assert_eq!(back(1).await, 0);
        assert_eq!(shop.figures(&vase).await, (5, 1, 0));
        assert_figures(shop).await;
    }

    async fn a_count_by_hand_never_takes_what_is_promised_or_held(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 10).await;
        let order = an_order();
        hold(shop, &order, &[want(&vase, 2)]).await.unwrap();
        promise(shop, &order).await;
        hold(shop, &an_order(), &[want(&vase, 3)]).await.unwrap();
        let home = shop.location.clone();
        assert!(matches!(shop.adjust((&vase, &home), -6).await, Err(AdjustStockError::Promised { promised: 5 })));
        assert_eq!(shop.figures(&vase).await, (10, 2, 3));
        assert_eq!(shop.adjust((&vase, &home), -5).await.unwrap(), 5);
        assert_eq!(shop.available(&vase).await, 0);
        shop.clock.advance(30 * MINUTE);
        assert_eq!(shop.adjust((&vase, &home), -3).await.unwrap(), 2, "what is overdue is not held");
        assert_eq!(shop.figures(&vase).await, (2, 2, 0));
        assert_figures(shop).await;
    }

    async fn a_count_by_hand_says_who_when_and_why_and_refuses_nonsense(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 4).await;
        let adjust = |kind, change, reason: &str, location: &LocationId| {
            let cmd = AdjustStock { variant_id: vase.clone(), location_id: location.clone(), kind, change, reason: reason.to_owned() };
            adjust_stock(&shop.shop, operator().may(), cmd)
        };
        let (home, nowhere) = (shop.location.clone(), LocationId::new(&RandomIds));
        for change in [0, 1_000_001, -1_000_001, i64::MIN, i64::MAX] {
            assert!(matches!(adjust(MovementKind::Adjusted, change, "counted", &home).await, Err(AdjustStockError::BadChange)), "{change}");
        }
        assert!(matches!(adjust(MovementKind::Adjusted, 1, "  ", &home).await, Err(AdjustStockError::BadReason(_))));
        assert!(matches!(adjust(MovementKind::Adjusted, 1, "found", &nowhere).await, Err(AdjustStockError::NotFound)));
        for kind in [MovementKind::Allocated, MovementKind::Released, MovementKind::Shipped] {
            assert!(matches!(adjust(kind, 1, "found", &home).await, Err(AdjustStockError::BadKind(_))));
        }
        assert_eq!(shop.figures(&vase).await, (4, 0, 0));
        shop.clock.advance(MINUTE);
        adjust(MovementKind::Adjusted, -1, "fell off the shelf", &home).await.unwrap();
        let id = vase.clone();
        let ledger = shop.read(move |tx| Ok(movements(tx, &id)?)).await;
        assert_eq!(ledger.len(), 2);
        let newest = &ledger[0];
        assert_eq!((newest.kind, newest.on_hand_change, newest.allocated_change), (MovementKind::Adjusted, -1, 0));
        assert_eq!((&newest.actor, newest.reason.as_str(), newest.at), (&Actor::Operator, "fell off the shelf", shop.shop.clock.now()));
        assert_eq!((&newest.location_id, &newest.order_id), (&home, &None));
        let places = shop.read(|tx| Ok(locations(tx)?)).await;
        assert_eq!(places.iter().map(|place| (place.name.as_str(), place.position)).collect::<Vec<_>>(), [("Workshop", 1)]);
    }

    async fn fifty_holds_at_once_for_twenty_pieces_are_twenty(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 20).await;
        let tries: Vec<_> = (0..50).map(|_| {
            let (act, db, wants) = (act(shop), shop.shop.db.clone(), [want(&vase, 1)]);
            tokio::spawn(async move {
                let order = an_order();
                db.write(move |tx| reserve(tx, &act, &order, &wants, hold_until(act.now))).await.expect("the database takes it")
            })
        }).collect();
        let mut held = 0;
        for attempt in tries {
            held += i32::from(attempt.await.unwrap().is_ok());
        }
        assert_eq!(held, 20);
        assert_eq!(shop.figures(&vase).await, (20, 0, 20));
        assert_figures(shop).await;
    }
}

/// What the model of the stock knows of an order.
#[derive(Default, Clone)]
struct Known {
    held: i64,
    until: i64,
    promised: i64,
    out: i64,
}

/// Two hundred random doings against the simplest thinkable stock.
#[expect(
    clippy::too_many_lines,
    reason = "one arm for each thing that can be done to stock"
)]
async fn any_doings_keep_the_figures(shop: &TestShop, seed: u64) {
    let vase = shop.product("Tarn vase", euros(6_800), 12).await;
    let barn = shop.location("Barn").await;
    shop.adjust((&vase, &barn), 5).await.unwrap();
    let mut on_hand = 17_i64;
    let mut orders: Vec<(OrderId, Known)> = Vec::new();
    let mut dice = crate::testing::Dice::new(seed);
    for step in 0..200 {
        let now = shop.shop.clock.now().millis();
        let live = |orders: &[(OrderId, Known)]| -> i64 {
            orders
                .iter()
                .filter(|(_, known)| known.until > now)
                .map(|(_, known)| known.held)
                .sum()
        };
        let promised: i64 = orders.iter().map(|(_, known)| known.promised).sum();
        let free = on_hand - promised - live(&orders);
        assert_eq!(
            shop.available(&vase).await,
            free,
            "seed {seed}, step {step}"
        );
        let count = i64::from(dice.up_to(4)) + 1;
        let some = (!orders.is_empty()).then(|| dice.pick(orders.len()));
        match (dice.up_to(8), some) {
            (0..=2, _) => {
                let order = an_order();
                let held = hold(shop, &order, &[want(&vase, u32::try_from(count).unwrap())]).await;
                assert_eq!(held.is_ok(), count <= free, "seed {seed}, step {step}");
                // Whoever wants stock expires what is overdue, unless it goes away empty-handed.
                if held.is_ok() {
                    orders
                        .iter_mut()
                        .filter(|(_, known)| known.until <= now)
                        .for_each(|(_, known)| known.held = 0);
                    let known = Known {
                        held: count,
                        until: now + 30 * MINUTE,
                        ..Known::default()
                    };
                    orders.push((order, known));
                }
            }
            (3, Some(place)) => {
                let (order, known) = &mut orders[place];
                within(shop, {
                    let order = order.clone();
                    move |tx, act| release_reservations(tx, act.now, &order)
                })
                .await;
                known.held = 0;
            }
            (4, Some(place)) => {
                let (order, known) = &mut orders[place];
                let kept = keep_and_promise(shop, order).await;
                assert_eq!(
                    kept.values().sum::<i64>(),
                    known.held,
                    "seed {seed}, step {step}"
                );
                known.promised += std::mem::take(&mut known.held);
            }
            (5, Some(place)) => {
                let (order, known) = &mut orders[place];
                let sent = send(shop, order, &vase, u32::try_from(count).unwrap()).await;
                assert_eq!(
                    sent.is_ok(),
                    count <= known.promised,
                    "seed {seed}, step {step}"
                );
                if sent.is_ok() {
                    known.promised -= count;
                    known.out += count;
                    on_hand -= count;
                }
            }
            (6, Some(place)) => {
                let (order, known) = &mut orders[place];
                let (order, vase) = (order.clone(), vase.clone());
                let back = within(shop, move |tx, act| {
                    restock(
                        tx,
                        act,
                        &order,
                        &vase,
                        pieces(u32::try_from(count).unwrap()),
                    )
                })
                .await;
                assert_eq!(back, count.min(known.out), "seed {seed}, step {step}");
                known.out -= back;
                on_hand += back;
            }
            (7, _) => {
                let change = if dice.up_to(2) == 0 { count } else { -count };
                let home = shop.location.clone();
                if shop.adjust((&vase, &home), change).await.is_ok() {
                    on_hand += change;
                    orders
                        .iter_mut()
                        .filter(|(_, known)| known.until <= now)
                        .for_each(|(_, known)| known.held = 0);
                }
            }
            _ => {
                shop.clock.advance(i64::from(dice.up_to(12)) * MINUTE);
            }
        }
        if step % 20 == 19 {
            assert_figures(shop).await;
        }
    }
    let promised: i64 = orders.iter().map(|(_, known)| known.promised).sum();
    let figures = shop.figures(&vase).await;
    assert_eq!((figures.0, figures.1), (on_hand, promised), "seed {seed}");
}

on_both! {
    async fn any_two_hundred_doings_leave_the_figures_the_model_knows(shop: &TestShop) {
        any_doings_keep_the_figures(shop, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_more_of_them_on_one_database() {
    for seed in 2..8 {
        any_doings_keep_the_figures(&TestShop::sqlite().await, seed).await;
    }
}

#[test]
fn stock_is_held_for_half_an_hour() {
    let ten = Timestamp::from_millis(0);
    assert_eq!(hold_until(ten), ten.plus(30 * MINUTE));
}

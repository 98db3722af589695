//! The whole shop against the simplest thinkable one: random doings, and after each the stock and the money there must be.
//!
//! The model knows what was ordered, sent, refunded and counted; the fake gateway keeps books of its own. What the sweeper
//! finds out by itself is observed and must be lawful; all else is foretold.

use std::collections::BTreeMap;

use kernel::time::{HOUR, MINUTE};
use kernel::{OrderId, PaymentId, VariantId};

use crate::carts::{AddToCart, CartError, add_to_cart};
use crate::checkout::{PlaceOrderError, Placement, cancel_payment};
use crate::inventory::AdjustStockError;
use crate::on_both;
use crate::orders::{CancelError, MoneyMoved, PaymentStatus, RefundError};
use crate::shop::Shopper;
use crate::testing::{Answering, Dice, TestShop, euros, pieces};

const PRICES: [i64; 3] = [6_800, 1_900, 5_000];
const COMMANDS: u32 = 200;
const HOLD: i64 = 30 * MINUTE;

/// A visitor's cart, and the draft it has become so far.
struct Visit {
    shopper: Shopper,
    wants: [i64; 3],
    draft: Option<Draft>,
}

struct Draft {
    wants: [i64; 3],
    /// Until when stock and cart are held; 0 when they are not.
    until: i64,
    payments: Vec<PaymentId>,
}

/// A line of a placed order.
#[derive(Clone, Copy, Default, Debug)]
struct Sold {
    ordered: i64,
    sent: i64,
    refunded_unsent: i64,
    refunded_sent: i64,
}

impl Sold {
    fn to_send(self) -> i64 {
        self.ordered - self.sent - self.refunded_unsent
    }

    fn refunded(self) -> i64 {
        self.refunded_unsent + self.refunded_sent
    }
}

struct Placed {
    lines: [Sold; 3],
    /// Which variant each line of the order is.
    order_of_lines: Vec<usize>,
    total: i64,
    canceled: bool,
}

struct Model<'a> {
    shop: &'a TestShop,
    dice: Dice,
    variants: Vec<VariantId>,
    on_hand: [i64; 3],
    visits: Vec<Visit>,
    placed: BTreeMap<OrderId, Placed>,
    keys: u32,
    trail: Vec<String>,
}

fn cost_of(wants: &[i64; 3]) -> i64 {
    let goods: i64 = wants
        .iter()
        .zip(PRICES)
        .map(|(count, price)| count * price)
        .sum();
    goods + if goods < 6_000 { 490 } else { 0 }
}

impl<'a> Model<'a> {
    async fn new(shop: &'a TestShop, seed: u64) -> Self {
        let mut variants = Vec::new();
        for (number, price) in PRICES.into_iter().enumerate() {
            variants.push(
                shop.product(&format!("Thing {number}"), euros(price), 8)
                    .await,
            );
        }
        Self {
            shop,
            dice: Dice::new(seed),
            variants,
            on_hand: [8; 3],
            visits: Vec::new(),
            placed: BTreeMap::new(),
            keys: 0,
            trail: vec![format!("seed {seed}")],
        }
    }

    fn now(&self) -> i64 {
        self.shop.shop.clock.now().millis()
    }

    fn key(&mut self) -> String {
        self.keys += 1;
        format!("key {}", self.keys)
    }

    fn promised(&self, variant: usize) -> i64 {
        let live = self.placed.values().filter(|order| !order.canceled);
        live.map(|order| order.lines[variant].to_send()).sum()
    }

    fn held(&self, variant: usize) -> i64 {
        let now = self.now();
        let drafts = self.visits.iter().filter_map(|visit| visit.draft.as_ref());
        drafts
            .filter(|draft| draft.until > now)
            .map(|draft| draft.wants[variant])
            .sum()
    }

    fn free(&self, variant: usize) -> i64 {
        self.on_hand[variant] - self.promised(variant) - self.held(variant)
    }

    fn is_claimed(&self, visit: usize) -> bool {
        let now = self.now();
        self.visits[visit]
            .draft
            .as_ref()
            .is_some_and(|draft| draft.until > now)
    }

    fn some_visit(&mut self) -> Option<usize> {
        (!self.visits.is_empty()).then(|| self.dice.pick(self.visits.len()))
    }

    fn some_order(&mut self) -> Option<OrderId> {
        let place = self.dice.pick(self.placed.len());
        self.placed.keys().nth(place).cloned()
    }

    async fn step(&mut self) {
        match self.dice.up_to(16) {
            0..=2 => self.add().await,
            3 | 4 => self.place(Answering::Approve).await,
            5 => self.place(Answering::Decline).await,
            6 | 7 => self.place(Answering::Page).await,
            8 => self.place(Answering::LoseAnswer).await,
            9 => self.answer_on_the_page().await,
            10 => self.answer_late().await,
            11 => self.cancel().await,
            12 => self.ship().await,
            13 => self.refund().await,
            14 => self.count_by_hand().await,
            _ => self.let_time_pass().await,
        }
        self.observe().await;
    }

    async fn add(&mut self) {
        let (variant, count) = (self.dice.pick(3), i64::from(self.dice.up_to(3)) + 1);
        let joins = self.dice.up_to(2) == 0;
        let visit = if joins { self.some_visit() } else { None };
        let held = visit.map_or(0, |visit| self.visits[visit].wants[variant]);
        let fits = held + count <= self.free(variant);
        let claimed = visit.is_some_and(|visit| self.is_claimed(visit));
        self.trail
            .push(format!("add {count} of {variant} to {visit:?}"));
        let visitor = visit.map(|visit| self.visits[visit].shopper.visitor.clone());
        let cmd = AddToCart {
            variant_id: self.variants[variant].clone(),
            quantity: pieces(u32::try_from(count).unwrap()),
        };
        match (add_to_cart(&self.shop.shop, visitor, cmd).await, visit) {
            (Ok(added), None) if fits => {
                let shopper = Shopper {
                    visitor: added.visitor,
                };
                self.shop.fill_in(&shopper).await;
                let mut wants = [0; 3];
                wants[variant] = count;
                self.visits.push(Visit {
                    shopper,
                    wants,
                    draft: None,
                });
            }
            (Ok(_), Some(visit)) if fits && !claimed => self.visits[visit].wants[variant] += count,
            (Err(CartError::CheckoutInProgress), _) if claimed => {}
            (Err(CartError::OutOfStock { .. }), _) if !claimed && !fits => {}
            (answer, _) => panic!(
                "{answer:?}, fits: {fits}, claimed: {claimed}: {:#?}",
                self.trail
            ),
        }
    }

    async fn place(&mut self, answering: Answering) {
        let Some(visit) = self.some_visit() else {
            return;
        };
        self.trail.push(format!("place {visit}, {answering:?}"));
        let shopper = self.visits[visit].shopper.clone();
        if self.is_claimed(visit) {
            return self.click_again(visit, &shopper).await;
        }
        let mut wants = [0; 3];
        for (variant, wanted) in wants.iter_mut().enumerate() {
            *wanted = self.visits[visit].wants[variant].min(self.free(variant));
        }
        self.shop.gateway.answers(answering);
        let answer = self.shop.place(&shopper).await;
        self.shop.gateway.answers(Answering::Approve);
        if wants == [0; 3] {
            assert!(
                matches!(answer, Err(PlaceOrderError::EmptyCart)),
                "{answer:?}: {:#?}",
                self.trail
            );
            return;
        }
        let payment = self.shop.last_payment().await;
        let until = if answering == Answering::Decline {
            0
        } else {
            self.now() + HOLD
        };
        let mut payments = self.visits[visit]
            .draft
            .take()
            .map_or_else(Vec::new, |old| old.payments);
        payments.push(payment);
        self.visits[visit].draft = Some(Draft {
            wants,
            until,
            payments,
        });
        let expected = match answer {
            Ok(Placement::Placed(_)) => answering == Answering::Approve,
            Ok(Placement::Declined { .. }) => answering == Answering::Decline,
            Ok(Placement::GoTo { .. }) => answering == Answering::Page,
            Ok(Placement::Waiting) => answering == Answering::LoseAnswer,
            Ok(Placement::SoldOutMeanwhile) | Err(_) => false,
        };
        assert!(expected, "{answer:?}: {:#?}", self.trail);
    }

    /// A second click during a payment joins it, whatever it comes to.
    async fn click_again(&mut self, visit: usize, shopper: &Shopper) {
        let draft = self.visits[visit].draft.as_ref().expect("it is claimed");
        let total = euros(cost_of(&draft.wants));
        let before = self.shop.gateway.payments().len();
        let answer = self.shop.place_having_seen(shopper, total).await;
        // The page may have been answered meanwhile, either way.
        let lawful = matches!(
            answer,
            Ok(Placement::GoTo { .. } | Placement::Placed(_) | Placement::Declined { .. })
        );
        assert!(lawful, "{answer:?}: {:#?}", self.trail);
        assert_eq!(
            self.shop.gateway.payments().len(),
            before,
            "{:#?}",
            self.trail
        );
    }

    async fn answer_on_the_page(&mut self) {
        let Some(visit) = self.some_visit() else {
            return;
        };
        let what = self.dice.up_to(4);
        self.trail
            .push(format!("answer {what} on the page of {visit}"));
        let shopper = self.visits[visit].shopper.clone();
        let last = self.visits[visit]
            .draft
            .as_ref()
            .and_then(|draft| draft.payments.last().cloned());
        match (what, last) {
            (0, _) => self.shop.gateway.decline(),
            (1, Some(payment)) => {
                self.shop.gateway.approve();
                self.shop.notice("evt", &payment).await.unwrap();
            }
            (2, _) => {
                self.shop.gateway.approve();
                self.shop.comes_back(&shopper).await;
            }
            (_, _) => {
                cancel_payment(&self.shop.shop, &shopper).await.unwrap();
            }
        }
    }

    /// Any payment there ever was may be approved after all.
    async fn answer_late(&mut self) {
        let known = self.shop.gateway.payments();
        if known.is_empty() {
            return;
        }
        let (payment, _) = &known[self.dice.pick(known.len())];
        self.trail.push(format!("{payment} is approved after all"));
        self.shop.gateway.approve_after_all(payment);
        self.shop
            .notice(&format!("late-{payment}"), payment)
            .await
            .unwrap();
    }

    async fn cancel(&mut self) {
        let Some(id) = self.some_order() else { return };
        self.trail.push(format!("cancel {id}"));
        let is_over = self.is_over(&id).await;
        let order = self.placed.get_mut(&id).expect("it was picked");
        let sent = order.lines.iter().any(|line| line.sent > 0);
        match self.shop.cancel(&id).await {
            Ok(_) => {
                assert!(order.canceled || !(sent || is_over), "{:#?}", self.trail);
                order.canceled = true;
            }
            Err(CancelError::AlreadyShipped) => assert!(sent && !is_over),
            Err(CancelError::NotPlaced(_)) => assert!(is_over, "{:#?}", self.trail),
            Err(error) => panic!("{error}: {:#?}", self.trail),
        }
    }

    /// Paid, with nothing left to send.
    async fn is_over(&self, id: &OrderId) -> bool {
        let order = &self.placed[id];
        let all_left = order.lines.iter().all(|line| line.to_send() == 0);
        all_left && !order.canceled && self.is_paid(id).await
    }

    async fn is_paid(&self, id: &OrderId) -> bool {
        let status = self.shop.order(id).await.payment_status;
        matches!(
            status,
            PaymentStatus::Paid | PaymentStatus::PartiallyRefunded | PaymentStatus::Refunded
        )
    }

    /// A line of an order, by its place, and its variant.
    fn some_line(&mut self, id: &OrderId) -> (usize, usize) {
        let lines = self.placed[id].order_of_lines.clone();
        let place = self.dice.pick(lines.len());
        (place, lines[place])
    }

    async fn ship(&mut self) {
        let Some(id) = self.some_order() else { return };
        let (place, variant) = self.some_line(&id);
        let (count, key) = (i64::from(self.dice.up_to(3)) + 1, self.key());
        self.trail
            .push(format!("ship {count} of {variant} of {id}"));
        let is_over = self.is_over(&id).await;
        let sent = self
            .shop
            .ship(&id, &[(place, u32::try_from(count).unwrap())], &key)
            .await;
        let order = self.placed.get_mut(&id).expect("it was picked");
        let may = !order.canceled && !is_over && count <= order.lines[variant].to_send();
        assert_eq!(sent.is_ok(), may, "{sent:?}: {:#?}", self.trail);
        if may {
            order.lines[variant].sent += count;
            self.on_hand[variant] -= count;
        }
    }

    async fn refund(&mut self) {
        let Some(id) = self.some_order() else { return };
        let (place, variant) = self.some_line(&id);
        let (count, key) = (i64::from(self.dice.up_to(2)) + 1, self.key());
        let (restock, late) = (self.dice.up_to(2) == 0, self.dice.up_to(4) == 0);
        self.trail.push(format!(
            "refund {count} of {variant} of {id}, restock {restock}, late {late}"
        ));
        let wanted = [(place, u32::try_from(count).unwrap())];
        let is_paid = self.is_paid(&id).await;
        let returned = self.shop.payments(&id).await;
        let left: i64 = returned
            .iter()
            .map(|payment| payment.captured.minor() - payment.refunded.minor())
            .sum();
        if late {
            self.shop.gateway.answers(Answering::SilentMoves);
        }
        let answer = if restock {
            self.shop.refund_returned(&id, &wanted, &key).await
        } else {
            self.shop.refund(&id, &wanted, &key).await
        };
        self.shop.gateway.answers(Answering::Approve);
        let order = self.placed.get_mut(&id).expect("it was picked");
        let line = &mut order.lines[variant];
        let fits = line.refunded() + count <= line.ordered;
        let has_money = is_paid && count * PRICES[variant] <= left;
        match answer {
            Ok(MoneyMoved::Done | MoneyMoved::Pending) => {
                assert!(fits && has_money, "{:#?}", self.trail);
                let unsent = count.min(line.to_send());
                line.refunded_unsent += unsent;
                line.refunded_sent += count - unsent;
                if restock {
                    self.on_hand[variant] += count - unsent;
                }
            }
            Err(RefundError::Sum(_)) => assert!(!fits, "{:#?}", self.trail),
            Err(RefundError::TooMuch { .. }) => assert!(fits && !has_money, "{:#?}", self.trail),
            other => panic!("{other:?}: {:#?}", self.trail),
        }
        if late {
            self.shop.clock.advance(MINUTE);
            self.shop.run_jobs().await;
        }
    }

    async fn count_by_hand(&mut self) {
        let variant = self.dice.pick(3);
        let change = i64::from(self.dice.up_to(5)) - 2;
        self.trail.push(format!("count {change} of {variant}"));
        if change == 0 {
            return;
        }
        let home = self.shop.location.clone();
        let answer = self
            .shop
            .adjust((&self.variants[variant], &home), change)
            .await;
        let may = self.free(variant) + change >= 0;
        match answer {
            Ok(now) => {
                assert!(may, "{:#?}", self.trail);
                self.on_hand[variant] += change;
                assert_eq!(now, self.on_hand[variant]);
            }
            Err(AdjustStockError::Promised { .. }) => assert!(!may, "{:#?}", self.trail),
            Err(error) => panic!("{error}: {:#?}", self.trail),
        }
    }

    async fn let_time_pass(&mut self) {
        let minutes = i64::from(self.dice.up_to(25));
        self.trail.push(format!("{minutes} minutes pass"));
        self.shop.clock.advance(minutes * MINUTE);
        self.shop.run_jobs().await;
    }

    /// Learns which drafts were placed or given up, and holds the shop's stock against the model's.
    async fn observe(&mut self) {
        let rows: Vec<(OrderId, PaymentId)> = self
            .shop
            .rows("SELECT o.id, p.id FROM orders o JOIN payments p ON p.order_id = o.id WHERE o.placed_at IS NOT NULL")
            .await;
        for (order, payment) in rows {
            if !self.placed.contains_key(&order) {
                self.learn_of(order, &payment).await;
            }
        }
        let open: Vec<(PaymentId,)> = self
            .shop
            .rows("SELECT id FROM payments WHERE status IN ('created', 'requires_action', 'processing')")
            .await;
        for draft in self
            .visits
            .iter_mut()
            .filter_map(|visit| visit.draft.as_mut())
        {
            let newest = draft.payments.last().expect("a draft has a payment");
            if !open.iter().any(|(id,)| id == newest) {
                draft.until = 0;
            }
        }
        for variant in 0..3 {
            let (on_hand, promised, held) = self.shop.figures(&self.variants[variant]).await;
            let known = (self.on_hand[variant], self.promised(variant));
            assert_eq!(
                (on_hand, promised),
                known,
                "of {variant}: {:#?}",
                self.trail
            );
            assert!(
                held >= self.held(variant) && on_hand - promised - held >= 0,
                "{held} of {variant}: {:#?}",
                self.trail
            );
            assert_eq!(
                self.shop.available(&self.variants[variant]).await,
                self.free(variant),
                "of {variant}: {:#?}",
                self.trail
            );
        }
    }

    /// A draft was placed: it must be what its shopper saw, and the stock must have sufficed.
    async fn learn_of(&mut self, id: OrderId, payment: &PaymentId) {
        let visit = self.visits.iter().position(|visit| {
            visit
                .draft
                .as_ref()
                .is_some_and(|draft| draft.payments.contains(payment))
        });
        let visit = self
            .visits
            .remove(visit.unwrap_or_else(|| panic!("{id} is nobody's: {:#?}", self.trail)));
        let wants = visit.draft.expect("it has one").wants;
        let order = self.shop.order(&id).await;
        assert_eq!(order.total, euros(cost_of(&wants)), "{:#?}", self.trail);
        let (mut lines, mut order_of_lines) = ([Sold::default(); 3], Vec::new());
        for line in self.shop.lines(&id).await {
            let variant = self
                .variants
                .iter()
                .position(|known| *known == line.variant_id)
                .unwrap();
            lines[variant].ordered = line.quantity.as_i64();
            order_of_lines.push(variant);
        }
        assert_eq!(lines.map(|line| line.ordered), wants, "{:#?}", self.trail);
        let total = order.total.minor();
        self.placed.insert(
            id,
            Placed {
                lines,
                order_of_lines,
                total,
                canceled: false,
            },
        );
        for variant in 0..3 {
            assert!(
                self.free(variant) >= 0,
                "{variant} is oversold: {:#?}",
                self.trail
            );
        }
    }

    /// When all is quiet, the gateway's books must be what the orders are worth, and everybody has one mail.
    async fn all_is_quiet(&mut self) {
        self.shop.gateway.answers(Answering::Approve);
        self.shop.let_pass(4 * HOUR).await;
        self.observe().await;
        self.shop.assert_clean().await;
        assert_eq!(self.shop.dead_jobs().await, [], "{:#?}", self.trail);
        let worth = |order: &Placed| {
            let refunded: i64 = order
                .lines
                .iter()
                .zip(PRICES)
                .map(|(line, price)| line.refunded() * price)
                .sum();
            if order.canceled {
                0
            } else {
                order.total - refunded
            }
        };
        let owed: i64 = self.placed.values().map(worth).sum();
        assert_eq!(
            self.shop.gateway.charges().iter().sum::<i64>(),
            owed,
            "{:#?}",
            self.trail
        );
        let (captured, refunded) = self.shop.gateway.moved();
        assert_eq!(captured - refunded, owed, "{:#?}", self.trail);
        let mut confirmed = self.shop.mailbox.subjects();
        confirmed.retain(|subject| {
            subject.starts_with("Your order") && subject.ends_with("at Wrenfold")
        });
        assert_eq!(confirmed.len(), self.placed.len(), "{:#?}", self.trail);
    }
}

async fn any_doings(shop: &TestShop, seed: u64) {
    let mut model = Model::new(shop, seed).await;
    for _ in 0..COMMANDS {
        model.step().await;
    }
    model.all_is_quiet().await;
    assert!(
        model.placed.len() > 4,
        "seed {seed} sells something: {}",
        model.placed.len()
    );
}

on_both! {
    async fn two_hundred_doings_leave_the_stock_and_the_money_the_model_knows(shop: &TestShop) {
        any_doings(shop, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_more_of_them_on_one_database() {
    for seed in 2..14 {
        any_doings(&TestShop::sqlite().await, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn some_more_of_them_on_the_other() {
    for seed in 2..5 {
        if let Some(shop) = TestShop::postgres().await {
            any_doings(&shop, seed).await;
        }
    }
}

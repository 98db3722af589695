//! What tests do with a shop, and what they look at, in one line each.

use db::{Db, DbError, FromRow, Value, params};
use kernel::{LocationId, Money, OrderId, OrderLineId, PaymentId, VariantId};

use super::{TestShop, operator, pieces};
use crate::carts::{self, Cart, CartQuote};
use crate::checkout::{
    NoticeFailed, PlaceOrder, PlaceOrderError, Placement, continue_payment, place_order,
    receive_notice,
};
use crate::delivery::{CreateMethod, create_method};
use crate::inventory::{
    AdjustStock, AdjustStockError, MovementKind, StockLevel, adjust_stock, create_location,
};
use crate::orders::{
    self, CancelError, CancelOrder, CaptureError, CapturePayment, MoneyMoved, Order, OrderLine,
    Refund, RefundError, RefundLine, RefundOrder, ReturnMoney, ShipError, ShipOrder, TimelineEntry,
    cancel_order, capture_payment, refund_order, ship_order,
};
use crate::payments::{self, Payment};
use crate::settings::{self, Settings};
use crate::shop::Shopper;
use crate::{Internal, Shop};

impl TestShop {
    /// Reads something.
    pub async fn read<T, F>(&self, read: F) -> T
    where
        F: FnMut(&mut db::Tx<'_>) -> Result<T, Internal> + Send + 'static,
        T: Send + 'static,
    {
        self.shop.db.read(read).await.expect("it can be read")
    }

    /// Rows of a query without parameters.
    pub async fn rows<T: FromRow + Send + 'static>(&self, sql: &str) -> Vec<T> {
        let sql = sql.to_owned();
        self.read(move |tx| Ok(tx.query(&sql, params![])?)).await
    }

    /// Changes rows behind the shop's back.
    pub async fn tamper(&self, sql: &str) -> u64 {
        let (sql, none): (String, Vec<Value>) = (sql.to_owned(), Vec::new());
        let done: Result<u64, DbError> =
            self.shop.db.write(move |tx| tx.execute(&sql, &none)).await;
        done.unwrap_or_else(|error| panic!("tampering failed: {error}"))
    }

    /// A variant, the only one of its product, costs this much from now on.
    pub async fn reprice(&self, variant: &VariantId, cents: i64) {
        self.tamper(&format!(
            "UPDATE variants SET price_minor = {cents} WHERE id = '{variant}'"
        ))
        .await;
        self.tamper(&format!(
            "UPDATE products SET min_price_minor = {cents}, max_price_minor = {cents}
              WHERE id = (SELECT v.product_id FROM variants v WHERE v.id = '{variant}')"
        ))
        .await;
    }

    /// Changes the settings.
    pub async fn set(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.read(|tx| Ok(settings::load(tx)?)).await;
        change(&mut settings);
        settings::save(&self.shop, operator().may(), settings)
            .await
            .expect("the settings are fine");
    }

    /// Opens the same database once more: a second node.
    pub fn open_again(&self) -> Db {
        let database = self.database.as_ref().expect("the shop has its database");
        Db::open(database.location(), &db::testing::options()).expect("it opens twice")
    }

    /// Counts stock up or down by hand.
    pub async fn adjust(
        &self,
        (variant, location): (&VariantId, &LocationId),
        change: i64,
    ) -> Result<i64, AdjustStockError> {
        let cmd = AdjustStock {
            variant_id: variant.clone(),
            location_id: location.clone(),
            kind: MovementKind::Adjusted,
            change,
            reason: "counted".to_owned(),
        };
        adjust_stock(&self.shop, operator().may(), cmd).await
    }

    /// One more place that holds stock.
    pub async fn location(&self, name: &str) -> LocationId {
        let made = create_location(&self.shop, operator().may(), name).await;
        made.expect("the location is fine").id
    }

    /// One more way to deliver: at home, free of charge.
    pub async fn free_post(&self) -> kernel::DeliveryMethodId {
        self.way_to_deliver(
            "Free post",
            pricing::DeliveryKind::Flat {
                price: super::euros(0),
            },
        )
        .await
    }

    /// One more way to deliver: the buyer comes and gets it.
    pub async fn pickup(&self) -> kernel::DeliveryMethodId {
        self.way_to_deliver("Pick-up", pricing::DeliveryKind::Pickup)
            .await
    }

    async fn way_to_deliver(
        &self,
        name: &str,
        kind: pricing::DeliveryKind,
    ) -> kernel::DeliveryMethodId {
        let zones: Vec<(kernel::DeliveryZoneId,)> = self
            .rows("SELECT id FROM delivery_zones ORDER BY position")
            .await;
        let pickup = kind == pricing::DeliveryKind::Pickup;
        let cmd = CreateMethod {
            zone_id: zones
                .into_iter()
                .next()
                .map(|zone| zone.0)
                .filter(|_| !pickup),
            location_id: pickup.then(|| self.location.clone()),
            name: name.to_owned(),
            description: String::new(),
            rule: pricing::DeliveryRule {
                kind,
                free_over: None,
            },
            days: (0, 1),
        };
        create_method(&self.shop, operator().may(), cmd)
            .await
            .expect("the method is fine")
    }

    /// The figures of a variant, by location.
    pub async fn levels(&self, variant: &VariantId) -> Vec<StockLevel> {
        self.rows(&format!(
            "SELECT s.variant_id, s.location_id, s.on_hand, s.allocated, s.reserved, s.backorder_limit
               FROM stock_levels s JOIN stock_locations l ON l.id = s.location_id
              WHERE s.variant_id = '{variant}' ORDER BY l.position"
        ))
        .await
    }

    /// What is on hand, promised and held of a variant, over all locations.
    pub async fn figures(&self, variant: &VariantId) -> (i64, i64, i64) {
        let levels = self.levels(variant).await;
        levels.iter().fold((0, 0, 0), |sum, level| {
            (
                sum.0 + level.on_hand,
                sum.1 + level.allocated,
                sum.2 + level.reserved,
            )
        })
    }

    /// The shopper's cart as it is.
    pub async fn cart(&self, shopper: &Shopper) -> Option<Cart> {
        let (now, visitor) = (self.shop.clock.now(), shopper.visitor.clone());
        self.read(move |tx| Ok(carts::find_by_visitor(tx, now, &visitor)?))
            .await
    }

    /// What the shopper's cart costs now.
    pub async fn quote(&self, shopper: &Shopper) -> CartQuote {
        let (now, visitor) = (self.shop.clock.now(), shopper.visitor.clone());
        self.read(move |tx| {
            let cart = carts::find_by_visitor(tx, now, &visitor)?.expect("the shopper has a cart");
            let settings = settings::load(tx)?;
            carts::quote_cart(tx, &settings, now, &cart)
        })
        .await
    }

    /// Presses the button with another way to pay, having seen today's total.
    pub async fn place_by(
        &self,
        shopper: &Shopper,
        method: &str,
    ) -> Result<Placement, PlaceOrderError> {
        let total_seen = self.total(shopper).await;
        self.place_on(&self.shop, shopper, (total_seen, method))
            .await
    }

    /// Presses the button at this node, having seen this total.
    pub async fn place_on(
        &self,
        node: &Shop,
        shopper: &Shopper,
        (total_seen, method): (Money, &str),
    ) -> Result<Placement, PlaceOrderError> {
        let payment_method = method.to_owned();
        let cmd = PlaceOrder {
            total_seen,
            payment_method,
        };
        place_order(node, shopper, cmd).await
    }

    /// A placed order of a new shopper, with its money held.
    pub async fn ordered(&self, wanted: &[(&VariantId, u32)]) -> Order {
        let shopper = self.ready_shopper(wanted).await;
        self.placed(&shopper).await
    }

    /// A placed order of somebody else than usual, paid by this method.
    pub async fn ordered_by(
        &self,
        (name, email): (&str, &str),
        method: &str,
        wanted: &[(&VariantId, u32)],
    ) -> Order {
        let shopper = self.ready_shopper(wanted).await;
        let form = carts::CheckoutForm {
            email: Some(email.to_owned()),
            address: Some(kernel::address::AddressInput {
                name: name.to_owned(),
                ..super::an_address()
            }),
            delivery_method_id: Some(self.post.clone()),
            payment_method: Some(method.to_owned()),
        };
        carts::save_checkout_form(&self.shop, &shopper, form)
            .await
            .expect("the form is kept");
        match self.place_by(&shopper, method).await {
            Ok(Placement::Placed(order)) => *order,
            other => panic!("it is placed, but: {other:?}"),
        }
    }

    /// The order the shopper places.
    pub async fn placed(&self, shopper: &Shopper) -> Order {
        match self.place(shopper).await {
            Ok(Placement::Placed(order)) => *order,
            other => panic!("it is placed, but: {other:?}"),
        }
    }

    /// The return from the gateway's page.
    pub async fn comes_back(&self, shopper: &Shopper) -> Option<Placement> {
        continue_payment(&self.shop, shopper)
            .await
            .expect("the return is answered")
    }

    /// A genuine notice about a payment arrives.
    pub async fn notice(&self, event: &str, payment: &PaymentId) -> Result<(), NoticeFailed> {
        let body = format!("{event} {payment}");
        receive_notice(&self.shop, "test", "genuine", body.as_bytes()).await
    }

    /// The newest payment of all.
    pub async fn last_payment(&self) -> PaymentId {
        let ids: Vec<(PaymentId,)> = self
            .rows("SELECT id FROM payments ORDER BY created_at DESC, id DESC LIMIT 1")
            .await;
        ids.into_iter().next().expect("there is a payment").0
    }

    /// How many orders were placed.
    pub async fn orders_placed(&self) -> i64 {
        let rows: Vec<(i64,)> = self
            .rows("SELECT COUNT(*) FROM orders WHERE placed_at IS NOT NULL")
            .await;
        rows.first().expect("a count").0
    }

    /// The order as it is now.
    pub async fn order(&self, id: &OrderId) -> Order {
        let id = id.clone();
        self.read(move |tx| Ok(orders::get(tx, &id)?))
            .await
            .expect("the order is there")
    }

    /// Its lines.
    pub async fn lines(&self, id: &OrderId) -> Vec<OrderLine> {
        let id = id.clone();
        self.read(move |tx| Ok(orders::lines(tx, &id)?)).await
    }

    /// Its payments.
    pub async fn payments(&self, id: &OrderId) -> Vec<Payment> {
        let id = id.clone();
        self.read(move |tx| Ok(payments::of_order(tx, &id)?)).await
    }

    /// Its refunds.
    pub async fn refunds(&self, id: &OrderId) -> Vec<Refund> {
        let id = id.clone();
        self.read(move |tx| Ok(orders::refunds(tx, &id)?)).await
    }

    /// Its timeline.
    pub async fn timeline(&self, id: &OrderId) -> Vec<TimelineEntry> {
        let id = id.clone();
        self.read(move |tx| Ok(orders::timeline(tx, &id)?)).await
    }

    /// Takes all the money that is held for an order.
    pub async fn capture(&self, order: &OrderId) -> Result<MoneyMoved, CaptureError> {
        self.capture_part(order, None, "all").await
    }

    /// Takes part of the money that is held for an order by its first payment.
    pub async fn capture_part(
        &self,
        order: &OrderId,
        amount: Option<Money>,
        key: &str,
    ) -> Result<MoneyMoved, CaptureError> {
        let payments = self.payments(order).await;
        let payment_id = payments.into_iter().next().expect("it has a payment").id;
        let request_key = key.to_owned();
        let cmd = CapturePayment {
            payment_id,
            amount,
            request_key,
        };
        capture_payment(&self.shop, operator().may(), cmd).await
    }

    /// Ships so many pieces of these lines, by their place in the order.
    pub async fn ship(
        &self,
        order: &OrderId,
        wanted: &[(usize, u32)],
        key: &str,
    ) -> Result<kernel::FulfillmentId, ShipError> {
        let lines = self.named(order, wanted).await;
        let cmd = ShipOrder {
            request_key: key.to_owned(),
            order_id: order.clone(),
            lines: lines
                .into_iter()
                .map(|(id, count)| (id, pieces(count)))
                .collect(),
            carrier: Some("Post".to_owned()),
            tracking_number: None,
            tracking_url: None,
        };
        ship_order(&self.shop, operator().may(), cmd).await
    }

    /// Refunds so many pieces of these lines, by their place in the order.
    pub async fn refund(
        &self,
        order: &OrderId,
        wanted: &[(usize, u32)],
        key: &str,
    ) -> Result<MoneyMoved, RefundError> {
        let cmd = self.refund_of(order, (wanted, false), None, key).await;
        let (_, moved) = refund_order(&self.shop, operator().may(), cmd).await?;
        Ok(moved)
    }

    /// Refunds pieces that came back and go on the shelf again.
    pub async fn refund_returned(
        &self,
        order: &OrderId,
        wanted: &[(usize, u32)],
        key: &str,
    ) -> Result<MoneyMoved, RefundError> {
        let cmd = self.refund_of(order, (wanted, true), None, key).await;
        let (_, moved) = refund_order(&self.shop, operator().may(), cmd).await?;
        Ok(moved)
    }

    /// The command that refunds this.
    pub async fn refund_of(
        &self,
        order: &OrderId,
        (wanted, restock): (&[(usize, u32)], bool),
        delivery: Option<Money>,
        key: &str,
    ) -> RefundOrder {
        let lines = self.named(order, wanted).await;
        RefundOrder {
            request_key: key.to_owned(),
            order_id: order.clone(),
            lines: lines
                .into_iter()
                .map(|(line_id, count)| RefundLine {
                    line_id,
                    quantity: pieces(count),
                    restock,
                })
                .collect(),
            delivery,
            reason: "the buyer asked".to_owned(),
        }
    }

    async fn named(&self, order: &OrderId, wanted: &[(usize, u32)]) -> Vec<(OrderLineId, u32)> {
        let lines = self.lines(order).await;
        wanted
            .iter()
            .map(|(place, count)| {
                let line = lines.get(*place).expect("the order has that line");
                (line.id.clone(), *count)
            })
            .collect()
    }

    /// Calls an order off and has its money returned.
    pub async fn cancel(&self, order: &OrderId) -> Result<Order, CancelError> {
        let cmd = CancelOrder {
            order_id: order.clone(),
            reason: "changed their mind".to_owned(),
            money: ReturnMoney::Yes,
        };
        cancel_order(&self.shop, operator().may(), cmd).await
    }
}

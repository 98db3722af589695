//! Sixty days of plausible orders, made by the shop's own operations with a clock that is moved.
//!
//! The plan is drawn from a fixed seed first, so that every demo shop has the same history; then the goods the plan will
//! sell come in, so that what is left on the shelf is what the catalogue's figures say.

use std::collections::BTreeMap;
use std::sync::Arc;

use commerce::carts::{
    AddToCart, CheckoutForm, add_to_cart, find_by_visitor, quote_cart, save_checkout_form,
};
use commerce::catalog::{Listing, Scope, Shown, Sort, find_product_page, list_cards};
use commerce::checkout::{PlaceOrder, Placement, continue_payment, place_order};
use commerce::inventory::{AdjustStock, MovementKind, adjust_stock, locations};
use commerce::orders::{
    self, CancelOrder, CapturePayment, Order, ReceiveTransfer, RefundLine, RefundOrder,
    ReturnMoney, ShipOrder, cancel_order, capture_payment, receive_transfer, refund_order,
    ship_order,
};
use commerce::payments::{self, SessionStatus};
use commerce::settings;
use commerce::staff::Operator;
use commerce::{Internal, Shop, Shopper};
use kernel::address::AddressInput;
use kernel::time::{DAY, HOUR, MINUTE, ManualClock};
use kernel::{Country, PageRequest, Quantity, Timestamp, VariantId};
use providers::payments::Choice;
use providers::payments::TestGateway;

use super::Failure;
use super::people::{PEOPLE, Person};

/// How many days of orders there are.
const DAYS: u32 = 60;

/// One order of the plan.
#[derive(Debug)]
struct Planned {
    at: Timestamp,
    person: &'static Person,
    lines: Vec<(VariantId, Quantity)>,
    course: Course,
}

/// What becomes of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    /// Paid at once, sent soon.
    Ordinary,
    /// Paid at once, sent in two parts.
    TwoParcels,
    /// Paid by transfer some days later, then sent.
    Transfer,
    /// Called off before it was sent.
    Canceled,
    /// Sent, and one piece refunded.
    Refunded,
    /// The first card was declined, the second one was not.
    SecondTry,
}

/// Draws the same numbers on every machine (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let drawn = (z ^ (z >> 31)) >> 33;
        u32::try_from(drawn % u64::from(sides.max(1))).unwrap_or(0)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let index = self.roll(u32::try_from(from.len()).unwrap_or(u32::MAX));
        from.get(usize::try_from(index).unwrap_or(0))
    }
}

/// What makes an order happen at a time: the shop as it was then.
struct Then {
    shop: Shop,
    gateway: TestGateway,
}

/// Writes the history. `at_evening` runs what the shop's jobs would have done by the end of each day.
pub(super) async fn write<F>(
    shop: &Shop,
    gateway_at: impl Fn(&Shop) -> TestGateway,
    at_evening: impl Fn(Shop) -> F,
) -> Result<u32, Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let now = shop.clock.now();
    let goods = goods(shop).await?;
    let mut dice = Dice(0x5EED_0F2E_5057);
    let plan = plan(&mut dice, now, &goods);
    let then = |at: Timestamp| {
        let mut past = shop.clone();
        past.clock = Arc::new(ManualClock::at(at));
        let gateway = gateway_at(&past);
        past.gateways = providers::payments::gateways(gateway.clone());
        Then {
            shop: past,
            gateway,
        }
    };
    bring_in(
        &then(now.plus(-i64::from(DAYS).saturating_mul(DAY) - DAY)).shop,
        &plan,
    )
    .await?;
    let mut count: u32 = 0;
    let mut open: Vec<(Order, Course)> = Vec::new();
    for day in (0..DAYS).rev() {
        let evening = now.plus(-i64::from(day).saturating_mul(DAY));
        let morning = evening.plus(-DAY);
        for planned in plan
            .iter()
            .filter(|planned| planned.at > morning && planned.at <= evening)
        {
            if let Some(order) = place(&then(planned.at), planned).await? {
                count = count.saturating_add(1);
                open.push((order, planned.course));
            }
        }
        open = follow_up(&then(evening).shop, open, evening).await?;
        at_evening(then(evening).shop).await?;
    }
    Ok(count)
}

/// What can be bought, the first variants of a product more often.
async fn goods(shop: &Shop) -> Result<Vec<VariantId>, Failure> {
    let listing = Listing {
        scope: Scope::All,
        sort: Sort::Name,
        page: PageRequest::new(1, 100),
    };
    let mut goods = Vec::new();
    for card in list_cards(shop, listing).await?.items {
        if let Some(Shown::Product(page)) = find_product_page(shop, card.slug).await? {
            for (index, on_sale) in page
                .variants
                .iter()
                .enumerate()
                .filter(|(_, on_sale)| on_sale.variant.stock_tracked)
            {
                let often = 4_usize.saturating_sub(index).max(1);
                goods.extend(std::iter::repeat_n(on_sale.variant.id.clone(), often));
            }
        }
    }
    Ok(goods)
}

fn plan(dice: &mut Dice, now: Timestamp, goods: &[VariantId]) -> Vec<Planned> {
    let mut plan = Vec::new();
    for day in (0..DAYS).rev() {
        // A steady rise, and quiet days in between.
        let orders = 2 + dice.roll(4) + (DAYS - day) / 25;
        for _ in 0..orders {
            let back = i64::from(day).saturating_mul(DAY);
            let minute = i64::from(dice.roll(14 * 60)).saturating_mul(MINUTE);
            let at = now.plus(-back - 30 * MINUTE - minute);
            plan.extend(planned(dice, at, goods));
        }
    }
    plan.sort_by_key(|planned| planned.at);
    plan
}

/// One order at a time, of one to four things.
fn planned(dice: &mut Dice, at: Timestamp, goods: &[VariantId]) -> Option<Planned> {
    let person = dice.pick(PEOPLE)?;
    let course = match dice.roll(100) {
        0..=11 => Course::Transfer,
        12..=16 => Course::Canceled,
        17..=23 => Course::Refunded,
        24..=33 => Course::TwoParcels,
        34..=37 => Course::SecondTry,
        _ => Course::Ordinary,
    };
    let mut lines: BTreeMap<VariantId, u32> = BTreeMap::new();
    for _ in 0..=dice.roll(3) {
        let variant = dice.pick(goods)?.clone();
        lines.insert(variant, 1 + dice.roll(2));
    }
    let lines = lines.into_iter();
    let lines = lines.filter_map(|(variant, count)| Some((variant, Quantity::new(count).ok()?)));
    Some(Planned {
        at,
        person,
        lines: lines.collect(),
        course,
    })
}

/// The goods the plan will sell come in beforehand.
async fn bring_in(shop: &Shop, plan: &[Planned]) -> Result<(), Failure> {
    let mut sold: BTreeMap<&VariantId, i64> = BTreeMap::new();
    for planned in plan
        .iter()
        .filter(|planned| planned.course != Course::Canceled)
    {
        for (variant, quantity) in &planned.lines {
            let sum = sold.entry(variant).or_default();
            *sum = sum.saturating_add(quantity.as_i64());
        }
    }
    let first = shop.db.read(locations).await?.into_iter().next();
    let Some(location) = first else {
        return Err("the demo shop has no place that holds stock".into());
    };
    for (variant, count) in sold {
        let cmd = AdjustStock {
            variant_id: variant.clone(),
            location_id: location.id.clone(),
            kind: MovementKind::Received,
            change: count,
            reason: "from the workshop".to_owned(),
        };
        adjust_stock(shop, operator().may(), cmd).await?;
    }
    Ok(())
}

fn operator() -> Operator {
    Operator::at_the_command_line()
}

/// Places a planned order; `None` if nothing of it is in stock at that moment, as happens to shoppers.
async fn place(then: &Then, planned: &Planned) -> Result<Option<Order>, Failure> {
    let shop = &then.shop;
    let mut visitor = None;
    for (variant_id, quantity) in &planned.lines {
        let cmd = AddToCart {
            variant_id: variant_id.clone(),
            quantity: *quantity,
        };
        // What is not there at this moment is left out, as a shopper would.
        match add_to_cart(shop, visitor.clone(), cmd).await {
            Ok(added) => visitor = Some(added.visitor),
            Err(commerce::carts::CartError::OutOfStock { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let Some(visitor) = visitor else {
        return Ok(None);
    };
    let shopper = Shopper { visitor };
    let method = if planned.course == Course::Transfer {
        "bank_transfer"
    } else {
        "test"
    };
    let total_seen = fill_in(shop, &shopper, (planned.person, method)).await?;
    let cmd = PlaceOrder {
        total_seen,
        payment_method: method.to_owned(),
    };
    let mut placement = place_order(shop, &shopper, cmd.clone()).await?;
    if planned.course == Course::SecondTry {
        decide(then, &placement, Choice::Decline).await?;
        continue_payment(shop, &shopper).await?;
        placement = place_order(shop, &shopper, cmd).await?;
    }
    if let Placement::GoTo { .. } = placement {
        decide(then, &placement, Choice::Approve).await?;
        placement = continue_payment(shop, &shopper)
            .await?
            .ok_or("the payment is gone")?;
    }
    let Placement::Placed(order) = placement else {
        return Err(format!("a planned order was not placed: {placement:?}").into());
    };
    capture_held(shop, &order).await?;
    Ok(Some(*order))
}

async fn decide(then: &Then, placement: &Placement, choice: Choice) -> Result<(), Failure> {
    let Placement::GoTo { url } = placement else {
        return Ok(());
    };
    let reference = url.rsplit('/').next().unwrap_or_default();
    then.gateway.choose(reference, choice).await?;
    Ok(())
}

async fn fill_in(
    shop: &Shop,
    shopper: &Shopper,
    (person, method): (&Person, &str),
) -> Result<kernel::Money, Failure> {
    let address = AddressInput {
        name: person.name.to_owned(),
        line1: person.line1.to_owned(),
        postcode: person.postcode.to_owned(),
        city: person.city.to_owned(),
        country: person.country.to_owned(),
        ..AddressInput::default()
    };
    let country = Country::parse(person.country)?;
    let methods = shop
        .db
        .read(move |tx| commerce::delivery::methods_for(tx, country))
        .await?;
    let delivery = methods
        .into_iter()
        .find(|method| !method.is_pickup())
        .ok_or("the demo shop delivers nowhere")?;
    let form = CheckoutForm {
        email: Some(person.email()),
        address: Some(address),
        delivery_method_id: Some(delivery.id),
        payment_method: Some(method.to_owned()),
    };
    save_checkout_form(shop, shopper, form).await?;
    let (now, visitor) = (shop.clock.now(), shopper.visitor.clone());
    let quote = shop
        .db
        .read(move |tx| -> Result<_, Internal> {
            let cart = find_by_visitor(tx, now, &visitor)?
                .ok_or_else(|| Internal::bug("the cart is gone"))?;
            let settings = settings::load(tx)?;
            quote_cart(tx, &settings, now, &cart)
        })
        .await?;
    Ok(quote.quote.total)
}

/// Takes what is held, as the shop does by itself: with the key its own job will use, so that it finds it done.
async fn capture_held(shop: &Shop, order: &Order) -> Result<(), Failure> {
    let id = order.id.clone();
    let held = shop.db.read(move |tx| payments::of_order(tx, &id)).await?;
    for payment in held
        .into_iter()
        .filter(|payment| payment.status == SessionStatus::Authorized)
    {
        let cmd = CapturePayment {
            payment_id: payment.id,
            amount: None,
            request_key: "placement".to_owned(),
        };
        capture_payment(shop, operator().may(), cmd).await?;
    }
    Ok(())
}

/// What staff do with the orders that wait, at the end of a day. Keeps those that wait on.
async fn follow_up(
    shop: &Shop,
    open: Vec<(Order, Course)>,
    evening: Timestamp,
) -> Result<Vec<(Order, Course)>, Failure> {
    let mut still = Vec::new();
    for (order, course) in open {
        let age = evening.since(order.placed_at.unwrap_or(evening));
        let patience = match course {
            Course::Transfer => 3 * DAY,
            Course::TwoParcels => 2 * DAY,
            Course::Ordinary | Course::Canceled | Course::Refunded | Course::SecondTry => 20 * HOUR,
        };
        if age < patience {
            still.push((order, course));
            continue;
        }
        conclude(shop, &order, course).await?;
    }
    Ok(still)
}

async fn conclude(shop: &Shop, order: &Order, course: Course) -> Result<(), Failure> {
    let id = order.id.clone();
    let lines = shop.db.read(move |tx| orders::lines(tx, &id)).await?;
    let all: Vec<_> = lines
        .iter()
        .map(|line| (line.id.clone(), line.quantity))
        .collect();
    match course {
        Course::Canceled => {
            let cmd = CancelOrder {
                order_id: order.id.clone(),
                reason: "ordered twice by mistake".to_owned(),
                money: ReturnMoney::Yes,
            };
            cancel_order(shop, operator().may(), cmd).await?;
            orders::return_money(shop, operator().may(), (order.id.clone(), None)).await?;
        }
        Course::Transfer => {
            let request_key = format!("demo-{}", order.reference());
            let cmd = ReceiveTransfer {
                reference: String::new(),
                order_id: order.id.clone(),
                amount: order.total,
                request_key,
            };
            receive_transfer(shop, operator().may(), cmd).await?;
            ship(shop, order, (&all, "all")).await?;
        }
        Course::TwoParcels => {
            let (first, rest) = all.split_at(all.len().min(1));
            ship(shop, order, (first, "first")).await?;
            if !rest.is_empty() {
                ship(shop, order, (rest, "rest")).await?;
            }
        }
        Course::Ordinary | Course::SecondTry => ship(shop, order, (&all, "all")).await?,
        Course::Refunded => {
            ship(shop, order, (&all, "all")).await?;
            let line = lines.first().map(|line| RefundLine {
                line_id: line.id.clone(),
                quantity: Quantity::ONE,
                restock: false,
            });
            let cmd = RefundOrder {
                request_key: "demo".to_owned() + &order.reference(),
                order_id: order.id.clone(),
                lines: line.into_iter().collect(),
                delivery: None,
                reason: "sent back within 30 days".to_owned(),
            };
            refund_order(shop, operator().may(), cmd).await?;
        }
    }
    Ok(())
}

async fn ship(
    shop: &Shop,
    order: &Order,
    (lines, part): (&[(kernel::OrderLineId, Quantity)], &str),
) -> Result<(), Failure> {
    let reference = order.reference();
    let cmd = ShipOrder {
        request_key: format!("demo-{reference}-{part}"),
        order_id: order.id.clone(),
        lines: lines.to_vec(),
        carrier: Some("PostNL".to_owned()),
        tracking_number: Some(format!("3SWREN{reference}{}", part.len())),
        tracking_url: None,
    };
    ship_order(shop, operator().may(), cmd).await?;
    Ok(())
}

//! `vitrine order`: the operations of the back office, from the command line.

use std::process::ExitCode;

use commerce::orders::{
    self, CancelOrder, CapturePayment, MoneyMoved, Order, OrderLine, ReceiveTransfer, RefundLine,
    RefundOrder, ReturnMoney, ShipOrder, cancel_order, capture_payment, receive_transfer,
    refund_order, ship_order,
};
use commerce::payments::{self, SessionStatus};
use commerce::staff::Operator;
use commerce::{Internal, Shop};
use kernel::{OrderLineId, PageRequest, Quantity};

use crate::Outcome;
use crate::args::Order as Command;
use crate::commands::opened;
use crate::config::Config;
use crate::console::say;

/// Orders on a page of the list.
const PAGE: u32 = 50;

type Failure = Box<dyn std::error::Error + Send + Sync>;

pub(crate) async fn run(config: &Config, command: Command) -> Outcome {
    let shop = opened(config).await?.shop;
    match command {
        Command::List { page } => list(&shop, page).await?,
        Command::Show { number } => show(&shop, number).await?,
        Command::Ship {
            number,
            lines,
            carrier,
            tracking,
            tracking_url,
        } => {
            let tracking = (carrier, tracking, tracking_url);
            ship(&shop, number, (&lines, tracking)).await?;
        }
        Command::Cancel {
            number,
            reason,
            keep_money,
        } => cancel(&shop, number, (reason, keep_money)).await?,
        Command::Refund {
            number,
            lines,
            delivery,
            restock,
            reason,
        } => refund(&shop, number, (&lines, delivery, restock, reason)).await?,
        Command::Received {
            number,
            amount,
            reference,
        } => received(&shop, number, (&amount, reference)).await?,
        Command::Capture { number, amount } => capture(&shop, number, amount).await?,
    }
    shop.db.close().await;
    Ok(ExitCode::SUCCESS)
}

type Tracking = (Option<String>, Option<String>, Option<String>);

async fn ship(
    shop: &Shop,
    number: i64,
    (lines, tracking): (&[String], Tracking),
) -> Result<(), Failure> {
    let (order, order_lines) = find(shop, number).await?;
    let lines = if lines.is_empty() {
        all_left(&order_lines)?
    } else {
        pieces(&order_lines, lines)?
    };
    let (carrier, tracking_number, tracking_url) = tracking;
    let cmd = ShipOrder {
        request_key: fresh_key(shop),
        order_id: order.id,
        lines,
        carrier,
        tracking_number,
        tracking_url,
    };
    ship_order(shop, operator().may(), cmd).await?;
    say(format_args!("Order {number}: the parcel is on its way."));
    Ok(())
}

async fn cancel(
    shop: &Shop,
    number: i64,
    (reason, keep_money): (String, bool),
) -> Result<(), Failure> {
    let (order, _) = find(shop, number).await?;
    let money = if keep_money {
        ReturnMoney::No
    } else {
        ReturnMoney::Yes
    };
    let order_id = order.id.clone();
    let cmd = CancelOrder {
        order_id,
        reason,
        money,
    };
    cancel_order(shop, operator().may(), cmd).await?;
    let returned = match money {
        ReturnMoney::Yes => orders::return_money(shop, operator().may(), (order.id, None)).await?,
        ReturnMoney::No => true,
    };
    say(format_args!(
        "Order {number} is canceled; its stock is free again."
    ));
    if !returned {
        say(
            "The payment service has not confirmed the return of the money yet; the running shop keeps asking.",
        );
    }
    Ok(())
}

type Wanted<'a> = (&'a [String], Option<String>, bool, String);

async fn refund(
    shop: &Shop,
    number: i64,
    (lines, delivery, restock, reason): Wanted<'_>,
) -> Result<(), Failure> {
    let (order, order_lines) = find(shop, number).await?;
    let currency = order.total.currency();
    let delivery = delivery
        .map(|text| currency.from_decimal(&text))
        .transpose()?;
    let pieces = pieces(&order_lines, lines)?.into_iter();
    let lines = pieces.map(|(line_id, quantity)| RefundLine {
        line_id,
        quantity,
        restock,
    });
    let cmd = RefundOrder {
        request_key: fresh_key(shop),
        order_id: order.id,
        lines: lines.collect(),
        delivery,
        reason,
    };
    let (_, moved) = refund_order(shop, operator().may(), cmd).await?;
    tell(&moved, &format!("Order {number}: the refund"))
}

async fn received(
    shop: &Shop,
    number: i64,
    (amount, request_key): (&str, String),
) -> Result<(), Failure> {
    let (order, _) = find(shop, number).await?;
    let amount = order.total.currency().from_decimal(amount)?;
    let cmd = ReceiveTransfer {
        reference: String::new(),
        order_id: order.id,
        amount,
        request_key,
    };
    receive_transfer(shop, operator().may(), cmd).await?;
    say(format_args!("Order {number}: {amount} received."));
    Ok(())
}

fn operator() -> Operator {
    Operator::at_the_command_line()
}

/// A command typed twice is meant twice.
fn fresh_key(shop: &Shop) -> String {
    shop.ids.secret().expose().to_owned()
}

async fn find(shop: &Shop, number: i64) -> Result<(Order, Vec<OrderLine>), Failure> {
    let found = shop
        .db
        .read(move |tx| -> Result<_, Internal> {
            let Some(order) = orders::find_by_number(tx, number)? else {
                return Ok(None);
            };
            let lines = orders::lines(tx, &order.id)?;
            Ok(Some((order, lines)))
        })
        .await?;
    found.ok_or_else(|| {
        format!("there is no order {number}; `vitrine order list` lists them").into()
    })
}

fn all_left(lines: &[OrderLine]) -> Result<Vec<(OrderLineId, Quantity)>, Failure> {
    let left = lines.iter().filter_map(|line| {
        let count = u32::try_from(line.to_ship()).ok()?;
        Some((line.id.clone(), Quantity::new(count).ok()?))
    });
    let left: Vec<_> = left.collect();
    if left.is_empty() {
        Err("everything of this order has left already".into())
    } else {
        Ok(left)
    }
}

/// Reads `SKU=2` for each line.
fn pieces(lines: &[OrderLine], wanted: &[String]) -> Result<Vec<(OrderLineId, Quantity)>, Failure> {
    wanted
        .iter()
        .map(|text| {
            let (sku, count) = text
                .rsplit_once('=')
                .ok_or_else(|| format!("--line is {text:?}; write it as SKU=2"))?;
            let line = lines.iter().find(|line| line.sku.as_str() == sku);
            let line = line.ok_or_else(|| format!("this order has no line with SKU {sku}"))?;
            let count: Quantity = count
                .parse()
                .map_err(|error| format!("--line {text}: {error}"))?;
            Ok((line.id.clone(), count))
        })
        .collect()
}

fn tell(moved: &MoneyMoved, what: &str) -> Result<(), Failure> {
    match moved {
        MoneyMoved::Done => say(format_args!("{what} is done.")),
        MoneyMoved::Pending => say(format_args!(
            "{what}: the payment service has not confirmed it yet; the running shop keeps asking."
        )),
        MoneyMoved::Refused { reason } => {
            return Err(format!("{what} was refused: {reason}").into());
        }
    }
    Ok(())
}

async fn capture(shop: &Shop, number: i64, amount: Option<String>) -> Result<(), Failure> {
    let (order, _) = find(shop, number).await?;
    let amount = amount
        .map(|text| order.total.currency().from_decimal(&text))
        .transpose()?;
    let id = order.id.clone();
    let payments = shop.db.read(move |tx| payments::of_order(tx, &id)).await?;
    let held = payments.into_iter().rfind(|payment| {
        matches!(
            payment.status,
            SessionStatus::Authorized | SessionStatus::Captured
        )
    });
    let held = held.ok_or_else(|| format!("no money is held for order {number}"))?;
    let cmd = CapturePayment {
        payment_id: held.id,
        amount,
        request_key: fresh_key(shop),
    };
    let moved = capture_payment(shop, operator().may(), cmd).await?;
    tell(&moved, &format!("Order {number}: the capture"))
}

async fn list(shop: &Shop, page: u32) -> Result<(), Failure> {
    let orders = shop
        .db
        .read(move |tx| orders::list(tx, PageRequest::new(page, PAGE)))
        .await?;
    if orders.total == 0 {
        say("There are no orders yet.");
    }
    for order in &orders.items {
        let placed = order.placed_at.map(|at| at.to_string()).unwrap_or_default();
        say(format_args!(
            "{:>6}  {placed:20}  {:9} {:18} {:12} {:>14}  {}",
            order.reference(),
            order.status,
            order.payment_status,
            order.fulfillment_status,
            order.total.to_string(),
            order.address.name
        ));
    }
    if orders.pages() > 1 {
        say(format_args!(
            "Page {} of {}; the next is `vitrine order list --page {}`.",
            orders.number,
            orders.pages(),
            orders.number.saturating_add(1)
        ));
    }
    Ok(())
}

async fn show(shop: &Shop, number: i64) -> Result<(), Failure> {
    let (order, lines) = find(shop, number).await?;
    say(format_args!(
        "Order {number}, {}, payment {}, goods {}",
        order.status, order.payment_status, order.fulfillment_status
    ));
    say(format_args!(
        "{}\n{}\n{}",
        order.email,
        order.address.lines().join("\n"),
        order.address.country
    ));
    for line in &lines {
        let title = if line.variant_title.is_empty() {
            line.title.clone()
        } else {
            format!("{}, {}", line.title, line.variant_title)
        };
        say(format_args!(
            "  {} × {title} ({})  {}  shipped {}, refunded {}",
            line.quantity, line.sku, line.total, line.fulfilled, line.refunded
        ));
    }
    say(format_args!(
        "  Delivery, {}: {}\n  Total: {}",
        order.delivery.name, order.delivery.price, order.total
    ));
    show_history(shop, &order).await?;
    say(format_args!(
        "Its page: {}",
        commerce::checkout::status_url(shop, &order)
    ));
    Ok(())
}

/// What happened to an order's money and goods, and everything else.
async fn show_history(shop: &Shop, order: &Order) -> Result<(), Failure> {
    let id = order.id.clone();
    let (payments, parcels, timeline) = shop
        .db
        .read(move |tx| -> Result<_, Internal> {
            Ok((
                payments::of_order(tx, &id)?,
                orders::fulfillments(tx, &id)?,
                orders::timeline(tx, &id)?,
            ))
        })
        .await?;
    for payment in payments {
        say(format_args!(
            "  Payment {} by {}: {}, {} of {} captured, {} refunded",
            payment.id,
            payment.gateway,
            payment.status,
            payment.captured,
            payment.amount,
            payment.refunded
        ));
    }
    for parcel in parcels {
        let carrier = parcel
            .carrier
            .unwrap_or_else(|| "no carrier named".to_owned());
        say(format_args!(
            "  Parcel {}: {}, {carrier} {}",
            parcel.id,
            parcel.status,
            parcel.tracking_number.unwrap_or_default()
        ));
    }
    for entry in timeline {
        say(format_args!(
            "  {}  {:22} {:16} {}",
            entry.at,
            entry.kind,
            entry.actor.to_string(),
            entry.detail
        ));
    }
    Ok(())
}

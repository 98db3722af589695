//! Packing slips, to be printed: what goes into the parcel and where it goes, without prices.

use axum::extract::{Path, State};
use axum::response::Response;
use commerce::Internal;
use commerce::orders::{self, Order, OrderLine};
use commerce::staff::ViewOrders;
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use templates::{Page, Say};
use web::{Problem, Query};

use super::samples::at;
use super::{not_found, number};
use crate::admin::Admin;
use crate::desk::Desk;
use crate::frame::Section;

/// Slips that are printed at once.
const AT_ONCE: usize = 100;

/// `pages/packing_slips.html`.
#[derive(Debug, Clone, Serialize)]
pub struct SlipsPage {
    slips: Vec<SlipView>,
    back_url: String,
}

#[derive(Debug, Clone, Serialize)]
struct SlipView {
    number: i64,
    placed_at: Option<Timestamp>,
    address: Vec<String>,
    country: String,
    phone: Option<String>,
    delivery: String,
    pickup: bool,
    lines: Vec<SlipLine>,
    pieces: i64,
}

#[derive(Debug, Clone, Serialize)]
struct SlipLine {
    title: String,
    detail: String,
    sku: String,
    /// Pieces that have yet to leave.
    pieces: i64,
    /// Pieces that were ordered.
    ordered: i64,
}

/// What the address says: numbers with commas between them.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    n: String,
}

pub(crate) async fn one(
    State(admin): State<Admin>,
    desk: Desk<ViewOrders>,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let number = number(&text)?;
    draw(&admin, &desk, (vec![number], &super::path(number))).await
}

pub(crate) async fn several(
    State(admin): State<Admin>,
    desk: Desk<ViewOrders>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let numbers = asked.n.split(',').take(AT_ONCE).map(number);
    let numbers = numbers.collect::<Result<Vec<i64>, Problem>>()?;
    draw(&admin, &desk, (numbers, "/admin/orders?view=to_pack")).await
}

async fn draw(
    admin: &Admin,
    desk: &Desk<ViewOrders>,
    (numbers, back): (Vec<i64>, &str),
) -> Result<Response, Problem> {
    let read = admin.read(&desk.staff, move |tx, _| {
        Ok::<_, Internal>(orders::with_lines(tx, &numbers)?)
    });
    let (base, found) = read.await?;
    if found.is_empty() {
        return Err(not_found());
    }
    let say = admin.words()?;
    let page = SlipsPage {
        slips: found
            .iter()
            .map(|(order, lines)| slip(order, lines, &say))
            .collect(),
        back_url: back.to_owned(),
    };
    admin
        .sheet(&desk.staff, &base)
        .section(Section::Orders)
        .draw(&page)
}

fn slip(order: &Order, lines: &[OrderLine], say: &Say) -> SlipView {
    let left: i64 = lines.iter().map(OrderLine::to_ship).sum();
    // Of an order that has left, the slip still tells what was in it.
    let pieces = |line: &OrderLine| {
        if left > 0 {
            line.to_ship()
        } else {
            line.quantity.as_i64()
        }
    };
    let inside = lines.iter().filter(|line| pieces(line) > 0);
    SlipView {
        number: order.number.unwrap_or(0),
        placed_at: order.placed_at,
        address: order.address.lines(),
        country: say.country(order.address.country),
        phone: order.address.phone.clone(),
        delivery: order.delivery.name.clone(),
        pickup: order.delivery.pickup,
        pieces: lines.iter().map(pieces).sum(),
        lines: inside
            .map(|line| SlipLine {
                title: line.title.clone(),
                detail: line.variant_title.clone(),
                sku: line.sku.to_string(),
                pieces: pieces(line),
                ordered: line.quantity.as_i64(),
            })
            .collect(),
    }
}

impl Page for SlipsPage {
    const TEMPLATE: &'static str = "pages/packing_slips.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let line = SlipLine {
            title: "Tarn <vase>".to_owned(),
            detail: "Spruce, 24 cm".to_owned(),
            sku: "TARN-24".to_owned(),
            pieces: 2,
            ordered: 3,
        };
        let slip = SlipView {
            number: 1_042,
            placed_at: Some(at()),
            address: vec![
                "Noor <b>de Wit</b>".to_owned(),
                "Keizersgracht 1".to_owned(),
            ],
            country: "Netherlands".to_owned(),
            phone: Some("+31 6 1234".to_owned()),
            delivery: "Parcel".to_owned(),
            pickup: false,
            lines: vec![line],
            pieces: 2,
        };
        let pickup = SlipView {
            pickup: true,
            phone: None,
            ..slip.clone()
        };
        let page = Self {
            slips: vec![slip.clone(), pickup],
            back_url: "/admin/orders?view=to_pack".to_owned(),
        };
        let one = Self {
            slips: vec![slip],
            ..page.clone()
        };
        vec![("several", page), ("one", one)]
    }
}

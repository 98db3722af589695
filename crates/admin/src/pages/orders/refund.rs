//! Giving money back, in two steps: what for, then a look at the exact amount, then the money.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use commerce::orders::{
    MoneyMoved, RefundError, RefundLine, RefundOrder, RefundPreview, preview_refund, refund_order,
};
use commerce::staff::RefundPayments;
use http::StatusCode;
use kernel::{Money, OrderId, OrderLineId, Quantity};
use serde::Serialize;
use templates::{Page, Say};
use web::{Fields, Problem};

use super::act::{sentence, status_of};
use super::facts::Facts;
use super::samples::euros;
use super::{id_of, key_of, not_found, number, path, request_key};
use crate::admin::Admin;
use crate::desk::{Desk, Staffer};
use crate::frame::Section;
use crate::told::Told;
use crate::views::FormError;

/// `pages/order_refund.html`.
#[derive(Debug, Clone, Serialize)]
pub struct RefundPage {
    number: i64,
    buyer: String,
    key: String,
    lines: Vec<LineView>,
    /// What of the delivery can be given back.
    delivery_left: Option<Money>,
    delivery: String,
    reason: String,
    left: Money,
    currency: &'static str,
    /// Whether a person has to transfer the money.
    by_hand: bool,
    /// The second step: what exactly is given back.
    sure: Option<Sure>,
    errors: Vec<FormError>,
    /// What is wrong, by the id of the field it stands at.
    wrong: BTreeMap<String, String>,
}

/// A line that can be refunded.
#[derive(Debug, Clone, Serialize)]
struct LineView {
    id: String,
    title: String,
    detail: String,
    sku: String,
    unit_price: Money,
    /// Pieces that were not refunded yet.
    left: i64,
    /// Of those, how many were sent.
    sent: i64,
    value: String,
    restock: bool,
}

/// What is given back if the button is pressed.
#[derive(Debug, Clone, Serialize)]
struct Sure {
    amount: Money,
    parts: Vec<PartView>,
    delivery: Option<Money>,
    /// The form as it was filled in, to be sent again.
    fields: Vec<(String, String)>,
}

#[derive(Debug, Clone, Serialize)]
struct PartView {
    title: String,
    quantity: i64,
    amount: Money,
    restock: bool,
}

/// What a page is drawn with.
#[derive(Default)]
struct Drawn {
    fields: Option<Fields>,
    preview: Option<(RefundOrder, RefundPreview)>,
    error: Option<FormError>,
}

pub(crate) async fn ask(
    State(admin): State<Admin>,
    desk: Desk<RefundPayments>,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let number = number(&text)?;
    let drawn = (StatusCode::OK, Drawn::default());
    draw(&admin, &desk.staff, number, drawn).await
}

/// Shows what the refund comes to. Nothing is written.
pub(crate) async fn preview(
    State(admin): State<Admin>,
    desk: Desk<RefundPayments>,
    Path(text): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let number = number(&text)?;
    let order_id = id_of(&admin, number).await?;
    if fields.get("change").is_some() {
        let drawn = Drawn {
            fields: Some(fields),
            ..Drawn::default()
        };
        return draw(&admin, &desk.staff, number, (StatusCode::OK, drawn)).await;
    }
    let say = admin.words()?;
    let cmd = match command(&admin, (number, order_id), &fields, &say).await? {
        Ok(cmd) => cmd,
        Err(error) => return refused(&admin, &desk.staff, number, (fields, error)).await,
    };
    let asked = cmd.clone();
    let read = admin.shop().db.read(move |tx| preview_refund(tx, &asked));
    match read.await {
        Ok(preview) => {
            let drawn = Drawn {
                fields: Some(fields),
                preview: Some((cmd, preview)),
                error: None,
            };
            draw(&admin, &desk.staff, number, (StatusCode::OK, drawn)).await
        }
        Err(RefundError::Internal(error)) => Err(error.into()),
        Err(error) => {
            let error = (status_of(&error), refund_error(&error, &say));
            refused(&admin, &desk.staff, number, (fields, error)).await
        }
    }
}

/// Gives the money back.
pub(crate) async fn refund(
    State(admin): State<Admin>,
    desk: Desk<RefundPayments>,
    Path(text): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let number = number(&text)?;
    let order_id = id_of(&admin, number).await?;
    let say = admin.words()?;
    let cmd = match command(&admin, (number, order_id), &fields, &say).await? {
        Ok(cmd) => cmd,
        Err(error) => return refused(&admin, &desk.staff, number, (fields, error)).await,
    };
    let (shop, by) = (admin.shop().clone(), desk.by.clone());
    let done = web::run(async move { refund_order(&shop, by, cmd).await }).await?;
    match done {
        Ok((_, MoneyMoved::Done)) => desk
            .staff
            .done(&path(number), &Told::new("orders.told.refunded")),
        Ok((_, MoneyMoved::Pending)) => desk
            .staff
            .done(&path(number), &Told::new("orders.told.money_pending")),
        Ok((_, MoneyMoved::Refused { reason })) => {
            let text = say.with("orders.wrong.refused", &[("reason", reason)]);
            let error = (StatusCode::CONFLICT, FormError::of_form(text));
            refused(&admin, &desk.staff, number, (fields, error)).await
        }
        Err(RefundError::Internal(error)) => Err(error.into()),
        Err(error) => {
            let error = (status_of(&error), refund_error(&error, &say));
            refused(&admin, &desk.staff, number, (fields, error)).await
        }
    }
}

async fn refused(
    admin: &Admin,
    staff: &Staffer,
    number: i64,
    (fields, (status, error)): (Fields, (StatusCode, FormError)),
) -> Result<Response, Problem> {
    let drawn = Drawn {
        fields: Some(fields),
        preview: None,
        error: Some(error),
    };
    draw(admin, staff, number, (status, drawn)).await
}

/// The command that was typed, or what is wrong with it.
async fn command(
    admin: &Admin,
    (number, order_id): (i64, OrderId),
    fields: &Fields,
    say: &Say,
) -> Result<Result<RefundOrder, (StatusCode, FormError)>, Problem> {
    let invalid = |error| Ok(Err((StatusCode::UNPROCESSABLE_ENTITY, error)));
    let lines = match lines(fields, say) {
        Ok(lines) => lines,
        Err(error) => return invalid(error),
    };
    let typed = fields.get("delivery").unwrap_or_default().trim();
    let delivery = if typed.is_empty() {
        None
    } else {
        match super::act::amount(admin, (number, typed)).await? {
            Ok(amount) => Some(amount),
            Err(currency) => {
                let text = say.with("orders.wrong.amount", &[("currency", currency)]);
                return invalid(FormError::at("refund-delivery", text));
            }
        }
    };
    let reason = fields.get("reason").unwrap_or_default().to_owned();
    if reason.trim().is_empty() {
        let text = say.text("orders.wrong.reason");
        return invalid(FormError::at("refund-reason", text));
    }
    Ok(Ok(RefundOrder {
        request_key: key_of(fields.get("key"))?,
        order_id,
        lines,
        delivery,
        reason,
    }))
}

fn lines(fields: &Fields, say: &Say) -> Result<Vec<RefundLine>, FormError> {
    let mut lines = Vec::new();
    for (id, text) in fields.with_prefix("pieces.") {
        let text = text.trim();
        if text.is_empty() || text == "0" {
            continue;
        }
        let wrong = || FormError::at(format!("refund-{id}"), say.text("orders.wrong.pieces"));
        let quantity = text.parse().map_err(|_not_a_number| wrong())?;
        let line_id: OrderLineId = id.parse().map_err(|_not_an_id| wrong())?;
        lines.push(RefundLine {
            restock: fields.get(&format!("restock.{id}")).is_some(),
            line_id,
            quantity: Quantity::new(quantity).map_err(|_out_of_range| wrong())?,
        });
    }
    Ok(lines)
}

fn refund_error(error: &RefundError, say: &Say) -> FormError {
    match error {
        RefundError::NotFound => FormError::of_form(say.text("orders.wrong.no_line")),
        RefundError::Nothing => FormError::of_form(say.text("orders.wrong.nothing_to_refund")),
        RefundError::TooMuch { wanted, left } => FormError::of_form(say.with(
            "orders.wrong.refund_too_much",
            &[("wanted", say.money(*wanted)), ("left", say.money(*left))],
        )),
        RefundError::Sum(pricing::RefundError::TooMany { left }) => {
            FormError::of_form(say.count("orders.wrong.refund_too_many", i64::from(*left)))
        }
        RefundError::Sum(pricing::RefundError::TooMuch { left }) => FormError::at(
            "refund-delivery",
            say.with(
                "orders.wrong.delivery_left",
                &[("amount", say.money(*left))],
            ),
        ),
        RefundError::BadReason(_) => FormError::at("refund-reason", sentence(error)),
        RefundError::NotPlaced => FormError::of_form(say.text("orders.wrong.not_placed")),
        RefundError::Sum(_) | RefundError::Internal(_) => FormError::of_form(sentence(error)),
    }
}

async fn draw(
    admin: &Admin,
    staff: &Staffer,
    number: i64,
    (status, drawn): (StatusCode, Drawn),
) -> Result<Response, Problem> {
    let read = admin.read(staff, move |tx, _| Facts::read(tx, number));
    let (base, facts) = read.await?;
    let facts = facts.ok_or_else(not_found)?;
    let page = refund_page(admin, number, &facts, drawn);
    admin
        .sheet(staff, &base)
        .section(Section::Orders)
        .status(status)
        .draw(&page)
}

fn refund_page(admin: &Admin, number: i64, facts: &Facts, drawn: Drawn) -> RefundPage {
    let fields = drawn.fields.unwrap_or_default();
    let value = |name: &str| fields.get(name).unwrap_or_default().to_owned();
    let order = &facts.order;
    let delivery = order.delivery.price.minor() - order.delivery.refunded.minor();
    let lines = facts.lines.iter().map(|line| LineView {
        id: line.id.to_string(),
        title: line.title.clone(),
        detail: line.variant_title.clone(),
        sku: line.sku.to_string(),
        unit_price: line.unit_price,
        left: line.quantity.as_i64().saturating_sub(line.refunded),
        sent: line.fulfilled,
        value: value(&format!("pieces.{}", line.id)),
        restock: fields.get(&format!("restock.{}", line.id)).is_some(),
    });
    let gateways = &admin.shop().gateways;
    let by_hand = facts.payments.iter().any(|payment| {
        payment.captured.minor() > 0
            && gateways
                .find(&payment.gateway)
                .is_some_and(|gateway| !gateway.moves_money())
    });
    let key = value("key");
    RefundPage {
        number,
        buyer: order.address.name.clone(),
        // The key of the form that was sent: the second click on the second step does nothing twice.
        key: if key.is_empty() || drawn.error.is_some() {
            request_key(admin)
        } else {
            key
        },
        lines: lines.collect(),
        delivery_left: (delivery > 0).then(|| order.total.currency().minor(delivery)),
        delivery: value("delivery"),
        reason: value("reason"),
        left: facts.left_to_refund,
        currency: order.total.currency().code(),
        by_hand,
        sure: drawn
            .preview
            .map(|(cmd, preview)| sure(facts, &fields, (&cmd, preview))),
        wrong: drawn
            .error
            .iter()
            .filter_map(|error| Some((error.field.clone()?, error.message.clone())))
            .collect(),
        errors: drawn.error.into_iter().collect(),
    }
}

fn sure(facts: &Facts, fields: &Fields, (cmd, preview): (&RefundOrder, RefundPreview)) -> Sure {
    let parts = preview.lines.into_iter().map(|(id, quantity, amount)| {
        let line = facts.lines.iter().find(|line| line.id == id);
        let asked = cmd.lines.iter().find(|line| line.line_id == id);
        PartView {
            title: line.map(|line| line.title.clone()).unwrap_or_default(),
            quantity: quantity.as_i64(),
            amount,
            restock: asked.is_some_and(|asked| asked.restock),
        }
    });
    Sure {
        amount: preview.amount,
        parts: parts.collect(),
        delivery: cmd.delivery.filter(|price| price.minor() > 0),
        fields: fields
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    }
}

impl Page for RefundPage {
    const TEMPLATE: &'static str = "pages/order_refund.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let line = LineView {
            id: "line_1".to_owned(),
            title: "Tarn <vase>".to_owned(),
            detail: "Spruce, 24 cm".to_owned(),
            sku: "TARN-24".to_owned(),
            unit_price: euros(6_800),
            left: 2,
            sent: 1,
            value: String::new(),
            restock: true,
        };
        let asked = Self {
            number: 1_042,
            buyer: "Noor <b>de Wit</b>".to_owned(),
            key: "KEY".to_owned(),
            lines: vec![
                line.clone(),
                LineView {
                    left: 0,
                    sent: 0,
                    ..line
                },
            ],
            delivery_left: Some(euros(490)),
            delivery: String::new(),
            reason: String::new(),
            left: euros(8_190),
            currency: "EUR",
            by_hand: false,
            sure: None,
            errors: Vec::new(),
            wrong: BTreeMap::new(),
        };
        let sure = Self {
            by_hand: true,
            sure: Some(Sure {
                amount: euros(7_290),
                parts: vec![PartView {
                    title: "Tarn <vase>".to_owned(),
                    quantity: 1,
                    amount: euros(6_800),
                    restock: true,
                }],
                delivery: Some(euros(490)),
                fields: vec![("reason".to_owned(), "<damaged>".to_owned())],
            }),
            ..asked.clone()
        };
        let refused = Self {
            errors: vec![FormError::at("refund-reason", "Say why")],
            wrong: [("refund-reason".to_owned(), "Say why".to_owned())].into(),
            ..asked.clone()
        };
        let nothing = Self {
            left: euros(0),
            delivery_left: None,
            ..asked.clone()
        };
        vec![
            ("asked", asked),
            ("sure", sure),
            ("refused", refused),
            ("nothing left", nothing),
        ]
    }
}

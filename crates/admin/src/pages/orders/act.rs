//! What is done on an order's page: packing, sending, taking money, writing notes. A form that is refused comes back as
//! it was typed.

use axum::extract::{Path, State};
use axum::response::Response;
use commerce::orders::{
    self, AddNote, CaptureError, CapturePayment, MoneyMoved, NoteError, PackError, PackOrder,
    ReceiveTransfer, ShipError, ShipOrder,
};
use commerce::staff::{CapturePayments, NoteOrders, ShipOrders};
use http::StatusCode;
use kernel::{Coded, Money, OrderLineId, PaymentId, Quantity};
use templates::Say;
use web::{Fields, Form, Problem};

use super::forms::Typed;
use super::show::draw;
use super::{id_of, key_of, not_found, number, path};
use crate::admin::Admin;
use crate::desk::{Desk, Staffer};
use crate::told::Told;
use crate::views::FormError;

/// The status of a page that says what an operation refused.
pub(super) fn status_of(error: &impl Coded) -> StatusCode {
    StatusCode::from_u16(error.code().status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY)
}

/// The words of an error that are made elsewhere, as a sentence.
pub(super) fn sentence(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let Some(first) = letters.next() else {
        return text;
    };
    format!("{}{}.", first.to_uppercase(), letters.as_str())
}

/// Whether it was marked or not, and back to the order.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pack {
    packed: String,
}

pub(crate) async fn pack(
    State(admin): State<Admin>,
    desk: Desk<ShipOrders>,
    Path(text): Path<String>,
    Form(form): Form<Pack>,
) -> Result<Response, Problem> {
    let number = number(&text)?;
    let order_id = id_of(&admin, number).await?;
    let packed = form.packed == "yes";
    let (shop, by) = (admin.shop().clone(), desk.by.clone());
    let cmd = PackOrder { order_id, packed };
    let done = web::run(async move { orders::pack_order(&shop, by, cmd).await }).await?;
    let say = admin.words()?;
    let refused = match done {
        Ok(_) => None,
        Err(PackError::Internal(error)) => return Err(error.into()),
        Err(PackError::NotFound) => return Err(not_found()),
        Err(error @ PackError::NothingLeft) => Some((error, "orders.wrong.nothing_left")),
        Err(error @ PackError::NotPlaced(_)) => Some((error, "orders.wrong.not_placed")),
    };
    if let Some((error, key)) = refused {
        let typed = Typed {
            form: "pack",
            errors: vec![FormError::of_form(say.text(key))],
            ..Typed::default()
        };
        return draw(&admin, &desk.staff, number, (status_of(&error), typed)).await;
    }
    let (key, back) = if packed {
        ("orders.told.packed_one", "no")
    } else {
        ("orders.told.unpacked_one", "yes")
    };
    let told = Told::new(key)
        .with("number", number.to_string())
        .undo(&format!("{}/packed", path(number)), &[("packed", back)]);
    desk.staff.done(&path(number), &told)
}

/// The pieces that were typed, by line.
fn pieces(fields: &Fields, say: &Say) -> Result<Vec<(OrderLineId, Quantity)>, FormError> {
    let mut lines = Vec::new();
    for (id, text) in fields.with_prefix("pieces.") {
        let text = text.trim();
        if text.is_empty() || text == "0" {
            continue;
        }
        let wrong = || FormError::at(format!("ship-{id}"), say.text("orders.wrong.pieces"));
        let quantity = text.parse().map_err(|_not_a_number| wrong())?;
        lines.push((
            id.parse().map_err(|_not_an_id| wrong())?,
            Quantity::new(quantity).map_err(|_out_of_range| wrong())?,
        ));
    }
    Ok(lines)
}

fn optional(fields: &Fields, name: &str) -> Option<String> {
    let text = fields.get(name).unwrap_or_default().trim();
    (!text.is_empty()).then(|| text.to_owned())
}

pub(crate) async fn ship(
    State(admin): State<Admin>,
    desk: Desk<ShipOrders>,
    Path(text): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let number = number(&text)?;
    let order_id = id_of(&admin, number).await?;
    let say = admin.words()?;
    let refused = async |status, error| {
        let typed = Typed {
            form: "ship",
            fields: fields.clone(),
            errors: vec![error],
        };
        draw(&admin, &desk.staff, number, (status, typed)).await
    };
    let lines = match pieces(&fields, &say) {
        Ok(lines) => lines,
        Err(error) => return refused(StatusCode::UNPROCESSABLE_ENTITY, error).await,
    };
    let count: i64 = lines.iter().map(|(_, quantity)| quantity.as_i64()).sum();
    let cmd = ShipOrder {
        request_key: key_of(fields.get("key"))?,
        order_id,
        lines,
        carrier: optional(&fields, "carrier"),
        tracking_number: optional(&fields, "tracking_number"),
        tracking_url: optional(&fields, "tracking_url"),
    };
    let (shop, by) = (admin.shop().clone(), desk.by.clone());
    let done = web::run(async move { orders::ship_order(&shop, by, cmd).await }).await?;
    match done {
        Ok(_) => {
            let told = Told::new("orders.told.shipped").count(count);
            desk.staff.done(&path(number), &told)
        }
        Err(ShipError::Internal(error)) => Err(error.into()),
        Err(error) => refused(status_of(&error), ship_error(&error, &say)).await,
    }
}

fn ship_error(error: &ShipError, say: &Say) -> FormError {
    match error {
        ShipError::BadAddress => {
            FormError::at("ship-tracking-url", say.text("orders.wrong.tracking_url"))
        }
        ShipError::BadText(_) => FormError::at("ship-carrier", sentence(error)),
        ShipError::NotPlaced(_) => FormError::of_form(say.text("orders.wrong.not_placed")),
        ShipError::NotFound => FormError::of_form(say.text("orders.wrong.no_line")),
        ShipError::Nothing => FormError::of_form(say.text("orders.wrong.nothing_to_ship")),
        ShipError::TooMany { sku, left } => FormError::of_form(say.count_with(
            "orders.wrong.too_many",
            *left,
            &[("sku", sku.clone())],
        )),
        ShipError::NotThere { sku, there } => FormError::of_form(say.count_with(
            "orders.wrong.not_there",
            *there,
            &[("sku", sku.clone())],
        )),
        ShipError::Internal(_) => FormError::of_form(sentence(error)),
    }
}

/// An amount that was typed, in the order's currency.
pub(super) async fn amount(
    admin: &Admin,
    (number, text): (i64, &str),
) -> Result<Result<Money, String>, Problem> {
    let read = admin.shop().db.read(move |tx| {
        let order = orders::find_by_number(tx, number)?;
        Ok::<_, commerce::Internal>(order.map(|order| order.total.currency()))
    });
    let currency = read.await?.ok_or_else(not_found)?;
    let typed = currency.from_decimal(text.trim());
    Ok(typed.map_err(|_not_an_amount| currency.code().to_owned()))
}

pub(crate) async fn capture(
    State(admin): State<Admin>,
    desk: Desk<CapturePayments>,
    Path(text): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let number = number(&text)?;
    let order_id = id_of(&admin, number).await?;
    let say = admin.words()?;
    let payment = fields.get("payment").unwrap_or_default().to_owned();
    let payment_id: PaymentId = payment.parse().map_err(|_not_an_id| not_found())?;
    super::belongs(&admin, &order_id, &payment_id).await?;
    let field = format!("capture-{payment}");
    let refused = async |status, error: FormError| {
        let typed = Typed {
            form: "capture",
            fields: fields.clone(),
            errors: vec![error],
        };
        draw(&admin, &desk.staff, number, (status, typed)).await
    };
    let typed = fields.get("amount").unwrap_or_default();
    let amount = match amount(&admin, (number, typed)).await? {
        Ok(amount) => amount,
        Err(currency) => {
            let text = say.with("orders.wrong.amount", &[("currency", currency)]);
            return refused(StatusCode::UNPROCESSABLE_ENTITY, FormError::at(field, text)).await;
        }
    };
    let cmd = CapturePayment {
        payment_id,
        amount: Some(amount),
        request_key: key_of(fields.get("key"))?,
    };
    let (shop, by) = (admin.shop().clone(), desk.by.clone());
    let done = web::run(async move { orders::capture_payment(&shop, by, cmd).await }).await?;
    match done {
        Ok(MoneyMoved::Done) => {
            let told = Told::new("orders.told.captured").with("amount", say.money(amount));
            desk.staff.done(&path(number), &told)
        }
        Ok(MoneyMoved::Pending) => desk
            .staff
            .done(&path(number), &Told::new("orders.told.money_pending")),
        Ok(MoneyMoved::Refused { reason }) => {
            let text = say.with("orders.wrong.refused", &[("reason", reason)]);
            refused(StatusCode::CONFLICT, FormError::at(field, text)).await
        }
        Err(CaptureError::Internal(error)) => Err(error.into()),
        Err(error) => refused(status_of(&error), money_error(&error, &say, &field)).await,
    }
}

fn money_error(error: &CaptureError, say: &Say, field: &str) -> FormError {
    match error {
        CaptureError::TooMuch { left } => FormError::at(
            field,
            say.with("orders.wrong.only_left", &[("amount", say.money(*left))]),
        ),
        CaptureError::BadAmount(currency) => FormError::at(
            field,
            say.with(
                "orders.wrong.amount",
                &[("currency", currency.code().to_owned())],
            ),
        ),
        CaptureError::NotAwaited => FormError::of_form(say.text("orders.wrong.not_awaited")),
        CaptureError::BadReference(_) => FormError::at("transfer-reference", sentence(error)),
        CaptureError::NotFound | CaptureError::NoGateway(_) | CaptureError::Internal(_) => {
            FormError::of_form(sentence(error))
        }
    }
}

pub(crate) async fn transfer(
    State(admin): State<Admin>,
    desk: Desk<CapturePayments>,
    Path(text): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let number = number(&text)?;
    let order_id = id_of(&admin, number).await?;
    let say = admin.words()?;
    let refused = async |status, error: FormError| {
        let typed = Typed {
            form: "transfer",
            fields: fields.clone(),
            errors: vec![error],
        };
        draw(&admin, &desk.staff, number, (status, typed)).await
    };
    let typed = fields.get("amount").unwrap_or_default();
    let amount = match amount(&admin, (number, typed)).await? {
        Ok(amount) => amount,
        Err(currency) => {
            let text = say.with("orders.wrong.amount", &[("currency", currency)]);
            let error = FormError::at("transfer-amount", text);
            return refused(StatusCode::UNPROCESSABLE_ENTITY, error).await;
        }
    };
    let cmd = ReceiveTransfer {
        order_id,
        amount,
        reference: fields.get("reference").unwrap_or_default().to_owned(),
        request_key: key_of(fields.get("key"))?,
    };
    let (shop, by) = (admin.shop().clone(), desk.by.clone());
    let done = web::run(async move { orders::receive_transfer(&shop, by, cmd).await }).await?;
    match done {
        Ok(()) => {
            let told = Told::new("orders.told.transfer").with("amount", say.money(amount));
            desk.staff.done(&path(number), &told)
        }
        Err(CaptureError::Internal(error)) => Err(error.into()),
        Err(error) => {
            let wrong = money_error(&error, &say, "transfer-amount");
            refused(status_of(&error), wrong).await
        }
    }
}

pub(crate) async fn note(
    State(admin): State<Admin>,
    desk: Desk<NoteOrders>,
    Path(text): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let number = number(&text)?;
    let cmd = AddNote {
        request_key: key_of(fields.get("key"))?,
        order_id: id_of(&admin, number).await?,
        text: fields.get("text").unwrap_or_default().to_owned(),
    };
    let (shop, by) = (admin.shop().clone(), desk.by.clone());
    let done = web::run(async move { orders::add_note(&shop, by, cmd).await }).await?;
    let say = admin.words()?;
    let key = match done {
        Ok(()) => return noted(&desk.staff, number),
        Err(NoteError::NotFound) => return Err(not_found()),
        Err(error @ NoteError::Internal(_)) => return Err(error.into()),
        Err(NoteError::Empty) => "orders.wrong.note_empty",
        Err(NoteError::TooLong) => "orders.wrong.note_long",
        Err(NoteError::Unprintable) => "orders.wrong.note_unprintable",
    };
    let typed = Typed {
        form: "note",
        fields,
        errors: vec![FormError::at("note-text", say.text(key))],
    };
    let refused = (StatusCode::UNPROCESSABLE_ENTITY, typed);
    draw(&admin, &desk.staff, number, refused).await
}

fn noted(staff: &Staffer, number: i64) -> Result<Response, Problem> {
    staff.done(&path(number), &Told::new("orders.told.noted"))
}

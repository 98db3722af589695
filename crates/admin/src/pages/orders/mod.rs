//! Orders: the list, an order's page with everything that can be done with it, refunds, and packing slips.

mod act;
mod cancel;
mod draft;
mod facts;
mod forms;
mod happened;
mod list;
mod parts;
mod payments;
mod refund;
pub(super) mod samples;
mod show;
mod slips;
mod state;

use commerce::Internal;
use commerce::orders;
use kernel::{Code, OrderId, PaymentId};
use templates::Samples;
use web::Problem;

use crate::admin::Admin;

pub(super) use state::{StateView, goods, money};

pub use cancel::CancelPage;
pub use draft::DraftPage;
pub use list::OrdersPage;
pub use refund::RefundPage;
pub use show::OrderPage;
pub use slips::SlipsPage;

crate::routes! {
    get  "/admin/orders" (ViewOrders) list::list;
    post "/admin/orders/packed" (ShipOrders) list::pack;
    get  "/admin/orders/packing-slips" (ViewOrders) slips::several;
    post "/admin/orders/packing-slips" (ViewOrders) list::ask_for_slips;
    get  "/admin/orders/{number}" (ViewOrders) show::show;
    post "/admin/orders/{number}/packed" (ShipOrders) act::pack;
    post "/admin/orders/{number}/ship" (ShipOrders) act::ship;
    post "/admin/orders/{number}/capture" (CapturePayments) act::capture;
    post "/admin/orders/{number}/transfer" (CapturePayments) act::transfer;
    post "/admin/orders/{number}/notes" (NoteOrders) act::note;
    get  "/admin/orders/{number}/cancel" (CancelOrders) cancel::ask;
    post "/admin/orders/{number}/cancel" (CancelOrders) cancel::cancel;
    get  "/admin/orders/{number}/refund" (RefundPayments) refund::ask;
    post "/admin/orders/{number}/refund/preview" (RefundPayments) refund::preview;
    post "/admin/orders/{number}/refund" (RefundPayments) refund::refund;
    get  "/admin/orders/{number}/packing-slip" (ViewOrders) slips::one;
}

/// The pages with their samples.
pub(crate) fn samples() -> Vec<Samples> {
    vec![
        Samples::of_page::<OrdersPage>(),
        Samples::of_page::<OrderPage>(),
        Samples::of_page::<DraftPage>(),
        Samples::of_page::<CancelPage>(),
        Samples::of_page::<RefundPage>(),
        Samples::of_page::<SlipsPage>(),
    ]
}

/// The number in an address.
pub(super) fn number(text: &str) -> Result<i64, Problem> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .map_err(|_not_a_number| ())
        .and_then(|number| if digits { Ok(number) } else { Err(()) })
        .map_err(|()| not_found())
}

fn not_found() -> Problem {
    Problem::new(Code::NotFound)
}

pub(super) fn path(number: i64) -> String {
    format!("/admin/orders/{number}")
}

/// A key for a form that must not happen twice.
fn request_key(admin: &Admin) -> String {
    admin.shop().ids.secret().expose().to_owned()
}

/// A request key as it came back from a form: whoever writes their own gets no more than a short text.
fn key_of(text: Option<&str>) -> Result<String, Problem> {
    let key = text.unwrap_or_default();
    if key.is_empty() || key.len() > 64 {
        return Err(Problem::with_detail(
            Code::BadRequest,
            "open the order again and send its form",
        ));
    }
    Ok(key.to_owned())
}

/// The ids of the orders of these numbers, those there are, in the order of the numbers.
async fn ids_of(admin: &Admin, numbers: &[i64]) -> Result<Vec<(i64, OrderId)>, Problem> {
    let numbers = numbers.to_vec();
    let read = admin
        .shop()
        .db
        .read(move |tx| Ok::<_, Internal>(orders::ids_of_numbers(tx, &numbers)?));
    Ok(read.await?)
}

/// Refuses a payment of another order.
async fn belongs(admin: &Admin, order: &OrderId, payment: &PaymentId) -> Result<(), Problem> {
    let payment = payment.clone();
    let read = admin
        .shop()
        .db
        .read(move |tx| Ok::<_, Internal>(commerce::payments::find(tx, &payment)?));
    match read.await? {
        Some(payment) if payment.order_id == *order => Ok(()),
        Some(_) | None => Err(not_found()),
    }
}

/// The id of the order of this number.
async fn id_of(admin: &Admin, number: i64) -> Result<OrderId, Problem> {
    let found = ids_of(admin, &[number]).await?;
    let (_, id) = found.into_iter().next().ok_or_else(not_found)?;
    Ok(id)
}

//! From a cart to a paid order. The one place that knows the order of steps.
//!
//! # Invariants
//! - Three steps: *prepare* in one transaction (quote, draft, hold stock, write the payment down), *ask the gateway* with no
//!   transaction open, *settle* in another. Whatever happens between them, a job asks the gateway and settles.
//! - Every way to an answer ends in `settle`: the shopper's request, the return from the gateway's page, the gateway's
//!   notice, the sweeper. It may run any number of times, in any order, at once.
//! - A gateway that does not answer is neither a success nor a failure.
//! - Nothing is charged that the shopper has not seen: another total than the one seen stops before any money moves.

mod prepare;
mod requirements;
mod resume;
mod settle;
#[cfg(test)]
mod tests;

use kernel::{Code, Coded, Money, OrderId};

use crate::error::Internal;
use crate::internal_from;
use crate::orders::Order;
use crate::payments::Payment;
use crate::ports::gateway::{Outcome, PaymentRequest};
use crate::shop::{Shop, Shopper};
use crate::staff::Actor;

pub use requirements::{Requirement, payment_methods, requirements};
pub(crate) use resume::{CANCEL_UNPAID, CancelUnpaid, RESUME, Resume};
pub use resume::{
    NoticeFailed, Sweep, cancel_payment, cancel_unpaid, continue_payment, receive_notice,
    resume_payment, tidy,
};

/// Places the order of the visitor's cart.
#[derive(Debug, Clone)]
pub struct PlaceOrder {
    /// The total the shopper saw when pressing the button.
    pub total_seen: Money,
    /// The chosen way to pay, by its gateway's code.
    pub payment_method: String,
}

/// What became of placing an order.
#[derive(Debug, Clone, PartialEq)]
pub enum Placement {
    /// The order is placed.
    Placed(Box<Order>),
    /// The shopper has to go to this page of the gateway's.
    GoTo {
        /// The page.
        url: String,
    },
    /// The payment did not come about; nothing was charged, and the cart is as it was.
    Declined {
        /// Why, in words for the shopper.
        reason: String,
    },
    /// The money came when the goods were gone. It goes back by itself.
    SoldOutMeanwhile,
    /// The gateway has not decided or not answered. The shop keeps asking.
    Waiting,
}

/// Why an order was not placed. Nothing was charged and nothing is lost.
#[derive(Debug, thiserror::Error)]
pub enum PlaceOrderError {
    /// The visitor has no cart, or nothing in it can be bought.
    #[error("the bag is empty")]
    EmptyCart,
    /// The form has gaps or faults.
    #[error("some fields need correcting")]
    Incomplete(Vec<Requirement>),
    /// The total is another than the one seen.
    #[error("the total changed from {seen} to {now}")]
    TotalChanged {
        /// What the shopper saw.
        seen: Money,
        /// What it is.
        now: Money,
    },
    /// Somebody else was quicker.
    #[error("only {left} of {title} left")]
    OutOfStock {
        /// The product.
        title: String,
        /// How many there are.
        left: i64,
    },
    /// Not the caller's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}
internal_from!(PlaceOrderError: db::DbError, kernel::MoneyError);

impl Coded for PlaceOrderError {
    fn code(&self) -> Code {
        match self {
            Self::EmptyCart => Code::EmptyCart,
            Self::Incomplete(_) => Code::Invalid,
            Self::TotalChanged { .. } => Code::TotalChanged,
            Self::OutOfStock { .. } => Code::OutOfStock,
            Self::Internal(error) => error.code(),
        }
    }
}

/// How prepare left things.
enum Prepared {
    /// The cart became this order before.
    Already(Box<Order>),
    /// Ask the gateway for this payment.
    Pay {
        payment: Box<Payment>,
        reference: String,
    },
    /// There is nothing to pay: it is placed.
    Free(Box<Order>),
    /// What the gateway said needs a person's look. Nothing is paid twice meanwhile.
    Waiting,
}

/// Turns the visitor's cart into an order and pays for it.
///
/// Safe to call twice, also at once: every call gets the answer of the first.
pub async fn place_order(
    shop: &Shop,
    shopper: &Shopper,
    cmd: PlaceOrder,
) -> Result<Placement, PlaceOrderError> {
    let act = shop.act(Actor::Shopper);
    let (visitor, gateways) = (shopper.visitor.clone(), shop.gateways.clone());
    let prepared = shop
        .db
        .write(move |tx| prepare::prepare(tx, &act, &gateways, (&visitor, &cmd)))
        .await?;
    match prepared {
        Prepared::Already(order) | Prepared::Free(order) => Ok(Placement::Placed(order)),
        Prepared::Waiting => Ok(Placement::Waiting),
        Prepared::Pay { payment, reference } => Ok(pay(shop, &payment, reference).await?),
    }
}

/// Asks the gateway, with no transaction open, and settles its answer.
async fn pay(shop: &Shop, payment: &Payment, reference: String) -> Result<Placement, Internal> {
    let outcome = match shop.gateways.find(&payment.gateway) {
        Some(gateway) => {
            let return_url = format!("{}/checkout/return", shop.origin);
            let request = PaymentRequest {
                payment: payment.id.clone(),
                amount: payment.amount,
                reference,
                return_url,
            };
            gateway.authorize(&request).await
        }
        None => Outcome::Unknown {
            why: format!("no gateway {} is set up", payment.gateway),
        },
    };
    settle::settle_outcome(shop, &shop.act(Actor::Shopper), payment, outcome, None).await
}

/// The order a payment of the visitor's cart is about, as far as an answer needs it.
fn answer_for(order: &Order) -> Placement {
    Placement::Placed(Box::new(order.clone()))
}

/// Where a buyer follows an order.
pub fn status_url(shop: &Shop, order: &Order) -> String {
    format!("{}/orders/{}", shop.origin, order.link_token)
}

/// The reference a gateway shows for a draft.
fn draft_reference(id: &OrderId) -> String {
    let text = id.as_str();
    text.get(text.len().saturating_sub(8)..)
        .unwrap_or(text)
        .to_uppercase()
}

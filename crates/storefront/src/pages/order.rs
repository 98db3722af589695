//! `GET /orders/{token}`: an order by its secret link, as confirmation first and as status page ever after.

use axum::extract::{Path, State};
use axum::response::Response;
use commerce::Internal;
use commerce::notifications::view::{HappenedView, OrderView, order_view, samples};
use commerce::orders::{self, TimelineEntry, TimelineKind};
use db::Tx;
use kernel::{Code, Money, Secret};
use serde::{Deserialize, Serialize};
use templates::Page;
use web::{Problem, Query};

use crate::frame::Base;
use crate::say::Say;
use crate::storefront::{Storefront, Visit};

/// `pages/order.html`.
#[derive(Debug, Clone, Serialize)]
pub struct OrderPage {
    /// The order.
    pub order: OrderView,
}

/// What can be asked of an order.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Asked {
    /// Set right after it was placed.
    #[serde(default)]
    placed: String,
}

/// Shows an order. Whatever is wrong with the link, the answer is the same.
///
/// Reads eleven statements beside the frame's, however many lines and parcels there are.
pub(crate) async fn show(
    State(storefront): State<Storefront>,
    visit: Visit,
    Path(token): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let token = Secret::parse(&token).map_err(|_not_a_secret| Problem::new(Code::NotFound))?;
    let origin = storefront.shop().origin.clone();
    let read = move |tx: &mut Tx<'_>, base: &Base| -> Result<_, Internal> {
        let Some(order) = orders::find_by_link(tx, &token)? else {
            return Ok(None);
        };
        let view = order_view(tx, base.settings(), &order, &origin)?;
        Ok(Some((orders::timeline(tx, &order.id)?, view)))
    };
    let (base, found) = storefront.read(&visit, read).await?;
    let (timeline, view) = found.ok_or_else(|| Problem::new(Code::NotFound))?;
    let view = OrderView {
        fresh: !asked.placed.is_empty(),
        ..view
    };
    draw(&storefront, &visit, &base, (view, &timeline))
}

/// Draws an order.
pub(crate) fn draw(
    storefront: &Storefront,
    visit: &Visit,
    base: &Base,
    (view, timeline): (OrderView, &[TimelineEntry]),
) -> Result<Response, Problem> {
    let say = storefront.words()?;
    let happened = timeline.iter().rev().filter_map(|entry| {
        Some(HappenedView {
            at: entry.at,
            text: sentence(entry, &say)?,
        })
    });
    let order = OrderView {
        timeline: happened.collect(),
        ..view
    };
    storefront
        .sheet(visit, base)
        .private()
        .draw(&OrderPage { order })
}

/// What happened, in words for the shopper; `None` for what only the shop's own people should see.
fn sentence(entry: &TimelineEntry, say: &Say) -> Option<String> {
    let amount = || {
        let amount: Option<Money> = entry
            .detail
            .get("amount")
            .and_then(|json| serde_json::from_value(json.clone()).ok());
        Some([("amount", say.money(amount?))])
    };
    // A move of money the gateway refused is the shop's business, not the shopper's.
    let happened = entry
        .detail
        .get("refused")
        .is_none_or(serde_json::Value::is_null);
    match entry.kind {
        TimelineKind::Placed => Some(say.text("timeline.placed")),
        TimelineKind::PaymentAuthorized => Some(say.with("timeline.authorised", &amount()?)),
        TimelineKind::PaymentCaptured if happened => Some(say.with("timeline.paid", &amount()?)),
        TimelineKind::PaymentFailed => Some(say.text("timeline.declined")),
        TimelineKind::Refunded if happened => Some(say.with("timeline.refunded", &amount()?)),
        TimelineKind::Shipped => {
            let pieces = entry
                .detail
                .get("pieces")
                .and_then(serde_json::Value::as_i64)?;
            Some(say.with("timeline.shipped", &[("count", say.number(pieces))]))
        }
        TimelineKind::Canceled => Some(say.text("timeline.cancelled")),
        TimelineKind::PaymentCaptured
        | TimelineKind::Refunded
        | TimelineKind::PaymentNeedsReview
        | TimelineKind::PaymentVoided
        | TimelineKind::RefundFailed
        | TimelineKind::Packed
        | TimelineKind::Unpacked
        | TimelineKind::Completed
        | TimelineKind::Note
        | TimelineKind::MailWritten => None,
    }
}

impl Page for OrderPage {
    const TEMPLATE: &'static str = "pages/order.html";

    fn samples() -> Vec<(&'static str, Self)> {
        samples::orders()
            .into_iter()
            .map(|(name, order)| (name, Self { order }))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use commerce::Actor;
    use kernel::{Currency, RandomIds, TimelineId, Timestamp};
    use serde_json::{Value, json};

    use crate::say::english;

    fn told(kind: TimelineKind, detail: Value) -> Option<String> {
        let entry = TimelineEntry {
            id: TimelineId::new(&RandomIds),
            at: Timestamp::from_millis(0),
            actor: Actor::System,
            kind,
            detail,
        };
        sentence(&entry, &english())
    }

    #[test]
    fn the_shopper_reads_what_happened_in_plain_words() {
        let amount = json!({ "amount": Currency::EUR.minor(13_650), "payment": "pay_x" });
        assert_eq!(
            told(TimelineKind::Placed, json!({ "number": 1_042 })).unwrap(),
            "You placed the order"
        );
        assert_eq!(
            told(TimelineKind::PaymentCaptured, amount.clone()).unwrap(),
            "We received €136.50"
        );
        assert_eq!(
            told(TimelineKind::PaymentAuthorized, amount.clone()).unwrap(),
            "Your payment of €136.50 was approved"
        );
        assert_eq!(
            told(TimelineKind::Refunded, amount).unwrap(),
            "We paid €136.50 back"
        );
        assert_eq!(
            told(TimelineKind::Shipped, json!({ "pieces": 2 })).unwrap(),
            "We sent 2 of your things"
        );
        assert_eq!(
            told(TimelineKind::Canceled, json!({ "reason": "fraud?" })).unwrap(),
            "The order was cancelled"
        );
    }

    #[test]
    fn what_only_staff_should_know_is_not_told() {
        for kind in [
            TimelineKind::PaymentNeedsReview,
            TimelineKind::RefundFailed,
            TimelineKind::MailWritten,
            TimelineKind::Packed,
            TimelineKind::Note,
        ] {
            assert_eq!(
                told(kind, json!({ "fault": "another account" })),
                None,
                "{}",
                kind.as_str()
            );
        }
        let refused = json!({ "amount": Currency::EUR.minor(1), "refused": "no funds" });
        assert_eq!(told(TimelineKind::PaymentCaptured, refused), None);
    }
}

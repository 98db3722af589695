//! What happened to an order, in sentences, day by day, the latest first.

use commerce::orders::{TimelineEntry, TimelineKind};
use commerce::staff::Actor;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use kernel::{Money, Timestamp};
use serde::Serialize;
use serde_json::Value as Json;
use templates::{Say, format};

use super::facts::Facts;

/// A day with what happened on it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct DayView {
    /// `today`, `yesterday`, or a day with a date.
    which: &'static str,
    at: Timestamp,
    entries: Vec<EntryView>,
}

/// Something that happened.
#[derive(Debug, Clone, Serialize)]
pub(super) struct EntryView {
    icon: &'static str,
    text: String,
    /// What somebody wrote down.
    note: Option<String>,
    /// Why, in somebody's words or a gateway's.
    reason: Option<String>,
    who: String,
    at: Timestamp,
    /// The time of day.
    time: String,
    mail_url: Option<String>,
}

/// The days of an order.
pub(super) fn days(facts: &Facts, say: &Say, (now, zone): (Timestamp, &str)) -> Vec<DayView> {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let day = |at: Timestamp| format::in_zone(at, &zone).map(|at| at.date());
    let today = day(now);
    let mut days: Vec<(Option<Date>, DayView)> = Vec::new();
    for entry in facts.timeline.iter().rev() {
        let date = day(entry.at);
        let view = entry_view(facts, entry, say, &zone);
        match days.last_mut() {
            Some((last, day)) if *last == date => day.entries.push(view),
            _ => days.push((
                date,
                DayView {
                    which: which(date, today),
                    at: entry.at,
                    entries: vec![view],
                },
            )),
        }
    }
    days.into_iter().map(|(_, day)| day).collect()
}

fn which(date: Option<Date>, today: Option<Date>) -> &'static str {
    if date == today {
        "today"
    } else if date.is_some() && date == today.and_then(|today| today.yesterday().ok()) {
        "yesterday"
    } else {
        "day"
    }
}

fn entry_view(facts: &Facts, entry: &TimelineEntry, say: &Say, zone: &TimeZone) -> EntryView {
    let text = |name: &str| entry.detail.get(name).and_then(Json::as_str);
    let time = format::in_zone(entry.at, zone)
        .map(|at| format!("{:02}:{:02}", at.hour(), at.minute()))
        .unwrap_or_default();
    let (icon, sentence) = sentence(entry, say);
    EntryView {
        icon,
        text: sentence,
        note: (entry.kind == TimelineKind::Note)
            .then(|| text("text").unwrap_or_default().to_owned()),
        reason: text("refused")
            .or_else(|| text("reason"))
            .or_else(|| text("reference"))
            .filter(|reason| !reason.is_empty())
            .map(str::to_owned),
        who: who(facts, &entry.actor, say),
        at: entry.at,
        time,
        mail_url: text("mail").map(|mail| format!("/admin/mails/{mail}")),
    }
}

/// Who it was, as colleagues call them.
fn who(facts: &Facts, actor: &Actor, say: &Say) -> String {
    match actor {
        Actor::Staff(id) => facts
            .names
            .get(id)
            .cloned()
            .unwrap_or_else(|| say.text("orders.who.staff")),
        Actor::Shopper => say.text("orders.who.shopper"),
        Actor::System => say.text("orders.who.system"),
        Actor::Operator => say.text("orders.who.operator"),
        Actor::Gateway(code) => method(code, say),
    }
}

/// The name of a way to pay, by its gateway's code.
pub(super) fn method(code: &str, say: &Say) -> String {
    say.find(&format!("orders.method.{code}"))
        .unwrap_or_else(|| code.to_owned())
}

fn sentence(entry: &TimelineEntry, say: &Say) -> (&'static str, String) {
    let refused = entry
        .detail
        .get("refused")
        .is_some_and(|reason| !reason.is_null());
    let amount = entry
        .detail
        .get("amount")
        .and_then(|json| serde_json::from_value::<Money>(json.clone()).ok())
        .map(|amount| say.money(amount))
        .unwrap_or_default();
    let of_money = |key: &str| say.with(key, &[("amount", amount.clone())]);
    let pieces = entry.detail.get("pieces").and_then(Json::as_i64);
    match entry.kind {
        TimelineKind::Placed => ("shopping-bag", say.text("orders.happened.placed")),
        TimelineKind::PaymentAuthorized => ("credit-card", of_money("orders.happened.authorized")),
        TimelineKind::PaymentCaptured => ("credit-card", of_money("orders.happened.captured")),
        TimelineKind::PaymentFailed => ("circle-alert", say.text("orders.happened.payment_failed")),
        TimelineKind::PaymentNeedsReview if refused => {
            ("circle-alert", of_money("orders.happened.move_refused"))
        }
        TimelineKind::PaymentNeedsReview => {
            ("circle-alert", say.text("orders.happened.needs_review"))
        }
        TimelineKind::PaymentVoided => ("credit-card", of_money("orders.happened.voided")),
        TimelineKind::Refunded => ("undo-2", of_money("orders.happened.refunded")),
        TimelineKind::RefundFailed => ("circle-alert", of_money("orders.happened.refund_failed")),
        TimelineKind::Packed => ("package-check", say.text("orders.happened.packed")),
        TimelineKind::Unpacked => ("package", say.text("orders.happened.unpacked")),
        TimelineKind::Shipped => (
            "truck",
            say.count("orders.happened.shipped", pieces.unwrap_or(0)),
        ),
        TimelineKind::Completed => ("circle-check", say.text("orders.happened.completed")),
        TimelineKind::Canceled => ("x", say.text("orders.happened.cancelled")),
        TimelineKind::MailWritten => ("mail", mail(entry, say)),
        TimelineKind::Note => ("notebook-pen", say.text("orders.happened.note")),
    }
}

fn mail(entry: &TimelineEntry, say: &Say) -> String {
    let kind = entry.detail.get("kind").and_then(Json::as_str);
    let kind = kind.unwrap_or_default();
    say.find(&format!("mails.kind.{kind}")).map_or_else(
        || say.text("orders.happened.mail"),
        |name| say.with("orders.happened.mail_of", &[("name", name)]),
    )
}

impl DayView {
    pub(super) fn samples() -> Vec<Self> {
        let entry = |icon, text: &str| EntryView {
            icon,
            text: text.to_owned(),
            note: None,
            reason: None,
            who: "Ines <Vermeer>".to_owned(),
            at: super::samples::at(),
            time: "14:05".to_owned(),
            mail_url: None,
        };
        let day = |which, entries| Self {
            which,
            at: super::samples::at(),
            entries,
        };
        vec![
            day(
                "today",
                vec![
                    EntryView {
                        note: Some("Called <b>Noor</b>.\nWants it wrapped.".to_owned()),
                        ..entry("notebook-pen", "Note")
                    },
                    EntryView {
                        reason: Some("damaged <box>".to_owned()),
                        ..entry("undo-2", "€8.00 given back")
                    },
                ],
            ),
            day(
                "yesterday",
                vec![EntryView {
                    mail_url: Some("/admin/mails/mail_1".to_owned()),
                    ..entry("mail", "Mail written: order confirmation")
                }],
            ),
            day("day", vec![entry("shopping-bag", "Order placed")]),
        ]
    }
}

//! The four figures on top of the first page, each with how it changed, in words.

use commerce::figures::{Figures, Sales};
use jiff::ZonedDateTime;
use jiff::tz::TimeZone;
use kernel::{Money, Timestamp};
use serde::Serialize;
use templates::Say;

/// A figure and how it changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatView {
    /// `home.stat.KEY` is its name.
    pub key: &'static str,
    /// The figure, in words.
    pub value: String,
    /// `up`, `down` or `same`.
    pub direction: &'static str,
    /// How much: `18 %`; empty if it is the same or there is nothing to compare with.
    pub change: String,
    /// What it is compared with.
    pub note: String,
}

/// A moment by the clock on the shop's wall; `None` beyond the calendar.
pub(super) fn civil(at: Timestamp, zone: TimeZone) -> Option<ZonedDateTime> {
    jiff::Timestamp::from_millisecond(at.millis())
        .map(|at| at.to_zoned_datetime(zone))
        .inspect_err(|error| tracing::warn!("No such time: {error}"))
        .ok()
}

/// Sales, orders and the average order of today against the same weekday a week before; sales of fourteen days against
/// the fourteen before.
pub(super) fn stats(figures: &Figures, say: &Say) -> Vec<StatView> {
    let (today, before) = (&figures.today, &figures.week_before);
    let currency = today.amount.currency();
    let weekday = figures
        .days
        .last()
        .map_or(1, |day| day.date.weekday().to_monday_one_offset());
    let weekday = say.text(&format!("home.weekday.{weekday}"));
    let than_then = |(now, then): (i64, i64)| {
        let key = match percent(now, then) {
            _ if before.orders == 0 => "none_then",
            Some(0) => "same_then",
            _ => "then",
        };
        say.with(&format!("home.than.{key}"), &[("weekday", weekday.clone())])
    };
    let average = |sales: &Sales| sales.average().unwrap_or_else(|| currency.zero());
    let sum = |days: &[commerce::figures::Day]| -> i64 {
        days.iter().map(|day| day.sales.amount.minor()).sum()
    };
    let (recent, earlier) = (sum(&figures.days), sum(&figures.days_before));
    let money = |money: Money| say.money(money);
    let sales = (today.amount.minor(), before.amount.minor());
    let orders = (i64::from(today.orders), i64::from(before.orders));
    let averages = if today.orders == 0 {
        (0, 0)
    } else {
        (average(today).minor(), average(before).minor())
    };
    vec![
        StatView::of(("sales", money(today.amount)), sales, than_then(sales)),
        StatView::of(
            ("orders", say.number(i64::from(today.orders))),
            orders,
            than_then(orders),
        ),
        StatView::of(
            (
                "average",
                today
                    .average()
                    .map_or_else(|| say.text("home.stat.no_average"), money),
            ),
            averages,
            if today.orders == 0 {
                String::new()
            } else {
                than_then(averages)
            },
        ),
        StatView::of(
            ("fortnight", money(currency.minor(recent))),
            (recent, earlier),
            say.text(match percent(recent, earlier) {
                None => "home.than.none_fortnight",
                Some(0) => "home.than.same_fortnight",
                Some(_) => "home.than.fortnight",
            }),
        ),
    ]
}

impl StatView {
    fn of((key, value): (&'static str, String), (now, before): (i64, i64), note: String) -> Self {
        let percent = percent(now, before);
        Self {
            key,
            value,
            direction: match percent {
                Some(change) if change > 0 => "up",
                Some(change) if change < 0 => "down",
                _ => "same",
            },
            change: percent
                .filter(|change| *change != 0)
                .map(|change| format!("{}\u{a0}%", change.abs()))
                .unwrap_or_default(),
            note,
        }
    }
}

/// By how many per cent something changed, to the nearest; nothing where there was nothing before.
fn percent(now: i64, before: i64) -> Option<i64> {
    if before <= 0 {
        return None;
    }
    let hundredfold = now.saturating_sub(before).saturating_mul(100);
    let half = before / 2;
    let towards = if hundredfold < 0 { -half } else { half };
    hundredfold.saturating_add(towards).checked_div(before)
}

pub(super) fn samples() -> Vec<StatView> {
    let stat = |key, value: &str, direction, change: &str| StatView {
        key,
        value: value.to_owned(),
        direction,
        change: change.to_owned(),
        note: "than last Monday by this time".to_owned(),
    };
    vec![
        stat("sales", "€1,284.00", "up", "18\u{a0}%"),
        stat("orders", "27", "same", ""),
        stat("average", "€47.60", "down", "3\u{a0}%"),
        stat("fortnight", "€12,840.50", "up", "4\u{a0}%"),
    ]
}

pub(super) fn samples_of_nothing() -> Vec<StatView> {
    let stat = |key, value: &str| StatView {
        key,
        value: value.to_owned(),
        direction: "same",
        change: String::new(),
        note: "nothing last Monday by this time".to_owned(),
    };
    vec![
        stat("sales", "€0.00"),
        stat("orders", "0"),
        stat("average", "–"),
        stat("fortnight", "€0.00"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_to_the_nearest_per_cent_and_not_at_all_from_nothing() {
        assert_eq!(percent(118, 100), Some(18));
        assert_eq!(percent(97, 100), Some(-3));
        assert_eq!(percent(1005, 1000), Some(1));
        assert_eq!(percent(995, 1000), Some(-1));
        assert_eq!(percent(0, 500), Some(-100));
        assert_eq!((percent(7, 0), percent(7, -3)), (None, None));
        assert!(percent(i64::MAX, 1).is_some());
    }

    #[test]
    fn what_did_not_change_shows_no_arrow() {
        let stat = StatView::of(("orders", "5".to_owned()), (5, 5), String::new());
        assert_eq!((stat.direction, stat.change.as_str()), ("same", ""));
        let stat = StatView::of(("orders", "4".to_owned()), (4, 5), String::new());
        assert_eq!(
            (stat.direction, stat.change.as_str()),
            ("down", "20\u{a0}%")
        );
    }
}

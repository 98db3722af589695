//! Sales of the last days as a drawing: a line from zero up, the days before dashed below or above it, and the same as a table.
//!
//! The drawing is 1000 high and 100 a day wide and is stretched to its place; words stand around it, not in it.

use commerce::figures::{Day, Figures};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use kernel::{Currency, Money, Timestamp};
use serde::Serialize;
use templates::Say;

const HEIGHT: i64 = 1_000;
const STEP: i64 = 100;

/// The chart of sales.
#[derive(Debug, Clone, Serialize)]
pub struct ChartView {
    /// How wide the drawing is.
    pub width: i64,
    /// The words at the axis, the topmost first; the last is zero.
    pub ticks: Vec<String>,
    /// The points of the days that are over.
    pub line: String,
    /// From the last of them to today, which is not over.
    pub today: String,
    /// Where today stands.
    pub dot: String,
    /// The points of the same number of days before.
    pub before: String,
    /// The days, the earliest first.
    pub days: Vec<DayView>,
    /// What all of them came to.
    pub sum: Money,
    /// What the days before came to.
    pub sum_before: Money,
}

/// A row of the table.
#[derive(Debug, Clone, Serialize)]
pub struct DayView {
    /// Midday of the day.
    pub at: Timestamp,
    /// What was sold on it.
    pub amount: Money,
    /// In how many orders.
    pub orders: u32,
    /// What was sold on the day that stands below it in the drawing.
    pub before: Money,
}

impl ChartView {
    pub(super) fn of(figures: &Figures, zone: &TimeZone, say: &Say) -> Self {
        let currency = figures.today.amount.currency();
        let amounts = |days: &[Day]| -> Vec<i64> {
            days.iter()
                .map(|day| day.sales.amount.minor().max(0))
                .collect()
        };
        let rows = figures.days.iter().zip(&figures.days_before);
        let rows = rows.map(|(day, before)| DayView {
            at: midday(day.date, zone),
            amount: day.sales.amount,
            orders: day.sales.orders,
            before: before.sales.amount,
        });
        Self::drawn(
            &amounts(&figures.days),
            &amounts(&figures.days_before),
            currency,
            |whole| say.number(whole),
        )
        .with_days(rows.collect())
    }

    /// The drawing alone. `number` writes a whole number of the currency's major unit.
    fn drawn(
        now: &[i64],
        before: &[i64],
        currency: Currency,
        number: impl Fn(i64) -> String,
    ) -> Self {
        let unit = 10_i64.saturating_pow(currency.exponent());
        let most = now.iter().chain(before).copied().max().unwrap_or(0);
        let top = nice(most.saturating_add(unit - 1) / unit);
        let full = top.saturating_mul(unit);
        let points = points(now, full);
        let (over, last) = points.split_at(points.len().saturating_sub(1));
        let today: Vec<String> = over.last().iter().copied().chain(last).cloned().collect();
        Self {
            width: STEP
                .saturating_mul(i64::try_from(now.len()).unwrap_or(0) - 1)
                .max(STEP),
            ticks: [top, top / 2, 0]
                .into_iter()
                .map(|whole| short(whole, &number))
                .collect(),
            line: over.join(" "),
            today: today.join(" "),
            dot: last.first().cloned().unwrap_or_default(),
            before: points_of(before, full),
            days: Vec::new(),
            sum: currency.minor(now.iter().sum()),
            sum_before: currency.minor(before.iter().sum()),
        }
    }

    fn with_days(self, days: Vec<DayView>) -> Self {
        Self { days, ..self }
    }

    pub(super) fn sample(quiet: bool) -> Self {
        let amounts: Vec<i64> = (0..14)
            .map(|day| if quiet { 0 } else { 40_000 + day * 5_000 })
            .collect();
        let days = amounts.iter().map(|minor| DayView {
            at: Timestamp::from_millis(1_795_435_200_000),
            amount: Currency::EUR.minor(*minor),
            orders: 3,
            before: Currency::EUR.minor(minor / 2),
        });
        let before: Vec<i64> = amounts.iter().map(|minor| minor / 2).collect();
        Self::drawn(&amounts, &before, Currency::EUR, |whole| whole.to_string())
            .with_days(days.collect())
    }
}

fn midday(date: Date, zone: &TimeZone) -> Timestamp {
    let midday = date.at(12, 0, 0, 0).to_zoned_datetime(zone.clone());
    // Only a day at the very end of the calendar has none.
    midday.map_or(Timestamp::from_millis(0), |at| {
        Timestamp::from_millis(at.timestamp().as_millisecond())
    })
}

/// The least of 2, 4, 6, 8, 10, 20, 40 … that is no less: its half is a round number, too.
fn nice(most: i64) -> i64 {
    let mut ten = 1_i64;
    while ten.saturating_mul(10) < most {
        ten = ten.saturating_mul(10);
    }
    [2, 4, 6, 8, 10]
        .into_iter()
        .map(|times: i64| times.saturating_mul(ten))
        .find(|top| *top >= most)
        .unwrap_or(i64::MAX)
}

/// `1500` as `1.5k`: an axis has little room.
fn short(whole: i64, number: &impl Fn(i64) -> String) -> String {
    let (unit, letter) = match whole {
        ..1_000 => return number(whole),
        1_000..1_000_000 => (1_000, "k"),
        _ => (1_000_000, "m"),
    };
    let tenth = whole / (unit / 10);
    if tenth % 10 == 0 {
        format!("{}{letter}", number(tenth / 10))
    } else {
        format!("{}.{}{letter}", number(tenth / 10), tenth % 10)
    }
}

fn points(amounts: &[i64], full: i64) -> Vec<String> {
    let points = (0_i64..).zip(amounts).map(|(place, amount)| {
        let share = i128::from(*amount) * i128::from(HEIGHT) / i128::from(full.max(1));
        let height = i64::try_from(share).unwrap_or(HEIGHT).min(HEIGHT);
        format!("{},{}", place * STEP, HEIGHT - height)
    });
    points.collect()
}

fn points_of(amounts: &[i64], full: i64) -> String {
    points(amounts, full).join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_ends_at_a_round_number_that_has_a_round_half() {
        let tops: Vec<i64> = [0, 1, 2, 3, 10, 11, 45, 99, 1_284, 70_000]
            .into_iter()
            .map(nice)
            .collect();
        assert_eq!(tops, [2, 2, 2, 4, 10, 20, 60, 100, 2_000, 80_000]);
        assert!(nice(i64::MAX) > 0);
    }

    #[test]
    fn large_numbers_are_short_at_the_axis() {
        let number = |whole: i64| whole.to_string();
        let words: Vec<String> = [0, 750, 1_000, 1_500, 80_000, 1_500_000]
            .into_iter()
            .map(|whole| short(whole, &number))
            .collect();
        assert_eq!(words, ["0", "750", "1k", "1.5k", "80k", "1.5m"]);
    }

    #[test]
    fn a_line_starts_at_zero_and_today_is_drawn_apart() {
        let chart = ChartView::drawn(&[0, 100, 200], &[0, 0, 50], Currency::EUR, |whole| {
            whole.to_string()
        });
        assert_eq!(chart.line, "0,1000 100,500");
        assert_eq!(chart.today, "100,500 200,0");
        assert_eq!(chart.dot, "200,0");
        assert_eq!(chart.before, "0,1000 100,1000 200,750");
        assert_eq!(
            (chart.width, chart.ticks.join(" ")),
            (200, "2 1 0".to_owned())
        );
        assert_eq!(chart.sum, Currency::EUR.minor(300));
    }

    #[test]
    fn days_without_a_sale_lie_at_zero() {
        let chart = ChartView::drawn(&[0, 0], &[0, 0], Currency::EUR, |whole| whole.to_string());
        assert_eq!(
            (chart.line, chart.today),
            ("0,1000".to_owned(), "0,1000 100,1000".to_owned())
        );
    }
}

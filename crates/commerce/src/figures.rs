//! What the shop earns and what there is to do: the figures of the back office's first page.
//!
//! **Sales** are what placed orders came to, with delivery and tax, less what was given back for them. An order counts on
//! the day it was placed, whatever happens to it later: a refund takes from that day, and an order that is called off
//! counts for nothing, as if it had never been. Money that is awaited counts; money that came in twice does not. Orders in
//! another currency than the shop's stay out.
//!
//! Days are the shop's: they begin and end by the clock on its wall, so that one of them has 23 hours and another 25.

#[cfg(test)]
mod tests;

use db::{DbError, Tx, Value, in_list, params};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{ToSpan, ZonedDateTime};
use kernel::stored::ToValue;
use kernel::{Currency, Money, Slug, Timestamp, Total};

use crate::catalog::count_low_stock;
use crate::error::Internal;
use crate::notifications::count_failed_mails;
use crate::orders::listing::count_due;
use crate::orders::{OrderView, count_orders};
use crate::settings::Settings;

/// How many days the chart shows, and as many before them.
pub const DAYS: usize = 14;
/// How many products are named as those sold best.
const TOP: u32 = 5;
/// Over how many days they are counted.
const TOP_DAYS: i32 = 30;
/// Over how many orders they are counted at most, the latest ones.
const TOP_ORDERS: u32 = 2_000;

/// What was sold in a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sales {
    /// What the orders came to, less what was given back.
    pub amount: Money,
    /// How many orders, those called off left out.
    pub orders: u32,
}

impl Sales {
    /// What an order came to on average, to the nearest cent; nothing without orders.
    pub fn average(&self) -> Option<Money> {
        let orders = i64::from(self.orders);
        let half = orders.checked_div(2)?;
        let minor = self.amount.minor().checked_add(half)?.checked_div(orders)?;
        Some(self.amount.currency().minor(minor))
    }
}

/// A day and what was sold on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// The day, as the shop's calendar has it.
    pub date: Date,
    /// What was sold.
    pub sales: Sales,
}

/// A product that sold well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopProduct {
    /// Its place in the shop's addresses when it was last bought.
    pub slug: Slug,
    /// Its title then.
    pub title: String,
    /// Pieces sold, less those refunded.
    pub pieces: i64,
    /// What they came to, less what was given back.
    pub amount: Money,
}

/// What there is to do. Each is counted up to [`Total::CAP`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToDo {
    /// Orders to pack.
    pub to_pack: Total,
    /// Of these, those promised for today or earlier.
    pub due_today: Total,
    /// Orders whose money is awaited.
    pub to_pay: Total,
    /// Orders with a payment that needs a person's look.
    pub to_review: Total,
    /// Products running out.
    pub low_stock: Total,
    /// Mails that could not be sent.
    pub failed_mails: Total,
    /// Jobs that were given up.
    pub dead_jobs: Total,
}

/// The figures of the first page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// Today, so far.
    pub today: Sales,
    /// The same weekday a week before, up to the same time of day.
    pub week_before: Sales,
    /// The last [`DAYS`] days, the earliest first; the last of them is today and not over.
    pub days: Vec<Day>,
    /// The [`DAYS`] days before those.
    pub days_before: Vec<Day>,
    /// What sold best in the last 30 days, today among them; of the latest 2,000 orders, if there were more.
    pub top: Vec<TopProduct>,
}

/// What was sold lately. Three statements, however much it was.
pub fn figures(tx: &mut Tx<'_>, now: Timestamp, settings: &Settings) -> Result<Figures, Internal> {
    let currency = settings.selling.currency;
    let calendar = Calendar::at(now, &settings.shop.zone())?;
    let count = i64::try_from(DAYS.saturating_mul(2)).unwrap_or(i64::MAX);
    let dates = (0..count)
        .rev()
        .map(|back| calendar.date(back))
        .collect::<Result<Vec<Date>, _>>()?;
    let mut spans = dates
        .iter()
        .map(|date| calendar.span(*date))
        .collect::<Result<Vec<_>, _>>()?;
    spans.push(calendar.week_before()?);

    let mut sales = sales_in(tx, currency, &spans)?;
    let nothing = Sales {
        amount: currency.zero(),
        orders: 0,
    };
    let week_before = sales.pop().unwrap_or(nothing);
    let mut days: Vec<Day> = dates
        .into_iter()
        .zip(sales)
        .map(|(date, sales)| Day { date, sales })
        .collect();
    let recent = days.split_off(DAYS.min(days.len()));
    let (from, _) = calendar.span(calendar.date(i64::from(TOP_DAYS.saturating_sub(1)))?)?;
    Ok(Figures {
        today: recent.last().map_or(nothing, |day| day.sales),
        week_before,
        days: recent,
        days_before: days,
        top: top_products(tx, currency, from)?,
    })
}

/// What there is to do. Eight statements, each counting no further than it must.
pub fn to_do(tx: &mut Tx<'_>, now: Timestamp, settings: &Settings) -> Result<ToDo, Internal> {
    let calendar = Calendar::at(now, &settings.shop.zone())?;
    let (_, tomorrow) = calendar.span(calendar.date(0)?)?;
    let dead = jobs::count_dead(tx, Total::CAP.saturating_add(1))?;
    Ok(ToDo {
        to_pack: count_orders(tx, OrderView::ToPack)?,
        due_today: count_due(tx, tomorrow)?,
        to_pay: count_orders(tx, OrderView::ToPay)?,
        to_review: count_orders(tx, OrderView::ToReview)?,
        low_stock: count_low_stock(tx, settings.selling.low_stock_at)?,
        failed_mails: count_failed_mails(tx)?,
        dead_jobs: Total::capped(dead),
    })
}

/// The shop's days as seen from one moment.
struct Calendar {
    now: ZonedDateTime,
}

type Span = (Timestamp, Timestamp);

impl Calendar {
    fn at(now: Timestamp, zone: &TimeZone) -> Result<Self, Internal> {
        let now = jiff::Timestamp::from_millisecond(now.millis())
            .map_err(|error| no_such_time(&error))?;
        Ok(Self {
            now: now.to_zoned_datetime(zone.clone()),
        })
    }

    /// The day so many days ago.
    fn date(&self, days_ago: i64) -> Result<Date, Internal> {
        let ago = days_ago.days();
        self.now
            .date()
            .checked_sub(ago)
            .map_err(|error| no_such_time(&error))
    }

    /// From the beginning of a day to that of the next; where clocks skip midnight, a day begins after the gap.
    fn span(&self, date: Date) -> Result<Span, Internal> {
        let next = date.tomorrow().map_err(|error| no_such_time(&error))?;
        Ok((self.start(date)?, self.start(next)?))
    }

    fn start(&self, date: Date) -> Result<Timestamp, Internal> {
        let start = date
            .to_zoned_datetime(self.now.time_zone().clone())
            .map_err(|error| no_such_time(&error))?;
        Ok(instant(&start))
    }

    /// The same weekday a week before, up to this time by the clock on the wall.
    fn week_before(&self) -> Result<Span, Internal> {
        let then = self
            .now
            .checked_sub(1.week())
            .map_err(|error| no_such_time(&error))?;
        Ok((self.start(then.date())?, instant(&then)))
    }
}

fn instant(zoned: &ZonedDateTime) -> Timestamp {
    Timestamp::from_millis(zoned.timestamp().as_millisecond())
}

/// The calendar ends in the year 9999.
fn no_such_time(error: &jiff::Error) -> Internal {
    Internal::bug(format!("no such time: {error}"))
}

/// What was sold in each of these spans of time. One statement.
fn sales_in(tx: &mut Tx<'_>, currency: Currency, spans: &[Span]) -> Result<Vec<Sales>, DbError> {
    let mut parameters: Vec<Value> = params![currency].to_vec();
    let mut rows = Vec::with_capacity(spans.len());
    for (number, (from, to)) in spans.iter().enumerate() {
        parameters.extend([from.to_value(), to.to_value()]);
        let last = parameters.len();
        rows.push(format!(
            "({number}, CAST(${} AS BIGINT), CAST(${last} AS BIGINT))",
            last.saturating_sub(1)
        ));
    }
    let sums: Vec<(i64, u32, i64)> = tx.query(
        &format!(
            "WITH spans (place, from_at, to_at) AS (VALUES {})
             SELECT span.place, COUNT(o.net_minor), CAST(COALESCE(SUM(o.net_minor), 0) AS BIGINT)
               FROM spans span
               LEFT JOIN orders o ON o.placed_at >= span.from_at AND o.placed_at < span.to_at AND o.currency = $1
              GROUP BY span.place
              ORDER BY span.place",
            rows.join(", ")
        ),
        &parameters,
    )?;
    Ok(sums
        .into_iter()
        .map(|(_, orders, minor)| Sales {
            amount: currency.minor(minor),
            orders,
        })
        .collect())
}

/// What sold best since then. Two statements.
fn top_products(
    tx: &mut Tx<'_>,
    currency: Currency,
    since: Timestamp,
) -> Result<Vec<TopProduct>, DbError> {
    let best: Vec<(Slug, i64, i64)> = tx.query(
        "SELECT l.product_slug, CAST(SUM(l.quantity - l.refunded_quantity) AS BIGINT) AS pieces,
                CAST(SUM(l.total_minor - l.refunded_minor) AS BIGINT) AS minor
           FROM (SELECT id FROM orders
                  WHERE placed_at >= $1 AND net_minor IS NOT NULL AND currency = $2
                  ORDER BY placed_at DESC, id DESC LIMIT $3) AS latest
           JOIN order_lines l ON l.order_id = latest.id
          GROUP BY l.product_slug
         HAVING SUM(l.quantity - l.refunded_quantity) > 0
          ORDER BY minor DESC, pieces DESC, l.product_slug
          LIMIT $4",
        params![since, currency, TOP_ORDERS, TOP],
    )?;
    let slugs: Vec<Value> = best.iter().map(|(slug, _, _)| slug.to_value()).collect();
    let titles: Vec<(Slug, String)> = tx.query(
        &format!(
            "SELECT slug, title FROM products WHERE slug IN ({})",
            in_list(1, slugs.len())
        ),
        &slugs,
    )?;
    let title_of = |slug: &Slug| {
        let known = titles.iter().find(|(other, _)| other == slug);
        known.map_or_else(|| slug.as_str().to_owned(), |(_, title)| title.clone())
    };
    Ok(best
        .into_iter()
        .map(|(slug, pieces, minor)| TopProduct {
            title: title_of(&slug),
            slug,
            pieces,
            amount: currency.minor(minor),
        })
        .collect())
}

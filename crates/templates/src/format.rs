//! How a language writes amounts, counts and dates. The one place that knows; everything else asks here.
//!
//! English follows CLDR for amounts (checked against ECMA-402's `Intl` in the tests) and the shop's own voice for dates:
//! "Wed 25 November", figures, no comma after the weekday. A language is added as a variant of [`Language`]; the compiler
//! then points at everything it must say.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};
use kernel::Money;

/// A language with its own words for amounts, counts and dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    English,
}

/// How an amount is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MoneyStyle {
    /// `€68`, `€12.50`: no decimals where they are all zero.
    #[default]
    Plain,
    /// `€68.00`: always the currency's decimals, for columns and documents.
    Full,
}

/// How a day is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateStyle {
    /// `Wed 25 November`.
    #[default]
    Day,
    /// `Wed 25 Nov`.
    Short,
    /// `Wednesday 25 November 2026`.
    Full,
    /// `2026-11-25`.
    Iso,
}

/// Between the digits of a number and what belongs to it: never the end of a line.
const NO_BREAK_SPACE: char = '\u{a0}';

impl Language {
    /// The language of a BCP 47 tag such as `en-GB`; `None` for one nobody taught us yet.
    pub fn of(tag: &str) -> Option<Self> {
        match tag.split(['-', '_']).next() {
            Some(primary) if primary.eq_ignore_ascii_case("en") => Some(Self::English),
            _ => None,
        }
    }

    /// The CLDR plural category of a whole number: the suffix of a key of `t(…, count=n)`.
    pub fn plural(self, count: i64) -> &'static str {
        match self {
            Self::English => {
                if count == 1 {
                    "one"
                } else {
                    "other"
                }
            }
        }
    }

    /// A count with its thousands apart: `1,200`.
    pub fn number(self, number: i64) -> String {
        match self {
            Self::English => {
                let sign = if number < 0 { "-" } else { "" };
                format!("{sign}{}", grouped(&number.unsigned_abs().to_string(), ','))
            }
        }
    }

    /// An amount with its currency.
    pub fn money(self, money: Money, style: MoneyStyle) -> String {
        let decimal = money.to_decimal();
        let digits = decimal.strip_prefix('-').unwrap_or(&decimal);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let sign = if money.is_negative() { "-" } else { "" };
        match self {
            Self::English => {
                let symbol = english_symbol(money.currency().code());
                // Letters need air before the digits; a sign does not.
                let gap = if symbol.ends_with(char::is_alphabetic) {
                    NO_BREAK_SPACE.to_string()
                } else {
                    String::new()
                };
                let whole = grouped(whole, ',');
                let plain = style == MoneyStyle::Plain && fraction.bytes().all(|b| b == b'0');
                if fraction.is_empty() || plain {
                    format!("{sign}{symbol}{gap}{whole}")
                } else {
                    format!("{sign}{symbol}{gap}{whole}.{fraction}")
                }
            }
        }
    }

    /// A day.
    pub fn date(self, date: Date, style: DateStyle) -> String {
        match self {
            Self::English => {
                let day = date.day();
                let weekday = english_weekday(date.weekday());
                let month = english_month(date.month());
                match style {
                    DateStyle::Day => format!("{} {day} {month}", first_three(weekday)),
                    DateStyle::Short => {
                        format!("{} {day} {}", first_three(weekday), first_three(month))
                    }
                    DateStyle::Full => format!("{weekday} {day} {month} {}", date.year()),
                    DateStyle::Iso => date.to_string(),
                }
            }
        }
    }

    /// A moment: `Wed 25 November, 14:05`.
    pub fn moment(self, at: &ZonedDateTime) -> String {
        match self {
            Self::English => format!(
                "{}, {:02}:{:02}",
                self.date(at.date(), DateStyle::Day),
                at.hour(),
                at.minute()
            ),
        }
    }

    /// The days from `first` to `last`: `Wed 25 to Thu 26 November`; one day by itself.
    pub fn date_range(self, first: Date, last: Date) -> String {
        match self {
            Self::English => {
                let end = self.date(last, DateStyle::Day);
                if first == last {
                    end
                } else if (first.year(), first.month()) == (last.year(), last.month()) {
                    format!(
                        "{} {} to {end}",
                        first_three(english_weekday(first.weekday())),
                        first.day()
                    )
                } else {
                    format!("{} to {end}", self.date(first, DateStyle::Day))
                }
            }
        }
    }
}

/// A moment of the shop's clock in the shop's zone; `None` outside the years people write.
pub fn in_zone(at: kernel::Timestamp, zone: &TimeZone) -> Option<ZonedDateTime> {
    Timestamp::from_millisecond(at.millis())
        .ok()
        .map(|instant| instant.to_zoned_datetime(zone.clone()))
}

/// A moment for machines: RFC 3339 with the zone's offset.
pub fn rfc3339(at: &ZonedDateTime) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// Digits in groups of three.
fn grouped(digits: &str, separator: char) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(separator);
        }
        out.push(digit);
    }
    out
}

/// What English writes before an amount (CLDR 48, locale `en`): a symbol where there is one everybody reads, else the code.
fn english_symbol(code: &'static str) -> &'static str {
    match code {
        "AUD" => "A$",
        "BRL" => "R$",
        "CAD" => "CA$",
        "CNY" => "CN¥",
        "EUR" => "€",
        "GBP" => "£",
        "HKD" => "HK$",
        "ILS" => "₪",
        "INR" => "₹",
        "JPY" => "¥",
        "KRW" => "₩",
        "MXN" => "MX$",
        "NZD" => "NZ$",
        "PHP" => "₱",
        "TWD" => "NT$",
        "USD" => "$",
        "VND" => "₫",
        "XAF" => "FCFA",
        "XCD" => "EC$",
        "XOF" => "F\u{202f}CFA",
        "XPF" => "CFPF",
        other => other,
    }
}

fn english_weekday(weekday: Weekday) -> &'static str {
    match weekday {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

fn english_month(month: i8) -> &'static str {
    match month {
        1 => "January",
        2 => "February",
        3 => "March",
        4 => "April",
        5 => "May",
        6 => "June",
        7 => "July",
        8 => "August",
        9 => "September",
        10 => "October",
        11 => "November",
        _ => "December",
    }
}

/// The abbreviation of an English weekday or month. (British `Intl` writes "Sept"; three letters keep columns even.)
fn first_three(word: &str) -> &str {
    word.get(..3).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use kernel::Currency;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Oracle {
        money: Vec<(String, i64, String, String)>,
        /// Zone, moment; weekday (short and long), day, month, year, time.
        dates: Vec<(String, i64, [String; 6])>,
    }

    fn oracle() -> Oracle {
        serde_json::from_str(include_str!("../fixtures/intl-en.json")).unwrap()
    }

    #[test]
    fn amounts_are_written_as_intl_writes_them_in_english() {
        let cases = oracle().money;
        assert!(cases.len() > 600);
        for (code, minor, plain, full) in cases {
            let money = Currency::parse(&code).unwrap().minor(minor);
            assert_eq!(
                Language::English.money(money, MoneyStyle::Plain),
                plain,
                "{code} {minor}"
            );
            assert_eq!(
                Language::English.money(money, MoneyStyle::Full),
                full,
                "{code} {minor}"
            );
        }
    }

    #[test]
    fn days_are_those_of_the_shops_own_zone_as_intl_has_them() {
        for (zone, at, [weekday, long_weekday, day, month, year, time]) in oracle().dates {
            let zone = TimeZone::get(&zone).unwrap();
            let at = in_zone(kernel::Timestamp::from_millis(at), &zone).unwrap();
            assert_eq!(
                Language::English.date(at.date(), DateStyle::Day),
                format!("{weekday} {day} {month}")
            );
            assert_eq!(
                Language::English.date(at.date(), DateStyle::Full),
                format!("{long_weekday} {day} {month} {year}")
            );
            assert_eq!(
                Language::English.moment(&at),
                format!("{weekday} {day} {month}, {time}")
            );
        }
    }

    #[test]
    fn a_promise_over_several_days_names_the_month_once() {
        let range = |a, b| Language::English.date_range(a, b);
        assert_eq!(
            range(date(2026, 11, 25), date(2026, 11, 26)),
            "Wed 25 to Thu 26 November"
        );
        assert_eq!(
            range(date(2026, 11, 25), date(2026, 11, 25)),
            "Wed 25 November"
        );
        assert_eq!(
            range(date(2026, 11, 30), date(2026, 12, 1)),
            "Mon 30 November to Tue 1 December"
        );
        assert_eq!(
            range(date(2026, 12, 31), date(2027, 12, 1)),
            "Thu 31 December to Wed 1 December"
        );
    }

    #[test]
    fn machines_get_the_zones_offset() {
        let zone = TimeZone::get("Europe/Amsterdam").unwrap();
        let at = in_zone(kernel::Timestamp::from_millis(1_795_428_000_000), &zone).unwrap();
        assert_eq!(rfc3339(&at), "2026-11-23T11:00:00+01:00");
    }

    #[test]
    fn the_largest_amount_can_be_written() {
        let money = Currency::EUR.minor(i64::MIN);
        assert_eq!(
            Language::English.money(money, MoneyStyle::Plain),
            "-€92,233,720,368,547,758.08"
        );
        assert_eq!(
            Language::English.number(i64::MIN),
            "-9,223,372,036,854,775,808"
        );
        assert_eq!(Language::English.number(999), "999");
        assert_eq!(Language::English.number(1_000), "1,000");
    }

    #[test]
    fn one_is_one_and_all_else_is_other() {
        assert_eq!(
            [0, 1, 2, 11, 21].map(|n| Language::English.plural(n)),
            ["other", "one", "other", "other", "other"]
        );
        assert_eq!(Language::of("en-GB"), Some(Language::English));
        assert_eq!(Language::of("eno"), None);
    }
}

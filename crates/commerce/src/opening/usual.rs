//! What is usual in a country: its time zone, its currency and its rates of value added tax.
//!
//! The rates are those in force in November 2026. Those of the Union's members follow the European Commission's "Taxes in
//! Europe" database (Your Europe, "VAT rules and rates"), with what changed last: Estonia 24 % since July 2025, Finland
//! 25.5 % since September 2024 and 13.5 % instead of 14 % since January 2026, Lithuania 12 % instead of 9 % since January
//! 2026, Romania 21 % and 11 % since August 2025, Slovakia 23 % since January 2025, Sweden 6 % instead of 12 % on food from
//! April 2026 to December 2027. Those of Iceland (Skatturinn), Norway (Skatteetaten: food at 15 %), Switzerland (Federal Tax
//! Administration, since January 2024) and the United Kingdom (HMRC) are their tax authorities'.
//!
//! Where a country has several reduced rates, it is the one that goods on a shop's shelf most often fall under. A merchant
//! looks at them before opening: which goods a reduced rate is for differs from country to country.

use kernel::{Country, Currency};

/// Country, time zone, standard and reduced rate in hundredths of a per cent.
type Row = (&'static str, &'static str, i64, Option<i64>);

const VAT: &[Row] = &[
    ("AT", "Europe/Vienna", 2_000, Some(1_000)),
    ("BE", "Europe/Brussels", 2_100, Some(600)),
    ("BG", "Europe/Sofia", 2_000, Some(900)),
    ("CH", "Europe/Zurich", 810, Some(260)),
    ("CY", "Asia/Nicosia", 1_900, Some(500)),
    ("CZ", "Europe/Prague", 2_100, Some(1_200)),
    ("DE", "Europe/Berlin", 1_900, Some(700)),
    ("DK", "Europe/Copenhagen", 2_500, None),
    ("EE", "Europe/Tallinn", 2_400, Some(900)),
    ("ES", "Europe/Madrid", 2_100, Some(1_000)),
    ("FI", "Europe/Helsinki", 2_550, Some(1_350)),
    ("FR", "Europe/Paris", 2_000, Some(550)),
    ("GB", "Europe/London", 2_000, Some(500)),
    ("GR", "Europe/Athens", 2_400, Some(1_300)),
    ("HR", "Europe/Zagreb", 2_500, Some(500)),
    ("HU", "Europe/Budapest", 2_700, Some(500)),
    ("IE", "Europe/Dublin", 2_300, Some(1_350)),
    ("IS", "Atlantic/Reykjavik", 2_400, Some(1_100)),
    ("IT", "Europe/Rome", 2_200, Some(1_000)),
    ("LT", "Europe/Vilnius", 2_100, Some(1_200)),
    ("LU", "Europe/Luxembourg", 1_700, Some(800)),
    ("LV", "Europe/Riga", 2_100, Some(1_200)),
    ("MT", "Europe/Malta", 1_800, Some(500)),
    ("NL", "Europe/Amsterdam", 2_100, Some(900)),
    ("NO", "Europe/Oslo", 2_500, Some(1_500)),
    ("PL", "Europe/Warsaw", 2_300, Some(800)),
    ("PT", "Europe/Lisbon", 2_300, Some(600)),
    ("RO", "Europe/Bucharest", 2_100, Some(1_100)),
    ("SE", "Europe/Stockholm", 2_500, Some(600)),
    ("SI", "Europe/Ljubljana", 2_200, Some(950)),
    ("SK", "Europe/Bratislava", 2_300, Some(500)),
];

/// Zones of other countries; of one with several, the zone most people live in.
const ZONES: &[(&str, &str)] = &[
    ("AE", "Asia/Dubai"),
    ("AR", "America/Argentina/Buenos_Aires"),
    ("AU", "Australia/Sydney"),
    ("BR", "America/Sao_Paulo"),
    ("CA", "America/Toronto"),
    ("CL", "America/Santiago"),
    ("CN", "Asia/Shanghai"),
    ("CO", "America/Bogota"),
    ("HK", "Asia/Hong_Kong"),
    ("ID", "Asia/Jakarta"),
    ("IL", "Asia/Jerusalem"),
    ("IN", "Asia/Kolkata"),
    ("JP", "Asia/Tokyo"),
    ("KE", "Africa/Nairobi"),
    ("KR", "Asia/Seoul"),
    ("MA", "Africa/Casablanca"),
    ("MX", "America/Mexico_City"),
    ("MY", "Asia/Kuala_Lumpur"),
    ("NG", "Africa/Lagos"),
    ("NZ", "Pacific/Auckland"),
    ("PE", "America/Lima"),
    ("PH", "Asia/Manila"),
    ("RS", "Europe/Belgrade"),
    ("SG", "Asia/Singapore"),
    ("TH", "Asia/Bangkok"),
    ("TR", "Europe/Istanbul"),
    ("TW", "Asia/Taipei"),
    ("UA", "Europe/Kyiv"),
    ("US", "America/New_York"),
    ("VN", "Asia/Ho_Chi_Minh"),
    ("ZA", "Africa/Johannesburg"),
];

/// Members of the euro area, Bulgaria since January 2026.
const EURO: &[&str] = &[
    "AT", "BE", "BG", "CY", "DE", "EE", "ES", "FI", "FR", "GR", "HR", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PT", "SI", "SK",
];

const CURRENCIES: &[(&str, &str)] = &[
    ("AU", "AUD"),
    ("CA", "CAD"),
    ("CH", "CHF"),
    ("CZ", "CZK"),
    ("DK", "DKK"),
    ("GB", "GBP"),
    ("HU", "HUF"),
    ("IS", "ISK"),
    ("JP", "JPY"),
    ("NO", "NOK"),
    ("NZ", "NZD"),
    ("PL", "PLN"),
    ("RO", "RON"),
    ("SE", "SEK"),
    ("US", "USD"),
];

/// The zone of a country; UTC where we do not know better.
pub fn usual_time_zone(country: Country) -> &'static str {
    let vat = VAT.iter().map(|row| (row.0, row.1));
    vat.chain(ZONES.iter().copied())
        .find(|(code, _)| *code == country.code())
        .map_or("UTC", |(_, zone)| zone)
}

/// The currency of a country, where we know it.
pub fn usual_currency(country: Country) -> Option<Currency> {
    if EURO.contains(&country.code()) {
        return Some(Currency::EUR);
    }
    let found = CURRENCIES.iter().find(|(code, _)| *code == country.code());
    found.and_then(|(_, currency)| Currency::parse(currency).ok())
}

/// Whether prices on the shelf contain the tax: almost everywhere, but not where each state and city adds its own.
pub(super) fn prices_include_tax(country: Country) -> bool {
    !matches!(country.code(), "US" | "CA")
}

/// Rates by class; none for a country we do not know them of.
pub(super) fn rates(country: Country) -> Vec<(&'static str, i64)> {
    let Some((_, _, standard, reduced)) = VAT.iter().find(|row| row.0 == country.code()) else {
        return Vec::new();
    };
    let reduced = reduced.map(|bps| ("reduced", bps));
    std::iter::once(("standard", *standard))
        .chain(reduced)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_zone_country_and_currency_of_the_tables_exists() {
        let zones = VAT.iter().map(|row| (row.0, row.1));
        for (code, zone) in zones.chain(ZONES.iter().copied()) {
            assert!(Country::parse(code).is_ok(), "{code}");
            assert!(jiff::tz::TimeZone::get(zone).is_ok(), "{zone}");
        }
        for (code, currency) in CURRENCIES {
            assert!(Country::parse(code).is_ok(), "{code}");
            assert!(Currency::parse(currency).is_ok(), "{currency}");
        }
        for pair in VAT.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{pair:?}");
        }
    }

    #[test]
    fn all_members_of_the_union_have_a_rate_of_at_least_fifteen_per_cent() {
        let union = [
            "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
            "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
        ];
        for code in union {
            let rates = rates(Country::parse(code).unwrap());
            assert!(
                rates
                    .iter()
                    .any(|rate| rate.0 == "standard" && rate.1 >= 1_500),
                "{code}"
            );
            assert!(
                rates
                    .iter()
                    .all(|rate| rate.0 == "standard" || rate.1 >= 500),
                "{code}"
            );
        }
    }

    #[test]
    fn the_rates_that_changed_last_are_the_ones_in_force() {
        let now = [
            ("EE", 2_400, 900),
            ("FI", 2_550, 1_350),
            ("LT", 2_100, 1_200),
            ("RO", 2_100, 1_100),
            ("SE", 2_500, 600),
            ("SK", 2_300, 500),
        ];
        for (code, standard, reduced) in now {
            let rates = rates(Country::parse(code).unwrap());
            assert_eq!(
                rates,
                [("standard", standard), ("reduced", reduced)],
                "{code}"
            );
        }
    }

    #[test]
    fn a_country_we_know_nothing_about_gets_utc_and_no_rates() {
        let tuvalu = Country::parse("TV").unwrap();
        assert_eq!(usual_time_zone(tuvalu), "UTC");
        assert_eq!(usual_currency(tuvalu), None);
        assert!(rates(tuvalu).is_empty());
    }
}

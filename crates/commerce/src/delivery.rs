//! Ways to deliver: zones of countries, methods with a rule for their price, pick-up places.

use db::{DbError, FromRow, Row, Tx, params};
use kernel::text::one_line;
use kernel::time::DAY;
use kernel::{
    Code, Coded, Country, Currency, DeliveryMethodId, DeliveryZoneId, LocationId, TextError,
    Timestamp,
};
use pricing::DeliveryRule;
use serde_json::json;

use crate::audit::{self, Change};
use crate::error::Internal;
use crate::internal_from;
use crate::settings::Settings;
use crate::shop::Shop;
use crate::staff::{Authorized, EditSettings};

pub mod desk;

/// A way to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryMethod {
    /// Its id.
    pub id: DeliveryMethodId,
    /// What the buyer reads.
    pub name: String,
    /// One more line for the buyer.
    pub description: String,
    /// How its price comes about.
    pub rule: DeliveryRule,
    /// In which currency.
    pub currency: Currency,
    /// Where to pick up; only for pick-up.
    pub location_id: Option<LocationId>,
    /// The fewest working days from dispatch to the door.
    pub min_days: i64,
    /// The most.
    pub max_days: i64,
}

impl FromRow for DeliveryMethod {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let rule: String = row.get("rule")?;
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            rule: serde_json::from_str(&rule).map_err(|_error| {
                DbError::from(kernel::stored::StoredError {
                    wanted: "a delivery rule",
                    found: rule.chars().take(60).collect(),
                })
            })?,
            currency: row.get("currency")?,
            location_id: row.get("location_id")?,
            min_days: row.get("min_days")?,
            max_days: row.get("max_days")?,
        })
    }
}

impl DeliveryMethod {
    /// Whether the buyer comes and gets it.
    pub fn is_pickup(&self) -> bool {
        matches!(self.rule.kind, pricing::DeliveryKind::Pickup)
    }
}

/// The ways to deliver to a country, cheapest places of the list first as the merchant ordered them. One statement.
pub fn methods_for(tx: &mut Tx<'_>, country: Country) -> Result<Vec<DeliveryMethod>, DbError> {
    tx.query(
        "SELECT m.id, m.name, m.description, m.rule, m.currency, m.location_id, m.min_days, m.max_days
           FROM delivery_methods m
           LEFT JOIN delivery_zone_countries z ON z.zone_id = m.zone_id AND z.country = $1
          WHERE m.active = $2 AND (m.zone_id IS NULL OR z.country IS NOT NULL)
          ORDER BY m.position, m.id
          LIMIT 50",
        params![country, true],
    )
}

/// The countries the shop delivers to.
pub fn countries(tx: &mut Tx<'_>) -> Result<Vec<Country>, DbError> {
    let rows: Vec<(Country,)> = tx.query(
        "SELECT country FROM delivery_zone_countries ORDER BY country LIMIT 300",
        params![],
    )?;
    Ok(rows.into_iter().map(|(country,)| country).collect())
}

/// When something ordered now arrives: the first and the last day of the promise, each at midday of the shop's zone.
///
/// Orders before the hour of dispatch leave the same working day, later ones the next; Saturdays and Sundays are no
/// working days.
pub fn promise(
    settings: &Settings,
    method: &DeliveryMethod,
    now: Timestamp,
) -> Option<(Timestamp, Timestamp)> {
    let zone = settings.shop.zone();
    let local = jiff::Timestamp::from_millisecond(now.millis())
        .ok()?
        .to_zoned_datetime(zone.clone());
    let mut day = local.date();
    if is_weekend(day) || local.hour() >= settings.selling.dispatch_until_hour {
        day = next_working_day(day)?;
    }
    let midday = |day: jiff::civil::Date| -> Option<Timestamp> {
        let zoned = day.at(12, 0, 0, 0).to_zoned_datetime(zone.clone()).ok()?;
        Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
    };
    Some((
        midday(working_days_after(day, method.min_days)?)?,
        midday(working_days_after(day, method.max_days)?)?,
    ))
}

/// How long until orders stop leaving today, in milliseconds; `None` if that is past or no working day.
pub fn until_dispatch(settings: &Settings, now: Timestamp) -> Option<i64> {
    let local = jiff::Timestamp::from_millisecond(now.millis())
        .ok()?
        .to_zoned_datetime(settings.shop.zone());
    if is_weekend(local.date()) {
        return None;
    }
    let until = local
        .date()
        .at(settings.selling.dispatch_until_hour, 0, 0, 0)
        .to_zoned_datetime(settings.shop.zone())
        .ok()?;
    let left = until
        .timestamp()
        .as_millisecond()
        .saturating_sub(now.millis());
    (0 < left && left < DAY).then_some(left)
}

fn is_weekend(day: jiff::civil::Date) -> bool {
    matches!(
        day.weekday(),
        jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday
    )
}

fn next_working_day(day: jiff::civil::Date) -> Option<jiff::civil::Date> {
    let mut day = day.tomorrow().ok()?;
    while is_weekend(day) {
        day = day.tomorrow().ok()?;
    }
    Some(day)
}

fn working_days_after(day: jiff::civil::Date, count: i64) -> Option<jiff::civil::Date> {
    (0..count.clamp(0, 120)).try_fold(day, |day, _| next_working_day(day))
}

/// A zone of countries with its ways to deliver.
#[derive(Debug, Clone)]
pub struct CreateZone {
    /// Its name, for staff.
    pub name: String,
    /// Its countries. A country belongs to one zone at most.
    pub countries: Vec<Country>,
}

/// A way to deliver to be.
#[derive(Debug, Clone)]
pub struct CreateMethod {
    /// For which zone; `None` for pick-up.
    pub zone_id: Option<DeliveryZoneId>,
    /// Where to pick up.
    pub location_id: Option<LocationId>,
    /// What the buyer reads.
    pub name: String,
    /// One more line.
    pub description: String,
    /// How its price comes about.
    pub rule: DeliveryRule,
    /// Working days from dispatch to the door, fewest and most.
    pub days: (i64, i64),
}

impl CreateMethod {
    /// The name, if this can be a way to deliver.
    fn check(&self) -> Result<String, CreateDeliveryError> {
        let name = one_line(&self.name, 80).map_err(CreateDeliveryError::BadName)?;
        let (min, max) = self.days;
        if !(0 <= min && min <= max && max <= 120) {
            return Err(CreateDeliveryError::BadDays);
        }
        self.rule.check().map_err(CreateDeliveryError::BadRule)?;
        Ok(name)
    }

    /// Holds the zone and the place it is for until all is written: nobody deletes them meanwhile.
    fn hold(&self, tx: &mut Tx<'_>) -> Result<(), CreateDeliveryError> {
        if let Some(zone) = &self.zone_id {
            let held = tx.execute(
                "UPDATE delivery_zones SET position = position WHERE id = $1",
                params![zone],
            )?;
            if held == 0 {
                return Err(CreateDeliveryError::ZoneGone);
            }
        }
        if let Some(place) = &self.location_id {
            let held = tx.execute(
                "UPDATE stock_locations SET position = position WHERE id = $1",
                params![place],
            )?;
            if held == 0 {
                return Err(CreateDeliveryError::PlaceGone);
            }
        }
        Ok(())
    }

    /// The shop's currency, if its prices are in it.
    fn currency(&self, tx: &mut Tx<'_>) -> Result<Currency, CreateDeliveryError> {
        let currency = crate::settings::load(tx)?.selling.currency;
        if self.rule.is_in(currency) {
            Ok(currency)
        } else {
            Err(CreateDeliveryError::OtherCurrency(currency))
        }
    }
}

/// Why a zone or method was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateDeliveryError {
    /// A country has a zone already.
    #[error("a country belongs to one zone; one of these has a zone already")]
    CountryTaken,
    /// The zone is not there any more.
    #[error("this zone was deleted meanwhile; choose another one")]
    ZoneGone,
    /// The place to pick up at is not there any more.
    #[error("this place is not there any more; choose another one")]
    PlaceGone,
    /// The name cannot be used.
    #[error("the name: {0}")]
    BadName(TextError),
    /// Amounts in another currency than the shop's.
    #[error("the prices must be in {0}")]
    OtherCurrency(Currency),
    /// The rule cannot be used.
    #[error("the price: {0}")]
    BadRule(pricing::DeliveryRuleError),
    /// The days are absurd.
    #[error("the days must be from 0 to 120, the fewest first")]
    BadDays,
    /// Not the caller's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl From<DbError> for CreateDeliveryError {
    fn from(error: DbError) -> Self {
        if error.is_unique_violation() {
            Self::CountryTaken
        } else {
            Self::Internal(error.into())
        }
    }
}
internal_from!(CreateDeliveryError: serde_json::Error);

impl Coded for CreateDeliveryError {
    fn code(&self) -> Code {
        match self {
            Self::CountryTaken => Code::Taken,
            Self::ZoneGone | Self::PlaceGone => Code::StaleState,
            Self::BadName(_) | Self::BadRule(_) | Self::OtherCurrency(_) | Self::BadDays => {
                Code::Invalid
            }
            Self::Internal(error) => error.code(),
        }
    }
}

/// Creates a zone.
pub async fn create_zone(
    shop: &Shop,
    by: Authorized<EditSettings>,
    cmd: CreateZone,
) -> Result<DeliveryZoneId, CreateDeliveryError> {
    let name = one_line(&cmd.name, 80).map_err(CreateDeliveryError::BadName)?;
    audit::change(shop, shop.act(by.actor()), move |tx, act| {
        let id = DeliveryZoneId::new(act.ids.as_ref());
        tx.execute(
            "INSERT INTO delivery_zones (id, name, position)
                 VALUES ($1, $2, (SELECT COALESCE(MAX(position), 0) + 1 FROM delivery_zones))",
            params![id, name],
        )?;
        for country in &cmd.countries {
            tx.execute(
                "INSERT INTO delivery_zone_countries (country, zone_id) VALUES ($1, $2)",
                params![country, id],
            )?;
        }
        let change = Change::new("delivery.create_zone", "zone", &id)
            .to(json!({ "name": name, "countries": cmd.countries }));
        Ok((id, change))
    })
    .await
}

/// Creates a way to deliver.
pub async fn create_method(
    shop: &Shop,
    by: Authorized<EditSettings>,
    cmd: CreateMethod,
) -> Result<DeliveryMethodId, CreateDeliveryError> {
    let name = cmd.check()?;
    let (min, max) = cmd.days;
    let rule = serde_json::to_string(&cmd.rule)?;
    audit::change(shop, shop.act(by.actor()), move |tx, act| {
            cmd.hold(tx)?;
            let currency = cmd.currency(tx)?;
            let id = DeliveryMethodId::new(act.ids.as_ref());
            tx.execute(
                "INSERT INTO delivery_methods
                   (id, zone_id, location_id, name, description, rule, currency, min_days, max_days, position, active)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, (SELECT COALESCE(MAX(position), 0) + 1 FROM delivery_methods), $10)",
                params![id, cmd.zone_id, cmd.location_id, name, cmd.description, rule, currency, min, max, true],
            )?;
            let told = json!({ "zone": cmd.zone_id, "location": cmd.location_id, "name": name, "rule": cmd.rule, "days": [min, max] });
            let change = Change::new("delivery.create_method", "delivery_method", &id).to(told);
            Ok((id, change))
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::on_both;
    use crate::testing::{euros, operator};
    use kernel::time::HOUR;

    fn method(days: (i64, i64)) -> DeliveryMethod {
        DeliveryMethod {
            id: DeliveryMethodId::new(&kernel::RandomIds),
            name: "Post".to_owned(),
            description: String::new(),
            rule: DeliveryRule {
                kind: pricing::DeliveryKind::Pickup,
                free_over: None,
            },
            currency: Currency::EUR,
            location_id: None,
            min_days: days.0,
            max_days: days.1,
        }
    }

    #[test]
    fn an_order_on_friday_evening_leaves_on_monday() {
        let settings = Settings::default();
        // Friday 27 November 2026, 17:00 in Amsterdam.
        let friday =
            Timestamp::from_millis(1_795_428_000_000).plus(4 * kernel::time::DAY + 6 * HOUR);
        assert_eq!(friday.to_string(), "2026-11-27T16:00:00Z");
        let (first, last) = promise(&settings, &method((1, 2)), friday).unwrap();
        assert_eq!(
            (first.to_string(), last.to_string()),
            (
                "2026-12-01T11:00:00Z".to_owned(),
                "2026-12-02T11:00:00Z".to_owned()
            )
        );
        assert_eq!(until_dispatch(&settings, friday), None);
    }

    #[test]
    fn an_order_in_the_morning_leaves_the_same_day() {
        let settings = Settings::default();
        let monday = Timestamp::from_millis(1_795_428_000_000);
        assert_eq!(
            promise(&settings, &method((1, 1)), monday)
                .unwrap()
                .0
                .to_string(),
            "2026-11-24T11:00:00Z"
        );
        assert_eq!(until_dispatch(&settings, monday), Some(4 * HOUR));
    }

    fn flat(cents: i64) -> DeliveryRule {
        DeliveryRule {
            kind: pricing::DeliveryKind::Flat {
                price: euros(cents),
            },
            free_over: None,
        }
    }

    fn way(zone_id: Option<DeliveryZoneId>, rule: DeliveryRule) -> CreateMethod {
        CreateMethod {
            zone_id,
            location_id: None,
            name: "Courier".to_owned(),
            description: "To the door".to_owned(),
            rule,
            days: (0, 1),
        }
    }

    on_both! {
        async fn a_country_has_the_ways_of_its_zone_and_pick_up(shop: &TestShop) {
            let country = |code| Country::parse(code).unwrap();
            let germany = CreateZone { name: "Germany".to_owned(), countries: vec![country("DE")] };
            let zone = create_zone(&shop.shop, operator().may(), germany).await.unwrap();
            create_method(&shop.shop, operator().may(), way(Some(zone), flat(1_500))).await.unwrap();
            shop.pickup().await;
            let names = |code| async move {
                let ways = shop.read(move |tx| Ok(methods_for(tx, country(code))?)).await;
                ways.into_iter().map(|way| way.name).collect::<Vec<_>>()
            };
            assert_eq!(names("DE").await, ["Courier", "Pick-up"]);
            assert_eq!(names("NL").await, ["Post", "Pick-up"]);
            assert_eq!(names("IS").await, ["Pick-up"]);
            assert_eq!(shop.read(|tx| Ok(countries(tx)?)).await, [country("BE"), country("DE"), country("NL")]);
        }

        async fn ways_that_cannot_be_are_refused_and_leave_nothing(shop: &TestShop) {
            let taken = CreateZone { name: "Again".to_owned(), countries: vec![Country::parse("DE").unwrap(), Country::parse("NL").unwrap()] };
            assert!(matches!(create_zone(&shop.shop, operator().may(), taken).await, Err(CreateDeliveryError::CountryTaken)));
            let create = |cmd| create_method(&shop.shop, operator().may(), cmd);
            assert!(matches!(create(CreateMethod { days: (2, 1), ..way(None, flat(1)) }).await, Err(CreateDeliveryError::BadDays)));
            assert!(matches!(create(CreateMethod { days: (-1, 1), ..way(None, flat(1)) }).await, Err(CreateDeliveryError::BadDays)));
            assert!(matches!(create(CreateMethod { name: " ".to_owned(), ..way(None, flat(1)) }).await, Err(CreateDeliveryError::BadName(_))));
            assert!(matches!(create(way(None, flat(-1))).await, Err(CreateDeliveryError::BadRule(_))));
            let yen = pricing::DeliveryKind::Flat { price: Currency::parse("JPY").unwrap().minor(500) };
            assert!(matches!(create(way(None, DeliveryRule { kind: yen, free_over: None })).await, Err(CreateDeliveryError::OtherCurrency(Currency::EUR))));
            assert_eq!(shop.rows::<(i64, i64)>("SELECT (SELECT COUNT(*) FROM delivery_zones), (SELECT COUNT(*) FROM delivery_methods)").await, [(1, 1)]);
        }
    }
}

//! Tax rates by country and class.

use db::{DbError, Tx, params};
use kernel::text::one_line;
use kernel::{Code, Coded, Country, Rate, TaxRateId, TextError};
use pricing::{TaxClass, TaxRates};
use serde_json::json;

use crate::audit::{self, Change};
use crate::error::Internal;
use crate::internal_from;
use crate::shop::{Act, Shop};
use crate::staff::{Authorized, EditSettings};

/// The rates that matter to a sale from `home` to `destination`. One statement.
pub fn rates_for(
    tx: &mut Tx<'_>,
    home: Country,
    destination: Country,
) -> Result<TaxRates, DbError> {
    let rows: Vec<(Country, String, String, i64)> = tx.query(
        "SELECT country, tax_class, name, rate_bps FROM tax_rates WHERE country = $1 OR country = $2 ORDER BY country, tax_class LIMIT 100",
        params![home, destination],
    )?;
    let mut rates = TaxRates::default();
    for (country, class, name, bps) in rows {
        rates.insert(country, TaxClass::new(class), name, Rate::basis_points(bps));
    }
    Ok(rates)
}

/// A rate to be.
#[derive(Debug, Clone)]
pub struct SetTaxRate {
    /// In which country.
    pub country: Country,
    /// For which class of goods.
    pub class: TaxClass,
    /// What the buyer reads: "VAT".
    pub name: String,
    /// How much.
    pub rate: Rate,
}

/// Sets the rate of a class in a country, new or changed. Orders placed keep the rate they were placed with.
pub async fn set_rate(
    shop: &Shop,
    by: Authorized<EditSettings>,
    cmd: SetTaxRate,
) -> Result<(), Internal> {
    audit::change(shop, shop.act(by.actor()), move |tx, act| {
        let before = find_rate(tx, cmd.country, cmd.class.as_str())?;
        write_rate(tx, act, &cmd)?;
        let change = Change::new(
            "tax.set_rate",
            "tax",
            format!("{}/{}", cmd.country, cmd.class.as_str()),
        );
        let change = match before {
            Some((name, bps)) => change.from(json!({ "name": name, "rate_bps": bps })),
            None => change,
        };
        Ok((
            (),
            change.to(json!({ "name": cmd.name, "rate_bps": cmd.rate.bps() })),
        ))
    })
    .await
}

/// All rates, by country and class. One statement.
pub fn list_rates(tx: &mut Tx<'_>) -> Result<Vec<SetTaxRate>, DbError> {
    let rows: Vec<(Country, String, String, i64)> = tx.query(
        "SELECT country, tax_class, name, rate_bps FROM tax_rates ORDER BY country, tax_class LIMIT 1000",
        params![],
    )?;
    Ok(rows
        .into_iter()
        .map(|(country, class, name, bps)| SetTaxRate {
            country,
            class: TaxClass::new(class),
            name,
            rate: Rate::basis_points(bps),
        })
        .collect())
}

/// Why a rate was not saved or removed.
#[derive(Debug, thiserror::Error)]
pub enum TaxError {
    /// Somebody else has changed it meanwhile.
    #[error("somebody else has changed this rate meanwhile; look at it again")]
    Stale,
    /// The country has a rate for this class.
    #[error("this country has a rate for this class already; change that one")]
    Taken,
    /// The name cannot be used.
    #[error("the name: {0}")]
    BadName(TextError),
    /// The class cannot be used.
    #[error("the class: {0}")]
    BadClass(TextError),
    /// The rate is absurd.
    #[error("enter a rate from 0 to 100 per cent")]
    BadRate,
    /// Not the caller's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}
internal_from!(TaxError: DbError);

impl Coded for TaxError {
    fn code(&self) -> Code {
        match self {
            Self::Stale => Code::StaleState,
            Self::Taken => Code::Taken,
            Self::BadName(_) | Self::BadClass(_) | Self::BadRate => Code::Invalid,
            Self::Internal(error) => error.code(),
        }
    }
}

/// Saves a rate that was seen as `seen`: none for a new one.
pub async fn save_rate(
    shop: &Shop,
    by: Authorized<EditSettings>,
    seen: Option<Rate>,
    cmd: SetTaxRate,
) -> Result<(), TaxError> {
    let name = one_line(&cmd.name, 40).map_err(TaxError::BadName)?;
    let class = one_line(cmd.class.as_str(), 40).map_err(TaxError::BadClass)?;
    let cmd = SetTaxRate {
        class: TaxClass::new(class.clone()),
        name: name.clone(),
        ..cmd
    };
    if !(0..=10_000).contains(&cmd.rate.bps()) {
        return Err(TaxError::BadRate);
    }
    audit::change(shop, shop.act(by.actor()), move |tx, act| {
        let before = find_rate(tx, cmd.country, &class)?;
        match (&before, seen) {
            (Some(_), None) => return Err(TaxError::Taken),
            (Some((_, bps)), Some(seen)) if *bps == seen.bps() => {}
            (None, None) => {}
            (Some(_) | None, Some(_)) => return Err(TaxError::Stale),
        }
        if before.as_ref() == Some(&(name.clone(), cmd.rate.bps())) {
            return Ok(((), Change::none()));
        }
        write_rate(tx, act, &cmd)?;
        let change = Change::new("tax.set_rate", "tax", format!("{}/{class}", cmd.country));
        let change = match before {
            Some((name, bps)) => change.from(json!({ "name": name, "rate_bps": bps })),
            None => change,
        };
        Ok((
            (),
            change.to(json!({ "name": name, "rate_bps": cmd.rate.bps() })),
        ))
    })
    .await
}

/// Takes a rate away: what is sold of this class to that country is not taxed from then on.
pub async fn remove_rate(
    shop: &Shop,
    by: Authorized<EditSettings>,
    (country, class): (Country, TaxClass),
    seen: Rate,
) -> Result<(), TaxError> {
    audit::change(shop, shop.act(by.actor()), move |tx, _act| {
        let Some((name, bps)) = find_rate(tx, country, class.as_str())? else {
            return Ok(((), Change::none()));
        };
        if bps != seen.bps() {
            return Err(TaxError::Stale);
        }
        tx.execute(
            "DELETE FROM tax_rates WHERE country = $1 AND tax_class = $2",
            params![country, class.as_str()],
        )?;
        let change = Change::new("tax.remove_rate", "tax", format!("{country}/{class}"))
            .from(json!({ "name": name, "rate_bps": bps }));
        Ok(((), change))
    })
    .await
}

/// Writes a rate, new or changed.
pub(crate) fn write_rate(tx: &mut Tx<'_>, act: &Act, rate: &SetTaxRate) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO tax_rates (id, country, tax_class, name, rate_bps) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (country, tax_class) DO UPDATE SET name = excluded.name, rate_bps = excluded.rate_bps",
        params![TaxRateId::new(act.ids.as_ref()), rate.country, rate.class.as_str(), rate.name, rate.rate.bps()],
    )?;
    Ok(())
}

fn find_rate(
    tx: &mut Tx<'_>,
    country: Country,
    class: &str,
) -> Result<Option<(String, i64)>, DbError> {
    tx.query_opt(
        "SELECT name, rate_bps FROM tax_rates WHERE country = $1 AND tax_class = $2",
        params![country, class],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::on_both;
    use crate::testing::operator;

    on_both! {
        async fn a_rate_set_again_is_the_new_one_and_other_countries_do_not_matter(shop: &TestShop) {
            let country = |code| Country::parse(code).unwrap();
            let set = |code, class: &'static str, bps| {
                let rate = SetTaxRate { country: country(code), class: TaxClass::new(class), name: "VAT".to_owned(), rate: Rate::basis_points(bps) };
                set_rate(&shop.shop, operator().may(), rate)
            };
            set("NL", "standard", 2_200).await.unwrap();
            set("BE", "standard", 2_100).await.unwrap();
            set("DE", "standard", 1_900).await.unwrap();
            let rates = shop.read(move |tx| Ok(rates_for(tx, country("NL"), country("BE"))?)).await;
            let bps = |code, class: &str| rates.find(country(code), &TaxClass::new(class)).map(|rule| rule.rate.bps());
            assert_eq!([bps("NL", "standard"), bps("NL", "reduced"), bps("BE", "standard"), bps("DE", "standard")], [Some(2_200), Some(900), Some(2_100), None]);
        }

        async fn a_rate_is_saved_and_removed_as_it_was_seen_only(shop: &TestShop) {
            let by = || operator().may();
            let austria = Country::parse("AT").unwrap();
            let vat = |bps| SetTaxRate { country: austria, class: TaxClass::new("standard"), name: "VAT".to_owned(), rate: Rate::basis_points(bps) };
            save_rate(&shop.shop, by(), None, vat(2_000)).await.unwrap();
            assert!(matches!(save_rate(&shop.shop, by(), None, vat(1_900)).await, Err(TaxError::Taken)));
            assert!(matches!(save_rate(&shop.shop, by(), Some(Rate::basis_points(1_000)), vat(1_900)).await, Err(TaxError::Stale)));
            save_rate(&shop.shop, by(), Some(Rate::basis_points(2_000)), vat(2_100)).await.unwrap();
            for absurd in [10_001, 100_000] {
                assert!(matches!(save_rate(&shop.shop, by(), Some(Rate::basis_points(2_100)), vat(absurd)).await, Err(TaxError::BadRate)));
            }
            let found = async || shop.read(move |tx| Ok(list_rates(tx)?.into_iter().find(|rate| rate.country == austria))).await;
            assert_eq!(found().await.map(|rate| rate.rate.bps()), Some(2_100));
            let class = || (austria, TaxClass::new("standard"));
            assert!(matches!(remove_rate(&shop.shop, by(), class(), Rate::basis_points(2_000)).await, Err(TaxError::Stale)));
            remove_rate(&shop.shop, by(), class(), Rate::basis_points(2_100)).await.unwrap();
            remove_rate(&shop.shop, by(), class(), Rate::basis_points(2_100)).await.unwrap();
            assert!(found().await.is_none());
            let told: Vec<(String,)> = shop.rows("SELECT action FROM audit WHERE subject = 'tax:AT/standard' ORDER BY sequence").await;
            assert_eq!(told.len(), 3, "{told:?}");
        }
    }
}

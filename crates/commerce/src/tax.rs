//! Tax rates by country and class.

use db::{DbError, Tx, params};
use kernel::{Country, Rate, TaxRateId};
use pricing::{TaxClass, TaxRates};
use serde_json::json;

use crate::audit::{self, Change};
use crate::error::Internal;
use crate::shop::Shop;
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
            let before: Option<(String, i64)> = tx.query_opt(
                "SELECT name, rate_bps FROM tax_rates WHERE country = $1 AND tax_class = $2",
                params![cmd.country, cmd.class.as_str()],
            )?;
            tx.execute(
                "INSERT INTO tax_rates (id, country, tax_class, name, rate_bps) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (country, tax_class) DO UPDATE SET name = excluded.name, rate_bps = excluded.rate_bps",
                params![TaxRateId::new(act.ids.as_ref()), cmd.country, cmd.class.as_str(), cmd.name, cmd.rate.bps()],
            )?;
            let change = Change::new("tax.set_rate", "tax", format!("{}/{}", cmd.country, cmd.class.as_str()));
            let change = match before {
                Some((name, bps)) => change.from(json!({ "name": name, "rate_bps": bps })),
                None => change,
            };
            Ok(((), change.to(json!({ "name": cmd.name, "rate_bps": cmd.rate.bps() }))))
        })
        .await
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
    }
}

//! Opening a new shop: what its owner says once, and what follows from it until somebody decides otherwise.

mod usual;

use db::DbError;
use kernel::text::one_line;
use kernel::{Code, Coded, Country, Currency, Rate, TextError};
use pricing::TaxClass;
use serde_json::json;

use crate::audit::{self, Change};
use crate::error::Internal;
use crate::internal_from;
use crate::settings::{self, SaveSettingsError};
use crate::shop::Shop;
use crate::staff::{Authorized, EditSettings};
use crate::tax::{self, SetTaxRate};

pub use usual::{usual_currency, usual_time_zone};

/// What a new shop's owner says about it.
#[derive(Debug, Clone)]
pub struct OpenShop {
    /// Its name.
    pub name: String,
    /// Where it is at home.
    pub country: Country,
    /// The currency of its prices.
    pub currency: Currency,
}

/// Why a shop was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenShopError {
    /// The name cannot be used.
    #[error("the shop's name: {0}")]
    BadName(TextError),
    /// Prices exist in another currency.
    #[error("products are priced in {0}; the currency cannot change while they are")]
    CurrencyInUse(Currency),
    /// Not the caller's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}
internal_from!(OpenShopError: DbError, serde_json::Error);

impl Coded for OpenShopError {
    fn code(&self) -> Code {
        match self {
            Self::BadName(_) => Code::Invalid,
            Self::CurrencyInUse(_) => Code::StaleState,
            Self::Internal(error) => error.code(),
        }
    }
}

impl From<SaveSettingsError> for OpenShopError {
    fn from(error: SaveSettingsError) -> Self {
        match error {
            SaveSettingsError::CurrencyInUse(currency) => Self::CurrencyInUse(currency),
            SaveSettingsError::NoName => Self::BadName(TextError::Empty),
            SaveSettingsError::Internal(error) => Self::Internal(error),
            SaveSettingsError::UnknownTimeZone(zone) => {
                Self::Internal(Internal::bug(format!("there is no time zone {zone}")))
            }
        }
    }
}

impl OpenShop {
    /// The name as it will be kept, or why it cannot be: to be asked before anything else is done.
    pub fn check(&self) -> Result<String, OpenShopError> {
        one_line(&self.name, 80).map_err(OpenShopError::BadName)
    }
}

/// Gives a new shop its name, its country's time zone and taxes, and its currency. What has a rate keeps it.
pub async fn open_shop(
    shop: &Shop,
    by: Authorized<EditSettings>,
    cmd: OpenShop,
) -> Result<(), OpenShopError> {
    let name = cmd.check()?;
    audit::change(shop, shop.act(by.actor()), move |tx, act| {
        let mut wanted = settings::load(tx)?;
        wanted.shop.name.clone_from(&name);
        usual_time_zone(cmd.country).clone_into(&mut wanted.shop.time_zone);
        wanted.selling.country = cmd.country;
        wanted.selling.currency = cmd.currency;
        wanted.selling.prices_include_tax = usual::prices_include_tax(cmd.country);
        settings::write_all(tx, act.now, &wanted)?;
        let known = tax::list_rates(tx)?;
        let rates = usual::rates(cmd.country);
        for (class, bps) in &rates {
            let class = TaxClass::new(*class);
            let there = known
                .iter()
                .any(|rate| rate.country == cmd.country && rate.class == class);
            if there {
                continue;
            }
            let rate = SetTaxRate {
                country: cmd.country,
                class,
                name: "VAT".to_owned(),
                rate: Rate::basis_points(*bps),
            };
            tax::write_rate(tx, act, &rate)?;
        }
        let change = Change::new("settings.open_shop", "settings", "shop").to(json!({
            "shop.name": name, "shop.time_zone": wanted.shop.time_zone, "selling.country": cmd.country,
            "selling.currency": cmd.currency.code(), "tax": rates.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        }));
        Ok(((), change))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::on_both;
    use crate::testing::{euros, operator};

    on_both! {
        async fn a_new_shop_has_the_zone_and_the_taxes_of_its_country(shop: &TestShop) {
            shop.tamper("DELETE FROM tax_rates").await;
            let finland = Country::parse("FI").unwrap();
            let open = OpenShop { name: "  Savi  ja  kahvi ".to_owned(), country: finland, currency: Currency::EUR };
            open_shop(&shop.shop, operator().may(), open).await.unwrap();
            let (settings, rates) = shop.read(move |tx| Ok((settings::load(tx)?, tax::list_rates(tx)?))).await;
            assert_eq!((settings.shop.name.as_str(), settings.shop.time_zone.as_str()), ("Savi ja kahvi", "Europe/Helsinki"));
            assert_eq!(settings.selling.country, finland);
            let rates: Vec<_> = rates.iter().map(|rate| (rate.country.code(), rate.class.as_str(), rate.rate.bps())).collect();
            assert_eq!(rates, [("FI", "reduced", 1_350), ("FI", "standard", 2_550)]);
        }

        async fn a_shop_that_has_prices_keeps_their_currency_and_a_nameless_one_is_refused(shop: &TestShop) {
            shop.product("Tarn vase", euros(6_800), 1).await;
            let before = shop.read(|tx| Ok(settings::load(tx)?)).await;
            let sweden = Country::parse("SE").unwrap();
            let crowns = Currency::parse("SEK").unwrap();
            let open = |name: &str, currency| open_shop(&shop.shop, operator().may(), OpenShop { name: name.to_owned(), country: sweden, currency });
            assert!(matches!(open("Lera", crowns).await, Err(OpenShopError::CurrencyInUse(Currency::EUR))));
            assert!(matches!(open(" ", Currency::EUR).await, Err(OpenShopError::BadName(TextError::Empty))));
            assert_eq!(shop.read(|tx| Ok(settings::load(tx)?)).await, before);
        }
    }
}

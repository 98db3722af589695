//! Opening a new shop: who owns it, what its owner says once, and what follows from it until somebody decides otherwise.

mod usual;

use std::collections::BTreeMap;

use db::{DbError, Tx};
use kernel::text::one_line;
use kernel::{Code, Coded, Country, Currency, Rate, TextError};
use pricing::TaxClass;
use serde_json::{Value as Json, json};

use crate::accounts::{self, ClaimError, ClaimShop, Role, SignedInNow};
use crate::audit::{self, Change};
use crate::error::Internal;
use crate::internal_from;
use crate::inventory::{self, AdjustStockError};
use crate::settings::{self, SaveSettingsError};
use crate::shop::{Act, Shop};
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
    /// What its first place for stock is called, if there is none yet: products can be counted from the first one on.
    pub location: String,
}

/// Why a shop was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenShopError {
    /// The name cannot be used.
    #[error("the shop's name: {0}")]
    BadName(TextError),
    /// The name of the place for stock cannot be used.
    #[error("the place that holds stock: {0}")]
    BadLocation(TextError),
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
            Self::BadName(_) | Self::BadLocation(_) => Code::Invalid,
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

impl From<AdjustStockError> for OpenShopError {
    fn from(error: AdjustStockError) -> Self {
        match error {
            AdjustStockError::BadReason(error) => Self::BadLocation(error),
            AdjustStockError::Internal(error) => Self::Internal(error),
            AdjustStockError::Promised { .. }
            | AdjustStockError::NotFound
            | AdjustStockError::BadKind(_)
            | AdjustStockError::BadChange => Self::Internal(Internal::bug(error.to_string())),
        }
    }
}

impl OpenShop {
    /// As it will be kept, or why it cannot be: to be asked before anything else is done.
    pub fn checked(self) -> Result<Self, OpenShopError> {
        Ok(Self {
            name: one_line(&self.name, 80).map_err(OpenShopError::BadName)?,
            location: one_line(&self.location, 80).map_err(OpenShopError::BadLocation)?,
            ..self
        })
    }
}

/// Why a shop was not claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimShopError {
    /// Its owner cannot claim it.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// It cannot open as they wish.
    #[error(transparent)]
    Open(#[from] OpenShopError),
}

impl From<DbError> for ClaimShopError {
    fn from(error: DbError) -> Self {
        Self::Claim(error.into())
    }
}

impl Coded for ClaimShopError {
    fn code(&self) -> Code {
        match self {
            Self::Claim(error) => error.code(),
            Self::Open(error) => error.code(),
        }
    }
}

/// Makes whoever holds the token the owner, opens the shop as they wish and signs them in: all of it or nothing. Of two at
/// once, one does.
pub async fn claim_shop(
    shop: &Shop,
    cmd: ClaimShop,
    open: OpenShop,
) -> Result<SignedInNow, ClaimShopError> {
    let open = open.checked()?;
    let claim = accounts::ready_claim(shop, cmd, &open.name).await?;
    audit::change(shop, shop.act(claim.actor()), move |tx, act| {
        // The claim comes first: nobody without the token decides anything.
        let now = accounts::claim(tx, act, &claim)?;
        let opened = open_shop(tx, act, &open)?;
        let change = Change::new("staff.claim_shop", "staff", claim.owner()).to(opened);
        Ok((now, change))
    })
    .await
}

/// Gives a new shop its name, its country's time zone and taxes, its currency and a first place for its stock; says what
/// that made of it. What has a rate keeps it, and whoever has a place for stock needs no other.
fn open_shop(tx: &mut Tx<'_>, act: &Act, open: &OpenShop) -> Result<Json, OpenShopError> {
    let mut wanted = settings::load(tx)?;
    wanted.shop.name.clone_from(&open.name);
    usual_time_zone(open.country).clone_into(&mut wanted.shop.time_zone);
    wanted.selling.country = open.country;
    wanted.selling.currency = open.currency;
    wanted.selling.prices_include_tax = usual::prices_include_tax(open.country);
    settings::write_all(tx, act.now, &wanted)?;
    let taxes = keep_usual_taxes(tx, act, open.country)?;
    let location = if inventory::locations(tx)?.is_empty() {
        Some(inventory::add_location(tx, act, &open.location)?.name)
    } else {
        None
    };
    Ok(json!({
        "role": Role::Owner, "shop.name": open.name, "shop.time_zone": wanted.shop.time_zone,
        "selling.country": open.country, "selling.currency": open.currency.code(), "tax": taxes, "location": location,
    }))
}

/// Writes the country's usual rates where there are none, and says which are usual.
fn keep_usual_taxes(
    tx: &mut Tx<'_>,
    act: &Act,
    country: Country,
) -> Result<BTreeMap<&'static str, i64>, OpenShopError> {
    let known = tax::list_rates(tx)?;
    let usual = usual::rates(country);
    for (class, bps) in &usual {
        let class = TaxClass::new(*class);
        let there = known
            .iter()
            .any(|rate| rate.country == country && rate.class == class);
        if there {
            continue;
        }
        let rate = SetTaxRate {
            country,
            class,
            name: "VAT".to_owned(),
            rate: Rate::basis_points(*bps),
        };
        tax::write_rate(tx, act, &rate)?;
    }
    Ok(usual.into_iter().collect())
}

#[cfg(test)]
mod tests;

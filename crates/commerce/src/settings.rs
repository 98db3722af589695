//! What the merchant decides: read whole at the start of a request, written whole, each section with its version.

use std::collections::HashMap;

use db::{DbError, Tx, params};
use jiff::tz::TimeZone;
use kernel::{Code, Coded, Country, Currency, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::audit::{self, Change};
use crate::error::Internal;
use crate::internal_from;
use crate::shop::Shop;
use crate::staff::{Authorized, EditSettings};

pub(crate) mod iban;
mod section;

pub use iban::IbanError;
pub use section::{
    Field, NewSection, SaveSectionError, Versions, Wrong, load_versioned, save_section,
};

/// All sections together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Who the shop is.
    pub shop: ShopSettings,
    /// How it sells.
    pub selling: SellingSettings,
    /// What its first page says.
    pub home: HomeSettings,
}

/// Who the shop is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ShopSettings {
    /// Its name, on every page and mail.
    pub name: String,
    /// One line under the name.
    pub tagline: Option<String>,
    /// One sentence saying what is sold.
    pub intro: Option<String>,
    /// A line above the header of every page.
    pub announcement: Option<String>,
    /// Where buyers write to.
    pub email: Option<String>,
    /// Where the shop is, line by line.
    pub address_lines: Vec<String>,
    /// The IANA name of the zone its days begin and end in.
    pub time_zone: String,
}

impl Default for ShopSettings {
    fn default() -> Self {
        Self {
            name: "New shop".to_owned(),
            tagline: None,
            intro: None,
            announcement: None,
            email: None,
            address_lines: Vec::new(),
            time_zone: "Europe/Amsterdam".to_owned(),
        }
    }
}

impl ShopSettings {
    /// The zone; UTC if the name means nothing to this machine.
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }
}

/// When authorised money is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapturePolicy {
    /// As soon as the order is placed.
    AtPlacement,
    /// When a person says so.
    ByHand,
}

/// How the shop sells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SellingSettings {
    /// Where the shop is at home: its taxes are in its prices.
    pub country: Country,
    /// The one currency of its prices.
    pub currency: Currency,
    /// Whether prices are shown with tax.
    pub prices_include_tax: bool,
    /// What a price with tax means to a buyer in another country.
    pub cross_border: pricing::CrossBorder,
    /// The words of the payment methods offered, in order. Only those whose gateway is there are shown.
    pub payment_methods: Vec<String>,
    /// When authorised money is taken.
    pub capture: CapturePolicy,
    /// After how many days an order that nobody paid is canceled.
    pub unpaid_days: u32,
    /// Whom a bank transfer goes to.
    pub bank: Option<BankAccount>,
    /// Days in which goods can be sent back.
    pub returns_days: Option<u32>,
    /// From this figure down, pages say how many are left.
    pub low_stock_at: u32,
    /// The hour of the shop's day until which orders leave the same working day.
    pub dispatch_until_hour: i8,
}

impl Default for SellingSettings {
    fn default() -> Self {
        Self {
            country: Country::parse("NL").expect("the Netherlands are a country"),
            currency: Currency::EUR,
            prices_include_tax: true,
            cross_border: pricing::CrossBorder::GrossFixed,
            payment_methods: vec!["test".to_owned(), "bank_transfer".to_owned()],
            capture: CapturePolicy::AtPlacement,
            unpaid_days: 14,
            bank: None,
            returns_days: None,
            low_stock_at: 5,
            dispatch_until_hour: 15,
        }
    }
}

/// Whom a bank transfer goes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankAccount {
    /// The account's holder.
    pub holder: String,
    /// The account's IBAN (ISO 13616).
    pub iban: String,
    /// The bank's BIC (ISO 9362), where it is needed.
    pub bic: Option<String>,
}

/// What the first page says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HomeSettings {
    /// The statement at the top.
    pub headline: Option<String>,
    /// One or two sentences below it.
    pub text: Option<String>,
    /// The product whose picture stands beside it.
    pub product_slug: Option<String>,
    /// The category its button leads to.
    pub category_slug: Option<String>,
    /// The collections shown as rows, in order.
    pub collection_slugs: Vec<String>,
    /// The title of the story band.
    pub story_title: Option<String>,
    /// Its text.
    pub story_text: Option<String>,
}

trait Section: Serialize + DeserializeOwned + Default {
    const NAME: &'static str;
}

impl Section for ShopSettings {
    const NAME: &'static str = "shop";
}
impl Section for SellingSettings {
    const NAME: &'static str = "selling";
}
impl Section for HomeSettings {
    const NAME: &'static str = "home";
}

/// All settings; a section never saved has its defaults. One statement.
pub fn load(tx: &mut Tx<'_>) -> Result<Settings, DbError> {
    let rows: Vec<(String, String)> = tx.query(
        "SELECT section, body FROM settings ORDER BY section LIMIT 50",
        params![],
    )?;
    let mut bodies: HashMap<String, String> = rows.into_iter().collect();
    Ok(Settings {
        shop: read(&mut bodies)?,
        selling: read(&mut bodies)?,
        home: read(&mut bodies)?,
    })
}

fn read<S: Section>(bodies: &mut HashMap<String, String>) -> Result<S, DbError> {
    let Some(body) = bodies.remove(S::NAME) else {
        return Ok(S::default());
    };
    serde_json::from_str(&body).map_err(|error| {
        tracing::error!(section = S::NAME, %error, "The stored settings of section {} cannot be read", S::NAME);
        DbError::from(kernel::stored::StoredError { wanted: "settings", found: format!("section {}", S::NAME) })
    })
}

/// Why settings were not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveSettingsError {
    /// The zone's name means nothing.
    #[error("there is no time zone {0:?}; use a name such as Europe/Amsterdam")]
    UnknownTimeZone(String),
    /// The shop has no name.
    #[error("the shop needs a name")]
    NoName,
    /// Prices exist in another currency.
    #[error("products are priced in {0}; the currency cannot change while they are")]
    CurrencyInUse(Currency),
    /// Not the caller's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}
internal_from!(SaveSettingsError: DbError, serde_json::Error);

impl Coded for SaveSettingsError {
    fn code(&self) -> Code {
        match self {
            Self::UnknownTimeZone(_) | Self::NoName => Code::Invalid,
            Self::CurrencyInUse(_) => Code::StaleState,
            Self::Internal(error) => error.code(),
        }
    }
}

/// Saves all sections.
pub async fn save(
    shop: &Shop,
    by: Authorized<EditSettings>,
    settings: Settings,
) -> Result<(), SaveSettingsError> {
    if TimeZone::get(&settings.shop.time_zone).is_err() {
        return Err(SaveSettingsError::UnknownTimeZone(settings.shop.time_zone));
    }
    if settings.shop.name.trim().is_empty() {
        return Err(SaveSettingsError::NoName);
    }
    audit::change(shop, shop.act(by.actor()), move |tx, act| {
        let before = load(tx)?;
        write_all(tx, act.now, &settings)?;
        let change = Change::new("settings.save", "settings", "shop")
            .between(told(&before)?, told(&settings)?);
        Ok(((), change))
    })
    .await
}

/// Writes all sections: for operations that decide more than settings.
pub(crate) fn write_all(
    tx: &mut Tx<'_>,
    now: Timestamp,
    settings: &Settings,
) -> Result<(), SaveSettingsError> {
    refuse_foreign_prices(tx, settings.selling.currency)?;
    write(tx, now, &settings.shop)?;
    write(tx, now, &settings.selling)?;
    write(tx, now, &settings.home)
}

/// A currency can only be the shop's while nothing is priced in another.
fn refuse_foreign_prices(tx: &mut Tx<'_>, wanted: Currency) -> Result<(), SaveSettingsError> {
    let foreign: Vec<(Currency,)> = tx.query(
        "SELECT currency FROM variants WHERE currency <> $1 LIMIT 1",
        params![wanted.code()],
    )?;
    match foreign.into_iter().next() {
        Some((currency,)) => Err(SaveSettingsError::CurrencyInUse(currency)),
        None => Ok(()),
    }
}

/// Every setting by its section and name, for the audit trail.
fn told(settings: &Settings) -> Result<Json, serde_json::Error> {
    let sections = [
        (ShopSettings::NAME, serde_json::to_value(&settings.shop)?),
        (
            SellingSettings::NAME,
            serde_json::to_value(&settings.selling)?,
        ),
        (HomeSettings::NAME, serde_json::to_value(&settings.home)?),
    ];
    let mut told = serde_json::Map::new();
    for (section, value) in sections {
        if let Json::Object(fields) = value {
            told.extend(
                fields
                    .into_iter()
                    .map(|(name, value)| (format!("{section}.{name}"), value)),
            );
        }
    }
    Ok(Json::Object(told))
}

fn write<S: Section>(
    tx: &mut Tx<'_>,
    now: Timestamp,
    section: &S,
) -> Result<(), SaveSettingsError> {
    let body = serde_json::to_string(section)?;
    tx.execute(
        "INSERT INTO settings (section, body, version, changed_at) VALUES ($1, $2, 1, $3)
         ON CONFLICT (section) DO UPDATE SET body = excluded.body, version = settings.version + 1, changed_at = excluded.changed_at",
        params![S::NAME, body, now],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::on_both;
    use crate::testing::{euros, operator};

    on_both! {
        async fn settings_read_back_as_they_were_saved_and_each_section_has_its_version(shop: &TestShop) {
            let mut wanted = shop.read(|tx| Ok(load(tx)?)).await;
            wanted.shop.tagline = Some("Pots of the north".to_owned());
            wanted.selling.unpaid_days = 3;
            wanted.home.collection_slugs = vec!["new".to_owned()];
            save(&shop.shop, operator().may(), wanted.clone()).await.unwrap();
            assert_eq!(shop.read(|tx| Ok(load(tx)?)).await, wanted);
            let versions: Vec<(String, i64)> = shop.rows("SELECT section, version FROM settings ORDER BY section").await;
            assert_eq!(versions.iter().map(|row| row.0.as_str()).collect::<Vec<_>>(), ["home", "selling", "shop"]);
            assert!(versions.iter().all(|row| row.1 == 2), "{versions:?}");
        }

        async fn settings_that_cannot_be_are_refused_and_change_nothing(shop: &TestShop) {
            shop.product("Tarn vase", euros(6_800), 1).await;
            let good = shop.read(|tx| Ok(load(tx)?)).await;
            let mut nowhere = good.clone();
            nowhere.shop.time_zone = "Europe/Atlantis".to_owned();
            assert!(matches!(save(&shop.shop, operator().may(), nowhere).await, Err(SaveSettingsError::UnknownTimeZone(zone)) if zone == "Europe/Atlantis"));
            let mut nameless = good.clone();
            nameless.shop.name = "  ".to_owned();
            assert!(matches!(save(&shop.shop, operator().may(), nameless).await, Err(SaveSettingsError::NoName)));
            let mut crowns = good.clone();
            crowns.selling.currency = Currency::parse("SEK").unwrap();
            assert!(matches!(save(&shop.shop, operator().may(), crowns).await, Err(SaveSettingsError::CurrencyInUse(Currency::EUR))));
            assert_eq!(shop.read(|tx| Ok(load(tx)?)).await, good);
        }

        async fn a_shop_that_saved_nothing_has_its_defaults_and_a_damaged_section_says_so(shop: &TestShop) {
            shop.tamper("DELETE FROM settings").await;
            assert_eq!(shop.read(|tx| Ok(load(tx)?)).await, Settings::default());
            shop.tamper("INSERT INTO settings (section, body, version, changed_at) VALUES ('shop', '{', 1, 1)").await;
            assert!(shop.shop.db.read(load).await.is_err());
        }

        async fn of_two_who_save_a_section_the_second_is_told_and_sections_do_not_wait_for_each_other(shop: &TestShop) {
            let (first, seen) = shop.read(|tx| Ok(load_versioned(tx)?)).await;
            let mut mine = first.shop.clone();
            mine.tagline = Some("  Pots of\tthe north ".to_owned());
            let version = save_section(&shop.shop, operator().may(), NewSection::Shop(mine.clone()), seen.shop).await.unwrap();
            assert_eq!(version, seen.shop + 1);
            mine.tagline = Some("Cups of the south".to_owned());
            let late = save_section(&shop.shop, operator().may(), NewSection::Shop(mine.clone()), seen.shop).await;
            let Err(SaveSectionError::Stale(now)) = late else { panic!("{late:?}") };
            assert_eq!(now.0.shop.tagline.as_deref(), Some("Pots of the north"));
            assert_eq!(now.1, Versions { shop: version, ..seen });
            let mut home = first.home.clone();
            home.headline = Some("Made by hand".to_owned());
            save_section(&shop.shop, operator().may(), NewSection::Home(home), seen.home).await.unwrap();
            save_section(&shop.shop, operator().may(), NewSection::Shop(mine), version).await.unwrap();
            let (last, _) = shop.read(|tx| Ok(load_versioned(tx)?)).await;
            assert_eq!((last.shop.tagline.as_deref(), last.home.headline.as_deref()), (Some("Cups of the south"), Some("Made by hand")));
            let told: Vec<(String, String)> = shop.rows("SELECT subject, after FROM audit WHERE action = 'settings.save' ORDER BY sequence DESC LIMIT 1").await;
            assert_eq!(told, [("settings:shop".to_owned(), r#"{"shop.tagline":"Cups of the south"}"#.to_owned())]);
        }

        async fn a_section_that_cannot_be_names_every_field_that_is_wrong(shop: &TestShop) {
            let (settings, seen) = shop.read(|tx| Ok(load_versioned(tx)?)).await;
            let mut wrong = settings.shop.clone();
            wrong.name = " ".to_owned();
            wrong.email = Some("nobody".to_owned());
            wrong.time_zone = "Europe/Atlantis".to_owned();
            let refused = save_section(&shop.shop, operator().may(), NewSection::Shop(wrong), seen.shop).await;
            let Err(SaveSectionError::Invalid(faults)) = refused else { panic!("{refused:?}") };
            assert_eq!(faults.iter().map(|fault| fault.0).collect::<Vec<_>>(), [Field::Name, Field::Email, Field::TimeZone]);
            let mut wrong = settings.selling.clone();
            wrong.payment_methods = vec!["shells".to_owned()];
            wrong.bank = Some(BankAccount { holder: String::new(), iban: "NL92 ABNA 0417 1643 00".to_owned(), bic: Some("ING".to_owned()) });
            wrong.unpaid_days = 0;
            wrong.dispatch_until_hour = 24;
            let refused = save_section(&shop.shop, operator().may(), NewSection::Selling(wrong), seen.selling).await;
            let Err(SaveSectionError::Invalid(faults)) = refused else { panic!("{refused:?}") };
            let expected = [Field::PaymentMethods, Field::BankHolder, Field::BankIban, Field::BankBic, Field::UnpaidDays, Field::DispatchHour];
            assert_eq!(faults.iter().map(|fault| fault.0).collect::<Vec<_>>(), expected);
            assert_eq!(shop.read(|tx| Ok(load_versioned(tx)?)).await, (settings, seen));
        }

        async fn an_account_is_kept_in_groups_of_four_and_none_is_none(shop: &TestShop) {
            let (settings, seen) = shop.read(|tx| Ok(load_versioned(tx)?)).await;
            let mut wanted = settings.selling.clone();
            wanted.bank = Some(BankAccount { holder: "Wrenfold".to_owned(), iban: "nl91abna0417164300".to_owned(), bic: Some("abnanl2a".to_owned()) });
            let seen = save_section(&shop.shop, operator().may(), NewSection::Selling(wanted.clone()), seen.selling).await.unwrap();
            let kept = shop.read(|tx| Ok(load(tx)?)).await.selling.bank.unwrap();
            assert_eq!((kept.iban.as_str(), kept.bic.as_deref()), ("NL91 ABNA 0417 1643 00", Some("ABNANL2A")));
            wanted.bank = Some(BankAccount { holder: " ".to_owned(), iban: String::new(), bic: None });
            save_section(&shop.shop, operator().may(), NewSection::Selling(wanted), seen).await.unwrap();
            assert_eq!(shop.read(|tx| Ok(load(tx)?)).await.selling.bank, None);
        }
    }
}

//! One section saved on its own, as somebody saw it: of two who change it at once, the second one is told.

use db::{DbError, Tx, params};
use jiff::tz::TimeZone;
use kernel::{Code, Coded, Currency, Email, TextError};

use super::{
    BankAccount, HomeSettings, SaveSettingsError, Section as Stored, SellingSettings, Settings,
    ShopSettings, iban, load, told,
};
use crate::audit::{self, Change};
use crate::error::Internal;
use crate::internal_from;
use crate::shop::Shop;
use crate::staff::{Authorized, EditSettings};
use kernel::text::one_line;

/// How often each section was saved; 0 for one that never was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Versions {
    /// Of the shop's own section.
    pub shop: i64,
    /// Of the section about selling.
    pub selling: i64,
    /// Of the first page's section.
    pub home: i64,
}

/// A section to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewSection {
    /// Who the shop is.
    Shop(ShopSettings),
    /// How it sells.
    Selling(SellingSettings),
    /// What its first page says.
    Home(HomeSettings),
}

impl NewSection {
    fn name(&self) -> &'static str {
        match self {
            Self::Shop(_) => ShopSettings::NAME,
            Self::Selling(_) => SellingSettings::NAME,
            Self::Home(_) => HomeSettings::NAME,
        }
    }
}

/// A field of a section, for whoever shows what is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The shop's name.
    Name,
    /// The line under the name.
    Tagline,
    /// The sentence saying what is sold.
    Intro,
    /// The line above every page.
    Announcement,
    /// Where buyers write to.
    Email,
    /// Where the shop is.
    Address,
    /// The zone of its days.
    TimeZone,
    /// The ways to pay.
    PaymentMethods,
    /// Days until an unpaid order is cancelled.
    UnpaidDays,
    /// Days in which goods can be sent back.
    ReturnsDays,
    /// From which figure down pages say how many are left.
    LowStock,
    /// The hour until which orders leave the same day.
    DispatchHour,
    /// The account's holder.
    BankHolder,
    /// The account.
    BankIban,
    /// Its bank.
    BankBic,
    /// The first page's statement.
    Headline,
    /// The first page's text.
    HomeText,
    /// The title of the story.
    StoryTitle,
    /// The story.
    StoryText,
    /// The collections of the first page.
    Collections,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// The text cannot be used.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The zone's name means nothing.
    #[error("choose a time zone such as Europe/Amsterdam")]
    TimeZone,
    /// A number outside its range.
    #[error("enter a whole number from {0} to {1}")]
    Range(i64, i64),
    /// No account number, or one with a slip in it.
    #[error(transparent)]
    Iban(#[from] iban::IbanError),
    /// No bank's code.
    #[error("a BIC has 8 or 11 letters and digits, such as INGBNL2A")]
    Bic,
    /// There is no such way to pay.
    #[error("there is no way to pay named {0}")]
    Method(String),
    /// A bank transfer without an account to go to.
    #[error("a bank transfer needs an account to go to; fill in holder and IBAN")]
    NoAccount,
    /// More than a page can take.
    #[error("use at most {0}")]
    TooMany(usize),
}

/// Why a section was not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveSectionError {
    /// Somebody else has saved it meanwhile.
    #[error("somebody else has saved these settings meanwhile")]
    Stale(Box<(Settings, Versions)>),
    /// Fields that cannot be as they are; all of them.
    #[error("some of these settings cannot be used")]
    Invalid(Vec<(Field, Wrong)>),
    /// Prices exist in another currency.
    #[error("products are priced in {0}; the currency cannot change while they are")]
    CurrencyInUse(Currency),
    /// Not the caller's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}
internal_from!(SaveSectionError: DbError, serde_json::Error);

impl From<SaveSettingsError> for SaveSectionError {
    fn from(error: SaveSettingsError) -> Self {
        match error {
            SaveSettingsError::UnknownTimeZone(_) => {
                Self::Invalid(vec![(Field::TimeZone, Wrong::TimeZone)])
            }
            SaveSettingsError::NoName => {
                Self::Invalid(vec![(Field::Name, Wrong::Text(TextError::Empty))])
            }
            SaveSettingsError::CurrencyInUse(currency) => Self::CurrencyInUse(currency),
            SaveSettingsError::Internal(error) => Self::Internal(error),
        }
    }
}

impl Coded for SaveSectionError {
    fn code(&self) -> Code {
        match self {
            Self::Stale(_) | Self::CurrencyInUse(_) => Code::StaleState,
            Self::Invalid(_) => Code::Invalid,
            Self::Internal(error) => error.code(),
        }
    }
}

/// All settings with their versions. Two statements.
pub fn load_versioned(tx: &mut Tx<'_>) -> Result<(Settings, Versions), DbError> {
    let rows: Vec<(String, i64)> = tx.query(
        "SELECT section, version FROM settings ORDER BY section LIMIT 50",
        params![],
    )?;
    let version = |name: &str| {
        rows.iter()
            .find(|(section, _)| section == name)
            .map_or(0, |(_, version)| *version)
    };
    let versions = Versions {
        shop: version(ShopSettings::NAME),
        selling: version(SellingSettings::NAME),
        home: version(HomeSettings::NAME),
    };
    Ok((load(tx)?, versions))
}

/// Saves one section that was seen at version `seen`. Answers with its version from now on.
pub async fn save_section(
    shop: &Shop,
    by: Authorized<EditSettings>,
    section: NewSection,
    seen: i64,
) -> Result<i64, SaveSectionError> {
    let section = checked(shop, section).map_err(SaveSectionError::Invalid)?;
    audit::change(shop, shop.act(by.actor()), move |tx, act| {
        let (before, versions) = load_versioned(tx)?;
        let mut after = before.clone();
        let version = match &section {
            NewSection::Shop(wanted) => {
                after.shop.clone_from(wanted);
                versions.shop
            }
            NewSection::Selling(wanted) => {
                super::refuse_foreign_prices(tx, wanted.currency)?;
                after.selling.clone_from(wanted);
                versions.selling
            }
            NewSection::Home(wanted) => {
                after.home.clone_from(wanted);
                versions.home
            }
        };
        if version == seen && after == before && seen > 0 {
            return Ok((seen, Change::none()));
        }
        let body = match &section {
            NewSection::Shop(wanted) => serde_json::to_string(wanted)?,
            NewSection::Selling(wanted) => serde_json::to_string(wanted)?,
            NewSection::Home(wanted) => serde_json::to_string(wanted)?,
        };
        let written = if seen == 0 {
            tx.execute(
                "INSERT INTO settings (section, body, version, changed_at) VALUES ($1, $2, 1, $3)
                 ON CONFLICT (section) DO NOTHING",
                params![section.name(), body, act.now],
            )?
        } else {
            tx.execute(
                "UPDATE settings SET body = $2, version = version + 1, changed_at = $3 WHERE section = $1 AND version = $4",
                params![section.name(), body, act.now, seen],
            )?
        };
        if written == 0 {
            return Err(SaveSectionError::Stale(Box::new(load_versioned(tx)?)));
        }
        let change = Change::new("settings.save", "settings", section.name())
            .between(told(&before)?, told(&after)?);
        Ok((seen.saturating_add(1), change))
    })
    .await
}

/// The section as it is stored, or everything that is wrong with it.
fn checked(shop: &Shop, section: NewSection) -> Result<NewSection, Vec<(Field, Wrong)>> {
    let mut faults = Faults(Vec::new());
    let section = match section {
        NewSection::Shop(wanted) => NewSection::Shop(checked_shop(&mut faults, wanted)),
        NewSection::Selling(wanted) => {
            NewSection::Selling(checked_selling(shop, &mut faults, wanted))
        }
        NewSection::Home(wanted) => NewSection::Home(checked_home(&mut faults, wanted)),
    };
    if faults.0.is_empty() {
        Ok(section)
    } else {
        Err(faults.0)
    }
}

struct Faults(Vec<(Field, Wrong)>);

impl Faults {
    fn add(&mut self, field: Field, wrong: impl Into<Wrong>) {
        self.0.push((field, wrong.into()));
    }

    /// A line that has to be there.
    fn line(&mut self, field: Field, text: String, most: usize) -> String {
        one_line(&text, most).unwrap_or_else(|error| {
            self.add(field, error);
            text
        })
    }

    /// A line that may be left out.
    fn optional(&mut self, field: Field, text: Option<String>, most: usize) -> Option<String> {
        let text = text.filter(|text| !text.trim().is_empty())?;
        Some(self.line(field, text, most))
    }

    fn range(&mut self, field: Field, value: i64, (least, most): (i64, i64)) {
        if !(least..=most).contains(&value) {
            self.add(field, Wrong::Range(least, most));
        }
    }
}

fn checked_shop(faults: &mut Faults, mut wanted: ShopSettings) -> ShopSettings {
    wanted.name = faults.line(Field::Name, wanted.name, 80);
    wanted.tagline = faults.optional(Field::Tagline, wanted.tagline, 120);
    wanted.intro = faults.optional(Field::Intro, wanted.intro, 300);
    wanted.announcement = faults.optional(Field::Announcement, wanted.announcement, 200);
    wanted.email = faults.optional(Field::Email, wanted.email, 320);
    if let Some(error) = wanted
        .email
        .as_deref()
        .and_then(|email| Email::parse(email).err())
    {
        faults.add(Field::Email, error);
    }
    wanted.address_lines.retain(|line| !line.trim().is_empty());
    if wanted.address_lines.len() > 8 {
        faults.add(Field::Address, Wrong::TooMany(8));
    }
    let lines = std::mem::take(&mut wanted.address_lines);
    wanted.address_lines = lines
        .into_iter()
        .map(|line| faults.line(Field::Address, line, 120))
        .collect();
    if TimeZone::get(&wanted.time_zone).is_err() {
        faults.add(Field::TimeZone, Wrong::TimeZone);
    }
    wanted
}

fn checked_selling(
    shop: &Shop,
    faults: &mut Faults,
    mut wanted: SellingSettings,
) -> SellingSettings {
    for method in &wanted.payment_methods {
        if shop.gateways.find(method).is_none() {
            faults.add(Field::PaymentMethods, Wrong::Method(method.clone()));
        }
    }
    wanted.bank = wanted.bank.and_then(|bank| checked_bank(faults, bank));
    faults.range(Field::UnpaidDays, i64::from(wanted.unpaid_days), (1, 90));
    if let Some(days) = wanted.returns_days {
        faults.range(Field::ReturnsDays, i64::from(days), (0, 365));
    }
    faults.range(Field::LowStock, i64::from(wanted.low_stock_at), (0, 1_000));
    faults.range(
        Field::DispatchHour,
        i64::from(wanted.dispatch_until_hour),
        (0, 23),
    );
    wanted
}

/// An account with everything left empty is none.
fn checked_bank(faults: &mut Faults, bank: BankAccount) -> Option<BankAccount> {
    let bic = bank.bic.filter(|bic| !bic.trim().is_empty());
    if bank.holder.trim().is_empty() && bank.iban.trim().is_empty() && bic.is_none() {
        return None;
    }
    let holder = faults.line(Field::BankHolder, bank.holder, 120);
    let iban = iban::parse(&bank.iban).unwrap_or_else(|error| {
        faults.add(Field::BankIban, error);
        bank.iban
    });
    let bic = bic.map(|bic| {
        let code: String = bic
            .chars()
            .filter(|c| !c.is_whitespace())
            .flat_map(char::to_uppercase)
            .collect();
        let (party, rest) = code.split_at_checked(6).unwrap_or((&code, ""));
        let fits = matches!(code.len(), 8 | 11)
            && party.bytes().all(|b| b.is_ascii_uppercase())
            && rest.bytes().all(|b| b.is_ascii_alphanumeric());
        if !fits {
            faults.add(Field::BankBic, Wrong::Bic);
        }
        code
    });
    Some(BankAccount { holder, iban, bic })
}

fn checked_home(faults: &mut Faults, mut wanted: HomeSettings) -> HomeSettings {
    wanted.headline = faults.optional(Field::Headline, wanted.headline, 120);
    wanted.text = faults.optional(Field::HomeText, wanted.text, 400);
    wanted.story_title = faults.optional(Field::StoryTitle, wanted.story_title, 120);
    wanted.story_text = faults.optional(Field::StoryText, wanted.story_text, 2_000);
    wanted.product_slug = wanted.product_slug.filter(|slug| !slug.trim().is_empty());
    wanted.category_slug = wanted.category_slug.filter(|slug| !slug.trim().is_empty());
    if wanted.collection_slugs.len() > 12 {
        faults.add(Field::Collections, Wrong::TooMany(12));
    }
    wanted
}

//! Postal addresses: asked, checked and written the way each country does it.
//!
//! Invariants: an [`Address`] made by [`AddressInput::check`] has every field its country requires, none its country
//! does not know, and its postcode as the country writes it. What only a postman can know (whether the street has such
//! a number) is never checked.

use serde::{Deserialize, Serialize};

use crate::country::Country;
use crate::text::{TextError, one_line};

mod format;
#[rustfmt::skip]
mod table;

pub use format::{AddressFormat, FormField, Region};

use format::Piece;

crate::words! {
    /// A field of an address.
    pub enum AddressField {
        /// Who receives it.
        Name = "name",
        /// The company or organisation.
        Company = "company",
        /// Street and house number.
        Line1 = "line1",
        /// Flat, building, part of town.
        Line2 = "line2",
        /// Postcode, ZIP code, PIN or Eircode.
        Postcode = "postcode",
        /// City, town or district.
        City = "city",
        /// State, province, county or prefecture.
        Region = "region",
        /// The country.
        Country = "country",
        /// A number the carrier can call.
        Phone = "phone",
    }
}

/// A postal address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Who receives it.
    pub name: String,
    /// The company or organisation.
    pub company: Option<String>,
    /// Street and house number.
    pub line1: String,
    /// Flat, building, part of town.
    pub line2: Option<String>,
    /// As the country writes it: `1011 AB`.
    pub postcode: Option<String>,
    /// City, town or district.
    pub city: Option<String>,
    /// The code of one of the country's regions ([`AddressFormat::regions`]), or free text where it lists none.
    pub region: Option<String>,
    /// The country.
    pub country: Country,
    /// A number the carrier can call.
    pub phone: Option<String>,
}

impl Address {
    /// The address as its country writes it on a parcel: no line is empty, nothing filled in is left out but the phone.
    ///
    /// The country's name is not among the lines: the caller adds it in the reader's language where the parcel crosses a
    /// border. An address typed in Latin letters gets the country's Latin form.
    pub fn lines(&self) -> Vec<String> {
        let format = AddressFormat::of(self.country);
        let latin = self.is_in_latin_letters();
        let mut lines = Vec::new();
        let mut left: Vec<char> = "NOAZCS".chars().collect();
        for row in format.rows(latin) {
            left.retain(|letter| !row.contains(&Piece::Field(*letter)));
            if row == [Piece::Field('A')] {
                lines.extend(self.street().map(|line| cased(format, 'A', line)));
            } else {
                lines.push(self.row(format, latin, &row));
            }
        }
        lines.extend(
            left.into_iter()
                .map(|letter| self.written(format, latin, letter)),
        );
        lines.retain(|line| !line.is_empty());
        lines
    }

    /// One row of a parcel. Text around fields is printed only where it has something to introduce or to separate.
    fn row(&self, format: AddressFormat, latin: bool, row: &[Piece]) -> String {
        let values: Vec<(Piece, String)> = row
            .iter()
            .map(|piece| match *piece {
                Piece::Field(letter) => (*piece, self.written(format, latin, letter)),
                Piece::Printed(text) => (*piece, text.to_owned()),
            })
            .collect();
        if values
            .iter()
            .all(|(piece, _)| matches!(piece, Piece::Printed(_)))
        {
            return values.into_iter().map(|(_, text)| text).collect();
        }
        let mut line = String::new();
        let mut rest = values.iter().peekable();
        let mut first = true;
        while let Some((piece, text)) = rest.next() {
            let wanted = match piece {
                Piece::Field(_) => true,
                Piece::Printed(_) => {
                    (first || !line.is_empty())
                        && rest.peek().is_some_and(|(_, next)| !next.is_empty())
                }
            };
            if wanted {
                line.push_str(text);
            }
            first = false;
        }
        line
    }

    fn street(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.line1.as_str()).chain(self.line2.as_deref())
    }

    fn written(&self, format: AddressFormat, latin: bool, letter: char) -> String {
        let text = match letter {
            'N' => self.name.clone(),
            'O' => self.company.clone().unwrap_or_default(),
            'A' => self.street().collect::<Vec<_>>().join(", "),
            'Z' => self.postcode.clone().unwrap_or_default(),
            'C' => self.city.clone().unwrap_or_default(),
            'S' => self
                .region
                .as_deref()
                .map(|region| region_written(format, latin, region))
                .unwrap_or_default(),
            _ => String::new(),
        };
        cased(format, letter, &text)
    }

    fn is_in_latin_letters(&self) -> bool {
        let texts = [
            Some(&self.name),
            self.company.as_ref(),
            Some(&self.line1),
            self.line2.as_ref(),
            self.city.as_ref(),
        ];
        texts.into_iter().flatten().all(|text| is_latin(text))
    }
}

fn region_written(format: AddressFormat, latin: bool, stored: &str) -> String {
    let Some(region) = format.regions().iter().find(|region| region.code == stored) else {
        return stored.to_owned();
    };
    let text = match (latin, region.latin) {
        (true, Some(name)) => name,
        (false, _) if is_latin(region.code) && !is_latin(region.name) => region.name,
        (true | false, _) => region.code,
    };
    text.to_owned()
}

fn cased(format: AddressFormat, letter: char, text: &str) -> String {
    if format.in_capitals(letter) {
        text.to_uppercase()
    } else {
        text.to_owned()
    }
}

fn is_latin(text: &str) -> bool {
    text.chars()
        .all(|c| !c.is_alphabetic() || c < '\u{250}' || ('\u{1e00}'..='\u{1eff}').contains(&c))
}

/// An address as it was typed: any text in any field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AddressInput {
    /// Who receives it.
    pub name: String,
    /// The company or organisation.
    pub company: String,
    /// Street and house number.
    pub line1: String,
    /// Flat, building, part of town.
    pub line2: String,
    /// Any spelling: `1011ab`.
    pub postcode: String,
    /// City, town or district.
    pub city: String,
    /// A region's code or any of its names.
    pub region: String,
    /// A two-letter code.
    pub country: String,
    /// A number the carrier can call.
    pub phone: String,
}

/// What is wrong with one field of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct FieldError {
    /// The field to correct.
    pub field: AddressField,
    /// What is wrong with it.
    pub problem: AddressProblem,
}

/// Why a field of an address was refused. The message says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum AddressProblem {
    /// The country's addresses need it.
    #[error("fill this in")]
    Missing,
    /// Longer than a label holds.
    #[error("use at most {most} characters")]
    TooLong {
        /// The most characters that fit.
        most: usize,
    },
    /// A control or invisible character.
    #[error("remove the invisible or control characters")]
    Unprintable,
    /// Not a postcode of this country.
    #[error("enter a postcode such as {example}")]
    BadPostcode {
        /// One that would be accepted.
        example: &'static str,
    },
    /// Not one of the country's regions.
    #[error("choose one from the list")]
    UnknownRegion,
    /// Not a country.
    #[error("choose a country")]
    NotACountry,
    /// Nothing a phone can dial.
    #[error("enter a phone number such as +31 20 123 4567, or leave it out")]
    BadPhone,
}

impl AddressInput {
    /// The address, or everything that is wrong with it at once, in the order of the form.
    ///
    /// What the country's form does not ask (a postcode in Hong Kong) is dropped: it was left over from another country.
    pub fn check(&self) -> Result<Address, Vec<FieldError>> {
        let country = Country::parse(&self.country).ok();
        let mut check = Check {
            format: country.map(AddressFormat::of),
            errors: Vec::new(),
        };
        if country.is_none() {
            check.refuse(AddressField::Country, AddressProblem::NotACountry);
        }
        let name = check.text(AddressField::Name, &self.name);
        let company = check.text(AddressField::Company, &self.company);
        let line1 = check.text(AddressField::Line1, &self.line1);
        let line2 = check.text(AddressField::Line2, &self.line2);
        let postcode = check
            .text(AddressField::Postcode, &self.postcode)
            .and_then(|typed| check.postcode(typed));
        let city = check.text(AddressField::City, &self.city);
        let region = check
            .text(AddressField::Region, &self.region)
            .and_then(|typed| check.region(typed));
        let phone = check
            .text(AddressField::Phone, &self.phone)
            .and_then(|typed| check.phone(typed));
        match (country, name, line1) {
            (Some(country), Some(name), Some(line1)) if check.errors.is_empty() => Ok(Address {
                name,
                company,
                line1,
                line2,
                postcode,
                city,
                region,
                country,
                phone,
            }),
            _ => Err(check.in_order()),
        }
    }
}

impl From<&Address> for AddressInput {
    /// Fills a form with an address that is already known.
    fn from(address: &Address) -> Self {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        Self {
            name: address.name.clone(),
            company: text(&address.company),
            line1: address.line1.clone(),
            line2: text(&address.line2),
            postcode: text(&address.postcode),
            city: text(&address.city),
            region: text(&address.region),
            country: address.country.code().to_owned(),
            phone: text(&address.phone),
        }
    }
}

struct Check {
    format: Option<AddressFormat>,
    errors: Vec<FieldError>,
}

impl Check {
    fn refuse(&mut self, field: AddressField, problem: AddressProblem) {
        self.errors.push(FieldError { field, problem });
    }

    fn text(&mut self, field: AddressField, typed: &str) -> Option<String> {
        if self.format.is_some_and(|format| !format.uses(field)) {
            return None;
        }
        match one_line(typed, longest(field)) {
            Ok(text) => return Some(text),
            Err(TextError::Empty) if !self.requires(field) => {}
            Err(TextError::Empty) => self.refuse(field, AddressProblem::Missing),
            Err(TextError::TooLong(most)) => self.refuse(field, AddressProblem::TooLong { most }),
            Err(_) => self.refuse(field, AddressProblem::Unprintable),
        }
        None
    }

    fn requires(&self, field: AddressField) -> bool {
        match self.format {
            Some(format) => format.requires(field),
            None => matches!(field, AddressField::Name | AddressField::Line1),
        }
    }

    fn postcode(&mut self, typed: String) -> Option<String> {
        let Some(format) = self.format else {
            return Some(typed);
        };
        let written = format.postcode(&typed);
        if written.is_none() {
            let example = format.postcode_example().unwrap_or_default();
            self.refuse(
                AddressField::Postcode,
                AddressProblem::BadPostcode { example },
            );
        }
        written
    }

    fn region(&mut self, typed: String) -> Option<String> {
        match self.format {
            Some(format) if !format.regions().is_empty() => {
                let found = format.region(&typed).map(|region| region.code.to_owned());
                if found.is_none() {
                    self.refuse(AddressField::Region, AddressProblem::UnknownRegion);
                }
                found
            }
            Some(_) | None => Some(typed),
        }
    }

    fn phone(&mut self, typed: String) -> Option<String> {
        let digits = typed.chars().filter(char::is_ascii_digit).count();
        let dialled = typed
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || " +-()./#*,;".contains(c));
        if digits >= 3 && dialled {
            return Some(typed);
        }
        self.refuse(AddressField::Phone, AddressProblem::BadPhone);
        None
    }

    fn in_order(self) -> Vec<FieldError> {
        let mut errors = self.errors;
        let asked = self.format.map(AddressFormat::fields).unwrap_or_default();
        errors.sort_by_key(|error| asked.iter().position(|one| one.field == error.field));
        errors
    }
}

/// The most characters of a field: what carriers' labels hold, with room for those who write more.
fn longest(field: AddressField) -> usize {
    match field {
        AddressField::Name | AddressField::Company | AddressField::Line1 | AddressField::Line2 => {
            100
        }
        AddressField::City | AddressField::Region => 80,
        AddressField::Postcode => 20,
        AddressField::Country => 2,
        AddressField::Phone => 40,
    }
}

#[cfg(test)]
mod tests;

//! How each country asks for an address and writes it.

use regex_lite::Regex;
use serde::Serialize;

use super::AddressField;
use super::table::TABLE;
use crate::country::Country;

/// A country's own way with addresses: what a form asks, in which order, and what a parcel shows.
#[derive(Debug, Clone, Copy)]
pub struct AddressFormat(&'static Rules);

/// One row of the table. In `lines` a letter is a field, text between braces is printed as it is, `|` ends a line:
/// N name, O company, A street lines, Z postcode, C city, S region.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) country: &'static str,
    pub(super) lines: &'static str,
    pub(super) latin: &'static str,
    pub(super) required: &'static str,
    pub(super) upper: &'static str,
    pub(super) region_word: &'static str,
    pub(super) city_word: &'static str,
    pub(super) postcode_word: &'static str,
    pub(super) postcode: Option<Postcode>,
    pub(super) regions: &'static [Region],
}

#[derive(Debug)]
pub(super) struct Postcode {
    pub(super) pattern: &'static str,
    pub(super) example: &'static str,
    /// Printed before the postcode, so not part of it: `CH-`.
    pub(super) prefix: &'static str,
    /// Whether a postcode is written with the space or hyphen its pattern allows.
    pub(super) spaced: bool,
}

/// A part of a parcel's row: a field by its letter, or text printed around fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    Field(char),
    Printed(&'static str),
}

/// A state, province, county or prefecture that addresses name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Region {
    /// What an address holds and a parcel shows: `CA`, `Co. Dublin`, `東京都`.
    pub code: &'static str,
    /// What a list of choices shows: `California`, `Co. Dublin`, `東京都`.
    pub name: &'static str,
    /// The name in Latin letters, where the other two are not: `Tokyo`.
    pub latin: Option<&'static str>,
    /// The part after the hyphen in ISO 3166-2, where there is one.
    pub iso: Option<&'static str>,
}

/// One question of an address form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FormField {
    /// What is asked.
    pub field: AddressField,
    /// Whether an address without it is refused.
    pub required: bool,
}

impl AddressFormat {
    /// The format of a country.
    pub fn of(country: Country) -> Self {
        let place = TABLE.binary_search_by(|rules| rules.country.cmp(country.code()));
        let rules = place.ok().and_then(|place| TABLE.get(place));
        Self(rules.expect(
            "the tables of countries and formats are written together; a test compares them",
        ))
    }

    /// The fields a form asks, in the country's order: the person first, then the place, then the phone.
    pub fn fields(self) -> Vec<FormField> {
        let mut fields = vec![AddressField::Name, AddressField::Company];
        for letter in self.letters() {
            match letter {
                'A' => fields.extend([AddressField::Line1, AddressField::Line2]),
                'Z' => fields.push(AddressField::Postcode),
                'C' => fields.push(AddressField::City),
                'S' => fields.push(AddressField::Region),
                _ => {}
            }
        }
        fields.push(AddressField::Phone);
        fields
            .into_iter()
            .map(|field| FormField {
                field,
                required: self.requires(field),
            })
            .collect()
    }

    /// Whether the country's addresses have this field at all.
    pub fn uses(self, field: AddressField) -> bool {
        match letter_of(field) {
            Some(letter) => self.letters().any(|used| used == letter),
            None => true,
        }
    }

    /// Whether an address without this field is refused.
    pub fn requires(self, field: AddressField) -> bool {
        match field {
            AddressField::Name | AddressField::Line1 | AddressField::Country => true,
            AddressField::Company | AddressField::Line2 | AddressField::Phone => false,
            AddressField::Postcode | AddressField::City | AddressField::Region => {
                self.uses(field)
                    && letter_of(field).is_some_and(|letter| self.0.required.contains(letter))
            }
        }
    }

    /// The regions to choose from; empty where the country has none or leaves the word free.
    pub fn regions(self) -> &'static [Region] {
        self.0.regions
    }

    /// A postcode as it should look, where the country has a pattern.
    pub fn postcode_example(self) -> Option<&'static str> {
        self.0.postcode.as_ref().map(|postcode| postcode.example)
    }

    /// What the country calls its regions: `state`, `county`, `prefecture`, …; a key for the form's label.
    pub fn region_word(self) -> &'static str {
        self.0.region_word
    }

    /// What the country calls its places: `city`, `post_town`, `suburb`, `district`; a key for the form's label.
    pub fn city_word(self) -> &'static str {
        self.0.city_word
    }

    /// What the country calls its postcodes: `postal`, `zip`, `pin`, `eircode`; a key for the form's label.
    pub fn postcode_word(self) -> &'static str {
        self.0.postcode_word
    }

    /// The postcode as the country writes it, whatever spaces, hyphens and small letters were typed; `None` if it cannot
    /// be one. Anything goes where the country has no pattern.
    pub fn postcode(self, typed: &str) -> Option<String> {
        let typed = typed.trim().to_uppercase();
        let Some(rules) = &self.0.postcode else {
            return Some(typed);
        };
        let pattern =
            Regex::new(&format!("^(?:{})$", rules.pattern)).expect("a test compiles every pattern");
        let prefixes = [rules.prefix, self.0.country];
        let bare = prefixes
            .iter()
            .filter(|prefix| !prefix.is_empty())
            .filter_map(|prefix| typed.strip_prefix(prefix));
        std::iter::once(typed.as_str())
            .chain(bare)
            .find_map(|typed| rules.written(&pattern, typed))
    }

    /// The region meant by a code, a name or an ISO subdivision, in any case.
    pub fn region(self, typed: &str) -> Option<&'static Region> {
        let wanted = typed.trim().to_lowercase();
        let named = |name: &str| name.to_lowercase() == wanted;
        let regions = || self.0.regions.iter();
        regions()
            .find(|region| named(region.code))
            .or_else(|| {
                regions().find(|region| named(region.name) || region.latin.is_some_and(named))
            })
            .or_else(|| regions().find(|region| region.iso.is_some_and(named)))
    }

    /// The rows of a parcel, in the country's own script or in Latin letters.
    pub(super) fn rows(self, latin: bool) -> impl Iterator<Item = Vec<Piece>> {
        let lines = if latin { self.0.latin } else { self.0.lines };
        lines.split('|').map(pieces)
    }

    /// Whether the country writes this field in capitals.
    pub(super) fn in_capitals(self, letter: char) -> bool {
        self.0.upper.contains(letter)
    }

    fn letters(self) -> impl Iterator<Item = char> {
        self.rows(false).flatten().filter_map(|piece| match piece {
            Piece::Field(letter) => Some(letter),
            Piece::Printed(_) => None,
        })
    }
}

fn pieces(row: &'static str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for part in row.split_inclusive('}') {
        let (letters, printed) = part.split_once('{').unwrap_or((part, ""));
        pieces.extend(letters.chars().map(Piece::Field));
        if !printed.is_empty() {
            pieces.push(Piece::Printed(printed.trim_end_matches('}')));
        }
    }
    pieces
}

impl Postcode {
    fn written(&self, pattern: &Regex, typed: &str) -> Option<String> {
        let compact: String = typed.chars().filter(|c| c.is_alphanumeric()).collect();
        // No postcode is this long; do not try every place in a novel.
        if compact.len() > 20 {
            return None;
        }
        let places = compact.char_indices().skip(1).filter(|_| self.spaced);
        let mut spaced = places.flat_map(|(place, _)| {
            let (before, after) = compact.split_at(place);
            ["-", " "].map(|sign| format!("{before}{sign}{after}"))
        });
        if let Some(found) = spaced.find(|candidate| pattern.is_match(candidate)) {
            return Some(found);
        }
        pattern.is_match(&compact).then_some(compact)
    }
}

fn letter_of(field: AddressField) -> Option<char> {
    match field {
        AddressField::Name => Some('N'),
        AddressField::Company => Some('O'),
        AddressField::Line1 | AddressField::Line2 => Some('A'),
        AddressField::Postcode => Some('Z'),
        AddressField::City => Some('C'),
        AddressField::Region => Some('S'),
        AddressField::Country | AddressField::Phone => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str) -> AddressFormat {
        AddressFormat::of(Country::parse(code).unwrap())
    }

    fn asked(code: &str) -> Vec<(AddressField, bool)> {
        of(code)
            .fields()
            .into_iter()
            .map(|asked| (asked.field, asked.required))
            .collect()
    }

    #[test]
    fn every_country_has_a_format_and_every_example_is_a_postcode_already_written_well() {
        for country in Country::all() {
            let format = AddressFormat::of(country);
            assert!(
                format.uses(AddressField::Line1) && format.uses(AddressField::Name),
                "{country}"
            );
            if let Some(example) = format.postcode_example() {
                assert_eq!(
                    format.postcode(example).as_deref(),
                    Some(example),
                    "{country}"
                );
                assert!(format.uses(AddressField::Postcode), "{country}");
            }
            for region in format.regions() {
                assert_eq!(format.region(region.code), Some(region), "{country}");
            }
        }
    }

    #[test]
    fn forms_ask_in_the_order_the_country_writes() {
        use AddressField::{City, Company, Line1, Line2, Name, Phone, Postcode, Region};
        let person = [(Name, true), (Company, false)];
        let street = [(Line1, true), (Line2, false)];
        assert_eq!(
            asked("NL"),
            [
                &person[..],
                &street,
                &[(Postcode, true), (City, true), (Phone, false)]
            ]
            .concat()
        );
        assert_eq!(
            asked("GB"),
            [
                &person[..],
                &street,
                &[(City, true), (Postcode, true), (Phone, false)]
            ]
            .concat()
        );
        assert_eq!(
            asked("US"),
            [
                &person[..],
                &street,
                &[
                    (City, true),
                    (Region, true),
                    (Postcode, true),
                    (Phone, false)
                ]
            ]
            .concat()
        );
        assert_eq!(
            asked("JP"),
            [
                &person[..],
                &[(Postcode, true), (Region, true)],
                &street,
                &[(Phone, false)]
            ]
            .concat()
        );
        assert_eq!(
            asked("HK"),
            [
                &person[..],
                &[(Region, true), (City, false)],
                &street,
                &[(Phone, false)]
            ]
            .concat()
        );
        assert_eq!(
            asked("SG"),
            [&person[..], &street, &[(Postcode, true), (Phone, false)]].concat()
        );
    }

    #[test]
    fn postcodes_come_out_as_the_country_writes_them() {
        for (country, typed, written) in [
            ("NL", "1011ab", "1011 AB"),
            ("NL", "NL-1011 AB", "1011 AB"),
            ("GB", "m344ab", "M34 4AB"),
            ("GB", "EC1Y8SY", "EC1Y 8SY"),
            ("GB", "bfpo61", "BFPO 61"),
            ("IE", "a65f4e2", "A65 F4E2"),
            ("US", "221621010", "22162-1010"),
            ("US", "95014", "95014"),
            ("CA", "h3z2y7", "H3Z 2Y7"),
            ("JP", "1540023", "154-0023"),
            ("PL", "00950", "00-950"),
            ("SE", "se-11455", "114 55"),
            ("FR", "75 001", "75001"),
            ("CH", "CH-8001", "8001"),
            ("LV", "lv1073", "LV-1073"),
            ("DE", "DE 10115", "10115"),
        ] {
            assert_eq!(
                of(country).postcode(typed).as_deref(),
                Some(written),
                "{country} {typed}"
            );
        }
        for (country, typed) in [
            ("NL", "0123 AB"),
            ("NL", "1011"),
            ("DE", "1011"),
            ("US", "9501"),
            ("GB", "QQ1 1AA"),
            ("DE", "\u{0661}2345"),
        ] {
            assert_eq!(of(country).postcode(typed), None, "{country} {typed}");
        }
    }

    #[test]
    fn a_region_is_known_by_any_of_its_names() {
        assert_eq!(of("US").region("california").unwrap().code, "CA");
        assert_eq!(of("JP").region("Tokyo").unwrap().code, "東京都");
        assert_eq!(of("JP").region("13").unwrap().code, "東京都");
        assert_eq!(of("IE").region("co. dublin").unwrap().iso, Some("D"));
        assert_eq!(of("US").region("Bavaria"), None);
    }
}

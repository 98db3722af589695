//! Fields of the checkout form: what a country's address asks, and what is wrong with what was typed.

use kernel::address::{
    AddressField, AddressFormat, AddressInput, AddressProblem, FieldError, FormField,
};
use kernel::{Country, Email, TextError};
use serde::Serialize;

use super::FormError;
use crate::say::Say;

/// A labelled control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Its name in the form.
    pub name: &'static str,
    /// Its id on the page.
    pub id: &'static str,
    /// The text of its label, by key.
    pub label_key: &'static str,
    /// `text`, `email`, `tel` or `select`.
    pub r#type: &'static str,
    /// Whether it must be filled in.
    pub required: bool,
    /// What browsers fill in.
    pub autocomplete: Option<&'static str>,
    /// Which keyboard phones show.
    pub inputmode: Option<&'static str>,
    /// The most characters.
    pub maxlength: Option<usize>,
    /// What was typed.
    pub value: String,
    /// What is wrong with it.
    pub error: Option<String>,
    /// A word of help, by key.
    pub hint_key: Option<&'static str>,
    /// `full`, `half` or `third`.
    pub width: &'static str,
    /// What can be chosen; only of a select.
    pub choices: Option<Vec<Choice>>,
}

/// One choice of a select.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub label: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The field's name, which is its id as well.
    pub(crate) field: &'static str,
    /// What to do.
    pub(crate) message: String,
}

/// What is wrong with a form, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Faults(pub(crate) Vec<Fault>);

impl Faults {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn of(&self, field: &str) -> Option<String> {
        self.0
            .iter()
            .find(|fault| fault.field == field)
            .map(|fault| fault.message.clone())
    }

    /// For the summary at the top of the page.
    pub(crate) fn errors(&self) -> Vec<FormError> {
        let error = |fault: &Fault| FormError {
            field: Some(fault.field.to_owned()),
            message: fault.message.clone(),
        };
        self.0.iter().map(error).collect()
    }
}

/// The most characters a browser lets into a field. The rules proper are the kernel's.
const LONGEST: usize = 254;

impl Field {
    fn text(name: &'static str, label_key: &'static str, value: &str, faults: &Faults) -> Self {
        Self {
            name,
            id: name,
            label_key,
            r#type: "text",
            required: false,
            autocomplete: None,
            inputmode: None,
            maxlength: Some(LONGEST),
            value: value.to_owned(),
            error: faults.of(name),
            hint_key: None,
            width: "full",
            choices: None,
        }
    }

    fn select(self, choices: Vec<Choice>) -> Self {
        Self {
            r#type: "select",
            maxlength: None,
            choices: Some(choices),
            ..self
        }
    }
}

/// The field for the e-mail address.
pub(crate) fn email_field(value: &str, faults: &Faults) -> Field {
    Field {
        r#type: "email",
        required: true,
        autocomplete: Some("email"),
        inputmode: Some("email"),
        hint_key: Some("field.email_hint"),
        ..Field::text("email", "field.email", value, faults)
    }
}

/// The field for a phone number.
pub(crate) fn phone_field(value: &str, faults: &Faults) -> Field {
    Field {
        r#type: "tel",
        autocomplete: Some("shipping tel"),
        inputmode: Some("tel"),
        maxlength: Some(40),
        hint_key: Some("field.phone_hint"),
        ..Field::text("phone", "field.phone", value, faults)
    }
}

/// The choice of a country, by name.
pub(crate) fn country_field(
    countries: &[Country],
    chosen: Country,
    faults: &Faults,
    say: &Say,
) -> Field {
    let mut choices: Vec<Choice> = countries
        .iter()
        .map(|country| Choice {
            value: country.code().to_owned(),
            label: say.country(*country),
            chosen: *country == chosen,
        })
        .collect();
    choices.sort_by_key(|choice| choice.label.to_lowercase());
    Field {
        required: true,
        autocomplete: Some("shipping country"),
        ..Field::text("country", "field.country", chosen.code(), faults).select(choices)
    }
}

/// The fields of a country's address, in its order. A phone number is asked with the contact, not here.
pub(crate) fn address_fields(
    country: Country,
    typed: &AddressInput,
    faults: &Faults,
    say: &Say,
) -> Vec<Field> {
    let format = AddressFormat::of(country);
    let asked = format.fields().into_iter();
    asked
        .filter_map(|FormField { field, required }| {
            Some(Field {
                required,
                ..address_field(field, format, (typed, faults, say))?
            })
        })
        .collect()
}

type Typed<'a> = (&'a AddressInput, &'a Faults, &'a Say);

fn address_field(
    field: AddressField,
    format: AddressFormat,
    (typed, faults, say): Typed<'_>,
) -> Option<Field> {
    let plain = |name, label, value: &str, autocomplete| Field {
        autocomplete: Some(autocomplete),
        ..Field::text(name, label, value, faults)
    };
    Some(match field {
        AddressField::Name => plain("name", "field.name", &typed.name, "shipping name"),
        AddressField::Company => plain(
            "company",
            "field.company",
            &typed.company,
            "shipping organization",
        ),
        AddressField::Line1 => plain(
            "line1",
            "field.line1",
            &typed.line1,
            "shipping address-line1",
        ),
        AddressField::Line2 => plain(
            "line2",
            "field.line2",
            &typed.line2,
            "shipping address-line2",
        ),
        AddressField::Postcode => {
            let digits_only = format
                .postcode_example()
                .is_some_and(|example| example.bytes().all(|b| b.is_ascii_digit()));
            Field {
                width: "third",
                maxlength: Some(20),
                inputmode: digits_only.then_some("numeric"),
                ..plain(
                    "postal_code",
                    postcode_label(format),
                    &typed.postcode,
                    "shipping postal-code",
                )
            }
        }
        AddressField::City => Field {
            width: "half",
            ..plain(
                "city",
                city_label(format),
                &typed.city,
                "shipping address-level2",
            )
        },
        AddressField::Region => region_field(
            format,
            plain(
                "region",
                region_label(format),
                &typed.region,
                "shipping address-level1",
            ),
            say,
        ),
        AddressField::Country | AddressField::Phone => return None,
    })
}

fn region_field(format: AddressFormat, field: Field, say: &Say) -> Field {
    let field = Field {
        width: "half",
        ..field
    };
    if format.regions().is_empty() {
        return field;
    }
    let chosen = format.region(&field.value).map(|region| region.code);
    let nothing = Choice {
        value: String::new(),
        label: say.text("field.choose"),
        chosen: chosen.is_none(),
    };
    let regions = format.regions().iter().map(|region| Choice {
        value: region.code.to_owned(),
        label: region.latin.unwrap_or(region.name).to_owned(),
        chosen: chosen == Some(region.code),
    });
    let choices = std::iter::once(nothing).chain(regions).collect();
    field.select(choices)
}

fn postcode_label(format: AddressFormat) -> &'static str {
    match format.postcode_word() {
        "zip" => "field.zip",
        "pin" => "field.pin",
        "eircode" => "field.eircode",
        _ => "field.postal_code",
    }
}

fn city_label(format: AddressFormat) -> &'static str {
    match format.city_word() {
        "suburb" => "field.suburb",
        "district" => "field.district",
        "post_town" => "field.post_town",
        _ => "field.city",
    }
}

fn region_label(format: AddressFormat) -> &'static str {
    match format.region_word() {
        "state" => "field.state",
        "province" => "field.province",
        "county" => "field.county",
        "prefecture" => "field.prefecture",
        "district" => "field.district",
        _ => "field.region",
    }
}

/// What is wrong with e-mail address and address, in the order of the form.
pub(crate) fn address_faults(
    email: &str,
    typed: &AddressInput,
    countries: &[Country],
    say: &Say,
) -> Faults {
    let mut faults = Vec::new();
    match Email::parse(email) {
        Ok(_) => {}
        Err(TextError::Empty) => faults.push(Fault {
            field: "email",
            message: say.text("say.required.email"),
        }),
        Err(_) => faults.push(Fault {
            field: "email",
            message: say.text("say.invalid.email"),
        }),
    }
    let errors = typed.check().err().unwrap_or_default();
    if Country::parse(&typed.country).is_ok_and(|country| !countries.contains(&country)) {
        faults.push(Fault {
            field: "country",
            message: say.text("say.invalid.country"),
        });
    }
    faults.extend(errors.into_iter().map(|error| address_fault(error, say)));
    Faults(faults)
}

fn address_fault(FieldError { field, problem }: FieldError, say: &Say) -> Fault {
    let (name, missing) = match field {
        AddressField::Name => ("name", "say.required.name"),
        AddressField::Company => ("company", "say.required.company"),
        AddressField::Line1 => ("line1", "say.required.line1"),
        AddressField::Line2 => ("line2", "say.required.line2"),
        AddressField::Postcode => ("postal_code", "say.required.postal_code"),
        AddressField::City => ("city", "say.required.city"),
        AddressField::Region => ("region", "say.required.region"),
        AddressField::Country => ("country", "say.required.country"),
        AddressField::Phone => ("phone", "say.required.phone"),
    };
    let message = match problem {
        AddressProblem::Missing => say.text(missing),
        AddressProblem::TooLong { most } => {
            say.count("say.too_long", i64::try_from(most).unwrap_or(i64::MAX))
        }
        AddressProblem::Unprintable => say.text("say.invalid.text"),
        AddressProblem::BadPostcode { example } => say.with(
            "say.invalid.postal_code",
            &[("example", example.to_owned())],
        ),
        AddressProblem::UnknownRegion => say.text("say.invalid.region"),
        AddressProblem::NotACountry => say.text("say.required.country"),
        AddressProblem::BadPhone => say.text("say.invalid.phone"),
    };
    Fault {
        field: name,
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::say::english;

    fn country(code: &str) -> Country {
        Country::parse(code).unwrap()
    }

    fn names(code: &str) -> Vec<&'static str> {
        let fields = address_fields(
            country(code),
            &AddressInput::default(),
            &Faults::default(),
            &english(),
        );
        fields.into_iter().map(|field| field.name).collect()
    }

    #[test]
    fn each_country_is_asked_in_its_own_order() {
        assert_eq!(
            names("NL"),
            ["name", "company", "line1", "line2", "postal_code", "city"]
        );
        assert_eq!(
            names("US"),
            [
                "name",
                "company",
                "line1",
                "line2",
                "city",
                "region",
                "postal_code"
            ]
        );
        assert_eq!(
            names("HK"),
            ["name", "company", "region", "city", "line1", "line2"]
        );
    }

    #[test]
    fn every_country_s_form_has_labels_in_the_locale() {
        let say = english();
        for country in Country::all() {
            for field in address_fields(country, &AddressInput::default(), &Faults::default(), &say)
            {
                assert!(
                    say.find(field.label_key).is_some(),
                    "{country}: {}",
                    field.label_key
                );
                assert!(["full", "half", "third"].contains(&field.width));
            }
        }
    }

    #[test]
    fn a_state_typed_in_words_is_chosen_from_the_list() {
        let typed = AddressInput {
            region: "california".to_owned(),
            ..AddressInput::default()
        };
        let fields = address_fields(country("US"), &typed, &Faults::default(), &english());
        let region = fields
            .into_iter()
            .find(|field| field.name == "region")
            .unwrap();
        let chosen: Vec<Choice> = region
            .choices
            .unwrap()
            .into_iter()
            .filter(|choice| choice.chosen)
            .collect();
        assert_eq!(
            chosen,
            [Choice {
                value: "CA".to_owned(),
                label: "California".to_owned(),
                chosen: true
            }]
        );
    }

    #[test]
    fn every_fault_says_what_to_do_and_where() {
        let typed = AddressInput {
            name: "Noor".to_owned(),
            postcode: "10 11".to_owned(),
            country: "NL".to_owned(),
            ..AddressInput::default()
        };
        let told = |email: &str, typed: &AddressInput, countries: &[Country]| {
            let faults = address_faults(email, typed, countries, &english());
            faults
                .0
                .into_iter()
                .map(|fault| (fault.field, fault.message))
                .collect::<Vec<_>>()
        };
        let nl = [country("NL")];
        let faults = told("noor@", &typed, &nl);
        let fields: Vec<&str> = faults.iter().map(|(field, _)| *field).collect();
        assert_eq!(fields, ["email", "line1", "postal_code", "city"]);
        assert_eq!(faults[0].1, "Enter an e-mail address like noor@example.com");
        assert!(
            faults[2].1.starts_with("Enter a postcode like "),
            "{}",
            faults[2].1
        );
        let good = AddressInput {
            line1: "Prinsengracht 1".to_owned(),
            city: "Amsterdam".to_owned(),
            postcode: "1015dk".to_owned(),
            ..typed
        };
        assert_eq!(told("noor@example.com", &good, &nl), []);
        let elsewhere = told("noor@example.com", &good, &[country("BE")]);
        assert_eq!(
            elsewhere,
            [(
                "country",
                "We do not deliver there. Choose a country from the list".to_owned()
            )]
        );
        let nowhere = AddressInput {
            country: "ZZ".to_owned(),
            ..good
        };
        assert_eq!(
            told("noor@example.com", &nowhere, &nl),
            [("country", "Choose a country".to_owned())]
        );
    }
}

use proptest::prelude::*;

use super::*;

fn typed(country: &str, line1: &str, postcode: &str, city: &str, region: &str) -> AddressInput {
    AddressInput {
        name: "Noor de Wit".into(),
        line1: line1.into(),
        postcode: postcode.into(),
        city: city.into(),
        region: region.into(),
        country: country.into(),
        ..AddressInput::default()
    }
}

fn lines(country: &str, line1: &str, postcode: &str, city: &str, region: &str) -> Vec<String> {
    typed(country, line1, postcode, city, region)
        .check()
        .unwrap()
        .lines()
}

fn refused(input: &AddressInput) -> Vec<(AddressField, AddressProblem)> {
    input
        .check()
        .unwrap_err()
        .into_iter()
        .map(|error| (error.field, error.problem))
        .collect()
}

#[test]
fn parcels_are_labelled_as_each_country_does() {
    assert_eq!(
        lines("nl", "Prinsengracht 263", "1016gv", "Amsterdam", ""),
        ["Noor de Wit", "Prinsengracht 263", "1016 GV Amsterdam"]
    );
    assert_eq!(
        lines("DE", "Invalidenstr. 117", "10115", "Berlin", ""),
        ["Noor de Wit", "Invalidenstr. 117", "10115 Berlin"]
    );
    assert_eq!(
        lines("GB", "10 Downing Street", "sw1a2aa", "London", ""),
        ["Noor de Wit", "10 Downing Street", "LONDON", "SW1A 2AA"]
    );
    assert_eq!(
        lines("IE", "7 Eccles Street", "d07xh2e", "Dublin 7", "D"),
        [
            "Noor de Wit",
            "7 Eccles Street",
            "Dublin 7",
            "Co. Dublin",
            "D07 XH2E"
        ]
    );
    assert_eq!(
        lines(
            "US",
            "1600 Pennsylvania Ave NW",
            "205000005",
            "Washington",
            "District of Columbia"
        ),
        [
            "Noor de Wit",
            "1600 Pennsylvania Ave NW",
            "WASHINGTON, DC 20500-0005"
        ]
    );
    assert_eq!(
        lines("CH", "Bahnhofstrasse 1", "8001", "Zürich", ""),
        ["Noor de Wit", "Bahnhofstrasse 1", "CH-8001 Zürich"]
    );
    assert_eq!(
        lines("SG", "1 Raffles Place", "048616", "", ""),
        ["Noor de Wit", "1 Raffles Place", "SINGAPORE 048616"]
    );
    assert_eq!(
        lines("GI", "2 Irish Town", "GX111AA", "", ""),
        ["Noor de Wit", "2 Irish Town", "GIBRALTAR", "GX11 1AA"]
    );
}

#[test]
fn japan_is_written_from_the_top_in_japanese_and_from_the_street_in_latin_letters() {
    assert_eq!(
        lines("JP", "1-2-3 Jingumae, Shibuya-ku", "1500001", "", "tokyo"),
        [
            "Noor de Wit",
            "1-2-3 Jingumae, Shibuya-ku, TOKYO",
            "150-0001"
        ]
    );
    let mut japanese = typed("JP", "渋谷区神宮前1-2-3", "150-0001", "", "東京都");
    japanese.name = "山田 花子".into();
    japanese.line2 = "青山ビル 4F".into();
    assert_eq!(
        japanese.check().unwrap().lines(),
        [
            "〒150-0001",
            "東京都",
            "渋谷区神宮前1-2-3",
            "青山ビル 4F",
            "山田 花子"
        ]
    );
}

#[test]
fn countries_without_postcodes_do_not_ask_for_one_and_drop_one_left_over() {
    assert_eq!(
        lines("AE", "Al Wasl Road 4", "", "", "Dubai"),
        ["Noor de Wit", "Al Wasl Road 4", "Dubai"]
    );
    let address = typed(
        "HK",
        "8 Finance Street",
        "999077",
        "Central",
        "Hong Kong Island",
    )
    .check()
    .unwrap();
    assert_eq!(address.postcode, None);
    assert_eq!(
        address.lines(),
        [
            "Noor de Wit",
            "8 Finance Street",
            "Central",
            "HONG KONG ISLAND"
        ]
    );
}

#[test]
fn everything_wrong_is_said_at_once_and_in_the_order_of_the_form() {
    use AddressField::{City, Country, Line1, Name, Phone, Postcode, Region};
    let mut input = typed("US", " ", "9021", "Beverly\u{202e} Hills", "Bavaria");
    input.name = "x".repeat(101);
    input.phone = "call me".into();
    assert_eq!(
        refused(&input),
        [
            (Name, AddressProblem::TooLong { most: 100 }),
            (Line1, AddressProblem::Missing),
            (City, AddressProblem::Unprintable),
            (Region, AddressProblem::UnknownRegion),
            (Postcode, AddressProblem::BadPostcode { example: "95014" }),
            (Phone, AddressProblem::BadPhone),
        ]
    );
    assert_eq!(
        refused(&typed("NL", "Dam 1", "", "", "")),
        [
            (Postcode, AddressProblem::Missing),
            (City, AddressProblem::Missing)
        ]
    );
    assert_eq!(
        refused(&typed("Holland", "", "", "", "")),
        [
            (Country, AddressProblem::NotACountry),
            (Line1, AddressProblem::Missing)
        ]
    );
    let message = typed("NL", "Dam 1", "12345", "Amsterdam", "")
        .check()
        .unwrap_err()[0]
        .to_string();
    assert_eq!(message, "postcode: enter a postcode such as 1234 AB");
}

#[test]
fn a_house_number_that_looks_wrong_blocks_nobody() {
    for street in [
        "Dorpsstraat",
        "Dorpsstraat ∞ bis",
        "Kasteel de Haar",
        "12345678 1",
    ] {
        assert_eq!(
            typed("NL", street, "3455RR", "Haarzuilens", "")
                .check()
                .unwrap()
                .line1,
            street
        );
    }
}

#[test]
fn a_phone_number_is_whatever_a_phone_can_dial() {
    let phone = |phone: &str| {
        let input = AddressInput {
            phone: phone.into(),
            ..typed("NL", "Dam 1", "1012 JS", "Amsterdam", "")
        };
        input.check().map(|address| address.phone)
    };
    assert_eq!(phone(" 020  555 0100 "), Ok(Some("020 555 0100".into())));
    assert_eq!(phone("112"), Ok(Some("112".into())));
    assert_eq!(phone(""), Ok(None));
    for bad in ["12", "call me", "020 555 0100 <b>", "020=555"] {
        assert_eq!(
            phone(bad).unwrap_err()[0].problem,
            AddressProblem::BadPhone,
            "{bad}"
        );
    }
}

#[test]
fn a_known_address_fills_the_form_it_came_from() {
    let mut input = typed("US", "1 Main St", "95014", "Cupertino", "CA");
    input.company = "Tarn & Co".into();
    input.phone = "+1 (408) 555-0100 ext. 7".into();
    let address = input.check().unwrap();
    assert_eq!(AddressInput::from(&address), input);
    assert_eq!(AddressInput::from(&address).check(), Ok(address));
}

fn word() -> impl Strategy<Value = String> {
    "[a-z0-9éß]{1,12}( [a-z0-9]{1,8})?"
}

prop_compose! {
    fn any_address()(
        place in 0_usize..Country::all().len(), choice in any::<prop::sample::Index>(), japanese in any::<bool>(),
        name in word(), company in prop::option::of(word()), line1 in word(), line2 in prop::option::of(word()),
        postcode in prop::option::of(word()), city in prop::option::of(word()), region in prop::option::of(word()),
    ) -> Address {
        let country = Country::all().nth(place).unwrap();
        let regions = AddressFormat::of(country).regions();
        let region = region.map(|free| if regions.is_empty() { free } else { regions[choice.index(regions.len())].code.to_owned() });
        let line1 = if japanese { format!("渋谷区 {line1}") } else { line1 };
        Address { name, company, line1, line2, postcode, city, region, country, phone: None }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_line_is_empty_and_no_filled_field_is_lost(address in any_address()) {
        let lines = address.lines();
        prop_assert!(lines.iter().all(|line| !line.trim().is_empty() && line.trim() == line), "{lines:?}");
        let label = lines.join("\n").to_uppercase();
        let fields = [Some(&address.name), address.company.as_ref(), Some(&address.line1), address.line2.as_ref(), address.postcode.as_ref(), address.city.as_ref()];
        for field in fields.into_iter().flatten() {
            prop_assert!(label.contains(&field.to_uppercase()), "{field} is not in {lines:?}");
        }
        if let Some(stored) = &address.region {
            let names = AddressFormat::of(address.country).region(stored).map_or(vec![stored.as_str()], |region| {
                [Some(region.code), Some(region.name), region.latin].into_iter().flatten().collect()
            });
            prop_assert!(names.iter().any(|name| label.contains(&name.to_uppercase())), "{stored} is not in {lines:?}");
        }
    }

    #[test]
    fn whatever_is_typed_is_checked_without_a_panic_and_what_passes_stays_as_it_is(
        place in 0_usize..Country::all().len(), texts in prop::collection::vec("\\PC{0,30}", 8), postcode in "[0-9A-Za-z -]{0,12}",
    ) {
        let country = Country::all().nth(place).unwrap();
        let input = AddressInput {
            name: texts[0].clone(), company: texts[1].clone(), line1: texts[2].clone(), line2: texts[3].clone(), postcode,
            city: texts[4].clone(), region: texts[5].clone(), country: country.to_string(), phone: texts[6].clone(),
        };
        if let Ok(address) = input.check() {
            prop_assert_eq!(AddressInput::from(&address).check(), Ok(address));
        }
    }
}

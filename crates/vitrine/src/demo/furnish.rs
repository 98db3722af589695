//! The demo shop's settings, taxes and ways to deliver. Every step looks first: a second `--demo` changes nothing.

use commerce::Shop;
use commerce::delivery::{self, CreateMethod, CreateZone, create_method, create_zone};
use commerce::inventory;
use commerce::settings::{
    self, BankAccount, HomeSettings, SellingSettings, Settings, ShopSettings,
};
use commerce::staff::Operator;
use commerce::tax::{SetTaxRate, set_rate};
use kernel::{Country, Currency, Money, Rate};
use pricing::{DeliveryKind, DeliveryRule, TaxClass, WeightTier};

use super::catalog::seed_catalog;
use crate::Failure;
use crate::console::say;

/// Where parcels cost least.
const NEAR: &[&str] = &["NL", "BE", "DE"];
/// The rest of Europe that the shop delivers to.
const FAR: &[&str] = &[
    "AT", "CZ", "DK", "EE", "ES", "FI", "FR", "GB", "IE", "IT", "LT", "LU", "LV", "NO", "PL", "PT",
    "SE", "SI", "SK",
];

/// Standard and reduced rates, in basis points, by country; the reduced one is that of food.
const TAXES: &[(&str, i64, i64)] = &[
    ("NL", 2_100, 900),
    ("BE", 2_100, 600),
    ("DE", 1_900, 700),
    ("AT", 2_000, 1_000),
    ("CZ", 2_100, 1_200),
    ("DK", 2_500, 2_500),
    ("EE", 2_400, 2_400),
    ("ES", 2_100, 1_000),
    ("FI", 2_550, 1_350),
    ("FR", 2_000, 550),
    ("IE", 2_300, 0),
    ("IT", 2_200, 1_000),
    ("LT", 2_100, 2_100),
    ("LU", 1_700, 300),
    ("LV", 2_100, 1_200),
    ("PL", 2_300, 800),
    ("PT", 2_300, 1_300),
    ("SE", 2_500, 600),
    ("SI", 2_200, 950),
    ("SK", 2_300, 1_900),
];

/// Fills an empty shop with Wrenfold. A shop with products of its own is left alone.
pub(crate) async fn furnish(shop: &Shop) -> Result<(), Failure> {
    let found = shop.db.read(settings::load).await?;
    if found == Settings::default() {
        settings::save(shop, operator().may(), wrenfold()).await?;
        say("Setting the demo shop up: Wrenfold, good things for slow mornings.");
    } else if found.shop.name != wrenfold().shop.name {
        return Err("this shop is not empty, so it was not turned into the demo shop; name an empty folder with --data, or leave --demo away".into());
    }
    taxes(shop).await?;
    seed_catalog(shop).await?;
    ways_to_deliver(shop).await
}

fn operator() -> Operator {
    Operator::at_the_command_line()
}

fn euros(cents: i64) -> Money {
    Currency::EUR.minor(cents)
}

fn wrenfold() -> Settings {
    let shop = ShopSettings {
        name: "Wrenfold".to_owned(),
        tagline: Some("Good things for slow mornings.".to_owned()),
        intro: Some(
            "Stoneware, coffee and paper made by eleven people in one old dye works.".to_owned(),
        ),
        announcement: Some("Free delivery over €60 · 30-day returns".to_owned()),
        email: Some("hello@wrenfold.example".to_owned()),
        address_lines: vec![
            "Wrenfold".to_owned(),
            "The old dye works, Canal side 3".to_owned(),
            "2312 XK Leiden".to_owned(),
        ],
        time_zone: "Europe/Amsterdam".to_owned(),
    };
    let selling = SellingSettings {
        bank: Some(BankAccount {
            holder: "Wrenfold".to_owned(),
            iban: "NL02ABNA0123456789".to_owned(),
            bic: Some("ABNANL2A".to_owned()),
        }),
        returns_days: Some(30),
        low_stock_at: 5,
        ..SellingSettings::default()
    };
    let home = HomeSettings {
        headline: Some("Good things for slow mornings.".to_owned()),
        text: Some("Stoneware, coffee and paper made by eleven people in one old dye works.".to_owned()),
        product_slug: Some("hearthlight-espresso".to_owned()),
        category_slug: Some("ceramics".to_owned()),
        collection_slugs: vec!["new-this-week".to_owned(), "best-sellers".to_owned()],
        story_title: Some("Made here, by hand, in small numbers".to_owned()),
        story_text: Some(
            "The clay is wedged at seven, the roaster is lit on Tuesdays, and the press runs when the ink is right. \
             Nothing leaves before somebody has used one for a week."
                .to_owned(),
        ),
    };
    Settings {
        shop,
        selling,
        home,
    }
}

async fn taxes(shop: &Shop) -> Result<(), Failure> {
    let home = Country::parse("NL")?;
    let known = shop
        .db
        .read(move |tx| commerce::tax::rates_for(tx, home, home))
        .await?;
    if known.find(home, &TaxClass::new("standard")).is_some() {
        return Ok(());
    }
    for (country, standard, reduced) in TAXES {
        let country = Country::parse(country)?;
        for (class, bps) in [("standard", *standard), ("reduced", *reduced)] {
            let rate = SetTaxRate {
                country,
                class: TaxClass::new(class),
                name: "VAT".to_owned(),
                rate: Rate::basis_points(bps),
            };
            set_rate(shop, operator().may(), rate).await?;
        }
    }
    Ok(())
}

async fn ways_to_deliver(shop: &Shop) -> Result<(), Failure> {
    if !shop.db.read(delivery::countries).await?.is_empty() {
        return Ok(());
    }
    let near = zone(shop, "Netherlands, Belgium, Germany", NEAR).await?;
    let far = zone(shop, "Rest of Europe", FAR).await?;
    let post = CreateMethod {
        zone_id: Some(near.clone()),
        location_id: None,
        name: "PostNL, to your door".to_owned(),
        description: String::new(),
        rule: DeliveryRule {
            kind: DeliveryKind::Flat { price: euros(490) },
            free_over: Some(euros(6_000)),
        },
        days: (1, 2),
    };
    create_method(shop, operator().may(), post).await?;
    let tier = |up_to_grams, cents| WeightTier {
        up_to_grams,
        price: euros(cents),
    };
    let bike = CreateMethod {
        zone_id: Some(near),
        location_id: None,
        name: "Courier, next working day".to_owned(),
        description: "Needs somebody at home".to_owned(),
        rule: DeliveryRule {
            kind: DeliveryKind::ByWeight {
                tiers: vec![tier(2_000, 990), tier(10_000, 1_490), tier(30_000, 2_490)],
            },
            free_over: None,
        },
        days: (1, 1),
    };
    create_method(shop, operator().may(), bike).await?;
    let abroad = CreateMethod {
        zone_id: Some(far),
        location_id: None,
        name: "PostNL, Europe".to_owned(),
        description: String::new(),
        rule: DeliveryRule {
            kind: DeliveryKind::Flat {
                price: euros(1_200),
            },
            free_over: None,
        },
        days: (3, 6),
    };
    create_method(shop, operator().may(), abroad).await?;
    let places = shop.db.read(inventory::locations).await?;
    let pickup = CreateMethod {
        zone_id: None,
        location_id: places.last().map(|place| place.id.clone()),
        name: "Pick up at the old dye works".to_owned(),
        description: "Thursday to Saturday, 10 to 17".to_owned(),
        rule: DeliveryRule {
            kind: DeliveryKind::Pickup,
            free_over: None,
        },
        days: (1, 3),
    };
    create_method(shop, operator().may(), pickup).await?;
    Ok(())
}

async fn zone(shop: &Shop, name: &str, codes: &[&str]) -> Result<kernel::DeliveryZoneId, Failure> {
    let countries = codes
        .iter()
        .map(|code| Country::parse(code))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(create_zone(
        shop,
        operator().may(),
        CreateZone {
            name: name.to_owned(),
            countries,
        },
    )
    .await?)
}

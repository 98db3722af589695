//! A new shop and its owner.

use super::*;
use crate::accounts::{Browser, Password, PersonError, claim_link, count, is_claimable};
use crate::on_both;
use crate::testing::{TestShop, euros};

const NO_PLACES: &[&str] = &[
    "DELETE FROM stock_levels",
    "UPDATE delivery_methods SET location_id = NULL",
    "DELETE FROM stock_locations",
];

fn open(name: &str, (country, currency): (&str, Currency)) -> OpenShop {
    OpenShop {
        name: name.to_owned(),
        country: Country::parse(country).unwrap(),
        currency,
        location: "Stockroom".to_owned(),
    }
}

/// A claim with a link from the console.
async fn claim(shop: &TestShop) -> ClaimShop {
    ClaimShop {
        token: claim_link(&shop.shop).await.unwrap().unwrap(),
        name: "Aino".to_owned(),
        email: "aino@example.com".to_owned(),
        password: Password::typed("three quiet herons at dawn"),
        from: Browser::default(),
    }
}

async fn places(shop: &TestShop) -> Vec<String> {
    let found = shop.read(|tx| Ok(inventory::locations(tx)?)).await;
    found.into_iter().map(|place| place.name).collect()
}

/// Nobody owns the shop, it is as it was, and the link still counts.
async fn assert_unclaimed(shop: &TestShop, before: &settings::Settings, cmd: &ClaimShop) {
    let (now, token) = (shop.shop.clock.now(), cmd.token.clone());
    let read = move |tx: &mut Tx<'_>| {
        Ok((
            settings::load(tx)?,
            count(tx)?,
            is_claimable(tx, now, &token)?,
        ))
    };
    assert_eq!(shop.read(read).await, (before.clone(), 0, true));
}

on_both! {
    async fn a_new_shop_has_the_zone_the_taxes_and_a_place_for_stock(shop: &TestShop) {
        shop.tamper("DELETE FROM tax_rates").await;
        for sql in NO_PLACES {
            shop.tamper(sql).await;
        }
        let cmd = claim(shop).await;
        let now = claim_shop(&shop.shop, cmd, open("  Savi  ja  kahvi ", ("FI", Currency::EUR))).await.unwrap();
        assert_eq!(shop.who(&now.session).await.unwrap().member().role, Role::Owner);
        let (settings, rates) = shop.read(move |tx| Ok((settings::load(tx)?, tax::list_rates(tx)?))).await;
        assert_eq!((settings.shop.name.as_str(), settings.shop.time_zone.as_str()), ("Savi ja kahvi", "Europe/Helsinki"));
        assert_eq!(settings.selling.country.code(), "FI");
        let rates: Vec<_> = rates.iter().map(|rate| (rate.country.code(), rate.class.as_str(), rate.rate.bps())).collect();
        assert_eq!(rates, [("FI", "reduced", 1_350), ("FI", "standard", 2_550)]);
        assert_eq!(places(shop).await, ["Stockroom"]);
        let trail = shop.read(|tx| Ok(audit::list(tx, &audit::Filter::default(), 1)?)).await;
        let after = trail[0].after.clone().unwrap();
        assert_eq!((trail[0].action.as_str(), &after["location"], &after["shop.name"]), ("staff.claim_shop", &json!("Stockroom"), &json!("Savi ja kahvi")));
    }

    async fn a_shop_that_has_a_place_for_stock_gets_no_other(shop: &TestShop) {
        let cmd = claim(shop).await;
        claim_shop(&shop.shop, cmd, open("Lera", ("NL", Currency::EUR))).await.unwrap();
        assert_eq!(places(shop).await, ["Workshop"]);
        shop.assert_clean().await;
    }

    async fn a_shop_that_cannot_open_as_its_owner_wishes_is_not_claimed(shop: &TestShop) {
        shop.product("Tarn vase", euros(6_800), 1).await;
        let before = shop.read(|tx| Ok(settings::load(tx)?)).await;
        let cmd = claim(shop).await;
        let crowns = ("SE", Currency::parse("SEK").unwrap());
        let refused = claim_shop(&shop.shop, cmd.clone(), open("Lera", crowns)).await;
        assert!(matches!(refused, Err(ClaimShopError::Open(OpenShopError::CurrencyInUse(Currency::EUR)))), "{refused:?}");
        assert_unclaimed(shop, &before, &cmd).await;
        let refused = claim_shop(&shop.shop, cmd.clone(), open(" ", ("SE", Currency::EUR))).await;
        assert!(matches!(refused, Err(ClaimShopError::Open(OpenShopError::BadName(TextError::Empty)))), "{refused:?}");
        let nameless = ClaimShop { name: " ".to_owned(), ..cmd.clone() };
        let refused = claim_shop(&shop.shop, nameless, open("Lera", ("SE", Currency::EUR))).await;
        assert!(matches!(refused, Err(ClaimShopError::Claim(ClaimError::Person(PersonError::BadName(_))))), "{refused:?}");
        assert_unclaimed(shop, &before, &cmd).await;
        claim_shop(&shop.shop, cmd, open("Lera", ("SE", Currency::EUR))).await.unwrap();
    }

    async fn a_failure_in_the_middle_of_opening_leaves_nothing_half_claimed(shop: &TestShop) {
        let before = shop.read(|tx| Ok(settings::load(tx)?)).await;
        let cmd = claim(shop).await;
        // The last thing written before the trail cannot be.
        shop.tamper("ALTER TABLE stock_locations RENAME TO elsewhere").await;
        let failed = claim_shop(&shop.shop, cmd.clone(), open("Lera", ("SE", Currency::EUR))).await;
        assert!(matches!(failed, Err(ClaimShopError::Open(OpenShopError::Internal(_)))), "{failed:?}");
        assert_unclaimed(shop, &before, &cmd).await;
        shop.tamper("ALTER TABLE elsewhere RENAME TO stock_locations").await;
        claim_shop(&shop.shop, cmd, open("Lera", ("SE", Currency::EUR))).await.unwrap();
        shop.assert_clean().await;
    }
}

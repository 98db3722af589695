//! Claiming a shop and signing in.

use kernel::Secret;

use crate::accounts::*;
use crate::on_both;
use crate::testing::TestShop;

const PASSWORD: &str = "een blauwe kom met thee";

fn browser(network: &str) -> Browser {
    Browser {
        name: "Firefox on Linux".to_owned(),
        network: network.to_owned(),
        ..Browser::default()
    }
}

async fn claimed(shop: &TestShop) -> SignedInNow {
    let token = claim_link(&shop.shop).await.unwrap().unwrap();
    claim_shop(&shop.shop, claim(&token, "ines@example.com"))
        .await
        .unwrap()
}

fn claim(token: &Secret, email: &str) -> ClaimShop {
    ClaimShop {
        token: token.clone(),
        name: "Ines Vermeer".to_owned(),
        email: email.to_owned(),
        password: Password::typed(PASSWORD),
        from: browser("192.0.2.1"),
    }
}

async fn who(shop: &TestShop, session: &Secret) -> Option<SignedIn> {
    let (now, session) = (shop.shop.clock.now(), session.clone());
    shop.read(move |tx| Ok(find_session(tx, now, &session)?))
        .await
}

on_both! {
    async fn whoever_claims_the_shop_is_its_owner_and_signed_in(shop: &TestShop) {
        let now = claimed(shop).await;
        let ines = who(shop, &now.session).await.unwrap();
        assert_eq!((ines.member().name.as_str(), ines.member().role), ("Ines Vermeer", Role::Owner));
        assert_eq!(claim_link(&shop.shop).await.unwrap(), None);
        let cmd = SignIn { email: " Ines@EXAMPLE.com ".to_owned(), password: Password::typed(PASSWORD), from: browser("192.0.2.1") };
        let again = sign_in(&shop.shop, cmd).await.unwrap();
        assert!(again.session != now.session && who(shop, &again.session).await.is_some());
        shop.assert_clean().await;
    }
}

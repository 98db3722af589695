//! Who gets in, who does not, and what ends.

mod colleagues;
mod ending;
mod entering;
mod second_factor;

use kernel::{Country, Currency, Secret};

use super::{
    Browser, ClaimError, ClaimShop, Password, SignIn, SignInError, SignedIn, SignedInNow,
    claim_link, sign_in,
};
use crate::Shop;
use crate::opening::{self, ClaimShopError, OpenShop};
use crate::testing::TestShop;

/// What Ines, who claims the shop, signs in with.
const PASSWORD: &str = "een blauwe kom met thee";
const INES: &str = "ines@example.com";

/// A browser nobody has signed in with.
fn browser(network: &str) -> Browser {
    Browser {
        name: "Firefox on Linux".to_owned(),
        network: network.to_owned(),
        ..Browser::default()
    }
}

/// The browser that keeps what it was given.
fn same_browser(network: &str, now: &SignedInNow) -> Browser {
    Browser {
        device: Some(now.device.clone()),
        session: Some(now.session.clone()),
        ..browser(network)
    }
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

/// Claims the shop, which goes on as it was.
async fn claim_shop(shop: &Shop, cmd: ClaimShop) -> Result<SignedInNow, ClaimError> {
    let open = OpenShop {
        name: "Wrenfold".to_owned(),
        country: Country::parse("NL").unwrap(),
        currency: Currency::EUR,
        location: "Workshop".to_owned(),
    };
    match opening::claim_shop(shop, cmd, open).await {
        Ok(now) => Ok(now),
        Err(ClaimShopError::Claim(error)) => Err(error),
        Err(ClaimShopError::Open(error)) => panic!("{error}"),
    }
}

/// A shop that Ines has claimed.
async fn claimed(shop: &TestShop) -> SignedInNow {
    let token = claim_link(&shop.shop).await.unwrap().unwrap();
    claim_shop(&shop.shop, claim(&token, INES)).await.unwrap()
}

/// Ines as she is signed in there.
async fn ines(shop: &TestShop, now: &SignedInNow) -> SignedIn {
    shop.who(&now.session).await.unwrap()
}

async fn try_in(
    shop: &TestShop,
    (email, password): (&str, &str),
    from: Browser,
) -> Result<SignedInNow, SignInError> {
    let cmd = SignIn {
        email: email.to_owned(),
        password: Password::typed(password),
        from,
    };
    sign_in(&shop.shop, cmd).await
}

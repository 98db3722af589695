//! Who gets in, who does not, and what ends.

mod colleagues;
mod ending;
mod entering;
mod second_factor;

use kernel::Secret;

use super::{
    Browser, ClaimShop, Password, SignIn, SignInError, SignedIn, SignedInNow, claim_link,
    claim_shop, sign_in,
};
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

//! Who works in a shop for tests.

use kernel::{Email, Secret};

use super::{TestShop, operator};
use crate::accounts::{
    Browser, Invite, Role, SignedIn, find_session, invite, sign_in_link, use_link,
};

impl TestShop {
    /// Somebody new in this role, signed in by a link, without a password. What their browser holds comes along.
    pub async fn hire(&self, email: &str, role: Role) -> (SignedIn, Secret) {
        let cmd = Invite {
            name: email.split('@').next().unwrap_or(email).to_owned(),
            email: email.to_owned(),
            role,
        };
        invite(&self.shop, operator().may(), cmd)
            .await
            .expect("they can be let in");
        self.let_in(email).await
    }

    /// Signs in by a link whoever has this address.
    pub async fn let_in(&self, email: &str) -> (SignedIn, Secret) {
        let email = Email::parse(email).expect("an address");
        let link = sign_in_link(&self.shop, operator().may(), email)
            .await
            .expect("they are not shut out");
        let now = use_link(&self.shop, &link, Browser::default())
            .await
            .expect("the link is new");
        let who = self.who(&now.session).await;
        (who.expect("they have just signed in"), now.session)
    }

    /// Who is signed in with this session, if it still counts.
    pub async fn who(&self, session: &Secret) -> Option<SignedIn> {
        let (now, session) = (self.shop.clock.now(), session.clone());
        self.read(move |tx| Ok(find_session(tx, now, &session)?))
            .await
    }
}

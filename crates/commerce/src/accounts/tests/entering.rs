//! Claiming a shop and signing in, and how often that may be tried.

use kernel::time::{DAY, MINUTE, SECOND};

use super::second_factor::enrolled;
use super::{INES, PASSWORD, browser, claim, claim_shop, claimed, ines, same_browser, try_in};
use crate::accounts::{
    AcceptInvitation, ClaimError, ClaimShop, Password, PasswordError, PersonError, Role,
    SignInError, SignedInNow, accept_invitation, change_role, claim_link, count, disable,
    is_claimable, reset_password_link, sign_in_link, use_link,
};
use crate::on_both;
use crate::shop::Shop;
use crate::staff::Door;
use crate::staff::door::limits;
use crate::testing::{TestShop, operator};

/// Tries so often that there are no tries left, and says how often.
async fn exhaust(
    shop: &TestShop,
    email: &str,
    from: impl Fn(u32) -> crate::accounts::Browser,
) -> u32 {
    for count in 0..1_000 {
        match try_in(shop, (email, "not her password"), from(count)).await {
            Err(SignInError::Wrong) => {}
            Err(SignInError::TooManyTries { .. }) => return count,
            other => panic!("{other:?}"),
        }
    }
    panic!("there is no end to it");
}

fn is_wrong(answer: &Result<SignedInNow, SignInError>) -> bool {
    matches!(answer, Err(SignInError::Wrong))
}

on_both! {
    async fn whoever_claims_the_shop_is_its_owner_and_signed_in(shop: &TestShop) {
        let now = claimed(shop).await;
        let owner = ines(shop, &now).await;
        assert_eq!((owner.member().name.as_str(), owner.member().role), ("Ines Vermeer", Role::Owner));
        assert_eq!(claim_link(&shop.shop).await.unwrap(), None);
        let again = try_in(shop, (" Ines@EXAMPLE.com ", PASSWORD), browser("192.0.2.1")).await.unwrap();
        assert!(again.session != now.session && shop.who(&again.session).await.is_some());
        shop.assert_clean().await;
    }

    async fn of_two_who_claim_the_shop_at_once_one_owns_it(shop: &TestShop) {
        let tokens = [claim_link(&shop.shop).await.unwrap().unwrap(), claim_link(&shop.shop).await.unwrap().unwrap()];
        let (first, second) = tokio::join!(
            claim_shop(&shop.shop, claim(&tokens[0], "ines@example.com")),
            claim_shop(&shop.shop, claim(&tokens[1], "eva@example.com")),
        );
        assert_eq!(u8::from(first.is_ok()) + u8::from(second.is_ok()), 1);
        for answer in [first, second] {
            assert!(matches!(answer, Ok(_) | Err(ClaimError::Spent)), "{answer:?}");
        }
        assert_eq!(shop.read(|tx| Ok(count(tx)?)).await, 1);
        let late = claim_shop(&shop.shop, claim(&tokens[0], "late@example.com")).await;
        assert!(matches!(late, Err(ClaimError::Spent)), "{late:?}");
        shop.assert_clean().await;
    }

    async fn of_two_who_claim_the_shop_on_two_nodes_at_once_one_owns_it(shop: &TestShop) {
        let db = shop.open_again();
        let other = Shop { door: Door::default(), ..shop.second_node(db) };
        for round in 0..6 {
            let tokens = [claim_link(&shop.shop).await.unwrap().unwrap(), claim_link(&other).await.unwrap().unwrap()];
            let (first, second) = tokio::join!(
                claim_shop(&shop.shop, claim(&tokens[0], "ines@example.com")),
                claim_shop(&other, claim(&tokens[1], "eva@example.com")),
            );
            assert_eq!(u8::from(first.is_ok()) + u8::from(second.is_ok()), 1, "round {round}: {first:?} {second:?}");
            assert_eq!(shop.read(|tx| Ok(count(tx)?)).await, 1);
            shop.assert_clean().await;
            for sql in ["DELETE FROM staff_devices", "DELETE FROM staff_sessions", "DELETE FROM staff_links", "DELETE FROM audit", "DELETE FROM staff", "UPDATE counters SET value = 0 WHERE name IN ('staff', 'audit')"] {
                shop.tamper(sql).await;
            }
        }
    }

    async fn a_claim_that_cannot_be_leaves_the_link_as_it_was(shop: &TestShop) {
        let token = claim_link(&shop.shop).await.unwrap().unwrap();
        let good = claim(&token, INES);
        let bad = [
            ClaimShop { name: " ".to_owned(), ..good.clone() },
            ClaimShop { email: "ines".to_owned(), ..good.clone() },
            ClaimShop { password: Password::typed("too short"), ..good.clone() },
            ClaimShop { password: Password::typed("wrenfold wrenfold"), ..good.clone() },
        ];
        for cmd in bad {
            let refused = claim_shop(&shop.shop, cmd).await;
            assert!(matches!(refused, Err(ClaimError::Person(PersonError::BadName(_) | PersonError::BadEmail(_) | PersonError::BadPassword(PasswordError::TooShort | PasswordError::Guessable)))), "{refused:?}");
        }
        let elsewhere = claim(&shop.shop.ids.secret(), INES);
        assert!(matches!(claim_shop(&shop.shop, elsewhere).await, Err(ClaimError::Spent)));
        assert_eq!(shop.read(|tx| Ok(count(tx)?)).await, 0);
        // It is good until it is used, whenever that is.
        shop.clock.advance(400 * DAY);
        let (now, wanted) = (shop.shop.clock.now(), token.clone());
        assert!(shop.read(move |tx| Ok(is_claimable(tx, now, &wanted)?)).await);
        claim_shop(&shop.shop, good).await.unwrap();
        assert!(!shop.read(move |tx| Ok(is_claimable(tx, now, &token)?)).await);
    }

    async fn nobody_learns_whether_an_address_has_an_account(shop: &TestShop) {
        claimed(shop).await;
        let (invited, _) = shop.hire("new@example.com", Role::Viewer).await;
        let (gone, _) = shop.hire("gone@example.com", Role::Viewer).await;
        disable(&shop.shop, operator().may(), (gone.member().id.clone(), 1)).await.unwrap();
        assert!(!invited.member().has_password);
        let before = shop.shop.door.hashed();
        let tries = [(INES, "not her password"), ("nobody@example.com", PASSWORD), ("new@example.com", PASSWORD), ("gone@example.com", PASSWORD), ("not an address", PASSWORD)];
        for (number, tried) in tries.into_iter().enumerate() {
            let answer = try_in(shop, tried, browser(&format!("198.51.100.{number}"))).await;
            assert!(is_wrong(&answer), "{tried:?}: {answer:?}");
        }
        assert_eq!(shop.shop.door.hashed() - before, 5, "each took as much work");
        // Shut out with a password and a second factor: not even that the password was right.
        let now = accept(shop, "eva@example.com").await;
        let eva = ines(shop, &now).await;
        enrolled(shop, &eva).await;
        let version = shop.who(&now.session).await.unwrap().member().version;
        disable(&shop.shop, operator().may(), (eva.member().id.clone(), version)).await.unwrap();
        let answer = try_in(shop, ("eva@example.com", PASSWORD), browser("203.0.113.1")).await;
        assert!(is_wrong(&answer), "{answer:?}");
    }

    async fn tries_on_one_account_run_out_but_never_for_a_browser_that_is_known(shop: &TestShop) {
        let now = claimed(shop).await;
        let hashed = shop.shop.door.hashed();
        let tried = exhaust(shop, INES, |count| browser(&format!("198.51.100.{count}"))).await;
        assert_eq!((tried, shop.shop.door.hashed() - hashed), (limits::ACCOUNT.burst, u64::from(limits::ACCOUNT.burst)));
        // Even the right password waits, from a browser nobody knows.
        let stranger = try_in(shop, (INES, PASSWORD), browser("203.0.113.9")).await;
        let Err(SignInError::TooManyTries { seconds }) = stranger else { panic!("{stranger:?}") };
        assert_eq!(seconds, limits::ACCOUNT.every / SECOND);
        let known = same_browser("203.0.113.9", &now);
        try_in(shop, (INES, PASSWORD), known.clone()).await.unwrap();
        // What is known is known for her alone.
        let other = exhaust(shop, "joris@example.com", |_| known.clone()).await;
        assert!(other <= limits::ACCOUNT.burst);
        shop.clock.advance(seconds * SECOND);
        try_in(shop, (INES, PASSWORD), browser("203.0.113.10")).await.unwrap();
    }

    async fn tries_from_one_network_run_out_whatever_they_are_tried_on(shop: &TestShop) {
        claimed(shop).await;
        for number in 0..limits::NETWORK.burst {
            assert!(is_wrong(&try_in(shop, (&format!("a{number}@example.com"), PASSWORD), browser("198.51.100.1")).await));
        }
        let more = try_in(shop, (INES, PASSWORD), browser("198.51.100.1")).await;
        assert!(matches!(more, Err(SignInError::TooManyTries { .. })), "{more:?}");
        try_in(shop, (INES, PASSWORD), browser("198.51.100.2")).await.unwrap();
    }

    async fn signing_in_rightly_uses_nothing_up(shop: &TestShop) {
        claimed(shop).await;
        for _ in 0..limits::NETWORK.burst + 2 {
            try_in(shop, (INES, PASSWORD), browser("198.51.100.1")).await.unwrap();
        }
    }

    async fn a_stolen_browser_has_only_its_own_tries(shop: &TestShop) {
        let now = claimed(shop).await;
        assert_eq!(exhaust(shop, INES, |_| same_browser("192.0.2.1", &now)).await, limits::DEVICE.burst);
        try_in(shop, (INES, PASSWORD), browser("192.0.2.2")).await.unwrap();
    }

    async fn a_flood_from_everywhere_is_little_work_and_the_owner_still_gets_in(shop: &TestShop) {
        let now = claimed(shop).await;
        let before = shop.shop.door.hashed();
        for number in 0..2_000_u32 {
            let email = format!("a{}@example.com", number % 300);
            let answer = try_in(shop, (&email, PASSWORD), browser(&format!("network {number}"))).await;
            assert!(matches!(answer, Err(SignInError::Wrong | SignInError::TooManyTries { .. })), "{answer:?}");
        }
        assert_eq!(shop.shop.door.hashed() - before, u64::from(limits::STRANGERS.burst));
        try_in(shop, (INES, PASSWORD), same_browser("192.0.2.1", &now)).await.unwrap();
        // Without her browser, a link always lets her in.
        let link = sign_in_link(&shop.shop, operator().may(), kernel::Email::parse(INES).unwrap()).await.unwrap();
        use_link(&shop.shop, &link, browser("192.0.2.7")).await.unwrap();
    }

    async fn a_link_to_sign_in_works_once_and_for_a_quarter_of_an_hour(shop: &TestShop) {
        claimed(shop).await;
        let email = || kernel::Email::parse(INES).unwrap();
        let make = || sign_in_link(&shop.shop, operator().may(), email());
        let link = make().await.unwrap();
        let (first, second) = tokio::join!(use_link(&shop.shop, &link, browser("a")), use_link(&shop.shop, &link, browser("b")));
        assert_eq!(u8::from(first.is_ok()) + u8::from(second.is_ok()), 1);
        let late = make().await.unwrap();
        shop.clock.advance(15 * MINUTE + 1);
        assert!(use_link(&shop.shop, &late, browser("a")).await.is_err());
        let (older, newer) = (make().await.unwrap(), make().await.unwrap());
        assert!(use_link(&shop.shop, &older, browser("a")).await.is_err(), "only the newest counts");
        use_link(&shop.shop, &newer, browser("a")).await.unwrap();
        // A link for one thing is none for another.
        let invitation = reset_password_link(&shop.shop, operator().may(), ines_id(shop).await).await.unwrap();
        assert!(use_link(&shop.shop, &invitation, browser("a")).await.is_err());
        shop.assert_clean().await;
    }

    async fn a_role_that_changes_while_a_password_is_looked_at_signs_nobody_in(shop: &TestShop) {
        let (eva, _) = shop.hire("eva@example.com", Role::Viewer).await;
        let id = eva.member().id.clone();
        let ticket = crate::accounts::sign_in::ticket(&shop.shop, id.clone(), 1).await.unwrap();
        change_role(&shop.shop, operator().may(), (id, 1), Role::Manager).await.unwrap();
        let cmd = crate::accounts::SecondStep { ticket, code: "123456".to_owned(), from: browser("a") };
        let late = crate::accounts::finish_sign_in(&shop.shop, cmd).await;
        assert!(matches!(late, Err(SignInError::TicketExpired)), "{late:?}");
    }
}

/// Somebody new who has chosen the usual password.
async fn accept(shop: &TestShop, email: &str) -> SignedInNow {
    let (who, _) = shop.hire(email, Role::Viewer).await;
    let id = who.member().id.clone();
    let token = reset_password_link(&shop.shop, operator().may(), id).await;
    let cmd = AcceptInvitation {
        token: token.unwrap(),
        password: Password::typed(PASSWORD),
        from: browser("203.0.113.1"),
    };
    accept_invitation(&shop.shop, cmd).await.unwrap()
}

async fn ines_id(shop: &TestShop) -> kernel::StaffId {
    let email = kernel::Email::parse(INES).unwrap();
    let found = shop
        .read(move |tx| Ok(crate::accounts::find_by_email(tx, &email)?))
        .await;
    found.unwrap().id
}

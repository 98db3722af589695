//! Codes of an app, recovery codes, and the way in with them.

use data_encoding::BASE32_NOPAD;
use kernel::time::{MINUTE, SECOND};
use totp_rs::Builder;

use super::{INES, PASSWORD, browser, claimed, ines, same_browser, try_in};
use crate::accounts::{
    ChangePassword, ConfirmSecondFactor, Password, RECOVERY_CODES, Role, SecondFactorError,
    SecondStep, SignInError, SignedIn, SignedInNow, begin_second_factor, change_password,
    confirm_second_factor, finish_sign_in, new_recovery_codes, recovery_codes_left,
    remove_second_factor,
};
use crate::on_both;
use crate::staff::door::limits;
use crate::testing::TestShop;

/// The code an app shows for this secret, so many steps from now.
fn code(shop: &TestShop, secret: &str, steps: i64) -> String {
    let app = Builder::new()
        .with_secret(BASE32_NOPAD.decode(secret.as_bytes()).unwrap())
        .build()
        .unwrap();
    let at = shop.shop.clock.now().plus(steps * 30 * SECOND).millis() / 1_000;
    app.generate(u64::try_from(at).unwrap()).to_string()
}

/// Turns the second factor on; answers with the app's secret and the recovery codes.
pub(super) async fn enrolled(shop: &TestShop, who: &SignedIn) -> (String, Vec<String>) {
    let enrolment = begin_second_factor(&shop.shop, who).await.unwrap();
    let cmd = ConfirmSecondFactor {
        sealed: enrolment.sealed,
        code: code(shop, &enrolment.secret, 0),
    };
    let codes = confirm_second_factor(&shop.shop, who, cmd).await.unwrap();
    (enrolment.secret, codes)
}

/// The ticket a right password gives.
async fn ticket(shop: &TestShop) -> String {
    match try_in(shop, (INES, PASSWORD), browser("192.0.2.1")).await {
        Err(SignInError::SecondFactorNeeded { ticket }) => ticket,
        other => panic!("{other:?}"),
    }
}

async fn finish(shop: &TestShop, ticket: &str, code: &str) -> Result<SignedInNow, SignInError> {
    let cmd = SecondStep {
        ticket: ticket.to_owned(),
        code: code.to_owned(),
        from: browser("192.0.2.1"),
    };
    finish_sign_in(&shop.shop, cmd).await
}

fn is_wrong(answer: &Result<SignedInNow, SignInError>) -> bool {
    matches!(answer, Err(SignInError::WrongCode))
}

on_both! {
    async fn signing_in_takes_a_code_and_each_code_counts_once(shop: &TestShop) {
        let now = claimed(shop).await;
        let (secret, codes) = enrolled(shop, &ines(shop, &now).await).await;
        assert_eq!(codes.len(), RECOVERY_CODES);
        let first = ticket(shop).await;
        // The one that turned it on has counted.
        assert!(is_wrong(&finish(shop, &first, &code(shop, &secret, 0)).await));
        shop.clock.advance(30 * SECOND);
        let shown = code(shop, &secret, 0);
        finish(shop, &first, &format!(" {} {} ", &shown[..3], &shown[3..])).await.unwrap();
        assert!(is_wrong(&finish(shop, &ticket(shop).await, &shown).await));
        // A clock that goes half a minute fast counts, one that goes a minute fast does not.
        assert!(is_wrong(&finish(shop, &ticket(shop).await, &code(shop, &secret, 2)).await));
        finish(shop, &ticket(shop).await, &code(shop, &secret, 1)).await.unwrap();
        assert!(is_wrong(&finish(shop, &ticket(shop).await, &code(shop, &secret, 0)).await), "a step before the last one");
        shop.assert_clean().await;
    }

    async fn one_code_used_twice_at_once_lets_in_once(shop: &TestShop) {
        let now = claimed(shop).await;
        let (secret, codes) = enrolled(shop, &ines(shop, &now).await).await;
        shop.clock.advance(MINUTE);
        for code in [code(shop, &secret, 0), codes[3].to_uppercase()] {
            let ticket = ticket(shop).await;
            let (first, second) = tokio::join!(finish(shop, &ticket, &code), finish(shop, &ticket, &code));
            assert_eq!(u8::from(first.is_ok()) + u8::from(second.is_ok()), 1);
            for answer in [first, second] {
                assert!(answer.is_ok() || is_wrong(&answer), "{answer:?}");
            }
        }
        let id = ines(shop, &now).await.member().id.clone();
        assert_eq!(shop.read(move |tx| Ok(recovery_codes_left(tx, &id)?)).await, 9);
        shop.assert_clean().await;
    }

    async fn new_recovery_codes_end_the_old_ones(shop: &TestShop) {
        let now = claimed(shop).await;
        let who = ines(shop, &now).await;
        assert!(matches!(new_recovery_codes(&shop.shop, &who).await, Err(SecondFactorError::NotThere)));
        let (_, old) = enrolled(shop, &who).await;
        let new = new_recovery_codes(&shop.shop, &who).await.unwrap();
        assert!(is_wrong(&finish(shop, &ticket(shop).await, &old[0]).await));
        finish(shop, &ticket(shop).await, &new[0].replace('-', " ")).await.unwrap();
        let mut all = new.clone();
        all.extend(old);
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 2 * RECOVERY_CODES);
    }

    async fn a_second_step_is_good_for_minutes_and_for_its_account_as_it_was(shop: &TestShop) {
        let now = claimed(shop).await;
        let who = ines(shop, &now).await;
        let (secret, _) = enrolled(shop, &who).await;
        let late = ticket(shop).await;
        shop.clock.advance(5 * MINUTE);
        let expired = finish(shop, &late, &code(shop, &secret, 0)).await;
        assert!(matches!(expired, Err(SignInError::TicketExpired)), "{expired:?}");
        let before = ticket(shop).await;
        let cmd = ChangePassword { old: Password::typed(PASSWORD), new: Password::typed("drie groene schalen") };
        change_password(&shop.shop, &ines(shop, &now).await, cmd).await.unwrap();
        let changed = finish(shop, &before, &code(shop, &secret, 0)).await;
        assert!(matches!(changed, Err(SignInError::TicketExpired)), "{changed:?}");
        for forged in ["", ".", "e30.e30", &format!("{before}x"), &before.replace('.', "")] {
            assert!(matches!(finish(shop, forged, &code(shop, &secret, 0)).await, Err(SignInError::TicketExpired)), "{forged}");
        }
    }

    async fn codes_cannot_be_guessed_for_long_and_a_known_browser_has_its_own_tries(shop: &TestShop) {
        let now = claimed(shop).await;
        let (secret, _) = enrolled(shop, &ines(shop, &now).await).await;
        shop.clock.advance(MINUTE);
        let proof = ticket(shop).await;
        for _ in 0..limits::CODES.burst {
            assert!(is_wrong(&finish(shop, &proof, "000000").await));
        }
        let right = code(shop, &secret, 0);
        let more = finish(shop, &proof, &right).await;
        assert!(matches!(more, Err(SignInError::TooManyTries { seconds: 300 })), "{more:?}");
        let cmd = SecondStep { ticket: proof, code: right, from: same_browser("192.0.2.1", &now) };
        finish_sign_in(&shop.shop, cmd).await.unwrap();
    }

    async fn nothing_is_on_before_the_first_code_and_only_for_whom_it_was_made(shop: &TestShop) {
        let now = claimed(shop).await;
        let who = ines(shop, &now).await;
        let enrolment = begin_second_factor(&shop.shop, &who).await.unwrap();
        assert!(enrolment.uri.starts_with("otpauth://totp/Wrenfold:ines%40example.com?"), "{}", enrolment.uri);
        assert!(enrolment.uri.contains(&format!("secret={}", enrolment.secret)) && enrolment.uri.contains("issuer=Wrenfold"), "{}", enrolment.uri);
        assert!(!ines(shop, &now).await.member().has_second_factor);
        let confirm = |code: String| ConfirmSecondFactor { sealed: enrolment.sealed.clone(), code };
        let wrong = confirm_second_factor(&shop.shop, &who, confirm("000000".to_owned())).await;
        assert!(matches!(wrong, Err(SecondFactorError::WrongCode)), "{wrong:?}");
        let (eva, _) = shop.hire("eva@example.com", Role::Viewer).await;
        let hers = confirm_second_factor(&shop.shop, &eva, confirm(code(shop, &enrolment.secret, 0))).await;
        assert!(matches!(hers, Err(SecondFactorError::Expired)), "{hers:?}");
        confirm_second_factor(&shop.shop, &who, confirm(code(shop, &enrolment.secret, 0))).await.unwrap();
        let twice = confirm_second_factor(&shop.shop, &who, confirm(code(shop, &enrolment.secret, 0))).await;
        assert!(matches!(twice, Err(SecondFactorError::AlreadyThere)), "{twice:?}");
        let (again, debug) = (begin_second_factor(&shop.shop, &ines(shop, &now).await).await, format!("{enrolment:?}"));
        assert!(matches!(again, Err(SecondFactorError::AlreadyThere)) && !debug.contains(&enrolment.secret));
    }

    async fn the_second_factor_is_removed_with_the_password_alone(shop: &TestShop) {
        let now = claimed(shop).await;
        enrolled(shop, &ines(shop, &now).await).await;
        let who = ines(shop, &now).await;
        let wrong = remove_second_factor(&shop.shop, &who, Password::typed("not her password")).await;
        assert!(matches!(wrong, Err(SecondFactorError::WrongPassword)), "{wrong:?}");
        remove_second_factor(&shop.shop, &who, Password::typed(PASSWORD)).await.unwrap();
        try_in(shop, (INES, PASSWORD), browser("192.0.2.1")).await.unwrap();
        assert!(matches!(remove_second_factor(&shop.shop, &who, Password::typed(PASSWORD)).await, Err(SecondFactorError::NotThere)));
        shop.assert_clean().await;
    }
}

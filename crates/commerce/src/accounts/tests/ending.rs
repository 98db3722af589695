//! Sessions, and everything that ends them.

use std::collections::HashMap;

use kernel::time::{HOUR, MINUTE};
use kernel::{Secret, StaffId};

use super::{INES, PASSWORD, browser, claimed, ines, same_browser, try_in};
use crate::accounts::{
    ChangePassword, OwnError, Password, PasswordError, Role, SESSION_IDLE, SESSION_LONGEST,
    change_password, change_role, disable, enable, end_session, find, save_profile, sessions_of,
    sign_out, sign_out_everywhere, touch,
};
use crate::audit::{self, Filter};
use crate::on_both;
use crate::testing::{Dice, TestShop, operator};

const OTHER: &str = "drie groene schalen";

fn to(old: &str, new: &str) -> ChangePassword {
    ChangePassword {
        old: Password::typed(old),
        new: Password::typed(new),
    }
}

on_both! {
    async fn signing_out_ends_this_browser_and_no_other(shop: &TestShop) {
        let first = claimed(shop).await;
        let second = try_in(shop, (INES, PASSWORD), browser("192.0.2.2")).await.unwrap();
        let who = ines(shop, &first).await;
        sign_out(&shop.shop, &who).await.unwrap();
        assert!(shop.who(&first.session).await.is_none() && shop.who(&second.session).await.is_some());
        sign_out(&shop.shop, &who).await.unwrap();
        sign_out_everywhere(&shop.shop, &ines(shop, &second).await).await.unwrap();
        assert!(shop.who(&second.session).await.is_none());
        shop.assert_clean().await;
    }

    async fn signing_in_never_goes_on_with_a_session_the_browser_brought(shop: &TestShop) {
        let before = claimed(shop).await;
        let planted = shop.shop.ids.secret();
        let with_planted = crate::accounts::Browser { session: Some(planted.clone()), device: Some(planted.clone()), ..browser("192.0.2.2") };
        let now = try_in(shop, (INES, PASSWORD), with_planted).await.unwrap();
        assert!(now.session != planted && now.device != planted && shop.who(&planted).await.is_none());
        let again = try_in(shop, (INES, PASSWORD), same_browser("192.0.2.1", &before)).await.unwrap();
        assert!(again.session != before.session && again.device == before.device);
        assert!(shop.who(&before.session).await.is_none(), "what the browser held has ended");
        assert!(shop.who(&now.session).await.is_some());
    }

    async fn a_new_password_ends_all_other_sessions_and_the_old_secret_of_this_one(shop: &TestShop) {
        let here = claimed(shop).await;
        let there = try_in(shop, (INES, PASSWORD), browser("192.0.2.2")).await.unwrap();
        let who = ines(shop, &here).await;
        let wrong = change_password(&shop.shop, &who, to("not her password", OTHER)).await;
        assert!(matches!(wrong, Err(OwnError::WrongPassword)), "{wrong:?}");
        let bad = change_password(&shop.shop, &who, to(PASSWORD, "password1234")).await;
        assert!(matches!(bad, Err(OwnError::BadPassword(PasswordError::TooCommon))), "{bad:?}");
        assert!(shop.who(&there.session).await.is_some(), "nothing has changed yet");
        let fresh = change_password(&shop.shop, &who, to(PASSWORD, OTHER)).await.unwrap();
        assert!(shop.who(&here.session).await.is_none() && shop.who(&there.session).await.is_none());
        assert_eq!(shop.who(&fresh).await.unwrap().session_id(), who.session_id());
        assert!(try_in(shop, (INES, PASSWORD), browser("192.0.2.3")).await.is_err());
        try_in(shop, (INES, OTHER), browser("192.0.2.3")).await.unwrap();
        let late = change_password(&shop.shop, &who, to(OTHER, PASSWORD)).await;
        assert!(matches!(late, Err(OwnError::Changed)), "{late:?}");
        shop.assert_clean().await;
    }

    async fn whoever_came_by_a_link_chooses_a_first_password_without_an_old_one(shop: &TestShop) {
        let (eva, _) = shop.hire("eva@example.com", Role::Owner).await;
        change_password(&shop.shop, &eva, to("", OTHER)).await.unwrap();
        try_in(shop, ("eva@example.com", OTHER), browser("192.0.2.3")).await.unwrap();
    }

    async fn the_password_cannot_be_guessed_from_an_open_session(shop: &TestShop) {
        let who = ines(shop, &claimed(shop).await).await;
        let mut last = None;
        for _ in 0..=crate::staff::door::limits::AGAIN.burst {
            last = Some(change_password(&shop.shop, &who, to("not her password", OTHER)).await);
        }
        assert!(matches!(last, Some(Err(OwnError::TooManyTries { .. }))), "{last:?}");
    }

    async fn a_session_nobody_uses_ends_and_none_lasts_for_ever(shop: &TestShop) {
        let (_, session) = shop.hire("eva@example.com", Role::Owner).await;
        shop.clock.advance(SESSION_IDLE);
        assert!(shop.who(&session).await.is_some());
        shop.clock.advance(1);
        assert!(shop.who(&session).await.is_none());
        let (eva, session) = shop.let_in("eva@example.com").await;
        let (begun, id) = (shop.shop.clock.now(), eva.member().id.clone());
        while shop.shop.clock.now().since(begun) < SESSION_LONGEST {
            touch(&shop.shop, &shop.who(&session).await.unwrap()).await.unwrap();
            shop.clock.advance(11 * HOUR);
        }
        assert!(shop.who(&session).await.is_none());
        let now = shop.shop.clock.now();
        assert_eq!(shop.read(move |tx| Ok(sessions_of(tx, now, &id)?)).await, []);
    }

    async fn being_there_is_noted_once_a_minute(shop: &TestShop) {
        let (eva, session) = shop.hire("eva@example.com", Role::Owner).await;
        let begun = eva.seen_at();
        shop.clock.advance(MINUTE - 1);
        touch(&shop.shop, &eva).await.unwrap();
        assert_eq!(shop.who(&session).await.unwrap().seen_at(), begun);
        shop.clock.advance(1);
        touch(&shop.shop, &eva).await.unwrap();
        assert_eq!(shop.who(&session).await.unwrap().seen_at(), shop.shop.clock.now());
    }

    async fn the_list_of_browsers_is_ones_own_and_ends_one_by_one(shop: &TestShop) {
        let here = claimed(shop).await;
        let there = try_in(shop, (INES, PASSWORD), browser("192.0.2.2")).await.unwrap();
        let (colleague, theirs) = shop.hire("eva@example.com", Role::Owner).await;
        let (who, gone) = (ines(shop, &here).await, ines(shop, &there).await.session_id().clone());
        let (now, id) = (shop.shop.clock.now(), who.member().id.clone());
        let listed = shop.read(move |tx| Ok(sessions_of(tx, now, &id)?)).await;
        assert_eq!(listed.len(), 2);
        assert!(listed.iter().all(|session| session.browser == "Firefox on Linux"));
        assert!(end_session(&shop.shop, &who, gone.clone()).await.unwrap());
        assert!(!end_session(&shop.shop, &who, gone).await.unwrap());
        assert!(!end_session(&shop.shop, &who, colleague.session_id().clone()).await.unwrap(), "it is not hers");
        assert!(shop.who(&there.session).await.is_none() && shop.who(&theirs).await.is_some() && shop.who(&here.session).await.is_some());
    }

    async fn a_new_name_is_kept_and_noted(shop: &TestShop) {
        let now = claimed(shop).await;
        let who = ines(shop, &now).await;
        assert!(matches!(save_profile(&shop.shop, &who, " ").await, Err(OwnError::BadName(_))));
        save_profile(&shop.shop, &who, " Ines  de Wit ").await.unwrap();
        save_profile(&shop.shop, &who, "Ines de Wit").await.unwrap();
        assert_eq!(ines(shop, &now).await.member().name, "Ines de Wit");
        let noted = Filter { action: Some("staff.save_profile".to_owned()), ..Filter::default() };
        assert_eq!(shop.read(move |tx| Ok(audit::list(tx, &noted, 10)?)).await.len(), 1);
    }

    async fn no_secret_is_ever_in_the_trail_or_in_a_table_as_it_is(shop: &TestShop) {
        let now = claimed(shop).await;
        let link = crate::accounts::reset_password_link(&shop.shop, operator().may(), ines(shop, &now).await.member().id.clone()).await.unwrap();
        let fresh = change_password(&shop.shop, &ines(shop, &now).await, to(PASSWORD, OTHER)).await.unwrap();
        let trail: Vec<(String, Option<String>, Option<String>)> = shop.rows("SELECT subject, before, after FROM audit").await;
        let tables: Vec<(String,)> = shop.rows("SELECT token_hash FROM staff_sessions UNION ALL SELECT token_hash FROM staff_links UNION ALL SELECT device_hash FROM staff_devices UNION ALL SELECT COALESCE(password_hash, '') FROM staff").await;
        let text = format!("{trail:?} {tables:?}");
        for secret in [now.session.expose(), now.device.expose(), link.expose(), fresh.expose(), PASSWORD, OTHER] {
            assert!(!text.contains(secret), "{secret}");
        }
        assert!(!format!("{trail:?}").contains("argon2"));
    }

    async fn whatever_is_done_in_whatever_order_only_what_should_counts(shop: &TestShop) {
        for seed in 0..6 {
            walk(shop, &mut Dice::new(seed), seed).await;
        }
        shop.assert_clean().await;
    }
}

/// What should be true of everybody's sessions, kept beside the shop: whose each is, and whether it counts.
#[derive(Default)]
struct Expected {
    sessions: Vec<(Secret, usize, bool)>,
    disabled: HashMap<usize, bool>,
}

impl Expected {
    fn end_all(&mut self, of: usize) {
        for (_, whose, counts) in &mut self.sessions {
            *counts &= *whose != of;
        }
    }
}

/// Three people sign in and out, change and are changed, as the dice fall; after each step every session ever made is
/// tried.
async fn walk(shop: &TestShop, dice: &mut Dice, seed: u64) {
    let emails: Vec<String> = (0..3).map(|n| format!("w{seed}n{n}@example.com")).collect();
    let mut ids: Vec<StaffId> = Vec::new();
    let mut expected = Expected::default();
    for email in &emails {
        let (who, session) = shop.hire(email, Role::Manager).await;
        expected.sessions.push((session, ids.len(), true));
        ids.push(who.member().id.clone());
    }
    for _step in 0..25 {
        let person = dice.pick(3);
        step(
            shop,
            dice,
            (&emails[person], &ids[person], person),
            &mut expected,
        )
        .await;
        for (number, (session, whose, counts)) in expected.sessions.iter().enumerate() {
            let found = shop.who(session).await;
            assert_eq!(
                found.is_some(),
                *counts,
                "session {number} of {whose}, seed {seed}"
            );
            assert!(found.is_none_or(|who| who.member().id == ids[*whose]));
        }
    }
}

async fn step(
    shop: &TestShop,
    dice: &mut Dice,
    (email, id, person): (&str, &StaffId, usize),
    expected: &mut Expected,
) {
    let wanted = id.clone();
    let member = shop.read(move |tx| Ok(find(tx, &wanted)?)).await.unwrap();
    let to_change = (id.clone(), member.version);
    let out = expected.disabled.get(&person).copied().unwrap_or(false);
    let live: Vec<usize> = (0..expected.sessions.len())
        .filter(|at| expected.sessions[*at].1 == person && expected.sessions[*at].2)
        .collect();
    let action = dice.up_to(8);
    if action == 0 || (live.is_empty() && !out && action < 5) {
        if !out {
            let (_, session) = shop.let_in(email).await;
            expected.sessions.push((session, person, true));
        }
        return;
    }
    if action < 5 && live.is_empty() {
        return;
    }
    if action < 5 {
        return alone(
            shop,
            dice,
            (person, &live, member.has_password),
            expected,
            action,
        )
        .await;
    }
    match action {
        5 => {
            let role = [Role::Manager, Role::Support, Role::Viewer][dice.pick(3)];
            change_role(&shop.shop, operator().may(), to_change, role)
                .await
                .unwrap();
            if role != member.role {
                expected.end_all(person);
            }
        }
        6 => {
            disable(&shop.shop, operator().may(), to_change)
                .await
                .unwrap();
            expected.end_all(person);
            expected.disabled.insert(person, true);
        }
        _ => {
            enable(&shop.shop, operator().may(), to_change)
                .await
                .unwrap();
            if out {
                expected.end_all(person);
            }
            expected.disabled.insert(person, false);
        }
    }
}

/// Something they do with a session that counts.
async fn alone(
    shop: &TestShop,
    dice: &mut Dice,
    (person, live, has_password): (usize, &[usize], bool),
    expected: &mut Expected,
    action: u32,
) {
    let at = live[dice.pick(live.len())];
    let who = shop.who(&expected.sessions[at].0).await.unwrap();
    match action {
        1 => {
            sign_out(&shop.shop, &who).await.unwrap();
            expected.sessions[at].2 = false;
        }
        2 => {
            sign_out_everywhere(&shop.shop, &who).await.unwrap();
            expected.end_all(person);
        }
        3 => {
            let password = if has_password { OTHER } else { "" };
            let fresh = change_password(&shop.shop, &who, to(password, OTHER))
                .await
                .unwrap();
            expected.end_all(person);
            expected.sessions.push((fresh, person, true));
        }
        _ => {
            let name = format!("Name {}", dice.up_to(1_000));
            save_profile(&shop.shop, &who, &name).await.unwrap();
        }
    }
}

//! Letting colleagues in, giving them roles, shutting them out; and that somebody always owns the shop.

use kernel::time::DAY;
use kernel::{Secret, StaffId};

use super::second_factor::enrolled;
use super::{PASSWORD, browser, claimed, ines, try_in};
use crate::accounts::{
    AcceptError, AcceptInvitation, Invite, InviteError, LinkError, Password, PasswordError,
    PersonError, Role, SignInError, SignedInNow, StaffError, StaffMember, accept_invitation,
    change_role, disable, enable, find, find_invited, invite, list_staff, reset_password_link,
};
use crate::audit::{self, Filter};
use crate::on_both;
use crate::staff::{Actor, ManageStaff};
use crate::testing::{TestShop, operator};

fn somebody(email: &str, role: Role) -> Invite {
    Invite {
        name: "Joris Bakker".to_owned(),
        email: email.to_owned(),
        role,
    }
}

async fn accept(
    shop: &TestShop,
    token: &Secret,
    password: &str,
) -> Result<SignedInNow, AcceptError> {
    let cmd = AcceptInvitation {
        token: token.clone(),
        password: Password::typed(password),
        from: browser("192.0.2.1"),
    };
    accept_invitation(&shop.shop, cmd).await
}

async fn member(shop: &TestShop, id: &StaffId) -> StaffMember {
    let id = id.clone();
    shop.read(move |tx| Ok(find(tx, &id)?)).await.unwrap()
}

/// What was done by people, newest first, as `action subject`.
async fn trail(shop: &TestShop) -> Vec<(Actor, String, String)> {
    let rows = shop
        .read(|tx| Ok(audit::list(tx, &Filter::default(), 200)?))
        .await;
    rows.into_iter()
        .map(|row| (row.actor, row.action, row.subject))
        .collect()
}

on_both! {
    async fn whoever_is_invited_chooses_a_password_and_works_in_their_role(shop: &TestShop) {
        let owner = ines(shop, &claimed(shop).await).await;
        let invited = invite(&shop.shop, owner.may().unwrap(), somebody("joris@example.com", Role::Fulfilment)).await.unwrap();
        let (now, token) = (shop.shop.clock.now(), invited.token.clone());
        let found = shop.read(move |tx| Ok(find_invited(tx, now, &token)?)).await.unwrap();
        assert_eq!((found.id.clone(), found.has_password), (invited.id.clone(), false));
        let refused = accept(shop, &invited.token, "joris en wrenfold").await;
        assert!(matches!(refused, Err(AcceptError::BadPassword(PasswordError::Guessable))), "{refused:?}");
        let now = accept(shop, &invited.token, PASSWORD).await.unwrap();
        let joris = shop.who(&now.session).await.unwrap();
        assert!(joris.holds("orders.ship") && joris.may::<ManageStaff>().is_err());
        assert!(matches!(accept(shop, &invited.token, PASSWORD).await, Err(AcceptError::Spent)));
        try_in(shop, ("joris@example.com", PASSWORD), browser("192.0.2.1")).await.unwrap();
        let staff = shop.read(|tx| Ok(list_staff(tx)?)).await;
        assert_eq!(staff.iter().map(|member| member.role).collect::<Vec<_>>(), [Role::Owner, Role::Fulfilment]);
        shop.assert_clean().await;
    }

    async fn an_invitation_that_cannot_be_makes_no_account(shop: &TestShop) {
        let owner = ines(shop, &claimed(shop).await).await;
        let before = trail(shop).await;
        let ask = |cmd| invite(&shop.shop, owner.may().unwrap(), cmd);
        assert!(matches!(ask(somebody("INES@example.com", Role::Viewer)).await, Err(InviteError::Taken(_))));
        assert!(matches!(ask(somebody("ines", Role::Viewer)).await, Err(InviteError::Person(PersonError::BadEmail(_)))));
        assert!(matches!(ask(Invite { name: String::new(), ..somebody("a@example.com", Role::Viewer) }).await, Err(InviteError::Person(PersonError::BadName(_)))));
        assert_eq!(trail(shop).await, before);
        shop.assert_clean().await;
    }

    async fn an_invitation_counts_for_a_week_and_only_the_newest(shop: &TestShop) {
        let owner = ines(shop, &claimed(shop).await).await;
        let first = invite(&shop.shop, owner.may().unwrap(), somebody("joris@example.com", Role::Viewer)).await.unwrap();
        shop.clock.advance(7 * DAY);
        assert!(matches!(accept(shop, &first.token, PASSWORD).await, Err(AcceptError::Spent)));
        let again = || reset_password_link(&shop.shop, operator().may(), first.id.clone());
        let (older, newer) = (again().await.unwrap(), again().await.unwrap());
        assert!(matches!(accept(shop, &older, PASSWORD).await, Err(AcceptError::Spent)));
        let (one, other) = tokio::join!(accept(shop, &newer, PASSWORD), accept(shop, &newer, "drie groene schalen"));
        assert_eq!(u8::from(one.is_ok()) + u8::from(other.is_ok()), 1);
        shop.assert_clean().await;
    }

    async fn a_forgotten_password_is_chosen_anew_and_ends_every_session(shop: &TestShop) {
        claimed(shop).await;
        let (joris, session) = shop.hire("joris@example.com", Role::Viewer).await;
        let link = reset_password_link(&shop.shop, operator().may(), joris.member().id.clone()).await.unwrap();
        assert!(shop.who(&session).await.is_some(), "until a password is chosen");
        let now = accept(shop, &link, PASSWORD).await.unwrap();
        assert!(shop.who(&session).await.is_none() && shop.who(&now.session).await.is_some());
        let nobody = reset_password_link(&shop.shop, operator().may(), StaffId::new(&kernel::RandomIds)).await;
        assert!(matches!(nobody, Err(LinkError::NotFound)));
    }

    async fn a_new_role_or_none_signs_out_everywhere(shop: &TestShop) {
        let owner = ines(shop, &claimed(shop).await).await;
        let (joris, session) = shop.hire("joris@example.com", Role::Viewer).await;
        let id = joris.member().id.clone();
        let version = change_role(&shop.shop, owner.may().unwrap(), (id.clone(), 1), Role::Support).await.unwrap();
        assert!(shop.who(&session).await.is_none());
        let same = change_role(&shop.shop, owner.may().unwrap(), (id.clone(), version), Role::Support).await.unwrap();
        assert_eq!(same, version, "nothing to do");
        let (_, session) = shop.let_in("joris@example.com").await;
        let version = disable(&shop.shop, owner.may().unwrap(), (id.clone(), version)).await.unwrap();
        assert!(shop.who(&session).await.is_none() && member(shop, &id).await.disabled_at.is_some());
        let stale = enable(&shop.shop, owner.may().unwrap(), (id.clone(), version - 1)).await;
        assert!(matches!(stale, Err(StaffError::Stale)), "{stale:?}");
        enable(&shop.shop, owner.may().unwrap(), (id.clone(), version)).await.unwrap();
        assert!(shop.who(&session).await.is_none(), "what has ended stays so");
        assert_eq!(member(shop, &id).await.role, Role::Support);
        shop.let_in("joris@example.com").await;
        let by_ines: Vec<String> = trail(shop).await.into_iter().rev()
            .filter(|(actor, _, subject)| *actor == Actor::Staff(owner.member().id.clone()) && *subject == format!("staff:{id}"))
            .map(|(_, action, _)| action)
            .collect();
        assert_eq!(by_ines, ["staff.change_role", "staff.disable", "staff.enable"]);
        shop.assert_clean().await;
    }

    async fn the_last_owner_stays(shop: &TestShop) {
        let owner = ines(shop, &claimed(shop).await).await;
        let id = owner.member().id.clone();
        let refused = [
            disable(&shop.shop, operator().may(), (id.clone(), 1)).await,
            change_role(&shop.shop, operator().may(), (id.clone(), 1), Role::Manager).await,
        ];
        assert!(refused.iter().all(|answer| matches!(answer, Err(StaffError::LastOwner))), "{refused:?}");
        // One who was only invited is no help yet.
        let eva = invite(&shop.shop, owner.may().unwrap(), somebody("eva@example.com", Role::Owner)).await.unwrap();
        assert!(matches!(disable(&shop.shop, operator().may(), (id.clone(), 1)).await, Err(StaffError::LastOwner)));
        accept(shop, &eva.token, "drie groene schalen").await.unwrap();
        disable(&shop.shop, operator().may(), (id.clone(), 1)).await.unwrap();
        let version = member(shop, &eva.id).await.version;
        assert!(matches!(disable(&shop.shop, operator().may(), (eva.id, version)).await, Err(StaffError::LastOwner)));
        shop.assert_clean().await;
    }

    async fn nobody_changes_their_own_standing(shop: &TestShop) {
        let owner = ines(shop, &claimed(shop).await).await;
        shop.hire("eva@example.com", Role::Owner).await;
        let own = (owner.member().id.clone(), 1);
        let refused = [
            change_role(&shop.shop, owner.may().unwrap(), own.clone(), Role::Viewer).await,
            disable(&shop.shop, owner.may().unwrap(), own.clone()).await,
            enable(&shop.shop, owner.may().unwrap(), own).await,
        ];
        assert!(refused.iter().all(|answer| matches!(answer, Err(StaffError::Yourself))), "{refused:?}");
        assert!(matches!(disable(&shop.shop, owner.may().unwrap(), (StaffId::new(&kernel::RandomIds), 1)).await, Err(StaffError::NotFound)));
    }

    async fn of_two_owners_who_shut_each_other_out_at_once_one_is_left(shop: &TestShop) {
        let one = ines(shop, &claimed(shop).await).await;
        let invited = invite(&shop.shop, one.may().unwrap(), somebody("eva@example.com", Role::Owner)).await.unwrap();
        let now = accept(shop, &invited.token, "drie groene schalen").await.unwrap();
        let other = shop.who(&now.session).await.unwrap();
        for round in 0..12 {
            let (version, own) = (member(shop, &invited.id).await.version, member(shop, &one.member().id).await.version);
            let (first, second) = tokio::join!(
                disable(&shop.shop, one.may().unwrap(), (invited.id.clone(), version)),
                change_role(&shop.shop, other.may().unwrap(), (one.member().id.clone(), own), Role::Viewer),
            );
            assert_eq!(u8::from(first.is_ok()) + u8::from(second.is_ok()), 1, "round {round}: {first:?} {second:?}");
            // Both are owners again.
            let version = member(shop, &invited.id).await.version;
            enable(&shop.shop, operator().may(), (invited.id.clone(), version)).await.unwrap();
            let own = (one.member().id.clone(), member(shop, &one.member().id).await.version);
            change_role(&shop.shop, operator().may(), own, Role::Owner).await.unwrap();
        }
        shop.assert_clean().await;
    }

    async fn whoever_has_a_second_factor_needs_it_after_a_new_password_too(shop: &TestShop) {
        let now = claimed(shop).await;
        let owner = ines(shop, &now).await;
        enrolled(shop, &owner).await;
        let link = reset_password_link(&shop.shop, operator().may(), owner.member().id.clone()).await.unwrap();
        let answer = accept(shop, &link, "drie groene schalen").await;
        assert!(matches!(answer, Err(AcceptError::SecondFactorNeeded { .. })), "{answer:?}");
        assert!(shop.who(&now.session).await.is_none());
        let next = try_in(shop, ("ines@example.com", "drie groene schalen"), browser("192.0.2.1")).await;
        assert!(matches!(next, Err(SignInError::SecondFactorNeeded { .. })), "{next:?}");
    }
}

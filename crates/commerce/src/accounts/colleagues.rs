//! What owners decide about their colleagues.

use db::{DbError, Tx};
use kernel::{Code, Coded, StaffId, Timestamp};
use serde_json::json;

use super::store::{self, Purpose};
use super::{Role, StaffMember};
use crate::audit::{self, Change};
use crate::error::Internal;
use crate::internal_from;
use crate::shop::{Act, Shop};
use crate::staff::{Actor, Authorized, ManageStaff};

/// Why a colleague's account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum StaffError {
    /// Nobody has that id.
    #[error("there is no such member of staff")]
    NotFound,
    /// Somebody else has changed the account meanwhile.
    #[error("somebody else has changed this account meanwhile; look at it again")]
    Stale,
    /// The shop would be left without an owner.
    #[error("the shop needs an owner who can sign in; make somebody else an owner first")]
    LastOwner,
    /// It is their own account.
    #[error("nobody changes their own role or shuts themselves out; ask another owner")]
    Yourself,
    /// Not the caller's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}
internal_from!(StaffError: DbError);

impl Coded for StaffError {
    fn code(&self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::Stale | Self::LastOwner => Code::StaleState,
            Self::Yourself => Code::Forbidden,
            Self::Internal(error) => error.code(),
        }
    }
}

/// Everybody who works or worked here: owners first, then by name; those shut out last. At most 500.
pub fn list_staff(tx: &mut Tx<'_>) -> Result<Vec<StaffMember>, DbError> {
    store::list(tx)
}

/// Gives somebody another role, and signs them out everywhere. Answers with the new version.
pub async fn change_role(
    shop: &Shop,
    by: Authorized<ManageStaff>,
    (id, version): (StaffId, i64),
    role: Role,
) -> Result<i64, StaffError> {
    audit::change(shop, shop.act(by.actor()), move |tx, act| {
        let member = colleague(tx, act, (&id, version))?;
        if member.role == role {
            return Ok((version, Change::none()));
        }
        let standing = (role, member.disabled_at);
        set_standing(tx, act, &member, standing)?;
        let change = Change::new("staff.change_role", "staff", &id)
            .between(json!({ "role": member.role }), json!({ "role": role }));
        Ok((version.saturating_add(1), change))
    })
    .await
}

/// Shuts somebody out, and signs them out everywhere. History goes on naming them. Answers with the new version.
pub async fn disable(
    shop: &Shop,
    by: Authorized<ManageStaff>,
    (id, version): (StaffId, i64),
) -> Result<i64, StaffError> {
    audit::change(shop, shop.act(by.actor()), move |tx, act| {
        let member = colleague(tx, act, (&id, version))?;
        if member.disabled_at.is_some() {
            return Ok((version, Change::none()));
        }
        set_standing(tx, act, &member, (member.role, Some(act.now)))?;
        Ok((
            version.saturating_add(1),
            Change::new("staff.disable", "staff", &id),
        ))
    })
    .await
}

/// Lets somebody back in who was shut out, in the role they had. Answers with the new version.
pub async fn enable(
    shop: &Shop,
    by: Authorized<ManageStaff>,
    (id, version): (StaffId, i64),
) -> Result<i64, StaffError> {
    audit::change(shop, shop.act(by.actor()), move |tx, act| {
        let member = colleague(tx, act, (&id, version))?;
        if member.disabled_at.is_none() {
            return Ok((version, Change::none()));
        }
        set_standing(tx, act, &member, (member.role, None))?;
        Ok((
            version.saturating_add(1),
            Change::new("staff.enable", "staff", &id),
        ))
    })
    .await
}

/// The colleague as they were seen, with everybody else who decides about colleagues waiting behind.
fn colleague(
    tx: &mut Tx<'_>,
    act: &Act,
    (id, version): (&StaffId, i64),
) -> Result<StaffMember, StaffError> {
    if act.actor == Actor::Staff(id.clone()) {
        return Err(StaffError::Yourself);
    }
    store::take_turn(tx)?;
    let member = store::lock(tx, id)?.ok_or(StaffError::NotFound)?;
    if member.version == version {
        Ok(member)
    } else {
        Err(StaffError::Stale)
    }
}

/// Changes role and whether they are shut out, unless that would leave nobody to own the shop.
fn set_standing(
    tx: &mut Tx<'_>,
    act: &Act,
    member: &StaffMember,
    (role, disabled_at): (Role, Option<Timestamp>),
) -> Result<(), StaffError> {
    let was_owner = member.role == Role::Owner && member.disabled_at.is_none();
    let stays_owner = role == Role::Owner && disabled_at.is_none();
    if was_owner && !stays_owner && store::other_owners(tx, member)? == 0 {
        return Err(StaffError::LastOwner);
    }
    if !store::update_standing(tx, act.now, member, (role, disabled_at))? {
        return Err(StaffError::Stale);
    }
    store::end_sessions(tx, act.now, &member.id, None)?;
    if disabled_at.is_some() {
        store::forget_devices(tx, &member.id)?;
        for purpose in [Purpose::SignIn, Purpose::Invitation] {
            store::end_links(tx, act.now, &member.id, purpose)?;
        }
    }
    Ok(())
}

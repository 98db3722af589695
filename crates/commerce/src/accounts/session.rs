//! Being signed in.

use data_encoding::HEXLOWER;
use db::{DbError, Tx};
use kernel::time::{DAY, HOUR};
use kernel::{Ids, Secret, StaffId, StaffSessionId, Timestamp};
use sha2::{Digest, Sha256};

use super::{StaffMember, store};
use crate::shop::{Act, Shop};
use crate::staff::{Actor, Authorized, Badge, Denied, Permission};

/// After so long without a request, a browser is signed out.
pub const SESSION_IDLE: i64 = 12 * HOUR;
/// After so long, it is signed out whatever it does.
pub const SESSION_LONGEST: i64 = 14 * DAY;

/// A member of staff, signed in with a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    member: StaffMember,
    session_id: StaffSessionId,
    seen_at: Timestamp,
    badge: Badge,
}

impl SignedIn {
    /// Who it is.
    pub fn member(&self) -> &StaffMember {
        &self.member
    }

    /// Which of their browsers.
    pub fn session_id(&self) -> &StaffSessionId {
        &self.session_id
    }

    /// When this browser was last noted to be there.
    pub fn seen_at(&self) -> Timestamp {
        self.seen_at
    }

    /// The proof that they may do `P`, if they may.
    pub fn may<P: Permission>(&self) -> Result<Authorized<P>, Denied> {
        self.badge.may()
    }

    /// Whether they hold the permission of this name: for menus, which prove nothing.
    pub fn holds(&self, permission: &str) -> bool {
        self.member.role.holds(permission)
    }

    /// What they do with their own account.
    pub(super) fn act(&self, shop: &Shop) -> Act {
        shop.act(Actor::Staff(self.member.id.clone()))
    }
}

/// The browser somebody signs in with.
#[derive(Debug, Clone, Default)]
pub struct Browser {
    /// What it calls itself, for the list of sessions.
    pub name: String,
    /// The network it comes from, as far as tries are counted together: an address, or the first half of one of IPv6.
    pub network: String,
    /// What it kept from an earlier time somebody signed in with it.
    pub device: Option<Secret>,
    /// The session it still holds, whose ever it is: signing in ends that one.
    pub session: Option<Secret>,
}

/// What the browser is to keep after signing in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedInNow {
    /// For the session's cookie.
    pub session: Secret,
    /// For a cookie that stays: the next time this browser has tries of its own.
    pub device: Secret,
}

/// A browser in the list of those somebody is signed in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffSession {
    /// Its id.
    pub id: StaffSessionId,
    /// What it calls itself.
    pub browser: String,
    /// When it was signed in with.
    pub created_at: Timestamp,
    /// When it was last there, to the minute.
    pub seen_at: Timestamp,
}

/// Who is signed in with this cookie, if anybody still is. One statement.
pub fn find_session(
    tx: &mut Tx<'_>,
    now: Timestamp,
    token: &Secret,
) -> Result<Option<SignedIn>, DbError> {
    let Some(row) = store::session_by_hash(tx, &hash(token))? else {
        return Ok(None);
    };
    if now.since(row.seen_at) > SESSION_IDLE || now.since(row.created_at) > SESSION_LONGEST {
        return Ok(None);
    }
    let badge = Badge::new(row.member.id.clone(), row.member.role);
    Ok(Some(SignedIn {
        member: row.member,
        session_id: row.id,
        seen_at: row.seen_at,
        badge,
    }))
}

/// The browsers somebody is signed in with, the one used last first, at most 100.
pub fn sessions_of(
    tx: &mut Tx<'_>,
    now: Timestamp,
    staff: &StaffId,
) -> Result<Vec<StaffSession>, DbError> {
    store::live_sessions(
        tx,
        staff,
        (now.plus(-SESSION_IDLE), now.plus(-SESSION_LONGEST)),
    )
}

/// The secrets of a session to be, made before the transaction, which may run twice.
#[derive(Debug, Clone)]
pub(super) struct Fresh {
    session: Secret,
    device: Secret,
}

impl Fresh {
    pub(super) fn new(ids: &dyn Ids) -> Self {
        Self {
            session: ids.secret(),
            device: ids.secret(),
        }
    }
}

/// Signs somebody in with a browser, if their account still is as it was at `version`. Nothing if it is not.
///
/// The session is always a new one, whatever the browser brought along, and what it held before ends.
pub(super) fn open_session(
    tx: &mut Tx<'_>,
    act: &Act,
    (staff, version): (&StaffId, i64),
    (from, fresh): (&Browser, &Fresh),
) -> Result<Option<(StaffSessionId, SignedInNow)>, DbError> {
    // Locks the member: whoever shuts them out at the same time comes before, or ends this session as well.
    if !store::note_sign_in(tx, act.now, staff, version)? {
        return Ok(None);
    }
    if let Some(before) = &from.session {
        store::end_session_by_hash(tx, act.now, &hash(before))?;
    }
    let device = match &from.device {
        Some(device) if store::device_is_known(tx, &hash(device))? => device.clone(),
        Some(_) | None => fresh.device.clone(),
    };
    store::keep_device(tx, act.now, staff, &hash(&device))?;
    store::forget_old(tx, act.now, staff)?;
    let id = StaffSessionId::new(act.ids.as_ref());
    let name: String = from
        .name
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect();
    store::insert_session(tx, act.now, &id, (staff, &hash(&fresh.session), &name))?;
    let now = SignedInNow {
        session: fresh.session.clone(),
        device,
    };
    Ok(Some((id, now)))
}

/// What is stored of a secret.
pub(super) fn hash(secret: &Secret) -> String {
    hash_text(secret.expose())
}

/// What is stored of a secret that people type.
pub(super) fn hash_text(secret: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(secret.as_bytes()))
}

//! Being signed in.

use data_encoding::HEXLOWER;
use db::{DbError, Tx};
use kernel::time::{DAY, HOUR};
use kernel::{Secret, StaffSessionId, Timestamp};
use sha2::{Digest, Sha256};

use super::{StaffMember, store};
use crate::staff::{Authorized, Badge, Denied, Permission};

/// After so long without a request, a browser is signed out.
pub const SESSION_IDLE: i64 = 12 * HOUR;
/// After so long, it is signed out whatever it does.
pub const SESSION_LONGEST: i64 = 14 * DAY;

/// A member of staff, signed in with a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    member: StaffMember,
    session_id: StaffSessionId,
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

    /// The proof that they may do `P`, if they may.
    pub fn may<P: Permission>(&self) -> Result<Authorized<P>, Denied> {
        self.badge.may()
    }

    /// Whether they hold the permission of this name: for menus, which prove nothing.
    pub fn holds(&self, permission: &str) -> bool {
        self.member.role.holds(permission)
    }
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
        badge,
    }))
}

/// What is stored of a secret.
pub(super) fn hash(secret: &Secret) -> String {
    HEXLOWER.encode(&Sha256::digest(secret.expose().as_bytes()))
}

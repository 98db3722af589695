//! Accounts of staff: who works in the shop, how they prove it, and the browsers they are signed in with.
//!
//! # Invariants
//! - Of secrets only hashes are stored: argon2id for passwords, SHA-256 for what is random anyway. The one exception is the
//!   shared secret of a second factor, which has to be known to be compared.
//! - A session ends with its member: whoever is shut out or changes role or password is signed out everywhere at once.
//! - A link, a code and a step of the clock count once.
//! - There is always an owner who is not shut out.
//!
//! Deliberately not here: roles and permissions (`staff`), cookies and pages.

mod claim;
mod colleagues;
mod links;
mod own;
mod password;
mod person;
pub(crate) mod seal;
pub(crate) mod second_factor;
mod session;
mod sign_in;
mod store;
#[cfg(test)]
mod tests;

use kernel::{Email, StaffId, Timestamp};

pub use crate::staff::{Badge, Role};
pub use claim::{ClaimError, ClaimShop, claim_link, is_claimable};
pub(crate) use claim::{claim, ready_claim};
pub use colleagues::{StaffError, change_role, disable, enable, list_staff};
pub use links::{
    AcceptError, AcceptInvitation, INVITATION_GOOD_FOR, Invite, InviteError, Invited, LinkError,
    SIGN_IN_LINK_GOOD_FOR, accept_invitation, find_invited, find_linked, invite,
    let_in_with_password, reset_password_link, sign_in_link, use_link,
};
pub use own::{
    ChangePassword, OwnError, change_password, end_session, save_profile, sign_out,
    sign_out_everywhere, touch,
};
pub use password::{PASSWORD_LONGEST, PASSWORD_SHORTEST, Password, PasswordError};
pub use person::PersonError;
pub use second_factor::{
    ConfirmSecondFactor, Enrolment, RECOVERY_CODES, SecondFactorError, begin_second_factor,
    confirm_second_factor, new_recovery_codes, recovery_codes_left, remove_second_factor,
};
pub use session::{
    Browser, SESSION_IDLE, SESSION_LONGEST, SignedIn, SignedInNow, StaffSession, find_session,
    sessions_of,
};
pub use sign_in::{SecondStep, SignIn, SignInError, finish_sign_in, sign_in};
pub use store::{count, find, find_by_email, names};

/// Somebody who works in the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffMember {
    /// Their id.
    pub id: StaffId,
    /// What they sign in with.
    pub email: Email,
    /// What colleagues call them.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they have chosen a password yet.
    pub has_password: bool,
    /// Whether signing in takes a code as well.
    pub has_second_factor: bool,
    /// Since when they are shut out.
    pub disabled_at: Option<Timestamp>,
    /// When they were let in.
    pub created_at: Timestamp,
    /// When they last signed in.
    pub signed_in_at: Option<Timestamp>,
    /// Goes up with each change: two owners notice each other.
    pub version: i64,
}

//! Accounts of staff: who works in the shop, how they prove it, and the browsers they are signed in with.
//!
//! # Invariants
//! - Of secrets only hashes are stored: argon2id for passwords, SHA-256 for what is random anyway.
//! - A session ends with its member: whoever is shut out or changes role or password is signed out everywhere at once.

mod session;
mod store;

use kernel::{Email, StaffId, Timestamp};

pub use crate::staff::{Badge, Role};
pub use session::{SESSION_IDLE, SESSION_LONGEST, SignedIn, find_session};
pub use store::{count, find};

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

//! All SQL of accounts.

use db::{DbError, FromRow, Row, Tx, params};
use kernel::{StaffId, Timestamp};

use super::StaffMember;

pub(super) const MEMBER: &str = "s.id, s.email, s.name, s.role, s.password_hash IS NOT NULL AS has_password,
    s.totp_secret IS NOT NULL AS has_second_factor, s.disabled_at, s.created_at, s.signed_in_at, s.version";

impl FromRow for StaffMember {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            email: row.get("email")?,
            name: row.get("name")?,
            role: row.get("role")?,
            has_password: row.get("has_password")?,
            has_second_factor: row.get("has_second_factor")?,
            disabled_at: row.get("disabled_at")?,
            created_at: row.get("created_at")?,
            signed_in_at: row.get("signed_in_at")?,
            version: row.get("version")?,
        })
    }
}

/// The member of that id, shut out or not.
pub fn find(tx: &mut Tx<'_>, id: &StaffId) -> Result<Option<StaffMember>, DbError> {
    tx.query_opt(
        &format!("SELECT {MEMBER} FROM staff s WHERE s.id = $1"),
        params![id],
    )
}

/// How many accounts there are; none in a shop nobody has claimed yet.
pub fn count(tx: &mut Tx<'_>) -> Result<i64, DbError> {
    let (count,): (i64,) = tx.query_one("SELECT COUNT(*) FROM staff", params![])?;
    Ok(count)
}

/// What a session's row says beside its member.
pub(super) struct SessionRow {
    pub(super) id: kernel::StaffSessionId,
    pub(super) created_at: Timestamp,
    pub(super) seen_at: Timestamp,
    pub(super) member: StaffMember,
}

impl FromRow for SessionRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("session_id")?,
            created_at: row.get("session_created_at")?,
            seen_at: row.get("seen_at")?,
            member: StaffMember::from_row(row)?,
        })
    }
}

/// The session of this hash that was not ended, with its member.
pub(super) fn session_by_hash(tx: &mut Tx<'_>, hash: &str) -> Result<Option<SessionRow>, DbError> {
    tx.query_opt(
        &format!(
            "SELECT {MEMBER}, e.id AS session_id, e.created_at AS session_created_at, e.seen_at
               FROM staff_sessions e
               JOIN staff s ON s.id = e.staff_id
              WHERE e.token_hash = $1 AND e.ended_at IS NULL AND s.disabled_at IS NULL"
        ),
        params![hash],
    )
}

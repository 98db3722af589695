//! All SQL of accounts.

use std::collections::HashMap;

use db::{DbError, FromRow, Row, Tx, Value, in_list, params};
use kernel::stored::ToValue;
use kernel::time::DAY;
use kernel::{Email, StaffId, StaffSessionId, Timestamp};

use super::session::StaffSession;
use super::{Role, StaffMember};

/// Browsers remembered for one account; the one not used for longest is forgotten first.
const DEVICES: i64 = 20;
/// How long rows of ended sessions and spent links are kept.
const KEPT: i64 = 30 * DAY;

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

/// The member with that address, shut out or not.
pub fn find_by_email(tx: &mut Tx<'_>, email: &Email) -> Result<Option<StaffMember>, DbError> {
    tx.query_opt(
        &format!("SELECT {MEMBER} FROM staff s WHERE s.email_folded = $1"),
        params![email.folded()],
    )
}

/// What colleagues call these, those shut out too. One statement.
pub fn names(tx: &mut Tx<'_>, ids: &[StaffId]) -> Result<HashMap<StaffId, String>, DbError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let wanted: Vec<Value> = ids.iter().map(ToValue::to_value).collect();
    let found: Vec<(StaffId, String)> = tx.query(
        &format!(
            "SELECT id, name FROM staff WHERE id IN ({}) ORDER BY id",
            in_list(1, ids.len())
        ),
        &wanted,
    )?;
    Ok(found.into_iter().collect())
}

/// How many accounts there are; none in a shop nobody has claimed yet.
pub fn count(tx: &mut Tx<'_>) -> Result<i64, DbError> {
    let (count,): (i64,) = tx.query_one("SELECT COUNT(*) FROM staff", params![])?;
    Ok(count)
}

/// Everybody, owners first, then by name; those shut out last. At most 500.
pub(super) fn list(tx: &mut Tx<'_>) -> Result<Vec<StaffMember>, DbError> {
    tx.query(
        &format!(
            "SELECT {MEMBER} FROM staff s
              ORDER BY CASE WHEN s.disabled_at IS NULL THEN 0 ELSE 1 END, CASE WHEN s.role = 'owner' THEN 0 ELSE 1 END, s.name, s.id
              LIMIT 500"
        ),
        params![],
    )
}

/// The member of that id as the database has them now, locked until the end of the transaction.
pub(super) fn lock(tx: &mut Tx<'_>, id: &StaffId) -> Result<Option<StaffMember>, DbError> {
    tx.execute(
        "UPDATE staff SET version = version WHERE id = $1",
        params![id],
    )?;
    find(tx, id)
}

/// What is kept of a member's password.
pub(super) fn password_hash(tx: &mut Tx<'_>, id: &StaffId) -> Result<Option<String>, DbError> {
    let row: Option<(Option<String>,)> =
        tx.query_opt("SELECT password_hash FROM staff WHERE id = $1", params![id])?;
    Ok(row.and_then(|(hash,)| hash))
}

/// What is needed to judge a password, and whether the browser has been signed in with by this member before.
pub(super) struct Candidate {
    pub(super) id: StaffId,
    pub(super) version: i64,
    pub(super) password_hash: Option<String>,
    pub(super) has_second_factor: bool,
    pub(super) disabled: bool,
    pub(super) device_known: bool,
}

impl FromRow for Candidate {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            version: row.get("version")?,
            password_hash: row.get("password_hash")?,
            has_second_factor: row.get("has_second_factor")?,
            disabled: row.get("disabled")?,
            device_known: row.get("device_known")?,
        })
    }
}

const CANDIDATE: &str =
    "SELECT s.id, s.version, s.password_hash, s.totp_secret IS NOT NULL AS has_second_factor,
        s.disabled_at IS NOT NULL AS disabled, d.staff_id IS NOT NULL AS device_known
   FROM staff s
   LEFT JOIN staff_devices d ON d.staff_id = s.id AND d.device_hash = $2";

/// Whoever would sign in with this address.
pub(super) fn candidate(
    tx: &mut Tx<'_>,
    folded: &str,
    device_hash: Option<&str>,
) -> Result<Option<Candidate>, DbError> {
    tx.query_opt(
        &format!("{CANDIDATE} WHERE s.email_folded = $1"),
        params![folded, device_hash.unwrap_or_default()],
    )
}

/// The same, by id.
pub(super) fn candidate_by_id(
    tx: &mut Tx<'_>,
    id: &StaffId,
    device_hash: Option<&str>,
) -> Result<Option<Candidate>, DbError> {
    tx.query_opt(
        &format!("{CANDIDATE} WHERE s.id = $1"),
        params![id, device_hash.unwrap_or_default()],
    )
}

/// Takes the turn of those who make accounts or decide about owners: one at a time, until the end of the transaction.
pub(super) fn take_turn(tx: &mut Tx<'_>) -> Result<(), DbError> {
    tx.execute(
        "UPDATE counters SET value = value WHERE name = 'staff'",
        params![],
    )?;
    Ok(())
}

/// An account to be made.
pub(super) struct NewMember<'a> {
    pub(super) id: &'a StaffId,
    pub(super) email: &'a Email,
    pub(super) name: &'a str,
    pub(super) role: Role,
    pub(super) password_hash: Option<&'a str>,
}

/// Makes an account. False if the address has one.
pub(super) fn insert_member(
    tx: &mut Tx<'_>,
    now: Timestamp,
    new: &NewMember<'_>,
) -> Result<bool, DbError> {
    let inserted = tx.execute(
        "INSERT INTO staff (id, email, email_folded, name, role, password_hash, version, created_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7)
         ON CONFLICT (email_folded) DO NOTHING",
        params![new.id, new.email.as_str(), new.email.folded(), new.name, new.role, new.password_hash, now],
    )?;
    if inserted == 1 {
        tx.execute(
            "UPDATE counters SET value = value + 1 WHERE name = 'staff'",
            params![],
        )?;
    }
    Ok(inserted == 1)
}

/// Owners who are not shut out and can sign in, without this one. Of an owner who never chose a password, any other will do.
pub(super) fn other_owners(tx: &mut Tx<'_>, member: &StaffMember) -> Result<i64, DbError> {
    let (count,): (i64,) = tx.query_one(
        "SELECT COUNT(*) FROM staff
          WHERE role = 'owner' AND disabled_at IS NULL AND id <> $1 AND (password_hash IS NOT NULL OR NOT $2)",
        params![member.id, member.has_password],
    )?;
    Ok(count)
}

/// Changes role and whether they are shut out, if nobody else has changed the account since.
pub(super) fn update_standing(
    tx: &mut Tx<'_>,
    now: Timestamp,
    member: &StaffMember,
    (role, disabled_at): (Role, Option<Timestamp>),
) -> Result<bool, DbError> {
    let changed = tx.execute(
        "UPDATE staff SET role = $1, disabled_at = $2, changed_at = $3, version = version + 1 WHERE id = $4 AND version = $5",
        params![role, disabled_at, now, member.id, member.version],
    )?;
    Ok(changed == 1)
}

/// Keeps a new name.
pub(super) fn update_name(
    tx: &mut Tx<'_>,
    now: Timestamp,
    id: &StaffId,
    name: &str,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE staff SET name = $1, changed_at = $2, version = version + 1 WHERE id = $3",
        params![name, now, id],
    )?;
    Ok(())
}

/// Keeps a new password's hash, if the account is not shut out and still is as it was at `version`.
pub(super) fn update_password(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (id, version): (&StaffId, i64),
    hash: &str,
) -> Result<bool, DbError> {
    let changed = tx.execute(
        "UPDATE staff SET password_hash = $1, changed_at = $2, version = version + 1
          WHERE id = $3 AND version = $4 AND disabled_at IS NULL",
        params![hash, now, id, version],
    )?;
    Ok(changed == 1)
}

/// Notes that they sign in, if they may and the account still is as it was at `version`.
pub(super) fn note_sign_in(
    tx: &mut Tx<'_>,
    now: Timestamp,
    id: &StaffId,
    version: i64,
) -> Result<bool, DbError> {
    let noted = tx.execute(
        "UPDATE staff SET signed_in_at = $1 WHERE id = $2 AND version = $3 AND disabled_at IS NULL",
        params![now, id, version],
    )?;
    Ok(noted == 1)
}

/// What a session's row says beside its member.
pub(super) struct SessionRow {
    pub(super) id: StaffSessionId,
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

impl FromRow for StaffSession {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            browser: row.get("browser")?,
            created_at: row.get("created_at")?,
            seen_at: row.get("seen_at")?,
        })
    }
}

/// Sessions that were not ended, seen and made since then.
pub(super) fn live_sessions(
    tx: &mut Tx<'_>,
    staff: &StaffId,
    (seen, made): (Timestamp, Timestamp),
) -> Result<Vec<StaffSession>, DbError> {
    tx.query(
        "SELECT id, browser, created_at, seen_at
           FROM staff_sessions
          WHERE staff_id = $1 AND ended_at IS NULL AND seen_at >= $2 AND created_at >= $3
          ORDER BY seen_at DESC, id DESC
          LIMIT 100",
        params![staff, seen, made],
    )
}

/// Keeps a new session.
pub(super) fn insert_session(
    tx: &mut Tx<'_>,
    now: Timestamp,
    id: &StaffSessionId,
    (staff, token_hash, browser): (&StaffId, &str, &str),
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO staff_sessions (id, token_hash, staff_id, browser, created_at, seen_at) VALUES ($1, $2, $3, $4, $5, $5)",
        params![id, token_hash, staff, browser, now],
    )?;
    Ok(())
}

/// Gives a session another secret: what the browser held before counts no more. False if it was ended.
pub(super) fn rotate_session(
    tx: &mut Tx<'_>,
    id: &StaffSessionId,
    token_hash: &str,
) -> Result<bool, DbError> {
    let rotated = tx.execute(
        "UPDATE staff_sessions SET token_hash = $1 WHERE id = $2 AND ended_at IS NULL",
        params![token_hash, id],
    )?;
    Ok(rotated == 1)
}

/// Ends the session with this secret, whose ever it is.
pub(super) fn end_session_by_hash(
    tx: &mut Tx<'_>,
    now: Timestamp,
    hash: &str,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE staff_sessions SET ended_at = $1 WHERE token_hash = $2 AND ended_at IS NULL",
        params![now, hash],
    )?;
    Ok(())
}

/// Ends one session of somebody. False if they have no such session, or it was ended.
pub(super) fn end_session(
    tx: &mut Tx<'_>,
    now: Timestamp,
    staff: &StaffId,
    id: &StaffSessionId,
) -> Result<bool, DbError> {
    let ended = tx.execute(
        "UPDATE staff_sessions SET ended_at = $1 WHERE id = $2 AND staff_id = $3 AND ended_at IS NULL",
        params![now, id, staff],
    )?;
    Ok(ended == 1)
}

/// Ends all sessions of somebody, but for one, and says how many that were.
pub(super) fn end_sessions(
    tx: &mut Tx<'_>,
    now: Timestamp,
    staff: &StaffId,
    but: Option<&StaffSessionId>,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE staff_sessions SET ended_at = $1 WHERE staff_id = $2 AND ended_at IS NULL AND id <> $3",
        params![now, staff, but.map_or("", StaffSessionId::as_str)],
    )
}

/// Notes that a browser was there.
pub(super) fn touch_session(
    tx: &mut Tx<'_>,
    now: Timestamp,
    id: &StaffSessionId,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE staff_sessions SET seen_at = $1 WHERE id = $2 AND ended_at IS NULL AND seen_at < $1",
        params![now, id],
    )?;
    Ok(())
}

/// Whether anybody has signed in with this browser.
pub(super) fn device_is_known(tx: &mut Tx<'_>, device_hash: &str) -> Result<bool, DbError> {
    let (known,): (i64,) = tx.query_one(
        "SELECT COUNT(*) FROM staff_devices WHERE device_hash = $1",
        params![device_hash],
    )?;
    Ok(known > 0)
}

/// Remembers that somebody signed in with this browser.
pub(super) fn keep_device(
    tx: &mut Tx<'_>,
    now: Timestamp,
    staff: &StaffId,
    device_hash: &str,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO staff_devices (device_hash, staff_id, seen_at) VALUES ($1, $2, $3)
         ON CONFLICT (staff_id, device_hash) DO UPDATE SET seen_at = excluded.seen_at",
        params![device_hash, staff, now],
    )?;
    Ok(())
}

/// Forgets all browsers somebody has signed in with: whoever shut them out does not want them to have tries of their own.
pub(super) fn forget_devices(tx: &mut Tx<'_>, staff: &StaffId) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM staff_devices WHERE staff_id = $1",
        params![staff],
    )?;
    Ok(())
}

/// Forgets what is long over: sessions nobody can use any more, and the browsers not used for longest.
pub(super) fn forget_old(tx: &mut Tx<'_>, now: Timestamp, staff: &StaffId) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM staff_sessions WHERE staff_id = $1 AND created_at < $2",
        params![staff, now.plus(-KEPT)],
    )?;
    tx.execute(
        "DELETE FROM staff_devices
          WHERE staff_id = $1
            AND device_hash NOT IN (SELECT d.device_hash FROM staff_devices d WHERE d.staff_id = $1
                                     ORDER BY d.seen_at DESC, d.device_hash LIMIT $2)",
        params![staff, DEVICES],
    )?;
    Ok(())
}

kernel::words! {
    /// What a link is for.
    pub(super) enum Purpose {
        /// To claim a new shop.
        Claim = "claim",
        /// To sign in once.
        SignIn = "sign_in",
        /// To choose a password: the first one, or another.
        Invitation = "invitation",
    }
}

/// Keeps a new link; those of the same member for the same purpose count no more. Forgets what is long over.
pub(super) fn insert_link(
    tx: &mut Tx<'_>,
    (now, until): (Timestamp, Timestamp),
    (purpose, staff): (Purpose, Option<&StaffId>),
    token_hash: &str,
) -> Result<(), DbError> {
    if let Some(staff) = staff {
        end_links(tx, now, staff, purpose)?;
    }
    tx.execute(
        "DELETE FROM staff_links WHERE expires_at < $1",
        params![now.plus(-KEPT)],
    )?;
    tx.execute(
        "INSERT INTO staff_links (token_hash, purpose, staff_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        params![token_hash, purpose, staff, now, until],
    )?;
    Ok(())
}

/// Ends a member's open links of this purpose.
pub(super) fn end_links(
    tx: &mut Tx<'_>,
    now: Timestamp,
    staff: &StaffId,
    purpose: Purpose,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE staff_links SET used_at = $1 WHERE staff_id = $2 AND purpose = $3 AND used_at IS NULL",
        params![now, staff, purpose],
    )?;
    Ok(())
}

/// Whose link this is, if it still counts.
pub(super) fn open_link(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (purpose, token_hash): (Purpose, &str),
) -> Result<Option<StaffId>, DbError> {
    let row: Option<(StaffId,)> = tx.query_opt(
        "SELECT staff_id FROM staff_links
          WHERE token_hash = $1 AND purpose = $2 AND staff_id IS NOT NULL AND used_at IS NULL AND expires_at > $3",
        params![token_hash, purpose, now],
    )?;
    Ok(row.map(|(staff,)| staff))
}

/// Whether this claims the shop, as far as the link goes.
pub(super) fn is_open_claim(
    tx: &mut Tx<'_>,
    now: Timestamp,
    token_hash: &str,
) -> Result<bool, DbError> {
    let (count,): (i64,) = tx.query_one(
        "SELECT COUNT(*) FROM staff_links WHERE token_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3",
        params![token_hash, Purpose::Claim, now],
    )?;
    Ok(count == 1)
}

/// Uses a link up. Only one caller ever gets true.
pub(super) fn use_link(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (purpose, token_hash): (Purpose, &str),
) -> Result<bool, DbError> {
    let used = tx.execute(
        "UPDATE staff_links SET used_at = $1 WHERE token_hash = $2 AND purpose = $3 AND used_at IS NULL AND expires_at > $1",
        params![now, token_hash, purpose],
    )?;
    Ok(used == 1)
}

/// Ends every link to claim the shop: somebody has.
pub(super) fn end_claims(tx: &mut Tx<'_>) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM staff_links WHERE purpose = $1",
        params![Purpose::Claim],
    )?;
    Ok(())
}

/// The shared secret of the second factor.
pub(super) fn totp_secret(tx: &mut Tx<'_>, id: &StaffId) -> Result<Option<Vec<u8>>, DbError> {
    let row: Option<(Option<Vec<u8>>,)> =
        tx.query_opt("SELECT totp_secret FROM staff WHERE id = $1", params![id])?;
    Ok(row.and_then(|(secret,)| secret))
}

/// Uses up a step of the clock. Only one caller ever gets true for it, and none for one before it.
pub(super) fn use_step(tx: &mut Tx<'_>, id: &StaffId, step: i64) -> Result<bool, DbError> {
    let used = tx.execute(
        "UPDATE staff SET totp_last_step = $1 WHERE id = $2 AND (totp_last_step IS NULL OR totp_last_step < $1)",
        params![step, id],
    )?;
    Ok(used == 1)
}

/// Keeps a second factor. False if there is one.
pub(super) fn set_totp(
    tx: &mut Tx<'_>,
    now: Timestamp,
    id: &StaffId,
    (secret, step): (&[u8], i64),
) -> Result<bool, DbError> {
    let set = tx.execute(
        "UPDATE staff SET totp_secret = $1, totp_last_step = $2, changed_at = $3, version = version + 1
          WHERE id = $4 AND totp_secret IS NULL",
        params![secret.to_vec(), step, now, id],
    )?;
    Ok(set == 1)
}

/// Takes the second factor away, with its recovery codes. False if there was none.
pub(super) fn clear_totp(tx: &mut Tx<'_>, now: Timestamp, id: &StaffId) -> Result<bool, DbError> {
    let cleared = tx.execute(
        "UPDATE staff SET totp_secret = NULL, totp_last_step = NULL, changed_at = $1, version = version + 1
          WHERE id = $2 AND totp_secret IS NOT NULL",
        params![now, id],
    )?;
    delete_recovery_codes(tx, id)?;
    Ok(cleared == 1)
}

/// Keeps these recovery codes, and no others.
pub(super) fn replace_recovery_codes(
    tx: &mut Tx<'_>,
    id: &StaffId,
    hashes: &[String],
) -> Result<(), DbError> {
    delete_recovery_codes(tx, id)?;
    let rows: Vec<String> = (2..hashes.len().saturating_add(2))
        .map(|number| format!("($1, ${number})"))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let mut values = params![id].to_vec();
    values.extend(hashes.iter().cloned().map(db::Value::Text));
    tx.execute(
        &format!(
            "INSERT INTO staff_recovery_codes (staff_id, code_hash) VALUES {}",
            rows.join(", ")
        ),
        &values,
    )?;
    Ok(())
}

fn delete_recovery_codes(tx: &mut Tx<'_>, id: &StaffId) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM staff_recovery_codes WHERE staff_id = $1",
        params![id],
    )?;
    Ok(())
}

/// Uses a recovery code up. Only one caller ever gets true.
pub(super) fn use_recovery_code(
    tx: &mut Tx<'_>,
    now: Timestamp,
    id: &StaffId,
    hash: &str,
) -> Result<bool, DbError> {
    let used = tx.execute(
        "UPDATE staff_recovery_codes SET used_at = $1 WHERE staff_id = $2 AND code_hash = $3 AND used_at IS NULL",
        params![now, id, hash],
    )?;
    Ok(used == 1)
}

/// How many recovery codes are left.
pub(super) fn recovery_codes_left(tx: &mut Tx<'_>, id: &StaffId) -> Result<i64, DbError> {
    let (left,): (i64,) = tx.query_one(
        "SELECT COUNT(*) FROM staff_recovery_codes WHERE staff_id = $1 AND used_at IS NULL",
        params![id],
    )?;
    Ok(left)
}

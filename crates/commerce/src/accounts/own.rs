//! What members of staff do with their own account.

use db::DbError;
use kernel::text::one_line;
use kernel::time::MINUTE;
use kernel::{Code, Coded, Secret, StaffSessionId, TextError};
use serde_json::json;

use super::password::{Password, PasswordError};
use super::person::NAME;
use super::session::{SignedIn, hash};
use super::sign_in::{SignInError, asked_again, hashed};
use super::store::{self, Purpose};
use crate::audit::{self, Change};
use crate::error::Internal;
use crate::internal_from;
use crate::settings;
use crate::shop::Shop;
use crate::staff::door::{Caller, TooBusy};

/// How often a browser is noted to be there.
const TOUCHED: i64 = MINUTE;

/// Why an account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// The password is not right.
    #[error("the password is not right")]
    WrongPassword,
    /// The new password cannot be chosen.
    #[error("the new password: {0}")]
    BadPassword(#[from] PasswordError),
    /// The name cannot be used.
    #[error("the name: {0}")]
    BadName(TextError),
    /// The account or the session has changed meanwhile.
    #[error("the account has changed meanwhile; sign in again")]
    Changed,
    /// Too many tries.
    #[error("too many tries; wait {seconds} seconds and try again")]
    TooManyTries {
        /// After how many seconds there is another try.
        seconds: i64,
    },
    /// Too many sign in at this moment.
    #[error("too many are signing in at this moment; try again in a few seconds")]
    Busy,
    /// Not the caller's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}
internal_from!(OwnError: DbError);

impl From<TooBusy> for OwnError {
    fn from(_: TooBusy) -> Self {
        Self::Busy
    }
}

impl From<SignInError> for OwnError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Wrong | SignInError::WrongCode => Self::WrongPassword,
            SignInError::SecondFactorNeeded { .. } | SignInError::TicketExpired => Self::Changed,
            SignInError::TooManyTries { seconds } => Self::TooManyTries { seconds },
            SignInError::Busy => Self::Busy,
            SignInError::Internal(error) => Self::Internal(error),
        }
    }
}

impl Coded for OwnError {
    fn code(&self) -> Code {
        match self {
            Self::WrongPassword | Self::BadPassword(_) | Self::BadName(_) => Code::Invalid,
            Self::Changed => Code::StaleState,
            Self::TooManyTries { .. } => Code::TooManyRequests,
            Self::Busy => Code::Busy,
            Self::Internal(error) => error.code(),
        }
    }
}

/// Ends the session of this browser.
pub async fn sign_out(shop: &Shop, who: &SignedIn) -> Result<(), Internal> {
    end_session(shop, who, who.session_id().clone())
        .await
        .map(drop)
}

/// Ends one of one's own sessions. False if it had ended, or was none of theirs.
pub async fn end_session(
    shop: &Shop,
    who: &SignedIn,
    session: StaffSessionId,
) -> Result<bool, Internal> {
    let staff = who.member().id.clone();
    audit::change(shop, who.act(shop), move |tx, act| {
        if !store::end_session(tx, act.now, &staff, &session)? {
            return Ok((false, Change::none()));
        }
        let change =
            Change::new("staff.sign_out", "staff", &staff).from(json!({ "session": session }));
        Ok((true, change))
    })
    .await
}

/// Ends all one's sessions, this one too, and forgets the browsers.
pub async fn sign_out_everywhere(shop: &Shop, who: &SignedIn) -> Result<(), Internal> {
    let staff = who.member().id.clone();
    audit::change(shop, who.act(shop), move |tx, act| {
        let ended = store::end_sessions(tx, act.now, &staff, None)?;
        store::forget_devices(tx, &staff)?;
        let change = Change::new("staff.sign_out_everywhere", "staff", &staff)
            .from(json!({ "sessions": ended }));
        Ok(((), change))
    })
    .await
}

/// Notes that a browser is there, at most once a minute: a session that nobody uses ends by itself.
pub async fn touch(shop: &Shop, who: &SignedIn) -> Result<(), Internal> {
    let now = shop.clock.now();
    if now.since(who.seen_at()) < TOUCHED {
        return Ok(());
    }
    let session = who.session_id().clone();
    shop.db
        .write(move |tx| Ok(store::touch_session(tx, now, &session)?))
        .await
}

/// Chooses another password.
#[derive(Debug, Clone)]
pub struct ChangePassword {
    /// The password until now. Not looked at if there was none.
    pub old: Password,
    /// The new one.
    pub new: Password,
}

/// Chooses another password. All other sessions end, and this one gets a new secret, which is the answer.
pub async fn change_password(
    shop: &Shop,
    who: &SignedIn,
    cmd: ChangePassword,
) -> Result<Secret, OwnError> {
    let member = who.member().clone();
    let settings = shop.db.read(settings::load).await?;
    cmd.new.check(&settings.shop.name, &member.email)?;
    if member.has_password {
        asked_again(shop, &member.id, cmd.old).await?;
    }
    let password = hashed(shop, Caller::Known, cmd.new).await??;
    let (session, token) = (who.session_id().clone(), shop.ids.secret());
    audit::change(shop, who.act(shop), move |tx, act| {
        let changed = store::update_password(tx, act.now, (&member.id, member.version), &password)?
            && store::rotate_session(tx, &session, &hash(&token))?;
        if !changed {
            return Err(OwnError::Changed);
        }
        store::end_sessions(tx, act.now, &member.id, Some(&session))?;
        for purpose in [Purpose::SignIn, Purpose::Invitation] {
            store::end_links(tx, act.now, &member.id, purpose)?;
        }
        Ok((
            token.clone(),
            Change::new("staff.change_password", "staff", &member.id),
        ))
    })
    .await
}

/// Changes what colleagues call one.
pub async fn save_profile(shop: &Shop, who: &SignedIn, name: &str) -> Result<(), OwnError> {
    let name = one_line(name, NAME).map_err(OwnError::BadName)?;
    let staff = who.member().id.clone();
    audit::change(shop, who.act(shop), move |tx, act| {
        let member = store::lock(tx, &staff)?.ok_or(OwnError::Changed)?;
        if member.name == name {
            return Ok(((), Change::none()));
        }
        store::update_name(tx, act.now, &staff, &name)?;
        let change = Change::new("staff.save_profile", "staff", &staff)
            .between(json!({ "name": member.name }), json!({ "name": name }));
        Ok(((), change))
    })
    .await
}

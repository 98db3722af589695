//! Claiming a new shop: whoever can read the console of `vitrine serve` becomes its owner.

use db::{DbError, Tx};
use kernel::text::one_line;
use kernel::{Code, Coded, Email, Secret, StaffId, TextError, Timestamp};
use serde_json::json;

use super::Role;
use super::links::NAME;
use super::password::{Password, PasswordError};
use super::session::{Browser, Fresh, SignedInNow, hash, open_session};
use super::sign_in::hashed;
use super::store::{self, NewMember, Purpose};
use crate::audit::{self, Change};
use crate::error::Internal;
use crate::internal_from;
use crate::settings;
use crate::shop::Shop;
use crate::staff::Actor;
use crate::staff::door::{Caller, TooBusy};

/// Claims a shop that nobody has claimed.
#[derive(Debug, Clone)]
pub struct ClaimShop {
    /// The token of [`claim_link`].
    pub token: Secret,
    /// What colleagues will call the owner.
    pub name: String,
    /// What the owner will sign in with, as typed.
    pub email: String,
    /// The owner's password.
    pub password: Password,
    /// With which browser.
    pub from: Browser,
}

/// Why a shop was not claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Somebody has claimed it, or the link never was one.
    #[error(
        "this shop has an owner, or the link is not right; the one printed last by `vitrine serve` is"
    )]
    Spent,
    /// The name cannot be used.
    #[error("the name: {0}")]
    BadName(TextError),
    /// The address cannot be used.
    #[error("the e-mail address: {0}")]
    BadEmail(TextError),
    /// The password cannot be chosen.
    #[error("the password: {0}")]
    BadPassword(#[from] PasswordError),
    /// Too many sign in at this moment.
    #[error("too many are signing in at this moment; try again in a few seconds")]
    Busy,
    /// Not the caller's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}
internal_from!(ClaimError: DbError);

impl From<TooBusy> for ClaimError {
    fn from(_: TooBusy) -> Self {
        Self::Busy
    }
}

impl Coded for ClaimError {
    fn code(&self) -> Code {
        match self {
            Self::Spent => Code::Gone,
            Self::BadName(_) | Self::BadEmail(_) | Self::BadPassword(_) => Code::Invalid,
            Self::Busy => Code::Busy,
            Self::Internal(error) => error.code(),
        }
    }
}

/// A fresh token to claim the shop with, while there is no account; good until it is used. Nothing once there is one.
///
/// Only for the console of whoever runs the shop.
pub async fn claim_link(shop: &Shop) -> Result<Option<Secret>, Internal> {
    let now = shop.clock.now();
    let token = shop.ids.secret();
    shop.db
        .write(move |tx| {
            store::take_turn(tx)?;
            if store::count(tx)? > 0 {
                return Ok(None);
            }
            let until = Timestamp::from_millis(i64::MAX);
            store::insert_link(tx, (now, until), (Purpose::Claim, None), &hash(&token))?;
            Ok(Some(token.clone()))
        })
        .await
}

/// Whether this token claims the shop: for the page that asks for name and password.
pub fn is_claimable(tx: &mut Tx<'_>, now: Timestamp, token: &Secret) -> Result<bool, DbError> {
    Ok(store::is_open_claim(tx, now, &hash(token))? && store::count(tx)? == 0)
}

/// Makes whoever holds the token the owner, and signs them in. Of two at once, one does.
pub async fn claim_shop(shop: &Shop, cmd: ClaimShop) -> Result<SignedInNow, ClaimError> {
    let name = one_line(&cmd.name, NAME).map_err(ClaimError::BadName)?;
    let email = Email::parse(&cmd.email).map_err(ClaimError::BadEmail)?;
    let (now, token) = (shop.clock.now(), cmd.token.clone());
    let (claimable, settings) = shop
        .db
        .read(move |tx| -> Result<_, Internal> {
            Ok((is_claimable(tx, now, &token)?, settings::load(tx)?))
        })
        .await?;
    if !claimable {
        return Err(ClaimError::Spent);
    }
    cmd.password.check(&settings.shop.name, &email)?;
    let password = hashed(shop, Caller::Known, cmd.password).await??;
    let id = StaffId::new(shop.ids.as_ref());
    let act = shop.act(Actor::Staff(id.clone()));
    let fresh = Fresh::new(shop.ids.as_ref());
    audit::change(shop, act, move |tx, act| {
        store::take_turn(tx)?;
        if store::count(tx)? > 0
            || !store::use_link(tx, act.now, (Purpose::Claim, &hash(&cmd.token)))?
        {
            return Err(ClaimError::Spent);
        }
        let owner = NewMember {
            id: &id,
            email: &email,
            name: &name,
            role: Role::Owner,
            password_hash: Some(&password),
        };
        store::insert_member(tx, act.now, &owner)?;
        store::end_claims(tx)?;
        let (_, now) =
            open_session(tx, act, (&id, 1), (&cmd.from, &fresh))?.ok_or(ClaimError::Spent)?;
        let change =
            Change::new("staff.claim_shop", "staff", &id).to(json!({ "role": Role::Owner }));
        Ok((now, change))
    })
    .await
}

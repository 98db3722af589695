//! Claiming a new shop: whoever can read the console of `vitrine serve` becomes its owner.
//!
//! The claim is one transaction with the opening of the shop, which is the operation: see `opening`.

use db::{DbError, Tx};
use kernel::{Code, Coded, Email, Secret, StaffId, Timestamp};

use super::Role;
use super::password::Password;
use super::person::{self, PersonError};
use super::session::{Browser, Fresh, SignedInNow, hash, open_session};
use super::store::{self, NewMember, Purpose};
use crate::error::Internal;
use crate::internal_from;
use crate::shop::{Act, Shop};
use crate::staff::Actor;
use crate::staff::door::TooBusy;

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
    /// The owner cannot have an account as they are.
    #[error(transparent)]
    Person(#[from] PersonError),
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
            Self::Person(_) => Code::Invalid,
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

/// A claim that can be made: checked, its password hashed, nothing of it written.
#[derive(Clone)]
pub(crate) struct ReadyClaim {
    id: StaffId,
    name: String,
    email: Email,
    password_hash: String,
    token: Secret,
    from: Browser,
    fresh: Fresh,
}

impl ReadyClaim {
    /// The owner to be.
    pub(crate) fn owner(&self) -> &StaffId {
        &self.id
    }

    /// The owner to be, as the one who acts.
    pub(crate) fn actor(&self) -> Actor {
        Actor::Staff(self.id.clone())
    }
}

/// Checks a claim of a shop that will have this name, token first: nobody without it has passwords hashed here.
pub(crate) async fn ready_claim(
    shop: &Shop,
    cmd: ClaimShop,
    shop_name: &str,
) -> Result<ReadyClaim, ClaimError> {
    let (name, email) = person::checked(&cmd.name, &cmd.email)?;
    let (now, token) = (shop.clock.now(), cmd.token.clone());
    let claimable = shop
        .db
        .read(move |tx| is_claimable(tx, now, &token))
        .await?;
    if !claimable {
        return Err(ClaimError::Spent);
    }
    let password_hash = person::kept::<ClaimError>(shop, (shop_name, &email), cmd.password).await?;
    Ok(ReadyClaim {
        id: StaffId::new(shop.ids.as_ref()),
        name,
        email,
        password_hash,
        token: cmd.token,
        from: cmd.from,
        fresh: Fresh::new(shop.ids.as_ref()),
    })
}

/// Makes whoever holds the token the owner, and signs them in. Of two at once, one does.
pub(crate) fn claim(
    tx: &mut Tx<'_>,
    act: &Act,
    ready: &ReadyClaim,
) -> Result<SignedInNow, ClaimError> {
    store::take_turn(tx)?;
    if store::count(tx)? > 0
        || !store::use_link(tx, act.now, (Purpose::Claim, &hash(&ready.token)))?
    {
        return Err(ClaimError::Spent);
    }
    let owner = NewMember {
        id: &ready.id,
        email: &ready.email,
        name: &ready.name,
        role: Role::Owner,
        password_hash: Some(&ready.password_hash),
    };
    store::insert_member(tx, act.now, &owner)?;
    store::end_claims(tx)?;
    let opened = open_session(tx, act, (&ready.id, 1), (&ready.from, &ready.fresh))?;
    let (_, now) = opened.ok_or(ClaimError::Spent)?;
    Ok(now)
}

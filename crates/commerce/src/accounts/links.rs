//! Links that work once: to be let in by a colleague, to choose a password, to sign in without one.

use db::{DbError, Tx};
use kernel::time::{DAY, MINUTE};
use kernel::{Code, Coded, Email, Secret, StaffId, Timestamp};
use serde_json::json;

use super::password::{Password, PasswordError};
use super::person::{self, PersonError};
use super::session::{Browser, Fresh, SignedInNow, hash, open_session};
use super::sign_in::{hashed, ticket};
use super::store::{self, NewMember, Purpose};
use super::{Role, StaffMember};
use crate::audit::{self, Change};
use crate::error::Internal;
use crate::internal_from;
use crate::settings;
use crate::shop::{Act, Shop};
use crate::staff::door::{Caller, TooBusy};
use crate::staff::{Actor, Authorized, ManageStaff};

/// How long a link to sign in counts.
pub const SIGN_IN_LINK_GOOD_FOR: i64 = 15 * MINUTE;
/// How long an invitation counts.
pub const INVITATION_GOOD_FOR: i64 = 7 * DAY;

/// Why a link did nothing.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// It was used, has run out, or never was one.
    #[error("this link was used already or has run out; ask for a new one")]
    Spent,
    /// Nobody has that address, or they are shut out.
    #[error("nobody who may sign in has that address")]
    NotFound,
    /// Not the caller's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}
internal_from!(LinkError: DbError);

impl Coded for LinkError {
    fn code(&self) -> Code {
        match self {
            Self::Spent => Code::Gone,
            Self::NotFound => Code::NotFound,
            Self::Internal(error) => error.code(),
        }
    }
}

/// Lets somebody in.
#[derive(Debug, Clone)]
pub struct Invite {
    /// What colleagues will call them.
    pub name: String,
    /// What they will sign in with, as typed.
    pub email: String,
    /// What they will be.
    pub role: Role,
}

/// Somebody who was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invited {
    /// Their id.
    pub id: StaffId,
    /// The token of their link; only they are to see it.
    pub token: Secret,
}

/// Why nobody was let in.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// The address has an account.
    #[error("{0} has an account already")]
    Taken(Email),
    /// They cannot have an account as they are.
    #[error(transparent)]
    Person(#[from] PersonError),
    /// Too many sign in at this moment.
    #[error("too many are signing in at this moment; try again in a few seconds")]
    Busy,
    /// Not the caller's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}
internal_from!(InviteError: DbError);

impl From<TooBusy> for InviteError {
    fn from(_: TooBusy) -> Self {
        Self::Busy
    }
}

impl Coded for InviteError {
    fn code(&self) -> Code {
        match self {
            Self::Taken(_) => Code::Taken,
            Self::Person(_) => Code::Invalid,
            Self::Busy => Code::Busy,
            Self::Internal(error) => error.code(),
        }
    }
}

/// Makes an account without a password, and a link with which its owner chooses one.
pub async fn invite(
    shop: &Shop,
    by: Authorized<ManageStaff>,
    cmd: Invite,
) -> Result<Invited, InviteError> {
    let (name, email) = person::checked(&cmd.name, &cmd.email)?;
    let id = StaffId::new(shop.ids.as_ref());
    let token = shop.ids.secret();
    audit::change(shop, shop.act(by.actor()), move |tx, act| {
        let member = NewMember {
            id: &id,
            email: &email,
            name: &name,
            role: cmd.role,
            password_hash: None,
        };
        let change = let_in(tx, act, &member)?;
        insert_link(tx, act.now, (Purpose::Invitation, &id), &token)?;
        let invited = Invited {
            id: id.clone(),
            token: token.clone(),
        };
        Ok((invited, change))
    })
    .await
}

/// Makes an account with a password: for the command line, where nobody can open a link.
pub async fn let_in_with_password(
    shop: &Shop,
    by: Authorized<ManageStaff>,
    cmd: Invite,
    password: Password,
) -> Result<StaffId, InviteError> {
    let (name, email) = person::checked(&cmd.name, &cmd.email)?;
    let settings = shop.db.read(settings::load).await?;
    let password =
        person::kept::<InviteError>(shop, (&settings.shop.name, &email), password).await?;
    let id = StaffId::new(shop.ids.as_ref());
    audit::change(shop, shop.act(by.actor()), move |tx, act| {
        let member = NewMember {
            id: &id,
            email: &email,
            name: &name,
            role: cmd.role,
            password_hash: Some(&password),
        };
        let change = let_in(tx, act, &member)?;
        Ok((id.clone(), change))
    })
    .await
}

/// Makes the account. From then on nobody can claim the shop any more.
fn let_in(tx: &mut Tx<'_>, act: &Act, member: &NewMember<'_>) -> Result<Change, InviteError> {
    store::take_turn(tx)?;
    if !store::insert_member(tx, act.now, member)? {
        return Err(InviteError::Taken(member.email.clone()));
    }
    store::end_claims(tx)?;
    Ok(Change::new("staff.invite", "staff", member.id).to(json!({ "role": member.role })))
}

/// A link with which a member chooses another password, or the first one again after the invitation ran out. Their
/// sessions go on until they have.
pub async fn reset_password_link(
    shop: &Shop,
    by: Authorized<ManageStaff>,
    id: StaffId,
) -> Result<Secret, LinkError> {
    let token = shop.ids.secret();
    audit::change(shop, shop.act(by.actor()), move |tx, act| {
        let member = store::lock(tx, &id)?;
        let kind = (Purpose::Invitation, "staff.password_link");
        Ok((token.clone(), make_link(tx, act, (kind, member), &token)?))
    })
    .await
}

/// Makes a link for a member who is not shut out; those they had of its kind count no more.
fn make_link(
    tx: &mut Tx<'_>,
    act: &Act,
    ((purpose, action), member): ((Purpose, &'static str), Option<StaffMember>),
    token: &Secret,
) -> Result<Change, LinkError> {
    let member = member
        .filter(|member| member.disabled_at.is_none())
        .ok_or(LinkError::NotFound)?;
    insert_link(tx, act.now, (purpose, &member.id), token)?;
    Ok(Change::new(action, "staff", &member.id))
}

/// Keeps a link for as long as one of its kind counts.
fn insert_link(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (purpose, id): (Purpose, &StaffId),
    token: &Secret,
) -> Result<(), DbError> {
    let good_for = match purpose {
        Purpose::SignIn => SIGN_IN_LINK_GOOD_FOR,
        Purpose::Invitation | Purpose::Claim => INVITATION_GOOD_FOR,
    };
    store::insert_link(
        tx,
        (now, now.plus(good_for)),
        (purpose, Some(id)),
        &hash(token),
    )
}

/// Whose link this is, if it counts and they are not shut out.
fn owner_of(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (purpose, token): (Purpose, &Secret),
) -> Result<Option<StaffMember>, DbError> {
    let Some(id) = store::open_link(tx, now, (purpose, &hash(token)))? else {
        return Ok(None);
    };
    Ok(store::find(tx, &id)?.filter(|member| member.disabled_at.is_none()))
}

/// Whom an invitation is for, while it counts: for the page that asks for the password.
pub fn find_invited(
    tx: &mut Tx<'_>,
    now: Timestamp,
    token: &Secret,
) -> Result<Option<StaffMember>, DbError> {
    owner_of(tx, now, (Purpose::Invitation, token))
}

/// Chooses the password an invitation asks for.
#[derive(Debug, Clone)]
pub struct AcceptInvitation {
    /// The token of the link.
    pub token: Secret,
    /// The password.
    pub password: Password,
    /// With which browser.
    pub from: Browser,
}

/// Why a password was not chosen, or nobody signed in.
#[derive(thiserror::Error)]
pub enum AcceptError {
    /// The link was used, has run out, or never was one.
    #[error("this link was used already or has run out; ask an owner for a new one")]
    Spent,
    /// The password cannot be chosen.
    #[error("the password: {0}")]
    BadPassword(#[from] PasswordError),
    /// The password is chosen; signing in takes a code as well.
    #[error("enter the code of your authenticator app as well")]
    SecondFactorNeeded {
        /// To be handed to [`super::finish_sign_in`] with the code, within five minutes.
        ticket: String,
    },
    /// Too many sign in at this moment.
    #[error("too many are signing in at this moment; try again in a few seconds")]
    Busy,
    /// Not the caller's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}
internal_from!(AcceptError: DbError);

impl std::fmt::Debug for AcceptError {
    /// Without the ticket, which is half a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Internal(error) => f.debug_tuple("Internal").field(error).finish(),
            Self::BadPassword(error) => f.debug_tuple("BadPassword").field(error).finish(),
            Self::Spent | Self::SecondFactorNeeded { .. } | Self::Busy => write!(f, "{self}"),
        }
    }
}

impl From<TooBusy> for AcceptError {
    fn from(_: TooBusy) -> Self {
        Self::Busy
    }
}

impl Coded for AcceptError {
    fn code(&self) -> Code {
        match self {
            Self::Spent => Code::Gone,
            Self::BadPassword(_) | Self::SecondFactorNeeded { .. } => Code::Invalid,
            Self::Busy => Code::Busy,
            Self::Internal(error) => error.code(),
        }
    }
}

/// Chooses a password, signs the member out everywhere, and signs them in here.
pub async fn accept_invitation(
    shop: &Shop,
    cmd: AcceptInvitation,
) -> Result<SignedInNow, AcceptError> {
    let (now, token) = (shop.clock.now(), cmd.token.clone());
    let (invited, settings) = shop
        .db
        .read(move |tx| -> Result<_, Internal> {
            Ok((find_invited(tx, now, &token)?, settings::load(tx)?))
        })
        .await?;
    let member = invited.ok_or(AcceptError::Spent)?;
    cmd.password.check(&settings.shop.name, &member.email)?;
    let password = hashed(shop, Caller::Known, cmd.password).await??;
    let act = shop.act(Actor::Staff(member.id.clone()));
    let fresh = Fresh::new(shop.ids.as_ref());
    let chosen = member.clone();
    let opened = audit::change(shop, act, move |tx, act| {
        let link = (Purpose::Invitation, hash(&cmd.token));
        let usable = store::use_link(tx, act.now, (link.0, &link.1))?
            && store::update_password(tx, act.now, (&chosen.id, chosen.version), &password)?;
        if !usable {
            return Err(AcceptError::Spent);
        }
        store::end_links(tx, act.now, &chosen.id, Purpose::SignIn)?;
        store::end_sessions(tx, act.now, &chosen.id, None)?;
        store::forget_devices(tx, &chosen.id)?;
        let version = chosen.version.saturating_add(1);
        let opened = if chosen.has_second_factor {
            None
        } else {
            open_session(tx, act, (&chosen.id, version), (&cmd.from, &fresh))?
        };
        let change = Change::new("staff.choose_password", "staff", &chosen.id);
        Ok((opened.map(|(_, now)| now), change))
    })
    .await?;
    match opened {
        Some(now) => Ok(now),
        None => Err(AcceptError::SecondFactorNeeded {
            ticket: ticket(shop, member.id, member.version.saturating_add(1)).await?,
        }),
    }
}

/// A link that signs a member in once, without password and code: for whoever has lost both, and for the console.
///
/// Whoever holds it is that member for as long as it counts, so it is noted who made it.
pub async fn sign_in_link(
    shop: &Shop,
    by: Authorized<ManageStaff>,
    email: Email,
) -> Result<Secret, LinkError> {
    let token = shop.ids.secret();
    audit::change(shop, shop.act(by.actor()), move |tx, act| {
        let member = store::find_by_email(tx, &email)?;
        let kind = (Purpose::SignIn, "staff.sign_in_link");
        Ok((token.clone(), make_link(tx, act, (kind, member), &token)?))
    })
    .await
}

/// Whom a link of [`sign_in_link`] signs in, while it counts: for the page that asks whether to.
pub fn find_linked(
    tx: &mut Tx<'_>,
    now: Timestamp,
    token: &Secret,
) -> Result<Option<StaffMember>, DbError> {
    owner_of(tx, now, (Purpose::SignIn, token))
}

/// Signs in with a link of [`sign_in_link`]. Only ever once; to be asked for by a form, not by opening a page.
pub async fn use_link(
    shop: &Shop,
    token: &Secret,
    from: Browser,
) -> Result<SignedInNow, LinkError> {
    let (now, token_hash) = (shop.clock.now(), hash(token));
    let wanted = token_hash.clone();
    let found = shop
        .db
        .read(move |tx| store::open_link(tx, now, (Purpose::SignIn, &wanted)))
        .await?;
    let id = found.ok_or(LinkError::Spent)?;
    let act = shop.act(Actor::Staff(id.clone()));
    let fresh = Fresh::new(shop.ids.as_ref());
    audit::change(shop, act, move |tx, act| {
        let used = store::use_link(tx, act.now, (Purpose::SignIn, &token_hash))?;
        let member = store::lock(tx, &id)?
            .filter(|_| used)
            .ok_or(LinkError::Spent)?;
        let opened = open_session(tx, act, (&id, member.version), (&from, &fresh))?;
        let (session, now) = opened.ok_or(LinkError::Spent)?;
        let change = Change::new("staff.sign_in", "staff", &id)
            .to(json!({ "session": session, "by": "link" }));
        Ok((now, change))
    })
    .await
}

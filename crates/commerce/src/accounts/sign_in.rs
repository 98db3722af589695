//! Signing in with a password, and where there is a second factor with a code after it.
//!
//! An address nobody has, an account that is shut out or has no password, and a wrong password are one answer, reached by
//! one path in one time.

use db::{DbError, Tx};
use kernel::time::{MINUTE, SECOND};
use kernel::{Code, Coded, StaffId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::password::Password;
use super::second_factor::{self, Counts};
use super::session::{Browser, Fresh, SignedInNow, hash, open_session};
use super::{seal, store};
use crate::audit::{self, Change};
use crate::error::Internal;
use crate::internal_from;
use crate::shop::Shop;
use crate::staff::Actor;
use crate::staff::door::{Caller, Counted, Rate, TooBusy, limits};

/// How long the code may take after the password was right.
const TICKET_GOOD_FOR: i64 = 5 * MINUTE;

/// Signs in with a password.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// The address, as typed.
    pub email: String,
    /// The password, as typed.
    pub password: Password,
    /// With which browser.
    pub from: Browser,
}

/// Signs in with a code, after the password was right.
#[derive(Clone)]
pub struct SecondStep {
    /// What [`SignInError::SecondFactorNeeded`] gave.
    pub ticket: String,
    /// The six digits of the moment, or a recovery code.
    pub code: String,
    /// With which browser.
    pub from: Browser,
}

impl std::fmt::Debug for SecondStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecondStep")
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

/// Why nobody was signed in.
#[derive(thiserror::Error)]
pub enum SignInError {
    /// Address and password do not belong together.
    #[error("the e-mail address or the password is not right")]
    Wrong,
    /// The password was right; the account asks for a code as well.
    #[error("enter the code of your authenticator app as well")]
    SecondFactorNeeded {
        /// To be handed to [`finish_sign_in`] with the code, within five minutes.
        ticket: String,
    },
    /// The code is not right, or was used before.
    #[error("this code is not right, or was used before; wait for the next one")]
    WrongCode,
    /// The code took too long, or the account has changed meanwhile.
    #[error("that took too long; sign in again from the beginning")]
    TicketExpired,
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
internal_from!(SignInError: DbError);

impl std::fmt::Debug for SignInError {
    /// Without the ticket, which is half a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SecondFactorNeeded { .. } => f.write_str("SecondFactorNeeded"),
            Self::Internal(error) => f.debug_tuple("Internal").field(error).finish(),
            Self::Wrong
            | Self::WrongCode
            | Self::TicketExpired
            | Self::TooManyTries { .. }
            | Self::Busy => {
                write!(f, "{self}")
            }
        }
    }
}

impl From<TooBusy> for SignInError {
    fn from(_: TooBusy) -> Self {
        Self::Busy
    }
}

impl Coded for SignInError {
    fn code(&self) -> Code {
        match self {
            Self::Wrong | Self::WrongCode | Self::SecondFactorNeeded { .. } => Code::Invalid,
            Self::TicketExpired => Code::Gone,
            Self::TooManyTries { .. } => Code::TooManyRequests,
            Self::Busy => Code::Busy,
            Self::Internal(error) => error.code(),
        }
    }
}

/// Proof that somebody's password was right, to be carried by their browser.
#[derive(Serialize, Deserialize)]
struct Ticket {
    staff: StaffId,
    version: i64,
}

impl seal::Sealed for Ticket {
    const KIND: &'static str = "sign_in_ticket";
}

/// Signs somebody in with their password, or answers that a code is needed as well.
pub async fn sign_in(shop: &Shop, cmd: SignIn) -> Result<SignedInNow, SignInError> {
    let SignIn {
        email,
        password,
        from,
    } = cmd;
    // Longer than an address can be, it is nobody's: no need to look far.
    let folded: String = email.trim().to_lowercase().chars().take(320).collect();
    let (wanted, device) = (folded.clone(), from.device.as_ref().map(hash));
    let looked_for = device.clone();
    let candidate = shop
        .db
        .read(move |tx| store::candidate(tx, &wanted, looked_for.as_deref()))
        .await?;
    let known_device = candidate
        .as_ref()
        .filter(|found| found.device_known)
        .and(device);
    let tries = tries(&from, &folded, known_device.as_deref());
    take(shop, &tries)?;
    let caller = if known_device.is_some() {
        Caller::Known
    } else {
        Caller::Stranger
    };
    let kept = candidate
        .as_ref()
        .filter(|found| !found.disabled)
        .and_then(|found| found.password_hash.clone());
    let right = shop
        .door
        .work(caller, move || password.matches(kept.as_deref()))
        .await?;
    let Some(candidate) = candidate.filter(|_| right) else {
        return Err(SignInError::Wrong);
    };
    // It was no guess.
    shop.door.give_back(&tries);
    if candidate.has_second_factor {
        let ticket = ticket(shop, candidate.id, candidate.version).await?;
        return Err(SignInError::SecondFactorNeeded { ticket });
    }
    enter(shop, (candidate.id, candidate.version), from, "password")
        .await?
        .ok_or(SignInError::Wrong)
}

/// Signs somebody in whose password was right, with the code of the moment or a recovery code.
pub async fn finish_sign_in(shop: &Shop, cmd: SecondStep) -> Result<SignedInNow, SignInError> {
    let Some(ticket) = seal::open::<Ticket>(shop, &cmd.ticket).await? else {
        return Err(SignInError::TicketExpired);
    };
    let (staff, device) = (ticket.staff.clone(), cmd.from.device.as_ref().map(hash));
    let looked_for = device.clone();
    let candidate = shop
        .db
        .read(move |tx| store::candidate_by_id(tx, &staff, looked_for.as_deref()))
        .await?;
    let candidate = candidate
        .filter(|found| !found.disabled && found.version == ticket.version)
        .ok_or(SignInError::TicketExpired)?;
    let counted = match device.filter(|_| candidate.device_known) {
        Some(device) => Counted::of("code", &format!("{} {device}", candidate.id)),
        None => Counted::of("code", candidate.id.as_str()),
    };
    let tries = [(counted, limits::CODES)];
    take(shop, &tries)?;
    let act = shop.act(Actor::Staff(candidate.id.clone()));
    let fresh = Fresh::new(shop.ids.as_ref());
    let entered = audit::change(shop, act, move |tx, act| {
        let way = match second_factor::counts(tx, act, &candidate.id, &cmd.code)? {
            Counts::Step => "password and code",
            Counts::RecoveryCode => "password and recovery code",
            Counts::Not => return Err(SignInError::WrongCode),
        };
        let opened = open_session(
            tx,
            act,
            (&candidate.id, candidate.version),
            (&cmd.from, &fresh),
        )?;
        let (session, now) = opened.ok_or(SignInError::TicketExpired)?;
        let change = Change::new("staff.sign_in", "staff", &candidate.id)
            .to(json!({ "session": session, "by": way }));
        Ok((now, change))
    })
    .await?;
    shop.door.give_back(&tries);
    Ok(entered)
}

/// Signs somebody in of whom it was found out that it is them. Nothing if their account has changed since.
pub(super) async fn enter(
    shop: &Shop,
    (staff, version): (StaffId, i64),
    from: Browser,
    way: &'static str,
) -> Result<Option<SignedInNow>, Internal> {
    let act = shop.act(Actor::Staff(staff.clone()));
    let fresh = Fresh::new(shop.ids.as_ref());
    audit::change(shop, act, move |tx, act| {
        Ok(
            match open_session(tx, act, (&staff, version), (&from, &fresh))? {
                Some((session, now)) => {
                    let change = Change::new("staff.sign_in", "staff", &staff)
                        .to(json!({ "session": session, "by": way }));
                    (Some(now), change)
                }
                None => (None, Change::none()),
            },
        )
    })
    .await
}

/// The ticket for the second step.
pub(super) async fn ticket(shop: &Shop, staff: StaffId, version: i64) -> Result<String, Internal> {
    let until = shop.clock.now().plus(TICKET_GOOD_FOR);
    seal::seal(shop, until, Ticket { staff, version }).await
}

/// What a try with a password is counted with.
fn tries(from: &Browser, folded: &str, known_device: Option<&str>) -> Vec<(Counted, Rate)> {
    match known_device {
        Some(device) => vec![(
            Counted::of("device", &format!("{folded} {device}")),
            limits::DEVICE,
        )],
        None => vec![
            (Counted::of("network", &from.network), limits::NETWORK),
            (Counted::of("account", folded), limits::ACCOUNT),
            (Counted::of("strangers", ""), limits::STRANGERS),
        ],
    }
}

fn take(shop: &Shop, tries: &[(Counted, Rate)]) -> Result<(), SignInError> {
    shop.door
        .take(shop.clock.now(), tries)
        .map_err(|wait| SignInError::TooManyTries {
            seconds: seconds(wait),
        })
}

/// Milliseconds in whole seconds, rounded up.
pub(super) fn seconds(millis: i64) -> i64 {
    millis.saturating_add(SECOND - 1).div_euclid(SECOND).max(1)
}

/// Whether this is the password of somebody who is signed in already, and asked for it again.
pub(super) async fn asked_again(
    shop: &Shop,
    staff: &StaffId,
    password: Password,
) -> Result<(), SignInError> {
    let tries = [(Counted::of("again", staff.as_str()), limits::AGAIN)];
    take(shop, &tries)?;
    let wanted = staff.clone();
    let kept = shop
        .db
        .read(move |tx: &mut Tx<'_>| store::password_hash(tx, &wanted))
        .await?;
    let right = shop
        .door
        .work(Caller::Known, move || password.matches(kept.as_deref()))
        .await?;
    if !right {
        return Err(SignInError::Wrong);
    }
    shop.door.give_back(&tries);
    Ok(())
}

/// Turns a password into what is kept of it.
pub(super) async fn hashed(
    shop: &Shop,
    caller: Caller,
    password: Password,
) -> Result<Result<String, Internal>, TooBusy> {
    shop.door.work(caller, move || password.hash()).await
}

//! The second factor: codes of an authenticator app (RFC 6238), and recovery codes for the day it is lost.

use data_encoding::BASE32_NOPAD;
use db::{DbError, Tx};
use kernel::time::MINUTE;
use kernel::{Code, Coded, StaffId, Timestamp};
use serde::{Deserialize, Serialize};
use totp_rs::{Builder, Totp};

use super::password::Password;
use super::session::{SignedIn, hash_text};
use super::sign_in::{SignInError, asked_again};
use super::{seal, store};
use crate::audit::{self, Change};
use crate::error::Internal;
use crate::internal_from;
use crate::settings;
use crate::shop::{Act, Shop};

/// How many recovery codes there are.
pub const RECOVERY_CODES: usize = 10;

/// How long somebody may take to set their app up.
const ENROLMENT_GOOD_FOR: i64 = 15 * MINUTE;

/// Bytes of a shared secret: the 160 bits RFC 4226 recommends.
const SECRET_LENGTH: usize = 20;

/// What somebody needs to set their authenticator app up. Nothing is kept before they have sent a first code.
#[derive(Clone)]
pub struct Enrolment {
    /// The shared secret, to be typed into the app: base 32.
    pub secret: String,
    /// The same as an address that apps read from a QR code.
    pub uri: String,
    /// To be sent back with the first code.
    pub sealed: String,
}

impl std::fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Enrolment(…)")
    }
}

/// Turns the second factor on.
#[derive(Clone)]
pub struct ConfirmSecondFactor {
    /// [`Enrolment::sealed`], as it was given.
    pub sealed: String,
    /// The first code the app shows.
    pub code: String,
}

impl std::fmt::Debug for ConfirmSecondFactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConfirmSecondFactor(…)")
    }
}

/// Why a second factor was not changed.
#[derive(Debug, thiserror::Error)]
pub enum SecondFactorError {
    /// The code does not fit the secret.
    #[error("this code is not right; check the clock of your phone, and enter the newest one")]
    WrongCode,
    /// The password is not right.
    #[error("the password is not right")]
    WrongPassword,
    /// The page was open for too long, or it was somebody else's.
    #[error("that took too long; begin again with a new secret")]
    Expired,
    /// There is one already.
    #[error("a second factor is set up already; remove it first")]
    AlreadyThere,
    /// There is none.
    #[error("no second factor is set up")]
    NotThere,
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
internal_from!(SecondFactorError: DbError);

impl From<SignInError> for SecondFactorError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Wrong => Self::WrongPassword,
            SignInError::TooManyTries { seconds } => Self::TooManyTries { seconds },
            SignInError::Busy => Self::Busy,
            SignInError::WrongCode | SignInError::SecondFactorNeeded { .. } => Self::WrongCode,
            SignInError::TicketExpired => Self::Expired,
            SignInError::Internal(error) => Self::Internal(error),
        }
    }
}

impl Coded for SecondFactorError {
    fn code(&self) -> Code {
        match self {
            Self::WrongCode | Self::WrongPassword => Code::Invalid,
            Self::Expired => Code::Gone,
            Self::AlreadyThere | Self::NotThere => Code::StaleState,
            Self::TooManyTries { .. } => Code::TooManyRequests,
            Self::Busy => Code::Busy,
            Self::Internal(error) => error.code(),
        }
    }
}

/// An enrolment as the browser carries it.
#[derive(Serialize, Deserialize)]
struct Pending {
    staff: StaffId,
    secret: String,
}

impl seal::Sealed for Pending {
    const KIND: &'static str = "second_factor_enrolment";
}

/// Makes a secret for an authenticator app. Nothing changes until [`confirm_second_factor`].
pub async fn begin_second_factor(
    shop: &Shop,
    who: &SignedIn,
) -> Result<Enrolment, SecondFactorError> {
    if who.member().has_second_factor {
        return Err(SecondFactorError::AlreadyThere);
    }
    let mut secret = vec![0_u8; SECRET_LENGTH];
    getrandom::fill(&mut secret)
        .map_err(|error| Internal::bug(format!("no random bytes: {error}")))?;
    let name = shop.db.read(settings::load).await?.shop.name;
    let text = BASE32_NOPAD.encode(&secret);
    // A colon ends the issuer's name in such an address.
    let label = |text: &str| text.replace(':', " ");
    let uri = Builder::new()
        .with_secret(secret)
        .with_account_name(label(who.member().email.as_str()))
        .with_issuer(Some(label(&name)))
        .build()
        .and_then(|totp| totp.to_url())
        .map_err(|error| Internal::bug(format!("no address for an authenticator app: {error}")))?;
    let until = shop.clock.now().plus(ENROLMENT_GOOD_FOR);
    let pending = Pending {
        staff: who.member().id.clone(),
        secret: text.clone(),
    };
    Ok(Enrolment {
        secret: text,
        uri,
        sealed: seal::seal(shop, until, pending).await?,
    })
}

/// Turns the second factor on with its first code. Answers with the recovery codes, which are never shown again.
pub async fn confirm_second_factor(
    shop: &Shop,
    who: &SignedIn,
    cmd: ConfirmSecondFactor,
) -> Result<Vec<String>, SecondFactorError> {
    let staff = who.member().id.clone();
    let pending = seal::open::<Pending>(shop, &cmd.sealed).await?;
    let pending = pending
        .filter(|pending| pending.staff == staff)
        .ok_or(SecondFactorError::Expired)?;
    let secret = BASE32_NOPAD
        .decode(pending.secret.as_bytes())
        .map_err(|error| Internal::bug(format!("a sealed secret is no base 32: {error}")))?;
    let step =
        matching_step(&secret, shop.clock.now(), &cmd.code)?.ok_or(SecondFactorError::WrongCode)?;
    let codes = fresh_codes(shop);
    let hashes: Vec<String> = codes.iter().map(|code| hash_text(&plain(code))).collect();
    audit::change(shop, who.act(shop), move |tx, act| {
        if !store::set_totp(tx, act.now, &staff, (&secret, step))? {
            return Err(SecondFactorError::AlreadyThere);
        }
        store::replace_recovery_codes(tx, &staff, &hashes)?;
        Ok(((), Change::new("staff.second_factor_on", "staff", &staff)))
    })
    .await?;
    Ok(codes)
}

/// Turns the second factor off, with the password. One that was never chosen is not asked for.
pub async fn remove_second_factor(
    shop: &Shop,
    who: &SignedIn,
    password: Password,
) -> Result<(), SecondFactorError> {
    let staff = who.member().id.clone();
    if who.member().has_password {
        asked_again(shop, &staff, password).await?;
    }
    audit::change(shop, who.act(shop), move |tx, act| {
        if !store::clear_totp(tx, act.now, &staff)? {
            return Err(SecondFactorError::NotThere);
        }
        Ok(((), Change::new("staff.second_factor_off", "staff", &staff)))
    })
    .await
}

/// Makes new recovery codes; the old ones count no more. They are never shown again.
pub async fn new_recovery_codes(
    shop: &Shop,
    who: &SignedIn,
) -> Result<Vec<String>, SecondFactorError> {
    let staff = who.member().id.clone();
    let codes = fresh_codes(shop);
    let hashes: Vec<String> = codes.iter().map(|code| hash_text(&plain(code))).collect();
    audit::change(shop, who.act(shop), move |tx, _act| {
        store::lock(tx, &staff)?;
        if store::totp_secret(tx, &staff)?.is_none() {
            return Err(SecondFactorError::NotThere);
        }
        store::replace_recovery_codes(tx, &staff, &hashes)?;
        Ok(((), Change::new("staff.recovery_codes", "staff", &staff)))
    })
    .await?;
    Ok(codes)
}

/// How many recovery codes somebody has left.
pub fn recovery_codes_left(tx: &mut Tx<'_>, staff: &StaffId) -> Result<i64, DbError> {
    store::recovery_codes_left(tx, staff)
}

/// As what a code counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counts {
    /// As the code of a step of the clock, which is used up now.
    Step,
    /// As a recovery code, which is used up now.
    RecoveryCode,
    /// It does not.
    Not,
}

/// Whether a code counts for somebody, and uses it up if it does.
pub(super) fn counts(
    tx: &mut Tx<'_>,
    act: &Act,
    staff: &StaffId,
    typed: &str,
) -> Result<Counts, Internal> {
    let code = plain(typed);
    if code.len() == 6 {
        let Some(secret) = store::totp_secret(tx, staff)? else {
            return Ok(Counts::Not);
        };
        let used = match matching_step(&secret, act.now, &code)? {
            Some(step) => store::use_step(tx, staff, step)?,
            None => false,
        };
        return Ok(if used { Counts::Step } else { Counts::Not });
    }
    let used = store::use_recovery_code(tx, act.now, staff, &hash_text(&code))?;
    Ok(if used {
        Counts::RecoveryCode
    } else {
        Counts::Not
    })
}

/// The step of the clock whose code this is: the one of now, the one before or the one after.
pub(crate) fn matching_step(
    secret: &[u8],
    now: Timestamp,
    code: &str,
) -> Result<Option<i64>, Internal> {
    let seconds = u64::try_from(now.millis().div_euclid(1_000)).unwrap_or(0);
    let step = totp(secret)?.check(&plain(code), seconds);
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

/// Six digits, every 30 seconds, SHA-1: what every app understands.
fn totp(secret: &[u8]) -> Result<Totp, Internal> {
    Builder::new()
        .with_secret(secret.to_vec())
        .with_skew(1)
        .build()
        .map_err(|error| Internal::bug(format!("a stored second factor is unusable: {error}")))
}

/// Codes of 80 random bits in the shape `abcd-efgh-jkmn-pqrs`.
fn fresh_codes(shop: &Shop) -> Vec<String> {
    std::iter::repeat_with(|| {
        let secret = shop.ids.secret();
        let letters: Vec<char> = secret.expose().chars().take(16).collect();
        let groups: Vec<String> = letters
            .chunks(4)
            .map(|group| group.iter().collect())
            .collect();
        groups.join("-")
    })
    .take(RECOVERY_CODES)
    .collect()
}

/// A code without what people type around it, and with the letters that read as digits as those.
pub(crate) fn plain(code: &str) -> String {
    code.chars()
        .flat_map(char::to_lowercase)
        .filter(|c| c.is_alphanumeric())
        .map(|c| match c {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        })
        .take(64)
        .collect()
}

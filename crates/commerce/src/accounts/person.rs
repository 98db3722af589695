//! What an account asks of somebody: a name, an address, a password.

use kernel::text::one_line;
use kernel::{Email, TextError};

use super::password::{Password, PasswordError};
use super::sign_in::hashed;
use crate::error::Internal;
use crate::shop::Shop;
use crate::staff::door::{Caller, TooBusy};

/// Longest name of a person.
pub(super) const NAME: usize = 80;

/// Why somebody cannot have an account as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PersonError {
    /// The name cannot be used.
    #[error("the name: {0}")]
    BadName(TextError),
    /// The address cannot be used.
    #[error("the e-mail address: {0}")]
    BadEmail(TextError),
    /// The password cannot be chosen.
    #[error("the password: {0}")]
    BadPassword(#[from] PasswordError),
}

/// Name and address as they will be kept.
pub(super) fn checked(name: &str, email: &str) -> Result<(String, Email), PersonError> {
    let name = one_line(name, NAME).map_err(PersonError::BadName)?;
    let email = Email::parse(email).map_err(PersonError::BadEmail)?;
    Ok((name, email))
}

/// What will be kept of the password of somebody with this address, in a shop of this name.
pub(super) async fn kept<E>(
    shop: &Shop,
    (shop_name, email): (&str, &Email),
    password: Password,
) -> Result<String, E>
where
    E: From<PersonError> + From<TooBusy> + From<Internal>,
{
    password
        .check(shop_name, email)
        .map_err(PersonError::BadPassword)?;
    Ok(hashed(shop, Caller::Known, password).await??)
}

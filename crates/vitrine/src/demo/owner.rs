//! The demo shop's owner. She has no password: whoever starts the demo is let in by a link.

use commerce::Shop;
use commerce::accounts::{self, Invite, InviteError, LinkError, Role, invite, sign_in_link};
use commerce::staff::Operator;
use kernel::{Email, Secret};

use crate::Failure;

/// What colleagues call her.
pub(crate) const OWNER_NAME: &str = "Ines Vermeer";
/// What she would sign in with.
const OWNER_EMAIL: &str = "ines@example.com";

/// A link that signs the demo shop's owner in, once. Makes her if nobody owns the shop; nothing if somebody else does.
pub(crate) async fn owner_link(shop: &Shop) -> Result<Option<Secret>, Failure> {
    let operator = Operator::at_the_command_line();
    if shop.db.read(accounts::count).await? == 0 {
        let owner = Invite {
            name: OWNER_NAME.to_owned(),
            email: OWNER_EMAIL.to_owned(),
            role: Role::Owner,
        };
        match invite(shop, operator.may(), owner).await {
            // Another node of the same shop was faster.
            Ok(_) | Err(InviteError::Taken(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let email = Email::parse(OWNER_EMAIL)?;
    match sign_in_link(shop, operator.may(), email).await {
        Ok(token) => Ok(Some(token)),
        Err(LinkError::NotFound) => Ok(None),
        Err(error @ (LinkError::Spent | LinkError::Internal(_))) => Err(error.into()),
    }
}

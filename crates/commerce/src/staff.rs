//! Who may do what. A permission is a value: an operation that needs one cannot be called without it.
//!
//! Deliberately not here yet: accounts, roles and sessions of staff. Whoever can run the binary on the shop's own data
//! already holds everything; that person is the [`Operator`].

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use kernel::TextError;

/// Who did something, as history keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The buyer, through the shop's own pages.
    Shopper,
    /// The shop itself: a job or a consequence.
    System,
    /// A payment gateway, by its code.
    Gateway(String),
    /// A person at the command line.
    Operator,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shopper => f.write_str("shopper"),
            Self::System => f.write_str("system"),
            Self::Gateway(code) => write!(f, "gateway:{code}"),
            Self::Operator => f.write_str("operator"),
        }
    }
}

impl FromStr for Actor {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        match text {
            "shopper" => Ok(Self::Shopper),
            "system" => Ok(Self::System),
            "operator" => Ok(Self::Operator),
            _ => text
                .strip_prefix("gateway:")
                .map(|code| Self::Gateway(code.to_owned()))
                .ok_or(TextError::UnknownWord),
        }
    }
}

kernel::stored_as_text!(Actor);

/// Something that not everybody may do.
pub trait Permission {
    /// The permission's stable name.
    const NAME: &'static str;
}

macro_rules! permissions {
    ($($(#[$meta:meta])* $name:ident = $word:literal;)+) => {
        $($(#[$meta])* #[derive(Debug, Clone, Copy)] pub struct $name; impl Permission for $name { const NAME: &'static str = $word; })+
    };
}

permissions! {
    /// Create and change products, categories, collections and pictures.
    EditProducts = "products.edit";
    /// Change stock figures by hand.
    AdjustStock = "stock.adjust";
    /// Cancel placed orders.
    CancelOrders = "orders.cancel";
    /// Send parts of orders on their way.
    ShipOrders = "orders.ship";
    /// Capture and void payments, and mark transfers as received.
    CapturePayments = "payments.capture";
    /// Give money back.
    RefundPayments = "payments.refund";
    /// Change the shop's settings, taxes and delivery.
    EditSettings = "settings.edit";
}

/// Proof that someone may do `P`, and who that is.
#[derive(Debug, Clone)]
pub struct Authorized<P> {
    actor: Actor,
    permission: PhantomData<P>,
}

impl<P: Permission> Authorized<P> {
    /// Who holds the permission.
    pub fn actor(&self) -> Actor {
        self.actor.clone()
    }

    /// The shop acting on its own account, in jobs and consequences.
    pub(crate) fn system() -> Self {
        Self {
            actor: Actor::System,
            permission: PhantomData,
        }
    }
}

/// The person at the command line, who can read and write the shop's files anyway.
#[derive(Debug, Clone, Copy)]
pub struct Operator(());

impl Operator {
    /// To be called by the binary's own commands, and by tests; never on behalf of a request.
    pub fn at_the_command_line() -> Self {
        Self(())
    }

    /// The operator holds every permission.
    pub fn may<P: Permission>(self) -> Authorized<P> {
        Authorized {
            actor: Actor::Operator,
            permission: PhantomData,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_did_it_reads_back_as_it_was_written() {
        for actor in [
            Actor::Shopper,
            Actor::System,
            Actor::Operator,
            Actor::Gateway("test".to_owned()),
        ] {
            assert_eq!(actor.to_string().parse::<Actor>(), Ok(actor));
        }
    }
}

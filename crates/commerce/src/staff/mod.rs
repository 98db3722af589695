//! Who may do what. A permission is a value: an operation that needs one cannot be called without it.
//!
//! There are three ways to a proof: a member of staff who is signed in and whose [`Role`] holds the permission, the
//! [`Operator`], who can run the binary on the shop's own data and so holds everything anyway, and the shop itself in its
//! jobs. Accounts, passwords and sessions are in `accounts`.

pub mod door;
mod role;

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use kernel::{Code, Coded, StaffId, TextError};

pub use door::Door;
pub use role::Role;

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
    /// A member of staff.
    Staff(StaffId),
}

impl Actor {
    /// The member of staff, if it was one.
    pub fn member(&self) -> Option<&StaffId> {
        match self {
            Self::Staff(id) => Some(id),
            Self::Shopper | Self::System | Self::Gateway(_) | Self::Operator => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shopper => f.write_str("shopper"),
            Self::System => f.write_str("system"),
            Self::Gateway(code) => write!(f, "gateway:{code}"),
            Self::Operator => f.write_str("operator"),
            Self::Staff(id) => write!(f, "staff:{id}"),
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
            _ => match text.split_once(':') {
                Some(("gateway", code)) => Ok(Self::Gateway(code.to_owned())),
                Some(("staff", id)) => Ok(Self::Staff(id.parse()?)),
                _ => Err(TextError::UnknownWord),
            },
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

        /// The name of every permission there is.
        pub const PERMISSIONS: &[&str] = &[$($word),+];
    };
}

permissions! {
    /// See what the shop earned.
    ViewFigures = "figures.view";
    /// Read orders, with the names and addresses in them.
    ViewOrders = "orders.view";
    /// Write notes on orders.
    NoteOrders = "orders.note";
    /// Pack parts of orders and send them on their way.
    ShipOrders = "orders.ship";
    /// Cancel placed orders.
    CancelOrders = "orders.cancel";
    /// Capture and void payments, and mark transfers as received.
    CapturePayments = "payments.capture";
    /// Give money back.
    RefundPayments = "payments.refund";
    /// Read products that are not on sale, too.
    ViewProducts = "products.view";
    /// Create and change products, categories, collections and pictures.
    EditProducts = "products.edit";
    /// Read stock figures and the movements behind them.
    ViewStock = "stock.view";
    /// Change stock figures by hand.
    AdjustStock = "stock.adjust";
    /// Read customers: their addresses and all they bought.
    ViewCustomers = "customers.view";
    /// Read the mails of the outbox.
    ViewMails = "mails.view";
    /// Send mails again.
    SendMails = "mails.send";
    /// Read the shop's settings, taxes and delivery.
    ViewSettings = "settings.view";
    /// Change the shop's settings, taxes and delivery.
    EditSettings = "settings.edit";
    /// Let colleagues in, give them roles and shut them out.
    ManageStaff = "staff.manage";
    /// Read who changed what.
    ViewAudit = "audit.view";
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
        Self::of(Actor::System)
    }

    /// For somebody of whom it was found out that they may.
    fn of(actor: Actor) -> Self {
        Self {
            actor,
            permission: PhantomData,
        }
    }
}

/// A member of staff, as far as permissions go: who, and in which role. Made by `accounts` from a session that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Badge {
    id: StaffId,
    role: Role,
}

impl Badge {
    /// For `accounts`, which has just looked the account up.
    pub(crate) fn new(id: StaffId, role: Role) -> Self {
        Self { id, role }
    }

    /// The proof that they may do `P`, if they may.
    pub fn may<P: Permission>(&self) -> Result<Authorized<P>, Denied> {
        if self.role.holds(P::NAME) {
            Ok(Authorized::of(Actor::Staff(self.id.clone())))
        } else {
            Err(Denied {
                permission: P::NAME,
                role: self.role,
            })
        }
    }

    /// Who it is.
    pub fn id(&self) -> &StaffId {
        &self.id
    }

    /// In which role.
    pub fn role(&self) -> Role {
        self.role
    }
}

/// Somebody's role does not hold what they asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the role {role} does not hold {permission}; an owner can give you one that does")]
pub struct Denied {
    /// What it takes.
    pub permission: &'static str,
    /// What they are.
    pub role: Role,
}

impl Coded for Denied {
    fn code(&self) -> Code {
        Code::Forbidden
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
        Authorized::of(Actor::Operator)
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
            Actor::Staff(StaffId::new(&kernel::RandomIds)),
        ] {
            assert_eq!(actor.to_string().parse::<Actor>(), Ok(actor));
        }
    }
}

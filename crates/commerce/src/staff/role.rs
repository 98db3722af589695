//! The roles of staff, each a list of permissions. A permission that no line names is held by owners alone.

use super::{
    AdjustStock, CancelOrders, CapturePayments, EditProducts, EditSettings, NoteOrders,
    PERMISSIONS, Permission, RefundPayments, SendMails, ShipOrders, ViewAudit, ViewCustomers,
    ViewFigures, ViewMails, ViewOrders, ViewProducts, ViewSettings, ViewStock,
};

kernel::words! {
    /// What a member of staff is in the shop.
    pub enum Role {
        /// Holds everything, and alone decides who works here.
        Owner = "owner",
        /// Runs the shop: everything but the staff.
        Manager = "manager",
        /// Packs and ships, and keeps the stock right.
        Fulfilment = "fulfilment",
        /// Keeps products, pictures and prices.
        Catalogue = "catalogue",
        /// Helps buyers: reads orders, cancels, refunds, sends mails again.
        Support = "support",
        /// Reads figures, orders and products; changes nothing.
        Viewer = "viewer",
    }
}

impl Role {
    /// Whether the role holds the permission of this name.
    pub fn holds(self, permission: &str) -> bool {
        self.permissions().any(|held| held == permission)
    }

    /// The names of all permissions the role holds.
    pub fn permissions(self) -> impl Iterator<Item = &'static str> {
        let held: &[&str] = match self {
            Self::Owner => PERMISSIONS,
            Self::Manager => MANAGER,
            Self::Fulfilment => FULFILMENT,
            Self::Catalogue => CATALOGUE,
            Self::Support => SUPPORT,
            Self::Viewer => VIEWER,
        };
        held.iter().copied()
    }
}

const MANAGER: &[&str] = &[
    ViewFigures::NAME,
    ViewOrders::NAME,
    NoteOrders::NAME,
    ShipOrders::NAME,
    CancelOrders::NAME,
    CapturePayments::NAME,
    RefundPayments::NAME,
    ViewProducts::NAME,
    EditProducts::NAME,
    ViewStock::NAME,
    AdjustStock::NAME,
    ViewCustomers::NAME,
    ViewMails::NAME,
    SendMails::NAME,
    ViewSettings::NAME,
    EditSettings::NAME,
    ViewAudit::NAME,
];

const FULFILMENT: &[&str] = &[
    ViewOrders::NAME,
    NoteOrders::NAME,
    ShipOrders::NAME,
    ViewProducts::NAME,
    ViewStock::NAME,
    AdjustStock::NAME,
];

const CATALOGUE: &[&str] = &[
    ViewProducts::NAME,
    EditProducts::NAME,
    ViewStock::NAME,
    AdjustStock::NAME,
];

const SUPPORT: &[&str] = &[
    ViewOrders::NAME,
    NoteOrders::NAME,
    CancelOrders::NAME,
    CapturePayments::NAME,
    RefundPayments::NAME,
    ViewProducts::NAME,
    ViewStock::NAME,
    ViewCustomers::NAME,
    ViewMails::NAME,
    SendMails::NAME,
];

const VIEWER: &[&str] = &[
    ViewFigures::NAME,
    ViewOrders::NAME,
    ViewProducts::NAME,
    ViewStock::NAME,
];

#[cfg(test)]
mod tests {
    use super::super::ManageStaff;
    use super::*;

    #[test]
    fn only_owners_decide_who_works_here() {
        for role in Role::ALL {
            assert_eq!(
                role.holds(ManageStaff::NAME),
                *role == Role::Owner,
                "{role}"
            );
        }
    }

    #[test]
    fn no_role_holds_a_permission_that_does_not_exist() {
        for role in Role::ALL {
            for held in role.permissions() {
                assert!(PERMISSIONS.contains(&held), "{role} holds {held}");
            }
        }
        assert!(!Role::Owner.holds("everything"));
    }
}

//! Pages and settings, found by words people may use for them: who types "vat" finds the taxes.

use commerce::staff::{
    EditProducts, ManageStaff, Permission, ViewAudit, ViewCustomers, ViewMails, ViewOrders,
    ViewProducts, ViewSettings, ViewStock,
};
use templates::Say;

use super::ItemView;
use crate::desk::Staffer;

/// A place: `jump.place.KEY.title` and `jump.place.KEY.words` in the locale.
#[derive(Clone, Copy)]
struct Place {
    key: &'static str,
    url: &'static str,
    icon: &'static str,
    needs: Option<&'static str>,
    /// Whether it is offered before anything is typed.
    first: bool,
}

const fn place(
    key: &'static str,
    url: &'static str,
    icon: &'static str,
    needs: Option<&'static str>,
) -> Place {
    Place {
        key,
        url,
        icon,
        needs,
        first: false,
    }
}

const fn first(place: Place) -> Place {
    Place {
        first: true,
        ..place
    }
}

const PLACES: &[Place] = &[
    first(place("home", "/admin", "house", None)),
    first(place(
        "orders",
        "/admin/orders",
        "shopping-bag",
        Some(ViewOrders::NAME),
    )),
    place(
        "to_pack",
        "/admin/orders?view=to_pack",
        "package",
        Some(ViewOrders::NAME),
    ),
    first(place(
        "products",
        "/admin/products",
        "tag",
        Some(ViewProducts::NAME),
    )),
    first(place(
        "add_product",
        "/admin/products/new",
        "plus",
        Some(EditProducts::NAME),
    )),
    place(
        "categories",
        "/admin/categories",
        "tag",
        Some(ViewProducts::NAME),
    ),
    place(
        "collections",
        "/admin/collections",
        "boxes",
        Some(ViewProducts::NAME),
    ),
    first(place(
        "inventory",
        "/admin/inventory",
        "warehouse",
        Some(ViewStock::NAME),
    )),
    first(place(
        "customers",
        "/admin/customers",
        "users",
        Some(ViewCustomers::NAME),
    )),
    place("mails", "/admin/mails", "mail", Some(ViewMails::NAME)),
    first(place(
        "settings",
        "/admin/settings",
        "settings",
        Some(ViewSettings::NAME),
    )),
    place(
        "shop",
        "/admin/settings/shop",
        "store",
        Some(ViewSettings::NAME),
    ),
    place(
        "taxes",
        "/admin/settings/taxes",
        "percent",
        Some(ViewSettings::NAME),
    ),
    place(
        "delivery",
        "/admin/settings/delivery",
        "truck",
        Some(ViewSettings::NAME),
    ),
    place(
        "payments",
        "/admin/settings/payments",
        "credit-card",
        Some(ViewSettings::NAME),
    ),
    place("staff", "/admin/staff", "shield", Some(ManageStaff::NAME)),
    place(
        "activity",
        "/admin/activity",
        "history",
        Some(ViewAudit::NAME),
    ),
    place("account", "/admin/account", "user", None),
];

/// The places that every word typed is the beginning of a word of; without a search, the main ones.
pub(super) fn matching(query: &str, staff: &Staffer, say: &Say) -> Vec<ItemView> {
    let typed: Vec<String> = words(query).collect();
    PLACES
        .iter()
        .filter(|place| place.needs.is_none_or(|needs| staff.holds(needs)))
        .filter_map(|place| {
            let title = say.text(&format!("jump.place.{}.title", place.key));
            let also = say.text(&format!("jump.place.{}.words", place.key));
            let fits = if typed.is_empty() {
                place.first
            } else {
                fits(&typed, &format!("{title} {also}"))
            };
            fits.then(|| ItemView {
                url: place.url.to_owned(),
                icon: place.icon,
                title,
                note: String::new(),
            })
        })
        .collect()
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

fn fits(typed: &[String], text: &str) -> bool {
    let known: Vec<String> = words(text).collect();
    let begins = |typed: &String| known.iter().any(|word| word.starts_with(typed.as_str()));
    typed.iter().all(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_found_by_the_beginnings_of_words_people_use_for_it() {
        let found = |query: &str| {
            let typed: Vec<String> = words(query).collect();
            fits(&typed, "Taxes VAT, sales tax, rates")
        };
        assert!(found("vat") && found("TAX rat") && found("sales-tax"));
        assert!(!found("vats") && !found("tax delivery"));
    }
}

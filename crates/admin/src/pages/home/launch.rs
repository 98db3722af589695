//! What is missing before the shop can sell, found out from what is there.

use commerce::catalog::desk::{ProductFilter, ProductSort, ProductView, list_products};
use commerce::settings::{Settings, ShopSettings};
use commerce::{Internal, Shop, checkout, delivery};
use db::Tx;
use kernel::PageRequest;
use serde::Serialize;

/// A step on the way to the first sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepView {
    /// `home.launch.KEY` is what is to be done.
    pub key: &'static str,
    /// Where it is done.
    pub url: &'static str,
    /// Whether it is.
    pub done: bool,
}

/// All steps. Two statements.
pub(super) fn steps(
    tx: &mut Tx<'_>,
    shop: &Shop,
    settings: &Settings,
    has_second_factor: bool,
) -> Result<Vec<StepView>, Internal> {
    let on_sale = list_products(
        tx,
        &ProductFilter {
            view: ProductView::Active,
            search: None,
            category: None,
            sort: ProductSort::Changed,
            page: PageRequest::new(1, 1),
            low_stock_at: settings.selling.low_stock_at,
        },
    )?;
    let ways = delivery::methods_for(tx, settings.selling.country)?;
    let offered = checkout::payment_methods(settings, &shop.gateways);
    let live = offered
        .iter()
        .filter_map(|code| shop.gateways.find(code))
        .any(|gateway| gateway.is_live());
    let step = |key, url, done| StepView { key, url, done };
    Ok(vec![
        step(
            "name",
            "/admin/settings/shop",
            settings.shop.name != ShopSettings::default().name,
        ),
        step("product", "/admin/products/new", !on_sale.items.is_empty()),
        step("delivery", "/admin/settings/delivery", !ways.is_empty()),
        step("payment", "/admin/settings/payments", live),
        step("mail", "/admin/settings/mail", shop.mailer.is_configured()),
        step("second_factor", "/admin/account", has_second_factor),
    ])
}

pub(super) fn samples() -> Vec<StepView> {
    let keys = [
        "name",
        "product",
        "delivery",
        "payment",
        "mail",
        "second_factor",
    ];
    let steps = keys.into_iter().zip(0..).map(|(key, place)| StepView {
        key,
        url: "/admin/settings",
        done: place < 2,
    });
    steps.collect()
}

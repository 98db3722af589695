//! Fields that no form has: somebody adds them who wants to pay less, be more, or be somebody else.

use crate::browser::Browser;

use super::crawl::{Found, Full, forms, kind, pages};

/// Names that columns, and the forms of other shops, have.
const NAMES: &[&str] = &[
    "price",
    "unit_price",
    "price_minor",
    "compare_at_minor",
    "total",
    "total_minor",
    "subtotal",
    "tax",
    "tax_minor",
    "tax_class",
    "discount",
    "currency",
    "currency_rate",
    "shipping",
    "delivery",
    "delivery_minor",
    "amount",
    "amount_minor",
    "captured_minor",
    "refunded_minor",
    "balance",
    "gift_card",
    "coupon",
    "customer_group",
    "customer_id",
    "user_id",
    "owner",
    "owner_id",
    "role",
    "roles",
    "permissions",
    "is_staff",
    "is_admin",
    "admin",
    "verified",
    "email_verified",
    "status",
    "state",
    "standing",
    "paid",
    "payment_status",
    "placed_at",
    "created_at",
    "updated_at",
    "deleted_at",
    "id",
    "uuid",
    "order_id",
    "order_number",
    "cart_id",
    "token",
    "link_token",
    "token_hash",
    "password_hash",
    "on_hand",
    "reserved",
    "allocated",
    "__proto__",
    "constructor",
    "_method",
];

/// Forms without a struct of their own: they have a field for each line, variant, country, or none at all. They are read by
/// name, and whatever else is sent is left lying. Every other form refuses it.
const READ_BY_NAME: &[&str] = &[
    "/admin/orders/packed?",
    "/admin/orders/{}/ship?",
    "/admin/products/status?",
    "/admin/products/{}?",
    "/admin/products/{}/duplicate?",
    "/admin/categories/{}?",
    "/admin/categories/{}/delete?",
    "/admin/collections/{}?",
    "/admin/collections/{}/delete?",
    "/admin/mails/{}/send?",
    "/admin/settings/payments?",
    "/admin/settings/mail/test?",
    "/admin/settings/delivery/zones/{}?",
    "/admin/staff/{}/link?",
];

/// What nobody may set from outside, in one text for each row that was there.
async fn untouchable(full: &Full) -> Vec<String> {
    let mut all = Vec::new();
    for sql in [
        "SELECT id || ' ' || email || ' ' || role FROM staff ORDER BY id LIMIT 100",
        "SELECT id || ' ' || email FROM customers ORDER BY id LIMIT 100",
        "SELECT id || ' ' || sku || ' ' || CAST(price_minor AS TEXT) FROM variants ORDER BY id LIMIT 100",
        "SELECT id || ' ' || CAST(captured_minor + refunded_minor AS TEXT) FROM payments ORDER BY id LIMIT 100",
        "SELECT id || ' ' || currency || ' ' || CAST(total_minor AS TEXT) || ' ' || link_token FROM orders ORDER BY id LIMIT 100",
        "SELECT id || ' ' || sku || ' ' || CAST(quantity AS TEXT) FROM order_lines ORDER BY id LIMIT 100",
    ] {
        let rows: Vec<(String,)> = full.app.test.rows(sql).await;
        assert!(!rows.is_empty(), "{sql}");
        all.extend(rows.into_iter().map(|(row,)| row));
    }
    all
}

/// Says what a form did that somebody added fields to, unless it was refused.
async fn try_on(browser: &mut Browser, found: &Found) -> Option<String> {
    let mut form = found.again(browser).await?;
    let known: Vec<String> = form.fields.iter().map(|(name, _)| name.clone()).collect();
    for name in NAMES
        .iter()
        .filter(|name| !known.iter().any(|known| known == *name))
    {
        form = form.with(name, "1");
    }
    let answer = browser.submit(&form).await;
    let refused = (400..500).contains(&answer.status);
    (!refused).then(|| kind(&form.action))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_a_form_does_not_have_sets_nothing() {
    let mut full = Full::shop().await;
    let (shop, office) = full.beginnings();
    let in_shop = forms(&pages(&mut full.shopper, &shop).await);
    let in_office = forms(&pages(&mut full.owner, &office).await);
    let counts = (in_shop.len(), in_office.len());
    assert!(counts.0 > 5 && counts.1 > 35, "forms found: {counts:?}");
    let before = full.app.everything().await;
    for found in &in_shop {
        let taken = try_on(&mut full.shopper, found).await;
        assert_eq!(taken, None, "a form of the shop took them");
    }
    full.app.assert_unchanged_since(&before).await;

    let untouched = untouchable(&full).await;
    let mut taken = Vec::new();
    // Going away is the one thing that may be done whatever is sent along: these forms have no field at all.
    let ways_out = ["/admin/sign-out", "/admin/account/sessions/end-all"];
    let stays = |found: &&Found| !ways_out.contains(&found.form.action.as_str());
    for found in in_office.iter().filter(stays) {
        taken.extend(try_on(&mut full.owner, found).await);
    }
    taken.retain(|form| !READ_BY_NAME.contains(&form.as_str()));
    assert!(taken.is_empty(), "these forms took them: {taken:#?}");
    let after = untouchable(&full).await;
    for row in untouched {
        assert!(after.contains(&row), "{row} is not there any more");
    }
    let account = full.owner.get("/admin/account").await;
    account.says(200, &["Ines Vermeer"]);
}

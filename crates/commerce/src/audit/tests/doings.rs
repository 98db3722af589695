//! Everything a person can do in the shop leaves one row that says what changed, and done again leaves none.

use std::io::Cursor;

use bytes::Bytes;
use kernel::{Country, Currency, ProductId, Rate, Slug};
use pricing::{DeliveryKind, DeliveryRule};
use serde_json::{Value as Json, json};

use crate::accounts::{self, Invite, Role, SignedIn};
use crate::audit::{Entry, Filter, list};
use crate::catalog::edit::{SaveProduct, Target};
use crate::catalog::{self, ProductStatus, SaveCategory, SaveCollection};
use crate::delivery::{CreateMethod, CreateZone, create_method, create_zone};
use crate::inventory::{AdjustStock, MovementKind, adjust_stock, create_location};
use crate::media;
use crate::notifications::{list_mails, resend_mail};
use crate::on_both;
use crate::orders::{
    CancelOrder, CapturePayment, MoneyMoved, ReceiveTransfer, RefundLine, RefundOrder, ReturnMoney,
    ShipOrder, cancel_order, capture_payment, receive_transfer, refund_order, return_money,
    ship_order,
};
use crate::settings::{self, CapturePolicy};
use crate::staff::Actor;
use crate::tax::{SetTaxRate, set_rate};
use crate::testing::{Answering, TestShop, euros, pieces};

/// The trail as it grows.
struct Trail<'a> {
    shop: &'a TestShop,
    who: Actor,
    seen: i64,
}

impl Trail<'_> {
    /// What was done since last asked.
    async fn new_rows(&mut self) -> Vec<Entry> {
        let mut rows = self
            .shop
            .read(|tx| Ok(list(tx, &Filter::default(), 200)?))
            .await;
        rows.retain(|row| row.sequence > self.seen);
        self.seen = rows.first().map_or(self.seen, |row| row.sequence);
        rows
    }

    /// One thing was done, this one; answers with what it was and is.
    async fn says(&mut self, action: &str) -> (Json, Json) {
        let rows = self.new_rows().await;
        let actions: Vec<&str> = rows.iter().map(|row| row.action.as_str()).collect();
        assert_eq!(actions, [action]);
        let row = rows.into_iter().next().unwrap();
        assert_eq!(row.actor, self.who);
        (
            row.before.unwrap_or_default(),
            row.after.unwrap_or_default(),
        )
    }

    /// Nothing was done.
    async fn is_silent(&mut self) {
        let rows = self.new_rows().await;
        assert_eq!(rows, [], "the same again is nothing new");
    }
}

async fn begin(shop: &TestShop) -> (SignedIn, Trail<'_>) {
    let (who, _) = shop.hire("ines@example.com", Role::Owner).await;
    let mut trail = Trail {
        shop,
        who: Actor::Staff(who.member().id.clone()),
        seen: 0,
    };
    trail.new_rows().await;
    (who, trail)
}

/// A product of which there is one form, as its editor sends it.
async fn product(shop: &TestShop, title: &str) -> SaveProduct {
    let variant = shop.product(title, euros(2_000), 10).await;
    let slug = Slug::from_title(title);
    let wanted = slug.clone();
    let opened = catalog::open_product(&shop.shop, crate::testing::operator().may(), wanted);
    let opened = opened.await.unwrap().unwrap();
    let shown = opened.variants.into_iter().next().unwrap();
    assert_eq!(shown.id, variant);
    SaveProduct {
        target: Target::Existing {
            id: opened.product.id,
            version: opened.product.version,
        },
        slug,
        title: title.to_owned(),
        summary: String::new(),
        description: String::new(),
        facts: Vec::new(),
        tax_class: catalog::TaxClass::Standard,
        currency: Currency::EUR,
        options: Vec::new(),
        variants: vec![catalog::edit::SaveVariant {
            id: Some(shown.id),
            values: Vec::new(),
            sku: shown.sku,
            barcode: None,
            price: euros(2_500),
            compare_at: None,
            weight_grams: 500,
            content: None,
            stock_tracked: true,
        }],
        pictures: Vec::new(),
    }
}

fn id_of(product: &SaveProduct) -> ProductId {
    match &product.target {
        Target::Existing { id, .. } => id.clone(),
        Target::New => unreachable!("it is known"),
    }
}

/// A picture of one colour, as a file.
fn picture() -> Bytes {
    let mut bytes = Cursor::new(Vec::new());
    let red = image::RgbImage::from_pixel(64, 48, image::Rgb([200, 20, 20]));
    red.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner().into()
}

fn category(slug: &str) -> SaveCategory {
    SaveCategory {
        id: None,
        slug: Slug::parse(slug).unwrap(),
        title: "Bowls".to_owned(),
        intro: String::new(),
        parent: None,
        position: 0,
    }
}

on_both! {
    async fn what_is_done_to_the_catalogue_is_in_the_trail(shop: &TestShop) {
        let command = product(shop, "Tarn vase").await;
        let (ines, mut trail) = begin(shop).await;
        let id = id_of(&command);
        let saved = catalog::save_product(&shop.shop, ines.may().unwrap(), command).await.unwrap();
        let price = |cents: i64| json!({ "barcode": null, "compare_at": null, "content": null, "price": euros(cents), "stock_tracked": true, "title": "", "weight_grams": 500 });
        let (before, after) = trail.says("product.save").await;
        assert_eq!(before["variant TARN-VASE"]["price"], price(2_000)["price"]);
        assert_eq!(after["variant TARN-VASE"]["price"], price(2_500)["price"]);
        assert_eq!(after.as_object().unwrap().len(), 1, "only what changed: {after}");
        catalog::set_status(&shop.shop, ines.may().unwrap(), id.clone(), saved.version, ProductStatus::Archived).await.unwrap();
        assert_eq!(trail.says("product.set_status").await, (json!({ "status": "active" }), json!({ "status": "archived" })));
        let stale = catalog::set_status(&shop.shop, ines.may().unwrap(), id.clone(), saved.version, ProductStatus::Draft).await;
        assert!(stale.is_err());
        trail.is_silent().await;

        let bowls = catalog::save_category(&shop.shop, ines.may().unwrap(), category("bowls")).await.unwrap();
        assert_eq!(trail.says("category.save").await.1["title"], "Bowls");
        let renamed = SaveCategory { id: Some(bowls.clone()), title: "All bowls".to_owned(), ..category("bowls") };
        catalog::save_category(&shop.shop, ines.may().unwrap(), renamed).await.unwrap();
        assert_eq!(trail.says("category.save").await, (json!({ "title": "Bowls" }), json!({ "title": "All bowls" })));
        catalog::place_products(&shop.shop, ines.may().unwrap(), bowls.clone(), vec![id.clone()]).await.unwrap();
        assert_eq!(trail.says("category.place_products").await, (json!({ "products": [] }), json!({ "products": [id] })));
        catalog::delete_category(&shop.shop, ines.may().unwrap(), bowls).await.unwrap();
        assert_eq!(trail.says("category.delete").await.0["title"], "All bowls");
        let new = SaveCollection { id: None, slug: Slug::parse("new").unwrap(), title: "New".to_owned(), intro: String::new(), position: 0, products: vec![id.clone()] };
        let collection = catalog::save_collection(&shop.shop, ines.may().unwrap(), new.clone()).await.unwrap();
        assert_eq!(trail.says("collection.save").await.1["products"], json!([id]));
        catalog::save_collection(&shop.shop, ines.may().unwrap(), SaveCollection { id: Some(collection.clone()), products: Vec::new(), ..new }).await.unwrap();
        assert_eq!(trail.says("collection.save").await, (json!({ "products": [id] }), json!({ "products": [] })));
        catalog::delete_collection(&shop.shop, ines.may().unwrap(), collection).await.unwrap();
        trail.says("collection.delete").await;

        media::upload(&shop.shop, ines.may().unwrap(), picture()).await.unwrap();
        assert_eq!(trail.says("media.upload").await.1["width"], 64);
        media::upload(&shop.shop, ines.may().unwrap(), picture()).await.unwrap();
        trail.is_silent().await;
        shop.assert_clean().await;
    }

    async fn what_is_done_to_stock_and_settings_is_in_the_trail(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(2_000), 10).await;
        let (ines, mut trail) = begin(shop).await;
        let adjust = |change| AdjustStock { variant_id: vase.clone(), location_id: shop.location.clone(), kind: MovementKind::Adjusted, change, reason: "fell".to_owned() };
        adjust_stock(&shop.shop, ines.may().unwrap(), adjust(-2)).await.unwrap();
        let (before, after) = trail.says("stock.adjust").await;
        assert_eq!((&before["on_hand"], &after["on_hand"], &after["reason"]), (&json!(10), &json!(8), &json!("fell")));
        assert!(adjust_stock(&shop.shop, ines.may().unwrap(), adjust(-20)).await.is_err());
        trail.is_silent().await;
        create_location(&shop.shop, ines.may().unwrap(), "Attic").await.unwrap();
        trail.says("location.create").await;

        let mut wanted = shop.read(|tx| Ok(settings::load(tx)?)).await;
        wanted.selling.unpaid_days = 3;
        settings::save(&shop.shop, ines.may().unwrap(), wanted).await.unwrap();
        assert_eq!(trail.says("settings.save").await, (json!({ "selling.unpaid_days": 14 }), json!({ "selling.unpaid_days": 3 })));
        let rate = |bps| SetTaxRate { country: Country::parse("NL").unwrap(), class: pricing::TaxClass::new("standard"), name: "VAT".to_owned(), rate: Rate::basis_points(bps) };
        set_rate(&shop.shop, ines.may().unwrap(), rate(2_200)).await.unwrap();
        let (before, after) = trail.says("tax.set_rate").await;
        assert_eq!((&before["rate_bps"], &after["rate_bps"]), (&json!(2_100), &json!(2_200)));
        let zone = CreateZone { name: "North".to_owned(), countries: vec![Country::parse("DK").unwrap()] };
        let zone = create_zone(&shop.shop, ines.may().unwrap(), zone).await.unwrap();
        trail.says("delivery.create_zone").await;
        let way = CreateMethod { zone_id: Some(zone), location_id: None, name: "Ship".to_owned(), description: String::new(), rule: DeliveryRule { kind: DeliveryKind::Flat { price: euros(900) }, free_over: None }, days: (2, 4) };
        create_method(&shop.shop, ines.may().unwrap(), way).await.unwrap();
        trail.says("delivery.create_method").await;
        shop.assert_clean().await;
    }

    async fn what_is_done_to_an_order_is_in_the_trail_and_done_again_is_not(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(2_000), 10).await;
        let order = shop.ordered(&[(&vase, 3)]).await.id;
        shop.run_jobs().await;
        let (ines, mut trail) = begin(shop).await;
        let line = shop.lines(&order).await[0].id.clone();
        let ship = || ShipOrder { request_key: "one".to_owned(), order_id: order.clone(), lines: vec![(line.clone(), pieces(1))], carrier: None, tracking_number: Some("3S1".to_owned()), tracking_url: None };
        ship_order(&shop.shop, ines.may().unwrap(), ship()).await.unwrap();
        assert_eq!(trail.says("order.ship").await.1["pieces"], 1);
        ship_order(&shop.shop, ines.may().unwrap(), ship()).await.unwrap();
        trail.is_silent().await;
        let refund = || RefundOrder { request_key: "back".to_owned(), order_id: order.clone(), lines: vec![RefundLine { line_id: line.clone(), quantity: pieces(1), restock: false }], delivery: None, reason: "chipped".to_owned() };
        refund_order(&shop.shop, ines.may().unwrap(), refund()).await.unwrap();
        assert_eq!(trail.says("order.refund").await.1["reason"], "chipped");
        refund_order(&shop.shop, ines.may().unwrap(), refund()).await.unwrap();
        trail.is_silent().await;
        shop.run_jobs().await;
        let page = kernel::PageRequest::new(1, 1);
        let mail = shop.read(move |tx| Ok(list_mails(tx, page)?)).await.items[0].id.clone();
        assert!(resend_mail(&shop.shop, ines.may().unwrap(), &mail).await.unwrap());
        trail.says("mail.resend").await;
        let nothing = kernel::MailId::new(&kernel::RandomIds);
        assert!(!resend_mail(&shop.shop, ines.may().unwrap(), &nothing).await.unwrap());
        let off = shop.ordered(&[(&vase, 1)]).await.id;
        let cancel = || CancelOrder { order_id: off.clone(), reason: "changed their mind".to_owned(), money: ReturnMoney::Yes };
        cancel_order(&shop.shop, ines.may().unwrap(), cancel()).await.unwrap();
        assert_eq!(trail.says("order.cancel").await.1["money_goes_back"], true);
        cancel_order(&shop.shop, ines.may().unwrap(), cancel()).await.unwrap();
        trail.is_silent().await;
        shop.run_jobs().await;
        trail.is_silent().await;
        shop.assert_clean().await;
    }

    async fn what_is_done_to_money_is_in_the_trail_and_done_again_is_not(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(2_000), 10).await;
        shop.set(|settings| settings.selling.capture = CapturePolicy::ByHand).await;
        let held = shop.ordered(&[(&vase, 1)]).await.id;
        let returned = shop.ordered(&[(&vase, 1)]).await.id;
        shop.run_jobs().await;
        let (ines, mut trail) = begin(shop).await;
        let payment = shop.payments(&held).await[0].id.clone();
        let capture = || CapturePayment { payment_id: payment.clone(), amount: None, request_key: "hers".to_owned() };
        capture_payment(&shop.shop, ines.may().unwrap(), capture()).await.unwrap();
        assert_eq!(trail.says("payment.capture").await.1["payment"], json!(payment));
        capture_payment(&shop.shop, ines.may().unwrap(), capture()).await.unwrap();
        trail.is_silent().await;
        assert!(return_money(&shop.shop, ines.may().unwrap(), (returned.clone(), None)).await.unwrap());
        trail.says("payment.return").await;
        assert!(return_money(&shop.shop, ines.may().unwrap(), (returned, None)).await.unwrap());
        trail.is_silent().await;
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        shop.place_by(&shopper, "bank_transfer").await.unwrap();
        let orders: Vec<(kernel::OrderId,)> = shop.rows("SELECT id FROM orders WHERE number = 1003").await;
        let receive = || ReceiveTransfer { order_id: orders[0].0.clone(), amount: euros(2_490), request_key: "bank 1".to_owned() };
        receive_transfer(&shop.shop, ines.may().unwrap(), receive()).await.unwrap();
        trail.says("payment.receive_transfer").await;
        receive_transfer(&shop.shop, ines.may().unwrap(), receive()).await.unwrap();
        trail.is_silent().await;
        shop.run_jobs().await;
        shop.assert_clean().await;
    }

    async fn an_answer_that_comes_late_is_told_of_whoever_asked_first(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(2_000), 10).await;
        let order = shop.ordered(&[(&vase, 2)]).await.id;
        shop.run_jobs().await;
        let (ines, mut trail) = begin(shop).await;
        let (eva, _) = shop.hire("eva@example.com", Role::Support).await;
        trail.new_rows().await;
        let cmd = shop.refund_of(&order, (&[(0, 1)], false), None, "back").await;
        shop.gateway.answers(Answering::Silent);
        let (id, moved) = refund_order(&shop.shop, ines.may().unwrap(), cmd.clone()).await.unwrap();
        assert_eq!(moved, MoneyMoved::Pending);
        trail.says("order.refund").await;
        // A colleague asks for the same while nobody knows, and the gateway answers then.
        shop.gateway.answers(Answering::Approve);
        let (same, moved) = refund_order(&shop.shop, eva.may().unwrap(), cmd).await.unwrap();
        assert_eq!((same, moved), (id, MoneyMoved::Done));
        trail.is_silent().await;
        let told: Vec<(String,)> = shop.rows("SELECT actor FROM order_timeline WHERE kind = 'refunded'").await;
        assert_eq!(told, [(trail.who.to_string(),)]);
        shop.run_jobs().await;
        shop.assert_clean().await;
    }

    async fn what_is_done_to_colleagues_is_in_the_trail(shop: &TestShop) {
        let (ines, mut trail) = begin(shop).await;
        let cmd = Invite { name: "Joris".to_owned(), email: "joris@example.com".to_owned(), role: Role::Viewer };
        let invited = accounts::invite(&shop.shop, ines.may().unwrap(), cmd).await.unwrap();
        assert_eq!(trail.says("staff.invite").await.1, json!({ "role": "viewer" }));
        accounts::reset_password_link(&shop.shop, ines.may().unwrap(), invited.id.clone()).await.unwrap();
        trail.says("staff.password_link").await;
        let email = kernel::Email::parse("joris@example.com").unwrap();
        accounts::sign_in_link(&shop.shop, ines.may().unwrap(), email).await.unwrap();
        trail.says("staff.sign_in_link").await;
        let version = accounts::change_role(&shop.shop, ines.may().unwrap(), (invited.id.clone(), 1), Role::Support).await.unwrap();
        assert_eq!(trail.says("staff.change_role").await, (json!({ "role": "viewer" }), json!({ "role": "support" })));
        let version = accounts::disable(&shop.shop, ines.may().unwrap(), (invited.id.clone(), version)).await.unwrap();
        trail.says("staff.disable").await;
        accounts::enable(&shop.shop, ines.may().unwrap(), (invited.id, version)).await.unwrap();
        trail.says("staff.enable").await;
        accounts::sign_out(&shop.shop, &ines).await.unwrap();
        trail.says("staff.sign_out").await;
        accounts::sign_out(&shop.shop, &ines).await.unwrap();
        trail.is_silent().await;
        shop.assert_clean().await;
    }
}

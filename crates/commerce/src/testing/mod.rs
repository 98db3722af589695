//! A shop for tests: the real thing on a fresh database, with a clock to move, a gateway to script and a mailbox to read.

mod dice;
mod doings;
mod gateway;
pub mod large;
mod mailbox;
mod people;
pub mod poison;

use std::sync::{Arc, OnceLock};

use db::Db;
use db::testing::TestDatabase;
use jobs::{DeadJob, Drained};
use kernel::address::AddressInput;
use kernel::time::{MINUTE, ManualClock};
use kernel::{
    Country, Currency, DeliveryMethodId, Money, Quantity, RandomIds, Rate, Secret, Sku, Slug,
    VariantId,
};
use object_store::memory::InMemory;
use pricing::{DeliveryKind, DeliveryRule};
use templates::Templates;

pub use dice::Dice;
pub use gateway::{Answering, FakeGateway};
pub use mailbox::Mailbox;

use crate::carts::{self, AddToCart, CheckoutForm};
use crate::catalog::edit::{SaveProduct, SaveVariant, Target};
use crate::catalog::{self, ProductStatus, TaxClass};
use crate::checkout::{PlaceOrder, PlaceOrderError, Placement, place_order};
use crate::delivery::{CreateMethod, CreateZone, create_method, create_zone};
use crate::index::SearchIndex;
use crate::inventory::{self, AdjustStock, MovementKind, adjust_stock, create_location};
use crate::ports::gateway::Gateways;
use crate::schema::{MIGRATIONS, WATCHED};
use crate::settings::{self, BankAccount, Settings};
use crate::shop::{Shop, Shopper};
use crate::staff::{Door, Operator};
use crate::tax::{SetTaxRate, set_rate};

/// A shop in the Netherlands that ships by post for €4.90, free from €60, with 21 % VAT in its prices.
pub struct TestShop {
    /// The shop.
    pub shop: Shop,
    /// Its clock.
    pub clock: ManualClock,
    /// Its one gateway, code `test`.
    pub gateway: FakeGateway,
    /// Where its mail goes.
    pub mailbox: Mailbox,
    /// Its one way to deliver.
    pub post: DeliveryMethodId,
    /// Its one location.
    pub location: kernel::LocationId,
    /// Kept so that the database lives as long as the shop.
    pub database: Option<TestDatabase>,
}

/// The person at the command line.
pub fn operator() -> Operator {
    Operator::at_the_command_line()
}

/// So many cents.
pub fn euros(cents: i64) -> Money {
    Currency::EUR.minor(cents)
}

/// A whole number of pieces.
pub fn pieces(count: u32) -> Quantity {
    Quantity::new(count).expect("tests want 1 to 9999 pieces")
}

impl TestShop {
    /// On a SQLite file of its own.
    pub async fn sqlite() -> Self {
        let database = TestDatabase::sqlite(MIGRATIONS).await;
        Self::on((*database).clone(), Some(database)).await
    }

    /// On a PostgreSQL database of its own; `None`, with a visible line, where there is no server.
    pub async fn postgres() -> Option<Self> {
        let database = TestDatabase::postgres(MIGRATIONS).await?;
        Some(Self::on((*database).clone(), Some(database)).await)
    }

    /// On this empty, migrated database.
    pub async fn on(db: Db, database: Option<TestDatabase>) -> Self {
        db.watch(WATCHED);
        let clock = ManualClock::default();
        let gateway = FakeGateway::default();
        let mailbox = Mailbox::default();
        let shop = Shop {
            db,
            clock: Arc::new(clock.clone()),
            ids: Arc::new(RandomIds),
            media: Arc::new(InMemory::new()),
            search: SearchIndex::in_memory().expect("an index in memory is made"),
            gateways: Gateways::default()
                .with(Arc::new(gateway.clone()))
                .with(Arc::new(gateway::Transfer)),
            mailer: Arc::new(mailbox.clone()),
            door: Door::default(),
            origin: "https://shop.example".into(),
        };
        let (post, location) = furnish(&shop).await;
        Self {
            shop,
            clock,
            gateway,
            mailbox,
            post,
            location,
            database,
        }
    }

    /// The same shop as a second process sees it: its own connections, the same books, the same gateway.
    pub fn second_node(&self, db: Db) -> Shop {
        db.watch(WATCHED);
        Shop {
            db,
            ..self.shop.clone()
        }
    }

    /// Puts a product without options on the shelf.
    pub async fn product(&self, title: &str, price: Money, stock: i64) -> VariantId {
        let slug = Slug::from_title(title);
        let product = SaveProduct {
            target: Target::New,
            slug: slug.clone(),
            title: title.to_owned(),
            summary: String::new(),
            description: String::new(),
            facts: Vec::new(),
            tax_class: TaxClass::Standard,
            currency: price.currency(),
            options: Vec::new(),
            variants: vec![SaveVariant {
                id: None,
                values: Vec::new(),
                sku: Sku::parse(&slug.as_str().to_uppercase()).expect("a slug is a fine number"),
                barcode: None,
                price,
                compare_at: None,
                weight_grams: 500,
                content: None,
                stock_tracked: true,
            }],
            pictures: Vec::new(),
        };
        let saved = catalog::save_product(&self.shop, operator().may(), product)
            .await
            .expect("the product is fine");
        catalog::set_status(
            &self.shop,
            operator().may(),
            saved.id,
            saved.version,
            ProductStatus::Active,
        )
        .await
        .expect("it can be put on the shelf");
        let variant_id = saved.variants.into_iter().next().expect("it has a variant");
        if stock > 0 {
            self.receive(&variant_id, stock).await;
        }
        variant_id
    }

    /// Goods come in.
    pub async fn receive(&self, variant_id: &VariantId, count: i64) {
        let cmd = AdjustStock {
            variant_id: variant_id.clone(),
            location_id: self.location.clone(),
            kind: MovementKind::Received,
            change: count,
            reason: "opening stock".to_owned(),
        };
        adjust_stock(&self.shop, operator().may(), cmd)
            .await
            .expect("stock comes in");
    }

    /// What can be bought of a variant.
    pub async fn available(&self, variant_id: &VariantId) -> i64 {
        let (now, id) = (self.shop.clock.now(), variant_id.clone());
        let ids = [id.clone()];
        let available = self
            .shop
            .db
            .read(move |tx| inventory::available(tx, now, &ids))
            .await
            .expect("stock can be read");
        available
            .get(&id)
            .copied()
            .flatten()
            .expect("its stock is counted")
    }

    /// A shopper whose cart is ready to be paid: these variants, an address in Amsterdam, delivery by post.
    pub async fn ready_shopper(&self, wanted: &[(&VariantId, u32)]) -> Shopper {
        let mut visitor: Option<Secret> = None;
        for (variant_id, count) in wanted {
            let cmd = AddToCart {
                variant_id: (*variant_id).clone(),
                quantity: pieces(*count),
            };
            visitor = Some(
                carts::add_to_cart(&self.shop, visitor, cmd)
                    .await
                    .expect("it can be bought")
                    .visitor,
            );
        }
        let shopper = Shopper {
            visitor: visitor.expect("something is wanted"),
        };
        self.fill_in(&shopper).await;
        shopper
    }

    /// Fills the checkout form in.
    pub async fn fill_in(&self, shopper: &Shopper) {
        let form = CheckoutForm {
            email: Some("noor@example.com".to_owned()),
            address: Some(an_address()),
            delivery_method_id: Some(self.post.clone()),
            payment_method: Some("test".to_owned()),
        };
        carts::save_checkout_form(&self.shop, shopper, form)
            .await
            .expect("the form is kept");
    }

    /// What the shopper sees at the end of the summary.
    pub async fn total(&self, shopper: &Shopper) -> Money {
        let (now, visitor) = (self.shop.clock.now(), shopper.visitor.clone());
        let quoted = self.shop.db.read(move |tx| -> Result<_, crate::Internal> {
            let cart = carts::find_by_visitor(tx, now, &visitor)?.expect("the shopper has a cart");
            let settings = settings::load(tx)?;
            carts::quote_cart(tx, &settings, now, &cart)
        });
        quoted.await.expect("the cart can be quoted").quote.total
    }

    /// Presses the button, having seen today's total.
    pub async fn place(&self, shopper: &Shopper) -> Result<Placement, PlaceOrderError> {
        let total_seen = self.total(shopper).await;
        self.place_having_seen(shopper, total_seen).await
    }

    /// Presses the button, having seen this total.
    pub async fn place_having_seen(
        &self,
        shopper: &Shopper,
        total_seen: Money,
    ) -> Result<Placement, PlaceOrderError> {
        place_order(
            &self.shop,
            shopper,
            PlaceOrder {
                total_seen,
                payment_method: "test".to_owned(),
            },
        )
        .await
    }

    /// Runs every job that is due by the shop's clock, and what becomes due by it.
    pub async fn run_jobs(&self) -> Drained {
        let runner = crate::jobs::runner(&self.shop, theme());
        let drained = runner.run_due().await.expect("the queue can be read");
        if drained.retried > 0 {
            let failed: Vec<(String, String)> = self
                .rows("SELECT kind, last_error FROM jobs WHERE last_error IS NOT NULL")
                .await;
            eprintln!("jobs that failed and will run again: {failed:#?}");
        }
        drained
    }

    /// Lets time pass, minute by minute at first and then in longer steps, with jobs running as they become due.
    pub async fn let_pass(&self, millis: i64) {
        let until = self.shop.clock.now().plus(millis);
        let mut step = MINUTE;
        while self.shop.clock.now() < until {
            self.clock
                .advance(step.min(until.since(self.shop.clock.now())));
            self.run_jobs().await;
            step = step.saturating_mul(3).saturating_div(2);
        }
    }

    /// Jobs that were given up.
    pub async fn dead_jobs(&self) -> Vec<DeadJob> {
        let read = self.shop.db.read(|tx| jobs::dead_jobs(tx, 100));
        read.await.expect("the queue can be read")
    }

    /// Fails with every breach if the books do not balance.
    pub async fn assert_clean(&self) {
        let breaches = crate::verify::verify(&self.shop)
            .await
            .expect("the books can be read");
        assert!(
            breaches.is_empty(),
            "the books do not balance: {breaches:#?}"
        );
    }
}

/// The default theme, read once for all tests.
pub fn theme() -> &'static Templates {
    static THEME: OnceLock<Templates> = OnceLock::new();
    THEME.get_or_init(|| {
        Templates::load(templates::Settings::strict()).expect("the default theme can be read")
    })
}

/// An address in Amsterdam, as typed.
pub fn an_address() -> AddressInput {
    AddressInput {
        name: "Noor de Wit".to_owned(),
        line1: "Prinsengracht 1".to_owned(),
        postcode: "1015dk".to_owned(),
        city: "Amsterdam".to_owned(),
        country: "NL".to_owned(),
        ..AddressInput::default()
    }
}

async fn furnish(shop: &Shop) -> (DeliveryMethodId, kernel::LocationId) {
    let mut wanted = Settings::default();
    "Wrenfold".clone_into(&mut wanted.shop.name);
    wanted.selling.bank = Some(BankAccount {
        holder: "Wrenfold".to_owned(),
        iban: "NL02ABNA0123456789".to_owned(),
        bic: None,
    });
    settings::save(shop, operator().may(), wanted)
        .await
        .expect("the settings are fine");
    let country = Country::parse("NL").expect("a country");
    for (class, bps) in [("standard", 2_100), ("reduced", 900)] {
        let rate = SetTaxRate {
            country,
            class: pricing::TaxClass::new(class),
            name: "VAT".to_owned(),
            rate: Rate::basis_points(bps),
        };
        set_rate(shop, operator().may(), rate)
            .await
            .expect("the rate is fine");
    }
    let zone = CreateZone {
        name: "Home".to_owned(),
        countries: vec![country, Country::parse("BE").expect("a country")],
    };
    let zone = create_zone(shop, operator().may(), zone)
        .await
        .expect("the zone is fine");
    let post = CreateMethod {
        zone_id: Some(zone),
        location_id: None,
        name: "Post".to_owned(),
        description: String::new(),
        rule: DeliveryRule {
            kind: DeliveryKind::Flat { price: euros(490) },
            free_over: Some(euros(6_000)),
        },
        days: (1, 2),
    };
    let post = create_method(shop, operator().may(), post)
        .await
        .expect("the method is fine");
    let location = create_location(shop, operator().may(), "Workshop")
        .await
        .expect("the location is fine");
    (post, location.id)
}

/// Tests that run on both databases, each with a shop of its own: `name::sqlite` and `name::postgres`.
#[macro_export]
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($shop:ident: &TestShop) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn contract($shop: &$crate::testing::TestShop) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                contract(&$crate::testing::TestShop::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(shop) = $crate::testing::TestShop::postgres().await {
                    contract(&shop).await;
                }
            }
        }
    )+};
}

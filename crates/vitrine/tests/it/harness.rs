//! The whole application without its network: the real router over a real database, with the test gateway and its page.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use admin::Admin;
use axum::Router;
use commerce::Shop;
use commerce::accounts::{self, Invite, InviteError, Role};
use commerce::catalog::categories::{SaveCategory, place_products, save_category};
use commerce::catalog::collections::{SaveCollection, save_collection};
use commerce::catalog::edit::{SaveOption, SaveProduct, SaveValue, SaveVariant, Target};
use commerce::catalog::{self, ProductStatus, TaxClass};
use commerce::delivery::{CreateMethod, CreateZone, create_method, create_zone};
use commerce::keys::{Purpose, server_key};
use commerce::media::{self, ReadyPicture};
use commerce::orders::Order;
use commerce::testing::{TestShop, euros, operator};
use db::{Engine, Tx, params};
use kernel::{CategoryId, Email, Money, OrderId, Sku, Slug, VariantId};
use pricing::{DeliveryKind, DeliveryRule};
use providers::payments::TestGateway;
use storefront::Storefront;
use templates::{Settings, Templates};
use web::{BothHouses, CsrfKey, Limits, Origin, Readiness, Site};

use crate::browser::Browser;
use crate::test_page::TestPage;

/// Where the data of the shop is, in words for its owner.
pub(crate) const DATA: &str = "/srv/wrenfold/data";

/// A shop that is open.
pub(crate) struct App {
    /// The shop with its clock and mailbox.
    pub(crate) test: TestShop,
    /// The company that takes the money.
    pub(crate) gateway: TestGateway,
    /// Its doors.
    pub(crate) router: Router,
}

/// Something on the shelf.
#[derive(Debug, Clone)]
pub(crate) struct Goods {
    pub(crate) slug: Slug,
    pub(crate) variant: VariantId,
}

impl Goods {
    /// The path of its page.
    pub(crate) fn path(&self) -> String {
        format!("/products/{}", self.slug)
    }
}

impl App {
    /// On a SQLite file of its own.
    pub(crate) async fn new() -> Self {
        Self::of(TestShop::sqlite().await, |limits| {
            limits.changes_burst = 100_000;
        })
        .await
    }

    /// On a PostgreSQL database of its own; `None`, with a visible line, where there is no server.
    pub(crate) async fn postgres() -> Option<Self> {
        let test = TestShop::postgres().await?;
        let generous = |limits: &mut Limits| limits.changes_burst = 100_000;
        Some(Self::of(test, generous).await)
    }

    /// With the limits a shop has.
    pub(crate) async fn strict() -> Self {
        Self::of(TestShop::sqlite().await, |_| {}).await
    }

    /// With places for so many requests at once.
    pub(crate) async fn with_places(places: usize) -> Self {
        let few = |limits: &mut Limits| {
            limits.requests_at_once = places;
            limits.changes_burst = 100_000;
        };
        Self::of(TestShop::sqlite().await, few).await
    }

    async fn of(mut test: TestShop, set: impl FnOnce(&mut Limits)) -> Self {
        let gateway = open_gateway(&mut test.shop).await;
        let router = open_doors(&test.shop, &gateway, set).await;
        Self {
            test,
            gateway,
            router,
        }
    }

    /// The doors of a second process on the same database.
    pub(crate) async fn second_node(&self) -> Router {
        let database = self.test.database.as_ref().unwrap();
        let db = db::Db::open(database.location(), &db::testing::options()).unwrap();
        let mut node = self.test.second_node(db);
        let gateway = open_gateway(&mut node).await;
        open_doors(&node, &gateway, |limits| limits.changes_burst = 100_000).await
    }

    /// The shop.
    pub(crate) fn shop(&self) -> &Shop {
        &self.test.shop
    }

    /// Somebody who was never here.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(&self.router)
    }

    /// Somebody who works here in this role, signed in with a browser of their own. Asked for twice, it is the same person.
    pub(crate) async fn staff(&self, role: Role) -> Browser {
        let shop = self.shop();
        let colleague = Invite {
            name: "Ines Vermeer".to_owned(),
            email: format!("{role}@shop.example"),
            role,
        };
        let email = Email::parse(&colleague.email).unwrap();
        // Somebody of this role may have come in before, with another browser.
        match accounts::invite(shop, operator().may(), colleague).await {
            Ok(_) | Err(InviteError::Taken(_)) => {}
            Err(error) => panic!("{error}"),
        }
        let link = accounts::sign_in_link(shop, operator().may(), email)
            .await
            .unwrap();
        let browser = accounts::Browser::default();
        let now = accounts::use_link(shop, &link, browser).await.unwrap();
        let mut browser = self.browser();
        browser.cookie = Some(format!("__Host-staff={}", now.session.expose()));
        browser
    }

    /// Puts a product without options on the shelf.
    pub(crate) async fn sells(&self, title: &str, cents: i64, stock: i64) -> Goods {
        Goods {
            variant: self.test.product(title, euros(cents), stock).await,
            slug: Slug::from_title(title),
        }
    }

    /// Puts a vase on the shelf in two glazes and two heights; the tall one in ash is sold out.
    pub(crate) async fn sells_a_vase(&self) -> Vec<VariantId> {
        let option = |name: &str, values: [&str; 2]| SaveOption {
            id: None,
            slug: None,
            name: name.to_owned(),
            values: values.map(value).into(),
        };
        let forms = [
            ("Spruce", "16 cm", 4_400),
            ("Spruce", "24 cm", 6_800),
            ("Ash", "16 cm", 4_400),
            ("Ash", "24 cm", 6_800),
        ];
        let variants = forms.map(|(glaze, height, cents)| SaveVariant {
            values: vec![glaze.to_owned(), height.to_owned()],
            sku: Sku::parse(&format!("TARN-{glaze}-{}", &height[..2])).unwrap(),
            ..plain_variant("TARN", euros(cents))
        });
        let vase = SaveProduct {
            options: vec![
                option("Glaze", ["Spruce", "Ash"]),
                option("Height", ["16 cm", "24 cm"]),
            ],
            variants: variants.into(),
            ..plain_product("Tarn vase", euros(0))
        };
        let variants = self.saves(vase, ProductStatus::Active).await;
        for variant in &variants[..3] {
            self.test.receive(variant, 10).await;
        }
        variants
    }

    /// Writes a product that is not on the shelf.
    pub(crate) async fn drafts(&self, title: &str) {
        self.saves(plain_product(title, euros(900)), ProductStatus::Draft)
            .await;
    }

    async fn saves(&self, product: SaveProduct, status: ProductStatus) -> Vec<VariantId> {
        let saved = catalog::save_product(self.shop(), operator().may(), product)
            .await
            .unwrap();
        if status != ProductStatus::Draft {
            let (id, version) = (saved.id, saved.version);
            catalog::set_status(self.shop(), operator().may(), id, version, status)
                .await
                .unwrap();
        }
        saved.variants
    }

    /// Changes a product as its editor would.
    pub(crate) async fn edits(&self, slug: &Slug, change: impl FnOnce(&mut SaveProduct)) {
        let open = catalog::open_product(self.shop(), operator().may(), slug.clone());
        let open = open.await.unwrap().unwrap();
        let product = &open.product;
        let variants = open.variants.iter().map(|variant| SaveVariant {
            id: Some(variant.id.clone()),
            sku: variant.sku.clone(),
            ..plain_variant("X", variant.price)
        });
        let mut save = SaveProduct {
            target: Target::Existing {
                id: product.id.clone(),
                version: product.version,
            },
            slug: slug.clone(),
            variants: variants.collect(),
            ..plain_product(&product.title, open.variants[0].price)
        };
        change(&mut save);
        catalog::save_product(self.shop(), operator().may(), save)
            .await
            .unwrap();
    }

    /// Gives a product without options another price.
    pub(crate) async fn reprices(&self, goods: &Goods, cents: i64) {
        self.edits(&goods.slug, |save| save.variants[0].price = euros(cents))
            .await;
    }

    /// Takes a product out of the shop for good.
    pub(crate) async fn archives(&self, slug: &Slug) {
        let open = catalog::open_product(self.shop(), operator().may(), slug.clone());
        let product = open.await.unwrap().unwrap().product;
        let (id, version, to) = (product.id, product.version, ProductStatus::Archived);
        catalog::set_status(self.shop(), operator().may(), id, version, to)
            .await
            .unwrap();
    }

    /// Makes a category with these products in it.
    pub(crate) async fn shelf(
        &self,
        title: &str,
        parent: Option<CategoryId>,
        goods: &[Slug],
    ) -> CategoryId {
        let new = SaveCategory {
            id: None,
            slug: Slug::from_title(title),
            title: title.to_owned(),
            intro: format!("All our {title}."),
            parent,
            position: 0,
        };
        let id = save_category(self.shop(), operator().may(), new)
            .await
            .unwrap();
        let products = self.products(goods).await;
        place_products(self.shop(), operator().may(), id.clone(), products)
            .await
            .unwrap();
        id
    }

    /// Makes a collection of these products.
    pub(crate) async fn collects(&self, title: &str, goods: &[Slug]) {
        let new = SaveCollection {
            id: None,
            slug: Slug::from_title(title),
            title: title.to_owned(),
            intro: String::new(),
            position: 0,
            products: self.products(goods).await,
        };
        save_collection(self.shop(), operator().may(), new)
            .await
            .unwrap();
    }

    async fn products(&self, goods: &[Slug]) -> Vec<kernel::ProductId> {
        let mut ids = Vec::new();
        for slug in goods {
            let open = catalog::open_product(self.shop(), operator().may(), slug.clone());
            ids.push(open.await.unwrap().unwrap().product.id);
        }
        ids
    }

    /// Shows a collection on the start page.
    pub(crate) async fn shows_on_home(&self, title: &str) {
        let read = self.shop().db.read(commerce::settings::load).await;
        let mut settings = read.unwrap();
        let slug = Slug::from_title(title).to_string();
        settings.home.collection_slugs = vec![slug];
        commerce::settings::save(self.shop(), operator().may(), settings)
            .await
            .unwrap();
    }

    /// Delivers at home for this much, in the shop's own currency.
    pub(crate) async fn ships_for(&self, price: Money) {
        let zone = self.text("SELECT id FROM delivery_zones").await;
        self.delivers("Parcel", Some(zone), DeliveryKind::Flat { price })
            .await;
    }

    /// Delivers to these countries as well.
    pub(crate) async fn ships_to(&self, countries: &[&str], price: Money) {
        let zone = CreateZone {
            name: "Far away".to_owned(),
            countries: countries
                .iter()
                .map(|code| kernel::Country::parse(code).unwrap())
                .collect(),
        };
        let zone = create_zone(self.shop(), operator().may(), zone);
        let zone = zone.await.unwrap().to_string();
        self.delivers("Airmail", Some(zone), DeliveryKind::Flat { price })
            .await;
    }

    /// Lets buyers come and get it, free of charge.
    pub(crate) async fn can_be_fetched(&self) {
        self.delivers("Pick-up", None, DeliveryKind::Pickup).await;
    }

    async fn delivers(&self, name: &str, zone: Option<String>, kind: DeliveryKind) {
        let fetched = zone.is_none();
        let method = CreateMethod {
            zone_id: zone.map(|zone| zone.parse().unwrap()),
            location_id: fetched.then(|| self.test.location.clone()),
            name: name.to_owned(),
            description: String::new(),
            rule: DeliveryRule {
                kind,
                free_over: None,
            },
            days: (0, 1),
        };
        create_method(self.shop(), operator().may(), method)
            .await
            .unwrap();
    }

    /// What a query says, in one text.
    pub(crate) async fn text(&self, sql: &'static str) -> String {
        let read = self
            .shop()
            .db
            .read(move |tx| tx.query::<(String,)>(sql, params![]));
        let rows = read.await.map_err(|error: db::DbError| error).unwrap();
        rows.into_iter().next().expect("there is a row").0
    }

    /// Hangs a picture 320 pixels wide up; gives its address.
    pub(crate) async fn picture(&self) -> String {
        let ready = ReadyPicture {
            files: vec![(320, bytes::Bytes::from_static(WEBP))],
            ground: catalog::Color::parse("#f4f1ea").unwrap(),
        };
        let picture = media::install(self.shop(), operator().may(), ready)
            .await
            .unwrap();
        format!("/media/{}/320.webp", picture.hash)
    }

    /// Everything in the database, table by table, to be compared with what it is later.
    pub(crate) async fn everything(&self) -> BTreeMap<String, Vec<String>> {
        let read = self.shop().db.read(|tx| {
            let mut all = BTreeMap::new();
            for (table,) in tx.query::<(String,)>(tables(tx.engine()), params![])? {
                let row = row_as_text(tx, &table)?;
                let sql = format!("SELECT {row} FROM {table} t");
                let rows = tx.query::<(String,)>(&sql, params![])?;
                let mut rows: Vec<String> = rows.into_iter().map(|(row,)| row).collect();
                rows.sort_unstable();
                all.insert(table, rows);
            }
            Ok::<_, db::DbError>(all)
        });
        read.await.unwrap()
    }

    /// Asserts that nothing in the database is other than it was.
    pub(crate) async fn assert_unchanged_since(&self, before: &BTreeMap<String, Vec<String>>) {
        let mut changed = Vec::new();
        for (table, rows) in &self.everything().await {
            let gone = before[table].iter().filter(|row| !rows.contains(row));
            changed.extend(gone.map(|row| format!("- {table}: {row}")));
            let new = rows.iter().filter(|row| !before[table].contains(row));
            changed.extend(new.map(|row| format!("+ {table}: {row}")));
        }
        assert!(changed.is_empty(), "{}", changed.join("\n"));
    }

    /// How many orders were placed.
    pub(crate) async fn orders_placed(&self) -> i64 {
        self.number("SELECT COUNT(*) FROM orders WHERE placed_at IS NOT NULL")
            .await
    }

    /// What a query says, in one number.
    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        let read = self
            .shop()
            .db
            .read(move |tx| tx.query_one::<(i64,)>(sql, params![]));
        read.await.map_err(|error: db::DbError| error).unwrap().0
    }

    /// The order at the end of a secret link such as `/orders/…?placed=1`.
    pub(crate) async fn order_at(&self, link: &str) -> (OrderId, Money) {
        let token = link.split(['/', '?']).nth(2).unwrap();
        let token = kernel::Secret::parse(token).unwrap();
        let found = self
            .shop()
            .db
            .read(move |tx| commerce::orders::find_by_link(tx, &token));
        let order = found.await.unwrap().expect("the link leads to an order");
        (order.id, order.total)
    }

    /// An order of Noor's for so many of these, paid at the payment provider's page and captured.
    pub(crate) async fn ordered(&self, goods: &Goods, quantity: u32) -> Order {
        let path = self
            .browser()
            .buys(&goods.path(), &quantity.to_string())
            .await;
        self.test.run_jobs().await;
        let (id, _) = self.order_at(&path).await;
        let found = self
            .test
            .read(move |tx| Ok(commerce::orders::get(tx, &id)?))
            .await;
        found.unwrap()
    }

    /// Lets the gateway tell the shop what it has to tell.
    pub(crate) async fn notices_arrive(&self) -> usize {
        self.gateway.deliver_due_notices(self.shop()).await.unwrap()
    }
}

/// A query for the names of all tables.
fn tables(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        }
        Engine::Postgres => {
            "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = 'public'"
        }
    }
}

/// An expression for a whole row of a table, called `t`, as text.
fn row_as_text(tx: &mut Tx<'_>, table: &str) -> Result<String, db::DbError> {
    if tx.engine() == Engine::Postgres {
        return Ok("CAST(t AS TEXT)".to_owned());
    }
    let columns = "SELECT name FROM pragma_table_info($1)";
    let columns = tx.query::<(String,)>(columns, params![table.to_owned()])?;
    let quoted = columns.iter().map(|(name,)| format!("quote({name})"));
    Ok(quoted.collect::<Vec<_>>().join(" || ' ' || "))
}

/// The payment company, as `vitrine serve` sets it up.
async fn open_gateway(shop: &mut Shop) -> TestGateway {
    let key = server_key(shop, Purpose::TestGateway).await.unwrap();
    let (clock, ids) = (Arc::clone(&shop.clock), Arc::clone(&shop.ids));
    let gateway = TestGateway::new(shop.db.clone(), clock, ids, key, &shop.origin);
    shop.gateways = providers::payments::gateways(gateway.clone());
    gateway
}

/// The pages, as `vitrine serve` puts them together.
async fn open_doors(shop: &Shop, gateway: &TestGateway, set: impl FnOnce(&mut Limits)) -> Router {
    let csrf = CsrfKey(server_key(shop, Purpose::FormTokens).await.unwrap());
    let mut config = web::Config::new(Origin::parse(&shop.origin).unwrap(), csrf);
    config.clock = Arc::clone(&shop.clock);
    set(&mut config.limits);
    let storefront = Storefront::new(shop.clone(), theme())
        .with_data_at(DATA)
        .with_test_page(Arc::new(TestPage(gateway.clone())));
    let admin = Admin::new(shop.clone(), office(), theme());
    let errors = BothHouses {
        shop: Arc::new(storefront.clone()),
        office: Arc::new(admin.clone()),
    };
    let site = Site::new(config, readiness(shop), Arc::new(errors));
    site.router(storefront::routes(&storefront).merge(admin::routes(&admin)))
}

/// A picture of the demo shop, 320 pixels wide.
const WEBP: &[u8] = include_bytes!("../../../../demo/pictures/320/brass-scoop-1.webp");

fn theme() -> Templates {
    static THEME: OnceLock<Templates> = OnceLock::new();
    THEME
        .get_or_init(|| Templates::load(Settings::strict()).unwrap())
        .clone()
}

fn office() -> Templates {
    static OFFICE: OnceLock<Templates> = OnceLock::new();
    OFFICE
        .get_or_init(|| Templates::back_office(Settings::strict()).unwrap())
        .clone()
}

fn readiness(shop: &Shop) -> Readiness {
    let db = shop.db.clone();
    Arc::new(move || {
        let db = db.clone();
        Box::pin(async move {
            let version = db.schema_version().await;
            version.map(drop).map_err(|error| error.to_string())
        })
    })
}

fn value(name: &str) -> SaveValue {
    SaveValue {
        id: None,
        slug: None,
        name: name.to_owned(),
        swatch: None,
    }
}

fn plain_variant(sku: &str, price: Money) -> SaveVariant {
    SaveVariant {
        id: None,
        values: Vec::new(),
        sku: Sku::parse(sku).unwrap(),
        barcode: None,
        price,
        compare_at: None,
        weight_grams: 500,
        content: None,
        stock_tracked: true,
    }
}

fn plain_product(title: &str, price: Money) -> SaveProduct {
    let slug = Slug::from_title(title);
    SaveProduct {
        target: Target::New,
        title: title.to_owned(),
        summary: String::new(),
        description: String::new(),
        facts: Vec::new(),
        tax_class: TaxClass::Standard,
        currency: price.currency(),
        options: Vec::new(),
        variants: vec![plain_variant(&slug.as_str().to_uppercase(), price)],
        pictures: Vec::new(),
        slug,
    }
}

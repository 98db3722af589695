//! How every list, search and figure of the back office is answered in a large shop: off an index, by as many statements
//! as in a small one.
//!
//! Each is run with its statements written down, and the database is asked how it answers each of them. One test for each
//! database, as the shop they share takes longer to make than to look at.

use std::collections::BTreeMap;
use std::fmt::Write;

use db::{DbError, Engine, Tx, Value, params};
use kernel::{
    CategoryId, CollectionId, Email, LocationId, PageRequest, Slug, Timestamp, VariantId,
};

use super::{Plan, fill};
use crate::catalog::store::products;
use crate::catalog::{self, ProductFilter, ProductSort, ProductView, Scope, listing};
use crate::customers::{self, CustomerFilter, CustomerSort};
use crate::inventory::{self, StockFilter, StockView};
use crate::jump::jump;
use crate::lookup::Kind;
use crate::notifications::{self, MailFilter, MailStatus};
use crate::orders::{self, OrderFilter, OrderSort, OrderView};
use crate::payments;
use crate::settings::Settings;
use crate::testing::TestShop;
use crate::{Internal, figures};

/// Tables that grow with the shop. Whoever reads one from end to end is too slow one day.
const LARGE: &[&str] = &[
    "orders",
    "order_lines",
    "order_timeline",
    "payments",
    "payment_events",
    "refunds",
    "fulfillments",
    "products",
    "variants",
    "category_products",
    "stock_levels",
    "stock_movements",
    "customers",
    "desk_words",
    "mails",
];

/// What SQLite may go through from end to end: the parts of statements by their names, each of which was limited before.
const LIMITED: &[&str] = &[
    "page",
    "merged",
    "e",
    "found",
    "counted",
    "x",
    "f",
    "span",
    "latest",
    "from_2",
    "from_4",
    "from_6",
    "by_barcode",
    "of_draft",
    "of_active",
    "of_archived",
    "to_pay",
    "to_pack",
    "to_ship",
    "shipped",
    "canceled",
];

type Read = Box<dyn FnMut(&mut Tx<'_>) -> Result<(), Internal> + Send>;

/// Something the back office reads, by name.
struct Asked {
    name: String,
    read: Read,
}

#[derive(Default)]
struct All(Vec<Asked>);

impl All {
    fn add<T>(
        &mut self,
        name: impl Into<String>,
        mut read: impl FnMut(&mut Tx<'_>) -> Result<T, DbError> + Send + 'static,
    ) {
        self.0.push(Asked {
            name: name.into(),
            read: Box::new(move |tx| Ok(read(tx).map(drop)?)),
        });
    }
}

/// What there is in the shop to look for.
#[derive(Clone)]
struct Known {
    now: Timestamp,
    email: String,
    category: CategoryId,
    large_category: CategoryId,
    variant: VariantId,
    location: LocationId,
}

async fn known(shop: &TestShop) -> Known {
    let now = shop.shop.clock.now();
    shop.read(move |tx| {
        let categories: Vec<(CategoryId, i64)> = tx.query(
            "SELECT category_id, COUNT(*) FROM category_products GROUP BY category_id ORDER BY COUNT(*), category_id",
            &[],
        )?;
        let (email,) = tx.query_one("SELECT email_folded FROM orders WHERE number = 1017", &[])?;
        let (variant,) = tx.query_one("SELECT variant_id FROM order_lines ORDER BY id LIMIT 1", &[])?;
        let (location,) = tx.query_one("SELECT id FROM stock_locations WHERE name = 'Cellar'", &[])?;
        Ok(Known {
            now,
            email,
            category: categories.first().expect("a category").0.clone(),
            large_category: categories.last().expect("a category").0.clone(),
            variant,
            location,
        })
    })
    .await
}

const PAGES: [(u32, u32); 2] = [(1, 50), (7, 20)];

/// Each of the first with each of the second.
fn pairs<A: Clone, B: Clone>(first: &[A], second: &[B]) -> Vec<(A, B)> {
    let with_each = |one: &A| {
        let one = one.clone();
        second.iter().map(move |other| (one.clone(), other.clone()))
    };
    first.iter().flat_map(with_each).collect()
}

fn of_orders(all: &mut All, known: &Known) {
    for view in OrderView::ALL {
        all.add(format!("count orders {view}"), |tx| {
            orders::count_orders(tx, *view)
        });
    }
    let lists = pairs(OrderView::ALL, OrderSort::ALL);
    for ((view, sort), (number, size)) in pairs(&lists, &PAGES) {
        let filter = OrderFilter {
            view,
            search: None,
            sort,
            page: PageRequest::new(number, size),
        };
        all.add(format!("orders {view} {sort} page {number}"), move |tx| {
            orders::list_orders(tx, &filter)
        });
    }
    let searches = [
        "1017",
        "noor",
        "no dek",
        "dekker noor",
        "n",
        &known.email,
        "nobody",
    ];
    for ((view, sort), search) in pairs(&lists, &searches) {
        let filter = OrderFilter {
            view,
            search: Some(search.to_owned()),
            sort,
            page: PageRequest::new(1, 50),
        };
        let words = search.replace(&known.email, "an address");
        all.add(format!("orders {view} {sort} search {words}"), move |tx| {
            orders::list_orders(tx, &filter)
        });
    }
    let email = Email::parse(&known.email).unwrap();
    all.add("orders of a customer", move |tx| {
        orders::orders_of(tx, &email, PageRequest::new(1, 20))
    });
}

fn of_products(all: &mut All, known: &Known) {
    let of = |view, sort| ProductFilter {
        view,
        search: None,
        category: None,
        sort,
        page: PageRequest::new(1, 50),
        low_stock_at: 5,
    };
    all.add("count low stock", |tx| catalog::count_low_stock(tx, 5));
    let lists = pairs(ProductView::ALL, ProductSort::ALL);
    let categories = [
        ("any", None),
        ("small", Some(known.category.clone())),
        ("large", Some(known.large_category.clone())),
    ];
    for (((view, sort), (words, category)), (number, size)) in
        pairs(&pairs(&lists, &categories), &PAGES)
    {
        let filter = ProductFilter {
            category,
            page: PageRequest::new(number, size),
            ..of(view, sort)
        };
        let name = format!("products {view} {sort} of {words} category page {number}");
        all.add(name, move |tx| catalog::list_products(tx, &filter));
    }
    let searches = [
        "vase",
        "v",
        "tarn va",
        "T1-00000",
        "t1",
        "4000000000400",
        "nothing",
    ];
    for ((view, sort), search) in pairs(&lists, &searches) {
        let filter = ProductFilter {
            search: Some(search.to_owned()),
            category: (search == "v").then(|| known.large_category.clone()),
            ..of(view, sort)
        };
        all.add(
            format!("products {view} {sort} search {search}"),
            move |tx| catalog::list_products(tx, &filter),
        );
    }
}

fn of_stock(all: &mut All, known: &Known) {
    let places = [
        ("anywhere", None),
        ("in one place", Some(known.location.clone())),
    ];
    let searches = [None, Some("vase"), Some("T1-0000"), Some("nothing")];
    let lists = pairs(&pairs(StockView::ALL, &places), &searches);
    for (((view, (place, location)), search), (number, size)) in pairs(&lists, &PAGES) {
        let filter = StockFilter {
            view,
            search: search.map(str::to_owned),
            location,
            page: PageRequest::new(number, size),
            low_stock_at: 5,
        };
        let name = format!("stock {view} {place} search {search:?} page {number}");
        all.add(name, move |tx| inventory::list_stock(tx, &filter));
    }
    let variant = known.variant.clone();
    all.add("stock of a variant", move |tx| {
        inventory::stock_of(tx, &variant)
    });
    let variant = known.variant.clone();
    all.add("movements", move |tx| {
        let some = inventory::movements_before(tx, &variant, None, 2)?;
        inventory::movements_before(tx, &variant, some.next.as_ref(), 2)
    });
}

fn of_customers(all: &mut All, known: &Known) {
    let searches = [
        None,
        Some("noor"),
        Some("dek no"),
        Some("e"),
        Some(known.email.as_str()),
        Some("nobody"),
    ];
    for sort in CustomerSort::ALL {
        for search in searches {
            for (number, size) in PAGES {
                let filter = CustomerFilter {
                    search: search.map(str::to_owned),
                    sort: *sort,
                    page: PageRequest::new(number, size),
                };
                let words = search.map(|words| words.replace(&known.email, "an address"));
                all.add(
                    format!("customers {sort} search {words:?} page {number}"),
                    move |tx| customers::list_customers(tx, &filter),
                );
            }
        }
    }
    let email = Email::parse(&known.email).unwrap();
    all.add("customer", move |tx| {
        let found = customers::find_by_email(tx, &email)?.expect("they bought something");
        customers::find(tx, &found.id)?;
        customers::addresses(tx, &email)
    });
}

fn of_the_rest(all: &mut All, known: &Known) {
    let statuses = MailStatus::ALL.iter().copied().map(Some).chain([None]);
    for status in statuses {
        for search in [None, Some("noor"), Some(known.email.as_str())] {
            let filter = MailFilter {
                status,
                search: search.map(str::to_owned),
                page: PageRequest::new(2, 20),
            };
            let words = search.map(|words| words.replace(&known.email, "an address"));
            all.add(format!("mails {status:?} search {words:?}"), move |tx| {
                notifications::list_outbox(tx, &filter)
            });
        }
    }
    for text in [
        "noor",
        "vase",
        "#1017",
        "T1-000",
        "no",
        "nothing",
        &known.email,
    ] {
        let typed = text.to_owned();
        let words = text.replace(&known.email, "an address");
        all.add(format!("jump {words}"), move |tx| {
            jump(tx, &typed, Kind::ALL)
        });
    }
    let now = known.now;
    all.0.push(Asked {
        name: "figures".to_owned(),
        read: Box::new(move |tx| figures::figures(tx, now, &Settings::default()).map(drop)),
    });
    all.0.push(Asked {
        name: "to do".to_owned(),
        read: Box::new(move |tx| figures::to_do(tx, now, &Settings::default()).map(drop)),
    });
}

/// The pages behind the lists.
fn of_pages(all: &mut All) {
    all.add("order", |tx| {
        let order = orders::find_by_number(tx, 1017)?.expect("it was made");
        orders::lines(tx, &order.id)?;
        orders::timeline(tx, &order.id)?;
        orders::refunds(tx, &order.id)?;
        orders::fulfillments(tx, &order.id)?;
        let payments = payments::of_order(tx, &order.id)?;
        payments::events_of(tx, &payments.first().expect("it was paid").id)
    });
    all.add("product", |tx| {
        let rows: Vec<(Slug,)> = tx.query(
            "SELECT slug FROM products WHERE slug = $1",
            params!["thing-1-7"],
        )?;
        let slug = &rows.first().expect("it was made").0;
        let product = products::product_by_slug(tx, slug)?.expect("it was made");
        products::options_of(tx, &product.id)?;
        products::pictures_of(tx, &product.id)?;
        let variants = products::variants_of(tx, &product.id)?;
        let ids: Vec<VariantId> = variants.into_iter().map(|variant| variant.id).collect();
        products::uses_of(tx, &ids)?;
        inventory::available(tx, Timestamp::from_millis(0), &ids)
    });
}

/// What shoppers look at first: however large the shop is, no further than a page.
fn of_shoppers(all: &mut All, known: &Known) {
    let (now, category) = (known.now, known.large_category.clone());
    let mut add = |name: &str, read: Read| {
        all.0.push(Asked {
            name: name.to_owned(),
            read,
        });
    };
    for scope in [Scope::All, Scope::Category(category.clone())] {
        let name = format!("first cards of {scope:?}");
        let read = move |tx: &mut Tx<'_>| listing::first_cards(tx, now, scope.clone(), 8).map(drop);
        add(&name, Box::new(read));
    }
    let pictures = move |tx: &mut Tx<'_>| {
        catalog::categories::pictures(tx, std::slice::from_ref(&category)).map(drop)
    };
    add("pictures of a large category", Box::new(pictures));
    let rows = move |tx: &mut Tx<'_>| {
        let collections: Vec<(CollectionId,)> =
            tx.query("SELECT id FROM collections ORDER BY id LIMIT 4", &[])?;
        let ids: Vec<CollectionId> = collections.into_iter().map(|(id,)| id).collect();
        listing::first_of_collections(tx, now, &ids, 8).map(drop)
    };
    add("rows of the start page", Box::new(rows));
}

async fn asked(shop: &TestShop) -> Vec<Asked> {
    let known = known(shop).await;
    let mut all = All::default();
    of_orders(&mut all, &known);
    of_products(&mut all, &known);
    of_stock(&mut all, &known);
    of_customers(&mut all, &known);
    of_the_rest(&mut all, &known);
    of_pages(&mut all);
    of_shoppers(&mut all, &known);
    all.0
}

/// What was found out about one thing that is asked.
struct Answered {
    statements: usize,
    faults: Vec<String>,
}

/// How the database answers this statement, line by line.
fn plan_of(tx: &mut Tx<'_>, sql: &str, parameters: &[Value]) -> Result<Vec<String>, DbError> {
    if tx.engine() == Engine::Sqlite {
        let rows: Vec<(i64, i64, i64, String)> =
            tx.query(&format!("EXPLAIN QUERY PLAN {sql}"), parameters)?;
        return Ok(rows.into_iter().map(|row| row.3).collect());
    }
    let rows: Vec<(String,)> = tx.query(&format!("EXPLAIN {sql}"), parameters)?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// The lines of a plan that read what grows from end to end.
fn faults(engine: Engine, sql: &str, plan: &[String]) -> Vec<String> {
    // What is known to find nothing is not run at all.
    if plan
        .iter()
        .any(|line| line.contains("One-Time Filter: false"))
    {
        return Vec::new();
    }
    let is_fault = |line: &&String| match engine {
        Engine::Sqlite => {
            let Some(rest) = line.strip_prefix("SCAN ") else {
                return line.contains("AUTOMATIC");
            };
            let what = rest.split(' ').next().unwrap_or_default();
            // One part for each shelf, numbered from one.
            let is_shelf = what
                .strip_prefix('c')
                .is_some_and(|number| number.parse::<u16>().is_ok());
            let is_limited = is_shelf
                || LIMITED.contains(&what)
                || what.starts_with('(')
                || rest.contains("CONSTANT ROW");
            let is_as_far_as_a_limit = rest.contains("USING") && sql.contains("LIMIT");
            !is_limited && !is_as_far_as_a_limit
        }
        Engine::Postgres => line.split_once("Seq Scan on ").is_some_and(|(_, rest)| {
            let table = rest.split(' ').next().unwrap_or_default();
            LARGE.contains(&table)
        }),
    };
    plan.iter().filter(is_fault).cloned().collect()
}

/// Asks one thing, and looks at how it is answered.
fn answer(tx: &mut Tx<'_>, asked: &mut Asked) -> Result<Answered, Internal> {
    tx.record();
    (asked.read)(tx)?;
    let recorded = tx.recorded();
    let mut found = Vec::new();
    for (sql, parameters) in &recorded {
        let plan = plan_of(tx, sql, parameters)?;
        if !faults(tx.engine(), sql, &plan).is_empty() {
            found.push(format!("{sql}\n  {}", plan.join("\n  ")));
        }
    }
    Ok(Answered {
        statements: recorded.len(),
        faults: found,
    })
}

/// Asks everything.
async fn answered(shop: &TestShop) -> BTreeMap<String, Answered> {
    let mut all = BTreeMap::new();
    for mut asked in asked(shop).await {
        let name = asked.name.clone();
        let answer = shop.read(move |tx| answer(tx, &mut asked)).await;
        let before = all.insert(name, answer);
        assert!(before.is_none(), "each is asked by its own name");
    }
    all
}

async fn filled(shop: &TestShop, products: u32, orders: u32) {
    let plan = Plan {
        products,
        orders,
        seed: 1,
        until: shop.shop.clock.now(),
    };
    fill(&shop.shop.db, &plan, |_| {}).await.unwrap();
}

async fn every_list_is_read_off_an_index(large: TestShop, small: TestShop) {
    filled(&large, 20_000, 50_000).await;
    filled(&small, 100, 400).await;
    let answers = answered(&large).await;
    assert!(answers.len() > 300, "{} things are asked", answers.len());
    let mut report = String::new();
    for (name, answer) in &answers {
        for fault in &answer.faults {
            writeln!(report, "{name}:\n{fault}\n").unwrap();
        }
    }
    assert!(report.is_empty(), "read from end to end:\n{report}");
    let without_index =
        "SELECT id FROM orders WHERE delivery_name = $1 ORDER BY delivery_name LIMIT 5";
    let found = large
        .read(move |tx| {
            let plan = plan_of(tx, without_index, params!["Post"])?;
            Ok(faults(tx.engine(), without_index, &plan))
        })
        .await;
    assert_eq!(found.len(), 1, "what has no index is noticed");
    for (name, answer) in answered(&small).await {
        let in_large = answers.get(&name).map(|answer| answer.statements);
        assert_eq!(in_large, Some(answer.statements), "statements of {name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_list_of_a_large_shop_is_read_off_an_index_on_sqlite() {
    every_list_is_read_off_an_index(TestShop::sqlite().await, TestShop::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_list_of_a_large_shop_is_read_off_an_index_on_postgres() {
    let (large, small) = (TestShop::postgres().await, TestShop::postgres().await);
    if let (Some(large), Some(small)) = (large, small) {
        every_list_is_read_off_an_index(large, small).await;
    }
}

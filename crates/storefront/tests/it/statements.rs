//! A page asks the database the same number of questions, however much there is to show.

use commerce::catalog::categories::{SaveCategory, place_products, save_category};
use commerce::catalog::collections::{SaveCollection, save_collection};
use commerce::catalog::{self, Listing, Scope, Sort};
use commerce::settings;
use commerce::testing::{TestShop, euros, operator};
use kernel::{PageRequest, ProductId, Slug, VariantId};

use crate::browser::{Browser, open};

/// A shop with so many products in a category and a collection, all of them in the bag of one shopper.
struct Filled {
    shop: TestShop,
    browser: Browser,
}

impl Filled {
    async fn with(count: i64) -> Self {
        let shop = TestShop::sqlite().await;
        let mut variants: Vec<VariantId> = Vec::new();
        for number in 0..count {
            variants.push(
                shop.product(&format!("Cup {number:02}"), euros(1_000 + number), 9)
                    .await,
            );
        }
        let all = Listing {
            scope: Scope::All,
            sort: Sort::Name,
            page: PageRequest::new(1, 100),
        };
        let cards = catalog::list_cards(&shop.shop, all).await.unwrap().items;
        let ids: Vec<ProductId> = cards.into_iter().map(|card| card.id).collect();
        furnish(&shop, &ids).await;
        commerce::search::catch_up(&shop.shop).await.unwrap();
        let mut browser = Browser::new(&open(&shop));
        for variant in &variants {
            browser
                .post(
                    "/cart/lines",
                    &[("variant", variant.as_str()), ("quantity", "1")],
                )
                .await
                .leads_to();
        }
        shop.fill_in(&browser.shopper()).await;
        Self { shop, browser }
    }

    /// The statements behind a page.
    async fn behind(&mut self, path: &str) -> u64 {
        let before = self.shop.shop.db.stats().statements;
        let page = self.browser.get(path).await;
        assert_eq!(page.status.as_u16(), 200, "{path}: {}", page.words());
        self.shop.shop.db.stats().statements - before
    }
}

async fn furnish(shop: &TestShop, ids: &[ProductId]) {
    let category = SaveCategory {
        id: None,
        slug: Slug::parse("cups").unwrap(),
        title: "Cups".to_owned(),
        intro: String::new(),
        parent: None,
        position: 0,
    };
    let category = save_category(&shop.shop, operator().may(), category)
        .await
        .unwrap();
    place_products(&shop.shop, operator().may(), category, ids.to_vec())
        .await
        .unwrap();
    let collection = SaveCollection {
        id: None,
        slug: Slug::parse("morning").unwrap(),
        title: "Morning".to_owned(),
        intro: String::new(),
        position: 0,
        products: ids.to_vec(),
    };
    save_collection(&shop.shop, operator().may(), collection)
        .await
        .unwrap();
    let mut wanted = shop.shop.db.read(settings::load).await.unwrap();
    wanted.home.collection_slugs = vec!["morning".to_owned()];
    wanted.home.product_slug = Some("cup-00".to_owned());
    settings::save(&shop.shop, operator().may(), wanted)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_shop_costs_a_page_no_more_statements_than_an_empty_one() {
    let (mut small, mut large) = (Filled::with(2).await, Filled::with(30).await);
    let most = [
        ("/", 21),
        ("/c/cups", 9),
        ("/collections/morning", 9),
        ("/products/cup-01", 15),
        ("/search?q=cup", 9),
        ("/cart", 13),
        ("/checkout", 15),
    ];
    for filled in [&mut small, &mut large] {
        // What all pages have in common is read by the first.
        filled.behind("/cart").await;
    }
    for (path, most) in most {
        let (few, many) = (small.behind(path).await, large.behind(path).await);
        // A list that does not fill its page looks for what is sold out, too.
        assert!(many <= few, "{path} asks {many} times instead of {few}");
        assert!(many <= most, "{path} asks {many} times");
    }
    let mut orders = Vec::new();
    for filled in [&mut small, &mut large] {
        let total = filled
            .browser
            .get("/checkout")
            .await
            .value_of("total_seen_minor");
        let pay = [
            ("payment_method", "test"),
            ("total_seen_minor", total.as_str()),
        ];
        let to = filled
            .browser
            .post("/checkout/complete", &pay)
            .await
            .leads_to()
            .to_owned();
        orders.push(filled.behind(&to).await);
    }
    assert_eq!(orders[0], orders[1]);
    assert!(orders[0] <= 17, "an order asks {} times", orders[0]);
}

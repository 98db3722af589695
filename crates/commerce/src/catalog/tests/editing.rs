//! Creating and changing products.

use db::{Db, DbError, params, store_contract};
use kernel::{Currency, Sku, Slug};

use super::{mug, shop, staff, stock, vase};
use crate::Shop;
use crate::catalog::edit::{Problem, SaveProductError, SaveVariant, Target};
use crate::catalog::{
    ProductPage, ProductStatus, SaveProduct, Saved, Shown, find_product_page, save_product,
    set_status,
};
use crate::schema::MIGRATIONS;

async fn on_sale(shop: &Shop, product: SaveProduct) -> Saved {
    let mut saved = save_product(shop, staff(), product).await.unwrap();
    saved.version = set_status(
        shop,
        staff(),
        saved.id.clone(),
        saved.version,
        ProductStatus::Active,
    )
    .await
    .unwrap();
    saved
}

async fn page(shop: &Shop, slug: &str) -> ProductPage {
    match find_product_page(shop, Slug::parse(slug).unwrap())
        .await
        .unwrap()
    {
        Some(Shown::Product(page)) => *page,
        other => panic!("no page at {slug}: {other:?}"),
    }
}

async fn revision(shop: &Shop) -> i64 {
    let sql = "SELECT value FROM counters WHERE name = 'catalog_revision'";
    shop.db
        .read(move |tx| tx.query_one::<(i64,)>(sql, params![]))
        .await
        .unwrap()
        .0
}

store_contract! {
    migrations = MIGRATIONS;

    async fn a_product_is_shown_as_it_was_saved(db: &Db) {
        let shop = shop(db);
        let saved = on_sale(&shop, vase()).await;
        stock(&shop, &saved.variants[1], 7).await;

        let page = page(&shop, "tarn-vase").await;
        assert_eq!((page.product.id.clone(), page.product.version), (saved.id, 2));
        assert_eq!((page.product.min_price.minor(), page.product.max_price.minor()), (4_400, 6_800));
        assert_eq!(page.product.facts, ["300 ml"]);
        assert_eq!(page.product.published_at, Some(shop.clock.now()));
        let options: Vec<_> = page.options.iter().map(|option| (option.slug.as_str(), option.values.len())).collect();
        assert_eq!(options, [("glaze", 2), ("height", 2)]);
        assert_eq!(page.options[0].values[0].swatch.as_ref().unwrap().as_str(), "#2f5d4e");
        let titles: Vec<_> = page.variants.iter().map(|on_sale| on_sale.variant.title.as_str()).collect();
        assert_eq!(titles, ["Spruce / 16 cm", "Spruce / 24 cm", "Ash / 16 cm", "Ash / 24 cm"]);
        let available: Vec<_> = page.variants.iter().map(|on_sale| on_sale.available).collect();
        assert_eq!(available, [Some(0), Some(7), Some(0), Some(0)]);
        assert_eq!(page.first_choice().unwrap().variant.id, saved.variants[1]);
        assert_eq!(page.variant_by_slugs(&["ash", "24-cm"]).unwrap().variant.id, saved.variants[3]);
        assert_eq!(page.variant_by_slugs(&["ash", "32-cm"]), None);
    }

    async fn saving_again_keeps_what_is_known_and_removes_what_is_left_out(db: &Db) {
        let shop = shop(db);
        let first = on_sale(&shop, vase()).await;
        let mut fewer = vase();
        fewer.target = Target::Existing { id: first.id.clone(), version: first.version };
        fewer.options[1].values.remove(1);
        fewer.variants.retain(|variant| variant.values[1] == "16 cm");
        let second = save_product(&shop, staff(), fewer).await.unwrap();

        assert_eq!(second.variants, [first.variants[0].clone(), first.variants[2].clone()]);
        let page = page(&shop, "tarn-vase").await;
        assert_eq!(page.product.version, second.version);
        assert_eq!(page.options[1].values.len(), 1);
        assert_eq!(page.product.max_price.minor(), 4_400);
    }

    async fn variants_can_swap_their_numbers_places_and_values(db: &Db) {
        let shop = shop(db);
        let first = on_sale(&shop, vase()).await;
        let known = page(&shop, "tarn-vase").await;
        let mut swapped = vase();
        swapped.target = Target::Existing { id: first.id.clone(), version: first.version };
        swapped.options.reverse();
        for (variant, id) in swapped.variants.iter_mut().zip([2, 3, 0, 1]) {
            variant.id = Some(first.variants[id].clone());
            variant.values.reverse();
        }
        for (option, id) in swapped.options.iter_mut().zip([1, 0]) {
            option.id = Some(known.options[id].id.clone());
        }
        save_product(&shop, staff(), swapped).await.unwrap();

        let page = page(&shop, "tarn-vase").await;
        assert_eq!(page.options[0].name, "Height");
        assert_eq!(page.options[0].id, known.options[1].id);
        let first_now = &page.variants[0].variant;
        assert_eq!((first_now.id.clone(), first_now.title.as_str()), (first.variants[2].clone(), "16 cm / Spruce"));
        assert_eq!(first_now.sku.as_str(), "TARN-Spruce-16 cm");
    }

    async fn whoever_saw_an_older_version_changes_nothing(db: &Db) {
        let shop = shop(db);
        let saved = on_sale(&shop, vase()).await;
        let before = revision(&shop).await;
        let mut late = vase();
        late.title = "Late".to_owned();
        late.target = Target::Existing { id: saved.id.clone(), version: 1 };
        let refused = save_product(&shop, staff(), late).await.unwrap_err();
        assert!(matches!(refused, SaveProductError::Stale { seen: 1, current: 2 }), "{refused}");
        let refused = set_status(&shop, staff(), saved.id, 1, ProductStatus::Archived).await.unwrap_err();
        assert!(matches!(refused, SaveProductError::Stale { seen: 1, current: 2 }), "{refused}");
        assert_eq!(page(&shop, "tarn-vase").await.product.title, "Tarn vase");
        assert_eq!(revision(&shop).await, before);
    }

    async fn of_two_editors_at_once_one_wins_and_the_other_is_told(db: &Db) {
        let shop = shop(db);
        let saved = on_sale(&shop, vase()).await;
        let by = |title: &str| {
            let mut edited = vase();
            edited.title = title.to_owned();
            edited.target = Target::Existing { id: saved.id.clone(), version: saved.version };
            save_product(&shop, staff(), edited)
        };
        let (one, two, three) = tokio::join!(by("One"), by("Two"), by("Three"));
        let mut won = Vec::new();
        for (title, outcome) in [("One", one), ("Two", two), ("Three", three)] {
            match outcome {
                Ok(_) => won.push(title),
                Err(SaveProductError::Stale { seen: 2, current: 3 }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(won, [page(&shop, "tarn-vase").await.product.title.as_str()]);
    }

    async fn two_products_never_share_an_address_or_an_article_number(db: &Db) {
        let shop = shop(db);
        on_sale(&shop, mug("Mug", 1_800)).await;
        let refused = save_product(&shop, staff(), mug("Mug", 1_900)).await.unwrap_err();
        assert!(matches!(&refused, SaveProductError::SlugTaken(slug) if slug.as_str() == "mug"), "{refused}");
        let mut other = mug("Other mug", 1_900);
        other.variants[0].sku = Sku::parse("MUG").unwrap();
        let refused = save_product(&shop, staff(), other).await.unwrap_err();
        assert!(matches!(&refused, SaveProductError::SkuTaken(skus) if skus[0].as_str() == "MUG"), "{refused}");
    }

    async fn a_value_that_orders_carts_or_stock_know_is_not_removed_and_its_uses_are_listed(db: &Db) {
        let shop = shop(db);
        let saved = on_sale(&shop, vase()).await;
        stock(&shop, &saved.variants[1], 3).await;
        let in_cart = saved.variants[3].clone();
        db.write(move |tx| {
            tx.execute(
                "INSERT INTO carts (id, token_hash, currency, version, claimed_until, created_at, changed_at, expires_at)
                 VALUES ('cart_1', 'x', 'EUR', 1, 0, 0, 0, 0)",
                params![],
            )?;
            tx.execute(
                "INSERT INTO cart_lines (id, cart_id, variant_id, quantity, seen_price_minor, added_at)
                 VALUES ('cli_1', 'cart_1', $1, 1, 6800, 0)",
                params![in_cart],
            )
        })
        .await
        .unwrap();
        let mut fewer = vase();
        fewer.target = Target::Existing { id: saved.id.clone(), version: saved.version };
        fewer.options[1].values.remove(1);
        fewer.variants.retain(|variant| variant.values[1] == "16 cm");
        let refused = save_product(&shop, staff(), fewer).await.unwrap_err();
        let SaveProductError::InUse(uses) = refused else { panic!("{refused}") };
        let uses: Vec<_> =
            uses.iter().map(|u| (u.title.as_str(), u.orders, u.carts, u.has_stock_history)).collect();
        assert_eq!(uses, [("Spruce / 24 cm", 0, 0, true), ("Ash / 24 cm", 0, 1, false)]);
        assert_eq!(page(&shop, "tarn-vase").await.variants.len(), 4);
    }

    async fn every_change_leaves_a_new_revision_on_the_product(db: &Db) {
        let shop = shop(db);
        let saved = on_sale(&shop, mug("Mug", 1_800)).await;
        let seen = page(&shop, "mug").await.product.revision;
        assert_eq!(seen, revision(&shop).await);
        let mut again = mug("Mug", 1_900);
        again.target = Target::Existing { id: saved.id, version: saved.version };
        save_product(&shop, staff(), again).await.unwrap();
        assert_eq!(page(&shop, "mug").await.product.revision, seen + 1);
    }

    async fn drafts_are_nothing_and_archived_products_are_gone(db: &Db) {
        let shop = shop(db);
        let slug = Slug::parse("mug").unwrap();
        let draft = save_product(&shop, staff(), mug("Mug", 1_800)).await.unwrap();
        assert_eq!(find_product_page(&shop, slug.clone()).await.unwrap(), None);
        let version = set_status(&shop, staff(), draft.id.clone(), 1, ProductStatus::Active).await.unwrap();
        set_status(&shop, staff(), draft.id, version, ProductStatus::Archived).await.unwrap();
        let shown = find_product_page(&shop, slug).await.unwrap();
        assert!(matches!(&shown, Some(Shown::Gone { title, .. }) if title == "Mug"), "{shown:?}");
        assert_eq!(find_product_page(&shop, Slug::parse("nothing").unwrap()).await.unwrap(), None);
    }

    async fn every_fault_of_a_product_is_told_and_nothing_is_written(db: &Db) {
        let shop = shop(db);
        let mut wrong = vase();
        wrong.title = " ".to_owned();
        wrong.variants[0].compare_at = Some(Currency::EUR.minor(4_400));
        wrong.variants[1].values = vec!["Spruce".to_owned(), "99 cm".to_owned()];
        wrong.variants[2].price = Currency::parse("USD").unwrap().minor(1);
        wrong.variants[3] = SaveVariant { sku: Sku::parse("NEW").unwrap(), ..wrong.variants[2].clone() };
        let refused = save_product(&shop, staff(), wrong).await.unwrap_err();
        let SaveProductError::Invalid(faults) = refused else { panic!("{refused}") };
        let told: Vec<_> = faults.into_iter().map(|fault| (fault.field, fault.problem)).collect();
        let at = |field: &str| field.to_owned();
        assert_eq!(
            told,
            [
                (at("title"), Problem::Text(kernel::TextError::Empty)),
                (at("variants.0.compare_at"), Problem::NotReduced),
                (at("variants.1.values"), Problem::NotAChoice),
                (at("variants.2.price"), Problem::OtherCurrency(Currency::EUR)),
                (at("variants.3.price"), Problem::OtherCurrency(Currency::EUR)),
                (at("variants.3.values"), Problem::SameValues),
            ]
        );
        let count = db.read(|tx| tx.query_one::<(i64,)>("SELECT COUNT(*) FROM products", params![])).await.unwrap();
        assert_eq!(count, (0,));
    }

    async fn stock_held_for_a_checkout_that_was_given_up_can_be_bought_again(db: &Db) {
        let shop = shop(db);
        let saved = on_sale(&shop, mug("Mug", 1_800)).await;
        stock(&shop, &saved.variants[0], 3).await;
        let (variant, now) = (saved.variants[0].clone(), shop.clock.now());
        db.write(move |tx| {
            tx.execute("UPDATE stock_levels SET reserved = 3 WHERE variant_id = $1", params![variant])?;
            for (id, quantity, expires) in [("resv_1", 2_i64, now.plus(-1)), ("resv_2", 1, now.plus(60_000))] {
                tx.execute(
                    "INSERT INTO reservations (id, order_id, variant_id, location_id, quantity, status, expires_at, created_at)
                     VALUES ($1, 'ord_1', $2, 'loc_1', $3, 'active', $4, 0)",
                    params![id, variant, quantity, expires],
                )?;
            }
            Ok::<_, DbError>(())
        })
        .await
        .unwrap();
        assert_eq!(page(&shop, "mug").await.variants[0].available, Some(2));
    }
}

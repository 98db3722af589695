//! The invariants of the catalogue.

use super::rules::Rule;

/// Where every product stands: in the categories it was put into, and in all above them.
macro_rules! shelves {
    ($select:literal) => {
        concat!(
            "WITH RECURSIVE stands (category_id, product_id) AS (
               SELECT category_id, product_id FROM category_products WHERE NOT inherited
                UNION
               SELECT c.parent_id, stands.product_id
                 FROM stands
                 JOIN categories c ON c.id = stands.category_id
                WHERE c.parent_id IS NOT NULL
             )
             ",
            $select
        )
    };
}

/// Every invariant of the catalogue.
pub(super) const RULES: &[Rule] = &[
    Rule {
        invariant: "prices of products are those of their variants",
        fault: "the lowest price",
        sql: "SELECT p.id, p.min_price_minor, MIN(v.price_minor)
                FROM products p JOIN variants v ON v.product_id = p.id
               GROUP BY p.id, p.min_price_minor HAVING p.min_price_minor <> MIN(v.price_minor)",
    },
    Rule {
        invariant: "prices of products are those of their variants",
        fault: "the highest price",
        sql: "SELECT p.id, p.max_price_minor, MAX(v.price_minor)
                FROM products p JOIN variants v ON v.product_id = p.id
               GROUP BY p.id, p.max_price_minor HAVING p.max_price_minor <> MAX(v.price_minor)",
    },
    Rule {
        invariant: "prices of products are those of their variants",
        fault: "variants in another currency than their product",
        sql: "SELECT v.id, CAST(1 AS BIGINT), CAST(0 AS BIGINT)
                FROM variants v JOIN products p ON p.id = v.product_id WHERE v.currency <> p.currency",
    },
    Rule {
        invariant: "every product can be chosen down to a variant",
        fault: "variants",
        sql: "SELECT p.id, CAST(0 AS BIGINT), CAST(1 AS BIGINT)
                FROM products p WHERE NOT EXISTS (SELECT 1 FROM variants v WHERE v.product_id = p.id)",
    },
    Rule {
        invariant: "every product can be chosen down to a variant",
        fault: "values of the options of a variant's product",
        sql: "SELECT x.id, x.chosen, x.options
                FROM (SELECT v.id,
                             (SELECT COUNT(*)
                                FROM variant_option_values w
                                JOIN product_option_values n ON n.id = w.value_id AND n.option_id = w.option_id
                                JOIN product_options o ON o.id = w.option_id
                               WHERE w.variant_id = v.id AND o.product_id = v.product_id) AS chosen,
                             (SELECT COUNT(*) FROM product_options o WHERE o.product_id = v.product_id) AS options
                        FROM variants v) AS x
               WHERE x.chosen <> x.options",
    },
    Rule {
        invariant: "products stand in their categories and all above them",
        fault: "category and product, missing",
        sql: shelves!(
            "SELECT s.category_id || '/' || s.product_id, CAST(0 AS BIGINT), CAST(1 AS BIGINT)
               FROM stands s
              WHERE NOT EXISTS (SELECT 1 FROM category_products cp
                                 WHERE cp.category_id = s.category_id AND cp.product_id = s.product_id)"
        ),
    },
    Rule {
        invariant: "products stand in their categories and all above them",
        fault: "category and product, too many",
        sql: shelves!(
            "SELECT cp.category_id || '/' || cp.product_id, CAST(1 AS BIGINT), CAST(0 AS BIGINT)
               FROM category_products cp
              WHERE NOT EXISTS (SELECT 1 FROM stands s
                                 WHERE s.category_id = cp.category_id AND s.product_id = cp.product_id)"
        ),
    },
    Rule {
        invariant: "a product with pictures has a first one",
        fault: "pictures at the first place",
        sql: "SELECT DISTINCT pm.product_id, CAST(0 AS BIGINT), CAST(1 AS BIGINT)
                FROM product_media pm
               WHERE NOT EXISTS (SELECT 1 FROM product_media f WHERE f.product_id = pm.product_id AND f.position = 0)",
    },
    Rule {
        invariant: "products are not ahead of the catalogue",
        fault: "the product's revision",
        sql: "SELECT p.id, p.revision, c.value
                FROM products p JOIN counters c ON c.name = 'catalog_revision' WHERE p.revision > c.value",
    },
];

#[cfg(test)]
mod tests {
    use db::{Db, DbError, store_contract};
    use kernel::{CategoryId, ProductId, Slug};

    use crate::catalog::tests::{mug, shop, staff, vase};
    use crate::catalog::{
        SaveCategory, ShelfError, delete_category, place_products, save_category, save_product,
    };
    use crate::schema::MIGRATIONS;
    use crate::{Shop, verify::verify};

    fn category(number: usize, id: Option<CategoryId>, parent: Option<CategoryId>) -> SaveCategory {
        let title = format!("Category {number}");
        let slug = Slug::from_title(&title);
        SaveCategory {
            id,
            slug,
            title,
            intro: String::new(),
            parent,
            position: 1,
        }
    }

    /// The names of the invariants that do not hold.
    async fn broken(shop: &Shop) -> Vec<&'static str> {
        let mut names: Vec<_> = verify(shop)
            .await
            .unwrap()
            .into_iter()
            .map(|breach| breach.invariant)
            .collect();
        names.dedup();
        names
    }

    /// Draws the same numbers every time (`SplitMix64`).
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: usize) -> usize {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            usize::try_from((z ^ (z >> 31)) % u64::try_from(sides).unwrap()).unwrap()
        }
    }

    store_contract! {
        migrations = MIGRATIONS;

        async fn whatever_is_done_to_the_shelves_every_product_stands_where_it_should(db: &Db) {
            let shop = shop(db);
            let mut dice = Dice(2_026);
            let mut products = Vec::new();
            for number in 0..6 {
                let saved = save_product(&shop, staff(), mug(&format!("Mug {number}"), 1_000)).await.unwrap();
                products.push(saved.id);
            }
            let mut categories: Vec<CategoryId> = Vec::new();
            let mut refused = 0;
            for step in 0..120 {
                let any = (!categories.is_empty()).then(|| categories[dice.roll(categories.len())].clone());
                let parent = any.clone().filter(|_| dice.roll(3) > 0);
                let done: Result<(), ShelfError> = match (dice.roll(6), any) {
                    (0 | 1, _) | (_, None) => {
                        let new = save_category(&shop, staff(), category(step, None, parent)).await;
                        new.map(|id| categories.push(id))
                    }
                    (2 | 3, Some(id)) => {
                        let some: Vec<ProductId> = products.iter().filter(|_| dice.roll(2) > 0).cloned().collect();
                        place_products(&shop, staff(), id, some).await
                    }
                    (4, Some(_)) => {
                        let id = categories[dice.roll(categories.len())].clone();
                        save_category(&shop, staff(), category(step, Some(id), parent)).await.map(drop)
                    }
                    (_, Some(id)) => {
                        let deleted = delete_category(&shop, staff(), id.clone()).await;
                        deleted.map(|()| categories.retain(|other| *other != id))
                    }
                };
                match done {
                    Ok(()) => {}
                    Err(ShelfError::BelowItself | ShelfError::TooDeep | ShelfError::HasChildren) => refused += 1,
                    Err(error) => panic!("step {step}: {error}"),
                }
                assert!(broken(&shop).await.is_empty(), "step {step}: {:?}", verify(&shop).await);
            }
            assert!(refused > 5 && categories.len() > 5, "{refused} {}", categories.len());
        }

        async fn every_breach_of_the_catalogue_is_named(db: &Db) {
            let shop = shop(db);
            let vase = save_product(&shop, staff(), vase()).await.unwrap();
            let top = save_category(&shop, staff(), category(1, None, None)).await.unwrap();
            let below = save_category(&shop, staff(), category(2, None, Some(top.clone()))).await.unwrap();
            place_products(&shop, staff(), below, vec![vase.id]).await.unwrap();
            assert!(broken(&shop).await.is_empty());
            for (harm, mend, invariant) in [
                (
                    "UPDATE products SET min_price_minor = min_price_minor - 1",
                    "UPDATE products SET min_price_minor = min_price_minor + 1",
                    "prices of products are those of their variants",
                ),
                (
                    "UPDATE products SET currency = 'USD'",
                    "UPDATE products SET currency = 'EUR'",
                    "prices of products are those of their variants",
                ),
                (
                    "UPDATE category_products SET inherited = TRUE WHERE NOT inherited",
                    "UPDATE category_products SET inherited = FALSE WHERE category_id <> (SELECT id FROM categories WHERE parent_id IS NULL)",
                    "products stand in their categories and all above them",
                ),
                (
                    "UPDATE products SET revision = revision + 100",
                    "UPDATE products SET revision = revision - 100",
                    "products are not ahead of the catalogue",
                ),
                (
                    "DELETE FROM category_products WHERE inherited",
                    "INSERT INTO category_products (category_id, product_id, position, inherited)
                     SELECT (SELECT id FROM categories WHERE parent_id IS NULL), product_id, 1, TRUE FROM category_products",
                    "products stand in their categories and all above them",
                ),
                (
                    "DELETE FROM variant_option_values",
                    "DELETE FROM variants",
                    "every product can be chosen down to a variant",
                ),
            ] {
                let run = async |sql: &'static str| {
                    shop.db.write(move |tx| tx.execute(sql, &[]).map(drop)).await.map_err(|e: DbError| e).unwrap();
                };
                run(harm).await;
                assert_eq!(broken(&shop).await, [invariant], "{harm}");
                run(mend).await;
                if !mend.starts_with("DELETE") {
                    assert!(broken(&shop).await.is_empty(), "{mend}");
                }
            }
            assert_eq!(broken(&shop).await, ["every product can be chosen down to a variant"]);
        }
    }
}

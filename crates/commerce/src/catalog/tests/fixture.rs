//! A small shop and two products to try things on.

use std::sync::Arc;

use db::{Db, DbError, params};
use kernel::time::ManualClock;
use kernel::{Currency, RandomIds, Sku, Slug, VariantId};

use crate::Shop;
use crate::catalog::edit::{SaveOption, SaveProduct, SaveValue, SaveVariant, Target};
use crate::catalog::{Color, TaxClass};
use crate::index::SearchIndex;
use crate::ports::gateway::Gateways;
use crate::ports::mail::KeepMails;
use crate::staff::{Authorized, Door, EditProducts, Operator};

pub(crate) fn shop(db: &Db) -> Shop {
    Shop {
        db: db.clone(),
        clock: Arc::new(ManualClock::default()),
        ids: Arc::new(RandomIds),
        media: Arc::new(object_store::memory::InMemory::new()),
        search: SearchIndex::in_memory().unwrap(),
        gateways: Gateways::default(),
        mailer: Arc::new(KeepMails),
        door: Door::default(),
        origin: "https://shop.example".into(),
    }
}

pub(crate) fn staff() -> Authorized<EditProducts> {
    Operator::at_the_command_line().may()
}

/// A product in one form only.
pub(crate) fn mug(name: &str, price_minor: i64) -> SaveProduct {
    let slug = Slug::from_title(name);
    SaveProduct {
        target: Target::New,
        title: name.to_owned(),
        summary: format!("{name}, thrown by hand."),
        description: "Holds tea.".to_owned(),
        facts: vec!["300 ml".to_owned()],
        tax_class: TaxClass::Standard,
        currency: Currency::EUR,
        options: Vec::new(),
        variants: vec![SaveVariant {
            id: None,
            values: Vec::new(),
            sku: Sku::parse(&slug.as_str().to_uppercase()).unwrap(),
            barcode: None,
            price: Currency::EUR.minor(price_minor),
            compare_at: None,
            weight_grams: 400,
            content: None,
            stock_tracked: true,
        }],
        pictures: Vec::new(),
        slug,
    }
}

/// A product with two options: two glazes, two heights, four variants.
pub(crate) fn vase() -> SaveProduct {
    let value = |name: &str, swatch: Option<&str>| SaveValue {
        id: None,
        slug: None,
        name: name.to_owned(),
        swatch: swatch.and_then(Color::parse),
    };
    let option = |name: &str, values| SaveOption {
        id: None,
        slug: None,
        name: name.to_owned(),
        values,
    };
    let mut vase = mug("Tarn vase", 0);
    vase.options = vec![
        option(
            "Glaze",
            vec![
                value("Spruce", Some("#2f5d4e")),
                value("Ash", Some("#b9c9d6")),
            ],
        ),
        option("Height", vec![value("16 cm", None), value("24 cm", None)]),
    ];
    vase.variants = Vec::new();
    for (glaze, height, price) in [
        ("Spruce", "16 cm", 4_400),
        ("Spruce", "24 cm", 6_800),
        ("Ash", "16 cm", 4_400),
        ("Ash", "24 cm", 6_800),
    ] {
        vase.variants.push(SaveVariant {
            values: vec![glaze.to_owned(), height.to_owned()],
            sku: Sku::parse(&format!("TARN-{glaze}-{height}")).unwrap(),
            price: Currency::EUR.minor(price),
            ..mug("x", 0).variants.remove(0)
        });
    }
    vase
}

/// Puts so many pieces of a variant on the first location's shelf.
pub(crate) async fn stock(shop: &Shop, variant: &VariantId, pieces: i64) {
    let variant = variant.clone();
    shop.db
        .write(move |tx| {
            tx.execute(
                "INSERT INTO stock_locations (id, name, position, created_at) VALUES ('loc_1', 'Shelf', 1, 0)
                 ON CONFLICT (id) DO NOTHING",
                params![],
            )?;
            tx.execute(
                "INSERT INTO stock_levels (variant_id, location_id, on_hand, allocated, reserved, backorder_limit, changed_at)
                 VALUES ($1, 'loc_1', $2, 0, 0, 0, 0)
                 ON CONFLICT (variant_id, location_id) DO UPDATE SET on_hand = excluded.on_hand",
                params![variant, pieces],
            )?;
            Ok::<_, DbError>(())
        })
        .await
        .unwrap();
}

//! What a start page reads: rows of collections, and pictures for categories.

use std::io::Cursor;

use bytes::Bytes;
use db::{Db, store_contract};
use kernel::{CollectionId, MediaId, ProductId, Slug, VariantId};

use super::{mug, shop, staff, stock};
use crate::catalog::categories::{SaveCategory, pictures, place_products, save_category};
use crate::catalog::collections::{SaveCollection, save_collection};
use crate::catalog::edit::SavePicture;
use crate::catalog::listing::first_of_collections;
use crate::catalog::page::title_of_variant;
use crate::catalog::{ProductStatus, Saved, save_product, set_status};
use crate::schema::MIGRATIONS;
use crate::{Internal, Shop, media};

async fn picture(shop: &Shop, shade: u8) -> MediaId {
    let mut file = Cursor::new(Vec::new());
    let plain = image::RgbImage::from_pixel(8, 10, image::Rgb([shade, shade, shade]));
    plain.write_to(&mut file, image::ImageFormat::Png).unwrap();
    media::upload(shop, staff(), Bytes::from(file.into_inner()))
        .await
        .unwrap()
        .id
}

async fn product(shop: &Shop, name: &str, pieces: i64, picture: Option<&MediaId>) -> Saved {
    let mut new = mug(name, 1_000);
    new.pictures = picture
        .map(|media| SavePicture {
            media: media.clone(),
            alt: String::new(),
        })
        .into_iter()
        .collect();
    let saved = save_product(shop, staff(), new).await.unwrap();
    set_status(shop, staff(), saved.id.clone(), 1, ProductStatus::Active)
        .await
        .unwrap();
    stock(shop, &saved.variants[0], pieces).await;
    saved
}

async fn collection(shop: &Shop, name: &str, products: Vec<ProductId>) -> CollectionId {
    let new = SaveCollection {
        id: None,
        slug: Slug::from_title(name),
        title: name.to_owned(),
        intro: String::new(),
        position: 0,
        products,
    };
    save_collection(shop, staff(), new).await.unwrap()
}

async fn rows(
    shop: &Shop,
    wanted: &[&CollectionId],
    each: u32,
) -> Vec<(CollectionId, Vec<String>)> {
    let now = shop.clock.now();
    let wanted: Vec<CollectionId> = wanted.iter().copied().cloned().collect();
    let read = shop
        .db
        .read(move |tx| first_of_collections(tx, now, &wanted, each));
    let rows = read.await.unwrap().into_iter();
    rows.map(|(id, cards)| (id, cards.into_iter().map(|card| card.title).collect()))
        .collect()
}

store_contract! {
    migrations = MIGRATIONS;

    async fn each_collection_s_row_begins_as_its_own_page_does(db: &Db) {
        let shop = shop(db);
        let a = product(&shop, "A", 0, None).await.id;
        let b = product(&shop, "B", 2, None).await.id;
        let c = product(&shop, "C", 2, None).await.id;
        let gone = product(&shop, "Gone", 2, None).await.id;
        set_status(&shop, staff(), gone.clone(), 2, ProductStatus::Archived).await.unwrap();
        let first = collection(&shop, "First", vec![a.clone(), gone.clone(), c.clone(), b.clone()]).await;
        let second = collection(&shop, "Second", vec![b.clone()]).await;
        let empty = collection(&shop, "Empty", vec![gone]).await;
        let both = rows(&shop, &[&second, &empty, &first], 2).await;
        assert_eq!(both, [(second, vec!["B".to_owned()]), (first.clone(), vec!["C".to_owned(), "B".to_owned()])]);
        let all = rows(&shop, &[&first], 8).await;
        assert_eq!(all, [(first, vec!["C".to_owned(), "B".to_owned(), "A".to_owned()])]);
        assert_eq!(rows(&shop, &[], 8).await, []);
    }

    async fn a_category_is_shown_by_the_first_picture_in_it(db: &Db) {
        let shop = shop(db);
        let (dark, light) = (picture(&shop, 10).await, picture(&shop, 240).await);
        let bare = product(&shop, "Bare", 1, None).await.id;
        let first = product(&shop, "First", 1, Some(&light)).await.id;
        let second = product(&shop, "Second", 1, Some(&dark)).await.id;
        let category = |title: &str| SaveCategory {
            id: None,
            slug: Slug::from_title(title),
            title: title.to_owned(),
            intro: String::new(),
            parent: None,
            position: 0,
        };
        let vases = save_category(&shop, staff(), category("Vases")).await.unwrap();
        let bowls = save_category(&shop, staff(), category("Bowls")).await.unwrap();
        place_products(&shop, staff(), vases.clone(), vec![bare.clone(), first, second]).await.unwrap();
        place_products(&shop, staff(), bowls.clone(), vec![bare]).await.unwrap();
        let wanted = [vases.clone(), bowls];
        let found = shop.db.read(move |tx| pictures(tx, &wanted)).await.unwrap();
        let shown: Vec<_> = found.iter().map(|(category, picture)| (category.clone(), picture.id.clone())).collect();
        assert_eq!(shown, [(vases, light)]);
    }

    async fn a_variant_has_the_name_of_its_product_while_that_is_sold(db: &Db) {
        let shop = shop(db);
        let saved = product(&shop, "Mug", 1, None).await;
        let title = |id: VariantId| {
            let db = shop.db.clone();
            async move { db.read(move |tx| title_of_variant(tx, &id)).await.map_err(|e: Internal| e.to_string()) }
        };
        let variant = saved.variants[0].clone();
        assert_eq!(title(variant.clone()).await, Ok(Some("Mug".to_owned())));
        set_status(&shop, staff(), saved.id, 2, ProductStatus::Archived).await.unwrap();
        assert_eq!(title(variant).await, Ok(None));
        assert_eq!(title(VariantId::new(&kernel::RandomIds)).await, Ok(None));
    }
}

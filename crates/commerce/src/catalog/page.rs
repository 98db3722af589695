//! What a product's page shows.

use db::Tx;
use kernel::{Slug, Timestamp, VariantId};

use super::{Category, Product, ProductOption, ProductPicture, ProductStatus, Variant, store};
use crate::{Internal, Shop, inventory};

/// What stands at a product's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// A product that is sold.
    Product(Box<ProductPage>),
    /// A product that was sold once, and where to look instead.
    Gone {
        /// Its name.
        title: String,
        /// The way down to the category it stood in, from the top; may be empty.
        path: Vec<Category>,
    },
}

/// A product with everything its page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductPage {
    /// The product itself.
    pub product: Product,
    /// What can be chosen.
    pub options: Vec<ProductOption>,
    /// What can be bought, at least one, in the merchant's order.
    pub variants: Vec<OnSale>,
    /// Its pictures, the first one first.
    pub pictures: Vec<ProductPicture>,
    /// The way down to its category, from the top; empty if it stands in none.
    pub path: Vec<Category>,
}

/// A variant with its stock of this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnSale {
    /// The variant.
    pub variant: Variant,
    /// How many can be bought, never below zero; nothing if its stock is not counted.
    pub available: Option<i64>,
}

impl OnSale {
    /// Whether one can be bought now.
    pub fn can_be_bought(&self) -> bool {
        self.available.is_none_or(|count| count > 0)
    }
}

impl ProductPage {
    /// The variant with these values' slugs, in the order of the options.
    pub fn variant_by_slugs(&self, slugs: &[&str]) -> Option<&OnSale> {
        let combination = slugs.join("/");
        self.variants
            .iter()
            .find(|on_sale| on_sale.variant.combination == combination)
    }

    /// The variant to show when nothing was chosen: the first that can be bought, or else the first.
    pub fn first_choice(&self) -> Option<&OnSale> {
        self.variants
            .iter()
            .find(|on_sale| on_sale.can_be_bought())
            .or_else(|| self.variants.first())
    }
}

/// What stands at this address: a product on sale, one that is gone, or nothing (drafts are nothing).
///
/// Six statements, however many variants and pictures there are.
pub async fn find_product_page(shop: &Shop, slug: Slug) -> Result<Option<Shown>, Internal> {
    let now = shop.clock.now();
    shop.db.read(move |tx| product_page(tx, now, &slug)).await
}

/// Building block of [`find_product_page`]: for a page that reads more in the same transaction.
pub fn product_page(
    tx: &mut Tx<'_>,
    now: Timestamp,
    slug: &Slug,
) -> Result<Option<Shown>, Internal> {
    let Some(product) = store::products::product_by_slug(tx, slug)? else {
        return Ok(None);
    };
    if product.status == ProductStatus::Draft {
        return Ok(None);
    }
    let path = store::categories::path_of_product(tx, &product.id)?;
    if product.status == ProductStatus::Archived {
        return Ok(Some(Shown::Gone {
            title: product.title,
            path,
        }));
    }
    let options = store::products::options_of(tx, &product.id)?;
    let variants = store::products::variants_of(tx, &product.id)?;
    let pictures = store::products::pictures_of(tx, &product.id)?;
    let ids: Vec<_> = variants.iter().map(|variant| variant.id.clone()).collect();
    let available = inventory::available(tx, now, &ids)?;
    let variants = variants
        .into_iter()
        .map(|variant| {
            let available = available
                .get(&variant.id)
                .copied()
                .flatten()
                .map(|count| count.max(0));
            OnSale { variant, available }
        })
        .collect();
    Ok(Some(Shown::Product(Box::new(ProductPage {
        product,
        options,
        variants,
        pictures,
        path,
    }))))
}

/// The title of the product a variant on sale belongs to. One statement.
pub fn title_of_variant(tx: &mut Tx<'_>, variant: &VariantId) -> Result<Option<String>, Internal> {
    Ok(store::products::title_of_variant(tx, variant)?)
}

//! Creating and changing products: everything an editor's page holds, in one command and one transaction.

mod plan;

use db::{DbError, Tx};
use kernel::{
    Code, Coded, Currency, MediaId, Money, OptionId, OptionValueId, ProductId, Sku, Slug,
    TextError, VariantId,
};
use serde_json::json;

use super::store::{self, products::VariantUse};
use super::told;
use super::{
    Color, Content, Product, ProductOption, ProductPicture, ProductStatus, TaxClass, Variant,
};
use crate::audit::{self, Change};
use crate::staff::{Authorized, EditProducts};
use crate::{Act, Internal, Shop, inventory, lookup, media};

/// A product as its editor wants it: what is not named here is not part of the product afterwards.
#[derive(Debug, Clone)]
pub struct SaveProduct {
    /// Which product.
    pub target: Target,
    /// Its place in the shop's addresses.
    pub slug: Slug,
    /// Its name.
    pub title: String,
    /// Two plain sentences; may be empty.
    pub summary: String,
    /// The story, as [`super::to_html`] reads it; may be empty.
    pub description: String,
    /// Short statements, one thing each.
    pub facts: Vec<String>,
    /// How it is taxed.
    pub tax_class: TaxClass,
    /// What its prices are in.
    pub currency: Currency,
    /// Its options in order; none for a product that comes in one form only.
    pub options: Vec<SaveOption>,
    /// Its variants in order; at least one.
    pub variants: Vec<SaveVariant>,
    /// Its pictures in order.
    pub pictures: Vec<SavePicture>,
}

/// Which product a command is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A new one; it starts as a draft.
    New,
    /// A known one, as its editor saw it.
    Existing {
        /// Which.
        id: ProductId,
        /// The version the editor saw. If it has changed since, nothing is written.
        version: i64,
    },
}

/// An option as its editor wants it.
#[derive(Debug, Clone)]
pub struct SaveOption {
    /// The option this is, if it is known. Without it, the option with the same slug is meant, or else a new one.
    pub id: Option<OptionId>,
    /// Its name in addresses; by default made from its name when it is new, and kept when it is known.
    pub slug: Option<Slug>,
    /// Its name.
    pub name: String,
    /// What can be chosen; at least one.
    pub values: Vec<SaveValue>,
}

/// A value of an option as its editor wants it.
#[derive(Debug, Clone)]
pub struct SaveValue {
    /// The value this is, if it is known; see [`SaveOption::id`].
    pub id: Option<OptionValueId>,
    /// Its name in addresses; see [`SaveOption::slug`].
    pub slug: Option<Slug>,
    /// Its name.
    pub name: String,
    /// The colour it is shown by.
    pub swatch: Option<Color>,
}

/// A variant as its editor wants it.
#[derive(Debug, Clone)]
pub struct SaveVariant {
    /// The variant this is, if it is known. Without it, the variant with the same values is meant, or else a new one.
    pub id: Option<VariantId>,
    /// The name of its value of each option, in the order of the options.
    pub values: Vec<String>,
    /// Its article number.
    pub sku: Sku,
    /// What a scanner reads.
    pub barcode: Option<String>,
    /// What it costs.
    pub price: Money,
    /// What it cost before, if it is reduced.
    pub compare_at: Option<Money>,
    /// What it weighs with its packing.
    pub weight_grams: u32,
    /// How much is in it.
    pub content: Option<Content>,
    /// Whether its stock is counted.
    pub stock_tracked: bool,
}

/// A picture of a product as its editor wants it.
#[derive(Debug, Clone)]
pub struct SavePicture {
    /// Which picture.
    pub media: MediaId,
    /// What it shows, for those who do not see it; may be empty.
    pub alt: String,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The product.
    pub id: ProductId,
    /// Its version now, for the next change.
    pub version: i64,
    /// Its variants in order.
    pub variants: Vec<VariantId>,
}

/// One thing to correct, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field, such as `title` or `variants.2.compare_at`; lists count from 0.
    pub field: String,
    /// What is wrong, in a sentence that says what to do.
    pub problem: Problem,
}

/// What can be wrong with a field of a product.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The text itself.
    #[error(transparent)]
    Text(#[from] TextError),
    /// Fewer than one.
    #[error("add at least one")]
    NoneGiven,
    /// More than can be handled.
    #[error("use at most {0}")]
    TooMany(usize),
    /// Given twice.
    #[error("this is here twice; keep one of them")]
    Twice,
    /// Not a value of the option in its place.
    #[error("choose one value of each option")]
    NotAChoice,
    /// Another variant has the same values.
    #[error("another variant has the same values; change one or remove it")]
    SameValues,
    /// In another currency than the product.
    #[error("enter the amount in {0}")]
    OtherCurrency(Currency),
    /// Below zero.
    #[error("enter an amount of zero or more")]
    Negative,
    /// The price before is not above the price now.
    #[error(
        "the earlier price must be higher than the price; leave it empty if nothing is reduced"
    )]
    NotReduced,
    /// A content of nothing.
    #[error("enter how much is in it, at least 1")]
    NoContent,
    /// Not a picture of this shop.
    #[error("this picture is not there any more; upload it again")]
    NoSuchPicture,
    /// Stock to begin with that nobody can have.
    #[error("enter up to 1,000,000 pieces")]
    BadPieces,
    /// Stock to begin with, and nowhere to put it.
    #[error("add a place that holds stock first, under Inventory")]
    NoPlace,
    /// Not part of this product.
    #[error("this does not belong to the product; reload the page")]
    Foreign,
}

/// Why a product was not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveProductError {
    /// Some fields need correcting.
    #[error("{} fields need correcting", .0.len())]
    Invalid(Vec<Fault>),
    /// Another product has this address.
    #[error("the address {0} is taken by another product; choose another")]
    SlugTaken(Slug),
    /// Other products' variants have these article numbers.
    #[error("these article numbers are taken by other products: {}", listed(.0))]
    SkuTaken(Vec<Sku>),
    /// Somebody else saved it meanwhile.
    #[error(
        "the product was changed meanwhile (version {seen} was opened, it is at {current}); reload it"
    )]
    Stale {
        /// The version the editor saw.
        seen: i64,
        /// The version it has.
        current: i64,
    },
    /// The variants that would go are part of orders, carts or the stock ledger.
    #[error("{} variants that would be removed are in use", .0.len())]
    InUse(Vec<VariantUse>),
    /// There is no such product.
    #[error("there is no such product")]
    NotFound,
    /// Not the editor's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}

crate::internal_from!(SaveProductError: DbError);

impl Coded for SaveProductError {
    fn code(&self) -> Code {
        match self {
            Self::Invalid(_) => Code::Invalid,
            Self::SlugTaken(_) | Self::SkuTaken(_) => Code::Taken,
            Self::Stale { .. } | Self::InUse(_) => Code::StaleState,
            Self::NotFound => Code::NotFound,
            Self::Internal(error) => error.code(),
        }
    }
}

fn listed(skus: &[Sku]) -> String {
    skus.iter().map(Sku::as_str).collect::<Vec<_>>().join(", ")
}

/// Creates or changes a product with its options, variants, prices and pictures.
///
/// All of it or nothing. Known options, values and variants keep their ids; what the command leaves out is removed, unless
/// an order, a cart or the stock ledger knows a variant that would go: then nothing is written and the uses are listed.
pub async fn save_product(
    shop: &Shop,
    staff: Authorized<EditProducts>,
    product: SaveProduct,
) -> Result<Saved, SaveProductError> {
    audit::change(shop, shop.act(staff.actor()), move |tx, act| {
        let before = match &product.target {
            Target::New => None,
            Target::Existing { id, .. } => told::product(tx, id)?,
        };
        let saved = save(tx, act, &product)?;
        let after = told::product(tx, &saved.id)?;
        let change = Change::new("product.save", "product", &saved.id);
        let change = match before {
            Some(before) => change.between(before, after),
            None => change.to(after),
        };
        Ok((saved, change))
    })
    .await
}

/// Puts a product on the shelf, takes it back to the workbench, or out for good.
pub async fn set_status(
    shop: &Shop,
    staff: Authorized<EditProducts>,
    id: ProductId,
    version: i64,
    to: ProductStatus,
) -> Result<i64, SaveProductError> {
    audit::change(shop, shop.act(staff.actor()), move |tx, act| {
        let revision = store::next_revision(tx)?;
        let product = current(tx, &id, version)?;
        if !store::products::update_status(tx, &product, to, revision, act.now)? {
            return Err(stale(tx, &id, version)?);
        }
        let change = Change::new("product.set_status", "product", &id)
            .from(json!({ "status": product.status }))
            .to(json!({ "status": to }));
        Ok((version.saturating_add(1), change))
    })
    .await
}

/// A product as its editor's page opens it, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedProduct {
    /// The product itself, with the version to name when saving.
    pub product: Product,
    /// What can be chosen.
    pub options: Vec<ProductOption>,
    /// Its variants, in order.
    pub variants: Vec<Variant>,
    /// Its pictures, in order.
    pub pictures: Vec<ProductPicture>,
}

/// The product at this address for its editor; drafts and archived ones too.
pub async fn open_product(
    shop: &Shop,
    _staff: Authorized<EditProducts>,
    slug: Slug,
) -> Result<Option<OpenedProduct>, Internal> {
    shop.db
        .read(move |tx| {
            let product = store::products::product_by_slug(tx, &slug)?;
            let opened = product.map(|product| opened(tx, product)).transpose()?;
            Ok(opened)
        })
        .await
}

/// A product with all its parts. Three statements.
pub(super) fn opened(tx: &mut Tx<'_>, product: Product) -> Result<OpenedProduct, DbError> {
    let options = store::products::options_of(tx, &product.id)?;
    let variants = store::products::variants_of(tx, &product.id)?;
    let pictures = store::products::pictures_of(tx, &product.id)?;
    Ok(OpenedProduct {
        product,
        options,
        variants,
        pictures,
    })
}

/// Building block of [`save_product`].
pub(crate) fn save(
    tx: &mut Tx<'_>,
    act: &Act,
    product: &SaveProduct,
) -> Result<Saved, SaveProductError> {
    let revision = store::next_revision(tx)?;
    let known = match &product.target {
        Target::New => plan::Known {
            id: ProductId::new(&*act.ids),
            options: Vec::new(),
            variants: Vec::new(),
        },
        Target::Existing { id, version } => {
            current(tx, id, *version)?;
            let options = store::products::options_of(tx, id)?;
            plan::Known {
                id: id.clone(),
                options,
                variants: store::products::variants_of(tx, id)?,
            }
        }
    };
    let wanted: Vec<MediaId> = product
        .pictures
        .iter()
        .map(|picture| picture.media.clone())
        .collect();
    let pictures = media::store::known_of(tx, &wanted)?;
    let plan = plan::plan(product, &known, &pictures, act).map_err(SaveProductError::Invalid)?;
    refuse_taken(tx, product, &known.id)?;

    let uses = store::products::uses_of(tx, &plan.removed)?;
    if !uses.is_empty() {
        return Err(SaveProductError::InUse(uses));
    }
    let version = write(tx, act, product, revision, &plan)?;
    Ok(Saved {
        id: plan.id,
        version,
        variants: plan
            .variants
            .into_iter()
            .map(|variant| variant.row.id)
            .collect(),
    })
}

fn write(
    tx: &mut Tx<'_>,
    act: &Act,
    product: &SaveProduct,
    revision: i64,
    plan: &plan::Plan,
) -> Result<i64, SaveProductError> {
    let id = &plan.id;
    let row = store::products::ProductRow {
        id,
        slug: &product.slug,
        title: &plan.title,
        summary: &plan.summary,
        description: &plan.description,
        facts: &plan.facts.join("\n"),
        tax_class: product.tax_class,
        currency: product.currency,
        min_price_minor: plan
            .variants
            .iter()
            .map(|v| v.row.price.minor())
            .min()
            .unwrap_or(0),
        max_price_minor: plan
            .variants
            .iter()
            .map(|v| v.row.price.minor())
            .max()
            .unwrap_or(0),
        revision,
        now: act.now,
    };
    let version = match &product.target {
        Target::New => {
            store::products::insert_product(tx, &row)?;
            1
        }
        Target::Existing { version, .. } => {
            if !store::products::update_product(tx, &row, *version)? {
                return Err(stale(tx, id, *version)?);
            }
            version.saturating_add(1)
        }
    };
    store::products::make_room(tx, id)?;
    store::products::delete_variants(tx, &plan.removed)?;
    for (position, option) in (0_i64..).zip(&plan.options) {
        store::products::put_option(tx, id, position, option)?;
        for (position, value) in (0_i64..).zip(&option.values) {
            store::products::put_value(tx, &option.id, position, value)?;
        }
    }
    for (position, variant) in (0_i64..).zip(&plan.variants) {
        store::products::put_variant(tx, position, &variant.row, &variant.values, act.now)?;
    }
    for (position, (media, alt)) in (0_i64..).zip(&plan.pictures) {
        store::products::put_picture(tx, id, position, media, alt)?;
    }
    let options: Vec<OptionId> = plan
        .options
        .iter()
        .map(|option| option.id.clone())
        .collect();
    let values: Vec<OptionValueId> = plan
        .options
        .iter()
        .flat_map(|option| option.values.iter().map(|value| value.id.clone()))
        .collect();
    store::products::delete_other_options(tx, id, &options, &values)?;
    lookup::keep_title(tx, (id, &plan.title), act.now)?;
    inventory::ensure_shelves(tx, act.now, Some(id))?;
    Ok(version)
}

fn refuse_taken(
    tx: &mut Tx<'_>,
    product: &SaveProduct,
    id: &ProductId,
) -> Result<(), SaveProductError> {
    if store::products::product_by_slug(tx, &product.slug)?.is_some_and(|other| other.id != *id) {
        return Err(SaveProductError::SlugTaken(product.slug.clone()));
    }
    let skus: Vec<Sku> = product
        .variants
        .iter()
        .map(|variant| variant.sku.clone())
        .collect();
    let taken = store::products::skus_of_others(tx, id, &skus)?;
    if taken.is_empty() {
        Ok(())
    } else {
        Err(SaveProductError::SkuTaken(taken))
    }
}

/// The product, if it still is as its editor saw it.
fn current(tx: &mut Tx<'_>, id: &ProductId, seen: i64) -> Result<Product, SaveProductError> {
    let product = store::products::product_by_id(tx, id)?.ok_or(SaveProductError::NotFound)?;
    if product.version == seen {
        Ok(product)
    } else {
        Err(SaveProductError::Stale {
            seen,
            current: product.version,
        })
    }
}

fn stale(tx: &mut Tx<'_>, id: &ProductId, seen: i64) -> Result<SaveProductError, DbError> {
    Ok(match store::products::product_by_id(tx, id)? {
        Some(product) => SaveProductError::Stale {
            seen,
            current: product.version,
        },
        None => SaveProductError::NotFound,
    })
}

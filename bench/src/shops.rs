//! Shops to measure: made once, kept in a folder, and copied for each run.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use commerce::MIGRATIONS;
use commerce::catalog::collections::{SaveCollection, save_collection};
use commerce::index::SearchIndex;
use commerce::testing::large::{Plan, fill};
use commerce::testing::{TestShop, euros, operator};
use db::{Db, DbError, Location, Options, params};
use kernel::{Clock, ProductId, Slug, SystemClock, VariantId};
use tempfile::TempDir;

use crate::server::Place;
use crate::{BenchError, say};

/// Products of the catalogue that are stocked up, so that a run can buy of them as much as it wants.
const PLENTY: u32 = 64;
/// Pieces of each.
const PIECES: i64 = 1_000_000;
/// Orders that were placed before.
const ORDERS: u32 = 1_000;
/// Products in the collection on the start page.
const COLLECTED: u32 = 120;

/// What buyers of one variant buy.
pub(crate) const HOT: &str = "/products/hot-seller";
/// What there are [`LIMITED_PIECES`] of.
pub(crate) const LIMITED: &str = "/products/limited-edition";
/// How many.
pub(crate) const LIMITED_PIECES: i64 = 100;
/// A collection.
pub(crate) const COLLECTION: &str = "/collections/slow-mornings";

/// The pages of products, every one that is on sale, by their number.
pub(crate) fn product(number: u32) -> Option<String> {
    let on_sale = !matches!(number % 20, 0 | 1);
    on_sale.then(|| format!("/products/thing-1-{number}"))
}

/// The pages of products of which there is plenty; they come in one form.
pub(crate) fn plenty() -> Vec<String> {
    plenty_numbers().into_iter().filter_map(product).collect()
}

fn plenty_numbers() -> Vec<u32> {
    let wanted = usize::try_from(PLENTY).unwrap_or(64);
    (1..)
        .filter(|number| number % 3 == 0 && product(*number).is_some())
        .take(wanted)
        .collect()
}

/// A shop for one run, gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Stage {
    /// Where it is.
    pub(crate) place: Place,
    /// How many products it has.
    pub(crate) products: u32,
    _folder: TempDir,
}

/// Sets up a shop in a file: a copy of the one kept for this size, which is made if there is none.
pub(crate) async fn sqlite(shops: &Path, products: u32) -> Result<Stage, BenchError> {
    let kept = keep(shops, products).await?;
    let folder = folder_in(shops)?;
    let data = folder.path().join("data");
    copy(&kept, &data)?;
    let place = Place {
        data,
        postgres: None,
    };
    Ok(Stage {
        place,
        products,
        _folder: folder,
    })
}

/// Sets up a shop in an empty PostgreSQL database.
pub(crate) async fn postgres(shops: &Path, url: &str, products: u32) -> Result<Stage, BenchError> {
    let location = Location::Postgres(url.to_owned());
    let db = Db::open(&location, &Options::default())?;
    if db.schema_version().await? != 0 {
        return Err(BenchError::NotEmpty);
    }
    let folder = folder_in(shops)?;
    let data = folder.path().join("data");
    fs::create_dir_all(&data).map_err(|error| in_folder(&data, error))?;
    furnish(db, &data, products).await?;
    let place = Place {
        data,
        postgres: Some(url.to_owned()),
    };
    Ok(Stage {
        place,
        products,
        _folder: folder,
    })
}

fn folder_in(shops: &Path) -> Result<TempDir, BenchError> {
    fs::create_dir_all(shops).map_err(|error| in_folder(shops, error))?;
    tempfile::Builder::new()
        .prefix("run-")
        .tempdir_in(shops)
        .map_err(|error| in_folder(shops, error))
}

/// Makes the shop of this size unless it is kept already; gives its folder.
pub(crate) async fn keep(shops: &Path, products: u32) -> Result<PathBuf, BenchError> {
    // A shop made by another release of the schema or of this program is another shop.
    let kept = shops.join(format!(
        "{products}-{}-{}",
        MIGRATIONS.len(),
        env!("CARGO_PKG_VERSION")
    ));
    if kept.is_dir() {
        return Ok(kept);
    }
    say(&format!(
        "Making a shop of {products} products, to be kept.\n"
    ))?;
    let folder = folder_in(shops)?;
    let data = folder.path().join("data");
    fs::create_dir_all(&data).map_err(|error| in_folder(&data, error))?;
    let location = Location::Sqlite(data.join("shop.sqlite"));
    furnish(Db::open(&location, &Options::default())?, &data, products).await?;
    fs::rename(&data, &kept).map_err(|error| in_folder(&kept, error))?;
    Ok(kept)
}

async fn furnish(db: Db, data: &Path, products: u32) -> Result<(), BenchError> {
    db.migrate(MIGRATIONS).await?;
    let mut test = TestShop::on(db.clone(), None).await;
    test.shop.clock = Arc::new(SystemClock);
    let plan = Plan {
        products,
        orders: ORDERS,
        seed: 1,
        until: SystemClock.now(),
    };
    fill(&db, &plan, |_| {}).await?;
    stock_up(&test, products).await?;
    test.product("Hot seller", euros(1_900), PIECES).await;
    test.product("Limited edition", euros(9_900), LIMITED_PIECES)
        .await;
    gather(&test, products).await?;
    test.shop.search = SearchIndex::in_folder(&data.join("search"))
        .map_err(|error| BenchError::Unexpected(format!("no search index: {error}")))?;
    commerce::search::catch_up(&test.shop)
        .await
        .map_err(|error| BenchError::Unexpected(format!("no search index: {error}")))?;
    db.write(|tx| tx.execute("ANALYZE", params![]).map(drop))
        .await
        .map_err(|error: DbError| error)?;
    db.close().await;
    Ok(())
}

async fn stock_up(test: &TestShop, products: u32) -> Result<(), BenchError> {
    for number in plenty_numbers() {
        let slug = format!("thing-1-{number}");
        let read = test.shop.db.read(move |tx| {
            tx.query_opt::<(VariantId,)>(
                "SELECT v.id FROM variants v JOIN products p ON p.id = v.product_id WHERE p.slug = $1",
                params![slug],
            )
        });
        let found = read.await.map_err(|error: DbError| error)?;
        let (variant,) = found.ok_or_else(|| {
            BenchError::Unexpected(format!("a shop of {products} products is too small"))
        })?;
        test.receive(&variant, PIECES).await;
    }
    Ok(())
}

/// Makes a collection and shows it on the start page.
async fn gather(test: &TestShop, products: u32) -> Result<(), BenchError> {
    let read = test.shop.db.read(|tx| {
        tx.query::<(ProductId,)>(
            "SELECT id FROM products WHERE status = 'active' ORDER BY id LIMIT $1",
            params![i64::from(COLLECTED)],
        )
    });
    let found = read.await.map_err(|error: DbError| error)?;
    let collection = SaveCollection {
        id: None,
        slug: Slug::from_title("Slow mornings"),
        title: "Slow mornings".to_owned(),
        intro: "For days that begin without a clock.".to_owned(),
        position: 0,
        products: found.into_iter().map(|(id,)| id).collect(),
    };
    save_collection(&test.shop, operator().may(), collection)
        .await
        .map_err(|error| {
            BenchError::Unexpected(format!("no collection in {products} products: {error}"))
        })?;
    test.set(|settings| settings.home.collection_slugs = vec!["slow-mornings".to_owned()])
        .await;
    Ok(())
}

/// Copies a folder with what is in it.
fn copy(from: &Path, to: &Path) -> Result<(), BenchError> {
    fs::create_dir_all(to).map_err(|error| in_folder(to, error))?;
    for entry in fs::read_dir(from).map_err(|error| in_folder(from, error))? {
        let entry = entry.map_err(|error| in_folder(from, error))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target)?;
        } else {
            fs::copy(&source, &target).map_err(|error| in_folder(&target, error))?;
        }
    }
    Ok(())
}

fn in_folder(folder: &Path, error: std::io::Error) -> BenchError {
    BenchError::File(folder.display().to_string(), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_plenty_of_is_on_sale_in_one_form() {
        let plenty = plenty();
        assert_eq!(plenty.len(), 64);
        assert_eq!(plenty[0], "/products/thing-1-3");
        assert_eq!((product(20), product(41)), (None, None));
    }
}

//! Large shops, to measure with and to look at.

use std::path::PathBuf;
use std::time::Instant;

use commerce::testing::large::{Plan, fill};
use db::{Db, DbError, Location, Options};
use kernel::{Clock, SystemClock};

use crate::{BenchError, say};

/// How large.
pub(crate) struct Wanted {
    pub(crate) products: u32,
    pub(crate) orders: u32,
    pub(crate) seed: u32,
}

/// Makes the shop, saying how far it is.
pub(crate) async fn generate(
    wanted: Wanted,
    data: Option<PathBuf>,
    postgres: Option<String>,
) -> Result<(), BenchError> {
    let location = match (postgres, data) {
        (Some(url), _) => Location::Postgres(url),
        (None, data) => {
            let folder = data.unwrap_or_default();
            std::fs::create_dir_all(&folder)
                .map_err(|error| BenchError::File(folder.display().to_string(), error))?;
            Location::Sqlite(folder.join("shop.sqlite"))
        }
    };
    let db = Db::open(&location, &Options::default())?;
    db.migrate(commerce::MIGRATIONS).await?;
    let plan = Plan {
        products: wanted.products,
        orders: wanted.orders,
        seed: wanted.seed,
        until: SystemClock.now(),
    };
    let start = Instant::now();
    let made = fill(&db, &plan, |what| {
        let line = format!("{:>6.1} s  {what}\n", start.elapsed().as_secs_f32());
        // Whether anybody reads how far it is makes no difference to the shop.
        drop(say(&line));
    });
    made.await.map_err(|error| match error.database() {
        Some(DbError::UniqueViolation { .. }) => BenchError::SeedUsed(wanted.seed),
        Some(_) | None => BenchError::Shop(error),
    })?;
    db.close().await;
    Ok(())
}

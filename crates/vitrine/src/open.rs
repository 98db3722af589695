//! Wiring: from a configuration to a shop.

use std::error::Error;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use commerce::index::SearchIndex;
use commerce::keys::{Purpose, server_key};
use commerce::ports::mail::{KeepMails, Mailer};
use commerce::schema::WATCHED;
use commerce::{MIGRATIONS, Shop};
use db::{Db, Location, Options};
use kernel::{RandomIds, SystemClock};
use object_store::local::LocalFileSystem;
use providers::mail::{SmtpConfig, SmtpMailer};
use providers::payments::TestGateway;

use crate::config::{Config, absolute};

/// A shop with its doors still closed.
pub(crate) struct Opened {
    /// The shop.
    pub(crate) shop: Shop,
    /// The test gateway, for its own page and its notices.
    pub(crate) test_gateway: TestGateway,
    /// Keeps other processes from serving from the same folder for as long as it is held; the system lets go of it however
    /// the process ends.
    pub(crate) lock: Option<File>,
}

/// What the wiring needs besides the configuration.
pub(crate) struct Wishes<'a> {
    /// Where buyers reach the shop.
    pub(crate) origin: &'a str,
    /// Whether to make what is not there, and to bring the database up to date.
    pub(crate) make: bool,
    /// Whether to serve: then the folder's lock and its search index are this process's.
    pub(crate) serve: bool,
}

type Failure = Box<dyn Error + Send + Sync>;

/// Opens the shop's database and files.
pub(crate) async fn open(config: &Config, wishes: &Wishes<'_>) -> Result<Opened, Failure> {
    let location = config.location();
    if let Location::Sqlite(file) = &location {
        if wishes.make {
            make_folder(&config.data)?;
        } else if !file.exists() {
            let folder = absolute(&config.data);
            return Err(format!("there is no shop in {}; open one with `vitrine serve`, or name another folder with --data", folder.display()).into());
        }
    }
    make_folder(&config.media())?;
    let lock = if wishes.serve { lock(config)? } else { None };
    let db = Db::open(&location, &Options::default())
        .map_err(|error| format!("{} cannot be opened: {error}", config.database_in_words()))?;
    db.watch(WATCHED);
    if wishes.make {
        db.migrate(MIGRATIONS).await?;
    } else {
        refuse_other_version(&db, config).await?;
    }
    let media = LocalFileSystem::new_with_prefix(config.media())?.with_automatic_cleanup(true);
    let mut shop = Shop {
        db,
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        media: Arc::new(media),
        search: if lock.is_some() {
            SearchIndex::in_folder(&config.search())?
        } else {
            SearchIndex::in_memory()?
        },
        gateways: commerce::ports::gateway::Gateways::default(),
        mailer: mailer(config)?,
        door: commerce::staff::Door::default(),
        origin: wishes.origin.into(),
    };
    let key = server_key(&shop, Purpose::TestGateway).await?;
    let test_gateway = TestGateway::new(
        shop.db.clone(),
        Arc::clone(&shop.clock),
        Arc::clone(&shop.ids),
        key,
        wishes.origin,
    );
    shop.gateways = providers::payments::gateways(test_gateway.clone());
    Ok(Opened {
        shop,
        test_gateway,
        lock,
    })
}

/// Makes this process the only one that serves from the data folder.
///
/// With PostgreSQL the folder only holds pictures, which nodes share, and a search index, which they do not: `None` tells
/// the second node on the folder to keep its index in memory. With SQLite two servers would each run every job.
fn lock(config: &Config) -> Result<Option<File>, Failure> {
    let folder = absolute(&config.data);
    let path = config.data.join("vitrine.lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) if config.database.is_some() => Ok(None),
        Err(TryLockError::WouldBlock) => Err(format!(
            "the shop in {} is already open: another vitrine serves it. Stop that one first, or name another folder with --data; \
             for several processes on one shop, use PostgreSQL with --database",
            folder.display()
        )
        .into()),
        Err(TryLockError::Error(error)) => {
            Err(format!("{} cannot be locked: {error}", path.display()).into())
        }
    }
}

async fn refuse_other_version(db: &Db, config: &Config) -> Result<(), Failure> {
    let wanted = MIGRATIONS.last().map_or(0, db::Migration::version);
    let found = db.schema_version().await?;
    if found < wanted {
        return Err(format!(
            "{} is at version {found}, this program needs {wanted}; run `vitrine migrate` first",
            config.database_in_words()
        )
        .into());
    }
    if found > wanted {
        return Err(format!(
            "{} is at version {found}, this program knows {wanted}; use a newer vitrine",
            config.database_in_words()
        )
        .into());
    }
    Ok(())
}

/// Makes a folder that only its owner can look into: it holds the shop's data.
fn make_folder(folder: &Path) -> Result<(), Failure> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| {
        format!(
            "the folder {} cannot be made: {error}; name another with --data",
            absolute(folder).display()
        )
        .into()
    })
}

fn mailer(config: &Config) -> Result<Arc<dyn Mailer>, Failure> {
    match &config.smtp {
        Some(smtp) => Ok(Arc::new(SmtpMailer::new(SmtpConfig::parse(
            &smtp.url,
            Some(smtp.from.as_str()),
        )?))),
        None => Ok(Arc::new(KeepMails)),
    }
}

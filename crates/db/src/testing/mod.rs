//! Test databases, and tests that run on both engines.
//!
//! A test database on PostgreSQL lives on the server named by `VITRINE_TEST_POSTGRES` (a URL of a user who may create
//! databases), or else on a throw-away server that the first test starts and that stops by itself when it has been idle
//! for some minutes. Where there is neither, tests on PostgreSQL print a line saying so and pass, unless
//! `VITRINE_REQUIRE_POSTGRES=1` asks them to fail.

use std::future::Future;
use std::io::Write;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use tempfile::TempDir;

use crate::{Db, DbError, Location, Migration, Options};

mod cluster;
mod server;

#[doc(hidden)]
pub use cluster::TlsServer;

/// A fresh, migrated database that is gone when this is dropped.
pub struct TestDatabase {
    db: Db,
    location: Location,
    _place: Place,
}

enum Place {
    Sqlite(#[expect(dead_code, reason = "held for its Drop, which removes the folder")] TempDir),
    Postgres(
        #[expect(dead_code, reason = "held for its Drop, which drops the database")]
        server::TestDatabaseName,
    ),
}

impl TestDatabase {
    /// A SQLite file in a folder of its own.
    ///
    /// # Panics
    /// When it cannot be made: nothing can be tested then.
    pub async fn sqlite(migrations: &[Migration]) -> Self {
        Self::sqlite_with(migrations, &options()).await
    }

    /// Like [`Self::sqlite`], with these options.
    pub async fn sqlite_with(migrations: &[Migration], options: &Options) -> Self {
        let folder = match memory_folder() {
            Some(memory) => TempDir::with_prefix_in("vitrine-test-", memory),
            None => TempDir::with_prefix("vitrine-test-"),
        };
        let folder = folder.expect("a temporary folder can be made");
        let location = Location::Sqlite(folder.path().join("shop.sqlite"));
        let db = open(&location, options);
        db.migrate(migrations)
            .await
            .expect("the migrations run on SQLite");
        Self {
            db,
            location,
            _place: Place::Sqlite(folder),
        }
    }

    /// A database of its own on the PostgreSQL test server; `None`, with a visible line, where there is no server.
    ///
    /// # Panics
    /// When there is a server and the database cannot be made, or `VITRINE_REQUIRE_POSTGRES=1` and there is none.
    pub async fn postgres(migrations: &[Migration]) -> Option<Self> {
        Self::postgres_with(migrations, &options()).await
    }

    /// Like [`Self::postgres`], with these options.
    #[expect(clippy::unused_async, reason = "the twin of `sqlite_with`")]
    pub async fn postgres_with(migrations: &[Migration], options: &Options) -> Option<Self> {
        let list = migrations.to_vec();
        // The driver must not run on a thread of the async runtime.
        let made = std::thread::spawn(move || server::create_database(&list))
            .join()
            .expect("no panic while it is made");
        match made {
            Ok(name) => {
                let location = Location::Postgres(name.url());
                Some(Self {
                    db: open(&location, options),
                    location,
                    _place: Place::Postgres(name),
                })
            }
            Err(reason) => {
                skip(&reason);
                None
            }
        }
    }

    /// Where it is, to open it once more: a second node, or the same after a restart.
    pub const fn location(&self) -> &Location {
        &self.location
    }
}

impl Deref for TestDatabase {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

/// How tests open a database: fewer threads than a shop.
pub fn options() -> Options {
    Options {
        readers: 2,
        writers: 4,
        ..Options::default()
    }
}

fn open(location: &Location, options: &Options) -> Db {
    Db::open(location, options).expect("the test database opens")
}

/// A folder in memory, where a sync costs nothing.
fn memory_folder() -> Option<PathBuf> {
    let memory = Path::new("/dev/shm");
    TempDir::new_in(memory).is_ok().then(|| memory.to_owned())
}

/// Says that there is no server; panics where one is required.
#[doc(hidden)]
pub fn skip(reason: &str) {
    let required = std::env::var("VITRINE_REQUIRE_POSTGRES").is_ok_and(|value| value == "1");
    assert!(
        !required,
        "VITRINE_REQUIRE_POSTGRES=1, but there is no PostgreSQL: {reason}"
    );
    // Straight to the terminal: what goes through `eprintln!` is kept back when a test passes.
    let line = format!("skipped: no PostgreSQL ({reason})\n");
    std::io::stderr()
        .write_all(line.as_bytes())
        .expect("the terminal takes a line");
}

/// A contract as [`crate::store_contract!`] passes it on.
type Contract = for<'a> fn(&'a Db) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Runs a contract on SQLite. For [`crate::store_contract!`].
pub fn on_sqlite(migrations: &[Migration], contract: Contract) {
    runtime().block_on(async {
        let db = TestDatabase::sqlite(migrations).await;
        contract(&db).await;
    });
}

/// Runs a contract on PostgreSQL. For [`crate::store_contract!`].
pub fn on_postgres(migrations: &[Migration], contract: Contract) {
    runtime().block_on(async {
        if let Some(db) = TestDatabase::postgres(migrations).await {
            contract(&db).await;
        }
    });
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime starts")
}

/// Migrates a template; for the server module, on a thread without a runtime.
fn migrate_blocking(location: &Location, migrations: &[Migration]) -> Result<(), DbError> {
    runtime().block_on(async {
        let db = Db::open(
            location,
            &Options {
                readers: 1,
                writers: 1,
                ..options()
            },
        )?;
        let migrated = db.migrate(migrations).await;
        db.close().await;
        migrated.map(drop)
    })
}

/// Tests that run on both databases: each becomes `name::sqlite` and `name::postgres`, on a fresh migrated database.
///
/// ```text
/// store_contract! {
///     migrations = MIGRATIONS;
///
///     async fn reserving_more_than_is_on_hand_changes_nothing(db: &Db) { … }
/// }
/// ```
#[macro_export]
macro_rules! store_contract {
    (migrations = $migrations:expr; $($(#[$meta:meta])* async fn $name:ident($db:ident: &$kind:ty) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn contract($db: &$kind) $body

            #[test]
            fn sqlite() {
                $crate::testing::on_sqlite($migrations, |db| ::std::boxed::Box::pin(contract(db)));
            }

            #[test]
            fn postgres() {
                $crate::testing::on_postgres($migrations, |db| ::std::boxed::Box::pin(contract(db)));
            }
        }
    )+};
}

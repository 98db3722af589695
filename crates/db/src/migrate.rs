//! Migrations: forward only, each in its own transaction, one text for both databases.

use data_encoding::HEXLOWER;
use kernel::time::{Clock, SystemClock};
use sha2::{Digest, Sha256};

use crate::{Db, DbError, Engine, Tx, params};

mod dialect;

/// One step of the schema. Once released it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    version: u32,
    name: &'static str,
    text: Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    Common(&'static str),
    Pair {
        sqlite: &'static str,
        postgres: &'static str,
    },
}

impl Migration {
    /// A migration with one text for both databases, in the words `TEXT`, `BIGINT`, `BOOLEAN` and `BYTEA`.
    ///
    /// For SQLite the words become `INTEGER` and `BLOB`, a `BOOLEAN` is checked to be 0 or 1, and every table is STRICT.
    /// For PostgreSQL text is given the collation `"C"`, so that it is ordered by its bytes there too.
    pub const fn common(version: u32, name: &'static str, sql: &'static str) -> Self {
        Self {
            version,
            name,
            text: Text::Common(sql),
        }
    }

    /// A migration with a text for each database, each run as it is written.
    pub const fn pair(
        version: u32,
        name: &'static str,
        sqlite: &'static str,
        postgres: &'static str,
    ) -> Self {
        Self {
            version,
            name,
            text: Text::Pair { sqlite, postgres },
        }
    }

    /// Its number; they rise.
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Its name, for people, with or without its number.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The text as `engine` runs it.
    pub(crate) fn translated(&self, engine: Engine) -> String {
        match (self.text, engine) {
            (Text::Common(sql), Engine::Sqlite) => dialect::for_sqlite(sql),
            (Text::Common(sql), Engine::Postgres) => dialect::for_postgres(sql),
            (Text::Pair { sqlite, .. }, Engine::Sqlite) => sqlite.to_owned(),
            (Text::Pair { postgres, .. }, Engine::Postgres) => postgres.to_owned(),
        }
    }

    /// A fingerprint of the text as it is written, so that a better translation of it is no change.
    pub(crate) fn checksum(&self, engine: Engine) -> String {
        let text = match (self.text, engine) {
            (Text::Common(sql), _) => sql,
            (Text::Pair { sqlite, .. }, Engine::Sqlite) => sqlite,
            (Text::Pair { postgres, .. }, Engine::Postgres) => postgres,
        };
        HEXLOWER.encode(&Sha256::digest(text.replace("\r\n", "\n").as_bytes()))
    }

    fn label(&self) -> String {
        let number = format!("{:04}_", self.version);
        format!(
            "{number}{}",
            self.name.strip_prefix(&number).unwrap_or(self.name)
        )
    }
}

/// What [`Db::migrate`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationReport {
    /// The version before.
    pub from: u32,
    /// The version now.
    pub to: u32,
    /// The names of the migrations that ran now, in order.
    pub applied: Vec<&'static str>,
}

const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    version BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at BIGINT NOT NULL
);";

/// Held while a migration runs on PostgreSQL; an arbitrary number that nobody else uses.
const LOCK: &str = "SELECT pg_advisory_xact_lock(8526113670911)";

pub(crate) async fn run(db: &Db, migrations: &[Migration]) -> Result<MigrationReport, DbError> {
    check_order(migrations)?;
    let list = migrations.to_vec();
    let from = db.write(move |tx| prepare(tx, &list)).await?;
    let mut applied = Vec::new();
    for migration in migrations
        .iter()
        .copied()
        .filter(|migration| migration.version > from)
    {
        if db.write(move |tx| apply(tx, &migration)).await? {
            tracing::info!("Migrated the database: {}", migration.label());
            applied.push(migration.name);
        }
    }
    Ok(MigrationReport {
        from,
        to: version(db).await?,
        applied,
    })
}

pub(crate) async fn version(db: &Db) -> Result<u32, DbError> {
    db.read(|tx| {
        if has_table(tx)? {
            Ok(applied(tx)?.last().map_or(0, |last| last.0))
        } else {
            Ok(0)
        }
    })
    .await
}

fn check_order(migrations: &[Migration]) -> Result<(), DbError> {
    let mut last = 0;
    for migration in migrations {
        if migration.version <= last {
            return Err(DbError::Migration(format!(
                "migration {} comes after number {last}: give it a higher number",
                migration.label()
            )));
        }
        last = migration.version;
    }
    Ok(())
}

/// Makes the list of migrations, if there is none yet, and compares it with ours. Returns the database's version.
fn prepare(tx: &mut Tx<'_>, migrations: &[Migration]) -> Result<u32, DbError> {
    lock(tx)?;
    let sql = Migration::common(0, "schema_migrations", CREATE_TABLE).translated(tx.engine());
    tx.batch(&sql)?;
    let engine = tx.engine();
    let applied = applied(tx)?;
    let newest = applied.last().map_or(0, |last| last.0);
    for (version, name, checksum) in &applied {
        let Some(migration) = migrations
            .iter()
            .find(|migration| migration.version == *version)
        else {
            return Err(DbError::Migration(format!(
                "the database has migration {version:04}_{name}, which this release does not know: it belongs to a newer \
                 release. Start that release, or restore a backup made before it"
            )));
        };
        if *checksum != migration.checksum(engine) {
            return Err(DbError::Migration(format!(
                "migration {} is not the one that made this database. A released migration never changes: restore its \
                 text and put the change into a new migration",
                migration.label()
            )));
        }
    }
    let left_out = migrations.iter().find(|ours| {
        ours.version <= newest && !applied.iter().any(|(version, ..)| *version == ours.version)
    });
    match left_out {
        Some(migration) => Err(DbError::Migration(format!(
            "migration {} comes before number {newest}, which has already run: give it a higher number",
            migration.label()
        ))),
        None => Ok(newest),
    }
}

/// Runs one migration, unless another process did so meanwhile.
fn apply(tx: &mut Tx<'_>, migration: &Migration) -> Result<bool, DbError> {
    lock(tx)?;
    if applied(tx)?
        .iter()
        .any(|(version, ..)| *version == migration.version)
    {
        return Ok(false);
    }
    let engine = tx.engine();
    tx.batch(&migration.translated(engine)).map_err(|error| {
        if let DbError::Statement { message, .. } = error {
            DbError::Migration(format!("migration {} failed: {message}", migration.label()))
        } else {
            error
        }
    })?;
    tx.execute(
        "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)",
        params![migration.version, migration.name, migration.checksum(engine), SystemClock.now()],
    )?;
    Ok(true)
}

/// One process migrates at a time, and may take as long as it needs.
fn lock(tx: &mut Tx<'_>) -> Result<(), DbError> {
    match tx.engine() {
        Engine::Sqlite => Ok(()), // BEGIN IMMEDIATE has locked the file
        Engine::Postgres => tx.batch(&format!(
            "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; {LOCK}"
        )),
    }
}

fn applied(tx: &mut Tx<'_>) -> Result<Vec<(u32, String, String)>, DbError> {
    tx.query(
        "SELECT version, name, checksum FROM schema_migrations ORDER BY version",
        params![],
    )
}

fn has_table(tx: &mut Tx<'_>) -> Result<bool, DbError> {
    let sql = match tx.engine() {
        Engine::Sqlite => {
            "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'"
        }
        Engine::Postgres => {
            "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'schema_migrations'"
        }
    };
    let (count,): (i64,) = tx.query_one(sql, params![])?;
    Ok(count > 0)
}

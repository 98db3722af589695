//! Databases on a PostgreSQL server, made from a migrated template.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use data_encoding::HEXLOWER;
use postgres::Client;
use sha2::{Digest, Sha256};

use super::{cluster, migrate_blocking};
use crate::postgres::Target;
use crate::{Engine, Location, Migration, Options};

/// Held while a template is made, so that one process makes it and the others wait.
const TEMPLATE_LOCK: i64 = 8_526_113_670_912;

/// The name of a test database; dropping it drops the database.
pub(super) struct TestDatabaseName {
    server: String,
    name: String,
}

impl TestDatabaseName {
    pub(super) fn url(&self) -> String {
        with_database(&self.server, &self.name)
    }
}

impl Drop for TestDatabaseName {
    fn drop(&mut self) {
        let (server, statement) = (
            self.server.clone(),
            format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name),
        );
        let dropped = std::thread::spawn(move || {
            let mut client = administer(&server)?;
            client
                .batch_execute(&statement)
                .map_err(|error| error.to_string())
        });
        if !matches!(dropped.join(), Ok(Ok(()))) && !std::thread::panicking() {
            tracing::warn!("The test database {} was left behind", self.name);
        }
    }
}

/// Makes a database with these migrations. The error says why there is no server.
///
/// # Panics
/// When there is a server that does not do as it is told.
pub(super) fn create_database(migrations: &[Migration]) -> Result<TestDatabaseName, String> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let server = cluster::server()?;
    let mut client = administer(&server).expect("the test server lets us in");
    let template = template(&mut client, &server, migrations);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("test_{}_{}_{number}", std::process::id(), started_at());
    let create = format!("CREATE DATABASE {name} TEMPLATE {template}");
    client
        .batch_execute(&create)
        .expect("a database can be made from the template");
    Ok(TestDatabaseName { server, name })
}

/// When this process made its first database: process numbers come round again, and a killed test leaves its database.
fn started_at() -> i64 {
    static AT: std::sync::OnceLock<i64> = std::sync::OnceLock::new();
    *AT.get_or_init(|| kernel::time::Clock::now(&kernel::time::SystemClock).millis())
}

/// The name of the template with these migrations; made first if this server does not have it.
fn template(client: &mut Client, server: &str, migrations: &[Migration]) -> String {
    static KNOWN: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let name = template_name(migrations);
    if known.contains(&name) {
        return name;
    }
    let lock = |client: &mut Client, function: &str| {
        let sql = format!("SELECT {function}({TEMPLATE_LOCK})");
        client
            .batch_execute(&sql)
            .expect("the test server gives a lock");
    };
    lock(client, "pg_advisory_lock");
    let exists = client.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]);
    if exists
        .expect("the test server lists its databases")
        .is_none()
    {
        let unfinished = format!("{name}_unfinished");
        for sql in [
            format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)"),
            format!("CREATE DATABASE {unfinished} TEMPLATE template0"),
        ] {
            client.batch_execute(&sql).expect("a template can be made");
        }
        let location = Location::Postgres(with_database(server, &unfinished));
        migrate_blocking(&location, migrations).expect("the migrations run on PostgreSQL");
        let rename = format!("ALTER DATABASE {unfinished} RENAME TO {name}");
        client
            .batch_execute(&rename)
            .expect("the finished template can be renamed");
    }
    lock(client, "pg_advisory_unlock");
    known.push(name.clone());
    name
}

fn template_name(migrations: &[Migration]) -> String {
    let mut digest = Sha256::new();
    for migration in migrations {
        digest.update(migration.name());
        digest.update(migration.checksum(Engine::Postgres));
        digest.update(migration.translated(Engine::Postgres));
    }
    let mut name = format!("template_{}", HEXLOWER.encode(&digest.finalize()));
    name.truncate(40); // PostgreSQL's names have 63 bytes
    name
}

/// A connection to the server's own database. Only on a thread without an async runtime.
fn administer(server: &str) -> Result<Client, String> {
    let target = Target::parse(server, &Options::default()).map_err(|error| error.to_string())?;
    let mut client = target.connect().map_err(|error| error.to_string())?;
    // Making a database waits for others that make one.
    client
        .batch_execute("SET statement_timeout = 0; SET lock_timeout = 0")
        .map_err(|error| error.to_string())?;
    Ok(client)
}

/// The server's URL with another database's name.
fn with_database(server: &str, name: &str) -> String {
    let (address, query) = server
        .split_once('?')
        .map_or((server, None), |(address, query)| (address, Some(query)));
    let base = match address.split_once("://") {
        Some((scheme, rest)) => format!(
            "{scheme}://{}",
            rest.split_once('/').map_or(rest, |(host, _)| host)
        ),
        None => address.to_owned(),
    };
    match query {
        Some(query) => format!("{base}/{name}?{query}"),
        None => format!("{base}/{name}"),
    }
}

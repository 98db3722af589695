//! Copies of the whole database, for backups.

use std::path::{Path, PathBuf};

use crate::{Db, Location, sqlite};

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Pages that are copied.
    pub done: u64,
    /// Pages there are.
    pub total: u64,
}

/// Why there is no copy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// PostgreSQL is copied by its own tools.
    #[error(
        "a PostgreSQL database is saved with its own tools: pg_dump --format=custom --file=shop.dump --dbname='{0}' \
         (it asks for the password, or takes it from PGPASSWORD)"
    )]
    UsePgDump(String),
    /// The file of the copy cannot be made or written.
    #[error("the copy {file} cannot be written: {reason}", file = file.display())]
    CannotWrite {
        /// The copy.
        file: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The copy is not sound, most likely because the database is not.
    #[error(
        "the copy was examined and is damaged, so it was thrown away: {0}. Examine the database and its disk"
    )]
    Damaged(String),
    /// The database said no.
    #[error("the database cannot be copied: {0}")]
    Failed(String),
}

impl SnapshotError {
    pub(crate) fn cannot_write(file: &Path, error: &std::io::Error) -> Self {
        Self::CannotWrite {
            file: file.to_owned(),
            reason: error.to_string(),
        }
    }
}

impl Db {
    /// Copies a SQLite database into the new file `to`, as it is at one moment after this was called.
    ///
    /// Every write answered before the call is in the copy, and of every later one all or nothing. Nobody waits for it,
    /// in this process or another. The copy is examined, and on the disk, when this returns; one that fails leaves no file.
    /// PostgreSQL is refused with the command that does it there.
    pub async fn snapshot(
        &self,
        to: &Path,
        mut progress: impl FnMut(Progress) + Send + 'static,
    ) -> Result<(), SnapshotError> {
        let from = match &self.handle.location {
            Location::Sqlite(path) => path.clone(),
            Location::Postgres(url) => {
                return Err(SnapshotError::UsePgDump(without_password(url)));
            }
        };
        let to = to.to_owned();
        run(move || sqlite::snapshot::take(&from, &to, &mut progress)).await
    }

    /// Looks through the whole SQLite file for damage and rows that refer to nothing; returns what is wrong, in SQLite's
    /// words. Nothing on PostgreSQL, which watches over its own files.
    pub async fn examine(&self) -> Result<Vec<String>, SnapshotError> {
        let path = match &self.handle.location {
            Location::Sqlite(path) => path.clone(),
            Location::Postgres(_) => return Ok(Vec::new()),
        };
        run(move || sqlite::snapshot::examine(&path)).await
    }
}

async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SnapshotError> + Send + 'static,
) -> Result<T, SnapshotError> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|error| Err(SnapshotError::Failed(error.to_string())))
}

/// The URL with everything but the password.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let Some((who, place)) = rest.rsplit_once('@') else {
        return url.to_owned();
    };
    let user = who.split_once(':').map_or(who, |(user, _)| user);
    format!("{scheme}://{user}@{place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_for_postgres_holds_everything_but_the_password() {
        let shown =
            without_password("postgres://ines:hunter2@db.example:5432/shop?sslmode=disable");
        assert_eq!(
            shown,
            "postgres://ines@db.example:5432/shop?sslmode=disable"
        );
        assert_eq!(
            without_password("postgres://db.example/shop"),
            "postgres://db.example/shop"
        );
    }
}

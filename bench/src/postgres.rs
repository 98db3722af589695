//! A PostgreSQL server of one's own for a measurement: as durable as it comes, gone afterwards.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::BenchError;

/// The script that starts and stops it.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tools/postgres.sh");

/// A server that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Postgres {
    /// Its one, empty database.
    pub(crate) url: String,
    folder: TempDir,
}

impl Postgres {
    /// Starts one in a temporary folder. Its folder must be on the disk that is to be measured: `TMPDIR` says where.
    pub(crate) fn start() -> Result<Self, BenchError> {
        let folder = tempfile::Builder::new()
            .prefix("vitrine-bench-")
            .tempdir()
            .map_err(|error| BenchError::File("a temporary folder".to_owned(), error))?;
        let started = Command::new("sh")
            .args([SCRIPT, "start"])
            .arg(folder.path())
            .stderr(Stdio::piped())
            .output()
            .map_err(|error| BenchError::File(SCRIPT.to_owned(), error))?;
        if !started.status.success() {
            let why = String::from_utf8_lossy(&started.stderr).trim().to_owned();
            return Err(BenchError::Unexpected(format!(
                "PostgreSQL does not start: {why}"
            )));
        }
        let url = String::from_utf8_lossy(&started.stdout).trim().to_owned();
        Ok(Self { url, folder })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let path: &Path = self.folder.path();
        let stopped = Command::new("sh")
            .args([SCRIPT, "stop"])
            .arg(path)
            .stdout(Stdio::null())
            .status();
        // What is left of it in a temporary folder harms nobody.
        drop(stopped);
    }
}

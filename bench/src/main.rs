//! Measures what the shop's foundations can do on the machine at hand.
//!
//! `cargo run --release -p bench -- writes` measures durable writes. Figures are worth something only beside the disk's
//! own, from a release build, on a machine that does nothing else.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

mod disk;
mod report;
mod workload;
mod writes;

#[derive(Debug, Parser)]
#[command(about)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Durable ten-statement writes per second, with more and more writers at once.
    Writes {
        /// Where the SQLite files are made, and whose disk is measured.
        #[arg(long, default_value = "target/bench")]
        folder: PathBuf,
        /// The URL of a PostgreSQL database to measure too. Only its tables called `bench_…` are touched.
        #[arg(long)]
        postgres: Option<String>,
        /// Connections that write on PostgreSQL.
        #[arg(long, default_value_t = db::limits::WRITERS)]
        connections: usize,
        /// How many writers at once, one measurement for each.
        #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
        writers: Vec<usize>,
        /// How long each measurement takes, in seconds; a quarter more goes before it to warm up.
        #[arg(long, default_value_t = 5)]
        seconds: u64,
        /// Writes the figures there as JSON, too.
        #[arg(long)]
        json: Option<PathBuf>,
    },
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
enum BenchError {
    #[error(transparent)]
    Database(#[from] db::DbError),
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    #[error("{acknowledged} writes were acknowledged, and {stored} are in the database")]
    Lost { acknowledged: u64, stored: i64 },
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse().what).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let line = format!("bench: {error}\n");
            // With no terminal to complain to, the exit code says it.
            drop(std::io::stderr().write_all(line.as_bytes()));
            ExitCode::FAILURE
        }
    }
}

async fn run(what: What) -> Result<(), BenchError> {
    let What::Writes {
        folder,
        postgres,
        connections,
        writers,
        seconds,
        json,
    } = what;
    let plan = writes::Plan {
        folder,
        postgres,
        connections,
        writers,
        time: Duration::from_secs(seconds),
    };
    let report = writes::measure(&plan).await?;
    let mut out = std::io::stdout().lock();
    out.write_all(report.table().as_bytes())
        .map_err(|error| BenchError::File("the terminal".to_owned(), error))?;
    if let Some(path) = json {
        let text = format!("{:#}\n", report.json());
        std::fs::write(&path, text)
            .map_err(|error| BenchError::File(path.display().to_string(), error))?;
    }
    Ok(())
}

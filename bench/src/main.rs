//! Measures what the shop can do on the machine at hand.
//!
//! `cargo run --release -p bench -- generate --data FOLDER` makes a large shop to try things on.
//!
//! `cargo run --release -p bench -- writes` measures durable writes. Figures are worth something only beside the disk's
//! own, from a release build, on a machine that does nothing else.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

mod disk;
mod generate;
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
    /// Makes a large shop out of nothing, the same for the same numbers: products with their stock, orders with all that
    /// happened to them, customers. Only for measuring: its links are guessable.
    Generate {
        /// How many products.
        #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(3..=1_000_000))]
        products: u32,
        /// How many orders.
        #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(0..=5_000_000))]
        orders: u32,
        /// Another number makes another shop. A shop can be added to with a number not used before.
        #[arg(long, default_value_t = 1)]
        seed: u32,
        /// The folder of the shop, as `vitrine serve --data` takes it; it is made if it does not exist.
        #[arg(
            long,
            required_unless_present = "postgres",
            conflicts_with = "postgres"
        )]
        data: Option<PathBuf>,
        /// The URL of a PostgreSQL database instead.
        #[arg(long)]
        postgres: Option<String>,
    },
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
    #[error(transparent)]
    Shop(#[from] commerce::Internal),
    #[error(
        "the shop has been added to with seed {0} before; give --seed another number, or another folder"
    )]
    SeedUsed(u32),
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
    match what {
        What::Generate {
            products,
            orders,
            seed,
            data,
            postgres,
        } => {
            let wanted = generate::Wanted {
                products,
                orders,
                seed,
            };
            generate::generate(wanted, data, postgres).await
        }
        What::Writes {
            folder,
            postgres,
            connections,
            writers,
            seconds,
            json,
        } => {
            let plan = writes::Plan {
                folder,
                postgres,
                connections,
                writers,
                time: Duration::from_secs(seconds),
            };
            measure(&plan, json).await
        }
    }
}

async fn measure(plan: &writes::Plan, json: Option<PathBuf>) -> Result<(), BenchError> {
    let report = writes::measure(plan).await?;
    say(&report.table())?;
    if let Some(path) = json {
        let text = format!("{:#}\n", report.json());
        std::fs::write(&path, text)
            .map_err(|error| BenchError::File(path.display().to_string(), error))?;
    }
    Ok(())
}

fn say(text: &str) -> Result<(), BenchError> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| BenchError::File("the terminal".to_owned(), error))
}

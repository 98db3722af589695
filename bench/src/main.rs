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

mod bare;
mod client;
mod compare;
mod disk;
mod drive;
mod figures;
mod generate;
mod load;
mod machine;
mod notes;
mod page;
mod postgres;
mod report;
mod scenarios;
mod server;
mod shopper;
mod shops;
mod table;
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
    /// Plays a scenario in a shop made for it, with server and load on a core each, and measures a bare server beside it.
    Load(LoadArguments),
    /// Measures everything there is a goal for, on both databases, and prints it as Markdown.
    Table(TableArguments),
    /// Compares two files of figures that `load` or `table` wrote.
    Compare {
        /// The figures before.
        before: PathBuf,
        /// The figures after.
        after: PathBuf,
        /// Ends with status 1 if CPU, memory, errors or the share of the bare server are worse by more than this, in per
        /// cent.
        #[arg(long)]
        fail_over: Option<u64>,
    },
    /// Answers every request with the bytes in a file. Started by `load`.
    #[command(hide = true)]
    Bare {
        /// An answer as it came: head and body.
        answer: PathBuf,
    },
}

/// What all measurements of the shop itself need.
#[derive(Debug, clap::Args)]
struct SettingArguments {
    /// The program that is measured. [default: `vitrine` beside this program]
    #[arg(long)]
    server: Option<PathBuf>,
    /// The folder where the shops that are measured are kept, and copied for each run.
    #[arg(long, default_value = "target/bench/shops")]
    shops: PathBuf,
    /// The core of the server.
    #[arg(long, default_value_t = 0)]
    server_core: usize,
    /// The core of the load.
    #[arg(long, default_value_t = 1)]
    load_core: usize,
}

impl SettingArguments {
    fn setting(self) -> Result<load::Setting, BenchError> {
        Ok(load::Setting {
            program: server::program(self.server)?,
            shops: self.shops,
            cores: machine::Cores {
                server: self.server_core,
                load: self.load_core,
            },
        })
    }
}

#[derive(Debug, clap::Args)]
struct TableArguments {
    #[command(flatten)]
    setting: SettingArguments,
    /// Short runs and no catalogue of a million: minutes instead of most of an hour.
    #[arg(long)]
    quick: bool,
    /// The size of the shop wherever sizes are not compared. The goals are about the usual one.
    #[arg(long, default_value_t = 10_000)]
    products: u32,
    /// The sizes that are compared instead of the usual ones.
    #[arg(long, value_delimiter = ',')]
    sizes: Option<Vec<u32>>,
    /// Leaves PostgreSQL out.
    #[arg(long)]
    no_postgres: bool,
    /// Writes the table there, too.
    #[arg(long)]
    markdown: Option<PathBuf>,
    /// Writes the figures there as JSON, too.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct LoadArguments {
    #[command(flatten)]
    setting: SettingArguments,
    /// What the visitors do; may be repeated.
    #[arg(long, required = true, value_delimiter = ',')]
    scenario: Vec<scenarios::Scenario>,
    /// The pages of `browse-warm`.
    #[arg(long, value_delimiter = ',', default_values = ["home", "collection", "product"])]
    page: Vec<scenarios::Page>,
    /// How many products the shop has; several for one run each.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000])]
    products: Vec<u32>,
    /// The URL of an empty PostgreSQL database instead of a SQLite file; `own` for a server of one's own, which is started
    /// for each run and gone afterwards.
    #[arg(long)]
    postgres: Option<String>,
    /// How many connections there are, at most.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Arrivals per second, whether the ones before were answered or not. Without it each connection asks again as soon
    /// as it has its answer.
    #[arg(long)]
    rate: Option<u64>,
    /// How long things are noted, in seconds; a fifth more goes before it to warm up.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How many come to place an order, or for a drop.
    #[arg(long, default_value_t = 5_000)]
    buyers: u64,
    /// Wrong passwords a second that come in during a login flood; searches during an overload.
    #[arg(long, default_value_t = 1_000)]
    flood: u64,
    /// Leaves the bare server out.
    #[arg(long)]
    no_bare: bool,
    /// Writes the figures there as JSON, too.
    #[arg(long)]
    json: Option<PathBuf>,
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
    #[error(
        "there is no server at {0}; build it with `cargo build --release -p vitrine`, or name another with --server"
    )]
    NoProgram(String),
    #[error("this machine has no core {0}; name others with --server-core and --load-core")]
    NoCore(usize),
    #[error("the PostgreSQL database is not empty; a shop to measure is made in an empty one only")]
    NotEmpty,
    #[error("worse than before:\n{0}")]
    Worse(String),
    #[error("{0}")]
    Unexpected(String),
    #[error("{acknowledged} writes were acknowledged, and {stored} are in the database")]
    Lost { acknowledged: u64, stored: i64 },
}

fn main() -> ExitCode {
    match run(Arguments::parse().what) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let line = format!("bench: {error}\n");
            // With no terminal to complain to, the exit code says it.
            drop(std::io::stderr().write_all(line.as_bytes()));
            ExitCode::FAILURE
        }
    }
}

/// Runs this to its end on as many threads as there are cores to run on.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("the system gives threads")
        .block_on(work)
}

/// Fetches a page once, on a connection of its own.
pub(crate) fn fetch(server: std::net::SocketAddr, path: &str) -> std::io::Result<()> {
    use std::io::{Error, ErrorKind, Read};
    let mut stream = std::net::TcpStream::connect(server)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let head = format!("GET {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    if answer.starts_with(b"HTTP/1.1 200 ") {
        Ok(())
    } else {
        Err(Error::from(ErrorKind::InvalidData))
    }
}

fn run(what: What) -> Result<(), BenchError> {
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
            block_on(generate::generate(wanted, data, postgres))
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
            block_on(measure(&plan, json))
        }
        What::Load(arguments) => measure_load(arguments),
        What::Table(arguments) => measure_table(arguments),
        What::Compare {
            before,
            after,
            fail_over,
        } => {
            let compared = compare::files(&before, &after, fail_over.unwrap_or(u64::MAX))?;
            say(&compared.table)?;
            if compared.worse.is_empty() {
                Ok(())
            } else {
                Err(BenchError::Worse(compared.worse.join("\n")))
            }
        }
        What::Bare { answer } => block_on(bare::serve(&answer)),
    }
}

fn measure_table(arguments: TableArguments) -> Result<(), BenchError> {
    let setting = arguments.setting.setting()?;
    let mut how = if arguments.quick {
        table::Thoroughness::quick()
    } else {
        table::Thoroughness::whole()
    };
    how.products = arguments.products;
    how.sizes = arguments.sizes.unwrap_or(how.sizes);
    let with = (!arguments.no_postgres, arguments.quick);
    let table = table::measure(&setting, &how, with)?;
    let text = table.markdown();
    say(&format!("\n{text}"))?;
    if let Some(path) = arguments.markdown {
        std::fs::write(&path, &text)
            .map_err(|error| BenchError::File(path.display().to_string(), error))?;
    }
    write_json(arguments.json, &table.json())
}

fn measure_load(arguments: LoadArguments) -> Result<(), BenchError> {
    let setting = arguments.setting.setting()?;
    let connections = arguments.connections;
    let time = Duration::from_secs(arguments.seconds.max(1));
    let load = drive::Load {
        model: match arguments.rate {
            Some(per_second) => drive::Model::Open {
                per_second,
                connections,
            },
            None => drive::Model::Closed { connections },
        },
        warm: time / 5,
        time,
    };
    let mut all = Vec::new();
    for &products in &arguments.products {
        for &scenario in &arguments.scenario {
            let pages = if scenario == scenarios::Scenario::BrowseWarm {
                arguments.page.as_slice()
            } else {
                &[scenarios::Page::Product]
            };
            for &page in pages {
                let run = load::Run {
                    scenario,
                    page,
                    products,
                    postgres: arguments.postgres.clone(),
                    load,
                    bare: !arguments.no_bare,
                    buyers: arguments.buyers,
                    flood: arguments.flood,
                };
                let figures = load::run(&setting, &run)?;
                say(&figures.in_words())?;
                all.push(figures.json());
            }
        }
    }
    write_json(arguments.json, &report_json(&all))
}

/// Runs with what they were made on.
fn report_json(runs: &[serde_json::Value]) -> serde_json::Value {
    serde_json::json!({
        "what": "load",
        "machine": machine::in_words(),
        "load_average": machine::load_average(),
        "at": kernel::Clock::now(&kernel::SystemClock).to_string(),
        "runs": runs,
    })
}

fn write_json(to: Option<PathBuf>, value: &serde_json::Value) -> Result<(), BenchError> {
    let Some(path) = to else { return Ok(()) };
    std::fs::write(&path, format!("{value:#}\n"))
        .map_err(|error| BenchError::File(path.display().to_string(), error))
}

async fn measure(plan: &writes::Plan, json: Option<PathBuf>) -> Result<(), BenchError> {
    let report = writes::measure(plan).await?;
    say(&report.table())?;
    write_json(json, &report.json())
}

fn say(text: &str) -> Result<(), BenchError> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| BenchError::File("the terminal".to_owned(), error))
}

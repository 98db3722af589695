//! `bench table`: every promise about speed, measured, with its goal beside it. Failures are rows like all others.

mod rows;

use std::time::Duration;

use serde_json::{Value, json};

use crate::drive::{Load, Model};
use crate::figures::{Figures, add, millis, percent, tenths_of_mebibytes, thousandths};
use crate::load::{self, Run, Setting};
use crate::machine::on_core;
use crate::postgres::Postgres;
use crate::report::Case;
use crate::{BenchError, machine, say, shops, writes};

use rows::{Row, rows};

/// How thoroughly.
#[derive(Debug, Clone)]
pub(crate) struct Thoroughness {
    /// How long each run is, but for those that end by themselves.
    pub(crate) seconds: u64,
    /// The sizes of catalogue whose cost per page is compared.
    pub(crate) sizes: Vec<u32>,
    /// How many place an order.
    pub(crate) buyers: u64,
    /// The size of the shop wherever sizes are not compared.
    pub(crate) products: u32,
}

impl Thoroughness {
    /// Minutes.
    pub(crate) fn quick() -> Self {
        Self {
            seconds: 4,
            sizes: vec![1_000, 10_000, 100_000],
            buyers: 1_500,
            products: 10_000,
        }
    }

    /// The better part of an hour.
    pub(crate) fn whole() -> Self {
        Self {
            seconds: 20,
            sizes: vec![1_000, 10_000, 100_000, 1_000_000],
            buyers: 15_000,
            products: 10_000,
        }
    }
}

/// A row that was measured, or why it could not be.
pub(crate) struct Done {
    row: Row,
    outcome: Result<Figures, String>,
}

/// What all rows came to.
pub(crate) struct Table {
    done: Vec<Done>,
    ceilings: Vec<Case>,
    head: String,
    quick: bool,
    /// The size of the shop wherever sizes are not compared.
    products: u32,
}

/// Measures everything, saying each row as it is done.
pub(crate) fn measure(
    setting: &Setting,
    how: &Thoroughness,
    (with_postgres, quick): (bool, bool),
) -> Result<Table, BenchError> {
    let mut table = Table {
        done: Vec::new(),
        ceilings: Vec::new(),
        head: format!(
            "{}; load average before: {}; {}",
            machine::in_words(),
            machine::load_average(),
            kernel::Clock::now(&kernel::SystemClock)
        ),
        quick,
        products: how.products,
    };
    let postgres = if with_postgres {
        Some(Postgres::start()?)
    } else {
        None
    };
    let url = postgres.as_ref().map(|server| server.url.clone());
    table.ceilings = ceilings(setting, how, url.clone())?;
    for row in rows(how).into_iter().filter(|row| !row.on_postgres) {
        table.add(setting, row, None)?;
    }
    if let Some(url) = &url {
        let stage = crate::block_on(shops::postgres(&setting.shops, url, how.products))?;
        for row in rows(how).into_iter().filter(|row| row.on_postgres) {
            table.add(setting, row, Some(&stage))?;
        }
    }
    Ok(table)
}

/// What the databases can do at best: the writes of an order without a shop around them, on the server's core.
fn ceilings(
    setting: &Setting,
    how: &Thoroughness,
    postgres: Option<String>,
) -> Result<Vec<Case>, BenchError> {
    let plan = writes::Plan {
        folder: setting.shops.clone(),
        postgres,
        connections: db::limits::WRITERS,
        writers: vec![64],
        time: Duration::from_secs(how.seconds.min(5)),
    };
    let report = on_core(setting.cores.server, || {
        crate::block_on(writes::measure(&plan))
    })?;
    say(&report.table())?;
    Ok(report.cases)
}

impl Table {
    fn add(
        &mut self,
        setting: &Setting,
        row: Row,
        stage: Option<&shops::Stage>,
    ) -> Result<(), BenchError> {
        let outcome = match stage {
            Some(stage) => load::on_stage(setting, &row.run, stage),
            None => load::run(setting, &row.run),
        };
        match &outcome {
            Ok(figures) => say(&figures.in_words())?,
            Err(error) => say(&format!("\n{}: {error}\n", row.run.name()))?,
        }
        self.done.push(Done {
            row,
            outcome: outcome.map_err(|error| error.to_string()),
        });
        Ok(())
    }

    /// The figures of a run that was measured.
    fn find(&self, name: &str, products: u32, database: &str) -> Option<&Figures> {
        self.done
            .iter()
            .filter_map(|done| done.outcome.as_ref().ok())
            .find(|figures| {
                figures.name == name && figures.products == products && figures.database == database
            })
    }

    /// The best a database did without a shop, per second.
    fn ceiling(&self, database: &str) -> Option<u64> {
        self.ceilings
            .iter()
            .filter(|case| case.name.starts_with(database))
            .map(|case| case.per_second)
            .max()
    }

    /// As JSON, for `compare`.
    pub(crate) fn json(&self) -> Value {
        let runs: Vec<Value> = self
            .done
            .iter()
            .filter_map(|done| Some(done.outcome.as_ref().ok()?.json()))
            .collect();
        let failed: Vec<Value> = self
            .done
            .iter()
            .filter_map(|done| {
                let why = done.outcome.as_ref().err()?;
                Some(json!({ "scenario": done.row.run.name(), "why": why }))
            })
            .collect();
        let ceilings: Vec<Value> = self
            .ceilings
            .iter()
            .map(|case| json!({ "database": case.name, "writes_per_second": case.per_second }))
            .collect();
        json!({ "what": "table", "machine": self.head, "runs": runs, "failed": failed, "ceilings": ceilings })
    }

    /// As Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!(
            "Measured on: {}.{}\n\n\
             | What | Database | Products | Per second | p50 ms | p99 ms | p99.9 ms | Errors | CPU s per 1,000 | Most MiB | Of the limit | Goal | Reached | Command: `bench …` |\n\
             |---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|---|---|---|\n",
            self.head,
            if self.quick {
                " Short runs (`--quick`)."
            } else {
                ""
            }
        );
        for case in &self.ceilings {
            add(
                &mut text,
                format_args!(
                    "| The database alone: ten statements, {} writers | {} | – | {} | {} | {} | – | 0 | – | – | – | – | – | `writes` |\n",
                    case.writers,
                    case.name,
                    case.per_second,
                    millis(micros(case.median)),
                    millis(micros(case.slow))
                ),
            );
        }
        for done in &self.done {
            text.push_str(&self.line(done));
        }
        text.push_str(&self.start_and_memory());
        text
    }

    fn line(&self, done: &Done) -> String {
        let row = &done.row;
        let (what, command) = (&row.what, row.run.command());
        let figures = match &done.outcome {
            Ok(figures) => figures,
            Err(why) => {
                let why = why.replace('|', "/").replace('\n', " ");
                return format!(
                    "| {what} | {} | {} | – | – | – | – | – | – | – | – | {} | **no**: {why} | `{command}` |\n",
                    if row.on_postgres {
                        "PostgreSQL"
                    } else {
                        "SQLite"
                    },
                    row.run.products,
                    row.goal,
                );
            }
        };
        let micros = figures.measured.notes.micros();
        let tally = figures.kind(row.kind);
        let (p50, p99, p999) = tally.percentiles();
        let reached = match (row.reached)(figures, self) {
            None => "–",
            Some(true) => "yes",
            Some(false) => "**no**",
        };
        format!(
            "| {what} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {reached} | `{command}` |\n",
            figures.database,
            figures.products,
            crate::notes::per_second(tally.good(), micros),
            millis(p50),
            millis(p99),
            millis(p999),
            tally.wrong(),
            thousandths(figures.cpu_per_thousand() / 1_000),
            tenths_of_mebibytes(figures.measured.peak),
            self.limit(figures, row),
            row.goal,
        )
    }

    /// How near the limit: the bare server's rate for pages, the database's own for orders.
    fn limit(&self, figures: &Figures, row: &Row) -> String {
        if let (Some(bare), Some(share), Some(cpu)) =
            (figures.bare, figures.of_bare(), figures.cpu_of_bare())
        {
            return format!("{share} % of {} /s; {cpu} % by CPU", bare.per_second);
        }
        let ceiling = self.ceiling(figures.database).filter(|_| row.is_order);
        match ceiling {
            Some(ceiling) => format!(
                "{} % of {ceiling} /s",
                percent(figures.per_second(), ceiling)
            ),
            None => "–".to_owned(),
        }
    }

    /// The rows that are no runs of their own.
    fn start_and_memory(&self) -> String {
        let mut text = String::new();
        for database in ["SQLite", "PostgreSQL"] {
            let of_it: Vec<&Figures> = self
                .done
                .iter()
                .filter_map(|done| done.outcome.as_ref().ok())
                .filter(|figures| figures.database == database && figures.products == self.products)
                .collect();
            let slowest = of_it.iter().map(|figures| figures.start).max();
            let most = of_it.iter().map(|figures| figures.measured.peak).max();
            let (Some(slowest), Some(most)) = (slowest, most) else {
                continue;
            };
            let idle = of_it.iter().map(|figures| figures.memory_at_start).max();
            let products = self.products;
            let yes = |reached| if reached { "yes" } else { "**no**" };
            add(
                &mut text,
                format_args!(
                    "| Start, from the process to `/readyz`: the slowest of {} | {database} | {products} | {} ms | – | – | – | 0 | – | {} | – | below 1 s | {} | any row |\n\
                 | Memory under load: the most of all these runs | {database} | {products} | – | – | – | – | – | – | {} | – | below 150 MB | {} | all rows |\n",
                    of_it.len(),
                    slowest.as_millis(),
                    tenths_of_mebibytes(idle.unwrap_or(0)),
                    yes(slowest < Duration::from_secs(1)),
                    tenths_of_mebibytes(most),
                    yes(most.saturating_mul(1_024) < 150_000_000),
                ),
            );
        }
        text
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Run {
    /// The command that does only this.
    pub(crate) fn command(&self) -> String {
        let mut text = format!(
            "load --scenario {} --products {}",
            self.scenario.name(),
            self.products
        );
        match self.load.model {
            Model::Closed { connections } => {
                add(&mut text, format_args!(" --connections {connections}"));
            }
            Model::Open {
                per_second,
                connections,
            } => add(
                &mut text,
                format_args!(" --rate {per_second} --connections {connections}"),
            ),
        }
        text.push_str(&self.scenario.options(self));
        text
    }
}

/// A load with a fifth of its time to warm up.
fn load(model: Model, seconds: u64) -> Load {
    let time = Duration::from_secs(seconds.max(1));
    Load {
        model,
        warm: time / 5,
        time,
    }
}

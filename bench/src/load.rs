//! `bench load`: a scenario played in a shop, with the limit beside it.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use crate::client::{Connection, get};
use crate::drive::{Load, Measured};
use crate::figures::{Bare, Figures};
use crate::machine::Cores;
use crate::postgres::Postgres;
use crate::scenarios::{Page, Scenario, Visit, one_page, play};
use crate::server::{Server, hire_owner, verify};
use crate::shops::Stage;
use crate::{BenchError, bare, shops};

/// Everything that does not change from one run to the next.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) program: PathBuf,
    /// The folder of the shops that are kept.
    pub(crate) shops: PathBuf,
    pub(crate) cores: Cores,
}

/// One run.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) scenario: Scenario,
    pub(crate) page: Page,
    pub(crate) products: u32,
    pub(crate) postgres: Option<String>,
    pub(crate) load: Load,
    /// Whether to measure the bare server beside it.
    pub(crate) bare: bool,
    /// How many come to place an order or for a drop.
    pub(crate) buyers: u64,
    /// Wrong passwords, or searches, a second beside the shoppers of a flood.
    pub(crate) flood: u64,
}

impl Run {
    pub(crate) fn name(&self) -> String {
        let name = self.scenario.name();
        if self.scenario == Scenario::BrowseWarm {
            format!("{name} {}", self.page.name())
        } else if matches!(self.scenario, Scenario::LoginFlood | Scenario::Overload) {
            format!("{name} {}/s", self.flood)
        } else {
            name
        }
    }
}

/// Sets the shop up, opens it, plays the scenario, closes it and has its books checked.
pub(crate) fn run(setting: &Setting, run: &Run) -> Result<Figures, BenchError> {
    let own = match run.postgres.as_deref() {
        Some("own") => Some(Postgres::start()?),
        Some(_) | None => None,
    };
    let url = own.as_ref().map(|server| &server.url);
    let stage = crate::block_on(async {
        match url.or(run.postgres.as_ref()) {
            Some(url) => shops::postgres(&setting.shops, url, run.products).await,
            None => shops::sqlite(&setting.shops, run.products).await,
        }
    })?;
    on_stage(setting, run, &stage)
}

/// The same in a shop that is set up already.
pub(crate) fn on_stage(setting: &Setting, run: &Run, stage: &Stage) -> Result<Figures, BenchError> {
    if run.scenario == Scenario::LoginFlood {
        hire_owner(&setting.program, &stage.place)?;
    }
    let server = Server::open(&setting.program, &stage.place, setting.cores.server)?;
    let start = server.start;
    let memory_at_start = server.process().memory()?;
    let visit = Visit {
        server: &server,
        stage,
        cores: setting.cores,
        load: run.load,
        buyers: run.buyers,
        flood: run.flood,
    };
    let measured = play(run.scenario, run.page, &visit)?;
    let is_browsing = matches!(run.scenario, Scenario::BrowseWarm | Scenario::BrowseCold);
    let bare = if run.bare && is_browsing {
        Some(limit(setting, run, &server)?)
    } else {
        None
    };
    server.close()?;
    verify(&setting.program, &stage.place)?;
    Ok(Figures::of(
        run,
        &measured,
        bare,
        (start, memory_at_start, stage.place.engine()),
    ))
}

/// Measures the bare server with the same load and the very bytes of the page that was asked for.
fn limit(setting: &Setting, run: &Run, server: &Server) -> Result<Bare, BenchError> {
    let path = if run.scenario == Scenario::BrowseWarm {
        run.page.path()
    } else {
        shops::HOT.to_owned()
    };
    let answer = crate::block_on(async {
        let mut connection = Connection::to(server.address);
        let seen = connection.ask(&get(server.address, &path, "")).await?;
        Ok::<_, std::io::Error>([connection.head(seen), connection.body(seen)].concat())
    })
    .map_err(|error| BenchError::File(path.clone(), error))?;
    let mut file = tempfile::NamedTempFile::new()
        .map_err(|error| BenchError::File("a temporary file".to_owned(), error))?;
    file.write_all(&answer)
        .map_err(|error| BenchError::File("a temporary file".to_owned(), error))?;
    let bare = bare::start(file.path(), setting.cores.server)?;
    let load = Load {
        model: match run.load.model {
            open @ crate::drive::Model::Open { .. } => crate::drive::Model::Closed {
                connections: open.connections().min(64),
            },
            closed @ crate::drive::Model::Closed { .. } => closed,
        },
        warm: Duration::from_millis(500),
        time: run.load.time.min(Duration::from_secs(5)),
    };
    let measured: Measured = one_page((bare.address, bare.process()), setting.cores, load, &path)?;
    Ok(Bare::of(&measured, answer.len()))
}

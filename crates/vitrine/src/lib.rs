//! What the `vitrine` binary does: reads its configuration, wires the shop together and runs one command.

mod args;
mod commands;
mod config;
mod console;
mod demo;
#[cfg(feature = "testing")]
pub mod fuzzing;
mod open;
mod serving;
mod test_page;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use config::Config;

/// Runs the command this process was started with.
pub fn main() -> ExitCode {
    let args = Args::parse();
    let config = match Config::load(&args.common, &std::env::vars().collect()) {
        Ok(config) => config,
        Err(error) => {
            console::complain(&error);
            return ExitCode::from(2);
        }
    };
    console::start_logging(&config);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            console::complain(&error);
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(run(args.command, &config));
    match outcome {
        Ok(code) => code,
        Err(error) => {
            console::complain(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

/// A sentence for the operator.
type Failure = Box<dyn std::error::Error + Send + Sync>;
/// What a command ends with.
type Outcome = Result<ExitCode, Failure>;

async fn run(command: Command, config: &Config) -> Outcome {
    match command {
        Command::Serve(serve) => serving::serve(config, &serve).await,
        Command::Migrate => commands::migrate(config).await,
        Command::Verify => commands::verify(config).await,
        Command::Backup { out } => commands::backup::backup(config, &out).await,
        Command::Restore { from } => commands::backup::restore(config, &from).await,
        Command::Doctor => commands::doctor::doctor(config).await,
        Command::Mail(command) => commands::mail::run(config, command).await,
        Command::Admin(command) => commands::admin::run(config, command).await,
        Command::Order(command) => commands::order::run(config, command).await,
    }
}

//! The commands beside `serve`: each opens the shop's data, does one thing and stops.

pub(crate) mod admin;
pub(crate) mod backup;
pub(crate) mod doctor;
pub(crate) mod mail;
pub(crate) mod order;

use std::process::ExitCode;

use commerce::verify::Breach;

use crate::Outcome;
use crate::config::Config;
use crate::console::say;
use crate::open::{Opened, Wishes, open};

/// The shop's data as it is, for a command.
async fn opened(config: &Config) -> Result<Opened, Box<dyn std::error::Error + Send + Sync>> {
    let origin = config
        .public_url
        .as_ref()
        .map_or_else(|| "http://127.0.0.1:8080".to_owned(), ToString::to_string);
    open(
        config,
        &Wishes {
            origin: &origin,
            make: false,
            serve: false,
        },
    )
    .await
}

/// `migrate`.
pub(crate) async fn migrate(config: &Config) -> Outcome {
    let opened = open(
        config,
        &Wishes {
            origin: "http://127.0.0.1:8080",
            make: true,
            serve: false,
        },
    )
    .await?;
    let version = opened.shop.db.schema_version().await?;
    say(format_args!(
        "{} is up to date, at version {version}.",
        config.database_in_words()
    ));
    opened.shop.db.close().await;
    Ok(ExitCode::SUCCESS)
}

/// `verify`.
pub(crate) async fn verify(config: &Config) -> Outcome {
    let opened = opened(config).await?;
    let breaches = commerce::verify::verify(&opened.shop).await?;
    opened.shop.db.close().await;
    Ok(report_breaches(&breaches))
}

/// Says what the books are like.
fn report_breaches(breaches: &[Breach]) -> ExitCode {
    for breach in breaches {
        say(breach);
    }
    if breaches.is_empty() {
        say(format_args!(
            "The books balance: {} rules, nothing to find fault with.",
            commerce::verify::rules()
        ));
        return ExitCode::SUCCESS;
    }
    say(format_args!("{} breaches.", breaches.len()));
    ExitCode::FAILURE
}

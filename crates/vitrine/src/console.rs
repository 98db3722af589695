//! What the operator reads: sentences on the console, and the log.

use std::error::Error;
use std::fmt::Display;
use std::io::{IsTerminal, Write};

use tracing_subscriber::EnvFilter;

use crate::config::Config;

/// Says a line to the operator.
pub(crate) fn say(line: impl Display) {
    // A console that is gone cannot be told about it.
    let written = writeln!(std::io::stdout(), "{line}");
    drop(written);
}

/// Tells the operator what is wrong, with what is behind it.
pub(crate) fn complain(error: &(dyn Error + 'static)) {
    let mut text = format!("vitrine: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    let written = writeln!(std::io::stderr(), "{text}");
    drop(written);
}

/// Starts the log, on standard error: lines for people or JSON for machines.
pub(crate) fn start_logging(config: &Config) {
    // People want to see what needs them; a collector wants every request.
    let usual = if config.log_json {
        "info"
    } else {
        "warn,vitrine=info"
    };
    let filter = config.log.clone().unwrap_or_else(|| usual.to_owned());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if config.log_json {
        builder.json().init();
    } else {
        builder.with_target(false).compact().init();
    }
}

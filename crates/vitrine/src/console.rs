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

/// How far something long is, on one line that renews itself; nothing where nobody watches. Gone when it is dropped.
pub(crate) struct ProgressLine {
    what: &'static str,
    shown: Option<u64>,
    watched: bool,
}

impl ProgressLine {
    /// A line about something that begins now.
    pub(crate) fn new(what: &'static str) -> Self {
        Self {
            what,
            shown: None,
            watched: std::io::stderr().is_terminal(),
        }
    }

    /// Says how much of it is done.
    pub(crate) fn at(&mut self, done: u64, total: u64) {
        let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
        if self.watched && self.shown != Some(percent) {
            self.shown = Some(percent);
            let written = write!(std::io::stderr(), "\r{}: {percent} %", self.what);
            drop(written);
        }
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let written = write!(std::io::stderr(), "\r\x1b[K");
            drop(written);
        }
    }
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

//! `vitrine doctor`: one line about each thing a shop needs, and what to do where it is missing.

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use commerce::checkout::payment_methods;
use commerce::{MIGRATIONS, settings};
use db::{Db, Location, Options, params};
use kernel::time::{DAY, MINUTE};
use kernel::{Clock, SystemClock, Timestamp};
use providers::mail::{SmtpConfig, SmtpMailer};

use crate::Outcome;
use crate::commands::backup::size;
use crate::commands::opened;
use crate::config::{Config, absolute};
use crate::console::say;

/// Below this the shop may stop selling any moment.
const LITTLE_SPACE: u64 = 256 << 20;
/// Below this it is time to look for more.
const SOME_SPACE: u64 = 2 << 30;
/// No shop is older than the program: 2026-01-01.
const NO_EARLIER_THAN: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// What was found about one thing.
struct Finding {
    about: &'static str,
    state: State,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Fine,
    Warning,
    Problem,
}

impl Finding {
    fn fine(about: &'static str, text: impl Into<String>) -> Self {
        Self {
            about,
            state: State::Fine,
            text: text.into(),
        }
    }

    fn warning(about: &'static str, text: impl Into<String>) -> Self {
        Self {
            about,
            state: State::Warning,
            text: text.into(),
        }
    }

    fn problem(about: &'static str, text: impl Into<String>) -> Self {
        Self {
            about,
            state: State::Problem,
            text: text.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.state {
            State::Fine => "ok",
            State::Warning => "warning",
            State::Problem => "problem",
        };
        write!(f, "{word:8} {:14} {}", self.about, self.text)
    }
}

/// `doctor`.
pub(crate) async fn doctor(config: &Config) -> Outcome {
    let mut findings = vec![configuration(config), folder(&config.data), disk(config)];
    findings.extend(database(config).await);
    findings.push(mail(config).await);
    findings.push(public_url(config));
    for finding in &findings {
        say(finding);
    }
    let count = |state| {
        findings
            .iter()
            .filter(|finding| finding.state == state)
            .count()
    };
    let (problems, warnings) = (count(State::Problem), count(State::Warning));
    say(format_args!("Problems: {problems}. Warnings: {warnings}."));
    Ok(if problems == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A configuration that is not right stops every command before it begins: here it is.
fn configuration(config: &Config) -> Finding {
    let about = "configuration";
    let file = config.data.join("vitrine.toml");
    match others_rights(&file) {
        Some(mode) if mode & 0o004 != 0 => Finding::warning(
            about,
            format!(
                "everybody on this machine can read {file}, where passwords may be: chmod 600 {file}",
                file = absolute(&file).display()
            ),
        ),
        _ => Finding::fine(about, "it is understood"),
    }
}

fn folder(data: &Path) -> Finding {
    let about = "data folder";
    let shown = absolute(data);
    let shown = shown.display();
    match std::fs::metadata(data) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Finding::problem(
            about,
            format!(
                "{shown} is not there: open a shop with `vitrine serve`, or name its folder with --data"
            ),
        ),
        Err(error) => Finding::problem(about, format!("{shown} cannot be looked into: {error}")),
        Ok(found) if !found.is_dir() => Finding::problem(
            about,
            format!("{shown} is a file: name a folder with --data"),
        ),
        Ok(_) => match (try_to_write(data), others_rights(data)) {
            (Err(error), _) => Finding::problem(
                about,
                format!(
                    "{shown} cannot be written: {error}; it must belong to the user the shop runs as"
                ),
            ),
            (Ok(()), Some(mode)) if mode != 0 => Finding::warning(
                about,
                format!(
                    "others on this machine can get into {shown}, where buyers' data is: chmod 700 {shown}"
                ),
            ),
            (Ok(()), _) => {
                Finding::fine(about, format!("{shown} is writable, for its owner alone"))
            }
        },
    }
}

/// What others than the owner may do with a file or folder; `None` where there is none, or no such rights.
#[cfg(unix)]
fn others_rights(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let found = std::fs::metadata(path).ok()?;
    Some(found.permissions().mode() & 0o077)
}

#[cfg(not(unix))]
fn others_rights(_path: &Path) -> Option<u32> {
    None
}

/// Makes a file and removes it again.
fn try_to_write(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!(".doctor-{}", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    options.create_new(true).write(true).open(&path)?;
    std::fs::remove_file(&path)
}

fn disk(config: &Config) -> Finding {
    let about = "disk";
    let data = absolute(&config.data);
    let Some(place) = data.ancestors().find(|folder| folder.exists()) else {
        return Finding::problem(about, format!("there is no disk for {}", data.display()));
    };
    match fs4::available_space(place) {
        Err(error) => Finding::warning(about, format!("its free space is unknown: {error}")),
        Ok(free) if free < LITTLE_SPACE => Finding::problem(
            about,
            format!(
                "only {} are free: make room, or the shop stops selling",
                size(free)
            ),
        ),
        Ok(free) if free < SOME_SPACE => {
            Finding::warning(about, format!("{} are free: make room soon", size(free)))
        }
        Ok(free) => Finding::fine(about, format!("{} are free", size(free))),
    }
}

/// The database, and what is only known with it.
async fn database(config: &Config) -> Vec<Finding> {
    let about = "database";
    let place = config.database_in_words();
    let location = config.location();
    if let Location::Sqlite(file) = &location
        && !file.exists()
    {
        let text = format!(
            "{place} is not there: open a shop with `vitrine serve`, or name its folder with --data"
        );
        return vec![Finding::problem(about, text), clock(None)];
    }
    let options = Options {
        readers: 1,
        writers: 1,
        ..Options::default()
    };
    let db = match Db::open(&location, &options) {
        Ok(db) => db,
        Err(error) => {
            let text = format!("{place} cannot be opened: {error}");
            return vec![Finding::problem(about, text), clock(None)];
        }
    };
    let state = database_state(&db, &place).await;
    let newest = newest_record(&db).await;
    db.close().await;
    let usable = state.state == State::Fine;
    let mut findings = vec![state, clock(newest)];
    if usable {
        findings.push(payments(config).await);
    }
    findings
}

async fn database_state(db: &Db, place: &str) -> Finding {
    let about = "database";
    match db.examine().await {
        Ok(faults) if faults.is_empty() => {}
        Ok(faults) => {
            let text = format!(
                "{place} is damaged: stop the shop, keep the file, and restore the newest backup ({})",
                faults.join("; ")
            );
            return Finding::problem(about, text);
        }
        Err(error) => {
            return Finding::problem(about, format!("{place} cannot be examined: {error}"));
        }
    }
    let known = MIGRATIONS.last().map_or(0, db::Migration::version);
    match db.schema_version().await {
        Err(error) => Finding::problem(about, format!("{place} cannot be read: {error}")),
        Ok(found) if found < known => Finding::problem(
            about,
            format!(
                "{place} is at version {found}, this program needs {known}: run `vitrine migrate`"
            ),
        ),
        Ok(found) if found > known => Finding::problem(
            about,
            format!(
                "{place} is at version {found}, this program knows {known}: use a newer vitrine"
            ),
        ),
        Ok(found) => Finding::fine(about, format!("{place} is sound, at version {found}")),
    }
}

/// When the shop last wrote something down that says when.
async fn newest_record(db: &Db) -> Option<Timestamp> {
    let newest = db.read::<(Option<Timestamp>,), db::DbError, _>(|tx| {
        tx.query_one(
            "SELECT MAX(at) FROM (SELECT applied_at AS at FROM schema_migrations UNION ALL SELECT created_at FROM orders) AS records",
            params![],
        )
    });
    // A database without these tables was already found fault with.
    newest.await.ok().and_then(|(newest,)| newest)
}

fn clock(newest: Option<Timestamp>) -> Finding {
    judge_clock(SystemClock.now(), newest)
}

fn judge_clock(now: Timestamp, newest: Option<Timestamp>) -> Finding {
    let about = "clock";
    let set_it = "set the machine's clock, at best with NTP";
    if now < NO_EARLIER_THAN || now.since(NO_EARLIER_THAN) > 36_500 * DAY {
        return Finding::problem(about, format!("it says {now}, which cannot be: {set_it}"));
    }
    match newest {
        Some(newest) if newest.since(now) > 5 * MINUTE => Finding::problem(
            about,
            format!("it says {now}, but the shop has records of {newest}: {set_it}"),
        ),
        _ => Finding::fine(about, format!("it says {now}")),
    }
}

async fn payments(config: &Config) -> Finding {
    let about = "payments";
    let cannot = |error: &dyn fmt::Display| {
        Finding::problem(about, format!("they cannot be looked up: {error}"))
    };
    let shop = match opened(config).await {
        Ok(opened) => opened.shop,
        Err(error) => return cannot(&error),
    };
    let settings = shop.db.read(settings::load).await;
    shop.db.close().await;
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => return cannot(&error),
    };
    let methods = payment_methods(&settings, &shop.gateways);
    let list = methods.join(", ");
    let for_real = methods.iter().any(|method| *method != "test");
    if methods.is_empty() {
        Finding::problem(
            about,
            "buyers can choose none: offer at least one in the shop's settings",
        )
    } else if !for_real {
        Finding::warning(
            about,
            "only the test gateway is offered, which moves no money: put a bank account into the shop's settings, and \
             bank transfer is offered",
        )
    } else if methods.contains(&"test") {
        Finding::warning(
            about,
            format!(
                "{list}: with the test gateway goods leave without money. Take it off before you sell"
            ),
        )
    } else {
        Finding::fine(about, list)
    }
}

async fn mail(config: &Config) -> Finding {
    let about = "mail";
    let Some(smtp) = &config.smtp else {
        return Finding::warning(
            about,
            "no mail is sent, all are kept in the outbox: name a server with --smtp and --mail-from",
        );
    };
    let server = match SmtpConfig::parse(&smtp.url, Some(smtp.from.as_str())) {
        Ok(server) => server,
        Err(error) => return Finding::problem(about, format!("--smtp is not right: {error}")),
    };
    match SmtpMailer::new(server).check().await {
        Ok(()) => Finding::fine(about, format!("the server takes mail from {}", smtp.from)),
        Err(error) => Finding::problem(
            about,
            format!(
                "the server cannot be used: {error}. Check --smtp, its password and the way there"
            ),
        ),
    }
}

fn public_url(config: &Config) -> Finding {
    let about = "public address";
    let Some(origin) = &config.public_url else {
        return Finding::warning(
            about,
            "links in mails lead to this machine only: say with --public-url where buyers reach the shop",
        );
    };
    let shown = origin.to_string();
    if is_this_machine(&shown) {
        let text =
            format!("{shown} leads buyers to their own machine: give --public-url the shop's name");
        Finding::warning(about, text)
    } else if !origin.is_secure() {
        let text = format!("{shown} is not encrypted: put a TLS proxy in front and make it https");
        Finding::warning(about, text)
    } else if config.trusted_proxies.is_empty() {
        let text = format!(
            "{shown}: all buyers seem to come from the proxy in front, and share its limits: name it with --trusted-proxies"
        );
        Finding::warning(about, text)
    } else {
        Finding::fine(about, shown)
    }
}

fn is_this_machine(origin: &str) -> bool {
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    let is = |name: &str| {
        host == name
            || host
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(':'))
    };
    is("localhost") || is("[::1]") || host.starts_with("127.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_behind_the_shops_records_is_a_problem() {
        let newest = Timestamp::from_millis(1_800_000_000_000);
        let judged = |now: Timestamp| judge_clock(now, Some(newest)).state;
        assert!(judged(newest) == State::Fine && judged(newest.plus(-MINUTE)) == State::Fine);
        assert!(judged(newest.plus(-10 * MINUTE)) == State::Problem);
        assert!(judge_clock(Timestamp::from_millis(0), None).state == State::Problem);
    }

    #[test]
    fn an_address_of_this_machine_is_told_from_a_shops_name() {
        for here in [
            "http://localhost:8080",
            "http://127.0.0.1",
            "https://[::1]:443",
            "https://localhost",
        ] {
            assert!(is_this_machine(here), "{here}");
        }
        assert!(
            !is_this_machine("https://localhost.example")
                && !is_this_machine("https://shop.example")
        );
    }
}

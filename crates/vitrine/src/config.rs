//! The configuration: flags over environment over file over defaults. A bad or unknown option stops the start with a
//! sentence that says what to do.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::args::Common;

/// Every option, decided.
#[derive(Clone)]
pub(crate) struct Config {
    /// The folder of the shop's files.
    pub(crate) data: PathBuf,
    /// The PostgreSQL URL, if it is not the file in the data folder.
    pub(crate) database: Option<String>,
    /// Where to listen, if the file says so.
    pub(crate) listen: Option<std::net::SocketAddr>,
    /// Where buyers reach the shop, if it is not where we listen.
    pub(crate) public_url: Option<web::Origin>,
    /// The merchant's theme folder.
    pub(crate) theme: Option<PathBuf>,
    /// The mail server.
    pub(crate) smtp: Option<Smtp>,
    /// Proxies whose headers are believed.
    pub(crate) trusted_proxies: Vec<web::Network>,
    /// What a reader of the metrics has to send.
    pub(crate) metrics_token: Option<String>,
    /// How many bytes of ready pages are kept in memory.
    pub(crate) page_cache: u64,
    /// Whether the log is for machines.
    pub(crate) log_json: bool,
    /// What is logged, if it was said.
    pub(crate) log: Option<String>,
}

/// The mail server.
#[derive(Clone)]
pub(crate) struct Smtp {
    /// Its address, with the password.
    pub(crate) url: String,
    /// What mails are sent from.
    pub(crate) from: kernel::Email,
}

impl fmt::Debug for Config {
    /// Without passwords and tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("data", &self.data)
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

/// Why the shop does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("the configuration file {file} cannot be read: {source}", file = file.display())]
    Unreadable {
        file: PathBuf,
        source: std::io::Error,
    },
    #[error("the configuration file {file} is not right: {message}", file = file.display())]
    BadFile { file: PathBuf, message: String },
    #[error(
        "there is no option {0}; the options and their environment variables are listed by `vitrine --help`"
    )]
    UnknownVariable(String),
    #[error("--log-format is {0:?}; use text or json")]
    BadLogFormat(String),
    #[error("--public-url is {0:?}: {1}")]
    BadPublicUrl(String, web::NotAnOrigin),
    #[error("--trusted-proxies has {0:?}: {1}")]
    BadProxy(String, web::NotANetwork),
    #[error(
        "--database is {0:?}; it must begin with postgres://. For SQLite name the folder with --data instead"
    )]
    BadDatabase(String),
    #[error("--smtp needs --mail-from: the address mails are sent from")]
    NoSender,
    #[error("--mail-from is {0:?}: {1}")]
    BadSender(String, kernel::TextError),
    #[error(
        "the log level {0:?} is not one; use error, warn, info, debug, trace, or a filter such as warn,commerce=debug"
    )]
    BadLog(String),
}

/// The file, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    data: Option<PathBuf>,
    database: Option<String>,
    listen: Option<std::net::SocketAddr>,
    public_url: Option<String>,
    theme: Option<PathBuf>,
    smtp: Option<String>,
    mail_from: Option<String>,
    trusted_proxies: Option<Vec<String>>,
    metrics_token: Option<String>,
    page_cache: Option<u32>,
    log_format: Option<String>,
    log: Option<String>,
}

/// The environment variables that are options.
const VARIABLES: &[&str] = &[
    "VITRINE_CONFIG",
    "VITRINE_DATA",
    "VITRINE_DATABASE",
    "VITRINE_LISTEN",
    "VITRINE_PUBLIC_URL",
    "VITRINE_THEME",
    "VITRINE_SMTP",
    "VITRINE_MAIL_FROM",
    "VITRINE_TRUSTED_PROXIES",
    "VITRINE_METRICS_TOKEN",
    "VITRINE_PAGE_CACHE",
    "VITRINE_LOG_FORMAT",
    "VITRINE_LOG",
];

/// What begins so is for the tests, not for the shop.
const NOT_OPTIONS: &[&str] = &["VITRINE_TEST_", "VITRINE_REQUIRE_"];

impl Config {
    /// Decides every option. `common` holds the flags, and what the environment says where there is no flag.
    pub(crate) fn load(
        common: &Common,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, ConfigError> {
        let ours = environment
            .keys()
            .filter(|name| name.starts_with("VITRINE_"));
        let unknown = ours
            .filter(|name| !VARIABLES.contains(&name.as_str()))
            .find(|name| !NOT_OPTIONS.iter().any(|prefix| name.starts_with(prefix)));
        if let Some(unknown) = unknown {
            return Err(ConfigError::UnknownVariable(unknown.clone()));
        }
        Self::decide(common, Self::file(common)?)
    }

    /// The flags over the file.
    fn decide(common: &Common, file: File) -> Result<Self, ConfigError> {
        let data = common
            .data
            .clone()
            .or(file.data)
            .unwrap_or_else(|| PathBuf::from("data"));
        let database = common.database.clone().or(file.database);
        if let Some(url) = database
            .as_ref()
            .filter(|url| !url.starts_with("postgres://") && !url.starts_with("postgresql://"))
        {
            return Err(ConfigError::BadDatabase(url.clone()));
        }
        let public_url = common.public_url.clone().or(file.public_url).map(|url| {
            web::Origin::parse(&url).map_err(|error| ConfigError::BadPublicUrl(url, error))
        });
        let proxies = common
            .trusted_proxies
            .clone()
            .or(file.trusted_proxies)
            .unwrap_or_default();
        let trusted_proxies = proxies.into_iter().map(|text| {
            text.parse()
                .map_err(|error| ConfigError::BadProxy(text, error))
        });
        let log = common.log.clone().or(file.log);
        if let Some(filter) = log
            .as_ref()
            .filter(|filter| tracing_subscriber::EnvFilter::try_new(filter).is_err())
        {
            return Err(ConfigError::BadLog(filter.clone()));
        }
        Ok(Self {
            data,
            database,
            listen: file.listen,
            public_url: public_url.transpose()?,
            theme: common.theme.clone().or(file.theme),
            smtp: smtp(
                common.smtp.clone().or(file.smtp),
                common.mail_from.clone().or(file.mail_from),
            )?,
            trusted_proxies: trusted_proxies.collect::<Result<_, _>>()?,
            metrics_token: common.metrics_token.clone().or(file.metrics_token),
            page_cache: common
                .page_cache
                .or(file.page_cache)
                .map_or(storefront::DEFAULT_PAGE_CACHE, |megabytes| {
                    u64::from(megabytes) * 1_024 * 1_024
                }),
            log_json: log_json(common.log_format.clone().or(file.log_format).as_deref())?,
            log,
        })
    }

    fn file(common: &Common) -> Result<File, ConfigError> {
        let (path, wanted) = match &common.config {
            Some(path) => (path.clone(), true),
            None => (
                common
                    .data
                    .clone()
                    .unwrap_or_else(|| PathBuf::from("data"))
                    .join("vitrine.toml"),
                false,
            ),
        };
        if !wanted && !path.exists() {
            return Ok(File::default());
        }
        let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::Unreadable {
            file: path.clone(),
            source,
        })?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: PathBuf) -> Result<File, ConfigError> {
        // toml's message quotes the line; the values of secrets are not quoted, only the key at fault.
        toml::from_str(text).map_err(|error| ConfigError::BadFile {
            file: path,
            message: error.message().to_owned(),
        })
    }

    /// Where the database is.
    pub(crate) fn location(&self) -> db::Location {
        match &self.database {
            Some(url) => db::Location::Postgres(url.clone()),
            None => db::Location::Sqlite(self.data.join("shop.sqlite")),
        }
    }

    /// The folder of the pictures.
    pub(crate) fn media(&self) -> PathBuf {
        self.data.join("media")
    }

    /// The folder of the search index.
    pub(crate) fn search(&self) -> PathBuf {
        self.data.join("search")
    }

    /// What to call the database towards people: without its password.
    pub(crate) fn database_in_words(&self) -> String {
        match &self.database {
            Some(url) => format!("the PostgreSQL database {}", without_password(url)),
            None => absolute(&self.data.join("shop.sqlite"))
                .display()
                .to_string(),
        }
    }
}

fn smtp(url: Option<String>, from: Option<String>) -> Result<Option<Smtp>, ConfigError> {
    let Some(url) = url else { return Ok(None) };
    let from = from.ok_or(ConfigError::NoSender)?;
    let from = kernel::Email::parse(&from).map_err(|error| ConfigError::BadSender(from, error))?;
    Ok(Some(Smtp { url, from }))
}

fn log_json(format: Option<&str>) -> Result<bool, ConfigError> {
    match format {
        None | Some("text") => Ok(false),
        Some("json") => Ok(true),
        Some(other) => Err(ConfigError::BadLogFormat(other.to_owned())),
    }
}

/// A database URL that can be shown: host and name only.
fn without_password(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    rest.split_once('?')
        .map_or(rest, |(rest, _)| rest)
        .to_owned()
}

/// The path from the root, for people to find.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A file is a configuration or is refused in a sentence that keeps its secrets.
#[cfg(feature = "testing")]
pub fn config_files(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let place = || PathBuf::from("vitrine.toml");
    let decide = |text: &str| {
        let file = Config::parse(text, place())?;
        Config::decide(&Common::default(), file)
    };
    match decide(text) {
        Ok(config) => {
            assert!(config.smtp.is_none() || text.contains("mail_from"));
            assert!(!config.database_in_words().contains("PASSWORD"));
        }
        Err(refusal) => assert!(refusal.to_string().len() < text.len() * 10 + 400),
    }
    let with_secret = format!("metrics_token = \"SECRET\"\n{text}");
    if let Err(refusal) = decide(&with_secret) {
        let said = refusal.to_string();
        assert!(
            !said.contains("SECRET") || text.contains("SECRET"),
            "{said}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(common: &Common) -> Result<Config, ConfigError> {
        Config::load(common, &BTreeMap::new())
    }

    #[test]
    fn nothing_said_is_a_shop_in_the_data_folder() {
        let config = load(&Common::default()).unwrap();
        assert_eq!(config.data, PathBuf::from("data"));
        assert!(config.database.is_none() && config.smtp.is_none() && !config.log_json);
    }

    #[test]
    fn a_flag_wins_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("vitrine.toml"),
            "public_url = \"https://file.example\"\nlog_format = \"json\"\n",
        )
        .unwrap();
        let common = Common {
            data: Some(folder.path().to_owned()),
            public_url: Some("https://flag.example".to_owned()),
            ..Common::default()
        };
        let config = load(&common).unwrap();
        assert_eq!(
            config.public_url.unwrap().to_string(),
            "https://flag.example"
        );
        assert!(config.log_json);
        assert_eq!(config.page_cache, 64 * 1_024 * 1_024);
    }

    #[test]
    fn the_page_cache_is_told_in_megabytes_and_can_be_off() {
        for megabytes in [0, 200] {
            let common = Common {
                page_cache: Some(megabytes),
                ..Common::default()
            };
            let bytes = u64::from(megabytes) * 1_024 * 1_024;
            assert_eq!(load(&common).unwrap().page_cache, bytes);
        }
    }

    #[test]
    fn an_unknown_key_stops_the_start_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("vitrine.toml"),
            "publick_url = \"https://x.example\"\n",
        )
        .unwrap();
        let common = Common {
            data: Some(folder.path().to_owned()),
            ..Common::default()
        };
        let error = load(&common).unwrap_err().to_string();
        assert!(error.contains("publick_url"), "{error}");
    }

    #[test]
    fn an_unknown_variable_stops_the_start_with_its_name() {
        let environment = BTreeMap::from([("VITRINE_LISTENS".to_owned(), "x".to_owned())]);
        let error = Config::load(&Common::default(), &environment)
            .unwrap_err()
            .to_string();
        assert!(error.contains("VITRINE_LISTENS"), "{error}");
    }

    #[test]
    fn bad_values_are_refused_with_what_to_do() {
        for (common, hint) in [
            (
                Common {
                    log_format: Some("yaml".to_owned()),
                    ..Common::default()
                },
                "text or json",
            ),
            (
                Common {
                    database: Some("mysql://x".to_owned()),
                    ..Common::default()
                },
                "postgres://",
            ),
            (
                Common {
                    smtp: Some("smtp://localhost".to_owned()),
                    ..Common::default()
                },
                "--mail-from",
            ),
            (
                Common {
                    public_url: Some("shop".to_owned()),
                    ..Common::default()
                },
                "--public-url",
            ),
            (
                Common {
                    trusted_proxies: Some(vec!["nowhere".to_owned()]),
                    ..Common::default()
                },
                "--trusted-proxies",
            ),
        ] {
            let error = load(&common).unwrap_err().to_string();
            assert!(error.contains(hint), "{error}");
        }
    }

    #[test]
    fn passwords_are_never_shown() {
        let common = Common {
            database: Some("postgres://ines:hunter2@db.example/shop?sslmode=disable".to_owned()),
            ..Common::default()
        };
        let config = load(&common).unwrap();
        assert_eq!(
            config.database_in_words(),
            "the PostgreSQL database db.example/shop"
        );
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}

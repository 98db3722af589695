//! Which mail server, as one URL that says it all.

use std::fmt;
use std::path::Path;

use kernel::Email;
use lettre::Address;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, TlsParameters};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::message::to_address;

/// The port of servers that take mail from programs, with STARTTLS.
const SUBMISSION: u16 = 587;
/// The same, encrypted from the first byte.
const SUBMISSIONS: u16 = 465;
/// The port of a mail server on this machine.
const LOCAL: u16 = 25;

/// What is wrong with a mail server's URL. Never quotes it: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SmtpConfigError {
    /// Not a URL.
    #[error(
        "the mail server is not a URL: write smtp://user:password@host:587, with special characters in the password as %XX"
    )]
    NotAUrl,
    /// Neither `smtp` nor `smtps`.
    #[error("the mail server's URL begins with {0}://, but only smtp:// and smtps:// are possible")]
    Scheme(String),
    /// No host.
    #[error("the mail server's URL names no host: write smtp://host:587")]
    NoHost,
    /// A path or a fragment.
    #[error(
        "the mail server's URL goes on after the host: write smtp://host:587 without anything behind it but ?tls=…; a / or # in a password is written %2F or %23"
    )]
    Trailing,
    /// A user without a password, or the other way round.
    #[error(
        "the mail server's URL has a user or a password, but not both: write smtp://user:password@host"
    )]
    HalfCredentials,
    /// Not text.
    #[error("the user or password in the mail server's URL is not UTF-8 after reading its %XX")]
    BadCredentials,
    /// A parameter nobody knows.
    #[error("the mail server's URL has the parameter {0}, but only tls and tlsrootcert are known")]
    Parameter(String),
    /// `tls=` something else.
    #[error(
        "tls={0} is not possible: write tls=required, or tls=none for a server on a network you trust"
    )]
    Tls(String),
    /// Encryption both on and off.
    #[error("smtps:// is always encrypted: leave out tls=none, or write smtp://")]
    TlsBoth,
    /// A password in the clear.
    #[error(
        "tls=none would send the password unencrypted: leave out tls=none, or the user and password"
    )]
    PasswordInTheClear,
    /// The file of the authority cannot be used.
    #[error("the certificates in {path} cannot be used: {why}")]
    RootCertificate {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// The host cannot be checked against a certificate.
    #[error("TLS cannot be set up for this mail server: {0}")]
    TlsSetup(String),
    /// Not an address.
    #[error("the sender {0} is not a mail address: write it like orders@shop.example")]
    Sender(String),
}

/// How the way to the server is protected.
#[derive(Clone)]
pub(super) enum Encryption {
    /// From the first byte.
    AtOnce(TlsParameters),
    /// After asking for it; without it, nothing is sent.
    StartTls(TlsParameters),
    /// Not at all: this machine, or a network the operator trusts.
    None,
}

/// A mail server and who we are to it. Its `Debug` shows no password.
#[derive(Clone)]
pub struct SmtpConfig {
    host: String,
    port: u16,
    encryption: Encryption,
    credentials: Option<Credentials>,
    sender: Option<Address>,
}

impl SmtpConfig {
    /// Reads `smtp://user:password@host:587` (STARTTLS, which the server must offer) or `smtps://…:465` (TLS at once).
    ///
    /// To a server on this machine mail goes unencrypted, unless the URL says `?tls=required`; to another one only if it
    /// says `?tls=none`, and then without a password. `?tlsrootcert=/path/to/ca.pem` trusts an authority of one's own
    /// besides the public ones. `sender` is the address mails come from; without it, it is the shop's own.
    pub fn parse(url: &str, sender: Option<&str>) -> Result<Self, SmtpConfigError> {
        let url = Url::parse(url).map_err(|_unreadable| SmtpConfigError::NotAUrl)?;
        let at_once = match url.scheme() {
            "smtps" => true,
            "smtp" => false,
            other => return Err(SmtpConfigError::Scheme(other.to_owned())),
        };
        let host = match url.host() {
            Some(Host::Domain(name)) if !name.is_empty() => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(Host::Domain(_)) | None => return Err(SmtpConfigError::NoHost),
        };
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(SmtpConfigError::Trailing);
        }
        let credentials = credentials(&url)?;
        let Parameters { tls, root } = Parameters::read(&url)?;
        let encryption = match (at_once, tls) {
            (true, Some(false)) => return Err(SmtpConfigError::TlsBoth),
            (true, _) => Encryption::AtOnce(parameters(&host, root.as_deref())?),
            (false, Some(false)) if credentials.is_some() && !is_loopback(&host) => {
                return Err(SmtpConfigError::PasswordInTheClear);
            }
            (false, Some(false)) => Encryption::None,
            (false, None) if is_loopback(&host) => Encryption::None,
            (false, _) => Encryption::StartTls(parameters(&host, root.as_deref())?),
        };
        let port = url.port().unwrap_or(match encryption {
            Encryption::AtOnce(_) => SUBMISSIONS,
            Encryption::StartTls(_) => SUBMISSION,
            Encryption::None => LOCAL,
        });
        let sender = sender.map(parse_sender).transpose()?;
        Ok(Self {
            host,
            port,
            encryption,
            credentials,
            sender,
        })
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    pub(super) const fn encryption(&self) -> &Encryption {
        &self.encryption
    }

    pub(super) const fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    pub(super) const fn sender(&self) -> Option<&Address> {
        self.sender.as_ref()
    }
}

impl fmt::Debug for SmtpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encryption = match self.encryption {
            Encryption::AtOnce(_) => "tls",
            Encryption::StartTls(_) => "starttls",
            Encryption::None => "none",
        };
        f.debug_struct("SmtpConfig")
            .field("server", &format_args!("{}:{}", self.host, self.port))
            .field("encryption", &encryption)
            .field("signs_in", &self.credentials.is_some())
            .field("sender", &self.sender.as_ref().map(ToString::to_string))
            .finish()
    }
}

struct Parameters {
    /// Whether the URL asks for TLS or against it.
    tls: Option<bool>,
    root: Option<String>,
}

impl Parameters {
    fn read(url: &Url) -> Result<Self, SmtpConfigError> {
        let mut parameters = Self {
            tls: None,
            root: None,
        };
        for (name, value) in url.query_pairs() {
            match (name.as_ref(), value.as_ref()) {
                ("tls", "required") => parameters.tls = Some(true),
                ("tls", "none") => parameters.tls = Some(false),
                ("tls", other) => return Err(SmtpConfigError::Tls(other.to_owned())),
                ("tlsrootcert", path) => parameters.root = Some(path.to_owned()),
                (other, _) => return Err(SmtpConfigError::Parameter(other.to_owned())),
            }
        }
        Ok(parameters)
    }
}

fn credentials(url: &Url) -> Result<Option<Credentials>, SmtpConfigError> {
    let decoded = |text: &str| {
        let text = percent_decode_str(text)
            .decode_utf8()
            .map_err(|_not_text| SmtpConfigError::BadCredentials)?;
        Ok(text.into_owned())
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        (user, Some(password)) if !user.is_empty() => {
            Ok(Some(Credentials::new(decoded(user)?, decoded(password)?)))
        }
        _ => Err(SmtpConfigError::HalfCredentials),
    }
}

fn parameters(host: &str, root: Option<&str>) -> Result<TlsParameters, SmtpConfigError> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(path) = root {
        let unusable = |why: String| SmtpConfigError::RootCertificate {
            path: path.to_owned(),
            why,
        };
        let pem = std::fs::read(Path::new(path)).map_err(|error| unusable(error.to_string()))?;
        builder = builder.add_root_certificate(
            Certificate::from_pem(&pem).map_err(|error| unusable(error.to_string()))?,
        );
    }
    builder
        .build()
        .map_err(|error| SmtpConfigError::TlsSetup(error.to_string()))
}

fn is_loopback(host: &str) -> bool {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn parse_sender(text: &str) -> Result<Address, SmtpConfigError> {
    let wrong = || SmtpConfigError::Sender(text.to_owned());
    let email = Email::parse(text).map_err(|_not_one| wrong())?;
    to_address(email.as_str()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<String, SmtpConfigError> {
        SmtpConfig::parse(url, None).map(|config| format!("{config:?}"))
    }

    #[test]
    fn encryption_is_the_rule_and_a_server_on_this_machine_the_exception() {
        let server = |url: &str| {
            let config = SmtpConfig::parse(url, None).unwrap();
            let encryption = match config.encryption() {
                Encryption::AtOnce(_) => "at once",
                Encryption::StartTls(_) => "starttls",
                Encryption::None => "none",
            };
            (encryption, config.host().to_owned(), config.port())
        };
        let expected = |encryption, host: &str, port| (encryption, host.to_owned(), port);
        assert_eq!(
            server("smtp://mail.example"),
            expected("starttls", "mail.example", 587)
        );
        assert_eq!(
            server("smtp://u:p@mail.example:2525/"),
            expected("starttls", "mail.example", 2525)
        );
        assert_eq!(
            server("smtps://u:p@mail.example"),
            expected("at once", "mail.example", 465)
        );
        assert_eq!(
            server("smtp://10.0.0.7"),
            expected("starttls", "10.0.0.7", 587)
        );
        assert_eq!(
            server("smtp://10.0.0.7?tls=none"),
            expected("none", "10.0.0.7", 25)
        );
        assert_eq!(
            server("smtp://localhost"),
            expected("none", "localhost", 25)
        );
        assert_eq!(
            server("smtp://u:p@127.0.0.1:1025"),
            expected("none", "127.0.0.1", 1025)
        );
        assert_eq!(server("smtp://[::1]"), expected("none", "::1", 25));
        assert_eq!(
            server("smtp://localhost?tls=required"),
            expected("starttls", "localhost", 587)
        );
        assert_eq!(
            server("smtp://localhost.evil.example"),
            expected("starttls", "localhost.evil.example", 587)
        );
        assert_eq!(
            server("smtp://127.0.0.1.evil.example"),
            expected("starttls", "127.0.0.1.evil.example", 587)
        );
    }

    #[test]
    fn a_url_that_cannot_be_meant_says_what_to_write_instead() {
        use SmtpConfigError as E;
        assert_eq!(parse("mail.example"), Err(E::NotAUrl));
        assert_eq!(
            parse("http://mail.example"),
            Err(E::Scheme("http".to_owned()))
        );
        assert!(matches!(parse("smtp://"), Err(E::NoHost | E::NotAUrl)));
        assert_eq!(parse("smtp:mail.example"), Err(E::NoHost));
        assert_eq!(parse("smtp://mail.example/relay"), Err(E::Trailing));
        assert_eq!(parse("smtp://mail.example#x"), Err(E::Trailing));
        assert_eq!(parse("smtp://user@mail.example"), Err(E::HalfCredentials));
        assert_eq!(
            parse("smtp://:secret@mail.example"),
            Err(E::HalfCredentials)
        );
        assert_eq!(
            parse("smtp://user:%ff@mail.example"),
            Err(E::BadCredentials)
        );
        assert_eq!(
            parse("smtp://mail.example?tls=maybe"),
            Err(E::Tls("maybe".to_owned()))
        );
        assert_eq!(
            parse("smtp://mail.example?starttls=1"),
            Err(E::Parameter("starttls".to_owned()))
        );
        assert_eq!(parse("smtps://mail.example?tls=none"), Err(E::TlsBoth));
        assert_eq!(
            parse("smtp://u:p@mail.example?tls=none"),
            Err(E::PasswordInTheClear)
        );
        assert!(matches!(
            parse("smtp://mail.example?tlsrootcert=/does/not/exist.pem"),
            Err(E::RootCertificate { .. })
        ));
        assert_eq!(
            SmtpConfig::parse("smtp://mail.example", Some("Shop <a@b.example>")).unwrap_err(),
            E::Sender("Shop <a@b.example>".to_owned())
        );
    }

    #[test]
    fn the_password_shows_neither_in_a_log_nor_in_an_error() {
        let shown = parse("smtp://user:s3cr%40t@mail.example").unwrap();
        assert!(
            !shown.contains("s3cr") && !shown.contains("user"),
            "{shown}"
        );
        for url in [
            "smtp://user:s3cr/t@mail.example",
            "smtp://user:s3cr#t@mail.example",
            "ftp://user:s3cr@mail.example",
            "s3cr",
        ] {
            let error = parse(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cr"), "{error}");
        }
    }
}

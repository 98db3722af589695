//! Where the server is, how it may be reached, and what every connection to it agrees on.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use postgres::config::{Host, SslMode};
use postgres::{Client, Config, NoTls};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::errors;
use crate::{DbError, Options, limits};

/// A server, and how to greet it.
pub(crate) struct Target {
    config: Config,
    /// `None` where the way to the server needs no encryption.
    tls: Option<MakeRustlsConnect>,
    greeting: String,
}

impl Target {
    /// Reads a URL, refusing one that would send data over a network in the clear without saying so.
    pub(crate) fn parse(url: &str, options: &Options) -> Result<Self, DbError> {
        let (url, wishes) = TlsWishes::take_from(url)?;
        let mut config: Config = url.parse().map_err(|error: postgres::Error| {
            DbError::Open(format!(
                "the database URL cannot be read: {}. It looks like postgres://user:password@host:5432/name",
                errors::with_source(&error)
            ))
        })?;
        config.connect_timeout(limits::CONNECT_TIME);
        config.tcp_user_timeout(std::time::Duration::from_secs(30));
        config.keepalives_idle(std::time::Duration::from_mins(1));
        if config.get_application_name().is_none() {
            config.application_name("vitrine");
        }
        let wanted = wishes.mode.unwrap_or(if is_local(&config) {
            Mode::Off
        } else {
            Mode::On
        });
        let tls = match wanted {
            Mode::Off => None,
            Mode::On => Some(tls(wishes.authorities.as_deref())?),
        };
        config.ssl_mode(if tls.is_some() {
            SslMode::Require
        } else {
            SslMode::Disable
        });
        Ok(Self {
            config,
            tls,
            greeting: greeting(options),
        })
    }

    /// Connects and greets. The error says what to do.
    pub(crate) fn connect(&self) -> Result<Client, DbError> {
        let connected = match &self.tls {
            Some(tls) => self.config.connect(tls.clone()),
            None => self.config.connect(NoTls),
        };
        let mut client = connected.map_err(|error| self.explain(&error))?;
        let greeted = client.batch_execute(&self.greeting);
        greeted.map_err(|error| DbError::Unavailable(errors::with_source(&error)))?;
        let settings = client.query_one(
            "SELECT current_setting('server_encoding'), current_setting('synchronous_commit')",
            &[],
        );
        let settings =
            settings.map_err(|error| DbError::Unavailable(errors::with_source(&error)))?;
        let setting = |index: usize| settings.try_get::<_, String>(index).unwrap_or_default();
        let encoding = setting(0);
        if encoding != "UTF8" {
            return Err(DbError::Open(format!(
                "the database stores text as {encoding}; create it with ENCODING 'UTF8'"
            )));
        }
        if setting(1) == "off" {
            // An order that was acknowledged must survive a crash of the server.
            let durable = client.batch_execute("SET synchronous_commit = on");
            durable.map_err(|error| DbError::Unavailable(errors::with_source(&error)))?;
        }
        Ok(client)
    }

    fn explain(&self, error: &postgres::Error) -> DbError {
        let message = errors::with_source(error);
        if self.tls.is_some() && message.contains("server does not support TLS") {
            return DbError::Open(
                "the PostgreSQL server does not offer TLS, and data is not sent over a network in the clear: switch on \
                 `ssl` in the server's configuration, or, if you trust the network between, add ?sslmode=disable to \
                 the URL"
                    .to_owned(),
            );
        }
        DbError::Unavailable(format!("connecting to PostgreSQL failed: {message}"))
    }
}

/// What every connection agrees on.
///
/// The server's own guess of four times the price for a page out of turn is of the age of turning disks: with it, a list
/// that is made to be read off an index is looked for in the whole table. And compiling a statement takes longer than any
/// of ours may run. Both are set only where the server knows them.
fn greeting(options: &Options) -> String {
    format!(
        "SET statement_timeout = {}; SET lock_timeout = {}; SET idle_in_transaction_session_timeout = {}; \
         SET client_min_messages = warning; SET timezone = 'UTC'; SET standard_conforming_strings = on; \
         SELECT set_config(name, CASE name WHEN 'jit' THEN 'off' ELSE '1.1' END, false) \
           FROM pg_settings WHERE name IN ('jit', 'random_page_cost')",
        options.statement_time.as_millis(),
        options.lock_time.as_millis(),
        limits::IDLE_TIME.as_millis(),
    )
}

/// Whether every way to the server stays on this machine.
fn is_local(config: &Config) -> bool {
    let local_host = |host: &Host| match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    };
    config.get_hosts().iter().all(local_host)
        && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

fn tls(authorities: Option<&Path>) -> Result<MakeRustlsConnect, DbError> {
    let mut roots = RootCertStore::empty();
    match authorities {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let unreadable = |error: &dyn std::fmt::Display| {
                DbError::Open(format!(
                    "sslrootcert {} cannot be read: {error}",
                    path.display()
                ))
            };
            let certificates =
                CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| unreadable(&error))?;
                roots.add(certificate).map_err(|error| unreadable(&error))?;
            }
            if roots.is_empty() {
                return Err(unreadable(&"it holds no certificate"));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| DbError::Open(format!("TLS cannot be set up: {error}")))?;
    Ok(MakeRustlsConnect::new(
        config.with_root_certificates(roots).with_no_client_auth(),
    ))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Off,
    On,
}

/// What a URL says about TLS. The driver knows neither `verify-full`, which is all we do, nor `sslrootcert`.
#[derive(Debug, Default, PartialEq, Eq)]
struct TlsWishes {
    mode: Option<Mode>,
    authorities: Option<PathBuf>,
}

impl TlsWishes {
    fn take_from(url: &str) -> Result<(String, Self), DbError> {
        let Some((base, query)) = url.split_once('?') else {
            return Ok((url.to_owned(), Self::default()));
        };
        let mut wishes = Self::default();
        let mut others = Vec::new();
        for pair in query.split('&') {
            match pair.split_once('=') {
                Some(("sslmode", "disable")) => wishes.mode = Some(Mode::Off),
                // "prefer" is the driver's default, and what others write without a thought: our own rule decides.
                Some(("sslmode", "allow" | "prefer")) => {}
                Some(("sslmode", "require" | "verify-ca" | "verify-full")) => {
                    wishes.mode = Some(Mode::On);
                }
                Some(("sslmode", other)) => {
                    return Err(DbError::Open(format!(
                        "the database URL says sslmode={other}; write verify-full, or disable to send data in the clear"
                    )));
                }
                Some(("sslrootcert", path)) => {
                    wishes.authorities = Some(PathBuf::from(path.replace("%2F", "/")));
                }
                _ => others.push(pair),
            }
        }
        let url = if others.is_empty() {
            base.to_owned()
        } else {
            format!("{base}?{}", others.join("&"))
        };
        Ok((url, wishes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Result<Target, DbError> {
        Target::parse(url, &Options::default())
    }

    #[test]
    fn a_server_on_another_machine_is_reached_through_tls_unless_told_otherwise() {
        for url in [
            "postgres://shop@db.example/shop",
            "postgres://shop@10.0.0.7/shop?sslmode=prefer",
            "postgres://shop@db.example,localhost/shop",
        ] {
            let target = target(url).unwrap();
            assert!(target.tls.is_some(), "{url}");
            assert_eq!(target.config.get_ssl_mode(), SslMode::Require, "{url}");
        }
        let open =
            target("postgres://shop@db.example/shop?sslmode=disable&connect_timeout=3").unwrap();
        assert!(open.tls.is_none());
    }

    #[test]
    fn a_server_on_this_machine_needs_no_tls_but_can_have_it() {
        for url in [
            "postgres://shop@localhost/shop",
            "postgres://shop@[::1]/shop",
            "postgres://shop@%2Frun%2Fpostgresql/shop",
        ] {
            assert!(target(url).unwrap().tls.is_none(), "{url}");
        }
        assert!(
            target("postgres://shop@127.0.0.1/shop?sslmode=verify-full")
                .unwrap()
                .tls
                .is_some()
        );
    }

    #[test]
    fn a_local_name_for_a_far_address_is_far() {
        assert!(
            target("postgres://shop@localhost/shop?hostaddr=10.0.0.7")
                .unwrap()
                .tls
                .is_some()
        );
    }

    #[test]
    fn what_cannot_be_understood_is_refused_with_advice() {
        let error = |url: &str| target(url).map(drop).unwrap_err().to_string();
        assert!(
            error("postgres://shop@db.example/shop?sslmode=sometimes")
                .contains("write verify-full")
        );
        assert!(
            error("postgres://shop@db.example/shop?sslrootcert=/no/such/file.pem")
                .contains("/no/such/file.pem")
        );
        assert!(
            error("postgres://shop@db.example:port/shop")
                .contains("postgres://user:password@host:5432/name")
        );
    }
}

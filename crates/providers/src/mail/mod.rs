//! Mail through a mail server of the merchant's, by SMTP.
//!
//! # Invariants
//! - A mail counts as sent once the server has answered for it, not before.
//! - No password and no mail crosses a network without TLS, unless the operator writes `?tls=none`; a password not even then.
//! - Trouble on the way to the server is never the mail's fault: only an answer to the mail itself can refuse it for good.
//!
//! Deliberately not here: queueing and repeating. That is the outbox's, in `commerce`.

mod config;
mod message;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::time::Duration;

use commerce::ports::Answer;
use commerce::ports::mail::{Letter, MailError, Mailer};
use lettre::Message;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::DEFAULT_MECHANISMS;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::{ClientId, Extension};

use config::Encryption;
pub use config::{SmtpConfig, SmtpConfigError};

/// How long a server may take to let us in.
const OPENING: Duration = Duration::from_secs(10);
/// How long a server may take to accept a mail: some look into it first.
const ACCEPTING: Duration = Duration::from_mins(1);
/// How long a server may take to say goodbye. The mail is sent by then.
const CLOSING: Duration = Duration::from_secs(2);

/// Sends mail through one server, each over a connection of its own.
///
/// A shop's mails are few and far between, and a server that closes idle connections cannot surprise us.
#[derive(Debug, Clone)]
pub struct SmtpMailer {
    config: SmtpConfig,
    opening: Duration,
}

impl SmtpMailer {
    /// A mailer for that server. It is first spoken to when there is a mail.
    pub fn new(config: SmtpConfig) -> Self {
        Self {
            config,
            opening: OPENING,
        }
    }

    /// Gives the server another time than ten seconds to let us in.
    #[must_use]
    pub fn with_opening_time(self, opening: Duration) -> Self {
        Self { opening, ..self }
    }

    /// Whether the server lets us in, without sending anything. For the operator's check.
    pub async fn check(&self) -> Result<(), MailError> {
        let mut connection = within(self.opening, self.open()).await?;
        goodbye(&mut connection).await;
        Ok(())
    }

    async fn deliver(&self, letter: &Letter) -> Result<(), MailError> {
        let message = message::compose(letter, self.config.sender())?;
        let mut connection = within(self.opening, self.open()).await?;
        if message
            .envelope()
            .to()
            .iter()
            .any(|to| !to.to_string().is_ascii())
            && !connection
                .server_info()
                .supports_feature(Extension::SmtpUtfEight)
        {
            return Err(MailError::Never(
                "it does not deliver to addresses with letters beyond A to Z".to_owned(),
            ));
        }
        within(ACCEPTING, accept(&mut connection, &message)).await?;
        goodbye(&mut connection).await;
        Ok(())
    }

    /// Connects, encrypts and signs in. Whatever goes wrong here is not the mail's fault, so that it may work later.
    async fn open(&self) -> Result<AsyncSmtpConnection, MailError> {
        let server = (self.config.host(), self.config.port());
        let us = ClientId::default();
        let at_once = match self.config.encryption() {
            Encryption::AtOnce(tls) => Some(tls.clone()),
            Encryption::StartTls(_) | Encryption::None => None,
        };
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(self.opening), &us, at_once, None)
                .await
                .map_err(later)?;
        if let Encryption::StartTls(tls) = self.config.encryption() {
            connection.starttls(tls.clone(), &us).await.map_err(later)?;
        }
        if let Some(credentials) = self.config.credentials() {
            connection
                .auth(DEFAULT_MECHANISMS, credentials)
                .await
                .map_err(later)?;
        }
        Ok(connection)
    }
}

impl Mailer for SmtpMailer {
    fn is_configured(&self) -> bool {
        true
    }

    fn send<'a>(&'a self, letter: &'a Letter) -> Answer<'a, Result<(), MailError>> {
        Box::pin(self.deliver(letter))
    }
}

/// Hands the mail over. Here the server's answers are about the mail: a refusal for good is one.
async fn accept(connection: &mut AsyncSmtpConnection, message: &Message) -> Result<(), MailError> {
    match connection
        .send(message.envelope(), &message.formatted())
        .await
    {
        Ok(_) => Ok(()),
        Err(error) if error.is_permanent() => Err(MailError::Never(error.to_string())),
        Err(error) => Err(later(error)),
    }
}

/// Ends the conversation politely; the mail is accepted, so that nothing here matters any more.
async fn goodbye(connection: &mut AsyncSmtpConnection) {
    match tokio::time::timeout(CLOSING, connection.quit()).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::debug!(%error, "The mail server did not say goodbye"),
        Err(_) => tracing::debug!("The mail server did not say goodbye in time"),
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "so that it fits into map_err"
)]
fn later(error: SmtpError) -> MailError {
    MailError::Later(error.to_string())
}

async fn within<T>(
    time: Duration,
    work: impl Future<Output = Result<T, MailError>>,
) -> Result<T, MailError> {
    match tokio::time::timeout(time, work).await {
        Ok(done) => done,
        Err(_) => Err(MailError::Later(format!(
            "no answer within {} seconds",
            time.as_secs()
        ))),
    }
}

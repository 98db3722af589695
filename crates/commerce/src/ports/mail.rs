//! Sending mail.

use super::Answer;

/// A mail ready to go.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Stable across repeats, for the Message-ID header: a receiver can tell a repeat from a new mail.
    pub id: String,
    /// The shop's name, as the sender.
    pub from_name: String,
    /// Where answers go; also the sender's address unless the transport is configured with one.
    pub reply_to: Option<String>,
    /// The receiver's address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The mail as HTML.
    pub html: String,
    /// The same as plain text.
    pub text: String,
}

/// Why a mail was not accepted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MailError {
    /// It may work later: the server is away or busy.
    #[error("the mail server did not take it now: {0}")]
    Later(String),
    /// It will never work: the server refuses this mail.
    #[error("the mail server refuses it: {0}")]
    Never(String),
}

/// Hands mail to the world.
pub trait Mailer: Send + Sync {
    /// Whether anything is configured to send with. If not, mails are kept in the outbox and can be read there.
    fn is_configured(&self) -> bool;
    /// Hands over one mail; returns when the server has taken responsibility for it.
    fn send<'a>(&'a self, letter: &'a Letter) -> Answer<'a, Result<(), MailError>>;
}

/// No mail server: every mail stays in the outbox.
#[derive(Debug, Clone, Copy)]
pub struct KeepMails;

impl Mailer for KeepMails {
    fn is_configured(&self) -> bool {
        false
    }

    fn send<'a>(&'a self, _letter: &'a Letter) -> Answer<'a, Result<(), MailError>> {
        Box::pin(async { Err(MailError::Later("no mail server is configured".to_owned())) })
    }
}

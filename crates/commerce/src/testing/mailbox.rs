//! Where a test shop's mail goes.

use std::sync::{Arc, Mutex, MutexGuard};

use crate::ports::Answer;
use crate::ports::mail::{Letter, MailError, Mailer};

/// A mail server that takes everything, until told otherwise.
#[derive(Debug, Clone, Default)]
pub struct Mailbox(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    letters: Vec<Letter>,
    refuse: Option<MailError>,
}

impl Mailbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panicked holding the mailbox")
    }

    /// What arrived, in order.
    pub fn letters(&self) -> Vec<Letter> {
        self.state().letters.clone()
    }

    /// The subjects of what arrived, in order.
    pub fn subjects(&self) -> Vec<String> {
        self.state()
            .letters
            .iter()
            .map(|letter| letter.subject.clone())
            .collect()
    }

    /// From now on answers with this error; `None` takes mail again.
    pub fn refuse(&self, error: Option<MailError>) {
        self.state().refuse = error;
    }
}

impl Mailer for Mailbox {
    fn is_configured(&self) -> bool {
        true
    }

    fn send<'a>(&'a self, letter: &'a Letter) -> Answer<'a, Result<(), MailError>> {
        Box::pin(async move {
            let mut state = self.state();
            if let Some(error) = &state.refuse {
                return Err(error.clone());
            }
            state.letters.push(letter.clone());
            Ok(())
        })
    }
}

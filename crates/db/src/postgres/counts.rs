//! A thread with a connection that reads the counts of changes, for everybody who asks at once.

use std::sync::Arc;
use std::thread::JoinHandle;

use super::{Session, connect};
use crate::changes::{self, Board, Changes};
use crate::{DbError, Options, Shared, Watched};

/// Starts the thread. It connects when it is first asked.
pub(crate) fn count_on(
    url: &str,
    options: &Options,
    shared: &Arc<Shared>,
    board: &Arc<Board>,
) -> Result<JoinHandle<()>, DbError> {
    let target = connect::Target::parse(url, options)?;
    let (shared, board) = (Arc::clone(shared), Arc::clone(board));
    let body = move || {
        let _guard = OnDuty(&board);
        let mut session = None;
        board.serve(|| read(&target, &shared, &mut session));
    };
    std::thread::Builder::new()
        .name("db-counts".to_owned())
        .spawn(body)
        .map_err(|error| DbError::Open(format!("cannot start a database thread: {error}")))
}

/// Reads once; a second time on a fresh connection if the first was lost, as after a restart of the server.
fn read(
    target: &connect::Target,
    shared: &Shared,
    session: &mut Option<Session>,
) -> Result<Changes, DbError> {
    let Some(watched) = shared.watched.get() else {
        return Ok(Changes::default());
    };
    let had_one = session.is_some();
    match read_on(target, shared, session, watched) {
        Err(_) if had_one => {
            *session = None;
            read_on(target, shared, session, watched)
        }
        answer => answer,
    }
}

fn read_on(
    target: &connect::Target,
    shared: &Shared,
    session: &mut Option<Session>,
    watched: &Watched,
) -> Result<Changes, DbError> {
    let session = match session {
        Some(session) => session,
        None => session.insert(Session::new(target.connect()?)),
    };
    shared.counters.count_statements(1);
    let rows = session.query(changes::READ, &[])?;
    Ok(Changes::of_rows(watched, rows))
}

/// Should the thread ever die of a bug, nobody waits for it in vain.
struct OnDuty<'a>(&'a Board);

impl Drop for OnDuty<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

//! Notes that staff write on orders, for each other. Buyers never see them.

use db::{DbError, Tx, params};
use kernel::{Code, Coded, OrderId};
use serde_json::{Value as Json, json};

use super::{TimelineKind, store};
use crate::audit::{self, Change};
use crate::error::Internal;
use crate::internal_from;
use crate::shop::{Act, Shop};
use crate::staff::{Authorized, NoteOrders};

/// The longest note, in characters.
pub const NOTE_LONGEST: usize = 2_000;
/// Notes looked through for one that was written before with the same key.
const NOTES_READ: u32 = 500;

/// Writes a note on an order.
#[derive(Debug, Clone)]
pub struct AddNote {
    /// The same key twice is one note.
    pub request_key: String,
    /// On which order.
    pub order_id: OrderId,
    /// What it says, on as many lines as it takes.
    pub text: String,
}

/// Why no note was written.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// No such order.
    #[error("there is no such order")]
    NotFound,
    /// Nothing was written.
    #[error("write something first")]
    Empty,
    /// More than anybody reads.
    #[error("a note has at most {NOTE_LONGEST} characters")]
    TooLong,
    /// Characters that do not show.
    #[error("the note holds characters that cannot be shown")]
    Unprintable,
    /// Not the caller's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}
internal_from!(NoteError: DbError);

impl Coded for NoteError {
    fn code(&self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::Empty | Self::TooLong | Self::Unprintable => Code::Invalid,
            Self::Internal(error) => error.code(),
        }
    }
}

/// Writes a note into an order's timeline.
pub async fn add_note(
    shop: &Shop,
    by: Authorized<NoteOrders>,
    mut cmd: AddNote,
) -> Result<(), NoteError> {
    cmd.text = readable(&cmd.text)?;
    audit::change(shop, shop.act(by.actor()), move |tx, act| {
        note(tx, act, &cmd)
    })
    .await
}

/// The note with plain line ends and nothing around it, if it can be read.
fn readable(text: &str) -> Result<String, NoteError> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text = text.trim();
    if text.is_empty() {
        return Err(NoteError::Empty);
    }
    if text.chars().count() > NOTE_LONGEST {
        return Err(NoteError::TooLong);
    }
    if text
        .chars()
        .any(|c| c.is_control() && c != '\n' && c != '\t')
    {
        return Err(NoteError::Unprintable);
    }
    Ok(text.to_owned())
}

fn note(tx: &mut Tx<'_>, act: &Act, cmd: &AddNote) -> Result<((), Change), NoteError> {
    let order = store::lock(tx, act.now, &cmd.order_id)?.ok_or(NoteError::NotFound)?;
    let written: Vec<(String,)> = tx.query(
        "SELECT detail FROM order_timeline WHERE order_id = $1 AND kind = $2 ORDER BY at DESC, id DESC LIMIT $3",
        params![order.id, TimelineKind::Note, NOTES_READ],
    )?;
    for (detail,) in written {
        let detail: Json = store::json(&detail, "a timeline entry")?;
        if detail.get("key").and_then(Json::as_str) == Some(&cmd.request_key) {
            return Ok(((), Change::none()));
        }
    }
    let detail = json!({ "text": cmd.text, "key": cmd.request_key });
    store::add_to_timeline(tx, act, &order.id, (TimelineKind::Note, detail))?;
    let change = Change::new("order.note", "order", &order.id).to(json!({ "text": cmd.text }));
    Ok(((), change))
}

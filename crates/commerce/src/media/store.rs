//! All SQL of pictures.

use std::collections::HashSet;

use db::{DbError, FromRow, Row, Tx, Value, in_list, params};
use kernel::stored::ToValue;
use kernel::{MediaId, Timestamp};

use super::{ContentHash, Picture};

impl FromRow for Picture {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            hash: row.get("content_hash")?,
            width: row.get("width")?,
            height: row.get("height")?,
            widths: row.get("widths")?,
            ground: row.get("ground")?,
        })
    }
}

/// The picture with this hash.
pub(crate) fn by_hash(tx: &mut Tx<'_>, hash: &ContentHash) -> Result<Option<Picture>, DbError> {
    tx.query_opt(
        "SELECT id, content_hash, width, height, widths, ground FROM media WHERE content_hash = $1",
        params![hash],
    )
}

/// Keeps a picture, unless one with its hash is there already; returns the one that is kept.
pub(crate) fn put(tx: &mut Tx<'_>, picture: &Picture, now: Timestamp) -> Result<Picture, DbError> {
    tx.execute(
        "INSERT INTO media (id, content_hash, width, height, widths, ground, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (content_hash) DO NOTHING",
        params![
            picture.id,
            picture.hash,
            picture.width,
            picture.height,
            picture.widths,
            picture.ground,
            now
        ],
    )?;
    by_hash(tx, &picture.hash)?.ok_or(DbError::NoRow)
}

/// Those of these pictures that there are.
pub(crate) fn known_of(tx: &mut Tx<'_>, ids: &[MediaId]) -> Result<HashSet<MediaId>, DbError> {
    let values: Vec<Value> = ids.iter().map(ToValue::to_value).collect();
    let sql = format!(
        "SELECT id FROM media WHERE id IN ({})",
        in_list(1, ids.len())
    );
    let known: Vec<(MediaId,)> = tx.query(&sql, &values)?;
    Ok(known.into_iter().map(|(id,)| id).collect())
}

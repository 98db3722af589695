//! Pictures: decoded, cleaned, made in several widths and kept in the object store.
//!
//! **Invariants.** What is stored and served is always our own encoding; the bytes that were sent are never kept. A picture
//! is known by the hash of what was sent, so sending it again changes nothing, and its address can be cached for ever.
//!
//! Decoding and encoding run on a few threads of their own, so that no number of uploads can starve the rest.

mod color;
pub(crate) mod prepare;
pub(crate) mod store;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use bytes::Bytes;
use db::DbError;
use kernel::stored::{FromValue, StoredError, ToValue, Value};
use kernel::{Code, Coded, MediaId, TextError};
use object_store::{ObjectStoreExt, PutPayload};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

pub use color::Color;
pub use prepare::BadPicture;

use crate::audit::{self, Change};
use crate::staff::{Authorized, EditProducts};
use crate::{Internal, Shop};

/// The limits of an upload.
pub mod limits {
    /// Bytes of a file.
    pub const BYTES: usize = 20_000_000;
    /// Pixels of a picture.
    pub const PIXELS: u64 = 40_000_000;
    /// Pixels along one side.
    pub const SIDE: u32 = 16_000;
    /// Bytes a decoder may allocate.
    pub const DECODER_BYTES: u64 = 400_000_000;
    /// Pictures worked on at once.
    pub const AT_ONCE: usize = 2;
    /// The widths that are made of a picture that has them.
    pub const WIDTHS: [u32; 6] = [320, 480, 640, 800, 1_200, 1_600];
}

/// A picture of the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Picture {
    /// Its id.
    pub id: MediaId,
    /// The hash it is known and addressed by.
    pub hash: ContentHash,
    /// Its width, upright.
    pub width: u32,
    /// Its height, upright.
    pub height: u32,
    /// The widths it is kept in, ascending; never empty.
    pub widths: Widths,
    /// The colour of its backdrop, to show before it arrives.
    pub ground: Color,
}

/// The SHA-256 of the bytes that were sent, in hex.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ContentHash(String);

impl ContentHash {
    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(data_encoding::HEXLOWER.encode(&Sha256::digest(bytes)))
    }

    /// The 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ContentHash {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        let fits = text.len() == 64
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(TextError::NotAnId)
        }
    }
}

kernel::stored_as_text!(ContentHash);

/// The widths a picture is kept in, ascending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Widths(Vec<u32>);

impl Widths {
    /// The widths to make of a picture this wide: the usual ones below it, and its own where it is small enough.
    fn of(width: u32) -> Self {
        let largest = limits::WIDTHS
            .iter()
            .copied()
            .max()
            .unwrap_or(width)
            .min(width);
        let mut widths: Vec<u32> = limits::WIDTHS
            .into_iter()
            .filter(|usual| *usual < largest)
            .collect();
        widths.push(largest);
        Self(widths)
    }

    /// The widths.
    pub fn as_slice(&self) -> &[u32] {
        &self.0
    }

    /// The largest.
    pub fn largest(&self) -> u32 {
        self.0.last().copied().unwrap_or(0)
    }

    /// The smallest that is at least `wanted` wide, or else the largest.
    pub fn at_least(&self, wanted: u32) -> u32 {
        self.0
            .iter()
            .copied()
            .find(|width| *width >= wanted)
            .unwrap_or_else(|| self.largest())
    }
}

impl ToValue for Widths {
    fn to_value(&self) -> Value {
        let list = self
            .0
            .iter()
            .map(u32::to_string)
            .collect::<Vec<_>>()
            .join(",");
        Value::Text(format!("[{list}]"))
    }
}

impl FromValue for Widths {
    fn from_value(value: Value) -> Result<Self, StoredError> {
        let Value::Text(text) = &value else {
            return Err(StoredError::new("a list of widths", &value));
        };
        match serde_json::from_str::<Vec<u32>>(text) {
            Ok(widths) if !widths.is_empty() => Ok(Self(widths)),
            Ok(_) | Err(_) => Err(StoredError::new("a list of widths", &value)),
        }
    }
}

/// Why a picture was not taken.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The file itself.
    #[error(transparent)]
    BadPicture(#[from] BadPicture),
    /// Not the sender's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}

crate::internal_from!(UploadError: DbError);

impl Coded for UploadError {
    fn code(&self) -> Code {
        match self {
            Self::BadPicture(_) => Code::BadPicture,
            Self::Internal(error) => error.code(),
        }
    }
}

/// One file of a picture, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaFile {
    /// The bytes; always WebP.
    pub bytes: Bytes,
    /// A strong validator with its quotes: other bytes never have the same.
    pub etag: String,
}

/// What [`MediaFile::bytes`] are.
pub const CONTENT_TYPE: &str = "image/webp";

/// The threads pictures are worked on, as permits.
static WORK: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(limits::AT_ONCE));

/// Takes in a picture: JPEG, PNG, WebP, or the first frame of a GIF.
///
/// The same bytes sent twice are one picture. Metadata is dropped, except for the way up, which is applied.
pub async fn upload(
    shop: &Shop,
    staff: Authorized<EditProducts>,
    file: Bytes,
) -> Result<Picture, UploadError> {
    if file.len() > limits::BYTES {
        return Err(BadPicture::TooLarge.into());
    }
    let hash = ContentHash::of(&file);
    if let Some(known) = find(shop, hash.clone()).await? {
        return Ok(known);
    }
    let prepared = prepare_apart(file).await?;
    keep_files(shop, &hash, &prepared.files).await?;
    let picture = Picture {
        id: MediaId::new(&*shop.ids),
        hash,
        width: prepared.width,
        height: prepared.height,
        widths: prepared.widths(),
        ground: prepared.ground,
    };
    keep(shop, staff, picture).await
}

/// Keeps a picture whose files are there. Sent twice at once, it is kept once.
async fn keep(
    shop: &Shop,
    staff: Authorized<EditProducts>,
    picture: Picture,
) -> Result<Picture, UploadError> {
    audit::change(shop, shop.act(staff.actor()), move |tx, act| {
        let kept = store::put(tx, &picture, act.now)?;
        let change = if kept.id == picture.id {
            Change::new("media.upload", "media", &kept.id)
                .to(json!({ "width": kept.width, "height": kept.height }))
        } else {
            Change::none()
        };
        Ok((kept, change))
    })
    .await
}

/// A picture with all its files made beforehand.
#[derive(Debug, Clone)]
pub struct ReadyPicture {
    /// Its files by width, ascending; the largest is the original.
    pub files: Vec<(u32, Bytes)>,
    /// The colour of its backdrop.
    pub ground: Color,
}

/// Takes in a picture whose files were made beforehand, as they are.
///
/// Only for files that come with the binary, never for what a person sends: nothing is decoded, only that each file is WebP of the width it is given for is looked at.
pub async fn install(
    shop: &Shop,
    staff: Authorized<EditProducts>,
    ready: ReadyPicture,
) -> Result<Picture, UploadError> {
    let Some((width, original)) = ready.files.last().cloned() else {
        return Err(BadPicture::NotAPicture.into());
    };
    let hash = ContentHash::of(&original);
    if let Some(known) = find(shop, hash.clone()).await? {
        return Ok(known);
    }
    let mut height = 0;
    for (width, file) in &ready.files {
        let (real_width, real_height) = prepare::size_of_webp(file)?;
        if real_width != *width {
            return Err(BadPicture::Broken.into());
        }
        height = real_height;
    }
    keep_files(shop, &hash, &ready.files).await?;
    let picture = Picture {
        id: MediaId::new(&*shop.ids),
        hash,
        width,
        height,
        widths: Widths(ready.files.iter().map(|(width, _)| *width).collect()),
        ground: ready.ground,
    };
    keep(shop, staff, picture).await
}

async fn keep_files(
    shop: &Shop,
    hash: &ContentHash,
    files: &[(u32, Bytes)],
) -> Result<(), Internal> {
    for (width, bytes) in files {
        let payload = PutPayload::from_bytes(bytes.clone());
        shop.media
            .put(&path(hash, *width), payload)
            .await
            .map_err(|e| storage(&e, "storing", hash))?;
    }
    Ok(())
}

/// The picture made of bytes with this hash, if there is one.
pub async fn find(shop: &Shop, hash: ContentHash) -> Result<Option<Picture>, DbError> {
    shop.db.read(move |tx| store::by_hash(tx, &hash)).await
}

/// A picture's file in one of its widths; nothing if there is no such picture or it is not kept in that width.
pub async fn open_media(
    shop: &Shop,
    hash: &ContentHash,
    width: u32,
) -> Result<Option<MediaFile>, Internal> {
    let answer = match shop.media.get(&path(hash, width)).await {
        Ok(found) => found.bytes().await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(bytes) => {
            let sum = ContentHash::of(&bytes);
            let (short, _) = sum
                .as_str()
                .split_at_checked(32)
                .unwrap_or((sum.as_str(), ""));
            Ok(Some(MediaFile {
                etag: format!("\"{short}\""),
                bytes,
            }))
        }
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(storage(&error, "reading", hash)),
    }
}

/// Decodes and encodes on a thread of its own, waiting for one to be free.
async fn prepare_apart(file: Bytes) -> Result<prepare::Prepared, UploadError> {
    let permit = WORK
        .acquire()
        .await
        .map_err(|_closed| Internal::bug("the picture threads were closed"))?;
    let work = tokio::task::spawn_blocking(move || {
        let prepared = prepare::prepare(&file);
        drop(permit);
        prepared
    });
    match work.await {
        Ok(prepared) => Ok(prepared?),
        // A decoder that panics on a file has found the file broken, whatever else it says about the decoder.
        Err(join) if join.is_panic() => {
            tracing::warn!("A picture's decoder panicked; the picture was refused");
            Err(BadPicture::Broken.into())
        }
        Err(_) => Err(Internal::bug("the picture threads were stopped").into()),
    }
}

fn path(hash: &ContentHash, width: u32) -> object_store::path::Path {
    object_store::path::Path::from(format!("media/{hash}/{width}.webp"))
}

fn storage(error: &object_store::Error, doing: &str, hash: &ContentHash) -> Internal {
    Internal::bug(error.to_string()).doing(format!("{doing} the picture {hash}"))
}

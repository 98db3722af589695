//! Files: listed, copied to the disk for good, and told apart by their SHA-256.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Failure;

/// Bytes read at once.
const PIECE: usize = 1 << 20;

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    /// Where it is in the backup, with `/`.
    pub(super) path: String,
    /// How long it is.
    pub(super) bytes: u64,
    /// Its fingerprint, in lower case.
    pub(super) sha256: String,
}

/// A file's length and fingerprint.
pub(super) fn fingerprint(path: &Path) -> Result<Listed, Failure> {
    read_through(path, |_| Ok(()))
}

/// Copies a file to a new one in a folder that is made if need be; it is on the disk when this returns.
pub(super) fn copy(from: &Path, to: &Path) -> Result<Listed, Failure> {
    if let Some(folder) = to.parent() {
        make_private_folder(folder)?;
    }
    let cannot_write =
        |error: std::io::Error| format!("{} cannot be written: {error}", to.display());
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut copy = options.open(to).map_err(cannot_write)?;
    let copied = read_through(from, |piece| {
        Ok(copy.write_all(piece).map_err(cannot_write)?)
    })?;
    copy.sync_all().map_err(cannot_write)?;
    Ok(copied)
}

fn read_through(
    path: &Path,
    mut each: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<Listed, Failure> {
    let cannot_read = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    let mut file = File::open(path).map_err(cannot_read)?;
    let mut hash = Sha256::new();
    let mut bytes: u64 = 0;
    let mut piece = vec![0; PIECE];
    loop {
        let length = file.read(&mut piece).map_err(cannot_read)?;
        let Some(read) = piece.get(..length).filter(|read| !read.is_empty()) else {
            break;
        };
        hash.update(read);
        bytes = bytes.saturating_add(u64::try_from(length)?);
        each(read)?;
    }
    Ok(Listed {
        path: String::new(),
        bytes,
        sha256: HEXLOWER.encode(&hash.finalize()),
    })
}

/// The files below a folder, as paths from it, in order. None if the folder is not there.
///
/// Files with a `#` in their name are left out: so the store of pictures calls one that is still being written.
pub(super) fn list(folder: &Path) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    if folder.exists() {
        list_into(folder, "", &mut found)?;
    }
    found.sort();
    Ok(found)
}

fn list_into(folder: &Path, prefix: &str, found: &mut Vec<String>) -> Result<(), Failure> {
    let cannot_list =
        |error: std::io::Error| format!("{} cannot be read: {error}", folder.display());
    for entry in std::fs::read_dir(folder).map_err(cannot_list)? {
        let entry = entry.map_err(cannot_list)?;
        let name = entry.file_name();
        let name = name.to_str().ok_or_else(|| {
            format!(
                "{} has a name that is not text; rename or remove it",
                entry.path().display()
            )
        })?;
        if name.contains('#') {
            continue;
        }
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().map_err(cannot_list)?;
        if kind.is_dir() {
            list_into(&entry.path(), &format!("{path}/"), found)?;
        } else if kind.is_file() {
            found.push(path);
        } else {
            return Err(format!(
                "{} is neither a file nor a folder, so it would be missing from the backup; replace it by what it stands for",
                entry.path().display()
            )
            .into());
        }
    }
    Ok(())
}

/// Makes a folder that only its owner can look into, with those above it.
pub(super) fn make_private_folder(folder: &Path) -> Result<(), Failure> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|error| format!("the folder {} cannot be made: {error}", folder.display()).into())
}

/// Brings the names in a folder to the disk.
pub(super) fn sync_folder(folder: &Path) -> Result<(), Failure> {
    #[cfg(unix)]
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| {
            format!(
                "{} cannot be written to the disk: {error}",
                folder.display()
            )
        })?;
    Ok(())
}

/// Brings the names in a folder and in all folders in it to the disk.
pub(super) fn sync_folders_below(folder: &Path) -> Result<(), Failure> {
    let cannot_list =
        |error: std::io::Error| format!("{} cannot be read: {error}", folder.display());
    for entry in std::fs::read_dir(folder).map_err(cannot_list)? {
        let entry = entry.map_err(cannot_list)?;
        if entry.file_type().map_err(cannot_list)?.is_dir() {
            sync_folders_below(&entry.path())?;
        }
    }
    sync_folder(folder)
}

/// A number of bytes, for people.
pub(crate) fn size(bytes: u64) -> String {
    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;
    match bytes {
        0..KIB => format!("{bytes} bytes"),
        KIB..MIB => format!("{} KiB", bytes.div_ceil(KIB)),
        MIB..GIB => format!("{} MiB", bytes.div_ceil(MIB)),
        GIB.. => format!("{} GiB", bytes / GIB),
    }
}

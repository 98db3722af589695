//! The list of a backup's files, with what is needed to read them again.

use std::path::Path;

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use super::files::{Listed, sync_folder};
use super::is_ours;
use crate::Failure;

/// The list's name in a backup.
const NAME: &str = "manifest.json";
/// The form of backups this program writes and reads.
const FORMAT: u32 = 1;

/// What a backup holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// The form of the backup.
    format: u32,
    /// The release that made it.
    vitrine: String,
    /// Everything answered before this moment is in it.
    pub(super) made_at: String,
    /// The version of the database.
    pub(super) schema_version: u32,
    /// Every file but this one.
    pub(super) files: Vec<Listed>,
}

/// As much of a list as every form of it has.
#[derive(Deserialize)]
struct AnyForm {
    format: u32,
}

impl Manifest {
    pub(super) fn of(made_at: Timestamp, schema_version: u32, files: Vec<Listed>) -> Self {
        Self {
            format: FORMAT,
            vitrine: env!("CARGO_PKG_VERSION").to_owned(),
            made_at: made_at.to_string(),
            schema_version,
            files,
        }
    }

    /// How much there is to read.
    pub(super) fn bytes(&self) -> u64 {
        let lengths = self.files.iter().map(|file| file.bytes);
        lengths.fold(0, u64::saturating_add)
    }

    /// Writes the list: now the folder is a backup.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Failure> {
        let unfinished = folder.join(format!("{NAME}.unfinished"));
        let text = serde_json::to_string_pretty(self)?;
        let written = std::fs::write(&unfinished, text)
            .and_then(|()| std::fs::File::open(&unfinished)?.sync_all())
            .and_then(|()| std::fs::rename(&unfinished, folder.join(NAME)));
        written.map_err(|error| format!("{} cannot be written: {error}", unfinished.display()))?;
        sync_folder(folder)
    }

    /// Reads the list of a backup, and refuses what this program cannot restore.
    pub(super) fn read(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(NAME);
        let text = std::fs::read_to_string(&path).map_err(|error| {
            format!(
                "{} is not a finished backup: {NAME} cannot be read ({error})",
                folder.display()
            )
        })?;
        Self::parse(&text, &path)
    }

    /// The list in this text, if everything it lists may be written into a shop's folder.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self, Failure> {
        let damaged = |error: &dyn std::fmt::Display| {
            format!(
                "{} is damaged ({error}); use another backup",
                path.display()
            )
        };
        let form: AnyForm = serde_json::from_str(text).map_err(|error| damaged(&error))?;
        if form.format != FORMAT {
            return Err(format!(
                "{} is of form {}, this program reads form {FORMAT}; use the release that made it, or a newer one",
                path.display(),
                form.format
            )
            .into());
        }
        let list: Self = serde_json::from_str(text).map_err(|error| damaged(&error))?;
        if let Some(stranger) = list.files.iter().find(|file| !is_ours(&file.path)) {
            return Err(damaged(&format!(
                "it lists {:?}, which is no file of a shop",
                stranger.path
            ))
            .into());
        }
        if !list.files.iter().any(|file| file.path == super::DATABASE) {
            return Err(damaged(&"it lists no database").into());
        }
        Ok(list)
    }
}

/// A list names only files of a shop, inside the folder it is restored to.
#[cfg(feature = "testing")]
pub fn backup_lists(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let place = Path::new("/backup/manifest.json");
    let list = match Manifest::parse(text, place) {
        Ok(list) => list,
        Err(refusal) => {
            assert!(refusal.to_string().contains("manifest.json"));
            return;
        }
    };
    assert!(list.files.iter().any(|file| file.path == super::DATABASE));
    for file in &list.files {
        let there = Path::new("/shop").join(&file.path);
        let inside = there.starts_with("/shop") && !file.path.split('/').any(|part| part == "..");
        assert!(inside, "{:?} leaves the folder", file.path);
    }
    assert!(list.bytes() >= list.files.iter().map(|file| file.bytes).max().unwrap_or(0));
    let again = serde_json::to_string(&list).expect("a list can be written");
    assert!(
        Manifest::parse(&again, place).is_ok(),
        "what was read cannot be written"
    );
}

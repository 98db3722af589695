//! `vitrine backup` and `vitrine restore`: the shop in a folder, with the fingerprint of every file.
//!
//! **Invariants.** The list of files is written last: a folder without one is no backup. The database is copied before the
//! pictures, which are never deleted or changed, so every picture the copy knows is there. A restore reads everything
//! before it writes anything, and the new folder gets its name when it is whole.

use std::path::Path;
use std::process::ExitCode;

use commerce::MIGRATIONS;
use db::{Db, Options};
use kernel::{Clock, SystemClock};

use crate::commands::{opened, report_breaches};
use crate::config::{Config, absolute};
use crate::console::{ProgressLine, say};
use crate::{Failure, Outcome};

mod files;
mod manifest;
#[cfg(feature = "testing")]
pub use manifest::backup_lists;

pub(crate) use files::size;
use files::{Listed, copy, fingerprint, list, make_private_folder, sync_folder};
use manifest::Manifest;

/// The database's name, in a backup and in a data folder.
const DATABASE: &str = "shop.sqlite";
/// The pictures' folder, in a backup and in a data folder.
const MEDIA: &str = "media";

/// `backup`.
pub(crate) async fn backup(config: &Config, out: &Path) -> Outcome {
    let shop = absolute(&config.data);
    let file = config.data.join(DATABASE);
    if config.database.is_none() && !file.exists() {
        return Err(no_shop(&shop).into());
    }
    let out = absolute(out);
    refuse_filled(&out, "name a new one for each backup")?;
    if out.starts_with(&shop) {
        return Err(format!(
            "{} is inside the data folder {}; a backup belongs elsewhere, at best on another disk",
            out.display(),
            shop.display()
        )
        .into());
    }
    let db = Db::open(&config.location(), &one_reader())
        .map_err(|error| format!("{} cannot be opened: {error}", config.database_in_words()))?;
    let made = write_backup(config, &db, &out).await;
    db.close().await;
    let (count, bytes, from) = made?;
    say(format_args!(
        "{} holds the shop as it was at {from} or a little later: {count} files, {}.\n\
         Get it back with `vitrine restore {} --data NEW_FOLDER`. Not in it: vitrine.toml, and the search index, which makes itself.",
        out.display(),
        size(bytes),
        out.display(),
    ));
    Ok(ExitCode::SUCCESS)
}

async fn write_backup(
    config: &Config,
    db: &Db,
    out: &Path,
) -> Result<(usize, u64, kernel::Timestamp), Failure> {
    if db.engine() == db::Engine::Postgres {
        let refused = db.snapshot(&out.join(DATABASE), |_| {}).await;
        let reason = refused.err().map(|error| error.to_string());
        return Err(format!(
            "{}. Then copy the folder {}, in this order",
            reason.unwrap_or_default(),
            absolute(&config.media()).display()
        )
        .into());
    }
    make_private_folder(out)?;
    let schema_version = db.schema_version().await?;
    let made_at = SystemClock.now();
    let database = out.join(DATABASE);
    let mut line = ProgressLine::new("Copying the database");
    let copied = db.snapshot(&database, move |progress| {
        line.at(progress.done, progress.total);
    });
    copied.await?;
    if db.schema_version().await? != schema_version {
        return Err("the database was brought up to date meanwhile; take another backup".into());
    }
    let mut files = vec![Listed {
        path: DATABASE.to_owned(),
        ..fingerprint(&database)?
    }];
    let pictures = list(&config.media())?;
    let total = u64::try_from(pictures.len())?;
    let mut line = ProgressLine::new("Copying the pictures");
    for (done, picture) in (1_u64..).zip(&pictures) {
        let path = format!("{MEDIA}/{picture}");
        let copied = copy(&config.media().join(picture), &out.join(&path))?;
        files.push(Listed { path, ..copied });
        line.at(done, total);
    }
    drop(line);
    files::sync_folders_below(out)?;
    let bytes = files.iter().map(|file| file.bytes).sum();
    let count = files.len();
    Manifest::of(made_at, schema_version, files).write(out)?;
    Ok((count, bytes, made_at))
}

/// `restore`.
pub(crate) async fn restore(config: &Config, from: &Path) -> Outcome {
    if config.database.is_some() {
        return Err("a restore makes a data folder with a database in it: leave --database (VITRINE_DATABASE) away. A copy \
                    made by pg_dump comes back with pg_restore"
            .into());
    }
    let target = absolute(&config.data);
    refuse_filled(
        &target,
        "a restore overwrites nothing: name a new folder with --data",
    )?;
    let manifest = Manifest::read(from)?;
    let known = MIGRATIONS.last().map_or(0, db::Migration::version);
    if manifest.schema_version > known {
        return Err(format!(
            "the backup's database is at version {}, this program knows {known}; use a newer vitrine",
            manifest.schema_version
        )
        .into());
    }
    examine(from, &manifest)?;
    bring_back(from, &manifest, &target)?;
    say(format_args!(
        "The shop as it was at {} is in {}: {} files.",
        manifest.made_at,
        target.display(),
        manifest.files.len()
    ));
    if manifest.schema_version < known {
        say(format_args!(
            "Its database is at version {}, this program needs {known}: run `vitrine migrate`, then `vitrine verify`.",
            manifest.schema_version
        ));
        return Ok(ExitCode::SUCCESS);
    }
    let opened = opened(config).await?;
    let breaches = commerce::verify::verify(&opened.shop).await?;
    opened.shop.db.close().await;
    Ok(report_breaches(&breaches))
}

/// Reads every file and compares; names all that are not what was saved.
fn examine(from: &Path, manifest: &Manifest) -> Result<(), Failure> {
    let total = manifest.bytes();
    let mut done: u64 = 0;
    let mut damaged = Vec::new();
    let mut line = ProgressLine::new("Examining the backup");
    for file in &manifest.files {
        match fingerprint(&from.join(&file.path)) {
            Ok(found) if found.sha256 == file.sha256 => {}
            Ok(_) => damaged.push(format!("{} is damaged", file.path)),
            Err(error) => damaged.push(format!("{} cannot be read ({error})", file.path)),
        }
        done = done.saturating_add(file.bytes);
        line.at(done, total);
    }
    drop(line);
    if damaged.is_empty() {
        return Ok(());
    }
    Err(format!(
        "nothing was restored, because the backup {} is not what was saved: {}. Use another backup",
        from.display(),
        damaged.join("; ")
    )
    .into())
}

/// Copies into a folder beside the target, which gets the target's name when it is whole and on the disk.
fn bring_back(from: &Path, manifest: &Manifest, target: &Path) -> Result<(), Failure> {
    let (Some(parent), Some(name)) = (target.parent(), target.file_name()) else {
        return Err(format!("{} cannot be a data folder", target.display()).into());
    };
    let beside = parent.join(format!("{}.restoring", name.to_string_lossy()));
    refuse_filled(
        &beside,
        "it is left over from a restore that was cut off: delete it",
    )?;
    make_private_folder(&beside)?;
    let filled = fill(from, manifest, &beside).and_then(|()| {
        std::fs::rename(&beside, target)
            .map_err(|error| format!("{} cannot be made: {error}", target.display()).into())
    });
    if let Err(error) = filled {
        let removed = std::fs::remove_dir_all(&beside);
        return Err(match removed {
            Ok(()) => error,
            Err(_) => format!("{error}; what was copied is left in {}", beside.display()).into(),
        });
    }
    sync_folder(parent)
}

fn fill(from: &Path, manifest: &Manifest, beside: &Path) -> Result<(), Failure> {
    let total = manifest.bytes();
    let mut done: u64 = 0;
    let mut line = ProgressLine::new("Restoring");
    make_private_folder(&beside.join(MEDIA))?;
    for file in &manifest.files {
        let copied = copy(&from.join(&file.path), &beside.join(&file.path))?;
        if copied.sha256 != file.sha256 {
            return Err(format!(
                "{} changed while it was copied; nothing was restored",
                file.path
            )
            .into());
        }
        done = done.saturating_add(file.bytes);
        line.at(done, total);
    }
    drop(line);
    files::sync_folders_below(beside)
}

fn refuse_filled(folder: &Path, what_to_do: &str) -> Result<(), Failure> {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(format!("{} is not empty; {what_to_do}", folder.display()).into()),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => {
            Err(format!("{} cannot be used: {error}; {what_to_do}", folder.display()).into())
        }
    }
}

fn no_shop(folder: &Path) -> String {
    format!(
        "there is no shop in {}; name its folder with --data",
        folder.display()
    )
}

/// A command reads on one thread.
fn one_reader() -> Options {
    Options {
        readers: 1,
        ..Options::default()
    }
}

/// A path from a backup's list that stays inside the folder: the database, or a picture.
fn is_ours(path: &str) -> bool {
    let plain = Path::new(path)
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    plain
        && (path == DATABASE || Path::new(path).starts_with(MEDIA))
        && Path::new(path) != Path::new(MEDIA)
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn a_backup_cannot_write_outside_its_folder() {
        assert!(is_ours("shop.sqlite") && is_ours("media/media/ab/640.webp"));
        for path in [
            "",
            "media",
            "/etc/passwd",
            "../shop.sqlite",
            "media/../../x",
            "vitrine.toml",
            "/media/x",
        ] {
            assert!(!is_ours(path), "{path}");
        }
    }
}

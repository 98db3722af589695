//! Where the theme's files come from: the merchant's folder first, the default theme below it.
//!
//! The tree is one: `layout/`, `pages/`, `sections/`, `partials/`, `mail/`, `assets/` and `locales/`. A file in the
//! merchant's folder replaces the default one of the same path; everything else stays as shipped. The default theme is
//! part of the binary in a release build and is read from the source tree in a debug build, so that an edit shows at once.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

/// The largest single file of a theme.
pub const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;
/// The most files a theme may have.
pub const MAX_FILES: usize = 4_000;
/// How deep folders may be nested.
const MAX_DEPTH: usize = 8;

#[derive(rust_embed::RustEmbed)]
#[folder = "../../themes/default"]
struct DefaultTheme;

#[derive(rust_embed::RustEmbed)]
#[folder = "../../locales"]
struct DefaultLocales;

/// What is wrong with a theme's files.
#[derive(Debug, thiserror::Error)]
pub enum ThemeError {
    /// The configured folder is not one.
    #[error(
        "the theme folder {0} does not exist or is not a folder; create it, or remove the setting to use the default theme"
    )]
    NoFolder(PathBuf),
    /// A file could not be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is larger than [`MAX_FILE_BYTES`].
    #[error("{0} is larger than 8 MB; a theme is no place for it")]
    TooLarge(PathBuf),
    /// More than [`MAX_FILES`] files, or folders nested too deeply.
    #[error(
        "{0} holds more than 4,000 files or folders more than 8 deep; keep only the theme in it"
    )]
    TooMany(PathBuf),
    /// A text file is not UTF-8.
    #[error("{0} is not UTF-8 text; save it as UTF-8")]
    NotText(String),
}

#[derive(Debug, Clone)]
enum Layer {
    /// Files of the binary.
    Embedded,
    /// A folder; its paths start with this prefix in the theme's tree.
    Folder { root: PathBuf, prefix: &'static str },
}

/// The files of a theme, layer over layer.
#[derive(Debug, Clone)]
pub struct Theme {
    layers: Vec<Layer>,
}

impl Theme {
    /// The default theme alone.
    pub fn built_in() -> Self {
        let layers = if cfg!(debug_assertions) {
            let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
            vec![
                Layer::Folder {
                    root: sources.join("../../themes/default"),
                    prefix: "",
                },
                Layer::Folder {
                    root: sources.join("../../locales"),
                    prefix: "locales/",
                },
            ]
        } else {
            vec![Layer::Embedded]
        };
        Self { layers }
    }

    /// The merchant's folder over the default theme.
    pub fn with_folder(folder: &Path) -> Result<Self, ThemeError> {
        if !folder.is_dir() {
            return Err(ThemeError::NoFolder(folder.to_path_buf()));
        }
        let mut theme = Self::built_in();
        theme.layers.insert(
            0,
            Layer::Folder {
                root: folder.to_path_buf(),
                prefix: "",
            },
        );
        Ok(theme)
    }

    /// The file at `path` (with `/`, relative to the theme), from the first layer that has it.
    pub fn read(&self, path: &str) -> Result<Option<Cow<'static, [u8]>>, ThemeError> {
        if !is_plain(path) {
            return Ok(None);
        }
        for layer in &self.layers {
            if let Some(found) = layer.read(path)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The text file at `path`.
    pub fn read_text(&self, path: &str) -> Result<Option<String>, ThemeError> {
        let Some(bytes) = self.read(path)? else {
            return Ok(None);
        };
        let text = String::from_utf8(bytes.into_owned())
            .map_err(|_not_utf8| ThemeError::NotText(path.to_owned()))?;
        Ok(Some(text))
    }

    /// Every path below `folder` (such as `assets/`; empty for all), each once, in order.
    pub fn list(&self, folder: &str) -> Result<BTreeSet<String>, ThemeError> {
        let mut paths = BTreeSet::new();
        for layer in &self.layers {
            layer.list(&mut paths)?;
        }
        paths.retain(|path| path.starts_with(folder));
        Ok(paths)
    }

    /// The text files below `folder`, layer by layer, the lowest first: for files that add to those below them instead of
    /// replacing them.
    pub fn text_layers(&self, folder: &str) -> Result<Vec<Vec<(String, String)>>, ThemeError> {
        self.layers
            .iter()
            .rev()
            .map(|layer| layer.texts(folder))
            .collect()
    }

    /// A number that changes when any file on disk does. Embedded files never change.
    pub fn stamp(&self) -> Result<u64, ThemeError> {
        let mut hasher = DefaultHasher::new();
        for layer in &self.layers {
            let Layer::Folder { root, .. } = layer else {
                continue;
            };
            for (path, file) in walk(root)? {
                // A file gone between listing and asking has neither; the next look tells.
                let meta = file.metadata().ok();
                let modified = meta.as_ref().and_then(|meta| meta.modified().ok());
                let modified = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                (path, meta.map(|meta| meta.len()), modified).hash(&mut hasher);
            }
        }
        Ok(hasher.finish())
    }
}

impl Layer {
    fn read(&self, path: &str) -> Result<Option<Cow<'static, [u8]>>, ThemeError> {
        match self {
            Self::Embedded => Ok(match path.strip_prefix("locales/") {
                Some(locale) => DefaultLocales::get(locale),
                None => DefaultTheme::get(path),
            }
            .map(|file| file.data)),
            Self::Folder { root, prefix } => {
                let Some(rest) = path.strip_prefix(prefix) else {
                    return Ok(None);
                };
                let file = root.join(rest);
                let Ok(meta) = file.metadata() else {
                    return Ok(None);
                };
                if !meta.is_file() {
                    return Ok(None);
                }
                if meta.len() > MAX_FILE_BYTES {
                    return Err(ThemeError::TooLarge(file));
                }
                match std::fs::read(&file) {
                    Ok(bytes) => Ok(Some(Cow::Owned(bytes))),
                    Err(source) => Err(ThemeError::Unreadable { path: file, source }),
                }
            }
        }
    }

    fn texts(&self, folder: &str) -> Result<Vec<(String, String)>, ThemeError> {
        let mut paths = BTreeSet::new();
        self.list(&mut paths)?;
        let mut texts = Vec::new();
        for path in paths.into_iter().filter(|path| path.starts_with(folder)) {
            let Some(bytes) = self.read(&path)? else {
                continue;
            };
            let text = String::from_utf8(bytes.into_owned())
                .map_err(|_not_utf8| ThemeError::NotText(path.clone()))?;
            texts.push((path, text));
        }
        Ok(texts)
    }

    fn list(&self, into: &mut BTreeSet<String>) -> Result<(), ThemeError> {
        match self {
            Self::Embedded => {
                into.extend(DefaultTheme::iter().map(Cow::into_owned));
                into.extend(DefaultLocales::iter().map(|path| format!("locales/{path}")));
            }
            Self::Folder { root, prefix } => {
                into.extend(
                    walk(root)?
                        .into_iter()
                        .map(|(path, _)| format!("{prefix}{path}")),
                );
            }
        }
        Ok(())
    }
}

/// Whether a path stays inside the theme: plain names separated by single slashes.
fn is_plain(path: &str) -> bool {
    !path.is_empty()
        && !path.contains(['\\', '\0', ':'])
        && Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
}

/// All files below `root` with their path relative to it, in order. Names that start with a dot are left out: editors
/// and version control keep theirs there.
fn walk(root: &Path) -> Result<Vec<(String, PathBuf)>, ThemeError> {
    let mut files = Vec::new();
    let mut folders = vec![(String::new(), root.to_path_buf(), 0_usize)];
    while let Some((prefix, folder, depth)) = folders.pop() {
        if depth > MAX_DEPTH {
            return Err(ThemeError::TooMany(root.to_path_buf()));
        }
        let entries = std::fs::read_dir(&folder).map_err(|source| ThemeError::Unreadable {
            path: folder.clone(),
            source,
        })?;
        for entry in entries {
            let entry = entry.map_err(|source| ThemeError::Unreadable {
                path: folder.clone(),
                source,
            })?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            }; // no page can name it
            if name.starts_with('.') {
                continue;
            }
            let path = entry.path();
            if path.is_dir() {
                folders.push((format!("{prefix}{name}/"), path, depth + 1));
            } else {
                files.push((format!("{prefix}{name}"), path));
            }
            if files.len() > MAX_FILES {
                return Err(ThemeError::TooMany(root.to_path_buf()));
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_merchant_replaces_the_default_one() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("assets")).unwrap();
        std::fs::write(folder.path().join("assets/icons.svg"), "<svg/>").unwrap();
        let theme = Theme::with_folder(folder.path()).unwrap();
        assert_eq!(
            theme.read_text("assets/icons.svg").unwrap().unwrap(),
            "<svg/>"
        );
        assert!(theme.read("assets/htmx.js").unwrap().is_some());
        assert!(theme.list("assets/").unwrap().contains("assets/htmx.js"));
    }

    #[test]
    fn no_path_leads_out_of_the_theme() {
        let folder = tempfile::tempdir().unwrap();
        let theme_folder = folder.path().join("theme");
        std::fs::create_dir(&theme_folder).unwrap();
        std::fs::write(folder.path().join("secret"), "x").unwrap();
        let theme = Theme::with_folder(&theme_folder).unwrap();
        for path in [
            "../secret",
            "/etc/passwd",
            "pages/../../secret",
            "..\\secret",
            "",
            "a\0b",
            "C:secret",
            "./../secret",
        ] {
            assert!(theme.read(path).unwrap().is_none(), "{path}");
        }
    }

    #[test]
    fn a_missing_theme_folder_is_said() {
        let error = Theme::with_folder(Path::new("/nowhere/theme")).unwrap_err();
        assert!(error.to_string().contains("/nowhere/theme does not exist"));
    }

    #[test]
    fn the_stamp_changes_with_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let theme = Theme::with_folder(folder.path()).unwrap();
        let before = theme.stamp().unwrap();
        assert_eq!(theme.stamp().unwrap(), before);
        std::fs::write(folder.path().join("new.html"), "x").unwrap();
        assert_ne!(theme.stamp().unwrap(), before);
    }

    #[test]
    fn the_embedded_theme_and_the_one_on_disk_are_the_same_tree() {
        let embedded = Theme {
            layers: vec![Layer::Embedded],
        };
        let on_disk = Theme::built_in();
        let hidden = |paths: BTreeSet<String>| {
            paths
                .into_iter()
                .filter(|p| !p.split('/').any(|part| part.starts_with('.')))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            hidden(embedded.list("").unwrap()),
            hidden(on_disk.list("").unwrap())
        );
        assert_eq!(
            embedded.read("assets/htmx.js").unwrap(),
            on_disk.read("assets/htmx.js").unwrap()
        );
    }
}

//! Where the theme's files come from: the merchant's folder first, the default theme below it.
//!
//! The tree is one: `layout/`, `pages/`, `sections/`, `partials/`, `mail/`, `assets/` and `locales/`. A file in the
//! merchant's folder replaces the default one of the same path; everything else stays as shipped. The default theme is
//! part of the binary in a release build and is read from the source tree in a debug build, so that an edit shows at once.
//!
//! The back office has a tree of its own, which no merchant's file can replace. It borrows the shop's fonts, colours and icons.

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

#[derive(rust_embed::RustEmbed)]
#[folder = "../../themes/admin"]
struct BackOffice;

/// What the back office takes from the default theme: one set of tokens, fonts and icons for both.
const BORROWED: &[&str] = &[
    "assets/fonts/",
    "assets/fonts.css",
    "assets/tokens.css",
    "assets/icons.svg",
    "assets/favicon.svg",
    "assets/htmx.js",
    "partials/icon.html",
];
/// What it takes from the shop's texts.
const BORROWED_TEXTS: &[&str] = &["locales/countries."];

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

/// Files of one origin. Their paths start with `prefix` in the theme's tree.
#[derive(Debug, Clone)]
struct Layer {
    files: Files,
    prefix: &'static str,
    /// Beginnings of the paths that count; empty for all.
    only: &'static [&'static str],
}

#[derive(Debug, Clone)]
enum Files {
    /// Of the binary.
    Embedded(Tree),
    /// Of a folder.
    Folder(PathBuf),
}

/// What is part of the binary.
#[derive(Debug, Clone, Copy)]
enum Tree {
    Shop,
    Locales,
    BackOffice,
}

impl Tree {
    fn get(self, path: &str) -> Option<Cow<'static, [u8]>> {
        let file = match self {
            Self::Shop => DefaultTheme::get(path),
            Self::Locales => DefaultLocales::get(path),
            Self::BackOffice => BackOffice::get(path),
        };
        file.map(|file| file.data)
    }

    fn paths(self) -> Vec<Cow<'static, str>> {
        match self {
            Self::Shop => DefaultTheme::iter().collect(),
            Self::Locales => DefaultLocales::iter().collect(),
            Self::BackOffice => BackOffice::iter().collect(),
        }
    }

    /// Read from the source tree in a debug build.
    fn layer(self) -> Layer {
        let (folder, prefix) = match self {
            Self::Shop => ("../../themes/default", ""),
            Self::Locales => ("../../locales", "locales/"),
            Self::BackOffice => ("../../themes/admin", ""),
        };
        let files = if cfg!(debug_assertions) {
            Files::Folder(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
        } else {
            Files::Embedded(self)
        };
        Layer {
            files,
            prefix,
            only: &[],
        }
    }
}

/// The files of a theme, layer over layer.
#[derive(Debug, Clone)]
pub struct Theme {
    layers: Vec<Layer>,
    /// Where its assets are served, with a slash at both ends.
    pub(crate) assets_at: &'static str,
    /// The name of its one style sheet.
    pub(crate) sheet: &'static str,
}

impl Theme {
    /// The default theme alone.
    pub fn built_in() -> Self {
        Self {
            layers: vec![Tree::Shop.layer(), Tree::Locales.layer()],
            assets_at: "/assets/",
            sheet: "shop.css",
        }
    }

    /// The pages of staff.
    pub fn back_office() -> Self {
        let borrowed = |tree: Tree, only| Layer {
            only,
            ..tree.layer()
        };
        Self {
            layers: vec![
                Tree::BackOffice.layer(),
                borrowed(Tree::Shop, BORROWED),
                borrowed(Tree::Locales, BORROWED_TEXTS),
            ],
            assets_at: "/admin/assets/",
            sheet: "admin.css",
        }
    }

    /// The merchant's folder over the default theme.
    pub fn with_folder(folder: &Path) -> Result<Self, ThemeError> {
        if !folder.is_dir() {
            return Err(ThemeError::NoFolder(folder.to_path_buf()));
        }
        let mut theme = Self::built_in();
        let merchants = Layer {
            files: Files::Folder(folder.to_path_buf()),
            prefix: "",
            only: &[],
        };
        theme.layers.insert(0, merchants);
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
            let Files::Folder(root) = &layer.files else {
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
    fn counts(&self, path: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|start| path.starts_with(start))
    }

    fn read(&self, path: &str) -> Result<Option<Cow<'static, [u8]>>, ThemeError> {
        let Some(rest) = path.strip_prefix(self.prefix).filter(|_| self.counts(path)) else {
            return Ok(None);
        };
        match &self.files {
            Files::Embedded(tree) => Ok(tree.get(rest)),
            Files::Folder(root) => {
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
        let inside: Vec<String> = match &self.files {
            Files::Embedded(tree) => tree.paths().into_iter().map(Cow::into_owned).collect(),
            Files::Folder(root) => walk(root)?.into_iter().map(|(path, _)| path).collect(),
        };
        let paths = inside
            .into_iter()
            .map(|path| format!("{}{path}", self.prefix));
        into.extend(paths.filter(|path| self.counts(path)));
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
        let binary = |tree, prefix| Layer {
            files: Files::Embedded(tree),
            prefix,
            only: &[],
        };
        let embedded = Theme {
            layers: vec![binary(Tree::Shop, ""), binary(Tree::Locales, "locales/")],
            ..Theme::built_in()
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

    #[test]
    fn the_back_office_borrows_fonts_and_icons_and_no_page() {
        let theme = Theme::back_office();
        assert!(theme.read("assets/icons.svg").unwrap().is_some());
        assert!(theme.read("pages/cart.html").unwrap().is_none());
        assert!(theme.read("assets/shop.js").unwrap().is_none());
        assert!(!theme.list("pages/").unwrap().contains("pages/cart.html"));
    }
}

//! The theme's styles, scripts, fonts and pictures, as browsers fetch them.
//!
//! Every file of `assets/` gets a name with a hash of its content (`shop.3f9a01c2d4e5.css`), so that browsers may keep it
//! for ever and a changed file is a new address. The style sheets named in `assets/bundle.txt` become one, `shop.css`.
//! `url(…)` in a style sheet may name any other asset and is rewritten to its hashed name. Scripts stand alone: an
//! `import` of another asset would not find its hashed name.

use std::collections::BTreeMap;
use std::io::Write;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::theme::{Theme, ThemeError};

/// The list of style sheets that become the theme's one, one name a line.
const BUNDLE_LIST: &str = "bundle.txt";
const CSS: &str = "text/css; charset=utf-8";
/// Digits of the hash in a name: 48 bits tell a few hundred files apart for ever.
const HASH_DIGITS: usize = 12;
/// Below this, compression costs a browser more than it saves.
const MIN_COMPRESSED: usize = 512;

/// What is wrong with the theme's assets.
#[derive(Debug, thiserror::Error)]
pub enum AssetError {
    /// `bundle.txt` names a file that is not there.
    #[error("assets/bundle.txt names {0}, which does not exist; add the file or remove the line")]
    NotInBundle(String),
    /// A style sheet's `url(…)` names a file that is not there.
    #[error("{sheet} refers to {url}, which is not in assets/")]
    DeadUrl {
        /// The style sheet.
        sheet: String,
        /// What it refers to.
        url: String,
    },
    /// A style sheet imports another one.
    #[error("{0} uses @import; list the style sheets in assets/bundle.txt instead")]
    Import(String),
    /// The theme's files could not be read.
    #[error(transparent)]
    Theme(#[from] ThemeError),
    /// Compression failed, which only a lack of memory can cause.
    #[error("cannot compress {name}")]
    Compression {
        /// The asset.
        name: String,
        /// Why.
        source: std::io::Error,
    },
}

/// One file, ready to be sent.
#[derive(Debug, Clone)]
pub struct Asset {
    /// The address with the hash, such as `/assets/shop.3f9a01c2d4e5.css`.
    pub url: String,
    /// The MIME type.
    pub content_type: &'static str,
    /// The content.
    pub body: Bytes,
    /// The content compressed, where that is worth it.
    pub gzip: Option<Bytes>,
    /// A strong entity tag of the uncompressed content, quoted.
    pub etag: String,
}

/// A found asset, and whether the name asked for is that of this very content.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// The file.
    pub asset: &'a Asset,
    /// True if the content can never differ under this name. False for a name without a hash or with the hash of
    /// another version (a page from before an update asks for it): the present content serves, but must not be kept.
    pub immutable: bool,
}

/// All assets of a theme.
#[derive(Debug)]
pub struct Assets {
    by_name: BTreeMap<String, Asset>,
    at: &'static str,
}

impl Assets {
    /// Collects, bundles, rewrites and compresses.
    pub fn build(theme: &Theme) -> Result<Self, AssetError> {
        let mut assets = Self {
            by_name: BTreeMap::new(),
            at: theme.assets_at,
        };
        let mut sheets = BTreeMap::new();
        for path in theme.list("assets/")? {
            let Some(name) = path.strip_prefix("assets/") else {
                continue;
            };
            let Some(content_type) = content_type(name) else {
                continue;
            };
            let Some(content) = theme.read(&path)? else {
                continue;
            };
            if name == BUNDLE_LIST {
                continue;
            }
            if content_type == CSS {
                let text = String::from_utf8(content.into_owned())
                    .map_err(|_not_utf8| ThemeError::NotText(path.clone()))?;
                sheets.insert(name.to_owned(), text);
            } else {
                assets.add(name, content_type, content.into_owned())?;
            }
        }
        // Style sheets last: they contain the hashed names of the others.
        let mut bundle = String::new();
        let mut has_bundle = false;
        if let Some(list) = theme.read_text(&format!("assets/{BUNDLE_LIST}"))? {
            has_bundle = true;
            for name in list
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty() && !line.starts_with('#'))
            {
                let sheet = sheets
                    .remove(name)
                    .ok_or_else(|| AssetError::NotInBundle(name.to_owned()))?;
                bundle.push_str(&assets.rewrite(name, &sheet)?);
                bundle.push('\n');
            }
        }
        for (name, sheet) in &sheets {
            let rewritten = assets.rewrite(name, sheet)?;
            assets.add(name, CSS, rewritten.into_bytes())?;
        }
        if has_bundle {
            assets.add(theme.sheet, CSS, bundle.into_bytes())?;
        }
        Ok(assets)
    }

    /// Where the assets are served, with a slash at both ends.
    pub fn at(&self) -> &'static str {
        self.at
    }

    /// The address of an asset by its plain name, such as `shop.css` or `fonts/x.woff2`.
    pub fn url(&self, name: &str) -> Option<&str> {
        self.by_name.get(name).map(|asset| asset.url.as_str())
    }

    /// The asset for what follows `/assets/` in a request.
    pub fn find(&self, requested: &str) -> Option<Found<'_>> {
        if let Some(asset) = self.by_name.get(requested) {
            return Some(Found {
                asset,
                immutable: false,
            });
        }
        let asset = self.by_name.get(&without_hash(requested)?)?;
        let immutable = asset.url.strip_prefix(self.at) == Some(requested);
        Some(Found { asset, immutable })
    }

    /// All plain names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    fn add(
        &mut self,
        name: &str,
        content_type: &'static str,
        content: Vec<u8>,
    ) -> Result<(), AssetError> {
        let digest = HEXLOWER.encode(&Sha256::digest(&content));
        let gzip = if is_text(content_type) && content.len() >= MIN_COMPRESSED {
            Some(
                compress(&content).map_err(|source| AssetError::Compression {
                    name: name.to_owned(),
                    source,
                })?,
            )
        } else {
            None
        };
        let asset = Asset {
            url: format!(
                "{}{}",
                self.at,
                with_hash(name, digest.get(..HASH_DIGITS).unwrap_or(&digest))
            ),
            content_type,
            body: Bytes::from(content),
            gzip,
            etag: format!("\"{}\"", digest.get(..32).unwrap_or(&digest)),
        };
        self.by_name.insert(name.to_owned(), asset);
        Ok(())
    }

    /// A style sheet with every `url(…)` of an asset replaced by its address.
    fn rewrite(&self, sheet_name: &str, sheet: &str) -> Result<String, AssetError> {
        if sheet.contains("@import") {
            return Err(AssetError::Import(format!("assets/{sheet_name}")));
        }
        let folder = sheet_name.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut out = String::with_capacity(sheet.len());
        let mut rest = sheet;
        while let Some((before, after)) = rest.split_once("url(") {
            out.push_str(before);
            let Some((inside, tail)) = after.split_once(')') else {
                out.push_str("url(");
                rest = after;
                continue;
            };
            let url = inside.trim().trim_matches(['"', '\'']);
            out.push_str("url(\"");
            if url.starts_with("data:")
                || url.starts_with('#')
                || url.starts_with('/')
                || url.contains("://")
            {
                out.push_str(url);
            } else {
                let (path, fragment) = url.split_at(url.find(['#', '?']).unwrap_or(url.len()));
                let name = join(folder, path);
                let dead = || AssetError::DeadUrl {
                    sheet: format!("assets/{sheet_name}"),
                    url: url.to_owned(),
                };
                out.push_str(self.url(&name).ok_or_else(dead)?);
                out.push_str(fragment);
            }
            out.push_str("\")");
            rest = tail;
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// `path` as seen from `folder`, with `..` resolved.
fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

fn with_hash(name: &str, hash: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}.{hash}.{extension}"),
        None => format!("{name}.{hash}"),
    }
}

fn without_hash(requested: &str) -> Option<String> {
    let (rest, extension) = requested.rsplit_once('.')?;
    let (stem, hash) = rest.rsplit_once('.')?;
    let is_hash = hash.len() == HASH_DIGITS
        && hash
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    is_hash.then(|| format!("{stem}.{extension}"))
}

fn compress(content: &[u8]) -> std::io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish().map(Bytes::from)
}

fn is_text(content_type: &str) -> bool {
    content_type.starts_with("text/")
        || content_type.starts_with("image/svg")
        || content_type.contains("json")
}

/// The MIME type of a file that may be served; `None` for licences, notes and whatever else lies beside the assets.
fn content_type(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension {
        "css" => CSS,
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "gif" => "image/gif",
        "ico" => "image/x-icon",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(files: &[(&str, &str)]) -> (tempfile::TempDir, Theme) {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let file = folder.path().join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, content).unwrap();
        }
        let theme = Theme::with_folder(folder.path()).unwrap();
        (folder, theme)
    }

    #[test]
    fn listed_style_sheets_become_one_with_hashed_fonts() {
        let (_folder, theme) = theme(&[
            ("assets/bundle.txt", "# order matters\na.css\n\nsub/b.css\n"),
            (
                "assets/a.css",
                "@font-face { src: url(\"fonts/x.woff2\") format(\"woff2\") }",
            ),
            (
                "assets/sub/b.css",
                "a { background: url('../mark.svg#leaf'), url(data:image/png;base64,AA==) }",
            ),
            ("assets/fonts/x.woff2", "font"),
            ("assets/mark.svg", "<svg/>"),
            ("assets/LICENCE.txt", "not served"),
        ]);
        let assets = Assets::build(&theme).unwrap();
        let sheet = &assets.by_name["shop.css"];
        let text = std::str::from_utf8(&sheet.body).unwrap();
        let font = assets.url("fonts/x.woff2").unwrap();
        let mark = assets.url("mark.svg").unwrap();
        assert_eq!(
            text,
            format!(
                "@font-face {{ src: url(\"{font}\") format(\"woff2\") }}\na {{ background: url(\"{mark}#leaf\"), url(\"data:image/png;base64,AA==\") }}\n"
            )
        );
        assert!(
            assets.url("a.css").is_none(),
            "a bundled sheet is not served by itself"
        );
        assert!(assets.url("bundle.txt").is_none() && assets.url("LICENCE.txt").is_none());
    }

    #[test]
    fn a_name_with_the_right_hash_may_be_kept_for_ever_and_an_old_one_not() {
        let (_folder, theme) = theme(&[("assets/bundle.txt", ""), ("assets/new.js", "let x = 1;")]);
        let assets = Assets::build(&theme).unwrap();
        let hashed = assets
            .url("new.js")
            .unwrap()
            .strip_prefix(assets.at())
            .unwrap()
            .to_owned();
        assert_eq!(hashed.len(), "new.js".len() + HASH_DIGITS + 1);
        assert!(assets.find(&hashed).unwrap().immutable);
        assert!(!assets.find("new.js").unwrap().immutable);
        assert!(!assets.find("new.000000000000.js").unwrap().immutable);
        assert!(assets.find("new.zzz.js").is_none());
        assert!(assets.find("../new.js").is_none());
    }

    #[test]
    fn long_text_is_compressed_and_fonts_are_not() {
        let long = "a{color:red}".repeat(200);
        let (_folder, theme) = theme(&[
            ("assets/bundle.txt", "x.css"),
            ("assets/x.css", &long),
            ("assets/f.woff2", &long),
        ]);
        let assets = Assets::build(&theme).unwrap();
        let sheet = &assets.by_name["shop.css"];
        assert!(sheet.gzip.as_ref().unwrap().len() * 5 < sheet.body.len());
        assert!(assets.by_name["f.woff2"].gzip.is_none());
        assert_ne!(sheet.etag, assets.by_name["f.woff2"].etag);
    }

    #[test]
    fn dead_references_are_named() {
        let (_folder, theme_a) = theme(&[("assets/bundle.txt", "gone.css")]);
        assert!(
            Assets::build(&theme_a)
                .unwrap_err()
                .to_string()
                .contains("names gone.css")
        );
        let (_folder, theme_b) = theme(&[
            ("assets/bundle.txt", "a.css"),
            ("assets/a.css", "a{background:url(no.svg)}"),
        ]);
        assert!(
            Assets::build(&theme_b)
                .unwrap_err()
                .to_string()
                .contains("assets/a.css refers to no.svg")
        );
        let (_folder, theme_c) = theme(&[
            ("assets/bundle.txt", "a.css"),
            ("assets/a.css", "@import 'b.css';"),
        ]);
        assert!(
            Assets::build(&theme_c)
                .unwrap_err()
                .to_string()
                .contains("@import")
        );
    }
}

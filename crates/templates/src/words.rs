//! The shop's sentences: `locales/*.json`, looked up by key.
//!
//! A file is named `<tag>.json` or `<anything>.<tag>.json`; all files of a tag are one catalogue. Objects may be nested
//! (`{"cart": {"empty": "…"}}` is `cart.empty`). `{name}` in a text is replaced by the argument of that name. A counted text
//! has one entry per plural category: `cart.items.one`, `cart.items.other`. The merchant's files say what differs from
//! the default ones: a text there replaces the default text of the same key, all others stay.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::format::Language;
use crate::theme::{Theme, ThemeError};

/// What is wrong with the locale files.
#[derive(Debug, thiserror::Error)]
pub enum WordsError {
    /// Not JSON.
    #[error("{path} is not valid JSON: {source}")]
    NotJson {
        /// The file.
        path: String,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A value is neither text nor an object of texts.
    #[error("{path}: {key} must be a text or an object of texts")]
    NotText {
        /// The file.
        path: String,
        /// The key.
        key: String,
    },
    /// Two files of one locale have the same key.
    #[error("{path}: {key} is already in another file of this locale; keep one of them")]
    Twice {
        /// The second file.
        path: String,
        /// The key.
        key: String,
    },
    /// No formats for this language.
    #[error("{0} is for a language whose amounts and dates this version cannot write yet")]
    UnknownLanguage(String),
    /// There is no English catalogue to fall back on.
    #[error("locales/en.json is missing")]
    NoEnglish,
    /// The theme's files could not be read.
    #[error(transparent)]
    Theme(#[from] ThemeError),
}

/// Why a text could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// No such key.
    #[error("the text {0} is not in the locale; add it to locales/*.json")]
    Key(String),
    /// The text wants an argument that was not given.
    #[error("the text {key} wants {{{argument}}}, which was not given")]
    Argument {
        /// The key.
        key: String,
        /// The argument's name.
        argument: String,
    },
}

/// All texts of one locale.
#[derive(Debug, Clone)]
pub struct Words {
    tag: String,
    language: Language,
    texts: BTreeMap<String, String>,
}

impl Words {
    /// Every catalogue of the theme, by tag.
    pub fn load(theme: &Theme) -> Result<BTreeMap<String, Self>, WordsError> {
        let mut all: BTreeMap<String, Self> = BTreeMap::new();
        for layer in theme.text_layers("locales/")? {
            for (tag, words) in Self::of_layer(layer)? {
                match all.entry(tag) {
                    Entry::Vacant(free) => drop(free.insert(words)),
                    Entry::Occupied(mut below) => below.get_mut().texts.extend(words.texts),
                }
            }
        }
        if all.contains_key("en") {
            Ok(all)
        } else {
            Err(WordsError::NoEnglish)
        }
    }

    pub(crate) fn of_layer(
        files: Vec<(String, String)>,
    ) -> Result<BTreeMap<String, Self>, WordsError> {
        let mut all: BTreeMap<String, Self> = BTreeMap::new();
        for (path, text) in files {
            let Some(stem) = path
                .strip_prefix("locales/")
                .and_then(|name| name.strip_suffix(".json"))
            else {
                continue;
            };
            let tag = stem.rsplit('.').next().unwrap_or(stem).to_owned();
            let language =
                Language::of(&tag).ok_or_else(|| WordsError::UnknownLanguage(path.clone()))?;
            let json = serde_json::from_str(&text).map_err(|source| WordsError::NotJson {
                path: path.clone(),
                source,
            })?;
            let words = all.entry(tag.clone()).or_insert_with(|| Self {
                tag,
                language,
                texts: BTreeMap::new(),
            });
            words.add(&path, "", json)?;
        }
        Ok(all)
    }

    /// The tag, such as `en`.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The language whose formats go with the texts.
    pub fn language(&self) -> Language {
        self.language
    }

    /// Every key, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().map(String::as_str)
    }

    /// The text as it is in the file.
    pub fn raw(&self, key: &str) -> Option<&str> {
        self.texts.get(key).map(String::as_str)
    }

    /// The text with its arguments, as plain text. With a count, the key's plural form; `{count}` is the count.
    pub fn say(
        &self,
        key: &str,
        count: Option<i64>,
        arguments: &BTreeMap<String, String>,
    ) -> Result<String, Missing> {
        let full_key = match count {
            Some(count) => format!("{key}.{}", self.language.plural(count)),
            None => key.to_owned(),
        };
        let text = match (self.raw(&full_key), count) {
            (Some(text), _) => text,
            (None, Some(_)) => self
                .raw(&format!("{key}.other"))
                .ok_or(Missing::Key(full_key))?,
            (None, None) => return Err(Missing::Key(full_key)),
        };
        let mut out = String::with_capacity(text.len() + 16);
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let Some((name, tail)) = after.split_once('}') else {
                out.push('{');
                rest = after;
                continue;
            };
            match (name, count, arguments.get(name)) {
                (_, _, Some(argument)) => out.push_str(argument),
                ("count", Some(count), None) => out.push_str(&self.language.number(count)),
                _ => {
                    return Err(Missing::Argument {
                        key: key.to_owned(),
                        argument: name.to_owned(),
                    });
                }
            }
            rest = tail;
        }
        out.push_str(rest);
        Ok(out)
    }

    /// The names in braces of a text.
    pub fn arguments(text: &str) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        let mut rest = text;
        while let Some((name, tail)) = rest
            .split_once('{')
            .and_then(|(_, after)| after.split_once('}'))
        {
            names.insert(name);
            rest = tail;
        }
        names
    }

    fn add(
        &mut self,
        path: &str,
        prefix: &str,
        value: serde_json::Value,
    ) -> Result<(), WordsError> {
        let serde_json::Value::Object(entries) = value else {
            return Err(WordsError::NotText {
                path: path.to_owned(),
                key: prefix.to_owned(),
            });
        };
        for (name, value) in entries {
            let mut key = prefix.to_owned();
            if !prefix.is_empty() {
                key.push('.');
            }
            key.push_str(&name);
            let serde_json::Value::String(text) = value else {
                self.add(path, &key, value)?;
                continue;
            };
            if self.texts.insert(key.clone(), text).is_some() {
                return Err(WordsError::Twice {
                    path: path.to_owned(),
                    key,
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(files: &[(&str, &str)]) -> Result<BTreeMap<String, Words>, WordsError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("locales")).unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join("locales").join(name), content).unwrap();
        }
        Words::load(&Theme::with_folder(folder.path()).unwrap())
    }

    fn arguments(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn all_files_of_a_locale_are_one_catalogue() {
        let all = words(&[
            ("en.json", r#"{"a": {"b": "Deep"}, "c.d": "Flat"}"#),
            ("extra.en.json", r#"{"e": "Extra"}"#),
            ("countries.en.json", "{}"),
        ])
        .unwrap();
        let en = &all["en"];
        let say = |key| en.say(key, None, &BTreeMap::new()).unwrap();
        assert_eq!(
            (say("a.b"), say("c.d"), say("e")),
            ("Deep".into(), "Flat".into(), "Extra".into())
        );
    }

    #[test]
    fn a_merchants_text_replaces_one_and_leaves_the_others() {
        let default = Words::load(&Theme::built_in()).unwrap();
        let (key, other) = ("cart.title", "checkout.title");
        let all = words(&[("en.json", r#"{"cart": {"title": "Your basket"}}"#)]).unwrap();
        assert_eq!(all["en"].raw(key), Some("Your basket"));
        assert_ne!(default["en"].raw(key), Some("Your basket"));
        assert!(default["en"].raw(other).is_some());
        assert_eq!(all["en"].raw(other), default["en"].raw(other));
    }

    #[test]
    fn counts_choose_the_form_and_show_themselves() {
        let all = words(&[
            ("en.json", r#"{"n.one": "{count} piece", "n.other": "{count} pieces of {thing}", "m.other": "some"}"#),
            ("countries.en.json", "{}"),
        ])
        .unwrap();
        let en = &all["en"];
        assert_eq!(en.say("n", Some(1), &BTreeMap::new()).unwrap(), "1 piece");
        assert_eq!(
            en.say(
                "n",
                Some(1_200),
                &arguments(&[("thing", "{count} & <tea>")])
            )
            .unwrap(),
            "1,200 pieces of {count} & <tea>"
        );
        assert_eq!(en.say("m", Some(1), &BTreeMap::new()).unwrap(), "some");
    }

    #[test]
    fn what_is_missing_is_named() {
        let all = words(&[
            ("en.json", r#"{"a": "Hello {name}", "b": "50 { and more"}"#),
            ("countries.en.json", "{}"),
        ])
        .unwrap();
        let en = &all["en"];
        assert_eq!(
            en.say("nope", None, &BTreeMap::new()),
            Err(Missing::Key("nope".into()))
        );
        assert_eq!(
            en.say("a", None, &BTreeMap::new()),
            Err(Missing::Argument {
                key: "a".into(),
                argument: "name".into()
            })
        );
        assert_eq!(
            en.say("b", None, &BTreeMap::new()).unwrap(),
            "50 { and more"
        );
    }

    #[test]
    fn a_broken_file_is_named() {
        let message = |files: &[(&str, &str)]| words(files).unwrap_err().to_string();
        assert!(message(&[("en.json", "{")]).starts_with("locales/en.json is not valid JSON"));
        assert!(message(&[("en.json", r#"{"a": {"b": 1}}"#)]).contains("a.b must be a text"));
        assert!(
            message(&[
                ("en.json", r#"{"a": "x"}"#),
                ("more.en.json", r#"{"a": "y"}"#)
            ])
            .contains("a is already in another file")
        );
        assert!(message(&[("tlh.json", "{}")]).contains("cannot write yet"));
    }
}

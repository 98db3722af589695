//! Two people edited one product: what stands in the shop now beside what was typed, field by field.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use templates::Say;

use super::form::ProductForm;

/// A field that is not the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Which, in words.
    pub label: String,
    /// Where it is typed; `None` if it is not on the page.
    pub field: Option<String>,
    /// What stands in the shop.
    pub theirs: String,
    /// What was typed.
    pub typed: String,
}

/// A form as a list of what is compared, in the order of the page: where it is typed, what it is called, what it says.
type Told = BTreeMap<Key, (String, String, String)>;

/// A part of the page, and what it is within it.
type Key = (Part, String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// The texts, by their place on the page.
    Text(usize),
    Option,
    Places,
    Pictures,
    Variant,
}

/// What is typed otherwise than it stands in the shop now.
pub(super) fn differences(
    theirs: &ProductForm,
    typed: &ProductForm,
    names: &BTreeMap<String, String>,
    say: &Say,
) -> Vec<Difference> {
    let words = Words { names, say };
    let (theirs, typed) = (words.told(theirs), words.told(typed));
    let keys: BTreeSet<&Key> = theirs.keys().chain(typed.keys()).collect();
    let value = |told: &Told, key: &Key| told.get(key).map(|(_, _, value)| value.clone());
    keys.into_iter()
        .filter_map(|key| {
            let (there, here) = (value(&theirs, key), value(&typed, key));
            if there == here {
                return None;
            }
            let (field, label, _) = typed.get(key).or_else(|| theirs.get(key))?;
            let gone = || say.text("products.conflict.not_there");
            Some(Difference {
                label: label.clone(),
                field: typed.get(key).map(|_| field.clone()),
                theirs: there.unwrap_or_else(gone),
                typed: here.unwrap_or_else(gone),
            })
        })
        .collect()
}

/// What things are called.
struct Words<'a> {
    names: &'a BTreeMap<String, String>,
    say: &'a Say,
}

impl Words<'_> {
    fn told(&self, form: &ProductForm) -> Told {
        let mut told = Told::new();
        self.texts(form, &mut told);
        self.options(form, &mut told);
        self.places(form, &mut told);
        self.pictures(form, &mut told);
        self.variants(form, &mut told);
        told
    }

    fn label(&self, field: &str) -> String {
        self.say.text(&format!("products.field.{field}"))
    }

    /// The name of what has an id, or the word of a choice.
    fn name(&self, word: &str) -> String {
        let known = self.names.get(word).cloned();
        known.unwrap_or_else(|| word.to_owned())
    }

    fn texts(&self, form: &ProductForm, told: &mut Told) {
        let plain = |text: &str| text.trim().replace("\r\n", "\n");
        let texts = [
            ("title", form.title.clone()),
            ("slug", form.slug.clone()),
            ("summary", form.summary.clone()),
            ("description", plain(&form.description)),
            ("facts", plain(&form.facts)),
            ("tax_class", self.name(&form.tax_class)),
            ("status", self.name(&form.status)),
        ];
        for (at, (field, value)) in texts.into_iter().enumerate() {
            told.insert(
                (Part::Text(at), field.to_owned()),
                (field.to_owned(), self.label(field), value),
            );
        }
    }

    fn options(&self, form: &ProductForm, told: &mut Told) {
        for (place, option) in form.options.iter().enumerate() {
            let values = option.values.iter().map(|value| value.name.as_str());
            let values: Vec<&str> = values.collect();
            let key = if option.id.is_empty() {
                format!("new {place}")
            } else {
                option.id.clone()
            };
            let field = format!("options.{place}.name");
            let value = format!("{}: {}", option.name, values.join(", "));
            told.insert((Part::Option, key), (field, self.label("option"), value));
        }
    }

    fn places(&self, form: &ProductForm, told: &mut Told) {
        let both = [
            ("categories", &form.categories),
            ("collections", &form.collections),
        ];
        for (field, ids) in both {
            let names: Vec<String> = ids.iter().map(|id| self.name(id)).collect();
            told.insert(
                (Part::Places, field.to_owned()),
                ("places".to_owned(), self.label(field), names.join(", ")),
            );
        }
    }

    fn pictures(&self, form: &ProductForm, told: &mut Told) {
        let alts = form
            .pictures
            .iter()
            .map(|picture| match picture.alt.trim() {
                "" => self.say.text("products.picture.no_alt"),
                alt => alt.to_owned(),
            });
        let alts: Vec<String> = alts.collect();
        let field = "pictures".to_owned();
        told.insert(
            (Part::Pictures, field.clone()),
            (field, self.label("pictures"), alts.join("; ")),
        );
    }

    fn variants(&self, form: &ProductForm, told: &mut Told) {
        for (place, row) in form.variants.iter().enumerate() {
            let key = if row.id.is_empty() { &row.key } else { &row.id };
            let title = if row.title.is_empty() {
                form.title.as_str()
            } else {
                &row.title
            };
            let counted = if row.counted {
                "common.yes"
            } else {
                "common.no"
            };
            let cells = [
                ("sku", row.sku.trim().to_owned()),
                ("price", row.price.trim().to_owned()),
                ("compare_at", row.compare_at.trim().to_owned()),
                ("weight", row.weight.trim().to_owned()),
                ("barcode", row.barcode.trim().to_owned()),
                ("counted", self.say.text(counted)),
            ];
            for (cell, value) in cells {
                told.insert(
                    (Part::Variant, format!("{key} {cell}")),
                    (
                        format!("variants.{place}.{cell}"),
                        format!("{title}: {}", self.label(cell)),
                        value,
                    ),
                );
            }
        }
    }
}

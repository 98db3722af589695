//! Two people edited one product: what stands in the shop now beside what was typed, field by field.

use std::collections::BTreeMap;

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

/// A form as a list of what is compared: a key, where it is typed, what it is called, what it says.
type Told = BTreeMap<(usize, String), (Option<String>, String, String)>;

/// What is typed otherwise than it stands in the shop now.
pub(super) fn differences(
    theirs: &ProductForm,
    typed: &ProductForm,
    names: &BTreeMap<String, String>,
    say: &Say,
) -> Vec<Difference> {
    let (theirs, typed) = (told(theirs, names, say), told(typed, names, say));
    let keys: std::collections::BTreeSet<_> = theirs.keys().chain(typed.keys()).collect();
    let value = |told: &Told, key| told.get(key).map(|(_, _, value)| value.clone());
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
                field: typed.get(key).and_then(|_| field.clone()),
                theirs: there.unwrap_or_else(gone),
                typed: here.unwrap_or_else(gone),
            })
        })
        .collect()
}

#[expect(
    clippy::too_many_lines,
    reason = "one story, told in the order in which it happens"
)]
fn told(form: &ProductForm, names: &BTreeMap<String, String>, say: &Say) -> Told {
    let mut told = Told::new();
    let mut tell = |order: usize, key: &str, field: Option<&str>, label: String, value: String| {
        told.insert(
            (order, key.to_owned()),
            (field.map(str::to_owned), label, value),
        );
    };
    let name = |word: &str| {
        let known = names.get(word).cloned();
        known.unwrap_or_else(|| word.to_owned())
    };
    let texts = [
        ("title", form.title.clone()),
        ("slug", form.slug.clone()),
        ("summary", form.summary.clone()),
        ("description", form.description.trim().replace("\r\n", "\n")),
        ("facts", form.facts.trim().to_owned()),
        ("tax_class", name(&form.tax_class)),
        ("status", name(&form.status)),
    ];
    for (order, (field, value)) in texts.into_iter().enumerate() {
        let label = say.text(&format!("products.field.{field}"));
        tell(order, field, Some(field), label, value);
    }
    let joined = |ids: &std::collections::BTreeSet<String>| {
        ids.iter().map(|id| name(id)).collect::<Vec<_>>().join(", ")
    };
    let label = |key: &str| say.text(&format!("products.field.{key}"));
    tell(
        20,
        "categories",
        Some("places"),
        label("categories"),
        joined(&form.categories),
    );
    tell(
        21,
        "collections",
        Some("places"),
        label("collections"),
        joined(&form.collections),
    );
    let alts: Vec<String> = form
        .pictures
        .iter()
        .map(|picture| match picture.alt.trim() {
            "" => say.text("products.picture.no_alt"),
            alt => alt.to_owned(),
        })
        .collect();
    tell(
        22,
        "pictures",
        Some("pictures"),
        label("pictures"),
        alts.join("; "),
    );
    for (place, option) in form.options.iter().enumerate() {
        let values: Vec<&str> = option
            .values
            .iter()
            .map(|value| value.name.as_str())
            .collect();
        let key = if option.id.is_empty() {
            format!("new {place}")
        } else {
            option.id.clone()
        };
        let field = format!("options.{place}.name");
        let value = format!("{}: {}", option.name, values.join(", "));
        tell(10, &key, Some(&field), label("option"), value);
    }
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
            ("counted", say.text(counted)),
        ];
        for (cell, value) in cells {
            let field = format!("variants.{place}.{cell}");
            let label = format!("{title}: {}", say.text(&format!("products.field.{cell}")));
            tell(30, &format!("{key} {cell}"), Some(&field), label, value);
        }
    }
    told
}

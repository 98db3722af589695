//! The product's form: from what stands in the shop to what is typed, from what is typed to the command, and the rows of
//! combinations in between.
//!
//! A field's name is its id on the page and the place a fault of the catalogue names: `variants.2.sku`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use commerce::catalog::workbench::Workpiece;
use commerce::catalog::{ProductStatus, TaxClass, limits};
use commerce::notifications::view::picture_url;
use kernel::{Slug, VariantId};
use serde::Serialize;

/// Rows the page can hold: beyond it, browsers and the limits of a form give up.
pub(super) const ROWS: usize = 1_000;

/// A product as it is typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ProductForm {
    /// The version the editor saw.
    pub version: i64,
    /// Its name.
    pub title: String,
    /// Its place in the shop's addresses.
    pub slug: String,
    /// Two plain sentences.
    pub summary: String,
    /// The story.
    pub description: String,
    /// Short statements, a line each.
    pub facts: String,
    /// How it is taxed.
    pub tax_class: String,
    /// Whether it is sold.
    pub status: String,
    /// What can be chosen.
    pub options: Vec<OptionForm>,
    /// Whether its variants are edited here; a product with too many of them keeps them as they are.
    pub has_matrix: bool,
    /// Its variants.
    pub variants: Vec<VariantForm>,
    /// Its pictures.
    pub pictures: Vec<PictureForm>,
    /// The categories that are ticked.
    pub categories: BTreeSet<String>,
    /// The collections that are ticked.
    pub collections: BTreeSet<String>,
}

/// An option as it is typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OptionForm {
    /// Its id; empty while it is new.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What can be chosen.
    pub values: Vec<ValueForm>,
    /// Values to add, with commas or on lines of their own.
    pub more: String,
    /// Whether it is to go.
    pub gone: bool,
}

/// A value as it is typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ValueForm {
    /// What rows know it by: its id, or a word of the page while it is new.
    pub key: String,
    /// Its name; emptied, it is to go.
    pub name: String,
}

/// A variant as it is typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct VariantForm {
    /// Its id; empty while it is new.
    pub id: String,
    /// The keys of its values, joined by `/`.
    pub key: String,
    /// The names of its values; not sent.
    pub title: String,
    /// Its article number.
    pub sku: String,
    /// What it costs.
    pub price: String,
    /// What it cost before.
    pub compare_at: String,
    /// What it weighs, in grams.
    pub weight: String,
    /// What a scanner reads.
    pub barcode: String,
    /// Whether it is counted.
    pub counted: bool,
    /// Pieces that are there, while it is new.
    pub opening: String,
    /// Whether it is to go.
    pub gone: bool,
    /// What is left of it; not sent.
    pub left: Option<i64>,
}

/// A picture as it is typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PictureForm {
    /// Which.
    pub id: String,
    /// What it shows.
    pub alt: String,
    /// Its place, from 1.
    pub place: String,
    /// Whether it is to go.
    pub gone: bool,
    /// Its hash and a width, to show it.
    pub shown: String,
}

impl PictureForm {
    /// The address of the small picture, if the hash and the width are what they should be.
    pub(super) fn src(&self) -> Option<String> {
        let (hash, width) = self.shown.split_once('/')?;
        let hash: commerce::media::ContentHash = hash.parse().ok()?;
        let width: u32 = width.parse().ok()?;
        Some(picture_url(hash.as_str(), i64::from(width)))
    }
}

impl ProductForm {
    /// The form of a product as it stands in the shop.
    pub(super) fn of(work: &Workpiece) -> Self {
        let product = &work.opened.product;
        let options: Vec<OptionForm> = work.opened.options.iter().map(option_of).collect();
        let has_matrix = work.opened.variants.len() <= ROWS;
        let variants = if has_matrix {
            work.opened
                .variants
                .iter()
                .map(|one| variant_of(one, work))
                .collect()
        } else {
            Vec::new()
        };
        let pictures = work.opened.pictures.iter().zip(1_u32..);
        Self {
            version: product.version,
            title: product.title.clone(),
            slug: product.slug.to_string(),
            summary: product.summary.clone(),
            description: product.description.clone(),
            facts: product.facts.join("\n"),
            tax_class: product.tax_class.to_string(),
            status: product.status.to_string(),
            options,
            has_matrix,
            variants,
            pictures: pictures
                .map(|(shown, place)| PictureForm {
                    id: shown.picture.id.to_string(),
                    alt: shown.alt.clone(),
                    place: place.to_string(),
                    gone: false,
                    shown: format!(
                        "{}/{}",
                        shown.picture.hash,
                        shown.picture.widths.at_least(320)
                    ),
                })
                .collect(),
            categories: work
                .places
                .categories
                .iter()
                .map(ToString::to_string)
                .collect(),
            collections: work
                .places
                .collections
                .iter()
                .map(ToString::to_string)
                .collect(),
        }
    }

    /// What was sent. Nothing is judged here, only read.
    pub(super) fn read(fields: &BTreeMap<String, String>) -> Self {
        let text = |name: &str| fields.get(name).cloned().unwrap_or_default();
        let ticked = |prefix: &str| {
            let ids = fields.keys().filter_map(|name| name.strip_prefix(prefix));
            ids.map(str::to_owned).collect()
        };
        let lists = Lists::of(fields);
        Self {
            version: text("version").parse().unwrap_or(0),
            title: text("title"),
            slug: text("slug"),
            summary: text("summary"),
            description: text("description").replace("\r\n", "\n"),
            facts: text("facts").replace("\r\n", "\n"),
            tax_class: text("tax_class"),
            status: text("status"),
            options: lists.options(fields),
            has_matrix: fields.contains_key("matrix"),
            variants: lists.variants(fields),
            pictures: lists.pictures(fields),
            categories: ticked("category."),
            collections: ticked("collection."),
        }
    }

    /// The state that is chosen.
    pub(super) fn status(&self) -> Option<ProductStatus> {
        self.status.parse().ok()
    }

    /// The tax class that is chosen.
    pub(super) fn tax_class(&self) -> Option<TaxClass> {
        self.tax_class.parse().ok()
    }

    /// Carries out what was asked of options, values, rows and pictures: what is to go goes, typed values join the others,
    /// rows follow, pictures stand in their order. With `fill`, every combination that has no row gets one.
    ///
    /// Answers with how many rows are new.
    pub(super) fn arrange(&mut self, fill: bool) -> usize {
        self.order_pictures();
        if !self.has_matrix {
            return 0;
        }
        let kept: Vec<(usize, OptionForm)> = std::mem::take(&mut self.options)
            .into_iter()
            .enumerate()
            .filter_map(|(place, option)| Some((place, option.settled(place)?)))
            .collect();
        self.follow(&kept);
        self.options = kept.into_iter().map(|(_, option)| option).collect();
        if !fill && !self.variants.is_empty() {
            self.forget_unused_values();
        }
        let combinations = self.combinations();
        let added = if fill { self.fill(&combinations) } else { 0 };
        let order: HashMap<&str, usize> = combinations
            .iter()
            .enumerate()
            .map(|(place, (key, _))| (key.as_str(), place))
            .collect();
        self.variants
            .sort_by_key(|row| order.get(row.key.as_str()).copied());
        let titles: HashMap<&str, &str> = combinations
            .iter()
            .map(|(key, title)| (key.as_str(), title.as_str()))
            .collect();
        for row in &mut self.variants {
            let title = titles.get(row.key.as_str()).copied();
            row.title = title.unwrap_or_default().to_owned();
        }
        added
    }

    /// Whether some value has no row yet, or nothing can be sold at all: then rows have to be made before it can be saved.
    pub(super) fn lacks_rows(&self) -> bool {
        if !self.has_matrix {
            return false;
        }
        let used = self.used();
        let mut values = self.options.iter().flat_map(|option| &option.values);
        self.variants.is_empty() || values.any(|value| !used.contains(&value.key))
    }

    /// The keys of the values that some row has.
    fn used(&self) -> HashSet<String> {
        let keys = self.variants.iter().flat_map(|row| row.key.split('/'));
        keys.map(str::to_owned).collect()
    }

    /// Values the product had go with the last of their rows; those that are new still wait for theirs.
    fn forget_unused_values(&mut self) {
        let used = self.used();
        for option in &mut self.options {
            option
                .values
                .retain(|value| value.key.starts_with("new-") || used.contains(&value.key));
        }
    }

    /// Rows keep the values of the options that stay, in their order; rows that lost a value go, and so does the second of
    /// two that became the same. An option that is new gives every row its first value.
    fn follow(&mut self, kept: &[(usize, OptionForm)]) {
        let mut seen = HashSet::new();
        self.variants.retain_mut(|row| {
            let parts: Vec<&str> = row.key.split('/').filter(|part| !part.is_empty()).collect();
            let mut key = Vec::with_capacity(kept.len());
            for (place, option) in kept {
                let value = match parts.get(*place) {
                    Some(part) => option.values.iter().find(|value| value.key == *part),
                    None => option.values.first(),
                };
                match value {
                    Some(value) => key.push(value.key.as_str()),
                    None => return false,
                }
            }
            row.key = key.join("/");
            !row.gone && seen.insert(row.key.clone())
        });
    }

    /// Every combination of values: keys and names, in order. Of absurdly many, the first few too many.
    fn combinations(&self) -> Vec<(String, String)> {
        let mut all = vec![(String::new(), String::new())];
        for option in &self.options {
            let joined = |(key, title): &(String, String), value: &ValueForm| {
                let keys = [key.as_str(), value.key.as_str()];
                let names = [title.as_str(), value.name.as_str()];
                (joined_by("/", keys), joined_by(" / ", names))
            };
            all = all
                .iter()
                .flat_map(|so_far| option.values.iter().map(move |value| joined(so_far, value)))
                .take(limits::VARIANTS.saturating_add(1))
                .collect();
        }
        all
    }

    /// Gives every combination a row, made like the first one.
    fn fill(&mut self, combinations: &[(String, String)]) -> usize {
        let there: HashSet<String> = self.variants.iter().map(|row| row.key.clone()).collect();
        let like = self.variants.first().cloned().unwrap_or(VariantForm {
            counted: true,
            ..VariantForm::default()
        });
        let mut numbers: HashSet<String> =
            self.variants.iter().map(|row| row.sku.clone()).collect();
        let before = self.variants.len();
        for (key, title) in combinations {
            if there.contains(key) || self.variants.len() > ROWS {
                continue;
            }
            let sku = suggested_sku(&self.slug, title, &mut numbers);
            self.variants.push(VariantForm {
                id: String::new(),
                key: key.clone(),
                title: title.clone(),
                sku,
                price: like.price.clone(),
                compare_at: String::new(),
                weight: like.weight.clone(),
                barcode: String::new(),
                counted: like.counted,
                opening: String::new(),
                gone: false,
                left: None,
            });
        }
        self.variants.len().saturating_sub(before)
    }

    /// Pictures stand in the order of their numbers; those to go are gone.
    fn order_pictures(&mut self) {
        self.pictures.retain(|picture| !picture.gone);
        // Of two with the same number, one that moved up stands before the one that was there, one that moved down behind.
        let mut placed: Vec<(u32, std::cmp::Ordering, PictureForm)> =
            std::mem::take(&mut self.pictures)
                .into_iter()
                .zip(1_u32..)
                .map(|(picture, stood)| {
                    let place: u32 = picture.place.trim().parse().unwrap_or(stood);
                    (place, place.cmp(&stood), picture)
                })
                .collect();
        placed.sort_by_key(|(place, moved, _)| (*place, *moved));
        self.pictures = placed
            .into_iter()
            .zip(1_u32..)
            .map(|((_, _, picture), place)| PictureForm {
                place: place.to_string(),
                ..picture
            })
            .collect();
    }

    /// The variants that would go: those the product has and no row names.
    pub(super) fn going<'a>(&self, work: &'a Workpiece) -> Vec<&'a commerce::catalog::Variant> {
        if !self.has_matrix {
            return Vec::new();
        }
        let kept: HashSet<&str> = self.variants.iter().map(|row| row.id.as_str()).collect();
        let known = work.opened.variants.iter();
        known
            .filter(|variant| !kept.contains(variant.id.as_str()))
            .collect()
    }

    /// Puts in what is shown and never sent.
    pub(super) fn complete(&mut self, work: &Workpiece) {
        for row in &mut self.variants {
            let id: Option<VariantId> = row.id.parse().ok();
            row.left = id.and_then(|id| Some(work.stock.get(&id)?.left));
        }
    }
}

impl OptionForm {
    /// The option with its new values and without those that are to go; `None` if nothing is left of it.
    fn settled(mut self, place: usize) -> Option<Self> {
        if self.gone {
            return None;
        }
        self.values.retain(|value| !value.name.trim().is_empty());
        let mut names: HashSet<String> = self
            .values
            .iter()
            .map(|value| value.name.trim().to_lowercase())
            .collect();
        let typed = std::mem::take(&mut self.more);
        for name in typed.split([',', ';', '\n']).map(str::trim) {
            if !name.is_empty() && names.insert(name.to_lowercase()) {
                let slug = Slug::from_title(name);
                let number = self.values.len();
                self.values.push(ValueForm {
                    key: format!("new-{place}-{number}-{slug}"),
                    name: name.to_owned(),
                });
            }
        }
        (!self.values.is_empty() || !self.name.trim().is_empty()).then_some(self)
    }
}

fn option_of(option: &commerce::catalog::ProductOption) -> OptionForm {
    OptionForm {
        id: option.id.to_string(),
        name: option.name.clone(),
        values: option
            .values
            .iter()
            .map(|value| ValueForm {
                key: value.id.to_string(),
                name: value.name.clone(),
            })
            .collect(),
        more: String::new(),
        gone: false,
    }
}

fn variant_of(variant: &commerce::catalog::Variant, work: &Workpiece) -> VariantForm {
    let slugs = variant.value_slugs().zip(&work.opened.options);
    let keys: Vec<&str> = slugs
        .filter_map(|(slug, option)| {
            let mut values = option.values.iter();
            let value = values.find(|value| value.slug.as_str() == slug)?;
            Some(value.id.as_str())
        })
        .collect();
    VariantForm {
        id: variant.id.to_string(),
        key: keys.join("/"),
        title: variant.title.clone(),
        sku: variant.sku.to_string(),
        price: variant.price.to_decimal(),
        compare_at: variant
            .compare_at
            .map_or_else(String::new, kernel::Money::to_decimal),
        weight: variant.weight_grams.to_string(),
        barcode: variant.barcode.clone().unwrap_or_default(),
        counted: variant.stock_tracked,
        opening: String::new(),
        gone: false,
        left: work.stock.get(&variant.id).map(|row| row.left),
    }
}

/// An article number nobody has on this page: the address and the values, in capitals.
fn suggested_sku(slug: &str, title: &str, taken: &mut HashSet<String>) -> String {
    let stem = format!("{slug}-{}", Slug::from_title(title)).to_uppercase();
    let stem: String = stem.chars().take(58).collect();
    let mut candidates =
        std::iter::once(stem.clone()).chain((2..).map(|number| format!("{stem}-{number}")));
    let free = candidates.find(|candidate| taken.insert(candidate.clone()));
    free.unwrap_or(stem)
}

/// The places of the lists' entries in a form, in order.
struct Lists {
    options: BTreeSet<usize>,
    values: BTreeSet<(usize, usize)>,
    variants: BTreeSet<usize>,
    pictures: BTreeSet<usize>,
}

impl Lists {
    fn of(fields: &BTreeMap<String, String>) -> Self {
        let mut lists = Self {
            options: BTreeSet::new(),
            values: BTreeSet::new(),
            variants: BTreeSet::new(),
            pictures: BTreeSet::new(),
        };
        for name in fields.keys() {
            let mut parts = name.split('.');
            let (list, place) = (
                parts.next(),
                parts.next().and_then(|part| part.parse().ok()),
            );
            let Some(place) = place else { continue };
            match list {
                Some("options") => {
                    lists.options.insert(place);
                    let value = parts.next().filter(|part| *part == "values");
                    let value = value.and_then(|_| parts.next()?.parse().ok());
                    lists.values.extend(value.map(|value| (place, value)));
                }
                Some("variants") => {
                    lists.variants.insert(place);
                }
                Some("pictures") => {
                    lists.pictures.insert(place);
                }
                Some(_) | None => {}
            }
        }
        lists
    }

    fn options(&self, fields: &BTreeMap<String, String>) -> Vec<OptionForm> {
        let text = |name: String| fields.get(&name).cloned().unwrap_or_default();
        let options = self.options.iter().map(|place| OptionForm {
            id: text(format!("options.{place}.id")),
            name: text(format!("options.{place}.name")),
            values: self
                .values
                .range((*place, 0)..=(*place, usize::MAX))
                .map(|(_, value)| ValueForm {
                    key: text(format!("options.{place}.values.{value}.key")),
                    name: text(format!("options.{place}.values.{value}.name")),
                })
                .collect(),
            more: text(format!("options.{place}.values")),
            gone: fields.contains_key(&format!("options.{place}.gone")),
        });
        // The empty option at the end is an invitation, not an option.
        options
            .filter(|option| {
                !option.id.is_empty()
                    || !option.values.is_empty()
                    || !option.name.trim().is_empty()
                    || !option.more.trim().is_empty()
            })
            .collect()
    }

    fn variants(&self, fields: &BTreeMap<String, String>) -> Vec<VariantForm> {
        let rows = self.variants.iter();
        rows.map(|place| {
            let text = |field: &str| {
                let name = format!("variants.{place}.{field}");
                fields.get(&name).cloned().unwrap_or_default()
            };
            let is = text("is");
            let (id, key) = is.split_once('|').unwrap_or(("", &is));
            VariantForm {
                id: id.to_owned(),
                key: key.to_owned(),
                title: String::new(),
                sku: text("sku"),
                price: text("price"),
                compare_at: text("compare_at"),
                weight: text("weight"),
                barcode: text("barcode"),
                counted: !text("counted").is_empty(),
                opening: text("opening"),
                gone: !text("gone").is_empty(),
                left: None,
            }
        })
        .collect()
    }

    fn pictures(&self, fields: &BTreeMap<String, String>) -> Vec<PictureForm> {
        let tiles = self.pictures.iter();
        tiles
            .map(|place| {
                let text = |field: &str| {
                    let name = format!("pictures.{place}.{field}");
                    fields.get(&name).cloned().unwrap_or_default()
                };
                PictureForm {
                    id: text("id"),
                    alt: text("alt"),
                    place: text("place"),
                    gone: !text("gone").is_empty(),
                    shown: text("shown"),
                }
            })
            .collect()
    }
}
/// Two parts with a sign between them; what is empty has none.
fn joined_by(sign: &str, parts: [&str; 2]) -> String {
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(sign)
}

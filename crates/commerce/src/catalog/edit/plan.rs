//! From what an editor typed to the rows to write: every check that needs no database, and which row is which.

use std::collections::HashSet;
use std::hash::Hash;

use kernel::text::one_line;
use kernel::{MediaId, Money, OptionId, OptionValueId, ProductId, Slug, TextError, VariantId};

use super::{Fault, Problem, SaveOption, SaveProduct, SaveValue, SaveVariant, Variant};
use crate::Act;
use crate::catalog::{ProductOption, limits};

use super::super::OptionValue;

/// The product as it is so far.
pub(super) struct Known {
    pub(super) id: ProductId,
    pub(super) options: Vec<ProductOption>,
    pub(super) variants: Vec<Variant>,
}

/// What the product is to have, with the ids of everything.
pub(super) struct Plan {
    pub(super) id: ProductId,
    pub(super) title: String,
    pub(super) summary: String,
    pub(super) description: String,
    pub(super) facts: Vec<String>,
    pub(super) options: Vec<ProductOption>,
    pub(super) variants: Vec<PlannedVariant>,
    pub(super) pictures: Vec<(MediaId, String)>,
    /// Variants the product has and the command does not.
    pub(super) removed: Vec<VariantId>,
}

pub(super) struct PlannedVariant {
    pub(super) row: Variant,
    pub(super) values: Vec<(OptionId, OptionValueId)>,
}

/// Checks the command and decides which rows it means. Every fault is reported, not only the first.
pub(super) fn plan(
    product: &SaveProduct,
    known: &Known,
    pictures: &HashSet<MediaId>,
    act: &Act,
) -> Result<Plan, Vec<Fault>> {
    let mut faults = Faults::default();
    let title = faults.line("title", &product.title, limits::TITLE, Needed::Yes);
    let summary = faults.line("summary", &product.summary, limits::SUMMARY, Needed::No);
    let description = faults.prose("description", &product.description);
    let facts = faults.facts(&product.facts);
    let options = faults.options(product, known, act);
    let variants = faults.variants(product, known, &options, act);
    let pictures = faults.pictures(product, pictures);
    if !faults.0.is_empty() {
        return Err(faults.0);
    }
    let kept: HashSet<&VariantId> = variants.iter().map(|variant| &variant.row.id).collect();
    let removed = known
        .variants
        .iter()
        .map(|v| &v.id)
        .filter(|id| !kept.contains(id))
        .cloned()
        .collect();
    Ok(Plan {
        id: known.id.clone(),
        title,
        summary,
        description,
        facts,
        options,
        variants,
        pictures,
        removed,
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Needed {
    Yes,
    No,
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, field: impl Into<String>, problem: impl Into<Problem>) {
        self.0.push(Fault {
            field: field.into(),
            problem: problem.into(),
        });
    }

    fn line(&mut self, field: &str, text: &str, max: usize, needed: Needed) -> String {
        match one_line(text, max) {
            Ok(line) => line,
            Err(TextError::Empty) if needed == Needed::No => String::new(),
            Err(error) => {
                self.add(field, error);
                String::new()
            }
        }
    }

    fn prose(&mut self, field: &str, text: &str) -> String {
        let text = text.trim();
        if text.chars().count() > limits::DESCRIPTION {
            self.add(field, TextError::TooLong(limits::DESCRIPTION));
        }
        if text
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        {
            self.add(field, TextError::Unprintable);
        }
        text.replace("\r\n", "\n")
    }

    fn count(&mut self, field: &str, count: usize, max: usize) {
        if count > max {
            self.add(field, Problem::TooMany(max));
        }
    }

    fn facts(&mut self, facts: &[String]) -> Vec<String> {
        self.count("facts", facts.len(), limits::FACTS);
        let lines = facts.iter().enumerate();
        lines
            .map(|(index, fact)| {
                self.line(&format!("facts.{index}"), fact, limits::SUMMARY, Needed::No)
            })
            .filter(|fact| !fact.is_empty())
            .collect()
    }

    fn options(&mut self, product: &SaveProduct, known: &Known, act: &Act) -> Vec<ProductOption> {
        self.count("options", product.options.len(), limits::OPTIONS);
        let mut options = Vec::new();
        let mut slugs = HashSet::new();
        let mut ids = HashSet::new();
        for (index, option) in product.options.iter().enumerate() {
            let field = format!("options.{index}");
            let planned = self.option(&field, option, known, act);
            self.once(&field, &mut slugs, planned.slug.clone());
            self.once(&field, &mut ids, planned.id.clone());
            options.push(planned);
        }
        options
    }

    fn option(
        &mut self,
        field: &str,
        option: &SaveOption,
        known: &Known,
        act: &Act,
    ) -> ProductOption {
        let name = self.line(
            &format!("{field}.name"),
            &option.name,
            limits::TITLE,
            Needed::Yes,
        );
        let suggested = option
            .slug
            .clone()
            .unwrap_or_else(|| Slug::from_title(&name));
        let same = match &option.id {
            Some(id) => known.options.iter().find(|known| known.id == *id),
            None => known.options.iter().find(|known| known.slug == suggested),
        };
        if option.id.is_some() && same.is_none() {
            self.add(format!("{field}.id"), Problem::Foreign);
        }
        if option.values.is_empty() {
            self.add(format!("{field}.values"), Problem::NoneGiven);
        }
        self.count(
            &format!("{field}.values"),
            option.values.len(),
            limits::VALUES,
        );
        let known_values = same.map_or(&[][..], |same| &same.values);
        let mut values = Vec::new();
        let mut slugs = HashSet::new();
        let mut ids = HashSet::new();
        let mut names = HashSet::new();
        for (index, value) in option.values.iter().enumerate() {
            let field = format!("{field}.values.{index}");
            let planned = self.value(&field, value, known_values, act);
            self.once(&field, &mut slugs, planned.slug.clone());
            self.once(&field, &mut ids, planned.id.clone());
            self.once(&field, &mut names, planned.name.clone());
            values.push(planned);
        }
        ProductOption {
            id: same.map_or_else(|| OptionId::new(&*act.ids), |same| same.id.clone()),
            slug: option
                .slug
                .clone()
                .or_else(|| same.map(|same| same.slug.clone()))
                .unwrap_or(suggested),
            name,
            values,
        }
    }

    fn value(
        &mut self,
        field: &str,
        value: &SaveValue,
        known: &[OptionValue],
        act: &Act,
    ) -> OptionValue {
        let name = self.line(
            &format!("{field}.name"),
            &value.name,
            limits::TITLE,
            Needed::Yes,
        );
        let suggested = value
            .slug
            .clone()
            .unwrap_or_else(|| Slug::from_title(&name));
        let same = match &value.id {
            Some(id) => known.iter().find(|known| known.id == *id),
            None => known.iter().find(|known| known.slug == suggested),
        };
        if value.id.is_some() && same.is_none() {
            self.add(format!("{field}.id"), Problem::Foreign);
        }
        OptionValue {
            id: same.map_or_else(|| OptionValueId::new(&*act.ids), |same| same.id.clone()),
            slug: value
                .slug
                .clone()
                .or_else(|| same.map(|same| same.slug.clone()))
                .unwrap_or(suggested),
            name,
            swatch: value.swatch.clone(),
        }
    }

    fn variants(
        &mut self,
        product: &SaveProduct,
        known: &Known,
        options: &[ProductOption],
        act: &Act,
    ) -> Vec<PlannedVariant> {
        if product.variants.is_empty() {
            self.add("variants", Problem::NoneGiven);
        }
        self.count("variants", product.variants.len(), limits::VARIANTS);
        let mut planned = Vec::new();
        let mut skus = HashSet::new();
        let mut combinations = HashSet::new();
        let mut ids = HashSet::new();
        for (index, variant) in product.variants.iter().enumerate() {
            let field = format!("variants.{index}");
            self.once(&format!("{field}.sku"), &mut skus, variant.sku.clone());
            self.amounts(&field, product, variant);
            let barcode = variant.barcode.as_deref().unwrap_or_default();
            let barcode = self.line(&format!("{field}.barcode"), barcode, 64, Needed::No);
            let Some(choices) = choices(options, &variant.values) else {
                self.add(format!("{field}.values"), Problem::NotAChoice);
                continue;
            };
            let joined = |separator: &str, part: fn(&OptionValue) -> &str| {
                choices
                    .iter()
                    .map(|(_, value)| part(value))
                    .collect::<Vec<_>>()
                    .join(separator)
            };
            let combination = joined("/", |value| value.slug.as_str());
            if !combinations.insert(combination.clone()) {
                self.add(format!("{field}.values"), Problem::SameValues);
            }
            let same = match &variant.id {
                Some(id) => known.variants.iter().find(|known| known.id == *id),
                None => known
                    .variants
                    .iter()
                    .find(|known| known.combination == combination),
            };
            if variant.id.is_some() && same.is_none() {
                self.add(format!("{field}.id"), Problem::Foreign);
            }
            let variant_id = same.map_or_else(|| VariantId::new(&*act.ids), |same| same.id.clone());
            self.once(&field, &mut ids, variant_id.clone());
            let row = Variant {
                id: variant_id,
                product_id: known.id.clone(),
                combination,
                title: joined(" / ", |value| &value.name),
                sku: variant.sku.clone(),
                barcode: Some(barcode).filter(|barcode| !barcode.is_empty()),
                price: variant.price,
                compare_at: variant.compare_at,
                weight_grams: variant.weight_grams,
                content: variant.content,
                stock_tracked: variant.stock_tracked,
            };
            let values = choices
                .iter()
                .map(|(option, value)| (option.id.clone(), value.id.clone()))
                .collect();
            planned.push(PlannedVariant { row, values });
        }
        planned
    }

    fn amounts(&mut self, field: &str, product: &SaveProduct, variant: &SaveVariant) {
        let mut amount = |field: String, money: Money| {
            if money.currency() != product.currency {
                self.add(field, Problem::OtherCurrency(product.currency));
            } else if money.is_negative() {
                self.add(field, Problem::Negative);
            }
        };
        amount(format!("{field}.price"), variant.price);
        if let Some(before) = variant.compare_at {
            amount(format!("{field}.compare_at"), before);
            if before.minor() <= variant.price.minor() {
                self.add(format!("{field}.compare_at"), Problem::NotReduced);
            }
        }
        if variant.content.is_some_and(|content| content.amount == 0) {
            self.add(format!("{field}.content"), Problem::NoContent);
        }
    }

    fn pictures(
        &mut self,
        product: &SaveProduct,
        known: &HashSet<MediaId>,
    ) -> Vec<(MediaId, String)> {
        self.count("pictures", product.pictures.len(), limits::PICTURES);
        let mut seen = HashSet::new();
        let mut pictures = Vec::new();
        for (index, picture) in product.pictures.iter().enumerate() {
            let field = format!("pictures.{index}");
            self.once(&field, &mut seen, picture.media.clone());
            if !known.contains(&picture.media) {
                self.add(field.clone(), Problem::NoSuchPicture);
            }
            let alt = self.line(
                &format!("{field}.alt"),
                &picture.alt,
                limits::SUMMARY,
                Needed::No,
            );
            pictures.push((picture.media.clone(), alt));
        }
        pictures
    }

    fn once<T: Eq + Hash>(&mut self, field: &str, seen: &mut HashSet<T>, item: T) {
        if !seen.insert(item) {
            self.add(field, Problem::Twice);
        }
    }
}

/// The value each option has by these names; nothing unless there is exactly one for each.
fn choices<'a>(
    options: &'a [ProductOption],
    names: &[String],
) -> Option<Vec<(&'a ProductOption, &'a OptionValue)>> {
    if options.len() != names.len() {
        return None;
    }
    let pairs = options.iter().zip(names);
    pairs
        .map(|(option, name)| {
            option
                .values
                .iter()
                .find(|v| v.name == name.trim())
                .map(|v| (option, v))
        })
        .collect()
}

//! What the template of the product's page receives.

use std::collections::BTreeMap;

use commerce::catalog::workbench::Workpiece;
use commerce::catalog::{CategoryNode, Collection, ProductStatus, TaxClass};
use commerce::staff::{AdjustStock, EditProducts, Permission};
use kernel::Timestamp;
use serde::Serialize;
use templates::Say;

use super::compare::Difference;
use super::form::ProductForm;
use super::ready::{self, Left};
use crate::desk::Staffer;
use crate::views::{Choice, FormError};

/// `pages/product.html`.
#[derive(Debug, Clone, Serialize)]
pub struct EditPage {
    /// Its address.
    pub url: String,
    /// Its name in the shop.
    pub name: String,
    /// Its state in the shop.
    pub state: ProductStatus,
    /// Its page in the shop, while it has one.
    pub shop_url: Option<String>,
    /// When it was last changed.
    pub changed_at: Timestamp,
    /// The form, as it is typed.
    pub form: ProductForm,
    /// The currency of its prices.
    pub currency: String,
    /// The addresses of its pictures, by their ids.
    pub sources: BTreeMap<String, String>,
    /// The states.
    pub states: Vec<Choice>,
    /// The tax classes.
    pub tax_classes: Vec<Choice>,
    /// The categories there are, as a list in which deeper ones are set further in.
    pub categories: Vec<Place>,
    /// The collections there are.
    pub collections: Vec<Place>,
    /// What is left before it can be sold.
    pub left: Vec<Left>,
    /// What is wrong with the form.
    pub errors: Vec<FormError>,
    /// The same by field.
    pub wrong: BTreeMap<String, String>,
    /// What somebody else saved meanwhile.
    pub conflict: Vec<Difference>,
    /// The variants that saving would remove.
    pub going: Vec<String>,
    /// Rows that are new on the page.
    pub staged: usize,
    /// What became of the files that were sent.
    pub uploaded: Option<Uploaded>,
    /// How many variants it has, where they are too many to be edited here.
    pub too_many: Option<usize>,
    /// Whether it can be changed.
    pub can_edit: bool,
    /// Whether stock can be received.
    pub can_adjust: bool,
    /// Whether something is typed that is not saved.
    pub is_unsaved: bool,
}

/// A category or collection to tick.
#[derive(Debug, Clone, Serialize)]
pub struct Place {
    /// Its id.
    pub id: String,
    /// Its name.
    pub title: String,
    /// How deep it stands.
    pub depth: usize,
    /// Whether it is ticked.
    pub chosen: bool,
}

/// What became of the files that were sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Uploaded {
    /// How many can be used.
    pub kept: usize,
    /// The others, each in a sentence.
    pub refused: Vec<String>,
}

/// What the page is drawn from.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) work: Workpiece,
    pub(super) tree: Vec<CategoryNode>,
    pub(super) collections: Vec<Collection>,
}

/// What happened to the form on its way.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) errors: Vec<FormError>,
    pub(super) conflict: Vec<Difference>,
    pub(super) needs_yes: bool,
    pub(super) staged: usize,
    pub(super) uploaded: Option<Uploaded>,
    pub(super) is_unsaved: bool,
}

impl Read {
    /// The names of everything a form names by id or by word.
    pub(super) fn names(&self, say: &Say) -> BTreeMap<String, String> {
        let mut names = BTreeMap::new();
        for place in self.categories(&ProductForm::default()) {
            names.insert(place.id, place.title);
        }
        for one in &self.collections {
            names.insert(one.id.to_string(), one.title.clone());
        }
        for status in ProductStatus::ALL {
            names.insert(
                status.to_string(),
                say.text(&format!("products.state.{status}")),
            );
        }
        for class in TaxClass::ALL {
            names.insert(
                class.to_string(),
                say.text(&format!("products.tax.{class}")),
            );
        }
        names
    }

    fn categories(&self, form: &ProductForm) -> Vec<Place> {
        fn add(level: &[CategoryNode], depth: usize, form: &ProductForm, to: &mut Vec<Place>) {
            for node in level {
                let id = node.category.id.to_string();
                to.push(Place {
                    chosen: form.categories.contains(&id),
                    id,
                    title: node.category.title.clone(),
                    depth,
                });
                add(&node.children, depth.saturating_add(1), form, to);
            }
        }
        let mut places = Vec::new();
        add(&self.tree, 0, form, &mut places);
        places
    }

    /// The page with this form on it.
    #[expect(
        clippy::too_many_lines,
        reason = "one story, told in the order in which it happens"
    )]
    pub(super) fn page(
        &self,
        mut form: ProductForm,
        state: State,
        (staff, say, origin): (&Staffer, &Say, &str),
    ) -> EditPage {
        let product = &self.work.opened.product;
        form.complete(&self.work);
        let going: Vec<String> =
            if state.needs_yes || !state.conflict.is_empty() || state.is_unsaved {
                let going = form.going(&self.work).into_iter();
                going
                    .map(|variant| match variant.title.as_str() {
                        "" => variant.sku.to_string(),
                        title => format!("{title} ({})", variant.sku),
                    })
                    .collect()
            } else {
                Vec::new()
            };
        let wrong = state.errors.iter().filter_map(|error| {
            let field = error.field.clone()?;
            Some((field, error.message.clone()))
        });
        EditPage {
            url: super::product_url(&product.id),
            name: product.title.clone(),
            state: product.status,
            shop_url: (product.status == ProductStatus::Active)
                .then(|| format!("{origin}/products/{}", product.slug)),
            changed_at: product.changed_at,
            currency: product.currency.code().to_owned(),
            sources: form
                .pictures
                .iter()
                .filter_map(|picture| Some((picture.id.clone(), picture.src()?)))
                .collect(),
            states: ProductStatus::ALL
                .iter()
                .map(|status| Choice {
                    value: status.to_string(),
                    label: say.text(&format!("products.state.{status}")),
                    chosen: form.status == status.as_str(),
                })
                .collect(),
            tax_classes: TaxClass::ALL
                .iter()
                .map(|class| Choice {
                    value: class.to_string(),
                    label: say.text(&format!("products.tax.{class}")),
                    chosen: form.tax_class == class.as_str(),
                })
                .collect(),
            categories: self.categories(&form),
            collections: self
                .collections
                .iter()
                .map(|one| Place {
                    id: one.id.to_string(),
                    title: one.title.clone(),
                    depth: 0,
                    chosen: form.collections.contains(one.id.as_str()),
                })
                .collect(),
            left: ready::left(&self.work),
            wrong: wrong.collect(),
            errors: state
                .errors
                .into_iter()
                .map(|error| named(error, &form, say))
                .collect(),
            conflict: state.conflict,
            going,
            staged: state.staged,
            uploaded: state.uploaded,
            too_many: (!form.has_matrix).then_some(self.work.opened.variants.len()),
            can_edit: staff.holds(EditProducts::NAME),
            can_adjust: staff.holds(AdjustStock::NAME),
            is_unsaved: state.is_unsaved,
            form,
        }
    }
}

/// An error as the summary says it: with the name of its field, in a row of several also of its variant.
fn named(error: FormError, form: &ProductForm, say: &Say) -> FormError {
    let name = error.field.as_deref().and_then(|field| {
        let mut parts = field.split('.');
        let (first, place, cell) = (parts.next()?, parts.next(), parts.next());
        let label = |field: &str| say.find(&format!("products.field.{field}"));
        let (Some(place), Some(cell)) = (place, cell) else {
            return label(first);
        };
        let label = label(cell)?;
        let row = form.variants.get(place.parse::<usize>().ok()?)?;
        Some(match row.title.as_str() {
            "" => label,
            title => format!("{title}, {label}"),
        })
    });
    match name {
        Some(name) => FormError {
            message: format!("{name}: {}", error.message),
            ..error
        },
        None => error,
    }
}

//! What the catalogue refused, at the fields it is about.

use commerce::catalog::SaveProductError;
use templates::Say;

use super::form::ProductForm;
use super::sentence;
use crate::views::FormError;

/// What the catalogue refused, at the fields it is about.
pub(super) fn told(error: &SaveProductError, form: &ProductForm, say: &Say) -> Vec<FormError> {
    match error {
        SaveProductError::Invalid(faults) => faults
            .iter()
            .map(|fault| FormError::at(field_of(&fault.field), sentence(&fault.problem)))
            .collect(),
        SaveProductError::SlugTaken(_) => vec![FormError::at("slug", sentence(error))],
        SaveProductError::SkuTaken(taken) => {
            let rows = form.variants.iter().enumerate();
            rows.filter(|(_, row)| taken.iter().any(|sku| sku.as_str() == row.sku.trim()))
                .map(|(place, _)| {
                    let field = format!("variants.{place}.sku");
                    FormError::at(field, say.text("products.sku_taken"))
                })
                .collect()
        }
        SaveProductError::InUse(uses) => uses
            .iter()
            .map(|one| {
                let name = if one.title.is_empty() {
                    one.sku.to_string()
                } else {
                    format!("{} ({})", one.title, one.sku)
                };
                FormError::at("variants", say.with("products.in_use", &[("name", name)]))
            })
            .collect(),
        SaveProductError::Stale { .. }
        | SaveProductError::NotFound
        | SaveProductError::Internal(_) => vec![FormError::of_form(sentence(error))],
    }
}

/// The field on the page that a fault of the catalogue is about.
fn field_of(fault: &str) -> String {
    let mut parts = fault.split('.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("facts"), ..) => "facts".to_owned(),
        (Some("options"), Some(option), Some("values"), Some(value)) => {
            format!("options.{option}.values.{value}.name")
        }
        (Some("options"), Some(option), Some("values"), None) => {
            format!("options.{option}.values")
        }
        (Some("options"), Some(option), ..) => format!("options.{option}.name"),
        (Some("variants"), Some(row), Some("values" | "id" | "content") | None, _) => {
            format!("variants.{row}.sku")
        }
        (Some("pictures"), Some(tile), ..) => format!("pictures.{tile}.alt"),
        _ => fault.to_owned(),
    }
}

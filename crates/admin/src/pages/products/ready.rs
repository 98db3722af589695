//! What is left to do before a product can be sold: shown as a list, never in the way of saving.

use commerce::catalog::ProductStatus;
use commerce::catalog::workbench::Workpiece;
use serde::Serialize;

/// Something that is left to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// `products.left.KEY` says what.
    pub key: &'static str,
    /// Where it is done.
    pub url: &'static str,
}

/// What is left to do for a product.
pub(super) fn left(work: &Workpiece) -> Vec<Left> {
    let opened = &work.opened;
    let counted: Vec<_> = opened
        .variants
        .iter()
        .filter(|variant| variant.stock_tracked)
        .collect();
    let is_there = |variant: &&commerce::catalog::Variant| {
        work.stock.get(&variant.id).is_some_and(|row| row.left > 0)
    };
    let checks = [
        (
            "description",
            "#description",
            opened.product.description.is_empty(),
        ),
        ("picture", "#pictures", opened.pictures.is_empty()),
        (
            "alt",
            "#pictures",
            opened.pictures.iter().any(|picture| picture.alt.is_empty()),
        ),
        (
            "price",
            "#variants",
            opened
                .variants
                .iter()
                .any(|variant| variant.price.is_zero()),
        ),
        (
            "stock",
            "#variants",
            counted.len() == opened.variants.len() && !counted.iter().any(is_there),
        ),
        ("category", "#places", work.places.categories.is_empty()),
        (
            "active",
            "#status",
            opened.product.status != ProductStatus::Active,
        ),
    ];
    checks
        .into_iter()
        .filter(|(_, _, is_left)| *is_left)
        .map(|(key, url, _)| Left { key, url })
        .collect()
}

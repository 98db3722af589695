//! `GET /admin/products/{id}`: the page a product is edited on.

use axum::extract::{Path, State};
use axum::response::Response;
use commerce::catalog::workbench::{self, duplicate_product};
use commerce::catalog::{ProductStatus, categories, collections};
use commerce::staff::{EditProducts, ViewProducts};
use http::StatusCode;
use kernel::{Code, ProductId, Timestamp};
use templates::Page;
use web::Problem;

use super::compare::Difference;
use super::form::{OptionForm, PictureForm, ProductForm, ValueForm, VariantForm};
use super::product_url;
use super::ready::Left;
pub use super::view::EditPage;
use super::view::{Place, Read, State as Happened, Uploaded};
use crate::admin::Admin;
use crate::desk::{Desk, Staffer};
use crate::frame::{Base, Section};
use crate::told::Told;
use crate::views::{Choice, FormError};

/// The id in an address; what is none names nothing.
pub(super) fn id_of(text: &str) -> Result<ProductId, Problem> {
    text.parse()
        .map_err(|_not_an_id| Problem::new(Code::NotFound))
}

/// The product with what its page offers.
pub(super) async fn read(
    admin: &Admin,
    staff: &Staffer,
    id: &ProductId,
) -> Result<(Base, Read), Problem> {
    let id = id.clone();
    let (base, found) = admin
        .read(staff, move |tx, _base| {
            let Some(work) = workbench::open(tx, &id)? else {
                return Ok(None);
            };
            Ok(Some(Read {
                work,
                tree: categories::read_tree(tx)?,
                collections: collections::read_collections(tx)?,
            }))
        })
        .await?;
    let found = found.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok((base, found))
}

/// Draws the page with a form on it.
pub(super) fn draw(
    admin: &Admin,
    staff: &Staffer,
    (base, read): (&Base, &Read),
    (form, happened, status): (ProductForm, Happened, StatusCode),
) -> Result<Response, Problem> {
    let say = admin.words()?;
    let page = read.page(form, happened, (staff, &say, &admin.shop().origin));
    admin
        .sheet(staff, base)
        .section(Section::Products)
        .status(status)
        .draw(&page)
}

/// Shows the product as it stands in the shop.
pub(crate) async fn show(
    State(admin): State<Admin>,
    desk: Desk<ViewProducts>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (base, read) = read(&admin, &desk.staff, &id_of(&id)?).await?;
    let form = ProductForm::of(&read.work);
    let happened = (form, Happened::default(), StatusCode::OK);
    draw(&admin, &desk.staff, (&base, &read), happened)
}

/// Makes a draft like this product and goes to its page.
pub(crate) async fn duplicate(
    State(admin): State<Admin>,
    desk: Desk<EditProducts>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (shop, id) = (admin.shop().clone(), id_of(&id)?);
    let copy = web::run(async move { duplicate_product(&shop, desk.by, id).await }).await??;
    let told = Told::new("products.told.duplicated");
    desk.staff.done(&product_url(&copy.id), &told)
}

impl Page for EditPage {
    const TEMPLATE: &'static str = "pages/product.html";

    #[expect(clippy::too_many_lines, reason = "a sample is one long list of values")]
    fn samples() -> Vec<(&'static str, Self)> {
        let vase = vase();
        let simple = Self {
            form: ProductForm {
                options: Vec::new(),
                pictures: Vec::new(),
                variants: vec![VariantForm {
                    key: String::new(),
                    title: String::new(),
                    left: None,
                    counted: false,
                    ..row("Ash")
                }],
                ..vase.form.clone()
            },
            left: vec![Left {
                key: "picture",
                url: "#pictures",
            }],
            shop_url: None,
            state: ProductStatus::Draft,
            categories: Vec::new(),
            collections: Vec::new(),
            ..vase.clone()
        };
        let refused = Self {
            errors: vec![
                FormError::at("title", "Fill this in."),
                FormError::at("variants.1.price", "Enter an amount like 49.80."),
                FormError::at("options.0.values", "Add at least one."),
                FormError::of_form("The page is not well."),
            ],
            wrong: [
                ("title", "Fill this in."),
                ("variants.1.price", "Enter an amount like 49.80."),
                ("options.0.values", "Add at least one."),
            ]
            .map(|(field, text)| (field.to_owned(), text.to_owned()))
            .into(),
            going: vec!["Spruce / 16 cm (TARN-1)".to_owned()],
            staged: 2,
            is_unsaved: true,
            ..vase.clone()
        };
        let conflict = Self {
            conflict: vec![Difference {
                label: "Name".to_owned(),
                field: Some("title".to_owned()),
                theirs: "Tarn vase".to_owned(),
                typed: "Tarn <vase>".to_owned(),
            }],
            is_unsaved: true,
            ..vase.clone()
        };
        let uploaded = Self {
            uploaded: Some(Uploaded {
                kept: 2,
                refused: vec!["notes.txt: this is not a picture.".to_owned()],
            }),
            is_unsaved: true,
            ..vase.clone()
        };
        let huge = Self {
            too_many: Some(1_400),
            ..simple.clone()
        };
        let reader = Self {
            can_edit: false,
            can_adjust: false,
            ..vase.clone()
        };
        vec![
            ("vase", vase),
            ("simple", simple),
            ("refused", refused),
            ("conflict", conflict),
            ("uploaded", uploaded),
            ("too_many_variants", huge),
            ("reader", reader),
        ]
    }
}

fn row(title: &str) -> VariantForm {
    VariantForm {
        id: format!("var_{title}"),
        key: title.to_owned(),
        title: title.to_owned(),
        sku: format!("TARN-{title}"),
        price: "44.00".to_owned(),
        compare_at: String::new(),
        weight: "900".to_owned(),
        barcode: String::new(),
        counted: true,
        opening: String::new(),
        gone: false,
        left: Some(4),
    }
}

#[expect(clippy::too_many_lines, reason = "a sample is one long list of values")]
fn vase() -> EditPage {
    let value = |name: &str| ValueForm {
        key: name.to_owned(),
        name: name.to_owned(),
    };
    let form = ProductForm {
        version: 3,
        title: "Tarn vase".to_owned(),
        slug: "tarn-vase".to_owned(),
        summary: "Thrown by hand.".to_owned(),
        description: "Holds \"water\".".to_owned(),
        facts: "Stoneware\nDishwasher safe".to_owned(),
        tax_class: "standard".to_owned(),
        status: "active".to_owned(),
        options: vec![OptionForm {
            id: "opt_1".to_owned(),
            name: "Glaze".to_owned(),
            values: vec![value("Spruce"), value("Ash")],
            ..OptionForm::default()
        }],
        has_matrix: true,
        variants: vec![
            row("Spruce"),
            VariantForm {
                id: String::new(),
                left: None,
                ..row("Ash")
            },
        ],
        pictures: vec![PictureForm {
            id: "med_1".to_owned(),
            alt: "A vase".to_owned(),
            place: "1".to_owned(),
            gone: false,
            shown: "abc/320".to_owned(),
        }],
        categories: std::iter::once("cat_1".to_owned()).collect(),
        collections: std::collections::BTreeSet::new(),
    };
    let choice = |value: &str| Choice {
        value: value.to_owned(),
        label: value.to_owned(),
        chosen: true,
    };
    let place = |id: &str, depth| Place {
        id: id.to_owned(),
        title: "Vases".to_owned(),
        depth,
        chosen: depth == 0,
    };
    EditPage {
        url: "/admin/products/prod_1".to_owned(),
        name: "Tarn vase".to_owned(),
        state: ProductStatus::Active,
        shop_url: Some("https://wrenfold.example/products/tarn-vase".to_owned()),
        changed_at: Timestamp::from_millis(1_763_900_000_000),
        form,
        currency: "EUR".to_owned(),
        sources: [("med_1".to_owned(), "/media/abc/320.webp".to_owned())].into(),
        states: vec![choice("active")],
        tax_classes: vec![choice("standard")],
        categories: vec![place("cat_1", 0), place("cat_2", 1)],
        collections: vec![place("col_1", 0)],
        left: Vec::new(),
        errors: Vec::new(),
        wrong: std::collections::BTreeMap::new(),
        conflict: Vec::new(),
        going: Vec::new(),
        staged: 0,
        uploaded: None,
        too_many: None,
        can_edit: true,
        can_adjust: true,
        is_unsaved: false,
    }
}

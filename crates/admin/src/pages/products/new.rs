//! `GET /admin/products/new`: a product begins with its name and its price; the rest is done on its own page.

use axum::extract::State;
use axum::response::Response;
use commerce::catalog::SaveProductError;
use commerce::catalog::workbench::start_product;
use commerce::staff::EditProducts;
use serde::{Deserialize, Serialize};
use templates::Page;
use web::{Form, Problem};

use super::{product_url, sentence};
use crate::admin::Admin;
use crate::desk::Desk;
use crate::frame::Section;
use crate::told::Told;
use crate::views::FormError;

/// `pages/product_new.html`.
#[derive(Debug, Clone, Serialize)]
pub struct NewPage {
    /// The name, as typed.
    pub title: String,
    /// The price, as typed.
    pub price: String,
    /// What is wrong with them.
    pub errors: Vec<FormError>,
}

/// What is typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Typed {
    title: String,
    price: String,
}

/// Shows the form.
pub(crate) async fn show(
    State(admin): State<Admin>,
    desk: Desk<EditProducts>,
) -> Result<Response, Problem> {
    draw(&admin, &desk, Typed::default(), Vec::new()).await
}

/// Makes the draft and goes to its page.
pub(crate) async fn start(
    State(admin): State<Admin>,
    desk: Desk<EditProducts>,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    let (base, ()) = admin.read(&desk.staff, |_tx, _base| Ok(())).await?;
    let price = base.settings.selling.currency.from_decimal(&typed.price);
    let mut errors = Vec::new();
    if let Err(error) = kernel::text::one_line(&typed.title, commerce::catalog::limits::TITLE) {
        errors.push(FormError::at("title", sentence(&error)));
    }
    let price = match price {
        Ok(price) if errors.is_empty() => price,
        Ok(_) => return draw(&admin, &desk, typed, errors).await,
        Err(error) => {
            errors.push(FormError::at("price", sentence(&error)));
            return draw(&admin, &desk, typed, errors).await;
        }
    };
    let (shop, title, by) = (admin.shop().clone(), typed.title.clone(), desk.by.clone());
    let saved = web::run(async move { start_product(&shop, by, (title, price)).await }).await?;
    match saved {
        Ok(saved) => {
            let told = Told::new("products.told.started");
            desk.staff.done(&product_url(&saved.id), &told)
        }
        Err(SaveProductError::Internal(error)) => Err(error.into()),
        Err(error) => {
            let errors = vec![FormError::at("title", sentence(&error))];
            draw(&admin, &desk, typed, errors).await
        }
    }
}

async fn draw(
    admin: &Admin,
    desk: &Desk<EditProducts>,
    typed: Typed,
    errors: Vec<FormError>,
) -> Result<Response, Problem> {
    let (base, ()) = admin.read(&desk.staff, |_tx, _base| Ok(())).await?;
    let status = FormError::status(&errors);
    let page = NewPage {
        title: typed.title,
        price: typed.price,
        errors,
    };
    admin
        .sheet(&desk.staff, &base)
        .section(Section::Products)
        .status(status)
        .draw(&page)
}

impl Page for NewPage {
    const TEMPLATE: &'static str = "pages/product_new.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let empty = Self {
            title: String::new(),
            price: String::new(),
            errors: Vec::new(),
        };
        let refused = Self {
            price: "twelve".to_owned(),
            errors: vec![
                FormError::at("title", "Fill this in."),
                FormError::at("price", "Enter an amount like 49.80."),
            ],
            ..empty.clone()
        };
        vec![("empty", empty), ("refused", refused)]
    }
}

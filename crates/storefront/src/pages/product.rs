//! `GET /products/{slug}?{option}={value}…`: a product, always with one chosen variant.

mod choice;
mod context;
mod view;

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use commerce::Internal;
use commerce::carts;
use commerce::catalog::{self, Category, Scope, Shown};
use db::Tx;
use http::StatusCode;
use kernel::{Code, Secret, Slug};
use web::{ErrorPage, Html, Problem, Query};

use super::listing::parse;
use crate::cache::Address;
use crate::errors::places;
use crate::frame::{Base, category_url, product_url};
use crate::storefront::{Storefront, Visit};
use crate::views::{FormError, Link};

pub(crate) use choice::Chosen;
pub use context::{
    DeliveryMethodView, OptionValueView, OptionView, ProductPage, ProductView, Related, Stock,
    VariantView,
};

/// Cards below the product.
const RELATED: usize = 4;

/// What stands at a product's address, and what stands below it.
pub(crate) struct Found {
    pub(crate) shown: Shown,
    pub(crate) related: Vec<catalog::Card>,
    /// How many pieces of each variant are in the visitor's bag.
    pub(crate) in_bag: Vec<(kernel::VariantId, u32)>,
}

/// Why a product's page is shown again after something was not put into the bag.
pub(crate) struct Refused {
    /// What to do.
    pub(crate) error: FormError,
    /// What the number field holds.
    pub(crate) quantity: u32,
}

/// Shows a product.
pub(crate) async fn show(
    State(storefront): State<Storefront>,
    visit: Visit,
    Path(slug): Path<String>,
    Query(options): Query<BTreeMap<String, String>>,
) -> Result<Response, Problem> {
    let slug = parse(&slug)?;
    // What cannot name an option cannot choose anything.
    let choices = options
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| Slug::parse(name).is_ok());
    let address = Address::of(&visit.asked.uri, choices);
    let drawing = async {
        let (base, found) = read(&storefront, &visit, slug, None).await?;
        draw(&storefront, &visit, (&base, &found), (&options, None))
    };
    storefront.kept(&visit, address, drawing).await
}

/// Reads a product's page: ten statements beside the frame's at most. With the visitor's bag where that matters.
pub(crate) async fn read(
    storefront: &Storefront,
    visit: &Visit,
    slug: Slug,
    bag_of: Option<Secret>,
) -> Result<(Base, Found), Problem> {
    let read = move |tx: &mut Tx<'_>, base: &Base| -> Result<_, Internal> {
        let Some(shown) = catalog::page::product_page(tx, base.now, &slug)? else {
            return Ok(None);
        };
        let cart = match &bag_of {
            Some(visitor) => carts::find_by_visitor(tx, base.now, visitor)?,
            None => None,
        };
        let open = cart.filter(|cart| cart.completed_at.is_none());
        let lines = open.map(|cart| cart.lines).unwrap_or_default();
        Ok(Some(Found {
            related: related(tx, base, &shown)?,
            in_bag: lines
                .into_iter()
                .map(|line| (line.variant_id, line.quantity.get()))
                .collect(),
            shown,
        }))
    };
    let (base, found) = storefront.read(visit, read).await?;
    Ok((base, found.ok_or_else(|| Problem::new(Code::NotFound))?))
}

/// What stands beside the product in its category.
fn related(tx: &mut Tx<'_>, base: &Base, shown: &Shown) -> Result<Vec<catalog::Card>, Internal> {
    let Shown::Product(page) = shown else {
        return Ok(Vec::new());
    };
    let Some(category) = page.path.last() else {
        return Ok(Vec::new());
    };
    let most = u32::try_from(RELATED).unwrap_or(4) + 1;
    let scope = Scope::Category(category.id.clone());
    let cards = catalog::listing::first_cards(tx, base.now, scope, most)?;
    Ok(cards
        .into_iter()
        .filter(|card| card.id != page.product.id)
        .take(RELATED)
        .collect())
}

/// Draws a product's page, or says that it is gone and where to look instead.
pub(crate) fn draw(
    storefront: &Storefront,
    visit: &Visit,
    (base, found): (&Base, &Found),
    (options, refused): (&BTreeMap<String, String>, Option<Refused>),
) -> Result<Response, Problem> {
    let page = match &found.shown {
        Shown::Product(page) => page,
        Shown::Gone { path, .. } => return gone(storefront, visit, base, path),
    };
    let chosen = Chosen::of(page, options).ok_or_else(|| Problem::new(Code::Internal))?;
    let status = if refused.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let view = view::page(
        (page, &chosen),
        base,
        (&storefront.words()?, &storefront.shop().origin),
        &found.related,
    );
    let sheet = storefront
        .sheet(visit, base)
        .canonical(&product_url(&page.product.slug))
        .showing(&found.related)
        .status(status);
    match refused {
        None => sheet.draw(&view),
        Some(Refused { error, quantity }) => sheet.private().draw(&ProductPage {
            quantity,
            errors: vec![error],
            ..view
        }),
    }
}

/// 410, with the nearest category that still has something in it.
fn gone(
    storefront: &Storefront,
    visit: &Visit,
    base: &Base,
    path: &[Category],
) -> Result<Response, Problem> {
    let mut page = ErrorPage::of(&Problem::new(Code::Gone), &visit.asked);
    let near = path.iter().rev().map(|category| Link {
        name: category.title.clone(),
        url: category_url(&category.slug),
    });
    let mut links: Vec<Link> = near.collect();
    for place in base.places(RELATED) {
        if !links.contains(&place) {
            links.push(place);
        }
    }
    links.truncate(RELATED);
    page.error.links = places(links);
    let html = storefront
        .sheet(visit, base)
        .status(StatusCode::GONE)
        .noindex(true)
        .html(&page)?;
    Ok((StatusCode::GONE, Html(html)).into_response())
}

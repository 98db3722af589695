//! Changes of the bag.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use commerce::carts::{self, AddToCart, CartError};
use http::StatusCode;
use kernel::{CartLineId, Code, Quantity, Slug, VariantId};
use serde::Deserialize;
use web::{Fields, Form, Problem};

use super::{Refused, Told, draw};
use crate::pages::product::{self, Chosen};
use crate::say::Say;
use crate::storefront::{Storefront, Visit};
use crate::views::FormError;

/// What a field of an option is called in the form, before the option's slug.
const OPTION: &str = "option.";

/// What is put into the bag, as typed.
struct Wanted {
    product: Option<Slug>,
    variant: Option<String>,
    options: BTreeMap<String, String>,
    quantity: String,
}

impl Wanted {
    /// Reads the form. A field it does not know (a price, say) is refused: whoever sends it expects something of it.
    fn read(fields: &Fields) -> Result<Self, Problem> {
        let known = ["product", "variant", "quantity"];
        let stranger = fields
            .iter()
            .find(|(name, _)| !known.contains(name) && !name.starts_with(OPTION));
        if let Some((name, _)) = stranger {
            return Err(Problem::with_detail(
                Code::BadRequest,
                format!("this form has no field {name:?}"),
            ));
        }
        let product = fields.get("product").map(Slug::parse).transpose();
        let options = fields.with_prefix(OPTION);
        Ok(Self {
            product: product.map_err(|_not_a_slug| Problem::new(Code::NotFound))?,
            variant: fields.get("variant").map(str::to_owned),
            options: options
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            quantity: fields.get("quantity").unwrap_or("1").to_owned(),
        })
    }
}

/// Whether the shop understands this form.
#[cfg(feature = "testing")]
pub(crate) fn is_understood(fields: &Fields) -> bool {
    Wanted::read(fields).is_ok()
}

/// Why nothing was put into the bag.
enum Refusal {
    /// The quantity is none.
    BadQuantity,
    /// The options mean no variant.
    BadVariant,
    /// The operation says so.
    Cart(CartError),
}

/// Puts something into the bag. The visitor's cookie is made here, with the first thing.
pub(crate) async fn add(
    State(storefront): State<Storefront>,
    visit: Visit,
    fields: Fields,
) -> Result<Response, Problem> {
    let wanted = Wanted::read(&fields)?;
    let refusal = match try_to_add(&storefront, &visit, &wanted).await? {
        Ok(added) => return Ok(added),
        Err(refusal) => refusal,
    };
    match &wanted.product {
        Some(slug) => {
            refuse_on_product(&storefront, &visit, (slug.clone(), &wanted), refusal).await
        }
        None => refuse_on_cart(&storefront, &visit, refusal).await,
    }
}

async fn try_to_add(
    storefront: &Storefront,
    visit: &Visit,
    wanted: &Wanted,
) -> Result<Result<Response, Refusal>, Problem> {
    let Ok(quantity) = wanted.quantity.parse::<Quantity>() else {
        return Ok(Err(Refusal::BadQuantity));
    };
    let variant_id = match (&wanted.variant, &wanted.product) {
        (Some(variant), _) => variant.parse::<VariantId>().ok(),
        (None, Some(slug)) => variant_of(storefront, visit, slug.clone(), &wanted.options).await?,
        (None, None) => None,
    };
    let Some(variant_id) = variant_id else {
        return Ok(Err(Refusal::BadVariant));
    };
    let (shop, visitor) = (storefront.shop().clone(), visit.visitor.session().cloned());
    let command = AddToCart {
        variant_id,
        quantity,
    };
    match web::run(async move { carts::add_to_cart(&shop, visitor, command).await }).await? {
        Ok(added) => {
            let visitor = visit.visitor.clone().with_session(added.visitor);
            Ok(Ok((
                visitor,
                web::see_other(&format!("/cart?added={}", added.line_id))?,
            )
                .into_response()))
        }
        Err(CartError::Internal(error)) => Err(error.into()),
        Err(error) => Ok(Err(Refusal::Cart(error))),
    }
}

/// The variant exactly these options mean.
async fn variant_of(
    storefront: &Storefront,
    visit: &Visit,
    slug: Slug,
    options: &BTreeMap<String, String>,
) -> Result<Option<VariantId>, Problem> {
    let (_, found) = product::read(storefront, visit, slug, None).await?;
    Ok(match &found.shown {
        commerce::catalog::Shown::Product(page) => {
            Chosen::exactly(page, options).map(|chosen| chosen.on_sale().variant.id.clone())
        }
        commerce::catalog::Shown::Gone { .. } => None,
    })
}

/// The product's page again, with what was wanted, what can be had, and why.
async fn refuse_on_product(
    storefront: &Storefront,
    visit: &Visit,
    (slug, wanted): (Slug, &Wanted),
    refusal: Refusal,
) -> Result<Response, Problem> {
    let visitor = visit.visitor.session().cloned();
    let (base, found) = product::read(storefront, visit, slug, visitor).await?;
    let held = match &found.shown {
        commerce::catalog::Shown::Product(page) => {
            let variant =
                Chosen::of(page, &wanted.options).map(|chosen| chosen.on_sale().variant.id.clone());
            found
                .in_bag
                .iter()
                .find(|(id, _)| Some(id) == variant.as_ref())
                .map_or(0, |(_, held)| i64::from(*held))
        }
        commerce::catalog::Shown::Gone { .. } => 0,
    };
    let typed = wanted.quantity.parse::<Quantity>().map_or(1, Quantity::get);
    let (error, quantity) = told(&refusal, (held, typed), &storefront.words()?);
    let refused = product::Refused { error, quantity };
    product::draw(
        storefront,
        visit,
        (&base, &found),
        (&wanted.options, Some(refused)),
    )
}

/// The bag again, with why nothing was put into it: after an undo.
async fn refuse_on_cart(
    storefront: &Storefront,
    visit: &Visit,
    refusal: Refusal,
) -> Result<Response, Problem> {
    let say = storefront.words()?;
    let (error, _) = told(&refusal, (0, 1), &say);
    let refused = Refused {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        error: FormError {
            field: None,
            ..error
        },
    };
    draw(storefront, visit, Told::default(), Some(refused)).await
}

/// What to say about a refusal, and the quantity that would be accepted. `held` are in the bag already.
fn told(refusal: &Refusal, (held, typed): (i64, u32), say: &Say) -> (FormError, u32) {
    let at_quantity = |message| FormError {
        field: Some("quantity".to_owned()),
        message,
    };
    let nowhere = |message| FormError {
        field: None,
        message,
    };
    match refusal {
        Refusal::BadQuantity => {
            let max = say.number(i64::from(Quantity::MAX));
            (
                at_quantity(say.with("say.invalid.quantity", &[("max", max)])),
                1,
            )
        }
        Refusal::BadVariant => (nowhere(say.text("say.invalid.variant")), typed),
        Refusal::Cart(CartError::OutOfStock { left }) => {
            let more = left.saturating_sub(held);
            let quantity = u32::try_from(more.max(1)).unwrap_or(1);
            let message = match (*left, more) {
                (..=0, _) => say.text("say.sold_out"),
                (_, ..=0) => say.text("say.all_in_bag"),
                (left, _) if held == 0 => say.count("say.out_of_stock", left),
                (_, more) => say.count("say.more_than_left", more),
            };
            (at_quantity(message), quantity)
        }
        Refusal::Cart(CartError::Full) => (nowhere(say.text("say.cart_full")), typed),
        Refusal::Cart(CartError::CheckoutInProgress) => {
            (nowhere(say.text("checkout.in_progress")), typed)
        }
        Refusal::Cart(CartError::NotForSale | CartError::NoSuchLine | CartError::Internal(_)) => {
            (nowhere(say.text("say.not_for_sale")), typed)
        }
    }
}

/// A line's form: a quantity, or the button that takes it out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LineForm {
    quantity: Option<String>,
    remove: Option<String>,
}

/// Changes or removes a line.
pub(crate) async fn change(
    State(storefront): State<Storefront>,
    visit: Visit,
    Path(id): Path<String>,
    Form(form): Form<LineForm>,
) -> Result<Response, Problem> {
    let line: CartLineId = id
        .parse()
        .map_err(|_not_an_id| Problem::new(Code::NotFound))?;
    let typed = form.quantity.as_deref().unwrap_or_default().trim();
    let outcome = if form.remove.is_some() || typed == "0" {
        remove(&storefront, &visit, line.clone()).await?
    } else {
        match typed.parse::<Quantity>() {
            Ok(quantity) => set(&storefront, &visit, line.clone(), quantity).await?,
            Err(_) => return refuse_quantity(&storefront, &visit, &line).await,
        }
    };
    match outcome {
        Ok(to) => web::see_other(&to),
        // It is gone, or nothing of it is left: the bag as it is tells that.
        Err(CartError::NoSuchLine | CartError::OutOfStock { .. } | CartError::NotForSale) => {
            web::see_other("/cart")
        }
        Err(CartError::CheckoutInProgress) => {
            let message = storefront.words()?.text("checkout.in_progress");
            let refused = Refused {
                status: StatusCode::CONFLICT,
                error: FormError {
                    field: None,
                    message,
                },
            };
            draw(&storefront, &visit, Told::default(), Some(refused)).await
        }
        Err(error @ (CartError::Full | CartError::Internal(_))) => Err(error.into()),
    }
}

async fn remove(
    storefront: &Storefront,
    visit: &Visit,
    line: CartLineId,
) -> Result<Result<String, CartError>, Problem> {
    let Some(shopper) = visit.shopper() else {
        return Ok(Err(CartError::NoSuchLine));
    };
    let shop = storefront.shop().clone();
    let removed = web::run(async move { carts::remove_line(&shop, &shopper, line).await }).await?;
    Ok(removed.map(|removed| {
        format!(
            "/cart?removed={}&quantity={}",
            removed.variant_id, removed.quantity
        )
    }))
}

async fn set(
    storefront: &Storefront,
    visit: &Visit,
    line: CartLineId,
    quantity: Quantity,
) -> Result<Result<String, CartError>, Problem> {
    let Some(shopper) = visit.shopper() else {
        return Ok(Err(CartError::NoSuchLine));
    };
    let (shop, id) = (storefront.shop().clone(), line.clone());
    let set =
        web::run(async move { carts::set_quantity(&shop, &shopper, id, quantity).await }).await?;
    Ok(set.map(|set| {
        if set.reduced {
            format!("/cart?reduced={line}")
        } else {
            "/cart".to_owned()
        }
    }))
}

async fn refuse_quantity(
    storefront: &Storefront,
    visit: &Visit,
    line: &CartLineId,
) -> Result<Response, Problem> {
    let say = storefront.words()?;
    let message = say.with(
        "say.invalid.quantity",
        &[("max", say.number(i64::from(Quantity::MAX)))],
    );
    let error = FormError {
        field: Some(format!("quantity-{line}")),
        message,
    };
    let refused = Refused {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        error,
    };
    draw(storefront, visit, Told::default(), Some(refused)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::say::english;

    fn told_of(left: i64, held: i64) -> (String, u32) {
        let refusal = Refusal::Cart(CartError::OutOfStock { left });
        let (error, quantity) = told(&refusal, (held, 9), &english());
        assert_eq!(error.field.as_deref(), Some("quantity"));
        (error.message, quantity)
    }

    #[test]
    fn over_stock_the_field_holds_what_can_still_be_had() {
        assert_eq!(
            told_of(3, 0),
            ("Only 3 left. We set the quantity to that".to_owned(), 3)
        );
        assert_eq!(told_of(0, 0), ("This one is sold out".to_owned(), 1));
        assert_eq!(
            told_of(3, 3),
            (
                "All that is left of this is in your bag already".to_owned(),
                1
            )
        );
        let (message, quantity) = told_of(3, 2);
        assert!(message.starts_with("Only 1 more can be had"), "{message}");
        assert_eq!(quantity, 1);
    }

    #[test]
    fn a_quantity_that_is_none_is_asked_for_again() {
        let (error, quantity) = told(&Refusal::BadQuantity, (0, 1), &english());
        assert_eq!(
            (error.message.as_str(), quantity),
            ("Enter a quantity from 1 to 9,999", 1)
        );
    }
}

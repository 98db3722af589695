//! What a shopper does with a cart.

use db::{DbError, Tx, params};
use kernel::address::AddressInput;
use kernel::{
    CartId, CartLineId, Code, Coded, Currency, DeliveryMethodId, Money, Quantity, Secret, VariantId,
};

use super::{Cart, MAX_LINES, store};
use crate::error::Internal;
use crate::internal_from;
use crate::inventory;
use crate::settings;
use crate::shop::{Act, Shop, Shopper};
use crate::staff::Actor;

/// Why a cart was not changed.
#[derive(Debug, thiserror::Error)]
pub enum CartError {
    /// Fewer are there than wanted.
    #[error("only {left} left")]
    OutOfStock {
        /// How many more or in all could be had.
        left: i64,
    },
    /// Not sold at the moment, or unknown.
    #[error("this is not sold at the moment")]
    NotForSale,
    /// The cart has all the lines it can have.
    #[error("a cart holds at most {MAX_LINES} different things")]
    Full,
    /// The line or the cart is not there any more.
    #[error("this is not in your bag any more")]
    NoSuchLine,
    /// A payment for this cart is under way.
    #[error("this bag is being paid at the moment")]
    CheckoutInProgress,
    /// Not the caller's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}
internal_from!(CartError: DbError);

impl Coded for CartError {
    fn code(&self) -> Code {
        match self {
            Self::OutOfStock { .. } => Code::OutOfStock,
            Self::NotForSale => Code::NotForSale,
            Self::Full => Code::TooMuch,
            Self::NoSuchLine => Code::NotFound,
            Self::CheckoutInProgress => Code::CheckoutInProgress,
            Self::Internal(error) => error.code(),
        }
    }
}

/// What the checkout form holds: as typed, faults included, so that nothing typed is lost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CheckoutForm {
    /// The e-mail address as typed.
    pub email: Option<String>,
    /// The delivery address as typed.
    pub address: Option<AddressInput>,
    /// The chosen way to deliver.
    pub delivery_method_id: Option<DeliveryMethodId>,
    /// The chosen way to pay, by its gateway's code.
    pub payment_method: Option<String>,
}

/// Puts so many of a variant into the cart.
#[derive(Debug, Clone)]
pub struct AddToCart {
    /// Which.
    pub variant_id: VariantId,
    /// How many.
    pub quantity: Quantity,
}

/// What became of it.
#[derive(Debug, Clone)]
pub struct Added {
    /// The visitor's secret from now on: a new one for a new visitor, or when the old cart has become an order.
    pub visitor: Secret,
    /// The line it stands on.
    pub line_id: CartLineId,
    /// How many the line holds now.
    pub quantity: Quantity,
}

/// Puts something into the visitor's cart, making one if there is none.
///
/// All of it or nothing: where the stock does not suffice, the cart stays as it was.
pub async fn add_to_cart(
    shop: &Shop,
    visitor: Option<Secret>,
    cmd: AddToCart,
) -> Result<Added, CartError> {
    let act = shop.act(Actor::Shopper);
    shop.db
        .write(move |tx| {
            let (price, room) = for_sale(tx, &act, &cmd.variant_id)?;
            let (visitor, cart_id, held) =
                cart_for(tx, &act, visitor.as_ref(), (&cmd.variant_id, price))?;
            let held = held.map_or(0, Quantity::get);
            let wanted = held.saturating_add(cmd.quantity.get());
            let left = room
                .unwrap_or(i64::from(Quantity::MAX))
                .min(i64::from(Quantity::MAX));
            if i64::from(wanted) > left {
                return Err(CartError::OutOfStock { left });
            }
            let quantity = Quantity::new(wanted).map_err(Internal::from)?;
            let line_id = store::put(tx, &act, &cart_id, &cmd.variant_id, (quantity, price))?;
            Ok(Added {
                visitor,
                line_id,
                quantity,
            })
        })
        .await
}

/// The cart a piece goes into, with how many of it are in there: the visitor's, or a new one for a new visitor.
fn cart_for(
    tx: &mut Tx<'_>,
    act: &Act,
    visitor: Option<&Secret>,
    (variant, price): (&VariantId, Money),
) -> Result<(Secret, CartId, Option<Quantity>), CartError> {
    if let Some(visitor) = visitor
        && let Some(cart) = store::lock_by_visitor(tx, act.now, visitor)?
        && cart.completed_at.is_none()
        // A cart of the currency the shop once sold in cannot hold this.
        && cart.currency == price.currency()
    {
        refuse_if_claimed(&cart, act)?;
        let mut lines = cart.lines.iter();
        let held = lines.find(|line| line.variant_id == *variant);
        if held.is_none() && cart.lines.len() >= MAX_LINES {
            return Err(CartError::Full);
        }
        let held = held.map(|line| line.quantity);
        return Ok((visitor.clone(), cart.id, held));
    }
    let visitor = act.ids.secret();
    let cart = store::insert(tx, act, &visitor, price.currency())?;
    Ok((visitor, cart, None))
}

/// The price and the stock of a variant that can be bought.
fn for_sale(
    tx: &mut Tx<'_>,
    act: &Act,
    variant: &VariantId,
) -> Result<(Money, Option<i64>), CartError> {
    let row: Option<(String, Currency, i64)> = tx.query_opt(
        "SELECT p.status, v.currency, v.price_minor FROM variants v JOIN products p ON p.id = v.product_id WHERE v.id = $1",
        params![variant],
    )?;
    let Some((status, currency, price)) = row else {
        return Err(CartError::NotForSale);
    };
    // A price in a currency the shop no longer sells in is no price.
    if status != "active" || currency != settings::load(tx)?.selling.currency {
        return Err(CartError::NotForSale);
    }
    let available = inventory::available(tx, act.now, std::slice::from_ref(variant))?;
    Ok((
        currency.minor(price),
        available.get(variant).copied().flatten(),
    ))
}

fn refuse_if_claimed(cart: &Cart, act: &Act) -> Result<(), CartError> {
    if cart.is_claimed(act.now) {
        Err(CartError::CheckoutInProgress)
    } else {
        Ok(())
    }
}

fn open_cart(tx: &mut Tx<'_>, act: &Act, shopper: &Shopper) -> Result<Cart, CartError> {
    let cart = store::lock_by_visitor(tx, act.now, &shopper.visitor)?
        .filter(|cart| cart.completed_at.is_none());
    let cart = cart.ok_or(CartError::NoSuchLine)?;
    refuse_if_claimed(&cart, act)?;
    Ok(cart)
}

/// What a line holds after its quantity was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuantitySet {
    /// How many it holds.
    pub quantity: Quantity,
    /// Whether fewer were there than wanted.
    pub reduced: bool,
}

/// Sets how many of a line are wanted. More than there are becomes what there is.
pub async fn set_quantity(
    shop: &Shop,
    shopper: &Shopper,
    line: CartLineId,
    wanted: Quantity,
) -> Result<QuantitySet, CartError> {
    let act = shop.act(Actor::Shopper);
    let shopper = shopper.clone();
    shop.db
        .write(move |tx| {
            let cart = open_cart(tx, &act, &shopper)?;
            let held = cart
                .lines
                .iter()
                .find(|held| held.id == line)
                .ok_or(CartError::NoSuchLine)?;
            let room = held.available.map_or(Quantity::MAX, |left| {
                u32::try_from(left.max(0)).unwrap_or(Quantity::MAX)
            });
            let quantity = Quantity::new(wanted.get().min(room))
                .map_err(|_error| CartError::OutOfStock { left: 0 })?;
            store::put(
                tx,
                &act,
                &cart.id,
                &held.variant_id,
                (quantity, held.unit_price),
            )?;
            Ok(QuantitySet {
                quantity,
                reduced: quantity < wanted,
            })
        })
        .await
}

/// What was taken out, for the way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Which variant.
    pub variant_id: VariantId,
    /// How many there were.
    pub quantity: Quantity,
}

/// Takes a line out of the cart.
pub async fn remove_line(
    shop: &Shop,
    shopper: &Shopper,
    line: CartLineId,
) -> Result<Removed, CartError> {
    let act = shop.act(Actor::Shopper);
    let shopper = shopper.clone();
    shop.db
        .write(move |tx| {
            let cart = open_cart(tx, &act, &shopper)?;
            let held = cart
                .lines
                .iter()
                .find(|held| held.id == line)
                .ok_or(CartError::NoSuchLine)?;
            if !store::delete_line(tx, act.now, &cart.id, &line)? {
                return Err(CartError::NoSuchLine);
            }
            Ok(Removed {
                variant_id: held.variant_id.clone(),
                quantity: held.quantity,
            })
        })
        .await
}

/// Keeps what was typed into the checkout form, faults included, and takes today's prices as seen.
pub async fn save_checkout_form(
    shop: &Shop,
    shopper: &Shopper,
    form: CheckoutForm,
) -> Result<(), CartError> {
    let act = shop.act(Actor::Shopper);
    let shopper = shopper.clone();
    shop.db
        .write(move |tx| {
            let cart = open_cart(tx, &act, &shopper)?;
            store::save_form(tx, act.now, &cart.id, &form)?;
            store::remember_prices(tx, &cart.id)?;
            Ok(())
        })
        .await
}

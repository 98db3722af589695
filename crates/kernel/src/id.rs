//! Typed ids: `ord_01k…`, sortable by time, never mixed up. One registry for the whole shop.

use std::fmt;
use std::sync::LazyLock;

use data_encoding::{Encoding, Specification};

use crate::text::TextError;

/// Crockford's base 32 in lower case: no letter that reads as a digit.
static CROCKFORD: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification
        .symbols
        .push_str("0123456789abcdefghjkmnpqrstvwxyz");
    specification
        .encoding()
        .expect("32 distinct symbols make an encoding")
});

/// Characters in the part after the prefix: 128 bits, five to a character.
const BODY_LENGTH: usize = 26;

/// Where new ids and secrets come from.
pub trait Ids: Send + Sync + fmt::Debug {
    /// 128 bits, later ones sorting after earlier ones (UUID version 7, RFC 9562).
    fn next(&self) -> [u8; 16];
    /// 128 bits nobody can guess.
    fn secret(&self) -> Secret;
}

/// The real source: time and the operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn next(&self) -> [u8; 16] {
        uuid::Uuid::now_v7().into_bytes()
    }

    fn secret(&self) -> Secret {
        let mut bytes = [0_u8; 16];
        getrandom::fill(&mut bytes)
            .expect("the operating system gives random bytes, or nothing here is safe");
        Secret(CROCKFORD.encode(&bytes))
    }
}

/// An unguessable word for a link or a cookie. Its `Debug` keeps it out of logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Reads what [`Ids::secret`] once made; anything of another shape is refused before it reaches a query.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        if text.len() == BODY_LENGTH && CROCKFORD.decode(text.as_bytes()).is_ok() {
            Ok(Self(text.to_owned()))
        } else {
            Err(TextError::NotAnId)
        }
    }

    /// The word itself, for the cookie or link it was made for.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

fn parse_body(prefix: &str, text: &str) -> Result<(), TextError> {
    let body = text
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .ok_or(TextError::NotAnId)?;
    if body.len() == BODY_LENGTH && CROCKFORD.decode(body.as_bytes()).is_ok() {
        Ok(())
    } else {
        Err(TextError::NotAnId)
    }
}

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident = $prefix:literal;)+) => {
        $(
            $(#[$meta])*
            #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name(String);

            impl $name {
                /// What every id of this kind begins with.
                pub const PREFIX: &'static str = $prefix;

                /// A new id.
                pub fn new(ids: &dyn Ids) -> Self {
                    Self(format!("{}_{}", $prefix, CROCKFORD.encode(&ids.next())))
                }

                /// The id as text.
                pub fn as_str(&self) -> &str {
                    &self.0
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
            }
            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
            }
            impl std::str::FromStr for $name {
                type Err = TextError;
                fn from_str(text: &str) -> Result<Self, TextError> {
                    parse_body($prefix, text).map(|()| Self(text.to_owned()))
                }
            }
            impl serde::Serialize for $name {
                fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.serialize_str(&self.0) }
            }
            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                    let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
                    text.parse().map_err(serde::de::Error::custom)
                }
            }
            crate::stored_as_text!($name);
        )+

        /// Every prefix in use; a test keeps them apart.
        pub const PREFIXES: &[&str] = &[$($prefix),+];
    };
}

ids! {
    /// A product, which groups variants.
    ProductId = "prod";
    /// An option of a product, such as its glaze.
    OptionId = "opt";
    /// A value of an option, such as Spruce.
    OptionValueId = "val";
    /// A variant: what has a price and stock, and is bought.
    VariantId = "var";
    /// A category of the tree.
    CategoryId = "cat";
    /// A collection put together by hand.
    CollectionId = "coll";
    /// A picture, known by what is in it.
    MediaId = "med";
    /// A place that holds stock.
    LocationId = "loc";
    /// A line of the stock ledger.
    StockMovementId = "mov";
    /// Stock held for a checkout, until it expires.
    ReservationId = "resv";
    /// A cart.
    CartId = "cart";
    /// A line of a cart.
    CartLineId = "cli";
    /// A zone that deliveries are priced by.
    DeliveryZoneId = "zone";
    /// A way to deliver.
    DeliveryMethodId = "dlv";
    /// A tax rate of a country.
    TaxRateId = "tax";
    /// An order, from the moment checkout drafts it.
    OrderId = "ord";
    /// A line of an order.
    OrderLineId = "oli";
    /// An entry in an order's timeline.
    TimelineId = "tl";
    /// A payment: one conversation with one gateway about one order.
    PaymentId = "pay";
    /// A fact in a payment's ledger.
    PaymentEventId = "pev";
    /// Money given back.
    RefundId = "rfd";
    /// One batch of an order, by one method from one location.
    FulfillmentId = "ful";
    /// A mail in the outbox.
    MailId = "mail";
    /// Somebody who works in the shop.
    StaffId = "stf";
    /// One browser a member of staff is signed in with.
    StaffSessionId = "sses";
    /// One thing done: what its rows and its line in the audit trail share.
    ActId = "act";
    /// Somebody who bought, known by their e-mail address.
    CustomerId = "cus";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_read_back() {
        let first = OrderId::new(&RandomIds);
        let second = OrderId::new(&RandomIds);
        assert!(first < second);
        assert_eq!(first.as_str().parse::<OrderId>().unwrap(), first);
        assert_eq!(first.as_str().parse::<CartId>(), Err(TextError::NotAnId));
        assert_eq!(
            "ord_'; DROP TABLE orders".parse::<OrderId>(),
            Err(TextError::NotAnId)
        );
    }

    #[test]
    fn every_kind_of_id_has_a_prefix_of_its_own() {
        let mut prefixes = PREFIXES.to_vec();
        prefixes.sort_unstable();
        prefixes.dedup();
        assert_eq!(prefixes.len(), PREFIXES.len());
    }

    #[test]
    fn a_secret_does_not_show_in_a_log() {
        let secret = RandomIds.secret();
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(Secret::parse(secret.expose()).unwrap(), secret);
    }
}

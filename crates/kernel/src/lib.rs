//! Money, ids, time and the other small types every area of the shop speaks.
//!
//! Nothing here does I/O or waits. A type that can be built wrongly has a private field and a constructor that says what
//! is wrong, so that a function taking a [`Sku`] or a [`Quantity`] never checks it again.

// Tests may calculate as they like: an overflow there is a failed test.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

pub use serde; // for the macros below, so that users of `words!` need no direct dependency

pub mod address;
pub mod code;
pub mod country;
pub mod id;
pub mod money;
pub mod page;
pub mod stored;
pub mod text;
pub mod time;

pub use address::Address;
pub use code::{Code, Coded};
pub use country::Country;
pub use id::{ActId, CustomerId, StaffId, StaffSessionId};
pub use id::{
    CartId, CartLineId, CategoryId, CollectionId, DeliveryMethodId, DeliveryZoneId, FulfillmentId,
    LocationId, MailId, MediaId, OptionId, OptionValueId, OrderId, OrderLineId, PaymentEventId,
    PaymentId, ProductId, RefundId, ReservationId, StockMovementId, TaxRateId, TimelineId,
    VariantId,
};
pub use id::{Ids, RandomIds, Secret};
pub use money::{Currency, Money, MoneyError, Rate, Rounding};
pub use page::{LongPage, Page, PageRequest, Total};
pub use text::{Email, Quantity, Sku, Slug, TextError};
pub use time::{Clock, SystemClock, Timestamp};

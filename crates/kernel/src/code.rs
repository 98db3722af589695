//! The one table of errors a client can see: name, HTTP status and place in the documentation.

use std::fmt;

use serde::Serialize;

macro_rules! codes {
    ($($(#[$meta:meta])* $variant:ident = $name:literal, $status:literal;)+) => {
        /// What went wrong, in one word that programs can rely on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$meta])* $variant),+ }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code's stable name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The HTTP status it is answered with.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status),+ }
            }
        }
    };
}

codes! {
    /// The request cannot be understood.
    BadRequest = "bad_request", 400;
    /// Some fields need correcting; nothing was changed.
    Invalid = "invalid", 422;
    /// The form was not sent by the shop's own page, or the page is too old.
    CsrfFailed = "csrf_failed", 403;
    /// This is not for the one who asks.
    Forbidden = "forbidden", 403;
    /// Nobody is signed in, or no longer.
    SignInNeeded = "sign_in_needed", 401;
    /// There is nothing here.
    NotFound = "not_found", 404;
    /// There was something here, and it was taken away for good.
    Gone = "gone", 410;
    /// The page exists, but not for this method.
    MethodNotAllowed = "method_not_allowed", 405;
    /// The body is larger than this address accepts.
    TooLarge = "too_large", 413;
    /// The body is of a kind this address does not read.
    UnsupportedMedia = "unsupported_media_type", 415;
    /// Too many requests; wait and try again.
    TooManyRequests = "too_many_requests", 429;
    /// The body took too long to arrive.
    Timeout = "request_timeout", 408;
    /// The cart is empty.
    EmptyCart = "empty_cart", 422;
    /// There is less in stock than wanted.
    OutOfStock = "out_of_stock", 409;
    /// The product is not sold at the moment.
    NotForSale = "not_for_sale", 409;
    /// The total is no longer the one the shopper saw.
    TotalChanged = "total_changed", 409;
    /// The cart is being checked out by another request this moment.
    CheckoutInProgress = "checkout_in_progress", 409;
    /// No way to deliver to this address.
    NoDelivery = "no_delivery", 422;
    /// The payment was declined; nothing was charged.
    PaymentDeclined = "payment_declined", 402;
    /// The payment service does not answer; nothing is lost.
    GatewayUnavailable = "gateway_unavailable", 503;
    /// The same change was made meanwhile by someone else.
    StaleState = "stale_state", 409;
    /// More than is left to refund, capture or ship.
    TooMuch = "too_much", 422;
    /// A name, number or address that must be unique is taken.
    Taken = "taken", 409;
    /// The picture cannot be used.
    BadPicture = "bad_picture", 422;
    /// Too busy at this moment.
    Busy = "busy", 503;
    /// Our fault. It is logged under the request's id.
    Internal = "internal", 500;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.name())
    }
}

/// An error that knows its [`Code`].
pub trait Coded: std::error::Error {
    /// The code of this error.
    fn code(&self) -> Code;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_statuses_are_errors() {
        let mut names: Vec<_> = Code::ALL.iter().map(|c| c.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|c| (400..600).contains(&c.status())));
    }
}

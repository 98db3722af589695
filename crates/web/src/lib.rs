//! What every web face of the shop shares: the accept loop and its limits, sessions, CSRF, errors, headers, metrics.
//!
//! A face is an [`axum::Router`] of pages. [`Site::router`] puts it behind everything here, and [`serve`] listens.
//! A handler needs little of it: [`Visitor`] and [`Form`] to read, [`run`] to act, [`Html`] and [`see_other`] to answer,
//! [`Problem`] (by `?` from any error with a code) to refuse.
//!
//! Invariants:
//! - nothing a client sends makes a handler wait or hold memory without a limit (see [`Limits`]);
//! - no request of another site changes anything (see the module `csrf`);
//! - an operation that has begun is finished, whoever hangs up (see [`run`]);
//! - no answer tells about our insides; every answer carries the id under which the log does.
//!
//! Not here: pages, rules of the shop, TLS certificates.

mod admission;
mod asked;
pub mod assets;
mod body;
mod compress;
mod cookie;
mod csrf;
mod errors;
mod form;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod fuzzing;
mod headers;
mod health;
mod limits;
mod metrics;
mod origin;
mod peer;
mod pipeline;
mod problem;
mod ready;
mod respond;
mod run;
mod server;
mod site;
mod upload;
mod visitor;

pub use asked::{Asked, RequestId};
pub use errors::{BothHouses, ErrorPage, ErrorPages, Place, PlainErrors, Told};
pub use form::{Fields, Form, Query};
pub use headers::{FormsMayLeadTo, Private, Sandboxed};
pub use limits::Limits;
pub use origin::{NotAnOrigin, Origin};
pub use peer::{Network, NotANetwork, Peer, SocketPeer};
pub use problem::Problem;
pub use ready::ReadyPage;
pub use respond::{Html, etag, has_already, moved, see_other, tagged, unprocessable};
pub use run::{Panicked, operations_finished, run};
pub use server::{Stopped, serve};
pub use site::{Config, CsrfKey, Readiness, Site};
pub use upload::{Part, Upload};
pub use visitor::Visitor;

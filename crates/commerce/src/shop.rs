//! The shop as a value: its database, its clock and its ways into the world.

use std::fmt;
use std::sync::Arc;

use db::Db;
use kernel::{ActId, Clock, Ids, Secret, Timestamp};
use object_store::ObjectStore;

use crate::index::SearchIndex;
use crate::ports::gateway::Gateways;
use crate::ports::mail::Mailer;
use crate::staff::{Actor, Door};

/// Everything an operation can reach. Cheap to clone: closures and tasks own theirs.
#[derive(Clone)]
pub struct Shop {
    /// The database.
    pub db: Db,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where ids and secrets come from.
    pub ids: Arc<dyn Ids>,
    /// Where pictures are kept: a folder, or any S3-compatible store.
    pub media: Arc<dyn ObjectStore>,
    /// The search index of this node.
    pub search: SearchIndex,
    /// The payment gateways.
    pub gateways: Gateways,
    /// The way mail leaves.
    pub mailer: Arc<dyn Mailer>,
    /// How often passwords of staff may be tried.
    pub door: Door,
    /// The shop's public address without a slash at the end: `https://shop.example`.
    pub origin: Arc<str>,
}

impl Shop {
    /// What happens next happens now, by this actor.
    pub fn act(&self, actor: Actor) -> Act {
        Act {
            id: ActId::new(self.ids.as_ref()),
            now: self.clock.now(),
            actor,
            ids: Arc::clone(&self.ids),
        }
    }
}

impl fmt::Debug for Shop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shop")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

/// When something is done and by whom, with a source of ids: what every building block that writes needs to know.
#[derive(Debug, Clone)]
pub struct Act {
    /// What was done, as a whole: the rows it writes and its line in the audit trail share this id.
    pub id: ActId,
    /// The moment, the same for everything written in one transaction.
    pub now: Timestamp,
    /// Who does it.
    pub actor: Actor,
    /// For the ids of new rows.
    pub ids: Arc<dyn Ids>,
}

impl Act {
    /// The same moment, by another actor.
    #[must_use]
    pub fn by(&self, actor: Actor) -> Self {
        Self {
            actor,
            ..self.clone()
        }
    }
}

/// A shopper, known only by the secret in the cookie.
#[derive(Debug, Clone)]
pub struct Shopper {
    /// The cookie's secret.
    pub visitor: Secret,
}

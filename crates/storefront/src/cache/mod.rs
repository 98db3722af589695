//! Pages kept ready for visitors of whom nothing is known.
//!
//! **Invariants.**
//! - Only a page drawn for a visitor without a session is kept, and only such a visitor is given it. Such a page has no form
//!   token, no bag and no name in it; cookies and security headers are added to each answer outside of here.
//! - A kept page is given only if everything it shows is still so: before each answer the counts of changes are read from
//!   the database, and a change of the catalogue, of stock or of the settings that was committed before the request is seen
//!   on every node. What passes with time (a count-down, a hold on stock that runs out) ends with the page.
//! - Those who ask together for a page that is not there wait for one drawing of it, and no longer than [`LONGEST_WAIT`].
//! - Its size in bytes is bounded.

mod address;
mod flight;
mod memo;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use commerce::{Internal, Shop};
use db::Changes;
use http::HeaderMap;
use kernel::{Code, Timestamp};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use templates::Templates;
use web::{Problem, ReadyPage};

pub(crate) use address::Address;
use flight::Flights;
pub(crate) use memo::{House, Memo, Shelves};

/// How many bytes of pages are kept, unless it is said otherwise.
pub const DEFAULT_BYTES: u64 = 64 * 1024 * 1024;
/// What keeping a page takes beside its text.
const OVERHEAD: usize = 1_024;
/// What a page usually takes; the number of places is guessed from it.
const USUAL: u64 = 32 * 1024;
/// How long somebody waits for a page that somebody else is having drawn.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The pages.
pub(crate) struct PageCache {
    pages: Option<Cache<Address, Arc<Kept>, Size>>,
    flights: Flights,
}

/// What [`crate::storefront::Sheet::draw`] puts beside an answer that may be kept.
#[derive(Debug, Clone)]
pub(crate) struct Drawn {
    /// The page.
    pub(crate) page: Arc<ReadyPage>,
    /// Until when it is right if nothing changes.
    pub(crate) until: Timestamp,
}

/// What was so when a page was drawn, read before anything that it shows.
#[derive(Debug, Clone, Copy)]
struct State {
    changes: Changes,
    edition: u64,
}

struct Kept {
    page: Arc<ReadyPage>,
    state: State,
    drawn: Timestamp,
    until: Timestamp,
}

impl Kept {
    /// Whether it is still right. A clock that was set back does not make it so for longer.
    fn holds(&self, now: Timestamp, state: &State) -> bool {
        self.state.changes.covers(&state.changes)
            && self.state.edition == state.edition
            && (self.drawn..self.until).contains(&now)
    }
}

#[derive(Clone)]
struct Size;

impl Weighter<Address, Arc<Kept>> for Size {
    fn weight(&self, address: &Address, kept: &Arc<Kept>) -> u64 {
        let bytes = kept
            .page
            .size()
            .saturating_add(address.len())
            .saturating_add(OVERHEAD);
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

impl PageCache {
    /// Room for this many bytes of pages; 0 keeps none.
    pub(crate) fn new(bytes: u64) -> Self {
        let places = usize::try_from(bytes / USUAL).unwrap_or(usize::MAX).max(16);
        Self {
            pages: (bytes > 0).then(|| Cache::with_weighter(places, bytes, Size)),
            flights: Flights::default(),
        }
    }

    /// The page at an address, kept or drawn. Whatever `draw` answers that is no page for everybody goes through as it is.
    pub(crate) async fn serve(
        &self,
        (shop, templates): (&Shop, &Templates),
        (address, headers): (Address, &HeaderMap),
        draw: impl Future<Output = Result<Response, Problem>>,
    ) -> Result<Response, Problem> {
        let Some(pages) = &self.pages else {
            return draw.await;
        };
        let find = |state: &State| {
            let kept = pages.get(&address)?;
            kept.holds(shop.clock.now(), state)
                .then(|| kept.page.answer(headers))
        };
        if let Some(answer) = find(&state(shop, templates).await?) {
            metrics::counter!("page_cache_hits_total").increment(1);
            return Ok(answer);
        }
        let turn = tokio::time::timeout(LONGEST_WAIT, self.flights.turn(&address));
        let Ok(turn) = turn.await else {
            return Err(Problem::new(Code::Busy).retry_after(1));
        };
        let (state, drawn) = (state(shop, templates).await?, shop.clock.now());
        if let Some(answer) = find(&state) {
            metrics::counter!("page_cache_shared_total").increment(1);
            return Ok(answer);
        }
        metrics::counter!("page_cache_misses_total").increment(1);
        let mut response = draw.await?;
        if let Some(Drawn { page, until }) = response.extensions_mut().remove() {
            let kept = Kept {
                page,
                state,
                drawn,
                until,
            };
            pages.insert(address.clone(), Arc::new(kept));
            self.tell();
        }
        drop(turn);
        Ok(response)
    }

    #[expect(
        clippy::as_conversions,
        clippy::cast_precision_loss,
        reason = "a gauge takes a float; bytes of memory are exact in it"
    )]
    fn tell(&self) {
        if let Some(pages) = &self.pages {
            metrics::gauge!("page_cache_bytes").set(pages.weight() as f64);
            metrics::gauge!("page_cache_pages").set(pages.len() as f64);
        }
    }
}

async fn state(shop: &Shop, templates: &Templates) -> Result<State, Problem> {
    Ok(State {
        changes: shop.db.changes().await.map_err(Internal::from)?,
        edition: templates.edition()?,
    })
}

//! The bad days: a limited edition that thousands want at once, and somebody trying passwords while others buy.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use db::{Db, DbError, Location, Options, params};

use super::Visit;
use super::shopping::{buyer, searchers};
use crate::BenchError;
use crate::drive::{Load, Measured, Model, Turn, Worker, drive, drive_beside};
use crate::notes::{Book, Outcome};
use crate::page::Form;
use crate::server::{OWNER, Place};
use crate::shopper::{Browser, Left, noted};
use crate::shops;

/// What a shopper is answered who wants a piece: on we go, or there is none left.
const GOT_OR_GONE: &[u16] = &[303, 409, 422];
/// In how many seconds all buyers of a drop arrive.
const DROP_SECONDS: u64 = 10;

/// Wants the limited edition, whatever it takes.
struct Fan(Browser);

impl Worker for Fan {
    async fn go(&mut self, turn: Turn, book: &Book) -> bool {
        self.0.newcomer(turn.number);
        let outcome = match self.try_to_buy(turn, book).await {
            Ok(true) => "bought",
            Ok(false) => "sold out",
            Err(Left { status: 429 | 503 }) => "gave up",
            Err(_) => "went wrong",
        };
        book.note(outcome, turn.due, Outcome::Good);
        true
    }
}

impl Fan {
    /// Whether they got it. The shop says at each step that there is none left as it says it to everybody: the product has
    /// no button any more, the bag refuses it (422 or 409), the last form comes back (409).
    async fn try_to_buy(&mut self, turn: Turn, book: &Book) -> Result<bool, Left> {
        let browser = &mut self.0;
        let page = browser
            .get(book, ("product", turn.due), shops::LIMITED, &[200])
            .await?;
        let Some(form) = Form::find(&browser.html(page), "/cart/lines") else {
            return Ok(false);
        };
        let form = form.with("quantity", "1");
        let page = browser
            .submit(book, ("add to bag", Instant::now()), &form, GOT_OR_GONE)
            .await?;
        if Browser::status(page) != 303 {
            return Ok(false);
        }
        let Some(form) = browser.check_out(book, "bank_transfer").await? else {
            return Ok(false);
        };
        let page = browser
            .submit(book, ("place order", Instant::now()), &form, GOT_OR_GONE)
            .await?;
        Ok(Browser::status(page) == 303 && browser.leads_to(page).starts_with("/orders/"))
    }
}

/// So many buyers for a hundred pieces, within ten seconds. Whoever finds the shop busy comes back when it says. Exactly a
/// hundred pieces must be sold, to exactly those who were told so.
pub(super) fn drop_day(visit: &Visit<'_>, buyers: u64) -> Result<Measured, BenchError> {
    let address = visit.address();
    let load = Load {
        model: Model::Open {
            per_second: (buyers / DROP_SECONDS).max(1),
            connections: visit.load.model.connections().max(1_000),
        },
        warm: Duration::ZERO,
        time: Duration::from_secs(DROP_SECONDS),
    };
    let measured = drive(visit.cores.load, load, visit.process(), |_| {
        Fan(Browser::new(address).patient(30))
    })?;
    let told = measured
        .notes
        .kinds
        .get("bought")
        .map_or(0, crate::notes::Tally::good);
    let sold = crate::block_on(sold_of_limited(&visit.stage.place))?;
    let wanted = shops::LIMITED_PIECES.min(i64::try_from(buyers).unwrap_or(i64::MAX));
    if sold != wanted || i64::try_from(told) != Ok(sold) {
        return Err(BenchError::Unexpected(format!(
            "{sold} pieces were sold and {told} buyers were told so; there were {wanted}"
        )));
    }
    Ok(measured)
}

/// Pieces of the limited edition that were ordered, as the books say it.
async fn sold_of_limited(place: &Place) -> Result<i64, BenchError> {
    let location = match &place.postgres {
        Some(url) => Location::Postgres(url.clone()),
        None => Location::Sqlite(place.data.join("shop.sqlite")),
    };
    let db = Db::open(&location, &Options::default())?;
    let read = db.read(|tx| {
        tx.query_one::<(i64,)>(
            "SELECT CAST(COALESCE(SUM(l.quantity), 0) AS BIGINT) FROM order_lines l
               JOIN orders o ON o.id = l.order_id
              WHERE o.placed_at IS NOT NULL AND l.sku = $1",
            params!["LIMITED-EDITION"],
        )
    });
    let (sold,) = read.await.map_err(|error: DbError| error)?;
    db.close().await;
    Ok(sold)
}

/// Tries one password after the other, from everywhere.
struct Intruder {
    browser: Browser,
}

impl Worker for Intruder {
    async fn go(&mut self, turn: Turn, book: &Book) -> bool {
        // Not the addresses of the shoppers.
        self.browser.newcomer(turn.number + 5_000_000);
        let form = Form::to("/admin/sign-in")
            .with("email", OWNER)
            .with("password", &format!("guess number {}", turn.number))
            .with("next", "/admin");
        let refused = &[422];
        let submit = self
            .browser
            .submit(book, ("sign-in", turn.due), &form, refused);
        noted(submit.await);
        true
    }
}

/// Connections on which searches pour in: more than the shop has places for those who look around.
const POURING_IN: usize = 600;

/// Shoppers buy at their rate while `flood` searches a second pour in.
///
/// What the server can carry is the rate of the scenario `search`; at three times that rate the good searches here should be
/// at least four fifths of it, everything else a quick 503, and no shopper should be turned away.
pub(super) fn overload(visit: &Visit<'_>, flood: u64) -> Result<Measured, BenchError> {
    let address: SocketAddr = visit.address();
    let beside = Load {
        model: Model::Open {
            per_second: flood,
            connections: POURING_IN,
        },
        ..visit.load
    };
    drive_beside(
        (visit.cores.load, visit.process()),
        (visit.load, |_| buyer(address)),
        (beside, searchers(address)),
    )
}

/// Shoppers buy at their rate while sign-ins pour in. `flood` is how many a second; 0 for a quiet day to compare with.
pub(super) fn login_flood(visit: &Visit<'_>, flood: u64) -> Result<Measured, BenchError> {
    let address: SocketAddr = visit.address();
    let beside = Load {
        model: Model::Open {
            per_second: flood,
            connections: 256,
        },
        ..visit.load
    };
    if flood == 0 {
        return drive(visit.cores.load, visit.load, visit.process(), |_| {
            buyer(address)
        });
    }
    drive_beside(
        (visit.cores.load, visit.process()),
        (visit.load, |_| buyer(address)),
        (beside, |_| Intruder {
            browser: Browser::new(address),
        }),
    )
}

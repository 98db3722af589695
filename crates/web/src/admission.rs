//! How many requests are let in: some at once, those who pay first, and from one address only so many changes a minute.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kernel::time::MINUTE;
use kernel::{Clock, Code, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::asked::Asked;
use crate::limits::Limits;
use crate::peer::Household;
use crate::problem::Problem;
use crate::site::Config;

/// What a visitor who is turned away is asked to wait, in seconds.
const COME_BACK: u32 = 2;

/// Who goes first when there is not room for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rank {
    /// Somebody looks around.
    Looking,
    /// Somebody has a bag, puts something into one, or works here.
    Shopping,
    /// Somebody is about to pay, or a payment company has something to say.
    Buying,
}

impl Rank {
    /// The rank of a request. Whoever has no session yet cannot be about to pay; what a session is worth is for the pages to
    /// find out, so this is a courtesy and no right.
    pub(crate) fn of(asked: &Asked, config: &Config) -> Self {
        let path = asked.uri.path();
        let is_below = |prefix: &&'static str| path.starts_with(prefix);
        let is_paying = asked.session.is_some() && config.paying.iter().any(is_below);
        if is_paying || config.webhooks.iter().any(is_below) {
            Self::Buying
        } else if asked.session.is_some() || asked.is_change() {
            Self::Shopping
        } else {
            Self::Looking
        }
    }
}

/// The door.
#[derive(Debug)]
pub(crate) struct Admission {
    /// Everybody's places.
    all: Arc<Semaphore>,
    /// Those of them that visitors who only look around may have.
    looking: Line,
    /// Those that they and everybody with a bag may have.
    not_buying: Arc<Semaphore>,
    /// Those that buyers may have: a payment company that is slow must not close the shop to everybody else.
    buying: Line,
    buckets: Mutex<Buckets>,
    clock: Arc<dyn Clock>,
}

/// Places with a line before them: first come, first served, and neither longer than so many nor for longer than so long.
#[derive(Debug)]
struct Line {
    places: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    wait: Duration,
}

impl Line {
    fn new(places: usize, waiting: usize, wait: Duration) -> Self {
        Self {
            places: semaphore(places),
            waiting: semaphore(waiting),
            wait,
        }
    }

    /// A place here and one of `all`, at once or after waiting for it.
    async fn enter(&self, all: &Arc<Semaphore>) -> Result<Vec<OwnedSemaphorePermit>, Problem> {
        let in_line = at_once(&self.waiting)?;
        let both = async {
            let place = Arc::clone(&self.places).acquire_owned().await?;
            let one_of_all = Arc::clone(all).acquire_owned().await?;
            Ok::<_, tokio::sync::AcquireError>(vec![place, one_of_all])
        };
        let waited = tokio::time::timeout(self.wait, both).await;
        drop(in_line);
        match waited {
            Ok(Ok(permits)) => Ok(permits),
            Ok(Err(_)) | Err(_) => Err(turned_away()),
        }
    }
}

fn semaphore(places: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(places.max(1)))
}

/// A place for one request, kept until the answer is made.
#[derive(Debug)]
pub(crate) struct Place {
    _permits: Vec<OwnedSemaphorePermit>,
}

impl Admission {
    pub(crate) fn new(limits: &Limits, clock: Arc<dyn Clock>) -> Self {
        let buckets = Buckets {
            burst: limits.changes_burst,
            per_minute: limits.changes_per_minute.max(1),
            most: limits.counted_addresses.max(2),
            now: HashMap::new(),
            before: HashMap::new(),
        };
        let places = limits.requests_at_once;
        let lookers = limits.lookers_at_once.min(places / 2).max(1);
        Self {
            all: semaphore(places),
            looking: Line::new(lookers, lookers.saturating_mul(3), limits.looking_wait),
            not_buying: semaphore(places - places / 4),
            buying: Line::new(places - places / 8, places, limits.paying_wait),
            buckets: Mutex::new(buckets),
            clock,
        }
    }

    /// A place for one request. Visitors who look around have a few, with a short line; together with those who have a bag
    /// they have three quarters of all. The last quarter is kept for those who pay, who wait longest and before everybody
    /// else. Whoever finds neither a place nor room in the line is told at once: in a longer one they would only wait until
    /// they give up.
    pub(crate) async fn enter(&self, rank: Rank) -> Result<Place, Problem> {
        let permits = match rank {
            Rank::Looking => {
                let mut permits = self.looking.enter(&self.not_buying).await?;
                permits.push(at_once(&self.all)?);
                permits
            }
            Rank::Shopping => vec![at_once(&self.not_buying)?, at_once(&self.all)?],
            Rank::Buying => self.buying.enter(&self.all).await?,
        };
        Ok(Place { _permits: permits })
    }

    /// Counts one change by an address.
    pub(crate) fn count_change(&self, address: IpAddr) -> Result<(), Problem> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets
            .take(Household::of(address), self.clock.now())
            .map_err(|seconds| {
                Problem::new(Code::TooManyRequests)
                    .retry_after(seconds)
                    .at_the_door()
            })
    }
}

fn at_once(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
    Arc::clone(places)
        .try_acquire_owned()
        .map_err(|_full| turned_away())
}

fn turned_away() -> Problem {
    metrics::counter!("http_requests_turned_away_total").increment(1);
    Problem::new(Code::Busy)
        .retry_after(COME_BACK)
        .at_the_door()
}

/// Token buckets in two generations: when the present one is full, it becomes the one before, and that one is forgotten.
/// So memory is bounded, and who was here recently stays counted.
#[derive(Debug)]
struct Buckets {
    burst: u32,
    per_minute: u32,
    most: usize,
    now: HashMap<Household, Bucket>,
    before: HashMap<Household, Bucket>,
}

/// When the bucket will be full again: all it takes to know how many tokens are in it.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    full_at: Timestamp,
}

impl Buckets {
    /// Takes a token, or says in how many seconds there is one.
    fn take(&mut self, who: Household, now: Timestamp) -> Result<(), u32> {
        let cost = MINUTE / i64::from(self.per_minute);
        let deepest = cost.saturating_mul(i64::from(self.burst));
        let known = self
            .now
            .get(&who)
            .or_else(|| self.before.get(&who))
            .copied();
        // A clock that was set back must not lock anybody out for longer than an empty bucket takes to fill.
        let full_at = known.map_or(now, |bucket| bucket.full_at.max(now).min(now.plus(deepest)));
        let after = full_at.plus(cost);
        let too_deep = after.since(now) - deepest;
        if too_deep > 0 {
            self.remember(who, full_at);
            return Err(u32::try_from(too_deep.div_euclid(1_000) + 1).unwrap_or(60));
        }
        self.remember(who, after);
        Ok(())
    }

    fn remember(&mut self, who: Household, full_at: Timestamp) {
        if self.now.len() >= self.most / 2 && !self.now.contains_key(&who) {
            self.before = std::mem::take(&mut self.now);
        }
        self.now.insert(who, Bucket { full_at });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::time::{ManualClock, SECOND};
    use tokio::sync::mpsc::UnboundedSender;

    fn door(limits: &Limits) -> (Admission, ManualClock) {
        let clock = ManualClock::default();
        (Admission::new(limits, Arc::new(clock.clone())), clock)
    }

    fn address(last: u32) -> IpAddr {
        IpAddr::from(std::net::Ipv4Addr::from_bits(0xc633_6400 + last))
    }

    #[test]
    fn a_burst_is_let_in_then_one_every_so_often() {
        let (door, clock) = door(&Limits {
            changes_burst: 3,
            changes_per_minute: 6,
            ..Limits::default()
        });
        for _ in 0..3 {
            door.count_change(address(1)).unwrap();
        }
        let refused = door.count_change(address(1)).unwrap_err();
        assert_eq!(
            (refused.status().as_u16(), refused.seconds_to_wait()),
            (429, Some(11))
        );
        door.count_change(address(2)).unwrap();
        clock.advance(10 * SECOND - 1);
        door.count_change(address(1)).unwrap_err();
        clock.advance(1);
        door.count_change(address(1)).unwrap();
        door.count_change(address(1)).unwrap_err();
        clock.advance(10 * 60 * SECOND);
        for _ in 0..3 {
            door.count_change(address(1)).unwrap();
        }
        door.count_change(address(1)).unwrap_err();
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out_for_long() {
        let (door, clock) = door(&Limits {
            changes_burst: 2,
            changes_per_minute: 60,
            ..Limits::default()
        });
        door.count_change(address(1)).unwrap();
        clock.advance(-24 * 60 * 60 * SECOND);
        let wait = door
            .count_change(address(1))
            .unwrap_err()
            .seconds_to_wait()
            .unwrap();
        assert!(wait <= 2, "{wait}");
        clock.advance(i64::from(wait) * SECOND);
        door.count_change(address(1)).unwrap();
    }

    #[test]
    fn ten_thousand_addresses_take_no_more_memory_than_the_limit() {
        let limits = Limits {
            counted_addresses: 100,
            ..Limits::default()
        };
        let (door, _clock) = door(&limits);
        for last in 0..10_000 {
            door.count_change(address(last)).unwrap();
        }
        let buckets = door.buckets.lock().unwrap();
        assert!(buckets.now.len() + buckets.before.len() <= 100);
    }

    fn with_places(requests_at_once: usize) -> Admission {
        let limits = Limits {
            requests_at_once,
            ..Limits::default()
        };
        door(&limits).0
    }

    /// So many of this rank come, and stay.
    async fn come(door: &Admission, rank: Rank, count: usize) -> Vec<Place> {
        let mut places = Vec::new();
        for _ in 0..count {
            places.push(door.enter(rank).await.unwrap());
        }
        places
    }

    async fn is_turned_away(door: &Admission, rank: Rank) -> bool {
        match door.enter(rank).await {
            Ok(_) => false,
            Err(told) => {
                assert_eq!(
                    (told.status().as_u16(), told.seconds_to_wait()),
                    (503, Some(2))
                );
                true
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_shop_says_so_soon() {
        let door = with_places(1);
        let place = door.enter(Rank::Looking).await.unwrap();
        assert!(is_turned_away(&door, Rank::Looking).await);
        drop(place);
        assert!(door.enter(Rank::Looking).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_looks_around_leaves_room_for_bags_and_both_leave_room_for_buyers() {
        let door = with_places(16);
        let _lookers = come(&door, Rank::Looking, 8).await;
        assert!(is_turned_away(&door, Rank::Looking).await);
        let _shoppers = come(&door, Rank::Shopping, 4).await;
        assert!(is_turned_away(&door, Rank::Shopping).await);
        let buyers = come(&door, Rank::Buying, 4).await;
        assert!(is_turned_away(&door, Rank::Buying).await);
        drop(buyers);
        assert!(
            is_turned_away(&door, Rank::Shopping).await,
            "the buyers' places stay theirs"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn buyers_who_wait_for_their_bank_do_not_close_the_shop() {
        let door = with_places(16);
        let _buyers = come(&door, Rank::Buying, 14).await;
        let _others = come(&door, Rank::Looking, 2).await;
        assert!(is_turned_away(&door, Rank::Looking).await);
    }

    /// Waits for a place, says so, and stays.
    async fn wait_and_tell(door: Arc<Admission>, number: u32, told: UnboundedSender<u32>) {
        let place = door.enter(Rank::Buying).await.unwrap();
        told.send(number).unwrap();
        std::mem::forget(place);
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_place_goes_to_the_buyer_who_has_waited_longest() {
        let door = Arc::new(with_places(4));
        let mut lookers = come(&door, Rank::Looking, 2).await;
        let _shopper = come(&door, Rank::Shopping, 1).await;
        let _buyer = come(&door, Rank::Buying, 1).await;
        let (told, mut order) = tokio::sync::mpsc::unbounded_channel();
        for number in 0..2 {
            tokio::spawn(wait_and_tell(Arc::clone(&door), number, told.clone()));
            tokio::task::yield_now().await;
        }
        // A place becomes free: it is not for whoever comes by just then.
        drop(lookers.pop());
        assert!(is_turned_away(&door, Rank::Looking).await);
        assert_eq!(order.recv().await, Some(0));
        drop(lookers.pop());
        assert_eq!(order.recv().await, Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn who_looks_around_waits_for_a_moment_and_in_a_short_line() {
        let door = Arc::new(with_places(4));
        let mut inside = come(&door, Rank::Looking, 2).await;
        let began = tokio::time::Instant::now();
        let wait = |door: Arc<Admission>| async move { is_turned_away(&door, Rank::Looking).await };
        let waiting = [(); 6].map(|()| tokio::spawn(wait(Arc::clone(&door))));
        tokio::task::yield_now().await;
        assert!(is_turned_away(&door, Rank::Looking).await);
        assert_eq!(began.elapsed(), Duration::ZERO, "the line was full");
        drop(inside.pop());
        let mut turned_away = Vec::new();
        for waiting in waiting {
            turned_away.push(waiting.await.unwrap());
        }
        // Each of them stays but for a moment, so that one place is enough for all.
        assert_eq!(turned_away, [false; 6]);
        assert_eq!(began.elapsed(), Duration::ZERO);
        inside.extend(come(&door, Rank::Looking, 1).await);
        assert!(is_turned_away(&door, Rank::Looking).await);
        assert_eq!(began.elapsed(), Limits::default().looking_wait);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_in_line_for_longer_than_the_limit_and_the_line_has_an_end() {
        let door = Arc::new(with_places(2));
        let _inside = come(&door, Rank::Buying, 2).await;
        let began = tokio::time::Instant::now();
        let wait = |door: Arc<Admission>| async move { is_turned_away(&door, Rank::Buying).await };
        let waiting = [(); 2].map(|()| tokio::spawn(wait(Arc::clone(&door))));
        tokio::task::yield_now().await;
        assert!(is_turned_away(&door, Rank::Buying).await);
        assert_eq!(began.elapsed(), Duration::ZERO, "the line was full");
        for waiting in waiting {
            assert!(waiting.await.unwrap());
        }
        assert_eq!(began.elapsed(), Limits::default().paying_wait);
    }
}

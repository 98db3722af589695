//! How many requests are let in: some at once, and from one address only so many changes a minute.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use kernel::time::MINUTE;
use kernel::{Clock, Code, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::Limits;
use crate::peer::Household;
use crate::problem::Problem;

/// The door.
#[derive(Debug)]
pub(crate) struct Admission {
    places: Arc<Semaphore>,
    buckets: Mutex<Buckets>,
    clock: Arc<dyn Clock>,
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
        Self {
            places: Arc::new(Semaphore::new(limits.requests_at_once)),
            buckets: Mutex::new(buckets),
            clock,
        }
    }

    /// A place for one request, kept until the answer is made. A full shop says so at once: a queue would only make
    /// everybody wait until they give up.
    pub(crate) fn enter(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_full| Problem::new(Code::Busy).retry_after(2))
    }

    /// Counts one change by an address.
    pub(crate) fn count_change(&self, address: IpAddr) -> Result<(), Problem> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets
            .take(Household::of(address), self.clock.now())
            .map_err(|seconds| Problem::new(Code::TooManyRequests).retry_after(seconds))
    }
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

    #[tokio::test]
    async fn a_full_shop_says_so_at_once() {
        let (door, _clock) = door(&Limits {
            requests_at_once: 1,
            ..Limits::default()
        });
        let place = door.enter().unwrap();
        let refused = door.enter().unwrap_err();
        assert_eq!(
            (refused.status().as_u16(), refused.seconds_to_wait()),
            (503, Some(2))
        );
        drop(place);
        assert!(door.enter().is_ok());
    }
}

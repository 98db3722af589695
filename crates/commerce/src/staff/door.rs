//! The door of the back office: how often passwords may be tried, and how many are worked on at once.
//!
//! Nobody is ever locked out. A browser that somebody has signed in with before has tries of its own, so that no stranger
//! can use them up; strangers share what one address, one account and the whole shop allow.
//!
//! # Invariants
//! - However many ask: at most [`limits::STRANGERS`] passwords of strangers are hashed, and one more each second.
//! - One password is hashed at a time, and only so many wait for it.
//! - The books hold only who tried lately, and never more than [`limits::BOOKS`] of them.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use kernel::Timestamp;
use kernel::time::{MINUTE, SECOND};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

/// So many at once, and then one more after so many milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many at once.
    pub burst: u32,
    /// After how many milliseconds there is another.
    pub every: i64,
}

/// The limits, in numbers.
pub mod limits {
    use super::{MINUTE, Rate, SECOND};

    /// Passwords tried from one network by browsers nobody has signed in with.
    pub const NETWORK: Rate = Rate {
        burst: 10,
        every: 30 * SECOND,
    };
    /// Passwords tried on one account by such browsers.
    pub const ACCOUNT: Rate = Rate {
        burst: 10,
        every: MINUTE,
    };
    /// Passwords tried by all such browsers together.
    pub const STRANGERS: Rate = Rate {
        burst: 60,
        every: SECOND,
    };
    /// Passwords tried on an account by a browser that was signed in with it before.
    pub const DEVICE: Rate = Rate {
        burst: 10,
        every: 30 * SECOND,
    };
    /// Codes of the second step tried on one account: from browsers it knows, each, and from all others together.
    pub const CODES: Rate = Rate {
        burst: 6,
        every: 5 * MINUTE,
    };
    /// Passwords asked for again while signed in.
    pub const AGAIN: Rate = Rate {
        burst: 10,
        every: MINUTE,
    };
    /// Most entries in the books.
    pub const BOOKS: usize = 4_096;
    /// Most strangers that wait for their password to be hashed.
    pub const QUEUE: u64 = 32;
    /// Most that wait in all: there is always room for a browser that is known.
    pub const QUEUE_KNOWN: u64 = 40;
}

/// Who is counted together.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Counted([u8; 32]);

impl Counted {
    /// Everything of this kind and name.
    pub(crate) fn of(kind: &str, name: &str) -> Self {
        let mut sum = Sha256::new();
        sum.update(kind);
        sum.update(":");
        sum.update(name);
        Self(sum.finalize().into())
    }
}

/// Whether a password may wait behind those of strangers only, or has a place of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Nobody has signed in with this browser.
    Stranger,
    /// Somebody has, or is.
    Known,
}

/// Too many wait already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooBusy;

/// The door of one shop on one node. Clones are the same door.
#[derive(Clone)]
pub struct Door(Arc<Inner>);

struct Inner {
    /// For each one counted, until when its tries are used up if they came evenly.
    books: Mutex<HashMap<Counted, i64>>,
    turn: Arc<Semaphore>,
    waiting: AtomicU64,
    hashed: AtomicU64,
}

impl Default for Door {
    fn default() -> Self {
        Self(Arc::new(Inner {
            books: Mutex::default(),
            turn: Arc::new(Semaphore::new(1)),
            waiting: AtomicU64::new(0),
            hashed: AtomicU64::new(0),
        }))
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}

impl Door {
    /// Takes one try from each of these, or from none: then it says after how many milliseconds there is one.
    pub(crate) fn take(&self, now: Timestamp, from: &[(Counted, Rate)]) -> Result<(), i64> {
        let now = now.millis();
        let mut books = self.0.books.lock().unwrap_or_else(PoisonError::into_inner);
        if books.len().saturating_add(from.len()) > limits::BOOKS {
            books.retain(|_, until| *until > now);
        }
        let mut longest = 0;
        let mut taken = Vec::with_capacity(from.len());
        for (counted, rate) in from {
            let full = rate.every.saturating_mul(i64::from(rate.burst));
            let until = books.get(counted).copied().unwrap_or(now).max(now);
            // Only a clock that was set back can have left it so late: that must not lock anybody out.
            let until = if until.saturating_sub(now) > full {
                now
            } else {
                until
            };
            let next = until.saturating_add(rate.every);
            longest = longest.max(next.saturating_sub(now).saturating_sub(full));
            taken.push((counted.clone(), next));
        }
        if longest > 0 {
            return Err(longest);
        }
        if books.len().saturating_add(from.len()) > limits::BOOKS {
            return Err(limits::STRANGERS.every);
        }
        books.extend(taken);
        Ok(())
    }

    /// Gives the tries back: it was no guess.
    pub(crate) fn give_back(&self, from: &[(Counted, Rate)]) {
        let mut books = self.0.books.lock().unwrap_or_else(PoisonError::into_inner);
        for (counted, rate) in from {
            if let Some(until) = books.get_mut(counted) {
                *until = until.saturating_sub(rate.every);
            }
        }
    }

    /// Works on a password, on a thread made for slow things, when it is this one's turn.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        caller: Caller,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, TooBusy> {
        let most = match caller {
            Caller::Stranger => limits::QUEUE,
            Caller::Known => limits::QUEUE_KNOWN,
        };
        let _place = Place::take(&self.0, most).ok_or(TooBusy)?;
        let turn = Arc::clone(&self.0.turn).acquire_owned();
        let turn = turn.await.map_err(|_closed| TooBusy)?;
        self.0.hashed.fetch_add(1, Ordering::Relaxed);
        // The turn goes along: it ends with the work, even if nobody waits for it any more.
        let done = tokio::task::spawn_blocking(move || {
            let answer = work();
            drop(turn);
            answer
        });
        done.await.map_err(|_stopped| TooBusy)
    }

    /// How many passwords were worked on since the start.
    pub fn hashed(&self) -> u64 {
        self.0.hashed.load(Ordering::Relaxed)
    }
}

/// A place in the queue, given back however the wait ends.
struct Place<'a>(&'a Inner);

impl<'a> Place<'a> {
    fn take(door: &'a Inner, most: u64) -> Option<Self> {
        let room = door
            .waiting
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |waiting| {
                (waiting < most).then_some(waiting.saturating_add(1))
            });
        // Not made unless there is room: it would give back a place nobody took.
        room.is_ok().then(|| Self(door))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stranger(network: u32, account: u32) -> [(Counted, Rate); 3] {
        [
            (
                Counted::of("network", &network.to_string()),
                limits::NETWORK,
            ),
            (
                Counted::of("account", &account.to_string()),
                limits::ACCOUNT,
            ),
            (Counted::of("strangers", ""), limits::STRANGERS),
        ]
    }

    #[test]
    fn a_hundred_thousand_tries_over_a_thousand_accounts_are_at_most_the_documented_hashes() {
        let door = Door::default();
        let begun = Timestamp::from_millis(1_795_428_000_000);
        let mut let_through = 0_i64;
        for number in 0..100_000_u32 {
            let now = begun.plus(i64::from(number));
            let through = door.take(now, &stranger(number, number % 1_000)).is_ok();
            let_through += i64::from(through);
        }
        let seconds = 100_000 / limits::STRANGERS.every;
        let most = i64::from(limits::STRANGERS.burst) + seconds;
        assert!(
            (most - 1..=most).contains(&let_through),
            "{let_through} of {most}"
        );
        let kept = door.0.books.lock().unwrap().len();
        assert!(kept <= limits::BOOKS, "{kept}");
        // Whoever is counted apart is not concerned.
        let known = [(Counted::of("device", "hers"), limits::DEVICE)];
        assert_eq!(door.take(begun.plus(100_000), &known), Ok(()));
    }

    #[test]
    fn tries_come_back_one_by_one_and_a_refusal_takes_none() {
        let door = Door::default();
        let now = Timestamp::from_millis(0);
        let tries = [(Counted::of("account", "a"), limits::ACCOUNT)];
        for _ in 0..limits::ACCOUNT.burst {
            assert_eq!(door.take(now, &tries), Ok(()));
        }
        let every = limits::ACCOUNT.every;
        for later in [0, 1, every - 1] {
            assert_eq!(door.take(now.plus(later), &tries), Err(every - later));
        }
        assert_eq!(door.take(now.plus(every), &tries), Ok(()));
        assert_eq!(door.take(now.plus(every), &tries), Err(every));
        door.give_back(&tries);
        assert_eq!(door.take(now.plus(every), &tries), Ok(()));
        // A network without tries does not use up those of the account.
        let other = Counted::of("account", "b");
        let both = [tries[0].clone(), (other.clone(), limits::ACCOUNT)];
        for _ in 0..20 {
            assert!(door.take(now.plus(every), &both).is_err());
        }
        for _ in 0..limits::ACCOUNT.burst {
            assert_eq!(
                door.take(now.plus(every), &[(other.clone(), limits::ACCOUNT)]),
                Ok(())
            );
        }
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let door = Door::default();
        let tries = [(Counted::of("account", "a"), limits::ACCOUNT)];
        assert_eq!(
            door.take(Timestamp::from_millis(1_000_000_000), &tries),
            Ok(())
        );
        assert_eq!(door.take(Timestamp::from_millis(0), &tries), Ok(()));
    }

    fn waits(door: &Door) -> tokio::task::JoinHandle<Result<bool, TooBusy>> {
        let door = door.clone();
        tokio::spawn(async move { door.work(Caller::Stranger, || true).await })
    }

    #[tokio::test]
    async fn only_so_many_wait_and_there_is_room_for_a_known_browser() {
        let door = Door::default();
        let (go, gate) = std::sync::mpsc::channel::<()>();
        let slow = door.clone();
        let first = tokio::spawn(async move {
            slow.work(Caller::Stranger, move || gate.recv().is_ok())
                .await
        });
        while door.hashed() == 0 {
            tokio::task::yield_now().await;
        }
        let waiting: Vec<_> = (1..limits::QUEUE).map(|_| waits(&door)).collect();
        while door.0.waiting.load(Ordering::SeqCst) < limits::QUEUE {
            tokio::task::yield_now().await;
        }
        assert_eq!(door.work(Caller::Stranger, || true).await, Err(TooBusy));
        let known = door.clone();
        let known = tokio::spawn(async move { known.work(Caller::Known, || true).await });
        go.send(()).unwrap();
        assert_eq!(first.await.unwrap(), Ok(true));
        assert_eq!(known.await.unwrap(), Ok(true));
        for place in waiting {
            assert_eq!(place.await.unwrap(), Ok(true));
        }
        assert_eq!(door.0.waiting.load(Ordering::SeqCst), 0);
        assert_eq!(door.hashed(), limits::QUEUE + 1);
    }
}

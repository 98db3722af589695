//! One drawing at a time of each page.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

use super::Address;

type Turns = HashMap<Address, Arc<tokio::sync::Mutex<()>>>;

/// Who is drawing which page.
#[derive(Default)]
pub(super) struct Flights(Mutex<Turns>);

/// The right to draw a page; others wait until it is dropped, whether or not a page came of it.
pub(super) struct Turn<'a> {
    flights: &'a Flights,
    address: Address,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Flights {
    /// Waits for the turn to draw a page.
    pub(super) async fn turn(&self, address: &Address) -> Turn<'_> {
        let place = Arc::clone(self.turns().entry(address.clone()).or_default());
        // Made before the wait: who gives up waiting leaves no place behind.
        let mut turn = Turn {
            flights: self,
            address: address.clone(),
            guard: None,
        };
        turn.guard = Some(place.lock_owned().await);
        turn
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.guard = None;
        let mut turns = self.flights.turns();
        // The map's own is the last where nobody draws and nobody waits.
        let is_last = turns
            .get(&self.address)
            .is_some_and(|place| Arc::strong_count(place) == 1);
        if is_last {
            turns.remove(&self.address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn address() -> Address {
        Address::of(&"/".parse().unwrap(), []).unwrap()
    }

    async fn draw(flights: Arc<Flights>, drawing: Arc<AtomicUsize>) {
        let _turn = flights.turn(&address()).await;
        assert_eq!(drawing.fetch_add(1, Ordering::SeqCst), 0);
        tokio::task::yield_now().await;
        drawing.fetch_sub(1, Ordering::SeqCst);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn turns_are_taken_one_after_another_and_nothing_is_left() {
        let flights = Arc::new(Flights::default());
        let drawing = Arc::new(AtomicUsize::new(0));
        let mut all = Vec::new();
        for _ in 0..50 {
            let (flights, drawing) = (Arc::clone(&flights), Arc::clone(&drawing));
            all.push(tokio::spawn(draw(flights, drawing)));
        }
        for one in all {
            one.await.unwrap();
        }
        assert!(flights.turns().is_empty());
    }

    #[tokio::test]
    async fn who_gives_up_waiting_leaves_no_place_behind() {
        let flights = Flights::default();
        let turn = flights.turn(&address()).await;
        {
            let address = address();
            let mut waiting = Box::pin(flights.turn(&address));
            assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        }
        drop(turn);
        assert!(flights.turns().is_empty());
    }
}

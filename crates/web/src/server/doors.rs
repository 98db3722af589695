//! How many connections there may be, in all and from one household.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::limits::Limits;
use crate::peer::{Household, Network};

/// Counts connections.
#[derive(Debug)]
pub(super) struct Doors {
    most: usize,
    most_per_household: usize,
    trusted: Vec<Network>,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_household: HashMap<Household, usize>,
}

/// A connection's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    household: Option<Household>,
    counts: Arc<Mutex<Counts>>,
}

impl Doors {
    pub(super) fn new(limits: &Limits, trusted: Vec<Network>) -> Self {
        Self {
            most: limits.connections,
            most_per_household: limits.connections_per_address,
            trusted,
            counts: Arc::default(),
        }
    }

    /// A place, or `None` if there are too many already. A trusted proxy brings many households: only the total binds it.
    pub(super) fn enter(&self, address: IpAddr) -> Option<Place> {
        let is_proxy = self.trusted.iter().any(|network| network.contains(address));
        let household = (!is_proxy).then(|| Household::of(address));
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.all >= self.most {
            metrics::counter!("http_connections_refused_total", "reason" => "total").increment(1);
            return None;
        }
        if let Some(household) = household {
            let count = counts.by_household.entry(household).or_insert(0);
            if *count >= self.most_per_household {
                metrics::counter!("http_connections_refused_total", "reason" => "address")
                    .increment(1);
                return None;
            }
            *count += 1;
        }
        counts.all += 1;
        metrics::gauge!("http_connections").increment(1);
        Some(Place {
            household,
            counts: Arc::clone(&self.counts),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all = counts.all.saturating_sub(1);
        metrics::gauge!("http_connections").decrement(1);
        let Some(household) = self.household else {
            return;
        };
        let left = counts
            .by_household
            .get(&household)
            .map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            counts.by_household.remove(&household);
        } else {
            counts.by_household.insert(household, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doors(most: usize, most_per_household: usize, trusted: &[&str]) -> Doors {
        let limits = Limits {
            connections: most,
            connections_per_address: most_per_household,
            ..Limits::default()
        };
        Doors::new(
            &limits,
            trusted.iter().map(|text| text.parse().unwrap()).collect(),
        )
    }

    #[test]
    fn one_household_cannot_take_all_places() {
        let doors = doors(10, 2, &[]);
        let enter = |text: &str| doors.enter(text.parse().unwrap());
        let (first, _second) = (enter("192.0.2.1"), enter("192.0.2.1"));
        assert!(enter("192.0.2.1").is_none());
        let _other = enter("192.0.2.2").unwrap();
        drop(first);
        assert!(enter("192.0.2.1").is_some());
    }

    #[test]
    fn the_total_binds_everyone_and_nothing_is_left_behind() {
        let doors = doors(3, 2, &["127.0.0.1"]);
        let places: Vec<_> = (0..4)
            .map(|_| doors.enter("127.0.0.1".parse().unwrap()))
            .collect();
        assert_eq!(places.iter().flatten().count(), 3);
        drop(places);
        let counts = doors.counts.lock().unwrap();
        assert_eq!((counts.all, counts.by_household.len()), (0, 0));
    }
}

//! How many may be connected: in all, and from one address.
//!
//! Whoever comes when all places are taken waits to be accepted. Whoever comes from an address that has its share is
//! sent away at once: waiting, it would keep out everybody behind it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::peer::neighbourhood;

/// All places of a host. Cheap to clone.
#[derive(Clone)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    most_of_one: usize,
    /// Everybody who is connected.
    open: TaskTracker,
}

/// A place that nobody has yet.
pub(super) struct Free {
    _permit: Option<OwnedSemaphorePermit>,
}

/// A place that is somebody's, until dropped.
pub(super) struct Place {
    address: IpAddr,
    places: Places,
    _free: Free,
    _open: TaskTrackerToken,
}

impl Places {
    pub(super) fn new(all: usize, of_one_address: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(all)),
            taken: Arc::default(),
            most_of_one: of_one_address,
            open: TaskTracker::new(),
        }
    }

    /// A place, once there is one.
    pub(super) async fn free(&self) -> Free {
        // The semaphore is never closed, so there always is a place in the end.
        Free { _permit: Arc::clone(&self.free).acquire_owned().await.ok() }
    }

    /// The place for somebody from this address; none when it has its share. The place is free again then.
    pub(super) fn take(&self, free: Free, address: IpAddr) -> Result<Place, Free> {
        let address = neighbourhood(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(address).or_default();
        if *count >= self.most_of_one {
            return Err(free);
        }
        *count += 1;
        Ok(Place { address, places: self.clone(), _free: free, _open: self.open.token() })
    }

    /// How many are connected.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// Done once nobody is connected any more.
    pub(super) async fn empty(&self) {
        self.open.close();
        self.open.wait().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            // Addresses come and go: nothing is kept of those that have left.
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_has_its_share_and_nothing_is_kept_of_it_afterwards() {
        let places = Places::new(10, 2);
        let from = |text: &str| text.parse().unwrap();
        let first = places.take(places.free().await, from("192.0.2.1")).ok();
        let second = places.take(places.free().await, from("192.0.2.1")).ok();
        assert!(first.is_some() && second.is_some());
        assert!(places.take(places.free().await, from("192.0.2.1")).is_err());
        let other = places.take(places.free().await, from("192.0.2.2"));
        assert!(other.is_ok(), "others have theirs");
        drop(first);
        assert!(places.take(places.free().await, from("192.0.2.1")).is_ok());
        drop((second, other));
        assert_eq!(places.open(), 0);
        assert!(places.taken.lock().unwrap().is_empty());
    }
}

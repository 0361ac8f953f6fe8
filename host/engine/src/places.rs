//! Places for executions at work: as many as the host takes, and who gets the next one.
//!
//! A place that becomes free goes to whoever has waited longest among those of the highest priority.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orgata_model::playbook::Priority;
use tokio::sync::oneshot;

/// All places.
pub(crate) struct Places(Mutex<Inside>);

struct Inside {
    free: usize,
    /// Whoever waits: by priority, then in the order in which they came.
    waiting: BTreeMap<(Priority, u64), oneshot::Sender<Place>>,
    count: u64,
}

/// A place; free again when it is dropped.
pub(crate) struct Place(Option<Arc<Places>>);

impl Places {
    pub(crate) fn new(free: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Inside { free, waiting: BTreeMap::new(), count: 0 })))
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place, if one is free now.
    pub(crate) fn try_take(self: &Arc<Self>) -> Option<Place> {
        let mut inside = self.inside();
        inside.free = inside.free.checked_sub(1)?;
        Some(Place(Some(Arc::clone(self))))
    }

    /// A place, now or when it is its turn. Whoever goes away before leaves the queue.
    pub(crate) async fn take(self: &Arc<Self>, priority: Priority) -> Place {
        loop {
            let turn = {
                let mut inside = self.inside();
                if let Some(free) = inside.free.checked_sub(1) {
                    inside.free = free;
                    return Place(Some(Arc::clone(self)));
                }
                let (sender, turn) = oneshot::channel();
                inside.count += 1;
                let key = (priority, inside.count);
                inside.waiting.insert(key, sender);
                turn
            };
            // The sender goes with the place alone: another try can only be wanted when it was lost.
            if let Ok(place) = turn.await {
                return place;
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(places) = self.0.take() else { return };
        let mut inside = places.inside();
        while let Some((_, next)) = inside.waiting.pop_first() {
            if next.is_closed() {
                continue;
            }
            match next.send(Self(Some(Arc::clone(&places)))) {
                Ok(()) => return,
                // It went away at this moment. What comes back must not be dropped as a place: the lock is held.
                Err(mut back) => back.0 = None,
            }
        }
        inside.free += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who got a place, in order.
    async fn order(places: &Arc<Places>, asked: &[Priority]) -> Vec<usize> {
        let held = places.try_take();
        let (told, mut order) = tokio::sync::mpsc::unbounded_channel();
        for (number, priority) in asked.iter().copied().enumerate() {
            let (places, told) = (Arc::clone(places), told.clone());
            tokio::spawn(async move {
                let _place = places.take(priority).await;
                let _ = told.send(number);
            });
            tokio::task::yield_now().await;
        }
        drop((held, told));
        let mut came = Vec::new();
        while let Some(number) = order.recv().await {
            came.push(number);
        }
        came
    }

    #[tokio::test]
    async fn the_highest_goes_first_and_the_first_among_equals() {
        use Priority::{High, Low, Normal};
        let places = Places::new(1);
        assert_eq!(order(&places, &[Low, Normal, High, Normal, High]).await, [2, 4, 1, 3, 0]);
    }

    #[tokio::test]
    async fn no_place_is_lost_with_those_who_go_away() {
        let places = Places::new(1);
        let held = places.try_take();
        let mut gone = Box::pin(places.take(Priority::High));
        assert!(futures_util::poll!(gone.as_mut()).is_pending());
        let mut late = Box::pin(places.take(Priority::High));
        assert!(futures_util::poll!(late.as_mut()).is_pending());
        drop(gone);
        drop(held);
        // It was given the place, and goes away with it.
        drop(late);
        assert!(places.try_take().is_some_and(|_| places.try_take().is_none()));
    }
}

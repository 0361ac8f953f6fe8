//! How many build at once, and how many wait for that.

use std::sync::atomic::{AtomicUsize, Ordering};

use orgata_engine::ports::BuildError;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::refusal::refuse;
use crate::settings::Settings;

/// The places.
pub(crate) struct Places {
    free: Semaphore,
    waiting: AtomicUsize,
    queue: usize,
}

impl Places {
    pub(crate) fn new(settings: &Settings) -> Self {
        let free = Semaphore::new(settings.concurrency);
        Self { free, waiting: AtomicUsize::new(0), queue: settings.queue }
    }

    /// A place, first come, first served. Refuses at once when too many wait already. Every build ends within its limit
    /// of time, and so does the wait.
    pub(crate) async fn take(&self) -> Result<SemaphorePermit<'_>, BuildError> {
        if let Ok(place) = self.free.try_acquire() {
            return Ok(place);
        }
        let waiting = Waiting::new(&self.waiting);
        if waiting.others >= self.queue {
            return Err(self.busy());
        }
        self.free.acquire().await.map_err(|_| self.busy())
    }

    fn busy(&self) -> BuildError {
        let message = format!("{} builds wait already", self.queue);
        refuse("BUSY", message, "try again in a moment, or raise workshop.queue")
    }
}

/// Counts those that wait, also when one gives up.
struct Waiting<'a> {
    count: &'a AtomicUsize,
    others: usize,
}

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        let others = count.fetch_add(1, Ordering::Relaxed);
        Self { count, others }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_finds_the_queue_full_is_refused_and_the_queue_moves_on() {
        let places = Places::new(&Settings { concurrency: 1, queue: 1, ..Settings::default() });
        let first = places.take().await.unwrap();
        let (second, third) = tokio::join!(
            async {
                let taken = places.take().await;
                taken.map(drop)
            },
            async {
                // The one before waits by now: it was polled first.
                let refused = places.take().await.map(drop);
                drop(first);
                refused
            }
        );
        assert!(second.is_ok());
        assert_eq!(third.unwrap_err().code, "BUSY");
        assert!(places.take().await.is_ok(), "who was refused or is done waits no longer");
    }
}

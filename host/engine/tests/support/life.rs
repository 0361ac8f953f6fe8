//! Lives of a host, and the boundaries at which one can end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// One life: from opening the engine to a crash.
#[derive(Clone, Debug)]
pub struct Life {
    dead: CancellationToken,
    /// What a dead host waits for. It never comes, but somebody holds who waits: what nobody holds would end.
    limbo: Arc<Notify>,
    crossed: Arc<AtomicU64>,
    /// The boundary at which this life ends; 0 for none.
    last: u64,
}

impl Life {
    /// A life that ends at its `last` boundary, or never for 0.
    pub fn new(last: u64) -> Self {
        Self { dead: CancellationToken::new(), limbo: Arc::default(), crossed: Arc::default(), last }
    }

    pub fn kill(&self) {
        self.dead.cancel();
    }

    pub fn is_over(&self) -> bool {
        self.dead.is_cancelled()
    }

    pub async fn over(&self) {
        self.dead.cancelled().await;
    }

    /// How many boundaries it has come to.
    pub fn crossed(&self) -> u64 {
        self.crossed.load(Ordering::SeqCst)
    }

    /// Every touch of the outside goes through here: a dead host touches nothing, and stays where it is.
    pub async fn alive(&self) {
        if self.is_over() {
            self.limbo.notified().await;
        }
    }

    /// A place where a crash may come: before and after each commit, each call and each effect.
    pub async fn boundary(&self) {
        self.alive().await;
        if self.crossed.fetch_add(1, Ordering::SeqCst) + 1 == self.last {
            self.kill();
            self.limbo.notified().await;
        }
    }
}

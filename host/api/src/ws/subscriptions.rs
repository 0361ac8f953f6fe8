//! What one connection follows.

use std::collections::HashMap;

use orgata_model::{ExecutionId, RuntimeId};
use tokio_util::task::AbortOnDropHandle;

use crate::error::ApiError;
use crate::wire::frame::TopicView;

/// What can be followed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Topic {
    /// One execution.
    Execution(ExecutionId),
    /// Everything in a runtime.
    Runtime(RuntimeId),
}

impl Topic {
    pub(super) fn view(&self) -> TopicView<'_> {
        match self {
            Self::Execution(id) => TopicView::Execution { execution_id: *id },
            Self::Runtime(id) => TopicView::Runtime { runtime_id: id },
        }
    }
}

/// The tasks that follow for one connection. Dropped, they stop.
pub(super) struct Subscriptions {
    tasks: HashMap<Topic, AbortOnDropHandle<()>>,
    most: usize,
}

impl Subscriptions {
    pub(super) fn new(most: usize) -> Self {
        Self { tasks: HashMap::new(), most }
    }

    /// Whether one more fits; those that ended by themselves are forgotten first.
    pub(super) fn has_room(&mut self) -> Result<(), ApiError> {
        self.tasks.retain(|_, task| !task.is_finished());
        if self.tasks.len() < self.most {
            return Ok(());
        }
        let message = format!(
            "this connection follows {} things, and that is its limit: unsubscribe from some",
            self.most
        );
        Err(ApiError::new("TOO_MANY_SUBSCRIPTIONS", message))
    }

    /// Keeps the task that follows `topic`.
    pub(super) fn put(&mut self, topic: Topic, task: tokio::task::JoinHandle<()>) {
        self.tasks.insert(topic, AbortOnDropHandle::new(task));
    }

    /// Stops following `topic`. Once this is done, its task sends nothing more.
    pub(super) async fn stop(&mut self, topic: &Topic) {
        if let Some(task) = self.tasks.remove(topic) {
            task.abort();
            let _ = task.await;
        }
    }
}

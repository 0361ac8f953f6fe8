//! Doors: what happens outside, for the executions that wait for it.

use std::sync::Arc;

use orgata_model::{ExecutionId, RuntimeId};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::driver::{self, Command};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::principal::Principal;
use crate::starting::json_size;

/// Executions that are told at a time.
const PAGE: usize = 500;
/// Longest name of an event, in bytes.
const MAX_NAME: usize = 200;

/// Who took an event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivery {
    /// The executions with a step that waited for it.
    pub executions: Vec<ExecutionId>,
}

impl Engine {
    /// Something happened: every execution of the runtime with a step that waits for it takes it. `Ok` means that
    /// this is durable in each that is named; whoever begins to wait later does not see it.
    pub async fn event(
        &self,
        who: &Principal,
        runtime: &RuntimeId,
        event: &str,
        payload: Value,
    ) -> Result<Delivery, EngineError> {
        self.0.runtime(runtime)?;
        let payload = self.check_event(event, payload)?;
        let mut delivery = Delivery::default();
        let mut after = None;
        loop {
            let page = self.0.store.awaiting(runtime, event, after, PAGE).await?;
            for id in &page {
                match self.hand_over(who, *id, event, &payload, false).await {
                    Ok(true) => delivery.executions.push(*id),
                    // It went on meanwhile.
                    Ok(false) | Err(EngineError::Ended(_) | EngineError::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(*last),
                _ => return Ok(delivery),
            }
        }
    }

    /// Something happened that one execution is to know: a step that waits for it takes it, now or when it comes to
    /// wait. `Ok` means that it is durable.
    pub async fn execution_event(
        &self,
        who: &Principal,
        execution: ExecutionId,
        event: &str,
        payload: Value,
    ) -> Result<(), EngineError> {
        let payload = self.check_event(event, payload)?;
        self.hand_over(who, execution, event, &payload, true).await.map(drop)
    }

    fn check_event(&self, event: &str, payload: Value) -> Result<Arc<Value>, EngineError> {
        if event.trim().is_empty() || event.len() > MAX_NAME {
            return Err(EngineError::BadRequest(format!("an event's name has 1 to {MAX_NAME} bytes")));
        }
        let (size, most) = (json_size(&payload), self.0.settings.input_bytes);
        if size > most {
            return Err(EngineError::BadRequest(format!(
                "the event's payload is {size} bytes long, {most} at most"
            )));
        }
        Ok(Arc::new(payload))
    }

    async fn hand_over(
        &self,
        who: &Principal,
        execution: ExecutionId,
        event: &str,
        payload: &Arc<Value>,
        directed: bool,
    ) -> Result<bool, EngineError> {
        let (reply, taken) = oneshot::channel();
        let (event, payload) = (event.to_owned(), Arc::clone(payload));
        let command = Command::Event { event, payload, directed, who: who.actor(), reply };
        driver::deliver(&self.0, execution, command)?;
        taken.await.map_err(|_| self.0.gone())?
    }
}

//! Doors: what happens outside, for the executions that wait for it and the playbooks that it starts.

use std::sync::{Arc, PoisonError};

use orgata_model::playbook::Playbook;
use orgata_model::text::is_longer;
use orgata_model::{ExecutionId, PlaybookName, RuntimeId};
use serde_json::Value;
use tokio::sync::oneshot;
use tracing::warn;

use crate::access::{Place, Subject, rules};
use crate::driver::{self, Command};
use crate::engine::Engine;
use crate::error::{EngineError, Thing};
use crate::host::RuntimeEntry;
use crate::ports::StoreError;
use crate::principal::Principal;
use crate::starting::{self, Beginning, json_size};

/// Executions that are told at a time.
const PAGE: usize = 500;
/// Longest name of an event, in bytes; and longest id.
const MAX_NAME: usize = 200;
/// The label of what an event started: its name.
const LABEL: &str = "event";

/// Who took an event.
#[derive(Debug, Clone, Default)]
pub struct Delivery {
    /// The executions with a step that waited for it.
    pub executions: Vec<ExecutionId>,
    /// The executions that it started; those of an earlier delivery of the same id among them.
    pub started: Vec<ExecutionId>,
    /// The playbooks that it should have started, and why they were not.
    pub refused: Vec<(PlaybookName, EngineError)>,
}

/// What happened outside.
#[derive(Debug, Clone, PartialEq)]
pub struct OutsideEvent {
    /// Its name.
    pub event: String,
    /// What came with it.
    pub payload: Value,
    /// What its sender knows it by: sent again with the same id, it starts nothing again.
    pub id: Option<String>,
}

impl Engine {
    /// Something happened: every execution of the runtime with a step that waits for it takes it, and it starts every
    /// playbook whose `onEvent` it is. `Ok` means that this is durable in each that is named; whoever begins to wait
    /// later does not see it. Sent again after an error, with its id, it starts what is missing.
    pub async fn event(
        &self,
        who: &Principal,
        runtime: &RuntimeId,
        outside: OutsideEvent,
    ) -> Result<Delivery, EngineError> {
        let entry = self.0.enter(who, runtime)?;
        let place = Place::In(entry.runtime.environment);
        let subject = Subject { thing: Thing::Runtime, name: runtime.as_str() };
        let work = self.told(who, runtime, &entry, outside);
        self.0.guarded(who, &rules::EVENT, place, subject, work).await
    }

    async fn told(
        &self,
        who: &Principal,
        runtime: &RuntimeId,
        entry: &RuntimeEntry,
        outside: OutsideEvent,
    ) -> Result<Delivery, EngineError> {
        if self.0.stopping.is_cancelled() {
            return Err(EngineError::Draining);
        }
        let OutsideEvent { event, payload, id } = outside;
        if id.as_ref().is_some_and(|id| id.is_empty() || is_longer(id, MAX_NAME)) {
            return Err(EngineError::BadRequest(format!("an event's id has 1 to {MAX_NAME} characters")));
        }
        let event = event.as_str();
        let payload = self.check_event(event, payload)?;
        let executions = self.tell_waiting(who, runtime, event, &payload).await?;
        let mut delivery = Delivery { executions, ..Delivery::default() };
        // After those that waited: what it starts does not take it a second time.
        self.start_for(who, entry, event, &payload, id.as_deref(), &mut delivery).await?;
        Ok(delivery)
    }

    /// Every execution of the runtime with a step that waits for it takes it. Which did.
    pub(crate) async fn tell_waiting(
        &self,
        who: &Principal,
        runtime: &RuntimeId,
        event: &str,
        payload: &Arc<Value>,
    ) -> Result<Vec<ExecutionId>, EngineError> {
        let mut took = Vec::new();
        let mut after = None;
        loop {
            let page = self.0.store.awaiting(runtime, event, after, PAGE).await?;
            for id in &page {
                match self.hand_over(who, *id, event, payload, false).await {
                    Ok(true) => took.push(*id),
                    // It went on meanwhile.
                    Ok(false) | Err(EngineError::Ended(_) | EngineError::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(*last),
                _ => return Ok(took),
            }
        }
    }

    async fn start_for(
        &self,
        who: &Principal,
        entry: &RuntimeEntry,
        event: &str,
        payload: &Arc<Value>,
        id: Option<&str>,
        delivery: &mut Delivery,
    ) -> Result<(), EngineError> {
        let playbooks: Vec<Arc<Playbook>> =
            entry.playbooks.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        for playbook in playbooks {
            let Some(on_event) = &playbook.on_event else { continue };
            let Some(input) = on_event.input_for(event, payload) else { continue };
            let input = input.map_err(|error| EngineError::BadRequest(error.to_string()));
            let started = match input {
                Ok(input) => self.start_by_event(who, entry, &playbook, event, input, id).await,
                Err(error) => Err(error),
            };
            match started {
                Ok(id) => delivery.started.push(id),
                Err(error @ EngineError::Store(_)) => return Err(error),
                // Others are not kept from it: a sender that tries again could not help.
                Err(error) => {
                    warn!(runtime = %entry.runtime.id, playbook = %playbook.name, event, %error, "an event starts nothing");
                    delivery.refused.push((playbook.name.clone(), error));
                }
            }
        }
        Ok(())
    }

    async fn start_by_event(
        &self,
        who: &Principal,
        entry: &RuntimeEntry,
        playbook: &Playbook,
        event: &str,
        input: Arc<Value>,
        id: Option<&str>,
    ) -> Result<ExecutionId, EngineError> {
        let host = &self.0;
        let runtime = &entry.runtime.id;
        let key = id.map(|id| format!("event/{}/{id}", playbook.name));
        if let Some(key) = &key
            && let Some(earlier) = host.store.by_idempotency_key(runtime, key).await?
        {
            return Ok(earlier.summary.id);
        }
        let beginning = Beginning {
            runtime: runtime.clone(),
            playbook: playbook.name.clone(),
            input,
            actor: who.actor(),
            labels: [(LABEL.to_owned(), event.to_owned())].into(),
            parent: None,
        };
        let execution = ExecutionId::new(host.clock.fresh_id());
        match starting::make(host, execution, beginning, key.clone()).await {
            Ok(()) => {}
            // The same event, at the same moment.
            Err(error @ EngineError::Store(StoreError::Conflict)) => {
                let key = key.as_deref().unwrap_or_default();
                let earlier = host.store.by_idempotency_key(runtime, key).await?;
                return earlier.map(|earlier| earlier.summary.id).ok_or(error);
            }
            Err(error) => return Err(error),
        }
        // When the host stops, the next start wakes it.
        let _ = driver::deliver(host, execution, Command::Wake);
        Ok(execution)
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
        let place = self.0.place_of(who, execution).await?;
        let work = async {
            let payload = self.check_event(event, payload)?;
            self.hand_over(who, execution, event, &payload, true).await.map(drop)
        };
        let name = execution.to_string();
        let subject = Subject { thing: Thing::Execution, name: &name };
        self.0.guarded(who, &rules::EVENT, place, subject, work).await
    }

    fn check_event(&self, event: &str, payload: Value) -> Result<Arc<Value>, EngineError> {
        if event.trim().is_empty() || is_longer(event, MAX_NAME) {
            return Err(EngineError::BadRequest(format!("an event's name has 1 to {MAX_NAME} characters")));
        }
        let (size, most) = (json_size(&payload), self.0.settings.input_bytes);
        if size > most {
            return Err(EngineError::BadRequest(format!(
                "the event's payload is {size} bytes long, {most} at most"
            )));
        }
        Ok(Arc::new(payload))
    }

    /// One execution takes it; `directed`: it keeps it until a step waits for it. Whether it did.
    pub(crate) async fn hand_over(
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

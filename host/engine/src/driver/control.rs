//! What operators want of an execution, as facts.

use std::sync::Arc;

use orgata_model::StepPath;
use orgata_model::execution::{Action, Actor, Fact, Status, StepState};
use orgata_model::intervention::{Intervention, Origin};
use serde_json::json;

use crate::error::{EngineError, Thing};
use crate::executions::{Control, Hold};

use super::Driver;
use super::commit::Stop;

impl Driver {
    /// Records what an operator wants. `Err(Ok(_))`: it cannot be done, and nothing changed.
    pub(super) async fn control(
        &mut self,
        control: Control,
        reason: Option<String>,
        who: Actor,
    ) -> Result<Result<(), EngineError>, Stop> {
        let facts = match self.facts(control, reason) {
            Ok(facts) => facts,
            Err(error) => return Ok(Err(error)),
        };
        for fact in facts {
            self.record(fact, Arc::clone(&who))?;
        }
        self.commit().await?;
        if self.state.cancelling.is_some() {
            self.stop_children().await?;
            self.cancel_what_is_left()?;
            self.commit().await?;
        }
        Ok(Ok(()))
    }

    /// Its children are stopped: it ends, or undoes what it did, as whoever stops it wants.
    fn cancel_what_is_left(&mut self) -> Result<(), Stop> {
        match self.state.ready(self.host.clock.now()) {
            Some(Action::Record(fact)) => self.note_as_wished(fact),
            _ => Ok(()),
        }
    }

    /// Records what follows from the state; when somebody stops the execution, it is theirs.
    pub(super) fn note_as_wished(&mut self, fact: Fact) -> Result<(), Stop> {
        match self.state.cancelling.as_ref().map(|cancelling| Arc::clone(&cancelling.by)) {
            Some(by) if self.state.cause().is_none() => self.record(fact, by),
            _ => self.note(fact),
        }
    }

    fn facts(&self, control: Control, reason: Option<String>) -> Result<Vec<Fact>, EngineError> {
        match (&self.state.end, &control) {
            (Some(end), Control::Retry { .. } | Control::Skip { .. }) if end.status == Status::Failed => {}
            (Some(end), _) => return Err(EngineError::Ended(end.status)),
            (None, _) => {}
        }
        let undoing = self.state.cause().is_some();
        let ending = self.state.cancelling.is_some() && !undoing;
        match control {
            Control::Pause | Control::Skip { .. } | Control::Hold(_) if ending => {
                Err(EngineError::Unchanged("the execution is being cancelled"))
            }
            Control::Pause if self.state.paused => {
                Err(EngineError::Unchanged("the execution is paused already"))
            }
            Control::Pause => Ok(vec![Fact::ExecutionPaused { reason }]),
            Control::Resume if self.state.paused => Ok(vec![Fact::ExecutionResumed { reason }]),
            Control::Resume => Err(EngineError::Unchanged("the execution is not paused")),
            _ if undoing => Err(EngineError::Unchanged(
                "the execution is undoing its steps: answer its question, or let it finish",
            )),
            Control::Cancel { compensate } => Ok(vec![match self.state.children().is_empty() {
                true => self.state.cancelled(compensate, reason),
                false => Fact::CancellationRequested { compensate, reason },
            }]),
            Control::Retry { step, input } => {
                let step = match step {
                    Some(step) => step,
                    None => self.state.failed_step().ok_or(EngineError::Unchanged("no step failed"))?,
                };
                if self.state.end.is_none() {
                    return Err(EngineError::Unchanged(
                        "the execution has not failed: a step that asks what to do is retried by its answer",
                    ));
                }
                self.known(&step)?;
                if self.state.deadline.is_some_and(|deadline| deadline <= self.host.clock.now()) {
                    return Err(EngineError::Unchanged("the execution's time is up: fork it instead"));
                }
                let retried = Fact::ExecutionRetried { step, input: input.map(Arc::new), reason };
                self.allowed(vec![retried])
            }
            Control::Skip { step, result } => {
                let mut facts = Vec::new();
                if self.state.end.is_some() {
                    facts.push(Fact::ExecutionRetried { step: step.clone(), input: None, reason: None });
                } else if let StepState::WaitingForAnswer { intervention, .. } = self.known(&step)? {
                    let intervention = *intervention;
                    facts.push(Fact::InterventionWithdrawn { intervention, step: step.clone() });
                }
                let reason = reason.or_else(|| Some("an operator decided so".to_owned()));
                facts.push(Fact::StepSkipped { step, result: result.map(Arc::new), reason });
                self.allowed(facts)
            }
            Control::Hold(hold) => {
                let intervention = self.held(hold)?;
                self.allowed(vec![Fact::InterventionRequired { intervention }])
            }
        }
    }

    fn known(&self, step: &StepPath) -> Result<&StepState, EngineError> {
        let names = self.state.playbook.steps.iter().map(|step| step.name.as_str());
        let found = self.state.stands(step);
        let found = found.or_else(|| self.state.failed_inside(step));
        found.map(|(_, state)| state).ok_or_else(|| EngineError::not_found_among(Thing::Step, step, names))
    }

    /// The facts, if the execution may come to them; otherwise why not.
    fn allowed(&self, facts: Vec<Fact>) -> Result<Vec<Fact>, EngineError> {
        let mut state = self.state.clone();
        for fact in &facts {
            let event = orgata_model::execution::Event {
                seq: state.version + 1,
                at: state.updated_at,
                actor: Arc::clone(&state.started_by),
                fact: fact.clone(),
            };
            state.advance(&event).map_err(|refusal| EngineError::Refusal(refusal.reason))?;
        }
        Ok(facts)
    }

    /// A question that an operator opens before a step begins.
    fn held(&self, hold: Hold) -> Result<Intervention, EngineError> {
        let free = hold.response_schema.is_some() || !hold.options.is_empty();
        let options = if free { hold.options } else { ["proceed", "fail"].map(str::to_owned).to_vec() };
        let schema = hold.response_schema.or_else(|| {
            Some(json!({
                "type": "object",
                "properties": { "decision": { "enum": options }, "reason": { "type": "string" } },
                "required": ["decision"],
            }))
        });
        if let Some(schema) = &schema {
            orgata_model::schema::Schema::compile(schema)
                .map_err(|error| EngineError::BadRequest(format!("the response schema is none: {error}")))?;
        }
        let id = self.fresh_intervention();
        Ok(Intervention {
            options,
            response_schema: schema,
            assignee_role: hold.role,
            ..Intervention::new(id, hold.step, "human_decision", hold.prompt, Origin::Operator)
        })
    }
}

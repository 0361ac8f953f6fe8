//! What callers ask of an execution while it is at work.

use std::sync::Arc;

use orgata_model::InterventionId;
use orgata_model::execution::{Actor, Fact, State, Status, Summary};
use orgata_model::intervention::Intervention;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::answers;
use crate::error::{EngineError, Thing};
use crate::executions::Control;
use crate::interventions::{AnswerRequest, Answerer, Taken};

use super::Driver;
use super::commit::Stop;

/// Something that an execution's driver should do.
pub(crate) enum Command {
    /// Take an answer.
    Answer {
        intervention: InterventionId,
        answer: AnswerRequest,
        from: Answerer,
        reply: oneshot::Sender<Result<Taken, EngineError>>,
    },
    /// Pause, resume, cancel, …
    Control {
        control: Control,
        reason: Option<String>,
        who: Actor,
        reply: oneshot::Sender<Result<Summary, EngineError>>,
    },
    /// Take an outside event. `directed`: keep it until a step waits for it; otherwise only a step that waits now
    /// takes it. The answer says whether it was taken.
    Event {
        event: String,
        payload: Arc<Value>,
        directed: bool,
        who: Actor,
        reply: oneshot::Sender<Result<bool, EngineError>>,
    },
    /// Say where it stands, once that is durable.
    Report { reply: oneshot::Sender<Result<Summary, EngineError>> },
    /// See what became of the executions that run for its steps.
    ChildEnded,
    /// See whether there is something to do.
    Wake,
}

impl Command {
    /// Answers the caller that it cannot be done.
    pub(super) fn refuse(self, error: EngineError) {
        // A caller that went away needs no answer.
        match self {
            Self::Answer { reply, .. } => drop(reply.send(Err(error))),
            Self::Event { reply, .. } => drop(reply.send(Err(error))),
            Self::Control { reply, .. } | Self::Report { reply } => drop(reply.send(Err(error))),
            Self::Wake | Self::ChildEnded => {}
        }
    }

    /// The execution has work of its own because of it: it must come back even when the store is slow to answer.
    pub(super) const fn wakes(&self) -> bool {
        matches!(self, Self::Wake | Self::ChildEnded)
    }
}

/// Where a caller waits.
type Reply<T> = oneshot::Sender<Result<T, EngineError>>;

fn refuse<T>(reply: Reply<T>, error: EngineError) -> Result<(), Stop> {
    // A caller that went away needs no answer.
    let _ = reply.send(Err(error));
    Ok(())
}

impl Driver {
    /// Does what a caller asks, and tells them once it is durable.
    pub(super) async fn obey(&mut self, command: Command) -> Result<(), Stop> {
        (self.rested, self.rest_until) = (self.rests(), self.state.wakes_at());
        let done = self.do_as_told(command).await;
        self.rested = false;
        done
    }

    /// Nothing is under way, and nothing would be lost but what is recorded from now on.
    fn rests(&self) -> bool {
        let waits = matches!(self.state.status(), Status::Waiting | Status::Paused);
        let idle = self.calls.is_empty() && self.planned.is_empty() && !self.turns.waits();
        waits && idle && self.uncommitted.is_empty()
    }

    async fn do_as_told(&mut self, command: Command) -> Result<(), Stop> {
        match command {
            Command::Wake => Ok(()),
            // It may control its own child: the future must know its size.
            Command::ChildEnded => Box::pin(self.look_after_children()).await,
            Command::Report { reply } => {
                let done = self.commit().await;
                self.tell(reply, done, State::summary)
            }
            Command::Answer { intervention, answer, from, reply } => {
                match self.check_answer(intervention, answer, &from) {
                    Ok(fact) => {
                        let done = self.record_durably(fact, from.who.actor()).await;
                        self.tell(reply, done, |state| taken(state, intervention))
                    }
                    Err(error) => refuse(reply, error),
                }
            }
            Command::Event { event, payload, directed, who, reply } => {
                if let Some(end) = &self.state.end {
                    return refuse(reply, EngineError::Ended(end.status));
                }
                let undoing = self.state.cause().is_some();
                if undoing && directed {
                    let words = "the execution is undoing its steps: it takes no events any more";
                    return refuse(reply, EngineError::Unchanged(words));
                }
                let taken = !undoing && (directed || self.state.awaits(&event, &payload));
                let done = match taken {
                    true => self.record_durably(Fact::EventReceived { event, payload }, who).await,
                    false => Ok(()),
                };
                self.tell(reply, done, |_| taken)
            }
            Command::Control { control, reason, who, reply } => {
                match Box::pin(self.control(control, reason, who)).await {
                    Ok(Ok(())) => self.tell(reply, Ok(()), State::summary),
                    Ok(Err(error)) => refuse(reply, error),
                    Err(stop) => self.tell(reply, Err(stop), State::summary),
                }
            }
        }
    }

    async fn record_durably(&mut self, fact: Fact, who: Actor) -> Result<(), Stop> {
        self.record(fact, who)?;
        self.commit().await
    }

    /// Tells a caller what came of it, and passes on what stops the driver.
    fn tell<T>(
        &self,
        reply: Reply<T>,
        done: Result<(), Stop>,
        what: impl FnOnce(&State) -> T,
    ) -> Result<(), Stop> {
        // A caller that went away needs no answer.
        let _ = reply.send(match &done {
            Ok(()) => Ok(what(&self.state)),
            Err(stop) => Err(stop.error()),
        });
        done
    }

    /// What an answer comes to: the end of its question, or one of several approvals.
    fn check_answer(
        &self,
        id: InterventionId,
        answer: AnswerRequest,
        from: &Answerer,
    ) -> Result<Fact, EngineError> {
        if let Some(resolution) = self.state.resolved.get(&id) {
            return Err(EngineError::Answered(Box::new(resolution.clone())));
        }
        let Some(question) = self.state.question(id) else {
            return Err(match &self.state.end {
                Some(end) => EngineError::Ended(end.status),
                None => EngineError::not_found(Thing::Intervention, id),
            });
        };
        if let Some(refusal) = from.refusal(question, &self.state.started_by) {
            return Err(refusal);
        }
        answers::check(question, &answer.response)?;
        let step = question.step.clone();
        let (response, notes) = (Arc::new(answer.response), answer.notes);
        if let Some(earlier) = question.approved.iter().find(|earlier| *earlier.by == *from.who.name()) {
            return Err(EngineError::Answered(Box::new(earlier.clone())));
        }
        let more = question.approved.len() + 1 < question.approvals as usize;
        Ok(match more && approves(question, &response) {
            true => Fact::InterventionApproved { intervention: id, step, response, notes },
            false => Fact::InterventionResolved { intervention: id, step, response, notes },
        })
    }
}

/// What an answer that was taken came to: a question that is still open has another approval.
fn taken(state: &State, id: InterventionId) -> Taken {
    match state.question(id) {
        Some(question) => Taken::Approved { so_far: question.approved.len(), needed: question.approvals },
        None => Taken::Answered,
    }
}

/// Whether this answer is one of the approvals that are needed; any other decides at once.
fn approves(question: &Intervention, response: &Value) -> bool {
    let decision = response.get("decision").unwrap_or(response).as_str();
    decision.is_some() && decision == question.options.first().map(String::as_str).or(Some("approve"))
}

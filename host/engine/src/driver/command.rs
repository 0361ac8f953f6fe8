//! What callers ask of an execution while it is at work.

use std::sync::Arc;

use orgata_model::InterventionId;
use orgata_model::execution::{Actor, Fact, State, Summary};
use tokio::sync::oneshot;

use crate::answers;
use crate::error::{EngineError, Thing};
use crate::executions::Control;
use crate::interventions::AnswerRequest;

use super::Driver;
use super::commit::Stop;

/// Something that an execution's driver should do.
pub(crate) enum Command {
    /// Take an answer.
    Answer {
        intervention: InterventionId,
        answer: AnswerRequest,
        who: Actor,
        reply: oneshot::Sender<Result<(), EngineError>>,
    },
    /// Pause, resume or cancel.
    Control {
        control: Control,
        reason: Option<String>,
        who: Actor,
        reply: oneshot::Sender<Result<Summary, EngineError>>,
    },
    /// Say where it stands, once that is durable.
    Report { reply: oneshot::Sender<Result<Summary, EngineError>> },
    /// See whether there is something to do.
    Wake,
}

impl Command {
    /// Answers the caller that it cannot be done.
    pub(super) fn refuse(self, error: EngineError) {
        // A caller that went away needs no answer.
        match self {
            Self::Answer { reply, .. } => drop(reply.send(Err(error))),
            Self::Control { reply, .. } | Self::Report { reply } => drop(reply.send(Err(error))),
            Self::Wake => {}
        }
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
        match command {
            Command::Wake => Ok(()),
            Command::Report { reply } => {
                let done = self.commit().await;
                self.tell(reply, done, State::summary)
            }
            Command::Answer { intervention, answer, who, reply } => {
                match self.check_answer(intervention, &answer) {
                    Ok(fact) => {
                        let done = self.record_durably(fact(answer), who).await;
                        self.tell(reply, done, |_| ())
                    }
                    Err(error) => refuse(reply, error),
                }
            }
            Command::Control { control, reason, who, reply } => match self.check_control(control, reason) {
                Ok(fact) => {
                    let done = self.record_durably(fact, who).await;
                    self.tell(reply, done, State::summary)
                }
                Err(error) => refuse(reply, error),
            },
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

    fn check_answer(
        &self,
        id: InterventionId,
        answer: &AnswerRequest,
    ) -> Result<impl FnOnce(AnswerRequest) -> Fact + use<>, EngineError> {
        if let Some(resolution) = self.state.resolved.get(&id) {
            return Err(EngineError::Answered(Box::new(resolution.clone())));
        }
        let Some(question) = self.state.question(id) else {
            return Err(match &self.state.end {
                Some(end) => EngineError::Ended(end.status),
                None => EngineError::not_found(Thing::Intervention, id),
            });
        };
        answers::check(question, &answer.response)?;
        let step = question.step.clone();
        Ok(move |answer: AnswerRequest| Fact::InterventionResolved {
            intervention: id,
            step,
            response: Arc::new(answer.response),
            notes: answer.notes,
        })
    }

    fn check_control(&self, control: Control, reason: Option<String>) -> Result<Fact, EngineError> {
        if let Some(end) = &self.state.end {
            return Err(EngineError::Ended(end.status));
        }
        match (control, self.state.paused) {
            (Control::Pause, true) => Err(EngineError::Unchanged("the execution is paused already")),
            (Control::Resume, false) => Err(EngineError::Unchanged("the execution is not paused")),
            (Control::Pause, false) => Ok(Fact::ExecutionPaused { reason }),
            (Control::Resume, true) => Ok(Fact::ExecutionResumed { reason }),
            (Control::Cancel, _) => Ok(Fact::ExecutionCancelled { reason }),
        }
    }
}

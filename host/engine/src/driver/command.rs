//! What callers ask of an execution while it is at work.

use std::sync::Arc;

use orgata_model::InterventionId;
use orgata_model::execution::{Actor, Fact, Summary};
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

impl Driver {
    /// Does what a caller asks, and tells them once it is durable.
    pub(super) async fn obey(&mut self, command: Command) -> Result<(), Stop> {
        match command {
            Command::Wake => Ok(()),
            Command::Report { reply } => {
                self.commit().await?;
                let _ = reply.send(Ok(self.state.summary()));
                Ok(())
            }
            Command::Answer { intervention, answer, who, reply } => {
                let taken = self.check_answer(intervention, &answer);
                let told = match taken {
                    Ok(fact) => {
                        self.record(fact(answer), who)?;
                        self.commit().await?;
                        Ok(())
                    }
                    Err(error) => Err(error),
                };
                let _ = reply.send(told);
                Ok(())
            }
            Command::Control { control, reason, who, reply } => {
                let told = match self.check_control(control, reason) {
                    Ok(fact) => {
                        self.record(fact, who)?;
                        self.commit().await?;
                        Ok(self.state.summary())
                    }
                    Err(error) => Err(error),
                };
                let _ = reply.send(told);
                Ok(())
            }
        }
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

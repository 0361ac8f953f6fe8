//! Doors: questions and their answers.

use orgata_model::{ExecutionId, InterventionId};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::driver::{self, Command};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::ports::{InboxQuery, Page, PendingIntervention};
use crate::principal::Principal;

/// An answer to a question.
#[derive(Debug, Clone)]
pub struct AnswerRequest {
    /// What is answered; must satisfy the question's schema.
    pub response: Value,
    /// What the answerer wants to add.
    pub notes: Option<String>,
}

impl Engine {
    /// The open questions of one execution.
    pub async fn pending_interventions(
        &self,
        _who: &Principal,
        execution: ExecutionId,
    ) -> Result<Vec<PendingIntervention>, EngineError> {
        self.stored(execution).await?;
        let query = InboxQuery { execution: Some(execution), limit: 1000, ..InboxQuery::default() };
        Ok(self.0.store.inbox(&query).await?.items)
    }

    /// A page of all open questions that the caller may answer.
    pub async fn inbox(
        &self,
        _who: &Principal,
        query: &InboxQuery,
    ) -> Result<Page<PendingIntervention>, EngineError> {
        Ok(self.0.store.inbox(query).await?)
    }

    /// Answers a question. The first valid answer wins: `Ok` means that this one is durable.
    pub async fn answer(
        &self,
        who: &Principal,
        execution: ExecutionId,
        intervention: InterventionId,
        answer: AnswerRequest,
    ) -> Result<(), EngineError> {
        let (reply, answered) = oneshot::channel();
        let command = Command::Answer { intervention, answer, who: who.actor(), reply };
        driver::deliver(&self.0, execution, command)?;
        answered.await.map_err(|_| self.0.gone())?
    }
}

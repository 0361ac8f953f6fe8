//! Doors: questions and their answers.

use std::collections::BTreeSet;

use orgata_model::intervention::Intervention;
use orgata_model::{ExecutionId, InterventionId};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::access::{self, Subject, rules};
use crate::driver::{self, Command};
use crate::engine::Engine;
use crate::error::{EngineError, Thing};
use crate::ports::{InboxQuery, Page, PendingIntervention};
use crate::principal::{Principal, PrincipalKind};

/// An answer to a question.
#[derive(Debug, Clone)]
pub struct AnswerRequest {
    /// What is answered; must satisfy the question's schema.
    pub response: Value,
    /// What the answerer wants to add.
    pub notes: Option<String>,
    /// By which way it came.
    pub way: Way,
}

/// By which way an answer came, as far as it says who thought of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From whoever makes the request.
    Direct,
    /// From a person, to whom an assistant's client showed the question.
    Person,
    /// From an assistant's own words, whoever it works for.
    Assistant,
}

/// What an answer that was taken came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The question is closed.
    Answered,
    /// It is one of several approvals: the question stays open.
    Approved {
        /// How many have approved, this one counted.
        so_far: usize,
        /// How many must.
        needed: u32,
    },
}

/// Who answers, and by which way.
#[derive(Debug, Clone)]
pub(crate) struct Answerer {
    pub(crate) who: Principal,
    pub(crate) way: Way,
}

impl Answerer {
    /// Why this one may not answer that question, whatever the answer is; `started_by` is who started the execution.
    pub(crate) fn refusal(&self, question: &Intervention, started_by: &str) -> Option<EngineError> {
        let told = |told: String| Some(EngineError::NotAllowed(told));
        if let Some(role) = question.assignee_role.as_ref().filter(|role| !self.who.holds(role)) {
            return told(format!("role `{role}` is asked: {} does not hold it", self.who.name()));
        }
        if question.humans_only && !self.is_a_person() {
            return told("a person must answer this, not an assistant: show it to one".to_owned());
        }
        if !question.self_approval && *self.who.name() == *started_by {
            return told("whoever started the execution may not answer this: somebody else must".to_owned());
        }
        None
    }

    /// Programs are what people made them for: they may stand for one. Assistants may not.
    fn is_a_person(&self) -> bool {
        match self.way {
            Way::Direct => self.who.kind() != PrincipalKind::Assistant,
            Way::Person => true,
            Way::Assistant => false,
        }
    }
}

impl Engine {
    /// The open questions of one execution.
    pub async fn pending_interventions(
        &self,
        who: &Principal,
        execution: ExecutionId,
    ) -> Result<Vec<PendingIntervention>, EngineError> {
        self.0.look_at(who, &rules::QUESTIONS, execution).await?;
        self.stored(execution).await?;
        let query = InboxQuery { execution: Some(execution), limit: 1000, ..InboxQuery::default() };
        let mut open = self.0.store.inbox(&query).await?.items;
        self.without_names(who, &mut open);
        Ok(open)
    }

    /// A page of all open questions that the caller may answer. Who has approved one is named for those who may look at its
    /// execution; how many have is told to everybody.
    pub async fn inbox(
        &self,
        who: &Principal,
        query: &InboxQuery,
    ) -> Result<Page<PendingIntervention>, EngineError> {
        let narrowed = self.0.narrowed_to(who, &rules::QUESTIONS, query.runtime.as_ref());
        let Some(allowed) = narrowed else { return Ok(Page::empty()) };
        let runtimes = access::both(allowed, query.runtimes.as_ref());
        if runtimes.as_ref().is_some_and(BTreeSet::is_empty) {
            return Ok(Page::empty());
        }
        let query = InboxQuery { runtimes, roles: who.only_roles().cloned(), ..query.clone() };
        let mut page = self.0.store.inbox(&query).await?;
        self.without_names(who, &mut page.items);
        Ok(page)
    }

    /// Takes out who has approved, where the caller may not look at what says so: the execution's history.
    fn without_names(&self, who: &Principal, open: &mut [PendingIntervention]) {
        for pending in open.iter_mut().filter(|pending| !pending.intervention.approved.is_empty()) {
            let place = self.0.place_of_runtime(&pending.runtime);
            if !self.0.may(who, rules::LOOK.resource, rules::LOOK.access, place) {
                pending.intervention.approved.iter_mut().for_each(|approved| approved.by.clear());
            }
        }
    }

    /// Answers a question. The first valid answer wins, and where several must approve, each approval counts: `Ok` means that
    /// this one is durable.
    pub async fn answer(
        &self,
        who: &Principal,
        execution: ExecutionId,
        intervention: InterventionId,
        answer: AnswerRequest,
    ) -> Result<Taken, EngineError> {
        let place = self.0.place_of(who, execution).await?;
        let work = async {
            let (reply, answered) = oneshot::channel();
            let from = Answerer { who: who.clone(), way: answer.way };
            let command = Command::Answer { intervention, answer, from, reply };
            driver::deliver(&self.0, execution, command)?;
            answered.await.map_err(|_| self.0.gone())?
        };
        let name = format!("{execution}/{intervention}");
        let subject = Subject { thing: Thing::Execution, name: &name };
        self.0.guarded(who, &rules::ANSWER, place, subject, work).await
    }
}

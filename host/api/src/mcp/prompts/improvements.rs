//! `suggest_process_improvements`: what an execution took, and from whom.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use orgata_model::execution::{Event, Fact, Seq};
use orgata_model::{ExecutionId, InterventionId};
use rmcp::model::PromptMessage;

use super::{Argument, Given, Registered, Written, embedded, text};
use crate::error::ApiError;
use crate::mcp::address::Address;
use crate::mcp::call::Call;

pub(super) const PROMPT: Registered = Registered {
    name: "suggest_process_improvements",
    title: "Suggest improvements of a process",
    about: "An execution's history with its timings, retries, waits and who answered, to find what could be better",
    arguments: &[
        Argument { name: "execution", about: "The execution, `exec_…`", required: true },
        Argument { name: "goal", about: "What should get better: time, cost, errors, …", required: false },
    ],
    write: |call, given| -> Written<'_> { Box::pin(write(call, given)) },
};

/// Events that are looked at: a longer history is cut, and the prompt says so.
const MOST: usize = 5_000;
/// Events read at a time.
const PAGE: usize = 500;

const QUESTIONS: &str = "\
Suggest how the process could be better. Look for: steps that wait for each other without need (`parallel`, `dependsOn`); time \
spent waiting for people (earlier questions, deadlines with a sensible answer, reminders, another role); retries that show an \
unreliable neighbour (another policy, another limit); questions that were always answered alike (a rule instead); work done \
before it could still be refused. Give each suggestion with what it would have saved here, what it could cost, and the changed \
YAML, checked with the tool `check_playbook`. One execution is one sample: say what you would look up in others with \
`list_executions` and `get_execution_history` before deciding.";

async fn write(call: &Call, given: Given) -> Result<Vec<PromptMessage>, ApiError> {
    let id: ExecutionId = given.name("execution")?;
    let summary = call.engine().execution(&call.who, id).await?;
    let events = history(call, id).await?;
    let goal = given.text("goal").unwrap_or("whatever helps most");
    let playbook = Address::Playbook(summary.runtime.clone(), summary.playbook.name.clone());
    let mut messages = vec![text(format!(
        "Suggest improvements of the process that execution `{id}` ran. Goal: {goal}.\n\n{}",
        Digest::of(&events).written(summary.status.as_str(), events.len() >= MOST)
    ))];
    // A playbook may be retired by now, or published anew: the history stands for itself.
    if let Ok(message) = embedded(call, &playbook).await {
        messages.push(text("The playbook as it is published now:"));
        messages.push(message);
    }
    messages.push(embedded(call, &Address::Execution(id)).await?);
    messages.push(text(QUESTIONS));
    Ok(messages)
}

async fn history(call: &Call, id: ExecutionId) -> Result<Vec<Event>, ApiError> {
    let mut events: Vec<Event> = Vec::new();
    while events.len() < MOST {
        let after: Seq = events.last().map_or(0, |event| event.seq);
        let page = call.engine().history(&call.who, id, after, PAGE).await?;
        if page.is_empty() {
            break;
        }
        events.extend(page);
    }
    Ok(events)
}

/// What an execution took, step by step.
#[derive(Default)]
struct Digest<'e> {
    began: Option<Timestamp>,
    last: Option<Timestamp>,
    /// With the place in which each began.
    steps: BTreeMap<String, (usize, Took<'e>)>,
    open: BTreeMap<InterventionId, (String, Timestamp)>,
}

/// What a step took.
#[derive(Default)]
struct Took<'e> {
    began: Option<Timestamp>,
    ended: Option<(Timestamp, &'static str)>,
    attempts: u32,
    retries: u32,
    waited: SignedDuration,
    answered_by: Vec<&'e str>,
    /// An outside event's name, while nothing has come of it.
    waits_for: Option<&'e str>,
}

impl<'e> Digest<'e> {
    fn of(events: &'e [Event]) -> Self {
        let mut digest = Self::default();
        for event in events {
            digest.began.get_or_insert(event.at);
            digest.last = Some(event.at);
            digest.read(event);
        }
        digest
    }

    fn read(&mut self, event: &'e Event) {
        let at = event.at;
        match &event.fact {
            Fact::StepStarted { step, attempt, .. } | Fact::ChildStarted { step, attempt, .. } => {
                let took = self.step(step);
                took.began.get_or_insert(at);
                took.attempts = took.attempts.max(*attempt);
            }
            Fact::StepRetryScheduled { step, .. } => self.step(step).retries += 1,
            Fact::StepWaiting { step, event, .. } => {
                let took = self.step(step);
                took.began.get_or_insert(at);
                took.waits_for = Some(event.as_deref().unwrap_or("a time"));
            }
            Fact::StepCompleted { step, .. } => self.end(step, at, "completed"),
            Fact::StepSkipped { step, .. } => self.end(step, at, "skipped"),
            Fact::StepFailed { step, .. } => self.end(step, at, "failed"),
            Fact::InterventionRequired { intervention } => {
                self.step(&intervention.step).began.get_or_insert(at);
                self.open.insert(intervention.id, (intervention.step.to_string(), at));
            }
            Fact::InterventionApproved { step, .. } => self.step(step).answered_by.push(&event.actor),
            Fact::InterventionResolved { intervention, .. } => self.close(*intervention, at, &event.actor),
            Fact::InterventionExpired { intervention, .. } => self.close(*intervention, at, "nobody in time"),
            Fact::InterventionWithdrawn { intervention, .. } => {
                self.close(*intervention, at, "nobody: withdrawn")
            }
            _ => {}
        }
    }

    fn step(&mut self, step: &impl std::fmt::Display) -> &mut Took<'e> {
        let next = self.steps.len();
        let (_, took) = self.steps.entry(step.to_string()).or_insert_with(|| (next, Took::default()));
        took
    }

    fn end(&mut self, step: &impl std::fmt::Display, at: Timestamp, how: &'static str) {
        self.step(step).ended = Some((at, how));
    }

    fn close(&mut self, asked: InterventionId, at: Timestamp, by: &'e str) {
        if let Some((step, since)) = self.open.remove(&asked) {
            let took = self.step(&step);
            took.waited += at.duration_since(since);
            took.answered_by.push(by);
        }
    }

    fn written(&self, status: &str, cut: bool) -> String {
        let mut text = String::new();
        if let (Some(began), Some(last)) = (self.began, self.last) {
            // Writing into a text cannot fail.
            let _ = writeln!(
                text,
                "Its status is `{status}`. From its first event to its last it took {}: {began} to {last}.",
                shown(last.duration_since(began))
            );
        }
        if cut {
            let _ = writeln!(text, "Its history is longer than {MOST} events: only those are counted.");
        }
        text.push_str("\n| step | took | attempts | retries | waited for people | answered by | outcome |\n|---|---|---|---|---|---|---|\n");
        let mut steps: Vec<_> = self.steps.iter().collect();
        steps.sort_by_key(|(_, (place, _))| *place);
        for (name, (_, took)) in steps {
            let asks = self.open.values().any(|(step, _)| step == name);
            let _ = writeln!(text, "| {name} | {} |", took.cells(asks).join(" | "));
        }
        for (step, since) in self.open.values() {
            let _ = writeln!(text, "\n`{step}` still waits for an answer, since {since}.");
        }
        text
    }
}

impl Took<'_> {
    /// `asks`: a question of the step is open.
    fn cells(&self, asks: bool) -> [String; 6] {
        let (took, outcome) = match (self.began, self.ended) {
            (Some(began), Some((ended, how))) => (shown(ended.duration_since(began)), how.to_owned()),
            (None, Some((_, how))) => (String::new(), how.to_owned()),
            _ if asks => (String::new(), "waits for a person".to_owned()),
            _ => match self.waits_for {
                Some(what) => (String::new(), format!("waits for {what}")),
                None => (String::new(), "under way".to_owned()),
            },
        };
        let waited = if self.waited.is_zero() { String::new() } else { shown(self.waited) };
        let count = |count: u32| if count == 0 { String::new() } else { count.to_string() };
        [took, count(self.attempts), count(self.retries), waited, self.answered_by.join(", "), outcome]
    }
}

/// A time for people: whole milliseconds below ten seconds, whole seconds from there on.
fn shown(took: SignedDuration) -> String {
    // Clocks are set back now and then.
    let took = took.max(SignedDuration::ZERO);
    if took.as_secs() < 10 {
        format!("{}ms", took.as_millis())
    } else {
        format!("{:#}", SignedDuration::from_secs(took.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_history_is_told_step_by_step() {
        let recorded = include_str!("../../../../model/tests/histories/v0_1.jsonl");
        let events: Vec<Event> =
            recorded.lines().map(|line| serde_json::from_str(line).expect("a line is an event")).collect();
        insta::assert_snapshot!(Digest::of(&events).written("succeeded", true));
    }
}

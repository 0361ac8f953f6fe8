//! What stories do with executions: begin, wait, answer, look back.

use serde_json::{Value, json};

use crate::event::{self, Event, ExecutionId, Question};
use crate::host::TestHost;
use crate::http::Reply;
use crate::matchers::Matcher;
use crate::patience;

/// Events in one page of history; stories that are longer are read page by page.
const PAGE: usize = 200;

impl TestHost {
    /// Begins an execution in the host's own runtime.
    pub async fn begin(&self, playbook: &str, input: Value) -> ExecutionId {
        let body = self.try_begin(playbook, input).await.is(202);
        ExecutionId(body["executionId"].as_str().expect("an accepted execution has an id").to_owned())
    }

    /// The same where the answer itself is of interest.
    pub async fn try_begin(&self, playbook: &str, input: Value) -> Reply {
        let path = format!("/api/v1/runtimes/{}/executions", self.runtime());
        self.post(&path, json!({ "playbookName": playbook, "input": input })).await
    }

    /// Waits until the history holds what is asked for, and gives it. Fails with the history when it does
    /// not come in time, or when the execution ended without it.
    pub async fn until<T>(&self, id: &ExecutionId, matcher: Matcher<T>) -> T {
        let mut seen = Vec::new();
        let found = patience::until(async || {
            seen = self.history(id).await;
            let over = seen.last().is_some_and(Event::is_end);
            match matcher.find(&seen) {
                Some(found) => Some(Some(found)),
                None if over => Some(None),
                None => None,
            }
        });
        let found = found.await.flatten();
        found.unwrap_or_else(|| panic!("{id}: {} did not come. Its history:\n{}", matcher.what, shown(&seen)))
    }

    /// All events so far.
    pub async fn history(&self, id: &ExecutionId) -> Vec<Event> {
        let mut events = Vec::new();
        let mut query = format!("limit={PAGE}");
        loop {
            let page = self.get(&format!("/api/v1/executions/{id}/history?{query}")).await.is(200);
            let items = page["items"].as_array().unwrap_or_else(|| panic!("a page has items: {page}"));
            events.extend(
                items.iter().map(|item| Event::read(item).unwrap_or_else(|| panic!("not an event: {item}"))),
            );
            match page["nextCursor"].as_str() {
                Some(cursor) => query = format!("limit={PAGE}&after={cursor}"),
                None => return events,
            }
        }
    }

    /// The history as lines without what differs from run to run, for snapshots. How far a step had come
    /// is left out: a host that has more to do may tell less of it.
    pub async fn journal(&self, id: &ExecutionId) -> String {
        let mut events = self.history(id).await;
        events.retain(|event| event.kind != "step_progress");
        event::lines(&events)
    }

    /// Where it stands: the body of `GET /executions/{id}`.
    pub async fn status(&self, id: &ExecutionId) -> Value {
        self.get(&format!("/api/v1/executions/{id}")).await.is(200)
    }

    /// Answers a question.
    pub async fn answer(&self, id: &ExecutionId, question: &Question, response: Value) -> Reply {
        self.answer_with(id, question, json!({ "response": response })).await
    }

    /// Answers with a whole body, notes included.
    pub async fn answer_with(&self, id: &ExecutionId, question: &Question, body: Value) -> Reply {
        self.post(&format!("/api/v1/executions/{id}/interventions/{}", question.id), body).await
    }

    /// Tells the host's own runtime of an outside event: the executions that took it.
    pub async fn tell(&self, event: &str, payload: Value) -> Vec<ExecutionId> {
        let path = format!("/api/v1/runtimes/{}/events", self.runtime());
        let delivery = self.post(&path, json!({ "event": event, "payload": payload })).await.is(200);
        let took = delivery["executions"].as_array().expect("a delivery has executions");
        took.iter().filter_map(Value::as_str).map(|id| ExecutionId(id.to_owned())).collect()
    }

    /// Makes an execution from an earlier one.
    pub async fn fork(&self, id: &ExecutionId, body: Value) -> ExecutionId {
        let handle = self.post(&format!("/api/v1/executions/{id}/fork"), body).await.is(201);
        ExecutionId(handle["executionId"].as_str().expect("a fork has an id").to_owned())
    }

    /// A control with a whole body: `retry`, `skip`, `hold`, `cancel`, …
    pub async fn steer(&self, id: &ExecutionId, verb: &str, body: Value) -> Reply {
        self.post(&format!("/api/v1/executions/{id}/{verb}"), body).await
    }

    /// `pause`, `resume`, `cancel` or `retry`, with a reason.
    pub async fn control(&self, id: &ExecutionId, verb: &str, reason: &str) -> Reply {
        self.post(&format!("/api/v1/executions/{id}/{verb}"), json!({ "reason": reason })).await
    }
}

/// A history to read in a failure: failures with their bodies, the rest as lines.
fn shown(history: &[Event]) -> String {
    let line = |event: &Event| match event.kind.contains("failed") {
        true => format!("{:>4} {event} {}", event.seq, event.body),
        false => format!("{:>4} {event}", event.seq),
    };
    history.iter().map(line).collect::<Vec<_>>().join("\n")
}

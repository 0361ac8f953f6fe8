//! What the host promised, and whether it kept it.
//!
//! The test keeps a ledger beside the host: executions and answers that were acknowledged, histories as they
//! were seen, and how often each effect had happened when its result was first seen. After every start the
//! host's own word is compared with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use orgata_tests::{Event, ExecutionId, TestHost, Witness};
use serde_json::Value;

/// The effects of the playbook: the step's name is the path at the witness.
pub(crate) const EFFECTS: [&str; 3] = ["charge", "notify", "ship"];

/// An answer that the host said it took.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) intervention: String,
    pub(crate) response: Value,
}

#[derive(Debug, Default)]
struct Pages {
    /// Executions that were acknowledged, by the key that they were started with.
    started: BTreeMap<String, ExecutionId>,
    answers: BTreeMap<ExecutionId, Vec<Answered>>,
    /// Executions that something was acknowledged for since the last look.
    touched: BTreeSet<ExecutionId>,
    /// Histories as they were seen last.
    seen: BTreeMap<ExecutionId, Vec<Event>>,
    /// How often an effect had happened when its result was first seen, by idempotency key.
    settled: BTreeMap<String, usize>,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Pages>);

impl Ledger {
    /// An execution was acknowledged. The same key must never give another one.
    pub(crate) fn started(&self, key: &str, id: &ExecutionId) {
        let mut pages = self.0.lock().unwrap();
        let before = pages.started.insert(key.to_owned(), id.clone());
        assert!(
            before.as_ref().is_none_or(|before| before == id),
            "key {key} gave {before:?}, and then {id}"
        );
        pages.touched.insert(id.clone());
    }

    /// An answer was acknowledged.
    pub(crate) fn answered(&self, id: &ExecutionId, answer: Answered) {
        let mut pages = self.0.lock().unwrap();
        pages.answers.entry(id.clone()).or_default().push(answer);
        pages.touched.insert(id.clone());
    }

    /// Everything that was acknowledged so far.
    pub(crate) fn executions(&self) -> Vec<ExecutionId> {
        self.0.lock().unwrap().started.values().cloned().collect()
    }

    /// How many answers were acknowledged.
    pub(crate) fn answers(&self) -> usize {
        self.0.lock().unwrap().answers.values().map(Vec::len).sum()
    }

    /// After a start: every acknowledged execution is there, and so is every answer that was acknowledged
    /// since the last look.
    pub(crate) async fn compare(&self, host: &TestHost, witness: &Witness) {
        let (known, touched) = {
            let mut pages = self.0.lock().unwrap();
            let known: BTreeSet<_> = pages.started.values().cloned().collect();
            (known, std::mem::take(&mut pages.touched))
        };
        let there = all_executions(host).await;
        let lost: Vec<_> = known.difference(&there).collect();
        assert!(lost.is_empty(), "acknowledged executions are gone: {lost:?}");
        for id in touched {
            self.look_at(&id, host.history(&id).await, witness);
        }
    }

    /// One execution's history: without gap or repeat, with all that was seen of it and all that it was
    /// acknowledged to hold.
    pub(crate) fn look_at(&self, id: &ExecutionId, history: Vec<Event>, witness: &Witness) {
        let mut pages = self.0.lock().unwrap();
        let seqs: Vec<u64> = history.iter().map(|event| event.seq).collect();
        assert!(
            seqs.iter().copied().eq(1..=seqs.len() as u64),
            "{id}: seqs have a gap or a repeat: {seqs:?}"
        );
        let before = pages.seen.get(id).map_or(&[][..], Vec::as_slice);
        assert_eq!(history.get(..before.len()), Some(before), "{id}: what was told is no longer so");
        for answer in pages.answers.get(id).into_iter().flatten() {
            let taken = history.iter().filter(|event| event.kind == "intervention_resolved");
            let own: Vec<_> =
                taken.filter(|event| event.body["interventionId"] == answer.intervention.as_str()).collect();
            assert_eq!(own.len(), 1, "{id}: an acknowledged answer must be there, once: {answer:?}");
            assert_eq!(own[0].body["response"], answer.response, "{id}: the answer is another one");
        }
        for step in EFFECTS {
            if history.iter().any(|event| event.is("step_completed", step)) {
                let key = format!("{id}/{step}");
                let times = times(witness, step, &key);
                pages.settled.entry(key).or_insert(times);
            }
        }
        pages.seen.insert(id.clone(), history);
    }

    /// At the end: no effect happened again after its result was seen.
    pub(crate) fn nothing_was_repeated(&self, witness: &Witness) {
        for (key, times_then) in &self.0.lock().unwrap().settled {
            let step = key.rsplit('/').next().unwrap_or_default();
            assert_eq!(times(witness, step, key), *times_then, "{key}: a completed effect was repeated");
        }
    }
}

/// How often an effect happened, by the key that came with it.
pub(crate) fn times(witness: &Witness, step: &str, key: &str) -> usize {
    witness.times(&format!("/{step}"), key)
}

/// The ids of all executions, page by page.
pub(crate) async fn all_executions(host: &TestHost) -> BTreeSet<ExecutionId> {
    let mut ids = BTreeSet::new();
    let mut query = "limit=150".to_owned();
    loop {
        let page = host.get(&format!("/api/v1/executions?{query}")).await.is(200);
        for item in page["items"].as_array().expect("a page has items") {
            let id = ExecutionId(item["executionId"].as_str().expect("an execution has an id").to_owned());
            assert!(ids.insert(id), "an execution is on two pages: {item}");
        }
        match page["nextCursor"].as_str() {
            Some(cursor) => query = format!("limit=150&cursor={cursor}"),
            None => return ids,
        }
    }
}

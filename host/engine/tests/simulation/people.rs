//! What people ask of the host: it may be nonsense, it may come twice, and what was acknowledged must be there.

use std::sync::{Arc, Mutex};

use orgata_engine::ports::{PendingIntervention, StoreError};
use orgata_engine::{
    AnswerRequest, Control, EngineError, ForkRequest, Hold, Principal, PrincipalKind, StartRequest, Way,
};
use orgata_model::ExecutionId;
use orgata_model::execution::Fact;
use orgata_model::intervention::Origin;
use serde_json::{Value, json};

use crate::rng::Rng;
use crate::support::TestHost;
use crate::support::host::{ada, request, runtime};

/// What went wrong with requests.
pub(crate) type Complaints = Arc<Mutex<Vec<String>>>;

/// People, and what they remember.
#[derive(Default)]
pub(crate) struct People {
    pub(crate) complaints: Complaints,
    answered: Vec<(PendingIntervention, Value)>,
    keys: u64,
}

fn person(number: u64) -> Principal {
    Principal::trusted(&format!("person-{number}"), PrincipalKind::User)
}

/// Runs a request beside everything else. Whether its acknowledgement is true is seen at once.
fn ask<T: Send + 'static>(
    complaints: &Complaints,
    what: String,
    request: impl Future<Output = Result<T, EngineError>> + Send + 'static,
    is_stored: impl FnOnce(T) -> bool + Send + 'static,
) {
    let complaints = Arc::clone(complaints);
    tokio::spawn(async move {
        let complaint = match request.await {
            Ok(told) => match is_stored(told) {
                true => return,
                false => format!("{what}: acknowledged, and not stored"),
            },
            Err(error @ (EngineError::Internal(_) | EngineError::Store(StoreError::Conflict))) => {
                format!("{what}: {error}")
            }
            _ => return,
        };
        complaints.lock().unwrap().push(complaint);
    });
}

impl People {
    pub(crate) fn start(&mut self, host: &TestHost, dice: &mut Rng) -> String {
        let again = self.keys > 0 && dice.once_in(3);
        if !again {
            self.keys += 1;
        }
        let n = self.keys % 5;
        let input = json!({ "n": n, "list": [4, { "x": 5 }], "nothing": null });
        let wait = dice.once_in(3).then_some(std::time::Duration::from_secs(50));
        let idempotency_key = Some(format!("key-{}", self.keys));
        let request = StartRequest { idempotency_key, wait, ..request(input) };
        let (engine, store) = (host.engine.clone(), host.store.clone());
        let starting = async move { engine.start(&ada(), &runtime(), request).await };
        let is_there = move |started: orgata_engine::Started| store.summary(started.summary.id).is_some();
        ask(&self.complaints, "a start".to_owned(), starting, is_there);
        format!("start with key-{}{}", self.keys, if again { " again" } else { "" })
    }

    /// Somebody answers an open question.
    pub(crate) fn answer(&mut self, host: &TestHost, dice: &mut Rng, kind: bool) -> Option<String> {
        let open = dice.pick(&host.store.open())?.clone();
        let response = response(&open, if kind { None } else { Some(dice) });
        self.answered.push((open.clone(), response.clone()));
        let who = person(dice.roll(3));
        Some(self.answer_to(host, who, open, response))
    }

    /// An answer that was given comes once more.
    pub(crate) fn answer_again(&mut self, host: &TestHost, dice: &mut Rng) -> Option<String> {
        let (open, response) = dice.pick(&self.answered)?.clone();
        Some(self.answer_to(host, person(dice.roll(3)), open, response))
    }

    fn answer_to(
        &self,
        host: &TestHost,
        who: Principal,
        open: PendingIntervention,
        response: Value,
    ) -> String {
        let (engine, store) = (host.engine.clone(), host.store.clone());
        let (execution, id) = (open.execution, open.intervention.id);
        let words = format!("{} says {response} to {} of {execution}", who.name(), open.intervention.step);
        let answer = AnswerRequest { response, notes: None, way: Way::Direct };
        let answering = async move { engine.answer(&who, execution, id, answer).await };
        let is_there = move |_| {
            store.history(execution).iter().any(|event| match &event.fact {
                Fact::InterventionResolved { intervention, .. }
                | Fact::InterventionApproved { intervention, .. } => *intervention == id,
                _ => false,
            })
        };
        ask(&self.complaints, words.clone(), answering, is_there);
        words
    }

    /// Something happens outside: for one execution, or for whoever waits.
    pub(crate) fn event(&self, host: &TestHost, dice: &mut Rng, n: u64) -> Option<String> {
        let payload = json!({ "n": n, "nonce": dice.next() });
        let (engine, store) = (host.engine.clone(), host.store.clone());
        let expected = payload.clone();
        let came = move |id: ExecutionId| {
            let is_it =
                |fact: &Fact| matches!(fact, Fact::EventReceived { payload, .. } if **payload == expected);
            store.history(id).iter().any(|event| is_it(&event.fact))
        };
        if dice.once_in(2) {
            let paid = orgata_engine::OutsideEvent { event: "paid".to_owned(), payload, id: None };
            let telling = async move { engine.event(&ada(), &runtime(), paid).await };
            let all = move |told: orgata_engine::Delivery| told.executions.into_iter().all(came);
            ask(&self.complaints, "an event".to_owned(), telling, all);
            return Some(format!("event for all, n {n}"));
        }
        let id = *dice.pick(&host.store.ids())?;
        let telling = async move { engine.execution_event(&ada(), id, "paid", payload).await };
        ask(&self.complaints, format!("an event for {id}"), telling, move |()| came(id));
        Some(format!("event for {id}, n {n}"))
    }

    /// An operator does something to an execution, whether it can be done or not.
    pub(crate) fn control(&self, host: &TestHost, dice: &mut Rng) -> Option<String> {
        let id = *dice.pick(&host.store.ids())?;
        let (control, name) = control(host, id, dice)?;
        Some(self.steer(host, id, control, name))
    }

    pub(crate) fn steer(
        &self,
        host: &TestHost,
        id: ExecutionId,
        control: Control,
        name: &'static str,
    ) -> String {
        let words = format!("{control:?} for {id}");
        let (engine, store) = (host.engine.clone(), host.store.clone());
        let steering = async move { engine.control(&ada(), id, control, None).await };
        ask(&self.complaints, words.clone(), steering, move |summary| {
            let told = store.summary(id).is_some_and(|stored| stored.version >= summary.version);
            // Cancelling is either of two things.
            told && (name.is_empty() || store.journal(id).contains(&name))
        });
        words
    }

    pub(crate) fn fork(&self, host: &TestHost, dice: &mut Rng) -> Option<String> {
        let id = *dice.pick(&host.store.ids())?;
        let playbook = host.store.playbook_of(id);
        let step = dice.pick(&playbook.steps)?.name.clone();
        let words = format!("fork of {id} from {step}");
        let request = ForkRequest { step: Some(step), latest: dice.once_in(2), ..ForkRequest::default() };
        let (engine, store) = (host.engine.clone(), host.store.clone());
        let forking = async move { engine.fork(&ada(), id, request).await };
        ask(&self.complaints, words.clone(), forking, move |fork| store.summary(fork.id).is_some());
        Some(words)
    }
}

fn control(host: &TestHost, id: ExecutionId, dice: &mut Rng) -> Option<(Control, &'static str)> {
    let playbook = host.store.playbook_of(id);
    let step = dice.pick(&playbook.steps)?;
    let depth = step.place.depth + usize::from(step.each.is_some() && dice.once_in(2));
    let iterations: Vec<u32> = (0..depth).map(|_| u32::try_from(dice.roll(3)).unwrap()).collect();
    let step = orgata_model::StepPath::new(step.name.clone(), &iterations);
    Some(match dice.roll(12) {
        0..=2 => (Control::Pause, "execution_paused"),
        3..=5 => (Control::Resume, "execution_resumed"),
        6 => (Control::Cancel { compensate: dice.once_in(2) }, ""),
        7 | 8 => {
            let input = dice.once_in(3).then(|| json!({ "v": "changed" }));
            let step = dice.once_in(4).then_some(step);
            (Control::Retry { step, input }, "execution_retried")
        }
        9 => {
            let result = dice.once_in(2).then(|| json!({ "n": 1 }));
            (Control::Skip { step, result }, "step_skipped")
        }
        _ => {
            let (prompt, options) = ("Wait!".to_owned(), Vec::new());
            let hold = Hold { step, prompt, options, response_schema: None, role: None };
            (Control::Hold(hold), "intervention_required")
        }
    })
}

/// An answer to this question; without dice, the one that lets everything go on.
pub(crate) fn response(open: &PendingIntervention, dice: Option<&mut Rng>) -> Value {
    let decisions: &[&str] = match open.intervention.origin {
        Origin::Interrupted => &["complete", "retry", "fail"],
        Origin::Failed { .. } | Origin::Compensation { .. } => &["skip", "retry", "abort"],
        Origin::Operator => &["proceed", "fail"],
        Origin::Step | Origin::Operation { .. } => &["approve", "reject"],
    };
    let decision = match dice {
        Some(dice) => dice.pick(decisions).unwrap(),
        None => decisions[0],
    };
    match open.intervention.origin {
        Origin::Interrupted if decision == "complete" => {
            json!({ "decision": decision, "result": { "n": 1 } })
        }
        _ => json!({ "decision": decision }),
    }
}

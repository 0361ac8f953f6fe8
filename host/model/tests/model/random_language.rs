//! Random playbooks of the whole language, with random outcomes: whatever is ready is legal, nothing is done twice,
//! everything comes to an end, and the fold gives the live state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orgata_model::execution::{Action, Attempt, Cause, Event, Fact, Stage, State};
use orgata_model::intervention::Origin;
use orgata_model::playbook::Playbook;
use orgata_model::{Failure, StepPath};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::history::*;
use crate::random_playbooks::any_playbook;
use crate::story::Story;

/// What must hold of a whole history.
#[derive(Default)]
struct Watch {
    completed: BTreeSet<StepPath>,
    /// Those that will be undone, in the order in which they completed.
    to_undo: Vec<StepPath>,
    undone: Vec<StepPath>,
    keys: BTreeMap<String, StepPath>,
}

impl Watch {
    /// Before this fact is recorded.
    fn sees(&mut self, state: &State, fact: &Fact) {
        if begins(fact) {
            let path = fact.step().unwrap();
            assert_needs_are_over(state, path);
        }
        match fact {
            Fact::StepStarted { step, .. } | Fact::StepCompensationStarted { step, .. } => {
                let key = state.idempotency_key(step);
                let other = self.keys.entry(key).or_insert_with(|| step.clone());
                assert_eq!(other, step, "one key for two steps");
            }
            Fact::StepCompleted { step, .. } => {
                assert!(self.completed.insert(step.clone()), "{step} completes twice");
                let (_, definition) = state.playbook.step(step.name()).unwrap();
                let looped = definition.each.is_some() && step.iterations().len() == definition.place.depth;
                if definition.compensation.is_some() && !looped {
                    self.to_undo.push(step.clone());
                }
            }
            Fact::StepCompensated { step } => self.undone.push(step.clone()),
            Fact::ExecutionCompensated {} => {
                let newest_first: Vec<_> = self.to_undo.iter().rev().cloned().collect();
                assert_eq!(self.undone, newest_first);
            }
            _ => {}
        }
    }
}

fn begins(fact: &Fact) -> bool {
    match fact {
        Fact::StepStarted { attempt, .. } | Fact::ChildStarted { attempt, .. } => *attempt == 1,
        Fact::StepEntered { .. } | Fact::LoopStarted { .. } | Fact::StepWaiting { .. } => true,
        Fact::InterventionRequired { intervention } => {
            intervention.origin == Origin::Step && fact.step().is_some()
        }
        _ => false,
    }
}

/// A step never begins before everything that it needs is over, or what that is inside of.
fn assert_needs_are_over(state: &State, path: &StepPath) {
    let playbook = &state.playbook;
    let (_, step) = playbook.step(path.name()).unwrap();
    let over = |at: usize| {
        let step = &playbook.steps[at];
        let path = StepPath::new(step.name.clone(), &path.iterations()[..step.place.depth]);
        state.stands(&path).is_some_and(|(_, state)| state.is_done())
    };
    for need in &step.needs {
        let mut around = Some(*need);
        let mut past = false;
        while let Some(at) = around {
            past |= over(at);
            around = playbook.steps[at].place.parent;
        }
        assert!(past, "{path} begins before {} is over", playbook.steps[*need].name);
    }
}

/// An execution that is driven by dice.
struct Run<'d> {
    story: Story,
    watch: Watch,
    dice: Dice<'d>,
    retried: usize,
}

impl Run<'_> {
    /// Drives it to its end. Once the dice are used up, everybody means well.
    fn goes(&mut self) {
        for turn in 0.. {
            assert!(turn < 4_000, "it never ends");
            if self.ends() {
                return;
            }
            self.operator();
            if self.story.state().end.is_some() {
                continue;
            }
            let Some(action) = self.story.state().ready(at(self.story.now)) else {
                self.outside();
                continue;
            };
            let before = self.story.state().version;
            self.act(action.clone());
            assert!(self.story.state().version > before);
            let next = self.story.state().ready(at(self.story.now));
            assert_ne!(next, Some(action), "the same is ready again");
        }
    }

    fn record(&mut self, fact: Fact) {
        self.watch.sees(self.story.state(), &fact);
        self.story.record(fact);
    }

    /// Whether it has ended. One that failed may be let go on.
    fn ends(&mut self) -> bool {
        let state = self.story.state();
        let Some(end) = &state.end else { return false };
        assert!(state.ready(at(i64::from(u32::MAX))).is_none());
        assert!(state.wakes_at().is_none() && state.open.is_empty());
        assert!(state.running().is_empty() && state.children().is_empty() && state.awaited().is_empty());
        let failed = (end.status.as_str() == "failed").then(|| state.failed_step()).flatten();
        let Some(step) = failed.filter(|_| self.retried < 3 && !self.dice.is_used_up()) else { return true };
        if !self.dice.once_in(2) {
            return true;
        }
        self.retried += 1;
        let takes_input = matches!(
            state.playbook.step(step.name()).unwrap().1.work,
            orgata_model::playbook::Work::Operation { .. } | orgata_model::playbook::Work::Playbook { .. }
        );
        let input = (takes_input && self.dice.once_in(3)).then(|| Arc::new(json!({ "v": "changed" })));
        let with_input = Fact::ExecutionRetried { step: step.clone(), input, reason: None };
        let event = self.story.history.next(with_input.clone());
        let fact = match self.story.state().clone().after(&event) {
            Ok(_) => with_input,
            // A loop whose list could not be computed takes no input.
            Err(refused) => {
                assert!(refused.reason.contains("takes no input"), "{refused}");
                Fact::ExecutionRetried { step, input: None, reason: None }
            }
        };
        self.record(fact);
        false
    }

    /// Now and then an operator does something.
    fn operator(&mut self) {
        if self.dice.is_used_up() {
            return;
        }
        let state = self.story.state();
        let fact = match self.dice.roll(40) {
            1 if !state.paused => Fact::ExecutionPaused { reason: None },
            2 | 3 if state.paused => Fact::ExecutionResumed { reason: None },
            4 if self.dice.once_in(4) && state.cause().is_none() => match state.unwinding.steps.is_empty() {
                true => Fact::ExecutionCancelled { reason: None },
                false => Fact::CompensationStarted { cause: Cause::Cancelled { reason: None } },
            },
            5 | 6 => {
                let at = self.dice.roll(state.playbook.steps.len());
                let step = state.playbook.steps[at].name.to_string();
                asked(&step, u128::from(state.version) + 1_000, Origin::Operator)
            }
            7 => {
                let at = self.dice.roll(state.playbook.steps.len());
                let step = state.playbook.steps[at].name.clone().into();
                let reason = Some("an operator said so".to_owned());
                let result = self.dice.once_in(2).then(|| Arc::new(json!({ "n": 1 })));
                Fact::StepSkipped { step, result, reason }
            }
            8 => Fact::EventReceived { event: "paid".to_owned(), payload: json!({ "n": 2 }).into() },
            _ => return,
        };
        // Children are stopped before an execution ends.
        let fact = match self.story.state().children().is_empty() {
            false if fact.closes_questions() => {
                Fact::CancellationRequested { compensate: self.dice.once_in(2), reason: None }
            }
            _ => fact,
        };
        // What an operator wants is tried first, as the engine does.
        if self.story.state().clone().after(&self.story.history.next(fact.clone())).is_ok() {
            self.record(fact);
        }
    }

    fn act(&mut self, action: Action) {
        let before = self.story.state().clone();
        self.story.perform(match action {
            // One that is idempotent simply runs again.
            Action::Recover { at, step, attempt } if self.dice.once_in(2) => {
                let attempt = Attempt { number: attempt.number + 1, ..attempt };
                Action::Run { at, step, attempt }
            }
            action => action,
        });
        let fact = self.story.history.events.last().map(|event| event.fact.clone());
        self.watch.sees(&before, &fact.unwrap());
    }

    /// Nothing is ready: something must come from outside, and there must be something to wait for.
    fn outside(&mut self) {
        let state = self.story.state();
        let wakes_at = state.wakes_at();
        assert!(wakes_at.is_none_or(|wakes_at| wakes_at > at(self.story.now)), "it would spin");
        let mut choices: Vec<Choice> = Vec::new();
        if let (Some(_), Stage::Running { attempt }) = (state.cause(), &state.unwinding.stage) {
            choices.push(Choice::Undone(state.unwinding.current().unwrap().step.clone(), *attempt));
        }
        choices.extend(state.running().into_iter().map(|(step, attempt)| Choice::Run(step, attempt.number)));
        choices.extend(state.children().into_iter().map(|(step, _)| Choice::Child(step)));
        choices.extend(state.open.iter().map(|question| Choice::Answer(question.id)));
        choices.extend(state.awaited().into_iter().filter(|_| !state.paused).map(Choice::Event));
        choices.extend(wakes_at.map(|_| Choice::Time));
        choices.extend(state.paused.then_some(Choice::Resume));
        assert!(!choices.is_empty(), "a dead end");
        let place = self.dice.roll(choices.len());
        // What comes by itself comes: nobody waits for an event for ever.
        self.happens(choices.swap_remove(place));
    }

    fn happens(&mut self, choice: Choice) {
        let kind = !self.dice.is_used_up();
        let fact = match choice {
            Choice::Resume => Fact::ExecutionResumed { reason: None },
            Choice::Time => {
                let wakes_at = self.story.state().wakes_at().unwrap();
                let seconds = wakes_at.duration_since(at(0)).as_millis();
                self.story.now = i64::try_from(seconds).unwrap().div_euclid(1_000) + 1;
                return;
            }
            Choice::Event(event) => {
                let n = if kind && self.dice.once_in(3) { 0 } else { 2 };
                Fact::EventReceived { event, payload: json!({ "n": n }).into() }
            }
            Choice::Undone(step, attempt) => match if kind { self.dice.roll(4) } else { 0 } {
                1 if attempt < 4 => Fact::StepCompensationRetryScheduled {
                    step,
                    attempt: attempt + 1,
                    at: at(self.story.now + 5),
                    failure: Failure::transient("BUSY", "try later"),
                },
                2 => Fact::StepCompensationFailed { step, failure: Failure::permanent("BROKEN", "no") },
                _ => Fact::StepCompensated { step },
            },
            Choice::Child(step) => match if kind { self.dice.roll(4) } else { 0 } {
                1 => failed(&step.to_string()),
                2 => retry(&step.to_string(), 2, self.story.now + 5),
                _ => completed(&step.to_string(), json!({ "n": 1 })),
            },
            Choice::Run(step, attempt) => {
                let text = step.to_string();
                match if kind { self.dice.roll(8) } else { 0 } {
                    1 | 2 => failed(&text),
                    3 if attempt < 6 => retry(&text, attempt + 1, self.story.now + 5),
                    4 if attempt < 6 => Fact::StepInterrupted { step, attempt },
                    5 => asked(&text, u128::from(self.story.state().version) + 1_000, by_operation()),
                    6 => Fact::StepProgress { step, fraction: 0.5, message: "half".to_owned() },
                    _ => completed(&text, json!({ "n": 1 })),
                }
            }
            Choice::Answer(id) => return self.answer(id, kind),
        };
        self.record(fact);
    }

    fn answer(&mut self, id: orgata_model::InterventionId, kind: bool) {
        let question = self.story.state().question(id).unwrap().clone();
        let decisions: &[&str] = match question.origin {
            Origin::Interrupted => &["complete", "retry", "fail"],
            Origin::Failed { .. } | Origin::Compensation { .. } => &["skip", "retry", "abort"],
            Origin::Operator => &["proceed", "fail"],
            Origin::Step | Origin::Operation { .. } => &["approve", "reject"],
        };
        let decision = decisions[if kind { self.dice.roll(decisions.len()) } else { 0 }];
        let mut response = json!({ "decision": decision });
        if decision == "retry" && kind && self.dice.once_in(3) {
            response["input"] = json!({ "v": "other" });
        }
        let (intervention, step, response) = (id, question.step.clone(), Arc::new(response));
        let more = question.approvals as usize > question.approved.len() + 1 && decision == "approve";
        let who = format!("person-{}", question.approved.len());
        let fact = match more {
            true => Fact::InterventionApproved { intervention, step, response, notes: None },
            false => Fact::InterventionResolved { intervention, step, response, notes: None },
        };
        self.story.record_of(&who, fact);
    }
}

/// What may come from outside.
enum Choice {
    Undone(StepPath, u32),
    Run(StepPath, u32),
    Child(StepPath),
    Answer(orgata_model::InterventionId),
    Event(String),
    Time,
    Resume,
}

fn drive(source: &str, input: Value, dice: &[u8]) -> Story {
    let parsed = Playbook::parse("any.yaml", source).unwrap_or_else(|wrong| panic!("{wrong}\n{source}"));
    let story = Story::begun(History::begin(&Arc::new(parsed), input));
    let mut run = Run { story, watch: Watch::default(), dice: Dice::of(dice), retried: 0 };
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run.goes()));
    if let Err(cause) = ended {
        let lines: Vec<String> = run.story.history.events.iter().map(words).collect();
        eprintln!("{source}\n{}", lines.join("\n"));
        std::panic::resume_unwind(cause);
    }
    run.story
}

fn words(event: &Event) -> String {
    let detail = match &event.fact {
        Fact::InterventionRequired { intervention } => {
            format!("{} {:?}", intervention.step, intervention.origin)
        }
        Fact::InterventionResolved { step, response, .. } => format!("{step} {response}"),
        Fact::StepFailed { step, failure } => format!("{step} {failure}"),
        Fact::StepEntered { step, case } => format!("{step} {case:?}"),
        other => other.step().map(StepPath::to_string).unwrap_or_default(),
    };
    format!("{} {} {detail}", event.seq, event.fact.name())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn every_playbook_comes_to_an_end_and_folds_back(
        shape in vec(any::<u8>(), 0..260),
        n in 0u8..5,
        dice in vec(any::<u8>(), 0..300),
    ) {
        let input = json!({ "n": n, "list": [4, { "x": 5 }], "nothing": null });
        let story = drive(&any_playbook(&shape), input, &dice);
        assert_same(&story.history.refolded(), story.state());
        let events = &story.history.events;
        let lines: Vec<String> = events.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
        let read: Vec<Event> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        prop_assert_eq!(&read, events);
        assert_same(&fold(&story.state().playbook, &read), story.state());
    }
}

/// More with `ORGATA_CASES`.
fn cases() -> u32 {
    std::env::var("ORGATA_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300)
}

#[test]
fn random_playbooks_use_the_whole_language() {
    let mut seen = BTreeSet::new();
    for seed in 0..400u32 {
        let bytes: Vec<u8> = (0..200u32)
            .map(|at| (orgata_model::retry::dice(&[&seed.to_le_bytes(), &at.to_le_bytes()]) * 256.0) as u8)
            .collect();
        let story =
            drive(&any_playbook(&bytes), json!({ "n": seed % 4, "list": [1, 2], "nothing": null }), &bytes);
        seen.extend(story.history.events.iter().map(|event| event.fact.name()));
    }
    for name in [
        "step_entered",
        "loop_started",
        "step_waiting",
        "child_started",
        "event_received",
        "execution_retried",
        "intervention_approved",
        "intervention_reminded",
        "intervention_withdrawn",
        "intervention_expired",
        "compensation_started",
        "step_compensated",
        "step_compensation_failed",
        "execution_compensated",
        "compensation_failed",
        "execution_cancelled",
        "execution_timed_out",
        "execution_failed",
        "execution_completed",
        "step_interrupted",
        "step_resumed",
        "step_skipped",
    ] {
        assert!(seen.contains(name), "{name} never happens");
    }
}

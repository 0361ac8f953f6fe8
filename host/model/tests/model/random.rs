//! Random histories: whatever the engine may record can be recorded, and folds back to the live state.

use std::sync::Arc;

use orgata_model::Failure;
use orgata_model::execution::{Action, Event, Fact, State, StepState};
use orgata_model::expression::Done;
use orgata_model::intervention::Origin;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fold::assert_names_both_sides;
use crate::history::*;

/// JSON as executions carry it.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| if number.is_finite() { Value::from(number) } else { Value::Null }),
        ".{0,12}".prop_map(Value::from),
        prop_oneof![Just("red"), Just("blue")].prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z$]{0,4}", inner, 0..4).prop_map(Value::from_iter),
        ]
    })
}

/// One roll of the dice: what happens next, when several things may.
type Roll = (u8, u8, Value);

/// A fact that the engine could record now: what is ready, done with some outcome, or what a person does.
fn likely(history: &History, (kind, number, value): &Roll) -> Option<Fact> {
    let state = &history.state;
    if state.end.is_some() {
        return None;
    }
    let person = |kind: u8| match kind {
        0 if !state.paused => Some(Fact::ExecutionPaused { reason: None }),
        1 => Some(Fact::ExecutionCancelled { reason: Some("enough".to_owned()) }),
        _ => None,
    };
    if let Some(fact) = person(kind % 16) {
        return Some(fact);
    }
    if let Some(question) = state.open.first() {
        let (intervention, step) = (question.id, question.step.clone());
        let response = Arc::new(match question.origin {
            Origin::Interrupted => {
                let decision = ["retry", "complete", "fail"][usize::from(number % 3)];
                json!({ "decision": decision })
            }
            _ => value.clone(),
        });
        return Some(if question.deadline.is_some() && kind % 3 == 0 {
            Fact::InterventionExpired { intervention, step }
        } else {
            Fact::InterventionResolved { intervention, step, response, notes: Some("noted".to_owned()) }
        });
    }
    if let Some((step, attempt)) = state.running().into_iter().next() {
        let (step, attempt) = (step.to_string(), attempt.number);
        return Some(match kind % 7 {
            0 => failed(&step),
            1 => retry(&step, attempt + 1, i64::from(*number)),
            2 => Fact::StepInterrupted { step: path(&step), attempt },
            3 => asked(&step, u128::from(state.version), by_operation()),
            4 => Fact::StepProgress {
                step: path(&step),
                fraction: f64::from(*number) / 255.0,
                message: String::new(),
            },
            _ => completed(&step, value.clone()),
        });
    }
    // Late enough for every wait, too early for the execution's own deadline.
    match state.ready(at(1_800)) {
        Some(action) => Some(done(history, action)),
        None if state.paused => Some(Fact::ExecutionResumed { reason: None }),
        None => None,
    }
}

/// What the driver records when it begins an action.
fn done(history: &History, action: Action) -> Fact {
    let number = u128::from(history.state.version);
    match action {
        Action::Record(fact) => fact,
        Action::Run { step, attempt, .. } if attempt.resumption.is_some() => {
            Fact::StepResumed { step, attempt: attempt.number }
        }
        Action::Run { step, attempt, .. } => {
            let operation = "x/work".parse().unwrap();
            Fact::StepStarted { step, attempt: attempt.number, operation, input: attempt.input }
        }
        Action::Recover { step, .. } => asked(&step.to_string(), number, Origin::Interrupted),
        Action::Ask(question) => {
            let deadline = question.deadline.as_ref().map(|(after, _)| at(0) + *after);
            let then = question.deadline.map(|(_, then)| then).unwrap_or_default();
            asked_until(&question.step.to_string(), number, question.origin, deadline, then)
        }
        other => panic!("{other:?}"),
    }
}

/// Any fact at all, mostly one that cannot follow.
fn unlikely((kind, number, value): &Roll) -> Fact {
    let step = ["work", "ask", "last", "nobody"][usize::from(number % 4)];
    let number = u128::from(number / 4);
    match kind % 20 {
        0 => step_started(step, 1),
        1 => Fact::StepResumed { step: path(step), attempt: 1 },
        2 => Fact::StepProgress { step: path(step), fraction: 0.1, message: "x".to_owned() },
        3 => completed(step, value.clone()),
        4 => failed(step),
        5 => retry(step, 2, 5),
        6 => skipped(step),
        7 => Fact::StepInterrupted { step: path(step), attempt: 1 },
        8 => asked(step, number, Origin::Step),
        9 => asked(step, number, by_operation()),
        10 => asked(step, number, Origin::Interrupted),
        11 => answered(step, number, value.clone()),
        12 => expired(step, number),
        13 => Fact::ExecutionPaused { reason: None },
        14 => Fact::ExecutionResumed { reason: None },
        15 => Fact::ExecutionFailed { step: None, failure: Failure::permanent("X", "x") },
        16 => Fact::ExecutionFailed { step: Some(path(step)), failure: Failure::permanent("X", "x") },
        17 => Fact::ExecutionCompleted { output: Arc::new(value.clone()) },
        18 => Fact::ExecutionTimedOut {},
        _ => started(&playbook(WALK), value.clone()),
    }
}

/// What must hold of any state, however it came about.
fn assert_makes_sense(state: &State) {
    let steps: Vec<&StepState> = state.frame.slots().collect();
    let over = |state: &StepState| matches!(state, StepState::Succeeded | StepState::Skipped);
    let ended = steps.iter().take_while(|state| over(state)).count();
    let mut later = steps.iter().skip(ended + 1);
    assert!(later.all(|state| **state == StepState::Pending), "steps run in order: {steps:?}");
    for (step, stands) in state.playbook.steps.iter().zip(&steps) {
        let known = state.frame.level.steps.get(&step.name);
        assert_eq!(matches!(stands, StepState::Succeeded), matches!(known, Some(Done::Result(_))));
        assert_eq!(matches!(stands, StepState::Skipped), matches!(known, Some(Done::Skipped)));
    }
    let waiting = steps.iter().filter(|state| matches!(state, StepState::WaitingForAnswer { .. })).count();
    assert_eq!(state.open.len(), if state.end.is_some() { 0 } else { waiting });
    assert!(state.open.iter().all(|question| !state.resolved.contains_key(&question.id)));
    if state.end.is_some() {
        assert_eq!((state.ready(at(i64::from(u32::MAX))), state.wakes_at()), (None, None));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn folding_what_was_recorded_gives_the_live_state(
        amount in 0u8..6,
        rolls in vec((any::<u8>(), any::<u8>(), value()), 0..40),
    ) {
        let mut history = History::begin(&playbook(WALK), json!({ "v": amount }));
        for roll in &rolls {
            let Some(fact) = likely(&history, roll) else { break };
            // What is ready, and what people may do, is always legal.
            if let Err(refused) = history.try_add(fact) {
                prop_assert!(false, "{refused}");
            }
            assert_makes_sense(&history.state);
        }
        assert_same(&history.refolded(), &history.state);
        let recorded: Vec<String> = history.events.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
        let read: Vec<Event> = recorded.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        prop_assert_eq!(&read, &history.events);
        assert_same(&fold(&history.state.playbook, &read), &history.state);
    }

    #[test]
    fn what_cannot_follow_is_refused_with_both_sides_named(
        rolls in vec((any::<u8>(), any::<u8>(), value()), 0..12),
        others in vec((any::<u8>(), any::<u8>(), value()), 12),
    ) {
        let mut history = History::begin(&playbook(WALK), json!({ "v": 3 }));
        for (roll, other) in rolls.iter().zip(&others) {
            let event = history.next(unlikely(other));
            match history.state.clone().after(&event) {
                Ok(state) => assert_makes_sense(&state),
                Err(refused) => assert_names_both_sides(&refused.to_string(), &event, &history.state),
            }
            let Some(fact) = likely(&history, roll) else { break };
            history.try_add(fact).unwrap();
        }
    }
}

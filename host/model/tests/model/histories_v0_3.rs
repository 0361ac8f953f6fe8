//! What version 0.3 added to histories: requests to AI models, and wishes to cancel that are kept before they are met.

use orgata_model::execution::Fact;
use orgata_model::sampling::{ModelTotals, Provider};
use serde_json::json;

use crate::history::*;

/// As they are written, with everything that may be there and with nothing of it.
const WRITTEN: [&str; 2] = [
    r#"{"type":"model_asked","step":"work","provider":"openai","model":"small","input_tokens":21,"output_tokens":4,"cost":0.5,"took_ms":250}"#,
    r#"{"type":"model_asked","step":"work","provider":"client"}"#,
];

fn asked() -> Vec<Fact> {
    WRITTEN.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
}

#[test]
fn requests_to_models_are_read_as_they_were_written_for_ever() {
    let facts = asked();
    assert_eq!(serde_json::to_string(&facts[0]).unwrap(), WRITTEN[0]);
    assert!(matches!(
        &facts[1],
        Fact::ModelAsked {
            provider: Provider::Client,
            model: None,
            input_tokens: 0,
            cost: None,
            failure: None,
            ..
        }
    ));
}

#[test]
fn requests_are_counted_and_move_nothing() {
    let mut history = History::begin(&playbook(WALK), json!({})).with(step_started("work", 1));
    let before = history.state.clone();
    for fact in asked() {
        history = history.with(fact);
    }
    let after = history.refolded();
    assert_eq!(after.model, ModelTotals { requests: 2, input_tokens: 21, output_tokens: 4, cost: Some(0.5) });
    assert_eq!(after.status(), before.status());
    assert_eq!(format!("{:?}", after.frame), format!("{:?}", before.frame));
}

#[test]
fn a_request_of_a_step_that_there_is_not_is_no_history() {
    let mut history = History::begin(&playbook(WALK), json!({}));
    let fact = serde_json::from_str(&WRITTEN[1].replace("work", "nowhere")).unwrap();
    assert!(history.try_add(fact).unwrap_err().reason.contains("nowhere"));
}

#[test]
fn a_wish_to_cancel_is_read_as_it_was_written_for_ever() {
    for written in [
        r#"{"type":"cancellation_requested","compensate":true,"reason":"enough"}"#,
        r#"{"type":"cancellation_requested","compensate":false}"#,
    ] {
        let fact: Fact = serde_json::from_str(written).unwrap();
        assert!(matches!(fact, Fact::CancellationRequested { .. }));
        assert_eq!(serde_json::to_string(&fact).unwrap(), written);
    }
}

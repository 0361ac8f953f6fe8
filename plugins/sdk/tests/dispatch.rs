//! An operation written with typed functions is reached through the contract's texts, and says of itself
//! what its types say.

use orgata_plugin::{Call, Failure, JsonSchema, Operation, Outcome, Plugin, Question};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Sum {
    a: u8,
    b: Option<u8>,
}

fn plugin() -> Plugin {
    let twice = |_: &Call, sum: Sum| Ok(Sum { a: sum.a * 2, b: sum.b });
    let ask = |_: &Call, sum: Sum| Ok(Outcome::Ask(Question::new::<u8>("data_entry", "How much?", &sum)?));
    let add = |_: &Call, sum: Sum, answer: u8| Ok(Outcome::Done(sum.a + answer));
    Plugin::new("sums", "1.0.0", "Adds.")
        .operation(
            Operation::new("twice", twice).example("two", || (Sum { a: 2, b: None }, Sum { a: 4, b: None })),
        )
        .operation(Operation::asking("ask", ask, add))
}

fn call(operation: &str) -> Call {
    Call {
        operation: operation.into(),
        runtime: "r".into(),
        environment: "development".into(),
        execution_id: "e".into(),
        step: "s".into(),
        attempt: 1,
        idempotency_key: "k".into(),
        role: None,
        deadline_ms: None,
    }
}

fn code(failure: Failure) -> String {
    let (Failure::InvalidInput(fault) | Failure::Transient(fault) | Failure::Permanent(fault)) = failure;
    fault.code
}

type Contract = orgata_plugin::bindings::orgata::plugin::types::Outcome;

#[test]
fn an_input_comes_in_typed_and_the_output_goes_out_as_text() {
    let Ok(Contract::Done(output)) = plugin().execute(&call("twice"), r#"{"a":3}"#) else {
        panic!("no result")
    };
    assert_eq!(output, r#"{"a":6,"b":null}"#);
}

#[test]
fn a_question_carries_its_state_to_the_answer() {
    let Ok(Contract::Ask(question)) = plugin().execute(&call("ask"), r#"{"a":3}"#) else {
        panic!("no question")
    };
    let resumed = plugin().resume(&call("ask"), &question.resume_state, "4");
    assert!(matches!(resumed, Ok(Contract::Done(output)) if output == "7"));
}

#[test]
fn what_cannot_be_done_says_why() {
    let failed = |operation, input| plugin().execute(&call(operation), input).err().map(code);
    assert_eq!(failed("twice", r#"{"a":1,"x":1}"#).as_deref(), Some("unreadable"));
    assert_eq!(failed("thrice", "{}").as_deref(), Some("unknown-operation"));
    assert_eq!(plugin().resume(&call("twice"), "{}", "1").err().map(code).as_deref(), Some("never-asks"));
}

#[test]
fn schemas_and_examples_come_from_the_types() {
    let described = plugin().describe();
    let twice = described.operations.first().unwrap();
    let schema: Value = serde_json::from_str(&twice.input_schema).unwrap();
    assert_eq!(schema["required"], json!(["a"]));
    assert_eq!(schema["additionalProperties"], json!(false));
    assert_eq!(twice.examples.first().unwrap().output, r#"{"a":4,"b":null}"#);
}

//! Questions: who asks, who answers, and what happens when nobody does.

use std::time::Duration;

use orgata_engine::{AnswerRequest, EngineError, Way};
use orgata_model::execution::{Fact, Status};
use orgata_model::intervention::Origin;
use serde_json::{Value, json};

use crate::support::host::{ada, within};
use crate::support::operations::question;
use crate::support::{Scripted, TestHost};

const ASKS: &str = r#"
name: story
steps:
  - name: ask
    role: customer
    intervention:
      prompt: "Which, of {{ input.v }}?"
      options: [red, blue]
      context: { amount: $input.v }
  - { name: after, operation: calc/echo, params: { color: $steps.ask.result.color } }
"#;

fn with_deadline(then: &str) -> String {
    ASKS.replace("      options:", &format!("      timeout: {{ after: 30m{then} }}\n      options:"))
}

async fn asking(source: &str) -> (TestHost, orgata_model::ExecutionId) {
    let host = TestHost::new().await;
    host.publish(source).await;
    let id = host.start(json!({ "v": 3 })).await;
    host.settle().await;
    (host, id)
}

#[tokio::test]
async fn a_question_carries_what_a_person_needs_and_waits_without_a_driver() {
    let (host, id) = asking(ASKS).await;
    let open = host.question(id).await.intervention;
    assert_eq!((open.prompt.as_str(), open.assignee_role.unwrap().as_str()), ("Which, of 3?", "customer"));
    assert_eq!(open.context, Some(json!({ "amount": 3 })));
    assert_eq!((host.status(id), host.engine.active()), (Some(Status::Waiting), 0));
    let mine = within(host.engine.pending_interventions(&ada(), id)).await.unwrap();
    assert_eq!(mine.len(), 1);
}

#[tokio::test]
async fn an_answer_becomes_the_result_of_the_step() {
    let (host, id) = asking(ASKS).await;
    host.answer(id, json!({ "color": "blue" })).await.unwrap();
    host.until_status(id, Status::Succeeded).await;
    assert_eq!(*host.summary(id).output.unwrap(), json!({ "color": "blue" }));
}

#[tokio::test]
async fn a_start_that_somebody_waits_for_returns_when_a_person_is_needed() {
    let host = TestHost::new().await;
    host.publish(ASKS).await;
    let summary = host.run(json!({ "v": 3 })).await;
    assert_eq!(summary.status, Status::Waiting);
    assert_eq!(host.status(summary.id), Some(Status::Waiting));
}

#[tokio::test]
async fn a_wrong_answer_says_what_is_wrong_and_leaves_the_question_open() {
    let (host, id) = asking(ASKS).await;
    let commits = host.store.commits();
    for (wrong, told) in [
        (json!({ "color": "green" }), "/color"),
        (json!("red"), "is not of type"),
        (json!({}), "required"),
        (json!({ "color": "x".repeat(300_000) }), "at most"),
    ] {
        let refused = host.answer(id, wrong).await.unwrap_err();
        assert_eq!(refused.code(), "RESPONSE_INVALID");
        assert!(refused.to_string().contains(told), "{refused}");
    }
    host.settle().await;
    assert_eq!(
        (host.status(id), host.store.commits(), host.engine.active()),
        (Some(Status::Waiting), commits, 0)
    );
    host.answer(id, json!({ "color": "red" })).await.unwrap();
    host.until_status(id, Status::Succeeded).await;
}

#[tokio::test]
async fn a_second_answer_is_told_the_first() {
    let (mut host, id) = asking(ASKS).await;
    let open = host.question(id).await;
    host.answer_to(&open, json!({ "color": "red" })).await.unwrap();
    for _ in 0..2 {
        let Err(EngineError::Answered(first)) = host.answer_to(&open, json!({ "color": "blue" })).await
        else {
            panic!("a second answer was taken")
        };
        assert_eq!((first.response, first.by.as_str()), (json!({ "color": "red" }), "ada"));
        host.until_status(id, Status::Succeeded).await;
        // It is still told after the end, and after a crash.
        host.crash().await;
    }
}

#[tokio::test]
async fn of_many_answers_at_once_one_wins_and_all_others_hear_of_it() {
    let (host, id) = asking(ASKS).await;
    let open = host.question(id).await;
    let answers: Vec<_> = (0..20)
        .map(|n| {
            let (engine, open) = (host.engine.clone(), open.clone());
            let color = if n % 2 == 0 { "red" } else { "blue" };
            tokio::spawn(async move {
                let answer = AnswerRequest {
                    response: json!({ "color": color }),
                    notes: Some(n.to_string()),
                    way: Way::Direct,
                };
                engine.answer(&ada(), open.execution, open.intervention.id, answer).await
            })
        })
        .collect();
    let mut won = Vec::new();
    let mut lost = Vec::new();
    for (n, answer) in answers.into_iter().enumerate() {
        match answer.await.unwrap() {
            Ok(_) => won.push(n.to_string()),
            Err(EngineError::Answered(first)) => lost.push(first.notes.unwrap()),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((won.len(), lost.len()), (1, 19));
    assert!(lost.iter().all(|first| *first == won[0]));
    host.until_status(id, Status::Succeeded).await;
    assert_eq!(host.count(id, "intervention_resolved"), 1);
}

#[tokio::test]
async fn an_answer_to_no_question_is_not_found() {
    let (host, id) = asking(ASKS).await;
    let mut open = host.question(id).await;
    open.intervention.id = "int_00000000000070008000000000000009".parse().unwrap();
    assert_eq!(host.answer_to(&open, json!("x")).await.unwrap_err().code(), "INTERVENTION_NOT_FOUND");
    open.execution = "exec_00000000000070008000000000000009".parse().unwrap();
    assert_eq!(host.answer_to(&open, json!("x")).await.unwrap_err().code(), "EXECUTION_NOT_FOUND");
}

// ---- deadlines ----

#[tokio::test]
async fn a_deadline_takes_the_default_answer() {
    let (host, id) = asking(&with_deadline(", answer: { color: red }")).await;
    host.advance(Duration::from_secs(1_799)).await;
    assert_eq!(host.status(id), Some(Status::Waiting));
    host.advance(Duration::from_secs(1)).await;
    assert_eq!(host.status(id), Some(Status::Succeeded));
    assert_eq!(*host.summary(id).output.unwrap(), json!({ "color": "red" }));
    let Err(EngineError::Answered(first)) = late(&host, id).await else { panic!() };
    assert_eq!(first.by, "engine");
}

/// An answer to the first question that an execution ever asked.
async fn late(host: &TestHost, id: orgata_model::ExecutionId) -> Result<(), EngineError> {
    let asked = host.history(id).into_iter().find_map(|event| match event.fact {
        Fact::InterventionRequired { intervention } => Some(intervention.id),
        _ => None,
    });
    let answer = AnswerRequest { response: json!({ "color": "blue" }), notes: None, way: Way::Direct };
    within(host.engine.answer(&ada(), id, asked.unwrap(), answer)).await.map(drop)
}

#[tokio::test]
async fn a_deadline_without_an_answer_fails_the_step() {
    for then in ["", ", fail: true"] {
        let (host, id) = asking(&with_deadline(then)).await;
        host.advance(Duration::from_secs(1_800)).await;
        assert_eq!(host.status(id), Some(Status::Failed));
        let failure = host.summary(id).failure.unwrap();
        assert_eq!(failure.code, "NOT_ANSWERED");
        assert!(failure.message.contains("Which, of 3?"), "{failure}");
        assert!(matches!(late(&host, id).await, Err(EngineError::Ended(Status::Failed))));
    }
}

#[tokio::test]
async fn a_deadline_asks_another_role_and_then_waits_for_ever() {
    let (mut host, id) = asking(&with_deadline(", escalate: manager")).await;
    host.advance(Duration::from_secs(1_800)).await;
    let open = host.question(id).await;
    assert_eq!(open.intervention.assignee_role.as_ref().unwrap().as_str(), "manager");
    host.advance(Duration::from_secs(1_000_000)).await;
    host.crash().await;
    host.advance(Duration::from_secs(1_000_000)).await;
    assert_eq!((host.status(id), host.count(id, "intervention_expired")), (Some(Status::Waiting), 1));
    host.answer_to(&open, json!({ "color": "blue" })).await.unwrap();
    host.until_status(id, Status::Succeeded).await;
}

#[tokio::test]
async fn a_deadline_that_passed_while_the_host_was_down_is_met_at_the_next_start() {
    let (mut host, id) = asking(&with_deadline(", answer: { color: red }")).await;
    host.life.kill();
    host.clock.advance(Duration::from_secs(1_000_000));
    host.begin(crate::support::life::Life::new(0)).await.unwrap();
    host.until_status(id, Status::Succeeded).await;
}

#[tokio::test]
async fn an_answer_in_time_beats_the_deadline() {
    let (host, id) = asking(&with_deadline(", answer: { color: red }")).await;
    host.advance(Duration::from_secs(1_799)).await;
    host.answer(id, json!({ "color": "blue" })).await.unwrap();
    host.advance(Duration::from_secs(100)).await;
    assert_eq!(*host.summary(id).output.unwrap(), json!({ "color": "blue" }));
}

// ---- questions of operations ----

fn operation_asks(operation: &str) -> String {
    format!(
        "name: story\nsteps:\n  - {{ name: a, role: chef, operation: {operation}, params: {{ v: $input.v }} }}\n"
    )
}

/// Asks so many times, and gives all the answers.
fn asks_times(host: &TestHost, operation: &str, times: u64) {
    host.world.answers(operation, move |resume| {
        let (mut said, asked) = match resume {
            None => (Vec::new(), 0),
            Some(resume) => {
                let mut said = resume.state["said"].as_array().unwrap().clone();
                said.push((*resume.answer).clone());
                (said, resume.state["asked"].as_u64().unwrap())
            }
        };
        if asked < times {
            let state = json!({ "said": said, "asked": asked + 1 });
            return Scripted::Ask(question(&format!("question {}?", asked + 1), state));
        }
        said.push(json!("end"));
        Scripted::Done(Value::from(said))
    });
}

#[tokio::test]
async fn an_operation_asks_several_times_and_gets_every_answer_back() {
    for operation in ["calc/ask", "mail/confirm"] {
        for crashes in [false, true] {
            let mut host = TestHost::new().await;
            asks_times(&host, operation, 3);
            host.publish(&operation_asks(operation)).await;
            let id = host.start(json!({ "v": 1 })).await;
            for n in 1..=3 {
                let open = host.question(id).await;
                assert_eq!(open.intervention.prompt, format!("question {n}?"));
                assert_eq!(open.intervention.assignee_role.as_ref().unwrap().as_str(), "chef");
                assert!(matches!(open.intervention.origin, Origin::Operation { .. }));
                if crashes {
                    host.crash().await;
                }
                host.answer_to(&open, json!(n)).await.unwrap();
                host.until(|| host.open(id).is_none_or(|next| next.intervention.id != open.intervention.id))
                    .await;
            }
            host.until_status(id, Status::Succeeded).await;
            assert_eq!(*host.summary(id).output.unwrap(), json!([1, 2, 3, "end"]));
            let calls = host.world.calls();
            assert_eq!(calls.len(), 4, "{operation}");
            assert!(calls.iter().all(|call| call.input == json!({ "v": 1 }) && call.attempt == 1));
        }
    }
}

#[tokio::test]
async fn a_question_of_an_operation_has_its_own_deadline_and_schema() {
    let host = TestHost::new().await;
    host.world.answers("calc/ask", |resume| match resume {
        None => Scripted::Ask(orgata_engine::ports::Question {
            response_schema: Some(json!({ "type": "integer" })),
            timeout: Some(Duration::from_secs(60)),
            assignee_role: Some("boss".parse().unwrap()),
            ..question("how many?", json!(null))
        }),
        Some(resume) => Scripted::Done((*resume.answer).clone()),
    });
    host.publish(&operation_asks("calc/ask")).await;
    let answered = host.start(json!({ "v": 1 })).await;
    let open = host.question(answered).await;
    assert_eq!(open.intervention.assignee_role.as_ref().unwrap().as_str(), "boss");
    assert!(host.answer_to(&open, json!("many")).await.is_err());
    host.answer_to(&open, json!(7)).await.unwrap();
    host.until_status(answered, Status::Succeeded).await;
    let forgotten = host.start(json!({ "v": 1 })).await;
    host.question(forgotten).await;
    host.advance(Duration::from_secs(60)).await;
    assert_eq!(host.status(forgotten), Some(Status::Failed));
    assert_eq!(host.summary(forgotten).failure.unwrap().code, "NOT_ANSWERED");
}

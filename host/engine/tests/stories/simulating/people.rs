//! Who answers in a simulation, and what becomes of wrong answers and of none.

use orgata_model::execution::Status;
use serde_json::json;

use super::*;

const ASK: &str =
    "  - name: ask\n    role: clerk\n    intervention: { prompt: \"Well, now?\", options: [yea, nay] }\n";

#[tokio::test]
async fn the_role_that_is_asked_answers_unless_the_scenario_says_who() {
    for (by, who) in [("", "clerk"), (", by: ada", "ada")] {
        let scenario =
            format!("interventions: {{ ask: {{ answer: yea{by} }} }}\nexpect: {{ output: yea }}\n");
        let (_, simulation) = play(ASK, &scenario).await;
        passed(&simulation);
        let resolved = simulation.happened.iter().find(|it| it.event.fact.name() == "intervention_resolved");
        assert_eq!(&*resolved.unwrap().event.actor, who);
    }
}

#[tokio::test]
async fn a_question_without_an_answer_and_without_end_is_told_with_what_to_write() {
    let (_, simulation) = play(ASK, "").await;
    assert_eq!(status(&simulation), Status::Waiting);
    let told = problems(&simulation);
    assert_eq!(
        told,
        [
            "interventions.ask: nobody answers \"Well, now?\", and it has no deadline: add `ask: { answer: … }`"
        ]
    );
    assert!(!simulation.passed());
}

#[tokio::test]
async fn a_step_that_waits_for_an_event_for_ever_is_told_too() {
    let (_, simulation) = play("  - { name: a, wait: { event: paid } }\n", "").await;
    assert!(problems(&simulation)[0].contains("waits for `paid` for ever"), "{:?}", problems(&simulation));
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_a_problem_and_the_next_one_counts() {
    let scenario = "interventions: { ask: [{ answer: perhaps }, { answer: nay, after: 1h }] }\n";
    let (_, simulation) = play(ASK, scenario).await;
    assert_eq!((status(&simulation), took(&simulation)), (Status::Succeeded, 3600));
    let told = problems(&simulation);
    assert!(told.len() == 1 && told[0].contains("the answer of clerk is refused"), "{told:?}");
}

#[tokio::test]
async fn several_people_approve_and_whoever_started_may_not() {
    let steps = "
  - name: ask
    intervention: { type: approval, prompt: Well?, options: [approve, reject], approvals: 2 of finance, selfApproval: false }
";
    let answers = |second: &str| {
        format!(
            "startedBy: carol\ninterventions:\n  ask:\n    - {{ answer: {{ decision: approve }}, by: frank }}\n    - \
             {{ answer: {{ decision: approve }}, by: {second}, after: 1d }}\n"
        )
    };
    let (_, simulation) = play(steps, &answers("fiona")).await;
    passed(&simulation);
    assert_eq!((count(&simulation, "intervention_approved ask"), took(&simulation)), (1, 86_400));
    for (second, why) in [("carol", "may not answer this"), ("frank", "answered before, by frank")] {
        let (_, simulation) = play(steps, &answers(second)).await;
        assert!(problems(&simulation).join("\n").contains(why), "{:?}", problems(&simulation));
    }
}

#[tokio::test]
async fn each_question_of_a_step_takes_the_next_answer_and_the_last_one_stays() {
    let steps = "  - { name: all, forEach: [1, 2, 3], operation: mail/send, onFailure: intervene }\n";
    let scenario = "
steps: { all: [{ fail: { code: A, message: a } }, { fail: { code: B, message: b } }, { result: 1 }] }
interventions:
  all: [{ answer: { decision: retry } }, { answer: { decision: skip, result: 9 } }]
  \"all[2]\": { answer: { decision: retry }, after: 1h }
expect: { output: [9, 9, 1] }
";
    let (_, simulation) = play(steps, scenario).await;
    passed(&simulation);
    assert_eq!(took(&simulation), 2 * 3600);
}

#[tokio::test]
async fn nobody_answers_and_the_deadline_comes() {
    let steps = "  - name: ask\n    intervention: { prompt: Well?, options: [yea, nay], timeout: { after: 2d, answer: nay } }\n";
    let (_, simulation) =
        play(steps, "interventions: { ask: { unanswered: true } }\nexpect: { output: nay }\n").await;
    passed(&simulation);
    assert_eq!(took(&simulation), 2 * 86_400);
    // The deadline is earlier than the answer.
    let (_, late) =
        play(steps, "interventions: { ask: { answer: yea, after: 3d } }\nexpect: { output: nay }\n").await;
    passed(&late);
    assert_eq!(own(&late).output.as_deref(), Some(&json!("nay")));
}

//! In which order steps run: beside each other, after what they name, in loops, groups and branches.

use orgata_tests::matchers::{asked, completed, failed, step_event};
use serde_json::json;

use crate::{host, times};

const BESIDE: &str = r"
name: beside
steps:
  - { name: first, intervention: { prompt: first?, options: [a] } }
  - { name: second, parallel: true, intervention: { prompt: second?, options: [b] } }
  - { name: alone, dependsOn: [first], operation: bench/noop, params: { it: $steps.first.result } }
  - { name: after, operation: bench/noop, params: { it: $steps.second.result } }
output: [$steps.alone.result.it, $steps.after.result.it]
";

#[tokio::test]
async fn steps_run_beside_each_other_and_after_what_they_name() {
    let host = host(&[("beside", BESIDE)]).await;
    let id = host.begin("beside", json!({})).await;
    let first = host.until(&id, asked("first")).await;
    let second = host.until(&id, asked("second")).await;
    let inbox = host.get("/api/v1/interventions").await.is(200);
    assert_eq!(inbox["items"].as_array().unwrap().len(), 2, "both are open at once: {inbox}");
    host.answer(&id, &first, json!("a")).await.accepted();
    host.until(&id, step_event("step_completed", "alone")).await;
    assert_eq!(
        times(&host, &id, "step_started", "after").await,
        0,
        "it waits for all that is written before it"
    );
    host.answer(&id, &second, json!("b")).await.accepted();
    assert_eq!(host.until(&id, completed()).await, json!(["a", "b"]));
}

const LOOPS: &str = r#"
name: loops
steps:
  - name: orders
    forEach: $input.orders
    as: order
    maxConcurrency: 2
    steps:
      - name: line
        forEach: $order.lines
        as: line
        operation: bench/noop
        params: { text: "{{ order.name }}{{ index }}{{ line }}" }
      - name: last
        set: { lines: $steps.line.result }
output: "{{ steps.orders.result | map(attribute='lines') | list }}"
"#;

#[tokio::test]
async fn loops_run_inside_of_loops_and_name_their_iterations() {
    let host = host(&[("loops", LOOPS)]).await;
    let orders = json!({ "orders": [{ "name": "a", "lines": [1, 2] }, { "name": "b", "lines": [] }, { "name": "c", "lines": [3] }] });
    let id = host.begin("loops", orders).await;
    let output = host.until(&id, completed()).await;
    assert_eq!(output, json!([[{ "text": "a01" }, { "text": "a12" }], [], [{ "text": "c03" }]]));
    assert_eq!(times(&host, &id, "step_completed", "line[0][1]").await, 1);
    assert_eq!(times(&host, &id, "step_completed", "line[2]").await, 1, "the loop itself has one index less");
    let wrong = host.begin("loops", json!({ "orders": "none" })).await;
    assert!(host.until(&wrong, failed()).await["message"].as_str().unwrap().contains("list"));
}

const BRANCHES: &str = r#"
name: branches
steps:
  - name: size
    switch:
      - when: input.n > 100
        steps:
          - { name: large, set: { word: large } }
      - when: input.n < 0
        goto: end
      - steps:
          - { name: small, set: { word: small } }
  - { name: told, set: { text: "{{ vars.word }} {{ input.n }}" } }
  - { name: end, set: { ended: true } }
  - { name: refuse, when: input.n == 7, fail: { code: UNLUCKY, message: "{{ input.n }} is unlucky" } }
output: { text: $steps.told.result.text, told: $steps.told.status }
"#;

#[tokio::test]
async fn branches_are_taken_values_are_set_and_failures_are_on_purpose() {
    let host = host(&[("branches", BRANCHES)]).await;
    for (n, text, status) in [
        (101, json!("large 101"), "succeeded"),
        (5, json!("small 5"), "succeeded"),
        (-1, json!(null), "skipped"),
    ] {
        let id = host.begin("branches", json!({ "n": n })).await;
        assert_eq!(host.until(&id, completed()).await, json!({ "text": text, "told": status }), "{n}");
    }
    let id = host.begin("branches", json!({ "n": 7 })).await;
    let failure = host.until(&id, failed()).await;
    assert_eq!((&failure["code"], &failure["message"]), (&json!("UNLUCKY"), &json!("7 is unlucky")));
}

const PARENT: &str = r"
name: parent
steps:
  - name: each
    forEach: [1, 2, 3]
    maxConcurrency: 3
    playbook: child
    params: { n: $item }
    retries: 1
output: $steps.each.result
";
const CHILD: &str = r"
name: child
input: { type: object, properties: { n: { type: integer } }, required: [n] }
steps:
  - { name: work, operation: bench/noop, params: { n: $input.n } }
  - { name: odd, when: input.n == 4, fail: { code: FOUR, message: no four } }
output: { n: $steps.work.result.n }
";

#[tokio::test]
async fn children_run_as_executions_of_their_own_and_tell_their_parent_why_they_failed() {
    let four = PARENT.replace("name: parent", "name: four").replace("[1, 2, 3]", "[4]");
    let host = host(&[("child", CHILD), ("parent", PARENT), ("four", &four)]).await;
    let id = host.begin("parent", json!({})).await;
    assert_eq!(host.until(&id, completed()).await, json!([{ "n": 1 }, { "n": 2 }, { "n": 3 }]));
    let children = host.get("/api/v1/executions?playbook=child").await.is(200);
    assert_eq!(children["items"].as_array().unwrap().len(), 3);
    let id = host.begin("four", json!({})).await;
    let failure = host.until(&id, failed()).await;
    assert_eq!(failure["code"], "FOUR", "{failure}");
    assert!(failure["causes"][0].as_str().unwrap().contains("ended failed"), "{failure}");
}

//! `orgata run`: one playbook to its end, with a host of its own or that of the data folder.

use std::fs;

use orgata_tests::cli::{Ended, orgata};
use orgata_tests::matchers::{asked, completed};
use orgata_tests::{ExecutionId, HostSetup, StoppedHost};
use serde_json::{Value, json};

use crate::{folder, host, setup};

async fn run(place: &StoppedHost, arguments: &[&str]) -> Ended {
    let all: Vec<&str> = ["--data", "data", "run"].iter().chain(arguments).copied().collect();
    orgata(place.folder(), &all, "").await
}

#[tokio::test]
async fn a_playbook_runs_to_its_end_with_answers_from_a_file() {
    let place = HostSetup::kitchen().start().await.stop().await;
    let answers = "choose-jelly: { jelly_flavor: grape }\nassemble: { cut: diagonally }\n";
    fs::write(place.folder().join("answers.yaml"), answers).unwrap();
    let arguments = ["pbj-sandwich", "--input", r#"{"sandwichType": "deluxe"}"#, "--answers", "answers.yaml"];
    let ended = run(&place, &arguments).await;
    let said = ended.stderr.clone();
    let output = ended.json();
    assert_eq!(output["sandwich"]["cut"], "diagonally", "standard output has the result and nothing else");
    for part in
        ["✓ gather-ingredients", "? choose-jelly: Which jelly flavor?", "grape", "✓ assemble", "succeeded"]
    {
        assert!(said.contains(part), "{part:?} is not told of:\n{said}");
    }
    assert!(!said.contains('\u{1b}'), "no colours where nobody sees them:\n{said}");

    // For programs: one document a line, the last one says how it ended.
    let arguments: Vec<&str> = arguments.into_iter().chain(["--json"]).collect();
    let lines = run(&place, &arguments).await.succeeded();
    let lines: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    assert_eq!(lines[0]["event"]["type"], "execution_started");
    assert_eq!(lines[lines.len() - 1]["status"], "succeeded");
}

#[tokio::test]
async fn a_question_without_anybody_to_ask_is_left_open_for_the_next_host() {
    let place = folder().await;
    let said = run(&place, &["ask", "--input", r#"{"n": 7}"#]).await.failed(4);
    assert!(said.contains("Now?") && said.contains("--answers FILE"), "what to do is told:\n{said}");
    let id = said.split_once("exec_").expect("the execution is named").1;
    let id = ExecutionId(format!("exec_{}", &id[..32]));

    let host = place.start().await;
    host.until(&id, asked("choose")).await;
    let told = host.cli(&["answer", &id.0, "--response", "\"yea\"", "--notes", "late"]).await.succeeded();
    assert!(told.contains("yea"), "{told}");
    assert_eq!(host.until(&id, completed()).await, json!({ "n": 7, "it": "yea" }));
}

#[tokio::test]
async fn an_answers_file_that_does_not_help_is_told_of() {
    let place = folder().await;
    fs::write(place.folder().join("other.yaml"), "other-step: yea\n").unwrap();
    let said = run(&place, &["ask", "-i", r#"{"n": 7}"#, "--answers", "other.yaml"]).await.failed(4);
    assert!(said.contains("none for step `choose`"), "{said}");
    fs::write(place.folder().join("wrong.yaml"), "choose: perhaps\n").unwrap();
    let said = run(&place, &["ask", "-i", r#"{"n": 7}"#, "--answers", "wrong.yaml"]).await.failed(5);
    assert!(said.contains("\"perhaps\" is not one of \"yea\" or \"nay\""), "{said}");
    fs::write(place.folder().join("broken.yaml"), "choose: [\n").unwrap();
    let broken = run(&place, &["ask", "--answers", "broken.yaml"]).await;
    assert!(broken.stderr.contains("broken.yaml"), "{broken:?}");
    assert_ne!(broken.code, Some(0));
    let gone = run(&place, &["ask", "--answers", "gone.yaml"]).await;
    assert!(gone.stderr.contains("gone.yaml") && gone.code != Some(0), "{gone:?}");
}

#[tokio::test]
async fn how_a_run_ends_is_its_exit_code() {
    let fails =
        "name: fails\nsteps:\n  - { name: a, operation: bench/noop, params: { n: \"{{ 1 / input.n }}\" } }\n";
    let slow = "name: slow\ntimeout: 200ms\nsteps:\n  - name: ask\n    intervention:\n      prompt: Now?\n      \
                timeout: { after: 1h, answer: ok }\n";
    let place = setup().playbook("fails", fails).playbook("slow", slow).start().await.stop().await;
    let said = run(&place, &["fails", "-i", r#"{"n": 0}"#]).await.failed(1);
    assert!(said.contains("✗ a") && said.contains("failed"), "{said}");
    let said = run(&place, &["ask", "-i", "{n: 7"]).await.failed(2);
    assert!(said.contains("--input is not JSON"), "{said}");
    let said = run(&place, &["asks"]).await.failed(1);
    assert!(said.contains("no runtime has a playbook `asks`"), "{said}");
    let said = run(&place, &["asks.yaml"]).await.failed(1);
    assert!(said.contains("there is no file asks.yaml"), "{said}");
    let said = run(&place, &["ask", "--runtime", "nowhere", "-i", r#"{"n": 7}"#]).await.failed(5);
    assert!(said.contains("RUNTIME_NOT_FOUND") && said.contains("desk"), "{said}");

    // Stopped from outside: by time, and by an operator.
    let host = place.start().await;
    let id = host.begin("slow", json!({})).await;
    let watched = host.cli(&["exec", "watch", &id.0]).await.failed(3);
    assert!(watched.contains("timed_out"), "{watched}");
    let id = host.begin("ask", json!({ "n": 1 })).await;
    host.until(&id, asked("choose")).await;
    let arguments = ["exec", "watch", &id.0];
    let watch = host.cli(&arguments);
    let cancel = async { host.control(&id, "cancel", "enough").await.is(200) };
    let (watched, _) = tokio::join!(watch, cancel);
    assert!(watched.failed(3).contains("cancelled"));
}

#[tokio::test]
async fn a_file_is_published_and_run_and_its_mistakes_are_shown() {
    let place = folder().await;
    let hello = "name: hello\nsteps:\n  - { name: a, operation: bench/noop, params: { to: $input.to } }\n";
    fs::write(place.folder().join("hello.yaml"), hello).unwrap();
    fs::write(place.folder().join("input.yaml"), "to: world\n").unwrap();
    let output = run(&place, &["hello.yaml", "--input", "@input.yaml"]).await.json();
    assert_eq!(output, json!({ "to": "world" }));

    fs::write(place.folder().join("hello.yaml"), hello.replace("params", "parms")).unwrap();
    let said = run(&place, &["hello.yaml"]).await.failed(1);
    assert!(said.contains("--> hello.yaml:3:") && said.contains("params"), "{said}");

    let missing = hello.replace("bench/noop", "bench/nothing");
    fs::write(place.folder().join("hello.yaml"), missing).unwrap();
    let said = run(&place, &["hello.yaml"]).await.failed(5);
    assert!(said.contains("there is no operation `bench/nothing`") && said.contains("hello.yaml:3:"), "{said}");
}

#[tokio::test]
async fn a_run_joins_the_host_of_the_data_folder() {
    let host = host().await;
    fs::write(host.folder().join("answers.yaml"), "choose: nay\n").unwrap();
    let arguments = ["--data", "data", "run", "ask", "-i", r#"{"n": 3}"#, "--answers", "answers.yaml"];
    let output = orgata(host.folder(), &arguments, "").await.json();
    assert_eq!(output, json!({ "n": 3, "it": "nay" }));
    let list = host.get("/api/v1/executions?status=succeeded").await.is(200);
    assert_eq!(list["items"][0]["output"], output, "the host that was there did it");
}

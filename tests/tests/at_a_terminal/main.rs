//! `orgata run` at a terminal, as `cargo xtask demo` runs it: a question is asked where the playbook stops, answered
//! with the keys of a menu, and the playbook goes on.
//!
//! Not here: answers from files, and nobody to ask (`command_line`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on ends right there"
)]

mod terminal;

use orgata_tests::matchers::{asked, completed};
use orgata_tests::{ExecutionId, HostSetup, StoppedHost};
use serde_json::json;

use terminal::{CTRL_C, DOWN, ENTER, Terminal};

/// The kitchen, with no host at work.
async fn kitchen() -> StoppedHost {
    HostSetup::kitchen().start().await.stop().await
}

/// A person makes this sandwich.
fn make(place: &StoppedHost, kind: &str) -> Terminal {
    let order = json!({ "sandwichType": kind }).to_string();
    Terminal::run(place.folder(), &["--data", "data", "run", "pbj-sandwich", "--input", &order])
}

#[tokio::test]
async fn the_sandwich_of_the_demo_asks_for_its_jelly_and_is_made_with_it() {
    let place = kitchen().await;
    let mut terminal = make(&place, "classic");
    terminal.shows("gather-ingredients");
    terminal.shows("Which jelly flavor?");
    for flavor in ["> grape", "strawberry", "apricot"] {
        terminal.shows(flavor);
    }
    terminal.press(DOWN);
    terminal.shows("> strawberry");
    terminal.press(ENTER);
    terminal.shows("assemble");
    terminal.shows("succeeded");
    let (code, screen) = terminal.ended();
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("strawberry jelly"), "the result is shown:\n{screen}");
    assert!(screen.contains('\u{1b}'), "people get colours:\n{screen}");
}

#[tokio::test]
async fn an_operation_that_asks_is_answered_at_the_same_terminal() {
    let place = kitchen().await;
    let mut terminal = make(&place, "deluxe");
    terminal.shows("> grape");
    terminal.press(ENTER);
    // This question is the operation's own.
    terminal.shows("assemble");
    terminal.shows("> ");
    terminal.press(ENTER);
    terminal.shows("succeeded");
    let (code, screen) = terminal.ended();
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("grape jelly") && screen.contains("\"cut\""), "{screen}");
}

#[tokio::test]
async fn who_goes_away_from_a_question_leaves_it_open_for_the_next_host() {
    let place = kitchen().await;
    let mut terminal = make(&place, "classic");
    terminal.shows("> grape");
    terminal.press(CTRL_C);
    let (code, screen) = terminal.ended();
    assert_eq!(code, 130, "{screen}");
    assert!(screen.contains("goes on with the next `orgata serve`"), "what to do is told:\n{screen}");
    let hidden = screen.rfind("\u{1b}[?25l");
    assert!(screen.rfind("\u{1b}[?25h") >= hidden, "the cursor is there again:\n{screen:?}");

    let id = screen.split_once("exec_").expect("the execution is named").1;
    let id = ExecutionId(format!("exec_{}", &id[..32]));
    let host = place.start().await;
    let question = host.until(&id, asked("choose-jelly")).await;
    host.answer(&id, &question, json!({ "jelly_flavor": "apricot" })).await.accepted();
    host.until(&id, completed()).await;
}

#[tokio::test]
async fn an_open_question_of_a_running_host_is_answered_at_a_terminal() {
    let host = HostSetup::kitchen().start().await;
    let id = host.begin("pbj-sandwich", json!({ "sandwichType": "classic" })).await;
    host.until(&id, asked("choose-jelly")).await;
    let mut terminal = Terminal::run(host.folder(), &["--data", "data", "answer", &id.0]);
    terminal.shows("Which jelly flavor?");
    terminal.shows("> grape");
    terminal.press(DOWN);
    terminal.press(DOWN);
    terminal.shows("> apricot");
    terminal.press(ENTER);
    let (code, screen) = terminal.ended();
    assert_eq!(code, 0, "{screen}");
    let output = host.until(&id, completed()).await;
    assert!(output.to_string().contains("apricot jelly"), "{output}");
}

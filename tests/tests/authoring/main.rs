//! Operations written in a conversation: from nothing to a step that runs, without a file, a compiler or a restart.
//!
//! `writing`: the way that goes well. `mistakes`: what is wrong with sources, and told. `harm`: sources that mean it.
//! `names`: drafts that meet what is current.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that cannot go on ends right there"
)]

mod harm;
mod mistakes;
mod names;
mod writing;

use orgata_tests::drafts::Sources;
use orgata_tests::{HostSetup, TestHost};
use serde_json::{Value, json};

/// A host without any plugin, and with a playbook that waits for one.
async fn desk() -> TestHost {
    let double = "name: doubled\nsteps: [{ name: double, operation: numbers/double, params: { n: $input.n } }]\n\
                  output: $steps.double.result\n";
    HostSetup::new().playbook("doubled", double).runtime("desk", json!({})).start().await
}

/// The wish for an operation that doubles a number.
fn wish() -> Value {
    let number = |name: &str| {
        let mut properties = json!({});
        properties[name] = json!({ "type": "integer" });
        json!({ "type": "object", "properties": properties, "required": [name], "additionalProperties": false })
    };
    json!({
        "name": "numbers/double",
        "description": "Doubles a number.",
        "language": "javascript",
        "inputSchema": number("n"),
        "outputSchema": number("twice"),
    })
}

/// What an assistant makes of the first draft.
async fn doubling(host: &TestHost) -> Sources {
    let first = host.scaffold(wish()).await;
    let text = first.text("numbers.js");
    let (head, tail) = text.split_once("  return {").expect("the first draft gives its example's output");
    let (_, tail) = tail.split_once("};\n}").expect("and ends there");
    let edited = format!("{head}  return {{ twice: 2 * input.n }};\n}}{tail}");
    let example = edited.replace(r#"output: {"twice":1}"#, r#"output: {"twice":2}"#);
    assert_ne!(example, edited, "the example is where it was: {edited}");
    first.with("numbers.js", &example)
}

/// A plugin that needs nothing of a scaffold: `execute` is the body of its one operation `run`.
fn plugin(name: &str, before: &str, execute: &str) -> String {
    format!(
        "{before}
export const operations = {{
  describe() {{
    return {{ name: {name:?}, version: '1.0.0', description: 'x', operations: [{{
      name: 'run', title: undefined, description: 'x', inputSchema: '{{}}', outputSchema: '{{}}',
      idempotent: true, tags: [], examples: [],
    }}] }};
  }},
  execute(call, input) {{ {execute} }},
  resume(call, state, answer) {{ return {{ tag: 'done', val: JSON.stringify({{ state: JSON.parse(state), answer: JSON.parse(answer) }}) }}; }},
}};
"
    )
}

//! `generate_operation_prompt`: everything that is needed to write an operation.

use super::{Argument, EFFECTS, Given, LANGUAGES, Registered, Written, embedded, text};
use crate::error::ApiError;
use crate::mcp::address::Address;
use crate::mcp::call::Call;

pub(super) const PROMPT: Registered = Registered {
    name: "generate_operation_prompt",
    title: "Write an operation",
    about: "Everything that is needed to write an operation: the plugin contract, a worked example, and the checks that it \
        must pass",
    arguments: &[
        Argument {
            name: "purpose",
            about: "What the operation should do, in a sentence or more",
            required: true,
        },
        Argument { name: "name", about: "Its name, `plugin/operation` in kebab-case", required: false },
        Argument { name: "language", about: "`rust` (usual) or `js`", required: false },
        Argument {
            name: "effect",
            about: "`pure` (usual: it computes), `observing` (it sees the outside) or `effectful` (it may change it)",
            required: false,
        },
        Argument { name: "input", about: "Its input: a JSON Schema or an example", required: false },
        Argument { name: "output", about: "Its output: a JSON Schema or an example", required: false },
        Argument {
            name: "runtime",
            about: "The runtime that it is for: what it has is shown",
            required: false,
        },
    ],
    write: |call, given| -> Written<'_> { Box::pin(write(call, given)) },
};

/// The contract between plugins and the host.
const CONTRACT: &str = include_str!("../../../../../wit/plugin.wit");
/// A plugin that has something of everything, in each language.
const IN_RUST: &str = include_str!("../../../../../plugins/kitchen/src/lib.rs");
const IN_JS: &str = include_str!("../../../../../plugins/text/text.js");

const CHECKS: &str = "\
The component must pass these checks, in this order; nothing of it becomes current before it has:

1. `orgata plugin build FOLDER`: it compiles to one WebAssembly component.
2. `orgata plugin inspect FILE`: it exports `orgata:plugin/operations@1.0.0` and imports no more than its effect allows.
   What it imports decides its effect class: nothing, or `log`, `progress`, `config` and plain WASI are `pure`; `secrets` and
   `kv-read` are `observing`; `kv`, `model`, `wasi:http/outgoing-handler` and anything else are `effectful`.
3. `describe` answers within tight limits, with nothing granted: kebab-case names, a semantic version, descriptions, and JSON
   Schemas 2020-12 that compile and refer to nothing outside of themselves. Refuse unknown input fields
   (`additionalProperties: false`).
4. `orgata plugin test FILE`: every example's input fits the input schema, and running it gives exactly the example's output,
   twice. Give at least one example for each operation.
5. It always ends: no endless loops or recursion, no panics as answers. A failure is `invalid-input` (never retried),
   `transient` (retried) or `permanent`, with a stable code in kebab-case.
6. An effectful operation hands `idempotency-key` to the system that it changes, and says `idempotent` only if twice does no
   more than once.
7. An operation that needs a person returns `ask` with a question and a `resume-state`; only that state survives a restart.
";

async fn write(call: &Call, given: Given) -> Result<Vec<rmcp::model::PromptMessage>, ApiError> {
    let language = one_of(&given, "language", &LANGUAGES)?;
    let effect = one_of(&given, "effect", &EFFECTS)?;
    let mut messages = vec![
        text(task(&given, language, effect)),
        text(format!("The contract, in WIT:\n\n```wit\n{CONTRACT}```")),
        text(example(language)),
        text(CHECKS),
    ];
    if given.text("runtime").is_some() {
        messages.push(text("The runtime that it is for; do not write again what is there:"));
        messages.push(embedded(call, &Address::Runtime(given.name("runtime")?)).await?);
    }
    messages.push(text(
        "Write the operation: all files, complete. Then say which examples show that it is right.",
    ));
    Ok(messages)
}

fn one_of<'l>(given: &Given, name: &str, known: &[&'l str]) -> Result<&'l str, ApiError> {
    let (Some(usual), asked) = (known.first(), given.text(name)) else { return Ok("") };
    let asked = asked.unwrap_or(usual);
    let found = known.iter().find(|word| **word == asked).copied();
    found.ok_or_else(|| ApiError::bad_request(format!("`{name}` is one of: {}", known.join(", "))))
}

fn task(given: &Given, language: &str, effect: &str) -> String {
    let purpose = given.text("purpose").unwrap_or_default();
    let mut task = format!(
        "Write an Orgata operation: one function of a plugin, which is a sandboxed WebAssembly component.\n\nPurpose: \
         {purpose}\nLanguage: {language}\nEffect class: {effect}\n"
    );
    for (word, name) in [("Name", "name"), ("Input", "input"), ("Output", "output")] {
        if let Some(said) = given.text(name) {
            task.push_str(&format!("{word}: {said}\n"));
        }
    }
    task
}

fn example(language: &str) -> String {
    let (fence, source, words) = match language {
        "js" => (
            "js",
            IN_JS,
            "The contract is written by hand; `orgata plugin new NAME --lang js` makes the folder.",
        ),
        _ => (
            "rust",
            IN_RUST,
            "The kit `orgata-plugin` makes schemas of types; `orgata plugin new NAME` makes the folder.",
        ),
    };
    format!("A whole plugin that works. {words}\n\n```{fence}\n{source}```")
}

//! `generate_operation_prompt`: everything that is needed to write an operation.

use orgata_model::OperationName;

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
        Argument {
            name: "language",
            about: "`javascript` (usual: it builds in seconds) or `rust`",
            required: false,
        },
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
How to get there with the tools of this host. Whoever has no tools hands the files to a person, who does the same at a terminal \
with the command in brackets.

1. `scaffold_operation`, with the language and the effect class above, gives the files of an operation that builds and passes \
   its own example. Begin with them: they have the project's files too, which the example above does not show; in JavaScript \
   `package.json` names the world, and so what can be imported. (`orgata plugin new NAME`, with `--lang js` for JavaScript)
2. Write the function, its description, schemas and examples into those files.
3. `build_operation` takes all files and gives a digest, or the compiler's errors with file and line. Rust is built only where \
   the operator has prepared it. (`orgata plugin build FOLDER`)
4. `validate_operation` says what the component exports and wants, and what loading it would break. \
   (`orgata plugin inspect FILE`)
5. `test_operation` runs the examples, and cases that you give, in the sandbox. (`orgata plugin test FILE`)
6. `load_operation` makes it current. Do so only when a person wants it. (`orgata plugin load FILE`)

What the component must keep to:

1. It exports `orgata:plugin/operations@1.0.0` and imports no more than its effect class allows. The imports decide the class:
   nothing, or `log`, `progress`, `config` and plain WASI are `pure`; `secrets` and `kv-read` are `observing`; `kv`, `model`,
   `wasi:http/outgoing-handler` and anything else are `effectful`. What it wants to reach, an operator must grant.
2. `describe` answers within tight limits, with nothing granted: kebab-case names, a semantic version, descriptions, and JSON
   Schemas 2020-12 that compile and refer to nothing outside of themselves. Refuse unknown input fields
   (`additionalProperties: false`).
3. Give each operation at least one example: its input fits the input schema, its output the output schema, and a pure or
   observing operation gives exactly that output whenever it is run. Examples of effectful operations are not run: they are
   read. Try those by cases of `test_operation`.
4. It always ends: no endless loops or recursion, no panics as answers. A failure is `invalid-input` (never retried),
   `transient` (retried) or `permanent`, with a stable code in kebab-case.
5. An effectful operation hands `idempotency-key` to the system that it changes, and says `idempotent` only if twice does no
   more than once.
6. An operation that needs a person returns `ask` with a question and a `resume-state`; only that state survives a restart.
";

async fn write(call: &Call, given: Given) -> Result<Vec<rmcp::model::PromptMessage>, ApiError> {
    let language = one_of(&given, "language", &LANGUAGES)?;
    let effect = one_of(&given, "effect", &EFFECTS)?;
    named(&given)?;
    let mut messages = vec![
        text(task(&given, language, effect)),
        text(format!("The contract, in WIT:\n\n```wit\n{CONTRACT}```")),
        text(example(language)),
        text(CHECKS),
    ];
    if given.text("runtime").is_some() {
        messages.push(text(
            "The runtime that it is for, with the operations that it has: do not write one of those again.",
        ));
        messages.push(embedded(call, &Address::Runtime(given.name("runtime")?)).await?);
    }
    messages.push(text(
        "Write the operation: all files, complete. Then say which examples and cases show that it is right.",
    ));
    Ok(messages)
}

fn meaning(effect: &str) -> &'static str {
    match effect {
        "effectful" => "may change the outside",
        "observing" => "sees the outside and leaves it as it is",
        _ => "only computes",
    }
}

/// A name that no operation can have would be found by the first build.
fn named(given: &Given) -> Result<(), ApiError> {
    let Some(name) = given.text("name") else { return Ok(()) };
    match name.parse::<OperationName>() {
        Ok(_) => Ok(()),
        Err(error) => Err(ApiError::bad_request(format!("`name`: {error}"))),
    }
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
         {purpose}\nLanguage: {language}\nEffect class: {effect}, which means that it {}\n",
        meaning(effect)
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
        "rust" => (
            "rust",
            IN_RUST,
            "It is written with the kit `orgata-plugin`, which makes schemas of types and comes with Orgata's source. What \
             `scaffold_operation` gives is written on the contract alone: follow its shape, and take from here how operations \
             are described, fail and ask.",
        ),
        _ => (
            "js",
            IN_JS,
            "It is written on the contract alone. In JavaScript names are in camelCase, a variant is `{ tag, val }`, and a \
             failure is thrown.",
        ),
    };
    format!("A whole plugin that works. {words}\n\n```{fence}\n{source}```")
}

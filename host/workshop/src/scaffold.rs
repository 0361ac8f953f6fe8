//! First drafts: a plugin with one operation that builds, and passes its own example, as it is.
//!
//! The texts are in `templates/`, one folder a language. What stands there as `{{word}}` is filled in once, from left to
//! right, so that nothing of what a caller says is taken for a place to fill in; and whatever a caller says is written as a
//! literal of the language.

use std::collections::BTreeMap;

use orgata_engine::ports::{Blueprint, BuildError, Language, Schemas, SourceFile};
use orgata_model::operation::EffectClass;
use orgata_model::schema::Schema;
use serde_json::{Value, json};

use crate::refusal::{bad, because};
use crate::sample::sample;

/// The contract that this host speaks.
pub(crate) const CONTRACT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/plugin.wit"));

/// Longest description, in bytes.
const MAX_DESCRIPTION: usize = 2000;

/// The text of a template.
macro_rules! template {
    ($file:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/", $file, ".template"))
    };
}

/// What is put into templates, by its word there.
type Words = BTreeMap<&'static str, String>;

/// The source text of a plugin with one operation.
pub(crate) fn scaffold(blueprint: &Blueprint) -> Result<Vec<SourceFile>, BuildError> {
    let words = words(blueprint)?;
    let plugin = &blueprint.name.plugin;
    let files = match blueprint.language {
        Language::JavaScript => vec![
            ("package.json".to_owned(), template!("javascript/package.json")),
            (format!("{plugin}.js"), template!("javascript/plugin.js")),
        ],
        Language::Rust => vec![
            ("Cargo.toml".to_owned(), template!("rust/Cargo.toml")),
            ("src/lib.rs".to_owned(), template!("rust/lib.rs")),
        ],
    };
    Ok(files.into_iter().map(|(path, text)| SourceFile { path, text: filled(text, &words) }).collect())
}

/// What lies beside the sources in a folder that people keep: the contract to read, a README, what Git leaves alone.
pub fn surroundings(blueprint: &Blueprint) -> Result<Vec<SourceFile>, BuildError> {
    let words = words(blueprint)?;
    let (readme, ignored) = match blueprint.language {
        Language::JavaScript => (template!("javascript/README.md"), template!("javascript/gitignore")),
        Language::Rust => (template!("rust/README.md"), template!("rust/gitignore")),
    };
    let file = |path: &str, text: String| SourceFile { path: path.to_owned(), text };
    Ok(vec![
        file("wit/plugin.wit", CONTRACT.to_owned()),
        file("README.md", filled(readme, &words)),
        file(".gitignore", filled(ignored, &words)),
    ])
}

/// A folder with all of it.
pub fn whole_folder(blueprint: &Blueprint) -> Result<Vec<SourceFile>, BuildError> {
    let mut files = scaffold(blueprint)?;
    files.extend(surroundings(blueprint)?);
    Ok(files)
}

/// Input and output of the one example, if any were found that fit.
type Sample = Option<(Value, Value)>;

fn words(blueprint: &Blueprint) -> Result<Words, BuildError> {
    check(blueprint)?;
    let (schemas, sample) = match &blueprint.schemas {
        None => greeting(),
        Some(schemas) => (schemas.clone(), sampled(schemas)),
    };
    let operation = &*blueprint.name.operation;
    let example_input = sample.as_ref().map_or_else(|| json!({}), |(input, _)| input.clone());
    let mut words = Words::from([
        ("plugin", blueprint.name.plugin.to_string()),
        ("operation", operation.to_owned()),
        ("world", world(blueprint.effect).to_owned()),
        ("idempotent", (blueprint.effect != EffectClass::Effectful).to_string()),
        ("example_input", example_input.to_string()),
    ]);
    match blueprint.language {
        Language::JavaScript => in_javascript(&mut words, blueprint, &schemas, sample.as_ref()),
        Language::Rust => in_rust(&mut words, blueprint, &schemas, sample.as_ref()),
    }
    Ok(words)
}

/// What an operation greets with, where nobody says what it is to do.
fn greeting() -> (Schemas, Sample) {
    let input = json!({
        "type": "object",
        "properties": { "name": { "type": "string", "minLength": 1, "description": "Whom to greet." } },
        "required": ["name"],
        "additionalProperties": false,
    });
    let output = json!({
        "type": "object",
        "properties": { "greeting": { "type": "string" } },
        "required": ["greeting"],
        "additionalProperties": false,
    });
    let sample = (json!({ "name": "Ada" }), json!({ "greeting": "Hello, Ada!" }));
    (Schemas { input, output }, Some(sample))
}

fn sampled(schemas: &Schemas) -> Sample {
    Some((sample(&schemas.input)?, sample(&schemas.output)?))
}

/// The smallest world that gives the class: JavaScript imports all that a world names.
const fn world(effect: EffectClass) -> &'static str {
    match effect {
        EffectClass::Pure => "pure-plugin",
        EffectClass::Observing => "observing-plugin",
        EffectClass::Effectful => "plugin",
    }
}

fn in_javascript(
    words: &mut Words,
    blueprint: &Blueprint,
    schemas: &Schemas,
    sample: Option<&(Value, Value)>,
) {
    let literal = |text: &str| Value::from(text).to_string();
    let example = sample.map(|(input, output)| {
        let name = example_name(blueprint);
        format!("[\n      {{ name: {}, input: {input}, output: {output} }},\n    ]", literal(name))
    });
    let result = sample.map(|(_, output)| format!("return {};", indented(output, "  ")));
    let unwritten = r#"throw failure("permanent", "not-written", "this operation is not written yet");"#;
    words.extend([
        ("key", literal(&blueprint.name.operation)),
        ("title", literal(&title(&blueprint.name.operation))),
        ("description", literal(&description(blueprint))),
        ("input_schema", indented(&schemas.input, "    ")),
        ("output_schema", indented(&schemas.output, "    ")),
        ("examples", example.unwrap_or_else(|| "[]".to_owned())),
        ("result", result.unwrap_or_else(|| unwritten.to_owned())),
    ]);
    let (function, body) = match blueprint.schemas {
        None => ("greet", template!("javascript/greet.js")),
        Some(_) => ("run", template!("javascript/blank.js")),
    };
    let body = filled(body, words);
    words.extend([("function", function.to_owned()), ("body", body)]);
}

fn in_rust(words: &mut Words, blueprint: &Blueprint, schemas: &Schemas, sample: Option<&(Value, Value)>) {
    // Of what can be in it, JSON, TOML and Rust write all alike.
    let literal = |text: &str| Value::from(text).to_string();
    let example = sample.map(|(input, output)| {
        format!(
            "orgata::plugin::types::Example {{\n            name: {}.to_owned(),\n            input: {}.to_owned(),\n            \
             output: {}.to_owned(),\n        }}",
            literal(example_name(blueprint)),
            raw(&input.to_string()),
            raw(&output.to_string()),
        )
    });
    let result = sample.map(|(_, output)| format!("read({})", raw(&output.to_string())));
    let unwritten = "Err(permanent(\n        \"not-written\",\n        \"this operation is not written yet\".to_owned(),\n    ))";
    words.extend([
        ("title", literal(&title(&blueprint.name.operation))),
        ("description", literal(&description(blueprint))),
        ("input_schema", raw(&indented(&schemas.input, ""))),
        ("output_schema", raw(&indented(&schemas.output, ""))),
        ("examples", example.unwrap_or_default()),
        ("result", result.unwrap_or_else(|| unwritten.to_owned())),
    ]);
    let (function, imports, body, tests) = match blueprint.schemas {
        None => {
            let imports = "use serde::{Deserialize, Serialize};";
            ("greet", imports, template!("rust/greet.rs"), template!("rust/greet.tests.rs"))
        }
        Some(_) => ("run", "use serde::Serialize;\nuse serde_json::Value;", template!("rust/blank.rs"), ""),
    };
    let body = filled(body, words);
    words.extend([("function", function.to_owned()), ("imports", imports.to_owned())]);
    words.extend([("body", body), ("tests", tests.to_owned())]);
}

/// Puts words into a text, once and from left to right. What is no word stays.
fn filled(text: &str, words: &Words) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        match after.split_once("}}").and_then(|(word, tail)| Some((words.get(word)?, tail))) {
            Some((value, tail)) => {
                out.push_str(value);
                rest = tail;
            }
            None => {
                out.push_str("{{");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// JSON over several lines, the later ones moved in.
fn indented(value: &Value, by: &str) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.replace('\n', &format!("\n{by}"))
}

/// A raw string of Rust, with as many hashes as it takes.
fn raw(text: &str) -> String {
    let mut hashes = "#".to_owned();
    while text.contains(&format!("\"{hashes}")) {
        hashes.push('#');
    }
    format!("r{hashes}\"{text}\"{hashes}")
}

/// `Resize image` of `resize-image`.
fn title(operation: &str) -> String {
    let words = operation.replace('-', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn description(blueprint: &Blueprint) -> String {
    match (blueprint.description.trim(), &blueprint.schemas) {
        ("", None) => "Greets people.".to_owned(),
        ("", Some(_)) => title(&blueprint.name.operation),
        (text, _) => text.to_owned(),
    }
}

fn example_name(blueprint: &Blueprint) -> &'static str {
    if blueprint.schemas.is_none() { "Ada" } else { "first" }
}

fn check(blueprint: &Blueprint) -> Result<(), BuildError> {
    let name = &blueprint.name;
    for (what, text) in [("plugin", name.plugin.as_str()), ("operation", &*name.operation)] {
        if !is_kebab(text) {
            let message = format!("{text:.100?} cannot be the name of a {what}");
            let hint = "use lower-case letters, digits and single hyphens, and begin with a letter, such as `image-resize`";
            return Err(bad(message, hint));
        }
    }
    let description = &blueprint.description;
    if description.len() > MAX_DESCRIPTION || description.contains(|c: char| c.is_control() && c != '\n') {
        let message =
            format!("the description is longer than {MAX_DESCRIPTION} bytes, or has control characters");
        return Err(bad(message, "say in a sentence or two what the operation does"));
    }
    for (what, schema) in
        blueprint.schemas.iter().flat_map(|both| [("input", &both.input), ("output", &both.output)])
    {
        let hint = "write a JSON Schema 2020-12 that is whole in itself: other documents are not fetched";
        Schema::compile(schema)
            .map_err(|error| because(bad(format!("the {what} schema cannot be used"), hint), &error))?;
    }
    Ok(())
}

/// A name that is good for the plugin, its folder, its file and its package.
fn is_kebab(name: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.split('-').all(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blueprint(language: Language) -> Blueprint {
        let name = "image-tools/resize-image".parse().unwrap();
        let effect = EffectClass::Pure;
        Blueprint { name, description: String::new(), language, schemas: None, effect }
    }

    fn text(files: &[SourceFile], path: &str) -> String {
        files.iter().find(|file| file.path == path).unwrap().text.clone()
    }

    #[test]
    fn every_word_is_filled_in() {
        for language in [Language::Rust, Language::JavaScript] {
            let schemas = Schemas {
                input: json!({ "type": "object" }),
                output: json!({ "type": "string", "pattern": "^x$" }),
            };
            for schemas in [None, Some(schemas)] {
                for file in whole_folder(&Blueprint { schemas, ..blueprint(language) }).unwrap() {
                    assert!(!file.text.contains("{{"), "{}: {}", file.path, file.text);
                }
            }
        }
    }

    #[test]
    fn what_a_caller_says_is_a_literal_and_no_code() {
        let evil = "\"}; {{plugin}} `${x}` */ \\ \u{2028} \"#";
        for language in [Language::Rust, Language::JavaScript] {
            let schema = json!({ "const": evil });
            let schemas = Some(Schemas { input: schema.clone(), output: schema });
            let description = evil.to_owned();
            let files = scaffold(&Blueprint { schemas, description, ..blueprint(language) }).unwrap();
            let path = if language == Language::Rust { "src/lib.rs" } else { "image-tools.js" };
            let text = text(&files, path);
            assert!(text.contains("{{plugin}}"), "what a caller says is not filled in");
            assert!(!text.contains("description: \"\"}"), "{text}");
        }
        assert_eq!(raw("a \"# b"), "r##\"a \"# b\"##");
    }

    #[test]
    fn the_world_gives_the_class_that_was_asked_for() {
        for (effect, world) in [
            (EffectClass::Pure, "pure-plugin"),
            (EffectClass::Observing, "observing-plugin"),
            (EffectClass::Effectful, "plugin"),
        ] {
            let files = scaffold(&Blueprint { effect, ..blueprint(Language::JavaScript) }).unwrap();
            let package: Value = serde_json::from_str(&text(&files, "package.json")).unwrap();
            assert_eq!(package["orgata"]["world"], world);
            assert_eq!(package["main"], "image-tools.js");
        }
    }

    #[test]
    fn names_and_schemas_that_the_host_would_refuse_are_refused_first() {
        for bad in ["a/A", "A/a", "a_b/c", "a/b.c", "2d/x", "a-/b", "a--b/c"] {
            let blueprint = Blueprint { name: bad.parse().unwrap(), ..blueprint(Language::Rust) };
            assert_eq!(scaffold(&blueprint).unwrap_err().code, "BAD_SOURCES", "{bad}");
        }
        let schemas = Some(Schemas { input: json!({ "type": "text" }), output: json!({}) });
        let refused = scaffold(&Blueprint { schemas, ..blueprint(Language::Rust) }).unwrap_err();
        assert!(refused.message.contains("input schema") && !refused.causes.is_empty(), "{refused:?}");
        let description = "x".repeat(MAX_DESCRIPTION + 1);
        assert!(scaffold(&Blueprint { description, ..blueprint(Language::Rust) }).is_err());
    }
}

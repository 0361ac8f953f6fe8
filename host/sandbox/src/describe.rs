//! What a plugin says of itself, checked: names, versions, schemas, examples.
//!
//! `describe` runs once for each digest, with nothing granted and under limits of its own; what came of it
//! is kept ([`Metadata`]) and never asked again.

use std::sync::Arc;

use orgata_engine::ports::LoadError;
use orgata_model::operation::{EffectClass, Example, Operation, Plugin};
use orgata_model::schema::Schema;
use orgata_model::signature::SignerKey;
use orgata_model::{Digest, OperationName, PluginName};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bindings::host::types as wit;
use crate::refusal::{Refusal as _, refuse};

/// Changes when older metadata can no longer be read; it is then derived again.
pub(crate) const FORMAT: u32 = 1;

/// Operations that one plugin may have.
const MAX_OPERATIONS: usize = 1000;

/// What is known of a version of a plugin, as it is kept beside the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) format: u32,
    pub(crate) name: PluginName,
    pub(crate) version: String,
    pub(crate) description: String,
    pub(crate) effect: EffectClass,
    pub(crate) imports: Vec<String>,
    pub(crate) size: u64,
    pub(crate) operations: Vec<OperationMetadata>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) signers: Vec<SignerKey>,
}

/// What is known of one operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OperationMetadata {
    pub(crate) name: Arc<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    pub(crate) description: String,
    pub(crate) input_schema: Arc<Value>,
    pub(crate) output_schema: Arc<Value>,
    pub(crate) idempotent: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) examples: Vec<ExampleMetadata>,
}

/// An example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ExampleMetadata {
    name: String,
    input: Value,
    output: Value,
}

impl Metadata {
    /// What the host tells of this version.
    pub(crate) fn plugin(&self, digest: Digest, compile_ms: Option<u64>) -> Plugin {
        let mut operations: Vec<_> =
            self.operations.iter().map(|operation| Arc::new(self.operation(operation, digest))).collect();
        operations.sort_by(|a, b| a.name.cmp(&b.name));
        Plugin {
            digest,
            name: self.name.clone(),
            version: self.version.clone(),
            description: self.description.clone(),
            effect: self.effect,
            imports: self.imports.clone(),
            size: self.size,
            compile_ms,
            operations,
            signers: self.signers.clone(),
        }
    }

    fn operation(&self, operation: &OperationMetadata, digest: Digest) -> Operation {
        let example = |example: &ExampleMetadata| Example {
            name: example.name.clone(),
            input: example.input.clone(),
            output: example.output.clone(),
        };
        Operation {
            name: OperationName { plugin: self.name.clone(), operation: Arc::clone(&operation.name) },
            title: operation.title.clone(),
            description: operation.description.clone(),
            input_schema: Arc::clone(&operation.input_schema),
            output_schema: Arc::clone(&operation.output_schema),
            idempotent: operation.idempotent,
            tags: operation.tags.clone(),
            examples: operation.examples.iter().map(example).collect(),
            effect: self.effect,
            digest,
        }
    }
}

/// Checks what `describe` gave.
pub(crate) fn checked(
    info: wit::PluginInfo,
    effect: EffectClass,
    imports: Vec<String>,
    size: u64,
) -> Result<Metadata, LoadError> {
    let name = plugin_name(&info.name)?;
    check_version(&info.version)?;
    check_count(info.operations.len())?;
    let mut operations: Vec<OperationMetadata> = Vec::with_capacity(info.operations.len());
    for operation in info.operations {
        check_operation_name(&operation.name)?;
        if operations.iter().any(|other| *other.name == *operation.name) {
            let message = format!("two of its operations are named \"{}\"", operation.name);
            return Err(refuse("BAD_NAME", message, "give every operation of the plugin a name of its own"));
        }
        operations.push(checked_operation(operation)?);
    }
    Ok(Metadata {
        signers: Vec::new(),
        format: FORMAT,
        name,
        version: info.version,
        description: info.description,
        effect,
        imports,
        size,
        operations,
    })
}

/// Refuses a name that is not kebab-case.
pub(crate) fn plugin_name(name: &str) -> Result<PluginName, LoadError> {
    let bad = || {
        let message = format!("its name is {name:.100?}");
        refuse(
            "BAD_NAME",
            message,
            "name a plugin in kebab-case, such as `image-resize`, 100 letters at most",
        )
    };
    if !is_kebab(name) {
        return Err(bad());
    }
    name.parse().map_err(|_| bad())
}

fn check_operation_name(name: &str) -> Result<(), LoadError> {
    if is_kebab(name) {
        return Ok(());
    }
    let message = format!("one of its operations is named {name:.100?}");
    Err(refuse(
        "BAD_NAME",
        message,
        "name operations in kebab-case, such as `resize-image`, 100 letters at most",
    ))
}

fn is_kebab(name: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    name.len() <= orgata_model::ids::MAX_NAME && name.split('-').all(word)
}

/// Numbers with dots and, after them, what semantic versioning allows: enough to tell versions apart by eye.
pub(crate) fn check_version(version: &str) -> Result<(), LoadError> {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let rest = version.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+'));
    if version.len() <= 100 && core.split('.').count() == 3 && core.split('.').all(number) && rest {
        return Ok(());
    }
    let message = format!("its version is {version:.100?}");
    Err(refuse("BAD_NAME", message, "write a semantic version, such as `1.4.0`"))
}

pub(crate) fn check_count(operations: usize) -> Result<(), LoadError> {
    match operations {
        0 => Err(refuse(
            "WRONG_EXPORTS",
            "it offers no operation",
            "let `describe` name at least one operation",
        )),
        1..=MAX_OPERATIONS => Ok(()),
        _ => {
            let message = format!("it offers {operations} operations; {MAX_OPERATIONS} is the most");
            Err(refuse("WRONG_EXPORTS", message, "split it into several plugins"))
        }
    }
}

fn checked_operation(operation: wit::Operation) -> Result<OperationMetadata, LoadError> {
    let (input_schema, input) = schema(&operation.name, "input", &operation.input_schema)?;
    let (output_schema, output) = schema(&operation.name, "output", &operation.output_schema)?;
    let mut examples = Vec::with_capacity(operation.examples.len());
    for example in operation.examples {
        examples.push(checked_example(&operation.name, example, &input, &output)?);
    }
    Ok(OperationMetadata {
        name: operation.name.into(),
        title: operation.title,
        description: operation.description,
        input_schema,
        output_schema,
        idempotent: operation.idempotent,
        tags: operation.tags,
        examples,
    })
}

fn schema(operation: &str, which: &str, text: &str) -> Result<(Arc<Value>, Schema), LoadError> {
    let bad = || {
        let message = format!("the {which} schema of operation {operation} cannot be used");
        refuse(
            "BAD_SCHEMA",
            message,
            "write a JSON Schema 2020-12 that is whole in itself: other documents are not fetched",
        )
    };
    let value: Value = serde_json::from_str(text).map_err(|error| bad().because(&error))?;
    let schema = Schema::compile(&value).map_err(|error| bad().because(&error))?;
    Ok((Arc::new(value), schema))
}

fn checked_example(
    operation: &str,
    example: wit::Example,
    input_schema: &Schema,
    output_schema: &Schema,
) -> Result<ExampleMetadata, LoadError> {
    let name = example.name;
    let value = |which: &str, text: &str, schema: &Schema| {
        let bad = || {
            let message = format!(
                "the {which} of example {name:.100?} of operation {operation} does not fit its own schema"
            );
            refuse("BAD_SCHEMA", message, "mend the example or the schema")
        };
        let value: Value = serde_json::from_str(text).map_err(|error| bad().because(&error))?;
        schema.check(&value).map_err(|violations| {
            let causes = violations.iter().map(|v| format!("{} {}", v.pointer, v.message).trim().to_owned());
            LoadError { causes: causes.collect(), ..bad() }
        })?;
        Ok::<Value, LoadError>(value)
    };
    let input = value("input", &example.input, input_schema)?;
    let output = value("output", &example.output, output_schema)?;
    Ok(ExampleMetadata { name, input, output })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab_case() {
        for good in ["a", "resize-image", "s3", "2d"] {
            assert!(plugin_name(good).is_ok(), "{good}");
        }
        for bad in ["", "-", "a-", "A", "a_b", "a/b", "a b", "../x", "ä", &"x".repeat(200)] {
            assert_eq!(plugin_name(bad).unwrap_err().code, "BAD_NAME", "{bad}");
        }
    }

    #[test]
    fn versions_are_semantic() {
        for good in ["1.4.0", "0.1.0-rc.1", "1.0.0+build.7"] {
            assert!(check_version(good).is_ok(), "{good}");
        }
        for bad in ["", "1", "1.0", "v1.0.0", "latest", "1.0.0 ", "1..0"] {
            assert!(check_version(bad).is_err(), "{bad}");
        }
    }
}

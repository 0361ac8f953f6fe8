//! One version of a plugin, ready to run: what it says of itself, its code, and its schemas.

use std::sync::{Arc, OnceLock};

use orgata_model::failure::code;
use orgata_model::operation::{Operation, Plugin};
use orgata_model::schema::{Schema, Violation};
use orgata_model::{Failure, OperationName};
use serde_json::{Value, json};

use crate::bindings::PluginPre;
use crate::guest::Guest;
use crate::plain::PlainCode;
use crate::turns::Habit;

/// A version of a plugin.
pub(crate) struct Version {
    pub(crate) plugin: Arc<Plugin>,
    pub(crate) code: Code,
    /// In the order of `plugin.operations`.
    known: Vec<Known>,
}

/// How a component is called.
pub(crate) enum Code {
    /// It exports `orgata:plugin/operations`.
    Contract(PluginPre<Guest>),
    /// It exports ordinary functions.
    Plain(PlainCode),
}

/// What is known of one operation.
#[derive(Default)]
struct Known {
    schemas: Schemas,
    habit: Habit,
}

/// The schemas of one operation, compiled when first needed: a start with many plugins would wait for them.
/// They were compiled once when the plugin was first loaded, so they are known to be good.
#[derive(Default)]
struct Schemas {
    input: OnceLock<Schema>,
    output: OnceLock<Schema>,
}

/// An operation of a version.
pub(crate) struct Offered<'a> {
    pub(crate) operation: &'a Arc<Operation>,
    /// Its place among the plugin's operations.
    pub(crate) at: usize,
    /// Whether it computes for long.
    pub(crate) habit: &'a Habit,
    schemas: &'a Schemas,
}

impl Version {
    pub(crate) fn new(plugin: Arc<Plugin>, code: Code) -> Self {
        let known = plugin.operations.iter().map(|_| Known::default()).collect();
        Self { plugin, code, known }
    }

    /// The operation of this name.
    pub(crate) fn offers(&self, name: &OperationName) -> Result<Offered<'_>, Failure> {
        let operations = &self.plugin.operations;
        let found = operations.iter().position(|operation| operation.name.operation == name.operation);
        match found.and_then(|at| Some((at, operations.get(at)?, self.known.get(at)?))) {
            Some((at, operation, Known { schemas, habit })) => Ok(Offered { operation, at, habit, schemas }),
            None => Err(Failure::permanent(
                "UNKNOWN_OPERATION",
                format!(
                    "plugin {} {} has no operation {}",
                    self.plugin.name, self.plugin.version, name.operation
                ),
            )),
        }
    }
}

impl Offered<'_> {
    /// Refuses an input that does not satisfy the operation's schema.
    pub(crate) fn check_input(&self, input: &Value) -> Result<(), Failure> {
        let schema = compiled(&self.schemas.input, &self.operation.input_schema)?;
        schema.check(input).map_err(|violations| {
            let message =
                format!("the input does not fit operation {}: {}", self.operation.name, told(&violations));
            Failure::invalid_input(code::INPUT_MISMATCH, message)
                .with_details(json!({ "violations": violations }))
        })
    }

    /// Refuses an output that does not satisfy the operation's own schema.
    pub(crate) fn check_output(&self, output: &Value) -> Result<(), Failure> {
        let schema = compiled(&self.schemas.output, &self.operation.output_schema)?;
        schema.check(output).map_err(|violations| {
            let message = format!(
                "operation {} gave what its own output schema forbids: {}",
                self.operation.name,
                told(&violations)
            );
            Failure::permanent(code::OUTPUT_MISMATCH, message)
                .with_details(json!({ "violations": violations }))
        })
    }
}

fn compiled<'a>(cell: &'a OnceLock<Schema>, schema: &Value) -> Result<&'a Schema, Failure> {
    if let Some(compiled) = cell.get() {
        return Ok(compiled);
    }
    let compiled = Schema::compile(schema).map_err(|error| {
        Failure::permanent(code::INTERNAL, "a schema no longer compiles").caused_by(&error)
    })?;
    Ok(cell.get_or_init(|| compiled))
}

fn told(violations: &[Violation]) -> String {
    let told: Vec<_> = violations.iter().take(3).map(|v| format!("{} {}", v.pointer, v.message)).collect();
    told.join("; ").trim().to_owned()
}

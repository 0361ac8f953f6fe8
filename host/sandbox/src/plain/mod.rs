//! Plain components: other people's, which export typed functions and know nothing of Orgata.
//!
//! Every exported function becomes an operation. Its input is an object of the parameters, its output what
//! the function returns. Where that is a `result`, `ok` is the output and `err` a failure: `GUEST_ERROR`,
//! permanent, with the error's value as details, because a typed error is an answer and not an accident.
//! A `result` anywhere inside a value is `{"ok": …}` or `{"err": …}`.
//!
//! [`shape`] are the types, [`schema`] and [`codec`] walk them, [`functions`] finds and names.

pub(crate) mod codec;
mod functions;
mod schema;
pub(crate) mod shape;

use std::sync::Arc;

use orgata_engine::ports::LoadError;
use orgata_model::Failure;
use orgata_model::failure::code;
use orgata_model::operation::EffectClass;
use orgata_model::text::cut;
use serde_json::{Map, Value};
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre, Val};

use self::codec::{Decoder, Mismatch};
use self::functions::Function;
use self::shape::Shape;
use crate::describe::{self, FORMAT, Metadata, OperationMetadata};
use crate::guest::Guest;
use crate::limits::{Limit, LimitReached};
use crate::precheck::Outline;
use crate::refusal::refuse;
use crate::version::Code;

/// How much more than its JSON a value may take in the host while it is turned into it: a byte of a
/// `list<u8>` is a whole `Val`.
pub(crate) const BLOAT: usize = 8;

/// A plain component, linked, with its functions in the order of their operations.
pub(crate) struct PlainCode {
    pub(crate) pre: InstancePre<Guest>,
    functions: Vec<Function>,
}

/// How a call of a function went badly without a trap.
pub(crate) enum CallError {
    /// The input fits the schema and not the type, such as a number too large for its string.
    Input(Mismatch),
    /// The function returned an error.
    Returned(Value),
}

impl PlainCode {
    pub(crate) fn new(pre: InstancePre<Guest>) -> Result<Self, LoadError> {
        let functions = functions::all(pre.component())?;
        Ok(Self { pre, functions })
    }

    /// What the component says of itself, by its types and its metadata sections.
    pub(crate) fn metadata(
        &self,
        outline: Outline,
        stem: Option<&str>,
        effect: EffectClass,
        size: u64,
    ) -> Result<Metadata, LoadError> {
        let name = [outline.name.as_deref(), stem].into_iter().flatten().map(kebab);
        let name = name.map(|name| describe::plugin_name(&name)).find_map(Result::ok).ok_or_else(|| {
            let hint = "name it with `wasm-tools metadata add --name`, or load it from a file with a kebab-case name";
            refuse("BAD_NAME", "it has no name that a plugin could have", hint)
        })?;
        let version = outline.version.filter(|version| describe::check_version(version).is_ok());
        Ok(Metadata {
            signers: Vec::new(),
            format: FORMAT,
            name,
            version: version.unwrap_or_else(|| "0.0.0".to_owned()),
            description: outline
                .description
                .unwrap_or_else(|| "Typed functions of a WebAssembly component.".to_owned()),
            effect,
            imports: outline.imports,
            size,
            operations: self.functions.iter().map(|function| operation(function, effect)).collect(),
        })
    }
}

/// `Image_Tools.wasm` as `image-tools`.
fn kebab(name: &str) -> String {
    let name = name.strip_suffix(".wasm").unwrap_or(name);
    name.to_ascii_lowercase().replace(['_', ' ', '.'], "-")
}

fn operation(function: &Function, effect: EffectClass) -> OperationMetadata {
    OperationMetadata {
        name: Arc::clone(&function.name),
        title: None,
        description: format!("`{function}`"),
        input_schema: Arc::new(function.input_schema()),
        output_schema: Arc::new(function.output_schema()),
        // Nobody says so of those that reach out.
        idempotent: effect != EffectClass::Effectful,
        tags: Vec::new(),
        examples: Vec::new(),
    }
}

/// Calls the function at a place.
pub(crate) async fn call(
    code: &Code,
    instance: &Instance,
    store: &mut Store<Guest>,
    at: usize,
    input: &Value,
) -> wasmtime::Result<Result<Value, CallError>> {
    let Code::Plain(PlainCode { functions, .. }) = code else {
        wasmtime::bail!("the component is not plain")
    };
    let Some(function) = functions.get(at) else { wasmtime::bail!("the component has no such function") };
    let params = match params(function, input) {
        Ok(params) => params,
        Err(mismatch) => return Ok(Err(CallError::Input(mismatch))),
    };
    let Some(callee) = instance.get_func(&mut *store, function.index) else {
        wasmtime::bail!("the instance lacks the function {}", function.name)
    };
    let mut results = vec![Val::Bool(false); usize::from(function.result.is_some())];
    callee.call_async(&mut *store, &params, &mut results).await?;
    let returned = returned(function, results.first())?;
    let (Ok(value) | Err(value)) = &returned;
    check_size(value, store.data().settings.output.as_usize())?;
    Ok(returned.map_err(CallError::Returned))
}

fn params(function: &Function, input: &Value) -> Result<Vec<Val>, Mismatch> {
    let nothing = Map::new();
    let given = input.as_object().unwrap_or(&nothing);
    let mut decoder = Decoder::new();
    function.params.iter().map(|(name, shape)| codec::named(name, shape, given, &mut decoder)).collect()
}

/// The output, or the error that the function returned.
fn returned(function: &Function, result: Option<&Val>) -> Result<Result<Value, Value>, Mismatch> {
    let payload = |shape: &Option<Box<Shape>>, value: &Option<Box<Val>>| match (shape, value) {
        (Some(shape), Some(value)) => shape.encode(value),
        _ => Ok(Value::Null),
    };
    match (&function.result, result) {
        (Some(Shape::Result { ok, .. }), Some(Val::Result(Ok(value)))) => Ok(Ok(payload(ok, value)?)),
        (Some(Shape::Result { err, .. }), Some(Val::Result(Err(value)))) => Ok(Err(payload(err, value)?)),
        (Some(shape), Some(value)) => Ok(Ok(shape.encode(value)?)),
        _ => Ok(Ok(Value::Null)),
    }
}

/// Refuses a value whose JSON is too long, without writing it.
fn check_size(value: &Value, most: usize) -> Result<(), LimitReached> {
    struct Room(usize);
    impl std::io::Write for Room {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    serde_json::to_writer(Room(most), value).map_err(|_| LimitReached(Limit::Output))
}

/// What is recorded of a call that went badly.
pub(crate) fn failure(error: CallError) -> Failure {
    match error {
        CallError::Input(mismatch) => Failure::invalid_input(
            code::INPUT_MISMATCH,
            format!("the input does not fit the function: {mismatch}"),
        ),
        CallError::Returned(value) => {
            let told = match &value {
                Value::String(text) => text.clone(),
                Value::Null => "it gave no reason".to_owned(),
                other => other.to_string(),
            };
            let message = format!("the function returned an error: {}", cut(&told, 500));
            Failure::permanent("GUEST_ERROR", message).with_details(value)
        }
    }
}

//! A plugin as a list of typed operations, and the dispatch from the contract's JSON texts to them.
//!
//! Types are erased when an operation joins a [`Plugin`]. Schemas and examples are made only by
//! `describe`: every call starts in a fresh instance, and should not pay for what it does not need.

use std::marker::PhantomData;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Serialize, de::DeserializeOwned};

use crate::bindings::orgata::plugin::types::{self, Example, Outcome as RawOutcome, PluginInfo};
use crate::{Call, Failure, Outcome};

/// What a component offers; hand the function that makes it to [`export_plugin!`](crate::export_plugin).
pub struct Plugin {
    name: &'static str,
    version: &'static str,
    description: &'static str,
    operations: Vec<Erased>,
}

/// One thing that a plugin can do: takes an `I`, gives an `O`.
pub struct Operation<I, O> {
    erased: Erased,
    types: PhantomData<fn(I) -> O>,
}

type Execute = Box<dyn Fn(&Call, &str) -> Result<RawOutcome, Failure>>;
type Resume = Box<dyn Fn(&Call, &str, &str) -> Result<RawOutcome, Failure>>;

struct Erased {
    name: &'static str,
    title: Option<&'static str>,
    description: &'static str,
    input_schema: fn() -> String,
    output_schema: fn() -> String,
    idempotent: bool,
    tags: Vec<&'static str>,
    examples: Vec<Box<dyn Fn() -> Option<Example>>>,
    execute: Execute,
    resume: Option<Resume>,
}

impl<I: DeserializeOwned + JsonSchema, O: Serialize + JsonSchema> Operation<I, O> {
    /// An operation that always comes to a result by itself.
    pub fn new(name: &'static str, run: impl Fn(&Call, I) -> Result<O, Failure> + 'static) -> Self {
        let execute = move |call: &Call, input: &str| {
            let output = run(call, input_of(input)?)?;
            Outcome::Done(output).into_contract()
        };
        Self::erase(name, Box::new(execute), None)
    }

    /// An operation that may stop and ask a person; `resume` goes on from the question's state and the
    /// answer.
    pub fn asking<S: DeserializeOwned, A: DeserializeOwned>(
        name: &'static str,
        run: impl Fn(&Call, I) -> Result<Outcome<O>, Failure> + 'static,
        resume: impl Fn(&Call, S, A) -> Result<Outcome<O>, Failure> + 'static,
    ) -> Self {
        let execute = move |call: &Call, input: &str| run(call, input_of(input)?)?.into_contract();
        let resume = move |call: &Call, state: &str, answer: &str| {
            resume(call, input_of(state)?, input_of(answer)?)?.into_contract()
        };
        Self::erase(name, Box::new(execute), Some(Box::new(resume)))
    }

    fn erase(name: &'static str, execute: Execute, resume: Option<Resume>) -> Self {
        let erased = Erased {
            name,
            title: None,
            description: "",
            input_schema: input_schema::<I>,
            output_schema: output_schema::<O>,
            idempotent: false,
            tags: Vec::new(),
            examples: Vec::new(),
            execute,
            resume,
        };
        Operation { erased, types: PhantomData }
    }

    /// A name for people.
    #[must_use]
    pub fn title(mut self, title: &'static str) -> Self {
        self.erased.title = Some(title);
        self
    }

    /// What it does, for people and for AI assistants.
    #[must_use]
    pub fn description(mut self, description: &'static str) -> Self {
        self.erased.description = description;
        self
    }

    /// Promises that running it twice does no more than running it once.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.erased.idempotent = true;
        self
    }

    /// Free words to find it by.
    #[must_use]
    pub fn tags(mut self, tags: impl IntoIterator<Item = &'static str>) -> Self {
        self.erased.tags.extend(tags);
        self
    }

    /// An input and the output that it gives; `orgata plugin test` runs it.
    #[must_use]
    pub fn example(mut self, name: &'static str, example: impl Fn() -> (I, O) + 'static) -> Self
    where
        I: Serialize,
    {
        self.erased.examples.push(Box::new(move || {
            let (input, output) = example();
            let (input, output) = (serde_json::to_string(&input).ok()?, serde_json::to_string(&output).ok()?);
            Some(Example { name: name.into(), input, output })
        }));
        self
    }
}

impl Plugin {
    /// A plugin without operations yet. `name` is kebab-case, `version` a semantic version.
    pub fn new(name: &'static str, version: &'static str, description: &'static str) -> Self {
        Plugin { name, version, description, operations: Vec::new() }
    }

    /// Adds an operation.
    #[must_use]
    pub fn operation<I, O>(mut self, operation: Operation<I, O>) -> Self {
        self.operations.push(operation.erased);
        self
    }

    #[doc(hidden)]
    pub fn describe(&self) -> PluginInfo {
        PluginInfo {
            name: self.name.into(),
            version: self.version.into(),
            description: self.description.into(),
            operations: self.operations.iter().map(Erased::describe).collect(),
        }
    }

    #[doc(hidden)]
    pub fn execute(&self, call: &Call, input: &str) -> Result<RawOutcome, Failure> {
        (self.named(&call.operation)?.execute)(call, input)
    }

    #[doc(hidden)]
    pub fn resume(&self, call: &Call, state: &str, answer: &str) -> Result<RawOutcome, Failure> {
        let Some(resume) = &self.named(&call.operation)?.resume else {
            return Err(Failure::permanent("never-asks", format!("{} asks no questions", call.operation)));
        };
        resume(call, state, answer)
    }

    fn named(&self, name: &str) -> Result<&Erased, Failure> {
        let unknown =
            || Failure::permanent("unknown-operation", format!("{} has no operation {name}", self.name));
        self.operations.iter().find(|operation| operation.name == name).ok_or_else(unknown)
    }
}

impl Erased {
    fn describe(&self) -> types::Operation {
        types::Operation {
            name: self.name.into(),
            title: self.title.map(Into::into),
            description: self.description.into(),
            input_schema: (self.input_schema)(),
            output_schema: (self.output_schema)(),
            idempotent: self.idempotent,
            tags: self.tags.iter().map(|&tag| tag.into()).collect(),
            examples: self.examples.iter().filter_map(|example| example()).collect(),
        }
    }
}

fn input_of<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::invalid_input("unreadable", error.to_string()))
}

pub(crate) fn text_of(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::permanent("unwritable", error.to_string()))
}

fn input_schema<T: JsonSchema>() -> String {
    schema::<T>(SchemaSettings::draft2020_12().for_deserialize())
}

fn output_schema<T: JsonSchema>() -> String {
    schema::<T>(SchemaSettings::draft2020_12().for_serialize())
}

/// An answer is read by the guest, so its schema is that of an input.
pub(crate) fn answer_schema<T: JsonSchema>() -> String {
    input_schema::<T>()
}

/// Written without `$ref` where types allow: whoever reads it, a person or an AI assistant, reads on.
fn schema<T: JsonSchema>(settings: SchemaSettings) -> String {
    let schema = settings
        .with(|settings| settings.inline_subschemas = true)
        .into_generator()
        .into_root_schema_for::<T>();
    schema.as_value().to_string()
}

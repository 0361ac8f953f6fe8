//! How ids, names and words are written, said once for every place that takes or gives one.
//!
//! The types know it when they read; the document would otherwise call all of them text, and whoever generates clients
//! or tests from it would learn the rest from refusals.

use orgata_model::access::Resource;
use serde_json::json;
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::schema::{ArrayItems, Object, ObjectBuilder, Type};
use utoipa::openapi::{OpenApi, PathItem, RefOr, Schema};

/// Two dots never follow one another: names become parts of paths.
const NAME: &str = r"^[A-Za-z0-9](\.?[A-Za-z0-9_-])*\.?$";
/// Longest name.
const LONGEST: usize = 100;
const EXECUTION: &str = "^exec_[0-9a-f]{32}$";
const INTERVENTION: &str = "^int_[0-9a-f]{32}$";
const KEY: &str = "^key_[0-9a-f]{32}$";
const DIGEST: &str = "^sha256:[0-9a-f]{64}$";
/// A step, and its iteration where it is inside of loops.
const STEP: &str = r"^[A-Za-z0-9](\.?[A-Za-z0-9_-])*\.?(\[[0-9]{1,9}\])*$";
/// A time span of ten years at most; milliseconds where no unit is said.
const DURATION: &str = concat!(
    r"^([0-9]{1,11}(\.[0-9]{1,3})?(ms)?|[0-9]{1,8}(\.[0-9]{1,3})?s|[0-9]{1,6}(\.[0-9]{1,3})?(m|min)",
    r"|[0-9]{1,4}(\.[0-9]{1,3})?h|[0-9]{1,3}(\.[0-9]{1,3})?d)$"
);
/// One that is longer than nothing.
const LASTING: &str = "^[1-9][0-9]{0,2}(s|m|h|d)$";
/// A label that is looked for.
const LABEL: &str = "^[^:]+:";
/// An operation, or one word for its plugin and itself.
const OPERATION: &str = r"^[A-Za-z0-9](\.?[A-Za-z0-9_-])*\.?(/[A-Za-z0-9](\.?[A-Za-z0-9_-])*\.?)?$";
/// A name that people read: not blank, and nothing in it that moves a cursor.
const SHOWN: &str = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$";
/// Something that is not blank.
const SAID: &str = r"\S";

/// Parameters of paths and queries, and fields of bodies, that are always written so.
const WRITTEN: [(&str, &str); 9] = [
    ("executionId", EXECUTION),
    ("interventionId", INTERVENTION),
    ("keyId", KEY),
    ("runtimeId", NAME),
    ("playbookName", NAME),
    ("pluginName", NAME),
    ("operationName", NAME),
    ("roleName", NAME),
    ("digest", DIGEST),
];
/// The same for parameters alone: in bodies these words mean several things.
const PARAMETERS: [(&str, &str); 8] = [
    ("label", LABEL),
    ("runtime", NAME),
    ("playbook", NAME),
    ("role", NAME),
    ("name", NAME),
    ("hash", DIGEST),
    ("wait", DURATION),
    ("olderThan", DURATION),
];
/// Parameters that are one of some words.
const CHOICES: [(&str, &[&str]); 2] =
    [("verdict", &["admitted", "denied", "failed", "left_out", "begun"]), ("format", &["mermaid", "dot"])];
/// Fields of bodies, and how long they are at most.
const FIELDS: [(&str, &str, &str, usize); 15] = [
    ("CreateKeyBody", "expiresIn", LASTING, 4),
    ("ModelBody", "timeout", "^[1-9]([0-9]{0,4}ms|[0-9]{0,1}s)$", 10),
    ("ForkBody", "step", NAME, LONGEST),
    ("HoldBody", "step", STEP, LONGEST),
    ("HoldBody", "role", NAME, LONGEST),
    ("RetryBody", "step", STEP, LONGEST),
    ("SkipBody", "step", STEP, LONGEST),
    ("OutsideEventBody", "event", SAID, 200),
    ("RuntimeEventBody", "event", SAID, 200),
    ("RuntimeEventBody", "id", "", 200),
    ("StartBody", "idempotencyKey", "", 200),
    ("RevokeBody", "reason", SAID, 500),
    ("CreateKeyBody", "name", SHOWN, LONGEST),
    ("ScaffoldBody", "name", OPERATION, LONGEST),
    ("ConfirmBody", "digest", DIGEST, 71),
];
/// Lists of names in bodies.
const LISTS: [(&str, &str); 3] =
    [("GrantsBody", "secrets"), ("CreateKeyBody", "roles"), ("CreateRuntimeBody", "plugins")];

/// Maps whose keys are names.
const MAPS: [(&str, &str); 3] =
    [("CreateRuntimeBody", "config"), ("CreateRuntimeBody", "grants"), ("CreateRuntimeBody", "roles")];

/// Adds the patterns to a document.
pub(super) fn add(document: &mut OpenApi) {
    for parameter in document.paths.paths.values_mut().flat_map(operations).flat_map(parameters) {
        let name = parameter.name.clone();
        if let Some(RefOr::T(Schema::Array(list))) = &mut parameter.schema {
            list.min_items = Some(1);
        }
        let Some(RefOr::T(Schema::Object(text))) = &mut parameter.schema else { continue };
        if let Some((_, pattern)) = WRITTEN.iter().chain(&PARAMETERS).find(|(known, _)| *known == name) {
            mark(text, pattern);
        }
        if let Some((_, words)) = CHOICES.iter().find(|(known, _)| *known == name) {
            text.enum_values = Some(words.iter().map(|word| json!(word)).collect());
        }
    }
    let schemas = document.components.iter_mut().flat_map(|components| &mut components.schemas);
    for (name, schema) in schemas {
        if let RefOr::T(Schema::Object(object)) = schema {
            add_to_fields(name, object);
        }
    }
}

fn add_to_fields(schema: &str, object: &mut Object) {
    for (name, pattern) in WRITTEN {
        if let Some(text) = object.properties.get_mut(name).and_then(text_of) {
            mark(text, pattern);
        }
    }
    for (_, name, pattern, longest) in FIELDS.into_iter().filter(|field| field.0 == schema) {
        let Some(text) = object.properties.get_mut(name).and_then(text_of) else { continue };
        mark(text, pattern);
        (text.min_length, text.max_length) = (Some(1), Some(longest));
    }
    for (_, name) in LISTS.into_iter().filter(|list| list.0 == schema) {
        if let Some(text) = object.properties.get_mut(name).and_then(items_of) {
            mark(text, NAME);
        }
    }
    for (_, name) in MAPS.into_iter().filter(|map| map.0 == schema) {
        if let Some(map) = object.properties.get_mut(name).and_then(text_of) {
            let named =
                ObjectBuilder::new().schema_type(Type::String).pattern(Some(NAME)).max_length(Some(LONGEST));
            map.property_names = Some(Box::new(named.into()));
        }
    }
    if let Some(text) = object.properties.get_mut("scopes").and_then(items_of) {
        mark(text, &scope());
    }
}

/// How a scope is written.
fn scope() -> String {
    let resources: Vec<_> = Resource::ALL.iter().map(|resource| resource.as_str()).collect();
    format!("^({}):(read|write|admin)$", resources.join("|"))
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut path.get, &mut path.put, &mut path.post, &mut path.delete].into_iter().flatten()
}

fn parameters(operation: &mut Operation) -> impl Iterator<Item = &mut Parameter> {
    operation.parameters.iter_mut().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    })
}

/// A schema that is said here, and not by a reference.
fn text_of(schema: &mut RefOr<Schema>) -> Option<&mut Object> {
    match schema {
        RefOr::T(Schema::Object(text)) => Some(text),
        _ => None,
    }
}

fn items_of(schema: &mut RefOr<Schema>) -> Option<&mut Object> {
    match schema {
        RefOr::T(Schema::Array(list)) => match &mut list.items {
            ArrayItems::RefOrSchema(items) => text_of(items),
            ArrayItems::False => None,
        },
        _ => None,
    }
}

fn mark(text: &mut Object, pattern: &str) {
    if !pattern.is_empty() {
        text.pattern = Some(pattern.to_owned());
    }
    if pattern == NAME {
        text.max_length = Some(LONGEST);
    }
}

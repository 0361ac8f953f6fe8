//! How ids and names are written, said once for every place that takes or gives one.
//!
//! The types know it when they read; the document would otherwise call all of them text, and whoever generates clients
//! or tests from it would learn the rest from refusals.

use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::{OpenApi, PathItem, RefOr, Schema};

const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$";
const EXECUTION: &str = "^exec_[0-9a-f]{32}$";
const INTERVENTION: &str = "^int_[0-9a-f]{32}$";
const DIGEST: &str = "^sha256:[0-9a-f]{64}$";

/// Parameters of paths and queries, and fields of bodies, that are always written so.
const WRITTEN: [(&str, &str); 8] = [
    ("executionId", EXECUTION),
    ("interventionId", INTERVENTION),
    ("runtimeId", NAME),
    ("playbookName", NAME),
    ("pluginName", NAME),
    ("operationName", NAME),
    ("roleName", NAME),
    ("digest", DIGEST),
];
/// The same for parameters alone: in bodies these words mean several things.
const PARAMETERS: [(&str, &str); 3] = [("runtime", NAME), ("playbook", NAME), ("role", NAME)];

/// Adds the patterns to a document.
pub(super) fn add(document: &mut OpenApi) {
    for parameter in document.paths.paths.values_mut().flat_map(operations).flat_map(parameters) {
        let pattern = WRITTEN.iter().chain(&PARAMETERS).find(|(name, _)| *name == parameter.name);
        if let (Some((_, pattern)), Some(schema)) = (pattern, &mut parameter.schema) {
            mark(schema, pattern);
        }
    }
    let schemas = document.components.iter_mut().flat_map(|components| components.schemas.values_mut());
    for schema in schemas {
        let RefOr::T(Schema::Object(object)) = schema else { continue };
        for (name, pattern) in WRITTEN {
            if let Some(field) = object.properties.get_mut(name) {
                mark(field, pattern);
            }
        }
    }
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

fn mark(schema: &mut RefOr<Schema>, pattern: &str) {
    if let RefOr::T(Schema::Object(text)) = schema {
        text.pattern = Some(pattern.to_owned());
    }
}

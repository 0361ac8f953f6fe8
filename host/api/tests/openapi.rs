//! The OpenAPI document describes what the host really does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails may say so by panicking"
)]

use std::collections::BTreeSet;

use serde_json::Value;

fn document() -> Value {
    serde_json::from_str(&orgata_api::openapi_json()).unwrap()
}

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            found.push((path.clone(), method.clone(), operation.clone()));
        }
    }
    found
}

#[test]
fn every_operation_has_a_name_of_its_own_and_a_summary() {
    let document = document();
    let mut names = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let name = operation["operationId"].as_str().unwrap().to_owned();
        assert!(names.insert(name.clone()), "{name} twice");
        assert!(operation["summary"].is_string(), "{method} {path} has no summary");
        assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{method} {path}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    match value.as_str() {
                        Some(target) if key == "$ref" => drop(found.insert(target.to_owned())),
                        _ => references(value, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for target in found {
        assert!(document.pointer(target.trim_start_matches('#')).is_some(), "{target} is nowhere");
    }
}

#[test]
fn the_words_for_statuses_are_the_models() {
    let document = document();
    let words: Vec<&str> = document["components"]["schemas"]["StatusView"]["enum"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap())
        .collect();
    assert_eq!(words, orgata_model::execution::Status::ALL.map(orgata_model::execution::Status::as_str));
}

#[test]
fn every_error_code_is_listed() {
    let document = document();
    let about = document["info"]["description"].as_str().unwrap();
    for code in orgata_api::CODES {
        assert!(about.contains(&format!("`{}`", code.name)), "{}", code.name);
    }
}

#[test]
fn the_paths_are_these() {
    let document = document();
    let lines: Vec<String> = operations(&document)
        .into_iter()
        .map(|(path, method, operation)| {
            let answers: Vec<&String> = operation["responses"].as_object().unwrap().keys().collect();
            format!("{} {path} -> {answers:?}", method.to_uppercase())
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn every_property_is_camel_case() {
    fn check(value: &Value, path: &str) {
        if let Some(properties) = value.get("properties").and_then(Value::as_object) {
            for name in properties.keys() {
                assert!(!name.contains('_'), "{path} has {name}");
            }
        }
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(key, value)| check(value, &format!("{path}/{key}")))
            }
            Value::Array(items) => items.iter().for_each(|item| check(item, path)),
            _ => {}
        }
    }
    check(&document()["components"]["schemas"], "");
}

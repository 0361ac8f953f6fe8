//! How the engine's refusals become errors: what is said, and what is for the log alone.

use std::time::Duration;

use orgata_engine::EngineError;
use orgata_engine::ports::{BuildError, LoadError, StoreError};
use serde_json::json;

use super::{ApiError, internal};

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        let code = error.code();
        match error {
            EngineError::Refused(refusal) => from_refusal(refusal),
            EngineError::Unbuilt(error) => from_build(*error),
            EngineError::Internal(_)
            | EngineError::Unsealed(_)
            | EngineError::Broken(_)
            | EngineError::Store(StoreError::Broken { .. }) => internal(&error),
            EngineError::Store(StoreError::Unavailable(_)) => {
                // What the database said may name files and hosts: it is for the log.
                tracing::error!(%error, "the store is unavailable");
                Self::new(code, "the store cannot be read or written now: try again later")
                    .retry_after(Duration::from_secs(1))
            }
            EngineError::Mismatch { ref violations, .. } => {
                Self::new(code, error.to_string()).with_details(json!({ "violations": violations }))
            }
            EngineError::BadPlaybook(ref diagnostics) | EngineError::BadScenario(ref diagnostics) => {
                Self::new(code, error.to_string()).with_details(json!({
                    "problems": diagnostics.problems,
                    "report": diagnostics.render(false),
                }))
            }
            EngineError::MissingOperations { ref missing, .. } => {
                Self::new(code, error.to_string()).with_details(json!({ "missing": missing }))
            }
            EngineError::Answered(ref first) => Self::new(code, error.to_string()).with_details(
                json!({ "response": first.response, "answeredBy": first.by, "answeredAt": first.at }),
            ),
            EngineError::Ended(status) => {
                Self::new(code, error.to_string()).with_details(json!({ "status": status.as_str() }))
            }
            EngineError::BadHistory(ref fault) => {
                Self::new(code, error.to_string()).with_details(json!({ "seq": fault.seq }))
            }
            EngineError::Overloaded { limit, retry_after }
            | EngineError::TooManySimulations { limit, retry_after } => Self::new(code, error.to_string())
                .with_details(json!({ "limit": limit }))
                .retry_after(retry_after),
            EngineError::Draining => Self::new(code, error.to_string()).retry_after(Duration::from_secs(1)),
            _ => Self::new(code, error.to_string()),
        }
    }
}

fn from_refusal(refusal: LoadError) -> ApiError {
    let code = match refusal.code {
        "BUSY" => "OVERLOADED",
        "TOO_LARGE" => "TOO_LARGE",
        "UNKNOWN_PLUGIN" => "PLUGIN_NOT_FOUND",
        "NO_EARLIER_VERSION" => "STATE_CONFLICT",
        "IO" => return internal(&format_args!("{}: {}", refusal.message, refusal.causes.join(": "))),
        _ => "PLUGIN_REFUSED",
    };
    let details = json!({ "code": refusal.code, "causes": refusal.causes, "hint": refusal.hint });
    let error = ApiError::new(code, refusal.message).with_details(details);
    if code == "OVERLOADED" { error.retry_after(Duration::from_secs(1)) } else { error }
}

fn from_build(error: BuildError) -> ApiError {
    let code = match error.code {
        "BUSY" => "OVERLOADED",
        "NOT_AVAILABLE" => "BUILD_UNAVAILABLE",
        "IO" => return internal(&format_args!("{}: {}", error.message, error.causes.join(": "))),
        _ => "BUILD_FAILED",
    };
    let BuildError { code: kind, message, problems, causes, hint } = error;
    let details = json!({ "code": kind, "problems": problems, "causes": causes, "hint": hint });
    let error = ApiError::new(code, message).with_details(details);
    if code == "OVERLOADED" { error.retry_after(Duration::from_secs(1)) } else { error }
}

#[cfg(test)]
mod tests {
    use orgata_engine::{HistoryFault, Thing};
    use orgata_model::diagnostic::Diagnostics;
    use orgata_model::execution::Status;
    use orgata_model::intervention::Resolution;

    use super::*;
    use crate::error::CODES;

    fn refused(code: &'static str) -> EngineError {
        EngineError::Refused(LoadError { code, message: "no".into(), causes: Vec::new(), hint: "do".into() })
    }

    fn unbuilt(code: &'static str) -> EngineError {
        let (problems, causes) = (Vec::new(), Vec::new());
        BuildError { code, message: "no".into(), problems, causes, hint: "do".into() }.into()
    }

    fn every_refusal() -> Vec<EngineError> {
        let first =
            Resolution { response: json!(1), notes: None, by: "ann".into(), at: jiff::Timestamp::UNIX_EPOCH };
        let diagnostics = Diagnostics { file: "a.yaml".into(), source: String::new(), problems: Vec::new() };
        let (own, asked) = ("a".to_owned(), "b".to_owned());
        vec![
            EngineError::not_found(Thing::Runtime, "x"),
            EngineError::not_found(Thing::Playbook, "x"),
            EngineError::not_found(Thing::Execution, "x"),
            EngineError::not_found(Thing::Intervention, "x"),
            EngineError::not_found(Thing::Role, "x"),
            EngineError::not_found(Thing::Operation, "x"),
            EngineError::not_found(Thing::Plugin, "x"),
            EngineError::not_found(Thing::Step, "x"),
            EngineError::not_found(Thing::Draft, "x"),
            EngineError::not_found(Thing::Key, "x"),
            EngineError::not_found(Thing::Secret, "x"),
            EngineError::Refusal("no".into()),
            EngineError::NotAllowed("no".into()),
            EngineError::Exists { thing: Thing::Runtime, name: "x".into() },
            EngineError::KeyReused,
            EngineError::Answered(Box::new(first)),
            EngineError::Ended(Status::Failed),
            EngineError::Unchanged("it is not paused"),
            EngineError::Mismatch { what: "input", violations: Vec::new() },
            EngineError::Mismatch { what: "response", violations: Vec::new() },
            EngineError::BadPlaybook(Box::new(diagnostics.clone())),
            EngineError::BadScenario(Box::new(diagnostics)),
            EngineError::Endless("it is too long".into()),
            EngineError::TooManySimulations { limit: 1, retry_after: Duration::from_secs(1) },
            EngineError::NameMismatch { own, asked },
            EngineError::MissingOperations { runtime: "x".into(), missing: vec!["a/b".into()] },
            EngineError::BadRequest("no".into()),
            EngineError::BadHistory(Box::new(HistoryFault::of(7, "no"))),
            refused("WRONG_EXPORTS"),
            refused("BUSY"),
            refused("IO"),
            refused("NO_EARLIER_VERSION"),
            unbuilt("BUILD_FAILED"),
            unbuilt("BUSY"),
            unbuilt("NOT_AVAILABLE"),
            unbuilt("IO"),
            EngineError::Overloaded { limit: 1, retry_after: Duration::from_millis(1) },
            EngineError::KeyTaken { key: "order/17".into(), max: 1 },
            EngineError::Draining,
            EngineError::Store(StoreError::Conflict),
            EngineError::Store(StoreError::Cursor),
            EngineError::Store(StoreError::Broken { table: "events", key: "1".into(), reason: "bad".into() }),
            EngineError::Store(StoreError::Unavailable("gone".into())),
            EngineError::Internal("oh".into()),
        ]
    }

    #[test]
    fn every_refusal_of_the_engine_has_a_listed_code_and_this_status() {
        let lines: Vec<String> = every_refusal()
            .into_iter()
            .map(|refusal| {
                let error = ApiError::from(refusal);
                assert!(CODES.iter().any(|code| code.name == error.code()), "{} is not listed", error.code());
                let wait = error.retry_after_seconds().map(|wait| format!(" retry after {wait}s"));
                format!("{} {}{}", error.status().as_u16(), error.code(), wait.unwrap_or_default())
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn codes_are_listed_once_and_by_status() {
        for (one, next) in CODES.iter().zip(CODES.iter().skip(1)) {
            assert!(one.status <= next.status, "{} comes before {}", one.name, next.name);
        }
        let names: std::collections::BTreeSet<_> = CODES.iter().map(|code| code.name).collect();
        assert_eq!(names.len(), CODES.len());
    }
}

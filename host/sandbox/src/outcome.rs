//! From what a guest answered to what the engine is told: JSON read, questions checked.

use std::time::Duration;

use orgata_engine::ports::Question;
use orgata_model::failure::code;
use orgata_model::schema::Schema;
use orgata_model::text::{cut, escaped};
use orgata_model::{Failure, FailureKind, RoleName};
use serde_json::Value;

use crate::bindings::host::types as wit;
use crate::instance::Reply;
use crate::plain;

/// Longest code of a guest's failure, in bytes; longer ones are cut.
const MAX_CODE: usize = 100;

/// Longest message of a guest's failure, in bytes; longer ones are cut.
const MAX_MESSAGE: usize = 8 * 1024;

/// An answer that was understood.
pub(crate) enum Answer {
    /// To be checked against the operation's output schema.
    Done(Value),
    Ask(Question),
}

/// Reads a reply.
pub(crate) fn understood(reply: Reply) -> Result<Answer, Failure> {
    match reply {
        Reply::Contract(Ok(wit::Outcome::Done(json))) => Ok(Answer::Done(parsed(&json, "its result")?)),
        Reply::Contract(Ok(wit::Outcome::Ask(asked))) => question(asked).map(Answer::Ask),
        Reply::Contract(Err(failure)) => Err(failed(failure)),
        Reply::Function(Ok(value)) => Ok(Answer::Done(value)),
        Reply::Function(Err(error)) => Err(plain::failure(error)),
    }
}

fn parsed(json: &str, what: &str) -> Result<Value, Failure> {
    serde_json::from_str(json).map_err(|error| mismatch(&format!("{what} is not JSON")).caused_by(&error))
}

fn mismatch(message: &str) -> Failure {
    Failure::permanent(code::OUTPUT_MISMATCH, message)
}

fn question(asked: wit::Question) -> Result<Question, Failure> {
    let response_schema = asked.response_schema.map(|json| response_schema(&json)).transpose()?;
    let assignee_role: Option<RoleName> = asked
        .assignee_role
        .map(|role| role.parse())
        .transpose()
        .map_err(|error| mismatch("its question is for a role that cannot be").caused_by(&error))?;
    Ok(Question {
        kind: asked.kind,
        prompt: asked.prompt,
        options: asked.options,
        response_schema,
        assignee_role,
        timeout: asked.timeout_ms.map(Duration::from_millis),
        resume_state: parsed(&asked.resume_state, "the resume state of its question")?,
    })
}

fn response_schema(json: &str) -> Result<Value, Failure> {
    let schema = parsed(json, "the response schema of its question")?;
    Schema::compile(&schema)
        .map_err(|error| mismatch("the response schema of its question cannot be used").caused_by(&error))?;
    Ok(schema)
}

fn failed(failure: wit::Failure) -> Failure {
    let (kind, fault) = match failure {
        wit::Failure::InvalidInput(fault) => (FailureKind::InvalidInput, fault),
        wit::Failure::Transient(fault) => (FailureKind::Transient, fault),
        wit::Failure::Permanent(fault) => (FailureKind::Permanent, fault),
    };
    let mut failure =
        Failure::new(kind, escaped(cut(&fault.code, MAX_CODE)), escaped(cut(&fault.message, MAX_MESSAGE)));
    match fault.details.as_deref().map(serde_json::from_str::<Value>) {
        None => {}
        Some(Ok(details)) => failure.details = Some(details),
        // The failure matters more than what came with it.
        Some(Err(error)) => failure.causes.push(format!("the details of the failure are not JSON: {error}")),
    }
    failure
}

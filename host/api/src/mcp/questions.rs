//! Questions as forms that a client can show a person, and their answers.
//!
//! A form of the protocol is flat: one object of plain fields. A question whose answer is more than that becomes a form
//! with one field, `response`, that takes JSON. Every answer that comes in by MCP, whichever way, goes through
//! [`answer`], and says which way it came: some questions people alone may answer.
//!
//! Not here: whether an answer fits (the engine says), and when to ask (`tools::execute`, `tasks`).

use orgata_engine::ports::PendingIntervention;
use orgata_engine::{AnswerRequest, EngineError, Taken, Way};
use orgata_model::intervention::Intervention;
use orgata_model::{ExecutionId, InterventionId};
use rmcp::model::{
    ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationSchema, InputRequest,
    InputRequests, InputResponses, JsonObject,
};
use serde_json::{Value, json};

use super::call::Call;
use crate::error::{ApiError, internal};

/// The field of a form whose answer is not an object of plain fields.
const FIELD: &str = "response";
/// Keywords of a plain field that clients understand.
const PLAIN: [&str; 10] = [
    "type",
    "title",
    "description",
    "default",
    "enum",
    "format",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
];

/// Answers a question. Arguments of a tool are an assistant's own words, whoever decided; a form was shown to a person.
pub(super) async fn answer(
    call: &Call,
    execution: ExecutionId,
    intervention: InterventionId,
    request: AnswerRequest,
) -> Result<Taken, ApiError> {
    tracing::debug!(%execution, %intervention, way = ?request.way, "an answer by MCP");
    Ok(call.engine().answer(&call.who, execution, intervention, request).await?)
}

/// Answers a question with what came of its form. `Ok(false)` when the person did not want to.
pub(super) async fn answer_with(
    call: &Call,
    pending: &PendingIntervention,
    result: ElicitResult,
) -> Result<bool, ApiError> {
    if result.action != ElicitationAction::Accept {
        return Ok(false);
    }
    let asked = &pending.intervention;
    let response = response(asked, result.content.unwrap_or_default());
    let request = AnswerRequest { response, notes: None, way: Way::Person };
    answer(call, pending.execution, asked.id, request).await?;
    Ok(true)
}

/// Answers with what came of several forms, keyed by question. What is closed by now, or was never asked, is
/// passed over.
pub(super) async fn answer_all(
    call: &Call,
    execution: ExecutionId,
    results: &InputResponses,
) -> Result<(), ApiError> {
    for pending in call.engine().pending_interventions(&call.who, execution).await? {
        let Some(result) = results.get(&pending.intervention.id.to_string()) else { continue };
        let result = serde_json::from_value(result.clone())
            .map_err(|error| ApiError::bad_request(format!("an input response does not fit: {error}")))?;
        match answer_with(call, &pending, result).await {
            Err(error) if !is_closed(&error) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The open questions of an execution, as far as the caller may look at them. One that needs others' approval beside the
/// caller's is none: whoever has approved would be asked again and again.
pub(super) async fn open(call: &Call, execution: ExecutionId) -> Result<Vec<PendingIntervention>, ApiError> {
    let mut open = match call.engine().pending_interventions(&call.who, execution).await {
        Err(EngineError::NotAllowed(_) | EngineError::NotFound { .. }) => Vec::new(),
        other => other?,
    };
    let has_approved =
        |asked: &Intervention| asked.approved.iter().any(|approved| *approved.by == *call.who.name());
    open.retain(|pending| !has_approved(&pending.intervention));
    Ok(open)
}

/// Whether a refusal says that nobody needs to answer any more.
pub(super) fn is_closed(refusal: &ApiError) -> bool {
    matches!(refusal.code(), "INTERVENTION_ANSWERED" | "INTERVENTION_NOT_FOUND" | "EXECUTION_ENDED")
}

/// The forms of all these questions, keyed by question.
pub(super) fn forms(open: &[PendingIntervention]) -> Result<InputRequests, ApiError> {
    let form = |pending: &PendingIntervention| {
        let form = form(&pending.intervention, None)?;
        Ok((pending.intervention.id.to_string(), InputRequest::Elicitation(ElicitRequest::new(form))))
    };
    open.iter().map(form).collect()
}

/// The form of a question. `mistake` is what was wrong with the answer before.
pub(super) fn form(
    asked: &Intervention,
    mistake: Option<&ApiError>,
) -> Result<ElicitRequestParams, ApiError> {
    let mut message = asked.prompt.clone();
    if let Some(context) = &asked.context {
        message.push_str(&format!("\n\n{context:#}"));
    }
    if asked.approvals > 1 {
        message.push_str(&format!("\n\n{} of {} have approved.", asked.approved.len(), asked.approvals));
    }
    if let Some(mistake) = mistake {
        message.push_str(&format!("\n\nThe answer before was not taken: {}", mistake.message()));
    }
    let requested_schema: ElicitationSchema =
        serde_json::from_value(schema(asked)).map_err(|error| internal(&error))?;
    Ok(ElicitRequestParams::FormElicitationParams { meta: None, message, requested_schema })
}

/// The response that goes with what a form gave.
fn response(asked: &Intervention, content: Value) -> Value {
    match shape(asked) {
        Shape::Fields(_) => content,
        shape => {
            let given = content.get(FIELD).cloned().unwrap_or_default();
            match (shape, given) {
                (Shape::Json, Value::String(text)) => {
                    serde_json::from_str(&text).unwrap_or(Value::String(text))
                }
                (_, given) => given,
            }
        }
    }
}

/// What a form must look like to get an answer.
enum Shape {
    /// The answer is the form's object.
    Fields(Value),
    /// The answer is in one field, as it is.
    Field(Value),
    /// The answer is in one field, written as JSON.
    Json,
}

fn shape(asked: &Intervention) -> Shape {
    match &asked.response_schema {
        Some(schema) => fields(schema)
            .map(Shape::Fields)
            .or_else(|| plain(schema, None).map(Shape::Field))
            .unwrap_or(Shape::Json),
        None if asked.options.is_empty() => Shape::Field(json!({ "type": "string" })),
        None => Shape::Field(json!({ "type": "string", "enum": asked.options })),
    }
}

fn schema(asked: &Intervention) -> Value {
    let field = match shape(asked) {
        Shape::Fields(schema) => return schema,
        Shape::Field(field) => field,
        Shape::Json => {
            let schema = asked.response_schema.as_ref().map(Value::to_string).unwrap_or_default();
            json!({ "type": "string", "description": format!("JSON that satisfies {schema}") })
        }
    };
    json!({ "type": "object", "properties": { FIELD: field }, "required": [FIELD] })
}

/// The schema again, if it is an object of plain fields.
fn fields(schema: &Value) -> Option<Value> {
    const KNOWN: [&str; 8] = [
        "$schema",
        "$defs",
        "type",
        "title",
        "description",
        "properties",
        "required",
        "additionalProperties",
    ];
    let defined = schema.get("$defs");
    let schema = schema.as_object().filter(|schema| knows_only(schema, &KNOWN))?;
    let properties = schema.get("properties")?.as_object().filter(|properties| !properties.is_empty())?;
    let properties: Option<JsonObject> =
        properties.iter().map(|(name, field)| Some((name.clone(), plain(field, defined)?))).collect();
    let mut form = json!({ "type": "object", "properties": properties? });
    for keyword in ["title", "description", "required"] {
        if let (Some(value), Some(form)) = (schema.get(keyword), form.as_object_mut()) {
            form.insert(keyword.to_owned(), value.clone());
        }
    }
    Some(form)
}

/// A field that clients can show, with its type said. `defined` is what it may refer to.
fn plain(field: &Value, defined: Option<&Value>) -> Option<Value> {
    let mut field = resolved(field.as_object()?, defined)?;
    if let Some(choices) = field.remove("oneOf") {
        let choices: Option<Vec<Value>> =
            choices.as_array()?.iter().map(|one| one.get("const").cloned()).collect();
        field.insert("enum".to_owned(), Value::Array(choices?));
    }
    if let Some(options) = field.get("enum") {
        options.as_array()?.iter().all(Value::is_string).then_some(())?;
        field.insert("type".to_owned(), json!("string"));
    }
    // What may be null may as well be left out.
    if let Some([kind, Value::String(null)]) = field.get("type").and_then(Value::as_array).map(Vec::as_slice)
        && null == "null"
    {
        let kind = kind.clone();
        field.insert("type".to_owned(), kind);
    }
    let kind = field.get("type")?.as_str()?;
    let is_plain = matches!(kind, "string" | "number" | "integer" | "boolean") && knows_only(&field, &PLAIN);
    is_plain.then_some(Value::Object(field))
}

/// A field with what it refers to in its own schema, if it does; what it says itself comes first.
fn resolved(field: &JsonObject, defined: Option<&Value>) -> Option<JsonObject> {
    let mut field = field.clone();
    if let Some(reference) = field.remove("$ref") {
        let name = reference.as_str()?.strip_prefix("#/$defs/")?;
        let target = defined?.get(name)?.as_object()?;
        for (keyword, value) in target {
            field.entry(keyword.clone()).or_insert_with(|| value.clone());
        }
    }
    Some(field)
}

fn knows_only(schema: &JsonObject, known: &[&str]) -> bool {
    schema.keys().all(|keyword| known.contains(&keyword.as_str()))
}

#[cfg(test)]
mod tests {
    use orgata_model::intervention::Origin;

    use super::*;

    fn asked(schema: Option<Value>, options: &[&str]) -> Intervention {
        let id = InterventionId::new(uuid::Uuid::nil());
        let step = "choose".parse().unwrap();
        let mut asked = Intervention::new(id, step, "human_decision", "Which?".to_owned(), Origin::Step);
        asked.response_schema = schema;
        asked.options = options.iter().map(|&option| option.to_owned()).collect();
        asked
    }

    fn shown(asked: &Intervention) -> Value {
        let form = json!(form(asked, None).unwrap());
        form["requestedSchema"].clone()
    }

    #[test]
    fn an_object_of_plain_fields_is_a_form_as_it_is() {
        let flavor = json!({
            "type": "object",
            "properties": { "jelly_flavor": { "enum": ["grape", "apricot"] }, "why": { "type": "string" } },
            "required": ["jelly_flavor"],
        });
        let asked = asked(Some(flavor), &["grape", "apricot"]);
        let form = shown(&asked);
        assert_eq!(form["properties"]["jelly_flavor"]["enum"], json!(["grape", "apricot"]), "{form}");
        assert_eq!(form["properties"]["jelly_flavor"]["type"], "string");
        assert_eq!(form["required"], json!(["jelly_flavor"]));
        assert_eq!(response(&asked, json!({ "jelly_flavor": "grape" })), json!({ "jelly_flavor": "grape" }));
    }

    #[test]
    fn a_form_is_made_of_what_tools_write_for_types() {
        let cut = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "cut": { "$ref": "#/$defs/Cut", "description": "How?" },
                "why": { "type": ["string", "null"] },
            },
            "required": ["cut"],
            "$defs": { "Cut": { "oneOf": [
                { "type": "string", "const": "straight", "description": "From side to side." },
                { "type": "string", "const": "diagonally" },
            ] } },
        });
        let form = shown(&asked(Some(cut), &[]));
        assert_eq!(form["properties"]["cut"]["enum"], json!(["straight", "diagonally"]), "{form}");
        assert_eq!(form["properties"]["cut"]["description"], "How?");
        assert_eq!(form["properties"]["why"]["type"], "string");
        assert!(form.get("$defs").is_none() && form.get("$schema").is_none(), "{form}");
    }

    #[test]
    fn an_answer_that_is_no_object_is_one_field() {
        for asked in [asked(None, &["yes", "no"]), asked(Some(json!({ "enum": ["yes", "no"] })), &[])] {
            assert_eq!(shown(&asked)["properties"]["response"]["enum"], json!(["yes", "no"]));
            assert_eq!(response(&asked, json!({ "response": "yes" })), json!("yes"));
        }
        let free = asked(None, &[]);
        assert_eq!(response(&free, json!({ "response": "7" })), json!("7"), "a text stays a text");
        let count = asked(Some(json!({ "type": "integer", "minimum": 1 })), &[]);
        assert_eq!(response(&count, json!({ "response": 7 })), json!(7));
    }

    #[test]
    fn an_answer_with_parts_inside_is_written_as_json() {
        let lines = json!({ "type": "object", "properties": { "lines": { "type": "array" } } });
        let asked = asked(Some(lines), &[]);
        let told = shown(&asked)["properties"]["response"]["description"].as_str().unwrap().to_owned();
        assert!(told.contains("lines"), "{told}");
        assert_eq!(response(&asked, json!({ "response": "{\"lines\":[1]}" })), json!({ "lines": [1] }));
        assert_eq!(response(&asked, json!({ "response": "{" })), json!("{"), "the engine says what is wrong");
    }
}

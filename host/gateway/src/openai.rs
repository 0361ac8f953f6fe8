//! Servers that speak as OpenAI's does: `POST {baseUrl}/chat/completions`.
//!
//! Most others speak so too: vLLM, llama.cpp, LM Studio, and the gateways of clouds. `max_tokens` is the spelling that
//! all of them know. A schema is sent without `strict`, which knows but a part of JSON Schema; the engine checks the answer.

use orgata_engine::ports::{ModelAnswer, ModelError, ModelRequest};
use orgata_model::sampling::ModelSource;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::Http;
use crate::{address, messages};

#[derive(Deserialize)]
struct Completion {
    model: Option<String>,
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Usage,
}

#[derive(Deserialize)]
struct Choice {
    message: Said,
}

#[derive(Deserialize)]
struct Said {
    content: Option<String>,
}

#[derive(Deserialize, Default)]
struct Usage {
    #[serde(default)]
    prompt_tokens: u32,
    #[serde(default)]
    completion_tokens: u32,
}

pub(crate) async fn sample(
    http: &Http,
    source: &ModelSource,
    key: Option<&SecretString>,
    request: &ModelRequest,
) -> Result<ModelAnswer, ModelError> {
    let url = address(source, "chat/completions");
    let completion: Completion = http.post(&url, key, &asked(source, request)).await?;
    let said = completion.choices.into_iter().next().and_then(|choice| choice.message.content);
    Ok(ModelAnswer {
        content: said.ok_or_else(|| ModelError::Unfit("the model said nothing".to_owned()))?,
        model: completion.model.or_else(|| source.model.clone()).unwrap_or_default(),
        input_tokens: completion.usage.prompt_tokens,
        output_tokens: completion.usage.completion_tokens,
    })
}

fn asked(source: &ModelSource, request: &ModelRequest) -> Value {
    let mut body = json!({
        "model": source.model,
        "messages": messages(request),
        "max_tokens": request.max_tokens,
        "stream": false,
    });
    if let (Some(schema), Some(fields)) = (&request.response_schema, body.as_object_mut()) {
        let format = json!({ "type": "json_schema", "json_schema": { "name": "answer", "schema": schema } });
        fields.insert("response_format".to_owned(), format);
    }
    body
}

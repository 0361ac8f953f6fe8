//! Servers of Ollama: `POST {baseUrl}/api/chat`.

use orgata_engine::ports::{ModelAnswer, ModelError, ModelRequest};
use orgata_model::sampling::ModelSource;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::Http;
use crate::{address, messages};

#[derive(Deserialize)]
struct Chat {
    model: Option<String>,
    message: Said,
    #[serde(default)]
    prompt_eval_count: u32,
    #[serde(default)]
    eval_count: u32,
}

#[derive(Deserialize)]
struct Said {
    content: String,
}

pub(crate) async fn sample(
    http: &Http,
    source: &ModelSource,
    key: Option<&SecretString>,
    request: &ModelRequest,
) -> Result<ModelAnswer, ModelError> {
    let chat: Chat = http.post(&address(source, "api/chat"), key, &asked(source, request)).await?;
    Ok(ModelAnswer {
        content: chat.message.content,
        model: chat.model.or_else(|| source.model.clone()).unwrap_or_default(),
        input_tokens: chat.prompt_eval_count,
        output_tokens: chat.eval_count,
    })
}

fn asked(source: &ModelSource, request: &ModelRequest) -> Value {
    let mut body = json!({
        "model": source.model,
        "messages": messages(request),
        "stream": false,
        "options": { "num_predict": request.max_tokens },
    });
    if let (Some(schema), Some(fields)) = (&request.response_schema, body.as_object_mut()) {
        fields.insert("format".to_owned(), schema.clone());
    }
    body
}

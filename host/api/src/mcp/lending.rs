//! An assistant's own model, lent to the execution that it waits for (`sampling/createMessage`).
//!
//! The protocol wants the request on the stream of the call that it belongs to, and its library knows that stream by the
//! task: so operations hand their questions to the task of the waiting call, which asks ([`Lending::serve`]). With the call
//! goes the loan.
//!
//! Only for revision 2025-11-25. The next one has no requests of servers, and would have an operation, which is at work,
//! wait until the client cares to call again; sampling is deprecated there, and the operation hears that nobody can be asked.

use std::sync::Arc;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use orgata_engine::ports::{ModelAnswer, ModelClient, ModelError, ModelMessage, ModelRequest, Speaker};
use orgata_model::sampling::ModelSource;
#[expect(deprecated, reason = "deprecated by the revision after the one that it is for")]
use rmcp::model::{
    CreateMessageRequestParams, CreateMessageResult, ModelHint, ModelPreferences, SamplingMessage,
    SamplingMessageContentBlock,
};
use rmcp::service::ServiceError;
use tokio::sync::{mpsc, oneshot};

use super::call::Call;

/// Questions that may wait for the call's task.
const BACKLOG: usize = 16;

/// A question on its way to the call's task.
struct Asked {
    #[expect(deprecated, reason = "as above")]
    params: CreateMessageRequestParams,
    reply: oneshot::Sender<Result<ModelAnswer, ModelError>>,
}

/// What the engine holds of a client that lends.
struct Lender(mpsc::Sender<Asked>);

#[async_trait::async_trait]
impl ModelClient for Lender {
    async fn sample(&self, source: &ModelSource, request: &ModelRequest) -> Result<ModelAnswer, ModelError> {
        let gone = || ModelError::NoClient("it no longer waits for the execution".to_owned());
        let (reply, answer) = oneshot::channel();
        self.0.send(Asked { params: params(source, request), reply }).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

/// The call's side of a loan.
pub(super) struct Lending {
    lender: Arc<dyn ModelClient>,
    questions: mpsc::Receiver<Asked>,
}

impl Lending {
    /// A loan of the client that calls, if it can lend.
    pub(super) fn of(call: &Call) -> Option<Self> {
        if !call.lends_model() {
            return None;
        }
        let (sender, questions) = mpsc::channel(BACKLOG);
        Some(Self { lender: Arc::new(Lender(sender)), questions })
    }

    /// What the engine is given of it.
    pub(super) fn lender(&self) -> Arc<dyn ModelClient> {
        Arc::clone(&self.lender)
    }

    /// Asks the client whatever operations ask, for as long as it is polled.
    pub(super) async fn serve(&mut self, call: &Call) -> std::convert::Infallible {
        let mut open = FuturesUnordered::new();
        loop {
            tokio::select! {
                // The lender is here too: this never ends.
                Some(asked) = self.questions.recv() => open.push(answered(call, asked)),
                Some(()) = open.next() => {}
                else => std::future::pending().await,
            }
        }
    }
}

async fn answered(call: &Call, asked: Asked) {
    let Asked { params, mut reply } = asked;
    #[expect(deprecated, reason = "as above")]
    let asking = call.context.peer.create_message(params);
    let answer = tokio::select! {
        said = asking => said.map_err(|error| refused(&error)).and_then(understood),
        // The operation has ended.
        () = reply.closed() => return,
    };
    // Whoever went away meanwhile needs none.
    let _ = reply.send(answer);
}

#[expect(deprecated, reason = "as above")]
fn params(source: &ModelSource, request: &ModelRequest) -> CreateMessageRequestParams {
    let of = |message: &ModelMessage| match message.role {
        Speaker::System => None,
        Speaker::User => Some(SamplingMessage::user_text(message.content.clone())),
        Speaker::Assistant => Some(SamplingMessage::assistant_text(message.content.clone())),
    };
    let mut params =
        CreateMessageRequestParams::new(request.messages.iter().filter_map(of).collect(), request.max_tokens);
    let system = request.messages.iter().filter(|message| message.role == Speaker::System);
    let mut system: Vec<String> = system.map(|message| message.content.clone()).collect();
    // The protocol has no word for it.
    if let Some(schema) = &request.response_schema {
        system.push(format!(
            "Answer with JSON alone, without a fence, that satisfies this JSON Schema: {schema}"
        ));
    }
    if !system.is_empty() {
        params.system_prompt = Some(system.join("\n\n"));
    }
    if let Some(name) = &source.model {
        params.model_preferences =
            Some(ModelPreferences::new().with_hints(vec![ModelHint::new(name.clone())]));
    }
    params
}

/// How many tokens it took, clients do not tell.
#[expect(deprecated, reason = "as above")]
fn understood(result: CreateMessageResult) -> Result<ModelAnswer, ModelError> {
    let mut content = String::new();
    for block in result.message.content.iter() {
        match block {
            SamplingMessageContentBlock::Text(text) => content.push_str(&text.text),
            _ => {
                return Err(ModelError::Unfit(
                    "the client answered with something else than text".to_owned(),
                ));
            }
        }
    }
    Ok(ModelAnswer { content, model: result.model, input_tokens: 0, output_tokens: 0 })
}

/// Not in the client's words: they may have anything of the question in them.
fn refused(error: &ServiceError) -> ModelError {
    match error {
        ServiceError::McpError(error) => {
            ModelError::Declined(format!("it refused, with code {}", error.code.0))
        }
        ServiceError::UnexpectedResponse => {
            ModelError::Unfit("the client answered something else".to_owned())
        }
        _ => ModelError::NoClient("its connection is gone".to_owned()),
    }
}

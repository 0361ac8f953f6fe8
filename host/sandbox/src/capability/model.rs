//! `orgata:plugin/model`: asks an AI model that the runtime configures.
//!
//! The grant is asked here; bounds, keys and the record of each request are the engine's ([`orgata_engine::sampling`]).
//! Secrets that the guest was given are not told to the model.

use std::sync::Arc;
use std::time::{Duration, Instant};

use orgata_engine::Want;
use orgata_engine::ports::ModelMessage;
use orgata_engine::sampling::{Ask, NoAnswer, Sampling};
use orgata_model::StepPath;
use orgata_model::operation::EffectClass;
use wasmtime::component::HasSelf;

use super::Capability;
use crate::bindings::host::access::AccessError;
use crate::bindings::host::model::{Host, Request, Response, add_to_linker};
use crate::guest::Guest;

/// What lets a plugin ask.
const GRANT: &str = "model: true";

/// What is left to a guest to make something of it when no answer comes in time.
const REMAINDER: Duration = Duration::from_millis(100);

pub(super) const CAPABILITY: Capability = Capability {
    interfaces: &["orgata:plugin/model"],
    effect: EffectClass::Effectful,
    link: |linker| add_to_linker::<_, HasSelf<Guest>>(linker, Guest::entered),
};

impl Host for Guest {
    async fn sample(&mut self, request: Request) -> wasmtime::Result<Result<Response, AccessError>> {
        let sampling = match self.sampling() {
            Ok(sampling) => sampling,
            Err(error) => return Ok(Err(error)),
        };
        let ask = match self.ask(request) {
            Ok(ask) => ask,
            Err(why) => return Ok(Err(self.absent(NoAnswer::Request(why).to_string()))),
        };
        let scope = &self.scope;
        let step = StepPath::new(scope.step.clone(), &scope.iterations);
        scope.reached(Want::Model, "model");
        let left = scope.deadline.saturating_duration_since(Instant::now()).saturating_sub(REMAINDER);
        Ok(match sampling.sample(&step, ask, left).await {
            Ok(answer) => Ok(Response {
                content: answer.content,
                model: answer.model,
                input_tokens: answer.input_tokens,
                output_tokens: answer.output_tokens,
            }),
            Err(error) => Err(self.absent(error.to_string())),
        })
    }
}

impl Guest {
    /// The model of the runtime that the plugin is called in.
    fn sampling(&self) -> Result<Arc<Sampling>, AccessError> {
        let scope = &self.scope;
        if !scope.granted().is_some_and(|grants| grants.model) {
            return Err(self.denied(Want::Model, "asking an AI model", GRANT));
        }
        scope.session.model.clone().ok_or_else(|| {
            let runtime = &scope.session.runtime;
            self.absent(format!(
                "there is no AI model to ask: runtime {runtime} needs a `model`, and what is only tried out asks none but a \
                 scripted one, such as the `modelAnswers` of a case of test_operation"
            ))
        })
    }

    /// What the guest wants to know, without its secrets.
    fn ask(&self, request: Request) -> Result<Ask, String> {
        let given = &self.scope.given;
        let message = |(at, message): (usize, crate::bindings::host::model::Message)| {
            let role = message.role.parse().map_err(|why| format!("messages[{at}].role: {why}"))?;
            Ok(ModelMessage { role, content: given.redacted(&message.content) })
        };
        let messages: Result<Vec<_>, String> =
            request.messages.into_iter().enumerate().map(message).collect();
        Ok(Ask {
            messages: messages?,
            max_tokens: request.max_tokens,
            response_schema: request.response_schema.map(|schema| given.redacted_json(schema)),
        })
    }
}

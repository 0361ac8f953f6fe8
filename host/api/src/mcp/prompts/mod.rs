//! Prompts: texts that put an assistant to work, with what it needs to know in them.
//!
//! A prompt is registered here, by one line. What it shows of the host is read when it is asked for, and embedded as the
//! resource that it is.

mod improvements;
mod logic;
mod operation;

use std::collections::BTreeMap;
use std::pin::Pin;

use rmcp::model::{
    ContentBlock, GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, ResourceContents, Role,
};
use serde_json::Value;

use super::address::Address;
use super::call::Call;
use super::resources::text_of;
use crate::error::ApiError;

/// What operations can be written in by `scaffold_operation`; the usual one first.
pub(super) const LANGUAGES: [&str; 2] = ["javascript", "rust"];
/// What an operation may do to the outside.
pub(super) const EFFECTS: [&str; 3] = ["pure", "observing", "effectful"];

/// Longest value of an argument, in bytes.
const MOST: usize = 64 << 10;

/// Every prompt there is.
const PROMPTS: [Registered; 3] = [operation::PROMPT, logic::PROMPT, improvements::PROMPT];

type Written<'c> = Pin<Box<dyn Future<Output = Result<Vec<PromptMessage>, ApiError>> + Send + 'c>>;

/// One prompt.
struct Registered {
    name: &'static str,
    title: &'static str,
    about: &'static str,
    arguments: &'static [Argument],
    write: for<'c> fn(&'c Call, Given) -> Written<'c>,
}

/// What a prompt takes.
struct Argument {
    name: &'static str,
    about: &'static str,
    required: bool,
}

/// The arguments of one prompt, as they were given.
struct Given(BTreeMap<String, String>);

impl Given {
    fn read(prompt: &Registered, arguments: JsonObject) -> Result<Self, ApiError> {
        let mut given = BTreeMap::new();
        for (name, value) in arguments {
            let known = prompt.arguments.iter().any(|argument| argument.name == name);
            let text = match value {
                Value::String(text) if known && text.len() <= MOST => text,
                Value::Null if known => continue,
                _ => {
                    let shown: String = name.chars().take(60).collect();
                    let known: Vec<&str> = prompt.arguments.iter().map(|argument| argument.name).collect();
                    let known = known.join(", ");
                    let message = format!(
                        "{} takes no `{shown}`, or none like this: it takes texts, named {known}",
                        prompt.name
                    );
                    return Err(ApiError::bad_request(message));
                }
            };
            given.insert(name, text);
        }
        let missing =
            prompt.arguments.iter().find(|argument| argument.required && !given.contains_key(argument.name));
        match missing {
            Some(argument) => {
                Err(ApiError::bad_request(format!("{} needs `{}`", prompt.name, argument.name)))
            }
            None => Ok(Self(given)),
        }
    }

    /// An argument, if it was given and says something.
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.trim().is_empty())
    }

    /// An argument that is a name or an id.
    fn name<T: std::str::FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<T, ApiError> {
        let text = self.text(name).unwrap_or_default();
        text.parse().map_err(|error| ApiError::bad_request(format!("`{name}`: {error}")))
    }
}

/// Every prompt, as clients are told of it.
pub(super) fn definitions() -> Vec<Prompt> {
    let argument = |argument: &Argument| {
        PromptArgument::new(argument.name).with_description(argument.about).with_required(argument.required)
    };
    let definition = |prompt: &Registered| {
        let arguments = prompt.arguments.iter().map(argument).collect();
        Prompt::new(prompt.name, Some(prompt.about), Some(arguments)).with_title(prompt.title)
    };
    PROMPTS.iter().map(definition).collect()
}

/// Whether a prompt of this name takes an argument of that name.
pub(super) fn takes(prompt: &str, argument: &str) -> bool {
    let found = PROMPTS.iter().find(|known| known.name == prompt);
    found.is_some_and(|prompt| prompt.arguments.iter().any(|known| known.name == argument))
}

/// `prompts/get`.
pub(super) async fn get(call: &Call, name: &str, arguments: JsonObject) -> Result<GetPromptResult, ApiError> {
    let Some(prompt) = PROMPTS.into_iter().find(|known| known.name == name) else {
        let name: String = name.chars().take(60).collect();
        return Err(ApiError::bad_request(format!("there is no prompt `{name}`: see prompts/list")));
    };
    let given = Given::read(&prompt, arguments)?;
    let messages = (prompt.write)(call, given).await?;
    Ok(GetPromptResult::new(messages).with_description(prompt.about))
}

fn text(text: impl Into<String>) -> PromptMessage {
    PromptMessage::new_text(Role::User, text)
}

/// A resource, with what it says now.
async fn embedded(call: &Call, address: &Address) -> Result<PromptMessage, ApiError> {
    let contents = ResourceContents::text(text_of(call, address).await?, address.to_string());
    let contents = contents.with_mime_type(address.kind().media_type);
    Ok(PromptMessage::new(Role::User, ContentBlock::resource(contents)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_prompts_there_are() {
        insta::assert_json_snapshot!(definitions());
    }

    #[test]
    fn arguments_are_checked_before_anything_is_written() {
        let read = |arguments: Value| {
            let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
            Given::read(&improvements::PROMPT, arguments)
                .map(drop)
                .map_err(|error| error.message().to_owned())
        };
        assert_eq!(read(serde_json::json!({ "execution": "exec_1" })), Ok(()));
        assert!(read(serde_json::json!({})).unwrap_err().contains("needs `execution`"));
        assert!(read(serde_json::json!({ "execution": 7 })).is_err());
        assert!(read(serde_json::json!({ "execution": "x", "other": "y" })).unwrap_err().contains("`other`"));
    }
}

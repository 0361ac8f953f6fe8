//! What may be asked: bounded before anybody is.

use orgata_model::schema::Schema;

use super::Ask;
use crate::ports::ModelRequest;

/// Most messages of one request.
pub const MOST_MESSAGES: usize = 200;
/// Most bytes of one request: all messages, and the schema.
pub const MOST_BYTES: usize = 512 << 10;

/// The request, and the schema of its answer; or what is wrong with it.
pub(super) fn checked(ask: Ask, most_tokens: u32) -> Result<(ModelRequest, Option<Schema>), String> {
    let Ask { messages, max_tokens, response_schema } = ask;
    if messages.is_empty() {
        return Err("it has no message".to_owned());
    }
    if messages.len() > MOST_MESSAGES {
        return Err(format!("it has {} messages, {MOST_MESSAGES} at most", messages.len()));
    }
    let said: usize = messages.iter().map(|message| message.content.len()).sum();
    let size = said + response_schema.as_ref().map_or(0, String::len);
    if size > MOST_BYTES {
        return Err(format!("it is {size} bytes long, {MOST_BYTES} at most"));
    }
    let max_tokens = max_tokens.unwrap_or(most_tokens).min(most_tokens);
    if max_tokens == 0 {
        return Err("it wants an answer of no tokens".to_owned());
    }
    let (value, schema) = match response_schema {
        Some(text) => {
            let value = serde_json::from_str(&text)
                .map_err(|error| format!("its response schema is not JSON: {error}"))?;
            let schema =
                Schema::compile(&value).map_err(|error| format!("its response schema is none: {error}"))?;
            (Some(value), Some(schema))
        }
        None => (None, None),
    };
    Ok((ModelRequest { messages, max_tokens, response_schema: value, number: 0 }, schema))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::{ModelMessage, Speaker};

    fn ask(contents: Vec<String>) -> Ask {
        let message = |content| ModelMessage { role: Speaker::User, content };
        Ask { messages: contents.into_iter().map(message).collect(), max_tokens: None, response_schema: None }
    }

    fn told(ask: Ask) -> String {
        checked(ask, 100).err().unwrap()
    }

    #[test]
    fn a_request_is_bounded_and_says_what_is_wrong() {
        assert!(told(ask(Vec::new())).contains("no message"));
        assert!(told(ask(vec![String::new(); MOST_MESSAGES + 1])).contains("201 messages"));
        assert!(told(ask(vec!["x".repeat(MOST_BYTES + 1)])).contains("bytes long"));
        let one = || ask(vec!["Hello".to_owned()]);
        assert!(told(Ask { max_tokens: Some(0), ..one() }).contains("no tokens"));
        assert!(told(Ask { response_schema: Some("{".to_owned()), ..one() }).contains("not JSON"));
        let bad = r#"{"type":"nothing"}"#.to_owned();
        assert!(told(Ask { response_schema: Some(bad), ..one() }).contains("schema is none"));
    }

    #[test]
    fn the_runtimes_bound_holds_whatever_is_wanted() {
        let wanted = |max_tokens| {
            checked(Ask { max_tokens, ..ask(vec!["Hello".to_owned()]) }, 100).unwrap().0.max_tokens
        };
        assert_eq!((wanted(None), wanted(Some(7)), wanted(Some(1_000))), (100, 7, 100));
    }
}

//! What of a message the protocol wants to see in headers too.

use serde_json::Value;

/// Where a message of the revisions without sessions says which it is of.
const VERSION: &str = "/params/_meta/io.modelcontextprotocol~1protocolVersion";
/// The first revision that wants the method and the name in headers.
const WITH_NAMES: &str = "2026-07-28";

/// The headers of a message. `negotiated` is the revision that a session agreed on.
pub(super) fn of(message: &Value, negotiated: Option<&str>) -> Vec<(&'static str, String)> {
    let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
    let mut headers = Vec::new();
    let version = text(VERSION).or(negotiated);
    headers.extend(version.map(|version| ("mcp-protocol-version", version.to_owned())));
    let (Some(version), Some(method)) = (version, text("/method")) else { return headers };
    if version < WITH_NAMES {
        return headers;
    }
    headers.push(("mcp-method", method.to_owned()));
    let named = match method {
        "tools/call" | "prompts/get" => text("/params/name"),
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => text("/params/uri"),
        "tasks/get" | "tasks/update" | "tasks/cancel" => text("/params/taskId"),
        _ => None,
    };
    // What cannot stand in a header is left out, and the host says what is missing.
    let stands = |name: &&str| name.chars().all(|letter| matches!(letter, ' '..='~'));
    headers.extend(named.filter(stands).map(|name| ("mcp-name", name.to_owned())));
    headers
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_without_a_session_names_itself() {
        let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28" });
        let call = json!({ "method": "tools/call", "params": { "name": "list_runtimes", "_meta": meta } });
        let shown: Vec<String> =
            of(&call, None).into_iter().map(|(name, value)| format!("{name}: {value}")).collect();
        assert_eq!(
            shown,
            ["mcp-protocol-version: 2026-07-28", "mcp-method: tools/call", "mcp-name: list_runtimes"]
        );
    }

    #[test]
    fn a_message_of_a_session_says_what_was_agreed_on() {
        let call = json!({ "method": "tools/call", "params": { "name": "list_runtimes" } });
        assert_eq!(of(&call, Some("2025-11-25")), [("mcp-protocol-version", "2025-11-25".to_owned())]);
        assert_eq!(of(&call, None), []);
    }
}

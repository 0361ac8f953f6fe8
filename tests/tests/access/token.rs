//! Tokens that an identity provider would issue, signed with a secret that it shares with the host.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use orgata_tests::HostSetup;
use ring::hmac;
use serde_json::{Value, json};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A host that believes such tokens, exactly until they expire.
pub(crate) fn believing(setup: HostSetup) -> HostSetup {
    let jwt = json!({
        "issuer": "https://id.example.com", "audience": "orgata", "secret": { "file": "jwt.secret" },
        "algorithms": ["HS256"], "environments": ["development"], "leeway": "0s",
    });
    setup.config(json!({ "authentication": { "jwt": jwt } })).file("jwt.secret", SECRET)
}

/// A token of somebody that is good for so many seconds.
pub(crate) fn token(name: &str, seconds: u64) -> String {
    let end = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() + seconds;
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "sub": name, "iss": "https://id.example.com", "aud": "orgata", "exp": end });
    let text = format!("{}.{}", part(json!({ "alg": "HS256", "typ": "JWT" })), part(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, text.as_bytes())))
}

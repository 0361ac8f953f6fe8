//! How callers may prove who they are, as the operator says it.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use orgata_engine::PrincipalKind;
use orgata_model::RoleName;
use orgata_model::duration::DurationText;
use orgata_model::runtime::Environment;
use serde::{Deserialize, Serialize};

/// The section `authentication`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct AuthSettings {
    /// Whether every request must prove who makes it. Default: yes, when any way to do so is configured here, and wherever
    /// other machines can reach the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// Whether keys of `orgata key create` are taken. Absent: they are taken, and are no reason to ask everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_keys: Option<bool>,
    /// Tokens of an identity provider, or of whoever shares a secret with the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt: Option<JwtSettings>,
    /// Client certificates, and who shows each.
    pub certificates: Vec<CertificateSettings>,
    /// The address under which others reach the host, such as `https://orgata.example.com`. Default: as each request
    /// names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Other machines may reach the host without any authentication. It must be said on the command line, too.
    pub insecure_without_authentication: bool,
    /// The digest of a key that is good for everything and that only this process knows: for a host that is started
    /// for one command.
    #[serde(skip)]
    pub own: Option<OwnKey>,
}

/// A secret between the host and the command that started it.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnKey(pub(super) [u8; 32]);

impl std::fmt::Debug for OwnKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OwnKey")
    }
}

/// The tokens that are believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JwtSettings {
    /// Who issues them: their `iss`.
    pub issuer: String,
    /// For whom they are: their `aud` must have one of these.
    pub audience: OneOrMore,
    /// The public keys of whoever issues them, as a JWK set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<KeysSettings>,
    /// The secret that is shared with whoever issues them, for HS256: of 32 bytes or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretSettings>,
    /// The algorithms that are taken. Default: RS256, ES256 and EdDSA with `keys`, HS256 with `secret`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub algorithms: Vec<AlgorithmName>,
    /// Where tokens say what.
    #[serde(default)]
    pub claims: ClaimNames,
    /// What whoever brings a token is, if it does not say. Default `user`.
    #[serde(default = "user")]
    pub kind: PrincipalKind,
    /// The environments that whoever brings a token may enter, if it does not say. Default none.
    #[serde(default)]
    pub environments: BTreeSet<Environment>,
    /// The roles that they hold besides those that a token names. Default none.
    #[serde(default)]
    pub roles: BTreeSet<RoleName>,
    /// How far clocks may be apart. Default 30s.
    #[serde(default = "leeway")]
    pub leeway: DurationText,
    /// How often keys are fetched anew from a URL. Default 10m. A file is read when it changes.
    #[serde(default = "refresh")]
    pub refresh: DurationText,
}

fn user() -> PrincipalKind {
    PrincipalKind::User
}

fn leeway() -> DurationText {
    DurationText(Duration::from_secs(30))
}

fn refresh() -> DurationText {
    DurationText(Duration::from_mins(10))
}

/// One text, or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    /// One.
    One(String),
    /// Several.
    More(Vec<String>),
}

impl OneOrMore {
    /// All of them.
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(more) => more,
        }
    }
}

/// Where a JWK set is: exactly one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeysSettings {
    /// A file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// A URL: `https`, or `http` to this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Where a secret is: exactly one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretSettings {
    /// A variable of the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// A file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
}

/// An algorithm of signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "RFC 7518 and RFC 8037 say what they are")]
pub enum AlgorithmName {
    HS256,
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

/// Where tokens say what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct ClaimNames {
    /// The name. Default `sub`.
    pub name: String,
    /// What kind of being it is: `user`, `service` or `assistant`. Default `orgata_kind`.
    pub kind: String,
    /// Roles: a list. Default `roles`.
    pub roles: String,
    /// Environments: a list. Default `orgata_environments`.
    pub environments: String,
    /// What the token is good for: a list, or words with spaces between, of which those like `execution:read` count.
    /// Absent: each token is good for all that its holder may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<String>,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            name: "sub".to_owned(),
            kind: "orgata_kind".to_owned(),
            roles: "roles".to_owned(),
            environments: "orgata_environments".to_owned(),
            scopes: None,
        }
    }
}

/// Who shows a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CertificateSettings {
    /// The SHA-256 digest of the certificate, as 64 hex digits; colons between them are fine.
    pub sha256: String,
    /// The name of who holds it.
    pub name: String,
    /// What kind of being that is. Default `service`.
    #[serde(default = "service")]
    pub kind: PrincipalKind,
    /// The roles that it holds. Default none.
    #[serde(default)]
    pub roles: BTreeSet<RoleName>,
    /// The environments that it may enter. Default none.
    #[serde(default)]
    pub environments: BTreeSet<Environment>,
}

fn service() -> PrincipalKind {
    PrincipalKind::Service
}

impl AuthSettings {
    /// Whether the operator says how callers are to prove who they are.
    pub fn is_configured(&self) -> bool {
        self.jwt.is_some() || self.api_keys == Some(true) || !self.certificates.is_empty()
    }

    /// Whether whoever calls a host at this address must prove who they are.
    pub fn is_required(&self, address: IpAddr) -> bool {
        let usual = self.is_configured() || !(address.is_loopback() || self.insecure_without_authentication);
        self.required.unwrap_or(usual)
    }

    /// What is wrong with it, if anything.
    pub fn validate(&self) -> Result<(), String> {
        if let Some(jwt) = &self.jwt {
            jwt.validate()?;
        }
        if self.required == Some(true) && !self.is_configured() && self.api_keys == Some(false) {
            return Err(
                "authentication.required: there is no way to prove anything; add apiKeys: true, jwt or \
                        certificates"
                    .to_owned(),
            );
        }
        if let Some(bad) = self.certificates.iter().find(|one| digest(&one.sha256).is_none()) {
            return Err(format!(
                "authentication.certificates: \"{}\" is no SHA-256 digest: write its 64 hex digits, as \
                 `openssl x509 -noout -fingerprint -sha256` shows them",
                bad.sha256
            ));
        }
        if let Some(url) = self.url.as_ref().filter(|url| !is_base(url)) {
            return Err(format!(
                "authentication.url: \"{url}\" is no address: write https://orgata.example.com"
            ));
        }
        Ok(())
    }
}

fn is_base(url: &str) -> bool {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !host.ends_with('/'))
}

/// The bytes of a digest, as people write them.
pub(super) fn digest(text: &str) -> Option<[u8; 32]> {
    let hex: String = text.chars().filter(|c| *c != ':').collect();
    let digit = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    if hex.len() != 64 {
        return None;
    }
    let bytes: Option<Vec<u8>> = (0..32).map(|at| digit(at * 2)).collect();
    bytes?.try_into().ok()
}

impl JwtSettings {
    /// The algorithms that are taken.
    pub fn algorithms(&self) -> Vec<AlgorithmName> {
        use AlgorithmName::{ES256, EdDSA, HS256, RS256};
        match (self.algorithms.as_slice(), &self.secret) {
            ([], None) => vec![RS256, ES256, EdDSA],
            ([], Some(_)) => vec![HS256],
            (some, _) => some.to_vec(),
        }
    }

    fn validate(&self) -> Result<(), String> {
        if self.issuer.is_empty() || self.audience.all().iter().all(String::is_empty) {
            return Err(
                "authentication.jwt: say whose tokens (issuer), and for whom they are (audience)".to_owned()
            );
        }
        match (&self.keys, &self.secret) {
            (Some(keys), None) if keys.file.is_some() != keys.url.is_some() => {}
            (None, Some(secret)) if secret.env.is_some() != secret.file.is_some() => {}
            _ => {
                return Err(
                    "authentication.jwt: name one of keys.file, keys.url, secret.env and secret.file"
                        .to_owned(),
                );
            }
        }
        // One who knows a public key must not be able to sign with it.
        let is_shared = |algorithm: &AlgorithmName| *algorithm == AlgorithmName::HS256;
        if self.algorithms().iter().any(|algorithm| is_shared(algorithm) != self.secret.is_some()) {
            return Err(
                "authentication.jwt.algorithms: HS256 goes with `secret` alone, all others with `keys`"
                    .to_owned(),
            );
        }
        if self.leeway.0 > Duration::from_mins(10) {
            return Err("authentication.jwt.leeway must be 10m or less".to_owned());
        }
        if self.refresh.0 < Duration::from_secs(10) {
            return Err("authentication.jwt.refresh must be 10s or more".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> AuthSettings {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn whoever_can_be_reached_by_others_asks_who_they_are() {
        let (here, there): (IpAddr, IpAddr) = ("127.0.0.1".parse().unwrap(), "10.0.0.1".parse().unwrap());
        let nothing = read("{}");
        assert!(!nothing.is_required(here) && nothing.is_required(there));
        for some in [r#"{ "apiKeys": true }"#, r#"{ "required": true }"#] {
            assert!(read(some).is_required(here), "{some}");
        }
        assert!(!read(r#"{ "apiKeys": false }"#).is_required(here));
    }

    #[test]
    fn a_public_key_is_no_secret() {
        let jwt = |rest: &str| {
            let text = format!(r#"{{ "jwt": {{ "issuer": "i", "audience": "a", {rest} }} }}"#);
            read(&text).validate()
        };
        assert_eq!(jwt(r#""keys": { "file": "k" }"#), Ok(()));
        assert_eq!(jwt(r#""secret": { "env": "S" }"#), Ok(()));
        assert!(jwt(r#""keys": { "file": "k" }, "algorithms": ["RS256", "HS256"]"#).is_err());
        assert!(jwt(r#""secret": { "env": "S" }, "algorithms": ["RS256"]"#).is_err());
        assert!(jwt(r#""keys": { "file": "k", "url": "https://x" }"#).is_err());
        assert!(jwt(r#""keys": { "file": "k" }, "secret": { "env": "S" }"#).is_err());
        assert!(jwt(r#""leeway": "1s""#).is_err());
    }

    #[test]
    fn a_fingerprint_is_read_as_openssl_shows_it() {
        let bare = "ab".repeat(32);
        let shown = vec!["AB"; 32].join(":");
        assert_eq!(digest(&bare), Some([0xab; 32]));
        assert_eq!(digest(&shown), Some([0xab; 32]));
        for bad in ["", "ab", &"ag".repeat(32), &"ab".repeat(33), &"é".repeat(32)] {
            assert_eq!(digest(bad), None, "{bad}");
        }
    }
}

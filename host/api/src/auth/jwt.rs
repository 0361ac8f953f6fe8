//! Tokens: JSON Web Tokens of whoever the operator named (RFC 7519, with the advice of RFC 8725).
//!
//! What is checked: an algorithm of the list, which belongs to the kind of key that is known and not to what the token
//! says; the signature; `exp` and `nbf`; `iss` and `aud`. A token that demands to be understood in a way of its own
//! (`crit`) is refused. Keys inside of a token, and places where it says that keys are, are never looked at.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use orgata_engine::{Identity, Principal, PrincipalKind, Proof, Reach, Scope};
use orgata_model::RoleName;
use orgata_model::runtime::Environment;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::key_set::KeySet;
use super::provider;
use super::settings::{AlgorithmName, JwtSettings, SecretSettings};

/// Longest token, in bytes.
const MAX: usize = 16 * 1024;
/// Shortest secret, in bytes: what HMAC with SHA-256 is worth.
const LEAST_SECRET: usize = 32;

/// The tokens that are believed.
pub(crate) struct Tokens {
    settings: JwtSettings,
    algorithms: Vec<Algorithm>,
    keys: Keys,
}

enum Keys {
    Public(KeySet),
    Shared(DecodingKey),
}

impl Tokens {
    /// Reads what the settings name.
    pub(super) async fn open(settings: &JwtSettings) -> Result<Self, String> {
        provider::install();
        let keys = match (&settings.keys, &settings.secret) {
            (Some(keys), None) => Keys::Public(KeySet::open(keys, settings).await?),
            (None, Some(secret)) => Keys::Shared(DecodingKey::from_secret(&read_secret(secret)?)),
            _ => return Err("authentication.jwt: name either keys or secret".to_owned()),
        };
        let algorithms = settings.algorithms().into_iter().map(algorithm).collect();
        Ok(Self { settings: settings.clone(), algorithms, keys })
    }

    /// Who issues them.
    pub(super) fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// Whoever brings this token, if it can be believed; else why not, in words for whoever brought it.
    pub(crate) async fn holder(&self, token: &str) -> Result<Principal, &'static str> {
        if token.len() > MAX {
            return Err("the token is too long");
        }
        let header = decode_header(token).map_err(|_| "the token is no JWT")?;
        if !self.algorithms.contains(&header.alg) {
            return Err("the token is signed in a way that is not taken");
        }
        if header.crit.is_some() {
            return Err("the token must be understood in a way that is not known here");
        }
        let keys = match &self.keys {
            Keys::Shared(key) => vec![key.clone()],
            Keys::Public(keys) => keys.find(header.kid.as_deref(), header.alg).await,
        };
        let validation = self.validation(header.alg);
        let mut refusal = "the token is signed with a key that is not known";
        for key in &keys {
            match decode::<Map<String, Value>>(token, key, &validation) {
                Ok(token) => {
                    let who = Principal::of(Arc::new(self.identity(&token.claims)?));
                    // The library has seen that it is there.
                    return Ok(self
                        .end(&token.claims)
                        .into_iter()
                        .fold(who, |who, end| who.proved_by(Proof::Until(end))));
                }
                Err(error) => refusal = words(&error),
            }
        }
        Err(refusal)
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.set_audience(self.settings.audience.all());
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.validate_nbf = true;
        validation.leeway = self.settings.leeway.0.as_secs();
        validation
    }

    /// Until when a token is good.
    fn end(&self, claims: &Map<String, Value>) -> Option<Timestamp> {
        let seconds = claims.get("exp").and_then(Value::as_f64)?;
        // Beyond what times can be, it never ends.
        Timestamp::from_second(seconds as i64).ok()?.checked_add(self.settings.leeway.0).ok()
    }

    fn identity(&self, claims: &Map<String, Value>) -> Result<Identity, &'static str> {
        let names = &self.settings.claims;
        let name = claims.get(&names.name).and_then(Value::as_str).filter(|name| Identity::is_name(name));
        let name = name.ok_or("the token names nobody")?;
        let kind = said::<PrincipalKind>(claims, &names.kind, "the token names no kind of principal")?;
        let environments = said::<BTreeSet<Environment>>(
            claims,
            &names.environments,
            "the token names environments that there are not",
        )?;
        let mut roles = self.settings.roles.clone();
        roles.extend(words_of(claims.get(&names.roles)).filter_map(|role| role.parse::<RoleName>().ok()));
        let scopes = names.scopes.as_ref().map(|scopes| {
            // Others have other scopes in the same token.
            words_of(claims.get(scopes)).filter_map(|scope| scope.parse::<Scope>().ok()).collect()
        });
        let environments = environments.unwrap_or_else(|| self.settings.environments.clone());
        Ok(Identity {
            name: name.into(),
            kind: kind.unwrap_or(self.settings.kind),
            reach: Reach::Environments(environments),
            roles,
            scopes,
        })
    }
}

#[cfg(any(test, feature = "fuzzing"))]
impl Tokens {
    /// Those that are signed with this secret. Reads nothing.
    pub(crate) fn shared(settings: JwtSettings, secret: &[u8]) -> Self {
        provider::install();
        let algorithms = settings.algorithms().into_iter().map(algorithm).collect();
        Self { settings, algorithms, keys: Keys::Shared(DecodingKey::from_secret(secret)) }
    }
}

/// What a claim says, if it is there; one that cannot be understood is not passed over.
fn said<T: DeserializeOwned>(
    claims: &Map<String, Value>,
    name: &str,
    refusal: &'static str,
) -> Result<Option<T>, &'static str> {
    let claim = claims.get(name).filter(|claim| !claim.is_null());
    claim.map(|claim| T::deserialize(claim).map_err(|_| refusal)).transpose()
}

/// The texts of a list, or the words of a text.
fn words_of(claim: Option<&Value>) -> impl Iterator<Item = &str> {
    let listed = claim.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let written = claim.and_then(Value::as_str).into_iter().flat_map(str::split_whitespace);
    listed.chain(written)
}

fn words(error: &jsonwebtoken::errors::Error) -> &'static str {
    use jsonwebtoken::errors::ErrorKind;
    match error.kind() {
        ErrorKind::ExpiredSignature => "the token has expired",
        ErrorKind::ImmatureSignature => "the token is not yet valid",
        ErrorKind::InvalidIssuer => "the token was issued by somebody else",
        ErrorKind::InvalidAudience => "the token is for somebody else",
        ErrorKind::MissingRequiredClaim(_) => "the token does not say whose it is, for whom, or until when",
        ErrorKind::InvalidSignature => "the token's signature is wrong",
        _ => "the token cannot be believed",
    }
}

const fn algorithm(name: AlgorithmName) -> Algorithm {
    match name {
        AlgorithmName::HS256 => Algorithm::HS256,
        AlgorithmName::RS256 => Algorithm::RS256,
        AlgorithmName::RS384 => Algorithm::RS384,
        AlgorithmName::RS512 => Algorithm::RS512,
        AlgorithmName::PS256 => Algorithm::PS256,
        AlgorithmName::PS384 => Algorithm::PS384,
        AlgorithmName::PS512 => Algorithm::PS512,
        AlgorithmName::ES256 => Algorithm::ES256,
        AlgorithmName::ES384 => Algorithm::ES384,
        AlgorithmName::EdDSA => Algorithm::EdDSA,
    }
}

fn read_secret(from: &SecretSettings) -> Result<Vec<u8>, String> {
    let at = "authentication.jwt.secret";
    let secret = match (&from.env, &from.file) {
        (Some(name), None) => {
            std::env::var(name).map(String::into_bytes).map_err(|error| format!("{at}: {name}: {error}"))?
        }
        (None, Some(file)) => std::fs::read(file)
            .map_err(|error| format!("{at}: {} cannot be read: {error}", file.display()))?,
        _ => return Err(format!("{at}: name either env or file")),
    };
    let secret = secret.trim_ascii().to_vec();
    if secret.len() < LEAST_SECRET {
        return Err(format!("{at} has {} bytes: {LEAST_SECRET} random ones are the least", secret.len()));
    }
    Ok(secret)
}

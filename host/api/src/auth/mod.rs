//! Proving who makes a request: once, in front of every protocol.
//!
//! ```text
//! front ── admit ──▶ ticket | Authorization: Bearer (key, token) | client certificate ──▶ Principal
//! ```
//!
//! The principal goes into the request's extensions, where handlers find it ([`crate::app::Caller`]). Every route needs one
//! but those of [`is_open`]. What is brought and cannot be believed is refused, even where nothing need be brought.
//!
//! Not here: what a principal may do (`engine::access`).

pub(crate) mod api_key;
mod fetch;
pub(crate) mod jwt;
mod key_set;
pub(crate) mod metadata;
mod provider;
mod settings;
pub(crate) mod tickets;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

use axum::extract::Request;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use orgata_engine::{Engine, Identity, Origin, Principal, Reach};

use crate::error::ApiError;
use crate::peer::Peer;
use crate::request_id::X_REQUEST_ID;
use crate::ws;
use jwt::Tokens;
pub use settings::{
    AlgorithmName, AuthSettings, CertificateSettings, ClaimNames, JwtSettings, KeysSettings, OneOrMore,
    OwnKey, SecretSettings,
};
use tickets::Tickets;

/// Who may call, and how it proves that.
pub struct Authenticator {
    settings: AuthSettings,
    required: bool,
    tokens: Option<Tokens>,
    certificates: HashMap<[u8; 32], Arc<Identity>>,
    local: Principal,
    tickets: Tickets,
}

/// Routes that need no principal: probes, the description of the interface, and how to get a token.
pub(crate) fn is_open(route: &str) -> bool {
    OPEN.contains(&route)
}

/// See [`is_open`].
pub(crate) const OPEN: [&str; 8] = [
    "/health",
    "/ready",
    "/api/openapi.json",
    "/api/docs",
    "/api/docs/docs.css",
    "/api/docs/rapidoc-min.js",
    metadata::PATH,
    metadata::PATH_OF_MCP,
];

impl OwnKey {
    /// A fresh key of a process for itself, and what is kept of it.
    pub fn fresh() -> Result<(String, Self), String> {
        let secret = api_key::Secret::fresh().map_err(|error| error.message().to_owned())?;
        let kept = Self(secret.digest());
        Ok((secret.into_text(), kept))
    }
}

impl Default for Authenticator {
    /// Nobody is asked for anything: loopback in development.
    fn default() -> Self {
        Self {
            settings: AuthSettings::default(),
            required: false,
            tokens: None,
            certificates: HashMap::new(),
            local: Principal::local(),
            tickets: Tickets::default(),
        }
    }
}

impl Authenticator {
    /// Reads what the settings name, for a host that listens at this address.
    pub async fn open(settings: &AuthSettings, listen: IpAddr) -> Result<Self, String> {
        let tokens = match &settings.jwt {
            Some(jwt) => Some(Tokens::open(jwt).await?),
            None => None,
        };
        let certificates = settings.certificates.iter().filter_map(|one| {
            let identity = Identity {
                name: one.name.as_str().into(),
                kind: one.kind,
                reach: Reach::Environments(one.environments.clone()),
                roles: one.roles.clone(),
                scopes: None,
            };
            Some((settings::digest(&one.sha256)?, Arc::new(identity)))
        });
        Ok(Self {
            required: settings.is_required(listen),
            tokens,
            certificates: certificates.collect(),
            settings: settings.clone(),
            ..Self::default()
        })
    }

    /// The same, on loopback.
    pub async fn on_loopback(settings: &AuthSettings) -> Result<Self, String> {
        Self::open(settings, IpAddr::V4(Ipv4Addr::LOCALHOST)).await
    }

    /// Whether everybody must prove who they are.
    pub(crate) fn is_required(&self) -> bool {
        self.required
    }

    /// The tickets that are not used yet.
    pub(crate) fn tickets(&self) -> &Tickets {
        &self.tickets
    }

    /// Who issues the tokens that are believed.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.tokens.as_ref().map(Tokens::issuer)
    }

    /// Finds out who makes a request, and writes it into the request.
    pub(crate) async fn admit(
        &self,
        engine: &Engine,
        route: &str,
        request: &mut Request,
    ) -> Result<(), ApiError> {
        if is_open(route) {
            return Ok(());
        }
        let peer = request.extensions().get::<Peer>().cloned().unwrap_or_default();
        let who = self.principal(engine, Asking::of(route, request), &peer).await?;
        let origin = origin(request);
        request.extensions_mut().insert(who.from(Arc::new(origin)));
        Ok(())
    }

    async fn principal(
        &self,
        engine: &Engine,
        asking: Asking<'_>,
        peer: &Peer,
    ) -> Result<Principal, ApiError> {
        if let Some(brought) = bearer(asking.headers)? {
            return self.holder(engine, brought).await;
        }
        if let Some(ticket) = asking.ticket() {
            let redeemed = self.tickets.redeem(&ticket, Instant::now()).filter(|who| engine.believes(who));
            return redeemed
                .ok_or_else(|| unauthenticated("the ticket was used, or is too old: take another one"));
        }
        if let Some(identity) = peer.certificate.and_then(|digest| self.certificates.get(&digest)) {
            return Ok(Principal::of(Arc::clone(identity)));
        }
        match self.required {
            false => Ok(self.local.clone()),
            true => {
                Err(unauthenticated("say who you are: send a key or a token, as `Authorization: Bearer …`"))
            }
        }
    }

    async fn holder(&self, engine: &Engine, brought: &str) -> Result<Principal, ApiError> {
        if let Some(OwnKey(own)) = &self.settings.own
            && api_key::same(own, &api_key::digest(brought))
        {
            return Ok(self.local.clone());
        }
        if brought.starts_with(api_key::PREFIX) {
            let holder = Some(brought).filter(|_| self.settings.api_keys != Some(false));
            let holder = holder.and_then(|brought| api_key::holder(engine, brought));
            return holder.ok_or_else(|| {
                unauthenticated("the key is not good: it is unknown, revoked or has expired")
            });
        }
        match &self.tokens {
            Some(tokens) => {
                let who = tokens.holder(brought).await.map_err(unauthenticated)?;
                // To the library a token is good in the second in which it expires, and to the engine it is not.
                let is_good = engine.believes(&who);
                is_good.then_some(who).ok_or_else(|| unauthenticated("the token has expired"))
            }
            None => Err(unauthenticated(
                "this host takes no tokens: bring a key of it, which begins with orgata_",
            )),
        }
    }

    /// What is said beside a refusal: how to get in (RFC 6750, RFC 9728).
    pub(crate) fn challenge(&self, route: &str, request: &Request) -> Option<HeaderValue> {
        let headers = request.headers();
        let metadata = match route {
            crate::mcp::PATH => metadata::PATH_OF_MCP,
            _ => metadata::PATH,
        };
        let error = if headers.contains_key(AUTHORIZATION) { ", error=\"invalid_token\"" } else { "" };
        let base = self.base(headers, request.extensions().get::<Peer>());
        HeaderValue::try_from(format!("Bearer resource_metadata=\"{base}{metadata}\"{error}")).ok()
    }

    /// The address under which the caller reached the host. Its `Host` was checked before.
    pub(crate) fn base(&self, headers: &HeaderMap, peer: Option<&Peer>) -> String {
        if let Some(url) = &self.settings.url {
            return url.clone();
        }
        let host = headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
        let scheme = if peer.is_some_and(|peer| peer.secured) { "https" } else { "http" };
        format!("{scheme}://{}", host.unwrap_or("localhost"))
    }

    /// Puts it into the audit that somebody did not prove who they are.
    pub(crate) fn write_down(&self, engine: &Engine, route: &str, request: &Request, error: &ApiError) {
        engine.unproved(&origin(request), route, error.message());
    }
}

/// From where a request comes.
fn origin(request: &Request) -> Origin {
    let address = request.extensions().get::<Peer>().and_then(|peer| peer.address);
    let id = request.headers().get(X_REQUEST_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
    Origin { address, request: id }
}

/// Why nobody is let in who brings this.
fn unauthenticated(why: &'static str) -> ApiError {
    ApiError::new("UNAUTHENTICATED", why)
}

/// What was brought as a bearer token.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = all.next() else { return Ok(None) };
    let scheme_and_token = value.to_str().ok().and_then(|text| text.split_once(' '));
    match (scheme_and_token, all.next()) {
        (Some((scheme, token)), None) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => Err(unauthenticated("send one Authorization header, with a bearer token")),
    }
}

/// What a request says of who makes it.
#[derive(Clone, Copy)]
struct Asking<'r> {
    route: &'r str,
    headers: &'r HeaderMap,
    query: Option<&'r str>,
}

impl<'r> Asking<'r> {
    fn of(route: &'r str, request: &'r Request) -> Self {
        Self { route, headers: request.headers(), query: request.uri().query() }
    }

    /// The ticket in its URL, where one is taken.
    fn ticket(&self) -> Option<String> {
        let query = self.query.filter(|_| self.route == ws::PATH)?;
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(name, _)| name == "ticket").map(|(_, value)| value.into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bearer_token_is_taken_and_nothing_else() {
        let read = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            }
            bearer(&headers).map(|token| token.map(str::to_owned)).map_err(|error| error.code())
        };
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["Bearer abc"]), Ok(Some("abc".to_owned())));
        assert_eq!(read(&["bearer  abc"]), Ok(Some("abc".to_owned())));
        for bad in [&["Basic YTpi"][..], &["abc"], &["Bearer a", "Bearer b"]] {
            assert_eq!(read(bad), Err("UNAUTHENTICATED"), "{bad:?}");
        }
    }
}

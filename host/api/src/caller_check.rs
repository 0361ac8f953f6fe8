//! From where a request may come: the `Host` that it names and the `Origin` of the page that makes it.
//!
//! A page on another site can make a browser call this host, and can point a name of its own at a loopback
//! address (DNS rebinding). So the name must be one of ours, and the page must be ours or listed.

use axum::extract::Request;
use http::header::{self, HOST, ORIGIN, VARY};
use http::{HeaderMap, HeaderValue, Method};

use crate::error::ApiError;
use crate::settings::Settings;

/// Names and origins from which requests are taken.
pub(crate) struct CallerCheck {
    hosts: Vec<String>,
    any_host: bool,
    origins: Vec<String>,
}

/// What becomes of a request.
pub(crate) enum Verdict {
    /// It is handled.
    Allowed,
    /// It is handled, and a page of this listed origin may read the answer.
    AllowedOrigin(HeaderValue),
    /// A browser asks whether a page of this listed origin may make a request.
    Preflight(HeaderValue),
    /// It is refused.
    Refused(ApiError),
}

impl CallerCheck {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            hosts: settings.allowed_hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            any_host: settings.allowed_hosts.iter().any(|host| host == "*"),
            origins: settings.allowed_origins.iter().map(|origin| origin.to_ascii_lowercase()).collect(),
        }
    }

    pub(crate) fn judge(&self, request: &Request) -> Verdict {
        let headers = request.headers();
        let host = match self.host(request) {
            Ok(host) => host,
            Err(error) => return Verdict::Refused(error),
        };
        let Some(origin) = headers.get(ORIGIN) else { return Verdict::Allowed };
        let text = origin.to_str().unwrap_or_default();
        let same = text.split_once("://").is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(host));
        if same {
            return Verdict::Allowed;
        }
        if !self.origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(text)) {
            let shown: String = text.chars().take(100).collect();
            let message = format!("pages of `{shown}` may not call this host: add it to api.allowedOrigins");
            return Verdict::Refused(ApiError::new("ORIGIN_NOT_ALLOWED", message));
        }
        let asks = *request.method() == Method::OPTIONS
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if asks { Verdict::Preflight(origin.clone()) } else { Verdict::AllowedOrigin(origin.clone()) }
    }

    /// The name under which the host was called, if it is one of ours.
    fn host<'r>(&self, request: &'r Request) -> Result<&'r str, ApiError> {
        let mut named = request.headers().get_all(HOST).iter();
        let (Some(host), None) = (named.next(), named.next()) else {
            return Err(ApiError::bad_request("a request needs one Host header"));
        };
        let host = host.to_str().map_err(|_| ApiError::bad_request("the Host header is not text"))?;
        // Probes call by whatever address they find, and learn nothing from the answer.
        let probe = matches!(request.uri().path(), "/health" | "/ready");
        if probe || self.any_host || self.is_ours(host) {
            return Ok(host);
        }
        let shown: String = host.chars().take(100).collect();
        let message = format!("`{shown}` is not a name of this host: add it to api.allowedHosts");
        Err(ApiError::new("HOST_NOT_ALLOWED", message))
    }

    fn is_ours(&self, host: &str) -> bool {
        let name = without_port(host);
        is_loopback(name)
            || self
                .hosts
                .iter()
                .any(|known| known.eq_ignore_ascii_case(host) || known.eq_ignore_ascii_case(name))
    }
}

/// A host without its port.
pub(crate) fn without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

/// Whether only this machine is called so.
pub(crate) fn is_loopback(name: &str) -> bool {
    let local = |name: &str| name.eq_ignore_ascii_case("localhost");
    local(name)
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        // Browsers resolve every name under `localhost` to loopback themselves.
        || name.rsplit_once('.').is_some_and(|(_, last)| local(last))
}

impl Verdict {
    /// Tells the browser what its page may do.
    pub(crate) fn mark(&self, headers: &mut HeaderMap) {
        let origin = match self {
            Self::Allowed | Self::Refused(_) => return,
            Self::AllowedOrigin(origin) | Self::Preflight(origin) => origin,
        };
        let mut say = |name, value| headers.insert(name, HeaderValue::from_static(value));
        if matches!(self, Self::Preflight(_)) {
            say(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, DELETE");
            say(
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "authorization, content-type, last-event-id, x-request-id, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name",
            );
            say(header::ACCESS_CONTROL_MAX_AGE, "600");
        }
        say(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            "location, ratelimit, ratelimit-policy, retry-after, www-authenticate, x-request-id, mcp-session-id",
        );
        headers.append(VARY, HeaderValue::from_static("origin"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(settings: &Settings, headers: &[(&str, &str)]) -> Result<(), &'static str> {
        let mut request = http::Request::builder().uri("/api/v1/runtimes");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match CallerCheck::new(settings).judge(&request.body(axum::body::Body::empty()).unwrap()) {
            Verdict::Refused(error) => Err(error.code()),
            _ => Ok(()),
        }
    }

    #[test]
    fn loopback_is_called_by_its_own_names_only() {
        let settings = Settings::default();
        for host in ["localhost", "localhost:8080", "127.0.0.1:80", "127.9.9.9", "[::1]:8080", "x.localhost"]
        {
            assert_eq!(verdict(&settings, &[("host", host)]), Ok(()), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", ""] {
            assert_eq!(verdict(&settings, &[("host", host)]), Err("HOST_NOT_ALLOWED"), "{host}");
        }
        assert_eq!(verdict(&settings, &[]), Err("BAD_REQUEST"));
        assert_eq!(verdict(&settings, &[("host", "localhost"), ("host", "localhost")]), Err("BAD_REQUEST"));
    }

    #[test]
    fn a_listed_name_is_ours_with_any_port_or_the_one_listed() {
        let settings =
            Settings { allowed_hosts: vec!["a.example".into(), "b.example:1".into()], ..Settings::default() };
        for host in ["a.example", "A.example:9", "b.example:1"] {
            assert_eq!(verdict(&settings, &[("host", host)]), Ok(()), "{host}");
        }
        assert_eq!(verdict(&settings, &[("host", "b.example:2")]), Err("HOST_NOT_ALLOWED"));
    }

    #[test]
    fn a_page_of_another_site_may_not_call_unless_listed() {
        let settings =
            Settings { allowed_origins: vec!["https://app.example".into()], ..Settings::default() };
        let from = |origin| verdict(&settings, &[("host", "localhost:1"), ("origin", origin)]);
        assert_eq!(from("http://localhost:1"), Ok(()));
        assert_eq!(from("https://app.example"), Ok(()));
        for origin in ["http://localhost:2", "https://evil.example", "null", "http://app.example"] {
            assert_eq!(from(origin), Err("ORIGIN_NOT_ALLOWED"), "{origin}");
        }
    }
}

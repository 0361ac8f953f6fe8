//! The allow-list: hosts with ports.
//!
//! A grant names one host and one port, `api.example.com:443`. A leading `*.` stands for one or more labels,
//! so that `*.example.com:443` covers `a.b.example.com` and not `example.com`. Nothing else is a pattern, and
//! no grant covers an address by a name.

use std::fmt;
use std::net::IpAddr;

use http::uri::Scheme;
use http::{Method, Request};
use wasmtime_wasi_http::Error;

/// Where a request goes: what is checked, connected to, and named to TLS is this one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    host: Host,
    port: u16,
}

/// A host, as a name in lower case or as an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    Name(String),
    Address(IpAddr),
}

impl Host {
    fn parse(text: &str) -> Self {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        match bare.parse() {
            Ok(address) => Self::Address(address),
            // A final dot says that the name is whole, and changes nothing else.
            Err(_) => Self::Name(bare.strip_suffix('.').unwrap_or(bare).to_ascii_lowercase()),
        }
    }
}

impl Target {
    /// The target of a request; refuses what has none, or would turn the connection into a tunnel.
    pub(super) fn of<T>(request: &Request<T>) -> Result<Self, Error> {
        if request.method() == Method::CONNECT {
            return Err(Error::HttpRequestMethodInvalid);
        }
        let uri = request.uri();
        let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
        // `user@host` has led many a check astray, and no plugin needs it.
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(Error::HttpRequestUriInvalid);
        }
        let default = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("" | ":") => default,
            // A port that is no number must not be taken for none.
            _ => authority.port_u16().ok_or(Error::HttpRequestUriInvalid)?,
        };
        Ok(Self { host: Host::parse(authority.host()), port })
    }

    /// Whether a grant covers this target.
    pub(super) fn matches(&self, grant: &str) -> bool {
        let Some((host, port)) = grant.trim().rsplit_once(':') else { return false };
        if port.parse() != Ok(self.port) {
            return false;
        }
        match (host.strip_prefix("*."), &self.host) {
            (None, _) => Host::parse(host) == self.host,
            (Some(_), Host::Address(_)) => false,
            (Some(domain), Host::Name(name)) => {
                let domain = domain.strip_suffix('.').unwrap_or(domain).to_ascii_lowercase();
                let labels = name.strip_suffix(&domain).and_then(|rest| rest.strip_suffix('.'));
                !domain.is_empty() && labels.is_some_and(|labels| !labels.is_empty())
            }
        }
    }

    /// The host alone.
    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    /// The port.
    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Name(name) => write!(f, "{name}:{}", self.port),
            Host::Address(IpAddr::V4(address)) => write!(f, "{address}:{}", self.port),
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(uri: &str) -> Target {
        Target::of(&Request::builder().uri(uri).body(()).unwrap()).unwrap()
    }

    #[test]
    fn host_and_port_must_both_be_granted() {
        let api = target("https://API.example.com./v1?q=1");
        assert_eq!(api.to_string(), "api.example.com:443");
        assert!(api.matches("api.example.com:443"));
        assert!(api.matches(" Api.Example.com.:443 "));
        for other in [
            "api.example.com:80",
            "api.example.com",
            "example.com:443",
            "xapi.example.com:443",
            ":443",
            "*:443",
            "*.:443",
        ] {
            assert!(!api.matches(other), "{other}");
        }
        assert!(target("http://api.example.com/").matches("api.example.com:80"));
        assert!(target("http://api.example.com:8080/").matches("api.example.com:8080"));
    }

    #[test]
    fn a_star_stands_for_whole_labels() {
        let grant = "*.example.com:443";
        assert!(target("https://a.example.com/").matches(grant));
        assert!(target("https://a.b.example.com/").matches(grant));
        for other in [
            "https://example.com/",
            "https://badexample.com/",
            "https://a.example.com.evil.net/",
            "https://.example.com/",
        ] {
            assert!(!target(other).matches(grant), "{other}");
        }
    }

    #[test]
    fn an_address_is_granted_as_an_address() {
        assert!(target("http://127.0.0.1:8080/").matches("127.0.0.1:8080"));
        assert!(target("http://[::1]:8080/").matches("[::1]:8080"));
        assert!(target("http://[0:0::1]:8080/").matches("[::1]:8080"), "two spellings of one address");
        assert!(!target("http://127.0.0.1:80/").matches("*.0.0.1:80"));
        assert!(!target("http://[::ffff:127.0.0.1]/").matches("127.0.0.1:80"));
    }

    #[test]
    fn odd_targets_are_refused() {
        let of = |uri: &str, method: &str| {
            Target::of(&Request::builder().method(method).uri(uri).body(()).unwrap())
        };
        assert!(of("http://good.example.com@evil.net/", "GET").is_err());
        assert!(of("good.example.com:443", "CONNECT").is_err());
        assert!(of("/nowhere", "GET").is_err());
        assert!(of("http://good.example.com:99999/", "GET").is_err());
    }
}

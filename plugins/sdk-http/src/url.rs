//! As much of a URL as a request needs: scheme, authority, path with query.
//!
//! Not the `url` crate: its tables for international names are larger than the rest of a guest. Such names
//! must come in their ASCII form; the host looks at the parts anew in any case.

use std::fmt;

use crate::Error;

/// An absolute `http` or `https` URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    https: bool,
    authority: String,
    path: String,
}

impl Url {
    /// Reads an absolute URL. A fragment is dropped; a user or password in it is refused.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bad = |why: &str| Error::BadRequest(format!("{why}: {text}"));
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || !c.is_ascii()) {
            return Err(bad("only printable ASCII can stand in a URL (others are percent-encoded)"));
        }
        let (scheme, rest) = text.split_once("://").ok_or_else(|| bad("not an absolute URL"))?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(bad("only http and https can be called")),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find(['/', '?', '\\']).unwrap_or(rest.len()));
        if authority.is_empty() || authority.starts_with(':') {
            return Err(bad("the host is missing"));
        }
        if authority.contains('@') {
            return Err(bad("credentials do not belong in a URL; send a header"));
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Url { https, authority: authority.to_ascii_lowercase(), path })
    }

    /// Where a `Location` header leads from here.
    pub fn join(&self, location: &str) -> Result<Self, Error> {
        let scheme = if self.https { "https" } else { "http" };
        let target = location.split(['?', '#']).next().unwrap_or_default();
        if target.contains("://") {
            return Url::parse(location);
        }
        if location.starts_with("//") {
            return Url::parse(&format!("{scheme}:{location}"));
        }
        let path = self.path.split('?').next().unwrap_or_default();
        let base = match location.chars().next() {
            Some('/') => "",
            Some('?') | None => path,
            // Dot segments are left to the server.
            Some(_) => path.split_at(path.rfind('/').map_or(0, |slash| slash + 1)).0,
        };
        Url::parse(&format!("{scheme}://{}{base}{location}", self.authority))
    }

    /// Whether it is called over TLS.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Host, and port where one is given.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Path and query; begins with `/`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether both lead to the same server over the same scheme.
    pub fn same_origin(&self, other: &Url) -> bool {
        self.https == other.https && self.authority == other.authority
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", if self.https { "https" } else { "http" }, self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::Url;

    fn url(text: &str) -> String {
        Url::parse(text).map_or_else(|error| error.to_string(), |url| url.to_string())
    }

    #[test]
    fn the_parts_that_a_request_needs_are_kept() {
        assert_eq!(url("HTTP://Example.com:8080?q=1#part"), "http://example.com:8080/?q=1");
        assert_eq!(url("https://[::1]:443/a/b?c"), "https://[::1]:443/a/b?c");
    }

    #[test]
    fn what_is_no_plain_absolute_url_is_refused() {
        for text in [
            "",
            "/a",
            "example.com",
            "ftp://a",
            "http://",
            "http://:80",
            "http://a b",
            "http://u:p@a",
            "http://ä",
        ] {
            assert!(Url::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_location_is_read_from_where_it_was_found() {
        let from = Url::parse("https://a.example/x/y?q").unwrap();
        let to = |location: &str| from.join(location).unwrap().to_string();
        assert_eq!(to("http://b.example/"), "http://b.example/");
        assert_eq!(to("//b.example/z"), "https://b.example/z");
        assert_eq!(to("/z?to=http://c"), "https://a.example/z?to=http://c");
        assert_eq!(to("z"), "https://a.example/x/z");
        assert_eq!(to("?r"), "https://a.example/x/y?r");
    }
}

//! Query parameters: each read by name, so that a mistake is told with the parameter that it is in.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::app::App;
use crate::error::ApiError;

/// Items on one page, unless said.
pub(crate) const USUAL: usize = 50;
/// Items on one page, at most.
pub(crate) const MOST: usize = 1000;

/// The query parameters of one endpoint.
pub(crate) struct Query<T>(pub(crate) T);

/// Parameters that can be read from a query.
pub(crate) trait FromQuery: Sized {
    /// Takes what it knows; what is left over is refused.
    fn read(query: &mut Pairs<'_>) -> Result<Self, ApiError>;
}

impl<T: FromQuery> FromRequestParts<App> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        let mut pairs = Pairs::of(parts.uri.query().unwrap_or_default());
        let value = T::read(&mut pairs)?;
        pairs.end()?;
        Ok(Self(value))
    }
}

/// What a query says, and which parameters were asked for.
pub(crate) struct Pairs<'q> {
    pairs: Vec<(Cow<'q, str>, Cow<'q, str>)>,
    known: Vec<&'static str>,
}

impl<'q> Pairs<'q> {
    fn of(query: &'q str) -> Self {
        Self { pairs: form_urlencoded::parse(query.as_bytes()).collect(), known: Vec::new() }
    }

    /// A parameter that is there once at most, read as `T`.
    pub(crate) fn one<T: FromStr<Err: Display>>(
        &mut self,
        name: &'static str,
    ) -> Result<Option<T>, ApiError> {
        self.one_with(name, T::from_str)
    }

    /// A parameter that is there once at most, read by `parse`.
    pub(crate) fn one_with<T, E: Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, ApiError> {
        let mut values = self.all(name).into_iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(ApiError::bad_request(format!("query parameter `{name}` is given twice")));
        }
        let wrong = |error| ApiError::bad_request(format!("query parameter `{name}`: {error}"));
        parse(&value).map(Some).map_err(wrong)
    }

    /// Every value of a parameter that may be repeated.
    pub(crate) fn all(&mut self, name: &'static str) -> Vec<Cow<'q, str>> {
        self.known.push(name);
        self.pairs.extract_if(.., |(key, _)| key == name).map(|(_, value)| value).collect()
    }

    /// How many items a page may have: 1 to `most`.
    pub(crate) fn limit(&mut self, usual: usize, most: usize) -> Result<usize, ApiError> {
        let limit = self.one::<usize>("limit")?.unwrap_or(usual);
        if (1..=most).contains(&limit) {
            return Ok(limit);
        }
        Err(ApiError::bad_request(format!("query parameter `limit` must be from 1 to {most}")))
    }

    fn end(self) -> Result<(), ApiError> {
        let Some((key, _)) = self.pairs.first() else { return Ok(()) };
        let key: String = key.chars().take(60).collect();
        let known = self.known.join(", ");
        Err(ApiError::bad_request(format!("there is no query parameter `{key}` here; there are: {known}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_read_once() {
        let mut pairs = Pairs::of("limit=7&x=a&x=b");
        assert_eq!(pairs.limit(50, 100).unwrap(), 7);
        assert!(pairs.one::<String>("x").unwrap_err().message().contains("given twice"));
    }

    #[test]
    fn an_unknown_parameter_is_told_with_those_there_are() {
        let mut pairs = Pairs::of("limti=7");
        assert_eq!(pairs.limit(50, 100).unwrap(), 50);
        assert_eq!(
            pairs.end().unwrap_err().message(),
            "there is no query parameter `limti` here; there are: limit"
        );
    }
}

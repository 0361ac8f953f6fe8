//! What happens to every request before its handler, and to every response after it.
//!
//! One layer does all of it, so that a request passes one box and not six: its id, its span, the checks of
//! `Host` and `Origin`, who asks (`auth`), how often they may (`rate`), the time that it may take, panics, the one shape of
//! errors, the count, what every response says to browsers, and whether the connection can be used again.

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, TRANSFER_ENCODING, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tower::{Layer, Service};
use tracing::{Instrument, debug, info_span};

use crate::app::App;
use crate::caller_check::Verdict;
use crate::error::{ApiError, internal};
use crate::headers;
use crate::mcp;
use crate::rate::Ruling;
use crate::request_id::{self, X_REQUEST_ID};
use crate::rest::UPLOAD_PATHS;
use crate::unread::Unread;
use crate::wire::error::{ErrorBody, ErrorView};

/// Nothing holds a request longer than this on top of its time, whatever `?wait=` says.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// Puts [`Front`] before a service.
#[derive(Clone)]
pub(crate) struct FrontLayer {
    pub(crate) app: App,
    pub(crate) times: Times,
}

/// How long requests may take, their bodies included.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    /// Most of them.
    pub(crate) usual: Duration,
    /// Those with long bodies.
    pub(crate) uploads: Duration,
    /// Those of assistants, which say inside of the body that they wait. Streams last longer: only their beginning
    /// counts.
    pub(crate) assistants: Duration,
}

impl<S> Layer<S> for FrontLayer {
    type Service = Front<S>;

    fn layer(&self, inner: S) -> Front<S> {
        Front { inner, app: self.app.clone(), times: self.times }
    }
}

/// See the module.
#[derive(Clone)]
pub(crate) struct Front<S> {
    inner: S,
    app: App,
    times: Times,
}

impl<S> Service<Request> for Front<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let id = request_id::of(request.headers());
        request.headers_mut().insert(X_REQUEST_ID, id.clone());
        let id_text = id.to_str().unwrap_or_default();
        let path = request.extensions().get::<MatchedPath>().cloned();
        let route = path.as_ref().map_or("unmatched", MatchedPath::as_str);
        let span = info_span!("request", id = id_text, method = request.method().as_str(), route);
        let time = self.times.of(route) + wait_of(request.uri().query());
        let seen = Seen { method: method_name(request.method()), path: path.clone(), since: Instant::now() };
        let verdict = self.app.caller_check().judge(&request);
        let always_secure = headers::is_always_secure(&request);
        let ends = is_of_unknown_length(request.headers());
        let (request, unread) = Unread::watch(request);
        // The one that is ready answers; its copy waits for the next request.
        let next = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, next);
        let handled = match &verdict {
            Verdict::Allowed | Verdict::AllowedOrigin(_) => {
                let work = let_in(self.app.clone(), path, inner, request);
                Ok(tokio::time::timeout(time, AssertUnwindSafe(work).catch_unwind()))
            }
            Verdict::Preflight(_) => Err(StatusCode::NO_CONTENT.into_response()),
            Verdict::Refused(error) => Err(error.clone().into_response()),
        };
        let app = self.app.clone();
        let respond = async move {
            let mut response = match handled {
                Ok(work) => match work.await {
                    Ok(Ok(Ok(response))) => response,
                    Ok(Err(panic)) => panicked(&*panic).into_response(),
                    Err(_) => took_too_long().into_response(),
                },
                Err(response) => response,
            };
            if let Some(error) = response.extensions_mut().remove::<ApiError>() {
                write_error(&mut response, &error, &id);
            }
            verdict.mark(response.headers_mut());
            response.headers_mut().insert(X_REQUEST_ID, id);
            if let Some(ruling) = response.extensions_mut().remove::<Ruling>() {
                app.rates().mark(&ruling, response.headers_mut());
            }
            headers::complete(response.headers_mut(), always_secure);
            if ends || unread.is_left() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            seen.count(response.status());
            Ok(response)
        };
        Box::pin(respond.instrument(span))
    }
}

/// Whether the request's end is told by its own body. Where a proxy in front reads such a request otherwise than
/// we do, what follows it may be another client's: nothing more is read from its connection.
fn is_of_unknown_length(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING)
}

impl Times {
    fn of(&self, route: &str) -> Duration {
        match route {
            mcp::PATH => self.assistants,
            route if UPLOAD_PATHS.contains(&route) => self.uploads,
            _ => self.usual,
        }
    }
}

/// Finds out who asks, counts it, and has them answered; or says how to get in.
async fn let_in<S>(
    app: App,
    path: Option<MatchedPath>,
    mut inner: S,
    mut request: Request,
) -> Result<Response, Infallible>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    let route = path.as_ref().map_or("unmatched", MatchedPath::as_str);
    let admitted = app.authenticator().admit(app.engine(), route, &mut request).await;
    // Whoever proved a name is counted by it, everybody else by address: so guessing is bounded, too.
    let ruling = count(&app, &mut request, admitted.is_err());
    let mut response = match (ruling.refusal(), admitted) {
        (Some(error), _) => error.into_response(),
        (None, Ok(())) => inner.call(request).await?,
        (None, Err(error)) => {
            app.authenticator().write_down(app.engine(), route, &request, &error);
            let challenge = app.authenticator().challenge(route, &request);
            let mut response = error.into_response();
            response.headers_mut().extend(challenge.map(|challenge| (WWW_AUTHENTICATE, challenge)));
            response
        }
    };
    response.extensions_mut().insert(ruling);
    Ok(response)
}

/// Counts a request with its caller. What comes after it on a WebSocket is counted with the same one.
fn count(app: &App, request: &mut Request, is_stranger: bool) -> Ruling {
    let whose = app.rates().whose(request.extensions(), is_stranger);
    let ruling = app.rates().take(whose.as_ref());
    if let Some(whose) = whose {
        request.extensions_mut().insert(whose);
    }
    ruling
}

/// How long a request asks to be held.
fn wait_of(query: Option<&str>) -> Duration {
    let wait =
        query.into_iter().flat_map(|query| query.split('&')).find_map(|pair| pair.strip_prefix("wait="));
    let wait = wait.and_then(|wait| orgata_model::duration::parse(wait).ok());
    wait.unwrap_or_default().min(LONGEST_WAIT)
}

fn took_too_long() -> ApiError {
    ApiError::new(
        "TIMEOUT",
        "the request took too long: what it asked for may still happen, so look before you repeat it",
    )
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> ApiError {
    let text =
        panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    internal(&format_args!("a handler panicked: {}", text.unwrap_or("without a word")))
}

fn write_error(response: &mut Response, error: &ApiError, id: &HeaderValue) {
    let body = ErrorBody { error: ErrorView::new(error, id.to_str().unwrap_or_default()) };
    let bytes = serde_json::to_vec(&body).unwrap_or_default();
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = error.retry_after_seconds() {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    debug!(code = error.code(), message = error.message(), "refused");
    *response.body_mut() = Body::from(bytes);
}

/// What is remembered of a request until it is answered.
struct Seen {
    method: &'static str,
    path: Option<MatchedPath>,
    since: Instant,
}

impl Seen {
    fn count(self, status: StatusCode) {
        let route = self.path.as_ref().map_or("unmatched", MatchedPath::as_str).to_owned();
        let class = match status.as_u16() / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        metrics::counter!("orgata_http_requests_total", "method" => self.method, "route" => route.clone(), "status" => class)
            .increment(1);
        metrics::histogram!("orgata_http_request_seconds", "method" => self.method, "route" => route)
            .record(self.since.elapsed());
    }
}

/// The method as a label: whatever a client makes up counts as one.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_waits_gets_more_time() {
        assert_eq!(wait_of(Some("a=1&wait=30s")), Duration::from_secs(30));
        assert_eq!(wait_of(Some("wait=3d")), LONGEST_WAIT);
        assert_eq!(wait_of(Some("wait=soon")), Duration::ZERO);
        assert_eq!(wait_of(None), Duration::ZERO);
    }
}

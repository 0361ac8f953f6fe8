//! What can go wrong in a call, by what may be done about it.

use std::fmt;

use wasip2::http::types::ErrorCode;

/// Why there is no response.
#[derive(Debug)]
pub enum Error {
    /// The request cannot be sent as it is.
    BadRequest(String),
    /// The host refuses this destination: it is not granted.
    Denied(String),
    /// The server could not be reached or went away; it may work later.
    Unreachable(String),
    /// It took too long; it may work later.
    TimedOut(String),
    /// The server did not prove that it is the one: its certificate is not for that name, has expired, or was issued
    /// by nobody that the host trusts. Which of them, the host adds to the failure.
    Untrusted(String),
    /// What came back makes no sense.
    Broken(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::BadRequest(why) => write!(f, "the request is not valid: {why}"),
            Error::Denied(why) => write!(f, "the host does not allow it: {why}"),
            Error::Unreachable(why) => write!(f, "the server cannot be reached: {why}"),
            Error::TimedOut(why) => write!(f, "the server took too long: {why}"),
            Error::Untrusted(why) => write!(f, "the server cannot be trusted: {why}"),
            Error::Broken(why) => write!(f, "the exchange broke: {why}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<ErrorCode> for Error {
    fn from(code: ErrorCode) -> Self {
        let why = plain(&code);
        match code {
            ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => Error::Denied(why),
            ErrorCode::HttpRequestUriInvalid
            | ErrorCode::HttpRequestUriTooLong
            | ErrorCode::HttpRequestMethodInvalid
            | ErrorCode::HttpRequestBodySize(_)
            | ErrorCode::HttpRequestHeaderSectionSize(_)
            | ErrorCode::HttpRequestHeaderSize(_)
            | ErrorCode::HttpRequestLengthRequired => Error::BadRequest(why),
            ErrorCode::DnsTimeout
            | ErrorCode::ConnectionTimeout
            | ErrorCode::ConnectionReadTimeout
            | ErrorCode::ConnectionWriteTimeout
            | ErrorCode::HttpResponseTimeout => Error::TimedOut(why),
            ErrorCode::TlsCertificateError => Error::Untrusted(why),
            ErrorCode::TlsProtocolError
            | ErrorCode::TlsAlertReceived(_)
            | ErrorCode::HttpResponseHeaderSectionSize(_)
            | ErrorCode::HttpResponseHeaderSize(_)
            | ErrorCode::HttpResponseBodySize(_)
            | ErrorCode::HttpResponseTransferCoding(_)
            | ErrorCode::HttpResponseContentCoding(_)
            | ErrorCode::HttpUpgradeFailed
            | ErrorCode::HttpProtocolError
            | ErrorCode::LoopDetected
            | ErrorCode::ConfigurationError => Error::Broken(why),
            // What is left is the network's, or the host's own trouble: it may pass.
            _ => Error::Unreachable(why),
        }
    }
}

/// `ErrorCode::ConnectionRefused` as `connection refused`.
fn plain(code: &ErrorCode) -> String {
    match code {
        ErrorCode::InternalError(Some(message)) => return message.clone(),
        ErrorCode::DnsError(payload) => {
            return format!("dns error {}", payload.rcode.as_deref().unwrap_or_default());
        }
        _ => {}
    }
    let debug = format!("{code:?}");
    let name = debug.trim_start_matches("ErrorCode::");
    let (name, rest) = name.split_at(name.find('(').unwrap_or(name.len()));
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words + rest
}

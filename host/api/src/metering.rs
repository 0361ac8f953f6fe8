//! What the numbers of this crate mean, to whoever shows them.

use metrics::Unit::{Count, Seconds};
use metrics::{describe_counter, describe_gauge, describe_histogram};

/// Says it, to the recorder that is installed.
pub fn describe_metrics() {
    describe_counter!(
        "orgata_http_requests_total",
        Count,
        "Requests that were answered, by method, route and status"
    );
    describe_histogram!("orgata_http_request_seconds", Seconds, "Time until a request's answer began");
    describe_gauge!("orgata_ws_connections", Count, "WebSockets that are open");
    describe_counter!(
        "orgata_rate_limited_total",
        Count,
        "Requests and frames that came faster than their caller may"
    );
    describe_counter!(
        "orgata_connections_refused_total",
        Count,
        "Connections that were refused: as many were open as may be"
    );
    describe_counter!("orgata_tls_handshakes_failed_total", Count, "Connections that did not agree on TLS");
}

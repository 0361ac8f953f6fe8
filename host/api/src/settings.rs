//! How much the adapters take from the outside, and from whom.

use std::time::Duration;

use orgata_model::duration::DurationText;
use serde::{Deserialize, Serialize};

use crate::rate::RateSettings;

/// The limits of REST, WebSocket and MCP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// Largest body of a request, in bytes. Default 1 MiB.
    pub body_bytes: usize,
    /// Largest plugin that may be uploaded, and longest history that may be imported, in bytes. Default 64 MiB.
    pub upload_bytes: usize,
    /// How long the head of a request may take to arrive; a connection that is kept open without a request
    /// is closed after the same time. Default 30s.
    pub header_timeout: DurationText,
    /// Largest head of a request, in bytes. Default 32 KiB.
    pub header_bytes: usize,
    /// Most headers of a request. Default 100.
    pub headers: usize,
    /// How long the body of a request may take to arrive. Default 10s.
    pub body_timeout: DurationText,
    /// How long an uploaded plugin or an imported history may take to arrive, and again to be compiled or checked.
    /// Default 5m.
    pub upload_timeout: DurationText,
    /// How long a request may be worked on; `?wait=` comes on top. Default 30s.
    pub request_timeout: DurationText,
    /// How long a client may take nothing of what it is sent before its connection is given up. Default 60s.
    pub write_timeout: DurationText,
    /// Connections open at once; more wait to be accepted. Default 10000.
    pub connections: usize,
    /// Connections open at once from one address, or one /64 network of IPv6; more are closed. Set it higher where
    /// everybody comes through one proxy. Default 1000.
    pub connections_per_address: usize,
    /// How much one caller may ask.
    pub rate: RateSettings,
    /// How long requests at work may take when the host stops. Default 10s.
    pub grace: DurationText,
    /// Names, with or without a port, under which the host may be called besides `localhost` and loopback
    /// addresses. `*` allows every name: only where something in front checks them. Default none.
    pub allowed_hosts: Vec<String>,
    /// Origins of pages that may call besides the host's own, such as `https://app.example.com`. Default none.
    pub allowed_origins: Vec<String>,
    /// The limits of WebSocket connections.
    pub web_socket: WebSocketSettings,
    /// The limits of MCP.
    pub mcp: McpSettings,
}

/// The limits of one WebSocket connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct WebSocketSettings {
    /// Largest frame that a client may send, in bytes. Default 64 KiB.
    pub frame_bytes: usize,
    /// Most subscriptions. Default 256.
    pub subscriptions: usize,
    /// Frames that wait to be sent; then the subscriptions wait too. Default 64.
    pub send_buffer: usize,
    /// How often a silent client is asked whether it is there. Default 20s.
    pub ping_every: DurationText,
    /// How long it may be silent, and how long one frame may take to be sent. Default 60s.
    pub silence: DurationText,
    /// Frames that cannot be understood before the connection is closed. Default 16.
    pub errors: usize,
}

/// The limits of MCP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct McpSettings {
    /// How long a session (of clients that speak 2025-11-25) may be silent before it is closed: people take their
    /// time. Default 24h.
    pub keep_alive: DurationText,
    /// Sessions open at once; more are refused. Default 1000.
    pub sessions: usize,
    /// Most resources that one client follows. Default 256.
    pub subscriptions: usize,
    /// Longest that `execute_playbook` waits, whatever its `wait` says; the time that people take to answer a form
    /// comes on top. Default 10m.
    pub longest_wait: DurationText,
    /// How long a form may stay unanswered; then the tool says that the execution waits. Default 1h.
    pub answer_within: DurationText,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            upload_bytes: 64 << 20,
            header_timeout: DurationText(Duration::from_secs(30)),
            header_bytes: 32 << 10,
            headers: 100,
            body_timeout: DurationText(Duration::from_secs(10)),
            upload_timeout: DurationText(Duration::from_mins(5)),
            request_timeout: DurationText(Duration::from_secs(30)),
            write_timeout: DurationText(Duration::from_mins(1)),
            connections: 10_000,
            connections_per_address: 1_000,
            rate: RateSettings::default(),
            grace: DurationText(Duration::from_secs(10)),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            web_socket: WebSocketSettings::default(),
            mcp: McpSettings::default(),
        }
    }
}

impl Default for McpSettings {
    fn default() -> Self {
        Self {
            keep_alive: DurationText(Duration::from_hours(24)),
            sessions: 1_000,
            subscriptions: 256,
            longest_wait: DurationText(Duration::from_mins(10)),
            answer_within: DurationText(Duration::from_hours(1)),
        }
    }
}

impl Default for WebSocketSettings {
    fn default() -> Self {
        Self {
            frame_bytes: 64 << 10,
            subscriptions: 256,
            send_buffer: 64,
            ping_every: DurationText(Duration::from_secs(20)),
            silence: DurationText(Duration::from_mins(1)),
            errors: 16,
        }
    }
}

/// The HTTP library keeps at least so much of a head.
const LEAST_HEADER_BYTES: usize = 8 << 10;

impl Settings {
    /// What is wrong with them, if anything.
    pub fn validate(&self) -> Result<(), String> {
        let socket = &self.web_socket;
        let counts = [
            ("bodyBytes", self.body_bytes),
            ("uploadBytes", self.upload_bytes),
            ("headers", self.headers),
            ("connections", self.connections),
            ("connectionsPerAddress", self.connections_per_address),
            ("webSocket.frameBytes", socket.frame_bytes),
            ("webSocket.subscriptions", socket.subscriptions),
            ("webSocket.sendBuffer", socket.send_buffer),
            ("webSocket.errors", socket.errors),
            ("mcp.sessions", self.mcp.sessions),
            ("mcp.subscriptions", self.mcp.subscriptions),
        ];
        if let Some((name, _)) = counts.iter().find(|(_, count)| *count == 0) {
            return Err(format!("api.{name} must be 1 or more"));
        }
        let times = [
            ("headerTimeout", self.header_timeout),
            ("bodyTimeout", self.body_timeout),
            ("uploadTimeout", self.upload_timeout),
            ("requestTimeout", self.request_timeout),
            ("writeTimeout", self.write_timeout),
            ("webSocket.pingEvery", socket.ping_every),
            ("mcp.keepAlive", self.mcp.keep_alive),
            ("mcp.longestWait", self.mcp.longest_wait),
            ("mcp.answerWithin", self.mcp.answer_within),
        ];
        if let Some((name, _)) = times.iter().find(|(_, time)| time.0.is_zero()) {
            return Err(format!("api.{name} must be longer than nothing"));
        }
        self.rate.validate()?;
        if self.header_bytes < LEAST_HEADER_BYTES {
            return Err(format!("api.headerBytes must be {LEAST_HEADER_BYTES} or more"));
        }
        if socket.silence <= socket.ping_every {
            return Err("api.webSocket.silence must be longer than api.webSocket.pingEvery".to_owned());
        }
        for origin in &self.allowed_origins {
            let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            if host.is_none_or(|host| host.is_empty() || host.contains('/')) {
                return Err(format!(
                    "api.allowedOrigins: \"{origin}\" is not an origin: write scheme, host and port alone, \
                     such as https://app.example.com"
                ));
            }
        }
        for host in &self.allowed_hosts {
            if host.is_empty() || host.contains('/') {
                return Err(format!(
                    "api.allowedHosts: \"{host}\" is not a host name: write app.example.com"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(Settings::default().validate(), Ok(()));
    }

    #[test]
    fn an_unknown_key_is_an_error() {
        assert!(serde_json::from_str::<Settings>(r#"{ "bodyBites": 1 }"#).is_err());
    }

    #[test]
    fn an_origin_with_a_path_is_an_error() {
        let settings =
            Settings { allowed_origins: vec!["https://a.example/x".into()], ..Settings::default() };
        assert!(settings.validate().unwrap_err().contains("https://a.example/x"));
    }
}

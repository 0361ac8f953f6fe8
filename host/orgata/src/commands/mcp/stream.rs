//! Server-sent events, as the messages that they carry.

use anyhow::Context as _;
use futures_util::StreamExt as _;
use reqwest::Response;

/// Longest event, in bytes: twice the longest message.
const MOST: usize = 8 << 20;

type Body = std::pin::Pin<Box<dyn futures_util::Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>;

/// A stream of messages.
pub(super) struct Messages {
    body: Body,
    buffer: Vec<u8>,
    /// The id of the last event, to go on behind it.
    pub(super) last: Option<String>,
}

impl Messages {
    /// The messages of a response.
    pub(super) fn of(response: Response) -> Self {
        Self { body: Box::pin(response.bytes_stream()), buffer: Vec::new(), last: None }
    }

    /// The next message; nothing when the stream ends.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<String>> {
        loop {
            while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<u8> = self.buffer.drain(..end + 2).collect();
                if let Some(message) = self.read(&String::from_utf8_lossy(&event)) {
                    return Ok(Some(message));
                }
            }
            anyhow::ensure!(self.buffer.len() <= MOST, "an event of the host has no end");
            match self.body.next().await {
                Some(piece) => {
                    let piece = piece.context("the stream broke off")?;
                    self.buffer.extend(piece.iter().filter(|byte| **byte != b'\r'));
                }
                None => return Ok(None),
            }
        }
    }

    /// What an event carries. Some are there to be remembered only, or to keep the connection alive.
    fn read(&mut self, event: &str) -> Option<String> {
        let mut data: Vec<&str> = Vec::new();
        for line in event.lines() {
            match line.split_once(':') {
                Some(("id", id)) => self.last = Some(id.trim_start().to_owned()),
                Some(("data", part)) => data.push(part.strip_prefix(' ').unwrap_or(part)),
                _ => {}
            }
        }
        let message = data.join("\n");
        (!message.trim().is_empty()).then_some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn events_are_messages_however_they_are_cut() {
        let text = ": alive\r\n\r\nid: 0\ndata:\n\nid: 1\ndata: {\"a\":\ndata: 1}\n\ndata: {}\n\n";
        let pieces: Vec<_> =
            text.as_bytes().chunks(5).map(|piece| Ok(bytes::Bytes::copy_from_slice(piece))).collect();
        let body: Body = Box::pin(futures_util::stream::iter(pieces));
        let mut messages = Messages { body, buffer: Vec::new(), last: None };
        assert_eq!(messages.next().await.unwrap().as_deref(), Some("{\"a\":\n1}"));
        assert_eq!(messages.last.as_deref(), Some("1"));
        assert_eq!(messages.next().await.unwrap().as_deref(), Some("{}"));
        assert_eq!(messages.next().await.unwrap(), None);
    }
}

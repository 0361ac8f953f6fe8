//! Server-sent events, as a browser reads them.

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use reqwest::Client;
use serde_json::Value;

use crate::event::{self, Event, ExecutionId};
use crate::host::TestHost;
use crate::matchers::Matcher;
use crate::patience;

/// An open stream of one execution's events.
pub struct EventStream {
    /// Parts as they come. Nothing for a break: a host that is killed ends its streams so.
    bytes: BoxStream<'static, Option<Vec<u8>>>,
    unread: String,
    /// The events so far.
    pub seen: Vec<Event>,
    /// The last `id:` that came, to go on from after a break.
    pub last_id: Option<String>,
    /// What the host said of why it broke the stream off.
    pub refusal: Option<Value>,
}

impl TestHost {
    /// Opens the stream, from the beginning or behind the event with this id.
    pub async fn event_stream(&self, id: &ExecutionId, last_id: Option<&str>) -> EventStream {
        let url = self.url(&format!("/api/v1/executions/{id}/events"));
        let opened = EventStream::open(self.client(), &url, last_id).await;
        opened.expect("the host answers").expect("events are streamed")
    }
}

impl EventStream {
    /// Opens the stream at this address. Nothing when the client has all that there will ever be (204).
    pub async fn open(
        client: &Client,
        url: &str,
        last_id: Option<&str>,
    ) -> Result<Option<Self>, reqwest::Error> {
        let request = client.get(url).header("accept", "text/event-stream");
        let request = last_id.into_iter().fold(request, |request, id| request.header("last-event-id", id));
        let response = request.send().await?;
        if response.status() == 204 {
            return Ok(None);
        }
        assert_eq!(response.status(), 200, "events are streamed");
        let bytes = response.bytes_stream().map(|part| part.ok().map(|part| part.to_vec()));
        Ok(Some(Self {
            bytes: bytes.boxed(),
            unread: String::new(),
            seen: Vec::new(),
            last_id: None,
            refusal: None,
        }))
    }

    /// The next event; nothing when the host closed the stream.
    pub async fn next(&mut self) -> Option<Event> {
        let event = self.receive().await?;
        self.seen.push(event.clone());
        Some(event)
    }

    /// Reads on until the events hold what is asked for.
    pub async fn until<T>(&mut self, matcher: Matcher<T>) -> T {
        let reading = patience::within(async {
            loop {
                if let Some(found) = matcher.find(&self.seen) {
                    return Some(found);
                }
                self.next().await?;
            }
        });
        let found = reading.await.flatten();
        found.unwrap_or_else(|| {
            panic!("{} did not come. The stream:\n{}", matcher.what, event::lines(&self.seen))
        })
    }

    async fn receive(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.unread.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.unread = rest;
                if let Some(event) = self.read_block(&block) {
                    return Some(event);
                }
                continue;
            }
            let more = self.bytes.next().await??;
            self.unread.push_str(&String::from_utf8_lossy(&more).replace("\r\n", "\n"));
        }
    }

    /// One message. Comments, which keep the connection alive, give nothing.
    fn read_block(&mut self, block: &str) -> Option<Event> {
        let mut data = String::new();
        for line in block.lines() {
            match line.split_once(':') {
                Some(("id", id)) => self.last_id = Some(id.trim_start().to_owned()),
                Some(("data", part)) => data.push_str(part.trim_start()),
                _ => {}
            }
        }
        let wire: Value = serde_json::from_str(&data).ok()?;
        if wire["type"] == "error" {
            self.refusal = Some(wire["error"].clone());
        }
        Event::read(&wire)
    }
}

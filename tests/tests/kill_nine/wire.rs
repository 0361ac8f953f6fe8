//! The way to a host that comes and goes: what does not get through is sent again, as a careful client does.

use orgata_tests::http::Reply;
use orgata_tests::sse::EventStream;
use orgata_tests::{Event, ExecutionId, TestHost, patience};
use reqwest::{Client, RequestBuilder};
use tokio::sync::watch;

/// Where the host is; the number grows with every start. Nothing while it is down.
type Place = Option<(u64, String)>;

/// What clients are told of the host.
pub(crate) struct Door(watch::Sender<Place>);

/// A client's way to the host.
#[derive(Clone)]
pub(crate) struct Wire {
    http: Client,
    place: watch::Receiver<Place>,
}

impl Door {
    /// A door that is shut.
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// The host is there.
    pub(crate) fn open(&self, start: u64, host: &TestHost) {
        self.0.send_replace(Some((start, host.address().to_owned())));
    }

    /// It is about to be killed.
    pub(crate) fn shut(&self) {
        self.0.send_replace(None);
    }

    /// A way for a client.
    pub(crate) fn wire(&self) -> Wire {
        Wire {
            http: Client::builder().no_proxy().build().expect("a plain client can be built"),
            place: self.0.subscribe(),
        }
    }
}

impl Wire {
    /// Sends until an answer comes. A connection that breaks is the kill's doing: the request is sent again
    /// after the next start, and a host that breaks connections while it lives is found out by that.
    pub(crate) async fn send(&mut self, what: &str, make: impl Fn(&Client, &str) -> RequestBuilder) -> Reply {
        let mut failed = 0;
        loop {
            let (start, address) = self.next_place(failed, what).await;
            match Reply::try_read(what, make(&self.http, &address)).await {
                Ok(reply) => return reply,
                Err(_) => failed = start,
            }
        }
    }

    /// Every event of an execution from its stream, which is opened again where it broke off.
    pub(crate) async fn follow(mut self, id: ExecutionId) -> Vec<Event> {
        let (mut seen, mut last_id, mut failed) = (Vec::new(), None::<String>, 0);
        while !seen.last().is_some_and(Event::is_end) {
            let (start, address) = self.next_place(failed, "following").await;
            let url = format!("{address}/api/v1/executions/{id}/events");
            let opened = EventStream::open(&self.http, &url, last_id.as_deref()).await;
            if let Ok(Some(mut stream)) = opened {
                while let Some(event) = stream.next().await {
                    seen.push(event);
                }
                last_id = stream.last_id.or(last_id);
            }
            failed = start;
        }
        seen
    }

    /// Where the host is, after the start on which something failed.
    async fn next_place(&mut self, failed: u64, what: &str) -> (u64, String) {
        let newer = |place: &Place| place.as_ref().is_some_and(|(start, _)| *start > failed);
        let found = patience::within(self.place.wait_for(newer)).await;
        let place =
            found.unwrap_or_else(|| panic!("{what}: the connection broke, and the host was not killed"));
        place.expect("the door outlives its clients").clone().expect("the host is there")
    }
}

//! Subscribers that come late, go and come back, or read slowly: each hears everything once, in order.

use futures_util::{SinkExt as _, StreamExt as _};
use orgata_tests::event::lines;
use orgata_tests::matchers::{Matcher, ended, event};
use orgata_tests::patience::within;
use orgata_tests::sse::EventStream;
use orgata_tests::ws::Socket;
use orgata_tests::{Event, ExecutionId, HostSetup, TestHost};
use serde_json::json;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// Steps of the long playbook; each has two events.
const STEPS: usize = 200;

/// A host with a playbook of many steps: each sleeps for `ms` and carries a text of `filler` bytes.
async fn talkative(ms: u64, filler: usize) -> TestHost {
    let step = |at| {
        format!(
            "  - {{ name: step-{at}, operation: hostile/sleep, params: {{ ms: {ms}, text: $input.text }} }}\n"
        )
    };
    let steps: String = (0..STEPS).map(step).collect();
    let yaml = format!(
        "name: talk\ninput: {{ type: object, properties: {{ text: {{ maxLength: {filler} }} }} }}\nsteps:\n{steps}"
    );
    let setup = HostSetup::new().plugin("hostile").playbook("talk", &yaml);
    setup.runtime("hall", json!({})).start().await
}

/// The history holds so many events.
fn so_many(count: usize) -> Matcher<()> {
    Matcher::new(format!("{count} events"), move |history| (history.len() >= count).then_some(()))
}

/// What a subscriber heard must be the history from this seq on.
#[track_caller]
fn is_whole(heard: &[Event], history: &[Event], from: u64, who: &str) {
    let wanted: Vec<_> = history.iter().filter(|event| event.seq >= from).cloned().collect();
    let seqs = |events: &[Event]| events.iter().map(|event| event.seq).collect::<Vec<_>>();
    assert_eq!(seqs(heard), seqs(&wanted), "{who}");
    assert_eq!(lines(heard), lines(&wanted), "{who}");
    assert_eq!(heard, wanted, "{who}");
}

/// A subscriber, when and from where it joined.
enum Joined {
    Socket(Box<Socket>, Option<u64>),
    Stream(tokio::task::JoinHandle<Vec<Event>>, u64),
}

#[tokio::test]
async fn whoever_joins_while_events_flow_hears_everything_once() {
    let host = talkative(5, 0).await;
    let mut first = host.socket().await;
    let id = host.begin("talk", json!({ "text": "" })).await;
    first.subscribe(&id).await;

    // Every few events somebody joins: from the beginning, the middle, just now, what is yet to come.
    let mut joined = Vec::new();
    for turn in 0..30_u64 {
        let now = 1 + turn * 11;
        first.until(&id, so_many(now as usize)).await;
        let from = match turn % 5 {
            0 => 0,
            1 => now / 2,
            2 => now.saturating_sub(1),
            3 => now + 1,
            _ => now + 25,
        };
        joined.push(match turn % 3 {
            0 => {
                let stream = stream_from(&host, &id, from).await;
                Joined::Stream(tokio::spawn(to_its_end(stream)), from)
            }
            // Some want only what is to come, and learn from the host where that begins.
            _ => {
                let mut socket = host.socket().await;
                let from = (turn % 7 != 0).then_some(from);
                socket.follow(&id, from).await;
                Joined::Socket(Box::new(socket), from)
            }
        });
    }
    assert!(!first.events(&id).last().unwrap().is_end(), "they joined while events flowed");

    first.until(&id, ended()).await;
    let history = host.history(&id).await;
    assert_eq!(history.len(), 2 * STEPS + 2);
    is_whole(&first.events(&id), &history, 0, "the first");
    for (turn, who) in joined.into_iter().enumerate() {
        match who {
            Joined::Stream(stream, from) => {
                let heard = within(stream).await.expect("the stream ends").unwrap();
                is_whole(&heard, &history, from, &format!("stream {turn} from {from}"));
            }
            Joined::Socket(mut socket, from) => {
                socket.frame("unsubscribed").await;
                let told = socket.frame("subscribed").await["fromSeq"].as_u64().unwrap();
                assert!(from.is_none_or(|from| from.max(1) == told), "{from:?}, {told}");
                is_whole(&socket.events(&id), &history, told, &format!("socket {turn} from {from:?}"));
            }
        }
    }
}

#[tokio::test]
async fn slow_readers_miss_nothing_and_hold_up_nobody() {
    // More than sockets and queues hold between here and there: the host must wait, and read on from the store.
    let host = talkative(0, 20_000).await;
    let id = host.begin("talk", json!({ "text": "x".repeat(20_000) })).await;
    let mut stream = stream_from(&host, &id, 0).await;
    stream.until(event("execution_started")).await;
    let socket = Unread::connect(&host, &id).await;
    let mut quick = host.socket().await;
    quick.subscribe(&id).await;
    quick.until(&id, ended()).await;
    assert!(stream.seen.len() < 2 * STEPS, "it has not been read yet");

    let history = host.history(&id).await;
    is_whole(&quick.events(&id), &history, 0, "the quick one");
    stream.until(ended()).await;
    is_whole(&stream.seen, &history, 0, "the slow stream");
    is_whole(&socket.read().await, &history, 0, "the slow socket");
}

/// A WebSocket that nobody reads, with little room for what comes.
struct Unread(WebSocketStream<TcpStream>);

impl Unread {
    async fn connect(host: &TestHost, id: &ExecutionId) -> Self {
        let connection = TcpSocket::new_v4().unwrap();
        connection.set_recv_buffer_size(4096).unwrap();
        let address = host.address().trim_start_matches("http://").parse().unwrap();
        let connection = connection.connect(address).await.unwrap();
        let url = host.url("/api/v1/ws").replacen("http", "ws", 1);
        let (mut socket, _) = client_async(url, connection).await.expect("the host speaks WebSocket");
        let subscribe = json!({ "type": "subscribe_execution", "executionId": id.0, "fromSeq": 0 });
        socket.send(Message::text(subscribe.to_string())).await.unwrap();
        Self(socket)
    }

    /// All events, now that somebody reads.
    async fn read(self) -> Vec<Event> {
        let Self(mut socket) = self;
        let reading = async {
            let mut events = Vec::new();
            while !events.last().is_some_and(Event::is_end) {
                let Message::Text(text) = socket.next().await.unwrap().unwrap() else { continue };
                events.extend(Event::read(&serde_json::from_str(&text).unwrap()));
            }
            events
        };
        within(reading).await.expect("everything comes")
    }
}

#[tokio::test]
async fn a_stream_that_broke_off_goes_on_behind_the_last_event_that_came() {
    let host = talkative(2, 0).await;
    let id = host.begin("talk", json!({ "text": "" })).await;
    let mut heard = Vec::new();
    let mut last = None;
    let mut breaks = 0;
    let url = host.url(&format!("/api/v1/executions/{id}/events"));
    // A browser comes back with the id of the last event, until nothing is left to tell (204).
    while let Some(mut stream) = EventStream::open(host.client(), &url, last.as_deref()).await.unwrap() {
        let some = async { while stream.seen.len() < 23 && stream.next().await.is_some() {} };
        within(some).await.expect("events come");
        heard.append(&mut stream.seen);
        last = stream.last_id.or(last);
        breaks += 1;
        assert!(breaks < 100, "it never ends:\n{}", lines(&heard));
    }
    assert!(breaks > 10, "{breaks}");
    is_whole(&heard, &host.history(&id).await, 0, "with breaks");
}

#[tokio::test]
async fn subscribing_again_begins_again_and_unsubscribing_ends_it() {
    let host = TestHost::kitchen().await;
    let id = host.begin("pbj-sandwich", json!({ "sandwichType": "classic" })).await;
    let question = host.until(&id, orgata_tests::matchers::asked("choose-jelly")).await;
    let mut socket = host.socket().await;
    socket.follow(&id, Some(1)).await;
    socket.until(&id, event("intervention_required")).await;
    let once = socket.events(&id).len();
    socket.follow(&id, Some(1)).await;
    socket.until(&id, so_many(2 * once)).await;

    socket.send(json!({ "type": "unsubscribe_execution", "executionId": id.0 })).await;
    socket.frame("unsubscribed").await;
    host.answer(&id, &question, json!({ "jelly_flavor": "grape" })).await.accepted();
    host.until(&id, ended()).await;
    socket.send(json!({ "type": "ping", "id": "still there" })).await;
    assert_eq!(socket.frame("pong").await["id"], "still there");
    assert_eq!(socket.events(&id).len(), 2 * once, "nothing is heard after the end of it");
}

async fn stream_from(host: &TestHost, id: &ExecutionId, from: u64) -> EventStream {
    let url = host.url(&format!("/api/v1/executions/{id}/events?fromSeq={from}"));
    let stream = EventStream::open(host.client(), &url, None).await;
    stream.expect("the host answers").expect("there is something to tell")
}

async fn to_its_end(mut stream: EventStream) -> Vec<Event> {
    while stream.next().await.is_some() {}
    stream.seen
}

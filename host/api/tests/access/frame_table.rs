//! Every frame that a client may send over a WebSocket, and what it asks for. One without a row fails the test.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use orgata_api::{Api, AuthSettings, Authenticator, Settings};
use orgata_model::access::Access::Read;
use orgata_model::access::Resource::{Execution, Runtime};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::world::Where::There;
use crate::world::{Asks, World, asks, callers};

/// Frame, what it asks for (nothing: it is about the connection alone), what it says, and how it is answered.
fn rows(world: &World) -> Vec<(&'static str, Option<Asks>, Value, &'static str)> {
    let execution = json!({ "executionId": world.waiting.0 });
    let runtime = json!({ "runtimeId": "in-production" });
    vec![
        ("subscribe_execution", Some(asks(Execution, Read, There)), execution.clone(), "subscribed"),
        ("subscribe_runtime", Some(asks(Runtime, Read, There)), runtime.clone(), "subscribed"),
        // What is not followed is unfollowed all the same: the answer says nothing of whether it is there.
        ("unsubscribe_execution", None, execution, "unsubscribed"),
        ("unsubscribe_runtime", None, runtime, "unsubscribed"),
        ("ping", None, json!({}), "pong"),
    ]
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The world, listening: frames need a connection.
async fn served(world: &World) -> String {
    let settings = AuthSettings { api_keys: Some(true), ..AuthSettings::default() };
    let authenticator = Authenticator::on_loopback(&settings).await.unwrap();
    let api = Api::guarded(world.host.engine.clone(), Settings::default(), authenticator, None);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(api.serve(listener, std::future::pending()));
    format!("ws://{address}/api/v1/ws")
}

async fn connect(url: &str, key: Option<&str>) -> Result<Socket, tungstenite::Error> {
    let mut request = url.into_client_request().unwrap();
    if let Some(key) = key {
        request.headers_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    }
    Ok(connect_async(request).await?.0)
}

/// Sends one frame over a connection of its own, and hears the first answer.
async fn ask(url: &str, key: &str, frame: &Value) -> Value {
    let mut socket = connect(url, Some(key)).await.unwrap();
    socket.send(Message::text(frame.to_string())).await.unwrap();
    loop {
        let next = tokio::time::timeout(Duration::from_secs(30), socket.next()).await;
        if let Message::Text(text) = next.expect("an answer in time").unwrap().unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

/// The kinds of frames that the description of the interface knows.
fn documented() -> BTreeSet<String> {
    let document: Value = serde_json::from_str(&orgata_api::openapi_json()).unwrap();
    let variants = document["components"]["schemas"]["ClientFrame"]["oneOf"].as_array().unwrap().clone();
    let kind = |variant: Value| {
        let word = &variant["properties"]["type"];
        let word = word.get("const").or_else(|| word["enum"].get(0)).and_then(Value::as_str);
        word.unwrap_or_else(|| panic!("{variant}")).to_owned()
    };
    variants.into_iter().map(kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_frame_is_taken_from_whom_its_rule_says_and_from_nobody_else() {
    let mut world = World::new().await;
    let url = served(&world).await;
    let rows = rows(&world);
    let in_table: BTreeSet<String> = rows.iter().map(|row| row.0.to_owned()).collect();
    assert_eq!(in_table, documented(), "each frame has a row, and each row a frame");
    match connect(&url, None).await {
        Err(tungstenite::Error::Http(refused)) => assert_eq!(refused.status().as_u16(), 401),
        other => panic!("strangers send no frames: {other:?}"),
    }
    for (kind, rule, mut frame, answered) in rows {
        frame["type"] = kind.into();
        for who in callers(rule.unwrap_or(asks(Execution, Read, There))) {
            let key = world.key(&who).await;
            let answer = ask(&url, &key, &frame).await;
            match rule.is_none_or(|asked| who.may(asked)) {
                true => assert_eq!(answer["type"], answered, "{kind} for {who:?}: {answer}"),
                false => check_refusal(kind, &answer),
            }
        }
    }
}

fn check_refusal(kind: &str, answer: &Value) {
    let denied = ["FORBIDDEN", "RUNTIME_NOT_FOUND", "EXECUTION_NOT_FOUND"];
    let code = answer["error"]["code"].as_str().unwrap_or_default();
    assert!(answer["type"] == "error" && denied.contains(&code), "{kind}: {answer}");
}

//! How often one caller may ask, and how many connections one address may have.

use std::time::Duration;

use orgata_api::{RateSettings, Settings};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Served;

fn slow(burst: u32) -> Settings {
    // What comes back while the test runs does not matter.
    let rate = RateSettings { requests_per_second: 1, burst, this_machine: true, ..RateSettings::default() };
    Settings { rate, ..Settings::default() }
}

const GET: &[u8] = b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let served = Served::new(slow(3)).await;
    let first = served.raw(GET).await;
    assert!(first.contains("ratelimit-policy: \"caller\";q=3;w=3\r\n"), "{first}");
    assert!(first.contains("ratelimit: \"caller\";r=2;t=1\r\n"), "{first}");
    let mut refused = None;
    for _ in 0..20 {
        let answer = served.raw(GET).await;
        if answer.starts_with("HTTP/1.1 429") {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("20 are more than 3");
    assert!(refused.contains("retry-after: 1\r\n") && refused.contains("RATE_LIMITED"), "{refused}");
    assert!(refused.contains("ratelimit: \"caller\";r=0;t=1\r\n"), "{refused}");
}

#[tokio::test]
async fn who_sits_at_this_machine_is_not_counted_unless_that_is_said() {
    let mut settings = slow(1);
    settings.rate.this_machine = false;
    let served = Served::new(settings).await;
    for _ in 0..10 {
        let answer = served.raw(GET).await;
        assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("ratelimit"), "{answer}");
    }
}

#[tokio::test]
async fn frames_are_counted_like_requests_and_a_flood_of_them_ends_the_connection() {
    let served = Served::new(slow(5)).await;
    let mut client = served.connect().await;
    for _ in 0..40 {
        client.send(json!({ "type": "ping" })).await;
    }
    let mut refused = 0;
    for _ in 0..4 {
        assert_eq!(client.next().await["type"], "pong");
    }
    while refused < 16 {
        let frame = client.next().await;
        // One of them may come back meanwhile.
        if frame["type"] == "error" {
            assert_eq!(frame["error"]["code"], "RATE_LIMITED", "{frame}");
            refused += 1;
        }
    }
    assert_eq!(u16::from(client.closed().await.code), 1008);
}

#[tokio::test]
async fn an_address_has_its_share_of_connections_and_no_more() {
    let served = Served::new(Settings { connections_per_address: 2, ..Settings::default() }).await;
    let clients = [served.connect().await, served.connect().await];
    assert_eq!(served.raw(GET).await, "", "a third is closed without a word");
    drop(clients);
    let served_again = async {
        loop {
            let mut stream = TcpStream::connect(&served.address).await.unwrap();
            let mut answer = Vec::new();
            if stream.write_all(GET).await.is_ok()
                && stream.read_to_end(&mut answer).await.is_ok_and(|read| read > 0)
            {
                return String::from_utf8_lossy(&answer).into_owned();
            }
        }
    };
    let answer =
        tokio::time::timeout(Duration::from_secs(20), served_again).await.expect("places are free again");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

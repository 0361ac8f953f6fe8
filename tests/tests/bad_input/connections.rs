//! Connections that speak no HTTP, speak it slowly, or say that they are somebody else.

use orgata_tests::http::Reply;
use orgata_tests::raw::RawConnection;
use reqwest::Method;
use serde_json::json;

use crate::{host, host_with, is_well};

#[tokio::test]
async fn what_is_not_http_is_closed_with_400_or_without_a_word() {
    let host = host().await;
    let flood = |count: usize| (0..count).map(|n| format!("x-{n}: 1\r\n")).collect::<String>();
    let get = |headers: &str| {
        format!("GET /health HTTP/1.1\r\nhost: localhost\r\n{headers}connection: close\r\n\r\n")
    };
    let cases: Vec<(&str, Vec<u8>, &[Option<u16>])> = vec![
        ("noise", vec![0xff; 64], &[Some(400), None]),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), &[Some(400), None]),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), &[Some(400), Some(505), None]),
        ("a word", b"hello\r\n\r\n".to_vec(), &[Some(400), None]),
        ("no version", b"GET /health\r\n\r\n".to_vec(), &[Some(400), None]),
        ("a space in a name", get("x y: 1\r\n").into(), &[Some(400)]),
        ("two lengths", get("content-length: 1\r\ncontent-length: 2\r\n").into(), &[Some(400)]),
        ("a negative length", get("content-length: -1\r\n").into(), &[Some(400)]),
        ("101 headers", get(&flood(101)).into(), &[Some(431)]),
        ("a header of 1 MiB", get(&format!("x: {}\r\n", "y".repeat(1 << 20))).into(), &[Some(431), None]),
        (
            "a path of 1 MiB",
            format!("GET /{} HTTP/1.1\r\n", "y".repeat(1 << 20)).into(),
            &[Some(431), Some(414), None],
        ),
        ("no host", b"GET /health HTTP/1.1\r\nconnection: close\r\n\r\n".to_vec(), &[Some(400)]),
        ("two hosts", get("host: localhost\r\n").into(), &[Some(400)]),
    ];
    for (what, bytes, expected) in cases {
        let mut connection = host.raw().await;
        connection.say(bytes).await;
        let words = connection.last_words().await;
        assert!(expected.contains(&words.status), "{what}: {words:?}");
    }
    is_well(&host).await;
}

#[tokio::test]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let host = host_with(json!({ "api": { "headerTimeout": "400ms" } })).await;
    let mut slow: Vec<RawConnection> = Vec::new();
    for part in ["", "G", "GET /health HTTP/1.1\r\n", "GET /health HTTP/1.1\r\nhost: localhost\r\nx-a: "] {
        for _ in 0..25 {
            let mut connection = host.raw().await;
            connection.say(part).await;
            slow.push(connection);
        }
    }
    // Others are served meanwhile.
    is_well(&host).await;
    for connection in slow {
        let words = connection.last_words().await;
        assert!(matches!(words.status, None | Some(408)), "{words:?}");
    }
}

#[tokio::test]
async fn those_who_are_silent_do_not_keep_others_out_for_ever() {
    let host = host_with(json!({ "api": { "connections": 4, "headerTimeout": "400ms" } })).await;
    let mut silent = Vec::new();
    for _ in 0..12 {
        silent.push(host.raw().await);
    }
    // Four places are taken; this waits in line behind all of them, and is served.
    is_well(&host).await;
    drop(silent);
}

#[tokio::test]
async fn a_name_that_is_not_ours_is_refused_and_so_is_a_page_of_another_site() {
    let host = host_with(
        json!({ "api": { "allowedHosts": ["desk.example"], "allowedOrigins": ["https://app.example"] } }),
    )
    .await;
    let path = "/api/v1/runtimes";
    let cases: [(&[(&str, &str)], Option<&str>); 10] = [
        (&[("host", "evil.example")], Some("HOST_NOT_ALLOWED")),
        (&[("host", "localhost.evil.example:80")], Some("HOST_NOT_ALLOWED")),
        (&[("host", "0.0.0.0")], Some("HOST_NOT_ALLOWED")),
        (&[("host", "desk.example:7420")], None),
        (&[("origin", "https://evil.example")], Some("ORIGIN_NOT_ALLOWED")),
        (&[("origin", "null")], Some("ORIGIN_NOT_ALLOWED")),
        (&[("origin", "http://127.0.0.1:1")], Some("ORIGIN_NOT_ALLOWED")),
        (&[("origin", "http://app.example")], Some("ORIGIN_NOT_ALLOWED")),
        (&[("origin", "https://app.example")], None),
        (&[("host", "desk.example"), ("origin", "http://desk.example")], None),
    ];
    for (headers, refused) in cases {
        for path in [path, "/api/v1/ws", "/api/v1/executions/x/events", "/metrics"] {
            let request = host.client().get(host.url(path));
            let request =
                headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            let reply = Reply::read(format!("{path} {headers:?}"), request).await;
            match refused {
                Some(code) => {
                    reply.refused(403, code);
                }
                None => assert_ne!(reply.status, 403, "{path} {headers:?}"),
            }
        }
    }
    let ask = |origin: &str| {
        let request =
            host.client().request(Method::OPTIONS, host.url(path)).header("origin", origin.to_owned());
        request.header("access-control-request-method", "POST")
    };
    let allowed = Reply::read("preflight", ask("https://app.example")).await;
    assert_eq!((allowed.status, allowed.header("access-control-allow-origin")), (204, "https://app.example"));
    let refused = Reply::read("preflight", ask("https://evil.example")).await;
    assert_eq!(refused.header("access-control-allow-origin"), "");
    refused.refused(403, "ORIGIN_NOT_ALLOWED");
    // Probes come by whatever name they find.
    let probe = host.client().get(host.url("/health")).header("host", "10.1.2.3");
    Reply::read("a probe", probe).await.is(200);
}

//! Outgoing HTTP: granted hosts and ports, checked addresses, held to size and time.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use orgata_model::runtime::Grants;
use orgata_sandbox::{Settings, Size};
use serde_json::{Value, json};

use crate::support::{Bench, done, failed};

/// A server that gives each connection to a function, and counts them.
struct Server {
    address: SocketAddr,
    served: Arc<AtomicUsize>,
}

impl Server {
    fn new(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (served, serve) = (Arc::new(AtomicUsize::new(0)), Arc::new(serve));
        let count = Arc::clone(&served);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let serve = Arc::clone(&serve);
                std::thread::spawn(move || serve(stream));
            }
        });
        Self { address, served }
    }

    fn saying(response: &str) -> Self {
        let response = response.to_owned();
        Self::new(move |mut stream| {
            read_head(&mut stream);
            let _ = stream.write_all(response.as_bytes());
        })
    }

    fn port(&self) -> u16 {
        self.address.port()
    }

    fn url(&self) -> String {
        format!("http://{}/path?q=1", self.address)
    }

    fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }
}

fn read_head(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

fn grants(network: &[String], private_addresses: bool) -> Grants {
    Grants { network: network.to_vec(), private_addresses, ..Grants::default() }
}

async fn bench(settings: Settings) -> Bench {
    let bench = Bench::with(settings).await;
    bench.load("hostile-http").await;
    bench
}

async fn call(bench: &Bench, grants: Grants, url: &str) -> Value {
    let session = bench.session_with(grants, "hostile-http");
    done(session.call(bench.call("hostile-http/call", json!({ "url": url }))).await)
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";

#[tokio::test(flavor = "multi_thread")]
async fn a_granted_host_is_reached_with_the_path_alone() {
    let (tell, heads) = std::sync::mpsc::channel();
    let server = Server::new(move |mut stream| {
        tell.send(read_head(&mut stream)).unwrap();
        let _ = stream.write_all(OK.as_bytes());
    });
    let bench = bench(Settings::default()).await;
    let answer = call(&bench, grants(&[server.address.to_string()], true), &server.url()).await;
    assert_eq!(answer, json!({ "status": 200, "bytes": 5 }));
    let head = heads.recv().unwrap();
    assert!(head.starts_with("GET /path?q=1 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("host: {}\r\n", server.address)), "{head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_reached_without_a_grant_for_host_and_port() {
    let server = Server::saying(OK);
    let bench = bench(Settings::default()).await;
    let port = server.port();
    for network in [
        vec![],
        vec!["127.0.0.1:1".to_owned()],
        vec![format!("localhost:{port}")],
        vec![format!("*:{port}")],
        vec![format!("*.0.0.1:{port}")],
        vec!["127.0.0.1".to_owned()],
    ] {
        let answer = call(&bench, grants(&network, true), &server.url()).await;
        assert!(answer.to_string().contains("does not allow"), "{network:?}: {answer}");
    }
    assert_eq!(server.served(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_for_one_plugin() {
    let server = Server::saying(OK);
    let bench = bench(Settings::default()).await;
    let session = bench.session_with(grants(&[server.address.to_string()], true), "http-fetch");
    let answer = done(session.call(bench.call("hostile-http/call", json!({ "url": server.url() }))).await);
    assert!(answer.to_string().contains("does not allow"), "{answer}");
    assert_eq!(server.served(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_take_another_word() {
    let server = Server::saying(OK);
    let bench = bench(Settings::default()).await;
    let port = server.port();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0", "[::]"] {
        let network = [format!("{host}:{port}")];
        let answer = call(&bench, grants(&network, false), &format!("http://{host}:{port}/")).await;
        assert!(answer.to_string().contains("does not allow"), "{host}: {answer}");
    }
    assert_eq!(server.served(), 0);
    let answer =
        call(&bench, grants(&[format!("localhost:{port}")], true), &format!("http://localhost:{port}/"))
            .await;
    assert_eq!(answer["bytes"], json!(5), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_failure_of_a_denied_guest_names_the_grant() {
    let bench = Bench::new().await;
    bench.load("http-fetch").await;
    let session = bench.session_with(Grants::default(), "http-fetch");
    let failure = failed(
        session.call(bench.call("http-fetch/fetch", json!({ "url": "https://api.example.com/x" }))).await,
    );
    let expected = "grant network: [api.example.com:443] to plugin http-fetch in runtime test-runtime";
    assert!(failure.message.contains(expected), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_checked_like_any_request() {
    let inside = Server::saying(OK);
    let redirect = format!(
        "HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        inside.url()
    );
    let outside = Server::saying(&redirect);
    let bench = bench(Settings::default()).await;
    let session = bench.session_with(grants(&[outside.address.to_string()], true), "hostile-http");
    let answer =
        done(session.call(bench.call("hostile-http/follow-redirect", json!({ "url": outside.url() }))).await);
    assert!(answer["second"].to_string().contains("does not allow"), "{answer}");
    assert_eq!((outside.served(), inside.served()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_that_is_too_large_is_cut_off() {
    let server = Server::new(|mut stream| {
        read_head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
        while stream.write_all(&[b'x'; 8192]).is_ok() {}
    });
    let bench = bench(Settings { http_body: Size::kib(64), ..Settings::default() }).await;
    let answer = call(&bench, grants(&[server.address.to_string()], true), &server.url()).await;
    let told = answer.to_string();
    assert!(told.len() < 100_000, "{} bytes came through", told.len());
    assert!(told.contains("BodySize") || told.contains("body"), "{}", &told[..told.len().min(500)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_is_waited_for_so_long() {
    let server = Server::new(|mut stream| {
        read_head(&mut stream);
        std::thread::sleep(Duration::from_secs(30));
    });
    let bench = bench(Settings { http_time: Duration::from_millis(200), ..Settings::default() }).await;
    let began = std::time::Instant::now();
    call(&bench, grants(&[server.address.to_string()], true), &server.url()).await;
    // Without the limit it would take half a minute.
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_drips_is_waited_for_so_long() {
    let server = Server::new(|mut stream| {
        read_head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
        while stream.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let bench = bench(Settings { http_time: Duration::from_millis(300), ..Settings::default() }).await;
    let began = std::time::Instant::now();
    call(&bench, grants(&[server.address.to_string()], true), &server.url()).await;
    // Without the limit it would take twenty seconds.
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

/// The call ends with its own time, whatever a request is still waiting for.
#[tokio::test(flavor = "multi_thread")]
async fn the_call_ends_before_its_requests() {
    let server = Server::new(|mut stream| {
        read_head(&mut stream);
        std::thread::sleep(Duration::from_secs(30));
    });
    let bench = bench(Settings { time: Duration::from_millis(300), ..Settings::default() }).await;
    let session = bench.session_with(grants(&[server.address.to_string()], true), "hostile-http");
    let report = session.call(bench.call("hostile-http/call", json!({ "url": server.url() }))).await;
    assert!(report.took < Duration::from_secs(15), "{:?}", report.took);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effectful_instance_is_never_used_again() {
    let server = Server::saying(OK);
    let bench = bench(Settings::default()).await;
    let session = bench.session_with(grants(&[server.address.to_string()], true), "hostile-http");
    for _ in 0..3 {
        let answer =
            done(session.call(bench.call("hostile-http/call", json!({ "url": server.url() }))).await);
        assert_eq!(answer["bytes"], json!(5), "{answer}");
    }
    assert_eq!(server.served(), 3);
}

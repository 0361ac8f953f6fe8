//! The load: closed loops over kept-alive connections, as light as HTTP allows.
//!
//! Every connection waits for its answer before it asks again. Every answer is read and must say that the
//! execution succeeded: an error is quick, and would otherwise look like speed.
//!
//! Any server can be loaded; what its answers look like is for whoever made the [`Load`] to know.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Who takes longer for one answer is taken for stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// What to ask for, and how.
#[derive(Debug, Clone)]
pub(super) struct Load {
    pub(super) address: SocketAddr,
    pub(super) path: &'static str,
    /// Besides host and content type.
    pub(super) headers: &'static [(&'static str, &'static str)],
    pub(super) body: Bytes,
    /// Connections at once.
    pub(super) concurrency: usize,
    /// How long it takes until the last of them asks: callers do not come all at the same moment. Where every answer
    /// takes as long as any other, they would stay together.
    pub(super) spread: Duration,
    /// What is to be remembered of a body which says that the execution succeeded; nothing of any other.
    pub(super) succeeded: fn(&[u8]) -> Option<String>,
}

/// When to stop.
#[derive(Debug, Clone)]
pub(super) enum Until {
    /// After a warm-up that is not counted, and the time that is.
    Elapsed { warm_up: Duration, counted: Duration },
    /// After so many answers, over all connections.
    Answers(usize),
    /// When it is told so.
    Told(Arc<AtomicBool>),
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Answers that were counted.
    pub(super) answers: usize,
    /// The time in which they came.
    pub(super) took: Duration,
    /// How long each took, sorted.
    latencies: Vec<Duration>,
    /// What is remembered of the last answer of every connection.
    pub(super) samples: Vec<String>,
}

impl Outcome {
    /// Answers a second.
    pub(super) fn rate(&self) -> f64 {
        f64::from(u32::try_from(self.answers).unwrap_or(u32::MAX)) / self.took.as_secs_f64()
    }

    /// The latency that this share of the answers did not exceed.
    pub(super) fn percentile(&self, share: f64) -> Duration {
        percentile(&self.latencies, share)
    }
}

/// The latency that this share of them did not exceed, by nearest rank; they are sorted.
pub(super) fn percentile(latencies: &[Duration], share: f64) -> Duration {
    let count = f64::from(u32::try_from(latencies.len()).unwrap_or(u32::MAX));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the count")]
    let at = (count * share).ceil() as usize;
    latencies.get(at.saturating_sub(1)).copied().unwrap_or_default()
}

/// One end of an open connection.
pub(super) type Sender = SendRequest<Full<Bytes>>;

/// Runs this on the present thread alone: what loads a host leaves it the processors.
pub(super) fn on_this_thread<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// Whether an answer has this in it.
pub(super) fn has(body: &[u8], words: &str) -> bool {
    body.windows(words.len()).any(|part| part == words.as_bytes())
}

/// Runs the load to its end. One thread is enough: the server is what needs the cores.
pub(super) fn run(load: &Load, until: &Until) -> Result<Outcome> {
    on_this_thread(async {
        let began = Instant::now();
        let mut loops = tokio::task::JoinSet::new();
        for number in 0..load.concurrency {
            loops.spawn(connection(load.clone(), share(until, load.concurrency, number), began));
            if !load.spread.is_zero() {
                tokio::time::sleep(load.spread / u32::try_from(load.concurrency)?).await;
            }
        }
        let mut outcome = Outcome::default();
        while let Some(own) = loops.join_next().await {
            let own = own.context("a connection's task ended early")??;
            outcome.latencies.extend(own.latencies);
            outcome.samples.extend(own.samples);
        }
        outcome.took = match until {
            Until::Elapsed { counted, .. } => *counted,
            Until::Answers(_) | Until::Told(_) => began.elapsed(),
        };
        outcome.answers = outcome.latencies.len();
        outcome.latencies.sort_unstable();
        Ok(outcome)
    })
}

/// What one connection has to do of it.
fn share(until: &Until, connections: usize, number: usize) -> Until {
    match until {
        Until::Answers(all) => Until::Answers(all / connections + usize::from(number < all % connections)),
        all => all.clone(),
    }
}

async fn connection(load: Load, until: Until, began: Instant) -> Result<Outcome> {
    let mut sender = connect(load.address).await?;
    let mut own = Outcome::default();
    let mut last = None;
    loop {
        let asked = Instant::now();
        let over = match &until {
            Until::Elapsed { warm_up, counted } => asked - began >= *warm_up + *counted,
            Until::Answers(count) => own.latencies.len() >= *count,
            Until::Told(told) => told.load(Ordering::Relaxed),
        };
        if over {
            break;
        }
        last = Some(ask(&mut sender, &load).await?);
        let answered = Instant::now();
        let counts = match &until {
            Until::Elapsed { warm_up, counted } => {
                let end = answered - began;
                end >= *warm_up && end < *warm_up + *counted
            }
            Until::Answers(_) | Until::Told(_) => true,
        };
        if counts {
            own.latencies.push(answered - asked);
        }
    }
    own.samples.extend(last);
    Ok(own)
}

/// Opens one connection.
pub(super) async fn connect(address: SocketAddr) -> Result<Sender> {
    let stream = TcpStream::connect(address).await.context("cannot connect to the server")?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// One question and its whole answer.
async fn ask(sender: &mut Sender, load: &Load) -> Result<String> {
    let request =
        Request::post(load.path).header("host", "127.0.0.1").header("content-type", "application/json");
    let request = load.headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let request = request.body(Full::new(load.body.clone()))?;
    sender.ready().await.context("the server closed the connection")?;
    let answered = async {
        let answer = sender.send_request(request).await.context("the server broke the connection")?;
        let status = answer.status();
        anyhow::Ok((status, answer.into_body().collect().await?.to_bytes()))
    };
    let answered = tokio::time::timeout(PATIENCE, answered).await;
    let (status, body) = answered.with_context(|| format!("no answer in {} s", PATIENCE.as_secs()))??;
    match (load.succeeded)(&body) {
        Some(remembered) if status.is_success() => Ok(remembered),
        _ => bail!("an execution did not succeed: {status} {}", String::from_utf8_lossy(&body)),
    }
}

/// Reads one address as JSON.
pub(super) fn get(address: SocketAddr, path: &str) -> Result<serde_json::Value> {
    on_this_thread(async {
        let mut sender = connect(address).await?;
        let request = Request::get(path).header("host", "127.0.0.1").body(Full::default())?;
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        if status != StatusCode::OK {
            bail!("GET {path}: {status} {}", String::from_utf8_lossy(&body));
        }
        serde_json::from_slice(&body).with_context(|| format!("GET {path}: not JSON"))
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn succeeded(body: &[u8]) -> Option<String> {
        (body == b"good").then(|| "good".to_owned())
    }

    /// A server with a single answer, whatever it is asked. It ends with the test's process.
    fn answering(status: &'static str, body: &'static str) -> Load {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                thread::spawn(move || {
                    let mut asked = [0; 4096];
                    // One small request at a time: it comes in one piece.
                    while stream.read(&mut asked).is_ok_and(|read| read > 0) {
                        let length = body.len();
                        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
                        stream.write_all(answer.as_bytes()).unwrap();
                    }
                });
            }
        });
        Load {
            address,
            path: "/",
            headers: &[],
            body: Bytes::from_static(b"{}"),
            concurrency: 3,
            spread: Duration::ZERO,
            succeeded,
        }
    }

    #[test]
    fn every_answer_is_counted() {
        let load = answering("200 OK", "good");
        let outcome = run(&load, &Until::Answers(100)).unwrap();
        assert_eq!((outcome.answers, outcome.samples.len()), (100, 3));
        let time = Duration::from_millis(50);
        let outcome = run(&load, &Until::Elapsed { warm_up: time, counted: time }).unwrap();
        assert!(outcome.answers > 0 && outcome.took == time);
    }

    #[test]
    fn an_answer_that_is_no_success_ends_the_run() {
        let failed = answering("200 OK", "bad");
        let error = run(&failed, &Until::Answers(10)).unwrap_err().to_string();
        assert!(error.contains("200 OK bad"), "{error}");
        let refused = answering("429 Too Many Requests", "good");
        assert!(run(&refused, &Until::Answers(10)).unwrap_err().to_string().contains("429"));
    }

    #[test]
    fn percentiles_are_taken_by_nearest_rank() {
        let latencies = (1..=100).map(Duration::from_millis).collect();
        let outcome = Outcome { latencies, ..Outcome::default() };
        assert_eq!(outcome.percentile(0.5), Duration::from_millis(50));
        assert_eq!(outcome.percentile(0.99), Duration::from_millis(99));
        assert_eq!(Outcome::default().percentile(0.5), Duration::ZERO);
    }

    #[test]
    fn the_connections_together_ask_for_all() {
        let each = (0..3).map(|number| match share(&Until::Answers(11), 3, number) {
            Until::Answers(count) => count,
            _ => 0,
        });
        assert_eq!(each.collect::<Vec<_>>(), [4, 4, 3]);
    }
}

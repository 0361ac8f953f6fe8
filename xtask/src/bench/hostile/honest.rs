//! The honest: ten steps now and then, over a few connections.
//!
//! Starts are due at fixed times. How long an answer took is counted from when its request was due, not from when the one
//! before it was answered: who has to wait to be served waits, too.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use tokio::time::{Instant, MissedTickBehavior};

use super::stage::Stage;
use crate::bench::{load, work};

const CONNECTIONS: u32 = 4;
/// Between two starts of a connection.
const PACE: Duration = Duration::from_millis(50);
const BODY: &[u8] = br#"{"playbookName":"ten","input":{"hello":"world"}}"#;

/// What a window showed: how long each answer took, sorted.
pub(super) struct Window(Vec<Duration>);

impl Window {
    pub(super) fn answers(&self) -> usize {
        self.0.len()
    }

    pub(super) fn percentile(&self, share: f64) -> Duration {
        load::percentile(&self.0, share)
    }
}

/// Honest callers for so long. An answer that is no success is an error.
pub(super) fn window(stage: &Stage, time: Duration) -> Result<Window> {
    let mut took = load::on_this_thread(async {
        let mut callers = tokio::task::JoinSet::new();
        for number in 0..CONNECTIONS {
            let caller = Caller { address: stage.address(), proof: format!("Bearer {}", stage.honest) };
            callers.spawn(caller.call(PACE * number / CONNECTIONS, time));
        }
        let mut took = Vec::new();
        while let Some(own) = callers.join_next().await {
            took.extend(own.context("a caller's task ended early")??);
        }
        anyhow::Ok(took)
    })?;
    took.sort_unstable();
    Ok(Window(took))
}

/// The id of one execution of theirs.
pub(super) fn execution(stage: &Stage) -> Result<String> {
    load::on_this_thread(async {
        let caller = Caller { address: stage.address(), proof: format!("Bearer {}", stage.honest) };
        let answer = caller.ask(&mut load::connect(caller.address).await?).await?;
        work::succeeded(&answer).context("an answer names no execution that succeeded")
    })
}

struct Caller {
    address: std::net::SocketAddr,
    proof: String,
}

impl Caller {
    async fn call(self, first: Duration, time: Duration) -> Result<Vec<Duration>> {
        let mut sender = load::connect(self.address).await?;
        let began = Instant::now() + first;
        let mut due = tokio::time::interval_at(began, PACE);
        due.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut took = Vec::new();
        loop {
            let at = due.tick().await;
            if at - began >= time {
                return Ok(took);
            }
            self.ask(&mut sender).await?;
            took.push(at.elapsed());
        }
    }

    async fn ask(&self, sender: &mut load::Sender) -> Result<Bytes> {
        let request = Request::post("/api/v1/runtimes/works/executions?wait=30s")
            .header("host", "127.0.0.1")
            .header("content-type", "application/json")
            .header("authorization", &self.proof)
            .body(Full::new(Bytes::from_static(BODY)))?;
        sender.ready().await.context("the host closed an honest connection")?;
        let answer = sender.send_request(request).await.context("the host broke an honest connection")?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        let text = String::from_utf8_lossy(&body);
        if !status.is_success() || !text.contains(r#""status":"succeeded""#) {
            bail!("an honest execution did not succeed: {status} {text}");
        }
        Ok(body)
    }
}

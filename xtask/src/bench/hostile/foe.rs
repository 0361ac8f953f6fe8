//! The hostile, at work until they are called off.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use http_body_util::BodyExt as _;
use hyper::StatusCode;

use super::attacks::{self, Attack};
use super::honest;
use super::stage::Stage;
use crate::bench::load;

/// Between two attempts of one kind. There are some thirty kinds.
const PACE: Duration = Duration::from_millis(200);
/// Connections that never finish their request.
const HALF_OPEN: usize = 100;

/// Hostile callers at work.
pub(super) struct Foe {
    stop: Arc<AtomicBool>,
    callers: JoinHandle<Result<Met>>,
    dawdlers: JoinHandle<()>,
}

/// What they met with.
#[derive(Default)]
pub(super) struct Met {
    pub(super) attacks: usize,
    /// Ids of requests that were told that they are not let in.
    pub(super) refused: Vec<String>,
}

impl Foe {
    /// All of them, or those that have `only` in their request.
    pub(super) fn begin(stage: &Stage, only: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let address = stage.address();
        let attacks = honest::execution(stage).map(|execution| {
            let mut attacks = attacks::all(stage, &execution);
            attacks.retain(|attack| attack.has(only));
            attacks
        });
        let told = Arc::clone(&stop);
        let callers = thread::spawn(move || attack(address, attacks?, &told));
        let told = Arc::clone(&stop);
        let half_open = if only.is_empty() { HALF_OPEN } else { 0 };
        let dawdlers = thread::spawn(move || dawdle(address, half_open, &told));
        Self { stop, callers, dawdlers }
    }

    /// Calls them off.
    pub(super) fn end(self) -> Result<Met> {
        self.stop.store(true, Ordering::Relaxed);
        let met = self.callers.join().ok().context("the hostile callers' thread panicked")?;
        self.dawdlers.join().ok().context("the half-open connections' thread panicked")?;
        met
    }
}

fn attack(address: SocketAddr, attacks: Vec<Attack>, stop: &Arc<AtomicBool>) -> Result<Met> {
    load::on_this_thread(async {
        let mut all = tokio::task::JoinSet::new();
        let apart = PACE / u32::try_from(attacks.len().max(1))?;
        for attack in attacks {
            all.spawn(again_and_again(address, attack, Arc::clone(stop)));
            // Each kind in its own time: those who attack do not all wait for the same moment.
            tokio::time::sleep(apart).await;
        }
        let mut met = Met::default();
        while let Some(own) = all.join_next().await {
            let own = own.context("an attack's task ended early")??;
            met.attacks += own.attacks;
            met.refused.extend(own.refused);
        }
        Ok(met)
    })
}

async fn again_and_again(address: SocketAddr, attack: Attack, stop: Arc<AtomicBool>) -> Result<Met> {
    let mut met = Met::default();
    let mut due = tokio::time::interval(PACE);
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut sender = None;
    while !stop.load(Ordering::Relaxed) {
        due.tick().await;
        met.attacks += 1;
        // The host closes connections of many that misbehave: the next attempt takes another.
        let open = match sender.take() {
            Some(open) => open,
            None => load::connect(address).await?,
        };
        sender = attempt(open, &attack, &mut met).await?;
    }
    Ok(met)
}

/// One attempt. Gives the connection back when it is still good.
async fn attempt(mut sender: load::Sender, attack: &Attack, met: &mut Met) -> Result<Option<load::Sender>> {
    if sender.ready().await.is_err() {
        return Ok(None);
    }
    // A body that is too large may be cut off before its answer can be read.
    let Ok(answer) = sender.send_request(attack.request()?).await else { return Ok(None) };
    let status = answer.status();
    let id = answer.headers().get("x-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let body = answer.into_body().collect().await;
    let expected = attack.answers.contains(&status.as_u16());
    if !expected && status != StatusCode::TOO_MANY_REQUESTS {
        let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        bail!("{} was answered {status}: {}", attack.name(), String::from_utf8_lossy(&body));
    }
    if attack.refusal && expected {
        met.refused.push(id.with_context(|| format!("{} was answered without an id", attack.name()))?);
    }
    Ok(body.is_ok().then_some(sender))
}

/// Begins many requests and ends none, for as long as the host puts up with each.
fn dawdle(address: SocketAddr, count: usize, stop: &AtomicBool) {
    let mut open = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        while open.len() < count
            && let Ok(begun) = begin(address)
        {
            open.push(begun);
        }
        thread::sleep(PACE);
        // An end, or anything else than "nothing yet".
        open.retain_mut(|stream| {
            stream.read(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
        });
    }
}

fn begin(address: SocketAddr) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"POST /api/v1/runtimes HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ")?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

//! The host that is measured: a child process.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::{child, repo};

/// A host that is ready. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Host {
    process: Child,
    /// Where it serves.
    pub(super) address: SocketAddr,
    /// From being spawned to saying that it is ready.
    pub(super) start_up: Duration,
}

impl Host {
    /// Starts the optimised binary on `folder/data`, with `folder/orgata.yaml`.
    pub(super) fn start(folder: &Path) -> Result<Self> {
        let args = ["serve", "--listen", "127.0.0.1:0", "--data", "data", "--config", "orgata.yaml"];
        let mut command: Command = child::command(repo::release_binary(), folder, &args);
        // Logs to a terminal would be measured too.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let began = Instant::now();
        let mut process = command.spawn().context("cannot start the host: is it built?")?;
        let mut line = String::new();
        if let Some(out) = process.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        let start_up = began.elapsed();
        let address = line.trim().rsplit_once("http://").and_then(|(_, address)| address.parse().ok());
        let Some(address) = address else {
            let _ = process.kill();
            let status = process.wait()?;
            bail!(
                "the host did not become ready (it said {line:?}, and ended with {status}); try by hand: {}",
                child::line(&command)
            );
        };
        Ok(Self { process, address, start_up })
    }

    /// Memory that it holds now, in bytes.
    pub(super) fn resident(&self) -> Result<u64> {
        let path = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
        Ok(kib.context("the kernel does not say how much memory the host holds")? * 1024)
    }

    /// Ends it as an operator would.
    pub(super) fn stop(mut self) -> Result<()> {
        let id = self.process.id().to_string();
        child::output(&mut child::command("sh", &repo::root(), &["-c", "kill -TERM \"$0\"", &id]))?;
        let status = self.process.wait()?;
        if !status.success() {
            bail!("the host ended with {status} when it was asked to stop");
        }
        Ok(())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Both fail when it has ended already, which is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

//! The server that is measured: a group of processes that says where it serves.
//!
//! Ours and others' alike print one line with `http://ADDRESS:PORT` once they are ready.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::group::Group;
use crate::{child, repo};

/// Long enough for a server that compiles, migrates or elects before it serves.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that is ready. Dropping it kills it, and all that it started.
#[derive(Debug)]
pub(crate) struct Server {
    group: Group,
    /// Where it serves.
    pub(crate) address: SocketAddr,
    /// From being spawned to saying that it is ready.
    pub(super) start_up: Duration,
}

impl Server {
    /// Starts the optimised host on `folder/data`, with `folder/orgata.yaml`.
    pub(super) fn orgata(folder: &Path) -> Result<Self> {
        let args = ["serve", "--listen", "127.0.0.1:0", "--data", "data", "--config", "orgata.yaml"];
        Self::start(&mut child::command(repo::release_binary(), folder, &args), folder)
    }

    /// Starts a server and waits until it is ready. What it logs goes to `folder/log`: to a terminal it would
    /// be measured too.
    pub(crate) fn start(command: &mut Command, folder: &Path) -> Result<Self> {
        let log = folder.join("log");
        let kept = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(kept);
        let began = Instant::now();
        let mut group = Group::start(command)?;
        let (sender, lines) = mpsc::channel();
        let out = group.leader().stdout.take().context("a server's output was not caught")?;
        // Reads on when nobody listens any more: a full pipe would stop the server.
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut said = Vec::new();
        loop {
            match lines.recv_timeout(PATIENCE.saturating_sub(began.elapsed())) {
                Ok(line) => match address(&line) {
                    Some(address) => return Ok(Self { group, address, start_up: began.elapsed() }),
                    None => said.push(line),
                },
                Err(why) => {
                    let why = match why {
                        RecvTimeoutError::Timeout => format!("in {} s", PATIENCE.as_secs()),
                        RecvTimeoutError::Disconnected => format!("and ended: {}", group.leader().wait()?),
                    };
                    let log = last_lines(&log);
                    bail!(
                        "`{}` did not become ready {why}\n{}\n{log}",
                        child::line(command),
                        said.join("\n")
                    );
                }
            }
        }
    }

    /// Memory that all of its processes hold now, in bytes.
    pub(super) fn resident(&self) -> Result<u64> {
        self.group.resident()
    }

    /// Ends it as an operator would.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.group.terminate()?;
        let status = self.group.leader().wait()?;
        if !status.success() {
            bail!("the host ended with {status} when it was asked to stop");
        }
        Ok(())
    }
}

/// The address in a line that has one.
fn address(line: &str) -> Option<SocketAddr> {
    let (_, address) = line.trim().rsplit_once("http://")?;
    address.parse().ok()
}

/// What a server logged last.
fn last_lines(log: &Path) -> String {
    const SHOWN: usize = 20;
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    lines.get(lines.len().saturating_sub(SHOWN)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Result<Server> {
        let folder = tempfile::tempdir().unwrap();
        Server::start(&mut child::command("sh", folder.path(), &["-c", script]), folder.path())
    }

    #[test]
    fn a_server_is_ready_when_it_says_where() {
        let server = shell("echo starting; echo ready at http://127.0.0.1:7420; sleep 600").unwrap();
        assert_eq!(server.address, "127.0.0.1:7420".parse().unwrap());
        assert!(server.resident().unwrap() > 0);
    }

    #[test]
    fn a_server_that_ends_first_is_an_error_with_what_it_said() {
        let error = shell("echo one; echo two >&2; exit 3").unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.contains("one\ntwo"), "{error}");
    }
}

//! Groups of processes that end with whoever started them.
//!
//! A measured engine may be several processes. Each starts as a group of its own, so that all of it can be
//! counted and ended. A terminal's ctrl-C does not reach such a group: [`end_all_on_interrupt`] passes it on.

use std::fs;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::signal::unix::{SignalKind, signal};

use crate::child;

/// The groups that run. Held while one is started: an interrupt finds it, or comes before it.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// What shells give for a program that ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// A process and all that it starts. Dropping it kills them.
#[derive(Debug)]
pub(super) struct Group {
    leader: Child,
    id: Pid,
}

impl Group {
    /// Starts the first process of a group.
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        use std::os::unix::process::CommandExt as _;
        let mut running = running();
        let leader = command.process_group(0).spawn();
        let leader = leader.with_context(|| format!("cannot start {}", child::line(command)))?;
        let id = Pid::from_child(&leader);
        running.push(id);
        Ok(Self { leader, id })
    }

    /// The first process.
    pub(super) fn leader(&mut self) -> &mut Child {
        &mut self.leader
    }

    /// Asks the first process to stop.
    pub(super) fn terminate(&self) -> Result<()> {
        kill_process(self.id, Signal::TERM).context("the server cannot be asked to stop")
    }

    /// Memory that all of its processes hold now, in bytes. What they share counts for each.
    pub(super) fn resident(&self) -> Result<u64> {
        let mut sum = 0;
        for entry in fs::read_dir("/proc").context("cannot list the processes")? {
            let folder = entry?.path();
            // Others come and go meanwhile: whatever cannot be read is gone.
            let stat = fs::read_to_string(folder.join("stat")).unwrap_or_default();
            if group_of(&stat) == Some(self.id.as_raw_pid()) {
                sum += resident(&fs::read_to_string(folder.join("status")).unwrap_or_default());
            }
        }
        Ok(sum)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Both fail when all have ended already, which is as good.
        let _ = kill_process_group(self.id, Signal::KILL);
        let _ = self.leader.wait();
        running().retain(|id| *id != self.id);
    }
}

/// Ends this program, and every group before it, when somebody interrupts it.
pub(super) fn end_all_on_interrupt() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate, mut hangup) = {
        let _inside = runtime.enter();
        let watched = |kind| signal(kind).context("ctrl-C cannot be watched for");
        (watched(SignalKind::interrupt())?, watched(SignalKind::terminate())?, watched(SignalKind::hangup())?)
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
        });
        // Kept: nothing may start from now on.
        let running = running();
        for id in running.iter() {
            let _ = kill_process_group(*id, Signal::KILL);
        }
        std::process::exit(INTERRUPTED);
    });
    Ok(())
}

fn running() -> MutexGuard<'static, Vec<Pid>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The group in a line of `/proc/PID/stat`. The name before it may hold anything, brackets and blanks too.
fn group_of(stat: &str) -> Option<i32> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(2)?.parse().ok()
}

/// Bytes, of what `/proc/PID/status` says. 0 for a process that has ended and was not asked for yet.
fn resident(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;

    use super::*;

    #[test]
    fn a_group_is_counted_and_ended_with_all_that_it_started() {
        let mut shell = Command::new("sh");
        // A child that outlives its parent unless somebody ends it.
        shell.args(["-c", "sleep 600 & echo $!; wait"]).stdout(Stdio::piped());
        let mut group = Group::start(&mut shell).unwrap();
        let mut line = String::new();
        BufReader::new(group.leader().stdout.take().unwrap()).read_line(&mut line).unwrap();
        let stat = format!("/proc/{}/stat", line.trim());
        assert_eq!(group_of(&fs::read_to_string(&stat).unwrap()), Some(group.id.as_raw_pid()));
        assert!(group.resident().unwrap() > 0);
        drop(group);
        // Whoever inherits it may take a moment to collect it; it runs no more.
        let ended = |stat: String| stat.rsplit_once(')').is_some_and(|(_, rest)| rest.starts_with(" Z"));
        while !fs::read_to_string(&stat).map_or(true, ended) {
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_the_kernel_says_is_read() {
        assert_eq!(group_of("42 (a) b (c)) S 1 7 7 0 -1"), Some(7));
        assert_eq!(resident("Name:\tx\nVmRSS:\t    2048 kB\n"), 2048 * 1024);
        assert_eq!(resident("Name:\tx\nState:\tZ (zombie)\n"), 0);
    }
}

//! A compiler in a process of its own: what it prints is read up to a limit, and it ends within its time.
//!
//! Every such process leads a group of its own. When it is over, however that came, the whole group is killed: what a build
//! script started does not outlive the build.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

/// What a process may take.
pub(crate) struct Limits {
    /// Time on the clock.
    pub(crate) time: Duration,
    /// Bytes on standard output.
    pub(crate) output: u64,
    /// Bytes on standard error that are kept; what is over is read and dropped.
    pub(crate) said: u64,
}

/// How a process ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) output: Vec<u8>,
    /// The beginning of what it said on standard error.
    pub(crate) said: String,
}

/// Why there is no end to tell of.
pub(crate) enum Broken {
    /// It took longer than it may.
    Time,
    /// It printed more than it may.
    Output,
    /// It cannot be run.
    Io(io::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Runs it to its end, or kills it.
pub(crate) async fn run(mut command: Command, limits: &Limits) -> Result<Ended, Broken> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.process_group(0).kill_on_drop(true).spawn()?;
    let _group = Group(child.id());
    let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(io::Error::other("the process has no pipes").into());
    };
    let work = async {
        let (output, said) = tokio::try_join!(all(output, limits.output), beginning(errors, limits.said))?;
        let status = child.wait().await?;
        Ok(Ended { status, output, said: String::from_utf8_lossy(&said).into_owned() })
    };
    tokio::time::timeout(limits.time, work).await.unwrap_or(Err(Broken::Time))
}

/// Everything, unless that is too much.
async fn all(pipe: impl AsyncRead + Unpin, most: u64) -> Result<Vec<u8>, Broken> {
    let mut bytes = Vec::new();
    pipe.take(most.saturating_add(1)).read_to_end(&mut bytes).await?;
    if bytes.len() as u64 > most { Err(Broken::Output) } else { Ok(bytes) }
}

/// The beginning; the rest is read too, so that whoever writes can go on.
async fn beginning(mut pipe: impl AsyncRead + Unpin, most: u64) -> Result<Vec<u8>, Broken> {
    let mut bytes = Vec::new();
    (&mut pipe).take(most).read_to_end(&mut bytes).await?;
    tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    Ok(bytes)
}

/// The group of a process; killed when dropped.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let leader = self.0.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        // Its members may all be gone already.
        let _ = leader.map(|leader| kill_process_group(leader, Signal::KILL));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn limits() -> Limits {
        Limits { time: Duration::from_secs(30), output: 1000, said: 10 }
    }

    #[tokio::test]
    async fn what_is_printed_comes_back_and_complaints_are_cut() {
        let ended = run(shell("echo made; yes no | head -c 100000 >&2; exit 3"), &limits()).await;
        let Ok(ended) = ended else { panic!("it ends by itself") };
        assert_eq!(ended.output, b"made\n");
        assert_eq!(ended.said.len(), 10);
        assert_eq!(ended.status.code(), Some(3));
    }

    #[tokio::test]
    async fn printing_without_end_is_ended() {
        assert!(matches!(run(shell("yes"), &limits()).await, Err(Broken::Output)));
    }

    #[tokio::test]
    async fn what_a_process_leaves_running_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("id");
        // The shell ends; the one in the background holds its pipes open.
        let script = format!("sleep 1000 & echo $! > {}", file.display());
        let limits = Limits { time: Duration::from_millis(500), ..limits() };
        assert!(matches!(run(shell(&script), &limits).await, Err(Broken::Time)));
        let id = std::fs::read_to_string(&file).unwrap();
        let state = format!("/proc/{}/stat", id.trim());
        let gone = || std::fs::read_to_string(&state).map_or(true, |stat| stat.contains(") Z "));
        let mut looks = tokio::time::interval(Duration::from_millis(5));
        let until = async {
            while !gone() {
                looks.tick().await;
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(10), until).await.is_ok(), "{state} is still there");
    }
}

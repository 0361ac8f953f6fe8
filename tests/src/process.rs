//! A host as a process: started, watched, signalled, ended.

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::{binary, patience};

/// How many lines of the log a failing test shows.
const SHOWN: usize = 60;

/// A running host. Dropping it kills it and waits until it is gone, so that its folder can be removed.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    out: Lines,
    log: Lines,
}

/// What a stream has said so far.
#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    /// Reads a stream to its end, in a thread of its own.
    fn follow(stream: impl Read + Send + 'static) -> Self {
        let lines = Self::default();
        let own = lines.clone();
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                own.0.lock().unwrap().push(line);
            }
        });
        lines
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Process {
    /// Starts `orgata` in a folder, with these variables besides.
    pub(crate) fn start(folder: &Path, arguments: &[&str], variables: &[(&str, PathBuf)]) -> Self {
        let mut child = binary::command(folder, arguments)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary can be started");
        let out = Lines::follow(child.stdout.take().expect("stdout is piped"));
        let log = Lines::follow(child.stderr.take().expect("stderr is piped"));
        Self { child, out, log }
    }

    /// The address in the one line that says that the host is ready.
    pub(crate) async fn ready(&mut self) -> String {
        let address = patience::until(async || {
            if let Some(status) = self.child.try_wait().expect("the host is our child") {
                return Some(Err(status));
            }
            let line = self.out.all().into_iter().next()?;
            Some(Ok(line.find("http").map(|at| line[at..].trim().to_owned()).unwrap_or(line)))
        });
        match address.await {
            Some(Ok(address)) if address.starts_with("http://") || address.starts_with("https://") => address,
            Some(Ok(line)) => panic!("the first line should say where the host is ready: {line:?}"),
            Some(Err(status)) => panic!("the host ended with {status} at its start:\n{}", self.log_end()),
            None => panic!("the host never said that it is ready:\n{}", self.log_end()),
        }
    }

    /// SIGKILL: no warning, no last words.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("the host can be killed");
        self.child.wait().expect("the host is our child");
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        // The shell's own `kill`: small systems have no program of that name.
        let (signal, pid) = (format!("-{name}"), self.child.id().to_string());
        let told = Command::new("sh").args(["-c", "kill \"$0\" \"$1\"", &signal, &pid]).status();
        assert!(told.is_ok_and(|status| status.success()), "the host can be signalled");
    }

    /// SIGTERM, and the end that follows. Gives the exit status and all that was on standard output.
    pub(crate) async fn stop(&mut self) -> (ExitStatus, Vec<String>) {
        // One that was told before may be gone by now.
        if self.child.try_wait().expect("the host is our child").is_none() {
            self.signal("TERM");
        }
        let ended = patience::until(async || self.child.try_wait().expect("the host is our child")).await;
        let Some(status) = ended else {
            panic!("the host did not end after SIGTERM:\n{}", self.log_end());
        };
        (status, self.out.all())
    }

    /// The last lines of its log.
    pub(crate) fn log_end(&self) -> String {
        let lines = self.log.all();
        lines[lines.len().saturating_sub(SHOWN)..].join("\n")
    }

    /// All lines of its log so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.all()
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the end of the host's log:\n{}", self.log_end());
        }
        // Both fail when it has ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

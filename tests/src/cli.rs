//! The command line, as a script uses it: arguments in; exit code and two streams out.

use std::io;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use crate::host::TestHost;
use crate::{binary, patience};

/// How a command ended.
#[derive(Debug)]
#[must_use = "say how the command should have ended: succeeded() or failed(code)"]
pub struct Ended {
    what: String,
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// What it printed for programs or people.
    pub stdout: String,
    /// What it said about itself.
    pub stderr: String,
}

/// Runs `orgata` in a folder with this on its standard input, to its end.
pub async fn orgata(folder: &Path, arguments: &[&str], input: &str) -> Ended {
    let mut child = started(binary::command(folder, arguments), Stdio::piped());
    let mut stdin = child.stdin.take().expect("stdin is piped");
    // A command that reads nothing may be gone already.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    Ended::read(arguments, patience::within(child.wait_with_output()).await)
}

/// Runs a command that takes its time, because it compiles something or fetches it, with these variables set.
pub async fn orgata_at_length(folder: &Path, arguments: &[&str], variables: &[(&str, &Path)]) -> Ended {
    let mut command = binary::command(folder, arguments);
    command.envs(variables.iter().copied());
    let child = started(command, Stdio::null());
    Ended::read(arguments, patience::at_length(child.wait_with_output()).await)
}

fn started(command: std::process::Command, input: Stdio) -> Child {
    let mut command = Command::from(command);
    command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.spawn().expect("the binary can be started")
}

impl TestHost {
    /// Runs a command that talks to this host.
    pub async fn cli(&self, arguments: &[&str]) -> Ended {
        let mut all = vec!["--server", self.address()];
        all.extend(self.key().into_iter().flat_map(|key| ["--key", key]));
        all.extend(arguments);
        orgata(self.folder(), &all, "").await
    }
}

impl Ended {
    /// What came of a command that ended in time.
    fn read(arguments: &[&str], ended: Option<io::Result<Output>>) -> Self {
        let what = format!("orgata {}", arguments.join(" "));
        let output = ended.unwrap_or_else(|| panic!("{what} did not end")).expect("its output can be read");
        Self {
            what,
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Exit code 0; gives what was printed.
    #[track_caller]
    pub fn succeeded(self) -> String {
        assert_eq!(self.code, Some(0), "{} failed:\n{}\n{}", self.what, self.stdout, self.stderr);
        self.stdout
    }

    /// Exit code 0 and JSON; gives it.
    #[track_caller]
    pub fn json(self) -> Value {
        let what = self.what.clone();
        let text = self.succeeded();
        serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{what} printed no JSON ({error}):\n{text}"))
    }

    /// This exit code; gives what was said on standard error.
    #[track_caller]
    pub fn failed(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}:\n{}\n{}", self.what, self.stdout, self.stderr);
        self.stderr
    }
}

//! The command line, as a script uses it: arguments in; exit code and two streams out.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

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
    let what = format!("orgata {}", arguments.join(" "));
    let mut child = Command::from(binary::command(folder, arguments))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary can be started");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    // A command that reads nothing may be gone already.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let ended = patience::within(child.wait_with_output()).await;
    let output = ended.unwrap_or_else(|| panic!("{what} did not end")).expect("its output can be read");
    Ended {
        what,
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl TestHost {
    /// Runs a command that talks to this host.
    pub async fn cli(&self, arguments: &[&str]) -> Ended {
        let mut all = vec!["--server", self.address()];
        all.extend(arguments);
        orgata(self.folder(), &all, "").await
    }
}

impl Ended {
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

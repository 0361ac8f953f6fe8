//! A person at a terminal: a command on a pseudo-terminal, what it shows, and the keys that are pressed.

use std::path::Path;

use orgata_tests::binary;
use orgata_tests::patience::PATIENCE;
use rexpect::process::WaitStatus;
use rexpect::session::{PtySession, spawn_command};

/// Moves a menu to its next line.
pub(crate) const DOWN: &str = "\u{1b}[B";
pub(crate) const ENTER: &str = "\r";
pub(crate) const CTRL_C: &str = "\u{3}";

/// The terminal. Dropping it hangs up.
pub(crate) struct Terminal {
    session: PtySession,
    /// Everything so far, as it came: with colours and the like.
    screen: String,
}

impl Terminal {
    /// Types a command in this folder.
    pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = binary::command(folder, arguments);
        command.env("TERM", "xterm");
        let patience = u64::try_from(PATIENCE.as_millis()).expect("patience is limited");
        let session = spawn_command(command, Some(patience)).expect("there are pseudo-terminals here");
        Self { session, screen: String::new() }
    }

    /// Waits until this is on the screen, below all that was waited for before.
    pub(crate) fn shows(&mut self, text: &str) {
        match self.session.exp_string(text) {
            Ok(before) => self.screen.extend([before.as_str(), text]),
            Err(error) => panic!("{text:?} is not shown: {error}\nbefore that:\n{}", self.screen),
        }
    }

    /// Presses keys.
    pub(crate) fn press(&mut self, keys: &str) {
        let pressed = self.session.send(keys).and_then(|_| self.session.flush());
        pressed.expect("the terminal takes keys");
    }

    /// Waits for the end: the exit code, and all that was on the screen.
    pub(crate) fn ended(mut self) -> (i32, String) {
        let rest = self.session.exp_eof();
        self.screen.push_str(&rest.unwrap_or_else(|error| panic!("it goes on: {error}\n{}", self.screen)));
        match self.session.process().wait() {
            Ok(WaitStatus::Exited(_, code)) => (code, self.screen),
            other => panic!("it did not end by itself: {other:?}\n{}", self.screen),
        }
    }
}

//! Standard input and output as channels of lines, each with a thread of its own.
//!
//! Reading blocks until the client writes, and nothing can interrupt it: it must not hold a worker of the runtime, nor the
//! end of the process. Both channels are bounded, so a client that does not read is not read from either.

use std::io::{BufRead as _, Read as _, Write as _};
use std::thread;

use tokio::sync::mpsc;

/// Longest message, in bytes.
const MOST: u64 = 4 << 20;
/// Messages that wait in each direction.
const BACKLOG: usize = 64;

/// The messages that the client writes, until it leaves.
pub(super) fn input() -> mpsc::Receiver<Vec<u8>> {
    let (send, lines) = mpsc::channel(BACKLOG);
    thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        loop {
            let mut line = Vec::new();
            match input.by_ref().take(MOST).read_until(b'\n', &mut line) {
                // A message without an end would be read for ever.
                Ok(read) if read == 0 || (line.len() as u64 == MOST && !line.ends_with(b"\n")) => return,
                Ok(_) if line.trim_ascii().is_empty() => {}
                Ok(_) => {
                    if send.blocking_send(line).is_err() {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
    });
    lines
}

/// Where messages to the client go. Everything is written once the thread is joined, which takes that no sender is left.
pub(super) fn output() -> (mpsc::Sender<String>, thread::JoinHandle<()>) {
    let (send, mut lines) = mpsc::channel::<String>(BACKLOG);
    let writing = thread::spawn(move || {
        let mut output = std::io::stdout().lock();
        while let Some(line) = lines.blocking_recv() {
            // A client that is gone hears no more.
            if writeln!(output, "{line}").and_then(|()| output.flush()).is_err() {
                return;
            }
        }
    });
    (send, writing)
}

//! Exit codes, in one place, and how a failure is told.

use std::process::ExitCode;

/// The execution, a check or a test did not go well.
pub(crate) const FAILED: u8 = 1;
/// The command line, or a value on it, is wrong (clap's own code).
pub(crate) const USAGE: u8 = 2;
/// The execution was cancelled or timed out.
pub(crate) const STOPPED: u8 = 3;
/// A question was left open: there is nobody to ask.
pub(crate) const UNANSWERED: u8 = 4;
/// No host could be reached, or it refused.
pub(crate) const HOST: u8 = 5;

/// Somebody pressed Ctrl-C (what shells make of SIGINT).
pub(crate) const INTERRUPTED: u8 = 130;

/// Nobody reads what is said (what shells make of SIGPIPE).
const UNREAD: i32 = 141;

/// Shown at the end of `--help`.
pub(crate) const HELP: &str = "Exit codes: 0 well; 1 the execution, check or test failed; 2 wrong usage; \
3 cancelled or timed out; 4 a question was left open; 5 no host, or it refused; 130 interrupted.";

/// An error that knows its exit code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Exit {
    pub(crate) code: u8,
    pub(crate) message: String,
}

impl Exit {
    pub(crate) fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Tells an error with its whole cause, and gives its exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    anstream::eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        anstream::eprintln!("  because: {cause}");
    }
    ExitCode::from(code(error))
}

/// The code of the error that knows one, wherever in the chain it stands.
pub(crate) fn code(error: &anyhow::Error) -> u8 {
    error.downcast_ref::<Exit>().map_or(FAILED, |exit| exit.code)
}

/// Ends the process without a word when whoever reads its output has stopped, as in `orgata exec list | head`.
/// Printing panics then, wherever it is done.
pub(crate) fn quietly_when_nobody_reads() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let broken_pipe = |told: &str| told.contains("BrokenPipe") || told.contains("Broken pipe");
        if panic.payload_as_str().is_some_and(broken_pipe) {
            std::process::exit(UNREAD);
        }
        usual(panic);
    }));
}

/// The same error, with other names of files in what it says.
pub(crate) fn renamed(error: anyhow::Error, names: &[(&str, String)]) -> anyhow::Error {
    match error.downcast::<Exit>() {
        Ok(Exit { code, mut message }) => {
            for (from, to) in names {
                message = message.replace(from, to);
            }
            Exit { code, message }.into()
        }
        Err(error) => error,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn the_code_is_found_under_and_above_other_errors() {
        let bare = anyhow::Error::new(Exit::new(USAGE, "wrong"));
        assert_eq!(code(&bare), USAGE);
        assert_eq!(code(&bare.context("while asking")), USAGE);
        let above: anyhow::Result<()> =
            Err(std::io::Error::other("gone")).context(Exit::new(HOST, "no host"));
        assert_eq!(code(&above.unwrap_err()), HOST);
        assert_eq!(code(&anyhow::anyhow!("else")), FAILED);
    }
}

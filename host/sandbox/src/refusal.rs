//! Makes [`LoadError`]s: why a component was refused, and what to do.

use std::error::Error;
use std::fmt::Display;

use orgata_engine::ports::{LoadError, Source};

/// Refuses, with a code, what is wrong, and what to do.
pub(crate) fn refuse(code: &'static str, message: impl Display, hint: impl Into<String>) -> LoadError {
    LoadError { code, message: message.to_string(), causes: Vec::new(), hint: hint.into() }
}

/// The host's own disk or process failed.
pub(crate) fn io(what: impl Display, error: &std::io::Error) -> LoadError {
    refuse("IO", what, "see the cause; the host needs room and permission in its data folder").because(error)
}

/// Builds on a refusal.
pub(crate) trait Refusal {
    /// The same with everything that lies behind it, nearest first.
    #[must_use]
    fn because(self, error: &dyn Error) -> Self;
    /// The same with every cause of a wasmtime error.
    #[must_use]
    fn because_wasm(self, error: &wasmtime::Error) -> Self;
    /// The same, naming the file or the uploader.
    #[must_use]
    fn of(self, source: &Source) -> Self;
}

impl Refusal for LoadError {
    fn because(mut self, error: &dyn Error) -> Self {
        let mut next = Some(error);
        while let Some(cause) = next {
            self.causes.push(cause.to_string());
            next = cause.source();
        }
        self
    }

    fn because_wasm(mut self, error: &wasmtime::Error) -> Self {
        self.causes.extend(error.chain().map(ToString::to_string));
        self
    }

    fn of(mut self, source: &Source) -> Self {
        self.message = match source {
            Source::File(path) => format!("{}: {}", path.display(), self.message),
            Source::Upload { by } => format!("the component uploaded by {by}: {}", self.message),
        };
        self
    }
}

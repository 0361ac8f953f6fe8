//! Makes [`BuildError`]s: why nothing was built, and what to do.

use std::fmt::Display;

use orgata_engine::ports::{BuildError, SourceProblem};

/// Refuses, with a code, what is wrong, and what to do.
pub(crate) fn refuse(code: &'static str, message: impl Display, hint: impl Into<String>) -> BuildError {
    let (problems, causes) = (Vec::new(), Vec::new());
    BuildError { code, message: message.to_string(), problems, causes, hint: hint.into() }
}

/// The sources cannot be what they should be.
pub(crate) fn bad(message: impl Display, hint: impl Into<String>) -> BuildError {
    refuse("BAD_SOURCES", message, hint)
}

/// The compiler found mistakes.
pub(crate) fn failed(problems: Vec<SourceProblem>, said: &str) -> BuildError {
    let message = match problems.as_slice() {
        [] => "the compiler refuses the sources".to_owned(),
        [only] => located(only),
        [first, ..] => format!("{}; and {} more", located(first), problems.len() - 1),
    };
    let mut error = refuse("BUILD_FAILED", message, "mend what the problems name, and build again");
    // Where problems are known by their places, what else was printed says nothing more.
    if problems.is_empty() && !said.is_empty() {
        error.causes.push(said.to_owned());
    }
    error.problems = problems;
    error
}

/// A limit of the build was reached.
pub(crate) fn over_limit(limit: &str, maximum: impl Display, hint: &str) -> BuildError {
    let message = format!("building it reached the limit `{limit}` ({maximum})");
    refuse("BUILD_LIMIT", message, format!("{hint}, or raise workshop.{limit}"))
}

/// The host's own disk or process failed.
pub(crate) fn io(what: impl Display, error: &std::io::Error) -> BuildError {
    because(refuse("IO", what, "see the cause; the host needs room for temporary files"), error)
}

/// The same with what lies behind it.
pub(crate) fn because(mut refusal: BuildError, error: &dyn std::error::Error) -> BuildError {
    let mut next = Some(error);
    while let Some(cause) = next {
        refusal.causes.push(cause.to_string());
        next = cause.source();
    }
    refusal
}

fn located(problem: &SourceProblem) -> String {
    let place = match (&problem.file, problem.line, problem.column) {
        (Some(file), Some(line), Some(column)) => format!("{file}:{line}:{column}: "),
        (Some(file), Some(line), None) => format!("{file}:{line}: "),
        (Some(file), ..) => format!("{file}: "),
        _ => String::new(),
    };
    format!("{place}{}", problem.message)
}

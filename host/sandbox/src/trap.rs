//! Turns what wasmtime says of a failed call into a [`Failure`], with its whole cause chain.

use orgata_model::failure::code;
use orgata_model::text::{cut, escaped};
use orgata_model::{Failure, FailureKind};
use serde_json::json;
use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};

use crate::instance::{Remains, limit_behind};
use crate::limits::Limit;
use crate::settings::Settings;

/// Frames of a trap's backtrace that are kept.
const MAX_FRAMES: usize = 8;

/// Longest text of one cause, in bytes.
const MAX_CAUSE: usize = 2 * 1024;

/// How wasmtime says that a guest handed over more than its hostcall fuel; its error type is private.
/// A test with a huge result holds it to this.
const TOO_MUCH_DATA: &str = "fuel allocated for hostcalls has been exhausted";

/// The failure of a call that ended with `error` and left `remains`.
pub(crate) fn failure(error: &wasmtime::Error, remains: &Remains, settings: &Settings) -> Failure {
    match limit(error, remains) {
        Some(limit) => Failure { causes: causes(error, remains), ..limit.failure(settings) },
        None if error.is::<PoolConcurrencyLimitError>() => full(error),
        None => trapped(error, remains),
    }
}

fn limit(error: &wasmtime::Error, remains: &Remains) -> Option<Limit> {
    if let Some(reached) = limit_behind(error) {
        return Some(reached.0);
    }
    if error.chain().any(|cause| cause.to_string().contains(TOO_MUCH_DATA)) {
        return Some(Limit::Output);
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => Some(Limit::Stack),
        Some(Trap::Interrupt) => Some(Limit::Time),
        // A guest that is refused memory hears of it and commonly aborts.
        _ => remains.starved.then_some(Limit::Memory),
    }
}

/// Instances with many memories can empty the pool before the semaphore is.
fn full(error: &wasmtime::Error) -> Failure {
    Failure {
        details: Some(json!({ "limit": "instances" })),
        causes: error.chain().map(ToString::to_string).collect(),
        ..Failure::new(
            FailureKind::Transient,
            code::LIMIT_EXCEEDED,
            "the host has no room for another instance now; try again later, or raise sandbox.instances",
        )
    }
}

fn trapped(error: &wasmtime::Error, remains: &Remains) -> Failure {
    // The error itself says where it trapped; the cause at the root says why.
    let why = error.root_cause().to_string();
    let said = last_words(&remains.log.tail);
    let message = match &said {
        Some(said) => format!("the operation trapped ({why}) after printing: {said}"),
        None => format!("the operation trapped: {why}"),
    };
    Failure { causes: causes(error, remains), ..Failure::permanent(code::TRAPPED, message) }
}

/// What a panicking guest printed, on one line.
fn last_words(tail: &str) -> Option<String> {
    let lines: Vec<_> =
        tail.lines().map(str::trim).filter(|line| !line.is_empty() && !is_note(line)).collect();
    let from = lines.len().saturating_sub(3);
    let words = lines.get(from..).unwrap_or_default().join(" ");
    (!words.is_empty()).then(|| escaped(cut(&words, 500)))
}

fn is_note(line: &str) -> bool {
    line.starts_with("note: run with `RUST_BACKTRACE=1`")
}

fn causes(error: &wasmtime::Error, remains: &Remains) -> Vec<String> {
    let mut causes: Vec<String> =
        error.chain().map(|cause| escaped(cut(&cause.to_string(), MAX_CAUSE))).collect();
    // wasmtime puts the backtrace into the text of the outermost error; it reads better as frames.
    if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() {
        causes.retain(|cause| !cause.starts_with("error while executing at wasm backtrace"));
        causes.extend(frames(backtrace));
    }
    if let Some(said) = last_words(&remains.log.tail) {
        causes.push(format!("it printed: {said}"));
    }
    causes
}

fn frames(backtrace: &WasmBacktrace) -> impl Iterator<Item = String> {
    backtrace.frames().iter().take(MAX_FRAMES).map(|frame| {
        let function =
            frame.func_name().map_or_else(|| format!("function {}", frame.func_index()), str::to_owned);
        match frame.module_offset() {
            Some(offset) => format!("at {} (offset 0x{offset:x})", cut(&function, 200)),
            None => format!("at {}", cut(&function, 200)),
        }
    })
}

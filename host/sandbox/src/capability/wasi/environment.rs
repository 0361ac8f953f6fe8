//! `wasi:cli/environment` and `wasi:cli/exit`: nothing to see, and no way out but a trap.

use wasmtime_wasi::p2::bindings::cli::{environment, exit};

use crate::guest::Guest;

/// The guest ended its own process in the middle of a call.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the guest called exit({0}) instead of returning")]
pub(crate) struct Exited(u8);

impl environment::Host for Guest {
    fn get_environment(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(Vec::new())
    }

    fn get_arguments(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn initial_cwd(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(None)
    }
}

impl exit::Host for Guest {
    fn exit(&mut self, status: Result<(), ()>) -> wasmtime::Result<()> {
        Err(Exited(status.is_err().into()).into())
    }

    fn exit_with_code(&mut self, code: u8) -> wasmtime::Result<()> {
        Err(Exited(code).into())
    }
}

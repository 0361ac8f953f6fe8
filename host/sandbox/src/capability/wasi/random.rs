//! `wasi:random`: numbers that look random and are the same whenever the same attempt runs again.
//!
//! SHA-256 over (execution, step, attempt) and a counter. The seed is no secret, so guests must not make
//! keys of these numbers; a plugin that needs keys is to be given them.

use orgata_model::ExecutionId;
use sha2::{Digest as _, Sha256};
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

use crate::guest::{Guest, Scope};

/// Most bytes in one answer: host-to-guest copies have no other cap.
const MAX_BYTES: u64 = 1 << 20;

/// The random numbers of one call; seeded when first asked for, since most guests never ask.
#[derive(Debug, Default)]
pub(crate) struct Random {
    seed: Option<[u8; 32]>,
    blocks: u64,
    left: Vec<u8>,
}

impl Random {
    fn fill(&mut self, scope: &Scope, bytes: usize) -> Vec<u8> {
        let seed = *self.seed.get_or_insert_with(|| seed(scope.session.execution, scope));
        while self.left.len() < bytes {
            let block = Sha256::new().chain_update(seed).chain_update(self.blocks.to_le_bytes()).finalize();
            self.blocks += 1;
            self.left.extend_from_slice(&block);
        }
        let rest = self.left.split_off(bytes);
        std::mem::replace(&mut self.left, rest)
    }

    fn number(&mut self, scope: &Scope) -> u64 {
        let bytes = self.fill(scope, size_of::<u64>());
        bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

fn seed(execution: ExecutionId, scope: &Scope) -> [u8; 32] {
    Sha256::new()
        .chain_update(execution.uuid().as_bytes())
        .chain_update(scope.attempt.to_le_bytes())
        .chain_update(scope.step.as_str())
        .finalize()
        .into()
}

impl Guest {
    fn random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        match usize::try_from(length) {
            Ok(length) if length as u64 <= MAX_BYTES => Ok(self.wasi.random.fill(&self.scope, length)),
            _ => wasmtime::bail!("{length} random bytes were asked for at once; {MAX_BYTES} is the most"),
        }
    }
}

impl random::Host for Guest {
    fn get_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        self.random_bytes(length)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.wasi.random.number(&self.scope))
    }
}

impl insecure::Host for Guest {
    fn get_insecure_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        self.random_bytes(length)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.wasi.random.number(&self.scope))
    }
}

impl insecure_seed::Host for Guest {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok((self.wasi.random.number(&self.scope), self.wasi.random.number(&self.scope)))
    }
}

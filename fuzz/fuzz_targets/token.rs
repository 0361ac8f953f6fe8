//! Tokens of identity providers.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orgata_api::fuzzing::token(bytes));

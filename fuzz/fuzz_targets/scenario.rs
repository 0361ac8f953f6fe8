//! Scenarios of simulations.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orgata_model::fuzzing::scenario(bytes));

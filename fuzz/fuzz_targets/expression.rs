//! Expressions and templates, compiled and computed.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orgata_model::fuzzing::expression(bytes));

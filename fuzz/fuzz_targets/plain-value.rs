//! JSON to values of a plain component's types, and back.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orgata_sandbox::fuzzing::plain_value(bytes));

//! Files that should be components, before anything is compiled.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orgata_sandbox::fuzzing::component(bytes));

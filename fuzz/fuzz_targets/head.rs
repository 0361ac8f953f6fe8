//! The headers that say by which name, from which page and under which id a request comes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orgata_api::fuzzing::head(bytes));

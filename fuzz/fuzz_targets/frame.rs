//! Frames of WebSocket clients.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orgata_api::fuzzing::frame(bytes));

//! Playbooks, from YAML to what runs.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| orgata_model::fuzzing::playbook(bytes));

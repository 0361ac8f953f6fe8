//! The [`Store`] port on SQLite, for one host and its data file.
//!
//! One task owns the connection that writes; everything queued while it flushes goes into its next commit
//! (`writer`), so that a hundred appends at once cost one flush. Histories are one row an append, encoded by the
//! caller before it queues. Readers have connections of their own and never wait for the writer.
//!
//! SQL is here and in the other store crates alone, one file per aggregate.
//! Not here: what events mean (`model`), when to commit (`engine::driver`).

mod api_keys;
mod append;
mod audit;
mod batch;
mod beside;
mod checkpoint;
mod commit;
mod cursor;
mod events;
mod executions;
mod failure;
#[cfg(test)]
mod faults;
mod flush;
mod interventions;
mod keys;
mod lock;
mod migrations;
mod open;
mod pins;
#[cfg(test)]
mod plans;
mod playbooks;
mod reclaim;
mod row;
mod runtimes;
#[cfg(test)]
#[path = "../tests/store/samples.rs"]
mod samples;
mod schedules;
mod secrets;
mod shares;
mod size;
mod standings;
mod states;
mod store;
mod waits;
mod writer;

pub use flush::measure_flush;
pub use open::{OpenError, Settings};
pub use store::SqliteStore;

// The samples that tests outside of the crate share with those inside name it as the former do.
#[cfg(test)]
extern crate self as orgata_store_sqlite;

//! A host for tests, made of fakes: a store in memory, operations that follow a script, a clock that stands still.
//!
//! A [`TestHost`] has *lives*. Killing one is a crash: whatever its engine still does reaches neither the store
//! nor the world, and the next life begins with what was committed. Store, world and clock outlive every life.
//!
//! Nothing here looks at the machine's clock. Tests run on one thread and wait for conditions; a condition that
//! does not come within very many turns of the scheduler is a failure.

// Not every story and not every benchmark uses everything.
#![allow(dead_code, unused_imports, unreachable_pub)]

pub mod clock;
pub mod host;
pub mod life;
pub mod operations;
pub mod plugins;
pub mod scripts;
pub mod store;

pub use host::{TestHost, within};
pub use operations::{Scripted, World};

//! One execution of a playbook: its events, its state as their fold, and its summary for lists.

mod event;
mod state;
mod summary;

pub use event::{Actor, Event, Fact, PlaybookRef, Seq};
pub use state::{Action, IllegalEvent, State, StepState};
pub use summary::{Status, Summary};

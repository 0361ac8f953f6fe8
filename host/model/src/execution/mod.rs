//! One execution of a playbook: its events, its state as their fold, and its summary for lists.

mod event;
mod fold;
mod ready;
mod state;
mod summary;

pub use event::{Actor, Event, Fact, PlaybookRef, Seq};
pub use fold::IllegalEvent;
pub use ready::{Action, Question};
pub use state::{Resumption, State, StepState};
pub use summary::{Status, Summary};

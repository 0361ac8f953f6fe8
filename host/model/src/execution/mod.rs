//! One execution of a playbook: its events, its state as their fold, and its summary for lists.
//!
//! - `event`, `fact`: the history; `fold`, `moves`: from one state to the next; `state`, `frame`, `step_state`,
//!   `undo`: the state; `ready`, `begin`, `undo_ready`, `question`: what to do next.

mod begin;
mod event;
mod fact;
mod fact_kind;
mod fold;
mod frame;
mod moves;
mod question;
mod ready;
mod state;
mod step_state;
mod summary;
mod undo;
mod undo_fold;
mod undo_ready;

pub use event::{Actor, Cause, Event, Fork, Parent, PlaybookRef, Seq};
pub use fact::Fact;
pub use fold::IllegalEvent;
pub use frame::Frame;
pub use question::Question;
pub use ready::Action;
pub use state::{End, Letter, State};
pub use step_state::{Attempt, Loop, Resumption, StepState};
pub use summary::{Status, Summary};
pub use undo::{Stage, Undoing, Unwinding};

//! One execution of a playbook: its events, its state as their fold, and its summary for lists.
//!
//! - `event`, `fact`: the history.
//! - `state`, `frame`, `step_state`, `cancelling`, `undo`: the state.
//! - `fold`, `step_fold`, `question_fold`, `undo_fold`, `moves`, `reopen`: from one state to the next.
//! - `timeline`: what each step did when, for people.
//! - `ready`, `look`, `begin`, `answered`, `undo_ready`, `question`, `wake`: what to do next, and when.

mod answered;
mod begin;
mod cancelling;
mod event;
mod fact;
mod fact_kind;
mod failed;
mod fold;
mod frame;
mod look;
mod moves;
mod question;
mod question_fold;
mod ready;
mod reopen;
mod state;
mod step_fold;
mod step_state;
mod summary;
mod timeline;
mod undo;
mod undo_fold;
mod undo_ready;
mod wake;

pub use cancelling::Cancelling;
pub use event::{Actor, Cause, Event, Fork, Parent, PlaybookRef, Seq};
pub use fact::Fact;
pub use fold::IllegalEvent;
pub use frame::Frame;
pub use question::Question;
pub use ready::Action;
pub use state::{End, Letter, State};
pub use step_state::{Attempt, Loop, Resumption, StepState};
pub use summary::{Status, Summary};
pub use timeline::{Activity, Span, Timeline, Track};
pub use undo::{Stage, Undoing, Unwinding};

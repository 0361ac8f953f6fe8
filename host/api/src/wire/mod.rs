//! What clients see: JSON types, each converted by hand from the model's.
//!
//! REST, WebSocket and MCP share these and nothing else. Names are camelCase, times RFC 3339 in UTC.
//! Renaming a field here breaks clients; renaming one in the model does not. What is internal to the host
//! (what an operation hands out to be resumed with, who asks a question) has no place here.

pub mod audit;
pub mod bulk;
pub mod control;
pub mod draft;
pub mod error;
pub mod event;
pub mod execution;
pub mod failure;
pub mod frame;
pub mod grant;
pub mod history;
pub mod intervention;
pub mod key;
pub mod model;
pub mod operation;
pub mod page;
pub mod playbook;
pub mod plugin;
pub mod role;
pub mod runtime;
pub mod schedule;
pub mod secret;
pub mod simulation;
pub mod state;
pub mod timeline;
pub mod transfer;
pub mod trial;

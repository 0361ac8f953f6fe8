//! Whether somebody may do something: decided here and nowhere else, for every adapter.
//!
//! A door calls [`guard::Guard`]'s methods on the host before anything else. What somebody may do in an environment is
//! what the environment lets everybody do who may enter it, and what their roles add to that there; what their proof is
//! good for narrows it. What concerns the whole host must be allowed in every environment in which a runtime lives.
//! What a caller may not see does not exist for it.
//!
//! Not here: proving who somebody is (`api`), who may answer which question (`interventions`).

mod audit;
mod chain;
mod guard;
mod keys;
mod lapse;
pub mod rules;
mod settings;

pub use audit::{AuditRecord, AuditVerdict};
pub use chain::{AuditBreak, AuditHead, AuditLine, Chain};
pub use keys::NewKey;
pub use lapse::Lapse;
pub use rules::{RULES, Rule};
pub use settings::{AccessSettings, without_authentication};

pub(crate) use chain::TRIM;
pub(crate) use guard::{Place, Subject, both};
pub(crate) use keys::{Keys, recall};
pub(crate) use settings::Matrix;

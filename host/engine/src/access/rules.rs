//! What each door asks for: one rule a door, in one table.
//!
//! A door without a rule cannot be written: [`super::guard`] takes nothing else.

use orgata_model::access::{Access, Resource};

/// What somebody must be allowed who wants to do this.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// What is done, as records of the audit show it: `execution.start`.
    pub action: &'static str,
    /// With which kind of thing.
    pub resource: Resource,
    /// What.
    pub access: Access,
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $action:literal, $resource:ident, $access:ident;)*) => {
        $($(#[$doc])* pub const $name: Rule =
            Rule { action: $action, resource: Resource::$resource, access: Access::$access };)*
        /// Every rule that there is.
        pub const RULES: &[&Rule] = &[$(&$name),*];
    };
}

rules! {
    /// Starting an execution.
    START = "execution.start", Execution, Write;
    /// Looking at executions.
    LOOK = "execution.read", Execution, Read;
    /// Steering one: pause, resume, cancel, retry, skip, hold.
    CONTROL = "execution.control", Execution, Write;
    /// Deleting one that has ended.
    PURGE = "execution.purge", Execution, Admin;
    /// Looking at questions.
    QUESTIONS = "intervention.read", Intervention, Read;
    /// Answering one.
    ANSWER = "intervention.answer", Intervention, Write;
    /// Reading the audit, and checking it.
    AUDIT = "audit.read", Audit, Read;
    /// Looking at which secrets there are.
    SECRETS = "secret.read", Secret, Read;
    /// Setting one.
    SET_SECRET = "secret.set", Secret, Write;
    /// Granting one to a plugin of a runtime that is made.
    GRANT_SECRET = "secret.grant", Secret, Write;
    /// Removing one.
    REMOVE_SECRET = "secret.remove", Secret, Admin;
    /// Sealing all of them anew.
    ROTATE_SECRETS = "secret.rotate", Secret, Admin;
}

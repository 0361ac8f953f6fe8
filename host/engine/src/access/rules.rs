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
    /// Looking at runtimes.
    RUNTIMES = "runtime.read", Runtime, Read;
    /// Making a runtime.
    CREATE_RUNTIME = "runtime.create", Runtime, Write;
    /// Retiring one.
    RETIRE_RUNTIME = "runtime.retire", Runtime, Write;
    /// Looking at playbooks, checking them, looking at their schedules.
    PLAYBOOKS = "playbook.read", Playbook, Read;
    /// Publishing a version of one.
    PUBLISH = "playbook.publish", Playbook, Write;
    /// Retiring one.
    RETIRE_PLAYBOOK = "playbook.retire", Playbook, Write;
    /// Simulating one. It takes looking at playbooks, too.
    SIMULATE = "playbook.simulate", Execution, Write;
    /// Looking at roles.
    ROLES = "role.read", Role, Read;
    /// Looking at operations.
    OPERATIONS = "operation.read", Operation, Read;
    /// Looking at plugins.
    PLUGINS = "plugin.read", Plugin, Read;
    /// Loading a version of one.
    LOAD_PLUGIN = "plugin.load", Plugin, Write;
    /// Withdrawing a version.
    RETIRE_PLUGIN = "plugin.retire", Plugin, Write;
    /// Going back to an earlier version.
    ROLL_BACK_PLUGIN = "plugin.rollback", Plugin, Write;
    /// Looking at what plugins want, get and do in a runtime.
    GRANTS = "grant.read", Plugin, Read;
    /// Letting a version of a plugin reach what a runtime grants. No assistant may, unless the operator says so.
    CONFIRM_GRANTS = "grant.confirm", Plugin, Admin;
    /// Taking what a plugin was granted.
    REVOKE_GRANTS = "grant.revoke", Plugin, Write;
    /// Taking a first draft of a plugin's source text.
    SCAFFOLD = "draft.scaffold", Plugin, Write;
    /// Building a draft.
    BUILD_DRAFT = "draft.build", Plugin, Write;
    /// Having a draft looked at.
    VALIDATE_DRAFT = "draft.validate", Plugin, Write;
    /// Having a draft run.
    TEST_DRAFT = "draft.test", Plugin, Write;
    /// Making a draft a plugin.
    LOAD_DRAFT = "draft.load", Plugin, Write;
    /// Starting an execution.
    START = "execution.start", Execution, Write;
    /// Looking at executions, following them, taking their histories elsewhere.
    LOOK = "execution.read", Execution, Read;
    /// Steering one: pause, resume, cancel, retry, skip, hold.
    CONTROL = "execution.control", Execution, Write;
    /// Making a new one of an earlier one.
    FORK = "execution.fork", Execution, Write;
    /// Telling of what happened outside.
    EVENT = "execution.event", Execution, Write;
    /// Deleting one that has ended.
    PURGE = "execution.purge", Execution, Admin;
    /// Taking in the history of one that was recorded elsewhere.
    IMPORT = "execution.import", Execution, Admin;
    /// Looking at questions.
    QUESTIONS = "intervention.read", Intervention, Read;
    /// Answering one.
    ANSWER = "intervention.answer", Intervention, Write;
    /// Looking at keys. Nobody ever sees what proves one.
    KEYS = "key.read", Key, Read;
    /// Making a key.
    CREATE_KEY = "key.create", Key, Admin;
    /// Revoking one.
    REVOKE_KEY = "key.revoke", Key, Admin;
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

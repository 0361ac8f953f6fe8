//! `validate_business_logic`: a playbook with everything that it leans on, to be read against what it should do.

use std::collections::BTreeSet;

use orgata_model::intervention::OnDeadline;
use orgata_model::playbook::{Playbook, Work};
use orgata_model::{PlaybookName, RoleName, RuntimeId};
use rmcp::model::PromptMessage;

use super::{Argument, Given, Registered, Written, embedded, text};
use crate::error::ApiError;
use crate::mcp::address::Address;
use crate::mcp::call::Call;

pub(super) const PROMPT: Registered = Registered {
    name: "validate_business_logic",
    title: "Check a playbook's business logic",
    about: "A playbook with the schemas of its operations and its roles, to be checked against what the business wants",
    arguments: &[
        Argument { name: "runtime", about: "The runtime", required: true },
        Argument { name: "playbook", about: "The playbook", required: true },
        Argument { name: "rules", about: "What the business wants of it, in its own words", required: false },
    ],
    write: |call, given| -> Written<'_> { Box::pin(write(call, given)) },
};

const QUESTIONS: &str = "\
Read the playbook as somebody who answers for the business. The host has checked it already: it parses, references lead \
somewhere, and parameters fit the operations that are loaded. Look for what no checker can see:

1. Does it do what it is for, and all of it? Name each rule, and the step that keeps it; name rules that no step keeps.
2. Every `when`, `switch` and `match`: what of values at the border, missing ones, and cases that none of them takes?
3. People: is the right role asked, at the right time, with enough to decide? What happens when nobody answers? May somebody \
approve their own request?
4. Failures: which steps change the outside, what if the next one fails, and is each undone (`compensation`) or safe to leave?
5. Repetition: can the same thing be started twice, and what would happen (`idempotencyKey`, `concurrency`)?
6. Time: are there deadlines where the business has them, and none where it has not?

Give each finding with the step, why it matters, and a changed piece of YAML. Say plainly what is fine. Check changed YAML \
with the tool `check_playbook` before you show it.";

async fn write(call: &Call, given: Given) -> Result<Vec<PromptMessage>, ApiError> {
    let runtime: RuntimeId = given.name("runtime")?;
    let name: PlaybookName = given.name("playbook")?;
    let playbook = call.engine().playbook(&call.who, &runtime, &name)?;
    let rules = given
        .text("rules")
        .unwrap_or("not written down: infer them from the playbook, and say what you inferred");
    let mut messages = vec![
        text(format!(
            "Check the business logic of playbook `{name}` in runtime `{runtime}`.\n\nWhat the business wants: {rules}"
        )),
        embedded(call, &Address::Playbook(runtime.clone(), name)).await?,
    ];
    messages.push(text(
        "What it leans on: the operations that it runs and those that undo them, the playbooks that it runs, its roles.",
    ));
    // Not loaded, or not for this caller: the rest can be said all the same.
    for address in leaned_on(&runtime, &playbook) {
        match embedded(call, &address).await {
            Ok(message) => messages.push(message),
            Err(error) => messages.push(text(format!(
                "`{address}` cannot be shown, so what the playbook makes of it is unchecked: {}",
                error.message()
            ))),
        }
    }
    messages.push(text(QUESTIONS));
    Ok(messages)
}

/// What has to be read with a playbook, each once.
fn leaned_on(runtime: &RuntimeId, playbook: &Playbook) -> Vec<Address> {
    let operations = playbook.operations().map(|name| Address::Operation(runtime.clone(), name.clone()));
    let run = playbook.steps.iter().filter_map(|step| match &step.work {
        // One that runs itself is there already.
        Work::Playbook { playbook: name, .. } if *name != playbook.name => Some(name),
        _ => None,
    });
    let playbooks = run.collect::<BTreeSet<_>>();
    let playbooks = playbooks.into_iter().map(|name| Address::Playbook(runtime.clone(), name.clone()));
    let roles = roles(playbook).into_iter().map(|role| Address::Role(runtime.clone(), role.clone()));
    operations.chain(playbooks).chain(roles).collect()
}

/// The roles that a playbook names, and those that questions pass to.
fn roles(playbook: &Playbook) -> BTreeSet<&RoleName> {
    let later = playbook.steps.iter().filter_map(|step| match &step.work {
        Work::Intervention(ask) => match &ask.deadline {
            Some((_, OnDeadline::Escalate(role))) => Some(role),
            _ => None,
        },
        _ => None,
    });
    playbook.roles.iter().chain(later).collect()
}

//! Whether a scenario speaks of steps and operations that there are.
//!
//! A name that means nothing would never be used, and the simulation would look as if it had tried what it did not.

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Diagnostics, Mark};
use crate::ids::PlaybookName;

use super::super::nearest::nearest;
use super::super::{Playbook, Work};
use super::{Scenario, StepKey};

/// Most playbooks that are looked at: more cannot be needed by what one scenario says.
const MOST: usize = 200;

impl Scenario {
    /// What of it does not fit to this playbook; `known` gives the others that it may run.
    pub fn misfits(
        &self,
        playbook: &Arc<Playbook>,
        known: impl Fn(&PlaybookName) -> Option<Arc<Playbook>>,
    ) -> Option<Diagnostics> {
        let playbooks = reached(playbook, known);
        let mut problems = Vec::new();
        if let Some(own) = self.playbook.as_ref().filter(|own| own.value != playbook.name) {
            let message = format!("the scenario is for `{}`, not for `{}`", own.value, playbook.name);
            problems.push(Diagnostic::at(&own.mark, "playbook", message, None));
        }
        for (path, key, mark) in self.keys() {
            if let Some((message, hint)) = unknown_step(key, &playbooks) {
                problems.push(Diagnostic::at(mark, &format!("{path}.{key}"), message, Some(hint)));
            }
        }
        let used: Vec<String> =
            playbooks.iter().flat_map(|playbook| playbook.operations()).map(ToString::to_string).collect();
        for given in &self.operations {
            let name = given.of.to_string();
            if !used.contains(&name) {
                let hint = nearest(&name, used.iter().map(String::as_str));
                let message = format!("no step runs the operation `{name}`");
                problems.push(Diagnostic::at(
                    &given.mark,
                    &format!("operations.{name}"),
                    message,
                    Some(hint),
                ));
            }
        }
        problems.sort_by_key(|problem| (problem.line, problem.column));
        let (file, source) = (self.file.clone(), self.text.to_string());
        (!problems.is_empty()).then_some(Diagnostics { file, source, problems })
    }

    /// Every step that it names, with where it does.
    fn keys(&self) -> Vec<(&'static str, &StepKey, &Mark)> {
        let expect = &self.expect;
        let mut keys: Vec<(&'static str, &StepKey, &Mark)> = Vec::new();
        keys.extend(self.steps.iter().map(|given| ("steps", &given.of, &given.mark)));
        keys.extend(self.answers.iter().map(|given| ("interventions", &given.of, &given.mark)));
        keys.extend(expect.ran.iter().map(|step| ("expect.ran", &step.value, &step.mark)));
        keys.extend(expect.not_run.iter().map(|step| ("expect.notRun", &step.value, &step.mark)));
        keys.extend(expect.attempts.iter().map(|step| ("expect.attempts", &step.value.0, &step.mark)));
        for (path, list) in [("expect.order", &expect.order), ("expect.undone", &expect.undone)] {
            let list = list.iter().flat_map(|list| list.value.iter().map(|step| (step, &list.mark)));
            keys.extend(list.map(|(step, mark)| (path, step, mark)));
        }
        keys
    }
}

/// The playbook, and those that it runs.
fn reached(
    playbook: &Arc<Playbook>,
    known: impl Fn(&PlaybookName) -> Option<Arc<Playbook>>,
) -> Vec<Arc<Playbook>> {
    let mut reached = vec![Arc::clone(playbook)];
    let mut next = 0;
    while let Some(playbook) = reached.get(next).cloned().filter(|_| next < MOST) {
        for step in &playbook.steps {
            let Work::Playbook { playbook: child, .. } = &step.work else { continue };
            if !reached.iter().any(|reached| reached.name == *child) {
                reached.extend(known(child));
            }
        }
        next += 1;
    }
    reached
}

/// What is wrong with a step's name, and what to do.
fn unknown_step(key: &StepKey, playbooks: &[Arc<Playbook>]) -> Option<(String, String)> {
    let playbook = match &key.playbook {
        None => playbooks.first()?,
        Some(name) => match playbooks.iter().find(|playbook| playbook.name == *name) {
            Some(playbook) => playbook,
            None => {
                let names = playbooks.iter().map(|playbook| playbook.name.as_str());
                let message = format!("no playbook `{name}` takes part");
                return Some((message, nearest(name.as_str(), names)));
            }
        },
    };
    if playbook.step(key.step.name()).is_some() {
        return None;
    }
    let names = playbook.steps.iter().map(|step| step.name.as_str());
    let message = format!("playbook `{}` has no step `{}`", playbook.name, key.step.name());
    Some((message, nearest(key.step.name().as_str(), names)))
}

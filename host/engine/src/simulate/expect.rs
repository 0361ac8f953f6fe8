//! Whether a simulation came to what its scenario expects.

use std::collections::BTreeMap;

use orgata_model::StepPath;
use orgata_model::diagnostic::Mark;
use orgata_model::duration;
use orgata_model::execution::{Fact, Status, Summary};
use orgata_model::playbook::scenario::{Expectations, Expected, StepKey, contains};
use orgata_model::{ExecutionId, PlaybookName};
use serde_json::Value;

use super::report::{Happened, Problem, begins};

/// What happened, to be looked through.
pub(super) struct Found<'s> {
    own: &'s Summary,
    /// What each execution runs.
    playbooks: BTreeMap<ExecutionId, &'s PlaybookName>,
    happened: &'s [Happened],
}

impl<'s> Found<'s> {
    /// Nothing, when there is no execution.
    pub(super) fn of(executions: &'s [Summary], happened: &'s [Happened]) -> Option<Self> {
        let playbooks = executions.iter().map(|summary| (summary.id, &summary.playbook.name)).collect();
        Some(Self { own: executions.first()?, playbooks, happened })
    }

    /// Everything that is not as expected.
    pub(super) fn unmet(&self, expect: &Expectations) -> Vec<Problem> {
        let mut unmet = Vec::new();
        unmet.extend(self.status(expect.status.as_ref()));
        unmet.extend(self.output(expect.output.as_ref()));
        unmet.extend(self.failure(expect.failure.as_ref()));
        for step in expect.ran.iter().filter(|step| self.first(&step.value).is_none()) {
            unmet.push(Problem::at(&step.mark, "expect.ran", format!("step `{}` did not run", step.value)));
        }
        for step in expect.not_run.iter().filter(|step| self.first(&step.value).is_some()) {
            unmet.push(Problem::at(&step.mark, "expect.notRun", format!("step `{}` ran", step.value)));
        }
        unmet.extend(expect.order.as_ref().and_then(|order| self.order(order)));
        unmet.extend(expect.attempts.iter().filter_map(|attempts| self.attempts(attempts)));
        unmet.extend(expect.undone.as_ref().and_then(|undone| self.undone(undone)));
        unmet.extend(expect.within.as_ref().and_then(|within| {
            let took = self.own.ended_at?.duration_since(self.own.started_at).unsigned_abs();
            (took > within.value).then(|| {
                let message = format!("it took {}", duration::format(took));
                Problem::at(&within.mark, "expect.within", message)
            })
        }));
        unmet
    }

    fn status(&self, expected: Option<&Expected<Status>>) -> Option<Problem> {
        let found = self.own.status;
        // That it did not end is told with what it waits for.
        if !found.is_end() || found == expected.map_or(Status::Succeeded, |expected| expected.value) {
            return None;
        }
        let why = self.own.failure.as_ref().map_or_else(String::new, |failure| format!(": {failure}"));
        let message = format!("it ended {}{why}", found.as_str());
        Some(Problem::at(
            expected.map_or(&Mark::default(), |expected| &expected.mark),
            "expect.status",
            message,
        ))
    }

    fn output(&self, expected: Option<&Expected<Value>>) -> Option<Problem> {
        let expected = expected?;
        let found = self.own.output.as_deref().unwrap_or(&Value::Null);
        (!contains(found, &expected.value)).then(|| {
            let message = format!("the output is {found}");
            Problem::at(&expected.mark, "expect.output", message)
        })
    }

    fn failure(&self, expected: Option<&Expected<String>>) -> Option<Problem> {
        let expected = expected?;
        let found = self.own.failure.as_ref();
        (found.is_none_or(|failure| failure.code != expected.value)).then(|| {
            let found =
                found.map_or_else(|| "there is no failure".to_owned(), |it| format!("it failed with {it}"));
            Problem::at(&expected.mark, "expect.failure", found)
        })
    }

    fn order(&self, expected: &Expected<Vec<StepKey>>) -> Option<Problem> {
        let mut before: Option<(usize, &StepKey)> = None;
        for step in &expected.value {
            let first = self.first(step);
            let message = match (first, before) {
                (None, _) => format!("step `{step}` did not run"),
                (Some(first), Some((earlier, other))) if first < earlier => {
                    format!("step `{step}` began before `{other}`")
                }
                (Some(first), _) => {
                    before = Some((first, step));
                    continue;
                }
            };
            return Some(Problem::at(&expected.mark, "expect.order", message));
        }
        None
    }

    fn attempts(&self, expected: &Expected<(StepKey, u32)>) -> Option<Problem> {
        let (step, count) = &expected.value;
        let started = self.happened.iter().filter(|happened| match &happened.event.fact {
            Fact::StepStarted { step: started, .. } | Fact::ChildStarted { step: started, .. } => {
                self.means(step, happened.execution, started)
            }
            _ => false,
        });
        let found = started.count();
        (found != *count as usize).then(|| {
            let message = format!("step `{step}` took {found}, not {count}");
            Problem::at(&expected.mark, "expect.attempts", message)
        })
    }

    fn undone(&self, expected: &Expected<Vec<StepKey>>) -> Option<Problem> {
        let undone: Vec<&StepPath> = self
            .happened
            .iter()
            .filter(|happened| happened.execution == self.own.id)
            .filter_map(|happened| match &happened.event.fact {
                Fact::StepCompensated { step } => Some(step),
                _ => None,
            })
            .collect();
        let as_expected = undone.len() == expected.value.len()
            && expected.value.iter().zip(&undone).all(|(key, step)| self.means(key, self.own.id, step));
        (!as_expected).then(|| {
            let names: Vec<String> = undone.iter().map(ToString::to_string).collect();
            let message = match names.is_empty() {
                true => "nothing was undone".to_owned(),
                false => format!("undone were {}", names.join(", ")),
            };
            Problem::at(&expected.mark, "expect.undone", message)
        })
    }

    /// Where a step began first, among everything that happened.
    fn first(&self, step: &StepKey) -> Option<usize> {
        let begins = |happened: &Happened| {
            begins(&happened.event.fact).is_some_and(|begun| self.means(step, happened.execution, begun))
        };
        self.happened.iter().position(begins)
    }

    fn means(&self, key: &StepKey, execution: ExecutionId, step: &StepPath) -> bool {
        let playbook = self.playbooks.get(&execution);
        playbook.is_some_and(|playbook| key.means(&self.own.playbook.name, playbook, step))
    }
}

//! Questions: what is asked, and what an answer must look like.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use serde_saphyr::Location;

use crate::expression::StepUse;
use crate::ids::StepName;
use crate::intervention::OnDeadline;
use crate::playbook::file::{At, InterventionFile};
use crate::playbook::values::AskTimeoutFile;
use crate::playbook::{Ask, Step, Work};
use crate::schema::Schema;

use super::{Check, answer};

/// People are not reminded more often.
const MIN_REMINDER: std::time::Duration = std::time::Duration::from_secs(1);

impl Check {
    pub(super) fn ask(&mut self, at: At<InterventionFile>, name: &StepName, path: &str) -> Option<Ask> {
        let path = format!("{path}.intervention");
        let file = at.value;
        let prompt = At { value: Value::String(file.prompt.value), place: file.prompt.place };
        let prompt = self.template(&prompt, &format!("{path}.prompt"));
        let context = file.context.and_then(|context| self.template(&context, &format!("{path}.context")));
        if let Some(response) = &file.response {
            self.schema(response, &format!("{path}.response"));
        }
        let mut options = file.options.value;
        if file.kind == "approval" && options.is_empty() && file.response.is_none() {
            options = vec!["approve".to_owned(), "reject".to_owned()];
        }
        let approvals = file.approvals.map_or((1, None), |approvals| {
            if file.kind != "approval" {
                let hint = "add `type: approval`";
                self.tell(
                    approvals.place,
                    &format!("{path}.approvals"),
                    "only approvals have several approvers",
                    hint,
                );
            }
            let role = approvals.value.role.map(|value| At { value, place: approvals.place });
            self.known_role(role.as_ref(), &format!("{path}.approvals"));
            (approvals.value.count, role.map(|role| role.value))
        });
        let deadline = file.timeout.and_then(|timeout| {
            let path = format!("{path}.timeout");
            self.answers.insert(name.clone(), (timeout.place, path.clone()));
            self.deadline(timeout, &path)
        });
        let reminders = file.reminders.as_ref().map(|reminders| reminders.value.0);
        if let Some(at) = file.reminders.as_ref().filter(|at| at.value.0 < MIN_REMINDER) {
            let hint = "such as reminders: 1d";
            self.tell(at.place, &format!("{path}.reminders"), "reminders are a second or more apart", hint);
        }
        Some(Ask {
            kind: file.kind,
            prompt: prompt?,
            options,
            response_schema: file.response.map(|response| Arc::new(response.value)),
            context,
            deadline,
            reminders,
            approvals,
            self_approval: file.self_approval.unwrap_or(true),
            humans_only: file.humans_only.unwrap_or(false),
        })
    }

    fn deadline(&mut self, at: At<AskTimeoutFile>, path: &str) -> Option<(std::time::Duration, OnDeadline)> {
        let role = at.value.escalate.clone().map(|value| At { value, place: at.place });
        self.known_role(role.as_ref(), &format!("{path}.escalate"));
        let then = match (at.value.answer, at.value.escalate, at.value.fail) {
            (Some(answer), None, false) => OnDeadline::Answer(answer),
            (None, Some(role), false) => OnDeadline::Escalate(role),
            (None, None, _) => OnDeadline::Fail,
            _ => {
                let hint = "keep one of `answer`, `escalate` and `fail`";
                self.tell(at.place, path, "a deadline does one thing", hint);
                return None;
            }
        };
        Some((at.value.after.0, then))
    }

    /// Questions without a schema of their own get one, and every default answer must satisfy its own.
    pub(super) fn derive_answers(&mut self, steps: &mut [Option<Step>], uses: &BTreeSet<StepUse>) {
        for step in steps.iter_mut().flatten() {
            let Work::Intervention(ask) = &mut step.work else { continue };
            if ask.response_schema.is_none() {
                ask.response_schema = answer::schema(&ask.kind, &ask.options, &step.name, uses).map(Arc::new);
            }
            let (Some(schema), Some((_, OnDeadline::Answer(default)))) =
                (&ask.response_schema, &ask.deadline)
            else {
                continue;
            };
            let Ok(schema) = Schema::compile(schema) else { continue };
            if let Err(violations) = schema.check(default) {
                let wrong: Vec<_> = violations.into_iter().map(|violation| violation.message).collect();
                let message =
                    format!("the default answer of `{}` does not fit: {}", step.name, wrong.join("; "));
                let (place, path) =
                    self.answers.get(&step.name).cloned().unwrap_or((Location::UNKNOWN, String::new()));
                self.tell(place, &path, message, "make `timeout.answer` an answer that a person could give");
            }
        }
    }
}

//! From the file to a playbook that can run.
//!
//! The YAML reader stops at its first mistake; everything after it is checked to the end, so that an
//! author sees all of what is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use serde_saphyr::Location;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::expression::{Expression, Mistake, StepUse, Template};
use crate::ids::{Digest, RoleName, StepName};
use crate::intervention::OnDeadline;
use crate::retry::RetryPolicy;
use crate::schema::Schema;

use super::file::{AskTimeoutFile, At, InterventionFile, PlaybookFile, StepFile};
use super::nearest::nearest;
use super::{Ask, MAX_SOURCE, MAX_STEPS, Playbook, Step, Work, answer, unreadable};

pub(super) fn parse(file: &str, source: &str) -> Result<Playbook, Diagnostics> {
    let diagnostics = |problems| Diagnostics { file: file.to_owned(), source: source.to_owned(), problems };
    if source.len() > MAX_SOURCE {
        let message = format!("the playbook is {} bytes long, {MAX_SOURCE} at most", source.len());
        return Err(diagnostics(vec![problem(Location::UNKNOWN, "", Mistake { message, hint: None })]));
    }
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    let read: PlaybookFile = serde_saphyr::from_str_with_options(source, options)
        .map_err(|error| diagnostics(vec![unreadable::diagnostic(&error, source)]))?;
    let mut check = Check::default();
    let playbook = check.playbook(read, source);
    match playbook {
        Some(playbook) if check.problems.is_empty() => Ok(playbook),
        _ => {
            check.problems.sort_by_key(|problem| (problem.line, problem.column));
            Err(diagnostics(check.problems))
        }
    }
}

fn problem(place: Location, path: &str, mistake: Mistake) -> Diagnostic {
    let span = place.span();
    let start = span.byte_offset().unwrap_or_default() as usize;
    let length = span.byte_len().unwrap_or(1) as usize;
    Diagnostic {
        message: mistake.message,
        hint: mistake.hint,
        line: place.line(),
        column: place.column(),
        path: path.to_owned(),
        span: start..start + length.max(1),
    }
}

#[derive(Default)]
struct Check {
    problems: Vec<Diagnostic>,
    /// Names of the steps so far: what the next one may read.
    before: BTreeSet<StepName>,
    /// Where the default answers of questions stand.
    defaults: BTreeMap<StepName, (Location, String)>,
}

impl Check {
    fn tell(&mut self, place: Location, path: &str, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(problem(place, path, Mistake::new(message, hint)));
    }

    /// The value, or a problem at this place.
    fn take<T>(&mut self, place: Location, path: &str, result: Result<T, Mistake>) -> Option<T> {
        result.map_err(|mistake| self.problems.push(problem(place, path, mistake))).ok()
    }

    fn playbook(&mut self, file: PlaybookFile, source: &str) -> Option<Playbook> {
        let input = file.input.as_ref().and_then(|input| self.schema(input, "input"));
        let all: BTreeSet<StepName> =
            file.steps.value.iter().map(|step| step.value.name.value.clone()).collect();
        let count = file.steps.value.len();
        if count == 0 || count > MAX_STEPS {
            let message = format!("a playbook has 1 to {MAX_STEPS} steps, this one has {count}");
            let hint = if count == 0 { "add one" } else { "make several playbooks of it" };
            self.tell(file.steps.place, "steps", message, hint);
        }
        let declared: Vec<RoleName> = file.roles.iter().map(|role| role.value.clone()).collect();
        let steps = file.steps.value.into_iter().enumerate();
        let mut steps: Vec<Option<Step>> =
            steps.map(|(at, step)| self.step(step, &format!("steps[{at}]"), &all, &declared)).collect();
        let output = file.output.as_ref().and_then(|output| self.template(output, "output", &all));
        let uses = reads(&steps, output.as_ref());
        self.derive_answers(&mut steps, &uses);
        Some(Playbook {
            name: file.name.value,
            version: file.version.unwrap_or_else(|| "0".to_owned()),
            description: file.description,
            digest: Digest::of(source.as_bytes()),
            source: source.into(),
            input_schema: file.input.map(|input| Arc::new(input.value)),
            input,
            timeout: file.timeout.map(|timeout| timeout.0),
            roles: roles(declared, &steps),
            steps: steps.into_iter().collect::<Option<_>>()?,
            output,
        })
    }

    fn schema(&mut self, schema: &At<Value>, path: &str) -> Option<Schema> {
        let compiled = Schema::compile(&schema.value).map_err(|error| {
            Mistake::new(error.to_string(), "it is JSON Schema 2020-12, without references to other files")
        });
        self.take(schema.place, path, compiled)
    }

    fn template(&mut self, value: &At<Value>, path: &str, all: &BTreeSet<StepName>) -> Option<Template> {
        let template = self.take(value.place, path, Template::compile(&value.value))?;
        self.readable(value.place, path, template.uses().iter(), all);
        Some(template)
    }

    /// Steps can only read steps that ran before them.
    fn readable<'u>(
        &mut self,
        place: Location,
        path: &str,
        uses: impl Iterator<Item = &'u StepUse>,
        all: &BTreeSet<StepName>,
    ) {
        for used in uses {
            if self.before.contains(&used.step) {
                continue;
            }
            if all.contains(&used.step) {
                let message = format!("step `{}` cannot have run here", used.step);
                self.tell(place, path, message, "steps run in the order written: move it before this one");
            } else {
                let message = format!("there is no step `{}`", used.step);
                let hint = nearest(used.step.as_str(), all.iter().map(StepName::as_str));
                self.tell(place, path, message, hint);
            }
        }
    }

    fn step(
        &mut self,
        at: At<StepFile>,
        path: &str,
        all: &BTreeSet<StepName>,
        declared: &[RoleName],
    ) -> Option<Step> {
        let (place, file) = (at.place, at.value);
        if self.before.contains(&file.name.value) {
            let message = format!("two steps are named `{}`", file.name.value);
            self.tell(file.name.place, path, message, "give each step a name of its own");
        }
        if file.name.value.as_str().contains('.') {
            let message = format!("the step's name `{}` has a `.` in it", file.name.value);
            self.tell(
                file.name.place,
                path,
                message,
                "use `-`: in $steps.NAME.result the name ends at the first `.`",
            );
        }
        if let Some(role) = &file.role
            && !declared.is_empty()
            && !declared.contains(&role.value)
        {
            let message = format!("role `{}` is not among the playbook's roles", role.value);
            self.tell(
                role.place,
                path,
                message,
                nearest(role.value.as_str(), declared.iter().map(RoleName::as_str)),
            );
        }
        let when = file.when.and_then(|when| {
            let when_path = format!("{path}.when");
            let source = when.value.0.trim();
            let bare = source.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).unwrap_or(source);
            let when_expression = self.take(when.place, &when_path, Expression::compile(bare.trim()))?;
            self.readable(when.place, &when_path, when_expression.uses(), all);
            Some(when_expression)
        });
        let retries = file.retries.map(|retries| {
            if let Some(wrong) = retries.value.0.problem() {
                let hint =
                    "such as { max: 3, initial: 200ms, multiplier: 2, max_interval: 10s, jitter: full }";
                self.tell(retries.place, &format!("{path}.retries"), wrong, hint);
            }
            (retries.place, retries.value.0)
        });
        let work = match (file.operation, file.intervention) {
            (Some(operation), None) => {
                let params = self.params(file.params, path, all);
                params.map(|params| Work::Operation { operation: operation.value, params })
            }
            (None, Some(ask)) => {
                if let Some(params) = &file.params {
                    self.tell(
                        params.place,
                        path,
                        "`params` go with `operation`",
                        "put what a person needs into `context`",
                    );
                }
                self.only_operations(file.timeout.as_ref().map(|timeout| timeout.place), "timeout", path);
                self.only_operations(retries.as_ref().map(|(place, _)| *place), "retries", path);
                self.ask(ask, &file.name.value, path, all).map(|ask| Work::Intervention(Box::new(ask)))
            }
            (Some(_), Some(ask)) => {
                self.tell(
                    ask.place,
                    path,
                    "a step does one thing: `operation` or `intervention`",
                    "make two steps of it",
                );
                None
            }
            (None, None) => {
                let hint = "add `operation: plugin/operation` or `intervention: { prompt: … }`";
                self.tell(place, path, format!("step `{}` does nothing", file.name.value), hint);
                None
            }
        };
        self.before.insert(file.name.value.clone());
        Some(Step {
            name: file.name.value,
            description: file.description,
            role: file.role.map(|role| role.value),
            when,
            timeout: file.timeout.map(|timeout| timeout.value.0),
            retries: retries.map_or_else(|| RetryPolicy::times(0), |(_, policy)| policy),
            work: work?,
        })
    }

    /// Keys that would do nothing beside `intervention`.
    fn only_operations(&mut self, place: Option<Location>, key: &str, path: &str) {
        let Some(place) = place else { return };
        let hint = match key {
            "timeout" => "a question has its own: intervention: { timeout: { after: 30m, answer: … } }",
            _ => "questions are asked once",
        };
        self.tell(place, &format!("{path}.{key}"), format!("`{key}` goes with `operation`"), hint);
    }

    fn params(
        &mut self,
        params: Option<At<BTreeMap<String, At<Value>>>>,
        path: &str,
        all: &BTreeSet<StepName>,
    ) -> Option<Template> {
        let Some(params) = params else {
            return Some(Template::Literal(Value::Object(serde_json::Map::new())));
        };
        let mut fields = Vec::new();
        let mut whole = true;
        for (key, value) in params.value {
            match self.template(&value, &format!("{path}.params.{key}"), all) {
                Some(template) => fields.push((key, template)),
                None => whole = false,
            }
        }
        whole.then(|| Template::object(fields))
    }

    fn ask(
        &mut self,
        at: At<InterventionFile>,
        name: &StepName,
        path: &str,
        all: &BTreeSet<StepName>,
    ) -> Option<Ask> {
        let path = format!("{path}.intervention");
        let file = at.value;
        let prompt = At { value: Value::String(file.prompt.value), place: file.prompt.place };
        let prompt = self.template(&prompt, &format!("{path}.prompt"), all);
        let context =
            file.context.and_then(|context| self.template(&context, &format!("{path}.context"), all));
        if let Some(response) = &file.response {
            self.schema(response, &format!("{path}.response"));
        }
        let mut options = file.options.value;
        if file.kind == "approval" && options.is_empty() && file.response.is_none() {
            options = vec!["approve".to_owned(), "reject".to_owned()];
        }
        let deadline = file.timeout.and_then(|timeout| {
            let path = format!("{path}.timeout");
            self.defaults.insert(name.clone(), (timeout.place, path.clone()));
            self.deadline(timeout, &path)
        });
        Some(Ask {
            kind: file.kind,
            prompt: prompt?,
            options,
            response_schema: file.response.map(|response| Arc::new(response.value)),
            context,
            deadline,
        })
    }

    fn deadline(&mut self, at: At<AskTimeoutFile>, path: &str) -> Option<(std::time::Duration, OnDeadline)> {
        let then = match (at.value.answer, at.value.escalate, at.value.fail) {
            (Some(answer), None, false) => OnDeadline::Answer(answer),
            (None, Some(role), false) => OnDeadline::Escalate(role),
            (None, None, _) => OnDeadline::Fail,
            _ => {
                self.tell(
                    at.place,
                    path,
                    "a deadline does one thing",
                    "keep one of `answer`, `escalate` and `fail`",
                );
                return None;
            }
        };
        Some((at.value.after.0, then))
    }

    /// Questions without a schema of their own get one, and every default answer must satisfy its own.
    fn derive_answers(&mut self, steps: &mut [Option<Step>], uses: &BTreeSet<StepUse>) {
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
                    self.defaults.get(&step.name).cloned().unwrap_or((Location::UNKNOWN, String::new()));
                self.tell(place, &path, message, "make `timeout.answer` an answer that a person could give");
            }
        }
    }
}

/// Everything that is read of steps, anywhere in the playbook.
fn reads(steps: &[Option<Step>], output: Option<&Template>) -> BTreeSet<StepUse> {
    let mut uses = output.map(Template::uses).unwrap_or_default();
    for step in steps.iter().flatten() {
        uses.extend(step.when.iter().flat_map(Expression::uses).cloned());
        match &step.work {
            Work::Operation { params, .. } => uses.extend(params.uses()),
            Work::Intervention(ask) => {
                uses.extend(ask.prompt.uses());
                uses.extend(ask.context.iter().flat_map(Template::uses));
            }
        }
    }
    uses
}

fn roles(declared: Vec<RoleName>, steps: &[Option<Step>]) -> Vec<RoleName> {
    let mut roles = declared;
    for role in steps.iter().flatten().filter_map(|step| step.role.as_ref()) {
        if !roles.contains(role) {
            roles.push(role.clone());
        }
    }
    roles
}

#[cfg(test)]
mod tests;

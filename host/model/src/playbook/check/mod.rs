//! From the file to a playbook that can run.
//!
//! The YAML reader stops at its first mistake; everything after it is checked to the end, so that an
//! author sees all of what is wrong.
//!
//! - `step`: what every step has; `work`: what each kind does; `ask`: questions; `order`: what runs when;
//!   `starts`: what starts a playbook by itself.

mod ask;
mod order;
mod starts;
mod step;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use serde_saphyr::Location;

use crate::diagnostic::{Diagnostic, Diagnostics, Mark};
use crate::expression::{Expression, Mistake, Names, StepUse, Template, Uses};
use crate::ids::{Digest, RoleName, StepName};
use crate::retry::RetryPolicy;
use crate::schema::Schema;

use super::file::{At, DefaultsFile, PlaybookFile};
use super::values::{OnFailureFile, RetriesFile, WhenFile};
use super::{MAX_SOURCE, MAX_STEPS, Playbook, Step, Work, answer, unreadable};

/// Bytes of stack to read with. Groups inside of groups take much of it, and whoever asks may have little left.
const STACK: usize = 32 << 20;

/// Reads on a thread of its own, whose stack is large enough for whatever the reader lets through.
pub(super) fn parse(file: &str, source: &str) -> Result<Playbook, Diagnostics> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("playbook".to_owned()).stack_size(STACK);
        match thread.spawn_scoped(scope, || read(file, source)) {
            Ok(reader) => reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(error) => {
                let mistake =
                    Mistake { message: format!("the host has no thread to read it: {error}"), hint: None };
                let problems = vec![problem(Location::UNKNOWN, "", mistake)];
                Err(Diagnostics { file: file.to_owned(), source: source.to_owned(), problems })
            }
        }
    })
}

fn read(file: &str, source: &str) -> Result<Playbook, Diagnostics> {
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

pub(super) fn problem(place: Location, path: &str, mistake: Mistake) -> Diagnostic {
    Diagnostic::at(&mark(place), path, mistake.message, mistake.hint)
}

pub(super) fn mark(place: Location) -> Mark {
    let span = place.span();
    let start = span.byte_offset().unwrap_or_default() as usize;
    let length = span.byte_len().unwrap_or(1) as usize;
    Mark { line: place.line(), column: place.column(), span: start..start + length.max(1) }
}

/// Something that reads steps or variables, and where it stands.
#[derive(Debug)]
struct Reader {
    uses: Uses,
    place: Location,
    path: String,
}

/// A step on its way: what the file says of its order, and what was made of the rest.
#[derive(Debug)]
struct Draft {
    name: At<StepName>,
    path: String,
    place: super::Place,
    /// Places of the loops around it, the outermost first; its own `forEach` not counted.
    loops: Vec<usize>,
    parallel: bool,
    depends_on: Option<Vec<At<StepName>>>,
    /// What it reads before it can begin.
    readers: Vec<Reader>,
    /// What its compensation reads, which is computed when it has ended.
    after: Vec<Reader>,
    /// The names that `set` gives values to.
    sets: Vec<String>,
    /// `goto` of its failure, and of the cases of its switch.
    goto_on_failure: Option<At<StepName>>,
    goto_of_case: Vec<(usize, At<StepName>)>,
    /// Absent when something in it is wrong.
    step: Option<Step>,
}

#[derive(Default)]
struct Check {
    problems: Vec<Diagnostic>,
    /// Every step so far, each followed by the steps inside of it.
    drafts: Vec<Draft>,
    declared: Vec<RoleName>,
    defaults: Defaults,
    /// What the loops around the present place call their items, the innermost last.
    items: Vec<Arc<str>>,
    /// Whether an outside event is looked at.
    event: bool,
    /// What there is before an execution begins, where something is computed then.
    only: Option<&'static [&'static str]>,
    /// What was read since it was last taken.
    readers: Vec<Reader>,
    /// Where the default answers of questions stand.
    answers: BTreeMap<StepName, (Location, String)>,
}

/// `defaults`, checked.
#[derive(Default)]
struct Defaults {
    role: Option<RoleName>,
    timeout: Option<std::time::Duration>,
    retries: Option<RetryPolicy>,
    on_failure: Option<OnFailureFile>,
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
        let schedule = file.schedule.and_then(|schedule| self.schedule(schedule, input.as_ref()));
        let on_event = file.on_event.and_then(|on_event| self.on_event(on_event));
        let concurrency = file.concurrency.and_then(|concurrency| self.concurrency(concurrency));
        self.declared = file.roles.iter().map(|role| role.value.clone()).collect();
        self.defaults(file.defaults);
        let place = file.steps.place;
        if file.steps.value.is_empty() {
            self.tell(
                place,
                "steps",
                format!("a playbook has 1 to {MAX_STEPS} steps, this one has 0"),
                "add one",
            );
        }
        self.steps(file.steps.value, "steps", None, 0);
        if self.drafts.len() > MAX_STEPS {
            let message =
                format!("a playbook has 1 to {MAX_STEPS} steps, this one has {}", self.drafts.len());
            self.tell(place, "steps", message, "make several playbooks of it");
            return None;
        }
        self.two_of_a_name();
        let retention = file.retention.as_ref().map(|retention| retention.value);
        if let Some(at) = file.retention.filter(|retention| !retention.value.is_sensible()) {
            let hint = "such as 30d, or forever";
            self.tell(
                at.place,
                "retention",
                "executions would go before anybody sees what came of them",
                hint,
            );
        }
        let output_mark = file.output.as_ref().map(|output| mark(output.place)).unwrap_or_default();
        let output = file.output.as_ref().and_then(|output| self.template(output, "output"));
        let readers = std::mem::take(&mut self.readers);
        self.order(&readers);
        let uses = self.reads(&readers);
        let roles = self.roles();
        let mut steps: Vec<Option<Step>> =
            std::mem::take(&mut self.drafts).into_iter().map(|draft| draft.step).collect();
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
            schedule,
            on_event,
            concurrency,
            retention,
            priority: file.priority,
            roles,
            steps: steps.into_iter().collect::<Option<_>>()?,
            output,
            output_mark,
        })
    }

    fn defaults(&mut self, file: DefaultsFile) {
        if let Some(At { value: OnFailureFile::Goto(_), place }) = &file.on_failure {
            let hint = "write it at the steps that it is for";
            self.tell(*place, "defaults.onFailure", "`goto` cannot be a default", hint);
        }
        self.known_role(file.role.as_ref(), "defaults.role");
        self.defaults = Defaults {
            role: file.role.map(|role| role.value),
            timeout: file.timeout.map(|timeout| timeout.0),
            retries: self.retries(file.retries, "defaults.retries"),
            on_failure: file.on_failure.map(|on_failure| on_failure.value),
        };
    }

    fn retries(&mut self, retries: Option<At<RetriesFile>>, path: &str) -> Option<RetryPolicy> {
        let retries = retries?;
        if let Some(wrong) = retries.value.0.problem() {
            let hint = "such as { max: 3, initial: 200ms, multiplier: 2, max_interval: 10s, jitter: full }";
            self.tell(retries.place, path, wrong, hint);
        }
        Some(retries.value.0)
    }

    fn known_role(&mut self, role: Option<&At<RoleName>>, path: &str) {
        let Some(role) = role else { return };
        if self.declared.is_empty() || self.declared.contains(&role.value) {
            return;
        }
        let message = format!("role `{}` is not among the playbook's roles", role.value);
        let hint = super::nearest::nearest(role.value.as_str(), self.declared.iter().map(RoleName::as_str));
        self.tell(role.place, path, message, hint);
    }

    fn two_of_a_name(&mut self) {
        let mut seen = BTreeSet::new();
        let twice = self.drafts.iter().filter(|draft| !seen.insert(draft.name.value.clone()));
        let twice: Vec<_> = twice.map(|draft| (draft.name.clone(), draft.path.clone())).collect();
        for (name, path) in twice {
            let message = format!("two steps are named `{}`", name.value);
            self.tell(name.place, &path, message, "give each step a name of its own");
        }
    }

    fn schema(&mut self, schema: &At<Value>, path: &str) -> Option<Schema> {
        let compiled = Schema::compile(&schema.value).map_err(|error| {
            Mistake::new(error.to_string(), "it is JSON Schema 2020-12, without references to other files")
        });
        self.take(schema.place, path, compiled)
    }

    /// A compiled value; what it reads is noted in `readers`.
    fn template(&mut self, value: &At<Value>, path: &str) -> Option<Template> {
        let items = self.items.clone();
        let names = Names { items: &items, event: self.event, only: self.only };
        let template = self.take(value.place, path, Template::compile(&value.value, names))?;
        self.readers.push(Reader { uses: template.uses(), place: value.place, path: path.to_owned() });
        Some(template)
    }

    /// A compiled `when` or its like; what it reads is noted in `readers`.
    fn expression(&mut self, when: &At<WhenFile>, path: &str) -> Option<Expression> {
        let source = when.value.0.trim();
        let bare = source.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).unwrap_or(source);
        let items = self.items.clone();
        let names = Names { items: &items, event: self.event, only: self.only };
        let expression = self.take(when.place, path, Expression::compile(bare.trim(), names))?;
        self.readers.push(Reader {
            uses: expression.uses().clone(),
            place: when.place,
            path: path.to_owned(),
        });
        Some(expression)
    }

    fn fields(&mut self, fields: Option<At<BTreeMap<String, At<Value>>>>, path: &str) -> Option<Template> {
        let Some(fields) = fields else {
            return Some(Template::Literal(Value::Object(serde_json::Map::new())));
        };
        let mut compiled = Vec::new();
        let mut whole = true;
        for (key, value) in fields.value {
            match self.template(&value, &format!("{path}.{key}")) {
                Some(template) => compiled.push((key, template)),
                None => whole = false,
            }
        }
        whole.then(|| Template::object(compiled))
    }

    /// Everything that is read of steps, anywhere in the playbook.
    fn reads(&self, output: &[Reader]) -> BTreeSet<StepUse> {
        let of_steps = self.drafts.iter().flat_map(|draft| draft.readers.iter().chain(&draft.after));
        of_steps.chain(output).flat_map(|reader| reader.uses.steps.iter().cloned()).collect()
    }

    /// Those that are declared, then those of the steps.
    fn roles(&self) -> Vec<RoleName> {
        let mut roles = self.declared.clone();
        let steps = self.drafts.iter().filter_map(|draft| draft.step.as_ref());
        let of_steps = steps.flat_map(|step| {
            let approvers = match &step.work {
                Work::Intervention(ask) => ask.approvals.1.as_ref(),
                _ => None,
            };
            step.role.iter().chain(approvers)
        });
        for role in of_steps {
            if !roles.contains(role) {
                roles.push(role.clone());
            }
        }
        roles
    }
}

#[cfg(test)]
mod tests;

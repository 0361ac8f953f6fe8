//! What every step has, whatever it does.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_saphyr::Location;

use crate::expression::{Mistake, Template};
use crate::playbook::file::{At, CompensationFile, StepFile};
use crate::playbook::values::OnFailureFile;
use crate::playbook::{Compensation, Each, MAX_ITERATIONS, Marks, OnFailure, Place, Step, Undo, Work};
use crate::retry::RetryPolicy;

use super::{Check, Draft, mark};

/// Iterations of a loop that may be at work at once, whatever it says.
const MAX_AT_ONCE: usize = 1_000;
/// Longest chain of groups, switches and loops inside of each other.
const MAX_DEPTH: usize = 16;

impl Check {
    /// Steps directly inside of `parent`, or of the playbook.
    pub(super) fn steps(&mut self, files: Vec<At<StepFile>>, path: &str, parent: Option<usize>, case: usize) {
        for (at, file) in files.into_iter().enumerate() {
            self.step(file, format!("{path}[{at}]"), parent, case);
        }
    }

    fn step(&mut self, at: At<StepFile>, path: String, parent: Option<usize>, case: usize) {
        let (place, mut file) = (at.place, at.value);
        let index = self.drafts.len();
        let around = parent.and_then(|parent| self.drafts.get(parent).map(|draft| (parent, draft)));
        let loops = around.map_or_else(Vec::new, |(parent, draft)| {
            let mut loops = draft.loops.clone();
            loops.extend(draft.step.as_ref().is_some_and(|step| step.each.is_some()).then_some(parent));
            loops
        });
        if file.name.value.as_str().contains('.') {
            let message = format!("the step's name `{}` has a `.` in it", file.name.value);
            let hint = "use `-`: in $steps.NAME.result the name ends at the first `.`";
            self.tell(file.name.place, &path, message, hint);
        }
        if path.matches("steps[").count() > MAX_DEPTH {
            let hint = "make a playbook of what is inside, and run it with `playbook: NAME`";
            self.tell(place, &path, format!("steps are nested more than {MAX_DEPTH} deep"), hint);
            return;
        }
        let stands = Place { parent, case, end: index + 1, depth: loops.len() };
        self.drafts.push(Draft {
            name: file.name.clone(),
            path: path.clone(),
            place: stands,
            loops,
            parallel: file.parallel,
            depends_on: file.depends_on.take(),
            readers: Vec::new(),
            after: Vec::new(),
            sets: Vec::new(),
            goto_on_failure: None,
            goto_of_case: Vec::new(),
            step: None,
        });
        let each = self.each(&mut file, &path);
        let in_loop = each.as_ref().map(|each| Arc::clone(&each.name));
        let items = self.items.len();
        self.items.extend(in_loop);
        let step = self.parts(&mut file, each, stands, &path, place);
        let mcp = file.mcp.is_some();
        if let Some(draft) = self.drafts.get_mut(index) {
            draft.readers = std::mem::take(&mut self.readers);
            draft.step = step;
        }
        let compensation = file.compensation.take().and_then(|undo| self.compensation(undo, &path, mcp));
        let after = std::mem::take(&mut self.readers);
        self.inner_steps(&mut file, index, &path);
        self.items.truncate(items);
        let end = self.drafts.len();
        if let Some(draft) = self.drafts.get_mut(index) {
            draft.after = after;
            draft.place.end = end;
            if let Some(step) = &mut draft.step {
                step.place.end = end;
                step.compensation = compensation;
            }
        }
    }

    /// The step itself, without what is inside of it.
    fn parts(
        &mut self,
        file: &mut StepFile,
        each: Option<Each>,
        place: Place,
        path: &str,
        at: Location,
    ) -> Option<Step> {
        self.known_role(file.role.as_ref(), &format!("{path}.role"));
        let when = file.when.take().and_then(|when| self.expression(&when, &format!("{path}.when")));
        let (key_at, key) = self.key(file.idempotency_key.take(), "idempotencyKey", path);
        let (turn_at, turn) = self.key(file.concurrency_key.take(), "concurrencyKey", path);
        let timeout = file.timeout.as_ref().map(|timeout| (timeout.place, timeout.value.0));
        let retries_at = file.retries.as_ref().map(|retries| retries.place);
        let retries = self.retries(file.retries.take(), &format!("{path}.retries"));
        let on_failure = self.on_failure(file, path);
        let marks = marks(file);
        let cache = file.cache.take();
        let work = self.work(file, path, at)?;
        let runs = matches!(work, Work::Operation { .. } | Work::NotAvailable(_));
        if !runs {
            let child = matches!(work, Work::Playbook { .. });
            self.goes_with_operations(timeout.map(|(place, _)| place), "timeout", &work, path);
            self.goes_with_operations(retries_at.filter(|_| !child), "retries", &work, path);
            self.goes_with_operations(key_at, "idempotencyKey", &work, path);
            self.goes_with_operations(turn_at, "concurrencyKey", &work, path);
            self.goes_with_operations(cache.as_ref().map(|cache| cache.place), "cache", &work, path);
        }
        let retried = runs || matches!(work, Work::Playbook { .. });
        let by_default = self.defaults.retries.clone().filter(|_| runs);
        Some(Step {
            name: file.name.value.clone(),
            description: file.description.take(),
            role: file.role.take().map(|role| role.value).or_else(|| self.defaults.role.clone()),
            when,
            each,
            timeout: timeout.map(|(_, timeout)| timeout).or_else(|| self.defaults.timeout.filter(|_| runs)),
            retries: retries.filter(|_| retried).or(by_default).unwrap_or_else(|| RetryPolicy::times(0)),
            on_failure,
            compensation: None,
            idempotency_key: key,
            concurrency_key: turn,
            cache: cache.and_then(|cache| cache.value.0),
            work,
            needs: Vec::new(),
            place,
            marks,
        })
    }

    /// A key that is computed of what the step sees, and where it stands.
    fn key(
        &mut self,
        key: Option<At<String>>,
        name: &str,
        path: &str,
    ) -> (Option<Location>, Option<Template>) {
        let Some(key) = key else { return (None, None) };
        let text = At { value: serde_json::Value::String(key.value), place: key.place };
        (Some(key.place), self.template(&text, &format!("{path}.{name}")))
    }

    fn each(&mut self, file: &mut StepFile, path: &str) -> Option<Each> {
        let alone = [
            ("as", file.item.as_ref().map(|item| item.place)),
            ("maxConcurrency", file.at_once.as_ref().map(|at_once| at_once.place)),
        ];
        let Some(list) = file.for_each.take() else {
            for (key, place) in alone {
                let Some(place) = place else { continue };
                let hint = "add `forEach: $input.LIST`";
                self.tell(place, &format!("{path}.{key}"), format!("`{key}` goes with `forEach`"), hint);
            }
            return None;
        };
        let items = self.template(&list, &format!("{path}.forEach"));
        if let Some(Template::Literal(value)) = &items {
            let message = match value.as_array().map(Vec::len) {
                None => Some("`forEach` needs a list".to_owned()),
                Some(count) if count > MAX_ITERATIONS => {
                    Some(format!("`forEach` has {count} elements, {MAX_ITERATIONS} at most"))
                }
                Some(_) => None,
            };
            if let Some(message) = message {
                let hint = "such as forEach: $input.lines, or forEach: [a, b]";
                self.tell(list.place, &format!("{path}.forEach"), message, hint);
            }
        }
        let name = file.item.take().map_or_else(|| Some("item".into()), |name| self.item_name(&name, path));
        let at_once = file.at_once.take().map_or(1, |at_once| {
            if at_once.value == 0 || at_once.value > MAX_AT_ONCE {
                let message = format!("`maxConcurrency` is 1 to {MAX_AT_ONCE}");
                self.tell(
                    at_once.place,
                    &format!("{path}.maxConcurrency"),
                    message,
                    "1 is one after the other",
                );
            }
            at_once.value
        });
        Some(Each { items: items?, name: name?, at_once })
    }

    fn item_name(&mut self, name: &At<String>, path: &str) -> Option<Arc<str>> {
        let text = name.value.as_str();
        let fine = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let taken = crate::expression::ROOTS.contains(&text)
            || matches!(
                text,
                "index" | "event" | "range" | "dict" | "true" | "false" | "none" | "not" | "in"
            )
            || self.items.iter().any(|item| **item == *text);
        let mistake = match (fine, taken) {
            (false, _) => Mistake::new(
                format!("`{text}` cannot name an element"),
                "use letters, digits and `_`, such as `as: line`",
            ),
            (true, true) => Mistake::new(
                format!("the name `{text}` means something else here"),
                "choose another, such as `as: line`",
            ),
            (true, false) => return Some(text.into()),
        };
        self.take(name.place, &format!("{path}.as"), Err(mistake))
    }

    /// `goto` is resolved when all steps are known.
    fn on_failure(&mut self, file: &mut StepFile, path: &str) -> OnFailure {
        let at = file.on_failure.take();
        let place = at.as_ref().map(|at| at.place);
        match at.map(|at| at.value).or_else(|| self.defaults.on_failure.clone()) {
            None | Some(OnFailureFile::Fail) => OnFailure::Fail,
            Some(OnFailureFile::Continue) => OnFailure::Continue,
            Some(OnFailureFile::Intervene) => OnFailure::Intervene,
            Some(OnFailureFile::Goto(name)) => {
                if let (Some(draft), Some(place)) = (self.drafts.last_mut(), place)
                    && draft.path == path
                {
                    draft.goto_on_failure = Some(At { value: name, place });
                }
                OnFailure::Fail
            }
        }
    }

    /// `mcp`: of a step that calls a tool of an MCP server.
    fn compensation(&mut self, at: At<CompensationFile>, path: &str, mcp: bool) -> Option<Compensation> {
        let path = format!("{path}.compensation");
        let params = self.fields(at.value.params, &format!("{path}.params"));
        let retries = self.retries(at.value.retries, &format!("{path}.retries"));
        let work = match (at.value.operation, at.value.action) {
            (Some(operation), None) => Undo::Operation(operation.value),
            (None, Some(action)) => {
                if !mcp {
                    let hint =
                        "it names a tool of the step's MCP server: write `operation: plugin/operation`";
                    self.tell(action.place, &path, "`action` goes with `mcp`", hint);
                }
                Undo::Mcp
            }
            (Some(_), Some(action)) => {
                let hint = "keep `operation`";
                self.tell(action.place, &path, "a compensation does one thing", hint);
                return None;
            }
            (None, None) => {
                let hint = "add `operation: plugin/operation`";
                self.tell(at.place, &path, "the compensation does nothing", hint);
                return None;
            }
        };
        Some(Compensation {
            work,
            params: params?,
            timeout: at.value.timeout.map(|timeout| timeout.0).or(self.defaults.timeout),
            retries: retries
                .or_else(|| self.defaults.retries.clone())
                .unwrap_or_else(|| RetryPolicy::times(3)),
        })
    }

    /// Keys that would do nothing beside other work.
    fn goes_with_operations(&mut self, place: Option<Location>, key: &str, work: &Work, path: &str) {
        let Some(place) = place else { return };
        let hint = match (key, work) {
            ("timeout", Work::Intervention(_)) => {
                "a question has its own: intervention: { timeout: { after: 30m, answer: … } }"
            }
            ("timeout", Work::Wait(_)) => "waiting for an event has its own: wait: { event: …, timeout: 1d }",
            ("timeout", Work::Playbook { .. }) => "the playbook that it runs has its own: write it there",
            ("timeout", _) => "put it at the operations inside, or at the playbook",
            ("concurrencyKey", Work::Playbook { .. }) => {
                "the playbook that it runs has its own: `concurrency`"
            }
            ("concurrencyKey", Work::Group | Work::Switch(_)) => "put it at the operations inside",
            ("cache", Work::Playbook { .. } | Work::Group | Work::Switch(_)) => {
                "put it at the operations inside"
            }
            ("cache", _) => "take it away: this step has no result that costs anything",
            ("concurrencyKey", _) => "take it away: nothing is at work for this step",
            ("idempotencyKey", Work::Group | Work::Switch(_)) => "put it at the operations inside",
            ("idempotencyKey", _) => "take it away: nothing outside is changed by this step",
            (_, Work::Intervention(_)) => "questions are asked once",
            (_, Work::Group | Work::Switch(_)) => "put it at the operations inside",
            _ => "nothing in it could go better the next time",
        };
        self.tell(place, &format!("{path}.{key}"), format!("`{key}` goes with `operation`"), hint);
    }
}

/// Where the parts stand that are compared with what they run.
fn marks(file: &StepFile) -> Marks {
    let fields = |fields: Option<&At<BTreeMap<String, At<serde_json::Value>>>>| {
        let fields = fields.into_iter().flat_map(|fields| &fields.value);
        fields.map(|(key, value)| (key.clone(), mark(value.place))).collect()
    };
    let work = [
        file.operation.as_ref().map(|at| at.place),
        file.playbook.as_ref().map(|at| at.place),
        file.mcp.as_ref().map(|at| at.place),
        file.agent.as_ref().map(|at| at.place),
    ];
    let undo = file.compensation.as_ref();
    Marks {
        cache: mark(file.cache.as_ref().map_or(file.name.place, |cache| cache.place)),
        work: mark(work.into_iter().flatten().next().unwrap_or(file.name.place)),
        params: fields(file.params.as_ref()),
        compensation: undo.map(|undo| mark(undo.place)).unwrap_or_default(),
        undo_params: fields(undo.and_then(|undo| undo.value.params.as_ref())),
    }
}

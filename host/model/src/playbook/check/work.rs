//! What each kind of step does.

use serde_json::Value;
use serde_saphyr::Location;

use crate::expression::{Expression, Mistake, Template};
use crate::playbook::file::{At, CaseFile, FailFile, StepFile};
use crate::playbook::values::{WaitFile, WaitRuleFile, WhenFile, time};
use crate::playbook::{Case, Wait, Work};

use super::Check;

/// Longest name of an outside event, in bytes.
const MAX_EVENT: usize = 200;

impl Check {
    /// What the step does: exactly one of the kinds.
    pub(super) fn work(&mut self, file: &mut StepFile, path: &str, place: Location) -> Option<Work> {
        let kinds = [
            ("operation", file.operation.as_ref().map(|at| at.place)),
            ("intervention", file.intervention.as_ref().map(|at| at.place)),
            ("playbook", file.playbook.as_ref().map(|at| at.place)),
            ("wait", file.wait.as_ref().map(|at| at.place)),
            ("switch", file.switch.as_ref().map(|at| at.place)),
            ("steps", file.steps.as_ref().map(|at| at.place)),
            ("set", file.set.as_ref().map(|at| at.place)),
            ("fail", file.fail.as_ref().map(|at| at.place)),
            ("mcp", file.mcp.as_ref().map(|at| at.place)),
            ("agent", file.agent.as_ref().map(|at| at.place)),
        ];
        let given: Vec<_> = kinds.iter().filter_map(|(key, place)| Some((*key, (*place)?))).collect();
        let name = file.name.value.clone();
        let kind = match given.as_slice() {
            [(kind, _)] => *kind,
            [] => {
                let hint = "add `operation: plugin/operation`, `intervention: { prompt: … }`, `playbook`, `wait`, \
                            `switch`, `steps`, `set` or `fail`";
                self.tell(place, path, format!("step `{name}` does nothing"), hint);
                return None;
            }
            [(first, _), (second, place), ..] => {
                let message = format!("a step does one thing: `{first}` or `{second}`");
                self.tell(*place, path, message, "make two steps of it");
                return None;
            }
        };
        self.params_fit(file, kind, path);
        let params = format!("{path}.params");
        match kind {
            "operation" => {
                let operation = file.operation.take()?.value;
                Some(Work::Operation { operation, params: self.fields(file.params.take(), &params)? })
            }
            "playbook" => {
                let playbook = file.playbook.take()?.value;
                Some(Work::Playbook { playbook, params: self.fields(file.params.take(), &params)? })
            }
            "intervention" => {
                let ask = self.ask(file.intervention.take()?, &name, path)?;
                Some(Work::Intervention(Box::new(ask)))
            }
            "wait" => self.wait(file.wait.take()?, &format!("{path}.wait")).map(Work::Wait),
            "switch" => self.switch(file.switch.as_mut()?, path).map(Work::Switch),
            "steps" => {
                let steps = file.steps.as_ref()?;
                if steps.value.is_empty() {
                    self.tell(steps.place, &format!("{path}.steps"), "the group is empty", "add a step");
                }
                Some(Work::Group)
            }
            "set" => self.set(file, path),
            "fail" => self.fail(file.fail.take()?, path),
            "mcp" => {
                self.fields(file.params.take(), &params);
                Some(Work::NotAvailable("mcp"))
            }
            _ => Some(Work::NotAvailable("agent")),
        }
    }

    /// `params` and `action` go with some kinds alone.
    fn params_fit(&mut self, file: &StepFile, kind: &str, path: &str) {
        if let Some(action) = &file.action
            && kind != "mcp"
        {
            self.tell(action.place, path, "`action` goes with `mcp`", "it names a tool of an MCP server");
        }
        let Some(params) = &file.params else { return };
        let hint = match kind {
            "operation" | "playbook" | "mcp" => return,
            "intervention" => "put what a person needs into `context`",
            "set" => "put the values under `set`",
            _ => "take them away",
        };
        self.tell(params.place, path, "`params` go with `operation`", hint);
    }

    fn wait(&mut self, at: At<WaitFile>, path: &str) -> Option<Wait> {
        let WaitRuleFile { until, event, matches, timeout } = match at.value {
            WaitFile::For(duration) => return Some(Wait::For(duration.0)),
            WaitFile::Rule(rule) => *rule,
        };
        match (until, event) {
            (Some(until), None) => {
                let beside = matches.map(|matches| ("match", matches.place));
                if let Some((key, place)) = beside.or(timeout.map(|timeout| ("timeout", timeout.place))) {
                    let hint = "wait: { event: NAME, match: EXPRESSION, timeout: 1d }";
                    self.tell(place, &format!("{path}.{key}"), format!("`{key}` goes with `event`"), hint);
                }
                if let Some(time) = time(&until.value) {
                    return Some(Wait::At(time));
                }
                let when = At { value: crate::playbook::values::WhenFile(until.value), place: until.place };
                let known = self.problems.len();
                let until = self.expression(&when, &format!("{path}.until"));
                if let Some(problem) = self.problems.get_mut(known) {
                    let hint = "write a time with its zone, such as 2026-03-01T08:00:00Z, or $input.NAME that gives one";
                    problem.hint = Some(hint.to_owned());
                }
                until.map(Wait::Until)
            }
            (None, Some(event)) => {
                let matches = self.event_matches(&event, matches.as_ref(), path)?;
                Some(Wait::Event {
                    event: event.value,
                    matches,
                    timeout: timeout.map(|timeout| timeout.value.0),
                })
            }
            (Some(_), Some(event)) => {
                self.tell(
                    event.place,
                    path,
                    "a step waits for one thing: `until` or `event`",
                    "make two steps of it",
                );
                None
            }
            (None, None) => {
                let hint = "write wait: 5m, wait: { until: TIME } or wait: { event: NAME }";
                self.tell(at.place, path, "this waits for nothing", hint);
                None
            }
        }
    }

    /// The name of an outside event, and what must hold of it, if anything.
    pub(super) fn event_matches(
        &mut self,
        event: &At<String>,
        matches: Option<&At<WhenFile>>,
        path: &str,
    ) -> Option<Option<Expression>> {
        if event.value.trim().is_empty() || event.value.len() > MAX_EVENT {
            let message = match event.value.len() {
                0..=MAX_EVENT => "the event has no name".to_owned(),
                long => format!("the event's name is {long} bytes long, {MAX_EVENT} at most"),
            };
            self.tell(event.place, &format!("{path}.event"), message, "such as payment.received");
        }
        let Some(matches) = matches else { return Some(None) };
        self.event = true;
        let matches = self.expression(matches, &format!("{path}.match"));
        self.event = false;
        matches.map(Some)
    }

    fn switch(&mut self, cases: &mut At<Vec<At<CaseFile>>>, path: &str) -> Option<Vec<Case>> {
        let path = format!("{path}.switch");
        if cases.value.is_empty() {
            self.tell(cases.place, &path, "the switch has no cases", "add `- { when: …, steps: […] }`");
        }
        let last = cases.value.len().saturating_sub(1);
        let mut compiled = Vec::new();
        for (number, case) in cases.value.iter_mut().enumerate() {
            let path = format!("{path}[{number}]");
            let when = case.value.when.take();
            if when.is_none() && number < last {
                let hint = "only the last case may do without: it is taken when no other holds";
                self.tell(case.place, &path, "the case has no `when`", hint);
            }
            let goto = case.value.goto.take();
            match (&case.value.steps, &goto) {
                (Some(_), Some(goto)) => {
                    self.tell(
                        goto.place,
                        &path,
                        "a case does one thing: `steps` or `goto`",
                        "keep one of them",
                    );
                }
                (None, None) => {
                    self.tell(case.place, &path, "the case does nothing", "add `steps: […]` or `goto: STEP`");
                }
                (Some(steps), None) if steps.value.is_empty() => {
                    self.tell(steps.place, &path, "the case is empty", "add a step, or take the case away");
                }
                _ => {}
            }
            let when = when.map(|when| self.expression(&when, &format!("{path}.when")));
            if let (Some(goto), Some(draft)) = (goto, self.drafts.last_mut()) {
                draft.goto_of_case.push((number, goto));
            }
            match when {
                Some(None) => {}
                when => compiled.push(Case { when: when.flatten(), goto: None }),
            }
        }
        (compiled.len() == cases.value.len()).then_some(compiled)
    }

    fn set(&mut self, file: &mut StepFile, path: &str) -> Option<Work> {
        let set = file.set.take()?;
        if set.value.is_empty() {
            self.tell(set.place, &format!("{path}.set"), "it sets nothing", "add `name: value` lines");
        }
        for (name, value) in &set.value {
            let fine = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !fine {
                let message = format!("`{name}` cannot name a value");
                let hint = "use letters, digits and `_`: it is read as $vars.NAME";
                self.tell(value.place, &format!("{path}.set.{name}"), message, hint);
            }
        }
        let names = set.value.keys().cloned().collect();
        if let Some(draft) = self.drafts.last_mut() {
            draft.sets = names;
        }
        self.fields(Some(set), &format!("{path}.set")).map(Work::Set)
    }

    fn fail(&mut self, at: At<FailFile>, path: &str) -> Option<Work> {
        let FailFile { code, message } = at.value;
        let fine = code.value.starts_with(|c: char| c.is_ascii_alphabetic())
            && code.value.len() <= 100
            && code.value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
        if !fine {
            let mistake = Mistake::new(
                format!("`{}` is no code for programs", code.value),
                "use letters, digits, `_`, `-` and `.`, such as NO_STOCK",
            );
            self.take::<()>(code.place, &format!("{path}.fail.code"), Err(mistake));
        }
        let message = At { value: Value::String(message.value), place: message.place };
        let message: Template = self.template(&message, &format!("{path}.fail.message"))?;
        Some(Work::Fail { code: code.value, message })
    }

    /// The steps inside of a group or of the cases of a switch.
    pub(super) fn inner_steps(&mut self, file: &mut StepFile, parent: usize, path: &str) {
        if let Some(steps) = file.steps.take() {
            self.steps(steps.value, &format!("{path}.steps"), Some(parent), 0);
        }
        for (number, case) in file.switch.take().into_iter().flat_map(|cases| cases.value).enumerate() {
            if let Some(steps) = case.value.steps {
                self.steps(steps.value, &format!("{path}.switch[{number}].steps"), Some(parent), number);
            }
        }
    }
}

//! Whether the steps of a playbook fit together, and to what they run.
//!
//! What is passed to an operation is compared with its input schema, what is read of a step with what it can give.
//! Only what cannot work is told: where a schema leaves something open, the step finds out when it runs.

mod shape;

use std::sync::Arc;

use serde_json::Value;

use crate::diagnostic::{Diagnostic, Mark};
use crate::expression::{Reference, Template, Uses};
use crate::ids::{OperationName, PlaybookName, RoleName, StepName};
use crate::operation::{EffectClass, Operation};
use crate::schema::Schema;

use super::nearest::nearest;
use super::{Playbook, Step, Undo, Work};
use shape::{Led, Shape, Types, type_of};

/// What playbooks can run: a runtime, or the plugins beside a file.
pub trait Offer {
    /// The operation of this name.
    fn operation(&self, name: &OperationName) -> Result<Arc<Operation>, Missing>;

    /// Why steps of this role may not run this operation, if they may not.
    fn forbids(&self, role: &RoleName, operation: &OperationName) -> Option<String>;

    /// What this operation needs and is not granted, with what to do.
    fn not_granted(&self, operation: &Operation) -> Option<String>;

    /// The playbook of this name, when it is known whether there is one.
    fn playbook(&self, name: &PlaybookName) -> Result<Option<Arc<Playbook>>, String>;
}

/// Why there is no operation of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// There may be one before the playbook runs: nothing is told.
    Yet,
    /// There will be none; what there is instead, or what to do.
    Never(String),
}

impl Playbook {
    /// Everything in which the playbook does not fit to what it can run, in the order of the file.
    pub fn wiring(&self, offer: &dyn Offer) -> Vec<Diagnostic> {
        let mut wiring = Wiring { playbook: self, offer, outputs: Vec::new(), problems: Vec::new() };
        wiring.outputs = self.steps.iter().map(|step| wiring.output(step)).collect();
        for (at, step) in self.steps.iter().enumerate() {
            wiring.step(at, step);
        }
        if let Some(output) = &self.output {
            wiring.reads(&output.uses(), &self.output_mark, "output");
        }
        wiring.problems.sort_by_key(|problem| (problem.line, problem.column));
        wiring.problems
    }
}

struct Wiring<'p> {
    playbook: &'p Playbook,
    offer: &'p dyn Offer,
    /// What each step gives, where that is known.
    outputs: Vec<Option<Arc<Value>>>,
    problems: Vec<Diagnostic>,
}

impl Wiring<'_> {
    fn tell(&mut self, mark: &Mark, path: &str, message: String, hint: String) {
        self.problems.push(Diagnostic::at(mark, path, message, Some(hint)));
    }

    /// What a step gives: for a loop, a list of it.
    fn output(&self, step: &Step) -> Option<Arc<Value>> {
        let one = self.one_output(step)?;
        if step.each.is_none() {
            return Some(one);
        }
        // References inside lead into the document that it was.
        let refers = one.to_string().contains("\"$ref\"");
        (!refers).then(|| Arc::new(serde_json::json!({ "type": "array", "items": *one })))
    }

    /// The same of one iteration.
    fn one_output(&self, step: &Step) -> Option<Arc<Value>> {
        match &step.work {
            Work::Operation { operation, .. } => {
                self.offer.operation(operation).ok().map(|operation| Arc::clone(&operation.output_schema))
            }
            Work::Intervention(ask) => ask.response_schema.clone(),
            Work::Set(Template::Object(fields)) => {
                let properties = fields.iter().map(|(name, _)| (name.clone(), Value::Bool(true))).collect();
                let closed =
                    [("additionalProperties", Value::Bool(false)), ("properties", Value::Object(properties))];
                Some(Arc::new(closed.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()))
            }
            _ => None,
        }
    }

    fn step(&mut self, at: usize, step: &Step) {
        let path = format!("step {}", step.name);
        self.everything_read(step, &path);
        match &step.work {
            Work::Operation { operation, params } => {
                if let Some(operation) = self.runs(step, operation, &step.marks.work, &path) {
                    self.cache(step, &operation, &path);
                    self.params(at, params, &operation, &step.marks.work, &format!("{path} params"), false);
                }
            }
            Work::Playbook { playbook, params } => match self.offer.playbook(playbook) {
                Ok(Some(child)) => self.child(at, step, &child, params, &path),
                Ok(None) => {}
                Err(why) => {
                    let hint = "publish it first, or look at its name".to_owned();
                    self.tell(&step.marks.work, &path, why, hint);
                }
            },
            Work::NotAvailable(key) => {
                let hint = "this version runs operations, and asks people".to_owned();
                self.tell(&step.marks.work, &path, format!("`{key}` steps are not available yet"), hint);
            }
            _ => {}
        }
        self.compensation(at, step, &format!("{path} compensation"));
    }

    /// What sees or changes the outside may give something else each time.
    fn cache(&mut self, step: &Step, operation: &Operation, path: &str) {
        if step.cache.is_none() || operation.effect == EffectClass::Pure {
            return;
        }
        let message = format!(
            "`cache` goes with pure operations, and `{}` is {}",
            operation.name,
            operation.effect.as_str()
        );
        let hint = "take it away".to_owned();
        self.tell(&step.marks.cache, &format!("{path} cache"), message, hint);
    }

    fn compensation(&mut self, at: usize, step: &Step, path: &str) {
        let Some(compensation) = &step.compensation else { return };
        // A loop is undone iteration by iteration: what is read of the step itself is what that iteration gave.
        let one = self.one_output(step);
        let listed = self.outputs.get_mut(at).map(|output| std::mem::replace(output, one));
        self.reads(&compensation.params.uses(), &step.marks.compensation, path);
        match &compensation.work {
            Undo::Operation(operation) => {
                if let Some(operation) = self.runs(step, operation, &step.marks.compensation, path) {
                    let mark = &step.marks.compensation;
                    self.params(at, &compensation.params, &operation, mark, &format!("{path} params"), true);
                }
            }
            Undo::Mcp => {
                let hint = "undo it with `operation: plugin/operation`".to_owned();
                let message = "compensation by a tool of an MCP server is not available yet".to_owned();
                self.tell(&step.marks.compensation, path, message, hint);
            }
        }
        if let (Some(output), Some(listed)) = (self.outputs.get_mut(at), listed) {
            *output = listed;
        }
    }

    /// The operation, if the step may run it.
    fn runs(&mut self, step: &Step, name: &OperationName, mark: &Mark, path: &str) -> Option<Arc<Operation>> {
        let operation = match self.offer.operation(name) {
            Ok(operation) => operation,
            Err(Missing::Yet) => return None,
            Err(Missing::Never(hint)) => {
                self.tell(mark, path, format!("there is no operation `{name}`"), hint);
                return None;
            }
        };
        if let Some(why) = step.role.as_ref().and_then(|role| self.offer.forbids(role, name)) {
            let message = format!(
                "role `{}` may not run `{name}`",
                step.role.as_ref().map_or("", |role| role.as_str())
            );
            self.tell(mark, path, message, why);
        }
        if let Some(why) = self.offer.not_granted(&operation) {
            self.tell(mark, path, format!("`{name}` needs what it is not granted here"), why);
        }
        Some(operation)
    }

    fn child(&mut self, at: usize, step: &Step, child: &Playbook, params: &Template, path: &str) {
        let Some(schema) = child.input_schema.clone() else { return };
        let whose = format!("playbook `{}`", child.name);
        self.fits(at, params, Shape::of(&schema), &whose, &step.marks.work, &format!("{path} params"), false);
    }

    fn params(
        &mut self,
        at: usize,
        params: &Template,
        operation: &Operation,
        mark: &Mark,
        path: &str,
        undo: bool,
    ) {
        let whose = format!("operation `{}`", operation.name);
        self.fits(at, params, Shape::of(&operation.input_schema), &whose, mark, path, undo);
    }

    /// Whether what a template gives can satisfy a schema.
    #[expect(clippy::too_many_arguments, reason = "they say where, and belong together in no other way")]
    fn fits(
        &mut self,
        at: usize,
        template: &Template,
        wanted: Shape<'_>,
        whose: &str,
        mark: &Mark,
        path: &str,
        undo: bool,
    ) {
        let fields: Vec<(&String, Option<&Template>, Option<&Value>)> = match template {
            Template::Object(fields) => fields.iter().map(|(key, field)| (key, Some(field), None)).collect(),
            Template::Literal(Value::Object(fields)) => {
                fields.iter().map(|(key, value)| (key, None, Some(value))).collect()
            }
            other => return self.fits_type(at, other, wanted, whose, mark, path),
        };
        let playbook = self.playbook;
        let marks = playbook.steps.get(at).map(|step| match undo {
            true => &step.marks.undo_params,
            false => &step.marks.params,
        });
        let of_field = |key: &str| marks.and_then(|marks| marks.get(key)).unwrap_or(mark);
        if let Some(names) = wanted.only_properties() {
            for (key, ..) in &fields {
                if !names.contains(&key.as_str()) {
                    let message = format!("{whose} takes no `{key}`");
                    let hint = match names.is_empty() {
                        true => "it takes nothing".to_owned(),
                        false => nearest(key, names.iter().copied()),
                    };
                    self.tell(of_field(key), &format!("{path}.{key}"), message, hint);
                }
            }
        }
        for required in wanted.required() {
            if !fields.iter().any(|(key, ..)| *key == required) {
                let message = format!("{whose} needs `{required}`");
                self.tell(mark, path, message, format!("add `{required}: …` to what it is given"));
            }
        }
        for (key, template, literal) in fields {
            let Led::To(part) = wanted.key(key) else { continue };
            let (mark, path) = (of_field(key), format!("{path}.{key}"));
            match (template, literal) {
                (Some(template), _) => self.fits(at, template, part, whose, mark, &path, undo),
                (None, Some(value)) => self.literal_fits(value, part, whose, mark, &path),
                (None, None) => {}
            }
        }
    }

    fn fits_type(
        &mut self,
        at: usize,
        template: &Template,
        wanted: Shape<'_>,
        whose: &str,
        mark: &Mark,
        path: &str,
    ) {
        let given: Option<Types> = match template {
            Template::Literal(value) => return self.literal_fits(value, wanted, whose, mark, path),
            Template::Reference(reference) => self.types_of(at, reference),
            Template::Text(_) => Some(["string"].into()),
            Template::List(_) => Some(["array"].into()),
            Template::Object(_) => Some(["object"].into()),
            Template::Expression(_) => None,
        };
        let (Some(given), Some(wanted)) = (given, wanted.types()) else { return };
        if given.is_disjoint(&wanted) {
            let list = |types: Types| types.into_iter().collect::<Vec<_>>().join(" or ");
            let message = format!("{whose} wants {} here, and gets {}", list(wanted), list(given));
            let hint = "make it with an expression, such as {{ value|int }} or {{ value|string }}";
            self.tell(mark, path, message, hint.to_owned());
        }
    }

    fn literal_fits(&mut self, value: &Value, wanted: Shape<'_>, whose: &str, mark: &Mark, path: &str) {
        let Some(Ok(schema)) = wanted.alone().map(Schema::compile) else { return };
        let Err(violations) = schema.check(value) else { return };
        let wrong: Vec<String> = violations.into_iter().map(|violation| violation.message).collect();
        let message = format!("{whose} does not take this: {}", wrong.join("; "));
        self.tell(mark, path, message, format!("it is {} {value}", article(type_of(value))));
    }

    /// The types that a reference can lead to.
    fn types_of(&self, at: usize, reference: &Reference) -> Option<Types> {
        let mut path = reference.path();
        if let "input" | "steps" = reference.root() {
            let document = self.document(reference.root(), &mut path)?;
            return follow(Shape::of(&document), path)?.types();
        }
        // An element of a loop around the step.
        let loops = self.playbook.loops_around(at).into_iter().chain([at]).rev();
        let mut loops = loops.filter_map(|around| self.playbook.steps.get(around)?.each.as_ref());
        let each = loops.find(|each| *each.name == *reference.root())?;
        let Template::Reference(list) = &each.items else { return None };
        let mut list_path = list.path();
        let document = self.document(list.root(), &mut list_path)?;
        let Led::To(element) = follow(Shape::of(&document), list_path)?.element() else { return None };
        follow(element, path)?.types()
    }

    /// The schema of `$input`, or of `$steps.NAME.result`; the path goes on from there.
    fn document<'r>(
        &self,
        root: &str,
        path: &mut impl Iterator<Item = Result<&'r str, usize>>,
    ) -> Option<Arc<Value>> {
        match root {
            "input" => self.playbook.input_schema.clone(),
            "steps" => {
                let step: StepName = path.next()?.ok()?.parse().ok()?;
                (path.next()?.ok()? == "result").then_some(())?;
                let (need, _) = self.playbook.step(&step)?;
                self.outputs.get(need)?.clone()
            }
            _ => None,
        }
    }

    fn everything_read(&mut self, step: &Step, path: &str) {
        let mark = &step.marks.work;
        let mut uses = Uses::default();
        step.when.iter().for_each(|when| uses.add(when.uses()));
        step.each.iter().for_each(|each| uses.add(&each.items.uses()));
        match &step.work {
            Work::Operation { params, .. } | Work::Playbook { params, .. } => uses.add(&params.uses()),
            Work::Set(values) => uses.add(&values.uses()),
            Work::Intervention(ask) => {
                uses.add(&ask.prompt.uses());
                ask.context.iter().for_each(|context| uses.add(&context.uses()));
            }
            Work::Fail { message, .. } => uses.add(&message.uses()),
            Work::Switch(cases) => {
                cases.iter().filter_map(|case| case.when.as_ref()).for_each(|when| uses.add(when.uses()));
            }
            Work::Wait(_) | Work::Group | Work::NotAvailable(_) => {}
        }
        self.reads(&uses, mark, path);
    }

    /// Whether steps can give what is read of them.
    fn reads(&mut self, uses: &Uses, mark: &Mark, path: &str) {
        for used in &uses.steps {
            let Some(field) = &used.field else { continue };
            let Some((at, step)) = self.playbook.step(&used.step) else { continue };
            let Some(output) = self.outputs.get(at).cloned().flatten() else { continue };
            let Led::Nowhere(names) = Shape::of(&output).key(field) else { continue };
            let message = format!("step `{}` gives no `{field}`", step.name);
            let hint = match (step.each.is_some(), names.is_empty()) {
                (true, _) => format!("it is a loop: $steps.{}.result is a list", step.name),
                (false, true) => "its result has no fields".to_owned(),
                (false, false) => nearest(field, names.iter().copied()),
            };
            self.tell(mark, path, message, hint);
        }
    }
}

fn follow<'s, 'r>(shape: Shape<'s>, path: impl Iterator<Item = Result<&'r str, usize>>) -> Option<Shape<'s>> {
    let mut shape = shape;
    for part in path {
        let led = match part {
            Ok(key) => shape.key(key),
            Err(_) => shape.element(),
        };
        let Led::To(next) = led else { return None };
        shape = next;
    }
    Some(shape)
}

fn article(word: &str) -> String {
    match word.starts_with(['a', 'e', 'i', 'o', 'u']) {
        true => format!("an {word}:"),
        false => format!("a {word}:"),
    }
}

//! JSON values with references, expressions and holes in their strings.

use serde_json::{Map, Value};

use super::{EvalError, Expression, Mistake, Names, Reference, Scope, Uses};

/// A compiled value.
#[derive(Debug)]
pub enum Template {
    /// Nothing to compute in it.
    Literal(Value),
    /// The value that a reference leads to.
    Reference(Reference),
    /// The value of an expression.
    Expression(Expression),
    /// A text with holes.
    Text(Vec<Part>),
    /// A list of them.
    List(Vec<Template>),
    /// An object of them.
    Object(Vec<(String, Template)>),
}

/// A piece of a text with holes.
#[derive(Debug)]
pub enum Part {
    /// As it stands.
    Text(String),
    /// Inserted: strings as they are, everything else as JSON.
    Hole(Expression),
}

impl Template {
    /// Compiles a value and everything in it.
    pub fn compile(value: &Value, names: Names<'_>) -> Result<Self, Mistake> {
        match value {
            Value::String(text) => Self::compile_text(text, names),
            Value::Array(items) => {
                let items = items.iter().map(|item| Self::compile(item, names));
                let items = items.collect::<Result<Vec<_>, _>>()?;
                Ok(if items.iter().all(Self::is_literal) {
                    Self::Literal(value.clone())
                } else {
                    Self::List(items)
                })
            }
            Value::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|(key, value)| Ok((key.clone(), Self::compile(value, names)?)))
                    .collect::<Result<Vec<_>, Mistake>>()?;
                Ok(Self::object(fields))
            }
            other => Ok(Self::Literal(other.clone())),
        }
    }

    /// An object of compiled values.
    pub fn object(fields: Vec<(String, Self)>) -> Self {
        if fields.iter().any(|(_, field)| !field.is_literal()) {
            return Self::Object(fields);
        }
        let literals = fields.into_iter().filter_map(|(key, field)| match field {
            Self::Literal(value) => Some((key, value)),
            _ => None,
        });
        Self::Literal(Value::Object(literals.collect()))
    }

    fn is_literal(&self) -> bool {
        matches!(self, Self::Literal(_))
    }

    fn compile_text(text: &str, names: Names<'_>) -> Result<Self, Mistake> {
        if let Some(rest) = text.strip_prefix("$$") {
            return Ok(Self::Literal(Value::String(format!("${rest}"))));
        }
        if let Some(reference) = Reference::parse(text, names)? {
            return Ok(Self::Reference(reference));
        }
        let mut parts = parts(text, names)?;
        match (parts.len(), parts.pop()) {
            (_, None) => Ok(Self::Literal(Value::String(String::new()))),
            (1, Some(Part::Text(text))) => Ok(Self::Literal(Value::String(text))),
            (1, Some(Part::Hole(expression))) => Ok(Self::Expression(expression)),
            (_, Some(last)) => {
                parts.push(last);
                Ok(Self::Text(parts))
            }
        }
    }

    /// The value, with everything in it computed.
    pub fn eval(&self, scope: &Scope<'_>) -> Result<Value, EvalError> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Reference(reference) => reference.eval(scope),
            Self::Expression(expression) => expression.eval(scope),
            Self::Text(parts) => text(parts, scope).map(Value::String),
            Self::List(items) => items.iter().map(|item| item.eval(scope)).collect(),
            Self::Object(fields) => fields
                .iter()
                .map(|(key, field)| Ok((key.clone(), field.eval(scope)?)))
                .collect::<Result<Map<_, _>, EvalError>>()
                .map(Value::Object),
        }
    }

    /// What it reads.
    pub fn uses(&self) -> Uses {
        let mut uses = Uses::default();
        self.collect(&mut uses);
        uses
    }

    fn collect(&self, uses: &mut Uses) {
        match self {
            Self::Literal(_) => {}
            Self::Reference(reference) => uses.add(&reference.uses()),
            Self::Expression(expression) => uses.add(expression.uses()),
            Self::Text(parts) => {
                for part in parts {
                    if let Part::Hole(expression) = part {
                        uses.add(expression.uses());
                    }
                }
            }
            Self::List(items) => items.iter().for_each(|item| item.collect(uses)),
            Self::Object(fields) => fields.iter().for_each(|(_, field)| field.collect(uses)),
        }
    }
}

fn text(parts: &[Part], scope: &Scope<'_>) -> Result<String, EvalError> {
    let mut out = String::new();
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Hole(expression) => match expression.eval(scope)? {
                Value::String(text) => out.push_str(&text),
                value => out.push_str(&value.to_string()),
            },
        }
    }
    Ok(out)
}

/// Splits a text at its holes, `{{ … }}` and `${…}`.
fn parts(text: &str, names: Names<'_>) -> Result<Vec<Part>, Mistake> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let hole = [("{{", "}}"), ("${", "}")]
            .into_iter()
            .filter_map(|(open, close)| rest.find(open).map(|at| (at, open, close)))
            .min_by_key(|(at, ..)| *at);
        let Some((at, open, close)) = hole else { break };
        let (before, inside) = rest.split_at_checked(at).unwrap_or((rest, ""));
        let inside = inside.get(open.len()..).unwrap_or_default();
        let Some((source, after)) = inside.split_once(close) else {
            return Err(Mistake::new(
                format!("`{open}` is never closed"),
                format!("close it with `{close}`, or write {{{{ '{open}' }}}} for the text itself"),
            ));
        };
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        parts.push(Part::Hole(Expression::compile(source.trim(), names)?));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use serde_json::json;

    use super::super::Level;
    use super::*;

    fn eval(value: Value) -> Result<Value, String> {
        let scope = Scope {
            execution: &Arc::new(json!({ "id": "exec_1" })),
            input: &Arc::new(json!({ "name": "Ada", "n": 3, "list": [1, { "x": true }] })),
            event: None,
            root: &Level::default(),
            inner: Vec::new(),
        };
        let template = Template::compile(&value, Names::default()).map_err(|mistake| mistake.message)?;
        template.eval(&scope).map_err(|error| error.to_string())
    }

    #[test]
    fn one_reference_keeps_its_type() {
        assert_eq!(
            eval(json!({ "a": "$input.n", "b": ["$input.list[1].x"] })),
            Ok(json!({ "a": 3, "b": [true] }))
        );
        assert_eq!(eval(json!("{{ input.n + 1 }}")), Ok(json!(4)));
    }

    #[test]
    fn a_longer_text_gets_text() {
        assert_eq!(
            eval(json!("Dear ${input.name}, {{ input.n }} of {{ input.list }}")),
            Ok(json!("Dear Ada, 3 of [1,{\"x\":true}]"))
        );
    }

    #[test]
    fn what_computes_nothing_is_itself() {
        for value in [json!({ "a": [1, null, "$5.00", "x"] }), json!(""), json!("}} {"), json!({})] {
            assert_eq!(eval(value.clone()), Ok(value));
        }
        assert_eq!(eval(json!("$$input.n")), Ok(json!("$input.n")));
    }

    #[test]
    fn mistakes_are_found_when_it_is_compiled() {
        for bad in ["{{ input.n", "{{ input. }}", "$inptu.n", "x ${ y }"] {
            assert!(Template::compile(&json!([bad]), Names::default()).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn compiling_never_panics(text in ".{0,60}") {
            let _ = eval(json!(text));
        }
    }
}

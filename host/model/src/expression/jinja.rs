//! Expressions in Jinja's language, on minijinja.
//!
//! Two habits of playbooks are translated first, outside string literals: the `$` before a name is dropped
//! (`$input.a` is `input.a`), and a step's name may contain hyphens (`steps.choose-jelly.result` becomes
//! `steps["choose-jelly"].result`), which Jinja alone would read as a subtraction.

use std::fmt;
use std::sync::LazyLock;

use minijinja::Environment;
use serde_json::Value;

use crate::ids::StepName;

use super::{EvalError, Mistake, Names, Scope, StepUse, Uses, bounds};

/// Longest expression, in bytes.
const MAX_SOURCE: usize = 4_096;

static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(bounds::language);

/// A compiled expression.
pub struct Expression {
    source: String,
    uses: Uses,
    compiled: minijinja::Expression<'static, 'static>,
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}

impl Expression {
    /// Compiles an expression, without braces around it.
    pub fn compile(source: &str, names: Names<'_>) -> Result<Self, Mistake> {
        if source.len() > MAX_SOURCE {
            return Err(Mistake::new(
                format!("the expression is {} bytes long", source.len()),
                format!("{MAX_SOURCE} bytes at most: compute it in an operation"),
            ));
        }
        let (translated, uses) = translate(source);
        let compiled = ENGINE.compile_expression_owned(bounds::guarded(&translated)?).map_err(|error| {
            Mistake::new(
                format!("`{source}` is not an expression: {}", detail(&error)),
                "the language is Jinja's: input.n > 3 and steps.NAME.result.ok",
            )
        })?;
        let mut unknown: Vec<_> = compiled
            .undeclared_variables(false)
            .into_iter()
            .filter(|name| !names.allow(name))
            .filter(|name| !is_function(name))
            .collect();
        unknown.sort();
        if let Some(name) = unknown.first() {
            let hint = match name.as_str() {
                "yes" | "on" | "no" | "off" | "null" => {
                    "write true, false or none; put texts in quotes".to_owned()
                }
                name => Names::elsewhere(name)
                    .unwrap_or_else(|| format!("names begin with {}; put texts in quotes", names.list(""))),
            };
            return Err(Mistake::new(format!("unknown name `{name}` in `{source}`"), hint));
        }
        Ok(Self { source: source.to_owned(), uses, compiled })
    }

    /// What it reads.
    pub fn uses(&self) -> &Uses {
        &self.uses
    }

    /// Its value.
    pub fn eval(&self, scope: &Scope<'_>) -> Result<Value, EvalError> {
        let value = self.compiled.eval(scope.to_jinja()).map_err(|error| self.failed(detail(&error)))?;
        if value.is_undefined() {
            return Err(self.failed("there is no such value".to_owned()));
        }
        serde_json::to_value(&value).map_err(|error| self.failed(error.to_string()))
    }

    /// Whether it holds, for `when`.
    pub fn holds(&self, scope: &Scope<'_>) -> Result<bool, EvalError> {
        let value = self.compiled.eval(scope.to_jinja()).map_err(|error| self.failed(detail(&error)))?;
        if value.is_undefined() {
            return Err(self.failed("there is no such value".to_owned()));
        }
        Ok(value.is_true())
    }

    fn failed(&self, reason: String) -> EvalError {
        EvalError { source_text: self.source.clone(), reason }
    }
}

/// Functions of the language itself.
fn is_function(name: &str) -> bool {
    matches!(name, "range" | "dict" | "true" | "false" | "none")
}

fn detail(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

/// Translates the habits of playbooks, and notes what is read.
fn translate(source: &str) -> (String, Uses) {
    let mut out = String::with_capacity(source.len() + 16);
    let mut uses = Uses::default();
    let mut rest = source;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        if c == '"' || c == '\'' {
            let literal = literal_len(rest, c);
            push(&mut out, &mut rest, literal);
        } else if is_word(before) || before == '.' {
            push(&mut out, &mut rest, c.len_utf8());
        } else if let Some((name, field, length)) = step_path(rest) {
            out.push_str(&format!("steps[\"{name}\"]"));
            rest = rest.get(length..).unwrap_or_default();
            uses.steps.insert(StepUse { step: name, field });
            before = ']';
            continue;
        } else if c == '$' && rest.get(1..).is_some_and(|tail| tail.starts_with(char::is_alphabetic)) {
            rest = rest.get(1..).unwrap_or_default();
            continue;
        } else {
            uses.vars.extend(var_name(rest).map(str::to_owned));
            push(&mut out, &mut rest, c.len_utf8());
        }
        before = out.chars().next_back().unwrap_or(' ');
    }
    (out, uses)
}

fn push(out: &mut String, rest: &mut &str, length: usize) {
    let (taken, tail) = rest.split_at_checked(length).unwrap_or((rest, ""));
    out.push_str(taken);
    *rest = tail;
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Bytes of the string literal that `text` begins with, quotes included.
pub(super) fn literal_len(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// `steps.NAME` or `$steps.NAME` or `steps["NAME"]` at the front of `text`: the name, the field of its
/// result, and the bytes of the part that names the step.
fn step_path(text: &str) -> Option<(StepName, Option<String>, usize)> {
    let body = text.strip_prefix('$').unwrap_or(text).strip_prefix("steps")?;
    let (name, rest) = if let Some(after) = body.strip_prefix('.') {
        let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'));
        after.split_at_checked(end.unwrap_or(after.len()))?
    } else {
        let quote = body.get(1..2).filter(|quote| *quote == "\"" || *quote == "'")?;
        let after = body.strip_prefix('[')?.strip_prefix(quote)?;
        let (name, rest) = after.split_once(quote)?;
        (name, rest.strip_prefix(']')?)
    };
    let field = rest
        .strip_prefix(".result.")
        .map(|tail| tail.chars().take_while(|c| is_word(*c)).collect::<String>());
    Some((name.parse().ok()?, field.filter(|field| !field.is_empty()), text.len() - rest.len()))
}

/// `NAME` of `vars.NAME` at the front of `text`.
fn var_name(text: &str) -> Option<&str> {
    let name = text.strip_prefix("vars.")?;
    let end = name.find(|c: char| !is_word(c)).unwrap_or(name.len());
    name.get(..end).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use proptest::prelude::*;
    use serde_json::json;

    use super::super::{Done, Item, Level};
    use super::*;
    use crate::failure::Failure;

    fn steps() -> BTreeMap<StepName, Done> {
        BTreeMap::from([
            ("choose-jelly".parse().unwrap(), Done::Result(Arc::new(json!({ "flavor": "grape", "n": 4 })))),
            ("review".parse().unwrap(), Done::Skipped),
            ("charge".parse().unwrap(), Done::Failed(Arc::new(Failure::permanent("NO_FUNDS", "empty")))),
        ])
    }

    fn eval(source: &str) -> Result<Value, String> {
        let names = Names { items: &["line".into()], event: true, only: None };
        let expression = Expression::compile(source, names).map_err(|mistake| mistake.message)?;
        let item = Item { name: "line".into(), value: Arc::new(json!({ "price": 7 })), index: 2 };
        let vars = |value: Value| Arc::new(value.as_object().unwrap().clone());
        let root = Level { steps: Arc::new(steps()), vars: vars(json!({ "a": 1, "b": 1 })), item: None };
        let inner = Level { vars: vars(json!({ "b": 2 })), item: Some(item), ..Level::default() };
        let scope = Scope {
            execution: &Arc::new(json!({ "id": "exec_1" })),
            input: &Arc::new(json!({ "sandwichType": "classic", "amount": 120.5 })),
            event: Some(&Arc::new(json!({ "orderId": "o1" }))),
            root: &root,
            inner: vec![&inner],
        };
        expression.eval(&scope).map_err(|error| error.to_string())
    }

    #[test]
    fn the_dollar_is_optional_and_hyphens_are_names() {
        assert_eq!(
            eval("$steps.choose-jelly.result.n > 3 and input.sandwichType == 'classic'"),
            Ok(json!(true))
        );
        assert_eq!(eval("steps['choose-jelly'].result.n - 1"), Ok(json!(3)));
        assert_eq!(eval("input.amount>100"), Ok(json!(true)));
    }

    #[test]
    fn what_stands_in_quotes_is_left_alone() {
        assert_eq!(eval("'$input steps.a-b \\' x'"), Ok(json!("$input steps.a-b ' x")));
    }

    #[test]
    fn a_skipped_step_is_null_and_says_so() {
        assert_eq!(eval("steps.review.result"), Ok(Value::Null));
        assert_eq!(eval("steps.review.status == 'skipped'"), Ok(json!(true)));
    }

    #[test]
    fn a_failure_that_the_playbook_lives_with_can_be_read() {
        assert_eq!(eval("steps.charge.result"), Ok(Value::Null));
        assert_eq!(eval("steps.charge.status ~ steps.charge.failure.code"), Ok(json!("failedNO_FUNDS")));
        assert_eq!(eval("steps.review.failure"), Ok(Value::Null));
    }

    #[test]
    fn inside_of_a_loop_its_own_values_come_first() {
        assert_eq!(eval("line.price * index + vars.a + $vars.b"), Ok(json!(17)));
        assert_eq!(eval("event.orderId == 'o1' and steps['choose-jelly'].result.n == 4"), Ok(json!(true)));
        let uses = |text| Expression::compile(text, Names::default()).unwrap().uses().clone();
        assert_eq!(uses("vars.a + vars.b_2 * 3").vars, ["a".to_owned(), "b_2".to_owned()].into());
        assert_eq!(uses("'vars.a' ~ input.vars.c").vars, [].into());
    }

    #[test]
    fn undefined_names_and_values_are_errors() {
        assert!(eval("inptu.a == 1").unwrap_err().contains("unknown name `inptu`"));
        assert!(eval("input.nothing > 3").is_err());
        assert!(eval("input.nothing").is_err());
    }

    #[test]
    fn a_bomb_is_an_error_and_not_memory() {
        for bomb in [
            "'x' * 100000000",
            "100000000 * input.sandwichType",
            "[0] * 100000000",
            "3 * input.sandwichType|upper",
            "input.amount * [1]|first * 'x'",
            "range(1000000000)|list",
            "range(0, 100000, 1)",
            "range(9000)|join('x' ~ range(9000)|join('y'))",
            "range(9000)|join('yyy')|replace('y', range(9000)|join('z'))",
            "range(9000)|map('string')|map('replace', '', range(9000)|join)|list",
            "range(100)|sum(start='x')",
            "input.list|batch(1000000000, 0)|list",
            "'x'|indent(1000000000)",
        ] {
            let told = eval(bomb).unwrap_err();
            assert!(told.len() < 2_000, "{bomb}: {told}");
        }
        assert!(eval(&format!("1{}", " + 1".repeat(100))).unwrap_err().contains("100 of `+` and `~`"));
    }

    #[test]
    fn deep_and_long_expressions_end_in_an_error_or_a_value() {
        for text in [
            "(".repeat(4_000),
            "[".repeat(2_000) + &"]".repeat(2_000),
            "-".repeat(4_000) + "1",
            "not ".repeat(1_000) + "true",
            "1 if true else ".repeat(250) + "1",
            format!("input{}", ".a".repeat(2_000)),
            format!("'x'{}", "|upper".repeat(600)),
            format!("false{}", " or false".repeat(400)),
            format!("1{}", "-1".repeat(2_000)),
            format!("2{}", "**2".repeat(1_000)),
        ] {
            let _ = eval(&text);
        }
    }

    #[test]
    fn multiplying_numbers_is_as_before() {
        for (source, value) in [
            ("2 * 3 * 4", json!(24)),
            ("input.amount * 2", json!(241.0)),
            ("-2 * -input.amount|int ** 1 + 1", json!(241)),
            ("(1 + 2) * (3 + 4)|abs", json!(21)),
            ("2 ** 3 * 2", json!(16)),
            ("range(1, 4)|sum * 2", json!(12)),
            ("[1, 2][1] * {'a': 3}['a']", json!(6)),
            ("range(3)|join('-')", json!("0-1-2")),
            ("'a-b'|replace('-', '+')", json!("a+b")),
            ("range(4, 0, -2)|list", json!([4, 2])),
            ("[{'n': 1}, {'n': 2}]|map(attribute='n')|sum", json!(3)),
            ("[{'n': 1}, {'n': 2}]|sum(attribute='n')", json!(3)),
            ("[{'n': 1}, {'n': 2}]|join(', ', attribute='n')", json!("1, 2")),
        ] {
            assert_eq!(eval(source), Ok(value), "{source}");
        }
        assert!(
            eval("input.sandwichType * 2")
                .unwrap_err()
                .contains("only numbers can be multiplied, not string")
        );
    }

    #[test]
    fn the_steps_that_it_reads_are_known() {
        let source = "steps.choose-jelly.result.flavor == steps.review.status";
        let expression = Expression::compile(source, Names::default()).unwrap();
        let uses: Vec<_> =
            expression.uses().steps.iter().map(|u| (u.step.as_str(), u.field.as_deref())).collect();
        assert_eq!(uses, [("choose-jelly", Some("flavor")), ("review", None)]);
    }

    proptest! {
        #[test]
        fn compiling_and_computing_never_panic(source in ".{0,80}") {
            let _ = eval(&source);
        }
    }
}

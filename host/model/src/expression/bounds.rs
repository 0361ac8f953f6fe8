//! What keeps an expression small, whatever its author meant.
//!
//! Fuel bounds how many instructions run, but not what one of them makes: `'x' * 100000000` is one, and so is a
//! filter that joins a list with a book between its items. A playbook's author is trusted less than the host, so:
//!
//! - `*` multiplies numbers only. Jinja's operator cannot be replaced, so both operands pass through a filter that
//!   is put in when the expression is compiled;
//! - `+` and `~`, which also join texts and lists, stand in one expression [`MAX_JOINS`] times at most;
//! - filters that make much out of little are bounded here or left out, and unknown ones are found at load.

use minijinja::value::{Kwargs, Value as Jinja};
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior, filters};

use super::Mistake;
use super::tokens::{Kind, Token, tokens};

/// Instructions that one evaluation may take: far more than any honest expression, a few milliseconds.
const FUEL: u64 = 50_000;
/// Bytes that the filters of one evaluation may make of less.
const MAX_TEXT: usize = 4 << 20;
/// Items of a `range`.
const MAX_RANGE: i64 = 10_000;
/// How often `+` and `~` may stand in one expression.
const MAX_JOINS: usize = 64;

/// The filter that lets numbers through.
const NUMBER: &str = "orgata_number";
/// Where an evaluation keeps how many bytes its filters made.
const MADE: &str = "orgata_made";

/// Jinja's filters that are here; `batch`, `slice`, `indent`, `format`, `chain`, `zip` and those of HTML are not.
const FILTERS: [&str; 38] = [
    "abs",
    "bool",
    "capitalize",
    "count",
    "d",
    "default",
    "dictsort",
    "first",
    "float",
    "groupby",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "select",
    "selectattr",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "trim",
    "unique",
    "upper",
    "attr",
    NUMBER,
];

/// Jinja's tests, as in `x is defined`.
const TESTS: [&str; 33] = [
    "undefined",
    "defined",
    "none",
    "boolean",
    "odd",
    "even",
    "divisibleby",
    "number",
    "integer",
    "int",
    "float",
    "string",
    "sequence",
    "iterable",
    "mapping",
    "startingwith",
    "endingwith",
    "lower",
    "upper",
    "sameas",
    "eq",
    "equalto",
    "ne",
    "lt",
    "lessthan",
    "le",
    "gt",
    "greaterthan",
    "ge",
    "in",
    "true",
    "false",
    "filter",
];

/// The language of expressions.
pub(super) fn language() -> Environment<'static> {
    let mut language = Environment::new();
    language.set_undefined_behavior(UndefinedBehavior::Strict);
    language.set_fuel(Some(FUEL));
    for absent in ["batch", "slice", "indent", "format", "chain", "zip", "pprint", "safe", "escape", "e"] {
        language.remove_filter(absent);
    }
    for absent in ["debug", "namespace"] {
        language.remove_global(absent);
    }
    language.add_function("range", range);
    language.add_filter("replace", replace);
    language.add_filter("join", join);
    language.add_filter("sum", sum);
    language.add_filter(NUMBER, number);
    language
}

fn refused(reason: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, reason.into())
}

fn number(value: Jinja) -> Result<Jinja, Error> {
    if value.is_number() {
        return Ok(value);
    }
    Err(refused(format!("only numbers can be multiplied, not {}", value.kind())))
}

fn range(lower: i64, upper: Option<i64>, step: Option<i64>) -> Result<Jinja, Error> {
    let (from, to) = upper.map_or((0, lower), |upper| (lower, upper));
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(refused("a range cannot have a step of 0"));
    }
    let forward = move |at: &i64| if step > 0 { *at < to } else { *at > to };
    let next = move |at: &i64| at.checked_add(step).filter(forward);
    let items = || std::iter::successors(Some(from).filter(forward), next);
    let bound = usize::try_from(MAX_RANGE).unwrap_or(usize::MAX);
    if items().nth(bound).is_some() {
        return Err(refused(format!("a range has {MAX_RANGE} items at most")));
    }
    Ok(items().map(Jinja::from).collect())
}

/// Charges an evaluation for bytes that a filter makes.
fn charge(state: &mut State, bytes: usize) -> Result<(), Error> {
    let made = state.get_temp(MADE).and_then(|made| made.as_usize()).unwrap_or(0).saturating_add(bytes);
    if made > MAX_TEXT {
        return Err(refused(format!("the text grows larger than {MAX_TEXT} bytes")));
    }
    state.set_temp(MADE, Jinja::from(made));
    Ok(())
}

fn replace(state: &mut State, text: &str, from: &str, to: &str) -> Result<String, Error> {
    let found = text.matches(from).count();
    charge(state, text.len().saturating_add(found.saturating_mul(to.len())))?;
    Ok(text.replace(from, to))
}

fn join(state: &mut State, value: Jinja, joiner: Option<&str>, options: Kwargs) -> Result<String, Error> {
    let (d, attribute) = (options.get::<Option<&str>>("d")?, options.get::<Option<&str>>("attribute")?);
    options.assert_all_used()?;
    let joiner = joiner.or(d).unwrap_or_default();
    let mut joined = String::new();
    for (at, item) in value.try_iter()?.enumerate() {
        let item = match attribute {
            Some(attribute) => item.get_attr(attribute)?,
            None => item,
        };
        if item.is_undefined() {
            return Err(refused("cannot join a value that does not exist"));
        }
        let text = item.as_str().map_or_else(|| item.to_string().into(), std::borrow::Cow::Borrowed);
        let before = if at > 0 { joiner } else { "" };
        charge(state, before.len() + text.len())?;
        joined.push_str(before);
        joined.push_str(&text);
    }
    Ok(joined)
}

/// Jinja's `sum` also joins texts and lists, when it is given one to start from.
fn sum(state: &mut State, values: Jinja, attribute: Option<&str>, options: Kwargs) -> Result<Jinja, Error> {
    let start = options.get::<Option<Jinja>>("start")?.map(number).transpose()?;
    filters::sum(state, values, attribute, start, options)
}

/// The expression with its multiplications guarded; refused when it uses what is not there.
pub(super) fn guarded(source: &str) -> Result<String, Mistake> {
    let tokens = tokens(source);
    let mut guards = Vec::new();
    let mut joins = 0;
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| tokens.get(at));
        let word = |at: usize| {
            tokens.get(at).filter(|token| token.kind == Kind::Word).map(|token| token.text(source))
        };
        match token.text(source) {
            // Behind an opening bracket or a comma it is not a multiplication, but takes a list apart.
            "*" if before.is_some_and(|before| !matches!(before.text(source), "(" | "," | "[")) => {
                guards.push(token.place.start);
                guards.extend(operand_end(source, &tokens, at + 1));
            }
            "+" | "~" => joins += 1,
            "|" => known("filter", word(at + 1), &FILTERS)?,
            "is" if token.kind == Kind::Word && before.is_none_or(|before| before.text(source) != ".") => {
                let name = if word(at + 1) == Some("not") { at + 2 } else { at + 1 };
                known("test", word(name), &TESTS)?;
            }
            _ => {}
        }
    }
    if joins > MAX_JOINS {
        let hint = format!("{MAX_JOINS} at most: put a long text together with `${{…}}` holes");
        return Err(Mistake::new(format!("the expression has {joins} of `+` and `~`"), hint));
    }
    Ok(with_guards(source, guards))
}

fn known(what: &str, name: Option<&str>, names: &[&str]) -> Result<(), Mistake> {
    match name {
        Some(name) if !names.contains(&name) || name == NUMBER => {
            let shown: Vec<_> = names.iter().copied().filter(|name| *name != NUMBER).collect();
            Err(Mistake::new(
                format!("there is no {what} `{name}`"),
                format!("there are: {}", shown.join(", ")),
            ))
        }
        // Anything else is not an expression, and the compiler says why.
        _ => Ok(()),
    }
}

fn with_guards(source: &str, mut places: Vec<usize>) -> String {
    places.sort_unstable();
    let mut out = String::with_capacity(source.len() + places.len() * (NUMBER.len() + 3));
    let mut from = 0;
    for place in places {
        out.push_str(source.get(from..place).unwrap_or_default());
        out.push('|');
        out.push_str(NUMBER);
        out.push(' ');
        from = place;
    }
    out.push_str(source.get(from..).unwrap_or_default());
    out
}

/// Where the operand ends that begins with this token: a value with everything that binds to it more tightly
/// than `*`, filters included.
fn operand_end(source: &str, tokens: &[Token], first: usize) -> Option<usize> {
    let text = |at: usize| tokens.get(at).map(|token| token.text(source));
    let mut at = first;
    while text(at) == Some("-") {
        at += 1;
    }
    at = behind(source, tokens, at)?;
    loop {
        at = match text(at) {
            Some(".") => at + 2,
            Some("(" | "[") => behind(source, tokens, at)?,
            Some("|") if text(at + 2) == Some("(") => behind(source, tokens, at + 2)?,
            Some("|") => at + 2,
            _ => break,
        };
    }
    tokens.get(at.checked_sub(1)?).map(|token| token.place.end)
}

/// The place behind one value: a token, or a bracket with everything in it.
fn behind(source: &str, tokens: &[Token], first: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate().skip(first) {
        match token.text(source) {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_operands_of_a_multiplication_pass_through_the_guard() {
        let guard = |source: &str| guarded(source).unwrap().replace(NUMBER, "n").replace("|n ", "§");
        for (source, with) in [
            ("a*b", "a§*b§"),
            ("a * b * c", "a § * b §§* c§"),
            ("2*(a + b)|abs", "2§*(a + b)|abs§"),
            ("a.b[0].c * -d.e|round(2) + 1", "a.b[0].c § * -d.e|round(2)§ + 1"),
            ("a ** 2 * 1.5e-3", "a ** 2 § * 1.5e-3§"),
            ("x.1.0*y", "x.1.0§*y§"),
            ("'*' ~ \"a*b\"", "'*' ~ \"a*b\""),
            ("f(*a)", "f(*a)"),
            ("a*b is odd", "a§*b§ is odd"),
        ] {
            assert_eq!(guard(source).replace(' ', ""), with.replace(' ', ""), "{source}");
        }
    }

    #[test]
    fn every_filter_and_test_that_is_listed_is_there() {
        let language = language();
        for name in FILTERS {
            let told = language.compile_expression(&format!("1|{name}")).map(|it| it.eval(()));
            let missing = matches!(&told, Ok(Err(error)) if error.kind() == ErrorKind::UnknownFilter);
            assert!(told.is_ok() && !missing, "{name}");
        }
        for name in TESTS {
            let told = language.compile_expression(&format!("1 is {name}")).map(|it| it.eval(()));
            let missing = matches!(&told, Ok(Err(error)) if error.kind() == ErrorKind::UnknownTest);
            assert!(told.is_ok() && !missing, "{name}");
        }
    }

    /// Arithmetic in every form that the operands of `*` take.
    fn arithmetic() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            (0u8..100).prop_map(|n| n.to_string()),
            (0u8..9, 0u8..99).prop_map(|(n, m)| format!("{n}.{m}")),
            Just("1e2".to_owned()),
            Just("2.5e-1".to_owned()),
            Just("n".to_owned()),
            Just("o.a.n".to_owned()),
            Just("o['a'].n".to_owned()),
            Just("l[1]".to_owned()),
            Just("'a*b'|length".to_owned()),
        ];
        leaf.prop_recursive(5, 24, 3, |inner| {
            let two = (inner.clone(), inner.clone());
            prop_oneof![
                two.clone().prop_map(|(a, b)| format!("{a}*{b}")),
                two.clone().prop_map(|(a, b)| format!("{a} * {b}")),
                two.clone().prop_map(|(a, b)| format!("{a} + {b}")),
                two.clone().prop_map(|(a, b)| format!("{a} - {b}")),
                two.clone().prop_map(|(a, b)| format!("({a}) // ({b} + 1000)")),
                two.prop_map(|(a, b)| format!("[{a}, {b}]|max")),
                inner.clone().prop_map(|a| format!("({a})")),
                inner.clone().prop_map(|a| format!("-{a}")),
                inner.clone().prop_map(|a| format!("{a}|abs")),
                inner.clone().prop_map(|a| format!("{a}|round(1)")),
                inner.prop_map(|a| format!("({a} if {a} is number else 0)")),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_guarded_expression_computes_what_it_did_before(source in arithmetic()) {
            prop_assume!(source.matches('+').count() <= MAX_JOINS);
            let scope = || minijinja::context! { n => 7, o => minijinja::context! { a => minijinja::context! { n => 3 } }, l => [1, 5] };
            let plain = Environment::new();
            let before = plain.compile_expression(&source).unwrap().eval(scope());
            let language = language();
            let with = guarded(&source).unwrap();
            let after = language.compile_expression(&with).unwrap_or_else(|error| panic!("{with}: {error}")).eval(scope());
            prop_assert_eq!(before.ok().map(|it| it.to_string()), after.ok().map(|it| it.to_string()), "{}", with);
        }

        #[test]
        fn guarding_never_panics(source in ".{0,60}") {
            let _ = guarded(&source);
        }
    }

    #[test]
    fn unknown_filters_and_tests_are_found() {
        for (source, told) in [
            ("a|uper", "there is no filter `uper`"),
            ("a is not defned", "there is no test `defned`"),
            ("a|batch(3)", "there is no filter `batch`"),
            ("a|orgata_number", "there is no filter `orgata_number`"),
        ] {
            assert_eq!(guarded(source).unwrap_err().message, told);
        }
        assert!(guarded("input.is|default(1) is defined").is_ok());
    }
}

//! A question asked at the terminal: its schema says what is asked for, one line or one menu for each part.
//!
//! Whether an answer fits is for the host to say; here it is only made easy to give one that does.

use std::fmt::{self, Write};

use crate::wire::Parts as _;
use anyhow::Context as _;
use dialoguer::theme::Theme;
use dialoguer::{Input, Select};
use serde_json::{Map, Value};

/// What an answer is made of.
#[derive(Debug, PartialEq)]
enum Form {
    /// One value.
    One(Entry),
    /// An object with these fields.
    Fields(Vec<Field>),
}

/// One field of an answer.
#[derive(Debug, PartialEq)]
struct Field {
    name: String,
    description: Option<String>,
    required: bool,
    entry: Entry,
}

/// How one value is given.
#[derive(Debug, PartialEq)]
enum Entry {
    /// One of these.
    Choice(Vec<Value>),
    /// Text as it is typed.
    Text,
    /// JSON.
    Json,
    /// JSON where it is JSON, the text itself otherwise.
    Any,
}

/// Asks a question, as the wire shows it. Its prompt is on the screen already.
pub(crate) fn ask(question: &Value) -> anyhow::Result<Value> {
    match Form::of(question) {
        Form::One(entry) => entry.ask("answer", true).map(Option::unwrap_or_default),
        Form::Fields(fields) => {
            // The only menu of a question needs no name: the prompt has just said what it is about.
            if let [Field { name, required: true, entry: Entry::Choice(choices), .. }] = fields.as_slice() {
                return Ok(Value::Object(Map::from_iter([(name.clone(), choose("", choices)?)])));
            }
            let mut answer = Map::new();
            for field in fields {
                if let Some(value) = field.entry.ask(&field.label(), field.required)? {
                    answer.insert(field.name, value);
                }
            }
            Ok(Value::Object(answer))
        }
    }
}

impl Form {
    fn of(question: &Value) -> Self {
        let schema = question.part("responseSchema");
        let options = question.part("options").as_array().filter(|options| !options.is_empty());
        let mut fields = fields(schema);
        if fields.is_empty() {
            return match (Entry::of(schema), options) {
                (Entry::Any, Some(options)) => Self::One(Entry::Choice(options.clone())),
                (entry, _) => Self::One(entry),
            };
        }
        // Options are meant for the field that takes anything, if there is but one.
        let mut open = fields.iter_mut().filter(|field| field.entry == Entry::Any);
        if let (Some(field), None, Some(options)) = (open.next(), open.next(), options) {
            field.entry = Entry::Choice(options.clone());
        }
        Self::Fields(fields)
    }
}

/// The fields of an object's schema, required ones first.
fn fields(schema: &Value) -> Vec<Field> {
    let required: Vec<&str> = schema.part("required").items().filter_map(Value::as_str).collect();
    let properties = schema.part("properties").as_object();
    let others = properties.into_iter().flat_map(Map::keys).map(String::as_str);
    let names = required.iter().copied().chain(others.filter(|name| !required.contains(name)));
    let field = |name: &str| {
        let schema = schema.part("properties").part(name);
        Field {
            name: name.to_owned(),
            description: schema.word("description").map(str::to_owned),
            required: required.contains(&name),
            entry: Entry::of(schema),
        }
    };
    names.map(field).collect()
}

impl Field {
    fn label(&self) -> String {
        let Self { name, description, required, .. } = self;
        let about = description.as_ref().map_or_else(String::new, |text| format!(" ({text})"));
        let empty = if *required || matches!(self.entry, Entry::Choice(_)) { "" } else { " (may be empty)" };
        format!("{name}{about}{empty}")
    }
}

impl Entry {
    fn of(schema: &Value) -> Self {
        if let Some(choices) = schema.part("enum").as_array().filter(|choices| !choices.is_empty()) {
            return Self::Choice(choices.clone());
        }
        match schema.word("type") {
            Some("string") => Self::Text,
            Some("boolean") => Self::Choice(vec![Value::Bool(true), Value::Bool(false)]),
            Some(_) => Self::Json,
            None => Self::Any,
        }
    }

    /// Asks for a value; `None` when it is left out.
    fn ask(&self, label: &str, required: bool) -> anyhow::Result<Option<Value>> {
        if let Self::Choice(choices) = self {
            return if required { choose(label, choices).map(Some) } else { choose_or_leave(label, choices) };
        }
        let strict = *self == Self::Json;
        let valid = move |text: &String| match serde_json::from_str::<Value>(text) {
            Err(error) if strict && !text.is_empty() => Err(format!("this is not JSON: {error}")),
            _ => Ok(()),
        };
        let input = Input::<String>::with_theme(&Indented).with_prompt(label).allow_empty(!required);
        let text = input.validate_with(valid).interact_text()?;
        Ok(match self {
            _ if text.is_empty() => None,
            Self::Text => Some(Value::String(text)),
            _ => Some(serde_json::from_str(&text).unwrap_or(Value::String(text))),
        })
    }
}

fn choose(label: &str, choices: &[Value]) -> anyhow::Result<Value> {
    let items: Vec<String> = choices.iter().map(shown).collect();
    let chosen = menu(label, &items)?;
    choices.get(chosen).cloned().context("nothing was chosen")
}

fn choose_or_leave(label: &str, choices: &[Value]) -> anyhow::Result<Option<Value>> {
    let items: Vec<String> =
        std::iter::once("(nothing)".to_owned()).chain(choices.iter().map(shown)).collect();
    let chosen = menu(label, &items)?;
    Ok(chosen.checked_sub(1).and_then(|at| choices.get(at)).cloned())
}

fn menu(label: &str, items: &[String]) -> anyhow::Result<usize> {
    let menu = Select::with_theme(&Indented).items(items).default(0);
    let menu = if label.is_empty() { menu.report(false) } else { menu.with_prompt(label) };
    Ok(menu.interact()?)
}

fn shown(choice: &Value) -> String {
    match choice {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => other.to_string(),
    }
}

/// Below the question that is asked.
struct Indented;

impl Theme for Indented {
    fn format_prompt(&self, f: &mut dyn Write, prompt: &str) -> fmt::Result {
        write!(f, "    {prompt}:")
    }

    fn format_error(&self, f: &mut dyn Write, error: &str) -> fmt::Result {
        write!(f, "    {error}")
    }

    fn format_input_prompt(&self, f: &mut dyn Write, prompt: &str, _: Option<&str>) -> fmt::Result {
        write!(f, "    {prompt}: ")
    }

    fn format_input_prompt_selection(&self, f: &mut dyn Write, prompt: &str, chosen: &str) -> fmt::Result {
        write!(f, "    {prompt}: {chosen}")
    }

    fn format_select_prompt_item(&self, f: &mut dyn Write, text: &str, active: bool) -> fmt::Result {
        write!(f, "    {} {text}", if active { ">" } else { " " })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn choice(choices: &[&str]) -> Entry {
        Entry::Choice(choices.iter().map(|&choice| choice.into()).collect())
    }

    fn field(name: &str, required: bool, entry: Entry) -> Field {
        Field { name: name.to_owned(), description: None, required, entry }
    }

    #[test]
    fn a_choice_inside_an_object_is_asked_for_as_its_field() {
        let question = json!({
            "options": ["a", "b"],
            "responseSchema": { "type": "object", "properties": { "x": { "enum": ["a", "b"] } }, "required": ["x"] },
        });
        assert_eq!(Form::of(&question), Form::Fields(vec![field("x", true, choice(&["a", "b"]))]));
    }

    #[test]
    fn a_choice_is_asked_for_bare_where_the_schema_wants_it_bare() {
        let bare = json!({ "options": ["a"], "responseSchema": { "enum": ["a"] } });
        assert_eq!(Form::of(&bare), Form::One(choice(&["a"])));
        assert_eq!(Form::of(&json!({ "options": ["a"] })), Form::One(choice(&["a"])));
    }

    #[test]
    fn required_fields_come_first_and_each_is_asked_for_by_its_type() {
        let question = json!({ "responseSchema": {
            "properties": {
                "count": { "type": "integer" }, "note": { "type": "string" }, "sure": { "type": "boolean" }
            },
            "required": ["sure"],
        } });
        let fields = vec![
            field("sure", true, Entry::Choice(vec![true.into(), false.into()])),
            field("count", false, Entry::Json),
            field("note", false, Entry::Text),
        ];
        assert_eq!(Form::of(&question), Form::Fields(fields));
    }

    #[test]
    fn options_go_to_the_one_field_that_takes_anything() {
        let question = json!({
            "options": ["a"], "responseSchema": { "required": ["x", "y"], "properties": { "y": { "type": "string" } } },
        });
        let fields = vec![field("x", true, choice(&["a"])), field("y", true, Entry::Text)];
        assert_eq!(Form::of(&question), Form::Fields(fields));
    }

    #[test]
    fn a_question_that_says_nothing_takes_anything() {
        assert_eq!(Form::of(&json!({})), Form::One(Entry::Any));
        assert_eq!(Form::of(&json!({ "options": [] })), Form::One(Entry::Any));
    }
}

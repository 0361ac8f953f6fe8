//! From the file to a scenario that can be played.

use std::str::FromStr;
use std::time::Duration;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::duration::DurationText;
use crate::execution::Status;
use crate::expression::Mistake;
use crate::failure::{Failure, FailureKind};
use crate::ids::NameError;
use crate::schema::Schema;

use super::super::check::{mark, problem};
use super::super::file::At;
use super::super::{nearest::nearest, unreadable};
use super::file::{
    AnswerFile, ExpectFile, GivenFailureFile, GivenQuestionFile, GivesFile, HappeningFile, Keyed, OneOrMore,
    ScenarioFile, timestamp,
};
use super::{
    Answer, Answers, Asked, Expectations, Expected, Given, Gives, Happening, MAX_SOURCE, Scenario, StepKey,
    What,
};

/// Longest name of a person or of an event, in bytes.
const MAX_NAME: usize = 200;

pub(super) fn parse(file: &str, source: &str) -> Result<Scenario, Diagnostics> {
    let diagnostics = |problems| Diagnostics { file: file.to_owned(), source: source.to_owned(), problems };
    let whole = |message: String| {
        diagnostics(vec![problem(serde_saphyr::Location::UNKNOWN, "", Mistake { message, hint: None })])
    };
    if source.len() > MAX_SOURCE {
        return Err(whole(format!("the scenario is {} bytes long, {MAX_SOURCE} at most", source.len())));
    }
    if source.lines().all(|line| line.trim().is_empty() || line.trim().starts_with('#')) {
        return Err(whole("the scenario is empty: leave it away to simulate without one".to_owned()));
    }
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    let read: ScenarioFile = serde_saphyr::from_str_with_options(source, options)
        .map_err(|error| diagnostics(vec![unreadable::diagnostic(&error, source)]))?;
    let mut check = Check::default();
    let scenario = check.scenario(read);
    if check.problems.is_empty() {
        return Ok(Scenario { file: file.to_owned(), text: source.into(), ..scenario });
    }
    check.problems.sort_by_key(|problem| (problem.line, problem.column));
    Err(diagnostics(check.problems))
}

#[derive(Default)]
struct Check {
    problems: Vec<Diagnostic>,
}

impl Check {
    fn wrong<T>(&mut self, at: &At<T>, path: &str, message: impl Into<String>, hint: Option<String>) {
        self.problems.push(problem(at.place, path, Mistake { message: message.into(), hint }));
    }

    fn scenario(&mut self, read: ScenarioFile) -> Scenario {
        let starts_at = read.starts_at.and_then(|at| {
            let time = timestamp(&at.value);
            if time.is_none() {
                let hint = Some("write it like 2026-03-01T08:00:00Z, between 1970 and 2500".to_owned());
                self.wrong(&at, "startsAt", format!("\"{}\" is not a time", at.value), hint);
            }
            time
        });
        let started_by = read.started_by.map(|by| {
            if by.value.trim().is_empty() || by.value.len() > MAX_NAME {
                self.wrong(&by, "startedBy", format!("a name has 1 to {MAX_NAME} bytes"), None);
            }
            by.value
        });
        Scenario {
            playbook: read.playbook.map(whole),
            description: read.description,
            input: read.input,
            starts_at,
            started_by,
            recorded: read.recorded.into_iter().map(|file| file.value).collect(),
            source: read.source,
            steps: self.given("steps", read.steps),
            operations: self.given("operations", read.operations),
            answers: self.interventions(read.interventions),
            events: self.events(read.events),
            expect: self.expect(read.expect),
            ..Scenario::default()
        }
    }

    /// A key that must be a name.
    fn key<K: FromStr<Err = NameError>>(&mut self, path: &str, key: &At<String>) -> Option<K> {
        match key.value.parse() {
            Ok(name) => Some(name),
            Err(error) => {
                self.wrong(key, path, error.to_string(), None);
                None
            }
        }
    }

    fn given<K: FromStr<Err = NameError>>(
        &mut self,
        path: &str,
        entries: Keyed<OneOrMore<GivesFile>>,
    ) -> Vec<Given<K>> {
        let mut given = Vec::new();
        for (key, gives) in entries.0 {
            let path = format!("{path}.{}", key.value);
            if gives.0.is_empty() {
                self.wrong(&key, &path, "the list is empty", Some("say what it gives".to_owned()));
            }
            let gives: Vec<_> =
                gives.0.into_iter().filter_map(|gives| self.gives(&key, &path, gives)).collect();
            if let Some(of) = self.key(&path, &key) {
                given.push(Given { of, mark: mark(key.place), gives });
            }
        }
        given
    }

    fn gives(&mut self, key: &At<String>, path: &str, read: GivesFile) -> Option<Gives> {
        let GivesFile { result, fail, ask, source, takes } = read;
        let what = match (result, fail, ask, source) {
            (Some(result), None, None, None) => What::Result(result.into()),
            (None, Some(failure), None, None) => What::Fail(failed(failure)),
            (None, None, Some(question), None) => What::Ask(Box::new(self.asked(path, question)?)),
            (None, None, None, Some(source)) => What::From(source),
            _ => {
                let message = format!("what `{}` gives is one of result, fail, ask and use", key.value);
                self.wrong(key, path, message, Some("result: { sent: true }".to_owned()));
                return None;
            }
        };
        Some(Gives { what, takes: time(takes) })
    }

    fn asked(&mut self, path: &str, read: GivenQuestionFile) -> Option<Asked> {
        let schema = read.response.as_ref();
        if let Some((schema, error)) = schema.and_then(|at| Some((at, Schema::compile(&at.value).err()?))) {
            self.wrong(schema, path, format!("this is no JSON Schema: {error}"), None);
            return None;
        }
        Some(Asked {
            prompt: read.prompt,
            options: read.options,
            response_schema: read.response.map(|schema| schema.value),
            role: read.role,
            timeout: read.timeout.map(|timeout| timeout.0),
        })
    }

    fn interventions(&mut self, entries: Keyed<OneOrMore<AnswerFile>>) -> Vec<Answers> {
        let mut all = Vec::new();
        for (key, read) in entries.0 {
            let path = format!("interventions.{}", key.value);
            if read.0.is_empty() {
                self.wrong(&key, &path, "the list is empty", Some("- { answer: … }".to_owned()));
            }
            let answers = read.0.into_iter().filter_map(|read| self.answer(&key, &path, read)).collect();
            if let Some(of) = self.key(&path, &key) {
                all.push(Answers { of, mark: mark(key.place), answers });
            }
        }
        all
    }

    fn answer(&mut self, key: &At<String>, path: &str, read: AnswerFile) -> Option<Answer> {
        let AnswerFile { answer, unanswered, by, after, notes } = read;
        if answer.is_some() == unanswered {
            let message = format!("`{}` is answered with `answer`, or not: `unanswered: true`", key.value);
            self.wrong(key, path, message, None);
            return None;
        }
        if by.as_ref().is_some_and(|by| by.trim().is_empty() || by.len() > MAX_NAME) {
            self.wrong(key, path, format!("`by` is a name of 1 to {MAX_NAME} bytes"), None);
            return None;
        }
        Some(Answer { response: answer, by, after: time(after), notes })
    }

    fn events(&mut self, read: Vec<At<HappeningFile>>) -> Vec<Happening> {
        let mut happenings = Vec::new();
        for (number, at) in read.into_iter().enumerate() {
            let path = format!("events[{number}]");
            match &at.value.event {
                Some(event) if !event.trim().is_empty() && event.len() <= MAX_NAME => {}
                Some(_) => self.wrong(&at, &path, format!("an event's name has 1 to {MAX_NAME} bytes"), None),
                None => {
                    let hint = Some("- { event: payment.received, at: 2h }".to_owned());
                    self.wrong(&at, &path, "the event has no name", hint);
                }
            }
            let HappeningFile { event, payload, at, kept } = at.value;
            let event = event.unwrap_or_default();
            happenings.push(Happening { event, payload: payload.into(), at: time(at), kept });
        }
        happenings
    }

    fn expect(&mut self, read: ExpectFile) -> Expectations {
        let status = read.status.and_then(|at| match Status::parse(&at.value).filter(|end| end.is_end()) {
            Some(value) => Some(Expected { value, mark: mark(at.place) }),
            None => {
                let ends = || Status::ALL.into_iter().filter(|status| status.is_end()).map(Status::as_str);
                let hint = nearest(&at.value, ends());
                self.wrong(&at, "expect.status", format!("`{}` is no end", at.value), Some(hint));
                None
            }
        });
        let attempts = read.attempts.0.into_iter().filter_map(|(key, count)| {
            let step: StepKey = self.key("expect.attempts", &key)?;
            Some(Expected { value: (step, count.value), mark: mark(key.place) })
        });
        let attempts = attempts.collect();
        Expectations {
            status,
            output: read.output.map(whole),
            failure: read.failure.map(whole),
            ran: self.each("expect.ran", read.ran),
            not_run: self.each("expect.notRun", read.not_run),
            order: read.order.map(|at| self.list("expect.order", at)),
            attempts,
            undone: read.undone.map(|at| self.list("expect.undone", at)),
            within: read.within.map(whole).map(|at| Expected { value: at.value.0, mark: at.mark }),
        }
    }

    fn each(&mut self, path: &str, read: Vec<At<String>>) -> Vec<Expected<StepKey>> {
        let each = read.into_iter().filter_map(|key| {
            let value = self.key(path, &key)?;
            Some(Expected { value, mark: mark(key.place) })
        });
        each.collect()
    }

    fn list(&mut self, path: &str, read: At<Vec<At<String>>>) -> Expected<Vec<StepKey>> {
        let mark = mark(read.place);
        let value = self.each(path, read.value).into_iter().map(|step| step.value).collect();
        Expected { value, mark }
    }
}

fn whole<T>(at: At<T>) -> Expected<T> {
    Expected { value: at.value, mark: mark(at.place) }
}

fn time(text: Option<DurationText>) -> Duration {
    text.map_or(Duration::ZERO, |text| text.0)
}

fn failed(read: GivenFailureFile) -> Failure {
    Failure::new(read.kind.unwrap_or(FailureKind::Permanent), read.code, read.message)
}

//! Plain references: `$input.order.lines[0].price`, `$steps.spread.result.sandwich`.

use serde_json::Value;

use super::{EvalError, Mistake, Names, Scope, StepUse, Uses};

/// A path to a value of the execution's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    text: String,
    root: String,
    path: Vec<Segment>,
}

/// One move along a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// `.name`
    Key(String),
    /// `[3]`
    Index(usize),
}

impl Segment {
    pub(super) fn key(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(key),
            Self::Index(_) => None,
        }
    }

    pub(super) fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        match self {
            Self::Key(key) => value.get(key),
            Self::Index(index) => value.get(index),
        }
    }
}

impl Reference {
    /// Reads a string that is one reference. `Ok(None)`: it is not one, and means itself (`$5.00`, `US$`).
    pub fn parse(text: &str, names: Names<'_>) -> Result<Option<Self>, Mistake> {
        let Some(body) = text.strip_prefix('$') else { return Ok(None) };
        if !body.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return Ok(None);
        }
        let Some((root, path)) = split(body) else { return Ok(None) };
        if !names.allow(&root) {
            let hint = Names::elsewhere(&root).unwrap_or_else(|| {
                format!("begin with {}; write $${body} for the text itself", names.list("$"))
            });
            return Err(Mistake::new(format!("unknown name `${root}`"), hint));
        }
        let reference = Self { text: text.to_owned(), root, path };
        reference.check_shape()?;
        Ok(Some(reference))
    }

    fn check_shape(&self) -> Result<(), Mistake> {
        if self.root != "steps" {
            return Ok(());
        }
        match self.path.get(1).and_then(Segment::key) {
            Some("result" | "failure") => Ok(()),
            Some("status") if self.path.len() == 2 => Ok(()),
            _ => Err(Mistake::new(
                format!("`{}` does not say what it wants of the step", self.text),
                "write $steps.NAME.result, $steps.NAME.result.FIELD or $steps.NAME.status",
            )),
        }
    }

    /// The name that it begins with, such as `input`.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The way from there: keys of objects, and places in lists.
    pub fn path(&self) -> impl Iterator<Item = Result<&str, usize>> {
        self.path.iter().map(|segment| match segment {
            Segment::Key(key) => Ok(key.as_str()),
            Segment::Index(index) => Err(*index),
        })
    }

    /// What it reads.
    pub fn uses(&self) -> Uses {
        let mut uses = Uses::default();
        let first = self.path.first().and_then(Segment::key);
        match (self.root.as_str(), first) {
            ("steps", Some(step)) => {
                let of_result = self.path.get(1).and_then(Segment::key) == Some("result");
                let field = self.path.get(2).filter(|_| of_result).and_then(Segment::key).map(str::to_owned);
                uses.steps.extend(step.parse().ok().map(|step| StepUse { step, field }));
            }
            ("vars", Some(name)) => uses.vars.extend([name.to_owned()]),
            _ => {}
        }
        uses
    }

    /// The value that it leads to.
    pub fn eval(&self, scope: &Scope<'_>) -> Result<Value, EvalError> {
        scope.follow(&self.root, &self.path).ok_or_else(|| EvalError {
            source_text: self.text.clone(),
            reason: "there is no such value".to_owned(),
        })
    }
}

/// `a.b-c[0].d` as a root and a path; `None` when the text is anything else.
fn split(body: &str) -> Option<(String, Vec<Segment>)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let end = body.find(|c| !is_part(c)).unwrap_or(body.len());
    let (root, mut rest) = body.split_at_checked(end)?;
    let mut path = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(|c| !is_part(c)).unwrap_or(after.len());
            let (key, tail) = after.split_at_checked(end).filter(|(key, _)| !key.is_empty())?;
            path.push(Segment::Key(key.to_owned()));
            rest = tail;
        } else {
            let (index, tail) = rest.strip_prefix('[')?.split_once(']')?;
            path.push(Segment::Index(index.parse().ok()?));
            rest = tail;
        }
    }
    Some((root.to_owned(), path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_reference_means_itself() {
        for text in ["plain", "$5.00", "US$", "$", "$ input", "$input and more"] {
            assert_eq!(Reference::parse(text, Names::default()), Ok(None), "{text}");
        }
    }

    #[test]
    fn a_misspelt_root_is_a_mistake() {
        assert!(Reference::parse("$inptu.a", Names::default()).is_err());
        assert!(Reference::parse("$steps.a", Names::default()).is_err());
        assert!(Reference::parse("$steps.a.results.b", Names::default()).is_err());
    }

    #[test]
    fn names_with_hyphens_and_indexes_are_read() {
        let reference =
            Reference::parse("$steps.choose-jelly.result.jars[2].flavor", Names::default()).unwrap().unwrap();
        let used = reference.uses().steps.into_iter().next().unwrap();
        assert_eq!(used.step.as_str(), "choose-jelly");
        assert_eq!(used.field.as_deref(), Some("jars"));
        assert_eq!(reference.path.len(), 5);
    }
}

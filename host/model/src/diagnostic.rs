//! What is wrong with a file that a person wrote: where, what, and what to do.

use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

/// One mistake in a playbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// What is wrong.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// 1 for the first; 0 when the place is unknown.
    pub line: u64,
    /// 1 for the first character.
    pub column: u64,
    /// The place in the file's structure, such as `steps[2].params`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// Bytes of the source that are at fault.
    #[serde(skip)]
    pub span: std::ops::Range<usize>,
}

/// A place in a file that a person wrote.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mark {
    /// 1 for the first; 0 when the place is unknown.
    pub line: u64,
    /// 1 for the first character.
    pub column: u64,
    /// Bytes of the source.
    pub span: std::ops::Range<usize>,
}

impl Diagnostic {
    /// A mistake at this place.
    pub fn at(mark: &Mark, path: &str, message: String, hint: Option<String>) -> Self {
        let Mark { line, column, span } = mark.clone();
        Self { message, hint, line, column, path: path.to_owned(), span }
    }
}

/// Everything that is wrong with one file, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    /// The file's name, as the reader knows it.
    pub file: String,
    /// Its text.
    pub source: String,
    /// At least one.
    pub problems: Vec<Diagnostic>,
}

impl Diagnostics {
    /// For a terminal: each problem with its line and a hint; in colours when `styled`.
    pub fn render(&self, styled: bool) -> String {
        let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
        let reports: Vec<String> =
            self.problems.iter().map(|problem| renderer.render(&[self.group(problem)]).to_string()).collect();
        reports.join("\n\n")
    }

    fn group<'a>(&'a self, problem: &'a Diagnostic) -> Group<'a> {
        let title = Level::ERROR.primary_title(problem.message.as_str());
        let mut group = if problem.line == 0 {
            title.element(annotate_snippets::Origin::path(self.file.as_str()))
        } else {
            let annotation = AnnotationKind::Primary.span(self.in_source(&problem.span));
            title.element(
                Snippet::source(self.source.as_str()).path(self.file.as_str()).annotation(annotation),
            )
        };
        if let Some(hint) = &problem.hint {
            group = group.element(Level::HELP.message(hint.as_str()));
        }
        group
    }

    /// The span, moved onto character borders of the source whatever it says.
    fn in_source(&self, span: &std::ops::Range<usize>) -> std::ops::Range<usize> {
        let border = |mut at: usize| {
            at = at.min(self.source.len());
            while !self.source.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = border(span.start);
        // A span that runs over lines would draw all of them: the first says enough.
        let line = self.source.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        start..border(span.end).clamp(start, start + line.trim_end().len())
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{}:{}:{}: {}", self.file, problem.line, problem.column, problem.message)?;
            if let Some(hint) = &problem.hint {
                write!(f, " ({hint})")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

//! Making plugins of source text.
//!
//! Whoever keeps this promise runs compilers on what strangers wrote, so it confines them: a build ends within limits of
//! time and memory, and leaves nothing behind. What comes out is bytes, and no more trusted than an upload: it passes
//! [`Plugins::inspect`](super::Plugins::inspect) before anything is believed of it.

use std::fmt;
use std::str::FromStr;

use orgata_model::OperationName;
use orgata_model::operation::EffectClass;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Writes first drafts of plugins, and builds plugins from source text.
#[async_trait::async_trait]
pub trait Workshop: Send + Sync + 'static {
    /// The source text of a plugin with one operation, which builds and passes its own examples as it is.
    fn scaffold(&self, blueprint: &Blueprint) -> Result<Vec<SourceFile>, BuildError>;

    /// Builds a component. Bounded in time, memory and number; refuses as `BUSY` when too many wait already. Dropping the
    /// future stops the compiler.
    async fn build(&self, language: Language, files: &[SourceFile]) -> Result<Built, BuildError>;
}

/// What operations can be written in here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Rust, by the Cargo of this machine.
    Rust,
    /// JavaScript, on an interpreter that becomes part of the component.
    JavaScript,
}

impl Language {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::JavaScript => "javascript",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Language {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "rust" => Ok(Self::Rust),
            "javascript" | "js" => Ok(Self::JavaScript),
            other => Err(format!("{other:.40?} is no language here: write rust or javascript")),
        }
    }
}

/// What a first draft is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Blueprint {
    /// The operation, and by its first half the plugin.
    pub name: OperationName,
    /// What it does, for people and for AI assistants.
    pub description: String,
    /// What it is written in.
    pub language: Language,
    /// JSON Schemas of input and output; absent: those of an operation that greets.
    pub schemas: Option<Schemas>,
    /// What it may do to the outside.
    pub effect: EffectClass,
}

/// What goes into an operation and what comes out.
#[derive(Debug, Clone, PartialEq)]
pub struct Schemas {
    /// JSON Schema 2020-12 of the input.
    pub input: Value,
    /// JSON Schema 2020-12 of the output.
    pub output: Value,
}

/// One file of source text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceFile {
    /// Where it goes, from the plugin's folder: `src/lib.rs`.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// What a build made.
#[derive(Debug, Clone)]
pub struct Built {
    /// The component.
    pub component: Vec<u8>,
    /// What the compiler warned of.
    pub warnings: Vec<SourceProblem>,
}

/// Something that a compiler says of a place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceProblem {
    /// The file, as it was named; absent when the compiler names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What is wrong there.
    pub message: String,
}

/// Why nothing was built.
#[derive(Debug, Clone, thiserror::Error, Serialize)]
#[error("{message}")]
pub struct BuildError {
    /// A stable word: `BAD_SOURCES`, `BUILD_FAILED`, `BUILD_LIMIT`, `BUSY`, `NOT_AVAILABLE`, `IO`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What the compiler says, place by place.
    pub problems: Vec<SourceProblem>,
    /// What lies behind it, nearest first.
    pub causes: Vec<String>,
    /// What to do.
    pub hint: String,
}

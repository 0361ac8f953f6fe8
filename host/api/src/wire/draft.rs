//! Authoring as clients see it: source files, drafts, what is found out about them, tests.

use orgata_engine::ports::{Blueprint, Language, Schemas, SourceFile, SourceProblem};
use orgata_engine::{
    Draft, Finding, Loaded, TestCase, TestRequest, Tested, Validation, Verdict, VersionChange,
};
use orgata_model::operation::EffectClass;
use orgata_model::sampling::ScriptedAnswer;
use orgata_model::{Digest, OperationName, RuntimeId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::model::ScriptedAnswerBody;
use super::operation::OperationView;
use super::plugin::PluginView;
use super::trial::TrialView;

/// What a new operation is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScaffoldBody {
    /// `plugin/operation`, in kebab-case; one word names both.
    #[schema(example = "image-tools/resize-image")]
    pub name: String,
    /// What it does, for people and for AI assistants.
    #[serde(default)]
    pub description: String,
    /// `javascript` or `rust`.
    #[schema(value_type = LanguageView)]
    pub language: Language,
    /// JSON Schema 2020-12 of its input; goes with `outputSchema`.
    #[serde(default)]
    pub input_schema: Option<Value>,
    /// JSON Schema 2020-12 of its output.
    #[serde(default)]
    pub output_schema: Option<Value>,
    /// What it may do to the outside; `pure` unless said.
    #[serde(default)]
    #[schema(value_type = Option<super::operation::EffectView>)]
    pub effect: Option<EffectClass>,
}

impl TryFrom<ScaffoldBody> for Blueprint {
    type Error = String;

    fn try_from(body: ScaffoldBody) -> Result<Self, String> {
        let name = if body.name.contains('/') { body.name } else { format!("{0}/{0}", body.name) };
        let name: OperationName = name.parse().map_err(|error| format!("name: {error}"))?;
        let schemas = match (body.input_schema, body.output_schema) {
            (None, None) => None,
            (Some(input), Some(output)) => Some(Schemas { input, output }),
            _ => return Err("inputSchema and outputSchema go together: give both, or none".to_owned()),
        };
        let effect = body.effect.unwrap_or(EffectClass::Pure);
        Ok(Self { name, description: body.description, language: body.language, schemas, effect })
    }
}

// Only its schema is used: the engine's `Language` knows nothing of OpenAPI.
/// What operations are written in.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code, reason = "only its schema is used")]
pub enum LanguageView {
    /// Rust, by the host's Cargo.
    Rust,
    /// JavaScript, on an interpreter that becomes part of the component.
    JavaScript,
}

/// One file of source text.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileView {
    /// Where it goes, from the plugin's folder.
    #[schema(example = "src/lib.rs")]
    pub path: String,
    /// What it says.
    pub text: String,
}

impl From<SourceFile> for FileView {
    fn from(file: SourceFile) -> Self {
        Self { path: file.path, text: file.text }
    }
}

impl From<FileView> for SourceFile {
    fn from(file: FileView) -> Self {
        Self { path: file.path, text: file.text }
    }
}

/// Files of source text.
#[derive(Debug, Serialize, ToSchema)]
pub struct FilesView {
    /// To be edited, and built.
    pub files: Vec<FileView>,
}

/// What to build.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BuildBody {
    /// `javascript` or `rust`.
    #[schema(value_type = LanguageView)]
    pub language: Language,
    /// The plugin's files.
    pub files: Vec<FileView>,
}

/// Something that a compiler says of a place in a file.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProblemView<'a> {
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<&'a str>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What it says.
    pub message: &'a str,
}

impl<'a> From<&'a SourceProblem> for ProblemView<'a> {
    fn from(problem: &'a SourceProblem) -> Self {
        let SourceProblem { file, line, column, message } = problem;
        Self { file: file.as_deref(), line: *line, column: *column, message }
    }
}

/// A component that was built, and is not loaded.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DraftView<'a> {
    /// What it is known by.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// `javascript` or `rust`.
    #[schema(value_type = LanguageView)]
    pub language: Language,
    /// What it is; absent where the host would refuse it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PluginView<'a>>,
    /// Why the host would refuse it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<RefusalView<'a>>,
    /// What the compiler warned of.
    pub warnings: Vec<ProblemView<'a>>,
    /// How long building it took.
    pub took_ms: u64,
}

impl<'a> From<&'a Draft> for DraftView<'a> {
    fn from(draft: &'a Draft) -> Self {
        Self {
            digest: draft.digest,
            size: draft.size,
            language: draft.language,
            plugin: draft.plugin.as_deref().map(PluginView::from),
            refusal: draft.refusal.as_ref().map(|refusal| RefusalView {
                code: refusal.code,
                message: &refusal.message,
                causes: &refusal.causes,
                hint: &refusal.hint,
            }),
            warnings: draft.warnings.iter().map(ProblemView::from).collect(),
            took_ms: u64::try_from(draft.took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// Why a component would be refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusalView<'a> {
    /// A stable word.
    pub code: &'a str,
    /// What is wrong.
    pub message: &'a str,
    /// What lies behind it, nearest first.
    pub causes: &'a [String],
    /// What to do.
    pub hint: &'a str,
}

/// What is known of a draft.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidationView<'a> {
    /// Which one.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// Whether it can be loaded.
    pub loadable: bool,
    /// What it is; absent where the host would refuse it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PluginView<'a>>,
    /// Its operations, with their schemas.
    pub operations: Vec<OperationView<'a>>,
    /// What it would have to be granted: `network`, `secrets`, `kv`, `model`.
    pub wants: Vec<&'static str>,
    /// What loading it would change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeView<'a>>,
    /// What is wrong, or worth knowing; the worst first.
    pub findings: Vec<FindingView<'a>>,
}

impl<'a> From<&'a Validation> for ValidationView<'a> {
    fn from(validation: &'a Validation) -> Self {
        let plugin = validation.plugin.as_deref();
        Self {
            digest: validation.digest,
            loadable: validation.is_loadable(),
            plugin: plugin.map(PluginView::from),
            operations: plugin.map_or_else(Vec::new, |plugin| {
                plugin.operations.iter().map(|operation| OperationView::from(&**operation)).collect()
            }),
            wants: validation.wants.iter().map(|want| want.word()).collect(),
            change: validation.change.as_ref().map(ChangeView::from),
            findings: validation.findings.iter().map(FindingView::from).collect(),
        }
    }
}

/// Something that is wrong with a draft, or worth knowing.
#[derive(Debug, Serialize, ToSchema)]
pub struct FindingView<'a> {
    /// `error`: it cannot be loaded. `warning`: something will not work, or no longer. `note`: it could be better.
    pub severity: &'static str,
    /// A stable word.
    pub code: &'a str,
    /// What it is.
    pub message: &'a str,
    /// What to do.
    pub hint: &'a str,
}

impl<'a> From<&'a Finding> for FindingView<'a> {
    fn from(finding: &'a Finding) -> Self {
        let Finding { severity, code, message, hint } = finding;
        Self { severity: severity.as_str(), code, message, hint }
    }
}

/// What loading a draft changes for those who use the plugin.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeView<'a> {
    /// The version that is current.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<VersionView<'a>>,
    /// Operations that come.
    pub added: &'a [String],
    /// Operations that go.
    pub removed: &'a [String],
    /// Operations that stay and are another thing.
    pub changed: Vec<OperationChangeView<'a>>,
    /// The effect class, where it is another one: from and to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<[&'static str; 2]>,
    /// What it wants to reach, and did not before.
    pub wants: Vec<&'static str>,
    /// Runtimes that go on with the version that they have until somebody confirms what this one wants.
    #[schema(value_type = Vec<String>)]
    pub waits_in: &'a [RuntimeId],
    /// Playbooks that would no longer fit, each with why.
    pub breaks: &'a [String],
}

/// A version of a plugin.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionView<'a> {
    /// Its own version text.
    pub version: &'a str,
    /// What it is known by.
    #[schema(value_type = String)]
    pub digest: Digest,
}

/// What is another thing about an operation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationChangeView<'a> {
    /// Its name, without the plugin's.
    pub name: &'a str,
    /// `input schema`, `output schema`, `idempotent`, `description`.
    pub what: &'a [&'static str],
}

impl<'a> From<&'a VersionChange> for ChangeView<'a> {
    fn from(change: &'a VersionChange) -> Self {
        let current = change.current.as_ref();
        let changed = change.changed.iter();
        Self {
            current: current.map(|one| VersionView { version: &one.version, digest: one.digest }),
            added: &change.added,
            removed: &change.removed,
            changed: changed.map(|one| OperationChangeView { name: &one.name, what: &one.what }).collect(),
            effect: change.effect.map(|effect| [effect.from.as_str(), effect.to.as_str()]),
            wants: change.wants.iter().map(|want| want.word()).collect(),
            waits_in: &change.waits_in,
            breaks: &change.breaks,
        }
    }
}

/// How to test a draft.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestBody {
    /// A runtime in development, whose grants then hold. Nothing is granted without one.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub runtime_id: Option<RuntimeId>,
    /// Only the examples of this operation.
    #[serde(default)]
    pub operation: Option<String>,
    /// What to try besides the examples.
    #[serde(default)]
    pub cases: Vec<CaseBody>,
}

/// An input to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CaseBody {
    /// Which operation.
    pub operation: String,
    /// What to call it.
    #[serde(default)]
    pub name: Option<String>,
    /// What it is given.
    pub input: Value,
    /// What it should give; anything will do when absent.
    #[serde(default, deserialize_with = "present")]
    pub expected: Option<Value>,
    /// Answers to its questions, in their order.
    #[serde(default)]
    pub answers: Vec<Value>,
    /// What an AI model answers to its requests, in their order: nobody is asked, and the operation needs no grant for it. A
    /// request more fails and says so.
    #[serde(default)]
    pub model_answers: Vec<ScriptedAnswerBody>,
}

/// A value that is there, `null` too.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl From<TestBody> for TestRequest {
    fn from(body: TestBody) -> Self {
        let case = |case: CaseBody| {
            let CaseBody { operation, name, input, expected, answers, model_answers } = case;
            let model_answers = model_answers.into_iter().map(ScriptedAnswer::from).collect();
            TestCase { operation, name, input, expected, answers, model_answers }
        };
        let cases = body.cases.into_iter().map(case).collect();
        Self { runtime: body.runtime_id, operation: body.operation, cases }
    }
}

/// How testing a draft went.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestedView<'a> {
    /// What was tested.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// How many gave what they should.
    pub passed: usize,
    /// How many did not.
    pub failed: usize,
    /// How many wait for an answer that nobody gave.
    pub asked: usize,
    /// How many were not run.
    pub skipped: usize,
    /// Each trial.
    pub trials: Vec<TrialView<'a>>,
}

impl<'a> From<&'a Tested> for TestedView<'a> {
    fn from(tested: &'a Tested) -> Self {
        Self {
            digest: tested.plugin.digest,
            passed: tested.count(Verdict::Passed),
            failed: tested.count(Verdict::Failed),
            asked: tested.count(Verdict::Asked),
            skipped: tested.count(Verdict::Skipped),
            trials: tested.trials.iter().map(TrialView::from).collect(),
        }
    }
}

/// How to load a draft.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoadBody {
    /// A runtime: what its playbooks would still lack is told too.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub runtime_id: Option<RuntimeId>,
    /// A plugin of this name that is current may be replaced.
    #[serde(default)]
    pub replace: bool,
}

/// A draft that is current now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoadedView<'a> {
    /// What it is.
    pub plugin: PluginView<'a>,
    /// What is another thing now.
    pub change: ChangeView<'a>,
    /// What is still to be done before playbooks can use it.
    pub findings: Vec<FindingView<'a>>,
}

impl<'a> From<&'a Loaded> for LoadedView<'a> {
    fn from(loaded: &'a Loaded) -> Self {
        Self {
            plugin: (&*loaded.plugin).into(),
            change: (&loaded.change).into(),
            findings: loaded.findings.iter().map(FindingView::from).collect(),
        }
    }
}

//! `scaffold_operation`, `build_operation`, `validate_operation`, `test_operation`, `load_operation`: an assistant writes an
//! operation.
//!
//! What was built is a draft, and all that goes from one tool to the next is its digest.

use orgata_engine::TestRequest;
use orgata_engine::ports::{Blueprint, SourceFile};
use orgata_model::{Digest, RuntimeId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::call::Call;
use super::super::reply::Reply;
use super::{Effect, Tool};
use crate::error::ApiError;
use crate::wire::draft::{
    BuildBody, CaseBody, DraftView, FileView, FilesView, LoadedView, ScaffoldBody, TestBody, TestedView,
    ValidationView,
};

/// A draft, and whom it is for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::mcp) struct Meant {
    /// The draft, as `build_operation` gave it.
    #[schema(value_type = String)]
    digest: Digest,
    /// A runtime: what its playbooks would still lack is told too.
    #[schema(value_type = Option<String>)]
    runtime_id: Option<RuntimeId>,
}

/// A draft, and what to try it with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::mcp) struct Trying {
    /// The draft, as `build_operation` gave it.
    #[schema(value_type = String)]
    digest: Digest,
    /// A runtime in development, whose grants then hold. Nothing is granted without one.
    #[schema(value_type = Option<String>)]
    runtime_id: Option<RuntimeId>,
    /// Only the examples of this operation.
    operation: Option<String>,
    /// What to try besides the examples.
    #[serde(default)]
    #[schema(required = false)]
    cases: Vec<CaseBody>,
}

/// A draft, and whether it may take another version's place.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::mcp) struct Loading {
    /// The draft, as `build_operation` gave it.
    #[schema(value_type = String)]
    digest: Digest,
    /// A runtime: what its playbooks would still lack is told too.
    #[schema(value_type = Option<String>)]
    runtime_id: Option<RuntimeId>,
    /// A plugin of this name that is current may be replaced.
    #[serde(default)]
    #[schema(required = false)]
    replace: bool,
}

/// See the module.
pub(super) struct ScaffoldOperation;

impl Tool for ScaffoldOperation {
    const NAME: &'static str = "scaffold_operation";
    const TITLE: &'static str = "Begin a new operation";
    const ABOUT: &'static str = "Gives the source files of a plugin with one operation of this name, description and schemas. They build \
        and pass their own example as they are: write the function, mend the example, and hand all files to `build_operation`. \
        Take `javascript` unless there is a reason; it builds in seconds. `effect` is what it may do to the outside: the smaller, \
        the less must be granted. Nothing is kept.";
    const EFFECT: Effect = Effect::Looks;
    type Input = ScaffoldBody;
    type Output = FilesView;

    async fn call(call: &Call, body: ScaffoldBody) -> Result<Reply, ApiError> {
        let blueprint = Blueprint::try_from(body).map_err(ApiError::bad_request)?;
        let files = call.engine().scaffold_operation(&call.who, &blueprint)?;
        Reply::of(&FilesView { files: files.into_iter().map(FileView::from).collect() })
    }
}

/// See the module.
pub(super) struct BuildOperation;

impl Tool for BuildOperation {
    const NAME: &'static str = "build_operation";
    const TITLE: &'static str = "Build an operation";
    const ABOUT: &'static str = "Builds source files into a WebAssembly component and keeps it for an hour as a draft: its `digest` is what \
        `validate_operation`, `test_operation` and `load_operation` want. Mistakes come back as an error `BUILD_FAILED`: \
        `details.problems` has each with file and line. Nothing is published.";
    const EFFECT: Effect = Effect::AddsOnce;
    type Input = BuildBody;
    type Output = DraftView<'static>;

    async fn call(call: &Call, body: BuildBody) -> Result<Reply, ApiError> {
        let files: Vec<SourceFile> = body.files.into_iter().map(SourceFile::from).collect();
        let draft = call.engine().build_operation(&call.who, body.language, &files).await?;
        Reply::of(&DraftView::from(&draft))
    }
}

/// See the module.
pub(super) struct ValidateOperation;

impl Tool for ValidateOperation {
    const NAME: &'static str = "validate_operation";
    const TITLE: &'static str = "Validate a draft";
    const ABOUT: &'static str = "Tells what a draft offers (operations with schemas), its effect class, what it would have to be granted, \
        what loading it would change for what is current, which playbooks that would break, and everything that is wrong with it, \
        each finding with a hint.";
    const EFFECT: Effect = Effect::Looks;
    type Input = Meant;
    type Output = ValidationView<'static>;

    async fn call(call: &Call, Meant { digest, runtime_id }: Meant) -> Result<Reply, ApiError> {
        let known = call.engine().validate_operation(&call.who, digest, runtime_id.as_ref()).await?;
        Reply::of(&ValidationView::from(&known))
    }
}

/// See the module.
pub(super) struct TestOperation;

impl Tool for TestOperation {
    const NAME: &'static str = "test_operation";
    const TITLE: &'static str = "Test a draft";
    const ABOUT: &'static str = "Runs a draft's examples, and the cases given here, in the sandbox: each with its outcome, where that differs \
        from what was expected, log, time and memory. A case may bring `answers` to the questions that the operation asks people, and \
        `modelAnswers` to what it asks an AI model. Nothing is granted and nothing is recorded, unless a runtime in development is \
        named, whose grants then hold.";
    const EFFECT: Effect = Effect::Adds;
    type Input = Trying;
    type Output = TestedView<'static>;

    async fn call(call: &Call, trying: Trying) -> Result<Reply, ApiError> {
        let Trying { digest, runtime_id, operation, cases } = trying;
        let request = TestRequest::from(TestBody { runtime_id, operation, cases });
        let tested = call.engine().test_operation(&call.who, digest, request).await?;
        Reply::of(&TestedView::from(&tested))
    }
}

/// See the module.
pub(super) struct LoadOperation;

impl Tool for LoadOperation {
    const NAME: &'static str = "load_operation";
    const TITLE: &'static str = "Load a draft";
    const ABOUT: &'static str = "Makes a draft the current version of its plugin: playbooks can use its operations at once, in every runtime \
        that offers the plugin, but for those in `change.waitsIn`: they go on with the version that they have until a person confirms \
        what this one wants. Tells what is another thing now. A plugin of this name that is current is replaced only with \
        `replace`, which should be asked for, not assumed; `rollback_plugin` goes back.";
    const EFFECT: Effect = Effect::ReplacesOnce;
    type Input = Loading;
    type Output = LoadedView<'static>;

    async fn call(call: &Call, Loading { digest, runtime_id, replace }: Loading) -> Result<Reply, ApiError> {
        let loaded = call.engine().load_operation(&call.who, digest, runtime_id.as_ref(), replace).await?;
        Reply::of(&LoadedView::from(&loaded))
    }
}

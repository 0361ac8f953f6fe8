//! Doors: operations written with an assistant's help, from a first draft to the running host.
//!
//! ```text
//! scaffold → (edit) → build → validate → test → load
//!                       └── a draft, known by its digest ──┘
//! ```
//!
//! The workshop makes components, the sandbox says what they are and runs them, and here is what goes between: drafts, and
//! what is told about them. Nothing that is built is published before somebody loads it, and loading never takes the place of
//! a plugin that is current unless the caller says so.
//!
//! Not here: compilers (`workshop`), limits of what runs (`sandbox`).

mod change;
mod drafts;
mod testing;
mod validating;

use std::sync::Arc;
use std::time::Duration;

use orgata_model::operation::Plugin;
use orgata_model::{Digest, RuntimeId};
use tracing::info;

pub use change::{EffectChange, OperationChange, VersionChange, VersionName};
pub(crate) use drafts::Drafts;
pub use testing::{TestCase, TestRequest, Tested};
pub use validating::{Finding, Severity, Validation};

use crate::access::{Place, Subject, rules};
use crate::engine::Engine;
use crate::error::{EngineError, Thing};
use crate::ports::{Blueprint, BuildError, Language, LoadError, Source, SourceFile, SourceProblem, Workshop};
use crate::principal::Principal;

/// A component that was built, and is not loaded.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What the other doors know it by.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// What it was written in.
    pub language: Language,
    /// What it is; absent where it is refused.
    pub plugin: Option<Arc<Plugin>>,
    /// Why it could not be loaded as it is.
    pub refusal: Option<LoadError>,
    /// What the compiler warned of.
    pub warnings: Vec<SourceProblem>,
    /// How long building it took.
    pub took: Duration,
}

/// A draft that is current now.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What it is.
    pub plugin: Arc<Plugin>,
    /// What is another thing now.
    pub change: VersionChange,
    /// What is still to be done before playbooks can use it.
    pub findings: Vec<Finding>,
}

impl Engine {
    /// Gives the host a workshop. Only the first one counts.
    pub fn equip(&self, workshop: Arc<dyn Workshop>) {
        // A second one would be a fault of whoever puts the host together, and harms nobody.
        let _ = self.0.workshop.set(workshop);
    }

    fn workshop(&self) -> Result<&Arc<dyn Workshop>, EngineError> {
        self.0.workshop.get().ok_or_else(|| {
            EngineError::from(BuildError {
                code: "NOT_AVAILABLE",
                message: "this host has no workshop: it builds no plugins".to_owned(),
                problems: Vec::new(),
                causes: Vec::new(),
                hint: "build it elsewhere, with `orgata plugin build`, and upload the component".to_owned(),
            })
        })
    }

    /// The source text of a new plugin with one operation, to be edited. It builds, and passes its own example, as it is.
    pub fn scaffold_operation(
        &self,
        who: &Principal,
        blueprint: &Blueprint,
    ) -> Result<Vec<SourceFile>, EngineError> {
        self.0.permit(who, &rules::SCAFFOLD, Place::Host, Subject { thing: Thing::Draft, name: "*" })?;
        Ok(self.workshop()?.scaffold(blueprint)?)
    }

    /// Builds a component of source text and keeps it as a draft. What the host would refuse to load is kept too, with why.
    pub async fn build_operation(
        &self,
        who: &Principal,
        language: Language,
        files: &[SourceFile],
    ) -> Result<Draft, EngineError> {
        let subject = Subject { thing: Thing::Draft, name: "*" };
        let work = self.built(who, language, files);
        self.0.guarded(who, &rules::BUILD_DRAFT, Place::Host, subject, work).await
    }

    async fn built(
        &self,
        who: &Principal,
        language: Language,
        files: &[SourceFile],
    ) -> Result<Draft, EngineError> {
        if self.0.stopping.is_cancelled() {
            return Err(EngineError::Draining);
        }
        let began = self.0.clock.now();
        let built = self.workshop()?.build(language, files).await?;
        let took = Duration::try_from(self.0.clock.now().duration_since(began)).unwrap_or_default();
        let component: Arc<[u8]> = built.component.into();
        let digest = Digest::of(&component);
        let size = component.len() as u64;
        let inspected = self.inspected(who, &component).await;
        self.keep_draft(digest, component).await;
        info!(%digest, %language, by = who.name(), took_ms = took.as_millis() as u64, "draft built");
        let (plugin, refusal) = match inspected {
            Ok(plugin) => (Some(plugin), None),
            Err(EngineError::Refused(refusal)) => (None, Some(refusal)),
            Err(other) => return Err(other),
        };
        Ok(Draft { digest, size, language, plugin, refusal, warnings: built.warnings, took })
    }

    /// Makes a draft the current version of its plugin, as an upload does, and tells what that changes. A plugin that is
    /// current is replaced only if `replace` says so. With a runtime, what its playbooks still lack is told too.
    pub async fn load_operation(
        &self,
        who: &Principal,
        digest: Digest,
        runtime: Option<&RuntimeId>,
        replace: bool,
    ) -> Result<Loaded, EngineError> {
        let name = digest.to_string();
        let subject = Subject { thing: Thing::Draft, name: &name };
        let work = self.loaded(who, digest, runtime, replace);
        self.0.guarded(who, &rules::LOAD_DRAFT, Place::Host, subject, work).await
    }

    async fn loaded(
        &self,
        who: &Principal,
        digest: Digest,
        runtime: Option<&RuntimeId>,
        replace: bool,
    ) -> Result<Loaded, EngineError> {
        let component = self.draft(digest)?;
        let entry = runtime.map(|runtime| self.0.enter(who, runtime)).transpose()?;
        let plugin = self.inspected(who, &component).await?;
        let change = VersionChange::of(&self.0, &plugin);
        if let (Some(current), false) = (&change.current, replace)
            && current.digest != digest
        {
            return Err(EngineError::Refusal(validating::clash(&plugin, &change, current)));
        }
        let findings = validating::lacking(entry.as_deref(), &plugin);
        let plugin = self.make_current(who, component.to_vec()).await?;
        self.0.drafts.forget(digest);
        Ok(Loaded { plugin, change, findings })
    }

    /// A draft's component.
    fn draft(&self, digest: Digest) -> Result<Arc<[u8]>, EngineError> {
        self.0.drafts.get(digest, self.0.clock.now()).ok_or_else(|| EngineError::NotFound {
            thing: Thing::Draft,
            name: digest.to_string(),
            hint: ": drafts are kept for an hour and not over a restart; build it again".to_owned(),
        })
    }

    /// Keeps a draft; what the sandbox has of those that went for it goes too.
    async fn keep_draft(&self, digest: Digest, component: Arc<[u8]>) {
        for gone in self.0.drafts.keep(digest, component, self.0.clock.now()) {
            self.0.plugins.discard(gone).await;
        }
    }

    /// What a component is. Afterwards it can be called for a while.
    async fn inspected(&self, who: &Principal, component: &Arc<[u8]>) -> Result<Arc<Plugin>, EngineError> {
        let source = Source::Upload { by: who.name().to_owned() };
        let (plugins, bytes) = (Arc::clone(&self.0.plugins), component.to_vec());
        let inspected = self.0.in_workshop(async move { plugins.inspect(bytes, source).await }).await?;
        Ok(inspected?)
    }
}

//! From the bytes of a file to a version that can run, by the steps that every component passes:
//! size, outline, imports, compiling, linking, metadata. The cheap ones come first; any may refuse.
//!
//! Nothing here changes what is published: that is the registry's.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use orgata_engine::ports::{LoadError, SessionContext};
use orgata_model::operation::EffectClass;
use orgata_model::runtime::Environment;
use orgata_model::{Digest, PluginName};
use wasmtime::component::{Component, InstancePre};

use crate::bindings::{OPERATIONS, PluginPre};
use crate::capability::{self, http::Trust};
use crate::compile::Compiler;
use crate::describe::{self, Metadata};
use crate::guest::{Guest, Scope};
use crate::instance::Instance;
use crate::machine::Machine;
use crate::plain::PlainCode;
use crate::precheck::{self, Outline};
use crate::refusal::{Refusal as _, refuse};
use crate::settings::Settings;
use crate::signature;
use crate::trap;
use crate::version::{Code, Version};

/// What it takes to make versions of bytes.
pub(crate) struct Workshop {
    pub(crate) settings: Arc<Settings>,
    pub(crate) machine: Machine,
    pub(crate) compiler: Compiler,
    pub(crate) trust: Arc<Trust>,
}

/// A version, and what to keep of it.
pub(crate) struct Prepared {
    pub(crate) version: Arc<Version>,
    pub(crate) metadata: Metadata,
}

impl Workshop {
    /// Refuses a file by its size alone: whoever reads it need not read more.
    pub(crate) fn check_size(&self, size: u64) -> Result<(), LoadError> {
        if size <= self.settings.component_size.get() {
            return Ok(());
        }
        let message = format!(
            "it has {size} bytes, which is over the limit `componentSize` ({})",
            self.settings.component_size
        );
        Err(refuse("TOO_LARGE", message, "make the component smaller, or raise sandbox.componentSize"))
    }

    /// Makes a version of these bytes. `known` is what was found out about them before; `stem` names a plain
    /// component that does not name itself; `beside` are signatures that came with it.
    pub(crate) async fn prepare(
        &self,
        bytes: &Arc<[u8]>,
        stem: Option<&str>,
        beside: &str,
        known: Option<Metadata>,
    ) -> Result<Prepared, LoadError> {
        self.check_size(bytes.len() as u64)?;
        let outline = precheck::outline(bytes)?;
        let effect = effect(&outline)?;
        check_exports(&outline)?;
        let digest = Digest::of(bytes);
        let compiled = self.compiler.compiled(digest, bytes).await?;
        let code = self.linked(&compiled.component)?;
        let mut metadata = match known {
            Some(known) => known,
            None => self.described(&code, outline, stem, effect, bytes.len() as u64).await?,
        };
        // Those that came with the same bytes earlier still fit.
        metadata.signers.extend(signature::signers(bytes, beside));
        metadata.signers.sort_unstable();
        metadata.signers.dedup();
        let plugin = Arc::new(metadata.plugin(digest, compiled.millis));
        Ok(Prepared { version: Arc::new(Version::new(plugin, code)), metadata })
    }

    /// Makes a version of compiled code that is still in the cache, without the bytes.
    pub(crate) fn recall(&self, digest: Digest, metadata: &Metadata) -> Option<Arc<Version>> {
        let component = self.compiler.cache.load(&self.machine.engine, digest)?;
        let code = self.linked(&component).ok()?;
        Some(Arc::new(Version::new(Arc::new(metadata.plugin(digest, None)), code)))
    }

    fn linked(&self, component: &Component) -> Result<Code, LoadError> {
        let linked = self.machine.linker.instantiate_pre(component).map_err(|error| {
            let hint = "build it against the versions of the interfaces that this host offers";
            refuse("WRONG_IMPORTS", "its imports do not fit what this host offers", hint).because_wasm(&error)
        })?;
        match component.get_export_index(None, OPERATIONS) {
            Some(_) => contract(linked),
            None => Ok(Code::Plain(PlainCode::new(linked)?)),
        }
    }

    async fn described(
        &self,
        code: &Code,
        outline: Outline,
        stem: Option<&str>,
        effect: EffectClass,
        size: u64,
    ) -> Result<Metadata, LoadError> {
        match code {
            Code::Contract(_) => {
                let info = self.ask(code).await?;
                describe::checked(info, effect, outline.imports, size)
            }
            Code::Plain(plain) => plain.metadata(outline, stem, effect, size),
        }
    }

    /// Runs `describe`, with nothing granted and little time and memory.
    async fn ask(&self, code: &Code) -> Result<crate::bindings::guest::PluginInfo, LoadError> {
        let settings = Arc::new(Settings { time: self.settings.describe_time, ..(*self.settings).clone() });
        let memory = settings.describe_memory.min(settings.memory);
        let deadline = Instant::now() + settings.describe_time;
        let guest = Guest::new(&settings, &self.trust, memory.as_usize(), scope(deadline)?);
        let mut instance = Instance::new(&self.machine, code, guest);
        let patience = settings.describe_time + Duration::from_millis(20);
        let outcome = tokio::time::timeout(patience, instance.describe(code)).await;
        let remains = instance.finish();
        let failed = |failure: &orgata_model::Failure| {
            let message = format!("its `describe` failed: {}", describing(&failure.message));
            let hint = "`describe` must answer at once, from what is built in: it is granted nothing";
            LoadError { causes: failure.causes.clone(), ..refuse("DESCRIBE_FAILED", message, hint) }
        };
        let settings = Settings { memory, ..(*settings).clone() };
        match outcome {
            Err(_) => Err(failed(&crate::limits::Limit::Time.failure(&settings))),
            Ok(Err(error)) => Err(failed(&trap::failure(&error, &remains, &settings))),
            Ok(Ok(info)) => Ok(info),
        }
    }
}

/// The limits of `describe` have names of their own.
fn describing(message: &str) -> String {
    let mut message = message.replace("the operation", "it");
    for (limit, own) in [("time", "describeTime"), ("memory", "describeMemory")] {
        message = message.replace(&format!("`{limit}`"), &format!("`{own}`"));
        message = message.replace(&format!("sandbox.{limit}"), &format!("sandbox.{own}"));
    }
    message
}

fn effect(outline: &Outline) -> Result<EffectClass, LoadError> {
    capability::effect_of(&outline.imports).map_err(|unknown| {
        let message = format!("it imports what this host does not offer: {}", unknown.join(", "));
        let hint = "leave these imports out; a plugin may import orgata:plugin/*, wasi:http/outgoing-handler and \
                    what WASI's standard library needs";
        refuse("WRONG_IMPORTS", message, hint)
    })
}

/// A contract of another version is told apart from a plain component.
fn check_exports(outline: &Outline) -> Result<(), LoadError> {
    let contract = |name: &&String| name.starts_with("orgata:plugin/operations");
    match outline.exports.iter().find(contract) {
        Some(name) if name != OPERATIONS => {
            let message = format!("it exports {name}, and this host knows {OPERATIONS}");
            Err(refuse(
                "WRONG_EXPORTS",
                message,
                "build it against the contract of this host, wit/plugin.wit",
            ))
        }
        _ => Ok(()),
    }
}

fn contract(linked: InstancePre<Guest>) -> Result<Code, LoadError> {
    PluginPre::new(linked).map(Code::Contract).map_err(|error| {
        let message = format!("what it exports as {OPERATIONS} does not fit the contract");
        refuse("WRONG_EXPORTS", message, "build it against the contract of this host, wit/plugin.wit")
            .because_wasm(&error)
    })
}

/// `describe` belongs to no execution; it always sees the same, so that what it says may be kept.
fn scope(deadline: Instant) -> Result<Scope, LoadError> {
    let fault = |error: orgata_model::ids::NameError| {
        refuse("DESCRIBE_FAILED", "the host cannot ask it", "this is a fault of the host: report it")
            .because(&error)
    };
    let session = SessionContext {
        execution: "exec_00000000000000000000000000000000".parse().map_err(fault)?,
        runtime: "describe".parse().map_err(fault)?,
        environment: Environment::Development,
        grants: Arc::default(),
        config: Arc::default(),
        secrets: Arc::default(),
        states: None,
        model: None,
    };
    Ok(Scope {
        plugin: "describe".parse::<PluginName>().map_err(fault)?,
        lease: None,
        session: Arc::new(session),
        given: Arc::default(),
        step: "describe".parse().map_err(fault)?,
        iterations: Vec::new(),
        attempt: 1,
        started_at: Timestamp::UNIX_EPOCH,
        deadline,
        progress: None,
    })
}

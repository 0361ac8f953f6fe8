//! The work that hosts are measured with: playbooks of ten steps that do nothing.
//!
//! What is left to measure is the host itself: admission, the fold, the sandbox's border, the store and its
//! flush. W1 needs one flush, W2 eleven, one around each step.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use super::load::{self, Load, Until};
use super::server::Server;
use crate::repo;

/// Steps of an execution, here and in what other engines are given.
const STEPS: usize = 10;

/// Not counted: what is compiled, cached and connected at first.
const WARM_UP: Duration = Duration::from_secs(2);

/// `wait` makes the answer come at the end of the execution.
const PATH: &str = "/api/v1/runtimes/default/executions?wait=30s";

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// Ten `pure` operations: they may run again after a crash, so all that matters is durable at the end.
    W1,
    /// Ten `effectful` operations: each starts when all before it is durable, and so is its result.
    W2,
}

impl Work {
    /// Both.
    pub(super) const ALL: [Self; 2] = [Self::W1, Self::W2];

    /// As tables have it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::W1 => "W1",
            Self::W2 => "W2",
        }
    }

    /// The plugin that has the operation.
    fn plugin(self) -> &'static str {
        match self {
            Self::W1 => "bench",
            Self::W2 => "bench-effect",
        }
    }

    /// A folder for one store, beside the build: `/tmp` may be memory, where a flush costs nothing.
    pub(super) fn prepare(self) -> Result<TempDir> {
        let folder = scratch(self.name())?;
        for part in ["plugins", "playbooks"] {
            fs::create_dir(folder.path().join(part))?;
        }
        let file = format!("{}.wasm", self.plugin());
        let guest = repo::guests().join(&file);
        fs::copy(&guest, folder.path().join("plugins").join(file))
            .with_context(|| format!("cannot copy {}", guest.display()))?;
        fs::write(folder.path().join("playbooks/ten.yaml"), self.playbook())?;
        fs::write(folder.path().join("orgata.yaml"), CONFIG)?;
        Ok(folder)
    }

    /// Every step takes what the one before it gave, so that none may run beside another.
    pub(super) fn playbook(self) -> String {
        use std::fmt::Write as _;
        let mut text = "name: ten\nversion: 1.0.0\ninput: { type: object }\nsteps:\n".to_owned();
        let plugin = self.plugin();
        for number in 1..=STEPS {
            let from = match number {
                1 => "$input.hello".to_owned(),
                later => format!("$steps.s{}.result.hello", later - 1),
            };
            // Writing to a String does not fail.
            let _ = write!(
                text,
                "  - name: s{number}\n    operation: {plugin}/noop\n    params: {{ hello: {from} }}\n"
            );
        }
        let _ = writeln!(text, "output: $steps.s{STEPS}.result");
        text
    }
}

/// A host with one runtime, which has the one plugin and the one playbook.
const CONFIG: &str = "\
plugins: [plugins]
runtimes:
  - id: default
    environment: development
    playbooks: [playbooks]
";

/// A new folder on the disk of the build.
pub(super) fn scratch(name: &str) -> Result<TempDir> {
    let base = repo::target().join("bench");
    fs::create_dir_all(&base).with_context(|| format!("cannot make {}", base.display()))?;
    Ok(tempfile::Builder::new().prefix(&format!("{name}-").to_lowercase()).tempdir_in(&base)?)
}

/// The load on a host that serves the work.
pub(super) fn order(host: &Server, concurrency: usize) -> Load {
    let body = Bytes::from_static(br#"{"playbookName":"ten","input":{"hello":"world"}}"#);
    Load {
        address: host.address,
        path: PATH,
        headers: &[],
        body,
        concurrency,
        spread: Duration::ZERO,
        succeeded,
    }
}

/// For so long, after a warm-up.
pub(super) fn measured(seconds: u64) -> Until {
    Until::Elapsed { warm_up: WARM_UP, counted: Duration::from_secs(seconds) }
}

/// The part of an answer that matters.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Handle<'a> {
    execution_id: &'a str,
    status: &'a str,
}

/// The execution's id.
pub(super) fn succeeded(body: &[u8]) -> Option<String> {
    let handle: Handle<'_> = serde_json::from_slice(body).ok()?;
    (handle.status == "succeeded").then(|| handle.execution_id.to_owned())
}

/// Looks into some histories: an execution that skipped its steps would be quick.
pub(super) fn ran_all_steps(host: &Server, outcome: &load::Outcome) -> Result<()> {
    for id in outcome.samples.iter().take(5) {
        let history = load::get(host.address, &format!("/api/v1/executions/{id}/history?limit=200"))?;
        let completed = count_type(&history, "step_completed");
        if completed != STEPS {
            bail!("{id} completed {completed} steps instead of {STEPS}: {history}");
        }
    }
    Ok(())
}

/// How many objects, however deep, are of this `type`.
fn count_type(value: &Value, wanted: &str) -> usize {
    match value {
        Value::Array(items) => items.iter().map(|item| count_type(item, wanted)).sum(),
        Value::Object(fields) => {
            let own = fields.get("type").and_then(Value::as_str) == Some(wanted);
            usize::from(own) + fields.values().map(|field| count_type(field, wanted)).sum::<usize>()
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_playbooks_chain_their_steps() {
        for (work, operation) in [(Work::W1, "bench/noop"), (Work::W2, "bench-effect/noop")] {
            let text = work.playbook();
            assert_eq!(text.matches(&format!("operation: {operation}\n")).count(), STEPS);
            assert!(text.contains("{ hello: $input.hello }"), "{text}");
            assert!(text.contains("{ hello: $steps.s9.result.hello }"), "{text}");
        }
    }

    #[test]
    fn only_success_is_success() {
        let id = succeeded(br#"{"executionId":"exec_1","status":"succeeded","x":{}}"#);
        assert_eq!(id.as_deref(), Some("exec_1"));
        assert_eq!(succeeded(br#"{"executionId":"exec_1","status":"failed"}"#), None);
        assert_eq!(succeeded(br#"{"error":{}}"#), None);
    }

    #[test]
    fn completed_steps_are_counted_wherever_they_are() {
        let history = serde_json::json!({"events": [
            {"type": "step_completed"},
            {"seq": 2, "event": {"type": "step_completed"}},
            {"type": "step_started"}
        ]});
        assert_eq!(count_type(&history, "step_completed"), 2);
    }
}

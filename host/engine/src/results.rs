//! Results of pure operations, kept for steps that ask for it with `cache`.
//!
//! A result is found by everything that a pure operation may depend on: the version of its plugin, the operation, its
//! input, the role that performs it, and the runtime, whose configuration it may read. Room is bounded, and
//! what nobody asked for lately goes first. Nothing of it is durable: it only saves calls.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use moka::sync::Cache as Shelf;
use orgata_model::operation::{EffectClass, Operation};
use orgata_model::playbook::Cache;
use orgata_model::{Digest, RoleName, RuntimeId};
use serde_json::Value;

/// What a result is found by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ResultKey(Digest);

impl ResultKey {
    /// The key of a call. Nothing for an operation that is not pure: it may give something else the next time.
    pub(crate) fn of(
        runtime: &RuntimeId,
        operation: &Operation,
        role: Option<&RoleName>,
        input: &Value,
    ) -> Option<Self> {
        if operation.effect != EffectClass::Pure {
            return None;
        }
        let all = (runtime, operation.digest, &operation.name, role, input);
        Some(Self(Digest::of(&serde_json::to_vec(&all).ok()?)))
    }
}

#[derive(Debug, Clone)]
struct Kept {
    result: Arc<Value>,
    since: Timestamp,
    size: u32,
}

/// The results.
#[derive(Debug)]
pub(crate) struct Results(Shelf<ResultKey, Kept>);

impl Results {
    /// With room for so many bytes of JSON.
    pub(crate) fn new(bytes: u64) -> Self {
        let size = |_: &ResultKey, kept: &Kept| kept.size;
        Self(Shelf::builder().weigher(size).max_capacity(bytes).build())
    }

    /// A result that is not too old.
    pub(crate) fn get(&self, key: &ResultKey, rule: Cache, now: Timestamp) -> Option<Arc<Value>> {
        let kept = self.0.get(key)?;
        let age = Duration::try_from(now.duration_since(kept.since)).unwrap_or_default();
        let fresh = match rule {
            Cache::WhileRoom => true,
            Cache::For(time) => age < time,
        };
        let outcome = if fresh { "hit" } else { "old" };
        metrics::counter!("orgata_result_cache_total", "outcome" => outcome).increment(1);
        fresh.then_some(kept.result)
    }

    /// Keeps a result.
    pub(crate) fn put(&self, key: ResultKey, result: &Arc<Value>, now: Timestamp) {
        // What it takes in memory is a few times its text; the key and the shelf take as much as a small result.
        const BESIDES: usize = 256;
        let text = serde_json::to_vec(result).map_or(usize::MAX, |text| text.len());
        let size = u32::try_from(text.saturating_mul(2).saturating_add(BESIDES)).unwrap_or(u32::MAX);
        metrics::counter!("orgata_result_cache_total", "outcome" => "kept").increment(1);
        self.0.insert(key, Kept { result: Arc::clone(result), since: now, size });
    }
}

#[cfg(test)]
mod tests {
    use orgata_model::OperationName;
    use serde_json::json;

    use super::*;

    fn operation(name: &str, digest: &str, effect: EffectClass) -> Operation {
        let any = Arc::new(json!(true));
        Operation {
            name: name.parse::<OperationName>().unwrap(),
            digest: Digest::of(digest.as_bytes()),
            title: None,
            description: String::new(),
            input_schema: Arc::clone(&any),
            output_schema: any,
            effect,
            idempotent: true,
            tags: Vec::new(),
            examples: Vec::new(),
        }
    }

    #[test]
    fn everything_that_a_pure_operation_may_depend_on_makes_another_result() {
        let (here, there): (RuntimeId, RuntimeId) = ("here".parse().unwrap(), "there".parse().unwrap());
        let cook: RoleName = "cook".parse().unwrap();
        let usual = operation("calc/add", "1", EffectClass::Pure);
        let key =
            |runtime, operation: &Operation, role, input| ResultKey::of(runtime, operation, role, &input);
        let keys = [
            key(&here, &usual, None, json!({ "a": 1 })),
            key(&there, &usual, None, json!({ "a": 1 })),
            key(&here, &operation("calc/sub", "1", EffectClass::Pure), None, json!({ "a": 1 })),
            key(&here, &operation("calc/add", "2", EffectClass::Pure), None, json!({ "a": 1 })),
            key(&here, &usual, Some(&cook), json!({ "a": 1 })),
            key(&here, &usual, None, json!({ "a": "1" })),
        ];
        for (at, one) in keys.iter().enumerate() {
            assert!(one.is_some());
            assert!(keys.iter().skip(at + 1).all(|other| other != one), "{at}");
        }
        assert_eq!(keys[0], key(&here, &usual, None, json!({ "a": 1 })));
        for effect in [EffectClass::Observing, EffectClass::Effectful] {
            assert_eq!(key(&here, &operation("calc/add", "1", effect), None, json!({})), None);
        }
    }

    #[test]
    fn room_is_bounded() {
        let results = Results::new(10_000);
        let result = Arc::new(json!("x".repeat(1_000)));
        for number in 0..100_u8 {
            results.put(ResultKey(Digest::of(&[number])), &result, Timestamp::UNIX_EPOCH);
        }
        results.0.run_pending_tasks();
        assert!(results.0.weighted_size() <= 10_000 && results.0.entry_count() > 0);
        let huge = ResultKey(Digest::of(b"huge"));
        results.put(huge.clone(), &Arc::new(json!("x".repeat(20_000))), Timestamp::UNIX_EPOCH);
        results.0.run_pending_tasks();
        assert_eq!(results.get(&huge, Cache::WhileRoom, Timestamp::UNIX_EPOCH), None);
    }
}

//! A first call.
use orgata_engine::ports::*;
use orgata_sandbox::*;
use std::sync::Arc;
#[tokio::test(flavor = "multi_thread")]
async fn first() {
    let dir = tempfile::tempdir().unwrap();
    let t = std::time::Instant::now();
    let sandbox = Sandbox::open(Settings::default(), dir.path(), Arc::new(SystemClock)).await.unwrap();
    eprintln!("open {:?}", t.elapsed());
    for name in ["kitchen", "hostile", "bench"] {
        let bytes = std::fs::read(format!("{}/../../target/guests/{name}.wasm", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let t = std::time::Instant::now();
        let plugin = sandbox.load(bytes, Source::Upload { by: "me".into() }).await.unwrap();
        eprintln!("load {:?} {} {:?} {:?} {:?}", t.elapsed(), plugin.name, plugin.effect, plugin.imports, plugin.operations.iter().map(|o| o.name.to_string()).collect::<Vec<_>>());
    }
    let session = sandbox.open(SessionContext { execution: "exec_00000000000000000000000000000001".parse().unwrap(), runtime: "r".parse().unwrap(), environment: Default::default(), grants: Default::default(), config: Default::default() });
    for op in ["echo", "echo", "echo", "recurse", "memory-bomb", "stdout-flood", "log-flood", "progress-flood", "huge-result", "deep-json", "not-json", "bad-output", "bad-question", "ask-again", "trap", "panic", "exit", "fail", "sleep", "loop"] {
        let name: orgata_model::OperationName = format!("hostile/{op}").parse().unwrap();
        let digest = sandbox.catalog().operation(&name).unwrap().digest;
        let report = session.call(Call { digest, operation: name, step: "s".parse().unwrap(), attempt: 1, idempotency_key: "k".into(), role: None, started_at: SystemClock.now(), timeout: Some(std::time::Duration::from_millis(4000)), input: Arc::new(serde_json::json!({"ms": 200, "a": 1})), resume: None, progress: None }).await;
        eprintln!("{op}: {:?} {} lines {} dropped {}KiB\n    {:?}", report.took, report.log.len(), report.log_dropped, report.memory / 1024, format!("{:?}", report.outcome).chars().take(700).collect::<String>());
    }
}

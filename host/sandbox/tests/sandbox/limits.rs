//! Guests that loop, allocate, recurse, print, trap and talk too much: each call ends, with a failure that
//! says why, and the next call works.

use std::time::Duration;

use orgata_model::FailureKind;
use orgata_sandbox::{Settings, Size};
use serde_json::{Value, json};

use crate::support::{Bench, assert_limit, done, failed, guest, messages, progress, resume, upload};
use orgata_engine::ports::{Outcome, Plugins as _};

/// More than anything here takes that is not stopped by a limit, on the busiest machine.
const PATIENCE: Duration = Duration::from_secs(20);

async fn hostile(settings: Settings) -> Bench {
    let bench = Bench::with(settings).await;
    bench.load("hostile").await;
    bench
}

async fn assert_alive(bench: &Bench) {
    assert_eq!(bench.done("hostile/echo", json!({ "still": "here" })).await, json!({ "still": "here" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_ends_with_its_time() {
    let bench = hostile(Settings { time: Duration::from_millis(200), ..Settings::default() }).await;
    let report = bench.run("hostile/loop", json!({})).await;
    assert!(report.took < PATIENCE, "{:?}", report.took);
    let failure = failed(report);
    assert_limit(&failure, "time");
    assert_eq!(failure.kind, FailureKind::Transient);
    assert!(failure.message.contains("200ms"), "{failure:?}");
    assert_alive(&bench).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_may_give_less_time() {
    let bench = hostile(Settings::default()).await;
    let mut call = bench.call("hostile/loop", json!({}));
    call.timeout = Some(Duration::from_millis(100));
    let failure = failed(bench.session().call(call).await);
    assert_limit(&failure, "time");
    assert!(failure.message.contains("100ms") && failure.message.contains("step"), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sleeping_in_the_host_counts_as_time() {
    let bench = hostile(Settings { time: Duration::from_millis(200), ..Settings::default() }).await;
    let report = bench.run("hostile/sleep", json!({})).await;
    assert!(report.took < PATIENCE, "{:?}", report.took);
    assert_limit(&failed(report), "time");
    assert_eq!(bench.done("hostile/sleep", json!({ "ms": 20 })).await, json!({ "ms": 20 }));
}

/// Loops of other executions must leave room for this one, on the very same thread.
#[tokio::test(flavor = "current_thread")]
async fn loops_do_not_starve_others() {
    let bench = hostile(Settings { time: PATIENCE, ..Settings::default() }).await;
    let mut loops = Vec::new();
    for _ in 0..4 {
        loops.push(bench.begun("hostile/loop", json!({})).await);
    }
    assert_alive(&bench).await;
    for stuck in loops {
        assert!(!stuck.is_finished(), "it was done while all of them were at work");
        stuck.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_a_call_stops_the_guest() {
    let bench = hostile(Settings { instances: 1, idle_instances: 0, ..Settings::default() }).await;
    let stuck = bench.begun("hostile/loop", json!({})).await;
    stuck.abort();
    assert!(stuck.await.unwrap_err().is_cancelled());
    // The only place is free again.
    assert_alive(&bench).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recursion_ends_with_the_stack() {
    let bench = hostile(Settings::default()).await;
    let failure = bench.fails("hostile/recurse", json!({})).await;
    assert_limit(&failure, "stack");
    assert_eq!(failure.kind, FailureKind::Permanent);
    assert_alive(&bench).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_ends_at_its_limit() {
    let bench = hostile(Settings { memory: Size::mib(32), ..Settings::default() }).await;
    let report = bench.run("hostile/memory-bomb", json!({})).await;
    assert!(report.memory <= 32 << 20, "{}", report.memory);
    assert!(report.memory > 16 << 20, "{}", report.memory);
    assert_limit(&failed(report), "memory");
    assert_eq!(bench.done("hostile/memory-bomb", json!({ "mib": 8 })).await, json!({ "mib": 8 }));
    assert_alive(&bench).await;
}

/// Two memories and tables share one limit, whether in one module or in two.
#[tokio::test(flavor = "multi_thread")]
async fn all_memories_and_tables_count_together() {
    let bench = Bench::with(Settings { memory: Size::mib(64), ..Settings::default() }).await;
    for name in ["two-memories", "multi-memory"] {
        bench
            .sandbox
            .load(guest(name), orgata_engine::ports::Source::File(format!("{name}.wasm").into()))
            .await
            .unwrap();
        let report = bench.run(&format!("{name}/grow"), json!({})).await;
        assert!(report.memory <= 64 << 20, "{name} held {}", report.memory);
        let pages = done(report);
        assert!(pages.as_u64().unwrap() <= 1024, "{name} holds {pages} pages, and 64 MiB are 1024");
    }
    let bench = Bench::with(Settings {
        memory: Size::kib(256),
        describe_memory: Size::kib(256),
        ..Settings::default()
    })
    .await;
    bench
        .sandbox
        .load(guest("table-growth"), orgata_engine::ports::Source::File("table-growth.wasm".into()))
        .await
        .unwrap();
    let elements = bench.done("table-growth/grow", json!({})).await;
    assert!(elements.as_u64().unwrap() <= 256 * 1024 / 8, "{elements}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_that_is_too_large_from_the_start_is_a_limit_too() {
    let bench = Bench::new().await;
    let source = orgata_engine::ports::Source::File("vast-memory.wasm".into());
    match bench.sandbox.load(guest("vast-memory"), source).await {
        Ok(plugin) => {
            let operation = plugin.operations[0].name.to_string();
            assert_limit(&bench.fails(&operation, json!({})).await, "memory");
        }
        Err(error) => {
            assert_eq!(error.code, "TOO_LARGE", "{error:?}");
            assert!(error.message.contains("`memory` (256 MiB)"), "{error:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_in_the_start_of_a_module_ends() {
    let bench = Bench::with(Settings { time: Duration::from_millis(200), ..Settings::default() }).await;
    let source = orgata_engine::ports::Source::File("start-loops.wasm".into());
    bench.sandbox.load(guest("start-loops"), source).await.unwrap();
    assert_limit(&bench.fails("start-loops/never", json!({})).await, "time");
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_are_counted_not_kept() {
    let bench = hostile(Settings { log_lines: 10, ..Settings::default() }).await;
    for operation in ["hostile/stdout-flood", "hostile/log-flood"] {
        let report = bench.run(operation, json!({ "lines": 5000 })).await;
        assert_eq!((report.log.len(), report.log_dropped), (10, 4990), "{operation}");
        assert!(messages(&report.log)[0].starts_with("line 0 of a flood"));
        assert!(!messages(&report.log)[0].contains('\u{1b}'), "a colour got through");
        assert_eq!(done(report), json!({ "lines": 5000 }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_of_a_log_are_capped() {
    let bench = hostile(Settings { log_bytes: Size::bytes(1000), ..Settings::default() }).await;
    let report = bench.run("hostile/log-flood", json!({ "lines": 5000 })).await;
    let kept: usize = report.log.iter().map(|line| line.message.len()).sum();
    assert!(kept <= 1000 && report.log.len() > 10, "{kept} bytes in {} lines", report.log.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_clamped_and_dropped_when_nobody_keeps_up() {
    let bench = hostile(Settings::default()).await;
    let (sender, mut reports) = progress(16);
    let mut call = bench.call("hostile/progress-flood", json!({ "reports": 5000 }));
    call.progress = sender;
    done(bench.session().call(call).await);
    let mut seen = 0;
    while let Ok(report) = reports.try_recv() {
        assert!((0.0..=1.0).contains(&report.fraction), "{report:?}");
        seen += 1;
    }
    assert_eq!(seen, 16);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_into_the_host_are_counted() {
    let bench = hostile(Settings { host_calls: 1000, ..Settings::default() }).await;
    for operation in ["hostile/log-flood", "hostile/progress-flood", "hostile/stdout-flood"] {
        assert_limit(&bench.fails(operation, json!({})).await, "hostCalls");
    }
    assert_alive(&bench).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_result_is_refused_before_it_is_copied() {
    let bench = hostile(Settings { output: Size::mib(1), ..Settings::default() }).await;
    assert_limit(&bench.fails("hostile/huge-result", json!({})).await, "output");
    assert_limit(&bench.fails("hostile/huge-result", json!({ "bytes": 2 << 20 })).await, "output");
    let fits = bench.done("hostile/huge-result", json!({ "bytes": 1 << 19 })).await;
    assert_eq!(fits.as_str().unwrap().len(), (1 << 19) - 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_input_is_refused() {
    let bench = hostile(Settings { input: Size::kib(4), ..Settings::default() }).await;
    assert_limit(&bench.fails("hostile/echo", json!({ "text": "x".repeat(5000) })).await, "input");
    let mut call = bench.call("hostile/ask-again", json!({}));
    call.resume = resume(json!(1), json!("x".repeat(5000)));
    assert_limit(&failed(bench.session().call(call).await), "input");
}

#[tokio::test(flavor = "multi_thread")]
async fn results_that_are_not_what_was_promised_are_refused() {
    let bench = hostile(Settings::default()).await;
    for (operation, word) in [
        ("hostile/deep-json", "recursion"),
        ("hostile/not-json", "EOF"),
        ("hostile/bad-output", "/promised"),
        ("hostile/bad-question", "response schema"),
    ] {
        let failure = bench.fails(operation, json!({})).await;
        assert_eq!(failure.code, "OUTPUT_MISMATCH", "{failure:?}");
        assert_eq!(failure.kind, FailureKind::Permanent);
        assert!(format!("{failure:?}").contains(word), "{failure:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_does_not_fit_never_reaches_the_guest() {
    let bench = hostile(Settings::default()).await;
    let failure = bench.fails("hostile/echo", json!("not an object")).await;
    assert_eq!((failure.code.as_str(), failure.kind), ("INPUT_MISMATCH", FailureKind::InvalidInput));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_says_where_and_a_panic_says_why() {
    let bench = hostile(Settings::default()).await;
    let trap = bench.fails("hostile/trap", json!({})).await;
    assert_eq!((trap.code.as_str(), trap.kind), ("TRAPPED", FailureKind::Permanent));
    assert!(trap.message.contains("unreachable"), "{trap:?}");
    assert!(trap.causes.iter().any(|cause| cause.starts_with("at ")), "{trap:?}");
    let panic = bench.fails("hostile/panic", json!({})).await;
    assert!(panic.message.contains("this guest panics on purpose"), "{panic:?}");
    let exit = bench.fails("hostile/exit", json!({})).await;
    assert!(exit.message.contains("exit(0)"), "{exit:?}");
    assert_alive(&bench).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_of_the_guest_keep_their_kind_and_code() {
    let bench = hostile(Settings::default()).await;
    for (kind, expected) in [
        ("transient", FailureKind::Transient),
        ("permanent", FailureKind::Permanent),
        ("invalid-input", FailureKind::InvalidInput),
    ] {
        let failure = bench.fails("hostile/fail", json!({ "kind": kind })).await;
        assert_eq!((failure.kind, failure.code.as_str()), (expected, "on-purpose"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_asked_and_its_answer_goes_on() {
    let bench = hostile(Settings::default()).await;
    let Ok(Outcome::Ask(question)) = bench.run("hostile/ask-again", json!({})).await.outcome else {
        panic!("it should ask");
    };
    assert_eq!((question.kind.as_str(), &question.resume_state), ("human_decision", &json!(1)));
    let mut call = bench.call("hostile/ask-again", json!({}));
    call.resume = resume(question.resume_state, json!("yes"));
    let Ok(Outcome::Ask(again)) = bench.session().call(call).await.outcome else {
        panic!("it should ask again")
    };
    assert_eq!(again.resume_state, json!(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_places_are_taken_a_call_waits_for_its_turn() {
    let bench = hostile(Settings { instances: 1, ..Settings::default() }).await;
    let mut sleepers = Vec::new();
    for _ in 0..3 {
        let (session, call) = (bench.session(), bench.call("hostile/sleep", json!({ "ms": 50 })));
        sleepers.push(tokio::spawn(async move { session.call(call).await }));
    }
    for sleeper in sleepers {
        assert_eq!(done(sleeper.await.unwrap()), json!({ "ms": 50 }));
    }
    let busy = bench.begun("hostile/sleep", json!({})).await;
    let mut call = bench.call("hostile/echo", json!({}));
    call.timeout = Some(Duration::from_millis(50));
    assert_limit(&failed(bench.session().call(call).await), "instances");
    assert!(!busy.is_finished(), "the only place was taken all the time");
    busy.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn describing_is_limited_as_well() {
    let short = Duration::from_millis(300);
    for (name, describe_time, word) in [
        ("odd-describe-loops", short, "`describeTime` (300ms)"),
        ("odd-describe-sleeps", short, "`describeTime` (300ms)"),
        // These are not about time: it must not be what they reach first.
        ("odd-describe-huge", PATIENCE, "`output`"),
        ("odd-describe-traps", PATIENCE, "trapped"),
    ] {
        let bench = Bench::with(Settings { describe_time, ..Settings::default() }).await;
        let error = bench.refusal(guest(name)).await;
        assert_eq!(error.code, "DESCRIBE_FAILED", "{name}: {error:?}");
        assert!(error.message.contains(word), "{name}: {error:?}");
        // What was refused left no trace.
        assert!(bench.sandbox.list().is_empty());
    }
    let bench = Bench::with(Settings { describe_time: PATIENCE, ..Settings::default() }).await;
    let plugin = bench.sandbox.load(guest("bench"), upload()).await.unwrap();
    assert_eq!(
        bench.done(&plugin.operations[0].name.to_string(), Value::Object(Default::default())).await,
        bench.done("bench/noop", json!({})).await
    );
}

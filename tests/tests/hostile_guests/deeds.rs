//! What a guest can do by itself: loop, hoard, flood, crash, lie.

use futures_util::future::join_all;
use orgata_tests::HostSetup;
use orgata_tests::patience::until;
use serde_json::{Value, json};

use super::{LINES, MEMORY, OUTPUT, ROOM, id_of, one_step, run, strict};

/// How a deed ends.
enum End {
    /// At this limit.
    Limit(&'static str),
    /// With this code, and this word somewhere in what is told.
    Code(&'static str, &'static str),
    /// Well.
    Well,
}

use End::{Code, Limit, Well};

/// An operation, the parameter of it that is given, and how that ends.
const DEEDS: [(&str, &str, u64, End); 21] = [
    ("hostile/loop", "", 0, Limit("time")),
    ("hostile/sleep", "", 0, Limit("time")),
    ("start-loops/never", "", 0, Limit("time")),
    ("hostile/recurse", "", 0, Limit("stack")),
    ("hostile/memory-bomb", "", 0, Limit("memory")),
    ("hostile/huge-result", "bytes", 100_000_000, Limit("memory")),
    ("hostile/huge-result", "bytes", 4_000_000, Limit("output")),
    ("hostile/huge-result", "bytes", OUTPUT + 1, Limit("output")),
    ("hostile/huge-result", "bytes", OUTPUT - 10_000, Well),
    ("hostile/stdout-flood", "lines", 100_000, Limit("hostCalls")),
    ("hostile/log-flood", "lines", 100_000, Limit("hostCalls")),
    ("hostile/progress-flood", "reports", 100_000, Limit("hostCalls")),
    ("hostile/deep-json", "depth", 100_000, Code("OUTPUT_MISMATCH", "recursion")),
    ("hostile/deep-json", "depth", 100, Well),
    ("hostile/not-json", "", 0, Code("OUTPUT_MISMATCH", "not JSON")),
    ("hostile/bad-output", "", 0, Code("OUTPUT_MISMATCH", "/promised")),
    ("hostile/bad-question", "", 0, Code("OUTPUT_MISMATCH", "response schema")),
    ("hostile/trap", "", 0, Code("TRAPPED", "unreachable")),
    ("hostile/panic", "", 0, Code("TRAPPED", "this guest panics on purpose")),
    ("hostile/exit", "", 0, Code("TRAPPED", "exit(0)")),
    ("hostile/fail", "", 0, Code("on-purpose", "attempt 1")),
];

/// A playbook for every deed: each takes its one parameter from the input, or nothing.
fn with_all(mut setup: HostSetup) -> HostSetup {
    for (operation, parameter, ..) in DEEDS {
        let params = match parameter {
            "" => "{}".to_owned(),
            parameter => format!("{{ {parameter}: $input.{parameter} }}"),
        };
        setup = one_step(setup, operation, &params);
    }
    setup
}

fn check(operation: &str, end: &End, told: &Value) {
    let failure = &told["failure"];
    match end {
        Well => assert_eq!(told["status"], "succeeded", "{operation}: {told}"),
        Limit(limit) => {
            assert_eq!(failure["code"], "LIMIT_EXCEEDED", "{operation}: {told}");
            assert_eq!(failure["details"]["limit"], *limit, "{operation}: {told}");
            let message = failure["message"].as_str().unwrap();
            assert!(message.contains(&format!("sandbox.{limit}")), "it says what to raise: {message}");
        }
        Code(code, word) => {
            assert_eq!(failure["code"], *code, "{operation}: {told}");
            assert!(failure.to_string().contains(word), "{operation} should tell of {word}: {told}");
        }
    }
    if !matches!(end, Well) {
        assert_eq!(told["status"], "failed", "{operation}: {told}");
        assert!(!failure["kind"].as_str().unwrap().is_empty(), "{operation}: {told}");
    }
}

#[tokio::test]
async fn every_misdeed_ends_in_a_failure_that_names_what_stopped_it() {
    let setup = with_all(strict(&["hostile", "start-loops"]));
    let setup = one_step(setup, "hostile/echo", "{ n: $input.n }");
    let host = setup.runtime("cell", json!({})).start().await;
    // All at once, and well-behaved calls of the same plugin among them. Those that use up all their time come
    // after the others, which would have to share the processors with them and might use up theirs.
    let (endless, brief): (Vec<_>, Vec<_>) = DEEDS.iter().partition(|(.., end)| matches!(end, Limit("time")));
    for deeds in [&brief, &brief, &endless] {
        let bad = deeds.iter().map(|(operation, parameter, number, _)| {
            let input = json!({ *parameter: number });
            run(&host, operation, input)
        });
        let good = (0..20).map(|n| run(&host, "hostile/echo", json!({ "n": n })));
        let (bad, good) = tokio::join!(join_all(bad), join_all(good));
        for ((operation, .., end), told) in deeds.iter().zip(&bad) {
            check(operation, end, told);
        }
        for (n, told) in good.iter().enumerate() {
            assert_eq!(told["output"], json!({ "n": n }));
        }
    }
    let peak = host.peak_memory();
    // Two hoard, and are allowed to.
    assert!(peak < ROOM + 2 * MEMORY, "the host took {peak} MiB");
}

#[tokio::test]
async fn hoarders_get_no_more_together_than_each_is_allowed() {
    const HOARDERS: u64 = 8;
    let operations = ["two-memories/grow", "multi-memory/grow", "table-growth/grow"];
    let setup = strict(&["hostile", "two-memories", "multi-memory", "table-growth"]);
    // Time enough to take all they can get, one after the other.
    let setup = setup.config(json!({ "sandbox": { "time": "10s" } }));
    let setup = operations.iter().fold(setup, |setup, operation| one_step(setup, operation, "{}"));
    let host = one_step(setup, "hostile/memory-bomb", "{}").runtime("cell", json!({})).start().await;

    // What they could take before they were refused: pages of 64 KiB in both memories together, …
    for operation in ["two-memories/grow", "multi-memory/grow"] {
        let pages = run(&host, operation, json!({})).await["output"].as_u64().unwrap();
        assert!((2..=MEMORY * 16).contains(&pages), "{operation} took {pages} pages");
    }
    // … and elements of a table, each a pointer on the host.
    let elements = run(&host, "table-growth/grow", json!({})).await["output"].as_u64().unwrap();
    assert!((1..=MEMORY * 1024 * 1024 / 8).contains(&elements), "{elements}");

    for _ in 0..5 {
        let bombs = join_all((0..HOARDERS).map(|_| run(&host, "hostile/memory-bomb", json!({})))).await;
        for told in bombs {
            check("hostile/memory-bomb", &Limit("memory"), &told);
        }
    }
    let peak = host.peak_memory();
    assert!(peak < ROOM + HOARDERS * MEMORY, "{HOARDERS} of {MEMORY} MiB each, and the host took {peak} MiB");
}

#[tokio::test]
async fn a_flood_within_the_limits_is_cut_off_and_counted() {
    let floods = [
        ("stdout-flood", "lines", 1000_usize),
        ("log-flood", "lines", 1000),
        ("progress-flood", "reports", 2000),
    ];
    let setup = floods.iter().fold(strict(&["hostile"]), |setup, (name, what, _)| {
        one_step(setup, &format!("hostile/{name}"), &format!("{{ {what}: $input.{what} }}"))
    });
    let host = setup.runtime("cell", json!({})).start().await;
    for (name, what, count) in floods {
        let told = run(&host, &format!("hostile/{name}"), json!({ what: count })).await;
        assert_eq!(told["output"][what], count, "{told}");
        let id = id_of(&told);
        let history = host.history(&id).await;
        assert!(history.len() < 100, "{name}: reports become a few events, not {}", history.len());

        if what == "lines" {
            // What was over is told last.
            let dropped = format!("dropped={}", count - LINES);
            let own = || host.log().into_iter().filter(|line| line.contains(&id.0)).collect::<Vec<_>>();
            let told = until(async || own().iter().any(|line| line.contains(&dropped)).then_some(()));
            assert!(told.await.is_some(), "{name}: {dropped} should be in {:#?}", own().last());
            let kept = own().iter().filter(|line| line.contains("of a flood")).count();
            assert_eq!(kept, LINES, "{name}");
        }
    }
    assert!(!host.log().iter().any(|line| line.contains('\u{1b}')), "no guest paints the terminal");
}

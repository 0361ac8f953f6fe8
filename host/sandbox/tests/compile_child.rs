//! Compiling in a process of its own: this program is both the host and, run as `PROGRAM __compile`, the
//! compiler, as the real binary is. So it has no harness; it runs its cases in order.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by panicking"
)]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use orgata_engine::ports::{LoadError, Plugins as _, Source, SystemClock};
use orgata_sandbox::{Sandbox, Settings, Size, compile_child_main};

const NAME: &str = "components_compile_in_a_process_of_their_own";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|argument| argument == "__compile") {
        return compile_child_main();
    }
    if arguments.iter().any(|argument| argument == "--list") {
        // It is not among the ignored ones: nextest would leave it out.
        if !arguments.iter().any(|argument| argument == "--ignored") {
            println!("{NAME}: test");
        }
        return ExitCode::SUCCESS;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        a_component_is_compiled_and_works_where_it_is_loaded().await;
        one_that_takes_too_long_is_stopped().await;
        one_that_takes_too_much_memory_is_stopped().await;
        one_that_is_invalid_says_why().await;
    });
    println!("test {NAME} ... ok");
    ExitCode::SUCCESS
}

fn settings() -> Settings {
    Settings { compiler: Some(std::env::current_exe().unwrap()), ..Settings::default() }
}

async fn load(settings: Settings, bytes: Vec<u8>) -> Result<Option<u64>, LoadError> {
    let data = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::open(settings, data.path(), Arc::new(SystemClock)).await.unwrap();
    let loaded = sandbox.load(bytes, Source::File("tried.wasm".into())).await;
    loaded.map(|plugin| plugin.compile_ms)
}

/// A component whose one function takes the compiler time and memory in proportion.
fn laborious(instructions: usize) -> Vec<u8> {
    let body =
        "(local.set 0 (i64.mul (i64.add (local.get 0) (local.get 1)) (i64.const 3)))\n".repeat(instructions);
    let text = format!(
        r#"(component
            (core module $m (func (export "f") (result i32) (local i64 i64) {body} (i32.wrap_i64 (local.get 0))))
            (core instance $i (instantiate $m))
            (func (export "f") (result u32) (canon lift (core func $i "f"))))"#
    );
    wat::parse_str(text).unwrap()
}

async fn a_component_is_compiled_and_works_where_it_is_loaded() {
    assert!(load(settings(), laborious(10)).await.unwrap().is_some());
}

async fn one_that_takes_too_long_is_stopped() {
    let settings = Settings { compile_time: Duration::from_millis(300), ..settings() };
    let began = std::time::Instant::now();
    let error = load(settings, laborious(400_000)).await.unwrap_err();
    assert_eq!(error.code, "COMPILE_LIMIT", "{error:?}");
    assert!(error.message.contains("compileTime"), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

async fn one_that_takes_too_much_memory_is_stopped() {
    let settings = Settings { compile_memory: Size::mib(256), ..settings() };
    let error = load(settings, laborious(650_000)).await.unwrap_err();
    assert_eq!(error.code, "COMPILE_LIMIT", "{error:?}");
    assert!(error.message.contains("compileMemory"), "{error:?}");
}

async fn one_that_is_invalid_says_why() {
    // An i64 where an i32 belongs: well-formed, and invalid.
    let mut bytes = laborious(10);
    let wrap = bytes.iter().rposition(|byte| *byte == 0xa7).unwrap();
    bytes[wrap] = 0x01;
    let error = load(settings(), bytes).await.unwrap_err();
    assert_eq!(error.code, "COMPILE_FAILED", "{error:?}");
    assert!(error.causes.join(" ").contains("type mismatch"), "{error:?}");
}

//! A host for the conformance suite of MCP: the whole API over small ports in memory, with the suite's fixtures in front.
//!
//! ```console
//! $ cargo run -p orgata-api --features conformance --example conformance -- 127.0.0.1:0
//! listening on http://127.0.0.1:40123
//! ```
//!
//! `cargo xtask conformance` runs it. It ends when it is killed.

use orgata_engine::{Engine, Principal};

/// What the suite's scenarios of tasks run.
const JOBS: [&str; 6] = [
    "\
name: slow-compute
input: { type: object, properties: { seconds: { type: array } }, required: [seconds] }
steps:
  - { name: compute, forEach: $input.seconds, maxConcurrency: 1, wait: 1s }
",
    "\
name: failing-job
steps:
  - { name: job, fail: { code: JOB_FAILED, message: It always fails. } }
",
    // What the host says of a mistake of its own.
    "\
name: protocol-error-job
steps:
  - { name: job, fail: { code: INTERNAL, message: The host could not do it. } }
",
    "\
name: confirm-delete
input: { type: object, properties: { filename: { type: string } }, required: [filename] }
steps:
  - name: confirm
    intervention:
      prompt: \"Delete {{ input.filename }}?\"
      response: { type: object, properties: { confirm: { type: boolean } }, required: [confirm] }
",
    "\
name: multi-input
steps:
  - name: one
    intervention:
      prompt: And you are?
      response: { type: object, properties: { name: { type: string } }, required: [name] }
  - name: two
    parallel: true
    intervention:
      prompt: And who is that?
      response: { type: object, properties: { name: { type: string } }, required: [name] }
",
    "\
name: greet-later
input: { type: object, properties: { name: { type: string } }, required: [name] }
steps:
  - { name: wait, wait: 1s }
output: { greeting: \"Hello, {{ input.name }}!\" }
",
];

#[path = "../tests/support/mod.rs"]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "the tests' own support")]
mod support;

use std::io::Write as _;

use tokio::net::TcpListener;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(address).await?;
    let mut out = std::io::stdout();
    writeln!(out, "listening on http://{}", listener.local_addr()?)?;
    out.flush()?;
    let host = support::Host::new().await;
    publish(&host.engine).await.map_err(std::io::Error::other)?;
    host.api().serve(listener, std::future::pending()).await
}

async fn publish(engine: &Engine) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let runtime = "kitchen-v1".parse()?;
    for job in JOBS {
        engine.publish_playbook(&Principal::local(), &runtime, None, "job.yaml", job.to_owned()).await?;
    }
    Ok(())
}

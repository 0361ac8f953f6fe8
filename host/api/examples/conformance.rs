//! A host for the conformance suite of MCP: the whole API over small ports in memory, with the suite's fixtures in front.
//!
//! ```console
//! $ cargo run -p orgata-api --features conformance --example conformance -- 127.0.0.1:0
//! listening on http://127.0.0.1:40123
//! ```
//!
//! `cargo xtask conformance` runs it. It ends when it is killed.

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
    host.api().serve(listener, std::future::pending()).await
}

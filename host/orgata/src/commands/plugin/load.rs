//! `orgata plugin load`: makes a file the current version of its plugin on the running host.

use std::path::Path;
use std::process::ExitCode;

use reqwest::Method;

use crate::cli::Global;
use crate::client::Client;
use crate::render::{print_json, table};
use crate::wire::Parts as _;

pub(super) async fn load(global: &Global, file: &Path) -> anyhow::Result<ExitCode> {
    let bytes = super::component(file)?;
    let client = Client::find(global).await?;
    let plugin = client.send_bytes(Method::POST, "/plugins", "application/wasm", bytes).await?;
    if global.json {
        print_json(&plugin)?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = |key: &str| table::text(plugin.part(key));
    println!(
        "{} {} is current: {}",
        text("name"),
        text("version"),
        super::list::short(plugin.part("digest"))
    );
    for operation in plugin.part("operations").items() {
        println!("  {}", table::text(operation.get("name").unwrap_or(operation)));
    }
    Ok(ExitCode::SUCCESS)
}

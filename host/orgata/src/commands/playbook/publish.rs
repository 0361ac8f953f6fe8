//! `orgata playbook publish`: a file becomes the current version of its playbook.

use std::path::Path;

use orgata_model::RuntimeId;
use reqwest::Method;

use crate::cli::Global;
use crate::client::Client;
use crate::render::print_json;

pub(super) async fn publish(global: &Global, file: &Path, runtime: Option<RuntimeId>) -> anyhow::Result<()> {
    let (playbook, source) = super::read(file, "published")?;
    let client = Client::find(global).await?;
    let runtime = client.this_or_only_runtime(runtime).await?;
    let path = format!("/runtimes/{runtime}/playbooks/{}", playbook.name);
    let told = client.send_bytes(Method::PUT, &path, "application/yaml", source.into_bytes()).await?;
    if global.json {
        return print_json(&told);
    }
    println!("{} {} is current in {runtime}: {}", playbook.name, playbook.version, playbook.digest.short());
    println!("start it with `orgata run {} --runtime {runtime}`", playbook.name);
    Ok(())
}

//! `orgata plugin inspect`: what a file offers, imports and would be allowed.
//!
//! The sandbox reads it as the host would; nothing is loaded, and no host needs to run. Where one runs, what it grants the plugin
//! and what the plugin reached there is shown too.

use std::path::Path;
use std::process::ExitCode;

use orgata_engine::Want;
use orgata_model::PluginName;
use orgata_model::operation::{EffectClass, Operation, Plugin};
use owo_colors::OwoColorize as _;
use serde_json::{Value, json};

use super::signature::signature;
use super::workbench::{Workbench, refused};
use crate::cli::Global;
use crate::render::{amount, print_json};

pub(super) async fn inspect(global: &Global, file: &Path) -> anyhow::Result<ExitCode> {
    let bytes = super::component(file)?;
    let mut workbench = Workbench::open(global).await?;
    let plugin = match workbench.inspect(file, bytes).await {
        Ok(plugin) => plugin,
        Err(error) => return refused(global, &error),
    };
    if global.json {
        let mut all = everything(&plugin);
        let held: serde_json::Map<_, _> =
            super::grants::known(global, &plugin.name).await.into_iter().collect();
        if let (Some(all), false) = (all.as_object_mut(), held.is_empty()) {
            all.insert("runtimes".to_owned(), Value::Object(held));
        }
        print_json(&all)?;
    } else {
        head(&plugin);
        imports(&plugin.imports);
        grants(&plugin);
        super::grants::of_plugin(global, &plugin.name).await;
        plugin.operations.iter().for_each(|operation| show(operation));
    }
    Ok(ExitCode::SUCCESS)
}

/// All that is known of it.
fn everything(plugin: &Plugin) -> Value {
    let operation = |operation: &Operation| {
        let examples = operation.examples.iter();
        json!({
            "name": operation.name,
            "title": operation.title,
            "description": operation.description,
            "idempotent": operation.idempotent,
            "tags": operation.tags,
            "inputSchema": *operation.input_schema,
            "outputSchema": *operation.output_schema,
            "examples": examples
                .map(|one| json!({ "name": one.name, "input": one.input, "output": one.output }))
                .collect::<Vec<_>>(),
        })
    };
    json!({
        "name": plugin.name,
        "version": plugin.version,
        "description": plugin.description,
        "digest": plugin.digest,
        "size": plugin.size,
        "effect": plugin.effect,
        "imports": plugin.imports,
        "compileMs": plugin.compile_ms,
        "signers": plugin.signers,
        "wants": Want::of(plugin).iter().map(|want| want.word()).collect::<Vec<_>>(),
        "operations": plugin.operations.iter().map(|one| operation(one)).collect::<Vec<_>>(),
    })
}

fn head(plugin: &Plugin) {
    anstream::println!("{} {}", plugin.name.bold(), plugin.version);
    if !plugin.description.is_empty() {
        println!("{}", plugin.description);
    }
    println!();
    let compiled = plugin.compile_ms.map_or_else(String::new, |ms| format!(", compiled in {ms} ms"));
    line("digest", &plugin.digest.to_string());
    line("size", &format!("{}{compiled}", amount::bytes(plugin.size)));
    plugin.signers.iter().for_each(|signer| line("signed", &signer.to_string()));
    line("effect", &format!("{}: {}", plugin.effect.as_str(), meaning(plugin.effect)));
}

fn line(key: &str, value: &str) {
    anstream::println!("{:<8} {value}", key.dimmed());
}

const fn meaning(effect: EffectClass) -> &'static str {
    match effect {
        EffectClass::Pure => "it only computes, and may be run again at will",
        EffectClass::Observing => "it may look at the outside, and cannot change it",
        EffectClass::Effectful => "it may change the outside; the host saves before and after each call",
    }
}

/// Names what counts one by one; the plumbing that every guest drags in shares a line.
fn imports(imports: &[String]) {
    let imports = imports.iter().filter(|name| !holds_types_alone(name));
    let (plumbing, telling): (Vec<_>, Vec<_>) = imports.partition(|name| is_plumbing(name));
    let mut key = "imports";
    for name in telling {
        line(key, name);
        key = "";
    }
    if !plumbing.is_empty() {
        let packages: std::collections::BTreeSet<_> =
            plumbing.iter().filter_map(|name| name.split('/').next()).collect();
        let packages: Vec<_> = packages.into_iter().collect();
        line(key, &format!("{} (virtual: no files, no environment)", packages.join(", ")));
    } else if key == "imports" {
        line(key, "nothing");
    }
}

fn holds_types_alone(import: &str) -> bool {
    import.starts_with("orgata:plugin/types") || import.starts_with("orgata:plugin/access")
}

fn is_plumbing(import: &str) -> bool {
    import.starts_with("wasi:") && !import.starts_with("wasi:http/")
}

fn grants(plugin: &Plugin) {
    let wants = Want::of(plugin);
    if wants.is_empty() {
        line("grants", "none needed");
    }
    let mut key = "grants";
    for want in &wants {
        line(key, want.sentence());
        key = "";
    }
    if wants.contains(&Want::Network) {
        println!("\nTo let it reach a server, say so in orgata.yaml:\n\n{}", grant_of(&plugin.name));
    }
}

/// What an operator writes to let a plugin reach a server.
fn grant_of(plugin: &PluginName) -> String {
    format!(
        "    runtimes:\n      - id: default\n        grants:\n          {plugin}:\n            network: \
         [\"api.example.com:443\"]"
    )
}

fn show(operation: &Operation) {
    let idempotent = if operation.idempotent { "idempotent" } else { "not idempotent" };
    let examples = match operation.examples.len() {
        0 => "no examples".to_owned(),
        1 => "1 example".to_owned(),
        more => format!("{more} examples"),
    };
    anstream::println!("\n{}  {}", operation.name.bold(), format!("{idempotent}, {examples}").dimmed());
    if !operation.description.is_empty() {
        println!("  {}", operation.description);
    }
    anstream::println!("  {}  {}", "input ".dimmed(), signature(&operation.input_schema));
    anstream::println!("  {}  {}", "output".dimmed(), signature(&operation.output_schema));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grant_that_is_shown_is_one_that_the_configuration_takes() {
        let text = grant_of(&"http-fetch".parse().unwrap());
        let config: crate::config::Config = serde_saphyr::from_str(&text).unwrap();
        let grants = config.runtimes.first().unwrap().grants.values().next().unwrap();
        assert_eq!(grants.network, ["api.example.com:443"]);
    }
}

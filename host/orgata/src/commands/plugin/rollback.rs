//! `orgata plugin rollback`: makes an earlier version of a plugin current again on the running host.

use std::process::ExitCode;

use anyhow::bail;
use orgata_model::PluginName;
use serde_json::{Value, json};

use crate::cli::Global;
use crate::client::Client;
use crate::render::{print_json, table};
use crate::wire::Parts as _;

pub(super) async fn rollback(
    global: &Global,
    name: &PluginName,
    to: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let client = Client::find(global).await?;
    let body = match to {
        Some(start) => json!({ "digest": meant(&client.get("/plugins").await?, name, start)? }),
        None => json!({}),
    };
    let plugin = client.post(&format!("/plugins/{name}/rollback"), &body).await?;
    if global.json {
        print_json(&plugin)?;
    } else {
        let (version, digest) =
            (table::text(plugin.part("version")), super::list::short(plugin.part("digest")));
        println!("{name} {version} is current: {digest}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The version whose digest begins so: people copy the short form from the list.
fn meant(page: &Value, name: &PluginName, start: &str) -> anyhow::Result<String> {
    let bare = start.strip_prefix("sha256:").unwrap_or(start);
    let items = page.part("items").items();
    let own = items.filter(|item| item.part("name") == name.as_str());
    let digests: Vec<&str> = own.filter_map(|item| item.word("digest")).collect();
    let begins = |digest: &&&str| digest.strip_prefix("sha256:").unwrap_or(digest).starts_with(bare);
    let found: Vec<&&str> = digests.iter().filter(begins).collect();
    match found.as_slice() {
        _ if bare.is_empty() => {
            bail!("--to takes a digest, or the beginning of one: see `orgata plugin list`")
        }
        [only] => Ok((**only).to_owned()),
        [] if digests.is_empty() => bail!("there is no plugin {name}: see `orgata plugin list`"),
        [] => bail!("{name} has no version that begins with {bare}: see `orgata plugin list`"),
        _ => bail!("several versions of {name} begin with {bare}: give more of the digest"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_meant_by_the_beginning_of_its_digest() {
        let page = json!({ "items": [
            { "name": "a", "digest": "sha256:11aa" },
            { "name": "a", "digest": "sha256:11bb" },
            { "name": "b", "digest": "sha256:11cc" },
        ] });
        let name = "a".parse().unwrap();
        assert_eq!(meant(&page, &name, "11a").unwrap(), "sha256:11aa");
        assert_eq!(meant(&page, &name, "sha256:11bb").unwrap(), "sha256:11bb");
        for (start, told) in
            [("11", "several"), ("22", "no version"), ("", "takes a digest"), ("11c", "no version")]
        {
            let error = meant(&page, &name, start).unwrap_err().to_string();
            assert!(error.contains(told), "{start}: {error}");
        }
    }
}

//! Which runtimes a command means.

use orgata_model::RuntimeId;

use super::Client;
use crate::exit::{Exit, USAGE};
use crate::wire::Parts as _;

impl Client {
    /// The one that was named, or the only one that the host has.
    pub(crate) async fn this_or_only_runtime(&self, named: Option<RuntimeId>) -> anyhow::Result<RuntimeId> {
        if let Some(named) = named {
            return Ok(named);
        }
        let names = self.these_or_all_runtimes(None).await?;
        let told = match names.as_slice() {
            [only] => return Ok(only.parse()?),
            [] => "the host has no runtime: add one to orgata.yaml".to_owned(),
            several => {
                format!("there are several runtimes ({}): name one with --runtime", several.join(", "))
            }
        };
        Err(Exit::new(USAGE, told).into())
    }

    /// The one that was named, or all that the host has.
    pub(crate) async fn these_or_all_runtimes(
        &self,
        named: Option<RuntimeId>,
    ) -> anyhow::Result<Vec<String>> {
        if let Some(named) = named {
            return Ok(vec![named.to_string()]);
        }
        let page = self.get("/runtimes").await?;
        let names = page.part("items").items().filter_map(|item| item.word("runtimeId"));
        Ok(names.map(str::to_owned).collect())
    }
}

//! The `secrets` section: where the keys are that secrets are sealed with. The keys themselves never stand in it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use orgata_engine::secrets::{SecretKey, SecretKeys};
use serde::{Deserialize, Serialize};

/// Keys of secrets.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SecretsSection {
    /// What seals. Without it secrets can neither be set nor read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<KeyPlace>,
    /// Keys that secrets were sealed with before, until `orgata secret rotate`.
    pub(crate) previous_keys: Vec<KeyPlace>,
    /// Forget, at start, secrets that none of these keys opens.
    pub(crate) drop_unreadable: bool,
}

/// Where a key is: 64 hex digits, in a file or in an environment variable.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum KeyPlace {
    /// A file that holds nothing else.
    File(PathBuf),
    /// An environment variable.
    Env(String),
}

impl SecretsSection {
    /// Reads the keys.
    pub(crate) fn keys(&self) -> anyhow::Result<SecretKeys> {
        let present = self.key.as_ref().map(|place| place.read("secrets.key")).transpose()?;
        let previous = self.previous_keys.iter().map(|place| place.read("secrets.previousKeys"));
        Ok(SecretKeys {
            present,
            previous: previous.collect::<anyhow::Result<_>>()?,
            drop_unreadable: self.drop_unreadable,
        })
    }

    /// Paths are meant from this folder.
    pub(crate) fn stand_in(&mut self, folder: &Path) {
        for place in self.key.iter_mut().chain(&mut self.previous_keys) {
            if let KeyPlace::File(file) = place {
                *file = folder.join(&*file);
            }
        }
    }
}

impl KeyPlace {
    fn read(&self, whose: &str) -> anyhow::Result<SecretKey> {
        let (text, place) = match self {
            Self::File(file) => {
                let shown = file.display();
                refuse_others(file, whose)?;
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("{whose}: the file {shown} cannot be read"))?;
                (text, format!("the file {shown}"))
            }
            Self::Env(name) => {
                let text = std::env::var(name)
                    .ok()
                    .with_context(|| format!("{whose}: there is no environment variable {name}"))?;
                (text, format!("the environment variable {name}"))
            }
        };
        // The text is a key, or nearly one: it is not shown.
        SecretKey::parse(&text).with_context(|| format!("{whose}: {place} does not hold a key"))
    }
}

/// A key that others on the machine can read is none.
fn refuse_others(file: &Path, whose: &str) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(about) = std::fs::metadata(file) else { return Ok(()) };
    if about.permissions().mode() & 0o077 != 0 {
        bail!("{whose}: others can read {0}: run `chmod 600 {0}`", file.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_comes_from_a_file_that_its_owner_alone_can_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, format!("{}\n", "0123456789abcdef".repeat(4))).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let mut section =
            SecretsSection { key: Some(KeyPlace::File("key".into())), ..SecretsSection::default() };
        section.stand_in(folder.path());
        assert!(section.keys().unwrap_err().to_string().contains("chmod 600"));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(section.keys().unwrap().present.is_some());
        std::fs::write(&file, "hunter2-is-no-key").unwrap();
        let told = format!("{:#}", section.keys().unwrap_err());
        assert!(told.contains("64 hex digits") && !told.contains("hunter2"), "{told}");
        section.key = Some(KeyPlace::Env("ORGATA_TEST_NO_SUCH_KEY".into()));
        assert!(section.keys().unwrap_err().to_string().contains("ORGATA_TEST_NO_SUCH_KEY"));
    }
}

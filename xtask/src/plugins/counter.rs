//! Ten versions of the fixture `counter`, for tests of hot reload, from one build.
//!
//! The component's data holds `counter-version=` and 16 bytes for the version: writing others over them
//! gives a valid component with another digest.

use anyhow::{Context as _, Result, bail};

use super::Guest;

const MARK: &[u8] = b"counter-version=";
const WIDTH: usize = 16;

/// `counter-1` says that it is version 1.0.0, and so on.
pub(super) fn versions(guests: &[Guest]) -> Result<Vec<Guest>> {
    let Some(counter) = guests.iter().find(|guest| guest.name == "counter") else {
        return Ok(Vec::new());
    };
    let version = |number: u32| {
        let bytes = stamped(&counter.bytes, &format!("{number}.0.0"))?;
        Ok(Guest { name: format!("counter-{number}"), bytes, shippable: false })
    };
    (1..=10).map(version).collect()
}

/// The component with another version in it.
fn stamped(component: &[u8], version: &str) -> Result<Vec<u8>> {
    if version.len() > WIDTH {
        bail!("version {version} does not fit into {WIDTH} bytes");
    }
    let windows = component.windows(MARK.len()).enumerate();
    let places: Vec<_> = windows.filter_map(|(at, bytes)| (bytes == MARK).then_some(at)).collect();
    let [place] = places.as_slice() else {
        bail!("the counter should hold its version once, and does so {} times", places.len());
    };
    let mut bytes = component.to_vec();
    let from = place + MARK.len();
    let stamp = bytes.get_mut(from..from + WIDTH).context("the counter ends inside its version")?;
    stamp.copy_from_slice(format!("{version:<WIDTH$}").as_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_version_changes() {
        let old = b"head counter-version=1.0.0           tail";
        assert_eq!(stamped(old, "10.0.0").unwrap(), b"head counter-version=10.0.0          tail");
    }

    #[test]
    fn a_component_without_its_stamp_is_refused() {
        assert!(stamped(b"nothing here", "1.0.0").is_err());
        assert!(stamped(b"counter-version=1", "1.0.0").is_err());
    }
}

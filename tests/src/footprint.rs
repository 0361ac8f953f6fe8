//! What a host takes of the machine, as Linux tells it.

use std::fs;

use crate::host::TestHost;

impl TestHost {
    /// The most memory that it ever held, in MiB.
    pub fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process_id()));
        let status = status.expect("a running process has a status");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak
            .and_then(|peak| peak.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok())
            .unwrap_or_else(|| panic!("the status tells the peak: {status}"));
        kib / 1024
    }

    /// How many processes it has started that still run.
    pub fn children(&self) -> usize {
        let own = self.process_id().to_string();
        let processes = fs::read_dir("/proc").expect("Linux tells its processes").flatten();
        let stats = processes.filter_map(|process| fs::read_to_string(process.path().join("stat")).ok());
        stats.filter(|stat| parent(stat) == Some(own.as_str())).count()
    }
}

/// The parent in a line of `/proc/PID/stat`: `PID (NAME) STATE PARENT …`, where the name may hold anything.
fn parent(stat: &str) -> Option<&str> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let (state, rest) = rest.split_once(' ')?;
    // One that has ended and was not waited for takes nothing.
    (state != "Z").then(|| rest.split(' ').next())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_found_behind_any_name() {
        assert_eq!(parent("12 (a) b (c) S 7 12 12 0"), Some("7"));
        assert_eq!(parent("12 (gone) Z 7 12 12 0"), None);
        assert_eq!(parent("nonsense"), None);
    }
}

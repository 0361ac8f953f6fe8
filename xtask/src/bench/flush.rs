//! What one flush to disk costs here and now.
//!
//! A durable engine waits for flushes, and on shared disks their price changes by the minute. A row of
//! numbers without it cannot be compared with another. Where others use the processors too, the wait for one
//! after the flush is part of the price.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// Enough for a steady median, few enough to take a second on a slow disk.
const FLUSHES: usize = 101;

/// The median time of a 4 KiB append and `fdatasync`, in the folder where the store will be.
pub(super) fn median(folder: &Path) -> Result<Duration> {
    let path = folder.join("flush-probe");
    let mut file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let page = [0x5a; 4096];
    let mut times = Vec::with_capacity(FLUSHES);
    for _ in 0..FLUSHES {
        let began = Instant::now();
        file.write_all(&page)?;
        file.sync_data()?;
        times.push(began.elapsed());
    }
    drop(file);
    std::fs::remove_file(&path)?;
    times.sort();
    times.get(FLUSHES / 2).copied().context("no flush was measured")
}

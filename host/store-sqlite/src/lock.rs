//! One data file, one host.
//!
//! An advisory lock on a file beside the data, held by the open handle: the kernel gives it back when the
//! process ends, however it ends, so there is no stale lock to remove by hand.
//! Not SQLite's own exclusive mode: that would lock out our readers too.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::open::{OpenError, private};

/// The lock, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Lock {
    _held: File,
}

impl Lock {
    /// Takes the lock of this data file, or says who stands in the way.
    pub(crate) fn take(data: &Path) -> Result<Self, OpenError> {
        let path = beside(data);
        let file = private().open(&path).map_err(|source| OpenError::Io {
            what: "open",
            path: path.clone(),
            source,
        })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _held: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { data: data.to_owned(), lock: path }),
            Err(TryLockError::Error(source)) => Err(OpenError::Io { what: "lock", path, source }),
        }
    }
}

fn beside(data: &Path) -> PathBuf {
    let mut name = data.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

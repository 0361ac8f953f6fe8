//! Opening the data file: lock, modes, version of SQLite, settings of its connections, migrations.

use std::fs::OpenOptions;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::migrate::MigrateError;
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool,
    SqlitePoolOptions, SqliteSynchronous,
};

use crate::audit::Links;
use crate::checkpoint;
use crate::lock::Lock;
use crate::migrations;

/// The oldest SQLite that is trusted: those before it can lose committed data in WAL mode.
const OLDEST: (u32, u32, u32) = (3, 51, 3);

/// Bytes of the log that stay on disk when it begins anew.
const LOG_KEPT: &str = "67108864";

/// How the store uses the machine. The defaults suit two cores and a few gigabytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// Connections that read, each with a thread of its own. At least 1.
    pub readers: u32,
    /// Page cache of the writer, in MiB.
    pub writer_cache_mib: u32,
    /// Page cache of each reader, in MiB.
    pub reader_cache_mib: u32,
    /// The log is folded into the data file when it is about this long, in MiB. Longer ones are folded less often,
    /// and the pages that change all the time are copied once for more commits; but reading past them costs
    /// memory, and opening after a crash time.
    pub log_mib: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { readers: 3, writer_cache_mib: 64, reader_cache_mib: 8, log_mib: 16 }
    }
}

/// Why the data file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another host has it.
    #[error("{data} is in use by another host, which holds the lock {lock}", data = .data.display(), lock = .lock.display())]
    InUse {
        /// The data file.
        data: PathBuf,
        /// The lock file.
        lock: PathBuf,
    },
    /// A file or folder cannot be used.
    #[error("cannot {what} {path}", path = .path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The program was built with a SQLite that loses data.
    #[error("SQLite {found} is too old: versions before 3.51.3 can lose committed data in WAL mode")]
    Outdated {
        /// Its version.
        found: String,
    },
    /// The file system cannot share memory between connections, which the log needs: a network one, most likely.
    #[error("{path} cannot have a write-ahead log where it is: keep it on a local disk", path = .path.display())]
    NoLog {
        /// The data file.
        path: PathBuf,
    },
    /// SQLite cannot open the file, or it is not a database.
    #[error("cannot open the data file {path}", path = .path.display())]
    Database {
        /// The data file.
        path: PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },
    /// The data file was made by a build whose shapes are not those of this release: a development one, or a newer
    /// release. It is left as it is.
    #[error("the data file {path} was made by another build, {whose}: start that one on it, or give this one another \
             data folder, or move this folder away to begin anew", path = .path.display())]
    OtherShape {
        /// The data file.
        path: PathBuf,
        /// In what it differs.
        whose: String,
    },
    /// The data file cannot be brought to the shape of this release.
    #[error("cannot bring the data file {path} to the shape of this release", path = .path.display())]
    Migration {
        /// The data file.
        path: PathBuf,
        /// Which step, and why.
        source: sqlx::migrate::MigrateError,
    },
}

/// An open data file.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) lock: Lock,
    pub(crate) file: DataFile,
    pub(crate) writer: SqliteConnection,
    /// Where the chain of the audit goes on.
    pub(crate) links: Links,
    pub(crate) folder: SqliteConnection,
    /// Bytes that the log holds already: whoever was killed has not folded it.
    pub(crate) logged: usize,
    pub(crate) readers: SqlitePool,
}

/// Opens the data file, making it and bringing it up to date where needed.
pub(crate) async fn open(path: &Path, settings: &Settings) -> Result<Opened, OpenError> {
    let lock = Lock::take(path)?;
    let file = DataFile::make(path)?;
    let failed = |source| OpenError::Database { path: path.to_owned(), source };
    let mut writer = writer_options(path, settings).connect().await.map_err(failed)?;
    let found = ask(&mut writer, "SELECT sqlite_version()").await.map_err(failed)?;
    if !is_trusted(&found) {
        return Err(OpenError::Outdated { found });
    }
    // SQLite does not fail when it cannot have a log: it goes on with a journal, where readers stop the writer.
    if ask(&mut writer, "PRAGMA journal_mode").await.map_err(failed)? != "wal" {
        return Err(OpenError::NoLog { path: path.to_owned() });
    }
    migrations::run(&mut writer).await.map_err(|error| unmigrated(path, error))?;
    let links = Links::of(&mut writer).await.map_err(failed)?;
    let mut folder = writer_options(path, settings).connect().await.map_err(failed)?;
    let logged = checkpoint::logged(&mut folder).await.map_err(failed)?;
    let readers = SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(settings.readers.max(1))
        // A file does not hang up: asking before each use would double the cost of a small read.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(reader_options(path, settings))
        .await
        .map_err(failed)?;
    Ok(Opened { lock, file, writer, links, folder, logged, readers })
}

/// Why the shape of a file cannot be made that of this release.
fn unmigrated(path: &Path, error: MigrateError) -> OpenError {
    let path = path.to_owned();
    match error {
        MigrateError::VersionMismatch(step) => OpenError::OtherShape {
            path,
            whose: format!("whose migration {step} is not the one of this release"),
        },
        MigrateError::VersionMissing(step) => OpenError::OtherShape {
            path,
            whose: format!("whose migration {step} this release does not have"),
        },
        source => OpenError::Migration { path, source },
    }
}

/// The data file, as it was when it was opened.
#[derive(Debug)]
pub(crate) struct DataFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl DataFile {
    /// Made by us, so that nobody else may read it: SQLite gives its side files the same mode.
    fn make(path: &Path) -> Result<Self, OpenError> {
        let file = private().open(path).and_then(|file| file.metadata());
        let file = file.map_err(|source| OpenError::Io { what: "open", path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), device: file.dev(), inode: file.ino() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the path still leads to the same file.
    pub(crate) fn is_in_place(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|file| file.dev() == self.device && file.ino() == self.inode)
    }
}

/// Opens or makes a file that only its owner may read and write.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::from_secs(5))
        .foreign_keys(false)
        .pragma("temp_store", "memory")
        .disable_statement_logging()
}

pub(crate) fn writer_options(path: &Path, settings: &Settings) -> SqliteConnectOptions {
    options(path)
        // Takes hold when the file is made. `reclaim` says when free pages are given back.
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // `checkpoint` does it.
        .pragma("wal_autocheckpoint", "0")
        // The log stays as long as it was, for writing over is cheaper than growing; but not for one bad hour.
        .pragma("journal_size_limit", LOG_KEPT)
        .pragma("cache_size", kib(settings.writer_cache_mib))
        .statement_cache_capacity(256)
        .thread_name(|_| "orgata-store-writer".into())
}

fn reader_options(path: &Path, settings: &Settings) -> SqliteConnectOptions {
    options(path)
        .read_only(true)
        .pragma("cache_size", kib(settings.reader_cache_mib))
        .thread_name(|number| format!("orgata-store-reader-{number}"))
}

/// SQLite takes a negative number for KiB, a positive one for pages.
fn kib(mib: u32) -> String {
    format!("-{}", u64::from(mib.max(1)) * 1024)
}

async fn ask(connection: &mut SqliteConnection, sql: &'static str) -> Result<String, sqlx::Error> {
    sqlx::query_scalar(sql).fetch_one(connection).await
}

fn is_trusted(version: &str) -> bool {
    let mut numbers = version.split('.').map_while(|part| part.parse().ok());
    let mut next = || numbers.next().unwrap_or(0_u32);
    (next(), next(), next()) >= OLDEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_that_loses_data_is_not_trusted() {
        for bad in ["3.51.2", "3.7.17", "3.50.99", "2.99.99", "", "x"] {
            assert!(!is_trusted(bad), "{bad}");
        }
        for good in ["3.51.3", "3.52.0", "4.0"] {
            assert!(is_trusted(good), "{good}");
        }
    }
}

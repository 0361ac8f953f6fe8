//! A library that makes the disk of one folder bad: loaded before the C library, between a program and its disk.
//!
//! It is no part of any crate: `orgata_tests::disk` has it compiled and loaded into a host. What goes wrong is said by
//! files in the folder that `ORGATA_TEST_DISK` names; it goes wrong for what lies in `ORGATA_TEST_DISK_OF`:
//!
//! - `full`: what would make a file longer is refused, as when no block is free (ENOSPC).
//! - `read-only`: nothing is written, and nothing opened for writing (EROFS).
//! - `slow`: a flush takes 50 ms more.
//!
//! Not here: torn writes and flushes that lie. The store's own tests have those.

#![deny(unsafe_op_in_unsafe_fn)]

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

const ENOSPC: c_int = 28;
const EROFS: c_int = 30;
const SEEK_CUR: c_int = 1;
const SEEK_END: c_int = 2;
const SEEK_SET: c_int = 0;
const O_ACCMODE: c_int = 3;
const O_CREAT: c_int = 0o100;
/// The symbol that would have been found without this library.
const RTLD_NEXT: *mut c_void = -1_isize as *mut c_void;
const SLOW: Duration = Duration::from_millis(50);

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn access(path: *const c_char, mode: c_int) -> c_int;
    fn lseek(file: c_int, by: i64, whence: c_int) -> i64;
    fn __errno_location() -> *mut c_int;
}

/// The C library's own function of this name.
macro_rules! real {
    ($name:literal as $kind:ty) => {
        // SAFETY: the C library has a function of this name and kind: this library stands in front of it.
        unsafe { std::mem::transmute::<*mut c_void, $kind>(dlsym(RTLD_NEXT, $name.as_ptr())) }
    };
}

/// Whether this goes wrong now.
fn now(what: &str) -> bool {
    let Some(control) = std::env::var_os("ORGATA_TEST_DISK") else { return false };
    let path = Path::new(&control).join(what);
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: a path that ends with a zero; nothing is written through it.
    unsafe { access(path.as_ptr(), 0) == 0 }
}

/// Whether a path is on the bad disk.
fn is_on(path: &Path) -> bool {
    let path = std::path::absolute(path).unwrap_or_default();
    std::env::var_os("ORGATA_TEST_DISK_OF").is_some_and(|folder| path.starts_with(folder))
}

fn path_of(file: c_int) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{file}")).ok()
}

fn refuse(error: c_int) -> isize {
    // SAFETY: every thread has its own, for as long as it lives.
    unsafe { *__errno_location() = error };
    -1
}

/// Why a write up to this place in a file is refused, if it is.
fn refuses(file: c_int, end: impl FnOnce() -> i64) -> Option<c_int> {
    let (full, read_only) = (now("full"), now("read-only"));
    if !(full || read_only) || !path_of(file).is_some_and(|path| is_on(&path)) {
        return None;
    }
    if read_only {
        return Some(EROFS);
    }
    // SAFETY: places in an open file; the one it stood at is restored.
    let (place, length) = unsafe {
        let place = lseek(file, 0, SEEK_CUR);
        let length = lseek(file, 0, SEEK_END);
        lseek(file, place, SEEK_SET);
        (place, length)
    };
    (place >= 0 && end() > length).then_some(ENOSPC)
}

fn flush(file: c_int) {
    if now("slow") && path_of(file).is_some_and(|path| is_on(&path)) {
        std::thread::sleep(SLOW);
    }
}

/// `write(2)`.
#[unsafe(no_mangle)]
pub extern "C" fn write(file: c_int, from: *const c_void, count: usize) -> isize {
    // SAFETY: it only tells where the file stands.
    if let Some(error) = refuses(file, || unsafe { lseek(file, 0, SEEK_CUR) } + count as i64) {
        return refuse(error);
    }
    real!(c"write" as extern "C" fn(c_int, *const c_void, usize) -> isize)(file, from, count)
}

/// `pwrite(2)`.
#[unsafe(no_mangle)]
pub extern "C" fn pwrite(file: c_int, from: *const c_void, count: usize, at: i64) -> isize {
    if let Some(error) = refuses(file, || at + count as i64) {
        return refuse(error);
    }
    real!(c"pwrite" as extern "C" fn(c_int, *const c_void, usize, i64) -> isize)(file, from, count, at)
}

/// `pwrite(2)` under its other name.
#[unsafe(no_mangle)]
pub extern "C" fn pwrite64(file: c_int, from: *const c_void, count: usize, at: i64) -> isize {
    pwrite(file, from, count, at)
}

/// `fsync(2)`.
#[unsafe(no_mangle)]
pub extern "C" fn fsync(file: c_int) -> c_int {
    flush(file);
    real!(c"fsync" as extern "C" fn(c_int) -> c_int)(file)
}

/// `fdatasync(2)`.
#[unsafe(no_mangle)]
pub extern "C" fn fdatasync(file: c_int) -> c_int {
    flush(file);
    real!(c"fdatasync" as extern "C" fn(c_int) -> c_int)(file)
}

/// `open(2)`. Declared with its third argument, which callers leave out when it does not count.
#[unsafe(no_mangle)]
pub extern "C" fn open(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    let writes = flags & O_ACCMODE != 0 || flags & O_CREAT != 0;
    if writes && now("read-only") {
        // SAFETY: callers of open hand over a path that ends with a zero.
        let path = unsafe { CStr::from_ptr(path) };
        if is_on(Path::new(std::ffi::OsStr::from_bytes(path.to_bytes()))) {
            return refuse(EROFS) as c_int;
        }
    }
    real!(c"open" as extern "C" fn(*const c_char, c_int, c_uint) -> c_int)(path, flags, mode)
}

/// `open(2)` under its other name.
#[unsafe(no_mangle)]
pub extern "C" fn open64(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    open(path, flags, mode)
}

//! A library that Linux puts before the system's (`LD_PRELOAD`): `fsync` and `fdatasync` do what they always do, and
//! then take a millisecond longer. So every program, whatever it is written in, has the same slower disk.
#![cfg(target_os = "linux")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

const LONGER: Duration = Duration::from_millis(1);

/// The first of that name after this library.
const RTLD_NEXT: *mut c_void = -1_isize as *mut c_void;

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
}

type Sync = extern "C" fn(c_int) -> c_int;

/// The system's own function of that name; `None` where it has none.
fn next(name: &CStr) -> Option<Sync> {
    // SAFETY: the name ends with a zero byte, and looking for it changes nothing.
    let found = unsafe { dlsym(RTLD_NEXT, name.as_ptr()) };
    // SAFETY: it is fsync or fdatasync, both of which take and return an int; null becomes `None`.
    unsafe { std::mem::transmute::<*mut c_void, Option<Sync>>(found) }
}

fn slowly(sync: Option<Sync>, descriptor: c_int) -> c_int {
    let outcome = sync.map_or(-1, |sync| sync(descriptor));
    // Not after a failure: sleeping may change errno, which tells the caller why.
    if outcome == 0 {
        thread::sleep(LONGER);
    }
    outcome
}

/// Waits until a file is on the disk, and a millisecond more.
// SAFETY: the system's function of this name has the same face and the same meaning.
#[unsafe(no_mangle)]
pub extern "C" fn fsync(descriptor: c_int) -> c_int {
    static NEXT: OnceLock<Option<Sync>> = OnceLock::new();
    slowly(*NEXT.get_or_init(|| next(c"fsync")), descriptor)
}

/// Waits until the contents of a file are on the disk, and a millisecond more.
// SAFETY: the system's function of this name has the same face and the same meaning.
#[unsafe(no_mangle)]
pub extern "C" fn fdatasync(descriptor: c_int) -> c_int {
    static NEXT: OnceLock<Option<Sync>> = OnceLock::new();
    slowly(*NEXT.get_or_init(|| next(c"fdatasync")), descriptor)
}

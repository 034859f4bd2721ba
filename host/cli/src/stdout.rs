//! [`check`]: whether the program was started with a standard output.
//!
//! Rust's runtime opens `/dev/null` in the place of a standard stream that is closed, and takes what is written there
//! for written. So this is checked before it starts.

use std::io;
#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(target_os = "linux")]
static CLOSED: AtomicBool = AtomicBool::new(false);

#[cfg(target_os = "linux")]
#[used]
#[expect(unsafe_code, reason = "the section of functions that run before the runtime")]
// SAFETY: the linker's section holds pointers to functions of this kind, and `look` calls nothing but one system call.
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

#[cfg(target_os = "linux")]
extern "C" fn look() {
    #[expect(unsafe_code, reason = "a system call that has no safe form before the runtime")]
    // SAFETY: fcntl with F_GETFD reads a number.
    let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
    CLOSED.store(flags == -1, Ordering::Relaxed);
}

/// An error where standard output was closed when the program was started.
pub(crate) fn check() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if CLOSED.load(Ordering::Relaxed) {
        return Err(io::Error::new(io::ErrorKind::NotConnected, "it was closed before the program started"));
    }
    Ok(())
}

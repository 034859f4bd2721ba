//! What a plugin prints is lines of its log: of the level info with `println!`, error with `eprintln!` and in a panic. A line that
//! does not end is not logged.
//!
//! The standard library prints with the function `write` of the C library. The one below takes its place, so that the component
//! does not import the streams, terminals and clocks of WASI, which nothing else needs: a call takes less time. In unit tests, which
//! are programs of the author's machine, nothing is replaced.
#![cfg(target_family = "wasm")]

use std::{
    cell::RefCell,
    ffi::{c_int, c_void},
};

use crate::bindings::assay::plugin::logging::{Level, log};

/// Bytes of a line that are kept until it ends; what is longer is logged in parts.
const LINE_BYTES: usize = 4096;

/// The last line of a panic. A plugin has no environment.
const BACKTRACE_NOTE: &[u8] = b"note: run with `RUST_BACKTRACE=1`";

thread_local! {
    /// What is printed of lines that have not ended, on standard output and standard error.
    static UNFINISHED: RefCell<[Vec<u8>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

/// `write` of the C library (POSIX, `unistd.h`), for the standard streams: a plugin has no files.
///
/// # Safety
/// There are `length` bytes at `bytes`.
#[unsafe(no_mangle)]
unsafe extern "C" fn write(stream: c_int, bytes: *const c_void, length: usize) -> isize {
    let (at, level) = match stream {
        1 => (0, Level::Info),
        2 => (1, Level::Error),
        _ => return -1,
    };
    if length == 0 {
        return 0;
    }
    // SAFETY: so says the caller, and bytes that exist are not at null.
    let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length) };
    UNFINISHED.with(|unfinished| {
        // It is borrowed if this code panics: the panic is not printed then.
        if let Ok(mut unfinished) = unfinished.try_borrow_mut() {
            print(level, &mut unfinished[at], bytes);
        }
    });
    length.cast_signed()
}

fn print(level: Level, unfinished: &mut Vec<u8>, bytes: &[u8]) {
    for mut line in bytes.split_inclusive(|byte| *byte == b'\n') {
        while !line.is_empty() {
            let room = LINE_BYTES - unfinished.len();
            let (part, rest) = line.split_at(line.len().min(room));
            unfinished.extend_from_slice(part);
            if part.len() == room || part.ends_with(b"\n") {
                end(level, unfinished);
            }
            line = rest;
        }
    }
}

fn end(level: Level, unfinished: &mut Vec<u8>) {
    let line = unfinished.trim_ascii_end();
    if !line.is_empty() && !line.starts_with(BACKTRACE_NOTE) {
        log(level, &String::from_utf8_lossy(line));
    }
    unfinished.clear();
}

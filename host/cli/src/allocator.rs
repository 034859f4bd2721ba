//! The allocator of the program, how much it keeps (`SETTINGS`), and [`trim`], which gives back what is free.
//!
//! A quarter of the time of an evaluation passes in the allocator, and jemalloc needs less than half of what the C library
//! does there. Only allocations of Rust go through it: C libraries keep the C library's.

/// Where the program uses jemalloc. Elsewhere the allocator of the system serves, and nothing is tuned.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "jemalloc is a library in C: a symbol that it looks for, a function that it has")]
mod jemalloc {
    use std::{
        ffi::{CStr, c_char},
        ptr,
    };

    use tikv_jemalloc_sys::mallctl;
    use tikv_jemallocator::Jemalloc;

    #[global_allocator]
    static GLOBAL: Jemalloc = Jemalloc;

    /// What jemalloc reads before the first allocation (its manual, "TUNING"): two arenas instead of four for each
    /// processor, since what one thread allocates and another frees stays in the arena of the first; pages that have been
    /// free for a second go back to the system.
    const SETTINGS: &CStr = c"narenas:2,dirty_decay_ms:1000,muzzy_decay_ms:0";

    // SAFETY: no other symbol has this name, it has the type that jemalloc expects, and the text is a constant.
    #[unsafe(export_name = "_rjem_malloc_conf")]
    static MALLOC_CONF: Option<&'static c_char> = Some(unsafe { &*SETTINGS.as_ptr() });

    /// All arenas together, by the number that stands for them (`MALLCTL_ARENAS_ALL`).
    const PURGE: &CStr = c"arena.4096.purge";

    /// See [`super::trim`]; whether it was done.
    pub(super) fn trim() -> bool {
        // SAFETY: the name is a C string, and this control neither reads nor writes a value. Where it fails, nothing changes.
        unsafe { mallctl(PURGE.as_ptr(), ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), 0) == 0 }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_allocator_has_our_settings() {
            let mut arenas: u32 = 0;
            let mut size = size_of::<u32>();
            // SAFETY: this control writes one `unsigned` to where it is given, and its size.
            let code = unsafe {
                mallctl(c"opt.narenas".as_ptr(), (&raw mut arenas).cast(), &raw mut size, ptr::null_mut(), 0)
            };
            assert_eq!((code, arenas), (0, 2));
        }

        #[test]
        fn what_is_free_can_be_given_back() {
            assert!(trim());
        }
    }
}

/// Gives what is free back to the system, as after the large work of reading policies.
pub(crate) fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    let _done = jemalloc::trim();
}

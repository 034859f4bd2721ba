//! The allocator of the program, and how much it keeps (`SETTINGS`).
//!
//! A quarter of the time of an evaluation passes in the allocator, and jemalloc needs less than half of what the C library
//! does there. Only allocations of Rust go through it: C libraries keep the C library's.

/// Where the program uses jemalloc. Elsewhere the allocator of the system serves, and nothing is tuned.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "jemalloc is a library in C: a symbol that it looks for, and a function that it has")]
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
    /// free for a second go back to the system. A thread caches only sizes of at most 1 kB: a run of one image lasts
    /// some 20 ms, in which pages that are cached for larger sizes are touched and hardly used again.
    const SETTINGS: &CStr = c"narenas:2,dirty_decay_ms:1000,muzzy_decay_ms:0,tcache_max:1024";

    // SAFETY: no other symbol has this name, it has the type that jemalloc expects, and the text is a constant.
    #[unsafe(export_name = "_rjem_malloc_conf")]
    static MALLOC_CONF: Option<&'static c_char> = Some(unsafe { &*SETTINGS.as_ptr() });

    /// The control that purges all arenas: 4096 is `MALLCTL_ARENAS_ALL`.
    const PURGE: &CStr = c"arena.4096.purge";

    /// Gives pages that are free back to the system. Returns whether that could be done.
    pub(super) fn purge() -> bool {
        // SAFETY: this control neither reads nor writes a value.
        unsafe { mallctl(PURGE.as_ptr(), ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), 0) == 0 }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn free_pages_can_be_given_back() {
            assert!(purge());
        }

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
    }
}

/// Gives memory that is free back to the system at once, for when much is free and the program goes on for long.
pub(crate) fn release_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // Where it fails, the pages go back a second later.
        let _done = jemalloc::purge();
    }
}

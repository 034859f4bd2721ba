//! What the C library's allocator keeps: [`limit_arenas`] by few heaps, and [`trim`] what is free.
//!
//! What one thread allocates and another frees stays in the heap of the first, and what reading the policies took stays
//! in the heaps when they are read. On other systems than Linux with glibc nothing is done.

/// How many heaps the allocator may keep. Left alone it has one for each thread: twice the memory for a hundred
/// components.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const HEAPS: i32 = 2;

/// Bytes from which an allocation stands by itself and goes back to the system when it is freed, such as blobs and
/// reports. Left alone the allocator raises this to the largest it has seen; much lower, and the system takes pages back and
/// gives them again for every document.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: i32 = 1 << 20;

/// To be called before any thread is started.
pub(crate) fn limit_arenas() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for (setting, value) in [(libc::M_ARENA_MAX, HEAPS), (libc::M_MMAP_THRESHOLD, LARGE)] {
        #[expect(unsafe_code, reason = "a setting of the C library")]
        // SAFETY: mallopt stores a number. Where it fails, nothing changes.
        let _changed = unsafe { libc::mallopt(setting, value) };
    }
}

/// Gives what is free back to the system, as after the large work of reading policies.
pub(crate) fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(unsafe_code, reason = "a request to the C library")]
    // SAFETY: malloc_trim touches nothing that is in use, and takes the allocator's own locks.
    let _changed = unsafe { libc::malloc_trim(0) };
}

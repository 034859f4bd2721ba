//! Two settings of the C library's allocator: [`keep_few`] heaps, and [`give_back`] what is free.
//!
//! What one thread allocates and another frees stays in the heap of the first, and what reading the policies took stays
//! in the heaps when they are read. On other systems than Linux with glibc nothing is done.

/// How many heaps the allocator may keep. Left alone it has one for each thread: twice the memory for a hundred
/// components.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const HEAPS: i32 = 2;

/// To be called before any thread is started.
pub(crate) fn keep_few() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(unsafe_code, reason = "a setting of the C library")]
    // SAFETY: mallopt stores a number. Where it fails, nothing changes.
    let _changed = unsafe { libc::mallopt(libc::M_ARENA_MAX, HEAPS) };
}

/// Gives what is free back to the system, as after the large work of reading policies.
pub(crate) fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(unsafe_code, reason = "a request to the C library")]
    // SAFETY: malloc_trim touches nothing that is in use, and takes the allocator's own locks.
    let _changed = unsafe { libc::malloc_trim(0) };
}

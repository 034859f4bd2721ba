//! [`Measured`]: a program that runs while its memory is looked at.

use std::{
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// How often its memory is looked at. The system keeps the maximum; what is missed is what grows in the last moment.
const LOOK: Duration = Duration::from_millis(10);

/// A program that was started. It is killed when it is dropped.
pub(crate) struct Measured {
    child: Child,
    peak_kib: u64,
}

impl Measured {
    /// Starts it without its output.
    pub(crate) fn start(command: &mut Command) -> std::io::Result<Self> {
        Ok(Self { child: command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?, peak_kib: 0 })
    }

    /// The most memory so far, in MiB.
    pub(crate) const fn peak_mib(&self) -> u64 {
        self.peak_kib / 1024
    }

    /// Looks whether it has ended, and at its memory, until it has or the work says that it is enough. Returns how it ended.
    pub(crate) fn watch(&mut self, mut is_enough: impl FnMut(Instant) -> bool) -> std::io::Result<Option<ExitStatus>> {
        loop {
            self.peak_kib = self.peak_kib.max(peak_kib(self.child.id()).unwrap_or_default());
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if is_enough(Instant::now()) {
                return Ok(None);
            }
            std::thread::park_timeout(LOOK);
        }
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// `VmHWM` of a process (`proc_pid_status(5)`).
fn peak_kib(process: u32) -> Option<u64> {
    let status = fs_err::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

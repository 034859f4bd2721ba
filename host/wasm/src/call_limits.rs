//! [`CallLimits`]: what one call may use, in the units of a manifest.
//!
//! Each world has defaults. A manifest may request other values, up to the caps of its world; the operator's `limits` cap
//! them all. A limit that a call reaches is named in the error, with where it is raised.

use std::time::Duration;

use crate::limits::{self, FUEL_PER_MS};

/// What one call may use, each value by the name that it has in a manifest and in the operator's `limits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallLimits {
    /// All linear memories together, `memory-mib`.
    pub memory_mib: u64,
    /// Computing time, `cpu-ms`. A check counts instructions instead: [`FUEL_PER_MS`] for each millisecond.
    pub cpu_ms: u64,
    /// Time from the beginning to the end, with everything the host does, `call-ms`. A check has none.
    pub call_ms: u64,
    /// Artifacts of the job, `artifact-mib`.
    pub artifact_mib: u64,
    /// The state between two calls of an adapter, `state-kib`.
    pub state_kib: u64,
    /// Log text, `log-kib`.
    pub log_kib: u64,
    /// HTTP requests, `http-requests`.
    pub http_requests: u64,
    /// The body of one HTTP request or response, `http-mib`.
    pub http_mib: u64,
}

/// A limit: its name, and how it is read and written.
struct Field {
    name: &'static str,
    get: fn(&CallLimits) -> u64,
    set: fn(&mut CallLimits, u64),
}

const FIELDS: [Field; 8] = [
    Field { name: "memory-mib", get: |limits| limits.memory_mib, set: |limits, value| limits.memory_mib = value },
    Field { name: "cpu-ms", get: |limits| limits.cpu_ms, set: |limits, value| limits.cpu_ms = value },
    Field { name: "call-ms", get: |limits| limits.call_ms, set: |limits, value| limits.call_ms = value },
    Field { name: "artifact-mib", get: |limits| limits.artifact_mib, set: |limits, value| limits.artifact_mib = value },
    Field { name: "state-kib", get: |limits| limits.state_kib, set: |limits, value| limits.state_kib = value },
    Field { name: "log-kib", get: |limits| limits.log_kib, set: |limits, value| limits.log_kib = value },
    Field {
        name: "http-requests",
        get: |limits| limits.http_requests,
        set: |limits, value| limits.http_requests = value,
    },
    Field { name: "http-mib", get: |limits| limits.http_mib, set: |limits, value| limits.http_mib = value },
];

impl CallLimits {
    /// The defaults of the world `check`.
    pub const CHECK: Self = Self { cpu_ms: 1_000, ..Self::JOB };

    /// The caps of the world `check`: 50,000,000,000 instructions, 512 MiB.
    pub const CHECK_CAP: Self = Self { cpu_ms: 10_000, ..Self::JOB_CAP };

    /// The defaults of all other worlds.
    pub const JOB: Self = Self {
        memory_mib: 64,
        cpu_ms: 2_000,
        call_ms: 30_000,
        artifact_mib: 64,
        state_kib: 16,
        log_kib: 256,
        http_requests: 32,
        http_mib: 8,
    };

    /// The caps of all other worlds.
    pub const JOB_CAP: Self = Self {
        memory_mib: (limits::MAX_MEMORY_BYTES >> 20) as u64,
        cpu_ms: 60_000,
        call_ms: 300_000,
        artifact_mib: 256,
        state_kib: 64,
        log_kib: 4_096,
        http_requests: 1_000,
        http_mib: 64,
    };

    /// The names of all limits.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FIELDS.iter().map(|field| field.name)
    }

    /// Every limit with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        FIELDS.iter().map(|field| (field.name, (field.get)(self)))
    }

    /// The value of a limit by its name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<u64> {
        FIELDS.iter().find(|field| field.name == name).map(|field| (field.get)(self))
    }

    /// These limits with another value for one of them. An unknown name changes nothing: it is for other hosts.
    #[must_use]
    pub fn with(mut self, name: &str, value: u64) -> Self {
        if let Some(field) = FIELDS.iter().find(|field| field.name == name) {
            (field.set)(&mut self, value);
        }
        self
    }

    /// These limits, none above those of `caps`.
    #[must_use]
    pub fn capped(self, caps: impl IntoIterator<Item = (impl AsRef<str>, u64)>) -> Self {
        caps.into_iter().fold(self, |limits, (name, cap)| {
            let name = name.as_ref();
            limits.get(name).map_or(limits, |value| limits.with(name, value.min(cap)))
        })
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        usize::try_from(self.memory_mib << 20).unwrap_or(usize::MAX)
    }

    /// Instructions of a check.
    pub(crate) const fn fuel(&self) -> u64 {
        self.cpu_ms.saturating_mul(FUEL_PER_MS)
    }

    pub(crate) const fn call_time(&self) -> Duration {
        Duration::from_millis(self.call_ms)
    }

    pub(crate) fn artifact_bytes(&self) -> usize {
        usize::try_from(self.artifact_mib << 20).unwrap_or(usize::MAX)
    }

    pub(crate) fn state_bytes(&self) -> usize {
        usize::try_from(self.state_kib << 10).unwrap_or(usize::MAX)
    }

    pub(crate) fn log_bytes(&self) -> usize {
        usize::try_from(self.log_kib << 10).unwrap_or(usize::MAX)
    }

    pub(crate) fn http_bytes(&self) -> usize {
        usize::try_from(self.http_mib << 20).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_has_a_name_and_its_cap_is_above_its_default() {
        for (defaults, caps) in [(CallLimits::CHECK, CallLimits::CHECK_CAP), (CallLimits::JOB, CallLimits::JOB_CAP)] {
            for (name, value) in defaults.iter() {
                assert!(value > 0 && Some(value) < caps.get(name), "{name}");
                assert_eq!(defaults.with(name, 7).get(name), Some(7));
            }
        }
        assert_eq!(CallLimits::names().count(), 8);
        assert_eq!(CallLimits::CHECK.fuel(), 5_000_000_000);
        assert_eq!(CallLimits::CHECK_CAP.fuel(), 50_000_000_000);
    }

    #[test]
    fn an_operator_lowers_limits_and_never_raises_them() {
        let capped = CallLimits::JOB.capped([("memory-mib", 8), ("cpu-ms", 90_000), ("something-else", 1)]);
        assert_eq!((capped.memory_mib, capped.cpu_ms), (8, 2_000));
    }
}

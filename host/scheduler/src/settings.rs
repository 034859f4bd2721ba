//! [`Settings`]: how a scheduler works, and [`Stop`]: how it is ended early.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// How a scheduler works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who it is, for people.
    pub name: String,
    /// Calls of plugins at a time.
    pub workers: NonZeroUsize,
    /// How long a job stays in the hand of a worker that says nothing.
    pub lease: Duration,
    /// What jitter is derived from.
    pub seed: u64,
    /// Further attempts after errors of the infrastructure.
    pub retries: u32,
    /// What every wait before another attempt is multiplied with; tests have little time.
    pub backoff: f64,
    /// The shortest time between two calls of an adapter.
    pub shortest_wait: Duration,
    /// Jobs of one tenant at a time, for tenants that have a quota.
    pub quotas: BTreeMap<String, u32>,
    /// How many jobs may be with a service at a time, by the name of the plugin that talks to it.
    pub services: BTreeMap<String, ServiceLimit>,
}

/// The tokens of a service: each of its jobs has one from when it is offered until it has ended. Plugins of one group share them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceLimit {
    /// The service.
    pub group: String,
    /// Jobs at a time.
    pub max: u32,
}

impl Settings {
    /// With so many workers.
    #[must_use]
    pub fn new(workers: NonZeroUsize) -> Self {
        Self {
            name: format!("assay-{}", std::process::id()),
            workers,
            lease: Duration::from_secs(30),
            seed: 0,
            retries: 3,
            backoff: 1.0,
            shortest_wait: Duration::from_secs(1),
            quotas: BTreeMap::new(),
            services: BTreeMap::new(),
        }
    }
}

/// A wish to end early, from any thread. What runs is let go of, and the runs stay open.
#[derive(Debug, Default)]
pub struct Stop(AtomicBool);

impl Stop {
    /// Requests that the scheduler ends.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was requested.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
